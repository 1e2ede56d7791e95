// SPDX-License-Identifier: MIT OR Apache-2.0
//! A litmus test as a program for the machine.

use super::code::{Line, cell, tlbi};
use super::condition::{self, Final};
use super::error::{LitmusError, LitmusErrorKind};
use super::names::{Location, Names};
use super::split::{Cell, Parts, split, without_comments};
use super::{init, report};
use crate::machine::{
    Descriptor, Explorer, FaultHandling, Layers, Limits, Op, Page, Pages, Placement, Program, Rules, Source, Symbol,
    Thread, Value, Walkers,
};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// How a test is explored, beside what its own header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// FEAT_ETS2, whatever the header says.
    pub ets2: bool,
    /// FEAT_ETS3, whatever the header says.
    pub ets3: bool,
    /// A DSB completes a TLBI only for the PEs of its own domain: the Arm ARM's rule, and the default. Off, every
    /// full DSB completes every TLBI of its PE: herd7's reading.
    pub dsb_domain: bool,
    /// Bounds of the search.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ets2: false,
            ets3: false,
            dsb_domain: true,
            limits: Limits::default(),
        }
    }
}

/// A litmus test.
#[derive(Debug, Clone)]
pub struct Test {
    pub(super) name: String,
    pub(super) names: Names,
    pub(super) program: Program,
    pub(super) condition: Final,
    /// Per fault of the condition, the operation its label stands for.
    pub(super) fault_places: Vec<Option<u16>>,
    /// Per thread, the labels and the operations they stand for.
    labels: Vec<Vec<(String, u16)>>,
}

/// One thread while it is put together.
#[derive(Default)]
struct Column {
    ops: Vec<Op>,
    labels: Vec<(String, u16)>,
    /// Branches and the labels they go to.
    branches: Vec<(u16, usize, String)>,
    handler: Option<u16>,
}

impl Test {
    /// Reads a test.
    ///
    /// # Errors
    ///
    /// [`LitmusError`] with the line, where the text is not a test or uses something the machine does not model.
    pub fn parse(text: &str) -> Result<Self, LitmusError> {
        let text = without_comments(text)?;
        let parts = split(&text)?;
        let mut names = Names::default();
        let rules = header(&parts)?;
        let entries = init::read(&parts.init, &mut names)?;
        let mut columns: Vec<Column> = Vec::new();
        let mut tlbis = 0;
        for handlers in [false, true] {
            for ((line, name), cells) in &parts.columns {
                let (thread, is_handler) = column_name(name, *line)?;
                if is_handler != handlers {
                    continue;
                }
                if is_handler {
                    let column = columns.get_mut(thread).ok_or_else(|| {
                        LitmusErrorKind::Unexpected {
                            found: name.clone(),
                            expected: "a handler of an existing PE",
                        }
                        .at(*line)
                    })?;
                    column.handler = Some(column.ops.len() as u16);
                } else if thread == columns.len() && thread < 8 {
                    columns.push(Column::default());
                } else {
                    return Err(LitmusErrorKind::Unexpected {
                        found: name.clone(),
                        expected: "P0, P1, … in order",
                    }
                    .at(*line));
                }
                columns[thread].read(thread, cells, &mut names, &mut tlbis)?;
            }
        }
        let condition = condition::read(&parts.tail, &mut names)?;
        let mut threads = Vec::new();
        for column in columns {
            threads.push(column.finish()?);
        }
        let fault_places = fault_places(&condition, &threads)?;
        let (threads, labels) = threads.into_iter().unzip();
        let program = assemble(rules, threads, &entries, &mut names, &condition)?;
        Ok(Self {
            name: parts.name,
            names,
            program,
            condition,
            fault_places,
            labels,
        })
    }

    /// Returns the label of an operation; several as `{L0,L1}`.
    pub(super) fn labels_at(&self, thread: u8, place: Option<u16>) -> String {
        let here = |label: &&(String, u16)| Some(label.1) == place;
        let mut names: Vec<&str> = self.labels[usize::from(thread)]
            .iter()
            .filter(here)
            .map(|(name, _)| name.as_str())
            .collect();
        names.sort_unstable();
        match names.as_slice() {
            [] => String::new(),
            [one] => (*one).to_owned(),
            several => format!("{{{}}}", several.join(",")),
        }
    }

