// SPDX-License-Identifier: MIT OR Apache-2.0
//! The plan: what a boot is to do, written by the host into a reserved area of the kernel image.
//!
//! So one prebuilt kernel runs any sequence on any loader, with no input channel. Layout, little-endian, offsets in
//! bytes:
//!
//! | at | field |
//! |---|---|
//! | 0 | magic `TLBPLAN4` (all zero: no plan, the kernel uses its built-in one) |
//! | 8 | u32 length of the whole plan |
//! | 12 | u32 CRC-32 of bytes 16 to the end |
//! | 16 | u64 seed; u64 runtime address; u64 console address |
//! | 40 | u32 timed samples per sequence; u32 samples per batch; u32 trials per check |
//! | 52 | u8 slot case; u8 flow; u8 console kind; u8 conduit |
//! | 56 | u16 index of the boot flush; u16 number of sequences; u8 PEs; u8 planted bug; u16 largest random delay |
//! | 64 | u32 events: bits of `Event::mask`; u8 order; u8 timed PEs; u16 warm-up rounds |
//! | 72 | u16 number of scenarios; u8 whether to time the timing; u8 0; u32 0 |
//! | 80 | scenarios: 8 u16, the values on the axes in their order |
//! | then | sequences: u8 id length; u8 flags; u8 operands; u8 0; u16 words; u16 pages; u128 checks; u128 good for; id (padded to 4); operands (4 each: register, kind, hint, 0); words |

use core::fmt;

use crate::check::Mask;
use crate::event::Event;
use crate::order::Order;
use crate::scenario::{Axis, MAX_SCENARIOS, Scenario};
use crate::wire::crc32;

/// First bytes of a plan.
pub const MAGIC: [u8; 8] = *b"TLBPLAN4";
/// Longest sequence id, in bytes.
pub const MAX_ID: usize = 63;
/// Most sequences in a plan.
pub const MAX_SEQUENCES: usize = 96;
/// Most instruction words in one sequence: 512 by-VA operations with their steps, and barriers around them.
pub const MAX_WORDS: usize = 1040;
/// Most things that are timed: the empty frame and every timed sequence, each under every scenario.
pub const MAX_STREAMS: usize = 2048;
/// Most pages a range spans.
pub const MAX_PAGES: u16 = 512;
/// Most PEs a plan may ask for.
pub const MAX_PES: u8 = 8;
/// Most operand registers of one sequence: `x2` to `x9`.
pub const MAX_OPERANDS: usize = 8;

const HEADER: usize = 80;

/// Where the kernel runs after the MMU is on, relative to where it was loaded.
///
/// Named by the level of the top-level entry that is exclusive to the 1:1 map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuntimeCase {
    /// Another level 0 slot.
    Level0,
    /// The same level 0 slot, another level 1 slot.
    Level1,
    /// The same level 1 slot, another level 2 slot.
    Level2,
    /// Runtime address equal to the physical one: no 1:1 map is needed.
    None,
    /// The same level 2 slot at another offset: the two maps clash, and the kernel refuses.
    Clash,
    /// The address in [`Settings::runtime`], whatever case that is.
    Address,
}

impl RuntimeCase {
    /// Every case.
    pub const ALL: [Self; 6] = [
        Self::Level0,
        Self::Level1,
        Self::Level2,
        Self::None,
        Self::Clash,
        Self::Address,
    ];

    /// Returns the stable id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Level0 => "level0",
            Self::Level1 => "level1",
            Self::Level2 => "level2",
            Self::None => "none",
            Self::Clash => "clash",
            Self::Address => "address",
        }
    }

    /// Returns the case with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|case| case.id() == id)
    }
}

/// Which side of the seed patch the boot path takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flow {
    /// As after the patch: `remove_identity_mapping` with its flush, then the fixmap.
    New,
    /// As before it: the 1:1 map stays until the fixmap set-up, which ends with the flush.
    Old,
}

impl Flow {
    /// Every flow.
    pub const ALL: [Self; 2] = [Self::New, Self::Old];

    /// Returns the stable id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Old => "old",
        }
    }

    /// Returns the flow with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flow| flow.id() == id)
    }
}

/// A console to use when the boot loader passes no device tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Console {
    /// Arm PL011 at this physical address.
    Pl011(u64),
    /// 16550 with byte-wide registers four bytes apart at this physical address.
    Uart16550(u64),
}

