// SPDX-License-Identifier: MIT OR Apache-2.0
//! Console bytes to a stored run: verifies every line, stores what is whole, and says what is not.

mod batches;
mod binding;
pub mod boots;
mod checks;
mod emulator;
mod findings;
mod form;
mod lines;
mod machine;
mod numbers;
mod records;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::File;
use std::io::Read;

use results::manifest::{Manifest, Plan, Stream};
use results::record::Record;
use results::scenario::Scenario;
use results::store::{CONSOLE, Store, StoreError};
use results::wire::{Binding, LineError, MAX_LINE, PREFIX, crc32, parse_line};

use crate::progress::Progress;
use batches::Batches;
use binding::Unbound;
use checks::Checks;
pub use checks::{Pace, Verdict};
use emulator::Clocks;
use findings::Findings;
pub use lines::{Lines, is_terminator};
use machine::Sequences;
use numbers::{Arrival, Numbers};
pub use records::now;

/// Console lines kept to show where a run stopped.
const TAIL: usize = 20;
/// Characters of each of them.
const TAIL_WIDTH: usize = 200;
/// Bytes of chatter stored in `console.log`; a console gone wild must not fill the disk.
const MAX_CHATTER: u64 = 64 << 20;

/// Why a stream is not read any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halt {
    /// The machine started again in the middle of a run.
    Restarted,
    /// The stream is of a newer version, or of another plan.
    Refused,
}

/// Where the plan in the manifest is from, and so what it means that the kernel ran another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanOrigin {
    /// We wrote it into the kernel: the kernel is damaged.
    Installed,
    /// The user says that it is the one of this console: the user is mistaken.
    Stated,
    /// It is the default one: the stream says what the plan is.
    Guessed,
}

/// A finding that is not from the bytes.
#[derive(Debug, Clone)]
enum Outside {
    Defect(String),
    Refusal(String),
    StartedAgain,
}

/// The beginning of a record.
#[derive(Debug)]
struct Wrapped {
    text: String,
    /// Lines in it after the first, which may turn out to be chatter.
    further: u64,
}

/// Receives one run.
#[derive(Debug)]
pub struct Receiver {
    store: Store,
    progress: Progress,
    lines: Lines,
    tail: VecDeque<String>,
    numbers: Numbers,
    /// The beginning of a record whose line ended too early: the console may wrap its lines.
    wrapped: Option<Wrapped>,
    /// What binds the lines of this boot, once its start line, or enough others, have said so.
    binding: Option<Binding>,
    /// The lines before that.
    unbound: Unbound,
    /// Lines that are not of this boot, to see whether they are of one other.
    strangers: Unbound,
    told_strangers: bool,
    /// The binding of another start line: of the next boot, or of no boot that was here. The next line tells.
    second_start: Option<Binding>,
    /// Lines of whose numbers there was another with other content. Neither is taken: see [`Receiver::receive_again`].
    contested: BTreeSet<u32>,
    /// Those of them that are known from the first reception.
    refused: BTreeSet<u32>,
    /// The manifest before anything was received.
    blank: Manifest,
    /// The plan as it is for an entry at EL1, where that is known.
    plan_at_el1: Option<Plan>,
    /// Findings that are not from the bytes.
    outside: Vec<Outside>,
    stream: Stream,
    chatter_bytes: u64,
    any_bytes: bool,
    started: bool,
    ended: Option<bool>,
    halt: Option<Halt>,
    plan: PlanOrigin,
    /// Whether it ran that plan; if not, the plan is taken from the stream.
    plan_known: bool,
    sequences: Sequences,
    /// Sequences this machine cannot run, and why.
    skipped: BTreeMap<String, String>,
    /// Scenarios this machine cannot have, and why.
    no_scenarios: BTreeMap<Scenario, String>,
    batches: Batches,
    clocks: Clocks,
    checks: Checks,
    /// A check or a proof failed, or the kernel did: exit code 1.
    failures: Findings,
    /// The kernel refused: exit code 4.
    refusals: Findings,
    /// Something is missing or contradictory: exit code 3.
    defects: Findings,
}

