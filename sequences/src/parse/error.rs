// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is wrong with a text, where, and what to write instead.

mod message;

use crate::instruction::Domain;
use crate::operand::Operand;
use crate::tlbi::TlbiOp;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::fmt::{self, Display, Formatter};
use core::ops::Range;

/// Characters that are shown of the line with the error, and how many of them stand before the place.
const SHOWN: usize = 90;
const BEFORE: usize = 40;
const ELLIPSIS: &str = "...";

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    /// Bytes before it.
    pub offset: usize,
    /// The line, from 1.
    pub line: usize,
    /// The character in its line, from 1.
    pub column: usize,
}

/// A text that is no sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    position: Position,
    span: Range<usize>,
    kind: Box<ParseErrorKind>,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// No instruction at all.
    Empty,
    /// More instructions than this.
    TooLong(usize),
    /// A character that appears nowhere in the language.
    UnexpectedCharacter(char),
    /// A `/*` without its `*/`.
    UnterminatedComment,
    /// Something else was needed here.
    Expected {
        /// What was needed.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// No instruction of this name.
    UnknownInstruction {
        /// The name.
        found: String,
        /// The nearest instruction.
        suggestion: Option<&'static str>,
    },
    /// A real instruction that the language leaves out on purpose.
    OutsideLanguage {
        /// The instruction.
        found: String,
    },
    /// No translation register of this name.
    UnknownRegister {
        /// The name.
        found: String,
        /// The nearest register.
        suggestion: Option<&'static str>,
    },
    /// A `dsb` or `dmb` without its option.
    MissingOption {
        /// `dsb` or `dmb`.
        instruction: &'static str,
    },
    /// No option of this name.
    UnknownOption {
        /// `dsb`, `dmb` or `isb`.
        instruction: &'static str,
        /// The name.
        found: String,
        /// The nearest option.
        suggestion: Option<&'static str>,
    },
    /// An option by number.
    ImmediateOption {
        /// `dsb`, `dmb` or `isb`.
        instruction: &'static str,
        /// The number, as written.
        found: String,
        /// The option of this number.
        suggestion: Option<&'static str>,
    },
    /// An nXS option on a `dmb`.
    NxsDmb(Domain),
    /// A `tlbi` without its operation.
    MissingOperation,
    /// No operation of this name.
    UnknownOperation {
        /// The name.
        found: String,
        /// The nearest operation.
        suggestion: Option<&'static str>,
    },
    /// An operation that needs an operand, without one.
    MissingOperand(TlbiOp),
    /// An operand for an operation that takes none.
    UnexpectedOperand {
        /// The operation.
        op: TlbiOp,
        /// An operation of the same scope that takes an operand of this kind.
        suggestion: Option<TlbiOp>,
    },
    /// An operand of a kind that the operation does not take.
    WrongOperand {
        /// The operation.
        op: TlbiOp,
        /// The operand.
        found: Operand,
    },
    /// A register where an operand is named by what it holds.
    Register {
        /// The register.
        found: String,
        /// The operation it was given to.
        op: TlbiOp,
    },
    /// No operand of this name.
    UnknownOperand {
        /// The name.
        found: String,
        /// The nearest operand.
        suggestion: Option<&'static str>,
    },
    /// A level hint that is not 0 to 3.
    BadLevel {
        /// What is there.
        found: String,
    },
    /// A level hint, or `!`, on an operand that has none.
    NoModifier {
        /// The operand's name.
        operand: &'static str,
        /// `ttl` or `!`.
        modifier: &'static str,
    },
    /// `{page}` outside a repetition.
    PageOutsideLoop,
    /// A repetition that does the same for every page.
    LoopWithoutPage,
    /// A repetition in a repetition.
    NestedLoop,
    /// A repetition of nothing.
    EmptyLoop,
}

impl ParseError {
    pub(super) fn new(source: &str, span: Range<usize>, kind: ParseErrorKind) -> Self {
        let before = &source[..span.start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let position = Position {
            offset: span.start,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        };
        Self {
            position,
            span,
            kind: Box::new(kind),
        }
    }

    /// Returns where the error is.
    pub const fn position(&self) -> Position {
        self.position
    }

    /// Returns the bytes of the text that are wrong; empty where something is missing.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Returns what is wrong.
    pub fn kind(&self) -> &ParseErrorKind {
        &self.kind
    }

    /// Returns the message, the line of `source` it is about, and a line of carets under the place.
    pub fn render(&self, source: &str) -> String {
        let offset = self.span.start.min(source.len());
        let start = source
            .get(..offset)
            .and_then(|before| before.rfind('\n'))
            .map_or(0, |newline| newline + 1);
        let rest = source.get(start..).unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default();
        let column = self.position.column - 1;
        // A long line is shown around the place, so that it fits a terminal.
        let skipped = column.saturating_sub(BEFORE);
        let skipped = if line.chars().count() > SHOWN { skipped } else { 0 };
        let mut shown: String = line.chars().skip(skipped).take(SHOWN).collect();
        if line.chars().count() > skipped + SHOWN {
            shown.push_str(ELLIPSIS);
        }
        if skipped > 0 {
            shown.insert_str(0, ELLIPSIS);
        }
        let before = column - skipped + if skipped > 0 { ELLIPSIS.len() } else { 0 };
        // Tabs stay tabs, so that the carets line up whatever their width.
        let indent: String = shown
            .chars()
            .take(before)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        let wrong = source.get(self.span.clone()).unwrap_or_default();
        let room = shown.chars().count().saturating_sub(before).max(1);
        let carets = "^".repeat(wrong.lines().next().unwrap_or_default().chars().count().clamp(1, room));
        let number = self.position.line.to_string();
        let margin = " ".repeat(number.len());
        alloc::format!("{self}\n{number} | {shown}\n{margin} | {indent}{carets}")
    }
}

impl Display for ParseError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column {}: {}",
            self.position.line, self.position.column, self.kind
        )
    }
}

impl core::error::Error for ParseError {}
