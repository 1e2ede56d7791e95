// SPDX-License-Identifier: MIT OR Apache-2.0
//! The search through all states of a program.

use super::event::{Event, MachineError};
use super::hash::FingerprintSet;
use super::program::{Op, Program};
use super::settle::settle;
use super::state::{NONE, State, flag};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Bounds of the search; beyond them the answer is an error, never a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The number of states.
    pub states: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { states: 1 << 21 }
    }
}

/// What a visitor wants after a final state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Look at the other final states too.
    Continue,
    /// This is the one; stop.
    Stop,
}

/// What a search did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exploration {
    /// The number of distinct states.
    pub states: usize,
    /// A loop was cut off after its second round; final states may be missing.
    pub cut: bool,
    /// The events that lead to the final state a visitor stopped at.
    pub trace: Option<Vec<Event>>,
}

/// Explores a program.
#[derive(Debug)]
pub struct Explorer<'p> {
    program: &'p Program,
    limits: Limits,
    /// Barriers are finished, too, in what [`Self::find`] calls a final state.
    told: bool,
    /// Only one order is followed where the order makes no difference.
    reduced: bool,
}

impl<'p> Explorer<'p> {
    /// Returns an explorer of `program`.
    #[must_use]
    pub const fn new(program: &'p Program, limits: Limits) -> Self {
        Self {
            program,
            limits,
            told: false,
            reduced: false,
        }
    }

    /// Follows only one order of events where an invalidation has nothing to remove: it happens first. The final states are
    /// the same ones.
    ///
    /// An invalidation only ever takes something away: an old translation, or the leave of a DSB to be finished while an
    /// access still relies on one. Where it takes nothing, every other order takes as much or more, and shows nothing that
    /// this one does not. Without this, a number of invalidations in a row is a state for every subset of them.
    #[must_use]
    pub const fn reduced(self) -> Self {
        Self { reduced: true, ..self }
    }

    /// Lets [`Self::find`] go on until barriers, and with them what they wait for, are finished as well. It finds the same
    /// final states, and tells the whole of what led to them.
    #[must_use]
    pub const fn told_to_the_end(self) -> Self {
        Self { told: true, ..self }
    }

    /// Calls `visit` for every final state, depth first: the fastest order when all of them are wanted.
    ///
    /// # Errors
    ///
    /// [`MachineError`] where the program leaves what the machine models, or a bound is reached.
    pub fn for_each_final(&self, mut visit: impl FnMut(&State) -> Outcome) -> Result<Exploration, MachineError> {
        let mut seen = FingerprintSet::new();
        let mut work = Vec::new();
        let mut cut = false;
        let mut settled = Vec::new();
        let mut next = Vec::new();
        settle(self.program, State::initial(self.program), &mut settled, &mut cut)?;
        loop {
            for state in settled.drain(..) {
                if seen.insert(state.fingerprint()) {
                    if seen.len() > self.limits.states {
                        return Err(MachineError::TooManyStates {
                            limit: self.limits.states,
                        });
                    }
                    work.push(state);
                }
            }
            let Some(state) = work.pop() else { break };
            if is_final(self.program, &state) {
                if visit(&state) == Outcome::Stop {
                    break;
                }
                // Only walkers can still do something.
                if !self.program.has_updates() {
                    continue;
                }
            }
            self.successors(&state, &mut next)?;
            for (_, successor) in next.drain(..) {
                settle(self.program, successor, &mut settled, &mut cut)?;
            }
        }
        Ok(Exploration {
            states: seen.len(),
            cut,
            trace: None,
        })
    }