impl Receiver {
    /// Receives into `store`, whose manifest has a plan of this origin.
    pub fn new(store: Store, mut progress: Progress, plan: PlanOrigin) -> Self {
        progress.label(&store.manifest.label);
        Self {
            batches: Batches::default(),
            clocks: Clocks::default(),
            binding: None,
            unbound: Unbound::default(),
            strangers: Unbound::default(),
            told_strangers: false,
            second_start: None,
            contested: BTreeSet::new(),
            refused: BTreeSet::new(),
            blank: store.manifest.clone(),
            plan_at_el1: None,
            outside: Vec::new(),
            store,
            progress,
            lines: Lines::default(),
            tail: VecDeque::new(),
            numbers: Numbers::default(),
            wrapped: None,
            stream: Stream::default(),
            chatter_bytes: 0,
            any_bytes: false,
            started: false,
            ended: None,
            halt: None,
            plan,
            plan_known: plan != PlanOrigin::Guessed,
            sequences: Sequences::default(),
            skipped: BTreeMap::new(),
            no_scenarios: BTreeMap::new(),
            checks: Checks::default(),
            failures: Findings::default(),
            refusals: Findings::default(),
            defects: Findings::default(),
        }
    }

    /// Says what the plan is for a kernel that was entered at EL1.
    #[must_use]
    pub fn with_plan_at_el1(self, plan: Option<Plan>) -> Self {
        Self {
            plan_at_el1: plan,
            ..self
        }
    }

