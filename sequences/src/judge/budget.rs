// SPDX-License-Identifier: MIT OR Apache-2.0
//! How far one judgement may search.
//!
//! A verdict takes one exploration of the machine; what could be left out, what would do instead, and what would turn the
//! verdict over take dozens more, each of a sequence that somebody else wrote. One budget bounds all of them together. It
//! counts states and not time, so that the answer is the same on every machine and every day, and it remembers what it
//! has found: most of the programs that are asked for come again.

use super::shape::{Shape, Strict};
use crate::machine::{Limits, MachineError, Op};
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// As many programs are remembered, and no more: a tree may hold any number of sequences.
const REMEMBERED: usize = 4096;

/// What decides whether a program of [`super::scenario`] is safe.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) operations: Vec<Op>,
    pub(super) shape: Shape,
    pub(super) strict: Strict,
    pub(super) permissions: bool,
    pub(super) validates: bool,
    pub(super) recycles: bool,
    pub(super) device: bool,
    pub(super) layered: bool,
    pub(super) ets: (bool, bool),
}

/// The states of the machine that a judgement, and what belongs to it, may look at.
#[derive(Debug, Clone)]
pub struct Budget {
    states: usize,
    left: Cell<usize>,
    known: Rc<RefCell<BTreeMap<Key, bool>>>,
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(Self::JUDGEMENT)
    }
}

impl Budget {
    /// The states of one judgement: some hundred times what a sequence of eight instructions takes.
    pub const JUDGEMENT: usize = 200_000;

    /// Returns a budget of a number of states.
    #[must_use]
    pub fn new(states: usize) -> Self {
        Self {
            states,
            left: Cell::new(states),
            known: Rc::default(),
        }
    }

    /// Returns the number of states it began with.
    #[must_use]
    pub const fn states(&self) -> usize {
        self.states
    }

    /// Returns the number of states that are left.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.left.get()
    }

    /// Returns whether a search was given up for it.
    #[must_use]
    pub const fn is_spent(&self) -> bool {
        self.left.get() == 0
    }

    /// Takes a part out for one of many judgements, at most what is left. What was found is shared.
    #[must_use]
    pub fn part(&self, states: usize) -> Self {
        let states = states.min(self.left.get());
        self.left.set(self.left.get() - states);
        Self {
            states,
            left: Cell::new(states),
            known: Rc::clone(&self.known),
        }
    }

    /// Puts back what is left of a part.
    pub fn put_back(&self, part: &Self) {
        self.left.set(self.left.get() + part.left.replace(0));
    }

    pub(super) fn known(&self, key: &Key) -> Option<bool> {
        self.known.borrow().get(key).copied()
    }

    pub(super) fn learn(&self, key: Key, safe: bool) {
        let mut known = self.known.borrow_mut();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(key, safe);
    }

    /// Explores, and counts the states; what is over the budget is an error, and the last search.
    pub(super) fn spend<T>(
        &self,
        explore: impl FnOnce(Limits) -> Result<(usize, T), MachineError>,
    ) -> Result<T, MachineError> {
        self.spend_share(1, explore)
    }

    /// As [`Self::spend`], for something that there may be no room for: with one of so many shares of what is left.
    pub(super) fn spend_share<T>(
        &self,
        shares: usize,
        explore: impl FnOnce(Limits) -> Result<(usize, T), MachineError>,
    ) -> Result<T, MachineError> {
        let over = MachineError::TooManyStates { limit: self.states };
        let limit = self.left() / shares;
        if limit == 0 {
            self.left.set(0);
            return Err(over);
        }
        match explore(Limits { states: limit }) {
            Ok((states, found)) => {
                // A search that went well leaves room to find that the next one does not.
                self.left.set(self.left().saturating_sub(states).max(1));
                Ok(found)
            }
            Err(MachineError::TooManyStates { .. }) => {
                self.left.set(self.left() - limit);
                Err(over)
            }
            Err(error) => Err(error),
        }
    }
}
