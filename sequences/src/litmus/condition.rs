// SPDX-License-Identifier: MIT OR Apache-2.0
//! The condition of a test, the locations it shows, and what a final state makes of them.

use super::error::{LitmusError, LitmusErrorKind};
use super::init::location;
use super::lexer::{Token, Tokens};
use super::names::{Location, Names};
use super::split::Part;
use crate::machine::{FaultKind, FaultRecord, Symbol, Value};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Most terms of a condition, parentheses and negations counted.
const MAX_TERMS: usize = 500;

/// Which final states a test is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantifier {
    /// `exists`.
    Exists,
    /// `~exists`.
    NotExists,
    /// `forall`.
    Forall,
}

/// A fault a condition names; what it leaves open, any fault has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FaultPattern {
    pub(super) thread: u8,
    pub(super) label: Option<String>,
    pub(super) page: Option<Symbol>,
    pub(super) kind: Option<String>,
}

/// A proposition on a final state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Prop {
    Constant(bool),
    Equal(usize, Value),
    Fault(usize),
    Not(Box<Prop>),
    And(Box<Prop>, Box<Prop>),
    Or(Box<Prop>, Box<Prop>),
    Implies(Box<Prop>, Box<Prop>),
}

/// A condition, with the locations and faults that make up a printed state.
#[derive(Debug, Clone)]
pub(super) struct Final {
    pub(super) quantifier: Quantifier,
    pub(super) prop: Prop,
    /// `filter`: only these final states count.
    pub(super) filter: Option<Prop>,
    pub(super) locations: Vec<Location>,
    pub(super) faults: Vec<FaultPattern>,
    pub(super) lines: Vec<usize>,
}

/// Reads everything after the code.
pub(super) fn read(part: &Part<'_>, names: &mut Names) -> Result<Final, LitmusError> {
    let mut reader = Reader {
        tokens: Tokens::new(part.text, part.line)?,
        names,
        locations: Vec::new(),
        faults: Vec::new(),
        lines: Vec::new(),
        terms: 0,
    };
    if reader.tokens.eat_name("locations") {
        reader.shown()?;
    }
    let filter = if reader.tokens.eat_name("filter") {
        Some(reader.implication()?)
    } else {
        None
    };
    let negated = reader.tokens.eat("~") || reader.tokens.eat_name("not");
    let (quantifier, prop) = if reader.tokens.eat_name("exists") || reader.tokens.eat_name("final") {
        (
            if negated {
                Quantifier::NotExists
            } else {
                Quantifier::Exists
            },
            reader.implication()?,
        )
    } else if !negated && reader.tokens.eat_name("forall") {
        (Quantifier::Forall, reader.implication()?)
    } else if !negated && reader.tokens.peek().is_none() {
        (Quantifier::Forall, Prop::Constant(true))
    } else {
        return Err(reader.tokens.unexpected("`exists`, `~exists` or `forall`"));
    };
    reader.tokens.eat(";");
    if reader.tokens.peek().is_some() {
        return Err(reader.tokens.unexpected("the end of the test"));
    }
    let Reader {
        locations,
        faults,
        lines,
        ..
    } = reader;
    Ok(Final {
        quantifier,
        prop,
        filter,
        locations,
        faults,
        lines,
    })
}

struct Reader<'n> {
    tokens: Tokens,
    names: &'n mut Names,
    locations: Vec<Location>,
    faults: Vec<FaultPattern>,
    lines: Vec<usize>,
    terms: usize,
}

