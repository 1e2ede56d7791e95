// SPDX-License-Identifier: MIT OR Apache-2.0
//! The manifest of a run, `run.toml`: everything needed to judge the numbers beside it and to run it again.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::check::Check;
use crate::event::{Event, Support};
use crate::order::{Order, Places};
use crate::plan::{Batching, Flow, RuntimeCase};
use crate::scenario::Scenario;
use crate::verdict::Scope;

/// The label of every number that was counted on the adversary, the built-in machine.
pub const ADVERSARY_LABEL: &str = "adversary: no timing at all";
/// The label of every number that was counted under QEMU's TCG.
pub const QEMU_LABEL: &str = "QEMU TCG: not hardware timing";
/// The label of numbers counted by a processor.
pub const HARDWARE_LABEL: &str = "hardware";
/// The label of numbers of a machine that is known to be an emulator or a guest, by what its stream says.
pub const EMULATOR_LABEL: &str = "emulator or virtual machine: not hardware timing";
/// The label of numbers from a saved log whose origin was not stated.
pub const LOG_LABEL: &str = "saved log of unstated origin: not shown to be hardware timing";
/// What the label of a run says beside its origin where the kernel was entered at EL1.
pub const EL1_LABEL: &str = "entered at EL1: under a hypervisor";
/// What must be known of every number of such a run.
pub const EL1_CAVEAT: &str = "entered at EL1: a hypervisor may broadcast what is local (HCR_EL2.FB, BSU), trap TLBIs \
                              (HCR_EL2.TTLB) and move PEs between processors, so nothing is said here of local against \
                              broadcast, and times are those that it grants";
/// Most gaps listed in [`Stream::lost`]; further ones are counted only.
pub const MAX_GAPS: usize = 64;

/// How far a run got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It goes on, or its host was killed before it could say anything else.
    Running,
    /// The end line came, and nothing was lost on the way.
    Complete,
    /// Lines are lost, damaged or contradictory, or the stream stopped early. [`Manifest::reasons`] says which.
    Incomplete,
    /// The user stopped it.
    Interrupted,
    /// The kernel gave up, or the run could not be made at all.
    Failed,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        })
    }
}

/// A 64-bit number stored as `"0x..."`: TOML integers end at 2^63 - 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Hex(pub u64);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl FromStr for Hex {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => text.parse(),
        }
        .map(Self)
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|_| D::Error::custom(format_args!("`{text}` is no number (0x... or decimal)")))
    }
}

/// Everything that is known about a run but its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`crate::SCHEMA_VERSION`] of the writer.
    pub schema: u32,
    /// How far it got.
    pub status: Status,
    /// Why the status is not `complete`, one sentence each.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// When it started, RFC 3339, UTC.
    pub started: String,
    /// When it ended, RFC 3339, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<String>,
    /// Short name of the machine, e.g. `qemu_cortex_a72`.
    pub machine: String,
    /// Whether a simulator ran it, so that no number in it is hardware timing.
    pub simulator: bool,
    /// What every table and plot of its numbers must say: [`HARDWARE_LABEL`], or what a simulator's must.
    pub label: String,
    /// The command that makes the run again.
    pub reproduce: String,
    /// The machine that ran `bench-host`.
    pub host: Host,
    /// The machine as its firmware describes it, if the kernel said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub board: Option<Board>,
    /// The emulator, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qemu: Option<Qemu>,
    /// The kernel.
    pub kernel: Kernel,
    /// What the kernel was told to do.
    pub plan: Plan,
    /// What arrived.
    #[serde(default)]
    pub stream: Stream,
    /// The PEs, in the order of their index.
    #[serde(default)]
    pub pes: Vec<Pe>,
}

/// The machine that ran `bench-host`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Host {
    /// Operating system, e.g. `linux`.
    pub os: String,
    /// Architecture, e.g. `x86_64`.
    pub arch: String,
    /// CPU model, as the operating system names it; empty if it does not.
    #[serde(default)]
    pub cpu: String,
    /// CPUs available.
    #[serde(default)]
    pub cpus: u32,
    /// Version of `bench-host`.
    pub bench_host: String,
    /// Git commit it was built from, with `-dirty` if the tree had changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// The machine as its firmware describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Board {
    /// Its model; empty if unknown.
    #[serde(default)]
    pub model: String,
    /// The device tree's `compatible` strings, separated by spaces, each `/` for a comma; empty if unknown.
    #[serde(default)]
    pub compatible: String,
    /// What booted it, and its version; empty if unknown.
    #[serde(default)]
    pub firmware: String,
}

