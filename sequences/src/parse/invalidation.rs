// SPDX-License-Identifier: MIT OR Apache-2.0
//! The operation of a `tlbi` and its operand.

use crate::instruction::Instruction;
use crate::operand::{Operand, Ttl};
use crate::parse::error::ParseErrorKind;
use crate::parse::lexer::Token;
use crate::parse::suggest::nearest;
use crate::parse::{Fallible, Parser};
use crate::tlbi::{OperandFormat, Target, Tlbi, TlbiOp};
use alloc::string::ToString;
use core::ops::Range;

const OPERANDS: [(&str, &str); 5] = [
    ("va", "{va}"),
    ("ipa", "{ipa}"),
    ("asid", "{asid}"),
    ("range", "{range}"),
    ("page", "{page}"),
];

impl Parser<'_> {
    pub(super) fn tlbi(&mut self, tlbi: Range<usize>, in_loop: bool) -> Fallible<Instruction> {
        let (op, op_span) = match self.peek()? {
            (Token::Word(word), span) => {
                self.next()?;
                let unknown = || {
                    let suggestion = nearest(word, TlbiOp::all().map(TlbiOp::name));
                    (
                        ParseErrorKind::UnknownOperation {
                            found: word.to_string(),
                            suggestion,
                        },
                        span.clone(),
                    )
                };
                (TlbiOp::from_name(word).ok_or_else(unknown)?, span)
            }
            (Token::Separator | Token::End, _) => return Err((ParseErrorKind::MissingOperation, tlbi)),
            (_, span) => return Err(self.expected("an operation such as `alle2`", span)),
        };
        let comma = match self.peek()? {
            (Token::Punctuation(','), span) => {
                self.next()?;
                span
            }
            (Token::Word(_) | Token::Punctuation('{'), span) => {
                return Err(self.expected("`,` before the operand", span));
            }
            _ if op.takes_operand() => return Err((ParseErrorKind::MissingOperand(op), op_span)),
            _ => {
                return Ok(Instruction::Tlbi(Tlbi {
                    op,
                    operand: Operand::None,
                }));
            }
        };
        let (operand, span) = self.operand(op, comma)?;
        if !op.takes_operand() {
            return Err((
                ParseErrorKind::UnexpectedOperand {
                    op,
                    suggestion: by_operand(op, operand),
                },
                span,
            ));
        }
        if matches!(operand, Operand::Page(_)) && !in_loop {
            return Err((ParseErrorKind::PageOutsideLoop, span));
        }
        let wrong = (ParseErrorKind::WrongOperand { op, found: operand }, span);
        Tlbi::new(op, operand).map(Instruction::Tlbi).ok_or(wrong)
    }

    /// Parses the operand after a comma.
    fn operand(&mut self, op: TlbiOp, comma: Range<usize>) -> Fallible<(Operand, Range<usize>)> {
        let open = match self.peek()? {
            (Token::Punctuation('{'), span) => {
                self.next()?;
                span
            }
            (Token::Word(word), span) => {
                self.next()?;
                if word.eq_ignore_ascii_case("xzr") {
                    return Ok((Operand::Xzr, span));
                }
                let found = word.to_string();
                if is_register(word) {
                    let kind = match op.takes_operand() {
                        true => ParseErrorKind::Register { found, op },
                        false => ParseErrorKind::UnexpectedOperand { op, suggestion: None },
                    };
                    return Err((kind, span));
                }
                let candidates = OPERANDS.into_iter().chain([("xzr", "xzr")]);
                return Err((
                    ParseErrorKind::UnknownOperand {
                        found,
                        suggestion: with_braces(word, candidates),
                    },
                    span,
                ));
            }
            (Token::Separator | Token::End, _) if op.takes_operand() => {
                return Err((ParseErrorKind::MissingOperand(op), comma));
            }
            (_, span) => return Err(self.expected("an operand such as `{va}`", span)),
        };
        let (name, name_span) = match self.next()? {
            (Token::Word(word), span) => (word, span),
            (_, span) => return Err(self.expected("the name of an operand, e.g. `va`", span)),
        };
        let Some((name, _)) = OPERANDS.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) else {
            let suggestion = with_braces(name, OPERANDS);
            return Err((
                ParseErrorKind::UnknownOperand {
                    found: name.to_string(),
                    suggestion,
                },
                name_span,
            ));
        };
        let (unshifted, ttl) = self.modifiers(name)?;
        let (_, close) = self.punctuation('}', "`}` after the operand")?;
        let operand = match name {
            "va" if unshifted => Operand::VaUnshifted,
            "va" => Operand::Va(ttl),
            "ipa" if unshifted => Operand::IpaUnshifted,
            "ipa" => Operand::Ipa(ttl),
            "asid" if unshifted => Operand::AsidUnshifted,
            "asid" => Operand::Asid,
            "range" => Operand::Range(ttl),
            _ => Operand::Page(ttl),
        };
        Ok((operand, open.start..close.end))
    }

    /// Parses the `!` or the level hint of an operand.
    fn modifiers(&mut self, operand: &'static str) -> Fallible<(bool, Option<Ttl>)> {
        match self.peek()? {
            (Token::Punctuation('!'), span) => {
                self.next()?;
                match operand {
                    "va" | "ipa" | "asid" => Ok((true, None)),
                    _ => Err((ParseErrorKind::NoModifier { operand, modifier: "!" }, span)),
                }
            }
            (Token::Punctuation(','), _) => {
                self.next()?;
                let (_, name) = self.word("ttl", "`ttl=`, the level hint")?;
                if operand == "asid" {
                    return Err((
                        ParseErrorKind::NoModifier {
                            operand,
                            modifier: "ttl",
                        },
                        name,
                    ));
                }
                self.punctuation('=', "`=` after `ttl`")?;
                let (_, span) = self.next()?;
                let found = self.text(&span);
                let level = found.parse().ok().and_then(Ttl::from_level);
                let level = level.ok_or((ParseErrorKind::BadLevel { found }, span))?;
                Ok((false, Some(level)))
            }
            _ => Ok((false, None)),
        }
    }
}

fn is_register(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    match word.strip_prefix(['x', 'w']).map(str::parse::<u8>) {
        Some(Ok(number)) => number < 32,
        _ => matches!(word.as_str(), "wzr" | "sp" | "wsp" | "lr" | "fp"),
    }
}

fn with_braces(
    word: &str,
    operands: impl IntoIterator<Item = (&'static str, &'static str)> + Clone,
) -> Option<&'static str> {
    let name = nearest(word, operands.clone().into_iter().map(|(name, _)| name))?;
    operands
        .into_iter()
        .find(|(known, _)| *known == name)
        .map(|(_, spelled)| spelled)
}

/// Returns the operation with `op`'s level and scope that takes the operand given to `op`.
fn by_operand(op: TlbiOp, operand: Operand) -> Option<TlbiOp> {
    let target = match operand {
        Operand::Va(_) | Operand::Page(_) | Operand::Range(_) => Target::Va,
        Operand::Ipa(_) => Target::Ipa,
        Operand::Asid => Target::Asid,
        Operand::None | Operand::Xzr | Operand::VaUnshifted | Operand::IpaUnshifted | Operand::AsidUnshifted => {
            return None;
        }
    };
    let range = matches!(operand, Operand::Range(_));
    let other = TlbiOp::new(target, op.level(), op.scope(), range, op.is_nxs())?;
    (other.operand_format() != OperandFormat::None).then_some(other)
}