/// How PSCI is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Conduit {
    /// `smc #0`.
    Smc,
    /// `hvc #0`.
    Hvc,
}

/// Everything in a plan but its sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Seed of every random choice.
    pub seed: u64,
    /// Timed samples per sequence.
    pub iterations: u32,
    /// Timed samples per sequence and batch.
    pub batch: u32,
    /// Trials per check, sequence and role.
    pub trials: u32,
    /// Where to run.
    pub case: RuntimeCase,
    /// Runtime virtual address for [`RuntimeCase::Address`]; 0 otherwise.
    pub runtime: u64,
    /// Which flow to boot through.
    pub flow: Flow,
    /// Console without a device tree.
    pub console: Option<Console>,
    /// PSCI conduit without a device tree.
    pub conduit: Option<Conduit>,
    /// Index of the sequence used as the boot flush.
    pub boot_flush: u16,
    /// PEs to start for the checks, the boot PE included, 1 to [`MAX_PES`]. Checks that need more are skipped.
    pub pes: u8,
    /// Stress: every PE waits up to this many loop turns, a random number, before each of its steps, and uses other
    /// memory meanwhile. 0: no stress.
    pub stress: u16,
    /// A bug to plant, to prove that a run would notice it.
    pub planted: Option<Planted>,
    /// How and under which conditions sequences are timed.
    pub measure: Measure,
}

/// How and under which conditions sequences are timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// The order in which samples are taken.
    pub order: Order,
    /// Rounds run before each batch whose samples are not kept.
    pub warmup: u16,
    /// Events to count beside the clock, each in samples of its own: bits of [`Event::mask`].
    pub events: u32,
    /// PEs that time themselves one after the other, the boot PE first, 1 to [`MAX_PES`].
    pub timed_pes: u8,
    /// Whether to time the timing itself.
    pub overhead: bool,
    /// The conditions.
    pub scenarios: Scenarios,
}

impl Measure {
    /// Sequences alone, on the boot PE, by its clock.
    pub const PLAIN: Self = Self {
        order: Order::ThueMorse,
        warmup: 8,
        events: 0,
        timed_pes: 1,
        overhead: false,
        scenarios: Scenarios::PLAIN,
    };

    /// Returns how many PEs it takes, the boot PE included.
    pub fn pes(&self) -> u8 {
        let others = self.scenarios.as_slice().iter().map(Scenario::other_pes).max();
        self.timed_pes.max(others.unwrap_or(0) as u8 + 1)
    }
}

/// One or more different scenarios.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scenarios {
    all: [Scenario; MAX_SCENARIOS],
    count: usize,
}

impl Scenarios {
    /// The plain scenario only.
    pub const PLAIN: Self = Self {
        all: [Scenario::PLAIN; MAX_SCENARIOS],
        count: 1,
    };

    /// Returns the scenarios.
    pub fn as_slice(&self) -> &[Scenario] {
        &self.all[..self.count]
    }

    /// Adds a scenario that is not in it yet. Returns whether it is in it now: there may be too many.
    pub fn add(&mut self, scenario: Scenario) -> bool {
        if self.as_slice().contains(&scenario) {
            return true;
        }
        let Some(place) = self.all.get_mut(self.count) else {
            return false;
        };
        *place = scenario;
        self.count += 1;
        true
    }
}

/// A bug of the kernel under test, planted on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Planted {
    /// The sequences under test are not run.
    SkipSequence,
}

/// How a sequence is used; bits of [`Entry::flags`].
pub mod flags {
    /// It is timed.
    pub const TIMED: u8 = 1;
}

/// Returns whether an instruction word is a TLBI: `SYS` with CRn 8, or 9 for the nXS forms (Arm ARM, C5.1, "SYS").
pub const fn is_tlbi(word: u32) -> bool {
    word & 0xfff8_e000 == 0xd508_8000
}

/// Returns whether a sequence is timed under a scenario: one without a TLBI cannot repeat it. The empty frame always is.
pub fn is_timed_under(scenario: &Scenario, words: impl IntoIterator<Item = u32>) -> bool {
    scenario.get(Axis::Tlbis) == Axis::Tlbis.neutral() || words.into_iter().any(is_tlbi)
}

