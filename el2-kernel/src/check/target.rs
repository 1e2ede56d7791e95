// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a check works: the descriptors it changes, and what they lead to.

use results::check::{Access, Change, Spec};

use crate::check::context::Context;
use crate::check::guest_map::{GuestMap, Window};
use crate::mmu::kernel_tables::{TABLES, tables_base};
use crate::mmu::layout::{FAR_SLOT, WINDOW_PAGES};
use crate::mmu::tables::{Entry, Exhausted};
use crate::mmu::test_pages::{CONTIGUOUS, COUNT};

/// Where the descriptors under test are.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The address accessed.
    pub va: u64,
    /// Its intermediate physical address, in a regime of EL1&0.
    pub ipa: u64,
    /// The descriptors that change.
    pub entries: &'static [Entry],
    /// The entry of the table below, where that changes too.
    pub below: Option<&'static Entry>,
    /// Output addresses before and after the change.
    pub outputs: [u64; 2],
}

impl Target {
    /// Returns the target of a check at one of its candidate addresses. `None`: there is no such candidate.
    pub fn new(context: &Context, spec: &Spec, candidate: u64) -> Option<Self> {
        let fits = if spec.is_block() {
            candidate < COUNT as u64
        } else {
            (candidate + 1) * u64::from(spec.entries) <= WINDOW_PAGES
        };
        if !fits {
            return None;
        }
        let outputs = outputs(context, spec, candidate);
        let size = 1_u64 << spec.granule.level_shift(spec.level);
        let offset = if spec.is_block() {
            // The page in the block that the data is in. All of the block gets mapped.
            let memory = context.boot.memory?;
            let start = outputs[0] & !(size - 1);
            memory.covers(start, size).then_some(outputs[0] - start)?
        } else {
            (candidate * u64::from(spec.entries)) << spec.granule.shift()
        };
        let window = match spec.change {
            Change::RemoveTable | Change::Relink => Window::UnderTable,
            _ if spec.is_block() => Window::Block,
            _ => Window::Pages,
        };
        let count = usize::from(spec.entries);
        let below = |entries: Result<&'static [Entry], Exhausted>| match spec.change {
            Change::Relink => entries.ok().map(|entries| Some(&entries[0])),
            _ => Some(None),
        };
        let (va, ipa, entries, below) = match &context.setup.guest {
            Some(guest) => {
                let ipa = guest.window_address(window, spec.level) + offset;
                let entries = |level: u8, count| guest.entries(ipa, level.into(), count);
                (
                    guest.address(ipa),
                    ipa,
                    entries(spec.level, count),
                    below(entries(3, 1)),
                )
            }
            None => {
                let va = el2_window(context, &window, spec.level) + offset;
                let base = tables_base(context.boot.load);
                let entries = |level: u8, count| TABLES.entries(base, va, level.into(), count);
                (va, 0, entries(spec.level, count), below(entries(3, 1)))
            }
        };
        let block = if spec.is_block() { size - 1 } else { 0 };
        Some(Self {
            va,
            ipa,
            entries: entries.ok()?,
            below: below?,
            outputs: outputs.map(|output| output & !block),
        })
    }
}

fn el2_window(context: &Context, window: &Window, level: u8) -> u64 {
    let layout = &context.boot.layout;
    match (window, level) {
        (Window::Pages, _) => layout.pages,
        (Window::UnderTable, 1) => layout.far + FAR_SLOT,
        (Window::UnderTable, _) => layout.under_table,
        (Window::Block, 1) => layout.far,
        (Window::Block, _) => layout.block,
    }
}

fn outputs(context: &Context, spec: &Spec, candidate: u64) -> [u64; 2] {
    let (pages, index, code) = (context.pages, candidate as usize, spec.access == Access::Fetch);
    if u64::from(spec.entries) == CONTIGUOUS {
        return [pages.bulk(); 2];
    }
    match (&context.setup.guest, code) {
        (Some(guest), _) => GuestMap::outputs(*guest, pages, index, code),
        (None, true) => pages.code(),
        (None, false) => [pages.before(index), pages.after(index)],
    }
}
