// SPDX-License-Identifier: MIT OR Apache-2.0
//! Text to sequences.
//!
//! # Grammar
//!
//! Case and blanks do not matter. `?` is at most one, `*` any number; quoted text stands for itself.
//!
//! ```text
//! sequence    = separator* step (separator+ step)* separator*
//! separator   = ";" | end of line
//! step        = instruction | repetition
//! instruction = ("dsb" | "dmb") option | "dsb" domain "nxs" | "isb" "sy"? | "sb" | "nop" | tlbi
//! option      = domain | "nshst" | "ishst" | "oshst" | "st" | "nshld" | "ishld" | "oshld" | "ld"
//! domain      = "nsh" | "ish" | "osh" | "sy"
//! tlbi        = "tlbi" operation ("," operand)?
//! operation   = a TLBI operation of the Arm ARM, e.g. "alle2", "vae2is", "rvale1osnxs"
//! operand     = "xzr" | "{" ("asid" | "va" "!") "}" | "{" ("va" | "ipa" | "range" | "page") hint? "}"
//! hint        = "," "ttl" "=" ("0" | "1" | "2" | "3")
//! repetition  = "for" "page" "in" "{" "range" "}" ":" separator* body
//! body        = instruction | "{" separator* instruction (separator+ instruction)* separator* "}"
//! comment     = "//" to the end of the line | "/*" to "*/" | "#" as the first character of a line, to its end
//! ```
//!
//! A `#` further right would be the immediate of `dsb #11`, so it starts no comment there; that is the assembler's
//! rule too. Operands say what a register holds, not which register: the check or bench that runs the sequence loads
//! them (see [`lower`](mod@crate::lower)).

mod error;
mod lexer;
pub(crate) mod suggest;

pub use error::{ParseError, ParseErrorKind, Position};

use crate::decode::{Decoded, decode};
use crate::encode::{DMB, DSB};
use crate::instruction::{Barrier, Domain, Instruction, Operand, Ttl};
use crate::sequence::{Item, Sequence};
use crate::tlbi::{OperandFormat, Target, Tlbi, TlbiOp};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Range;
use core::str::FromStr;
use lexer::{Lexer, Token};
use suggest::nearest;

/// The longest sequence a text can hold, in instructions as written.
pub const MAX_INSTRUCTIONS: usize = 256;

/// Instructions that real sequences hold next to their maintenance, and that this language leaves out.
const OUTSIDE: [&str; 24] = [
    "adrp", "at", "b", "bl", "br", "clrex", "dc", "eret", "hvc", "ic", "ldr", "mov", "mrs", "msr", "ret", "smc",
    "stlr", "str", "svc", "sys", "sysp", "tlbip", "wfe", "wfi",
];

const INSTRUCTIONS: [&str; 7] = ["dsb", "dmb", "isb", "sb", "nop", "tlbi", "for"];

const OPERANDS: [(&str, &str); 5] = [
    ("va", "{va}"),
    ("ipa", "{ipa}"),
    ("asid", "{asid}"),
    ("range", "{range}"),
    ("page", "{page}"),
];

/// Returns the sequence a text describes.
///
/// # Errors
///
/// Returns the first thing wrong with the text, its place, and what to write instead.
pub fn parse(source: &str) -> Result<Sequence, ParseError> {
    let mut parser = Parser {
        source,
        lexer: Lexer::new(source),
        instructions: 0,
    };
    parser
        .sequence()
        .map_err(|(kind, span)| ParseError::new(source, span, kind))
}

impl FromStr for Sequence {
    type Err = ParseError;

    fn from_str(source: &str) -> Result<Self, ParseError> {
        parse(source)
    }
}

type Fallible<T> = Result<T, (ParseErrorKind, Range<usize>)>;

struct Parser<'a> {
    source: &'a str,
    lexer: Lexer<'a>,
    instructions: usize,
}

impl<'a> Parser<'a> {
    fn sequence(&mut self) -> Fallible<Sequence> {
        let mut items = Vec::new();
        loop {
            match self.after_separators()? {
                (Token::End, span) if items.is_empty() => return Err((ParseErrorKind::Empty, span)),
                (Token::End, _) => return Ok(Sequence { items }),
                (Token::Word(word), span) if word.eq_ignore_ascii_case("for") => items.push(self.repetition(span)?),
                (token, span) => items.push(Item::Instruction(self.instruction(token, span, false)?)),
            }
            match self.next()? {
                (Token::Separator, _) => {}
                (Token::End, _) => return Ok(Sequence { items }),
                (_, span) => return Err(self.expected("`;` or a new line before the next step", span)),
            }
        }
    }

