// SPDX-License-Identifier: MIT OR Apache-2.0
//! What SMBIOS calls a machine that has no device tree (DMTF DSP0134 3.7: sections 5.2.2, 6.1, 7.1 and 7.2).

/// Bytes of the 64-bit entry point.
pub const ENTRY: usize = 24;
/// Largest table read; it is only looked through for names.
const MAX_TABLE: usize = 1 << 20;

/// Names of a machine; empty where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Names<'a> {
    /// Who made it.
    pub maker: &'a [u8],
    /// What it is called.
    pub product: &'a [u8],
    /// Who made its firmware.
    pub firmware_maker: &'a [u8],
    /// Which firmware that is.
    pub firmware: &'a [u8],
}

/// Returns address and size of the structures that a 64-bit entry point leads to.
pub fn structures(entry: &[u8; ENTRY]) -> Option<(u64, usize)> {
    let sum = entry.iter().fold(0_u8, |sum, &byte| sum.wrapping_add(byte));
    let size = u32::from_le_bytes(*entry[12..].first_chunk()?) as usize;
    let address = u64::from_le_bytes(*entry[16..].first_chunk()?);
    (entry.starts_with(b"_SM3_") && usize::from(entry[6]) == ENTRY && sum == 0 && size <= MAX_TABLE)
        .then_some((address, size))
}

/// Reads the names from the structures.
pub fn names(mut structures: &[u8]) -> Names<'_> {
    let mut names = Names::default();
    while let [kind, length, ..] = *structures {
        let length = usize::from(length);
        let Some((formatted, strings)) = structures.split_at_checked(length).filter(|_| length >= 4) else {
            break;
        };
        let string = |at: usize| {
            let number = formatted.get(at).copied().unwrap_or(0);
            let before = usize::from(number).checked_sub(1);
            before.and_then(|before| strings.split(|&byte| byte == 0).nth(before))
        };
        match kind {
            0 => {
                names.firmware_maker = string(4).unwrap_or_default();
                names.firmware = string(5).unwrap_or_default();
            }
            1 => {
                names.maker = string(4).unwrap_or_default();
                names.product = string(5).unwrap_or_default();
            }
            // The end.
            127 => break,
            _ => {}
        }
        // Two zeros end the strings, also where there are none.
        let Some(end) = strings.windows(2).position(|pair| pair == [0, 0]) else {
            break;
        };
        structures = &strings[end + 2..];
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Vec<u8> {
        let mut table = vec![4, 6, 0, 0, 9, 9];
        table.extend_from_slice(b"\0\0");
        table.extend_from_slice(&[0, 6, 0, 0, 1, 2]);
        table.extend_from_slice(b"EDK II\x001.2\0\0");
        table.extend_from_slice(&[1, 6, 0, 0, 2, 1]);
        table.extend_from_slice(b"Server 9\0Maker\0\0");
        table.extend_from_slice(&[127, 4, 0, 0, 0, 0]);
        table
    }

    #[test]
    fn names_are_found_by_their_numbers() {
        let table = table();
        let names = names(&table);
        assert_eq!((names.maker, names.product), (&b"Maker"[..], &b"Server 9"[..]));
        assert_eq!((names.firmware_maker, names.firmware), (&b"EDK II"[..], &b"1.2"[..]));
    }

    #[test]
    fn an_entry_point_has_a_checksum() {
        let mut entry = [0; ENTRY];
        entry[..5].copy_from_slice(b"_SM3_");
        entry[6] = ENTRY as u8;
        entry[12] = 100;
        entry[17] = 0x20;
        entry[5] = entry
            .iter()
            .fold(0_u8, |sum, &byte| sum.wrapping_add(byte))
            .wrapping_neg();
        assert_eq!(structures(&entry), Some((0x2000, 100)));
        entry[12] += 1;
        assert_eq!(structures(&entry), None);
    }

    #[test]
    fn damage_is_never_a_reason_to_panic() {
        let whole = table();
        for at in 0..whole.len() {
            for value in [0, 1, 4, 127, 255] {
                let mut damaged = whole.clone();
                damaged[at] = value;
                names(&damaged);
            }
            names(&whole[..at]);
        }
    }
}
