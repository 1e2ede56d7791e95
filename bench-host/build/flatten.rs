// SPDX-License-Identifier: MIT OR Apache-2.0
//! From an ELF file to the bytes that are in memory once it is loaded.

use object::Endianness;
use object::elf::{EM_AARCH64, FileHeader64, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};

/// More than any kernel of ours; a larger span means that a section lies where the linker script did not want it.
const MAX_IMAGE: u64 = 64 * 1024 * 1024;

/// Returns the loadable segments at their physical distances from the lowest one, gaps zeroed.
///
/// What only takes space in memory (`.bss`) is not in the image: the kernel zeroes it.
pub fn flat_image(elf: &[u8]) -> Result<Vec<u8>, String> {
    let text = |error: object::Error| error.to_string();
    let header = FileHeader64::<Endianness>::parse(elf).map_err(text)?;
    let endian = header.endian().map_err(text)?;
    if header.e_machine(endian) != EM_AARCH64 {
        return Err("not for AArch64".to_owned());
    }
    let mut segments = Vec::new();
    for segment in header.program_headers(endian, elf).map_err(text)? {
        let data = segment.data(endian, elf).map_err(|()| "segment outside the file")?;
        if segment.p_type(endian) == PT_LOAD && !data.is_empty() {
            segments.push((segment.p_paddr(endian), data));
        }
    }
    let base = segments.iter().map(|&(at, _)| at).min().ok_or("no loadable segment")?;
    let end = segments.iter().map(|&(at, data)| at + data.len() as u64).max();
    let size = end.unwrap_or(base) - base;
    if size > MAX_IMAGE {
        return Err(format!("segments span {size} bytes, more than {MAX_IMAGE}"));
    }
    let mut image = vec![0; size as usize];
    for (at, data) in segments {
        let at = (at - base) as usize;
        image[at..at + data.len()].copy_from_slice(data);
    }
    Ok(image)
}