/// What the kernel puts into an operand register before it runs a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperandKind {
    /// `VA[55:12]` of the page under test.
    Va,
    /// `IPA[47:12]` of the page under test.
    Ipa,
    /// The ASID under test in bits `[63:48]`.
    Asid,
    /// The range under test in the format of the range operations.
    Range,
    /// The first page of the range under test, as a by-VA operand.
    Page,
    /// The VA under test, not shifted.
    VaUnshifted,
    /// As [`Self::Range`], of intermediate physical addresses.
    IpaRange,
    /// As [`Self::Page`], by intermediate physical address.
    IpaPage,
}

impl OperandKind {
    const ALL: [Self; 8] = [
        Self::Va,
        Self::Ipa,
        Self::Asid,
        Self::Range,
        Self::Page,
        Self::VaUnshifted,
        Self::IpaRange,
        Self::IpaPage,
    ];
}

/// One operand register of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OperandRegister {
    /// Number of the register, 2 to 9.
    pub register: u8,
    /// What it holds.
    pub kind: OperandKind,
    /// Translation table level hint: 0 none, else level + 1.
    pub hint: u8,
}

/// A sequence to put into a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Stable id, `[a-z0-9_]+`.
    pub id: &'a str,
    /// Bits of [`flags`].
    pub flags: u8,
    /// Pages that `{range}` spans, 1 to 512.
    pub pages: u16,
    /// The checks that test it: bits of [`crate::check::Check::mask`].
    pub checks: Mask,
    /// The checks that use it as their known-good control. The first sequence of the plan with the bit is used.
    pub good_for: Mask,
    /// Operand registers.
    pub operands: &'a [OperandRegister],
    /// Instruction words.
    pub words: &'a [u32],
}

/// Why a plan cannot be written or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanError {
    /// More sequences than [`MAX_SEQUENCES`], or none.
    Sequences(usize),
    /// A sequence is longer than [`MAX_WORDS`], has more than [`MAX_OPERANDS`] operands, or a malformed id.
    Entry {
        /// Its index.
        index: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The plan needs more bytes than the area has.
    TooBig {
        /// Bytes needed.
        needed: usize,
        /// Bytes there are.
        capacity: usize,
    },
    /// The area holds neither a plan nor zeros.
    NoPlan,
    /// The plan is cut short, or its checksum is wrong.
    Damaged,
    /// A field has a value this version does not know.
    Field(&'static str),
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sequences(n) => write!(f, "{n} sequences; a plan holds 1 to {MAX_SEQUENCES}"),
            Self::Entry { index, what } => write!(f, "sequence {index}: {what}"),
            Self::TooBig { needed, capacity } => {
                write!(f, "plan of {needed} bytes; the kernel has room for {capacity}")
            }
            Self::NoPlan => f.write_str("plan area holds something that is no plan"),
            Self::Damaged => f.write_str("plan is damaged"),
            Self::Field(name) => write!(f, "plan field {name} has an unknown value"),
        }
    }
}

impl core::error::Error for PlanError {}

/// Appends to a buffer; keeps counting past its end, so that an error can say how much was needed.
struct Cursor<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl Cursor<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        if let Some(out) = self.out.get_mut(self.at..self.at + bytes.len()) {
            out.copy_from_slice(bytes);
        }
        self.at += bytes.len();
    }
    fn u16(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }
    fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }
    fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }
}