    /// Parses a repetition after its `for`, at `start`.
    fn repetition(&mut self, start: Range<usize>) -> Fallible<Item> {
        self.word("page", "`page` in `for page in {range}:`")?;
        self.word("in", "`in` in `for page in {range}:`")?;
        self.punctuation('{', "`{range}` in `for page in {range}:`")?;
        self.word("range", "`{range}` in `for page in {range}:`")?;
        self.punctuation('}', "`}` after `{range`")?;
        let (_, colon) = self.punctuation(':', "`:` after `for page in {range}`")?;
        let mut body = Vec::new();
        match self.after_separators()? {
            (Token::Punctuation('{'), open) => loop {
                match self.after_separators()? {
                    (Token::Punctuation('}'), _) => break,
                    (Token::End, _) => return Err((self.missing("`}` that ends the repetition"), open)),
                    (token, span) => body.push(self.instruction(token, span, true)?),
                }
                match self.next()? {
                    (Token::Separator, _) => {}
                    (Token::Punctuation('}'), _) => break,
                    (_, span) => return Err(self.expected("`;` or `}` in the repetition", span)),
                }
            },
            (Token::End, _) => return Err((ParseErrorKind::EmptyLoop, colon)),
            (token, span) => body.push(self.instruction(token, span, true)?),
        }
        if body.is_empty() {
            return Err((ParseErrorKind::EmptyLoop, colon));
        }
        if !body
            .iter()
            .any(|instruction| matches!(instruction.operand(), Operand::Page(_)))
        {
            return Err((ParseErrorKind::LoopWithoutPage, start));
        }
        Ok(Item::ForPage(body))
    }

    /// Parses an instruction whose first token is given.
    fn instruction(&mut self, token: Token<'a>, span: Range<usize>, in_loop: bool) -> Fallible<Instruction> {
        let Token::Word(word) = token else {
            return Err(self.expected("an instruction", span));
        };
        self.instructions += 1;
        if self.instructions > MAX_INSTRUCTIONS {
            return Err((ParseErrorKind::TooLong(MAX_INSTRUCTIONS), span));
        }
        match INSTRUCTIONS.into_iter().find(|known| known.eq_ignore_ascii_case(word)) {
            Some("dsb") => self.barrier("dsb", span),
            Some("dmb") => self.barrier("dmb", span),
            Some("isb") => self.isb(),
            Some("sb") => Ok(Instruction::Sb),
            Some("nop") => Ok(Instruction::Nop),
            Some("tlbi") => self.tlbi(span, in_loop),
            Some(_) => Err((ParseErrorKind::NestedLoop, span)),
            None => {
                let found = word.to_string();
                let outside = OUTSIDE.iter().any(|known| known.eq_ignore_ascii_case(word));
                let kind = if outside {
                    ParseErrorKind::OutsideLanguage {
                        found: found.to_ascii_lowercase(),
                    }
                } else {
                    ParseErrorKind::UnknownInstruction {
                        found,
                        suggestion: nearest(word, INSTRUCTIONS),
                    }
                };
                Err((kind, span))
            }
        }
    }

    fn barrier(&mut self, instruction: &'static str, span: Range<usize>) -> Fallible<Instruction> {
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

    fn isb(&mut self) -> Fallible<Instruction> {
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

    fn tlbi(&mut self, tlbi: Range<usize>, in_loop: bool) -> Fallible<Instruction> {
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
            "ipa" => Operand::Ipa(ttl),
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
                    "va" => Ok((true, None)),
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

    fn next(&mut self) -> Fallible<(Token<'a>, Range<usize>)> {
        self.lexer.next()
    }

    fn peek(&self) -> Fallible<(Token<'a>, Range<usize>)> {
        self.lexer.clone().next()
    }

    fn after_separators(&mut self) -> Fallible<(Token<'a>, Range<usize>)> {
        loop {
            match self.next()? {
                (Token::Separator, _) => {}
                other => return Ok(other),
            }
        }
    }

    fn word(&mut self, word: &str, expected: &'static str) -> Fallible<(Token<'a>, Range<usize>)> {
        match self.next()? {
            (Token::Word(found), span) if found.eq_ignore_ascii_case(word) => Ok((Token::Word(found), span)),
            (_, span) => Err(self.expected(expected, span)),
        }
    }

    fn punctuation(&mut self, character: char, expected: &'static str) -> Fallible<(Token<'a>, Range<usize>)> {
        match self.next()? {
            (Token::Punctuation(found), span) if found == character => Ok((Token::Punctuation(found), span)),
            (_, span) => Err(self.expected(expected, span)),
        }
    }

    fn expected(&self, expected: &'static str, span: Range<usize>) -> (ParseErrorKind, Range<usize>) {
        (
            ParseErrorKind::Expected {
                expected,
                found: self.text(&span),
            },
            span,
        )
    }

    fn missing(&self, expected: &'static str) -> ParseErrorKind {
        ParseErrorKind::Expected {
            expected,
            found: String::new(),
        }
    }

    fn text(&self, span: &Range<usize>) -> String {
        self.source[span.clone()].to_string()
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
        Operand::None | Operand::Xzr | Operand::VaUnshifted => return None,
    };
    let range = matches!(operand, Operand::Range(_));
    let other = TlbiOp::new(target, op.level(), op.scope(), range, op.is_nxs())?;
    (other.operand_format() != OperandFormat::None).then_some(other)
}
