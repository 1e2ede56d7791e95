// SPDX-License-Identifier: MIT OR Apache-2.0
//! One kernel image, and the files by which each kind of firmware finds it.
//!
//! The files are the same bytes for the same kernel and plan: no dates.

mod efi;
mod fit;
mod raspberry_pi;
mod u_boot;

use std::fs;
use std::io;
use std::path::Path;

use crate::error::Error;
use crate::kernel::Kernel;
use crate::output::write;

/// Name of the kernel in every folder.
const KERNEL: &str = "el2-kernel.img";
/// What every file of ours has in it, so that one of somebody else's is not overwritten.
const MARK: &[u8] = b"el2-kernel";

/// What boots the kernel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Door {
    /// An arm64 Linux Image: QEMU -kernel, U-Boot booti, and whatever boots Linux so
    #[default]
    Raw,
    /// A folder for U-Boot: extlinux, a boot script, a FIT
    UBoot,
    /// A folder for UEFI: BOOTAA64.EFI, and a disk image for a USB stick
    Uefi,
    /// A folder for GRUB under UEFI
    Grub,
    /// A folder for the SD card of a Raspberry Pi 3
    Rpi3,
    /// A folder for the SD card of a Raspberry Pi 4
    Rpi4,
    /// A folder for the SD card of a Raspberry Pi 5
    Rpi5,
}

/// A file by its path below the folder.
type File = (&'static str, Vec<u8>);

impl Door {
    /// Writes the kernel for this door: a file, or a folder. Returns what to do with it.
    pub fn write(self, kernel: &Kernel, out: &Path) -> Result<&'static str, Error> {
        let (files, then) = match self {
            Self::Raw => {
                write(out, &kernel.bytes)?;
                return Ok("boot it, and receive its console with --serial, --tcp or --log");
            }
            Self::UBoot => {
                let files = u_boot::files(&kernel.bytes);
                let files = files.map_err(|error| Error::Setup(format!("cannot make a FIT of the kernel: {error}")))?;
                (files, u_boot::THEN)
            }
            Self::Uefi => {
                let files = efi::uefi(&kernel.bytes);
                let files = files
                    .map_err(|error| Error::Setup(format!("cannot make a UEFI application of the kernel: {error}")))?;
                (files, efi::THEN_UEFI)
            }
            Self::Grub => {
                let files = efi::grub(&kernel.bytes);
                let files = files
                    .map_err(|error| Error::Setup(format!("cannot make a UEFI application of the kernel: {error}")))?;
                (files, efi::THEN_GRUB)
            }
            Self::Rpi3 => (raspberry_pi::files(3, &kernel.bytes), raspberry_pi::THEN),
            Self::Rpi4 => (raspberry_pi::files(4, &kernel.bytes), raspberry_pi::THEN),
            Self::Rpi5 => (raspberry_pi::files(5, &kernel.bytes), raspberry_pi::THEN),
        };
        for (name, _) in &files {
            refuse_another(&out.join(name))?;
        }
        for (name, contents) in files {
            let path = out.join(name);
            let folder = path.parent().unwrap_or(out);
            fs::create_dir_all(folder).map_err(|source| Error::Output {
                path: folder.to_owned(),
                source,
            })?;
            write(&path, contents)?;
        }
        Ok(then)
    }
}

/// Refuses to overwrite a file that is not ours, such as the `config.txt` of another system on the same card.
fn refuse_another(path: &Path) -> Result<(), Error> {
    let refused = |source| Error::Output {
        path: path.to_owned(),
        source,
    };
    // Not what may block or never end: a file of this name may be anything.
    match results::file::read(path, 1 << 30) {
        Ok(bytes) if has_mark(&bytes) => Ok(()),
        Ok(_) => Err(refused(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "a file of this name is there, and not from this command",
        ))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(refused(error)),
    }
}

fn has_mark(bytes: &[u8]) -> bool {
    let has = |mark: &[u8]| bytes.windows(mark.len()).any(|window| window == mark);
    has(MARK) || has(&results::image::HEADER_MAGIC)
}
