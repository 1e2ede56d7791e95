// SPDX-License-Identifier: MIT OR Apache-2.0
//! The symbols and descriptors of a test, and the values written with them.

use super::error::{LitmusError, LitmusErrorKind};
use super::lexer::{Token, Tokens};
use crate::machine::{Attribute, Descriptor, Symbol, Value};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Pages, and descriptors, are kept as bits of a word.
const LIMIT: usize = 64;

/// The symbols and descriptors of a test.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    symbols: Vec<String>,
    pub(super) descriptors: Vec<Descriptor>,
    /// The labels of the code: PE, name, operation.
    pub(super) labels: Vec<(u8, String, u16)>,
    /// The elements of arrays after the first.
    pub(super) elements: Vec<(Symbol, u16)>,
    /// The memory attributes other than the default, as they are printed; [`Attribute`] is the place plus one.
    attributes: Vec<String>,
}

/// A register or memory location of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Location {
    Register(u8, u8),
    Frame(Symbol),
    Table(Symbol),
    /// An element of an array, by its distance from the beginning.
    Element(Symbol, u16),
}

/// What stands for the output address of an invalid descriptor that gives none.
const NOWHERE: &str = "(none)";

/// The bytes of an array's element.
pub(super) const ELEMENT: u16 = 4;

impl Names {
    pub(super) fn len(&self) -> usize {
        self.symbols.len()
    }

    pub(super) fn name(&self, symbol: Symbol) -> &str {
        &self.symbols[usize::from(symbol.0)]
    }

    pub(super) fn find(&self, name: &str) -> Option<Symbol> {
        self.symbols
            .iter()
            .position(|known| known == name)
            .map(|at| Symbol(at as u8))
    }

    /// Returns the symbol of that name, adding it where it is new.
    pub(super) fn symbol(&mut self, name: &str, line: usize) -> Result<Symbol, LitmusError> {
        if let Some(known) = self.find(name) {
            return Ok(known);
        }
        if self.symbols.len() == LIMIT {
            return Err(LitmusErrorKind::TooMany {
                what: "locations",
                limit: LIMIT,
            }
            .at(line));
        }
        self.symbols.push(name.to_owned());
        Ok(Symbol((self.symbols.len() - 1) as u8))
    }

    pub(super) fn descriptor(&mut self, descriptor: Descriptor, line: usize) -> Result<u8, LitmusError> {
        if let Some(known) = self.descriptors.iter().position(|known| *known == descriptor) {
            return Ok(known as u8);
        }
        if self.descriptors.len() == LIMIT {
            return Err(LitmusErrorKind::TooMany {
                what: "descriptors",
                limit: LIMIT,
            }
            .at(line));
        }
        self.descriptors.push(descriptor);
        Ok((self.descriptors.len() - 1) as u8)
    }

    /// Reads `x` or, inside `PTE( )` and `PA( )`, also `P0:Page0`.
    fn symbol_in_parentheses(&mut self, tokens: &mut Tokens) -> Result<Symbol, LitmusError> {
        tokens.expect("(")?;
        let line = tokens.line();
        let mut name = tokens.name("the name of a location")?;
        if matches!(name.as_str(), "PTE" | "TTD") {
            return Err(LitmusErrorKind::Operand("PTE(PTE(…))".to_owned()).at(line));
        }
        if tokens.eat(":") {
            let label = tokens.name("a label")?;
            name = format!("{name}:{label}");
        }
        tokens.expect(")")?;
        self.symbol(&name, line)
    }

    /// Reads a memory location that does not begin with a thread number: `x`, `PTE(x)`, `pte_x`.
    pub(super) fn memory(&mut self, tokens: &mut Tokens) -> Result<Location, LitmusError> {
        let line = tokens.line();
        let name = tokens.name("a location")?;
        if matches!(name.as_str(), "PTE" | "TTD") {
            return Ok(Location::Table(self.symbol_in_parentheses(tokens)?));
        }
        if name == "PA" {
            return Ok(Location::Frame(self.symbol_in_parentheses(tokens)?));
        }
        if tokens.eat("[") {
            let index = tokens.number("the number of an element")?;
            tokens.expect("]")?;
            let symbol = self.symbol(&name, line)?;
            return match u16::try_from(index).ok().and_then(|index| index.checked_mul(ELEMENT)) {
                Some(0) => Ok(Location::Frame(symbol)),
                Some(offset) if self.elements.contains(&(symbol, offset)) => Ok(Location::Element(symbol, offset)),
                _ => Err(LitmusErrorKind::Operand(format!("{name}[{index}]")).at(line)),
            };
        }
        match name.strip_prefix("pte_") {
            Some(page) => Ok(Location::Table(self.symbol(page, line)?)),
            None => Ok(Location::Frame(self.symbol(&name, line)?)),
        }
    }

