// SPDX-License-Identifier: MIT OR Apache-2.0
//! The guest's memory: the file behind it, and which of its frames hold tables.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};

const FRAME: u64 = 12;

/// Memory that QEMU shares with us through a file.
pub struct Ram {
    file: File,
    base: u64,
    size: u64,
    watched: Box<[AtomicU64]>,
}

impl Ram {
    /// Opens the file.
    pub fn open(path: &str, base: u64) -> io::Result<Self> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        let words = (size >> FRAME).div_ceil(64) as usize;
        let watched = (0..words).map(|_| AtomicU64::new(0)).collect();
        Ok(Self {
            file,
            base,
            size,
            watched,
        })
    }

    /// Reads aligned words; `false` where there is no memory.
    pub fn read(&self, address: u64, words: &mut [u64]) -> bool {
        let Some(offset) = address.checked_sub(self.base) else {
            return false;
        };
        let mut bytes = vec![0; words.len() * 8];
        if offset + bytes.len() as u64 > self.size || self.file.read_exact_at(&mut bytes, offset).is_err() {
            return false;
        }
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        true
    }

    /// Reads one aligned word.
    pub fn word(&self, address: u64) -> Option<u64> {
        let offset = address.checked_sub(self.base)?;
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, offset).ok()?;
        Some(u64::from_le_bytes(bytes))
    }

    fn bit(&self, address: u64) -> Option<(&AtomicU64, u64)> {
        let frame = address.checked_sub(self.base)? >> FRAME;
        let word = self.watched.get((frame / 64) as usize)?;
        Some((word, 1 << (frame % 64)))
    }

    /// Returns whether a frame is watched.
    pub fn is_watched(&self, address: u64) -> bool {
        self.bit(address)
            .is_some_and(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0)
    }

    /// Watches frames, or no longer.
    pub fn watch(&self, address: u64, bytes: u64, on: bool) {
        for frame in address >> FRAME..=(address + bytes.max(1) - 1) >> FRAME {
            if let Some((word, bit)) = self.bit(frame << FRAME) {
                if on {
                    word.fetch_or(bit, Ordering::Relaxed);
                } else {
                    word.fetch_and(!bit, Ordering::Relaxed);
                }
            }
        }
    }
}
