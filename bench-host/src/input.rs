// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where console bytes come from: a thread reads, a bounded channel carries them.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

/// Bytes read at once.
const CHUNK: usize = 64 * 1024;
/// Chunks on their way; when they are all full, the reader waits, and so in the end does the machine.
const CHUNKS: usize = 32;

/// What a reader thread has to say.
#[derive(Debug)]
pub enum Event {
    /// Bytes came.
    Bytes(Vec<u8>),
    /// There will be no more, for this reason.
    End(io::Result<()>),
}

/// A file that is opened when it is read first, because that may take for ever.
#[derive(Debug)]
pub enum Later {
    /// Not yet.
    Closed(PathBuf),
    /// By now.
    Open(File),
}

impl Later {
    /// Opens nothing yet.
    pub fn new(path: &Path) -> Self {
        Self::Closed(path.to_owned())
    }
}

impl Read for Later {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self {
                Self::Closed(path) => *self = Self::Open(File::open(path)?),
                Self::Open(file) => return file.read(buffer),
            }
        }
    }
}

/// Reads `from` to its end on a thread of its own.
pub fn read(mut from: impl Read + Send + 'static) -> Receiver<Event> {
    let (sender, receiver) = sync_channel(CHUNKS);
    thread::spawn(move || {
        let mut chunk = vec![0; CHUNK];
        loop {
            let event = match from.read(&mut chunk) {
                Ok(0) => Event::End(Ok(())),
                Ok(n) => Event::Bytes(chunk[..n].to_vec()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Event::End(Err(error)),
            };
            let last = matches!(event, Event::End(_));
            // The other side is gone: nobody wants to know.
            if sender.send(event).is_err() || last {
                break;
            }
        }
    });
    receiver
}
