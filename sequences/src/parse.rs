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
//! instruction = ("dsb" | "dmb") option | "dsb" domain "nxs" | "isb" "sy"? | "sb" | "nop" | tlbi | msr
//! option      = domain | "nshst" | "ishst" | "oshst" | "st" | "nshld" | "ishld" | "oshld" | "ld"
//! domain      = "nsh" | "ish" | "osh" | "sy"
//! tlbi        = "tlbi" operation ("," operand)?
//! operation   = a TLBI operation of the Arm ARM, e.g. "alle2", "vae2is", "rvale1osnxs"
//! operand     = "xzr" | "{" ("asid" | "va" "!") "}" | "{" ("va" | "ipa" | "range" | "page") hint? "}"
//! hint        = "," "ttl" "=" ("0" | "1" | "2" | "3")
//! msr         = "msr" register "," ("{" ("new" | "old") "}" | "x0" … "x30" | "xzr")
//! register    = a translation register: "ttbr0_el1", "vttbr_el2", "tcr_el2", "hcr_el2", "sctlr_el1", …
//! repetition  = "for" "page" "in" "{" "range" "}" ":" separator* body
//! body        = instruction | "{" separator* instruction (separator+ instruction)* separator* "}"
//! comment     = "//" to the end of the line | "/*" to "*/" | "#" as the first character of a line, to its end
//! ```
//!
//! A `#` further right would be the immediate of `dsb #11`, so it starts no comment there; that is the assembler's
//! rule too. Operands say what a register holds, not which register: the check or bench that runs the sequence loads
//! them (see [`lower`](mod@crate::lower)).
//!
//! A write of a translation register makes the sequence one to judge, not to run. `{new}` is the context the question is
//! about, `{old}` any other. A general-purpose register is read as `{new}` where it is the first that is written to
//! that translation register, or the same again, and as `{old}` otherwise.

mod barrier;
mod context;
mod error;
mod invalidation;
mod lexer;
pub(crate) mod suggest;

pub use error::{ParseError, ParseErrorKind, Position};
pub use suggest::nearest;

use crate::instruction::Instruction;
use crate::operand::Operand;
use crate::register::ContextRegister;
use crate::sequence::{Item, Sequence};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Range;
use core::str::FromStr;
use lexer::{Lexer, Token};

/// The longest sequence a text can hold, in instructions as written.
pub const MAX_INSTRUCTIONS: usize = 256;

/// Instructions that real sequences hold next to their maintenance, and that this language leaves out.
const OUTSIDE: [&str; 23] = [
    "adrp", "at", "b", "bl", "br", "clrex", "dc", "eret", "hvc", "ic", "ldr", "mov", "mrs", "ret", "smc", "stlr",
    "str", "svc", "sys", "sysp", "tlbip", "wfe", "wfi",
];

const INSTRUCTIONS: [&str; 8] = ["dsb", "dmb", "isb", "sb", "nop", "tlbi", "msr", "for"];

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
        written: Vec::new(),
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
    /// The first register written to each translation register.
    written: Vec<(ContextRegister, &'a str)>,
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
            Some("msr") => self.msr(),
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
