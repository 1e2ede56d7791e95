// SPDX-License-Identifier: MIT OR Apache-2.0
//! A litmus test as a program for the machine.

use super::assemble::assemble;
use super::code::{Line, cell, tlbi};
use super::condition::{self, Final};
use super::error::{LitmusError, LitmusErrorKind};
use super::extension::Extension;
use super::init;
use super::names::Names;
use super::split::{Cell, Parts, split, without_comments};
use crate::machine::{
    FaultHandling, HardwareUpdates, Limits, Op, Placement, Program, REGISTERS, Rules, Source, Thread, Value,
};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
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

/// The most instructions of one PE.
const LONGEST: usize = 1000;

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
        let Header {
            rules,
            extension,
            updates,
            users,
        } = header(&parts)?;
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
                columns[thread].read(thread, cells, &mut names, &extension, &mut tlbis)?;
            }
        }
        for (thread, column) in columns.iter().enumerate() {
            let labels = column.labels.iter().map(|(name, at)| (thread as u8, name.clone(), *at));
            names.labels.extend(labels);
        }
        let condition = condition::read(&parts.tail, &mut names)?;
        let mut threads = Vec::new();
        for column in columns {
            threads.push(column.finish()?);
        }
        let fault_places = fault_places(&condition, &threads)?;
        let (mut threads, labels): (Vec<Thread>, Vec<_>) = threads.into_iter().unzip();
        for thread in &extension.outer {
            let outside = threads
                .get_mut(*thread)
                .ok_or_else(|| LitmusErrorKind::Label(format!("P{thread}")).at(0))?;
            outside.placement = Placement::Outer;
        }
        for (number, thread) in threads.iter_mut().enumerate() {
            thread.user = users.contains(&number);
            thread.updates = updates.of(number);
        }
        let mut program = assemble(rules, threads, &entries, &mut names, &condition)?;
        if extension.is_layered() {
            program.layered = program.written;
        }
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
    pub(super) fn labels_at(&self, thread: u8, pc: u16) -> String {
        let here = |label: &&(String, u16)| label.1 == pc;
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
}

/// What the header says.
#[derive(Default)]
struct Header {
    rules: Rules,
    extension: Extension,
    updates: Updates,
    /// The PEs that run at EL0.
    users: Vec<usize>,
}

/// `TTHM=`: what the walkers of each PE set in descriptors.
#[derive(Default)]
struct Updates {
    all: HardwareUpdates,
    own: Vec<(usize, HardwareUpdates)>,
    /// PEs whose software does it all.
    software: Vec<usize>,
}

impl Updates {
    fn of(&self, thread: usize) -> HardwareUpdates {
        if self.software.contains(&thread) {
            return HardwareUpdates::None;
        }
        let own = self.own.iter().filter(|(of, _)| *of == thread).map(|(_, what)| *what);
        own.fold(self.all, Ord::max)
    }

    /// Reads a word: `HA`, `P1:HD`, `SW`. Management of the dirty state includes that of the access flag.
    fn read(&mut self, word: &str) -> Option<()> {
        let (thread, key) = match word.split_once(':') {
            None => (None, word),
            Some((thread, key)) => (Some(thread.strip_prefix('P').unwrap_or(thread).parse().ok()?), key),
        };
        let what = match key.to_ascii_uppercase().as_str() {
            "SW" => HardwareUpdates::None,
            "HA" => HardwareUpdates::AccessFlag,
            "HD" => HardwareUpdates::Dirty,
            _ => return None,
        };
        match (thread, what) {
            (Some(thread), HardwareUpdates::None) => self.software.push(thread),
            (Some(thread), what) => self.own.push((thread, what)),
            (None, what) => self.all = self.all.max(what),
        }
        Some(())
    }
}

/// Why tests of memory tagging are refused.
const TAGS: &str = "memory tagging checks accesses after their translation and changes no TLB maintenance";

/// Reads the keys that change the meaning of the test; unknown keys are comments, as for herd7.
fn header(parts: &Parts<'_>) -> Result<Header, LitmusError> {
    let mut header = Header::default();
    let (mut exs, mut eis, mut eos) = (false, false, false);
    for (line, key, value) in &parts.header {
        let refused = || LitmusErrorKind::Header(format!("{key}={value}")).at(*line);
        match key.to_ascii_lowercase().as_str() {
            "variant" => {
                for variant in value.split(',').map(str::trim).filter(|variant| !variant.is_empty()) {
                    match variant.to_ascii_lowercase().as_str() {
                        "vmsa" | "kvm" | "ifetch" => {}
                        "fatal" | "precise" => header.rules.faults = FaultHandling::Fatal,
                        "handled" | "imprecise" => header.rules.faults = FaultHandling::Handled,
                        "skip" | "faulttonext" => header.rules.faults = FaultHandling::Skip,
                        "ets2" => header.rules.ets2 = true,
                        "ets3" => header.rules.ets3 = true,
                        "exs" => exs = true,
                        "eis" => eis = true,
                        "eos" => eos = true,
                        "mte" | "memtag" => {
                            return Err(LitmusErrorKind::Outside {
                                what: format!("{key}={value}"),
                                why: TAGS,
                            }
                            .at(*line));
                        }
                        _ => return Err(refused()),
                    }
                }
            }
            "tthm" => {
                for word in value.split_whitespace() {
                    header.updates.read(word).ok_or_else(refused)?;
                }
            }
            "el0" => {
                for word in value.split(',').map(str::trim).filter(|word| !word.is_empty()) {
                    let thread = word.strip_prefix('P').unwrap_or(word).parse();
                    header.users.push(thread.map_err(|_| refused())?);
                }
            }
            "mte" | "morello" | "precision" => return Err(refused()),
            known if Extension::is_key(known) => {
                header.extension.read(known, value).map_err(|kind| kind.at(*line))?;
            }
            _ => {}
        }
    }
    header.rules.entry_synchronizes = !exs || eis;
    header.rules.return_synchronizes = !exs || eos;
    Ok(header)
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
    fn read(
        &mut self,
        thread: usize,
        cells: &[Cell],
        names: &mut Names,
        extension: &Extension,
        tlbis: &mut u8,
    ) -> Result<(), LitmusError> {
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
                        self.ops.push(tlbi(*tlbis, op, operand, extension.layers(op)));
                        *tlbis += 1;
                    }
                }
            }
        }
        self.ops.push(Op::End);
        if self.ops.len() > LONGEST {
            let line = cells.last().map_or(0, |(line, _)| *line);
            return Err(LitmusErrorKind::TooMany {
                what: "instructions of one PE",
                limit: LONGEST,
            }
            .at(line));
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(Thread, Vec<(String, u16)>), LitmusError> {
        for (at, line, label) in &self.branches {
            let target = self.labels.iter().find(|(known, _)| known == label).map(|(_, to)| *to);
            let to = target.ok_or_else(|| LitmusErrorKind::Label(label.clone()).at(*line))?;
            match &mut self.ops[usize::from(*at)] {
                Op::Branch { target, .. } => *target = to,
                Op::Alu { b, .. } => *b = Source::Code(to),
                _ => {}
            }
        }
        let thread = Thread {
            ops: self.ops,
            handler: self.handler,
            registers: [Value::Int(0); REGISTERS],
            placement: Placement::Inner,
            user: false,
            updates: HardwareUpdates::None,
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