/// The emulator and how it was called.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Qemu {
    /// Version, e.g. `7.2.22`.
    pub version: String,
    /// Whole argument vector, the program first.
    pub arguments: Vec<String>,
    /// The last lines it printed on its own behalf (standard error).
    #[serde(default)]
    pub messages: Vec<String>,
}

/// The kernel, as a file and as it reported itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Kernel {
    /// `embedded`, or the path of the file.
    pub source: String,
    /// SHA-256 of the image with an empty plan area, hexadecimal; empty when only a log was given.
    #[serde(default)]
    pub sha256: String,
    /// Version, as in the start line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Exception level at entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_el: Option<u8>,
    /// Physical load address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Hex>,
    /// Bytes it occupies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Hex>,
    /// Runtime virtual address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<Hex>,
    /// Slot case it found itself in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// Boot flow it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
    /// Seed that this boot drew for itself, in place of the plan's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<Hex>,
}

/// What the kernel was told to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// CRC-32 of the plan; 0 for the kernel's built-in one.
    pub crc: Hex,
    /// Seed of every random choice.
    pub seed: Hex,
    /// Timed samples per sequence and PE.
    pub iterations: u32,
    /// Timed samples per sequence, PE and batch; the last batch may be shorter.
    pub batch: u32,
    /// Trials per check, sequence and role.
    pub trials: u32,
    /// Slot case asked for.
    pub case: RuntimeCase,
    /// Runtime address asked for, if `case` is `address`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<Hex>,
    /// Boot flow.
    pub flow: Flow,
    /// Id of the sequence used as the boot flush.
    pub boot_flush: String,
    /// Id of the good control of the checks (of those of EL2, where they differ).
    pub known_good: String,
    /// Checks asked for.
    pub checks: Vec<Check>,
    /// Whether the run was asked to be the same every time.
    pub deterministic: bool,
    /// Sequences, in the order of the plan.
    #[serde(default)]
    pub sequences: Vec<Sequence>,
    /// How and under which conditions they are timed.
    #[serde(default)]
    pub measure: Measure,
}

/// How and under which conditions sequences are timed. (Version 1 had no scenarios, and took samples in random order.)
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// The order in which samples are taken.
    pub order: Order,
    /// Rounds run before each batch whose samples are not kept.
    pub warmup: u32,
    /// For how long the stubs stay where they are.
    #[serde(default)]
    pub places: Places,
    /// PEs that time themselves one after the other.
    pub timed_pes: u32,
    /// Events to count beside the clock.
    #[serde(default)]
    pub events: Vec<Event>,
    /// The conditions, the plain one first.
    pub scenarios: Vec<ScenarioPlan>,
}

impl Default for Measure {
    fn default() -> Self {
        Self {
            order: Order::Random,
            warmup: 0,
            places: Places::Run,
            timed_pes: 1,
            events: Vec::new(),
            scenarios: vec![ScenarioPlan::of(Scenario::PLAIN)],
        }
    }
}

/// A scenario of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioPlan {
    /// Its id, which says it all.
    pub id: Scenario,
    /// Why this machine could not have it, if it could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
}

impl ScenarioPlan {
    /// Returns the plan of a scenario.
    pub const fn of(id: Scenario) -> Self {
        Self { id, skipped: None }
    }
}

/// A sequence of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// Stable id.
    pub id: String,
    /// The sequence in canonical text; empty when only its words are known.
    #[serde(default)]
    pub text: String,
    /// Instruction words, 8 hexadecimal digits each, separated by spaces.
    pub words: String,
    /// Whether it is timed.
    pub timed: bool,
    /// Whether it is checked.
    pub checked: bool,
    /// The checks that test it; empty for a checked sequence that all checks of the plan test.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// Whether it is the one the others are compared with.
    #[serde(default)]
    pub baseline: bool,
    /// Id of the sequence this one repeats word for word, so that their difference is the noise floor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aa_of: Option<String>,
    /// Why this machine could not run it, if it could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
}

