// SPDX-License-Identifier: MIT OR Apache-2.0
//! A pseudo-terminal whose one end is a board.

use std::fs::File;
use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

/// The end of the board.
pub struct Pty {
    board: File,
}

impl Pty {
    pub fn new() -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let board = openpt(flags).unwrap();
        grantpt(&board).unwrap();
        unlockpt(&board).unwrap();
        Self { board: board.into() }
    }

    /// Returns the path of the other end.
    pub fn device(&self) -> String {
        ptsname(&self.board, Vec::new()).unwrap().into_string().unwrap()
    }

    /// Returns whether somebody made it raw.
    pub fn is_raw(&self) -> bool {
        let modes = tcgetattr(&self.board).unwrap().local_modes;
        !modes.intersects(LocalModes::ECHO | LocalModes::ICANON)
    }

    /// Writes at the pace of a serial line, ten bits a byte.
    pub fn write_paced(&self, bytes: &[u8], baud: u32) {
        let start = Instant::now();
        let mut written = 0;
        for chunk in bytes.chunks(64) {
            (&self.board).write_all(chunk).unwrap();
            written += chunk.len();
            let due = start + Duration::from_secs_f64(written as f64 * 10.0 / f64::from(baud));
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }

    /// Returns what came back to the board.
    pub fn echoed(&self) -> Vec<u8> {
        rustix::io::ioctl_fionbio(&self.board, true).unwrap();
        let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
        // Nothing to read, or nobody at the other end any more.
        while let Ok(n @ 1..) = (&self.board).read(&mut chunk) {
            bytes.extend_from_slice(&chunk[..n]);
        }
        bytes
    }
}
