// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which programs decide a question, and how strictly the architecture is read.

use super::question::{After, Change, Observers, Question, Reading};
use crate::machine::Placement;
use alloc::vec;
use alloc::vec::Vec;

/// What happens after the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// PE 0 accesses `x`; synchronizes its context first where `true`.
    AccessHere(bool),
    /// PE 0 fetches from `x`.
    FetchHere,
    /// PE 1 accesses `x` after PE 0's message.
    Message(Placement),
    /// PE 0 uses the frame under another address, while PE 1 stores to `x`.
    Reuse(Placement),
}

/// Returns the shapes that together answer a question.
pub(super) fn shapes(question: &Question) -> Vec<Shape> {
    let mut shapes = vec![match question.after {
        After::DataHere => Shape::AccessHere(false),
        After::FetchHere => Shape::FetchHere,
        After::AccessElsewhere | After::PageReuse | After::Nothing => Shape::AccessHere(true),
    }];
    for (observers, placement) in [
        (Observers::Inner, Placement::Inner),
        (Observers::Outer, Placement::Outer),
    ] {
        // A switch to a context that has no stale entries is this PE's own affair, and so are its tables. One that was in use before may have
        // them on every PE that may hold the entry, and those PEs may switch to it too.
        if question.observers < observers || matches!(question.change, Change::SwitchContext | Change::ReplaceTables) {
            continue;
        }
        shapes.push(Shape::Message(placement));
        if question.after == After::PageReuse && question.change != Change::Validate {
            shapes.push(Shape::Reuse(placement));
        }
    }
    shapes
}

/// Which of the two passages are read strictly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Strict {
    pub(super) completion: bool,
    pub(super) store: bool,
}

impl Strict {
    pub(super) const fn of(reading: Reading) -> Self {
        let strict = matches!(reading, Reading::Strict);
        Self {
            completion: strict,
            store: strict,
        }
    }
}
