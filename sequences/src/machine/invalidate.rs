// SPDX-License-Identifier: MIT OR Apache-2.0
//! A TLBI reaching one PE.

use super::descriptor::Descriptor;
use super::event::Event;
use super::order::applies_to;
use super::program::{Op, Pages, Program};
use super::settle::covered;
use super::state::{State, flag};
use alloc::vec::Vec;

impl State {
    pub(super) fn invalidate(&self, program: &Program, thread: usize, at: usize, out: &mut Vec<(Event, State)>) {
        let slot = self.pes[thread].slots[at];
        let Op::Tlbi {
            id,
            scope,
            nxs,
            target,
            layers,
        } = *self.op(program, thread, at)
        else {
            return;
        };
        if !self.completion_follows(program, thread, at) {
            return;
        }
        let may = self.may_invalidate(program, thread, at);
        let pages = covered(program, self, thread, at, target);
        let written = pages.0 & program.written.0;
        for on in 0..self.pes.len() {
            if slot.applied & (1 << on) != 0 || !applies_to(program, thread, on, scope) {
                continue;
            }
            if !may && !self.may_invalidate_early(program, thread, at, on) {
                continue;
            }
            let mut next = self.clone();
            for page in (0..program.tables.len()).filter(|page| written & (1 << page) != 0) {
                let held = &mut next.stale[on * program.tables.len() + page];
                let kept = if nxs { keep_xs(&program.descriptors) } else { 0 };
                if layers.upper {
                    held.upper &= kept;
                }
                if layers.leaf {
                    held.leaf = (held.leaf & kept) | held.upper;
                }
            }
            // A leaf that only the upper part was removed from stays in use; nothing waits for its users.
            if on != thread && layers.leaf {
                next.await_users(program, on, Pages(written), 1 << id);
            }
            next.pes[thread].slots[at].applied |= 1 << on;
            out.push((
                Event::Invalidate {
                    thread: thread as u8,
                    pc: slot.pc,
                    on: on as u8,
                },
                next,
            ));
        }
    }

    /// Returns whether a DSB that could complete the TLBI at `at` follows it on this path.
    ///
    /// A TLBI that nothing waits for may as well never take effect: its effect only removes behaviours.
    fn completion_follows(&self, program: &Program, thread: usize, at: usize) -> bool {
        (at + 1..self.pes[thread].slots.len()).any(|later| {
            matches!(self.op(program, thread, later), Op::Dsb(_) | Op::DsbNxs(_))
                && !self.pes[thread].slots[later].has(flag::DONE)
        })
    }

    /// Marks what relies on a translation that a TLBI is removing: the TLBI is not complete before these accesses are,
    /// nor before earlier accesses of the same PE have been translated.
    fn await_users(&mut self, program: &Program, on: usize, pages: Pages, bit: u32) {
        let mut walked_later = false;
        for at in (0..self.pes[on].slots.len()).rev() {
            let is_access = matches!(
                self.op(program, on, at),
                Op::Load { .. } | Op::Store { .. } | Op::Fetch(_) | Op::Atomic { .. }
            );
            if !is_access {
                continue;
            }
            let page = self.page_of(program, on, at);
            let covered = page.is_some_and(|page| pages.contains(page));
            // Only accesses at the same place of their pages order each other's walks.
            let precedes_user =
                walked_later && (program.elements.is_empty() || self.precedes_user(program, on, at, pages));
            let slot = &mut self.pes[on].slots[at];
            let (walked, done) = (slot.has(flag::WALKED), slot.has(flag::DONE));
            if walked && covered {
                walked_later |= !slot.faults();
                if !done {
                    slot.awaited_access |= bit;
                }
            } else if !walked && precedes_user {
                slot.awaited_walk |= bit;
            }
        }
    }
}

impl State {
    /// Returns whether an access that was translated by what is removed follows, at the same distance from the
    /// beginning of its page.
    fn precedes_user(&self, program: &Program, on: usize, at: usize, pages: Pages) -> bool {
        let own = self.address(program, on, at).map(|_| self.offset(program, on, at));
        (at + 1..self.pes[on].slots.len()).any(|later| {
            let slot = &self.pes[on].slots[later];
            slot.has(flag::WALKED)
                && !slot.faults()
                && self
                    .page_of(program, on, later)
                    .is_some_and(|page| pages.contains(page))
                && own.is_none_or(|own| own == self.offset(program, on, later))
        })
    }
}

/// Returns the descriptors an nXS invalidation need not remove, as bits of their index.
fn keep_xs(descriptors: &[Descriptor]) -> u64 {
    descriptors
        .iter()
        .enumerate()
        .filter(|(_, descriptor)| descriptor.attribute.has_xs())
        .fold(0, |kept, (index, _)| kept | (1 << index))
}