    /// Returns the test's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the number of PEs.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.program.threads.len()
    }

    /// Returns what the condition quantifies over.
    #[must_use]
    pub fn quantifier(&self) -> super::Quantifier {
        self.condition.quantifier
    }

    /// Explores the test.
    ///
    /// # Errors
    ///
    /// [`LitmusErrorKind::Machine`] where the test leaves what the machine models or exceeds a bound.
    pub fn run(&self, options: &Options) -> Result<super::Report, LitmusError> {
        let mut program = self.program.clone();
        program.rules.ets2 |= options.ets2;
        program.rules.ets3 |= options.ets3;
        program.rules.dsb_domain = options.dsb_domain;
        let mut finals = report::Finals::new(self);
        let exploration = Explorer::new(&program, options.limits)
            .for_each_final(|state| finals.add(&program, state))
            .map_err(|error| LitmusErrorKind::Machine(error).at(0))?;
        Ok(finals.report(&exploration))
    }
}

/// Reads the keys that change the meaning of the test; unknown keys are comments, as for herd7.
fn header(parts: &Parts<'_>) -> Result<Rules, LitmusError> {
    let mut rules = Rules::default();
    for (line, key, value) in &parts.header {
        let refused = || LitmusErrorKind::Header(format!("{key}={value}")).at(*line);
        match key.to_ascii_lowercase().as_str() {
            "variant" => {
                for variant in value.split(',').map(str::trim).filter(|variant| !variant.is_empty()) {
                    match variant.to_ascii_lowercase().as_str() {
                        "vmsa" | "kvm" | "ifetch" => {}
                        "fatal" | "precise" => rules.faults = FaultHandling::Fatal,
                        "handled" | "imprecise" => rules.faults = FaultHandling::Handled,
                        "skip" | "faulttonext" => rules.faults = FaultHandling::Skip,
                        "ets2" => rules.ets2 = true,
                        "ets3" => rules.ets3 = true,
                        _ => return Err(refused()),
                    }
                }
            }
            "tthm"
                if !value
                    .split_whitespace()
                    .all(|word| word.to_ascii_uppercase().ends_with("SW")) =>
            {
                return Err(refused());
            }
            "el0" | "mte" | "morello" | "precision" => return Err(refused()),
            _ => {}
        }
    }
    Ok(rules)
}

fn column_name(name: &str, line: usize) -> Result<(usize, bool), LitmusError> {
    let unexpected = || {
        LitmusErrorKind::Unexpected {
            found: name.to_owned(),
            expected: "a column name such as `P0` or `P0.F`",
        }
        .at(line)
    };
    let (thread, handler) = match name.split_once('.') {
        None => (name, false),
        Some((thread, "F")) => (thread, true),
        Some(_) => return Err(unexpected()),
    };
    let number = thread
        .strip_prefix('P')
        .and_then(|number| number.parse().ok())
        .ok_or_else(unexpected)?;
    Ok((number, handler))
}

impl Column {
    fn read(&mut self, thread: usize, cells: &[Cell], names: &mut Names, tlbis: &mut u8) -> Result<(), LitmusError> {
        let mut aligned = false;
        for (line, text) in cells {
            for entry in cell(text).map_err(|kind| kind.at(*line))? {
                match entry {
                    Line::PageAlign => aligned = true,
                    Line::Label(label) => {
                        if self.labels.iter().any(|(known, _)| *known == label) {
                            let found = label;
                            return Err(LitmusErrorKind::Unexpected {
                                found,
                                expected: "a new label",
                            }
                            .at(*line));
                        }
                        self.labels.push((label.clone(), self.ops.len() as u16));
                        // A label that begins a page of its own, or whose page the test names, is a code page.
                        let page = format!("P{thread}:{label}");
                        if aligned || names.find(&page).is_some() {
                            self.ops.push(Op::Fetch(names.symbol(&page, *line)?));
                        }
                        aligned = false;
                    }
                    Line::Op(op, label) => {
                        aligned = false;
                        if let Some(label) = label {
                            self.branches.push((self.ops.len() as u16, *line, label));
                        }
                        self.ops.push(op);
                    }
                    Line::Tlbi(op, operand) => {
                        aligned = false;
                        if *tlbis == 32 {
                            return Err(LitmusErrorKind::TooMany {
                                what: "TLBI instructions",
                                limit: 32,
                            }
                            .at(*line));
                        }
                        self.ops.push(tlbi(*tlbis, op, operand, Some(Layers::ALL)));
                        *tlbis += 1;
                    }
                }
            }
        }
        self.ops.push(Op::End);
        Ok(())
    }

