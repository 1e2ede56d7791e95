// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is wrong with a text, where, and what to write instead.

use crate::instruction::{Domain, Operand};
use crate::tlbi::{OperandFormat, TlbiOp};
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::fmt::{self, Display, Formatter};
use core::ops::Range;

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
        // Tabs stay tabs, so that the carets line up whatever their width.
        let indent: String = line
            .chars()
            .take(self.position.column - 1)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        let wrong = source.get(self.span.clone()).unwrap_or_default();
        let room = line.chars().count().saturating_sub(self.position.column - 1).max(1);
        let carets = "^".repeat(wrong.lines().next().unwrap_or_default().chars().count().clamp(1, room));
        let number = self.position.line.to_string();
        let margin = " ".repeat(number.len());
        alloc::format!("{self}\n{number} | {line}\n{margin} | {indent}{carets}")
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

impl Display for ParseErrorKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no instruction found: write for example `dsb nshst; tlbi alle2; dsb nsh; isb`"),
            Self::TooLong(max) => write!(
                f,
                "more than {max} instructions: repeat over pages with `for page in {{range}}: ...`"
            ),
            Self::UnexpectedCharacter(character) => {
                write!(
                    f,
                    "unexpected character {character:?}: steps are separated by `;` or a new line"
                )
            }
            Self::UnterminatedComment => f.write_str("comment without end: close it with `*/`"),
            Self::Expected { expected, found } => write!(f, "expected {expected}, found {}", Quoted(found)),
            Self::UnknownInstruction { found, suggestion } => {
                write!(f, "unknown instruction {}", Quoted(found))?;
                write_suggestion(
                    f,
                    *suggestion,
                    "expected `dsb`, `dmb`, `isb`, `sb`, `nop`, `tlbi` or `for`",
                )
            }
            Self::OutsideLanguage { found } => write!(
                f,
                "`{found}` is outside the language: a sequence holds barriers and TLB maintenance only (`dsb`, `dmb`, \
                 `isb`, `sb`, `nop`, `tlbi`); the store, the system registers and the accesses belong to the check"
            ),
            Self::MissingOption { instruction } => write!(
                f,
                "`{instruction}` needs an option, as in the assembler: `{instruction} sy` for the full system, `ish` \
                 inner shareable, `osh` outer shareable, `nsh` this PE; with `st` or `ld` for stores or loads only"
            ),
            Self::UnknownOption {
                instruction: "isb",
                found,
                ..
            } => {
                write!(f, "`isb` takes no option but `sy`, found {}", Quoted(found))
            }
            Self::UnknownOption {
                instruction,
                found,
                suggestion,
            } => {
                write!(f, "unknown option {} for `{instruction}`", Quoted(found))?;
                write_suggestion(
                    f,
                    *suggestion,
                    "expected `nsh`, `ish`, `osh` or `sy`, or a form with `st` or `ld`",
                )
            }
            Self::ImmediateOption {
                instruction,
                found,
                suggestion,
            } => {
                write!(f, "option {} by number: ", Quoted(found))?;
                match suggestion {
                    Some(name) => write!(f, "write `{instruction} {name}`"),
                    None => write!(
                        f,
                        "reserved, or no option of `{instruction}`; write the option's name, e.g. `sy`"
                    ),
                }?;
                f.write_str(" (`#` starts a comment at the start of a line only; `//` anywhere)")
            }
            Self::NxsDmb(domain) => {
                let domain = domain.name();
                write!(f, "`dmb` has no nXS form: write `dmb {domain}`, or `dsb {domain}nxs`")
            }
            Self::MissingOperation => f.write_str("`tlbi` needs an operation, e.g. `tlbi alle2`"),
            Self::UnknownOperation { found, suggestion } => {
                write!(f, "unknown operation {} for `tlbi`", Quoted(found))?;
                write_suggestion(
                    f,
                    *suggestion,
                    "expected an operation of the Arm ARM, e.g. `alle2`, `vae2is`, `rvae1is`",
                )
            }
            Self::MissingOperand(op) => {
                write!(
                    f,
                    "`tlbi {op}` needs an operand: write `tlbi {op}, {}`",
                    usual(op.operand_format())
                )
            }
            Self::UnexpectedOperand { op, suggestion } => {
                write!(f, "`tlbi {op}` takes no operand: write `tlbi {op}`")?;
                match suggestion {
                    Some(other) => write!(f, ", or `tlbi {other}, {}`", usual(other.operand_format())),
                    None => Ok(()),
                }
            }
            Self::WrongOperand { op, found } => {
                write!(f, "`tlbi {op}` does not take `{found}`: ")?;
                match (op.operand_format(), found) {
                    (OperandFormat::Range, Operand::Xzr) => {
                        write!(f, "granule 0b00 of a zero operand is reserved; write `{{range}}`")
                    }
                    (OperandFormat::Range, Operand::Range(Some(_))) => {
                        write!(
                            f,
                            "a range hint of 0 means no hint; write `{{range}}`, or `ttl=1` to `ttl=3`"
                        )
                    }
                    (OperandFormat::PaRange, Operand::Range(Some(_))) => {
                        write!(f, "its operand has no level hint; write `{{range}}`")
                    }
                    (format, _) => write!(f, "it works {}; expected {}", meaning(format), accepted(format)),
                }
            }
            Self::Register { found, op } => write!(
                f,
                "registers are chosen by the bench, not by the text: instead of {} name what the register holds, {}",
                Quoted(found),
                accepted(op.operand_format())
            ),
            Self::UnknownOperand { found, suggestion } => {
                write!(f, "unknown operand {}", Quoted(found))?;
                write_suggestion(
                    f,
                    *suggestion,
                    "expected `{va}`, `{ipa}`, `{asid}`, `{range}`, `{page}`, `{va!}` or `xzr`",
                )
            }
            Self::BadLevel { found } => write!(f, "level hint {} is not a level: expected 0, 1, 2 or 3", Quoted(found)),
            Self::NoModifier { operand, modifier: "!" } => {
                write!(
                    f,
                    "only `{{va!}}`, the address without its shift, takes a `!`: write `{{{operand}}}`"
                )
            }
            Self::NoModifier { operand, modifier } => {
                write!(
                    f,
                    "`{{{operand}}}` has no `{modifier}`: a level hint goes with `{{va}}`, `{{ipa}}`, `{{range}}` or `{{page}}`"
                )
            }
            Self::PageOutsideLoop => f.write_str(
                "`{page}` is the page of a repetition: write `for page in {range}: tlbi ..., {page}`, or `{va}` for \
                 a single address",
            ),
            Self::LoopWithoutPage => {
                f.write_str("the repetition does the same for every page: use `{page}` in its body")
            }
            Self::NestedLoop => f.write_str("a repetition cannot hold another one"),
            Self::EmptyLoop => {
                f.write_str("the repetition has no body: write `for page in {range}: tlbi vae2is, {page}`")
            }
        }
    }
}