impl Reader<'_> {
    /// Reads `[loc; fault(…); …]`.
    fn shown(&mut self) -> Result<(), LitmusError> {
        self.tokens.expect("[")?;
        while !self.tokens.eat("]") {
            if self.fault_follows() {
                self.fault()?;
            } else {
                let location = location(&mut self.tokens, self.names)?;
                self.location(location);
                // A type may follow the location: `0:X0 pteval_t;`.
                while matches!(self.tokens.peek(), Some(Token::Name(_))) {
                    self.tokens.next();
                }
                self.tokens.eat("*");
            }
            if !self.tokens.eat(";") {
                self.tokens.expect("]")?;
                break;
            }
        }
        Ok(())
    }

    fn location(&mut self, location: Location) -> usize {
        self.locations
            .iter()
            .position(|known| *known == location)
            .unwrap_or_else(|| {
                self.locations.push(location);
                self.locations.len() - 1
            })
    }

    fn implication(&mut self) -> Result<Prop, LitmusError> {
        let left = self.disjunction()?;
        if self.tokens.eat("=>") {
            return Ok(Prop::Implies(Box::new(left), Box::new(self.implication()?)));
        }
        Ok(left)
    }

    fn disjunction(&mut self) -> Result<Prop, LitmusError> {
        let mut left = self.conjunction()?;
        while self.tokens.eat("\\/") {
            left = Prop::Or(Box::new(left), Box::new(self.conjunction()?));
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Prop, LitmusError> {
        let mut left = self.negation()?;
        while self.tokens.eat("/\\") {
            left = Prop::And(Box::new(left), Box::new(self.negation()?));
        }
        Ok(left)
    }

    fn negation(&mut self) -> Result<Prop, LitmusError> {
        // As deep as it is long at most, and it is walked through by functions that call themselves.
        self.terms += 1;
        if self.terms > MAX_TERMS {
            let what = "terms in a condition";
            return Err(LitmusErrorKind::TooMany { what, limit: MAX_TERMS }.at(self.tokens.line()));
        }
        if self.tokens.eat("~") || self.tokens.eat_name("not") {
            return Ok(Prop::Not(Box::new(self.negation()?)));
        }
        if self.tokens.eat("(") {
            let inner = self.implication()?;
            self.tokens.expect(")")?;
            return Ok(inner);
        }
        if self.tokens.eat_name("true") {
            return Ok(Prop::Constant(true));
        }
        if self.tokens.eat_name("false") {
            return Ok(Prop::Constant(false));
        }
        if self.fault_follows() {
            return Ok(Prop::Fault(self.fault()?));
        }
        let location = location(&mut self.tokens, self.names)?;
        let at = self.location(location);
        let negated = self.tokens.eat("!=") || self.tokens.eat("<>");
        if !negated && !self.tokens.eat("=") && !self.tokens.eat("==") {
            return Err(self.tokens.unexpected("`=`"));
        }
        let home = match location {
            Location::Table(symbol) => Some(symbol),
            _ => None,
        };
        let equal = Prop::Equal(at, self.names.value(&mut self.tokens, home)?);
        Ok(if negated { Prop::Not(Box::new(equal)) } else { equal })
    }

    fn fault_follows(&self) -> bool {
        matches!(self.tokens.peek(), Some(Token::Name(name)) if name.eq_ignore_ascii_case("fault"))
            && matches!(self.tokens.peek_at(1), Some(Token::Sign("(")))
    }

    /// Reads `fault(P0:L0,x,MMU:Translation)`; all but the thread may be left out.
    fn fault(&mut self) -> Result<usize, LitmusError> {
        let line = self.tokens.line();
        self.tokens.next();
        self.tokens.expect("(")?;
        let thread = match self.tokens.next() {
            Some(Token::Number(number)) => u8::try_from(number).ok(),
            Some(Token::Name(name)) => name.strip_prefix('P').and_then(|n| n.parse().ok()),
            _ => None,
        }
        .ok_or(LitmusErrorKind::Missing("thread `P<n>` in this fault").at(line))?;
        let label = if self.tokens.eat(":") {
            Some(self.tokens.name("a label")?)
        } else {
            None
        };
        let mut pattern = FaultPattern {
            thread,
            label,
            page: None,
            kind: None,
        };
        while self.tokens.eat(",") {
            let mut name = self.tokens.name("a location or a fault type")?;
            if matches!(name.as_str(), "PTE" | "TTD") {
                return Err(LitmusErrorKind::Operand(format!("{name}(…) in a fault")).at(line));
            }
            while self.tokens.eat(":") {
                let next = self.tokens.name("a fault type")?;
                name = format!("{name}:{next}");
            }
            if is_fault_type(&name) {
                pattern.kind = Some(name);
            } else if name.contains(':') && self.names.find(&name).is_none() {
                return Err(LitmusErrorKind::Operand(name).at(line));
            } else {
                pattern.page = Some(self.names.symbol(&name, line)?);
            }
        }
        self.tokens.expect(")")?;
        if let Some(known) = self.faults.iter().position(|known| *known == pattern) {
            return Ok(known);
        }
        self.faults.push(pattern);
        self.lines.push(line);
        Ok(self.faults.len() - 1)
    }
}

const KINDS: [(&str, FaultKind); 4] = [
    ("Translation", FaultKind::Translation),
    ("AccessFlag", FaultKind::AccessFlag),
    ("Permission", FaultKind::Permission),
    ("UndefinedInstruction", FaultKind::Undefined),
];

fn is_fault_type(name: &str) -> bool {
    let last = name.rsplit(':').next().unwrap_or(name);
    matches!(last, "MMU" | "D-MMU" | "I-MMU" | "SVC" | "SupervisorCall") || KINDS.iter().any(|(kind, _)| *kind == last)
}

/// Returns whether a fault that was taken is of the type a condition names, such as `MMU:Translation`.
pub(super) fn has_type(record: &FaultRecord, name: &str) -> bool {
    let of_the_mmu = record.kind.is_some_and(|kind| kind != FaultKind::Undefined);
    name.split(':').all(|part| match part {
        "MMU" => of_the_mmu,
        "D-MMU" => of_the_mmu && !record.fetch,
        "I-MMU" => of_the_mmu && record.fetch,
        "SVC" | "SupervisorCall" => record.kind.is_none(),
        _ => KINDS
            .iter()
            .any(|(kind, fault)| *kind == part && record.kind == Some(*fault)),
    })
}

/// Returns the type of a fault as herd prints it.
pub(super) fn type_of(record: &FaultRecord) -> String {
    match record.kind {
        None => "SupervisorCall".into(),
        Some(FaultKind::Undefined) => "UndefinedInstruction".into(),
        Some(kind) => {
            let side = if record.fetch { "I-MMU" } else { "D-MMU" };
            let name = KINDS
                .iter()
                .find(|(_, fault)| *fault == kind)
                .map_or("", |(name, _)| name);
            format!("{side}:{name}")
        }
    }
}

impl Prop {
    /// Decides the proposition on the values of the locations and the presence of the faults.
    pub(super) fn holds(&self, values: &[Value], faults: &[bool]) -> bool {
        match self {
            Self::Constant(value) => *value,
            Self::Equal(at, value) => values[*at] == *value,
            Self::Fault(at) => faults[*at],
            Self::Not(inner) => !inner.holds(values, faults),
            Self::And(a, b) => a.holds(values, faults) && b.holds(values, faults),
            Self::Or(a, b) => a.holds(values, faults) || b.holds(values, faults),
            Self::Implies(a, b) => !a.holds(values, faults) || b.holds(values, faults),
        }
    }

    /// Returns the proposition as herd prints it; `context` is the binding strength around it.
    pub(super) fn show(&self, names: &Names, of: &Final, context: u8) -> String {
        let (strength, text) = match self {
            Self::Constant(value) => (4, format!("{value}")),
            Self::Equal(at, value) => (
                4,
                format!("{}={}", names.show_location(of.locations[*at]), names.show(*value)),
            ),
            Self::Fault(at) => {
                let fault = &of.faults[*at];
                let label = fault.label.as_deref().unwrap_or("");
                (
                    4,
                    format!("f{}", fault.show(names, label, fault.page, fault.kind.as_deref())),
                )
            }
            Self::Not(inner) => (4, format!("not ({})", inner.show(names, of, 0))),
            Self::And(a, b) => (3, format!("{} /\\ {}", a.show(names, of, 3), b.show(names, of, 3))),
            Self::Or(a, b) => (2, format!("{} \\/ {}", a.show(names, of, 2), b.show(names, of, 2))),
            Self::Implies(a, b) => (1, format!("{} => {}", a.show(names, of, 2), b.show(names, of, 1))),
        };
        if strength < context { format!("({text})") } else { text }
    }
}

impl FaultPattern {
    /// Returns `ault(P0:L0,x,type)`: herd's form without its first letter, which is small in a condition.
    pub(super) fn show(&self, names: &Names, labels: &str, page: Option<Symbol>, kind: Option<&str>) -> String {
        let mut text = format!("ault(P{}", self.thread);
        if !labels.is_empty() {
            text += &format!(":{labels}");
        }
        if let Some(page) = page {
            let name = names.name(page);
            // A code page is a label, and herd prints those in quotes.
            text += &if name.contains(':') {
                format!(",label:\"{name}\"")
            } else {
                format!(",{name}")
            };
        }
        if let Some(kind) = kind {
            text += &format!(",{kind}");
        }
        text.push(')');
        text
    }
}
