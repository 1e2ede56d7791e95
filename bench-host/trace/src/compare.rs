// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a change of a valid descriptor asks for.

use crate::format::{ACCESS_FLAG, CONTIGUOUS, Entry, Format};

/// What must not be changed without break-before-make (Arm ARM, section D8.16.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Breaking {
    /// The output address.
    OutputAddress,
    /// The memory type, cacheability or shareability.
    Attributes,
    /// The size: block or table, or the contiguous bit.
    Size,
    /// From non-global to global.
    Global,
}

impl Breaking {
    /// Returns what changed, in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::OutputAddress => "output address",
            Self::Attributes => "memory type or shareability",
            Self::Size => "size of the mapping",
            Self::Global => "global bit",
        }
    }
}

/// What a new descriptor is, beside a translation that a TLB may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Difference {
    /// It needs nothing: the same translation, or the old one could not be in a TLB.
    None,
    /// It permits more: who uses the old one faults, and is helped.
    Relaxed,
    /// It permits less: the old one has to be invalidated, without a break.
    Restricted,
    /// It may not be in a TLB together with the old one.
    Breaking(Breaking),
    /// The output address of a read-only page: lawful if the contents are the same, which is not known.
    Doubtful,
}

/// What of the PE decides with the descriptors.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Context {
    /// The level of FEAT_BBM.
    pub bbm: u8,
    /// Hardware sets the access flag.
    pub hardware_flag: bool,
    /// `MAIR_ELx`: what the indices in stage 1 descriptors stand for.
    pub mair: u64,
}

impl Context {
    /// Returns whether memory type, cacheability or shareability differ.
    const fn changes_attributes(&self, format: &Format, old: u64, new: u64) -> bool {
        if format.stage_2 {
            return (old ^ new) & format.attributes() != 0;
        }
        let (before, after) = (self.memory_type(old), self.memory_type(new));
        // Device and Non-cacheable memory is shared by all, whatever the descriptor says.
        let shared = before >> 4 == 0 || before == 0x44;
        before != after || (!shared && (old ^ new) & format.attributes() & 0x300 != 0)
    }

    const fn memory_type(&self, descriptor: u64) -> u64 {
        match self.mair >> (8 * (descriptor >> 2 & 7)) & 0xff {
            // Tagged Normal memory differs from the other in what tags do, as permissions do.
            0xf0 => 0xff,
            other => other,
        }
    }
}