/// Writes a plan to the start of `out` and returns its length in bytes.
pub fn encode(settings: &Settings, entries: &[Entry<'_>], out: &mut [u8]) -> Result<usize, PlanError> {
    if entries.is_empty() || entries.len() > MAX_SEQUENCES {
        return Err(PlanError::Sequences(entries.len()));
    }
    for (index, entry) in entries.iter().enumerate() {
        check_entry(entry).map_err(|what| PlanError::Entry { index, what })?;
    }
    let s = settings;
    if usize::from(s.boot_flush) >= entries.len() {
        return Err(PlanError::Field("index of the boot flush"));
    }
    if !(1..=MAX_PES).contains(&s.pes) {
        return Err(PlanError::Field("number of PEs"));
    }
    check_measure(&s.measure).map_err(PlanError::Field)?;
    let (console, console_address) = match s.console {
        None => (0, 0),
        Some(Console::Pl011(address)) => (1, address),
        Some(Console::Uart16550(address)) => (2, address),
    };
    let mut c = Cursor { out, at: 0 };
    c.bytes(&MAGIC);
    c.u64(0); // Length and checksum, once known.
    for value in [s.seed, s.runtime, console_address] {
        c.u64(value);
    }
    for value in [s.iterations, s.batch, s.trials] {
        c.u32(value);
    }
    let conduit = match s.conduit {
        None => 0,
        Some(Conduit::Smc) => 1,
        Some(Conduit::Hvc) => 2,
    };
    c.bytes(&[s.case as u8, s.flow as u8, console, conduit]);
    c.u16(s.boot_flush);
    c.u16(entries.len() as u16);
    let planted = match s.planted {
        None => 0,
        Some(Planted::SkipSequence) => 1,
    };
    c.bytes(&[s.pes, planted]);
    c.u16(s.stress);
    let m = &s.measure;
    c.u32(m.events);
    c.bytes(&[m.order as u8, m.timed_pes]);
    c.u16(m.warmup);
    c.u16(m.scenarios.count as u16);
    c.bytes(&[u8::from(m.overhead), 0, 0, 0, 0, 0]);
    debug_assert_eq!(c.at, HEADER);
    for scenario in m.scenarios.as_slice() {
        Axis::ALL.into_iter().for_each(|axis| c.u16(scenario.get(axis)));
    }
    for entry in entries {
        c.bytes(&[entry.id.len() as u8, entry.flags, entry.operands.len() as u8, 0]);
        c.u16(entry.words.len() as u16);
        c.u16(entry.pages);
        c.bytes(&entry.checks.to_le_bytes());
        c.bytes(&entry.good_for.to_le_bytes());
        c.bytes(entry.id.as_bytes());
        c.bytes(&[0; 3][..entry.id.len().next_multiple_of(4) - entry.id.len()]);
        for operand in entry.operands {
            c.bytes(&[operand.register, operand.kind as u8, operand.hint, 0]);
        }
        entry.words.iter().for_each(|&word| c.u32(word));
    }
    let (out, needed) = (c.out, c.at);
    if needed > out.len() {
        return Err(PlanError::TooBig {
            needed,
            capacity: out.len(),
        });
    }
    out[8..12].copy_from_slice(&(needed as u32).to_le_bytes());
    let crc = crc32(&out[16..needed]);
    out[12..16].copy_from_slice(&crc.to_le_bytes());
    Ok(needed)
}

fn check_measure(measure: &Measure) -> Result<(), &'static str> {
    let known = Event::counted().fold(0, |all, event| all | event.mask());
    if !(1..=MAX_PES).contains(&measure.timed_pes) {
        Err("number of timed PEs")
    } else if measure.events & !known != 0 {
        Err("events")
    } else if measure
        .scenarios
        .as_slice()
        .iter()
        .any(|scenario| scenario.obstacle().is_some())
    {
        Err("scenario")
    } else {
        Ok(())
    }
}

fn check_entry(entry: &Entry<'_>) -> Result<(), &'static str> {
    let id_byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if entry.id.is_empty() || entry.id.len() > MAX_ID || !entry.id.bytes().all(id_byte) {
        Err("id is not 1 to 63 of a-z, 0-9 and _")
    } else if entry.words.len() > MAX_WORDS {
        Err("more than 1040 instruction words")
    } else if entry.operands.len() > MAX_OPERANDS {
        Err("more than 8 different operands")
    } else if entry.pages == 0 || entry.pages > MAX_PAGES {
        Err("a range of fewer than 1 or more than 512 pages")
    } else {
        Ok(())
    }
}

/// A plan, read in place.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// Everything but the sequences.
    pub settings: Settings,
    /// Checksum of the plan.
    pub crc: u32,
    count: usize,
    entries: &'a [u8],
}

/// A sequence of a plan, read in place.
#[derive(Debug, Clone, Copy)]
pub struct EntryRef<'a> {
    /// Stable id.
    pub id: &'a str,
    /// Bits of [`flags`].
    pub flags: u8,
    /// Pages that `{range}` spans.
    pub pages: u16,
    /// The checks that test it.
    pub checks: Mask,
    /// The checks that use it as their known-good control.
    pub good_for: Mask,
    operands: &'a [u8],
    words: &'a [u8],
}

impl<'a> EntryRef<'a> {
    /// Returns the operand registers.
    pub fn operands(&self) -> impl ExactSizeIterator<Item = OperandRegister> + Clone + use<'a> {
        // The kind was checked when the plan was read.
        self.operands.chunks_exact(4).map(|o| OperandRegister {
            register: o[0],
            kind: OperandKind::ALL[usize::from(o[1])],
            hint: o[2],
        })
    }

    /// Returns the instruction words.
    pub fn words(&self) -> impl ExactSizeIterator<Item = u32> + Clone + use<'a> {
        self.words
            .chunks_exact(4)
            .map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]]))
    }
}

