// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel image as a file that QEMU can open, and that is gone with us however we end.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file with an image.
#[derive(Debug)]
pub struct ImageFile {
    path: PathBuf,
    /// A file that has no name any more: nothing is left to remove, even after SIGKILL.
    _unnamed: Option<File>,
    /// Where only Linux can open that anew: one with a name, which is removed with this value.
    _named: Option<tempfile::NamedTempFile>,
}

impl ImageFile {
    /// Writes an image. Processes started while this lives can open it at [`Self::path`].
    pub fn new(bytes: &[u8]) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if let Some(unnamed) = Self::unnamed(bytes)? {
            return Ok(unnamed);
        }
        let mut file = tempfile::Builder::new()
            .prefix("el2-kernel-")
            .suffix(".img")
            .tempfile()?;
        file.write_all(bytes)?;
        file.flush()?;
        Ok(Self {
            path: file.path().to_owned(),
            _unnamed: None,
            _named: Some(file),
        })
    }

    /// Returns a file without a name, reached by its descriptor; `None` where `/proc` is not there.
    #[cfg(target_os = "linux")]
    fn unnamed(bytes: &[u8]) -> io::Result<Option<Self>> {
        use std::os::fd::AsRawFd;

        use rustix::io::{FdFlags, fcntl_setfd};

        let mut file = tempfile::tempfile()?;
        file.write_all(bytes)?;
        file.flush()?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        if !path.exists() {
            return Ok(None);
        }
        // A child that is started keeps it, and so does the child of a script that stands in for QEMU.
        fcntl_setfd(&file, FdFlags::empty())?;
        Ok(Some(Self {
            path,
            _unnamed: Some(file),
            _named: None,
        }))
    }

    /// Returns the name by which a child opens it.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_child_reads_it_and_so_does_the_child_of_a_child() {
        let image = ImageFile::new(b"an image").unwrap();
        for script in ["cat \"$0\"", "sh -c 'cat \"$0\"; :' \"$0\"; :"] {
            let output = Command::new("sh").args(["-c", script]).arg(image.path()).output();
            assert_eq!(output.unwrap().stdout, b"an image", "{script}");
        }
    }
}
