// SPDX-License-Identifier: MIT OR Apache-2.0
//! From source text to sequences.

pub mod acts;
pub mod asm;
pub mod cases;
pub mod code;
pub mod condition;
mod doubts;
pub mod event;
pub mod instruction;
pub mod layout;
pub mod macros;
pub mod names;
pub mod operand;
pub mod order;
pub mod passage;
pub mod path;
pub mod place;
pub mod publish;
pub mod reduce;
pub mod shared;
pub mod spelling;
pub(crate) mod tables;
pub mod text;
pub mod token;
pub mod words;
pub mod write;

use event::{Event, Node};

/// A function and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name; empty where the text does not say.
    pub name: String,
    /// The names of its parameters, where they are in sight.
    pub parameters: Vec<String>,
    /// What it does.
    pub nodes: Vec<Node>,
    /// It is the body of a macro, read on its own.
    pub template: bool,
    /// It starts before the text at hand does.
    pub open_start: bool,
    /// It goes on after the text at hand ends.
    pub open_end: bool,
}

/// What looks like maintenance and was not understood.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unread {
    /// Its line.
    pub line: u32,
    /// Its text.
    pub text: String,
    /// It is on one side of the patch only.
    pub changed: bool,
    /// A parameter of a macro stands in it: it is read where the macro is used.
    pub template: bool,
    /// The function or macro it stands in.
    pub function: String,
    /// Why it is in doubt.
    pub doubt: Doubt,
    /// The conditions it stands under, for a call: moved under another one, it is another call.
    pub under: String,
}

impl Unread {
    /// Says that something at a line is in doubt: in no function that is known, and under no condition.
    pub fn new(line: u32, text: String, changed: bool, doubt: Doubt) -> Self {
        Self {
            line,
            text,
            changed,
            template: false,
            function: String::new(),
            doubt,
            under: String::new(),
        }
    }

    /// Says of a function that not all of it was followed. It matters where the patch changes it.
    pub fn limit<'a>(events: impl Iterator<Item = &'a Event>, text: &str, function: &str) -> Self {
        let (mut line, mut changed) = (None, false);
        for event in events {
            line = Some(line.map_or(event.line, |line: u32| line.min(event.line)));
            changed |= event.changed;
        }
        Self {
            function: function.to_owned(),
            ..Self::new(line.unwrap_or_default(), text.to_owned(), changed, Doubt::Limit)
        }
    }
}

/// Why something was not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// It is written in a way that is not known.
    Spelling,
    /// It calls what is not in sight.
    Call,
    /// The source is larger, or nested deeper, than is followed: what stands from here on was not read.
    Limit,
}
