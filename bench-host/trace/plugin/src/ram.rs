// SPDX-License-Identifier: MIT OR Apache-2.0
//! The guest's memory, and which of its frames hold tables.
// UNSAFETY: maps the file that QEMU keeps the guest's memory in.
#![expect(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::api::Api;

const FRAME: u64 = 12;
/// Frames of a part of the watch list: 64 GiB.
const PART: u64 = 24;
/// Parts: addresses have 52 bits at most.
const PARTS: usize = 1 << (52 - FRAME - PART);

/// Where memory is read.
enum Source {
    /// A file that QEMU shares with us, from this address on.
    File { words: &'static [AtomicU64], base: u64 },
    /// QEMU itself.
    Interface(&'static Api),
}

/// Memory of the guest.
pub struct Ram {
    source: Source,
    watched: Box<[OnceLock<Box<[AtomicU64]>>]>,
}

unsafe extern "C" {
    fn mmap(at: *mut c_void, bytes: usize, protection: c_int, flags: c_int, file: c_int, offset: i64) -> *mut c_void;
}

/// Maps a file, for ever.
fn map(file: &File) -> io::Result<&'static [AtomicU64]> {
    const READ: c_int = 1;
    const SHARED: c_int = 1;
    let bytes = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    if bytes == 0 {
        return Err(io::Error::other("it is empty"));
    }
    // SAFETY: a new mapping of a file that is open, at an address that the system chooses.
    let at = unsafe { mmap(ptr::null_mut(), bytes, READ, SHARED, file.as_raw_fd(), 0) };
    if at.addr() == usize::MAX {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: so many whole words are mapped at a page's address and never unmapped. The guest writes them at any time,
    // which atomic words allow. QEMU does not shrink the file while it runs.
    Ok(unsafe { std::slice::from_raw_parts(at.cast::<AtomicU64>(), bytes / 8) })
}

impl Ram {
    /// Opens the file of `memory-backend-file,share=on`.
    pub fn open(path: &str, base: u64) -> io::Result<Self> {
        let words = map(&File::open(path)?)?;
        Ok(Self::new(Source::File { words, base }))
    }

    /// Reads through QEMU.
    pub fn of_interface(api: &'static Api) -> Self {
        Self::new(Source::Interface(api))
    }

    fn new(source: Source) -> Self {
        Self {
            source,
            watched: (0..PARTS).map(|_| OnceLock::new()).collect(),
        }
    }

    /// Reads aligned words, in the callback of a vCPU; `false` where there is no memory.
    pub fn read(&self, address: u64, words: &mut [u64]) -> bool {
        match self.source {
            Source::Interface(api) => api.read_memory(address, words),
            Source::File { words: held, base } => {
                let held = address.checked_sub(base).and_then(|offset| {
                    let first = usize::try_from(offset / 8).ok()?;
                    held.get(first..first.checked_add(words.len())?)
                });
                let Some(held) = held else { return false };
                for (word, held) in words.iter_mut().zip(held) {
                    *word = u64::from_le(held.load(Ordering::Relaxed));
                }
                true
            }
        }
    }

    /// Reads one aligned word.
    pub fn word(&self, address: u64) -> Option<u64> {
        let mut word = [0];
        self.read(address, &mut word).then_some(word[0])
    }

    /// Returns whether a frame is watched.
    pub fn is_watched(&self, address: u64) -> bool {
        let frame = address >> FRAME;
        let part = self.watched.get((frame >> PART) as usize).and_then(OnceLock::get);
        let within = frame & ((1 << PART) - 1);
        part.is_some_and(|part| part[(within / 64) as usize].load(Ordering::Relaxed) >> (within % 64) & 1 != 0)
    }

    /// Watches frames, or no longer.
    pub fn watch(&self, address: u64, bytes: u64, on: bool) {
        for frame in address >> FRAME..=(address + (bytes.max(1) - 1)) >> FRAME {
            let Some(part) = self.watched.get((frame >> PART) as usize) else {
                continue;
            };
            let part = part.get_or_init(|| (0..1 << (PART - 6)).map(|_| AtomicU64::new(0)).collect());
            let within = frame & ((1 << PART) - 1);
            let (word, bit) = (&part[(within / 64) as usize], 1 << (within % 64));
            if on {
                word.fetch_or(bit, Ordering::Relaxed);
            } else {
                word.fetch_and(!bit, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Ram;
    use std::io::Write as _;

    #[test]
    fn the_file_is_read_where_it_is_and_nowhere_else() {
        let path = std::env::temp_dir().join(format!("trace-plugin-ram-{}", std::process::id()));
        let mut file = std::fs::File::create(&path).unwrap();
        file.write_all(&[0x11; 8]).unwrap();
        file.write_all(&[0; 8184]).unwrap();
        let ram = Ram::open(path.to_str().unwrap(), 0x4000_0000).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(ram.word(0x4000_0000), Some(0x1111_1111_1111_1111));
        assert_eq!(ram.word(0x4000_1ff8), Some(0));
        for outside in [0, 0x3fff_fff8, 0x4000_2000, !7] {
            assert_eq!(ram.word(outside), None, "{outside:#x}");
        }
        assert!(!ram.read(0x4000_1ff8, &mut [0; 2]));
    }

    #[test]
    fn frames_are_watched_one_by_one_at_any_address() {
        let path = std::env::temp_dir().join(format!("trace-plugin-watch-{}", std::process::id()));
        std::fs::write(&path, [0; 64]).unwrap();
        let ram = Ram::open(path.to_str().unwrap(), 0).unwrap();
        std::fs::remove_file(&path).unwrap();
        for first in [0x4000_0000, 0x000f_ffff_ffff_0000, (1 << 36) - 0x1000] {
            assert!(!ram.is_watched(first));
            ram.watch(first, 0x2000, true);
            assert!(ram.is_watched(first) && ram.is_watched(first + 0x1fff) && !ram.is_watched(first + 0x2000));
            ram.watch(first, 1, false);
            assert!(!ram.is_watched(first + 0xfff) && ram.is_watched(first + 0x1000));
        }
        // Outside what an address can be: nothing is there to be watched.
        ram.watch(1 << 60, 0x1000, true);
        assert!(!ram.is_watched(1 << 60));
    }
}