    fn finish(mut self) -> Result<(Thread, Vec<(String, u16)>), LitmusError> {
        for (at, line, label) in &self.branches {
            let target = self.labels.iter().find(|(known, _)| known == label).map(|(_, to)| *to);
            let to = target.ok_or_else(|| LitmusErrorKind::Label(label.clone()).at(*line))?;
            if let Op::Branch { target, .. } = &mut self.ops[usize::from(*at)] {
                *target = to;
            }
        }
        let thread = Thread {
            ops: self.ops,
            handler: self.handler,
            registers: [Value::Int(0); 32],
            placement: Placement::Inner,
            user: false,
        };
        Ok((thread, self.labels))
    }
}

fn fault_places(condition: &Final, threads: &[(Thread, Vec<(String, u16)>)]) -> Result<Vec<Option<u16>>, LitmusError> {
    let mut places = Vec::new();
    for (fault, line) in condition.faults.iter().zip(&condition.lines) {
        let Some((_, labels)) = threads.get(usize::from(fault.thread)) else {
            return Err(LitmusErrorKind::Label(format!("P{}", fault.thread)).at(*line));
        };
        places.push(match &fault.label {
            None => None,
            Some(label) => match labels.iter().find(|(known, _)| known == label) {
                Some((_, at)) => Some(*at),
                None => return Err(LitmusErrorKind::Label(format!("P{}:{label}", fault.thread)).at(*line)),
            },
        });
    }
    Ok(places)
}

fn assemble(
    rules: Rules,
    mut threads: Vec<Thread>,
    entries: &[(Location, Value)],
    names: &mut Names,
    condition: &Final,
) -> Result<Program, LitmusError> {
    let count = names.len();
    let mut frames = vec![Value::Int(0); count];
    let mut tables = Vec::with_capacity(count);
    for symbol in 0..count {
        tables.push(names.descriptor(Descriptor::mapping(Symbol(symbol as u8)), 0)?);
    }
    let count_of_threads = threads.len();
    let known = |thread: u8| {
        (usize::from(thread) < count_of_threads)
            .then_some(())
            .ok_or_else(|| LitmusErrorKind::Label(format!("P{thread}")).at(0))
    };
    for location in &condition.locations {
        if let Location::Register(thread, _) = location {
            known(*thread)?;
        }
    }
    for (location, value) in entries {
        match (location, value) {
            (Location::Register(thread, register), value) => {
                known(*thread)?;
                threads[usize::from(*thread)].registers[usize::from(*register)] = *value;
            }
            (Location::Frame(symbol), value) => frames[usize::from(symbol.0)] = *value,
            (Location::Table(symbol), Value::Descriptor(index)) => tables[usize::from(symbol.0)] = *index,
            (Location::Table(_), _) => return Err(LitmusErrorKind::Missing("descriptor for a table").at(0)),
        }
    }
    let written = written(&threads, &frames);
    Ok(Program {
        threads,
        descriptors: names.descriptors.clone(),
        frames,
        tables,
        written,
        layered: Pages::default(),
        recycled: Pages::default(),
        walkers: Walkers::default(),
        rules,
    }
    .prepared())
}

/// Returns the pages whose descriptor may be stored to: their table address is the base of a store, or is passed on
/// through memory or a register.
fn written(threads: &[Thread], frames: &[Value]) -> Pages {
    let mut pages = Pages::default();
    let mut add = |value: Value| {
        if let Value::Table(page) = value {
            pages.0 |= Pages::one(page as Page).0;
        }
    };
    frames.iter().for_each(|value| add(*value));
    for thread in threads {
        for op in &thread.ops {
            let used = match *op {
                Op::Store { from, base, .. } => [Some(base), Some(from)],
                Op::Alu { a, b, .. } => [a, b].map(|source| match source {
                    Source::Register(register) => Some(register),
                    Source::Immediate(_) => None,
                }),
                _ => [None, None],
            };
            for register in used.into_iter().flatten() {
                add(thread.registers[usize::from(register)]);
            }
        }
    }
    pages
}