    /// Reads a value. A descriptor without `oa` maps the frame of `home`, the table it is for.
    pub(super) fn value(&mut self, tokens: &mut Tokens, home: Option<Symbol>) -> Result<Value, LitmusError> {
        match tokens.peek() {
            Some(Token::Number(number)) => {
                let number = *number;
                if matches!(tokens.peek_at(1), Some(Token::Sign(":"))) {
                    return Err(LitmusErrorKind::Operand(format!("{number}:… (a tag or a label)")).at(tokens.line()));
                }
                tokens.next();
                Ok(Value::Int(number))
            }
            Some(Token::Sign("-")) => {
                tokens.next();
                Ok(Value::Int(-tokens.number("a number")?))
            }
            Some(Token::Sign("(")) => self.descriptor_value(tokens, home),
            Some(Token::Name(word)) if word == "label" && matches!(tokens.peek_at(1), Some(Token::Sign(":"))) => {
                tokens.next();
                tokens.next();
                self.label(tokens)
            }
            _ => {
                tokens.eat("&");
                Ok(match self.memory(tokens)? {
                    Location::Frame(symbol) => Value::Address(symbol),
                    Location::Table(symbol) => Value::Table(symbol),
                    Location::Element(symbol, offset) => Value::Element(symbol, offset),
                    Location::Register(..) => return Err(tokens.unexpected("a value")),
                })
            }
        }
    }

    /// Reads `"P1:L1"`, a place in the code.
    fn label(&self, tokens: &mut Tokens) -> Result<Value, LitmusError> {
        let line = tokens.line();
        let Some(Token::Text(text)) = tokens.next() else {
            return Err(LitmusErrorKind::Missing("label in quotes").at(line));
        };
        let found = text.split_once(':').and_then(|(thread, name)| {
            let thread: u8 = thread.strip_prefix('P')?.parse().ok()?;
            self.labels.iter().find(|(of, known, _)| *of == thread && known == name)
        });
        match found {
            Some((thread, _, pc)) => Ok(Value::Code(*thread, *pc)),
            None => Err(LitmusErrorKind::Label(text).at(line)),
        }
    }

    fn descriptor_value(&mut self, tokens: &mut Tokens, home: Option<Symbol>) -> Result<Value, LitmusError> {
        let line = tokens.line();
        tokens.expect("(")?;
        let mut descriptor = Descriptor::mapping(home.unwrap_or(Symbol(u8::MAX)));
        let mut attributes: Vec<String> = Vec::new();
        loop {
            let at = tokens.line();
            let field = tokens.name("a field of a descriptor")?;
            if !tokens.eat(":") {
                attributes.push(field);
            } else if field == "oa" {
                descriptor.output = self.output(tokens)?;
            } else if field == "attrs" {
                tokens.expect("(")?;
                loop {
                    attributes.push(tokens.name("a memory attribute")?);
                    if !tokens.eat(",") {
                        break;
                    }
                }
                tokens.expect(")")?;
            } else {
                let set = match tokens.number("0 or 1")? {
                    0 => false,
                    1 => true,
                    other => return Err(LitmusErrorKind::Field(format!("{field}:{other}")).at(at)),
                };
                match field.as_str() {
                    "valid" => descriptor.valid = set,
                    "af" => descriptor.af = set,
                    "db" => descriptor.db = set,
                    "dbm" => descriptor.dbm = set,
                    "el0" => descriptor.el0 = set,
                    "x" => descriptor.x = set,
                    _ => return Err(LitmusErrorKind::Field(field).at(at)),
                }
            }
            if !tokens.eat(",") {
                break;
            }
        }
        tokens.expect(")")?;
        if descriptor.output == Symbol(u8::MAX) && !descriptor.valid {
            descriptor.output = self.symbol(NOWHERE, line)?;
        }
        if descriptor.output == Symbol(u8::MAX) {
            return Err(LitmusErrorKind::Missing("`oa:` in this descriptor").at(line));
        }
        descriptor.attribute = self.attribute(&attributes, line)?;
        Ok(Value::Descriptor(self.descriptor(descriptor, line)?))
    }

    fn output(&mut self, tokens: &mut Tokens) -> Result<Symbol, LitmusError> {
        let line = tokens.line();
        let name = tokens.name("`PA(x)` or `phy_x`")?;
        if name == "PA" {
            return self.symbol_in_parentheses(tokens);
        }
        match name.strip_prefix("phy_") {
            Some(frame) => self.symbol(frame, line),
            None => Err(LitmusErrorKind::Operand(format!("oa:{name}")).at(line)),
        }
    }

