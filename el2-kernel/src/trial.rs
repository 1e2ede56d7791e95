// SPDX-License-Identifier: MIT OR Apache-2.0
//! One trial of a check: use a translation, change it, run the sequence, use it again.
//!
//! Between the first use and the last nothing else happens: no output, and as few other pages as the code allows.
#![expect(unsafe_code)]
// UNSAFETY: runs stubs, and changes live translation tables under addresses that no Rust object uses.

use results::check::{Check, Outcome};

use crate::arch::{dsb_nshst, flush_el2, isb};
use crate::boot::{Handover, TABLES, tables_base};
use crate::entry::{Raw, image};
use crate::identity::Identity;
use crate::layout::WINDOW_PAGES;
use crate::operands::Operands;
use crate::probe::{Access, Syndrome, read, write};
use crate::stub;
use crate::tables::{Entry, Use, page};

/// The two pages that the translations under test lead to.
static PAGES: [Raw<4096>; 2] = [Raw::new(), Raw::new()];
const VALUES: [u64; 2] = [0xaaaa_aaaa_0000_0001, 0xbbbb_bbbb_0000_0002];

/// Returns the physical addresses of the two data pages of an image loaded at `load`.
pub fn data_pages(load: u64) -> [u64; 2] {
    [0, 1].map(|i| (&raw const PAGES[i] as usize - image().0) as u64 + load)
}

/// Writes the values that tell the data pages apart.
pub fn fill_data_pages() {
    for (page, value) in PAGES.iter().zip(VALUES) {
        // SAFETY: the page is ours, and no Rust reference to its contents exists.
        unsafe { (&raw const *page).cast_mut().cast::<u64>().write_volatile(value) };
    }
}

/// The fault that the changed descriptor calls for.
#[derive(Debug, Clone, Copy)]
enum Expected {
    /// A translation fault at this level.
    Translation(u64),
    /// A permission fault at this level.
    Permission(u64),
}

impl Expected {
    fn is(self, syndrome: Syndrome) -> bool {
        match self {
            Self::Translation(level) => syndrome.translation_level() == Some(level),
            Self::Permission(level) => syndrome.permission_level() == Some(level),
        }
    }
}

/// A check at one address.
#[derive(Debug, Clone, Copy)]
pub struct Trial {
    va: u64,
    entry: &'static Entry,
    /// Descriptor before the change.
    before: u64,
    /// Descriptor the sequence follows.
    after: u64,
    /// Break-before-make: the descriptor made after the sequence.
    make: Option<u64>,
    /// The access is a store, not a load.
    store: bool,
    /// What a load through the old translation returns.
    old_value: u64,
    expected: Expected,
    /// Descriptor to leave behind.
    rest: u64,
}

impl Trial {
    /// Prepares a check at one of its candidate addresses. `None`: there is no such candidate.
    pub fn new(boot: &Handover, check: Check, identity: Option<&Identity>, candidate: u64) -> Option<Self> {
        if candidate >= WINDOW_PAGES {
            return None;
        }
        let base = tables_base(boot.load);
        let [first, second] = data_pages(boot.load);
        let va = boot.layout.pages + 4096 * candidate;
        let before = page(first, Use::Data);
        let unmap = Self {
            va,
            entry: TABLES.entry(base, va, 3).ok()?,
            before,
            after: 0,
            make: None,
            store: false,
            old_value: VALUES[0],
            expected: Expected::Translation(3),
            rest: before,
        };
        Some(match check {
            Check::CoWinvTEl2 => unmap,
            Check::BbmOaEl2 => Self {
                make: Some(page(second, Use::Data)),
                ..unmap
            },
            Check::WprotEl2 => {
                let after = page(first, Use::ReadOnly);
                Self {
                    after,
                    store: true,
                    expected: Expected::Permission(3),
                    ..unmap
                }
            }
            Check::TableL2El2 => {
                let va = boot.layout.under_table + 4096 * candidate;
                let entry = TABLES.entry(base, va, 2).ok()?;
                let table = entry.get();
                Self {
                    va,
                    entry,
                    before: table,
                    expected: Expected::Translation(2),
                    rest: table,
                    ..unmap
                }
            }
            Check::IdentityEl2 => {
                // The 1:1 map is one page, so there is one candidate.
                let identity = identity.filter(|_| candidate == 0)?;
                let Access::Done(old_value) = read(boot.layout.image) else {
                    return None;
                };
                Self {
                    va: identity.address,
                    entry: identity.entry,
                    before: identity.descriptor,
                    old_value,
                    expected: Expected::Translation(identity.level as u64),
                    rest: 0,
                    ..unmap
                }
            }
        })
    }

    /// Returns the address under test.
    pub const fn address(&self) -> u64 {
        self.va
    }

    /// Makes one trial with an emitted stub.
    #[inline(never)]
    pub fn run(&self, stub: usize, operands: &Operands) -> Outcome {
        // Whatever was cached before is gone, and the translation is made.
        self.entry.set(0);
        flush_el2();
        self.entry.set(self.before);
        // Invalid to valid: the store must be complete and the context synchronized, but there is nothing to invalidate.
        dsb_nshst();
        isb();
        let primed = self.access();
        self.entry.set(self.after);
        // SAFETY: stubs hold validated words only, which change no memory and no other register.
        unsafe { stub::run(stub, operands) };
        if let Some(make) = self.make {
            self.entry.set(make);
            dsb_nshst();
            isb();
        }
        let outcome = self.judge(self.access());
        self.entry.set(self.rest);
        flush_el2();
        if matches!(primed, Access::Done(_)) {
            outcome
        } else {
            Outcome::Other
        }
    }

    #[inline(always)]
    fn access(&self) -> Access {
        if self.store {
            // SAFETY: the address under test holds no Rust object.
            unsafe { write(self.va, self.old_value) }
        } else {
            read(self.va)
        }
    }

    fn judge(&self, access: Access) -> Outcome {
        match access {
            Access::Done(_) if self.store => Outcome::Stale,
            Access::Done(value) if value == self.old_value => Outcome::Stale,
            Access::Done(value) if self.make.is_some() && value == VALUES[1] => Outcome::New,
            Access::Fault(syndrome) if self.expected.is(syndrome) => Outcome::Fault,
            Access::Done(_) | Access::Fault(_) => Outcome::Other,
        }
    }
}
