// SPDX-License-Identifier: MIT OR Apache-2.0
//! The address of a load, from its word: so that loads are looked at only while there is something to look for.
//!
//! QEMU's generated code compares a counter before an instruction much faster than it calls a function after each access.
//! What is not decoded here is called for all the same.

/// Where a load gets its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Address {
    /// So many bytes from the instruction.
    Literal(i64),
    /// A base register (31 for the stack pointer) and an offset.
    Base(u8, i64),
    /// A base register, and another one, extended and shifted.
    Indexed {
        /// The base.
        base: u8,
        /// The index.
        index: u8,
        /// How it is extended: the field of the instruction.
        extend: u8,
        /// Bits it is shifted left.
        shift: u8,
    },
}

/// Returns a field, sign-extended.
const fn signed(word: u32, shift: u32, bits: u32) -> i64 {
    (((word >> shift) << (32 - bits)) as i32 >> (32 - bits)) as i64
}

impl Address {
    /// Reads the word of a load or store; `None` where it is of another form.
    pub fn of(word: u32) -> Option<Self> {
        let base = (word >> 5 & 31) as u8;
        let vector = word >> 26 & 1 != 0;
        match (word >> 27 & 7, word >> 24 & 3) {
            // Literal.
            (3, 0) => Some(Self::Literal(signed(word, 5, 19) * 4)),
            // Acquire and release, with an offset that is not scaled.
            (3, 1) => Some(Self::Base(base, signed(word, 12, 9))),
            // Exclusives; structures of vectors.
            (1, _) => Some(Self::Base(base, 0)),
            // Pairs.
            (5, _) => {
                let scale = if vector { 2 + (word >> 30) } else { 2 + (word >> 31) };
                let post = word >> 23 & 3 == 1;
                let offset = if post { 0 } else { signed(word, 15, 7) << scale };
                Some(Self::Base(base, offset))
            }
            (7, 1) => {
                let size = (word >> 30) | if vector { word >> 21 & 4 } else { 0 };
                Some(Self::Base(base, i64::from(word >> 10 & 0xfff) << size))
            }
            (7, 0) if word >> 21 & 1 == 0 => {
                let post = word >> 10 & 3 == 1;
                Some(Self::Base(base, if post { 0 } else { signed(word, 12, 9) }))
            }
            (7, 0) => match word >> 10 & 3 {
                // Atomics.
                0 => Some(Self::Base(base, 0)),
                2 => {
                    let size = (word >> 30) | if vector { word >> 21 & 4 } else { 0 };
                    let scaled = word >> 12 & 1 != 0;
                    Some(Self::Indexed {
                        base,
                        index: (word >> 16 & 31) as u8,
                        extend: (word >> 13 & 7) as u8,
                        shift: if scaled { size as u8 } else { 0 },
                    })
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns the address, by the registers.
    pub fn resolve(self, pc: u64, mut register: impl FnMut(u8) -> u64) -> u64 {
        match self {
            Self::Literal(offset) => pc.wrapping_add_signed(offset),
            Self::Base(base, offset) => register(base).wrapping_add_signed(offset),
            Self::Indexed {
                base,
                index,
                extend,
                shift,
            } => {
                let held = if index == 31 { 0 } else { register(index) };
                let index = match extend {
                    2 => held & 0xffff_ffff,
                    6 => held as u32 as i32 as u64,
                    _ => held,
                };
                register(base).wrapping_add(index << shift)
            }
        }
    }
}

/// Returns whether a word is a prefetch: a hint, which relies on nothing.
const fn is_prefetch(word: u32) -> bool {
    word & 0xffc0_0000 == 0xf980_0000
        || word & 0xffe0_0c00 == 0xf880_0000
        || word & 0xffe0_0c00 == 0xf8a0_0800
        || word & 0xff00_0000 == 0xd800_0000
}

/// Returns whether a word of a load or store form may load.
pub const fn may_load(word: u32) -> bool {
    if is_prefetch(word) {
        return false;
    }
    // Stores by immediate or register have opc 0; all else is taken to load.
    let plain = word >> 27 & 7 == 7 && (word >> 24 & 3 == 1 || word >> 21 & 1 == 0 || word >> 10 & 3 == 2);
    let pair = word >> 27 & 7 == 5;
    !((plain && word >> 22 & 3 == 0) || (pair && word >> 22 & 1 == 0))
}

/// Returns whether a word of a load or store form may store; what is not known to load only may.
pub const fn may_store(word: u32) -> bool {
    let vector = word >> 26 & 1 != 0;
    match (word >> 27 & 7, word >> 24 & 3) {
        // Literals.
        (3, 0) => false,
        (5, _) => word >> 22 & 1 == 0,
        (7, 1) => opc_stores(word, vector),
        (7, 0) => match (word >> 21 & 1, word >> 10 & 3) {
            (0, _) | (1, 2) => opc_stores(word, vector),
            _ => true,
        },
        // Structures of vectors, and exclusives: the L bit; compare and swap has bit 21.
        (1, _) => word >> 22 & 1 == 0 || word >> 21 & 1 != 0,
        _ => true,
    }
}

/// Returns whether the opc field says a store: 0, and for vectors 2 as well.
const fn opc_stores(word: u32, vector: bool) -> bool {
    let opc = word >> 22 & 3;
    opc == 0 || (vector && opc == 2)
}

/// Returns the general-purpose registers that an instruction may write, one bit each; more where that is not sure.
///
/// The stack pointer is left out: it is no base that loads are put together by.
pub const fn may_write(word: u32) -> u32 {
    let (target, second, base) = (field_bits(word, 0), field_bits(word, 10), field_bits(word, 5));
    // Where the class is not known: the status of exclusives, the first operand of atomics and of copies too.
    let any = target | second | base | field_bits(word, 16);
    if word & 0x0a00_0000 == 0x0800_0000 {
        return match (word >> 27 & 7, word >> 24 & 3) {
            (3, 0) | (7, 1) => target,
            (7, 0) => match (word >> 21 & 1, word >> 10 & 3) {
                (0, 0) | (1, 2) => target,
                (0, _) => target | base,
                _ => any,
            },
            (5, _) if word >> 23 & 1 == 0 => target | second,
            (5, _) => target | second | base,
            _ => any,
        };
    }
    match word >> 26 & 7 {
        // Immediates have one target and no other register there.
        4 => target,
        // Branches with link; hints of pointer authentication; SYSL and MRS.
        5 => u32::MAX,
        _ => any,
    }
}

const fn field_bits(word: u32, shift: u32) -> u32 {
    1 << (word >> shift & 31)
}

#[cfg(test)]
mod tests {
    use super::{Address, may_load, may_store, may_write};

    fn of(word: u32) -> u64 {
        // x1 = 0x1000, x2 = -1 as a word, sp = 0x9000.
        let register = |number| match number {
            1 => 0x1000,
            2 => 0xffff_ffff,
            31 => 0x9000,
            _ => 0,
        };
        Address::of(word)
            .expect("a form that is known")
            .resolve(0x8000, register)
    }

    #[test]
    fn addresses_are_those_of_the_assembly() {
        for (word, expected, text) in [
            (0xf940_0820, 0x1010, "ldr x0, [x1, #16]"),
            (0xf85f_8020, 0x0ff8, "ldur x0, [x1, #-8]"),
            (0xf840_8420, 0x1000, "ldr x0, [x1], #8"),
            (0xf840_8c20, 0x1008, "ldr x0, [x1, #8]!"),
            (0xa941_0fe2, 0x9010, "ldp x2, x3, [sp, #16]"),
            (0xa8c1_0fe2, 0x9000, "ldp x2, x3, [sp], #16"),
            (0x2941_0c22, 0x1008, "ldp w2, w3, [x1, #8]"),
            (0xf862_c820, 0x0fff, "ldr x0, [x1, w2, sxtw]"),
            (0xf862_d820, 0x0ff8, "ldr x0, [x1, w2, sxtw #3]"),
            (0x5800_0040, 0x8008, "ldr x0, pc + 8"),
            (0x3dc0_0420, 0x1010, "ldr q0, [x1, #16]"),
            (0xad40_8420, 0x1010, "ldp q0, q1, [x1, #16]"),
            (0xc85f_7c20, 0x1000, "ldxr x0, [x1]"),
            (0xf820_0022, 0x1000, "ldadd x0, x2, [x1]"),
            (0x3940_0420, 0x1001, "ldrb w0, [x1, #1]"),
            (0x7940_0420, 0x1002, "ldrh w0, [x1, #2]"),
        ] {
            assert_eq!(of(word), expected, "{text}");
            assert!(may_load(word), "{text}");
        }
    }

    #[test]
    fn plain_stores_do_not_load() {
        // str x0, [x1]; stp x0, x1, [sp]; str x0, [x1, x2].
        for word in [0xf900_0020, 0xa900_07e0, 0xf822_6820] {
            assert!(!may_load(word), "{word:#x}");
        }
    }

    #[test]
    fn prefetches_are_no_uses() {
        // prfm pldl1keep, [x1, #8]; prfum pldl1keep, [x1]; prfm pldl1keep, [x1, x2]; prfm pldl1keep, pc + 8.
        for word in [0xf980_0420, 0xf880_0020, 0xf8a2_6820, 0xd800_0040] {
            assert!(!may_load(word), "{word:#x}");
        }
    }

    #[test]
    fn what_only_loads_is_known() {
        for (word, stores, text) in [
            (0xf940_0820, false, "ldr x0, [x1, #16]"),
            (0xb980_0020, false, "ldrsw x0, [x1]"),
            (0xa941_0fe2, false, "ldp x2, x3, [sp, #16]"),
            (0x3dc0_0420, false, "ldr q0, [x1, #16]"),
            (0x3d80_0420, true, "str q0, [x1, #16]"),
            (0xf900_0020, true, "str x0, [x1]"),
            (0xa900_07e0, true, "stp x0, x1, [sp]"),
            (0xc85f_7c20, false, "ldxr x0, [x1]"),
            (0xc802_7c20, true, "stxr w2, x0, [x1]"),
            (0xc8a2_7c20, true, "cas x2, x0, [x1]"),
            (0xf820_0022, true, "ldadd x0, x2, [x1]"),
            (0xf820_8022, true, "swp x0, x2, [x1]"),
            (0x0c40_7020, false, "ld1 {v0.8b}, [x1]"),
            (0x0c00_7020, true, "st1 {v0.8b}, [x1]"),
        ] {
            assert_eq!(may_store(word), stores, "{text}");
        }
    }

    #[test]
    fn every_register_that_is_written_is_named() {
        for (word, written, text) in [
            (0xf940_0820_u32, &[0][..], "ldr x0, [x1, #16]"),
            (0xf840_8420, &[0, 1], "ldr x0, [x1], #8"),
            (0xf840_8c20, &[0, 1], "ldr x0, [x1, #8]!"),
            (0xa8c1_0c22, &[2, 3, 1], "ldp x2, x3, [x1], #16"),
            (0xa941_0c22, &[2, 3], "ldp x2, x3, [x1, #16]"),
            (0xf820_0022, &[2], "ldadd x0, x2, [x1]"),
            (0x4cdf_7020, &[1], "ld1 {v0.16b}, [x1], #16"),
            (0x9100_4021, &[1], "add x1, x1, #16"),
            (0x1902_0461, &[1, 2, 3], "cpyfp [x1]!, [x2]!, x3!"),
            (0x9400_0001, &[30], "bl"),
            (0xd503_233f, &[30], "paciasp"),
            (0xd53b_e040, &[0], "mrs x0, cntvct_el0"),
            (0x9bc2_7c20, &[0], "umulh x0, x1, x2"),
        ] {
            let may = may_write(word);
            assert!(
                written.iter().all(|register| may >> register & 1 != 0),
                "{text}: {may:#x}"
            );
        }
        // And bases of plain loads stay.
        for word in [0xf940_0820, 0xa941_0c22, 0xf862_c820, 0xf85f_8020] {
            assert_eq!(may_write(word) >> 1 & 1, 0, "{word:#x}");
        }
    }
}