    /// Returns the attribute of these words; the default's own words may be left out or given.
    fn attribute(&mut self, words: &[String], line: usize) -> Result<Attribute, LitmusError> {
        const DEFAULT: [&str; 7] = [
            "Normal",
            "ISH",
            "Inner-shareable",
            "iWB",
            "Inner-write-back",
            "oWB",
            "Outer-write-back",
        ];
        const OTHER: [&str; 17] = [
            "NSH",
            "OSH",
            "Non-shareable",
            "Outer-shareable",
            "iWT",
            "iNC",
            "oWT",
            "oNC",
            "TaggedNormal",
            "XS",
            "Inner-write-through",
            "Inner-non-cacheable",
            "Outer-write-through",
            "Outer-non-cacheable",
            "Device-GRE",
            "Device-nGRE",
            "Device-nGnRE",
        ];
        let mut kept: Vec<&str> = Vec::new();
        for word in words {
            if OTHER.contains(&word.as_str()) || word == "Device-nGnRnE" {
                kept.push(word);
            } else if !DEFAULT.contains(&word.as_str()) {
                return Err(LitmusErrorKind::Field(word.clone()).at(line));
            }
        }
        if kept.is_empty() {
            return Ok(Attribute::NORMAL);
        }
        let text = words.join(", ");
        let at = self
            .attributes
            .iter()
            .position(|known| *known == text)
            .unwrap_or_else(|| {
                self.attributes.push(text);
                self.attributes.len() - 1
            });
        // Device memory has the XS attribute unless MAIR says otherwise (Arm ARM, MAIR_EL1).
        let xs = kept.iter().any(|word| *word == "XS" || word.starts_with("Device"));
        Ok(Attribute((at + 1) as u8 | if xs { Attribute::XS.0 } else { 0 }))
    }

    /// Returns a value as herd prints it.
    pub(super) fn show(&self, value: Value) -> String {
        match value {
            Value::Int(number) => format!("{number}"),
            Value::Address(symbol) => self.name(symbol).to_owned(),
            Value::Table(symbol) => format!("PTE({})", self.name(symbol)),
            Value::Operand(symbol) => format!("TLB({})", self.name(symbol)),
            Value::Code(thread, pc) => match self.labels.iter().find(|label| (label.0, label.2) == (thread, pc)) {
                Some((_, name, _)) => format!("label:\"P{thread}:{name}\""),
                None => format!("P{thread}:code+{}", u32::from(pc) * 4),
            },
            Value::Element(symbol, offset) => format!("{}+{offset}", self.name(symbol)),
            Value::Descriptor(index) => self.show_descriptor(&self.descriptors[usize::from(index)]),
        }
    }

    fn show_descriptor(&self, descriptor: &Descriptor) -> String {
        let mut text = match self.name(descriptor.output) {
            NOWHERE => "(oa:0".to_owned(),
            name => format!("(oa:PA({name})"),
        };
        let fields = [
            ("af", descriptor.af, true),
            ("db", descriptor.db, true),
            ("dbm", descriptor.dbm, false),
            ("valid", descriptor.valid, true),
            ("el0", descriptor.el0, true),
            ("x", descriptor.x, true),
        ];
        for (name, value, default) in fields {
            if value != default {
                text += &format!(", {name}:{}", u8::from(value));
            }
        }
        if descriptor.attribute != Attribute::NORMAL {
            let at = usize::from(descriptor.attribute.0 & !Attribute::XS.0) - 1;
            text += &format!(", attrs:({})", self.attributes[at]);
        }
        text.push(')');
        text
    }

    pub(super) fn show_location(&self, location: Location) -> String {
        match location {
            Location::Register(thread, register) => format!("{thread}:X{register}"),
            Location::Frame(symbol) => format!("[{}]", self.name(symbol)),
            Location::Table(symbol) => format!("[PTE({})]", self.name(symbol)).to_string(),
            Location::Element(symbol, offset) => format!("{}[{}]", self.name(symbol), offset / ELEMENT),
        }
    }
}

/// Reads a register name: its number and whether it is a 32-bit name.
pub(super) fn register(name: &str) -> Option<(u8, bool)> {
    let upper = name.to_ascii_uppercase();
    let word = match upper.as_str() {
        "XZR" => return Some((31, false)),
        "WZR" => return Some((31, true)),
        _ if upper.starts_with('W') => true,
        _ if upper.starts_with('X') => false,
        _ => return None,
    };
    upper[1..]
        .parse()
        .ok()
        .filter(|number| *number <= 30)
        .map(|number| (number, word))
}
