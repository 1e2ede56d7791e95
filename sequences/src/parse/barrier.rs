// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of `dsb`, `dmb` and `isb`.

use crate::decode::{Decoded, decode};
use crate::encode::{DMB, DSB};
use crate::instruction::{Barrier, Domain, Instruction};
use crate::parse::error::ParseErrorKind;
use crate::parse::lexer::Token;
use crate::parse::suggest::nearest;
use crate::parse::{Fallible, INSTRUCTIONS, Parser};
use alloc::string::ToString;
use core::ops::Range;

impl Parser<'_> {
    pub(super) fn barrier(&mut self, instruction: &'static str, span: Range<usize>) -> Fallible<Instruction> {
        let nxs = Domain::ALL.map(|domain| (nxs_name(domain), domain));
        match self.peek()? {
            (Token::Word(word), span) => {
                self.next()?;
                if let Some(barrier) = Barrier::from_name(word) {
                    let dsb = instruction == "dsb";
                    return Ok(if dsb {
                        Instruction::Dsb(barrier)
                    } else {
                        Instruction::Dmb(barrier)
                    });
                }
                if let Some((_, domain)) = nxs.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(word)) {
                    return match instruction {
                        "dsb" => Ok(Instruction::DsbNxs(domain)),
                        _ => Err((ParseErrorKind::NxsDmb(domain), span)),
                    };
                }
                let names = Barrier::all().map(Barrier::name);
                let suggestion = match word.to_ascii_lowercase().as_str() {
                    // The names of Armv7.
                    "un" => Some("nsh"),
                    "unst" => Some("nshst"),
                    "sh" => Some("ish"),
                    "shst" => Some("ishst"),
                    // `dsb` takes these too; a `dmb` does not.
                    _ if instruction == "dsb" => nearest(word, names.chain(nxs.map(|(name, _)| name))),
                    _ => nearest(word, names),
                };
                Err((
                    ParseErrorKind::UnknownOption {
                        instruction,
                        found: word.to_string(),
                        suggestion,
                    },
                    span,
                ))
            }
            (Token::Immediate(number), span) => {
                let base = if instruction == "dsb" { DSB } else { DMB };
                let suggestion = match immediate(number).and_then(|crm| decode(base & !0xf00 | crm << 8)) {
                    Some(Decoded::Dsb(barrier) | Decoded::Dmb(barrier)) => Some(barrier.name()),
                    _ => None,
                };
                Err((
                    ParseErrorKind::ImmediateOption {
                        instruction,
                        found: self.text(&span),
                        suggestion,
                    },
                    span,
                ))
            }
            (Token::Separator | Token::End, _) => Err((ParseErrorKind::MissingOption { instruction }, span)),
            (Token::Punctuation(_), span) => Err(self.expected("an option such as `ish`", span)),
        }
    }

    pub(super) fn isb(&mut self) -> Fallible<Instruction> {
        match self.peek()? {
            (Token::Word(word), _) if word.eq_ignore_ascii_case("sy") => {
                self.next()?;
                Ok(Instruction::Isb)
            }
            // The next instruction: what is missing is the separator.
            (Token::Word(word), _) if INSTRUCTIONS.iter().any(|known| known.eq_ignore_ascii_case(word)) => {
                Ok(Instruction::Isb)
            }
            (Token::Word(word), span) => {
                let found = word.to_string();
                Err((
                    ParseErrorKind::UnknownOption {
                        instruction: "isb",
                        found,
                        suggestion: Some("sy"),
                    },
                    span,
                ))
            }
            (Token::Immediate(number), span) => {
                let suggestion = (immediate(number) == Some(15)).then_some("sy");
                let found = self.text(&span);
                Err((
                    ParseErrorKind::ImmediateOption {
                        instruction: "isb",
                        found,
                        suggestion,
                    },
                    span,
                ))
            }
            _ => Ok(Instruction::Isb),
        }
    }
}

const fn nxs_name(domain: Domain) -> &'static str {
    match domain {
        Domain::NonShareable => "nshnxs",
        Domain::InnerShareable => "ishnxs",
        Domain::OuterShareable => "oshnxs",
        Domain::FullSystem => "synxs",
    }
}

fn immediate(number: &str) -> Option<u32> {
    let number = number.to_ascii_lowercase();
    let value = match number.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => number.parse(),
    };
    value.ok().filter(|value| *value < 16)
}
