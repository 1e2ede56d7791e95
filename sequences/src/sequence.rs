// SPDX-License-Identifier: MIT OR Apache-2.0
//! A sequence: instructions, and repetitions of instructions over pages.
//!
//! # Examples
//!
//! ```
//! use sequences::{Sequence, lower, validate_words};
//!
//! let sequence: Sequence = "DSB ISHST\n for page in {range}: tlbi vae2is, {page}\n DSB ISH\n ISB".parse()?;
//! assert_eq!(sequence.to_string(), "dsb ishst; for page in {range}: tlbi vae2is, {page}; dsb ish; isb");
//!
//! // Two pages: dsb, tlbi, add, tlbi, dsb, isb; the first page in x2.
//! let lowered = lower(&sequence, 2)?;
//! assert_eq!(lowered.words, [0xd503_3a9f, 0xd50c_8322, 0x9100_0442, 0xd50c_8322, 0xd503_3b9f, 0xd503_3fdf]);
//! assert_eq!(lowered.operands[0].register, 2);
//! assert!(validate_words(&lowered.words, 64).is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::feature::Features;
use crate::instruction::Instruction;
use alloc::vec::Vec;
use core::fmt::{self, Display, Formatter};

/// One step of a sequence.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Item {
    /// An instruction.
    Instruction(Instruction),
    /// `for page in {range}: ...`: the instructions once for each page of the range under test, in order.
    ForPage(Vec<Instruction>),
}

impl Item {
    /// Returns the instructions as written: one, or the body of the repetition.
    pub fn instructions(&self) -> &[Instruction] {
        match self {
            Self::Instruction(instruction) => core::slice::from_ref(instruction),
            Self::ForPage(body) => body,
        }
    }
}

/// A TLB maintenance sequence.
///
/// Text comes in through [`str::parse`] and goes out, in canonical form, through [`Display`]; parsing that form gives
/// the same sequence back. The sequence without items is the control *without* maintenance: it displays as the empty
/// string, which does not parse, so that it is never the result of a slip of the keyboard.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Sequence {
    /// The steps, in program order.
    pub items: Vec<Item>,
}

impl Sequence {
    /// Iterates over the instructions as written: the body of a repetition once.
    pub fn instructions(&self) -> impl DoubleEndedIterator<Item = Instruction> {
        self.items.iter().flat_map(|item| item.instructions().iter().copied())
    }

    /// Returns what a PE needs to run the sequence as meant.
    pub fn required_features(&self) -> Features {
        self.instructions().fold(Features::NONE, |all, instruction| {
            all.union(instruction.required_features())
        })
    }
}

impl FromIterator<Instruction> for Sequence {
    fn from_iter<I: IntoIterator<Item = Instruction>>(instructions: I) -> Self {
        Self {
            items: instructions.into_iter().map(Item::Instruction).collect(),
        }
    }
}

impl Display for Item {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instruction(instruction) => instruction.fmt(f),
            Self::ForPage(body) => {
                f.write_str("for page in {range}: ")?;
                match body.as_slice() {
                    [instruction] => instruction.fmt(f),
                    body => {
                        f.write_str("{ ")?;
                        write_list(f, body)?;
                        f.write_str(" }")
                    }
                }
            }
        }
    }
}

/// Writes the canonical text: lowercase, `; ` between steps.
impl Display for Sequence {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_list(f, &self.items)
    }
}

fn write_list(f: &mut Formatter<'_>, list: &[impl Display]) -> fmt::Result {
    for (index, element) in list.iter().enumerate() {
        let separator = if index == 0 { "" } else { "; " };
        write!(f, "{separator}{element}")?;
    }
    Ok(())
}