    /// Takes bytes from the console.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.any_bytes |= !bytes.is_empty();
        let mut lines = std::mem::take(&mut self.lines);
        let result = lines.push(bytes, |line| self.line(line));
        self.lines = lines;
        result.and_then(|()| self.log(bytes))
    }

    /// Takes what stands after the last line feed: there will be no more.
    pub fn end_of_input(&mut self) -> Result<(), StoreError> {
        let rest = self.lines.finish();
        if rest.is_empty() { Ok(()) } else { self.line(&rest) }
    }

    /// Writes what is stored so far to the disk.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        self.store.flush()
    }

    /// Returns how many intact record lines came: what silence is measured by.
    pub fn records(&self) -> u64 {
        self.stream.lines
    }

    /// Takes bytes that are kept in the console log and are no part of the run, such as what follows its end.
    pub fn aside(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.log(bytes)
    }

    /// Tells the user something while the run goes on.
    pub fn say(&mut self, note: &str) {
        self.progress.note(note);
    }

    /// Notes that the next boot begins before this one came to its end.
    pub fn started_again(&mut self) {
        self.outside.push(Outside::StartedAgain);
        if self.started {
            self.restarted(self.numbers.due(), "");
        }
    }

    /// Returns whether the start line came.
    pub fn started(&self) -> bool {
        self.started
    }

    /// Returns whether anything came at all.
    pub fn any_bytes(&self) -> bool {
        self.any_bytes
    }

    /// Returns whether the end line came.
    pub fn ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Returns why reading on makes no sense.
    pub fn halted(&self) -> Option<Halt> {
        self.halt
    }

    /// Notes something that makes the run incomplete.
    pub fn defect(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.outside.push(Outside::Defect(what.clone()));
        self.defects.add(what);
    }

    /// Notes something outside that kept the run from being made.
    pub fn refuse(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.outside.push(Outside::Refusal(what.clone()));
        self.refusals.add(what);
    }

    /// Notes what QEMU said on its own behalf.
    pub fn messages(&mut self, messages: Vec<String>) {
        if let Some(qemu) = &mut self.store.manifest.qemu {
            qemu.messages = messages;
        }
    }

    /// Shows how far the run is, if it is time to.
    pub fn tick(&mut self) {
        self.progress.tick();
    }

    fn log(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        // Without a record in between, it is all chatter.
        self.chatter_bytes += bytes.len() as u64;
        if self.chatter_bytes <= MAX_CHATTER {
            self.store.console(bytes)
        } else {
            self.stream.unlogged_bytes += bytes.len() as u64;
            Ok(())
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), StoreError> {
        let line = String::from_utf8_lossy(line);
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(line.trim_end().chars().take(TAIL_WIDTH).collect());
        if self.binding.is_none()
            && let Some(found) = self.unbound.look_at(&line, &self.stream)
        {
            // The start line is lost, but these lines agree on what it was.
            self.binding = Some(found.binding);
            self.wrapped = None;
            self.stream = found.before;
            return found.lines.iter().try_for_each(|line| self.text_line(line));
        }
        self.text_line(&line)
    }

    fn text_line(&mut self, line: &str) -> Result<(), StoreError> {
        if self.halt.is_some() {
            return Ok(());
        }
        match self.parse(line) {
            Ok((number, body)) => {
                self.give_up_wrapped();
                self.body(number, body)
            }
            Err(LineError::NotOurs) => self.rest_of_line(line),
            Err(LineError::Malformed | LineError::Checksum { .. }) => {
                self.give_up_wrapped();
                if let Some(second) = self.second_start
                    && parse_line(line, second).is_ok()
                {
                    self.restarted(self.numbers.due(), "");
                    return Ok(());
                }
                if self.binding.is_some_and(|own| own != Binding::NONE)
                    && !self.told_strangers
                    && self.strangers.look_at(line, &self.stream).is_some()
                {
                    self.told_strangers = true;
                    self.defects.add(
                        "several lines are of one other boot, whole: its start line did not arrive, or they are of another log",
                    );
                }
                // What stands before the record on its line is no part of it, and may be long.
                let from = line.rfind(PREFIX).unwrap_or_default();
                let text = line[from..].to_owned();
                self.wrapped = Some(Wrapped { text, further: 0 });
                Ok(())
            }
        }
    }

    /// Reads a line that is bound to this boot. Before anything is known of it, that is line 0 only.
    fn parse<'a>(&self, line: &'a str) -> Result<(u32, &'a str), LineError> {
        let parsed = parse_line(line, self.binding.unwrap_or_default())?;
        if self.binding.is_none() && parsed.0 != 0 {
            return Err(LineError::Malformed);
        }
        Ok(parsed)
    }

    /// Takes a line that is no record: chatter, or the rest of a record whose line was wrapped. The checksum tells.
    fn rest_of_line(&mut self, line: &str) -> Result<(), StoreError> {
        let fits = |wrapped: &&Wrapped| wrapped.text.len() + line.len() < MAX_LINE;
        let Some(wrapped) = self.wrapped.as_ref().filter(fits) else {
            self.stream.chatter += 1;
            return Ok(());
        };
        let joined = format!("{}{line}", wrapped.text);
        match self.parse(&joined) {
            Ok((number, body)) => {
                self.wrapped = None;
                self.stream.wrapped += 1;
                self.body(number, body)
            }
            Err(_) if could_be_a_record(line) => {
                let further = wrapped.further + 1;
                self.wrapped = Some(Wrapped { text: joined, further });
                Ok(())
            }
            Err(_) => {
                self.stream.chatter += 1;
                Ok(())
            }
        }
    }

    /// No rest can follow what began a record.
    fn give_up_wrapped(&mut self) {
        if let Some(wrapped) = self.wrapped.take() {
            self.stream.damaged += 1;
            self.stream.chatter += wrapped.further;
        }
    }

    /// Takes the body of an intact line.
    fn body(&mut self, number: u32, body: &str) -> Result<(), StoreError> {
        self.chatter_bytes = 0;
        let mut early = Vec::new();
        if let Some(bound) = Binding::of_first(number, body) {
            let known = self.binding.filter(|_| self.numbers.due() > 0);
            match known {
                // Line 0 arrives after others, which knew it.
                Some(known) if known == bound && !self.started => {}
                Some(known) if known != Binding::NONE || bound != Binding::NONE => {
                    self.second_start = Some(bound);
                    return Ok(());
                }
                Some(_) => {}
                None => {
                    self.binding = Some(bound);
                    early = self.unbound.take_those_of(bound);
                }
            }
        } else if let Some(second) = self.second_start.take() {
            // A line of this boot: the start line was a copy, or of another boot that is not here. A boot that is this
            // one in everything, as on a machine that is deterministic, goes on with lines that were here.
            if second == self.binding.unwrap_or_default() && number < self.numbers.due() {
                self.restarted(self.numbers.due(), "");
                return Ok(());
            } else if second == self.binding.unwrap_or_default() {
                self.stream.duplicates += 1;
            } else {
                self.stream.damaged += 1;
            }
        }
        let checksum = crc32(body.as_bytes());
        let is_bound = self.binding.is_some_and(|binding| binding != Binding::NONE);
        if self.refused.contains(&number) {
            if !self.contested.insert(number) && self.binding == Some(Binding::NONE) {
                self.restarted(self.numbers.due(), " (its start line did not arrive)");
            }
            return Ok(());
        }
        let record = match Record::parse(body) {
            Ok(record) => record,
            Err(error) => {
                // Its checksum is right, so it was meant: the writer is newer, or wrong.
                self.numbers.arrive(&mut self.stream, number, checksum, is_bound);
                self.defects.add(format!("line {number}: {error}"));
                return Ok(());
            }
        };
        if let Some(what) = form::wrong(body, &record) {
            self.numbers.arrive(&mut self.stream, number, checksum, is_bound);
            self.defects.add(format!("line {number}: {what}; it is not taken"));
            return Ok(());
        }
        let due = self.numbers.due();
        if matches!(record, Record::Start { .. }) && self.started {
            self.restarted(due, "");
            return Ok(());
        }
        match self.numbers.arrive(&mut self.stream, number, checksum, is_bound) {
            Arrival::Repeated => Ok(()),
            Arrival::Foreign => {
                self.contested.insert(number);
                if self.binding == Some(Binding::NONE) {
                    self.restarted(due, " (its start line did not arrive)");
                }
                Ok(())
            }
            Arrival::Late => {
                self.defects.add(format!("line {number} arrived late"));
                self.record(number, &record)
            }
            Arrival::Due | Arrival::After(_) => self.record(number, &record),
        }?;
        if !early.is_empty() {
            self.defects.add("line 0 arrived late");
        }
        for line in early {
            self.stream.damaged = self.stream.damaged.saturating_sub(1);
            self.text_line(&line)?;
        }
        Ok(())
    }

    /// Receives the console once more, without the lines that contradict each other: what the first of them said is in
    /// the tables already, and a table is only appended to.
    fn receive_again(mut self) -> Result<Self, Box<(Self, StoreError)>> {
        let result = self.store.restart(self.blank.clone());
        let path = self.store.folder().join(CONSOLE);
        let unreadable = |source| StoreError::Io {
            action: "read",
            path: path.clone(),
            source,
        };
        let mut console = match result.and_then(|()| File::open(&path).map_err(unreadable)) {
            Ok(console) => console,
            Err(error) => return Err(Box::new((self, error))),
        };
        let again = Self::new(self.store, Progress::new(true), self.plan);
        let mut again = again.with_plan_at_el1(self.plan_at_el1);
        again.refused = self.contested;
        again.tail = self.tail;
        let (mut lines, mut chunk) = (Lines::default(), vec![0; 64 << 10]);
        let mut received = Ok(());
        while received.is_ok() {
            received = match console.read(&mut chunk) {
                Ok(0) => break,
                Ok(n) => lines.push(&chunk[..n], |line| again.line(line)),
                Err(error) => Err(unreadable(error)),
            };
        }
        let rest = lines.finish();
        if received.is_ok() && !rest.is_empty() {
            received = again.line(&rest);
        }
        for number in std::mem::take(&mut again.refused) {
            again.defects.add(format!(
                "two lines claim number {number} and say different things: neither is taken"
            ));
        }
        again.contested.clear();
        for finding in self.outside {
            match finding {
                Outside::Defect(what) => again.defect(what),
                Outside::Refusal(what) => again.refuse(what),
                Outside::StartedAgain => again.started_again(),
            }
        }
        match received {
            Ok(()) => Ok(again),
            Err(error) => Err(Box::new((again, error))),
        }
    }

    fn restarted(&mut self, due: u32, how: &str) {
        self.halt = Some(Halt::Restarted);
        let line = due.saturating_sub(1);
        self.defects.add(if self.ended.is_some() {
            format!("another run starts after line {line}, the end of the first{how}")
        } else {
            format!("the machine started again after line {line}{how}: it was reset or crashed")
        });
    }
}

/// Returns whether a line may be a piece of a record, by its characters.
fn could_be_a_record(line: &str) -> bool {
    !line.is_empty() && line.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// A run that is over.
#[derive(Debug)]
pub struct Received {
    /// The manifest as it was stored.
    pub manifest: Manifest,
    /// Failed checks and proofs, unexpected exceptions.
    pub failures: Vec<String>,
    /// Those of them that are no failed checks.
    pub besides_checks: Vec<String>,
    /// Refusals.
    pub refusals: Vec<String>,
    /// What makes the run incomplete.
    pub defects: Vec<String>,
    /// The last console lines.
    pub tail: Vec<String>,
    /// The verdicts.
    pub verdicts: Vec<Verdict>,
    /// How fast the checks went.
    pub paces: Vec<Pace>,
}

impl Received {
    /// Returns whether nearly every line came twice.
    pub fn is_echoed(&self) -> bool {
        const FEW: u64 = 10;
        let stream = &self.manifest.stream;
        stream.duplicates > FEW && stream.duplicates * 10 > stream.lines * 9
    }
}