/// Returns what may be of the old descriptor in a TLB, when the new one stands in its place.
pub const fn compare(format: &Format, level: i8, old: u64, new: u64, context: &Context) -> Difference {
    let (bbm, hardware_flag) = (context.bbm, context.hardware_flag);
    const TABLE_LIMITS: u64 = 0x1f << 59;
    match (format.entry(level, old), format.entry(level, new)) {
        (Entry::Invalid, _) | (_, Entry::Invalid) => Difference::None,
        (Entry::Table(from), Entry::Table(to)) => {
            if from != to {
                Difference::Breaking(Breaking::OutputAddress)
            } else if new & !old & TABLE_LIMITS != 0 {
                Difference::Restricted
            } else if old & !new & TABLE_LIMITS != 0 {
                Difference::Relaxed
            } else {
                Difference::None
            }
        }
        // The access flag faults, and what faults is not cached.
        (Entry::Leaf(_), _) if old & ACCESS_FLAG == 0 && !hardware_flag => Difference::None,
        (Entry::Leaf(_), Entry::Table(_)) | (Entry::Table(_), Entry::Leaf(_)) => {
            if bbm >= 1 {
                Difference::Restricted
            } else {
                Difference::Breaking(Breaking::Size)
            }
        }
        (Entry::Leaf(from), Entry::Leaf(to)) => {
            if from != to {
                return if format.writable(old) || format.writable(new) {
                    Difference::Breaking(Breaking::OutputAddress)
                } else {
                    Difference::Doubtful
                };
            }
            if context.changes_attributes(format, old, new) {
                return Difference::Breaking(Breaking::Attributes);
            }
            if (old ^ new) & CONTIGUOUS != 0 && bbm == 0 {
                return Difference::Breaking(Breaking::Size);
            }
            if format.is_global(new) && !format.is_global(old) {
                return Difference::Breaking(Breaking::Global);
            }
            if !format.permits_all_of(old, new) || format.is_global(old) != format.is_global(new) {
                Difference::Restricted
            } else if !format.permits_all_of(new, old) {
                Difference::Relaxed
            } else {
                Difference::None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Breaking, Context, Difference, compare};
    use crate::format::{CONTIGUOUS, Format, READ_ONLY};

    /// Index 0: Normal; 1: Device; 2: Non-cacheable; 3: Normal again; 4: Normal, tagged.
    const MAIR: u64 = 0xf0_ff44_00ff;

    const fn context(bbm: u8) -> Context {
        Context {
            bbm,
            hardware_flag: false,
            mair: MAIR,
        }
    }

    fn of(old: u64, new: u64) -> Difference {
        let format = Format::of_tcr(16, false, 0).unwrap().unwrap();
        compare(&format, 3, old, new, &context(0))
    }

    #[test]
    fn memory_types_are_what_indices_stand_for() {
        let page = |index: u64, shared: u64| 0x4000_0403 | index << 2 | shared << 8;
        let attributes = Difference::Breaking(Breaking::Attributes);
        assert_eq!(of(page(0, 3), page(1, 3)), attributes);
        assert_eq!(of(page(0, 3), page(2, 3)), attributes);
        assert_eq!(
            of(page(0, 3), page(3, 3)),
            Difference::None,
            "the same under another index"
        );
        assert_eq!(of(page(4, 3), page(0, 3)), Difference::None, "tags");
        assert_eq!(of(page(0, 3), page(0, 2)), attributes, "shareability");
        assert_eq!(of(page(1, 3), page(1, 0)), Difference::None, "of Device memory");
        assert_eq!(of(page(2, 3), page(2, 0)), Difference::None, "of Non-cacheable memory");
    }

    #[test]
    fn each_bit_asks_for_what_it_means() {
        let page = 0x4000_0703;
        assert_eq!(of(page, page), Difference::None);
        assert_eq!(of(page, page | 1 << 55), Difference::None, "software bits");
        assert_eq!(of(page, page | READ_ONLY), Difference::Restricted);
        assert_eq!(of(page | READ_ONLY, page), Difference::Relaxed);
        assert_eq!(of(page, page + 0x1000), Difference::Breaking(Breaking::OutputAddress));
        assert_eq!(of(page, page ^ 4), Difference::Breaking(Breaking::Attributes));
        assert_eq!(of(page, page ^ 0x100), Difference::Breaking(Breaking::Attributes));
        assert_eq!(of(page, page | CONTIGUOUS), Difference::Breaking(Breaking::Size));
        assert_eq!(of(page | 1 << 11, page), Difference::Breaking(Breaking::Global));
        assert_eq!(of(page | READ_ONLY, (page + 0x1000) | READ_ONLY), Difference::Doubtful);
        // Without the access flag it was not cached.
        assert_eq!(of(page & !0x400, page + 0x1000), Difference::None);
        assert_eq!(of(page, page & !0x400), Difference::None, "aging");
    }

    #[test]
    fn levels_of_bbm_permit_changes_of_size() {
        let format = Format::of_tcr(16, false, 0).unwrap().unwrap();
        let block = 0x4020_0701;
        let difference = |bbm| compare(&format, 2, block, 0x4100_0003, &context(bbm));
        assert_eq!(difference(0), Difference::Breaking(Breaking::Size));
        assert_eq!(difference(1), Difference::Restricted);
        assert_eq!(
            compare(&format, 2, block, block | CONTIGUOUS, &context(2)),
            Difference::None
        );
    }
}