/// Writes what was meant, or what is possible.
fn write_suggestion(f: &mut Formatter<'_>, suggestion: Option<&str>, expected: &str) -> fmt::Result {
    match suggestion {
        Some(name) => write!(f, ": did you mean `{name}`?"),
        None => write!(f, ": {expected}"),
    }
}

/// Returns the operand that an operation is usually given.
pub(super) const fn usual(format: OperandFormat) -> &'static str {
    match format {
        OperandFormat::None => "",
        OperandFormat::Va => "{va}",
        OperandFormat::Ipa => "{ipa}",
        OperandFormat::Asid => "{asid}",
        OperandFormat::Range | OperandFormat::PaRange => "{range}",
    }
}

const fn meaning(format: OperandFormat) -> &'static str {
    match format {
        OperandFormat::None => "without operand",
        OperandFormat::Va => "by virtual address",
        OperandFormat::Ipa => "by intermediate physical address",
        OperandFormat::Asid => "by ASID",
        OperandFormat::Range => "by range",
        OperandFormat::PaRange => "by range of physical addresses",
    }
}

const fn accepted(format: OperandFormat) -> &'static str {
    match format {
        OperandFormat::None => "no operand",
        OperandFormat::Va => "`{va}`, `{page}`, `{va!}` or `xzr`",
        OperandFormat::Ipa => "`{ipa}`, `{page}` or `xzr`",
        OperandFormat::Asid => "`{asid}` or `xzr`",
        OperandFormat::Range | OperandFormat::PaRange => "`{range}`",
    }
}

/// A piece of the text in a message: shortened, control characters escaped.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        const MAX: usize = 32;
        match self.0 {
            "" => return f.write_str("the end"),
            "\n" => return f.write_str("the end of the line"),
            _ => {}
        }
        let short: String = self.0.chars().take(MAX).collect();
        let dots = if short.len() < self.0.len() { "..." } else { "" };
        write!(f, "`{}{dots}`", short.escape_debug())
    }
}