    /// Looks for a final state that `wanted` accepts, breadth first, so that its trace is a shortest one.
    ///
    /// # Errors
    ///
    /// As [`Self::for_each_final`].
    pub fn find(&self, mut wanted: impl FnMut(&State) -> bool) -> Result<Exploration, MachineError> {
        let mut seen = FingerprintSet::new();
        let mut history: Vec<(usize, Option<Event>)> = Vec::new();
        let mut work = VecDeque::new();
        let mut cut = false;
        let mut settled = Vec::new();
        let mut next = Vec::new();
        settle(self.program, State::initial(self.program), &mut settled, &mut cut)?;
        let mut origin = (0, None);
        loop {
            for state in settled.drain(..) {
                if seen.insert(state.fingerprint()) {
                    if seen.len() > self.limits.states {
                        return Err(MachineError::TooManyStates {
                            limit: self.limits.states,
                        });
                    }
                    history.push(origin);
                    work.push_back((history.len() - 1, state));
                }
            }
            if let Some((event, successor)) = next.pop() {
                origin.1 = Some(event);
                settle(self.program, successor, &mut settled, &mut cut)?;
                continue;
            }
            let Some((at, state)) = work.pop_front() else { break };
            if is_final(self.program, &state) && (!self.told || state.barriers_done(self.program)) {
                if wanted(&state) {
                    return Ok(Exploration {
                        states: seen.len(),
                        cut,
                        trace: Some(trace_to(&history, at)),
                    });
                }
                if !self.program.has_updates() {
                    continue;
                }
            }
            origin.0 = at;
            self.successors(&state, &mut next)?;
            next.reverse();
        }
        Ok(Exploration {
            states: seen.len(),
            cut,
            trace: None,
        })
    }
}

impl Explorer<'_> {
    fn successors(&self, state: &State, next: &mut Vec<(Event, State)>) -> Result<(), MachineError> {
        state.successors(self.program, next)?;
        if self.reduced
            && next.len() > 1
            && let Some(at) = next
                .iter()
                .position(|(event, after)| state.is_idle(self.program, event, after))
        {
            next.swap(0, at);
            next.truncate(1);
        }
        Ok(())
    }
}

fn trace_to(history: &[(usize, Option<Event>)], mut at: usize) -> Vec<Event> {
    let mut events = Vec::new();
    while let (before, Some(event)) = history[at] {
        events.push(event);
        at = before;
    }
    events.reverse();
    events
}

impl State {
    /// Returns whether an event is an invalidation that takes nothing away, and is sure to be executed.
    fn is_idle(&self, program: &Program, event: &Event, after: &Self) -> bool {
        let Event::Invalidate { thread, pc, .. } = *event else {
            return false;
        };
        let thread = usize::from(thread);
        let slots = &self.pes[thread].slots;
        let own = slots.iter().rposition(|slot| slot.pc == pc).unwrap_or(slots.len());
        // A fault before it would be a path on which it never was.
        let sure = slots[..own].iter().all(|slot| {
            let is_access = matches!(
                program.threads[thread].ops[usize::from(slot.pc)],
                Op::Load { .. } | Op::Store { .. } | Op::Fetch(_) | Op::Atomic { .. }
            );
            !is_access || slot.has(flag::WALKED)
        });
        let waits = |state: &Self| -> usize {
            let slots = state.pes.iter().flat_map(|pe| &pe.slots);
            slots
                .map(|slot| slot.awaited_access.count_ones() as usize + slot.awaited_walk.count_ones() as usize)
                .sum()
        };
        sure && self.stale == after.stale && waits(self) == waits(after)
    }

    fn barriers_done(&self, program: &Program) -> bool {
        self.pes.iter().enumerate().all(|(thread, pe)| {
            pe.slots.iter().all(|slot| {
                let op = &program.threads[thread].ops[usize::from(slot.pc)];
                slot.has(flag::DONE) || !matches!(op, Op::Dsb(_) | Op::DsbNxs(_))
            })
        })
    }
}

/// Returns whether every PE has finished every access; what a TLBI or a barrier at the end still waits for cannot
/// change anything.
fn is_final(program: &Program, state: &State) -> bool {
    state.pes.iter().enumerate().all(|(thread, pe)| {
        pe.ended
            && pe.slots.iter().all(|slot| {
                slot.update == NONE
                    && (slot.has(flag::DONE)
                        || !matches!(
                            program.threads[thread].ops[usize::from(slot.pc)],
                            Op::Load { .. }
                                | Op::Store { .. }
                                | Op::Fetch(_)
                                | Op::Branch { .. }
                                | Op::Alu { .. }
                                | Op::SetContext { .. }
                                | Op::Atomic { .. }
                                | Op::Select { .. }
                        ))
            })
    })
}
