// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file that grows: what `tail -F` is for.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::InputError;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// A file that is read beyond its end, when there is more; and from its beginning, when it is another file by now.
#[derive(Debug)]
pub struct Growing {
    path: PathBuf,
    file: File,
}

impl Growing {
    /// Opens a file that is there.
    pub fn open(path: &Path) -> Result<Self, InputError> {
        let unreadable = |source| InputError::Log {
            path: path.to_owned(),
            source,
        };
        if fs::metadata(path).map_err(unreadable)?.is_dir() {
            return Err(InputError::IsAFolder(path.to_owned()));
        }
        Ok(Self {
            path: path.to_owned(),
            file: File::open(path).map_err(unreadable)?,
        })
    }

    /// Looks whether the file was replaced, or made empty and written anew.
    fn look_again(&mut self) -> io::Result<()> {
        let ours = self.file.metadata()?;
        if ours.len() < self.file.stream_position()? {
            self.file.rewind()?;
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            // While it is being replaced, it may be absent for a moment.
            if let Ok(named) = fs::metadata(&self.path)
                && (named.dev(), named.ino()) != (ours.dev(), ours.ino())
            {
                self.file = File::open(&self.path)?;
            }
        }
        Ok(())
    }
}

impl Read for Growing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.file.read(buffer)? {
            0 => {
                thread::sleep(LOOK);
                self.look_again()?;
                // Nothing yet is not the end; the one who reads asks again.
                Err(io::ErrorKind::Interrupted.into())
            }
            n => Ok(n),
        }
    }
}