impl Sequence {
    /// Returns whether a check of the plan tests it.
    pub fn is_tested_by(&self, check: Check) -> bool {
        self.checked && (self.checks.is_empty() || self.checks.contains(&check))
    }
}

/// One PE.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pe {
    /// Its index; 0 is the boot PE.
    pub pe: u32,
    /// What timed its samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
    /// `CNTFRQ_EL0`, in Hz.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency: Option<u64>,
    /// Identification registers by name.
    #[serde(default)]
    pub registers: BTreeMap<String, Hex>,
    /// The events asked for, and whether they are counted here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub events: BTreeMap<Event, Support>,
}

/// What arrived on the wire, and what did not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stream {
    /// Record lines received intact.
    pub lines: u64,
    /// Timed samples in them.
    pub samples: u64,
    /// Lines missing from the numbering: never arrived, or arrived damaged.
    pub lost_lines: u64,
    /// Lines that arrived with a wrong checksum.
    pub damaged: u64,
    /// Lines that arrived twice; the second is ignored.
    pub duplicates: u64,
    /// Lines that were not ours: firmware and emulator chatter.
    pub chatter: u64,
    /// Lines that the console had wrapped, put together again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub wrapped: u64,
    /// Bytes of chatter that are not in `console.log`, because there were too many.
    #[serde(default)]
    pub unlogged_bytes: u64,
    /// Where lines are missing; at most [`MAX_GAPS`] gaps are listed.
    #[serde(default)]
    pub lost: Vec<Gap>,
    /// PEs that did not come up, did not come back, or fell silent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost_pes: Vec<LostPe>,
}

/// A PE that was lost; what needed it was skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostPe {
    /// Index of the PE.
    pub pe: u32,
    /// Affinity fields of its `MPIDR_EL1`.
    pub mpidr: Hex,
    /// What it did not do.
    pub reason: String,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Lines missing between two that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Number of the first missing line.
    pub first: u32,
    /// Number of the last missing line.
    pub last: u32,
}

impl Plan {
    /// Returns how the samples of every series are put together.
    pub const fn batching(&self) -> Batching {
        Batching {
            iterations: self.iterations,
            batch: self.batch,
        }
    }
}

/// Returns the label of numbers, by where they come from, and by the level of entry.
pub fn label_of(origin: &str, entered_at_el1: bool) -> String {
    if entered_at_el1 {
        format!("{origin}; {EL1_LABEL}")
    } else {
        origin.to_owned()
    }
}

impl Manifest {
    /// Returns whether the numbers may be used without reservation.
    pub fn is_complete(&self) -> bool {
        self.status == Status::Complete
    }

    /// Returns whether the kernel was entered at EL1, and so by a hypervisor, as far as it can know.
    pub fn entered_at_el1(&self) -> bool {
        self.kernel.entry_el == Some(1)
    }

    /// Returns the label without what it says of the level of entry.
    pub fn origin(&self) -> &str {
        self.label
            .strip_suffix(EL1_LABEL)
            .map_or(&self.label, |origin| origin.trim_end_matches("; "))
    }

    /// Labels the numbers by where they come from, and by the level of entry.
    pub fn set_origin(&mut self, origin: &str) {
        self.label = label_of(origin, self.entered_at_el1());
    }

    /// Returns whether the machine gave a sequence the scope that is written.
    pub fn scope_of(&self, id: &str) -> Scope {
        let words = self.sequence(id).map_or("", |sequence| &sequence.words);
        let words = words
            .split_whitespace()
            .filter_map(|word| u32::from_str_radix(word, 16).ok());
        Scope::of(self.entered_at_el1(), words)
    }

    /// Returns the sequence with this id.
    pub fn sequence(&self, id: &str) -> Option<&Sequence> {
        self.plan.sequences.iter().find(|sequence| sequence.id == id)
    }

    /// Returns the entry of a PE, made if there is none.
    pub fn pe_mut(&mut self, pe: u32) -> &mut Pe {
        let at = match self.pes.binary_search_by_key(&pe, |entry| entry.pe) {
            Ok(at) => at,
            Err(at) => {
                self.pes.insert(at, Pe { pe, ..Pe::default() });
                at
            }
        };
        &mut self.pes[at]
    }
}
