// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading files of others: only regular ones, and only so much.
//!
//! A run folder or a tree may hold a FIFO that nobody writes to, a link to a device without end, or a file that does not
//! fit the memory.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Largest manifest and other text file of a run that is read whole, in bytes.
pub const MAX_TEXT: u64 = 16 << 20;

/// Opens a regular file. Anything else, which may block or never end, is refused before it is opened.
pub fn open(path: &Path) -> io::Result<File> {
    let is_file = |metadata: &fs::Metadata| metadata.is_file();
    if !is_file(&fs::metadata(path)?) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    File::open(path)
}

/// Reads a regular file of at most `limit` bytes.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    up_to(open(path)?, limit)
}

/// Reads a regular file of at most [`MAX_TEXT`] bytes as text.
pub fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path, MAX_TEXT)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no UTF-8 text"))
}

/// Reads everything, which may be at most `limit` bytes.
pub fn up_to(from: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(limit));
    }
    Ok(bytes)
}

/// Returns the error for what is larger than `limit` bytes.
pub fn too_large(limit: u64) -> io::Error {
    let limit = match limit {
        limit if limit >= 1 << 20 => format!("{} MiB", limit >> 20),
        limit => format!("{limit} bytes"),
    };
    io::Error::new(
        io::ErrorKind::FileTooLarge,
        format!("it is larger than {limit}, the most that is read"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_of_a_size_are_read() {
        let folder = tempfile::TempDir::new().unwrap();
        assert!(read(folder.path(), 9).is_err());
        let path = folder.path().join("a");
        fs::write(&path, "123456789").unwrap();
        assert_eq!(read(&path, 9).unwrap(), b"123456789");
        assert!(read(&path, 8).unwrap_err().to_string().contains("larger than 8 bytes"));
        fs::write(&path, [0xff]).unwrap();
        assert!(read_text(&path).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn what_never_ends_or_never_begins_is_refused_at_once() {
        let folder = tempfile::TempDir::new().unwrap();
        let link = folder.path().join("zero");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        assert!(open(&link).is_err());
        let fifo = folder.path().join("fifo");
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&fifo)
                .status()
                .unwrap()
                .success()
        );
        assert!(open(&fifo).is_err());
    }
}
