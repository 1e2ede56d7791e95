// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel image as the host sees it: an arm64 `Image` with our own header behind Linux's, and a plan area.

use core::fmt;

use crate::plan::PlanError;

/// Offset of the arm64 magic in the image (Linux, `Documentation/arch/arm64/booting.rst`).
pub const ARM64_MAGIC_OFFSET: usize = 0x38;
/// The arm64 magic.
pub const ARM64_MAGIC: [u8; 4] = *b"ARM\x64";
/// Offset of our header: magic (8 bytes), then as u32 the offset of the plan area, bytes of it, the offset of the entry
/// for UEFI, the offset where code ends.
pub const HEADER_OFFSET: usize = 0x40;
/// Our magic.
pub const HEADER_MAGIC: [u8; 8] = *b"TLBEL2K2";
/// Bytes of the plan area.
pub const PLAN_CAPACITY: usize = 128 * 1024;

/// Why a file is not a kernel of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageError {
    /// Too short, or no arm64 magic.
    NotAnArm64Image,
    /// An arm64 image, but not of this kernel.
    NotOurKernel,
    /// The plan area lies outside the file.
    Truncated,
    /// The plan does not fit.
    Plan(PlanError),
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnArm64Image => f.write_str("not an arm64 Image (no ARM\\x64 at offset 0x38)"),
            Self::NotOurKernel => f.write_str("an arm64 Image, but not an el2-kernel of this version"),
            Self::Truncated => f.write_str("image is cut short: its plan area lies outside the file"),
            Self::Plan(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ImageError {}

/// What a PE header has to say of a kernel image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// Offset of the entry for UEFI.
    pub uefi_entry: u32,
    /// Offset of the end of what is code, and of the beginning of what is written; a multiple of 4 KiB.
    pub text_end: u32,
    /// Bytes in memory, with what begins as zeros and is not in the file; a multiple of 4 KiB.
    pub size: u32,
}

/// Returns the parts of a kernel image.
pub fn parts(image: &[u8]) -> Result<Parts, ImageError> {
    const IMAGE_SIZE: usize = 0x10;
    let word = our_words(image)?;
    let size = u32::try_from(u64_at(image, IMAGE_SIZE).ok_or(ImageError::Truncated)?);
    let parts = Parts {
        uefi_entry: word(2)?,
        text_end: word(3)?,
        size: size.map_err(|_| ImageError::Truncated)?,
    };
    let in_file = u32::try_from(image.len()).map_err(|_| ImageError::Truncated)?;
    let ordered = parts.uefi_entry < parts.text_end && parts.text_end <= in_file && in_file <= parts.size;
    ordered.then_some(parts).ok_or(ImageError::Truncated)
}

fn u64_at(image: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*image.get(at..)?.first_chunk()?))
}

/// Returns a reader of the words behind our magic, by their number.
fn our_words(image: &[u8]) -> Result<impl Fn(usize) -> Result<u32, ImageError>, ImageError> {
    if image.get(ARM64_MAGIC_OFFSET..ARM64_MAGIC_OFFSET + 4) != Some(&ARM64_MAGIC[..]) {
        return Err(ImageError::NotAnArm64Image);
    }
    if image.get(HEADER_OFFSET..HEADER_OFFSET + 8) != Some(&HEADER_MAGIC[..]) {
        return Err(ImageError::NotOurKernel);
    }
    Ok(move |number| {
        let rest = image.get(HEADER_OFFSET + 8 + number * 4..);
        let word = rest.and_then(|rest| rest.first_chunk()).ok_or(ImageError::Truncated)?;
        Ok(u32::from_le_bytes(*word))
    })
}

/// Returns the plan area of a kernel image.
pub fn plan_area(image: &mut [u8]) -> Result<&mut [u8], ImageError> {
    let word = our_words(image)?;
    let (offset, size) = (word(0)? as usize, word(1)? as usize);
    drop(word);
    let end = offset.checked_add(size).ok_or(ImageError::Truncated)?;
    image.get_mut(offset..end).ok_or(ImageError::Truncated)
}