impl<'a> Plan<'a> {
    /// Reads the plan at the start of `area`. `Ok(None)`: the area is empty.
    pub fn read(area: &'a [u8]) -> Result<Option<Self>, PlanError> {
        let magic = area.get(..8).ok_or(PlanError::Damaged)?;
        if magic == [0; 8] {
            return Ok(None);
        }
        if magic != MAGIC {
            return Err(PlanError::NoPlan);
        }
        let mut r = Reader { rest: &area[8..] };
        let length = r.u32()? as usize;
        let crc = r.u32()?;
        let body = area.get(16..length).ok_or(PlanError::Damaged)?;
        if crc32(body) != crc {
            return Err(PlanError::Damaged);
        }
        let mut r = Reader { rest: body };
        let (seed, runtime, console_address) = (r.u64()?, r.u64()?, r.u64()?);
        let (iterations, batch, trials) = (r.u32()?, r.u32()?, r.u32()?);
        let [case, flow, console, conduit] = r.array()?;
        let (boot_flush, count) = (r.u16()?, usize::from(r.u16()?));
        let [pes, planted] = r.array()?;
        let stress = r.u16()?;
        let measure = r.measure()?;
        let settings = Settings {
            seed,
            iterations,
            batch,
            trials,
            case: *RuntimeCase::ALL
                .get(usize::from(case))
                .ok_or(PlanError::Field("slot case"))?,
            runtime,
            flow: *Flow::ALL.get(usize::from(flow)).ok_or(PlanError::Field("flow"))?,
            console: match console {
                0 => None,
                1 => Some(Console::Pl011(console_address)),
                2 => Some(Console::Uart16550(console_address)),
                _ => return Err(PlanError::Field("console kind")),
            },
            conduit: match conduit {
                0 => None,
                1 => Some(Conduit::Smc),
                2 => Some(Conduit::Hvc),
                _ => return Err(PlanError::Field("conduit")),
            },
            boot_flush,
            pes,
            stress,
            planted: match planted {
                0 => None,
                1 => Some(Planted::SkipSequence),
                _ => return Err(PlanError::Field("planted bug")),
            },
            measure,
        };
        if !(1..=MAX_PES).contains(&pes) {
            return Err(PlanError::Field("number of PEs"));
        }
        if count == 0 || count > MAX_SEQUENCES {
            return Err(PlanError::Sequences(count));
        }
        if usize::from(boot_flush) >= count {
            return Err(PlanError::Field("index of the boot flush"));
        }
        let plan = Self {
            settings,
            crc,
            count,
            entries: r.rest,
        };
        // Every entry is read once here, so that iterating cannot fail later.
        (0..count).try_fold(Reader { rest: plan.entries }, |mut r, _| r.entry().map(|_| r))?;
        Ok(Some(plan))
    }

    /// Returns the sequences.
    pub fn entries(&self) -> impl Iterator<Item = EntryRef<'a>> + Clone + use<'a> {
        let mut r = Reader { rest: self.entries };
        (0..self.count).map_while(move |_| r.entry().ok())
    }

