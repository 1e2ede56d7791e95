// SPDX-License-Identifier: MIT OR Apache-2.0
//! The initial state.

use super::error::{LitmusError, LitmusErrorKind};
use super::lexer::{Token, Tokens};
use super::names::{ELEMENT, Location, Names, register};
use super::split::Part;
use crate::machine::Value;
use alloc::format;
use alloc::vec::Vec;

/// The types a declaration may name; all are read as one register's worth.
const TYPES: [&str; 12] = [
    "int",
    "long",
    "int32_t",
    "uint32_t",
    "int64_t",
    "uint64_t",
    "uintptr_t",
    "intptr_t",
    "pteval_t",
    "unsigned",
    "volatile",
    "void",
];

/// Reads the part between the braces: locations and their initial values, in order.
pub(super) fn read(part: &Part<'_>, names: &mut Names) -> Result<Vec<(Location, Value)>, LitmusError> {
    let mut tokens = Tokens::new(part.text, part.line)?;
    let mut entries = Vec::new();
    while tokens.peek().is_some() {
        if tokens.eat(";") {
            continue;
        }
        let is_type = |tokens: &Tokens| {
            matches!(tokens.peek(), Some(Token::Name(name)) if TYPES.contains(&name.as_str()))
                && !matches!(tokens.peek_at(1), Some(Token::Sign("=" | ";")))
        };
        while is_type(&tokens) {
            tokens.next();
        }
        if let (Some(Token::Name(name)), Some(Token::Name(_))) = (tokens.peek(), tokens.peek_at(1)) {
            return Err(LitmusErrorKind::Operand(format!("type {name}")).at(tokens.line()));
        }
        if let (Some(Token::Name(_)), Some(Token::Sign("["))) = (tokens.peek(), tokens.peek_at(1)) {
            array(&mut tokens, names, &mut entries)?;
            continue;
        }
        tokens.eat("*");
        let location = location(&mut tokens, names)?;
        let home = match location {
            Location::Table(symbol) => Some(symbol),
            _ => None,
        };
        let value = if tokens.eat("=") {
            names.value(&mut tokens, home)?
        } else {
            Value::Int(0)
        };
        if home.is_some() && !matches!(value, Value::Descriptor(_)) {
            return Err(tokens.unexpected("a descriptor `(…)` for a table"));
        }
        entries.push((location, value));
        if tokens.eat(":") {
            return Err(LitmusErrorKind::Outside {
                what: tokens.name("a label")?,
                why: "code that is changed needs instruction caches, which the machine does not have",
            }
            .at(tokens.line()));
        }
        if tokens.peek().is_some() {
            tokens.expect(";")?;
        }
    }
    Ok(entries)
}

/// Reads `x[3]={0,0,0}`.
fn array(tokens: &mut Tokens, names: &mut Names, entries: &mut Vec<(Location, Value)>) -> Result<(), LitmusError> {
    let line = tokens.line();
    let name = tokens.name("the name of an array")?;
    tokens.expect("[")?;
    let count = tokens.number("the number of elements")?;
    tokens.expect("]")?;
    let symbol = names.symbol(&name, line)?;
    let count = u16::try_from(count).ok().filter(|count| (1..=16).contains(count));
    let count = count.ok_or_else(|| LitmusErrorKind::Operand(format!("{name}[…]")).at(line))?;
    names.elements.extend((1..count).map(|index| (symbol, index * ELEMENT)));
    if tokens.eat("=") {
        tokens.expect("{")?;
        for index in 0..count {
            if index > 0 && !tokens.eat(",") {
                break;
            }
            let value = names.value(tokens, None)?;
            entries.push(match index {
                0 => (Location::Frame(symbol), value),
                _ => (Location::Element(symbol, index * ELEMENT), value),
            });
        }
        tokens.expect("}")?;
    }
    if tokens.peek().is_some() {
        tokens.expect(";")?;
    }
    Ok(())
}

/// Reads a location: `0:X1`, `P0:X1`, `x`, `[x]`, `PTE(x)`, `[PTE(x)]`, `*x`.
pub(super) fn location(tokens: &mut Tokens, names: &mut Names) -> Result<Location, LitmusError> {
    let thread = match (tokens.peek(), tokens.peek_at(1)) {
        (Some(Token::Number(number)), Some(Token::Sign(":"))) => u8::try_from(*number).ok(),
        (Some(Token::Name(name)), Some(Token::Sign(":"))) => name.strip_prefix('P').and_then(|n| n.parse().ok()),
        _ => None,
    };
    if let Some(thread) = thread {
        tokens.next();
        tokens.next();
        while matches!(tokens.peek(), Some(Token::Name(name)) if TYPES.contains(&name.as_str())) {
            tokens.next();
            tokens.eat("*");
        }
        let line = tokens.line();
        let name = tokens.name("a register")?;
        let (number, _) = register(&name).ok_or_else(|| LitmusErrorKind::Operand(name).at(line))?;
        return Ok(Location::Register(thread, number));
    }
    if tokens.eat("[") {
        let location = names.memory(tokens)?;
        tokens.expect("]")?;
        return Ok(location);
    }
    tokens.eat("*");
    names.memory(tokens)
}
