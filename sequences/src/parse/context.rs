// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes of translation registers.

use crate::instruction::Instruction;
use crate::parse::error::ParseErrorKind;
use crate::parse::lexer::Token;
use crate::parse::suggest::nearest;
use crate::parse::{Fallible, Parser};
use crate::register::{ContextRegister, ContextValue};
use alloc::string::ToString;

impl Parser<'_> {
    pub(super) fn msr(&mut self) -> Fallible<Instruction> {
        let register = match self.next()? {
            (Token::Word(word), span) => ContextRegister::from_name(word).ok_or_else(|| {
                let kind = ParseErrorKind::UnknownRegister {
                    found: word.to_string(),
                    suggestion: nearest(word, ContextRegister::all().map(ContextRegister::name)),
                };
                (kind, span)
            })?,
            (_, span) => return Err(self.expected("a translation register such as `vttbr_el2`", span)),
        };
        self.punctuation(',', "`,` before the value")?;
        const EXPECTED: &str = "`{new}`, `{old}` or a register `x0` to `x30`";
        let value = match self.next()? {
            (Token::Punctuation('{'), _) => {
                let value = match self.next()? {
                    (Token::Word(word), _) if word.eq_ignore_ascii_case("new") => ContextValue::New,
                    (Token::Word(word), _) if word.eq_ignore_ascii_case("old") => ContextValue::Old,
                    (_, span) => return Err(self.expected(EXPECTED, span)),
                };
                self.punctuation('}', "`}` after the value")?;
                value
            }
            (Token::Word(word), _) if is_register(word) => {
                match self.written.iter().find(|(written, _)| *written == register) {
                    Some((_, first)) if !first.eq_ignore_ascii_case(word) => ContextValue::Old,
                    Some(_) => ContextValue::New,
                    None => {
                        self.written.push((register, word));
                        ContextValue::New
                    }
                }
            }
            (_, span) => return Err(self.expected(EXPECTED, span)),
        };
        Ok(Instruction::Msr(register, value))
    }
}

fn is_register(word: &str) -> bool {
    let number = word.strip_prefix(['x', 'X']);
    number.is_some_and(|number| {
        number.eq_ignore_ascii_case("zr") || number.parse::<u8>().is_ok_and(|number| number <= 30)
    })
}
