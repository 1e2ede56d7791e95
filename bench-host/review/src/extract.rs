// SPDX-License-Identifier: MIT OR Apache-2.0
//! From source text to sequences.

pub mod asm;
pub mod code;
pub mod condition;
pub mod event;
pub mod instruction;
pub mod macros;
pub mod operand;
pub mod path;
pub mod publish;
pub mod reduce;
pub mod spelling;
pub mod token;

use event::Node;

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
