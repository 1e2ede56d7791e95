// SPDX-License-Identifier: MIT OR Apache-2.0
//! The two exception levels at which the kernel may be entered, and what a plan has for each.

use results::check::{Change, Check, Granule, Mask, Observer, Regime};
use results::plan::{Flow, flags};

/// A level of entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// EL1: a guest, or a machine without EL2.
    El1,
    /// EL2.
    El2,
}

impl Level {
    /// Returns the flag of what a plan has for this level only.
    pub const fn flag(self) -> u8 {
        match self {
            Self::El1 => flags::AT_EL1,
            Self::El2 => flags::AT_EL2,
        }
    }

    /// Returns what is timed where no sequence is named, the baseline first: at EL2 the two sides of the seed patch, at EL1
    /// the same question, whether full system barriers are needed around a local flush.
    pub const fn sequences(self) -> [&'static str; 2] {
        match self {
            Self::El1 => ["sel4_invalidate_local_tlb", "linux_local_flush_tlb_all"],
            Self::El2 => ["xen_head_old", "xen_head_new"],
        }
    }

    /// Returns the sequence that every check of a run uses as its good control: full system barriers on both sides.
    pub const fn known_good(self) -> &'static str {
        self.sequences()[0]
    }

    /// Returns the sequence that flushes the TLB on a side of the boot path.
    pub const fn boot_flush(self, flow: Flow) -> &'static str {
        match flow {
            Flow::Old => self.sequences()[0],
            Flow::New | Flow::Fixed => self.sequences()[1],
        }
    }

    /// Returns the checks that a run makes with every sequence of the level's own regime: those of one page, on one PE.
    pub fn one_page_checks(self) -> Mask {
        let regime = match self {
            Self::El1 => Regime::El1,
            Self::El2 => Regime::El2,
        };
        let fits = |check: &&Check| {
            let spec = check.spec();
            let one_page = (spec.observer, spec.entries, spec.granule) == (Observer::Own, 1, Granule::K4);
            // Of an invalid entry made valid nothing can be stale: `bench-host check` has that one.
            spec.regime == regime && one_page && spec.change != Change::Map
        };
        Check::ALL
            .iter()
            .filter(fits)
            .fold(0, |mask, check| mask | check.mask())
    }
}
