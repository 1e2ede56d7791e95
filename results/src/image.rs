// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel image as the host sees it: an arm64 `Image` with our own header behind Linux's, and a plan area.

use core::fmt;

use crate::plan::PlanError;

/// Offset of the arm64 magic in the image (Linux, `Documentation/arch/arm64/booting.rst`).
pub const ARM64_MAGIC_OFFSET: usize = 0x38;
/// The arm64 magic.
pub const ARM64_MAGIC: [u8; 4] = *b"ARM\x64";
/// Offset of our header: magic (8 bytes), u32 offset of the plan area, u32 bytes of it.
pub const HEADER_OFFSET: usize = 0x40;
/// Our magic.
pub const HEADER_MAGIC: [u8; 8] = *b"TLBEL2K1";
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

/// Returns the plan area of a kernel image.
pub fn plan_area(image: &mut [u8]) -> Result<&mut [u8], ImageError> {
    if image.get(ARM64_MAGIC_OFFSET..ARM64_MAGIC_OFFSET + 4) != Some(&ARM64_MAGIC[..]) {
        return Err(ImageError::NotAnArm64Image);
    }
    if image.get(HEADER_OFFSET..HEADER_OFFSET + 8) != Some(&HEADER_MAGIC[..]) {
        return Err(ImageError::NotOurKernel);
    }
    let u32_at =
        |at: usize| -> Option<usize> { Some(u32::from_le_bytes(image.get(at..at + 4)?.try_into().ok()?) as usize) };
    let offset = u32_at(HEADER_OFFSET + 8).ok_or(ImageError::Truncated)?;
    let size = u32_at(HEADER_OFFSET + 12).ok_or(ImageError::Truncated)?;
    let end = offset.checked_add(size).ok_or(ImageError::Truncated)?;
    image.get_mut(offset..end).ok_or(ImageError::Truncated)
}
