// SPDX-License-Identifier: MIT OR Apache-2.0
//! The messages: one line each, with what to write instead.

use crate::operand::Operand;
use crate::parse::error::ParseErrorKind;
use crate::tlbi::OperandFormat;
use alloc::string::String;
use core::fmt::{self, Display, Formatter};

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
                    "expected `dsb`, `dmb`, `isb`, `sb`, `nop`, `tlbi`, `msr` or `for`",
                )
            }
            Self::OutsideLanguage { found } => write!(
                f,
                "`{found}` is outside the language: a sequence holds barriers and TLB maintenance only (`dsb`, `dmb`, \
                 `isb`, `sb`, `nop`, `tlbi`), and `msr` of translation registers; the store and the accesses belong to the \
                 check"
            ),
            Self::UnknownRegister { found, suggestion } => {
                write!(f, "{} is no translation register", Quoted(found))?;
                write_suggestion(
                    f,
                    *suggestion,
                    "expected a TTBR, VTTBR, TCR, VTCR, HCR or SCTLR such as `vttbr_el2`",
                )
            }
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
                    "only `{{va!}}`, `{{ipa!}}` and `{{asid!}}`, which leave out the shift, take a `!`: write `{{{operand}}}`"
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
const fn usual(format: OperandFormat) -> &'static str {
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
