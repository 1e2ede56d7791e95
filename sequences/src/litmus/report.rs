// SPDX-License-Identifier: MIT OR Apache-2.0
//! The final states of a test, and herd7's way of printing them.

use super::condition::{Quantifier, has_type, type_of};
use super::names::Location;
use super::test::Test;
use crate::machine::{Exploration, FaultRecord, Outcome, Program, State, Symbol, Value};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// How often the condition's proposition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observation {
    /// In no final state.
    Never,
    /// In some.
    Sometimes,
    /// In every one.
    Always,
}

impl Observation {
    /// Returns herd's word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Never => "Never",
            Self::Sometimes => "Sometimes",
            Self::Always => "Always",
        }
    }
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What the exploration of a test found. `Display` prints it as herd7 does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The test's name.
    pub name: String,
    /// What the condition quantifies over.
    pub quantifier: Quantifier,
    /// The distinct final states, as lines.
    pub states: Vec<String>,
    /// Final states in which the proposition holds.
    pub positive: usize,
    /// Final states in which it does not.
    pub negative: usize,
    /// How often it holds.
    pub observation: Observation,
    /// The condition is validated.
    pub ok: bool,
    /// The condition, as herd prints it.
    pub condition: String,
    /// A loop was cut off: final states may be missing.
    pub cut: bool,
    /// The number of machine states explored.
    pub explored: usize,
}

impl Report {
    /// Returns the `Observation …` line.
    #[must_use]
    pub fn observation_line(&self) -> String {
        format!(
            "Observation {} {} {} {}",
            self.name, self.observation, self.positive, self.negative
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.quantifier {
            Quantifier::Exists => "Allowed",
            Quantifier::NotExists => "Forbidden",
            Quantifier::Forall => "Required",
        };
        writeln!(f, "Test {} {kind}", self.name)?;
        writeln!(f, "States {}", self.states.len())?;
        for state in &self.states {
            writeln!(f, "{state}")?;
        }
        writeln!(
            f,
            "{}{}",
            if self.cut { "Loop " } else { "" },
            if self.ok { "Ok" } else { "No" }
        )?;
        let (positive, negative) = match self.quantifier {
            Quantifier::NotExists => (self.negative, self.positive),
            _ => (self.positive, self.negative),
        };
        writeln!(f, "Witnesses\nPositive: {positive} Negative: {negative}")?;
        writeln!(f, "Condition {}", self.condition)?;
        writeln!(f, "{}", self.observation_line())
    }
}

/// The part of a final state a test looks at. Faults carry their type, so that states print with it.
type Seen = (Vec<Value>, Vec<Option<FaultRecord>>);

/// Collects final states.
pub(super) struct Finals<'t> {
    test: &'t Test,
    seen: BTreeSet<Seen>,
}

impl<'t> Finals<'t> {
    pub(super) fn new(test: &'t Test) -> Self {
        Self {
            test,
            seen: BTreeSet::new(),
        }
    }

    pub(super) fn add(&mut self, program: &Program, state: &State) -> Outcome {
        let condition = &self.test.condition;
        let values = condition.locations.iter().map(|location| match *location {
            Location::Register(thread, register) => state.register(program, usize::from(thread), register),
            Location::Frame(symbol) => state.frame(symbol.0),
            Location::Table(symbol) => state.table(program, symbol.0),
            Location::Element(symbol, offset) => {
                let at = program
                    .elements
                    .iter()
                    .position(|(frame, distance, _)| (*frame, *distance) == (symbol, offset));
                at.map_or(Value::Int(0), |at| state.element(program, at))
            }
        });
        let taken: Vec<FaultRecord> = state.faults(program).collect();
        let faults = condition
            .faults
            .iter()
            .zip(&self.test.fault_places)
            .map(|(pattern, place)| {
                taken.iter().copied().find(|record| {
                    record.thread == pattern.thread
                        && place.is_none_or(|at| at == record.pc)
                        && pattern.page.is_none_or(|page| record.page == Some(page.0))
                        && pattern.kind.as_deref().is_none_or(|kind| has_type(record, kind))
                })
            });
        self.seen.insert((values.collect(), faults.collect()));
        Outcome::Continue
    }

    /// Returns the faults of a state in herd's order: the ones that happened, then the others from the last.
    fn fault_words(&self, faults: &[Option<FaultRecord>]) -> String {
        let (test, condition) = (self.test, &self.test.condition);
        let mut happened: Vec<String> = Vec::new();
        let mut others: Vec<String> = Vec::new();
        for (pattern, record) in condition.faults.iter().zip(faults) {
            let labels = match record {
                Some(record) => test.labels_at(pattern.thread, record.pc),
                None => pattern.label.clone().unwrap_or_default(),
            };
            let (page, kind) = match record {
                Some(record) => {
                    let kind = pattern.kind.clone().unwrap_or_else(|| type_of(record));
                    (record.page.map(Symbol), Some(kind))
                }
                None => (pattern.page, pattern.kind.clone()),
            };
            let word = pattern.show(&test.names, &labels, page, kind.as_deref());
            match record {
                Some(_) => happened.push(format!(" F{word};")),
                None => others.push(format!(" ~F{word};")),
            }
        }
        happened.sort();
        others.sort_by(|a, b| b.cmp(a));
        let gap = if happened.is_empty() { " " } else { "" };
        format!("{}{gap}{}", happened.concat(), others.concat())
    }

    pub(super) fn report(self, exploration: &Exploration) -> Report {
        let (test, condition) = (self.test, &self.test.condition);
        let mut positive = 0;
        let mut negative = 0;
        let mut states = Vec::new();
        let mut order: Vec<usize> = (0..condition.locations.len()).collect();
        order.sort_by_key(|at| {
            let location = condition.locations[*at];
            let (class, name) = match location {
                Location::Register(..) => (0, ""),
                Location::Frame(symbol) | Location::Element(symbol, _) => (1, test.names.name(symbol)),
                Location::Table(symbol) => (2, test.names.name(symbol)),
            };
            (class, name, location)
        });
        for (values, faults) in &self.seen {
            let present: Vec<bool> = faults.iter().map(Option::is_some).collect();
            if condition
                .filter
                .as_ref()
                .is_some_and(|filter| !filter.holds(values, &present))
            {
                continue;
            }
            if condition.prop.holds(values, &present) {
                positive += 1;
            } else {
                negative += 1;
            }
            let words: Vec<String> = order
                .iter()
                .map(|at| {
                    let location = test.names.show_location(condition.locations[*at]);
                    format!("{location}={};", test.names.show(values[*at]))
                })
                .collect();
            let mut line = words.join(" ");
            if !faults.is_empty() {
                line += &self.fault_words(faults);
            }
            states.push(line);
        }
        states.sort();
        states.dedup();
        let observation = match (positive, negative) {
            (0, _) => Observation::Never,
            (_, 0) => Observation::Always,
            _ => Observation::Sometimes,
        };
        let (word, ok) = match condition.quantifier {
            Quantifier::Exists => ("exists", positive > 0),
            Quantifier::NotExists => ("~exists", positive == 0),
            Quantifier::Forall => ("forall", negative == 0),
        };
        let prop = condition.prop.show(&test.names, condition, 0);
        Report {
            name: test.name.clone(),
            quantifier: condition.quantifier,
            states,
            positive,
            negative,
            observation,
            ok,
            condition: format!("{word} ({prop})"),
            cut: exploration.cut,
            explored: exploration.states,
        }
    }
}
