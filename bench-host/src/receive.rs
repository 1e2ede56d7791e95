// SPDX-License-Identifier: MIT OR Apache-2.0
//! Console bytes to a stored run: verifies every line, stores what is whole, and says what is not.

mod batches;
mod checks;
mod findings;
mod lines;
mod machine;
mod numbers;
mod records;

use std::collections::{BTreeMap, VecDeque};

use results::manifest::{Manifest, Stream};
use results::record::Record;
use results::scenario::Scenario;
use results::store::{Store, StoreError};
use results::wire::{LineError, parse_line};

use crate::progress::Progress;
use batches::Batches;
use checks::Checks;
pub use checks::{Pace, Verdict};
use findings::Findings;
pub use lines::Lines;
use machine::Sequences;
use numbers::Arrival;
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

/// Receives one run.
#[derive(Debug)]
pub struct Receiver {
    store: Store,
    progress: Progress,
    lines: Lines,
    tail: VecDeque<String>,
    next: u32,
    stream: Stream,
    chatter_bytes: u64,
    any_bytes: bool,
    started: bool,
    ended: Option<bool>,
    halt: Option<Halt>,
    /// Whether the kernel was given the plan in the manifest, by us.
    plan_given: bool,
    /// Whether it ran that plan; if not, the plan is taken from the stream.
    plan_known: bool,
    sequences: Sequences,
    /// Sequences this machine cannot run, and why.
    skipped: BTreeMap<String, String>,
    /// Scenarios this machine cannot have, and why.
    no_scenarios: BTreeMap<Scenario, String>,
    batches: Batches,
    checks: Checks,
    /// A check or a proof failed, or the kernel did: exit code 1.
    failures: Findings,
    /// The kernel refused: exit code 4.
    refusals: Findings,
    /// Something is missing or contradictory: exit code 3.
    defects: Findings,
}

impl Receiver {
    /// Receives into `store`. With `plan_given`, the kernel was given the plan in the manifest, and nothing else will do;
    /// without, that plan is only a guess until the start line shows its checksum.
    pub fn new(store: Store, mut progress: Progress, plan_given: bool) -> Self {
        progress.label(&store.manifest.label);
        Self {
            batches: Batches::default(),
            store,
            progress,
            lines: Lines::default(),
            tail: VecDeque::new(),
            next: 0,
            stream: Stream::default(),
            chatter_bytes: 0,
            any_bytes: false,
            started: false,
            ended: None,
            halt: None,
            plan_given,
            plan_known: plan_given,
            sequences: Sequences::default(),
            skipped: BTreeMap::new(),
            no_scenarios: BTreeMap::new(),
            checks: Checks::default(),
            failures: Findings::default(),
            refusals: Findings::default(),
            defects: Findings::default(),
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
        self.defects.add(what);
    }

    /// Notes something outside that kept the run from being made.
    pub fn refuse(&mut self, what: impl Into<String>) {
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
        if self.halt.is_some() {
            return Ok(());
        }
        let (number, body) = match parse_line(&line) {
            Ok(parsed) => parsed,
            Err(LineError::NotOurs) => {
                self.stream.chatter += 1;
                return Ok(());
            }
            Err(LineError::Malformed | LineError::Checksum { .. }) => {
                self.stream.damaged += 1;
                return Ok(());
            }
        };
        self.chatter_bytes = 0;
        let record = match Record::parse(body) {
            Ok(record) => record,
            Err(error) => {
                // Its checksum is right, so it was meant: the writer is newer, or wrong.
                numbers::arrive(&mut self.stream, &mut self.next, number);
                self.defects.add(format!("line {number}: {error}"));
                return Ok(());
            }
        };
        if matches!(record, Record::Start { .. }) && self.started {
            self.halt = Some(Halt::Restarted);
            let line = self.next - 1;
            self.defects.add(if self.ended.is_some() {
                format!(
                    "another run starts after line {line}, the end of the first: cut the log there and read each part"
                )
            } else {
                format!("the machine started again after line {line}: it was reset or crashed")
            });
            return Ok(());
        }
        if numbers::arrive(&mut self.stream, &mut self.next, number) == Arrival::Repeated {
            return Ok(());
        }
        self.record(number, &record)
    }
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
