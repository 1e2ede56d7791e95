// SPDX-License-Identifier: MIT OR Apache-2.0
//! The arm64 boot protocol: the header of an `Image`, and where the image goes.

use crate::error::Error;

/// Where memory begins.
pub const MEMORY: u64 = 0x4000_0000;
/// How much there is: one whole level 1 block.
pub const MEMORY_SIZE: u64 = 0x4000_0000;
/// Images go to their offset from here, a multiple of 2 MiB.
const BASE: u64 = MEMORY + 0x20_0000;
/// Where the device tree is.
pub const DEVICE_TREE: u64 = MEMORY + 0x800_0000;

/// What the header of an image says (Linux, `Documentation/arch/arm64/booting.rst`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Where the image is loaded, and entered.
    pub load: u64,
}

impl Header {
    /// Reads the header of an image.
    pub fn read(image: &[u8]) -> Result<Self, Error> {
        if image.get(0x38..0x3c) != Some(b"ARM\x64".as_slice()) || image.len() < 0x40 {
            return Err(Error::NotAnImage);
        }
        let field = |at: usize| {
            image[at..at + 8]
                .iter()
                .rev()
                .fold(0, |all, &byte| all << 8 | u64::from(byte))
        };
        let (offset, size) = (field(8), field(16).max(image.len() as u64));
        let room = DEVICE_TREE - BASE;
        if offset >= room || size > room - offset {
            return Err(Error::TooLarge { size, room });
        }
        Ok(Self { load: BASE + offset })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(offset: u64, size: u64) -> Vec<u8> {
        let mut image = vec![0; 0x40];
        image[8..16].copy_from_slice(&offset.to_le_bytes());
        image[16..24].copy_from_slice(&size.to_le_bytes());
        image[0x38..0x3c].copy_from_slice(b"ARM\x64");
        image
    }

    #[test]
    fn an_image_goes_to_its_offset() {
        assert_eq!(Header::read(&image(0, 0x1000)), Ok(Header { load: 0x4020_0000 }));
        assert_eq!(Header::read(&image(0x8_0000, 0x1000)), Ok(Header { load: 0x4028_0000 }));
    }

    #[test]
    fn what_is_no_image_or_does_not_fit_is_refused() {
        assert_eq!(Header::read(&[]), Err(Error::NotAnImage));
        assert_eq!(Header::read(&[0; 0x40]), Err(Error::NotAnImage));
        assert_eq!(Header::read(&image(0, 0)[..0x3c]), Err(Error::NotAnImage));
        for (offset, size) in [(0, u64::MAX), (u64::MAX, 1), (0x7e0_0000, 0x1000), (0, 0x7e0_0001)] {
            assert!(matches!(
                Header::read(&image(offset, size)),
                Err(Error::TooLarge { .. })
            ));
        }
        assert!(Header::read(&image(0, 0x7e0_0000)).is_ok());
    }
}