    /// Returns the number of sequences.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Returns whether there is no sequence, which a plan that was read never has.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

#[derive(Clone)]
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn bytes(&mut self, n: usize) -> Result<&'a [u8], PlanError> {
        let (head, rest) = self.rest.split_at_checked(n).ok_or(PlanError::Damaged)?;
        self.rest = rest;
        Ok(head)
    }
    fn array<const N: usize>(&mut self) -> Result<[u8; N], PlanError> {
        self.bytes(N)?.try_into().map_err(|_| PlanError::Damaged)
    }
    fn u16(&mut self) -> Result<u16, PlanError> {
        self.array().map(u16::from_le_bytes)
    }
    fn u32(&mut self) -> Result<u32, PlanError> {
        self.array().map(u32::from_le_bytes)
    }
    fn u64(&mut self) -> Result<u64, PlanError> {
        self.array().map(u64::from_le_bytes)
    }
    fn mask(&mut self) -> Result<Mask, PlanError> {
        self.array().map(Mask::from_le_bytes)
    }
    fn measure(&mut self) -> Result<Measure, PlanError> {
        let events = self.u32()?;
        let [order, timed_pes] = self.array()?;
        let (warmup, count) = (self.u16()?, usize::from(self.u16()?));
        let [overhead, ..] = self.array::<6>()?;
        if count == 0 || count > MAX_SCENARIOS {
            return Err(PlanError::Field("number of scenarios"));
        }
        let mut scenarios = Scenarios {
            count: 0,
            ..Scenarios::PLAIN
        };
        for _ in 0..count {
            let mut scenario = Scenario::PLAIN;
            for axis in Axis::ALL {
                scenario = scenario.with(axis, self.u16()?);
            }
            scenarios.add(scenario);
        }
        let measure = Measure {
            order: *Order::ALL.get(usize::from(order)).ok_or(PlanError::Field("order"))?,
            warmup,
            events,
            timed_pes,
            overhead: overhead != 0,
            scenarios,
        };
        check_measure(&measure).map_err(PlanError::Field)?;
        Ok(measure)
    }
    fn entry(&mut self) -> Result<EntryRef<'a>, PlanError> {
        let [id_length, flags, operands, _] = self.array()?;
        let (words, pages) = (usize::from(self.u16()?), self.u16()?);
        let (checks, good_for) = (self.mask()?, self.mask()?);
        let id_length = usize::from(id_length);
        let id = &self.bytes(id_length.next_multiple_of(4))?[..id_length];
        let operands = self.bytes(usize::from(operands) * 4)?;
        if operands
            .chunks_exact(4)
            .any(|o| usize::from(o[1]) >= OperandKind::ALL.len() || !(2..=9).contains(&o[0]))
        {
            return Err(PlanError::Field("operand"));
        }
        if pages == 0 || pages > MAX_PAGES {
            return Err(PlanError::Field("pages"));
        }
        if words > MAX_WORDS || id_length > MAX_ID || operands.len() > 4 * MAX_OPERANDS {
            return Err(PlanError::Field("sequence length"));
        }
        let words = self.bytes(words * 4)?;
        let id = core::str::from_utf8(id).map_err(|_| PlanError::Damaged)?;
        Ok(EntryRef {
            id,
            flags,
            pages,
            checks,
            good_for,
            operands,
            words,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Settings = Settings {
        seed: 0x1234_5678_9abc_def0,
        iterations: 100_000,
        batch: 2000,
        trials: 1000,
        case: RuntimeCase::Level2,
        runtime: 0,
        flow: Flow::Old,
        console: Some(Console::Pl011(0x900_0000)),
        conduit: Some(Conduit::Hvc),
        boot_flush: 1,
        pes: 3,
        stress: 500,
        planted: Some(Planted::SkipSequence),
        measure: Measure {
            order: Order::Abba,
            warmup: 3,
            events: Event::L1dTlbRefill.mask() | Event::InstRetired.mask(),
            timed_pes: 2,
            overhead: true,
            ..Measure::PLAIN
        },
    };
    const OPERAND: OperandRegister = OperandRegister {
        register: 2,
        kind: OperandKind::Page,
        hint: 4,
    };
    const ENTRIES: [Entry<'static>; 2] = [
        Entry {
            id: "old",
            flags: flags::TIMED,
            pages: 1,
            checks: 0,
            good_for: 1 << 63,
            operands: &[],
            words: &[1, 2, 3],
        },
        Entry {
            id: "by_va",
            flags: 0,
            pages: 512,
            checks: 0b1_1111,
            good_for: 0,
            operands: &[OPERAND],
            words: &[],
        },
    ];

    #[test]
    fn a_plan_reads_back_as_written() {
        let mut area = [0; 4096];
        let length = encode(&SETTINGS, &ENTRIES, &mut area).unwrap();
        let plan = Plan::read(&area).unwrap().unwrap();
        assert_eq!(plan.settings, SETTINGS);
        assert_eq!(plan.len(), 2);
        for (read, written) in plan.entries().zip(&ENTRIES) {
            assert_eq!((read.id, read.flags), (written.id, written.flags));
            assert_eq!((read.checks, read.good_for), (written.checks, written.good_for));
            assert!(read.words().eq(written.words.iter().copied()));
            assert!(read.operands().eq(written.operands.iter().copied()));
        }
        // Every prefix and every flipped bit is refused, never misread.
        for cut in 1..length {
            assert!(Plan::read(&area[..cut]).is_err(), "cut at {cut}");
        }
        for at in 0..length {
            area[at] ^= 0x10;
            assert!(Plan::read(&area).is_err(), "flipped at {at}");
            area[at] ^= 0x10;
        }
    }

    #[test]
    fn scenarios_read_back_once_each_and_wrong_ones_are_refused() {
        let mut measure = Measure::PLAIN;
        let live = |value| Scenario::PLAIN.with(Axis::Live, value);
        for scenario in [live(64), Scenario::PLAIN, Scenario::PLAIN.with(Axis::Busy, 3), live(64)] {
            assert!(measure.scenarios.add(scenario));
        }
        assert_eq!((measure.scenarios.as_slice().len(), measure.pes()), (3, 4));
        let mut area = [0; 4096];
        encode(&Settings { measure, ..SETTINGS }, &ENTRIES, &mut area).unwrap();
        assert_eq!(Plan::read(&area).unwrap().unwrap().settings.measure, measure);

        for value in 1..=MAX_SCENARIOS as u16 - 3 {
            assert!(measure.scenarios.add(live(value)));
        }
        assert!(!measure.scenarios.add(live(1000)) && measure.scenarios.add(live(1)));
        let mut wrong = [Measure::PLAIN; 3];
        wrong[0].scenarios.add(live(2000));
        wrong[1].events = Event::Cycles.mask();
        wrong[2].timed_pes = 0;
        for (measure, field) in wrong.into_iter().zip(["scenario", "events", "number of timed PEs"]) {
            let refused = encode(&Settings { measure, ..SETTINGS }, &ENTRIES, &mut area);
            assert_eq!(refused, Err(PlanError::Field(field)));
        }
    }

    #[test]
    fn invalidations_are_told_from_everything_else() {
        // tlbi alle2; tlbi vae1is, x2; tlbi rvae2is, x2; tlbi vmalle1nxs
        for word in [0xd50c_871f, 0xd508_8322, 0xd50c_8222, 0xd508_971f] {
            assert!(is_tlbi(word), "{word:08x}");
        }
        // dsb sy; isb; ic iallu; dc cvac, x2; mrs x0, pmccntr_el0; ldr x11, [x10]; add
        for word in [
            0xd503_3f9f,
            0xd503_3fdf,
            0xd508_751f,
            0xd50b_7a22,
            0xd53b_9d00,
            0xf940_014b,
            0x9140_214a,
        ] {
            assert!(!is_tlbi(word), "{word:08x}");
        }
        let many = Scenario::PLAIN.with(Axis::Tlbis, 8);
        assert!(is_timed_under(&many, [1, 0xd50c_871f]));
        assert!(!is_timed_under(&many, [1]));
        assert!(is_timed_under(&Scenario::PLAIN, []));
    }

    #[test]
    fn an_empty_area_is_no_plan_and_no_error() {
        assert!(Plan::read(&[0; 64]).unwrap().is_none());
        assert_eq!(Plan::read(&[7; 64]).unwrap_err(), PlanError::NoPlan);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_size_needed() {
        let mut area = [0; 4096];
        let needed = encode(&SETTINGS, &ENTRIES, &mut area).unwrap();
        let refused = encode(&SETTINGS, &ENTRIES, &mut area[..needed - 1]).unwrap_err();
        assert_eq!(
            refused,
            PlanError::TooBig {
                needed,
                capacity: needed - 1
            }
        );
        assert_eq!(encode(&SETTINGS, &[], &mut area).unwrap_err(), PlanError::Sequences(0));
        for pes in [0, MAX_PES + 1] {
            let settings = Settings { pes, ..SETTINGS };
            let refused = encode(&settings, &ENTRIES, &mut area).unwrap_err();
            assert_eq!(refused, PlanError::Field("number of PEs"));
        }
        let bad = [
            Entry {
                id: "Old",
                ..ENTRIES[0]
            },
            ENTRIES[1],
        ];
        assert!(matches!(
            encode(&SETTINGS, &bad, &mut area),
            Err(PlanError::Entry { index: 0, .. })
        ));
        let long = [
            Entry {
                words: &[0; MAX_WORDS + 1],
                ..ENTRIES[0]
            },
            ENTRIES[1],
        ];
        assert!(matches!(
            encode(&SETTINGS, &long, &mut area),
            Err(PlanError::Entry { index: 0, .. })
        ));
    }
}
