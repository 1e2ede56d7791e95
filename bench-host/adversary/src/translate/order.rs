// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an access may see, the worst last.

use super::{Candidate, Request};
use crate::core::Core;
use crate::story::Which;
use crate::walk::{Fault, FaultKind};

impl Core {
    /// Returns everything an access may see, the worst last.
    pub(super) fn candidates(
        &mut self,
        request: &Request,
        arrivals: &mut Vec<(usize, usize, usize)>,
    ) -> Vec<Candidate> {
        let mut all = Vec::new();
        for stage1 in self.stage1(request, arrivals) {
            self.join(request, &stage1, arrivals, &mut all);
        }
        self.sort(all)
    }

    /// Leaves out what makes no difference, and puts what remains in order.
    pub(super) fn sort(&self, all: Vec<Candidate>) -> Vec<Candidate> {
        let mut kept: Vec<Candidate> = Vec::with_capacity(all.len());
        for candidate in all {
            let same = |other: &Candidate| match (other.outcome, candidate.outcome) {
                (Ok(a), Ok(b)) => (a.physical, a.memory, a.marks) == (b.physical, b.memory, b.marks),
                (a, b) => a == b,
            };
            if !kept.iter().any(same) {
                kept.push(candidate);
            }
        }
        if kept.len() > 1 {
            if let Some(conflict) = self.conflict(&kept) {
                kept.push(conflict);
            }
            let works = kept.iter().any(|c| c.which == Which::Current && c.outcome.is_ok());
            // A fault where memory has one as well is no worse; a conflict is for those who draw lots.
            kept.sort_by_key(|candidate| match (candidate.which, candidate.outcome) {
                (Which::Conflict, _) => (0, 0),
                (Which::Current, _) => (2, 0),
                (_, Err(_)) if !works => (1, candidate.age),
                (_, Err(_)) => (3, candidate.age),
                (_, Ok(_)) => (4, candidate.age),
            });
        }
        kept
    }

    /// Rule 5: break-before-make was not followed, and two entries of different sizes are there.
    pub(super) fn conflict(&self, kept: &[Candidate]) -> Option<Candidate> {
        if self.kind || self.features.bbm >= 2 {
            return None;
        }
        let sizes = |candidate: &&Candidate| candidate.outcome.is_ok() && candidate.size.is_some();
        let current = kept.iter().filter(sizes).find(|c| c.which == Which::Current)?;
        let other = kept.iter().filter(sizes).find(|c| c.size != current.size)?;
        matches!(other.which, Which::Held { .. }).then_some(Candidate {
            outcome: Err(Fault::new(FaultKind::Conflict, current.size?.0)),
            which: Which::Conflict,
            age: 0,
            size: None,
        })
    }
}
