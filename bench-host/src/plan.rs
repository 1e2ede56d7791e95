// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the command line to a plan: what is timed and checked, in which order, and how often.

pub mod group;
pub mod measure;

use std::fmt;

use clap::Args;
use results::check::{Change, Check, Mask, Observer, Regime};
use results::manifest;
use results::plan::{
    Conduit, Console, Entry, Flow, MAX_PAGES, MAX_STREAMS, Measure, OperandKind, OperandRegister, Planted, RuntimeCase,
    Settings, encode, flags,
};
use sequences::{ExceptionLevel, Instruction, Operand, OperandSlot, Sequence, Target, catalogue, lower, parse};

use crate::break_even;
use crate::error::Error;
use crate::plan::measure::MeasureArgs;

/// Pages in the range under test.
pub const RANGE_PAGES: u16 = 2;
/// The sequence every check uses as its good control: full system barriers on both sides.
pub const KNOWN_GOOD: &str = "xen_head_old";
/// What the id of the repeated baseline ends with.
pub const AA_SUFFIX: &str = "_aa";
/// Ids that mean something else in the stored tables.
const RESERVED: [&str; 2] = ["empty", "none"];

/// What to run; the same options for `run` and `image`.
#[derive(Debug, Clone, Args)]
pub struct PlanArgs {
    /// A sequence by ID, a new one as NAME=TEXT, or a group of the catalogue as @PROJECT, @REGIME or @PROJECT,REGIME
    /// (`bench-host list` shows them); repeatable. The first is the baseline, which is timed twice to find the noise
    /// floor
    #[arg(long, value_name = "ID|NAME=TEXT|@GROUP", default_values = ["xen_head_old", "xen_head_new"])]
    pub sequence: Vec<String>,
    /// Pages that {range} spans, and that `for page in {range}` repeats over
    #[arg(long, value_name = "N", default_value_t = RANGE_PAGES, value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_PAGES)))]
    pub pages: u16,
    /// Measure by-VA invalidation over 1 to 512 pages, the range form, and the full flush, local and broadcast, and
    /// say from how many pages on each is cheapest
    #[arg(long, conflicts_with_all = ["sequence", "pages"])]
    pub break_even: bool,
    /// Timed samples per sequence and condition, such as 50k or 100M (0: time nothing) [default: 100k; with conditions
    /// or --break-even: 2k]
    #[arg(long, value_name = "N", value_parser = measure::samples)]
    pub iterations: Option<u32>,
    /// Timed samples per sequence and batch [default: a fiftieth of the samples, but no fewer than 100 if ten
    /// batches can have them]
    #[arg(long, value_name = "N", value_parser = batch_samples)]
    pub batch: Option<u32>,
    /// Trials per check, sequence and control
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub trials: u32,
    /// Seed of every random choice, decimal or 0x...
    #[arg(long, value_name = "SEED", default_value = "1")]
    pub seed: manifest::Hex,
    /// Where the kernel runs: level0, level1, level2 (the level at which the 1:1 map is removed), none (no 1:1 map is
    /// needed), clash (is refused), or a virtual address 0x...
    #[arg(long, value_name = "CASE|0xADDR", default_value = "level1", value_parser = runtime)]
    pub runtime: Runtime,
    /// Which side of the Xen patch the boot path takes: new or old
    #[arg(long, value_name = "FLOW", default_value = "new", value_parser = flow)]
    pub flow: Flow,
    /// The sequence that flushes the TLB on the boot path [default: that of the flow]
    #[arg(long, value_name = "ID")]
    pub boot_flush: Option<String>,
    /// Console of a board whose firmware passes no device tree
    #[arg(long, value_name = "pl011@0xADDR|uart16550@0xADDR", value_parser = console)]
    pub console: Option<Console>,
    /// How to call the firmware of such a board, to turn it off at the end
    #[arg(long, value_name = "smc|hvc", value_parser = conduit)]
    pub psci: Option<Conduit>,
    /// Time only; make no checks
    #[arg(long)]
    pub no_checks: bool,
    /// How and under which conditions sequences are timed.
    #[command(flatten)]
    pub measure: MeasureArgs,
}

impl PlanArgs {
    /// Returns the timed samples per sequence.
    pub fn iterations(&self) -> u32 {
        let short = self.break_even || !self.measure.is_plain();
        self.iterations.unwrap_or(if short { 2_000 } else { 100_000 })
    }

    /// Returns the timed samples per sequence and batch.
    pub fn batch(&self) -> u32 {
        // However long a run is, its size on the wire depends on the number of batches, and 50 are enough to resample.
        let iterations = self.iterations();
        let fiftieth = (iterations / 50).max(100.min(iterations / 10)).max(1);
        self.batch.unwrap_or(fiftieth)
    }
}

/// Pages of a range in a conformance run: as many as the checks of several pages change, or more.
pub const CHECK_PAGES: u16 = 16;

/// Everything about a conformance run but its sequences.
#[derive(Debug, Clone, Copy)]
pub struct Conformance {
    /// Seed of every random choice.
    pub seed: u64,
    /// Trials per check, sequence and control.
    pub trials: u32,
    /// PEs to use.
    pub pes: u8,
    /// Largest random delay, in loop turns.
    pub stress: u16,
    /// A bug to plant.
    pub planted: Option<Planted>,
    /// Where the kernel runs.
    pub runtime: Runtime,
}

/// A sequence of a conformance run.
#[derive(Debug, Clone, Copy)]
pub struct Checked<'a> {
    /// Stable id.
    pub id: &'a str,
    /// The sequence.
    pub text: &'a str,
    /// The checks that test it.
    pub checks: Mask,
    /// The checks that use it as their good control.
    pub good_for: Mask,
}

/// A slot case, with the address where it takes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Runtime(RuntimeCase, u64);

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            RuntimeCase::Address => write!(f, "{:#x}", self.1),
            case => f.write_str(case.id()),
        }
    }
}

fn batch_samples(text: &str) -> Result<u32, String> {
    match measure::samples(text)? {
        0 => Err("a batch has at least one sample".to_owned()),
        samples => Ok(samples),
    }
}

/// Reads a slot case or an address.
pub fn runtime(text: &str) -> Result<Runtime, String> {
    if let Some(digits) = text.strip_prefix("0x") {
        let address = u64::from_str_radix(digits, 16).map_err(|error| error.to_string())?;
        if address % 4096 != 0 || address >= 1 << 48 {
            return Err("not a multiple of 4096 below 2^48".to_owned());
        }
        return Ok(Runtime(RuntimeCase::Address, address));
    }
    let case = RuntimeCase::from_id(text).filter(|&case| case != RuntimeCase::Address);
    case.map(|case| Runtime(case, 0))
        .ok_or_else(|| "none of level0, level1, level2, none, clash, 0xADDR".to_owned())
}

fn console(text: &str) -> Result<Console, String> {
    let malformed = || "neither pl011@0xADDR nor uart16550@0xADDR".to_owned();
    let (kind, address) = text.split_once("@0x").ok_or_else(malformed)?;
    let address = u64::from_str_radix(address, 16).map_err(|error| error.to_string())?;
    match kind {
        "pl011" => Ok(Console::Pl011(address)),
        "uart16550" => Ok(Console::Uart16550(address)),
        _ => Err(malformed()),
    }
}

/// Returns a console in the form the option takes.
pub fn console_text(console: Console) -> String {
    match console {
        Console::Pl011(address) => format!("pl011@{address:#x}"),
        Console::Uart16550(address) => format!("uart16550@{address:#x}"),
    }
}

fn conduit(text: &str) -> Result<Conduit, String> {
    match text {
        "smc" => Ok(Conduit::Smc),
        "hvc" => Ok(Conduit::Hvc),
        _ => Err("neither smc nor hvc".to_owned()),
    }
}

/// Returns a conduit in the form the option takes.
pub const fn conduit_text(conduit: Conduit) -> &'static str {
    match conduit {
        Conduit::Smc => "smc",
        Conduit::Hvc => "hvc",
    }
}

fn flow(text: &str) -> Result<Flow, String> {
    Flow::from_id(text).ok_or_else(|| "neither new nor old".to_owned())
}

/// A sequence, ready for the plan area.
#[derive(Debug, Clone)]
struct PlannedSequence {
    id: String,
    text: String,
    words: Vec<u32>,
    operands: Vec<OperandRegister>,
    flags: u8,
    checks: Mask,
    good_for: Mask,
    pages: u16,
    baseline: bool,
    aa_of: Option<String>,
}

/// A plan with everything it needs to be encoded and described.
#[derive(Debug, Clone)]
pub struct RunPlan {
    /// Everything but the sequences.
    pub settings: Settings,
    sequences: Vec<PlannedSequence>,
}

impl RunPlan {
    /// Builds the plan the options ask for.
    pub fn new(args: &PlanArgs) -> Result<Self, Error> {
        let checked = if args.no_checks { 0 } else { one_page_checks() };
        let iterations = args.iterations();
        let timed = if iterations == 0 { 0 } else { flags::TIMED };
        let mut sequences: Vec<PlannedSequence> = Vec::new();
        if args.break_even {
            for point in break_even::points() {
                sequences.push(PlannedSequence::new(
                    "--break-even",
                    &point.id(),
                    &point.text(),
                    point.pages,
                    timed,
                    0,
                )?);
            }
        }
        let named = if args.break_even { &[][..] } else { &args.sequence };
        for argument in named {
            if let Some(group) = argument.strip_prefix('@') {
                for entry in group::members(group).map_err(usage)? {
                    if sequences.iter().all(|other| other.id != entry.id) {
                        sequences.push(PlannedSequence::new(
                            "--sequence",
                            entry.id,
                            entry.text,
                            args.pages,
                            timed,
                            checked,
                        )?);
                    }
                }
                continue;
            }
            let sequence = PlannedSequence::parse(argument, args.pages, timed, checked)?;
            if sequences.iter().any(|other| other.id == sequence.id) {
                return Err(usage(format!("--sequence {}: given twice", sequence.id)));
            }
            sequences.push(sequence);
        }
        if let Some(first) = sequences.first_mut() {
            first.baseline = true;
            let twin = first.twin();
            if sequences.iter().any(|other| other.id == twin.id) {
                let id = &twin.id;
                return Err(usage(format!(
                    "--sequence {id}: that id is the baseline's repetition; rename it"
                )));
            }
            if timed != 0 {
                sequences.insert(1, twin);
            }
        }
        let default_flush = match args.flow {
            Flow::New => "xen_head_new",
            Flow::Old => "xen_head_old",
        };
        let boot_flush = place(
            &mut sequences,
            args.boot_flush.as_deref().unwrap_or(default_flush),
            "--boot-flush",
        )?;
        let known_good = place(&mut sequences, KNOWN_GOOD, "--sequence")?;
        sequences[usize::from(known_good)].good_for = checked;
        let measure = args.measure.measure().map_err(usage)?;
        let timed_sequences = 1 + sequences
            .iter()
            .filter(|sequence| sequence.flags & flags::TIMED != 0)
            .count();
        let scenarios = measure.scenarios.as_slice().len();
        if timed_sequences * scenarios > MAX_STREAMS {
            return Err(usage(format!(
                "plan too big: {timed_sequences} sequences (the empty frame among them) under {scenarios} scenarios are \
                 more than the kernel's {MAX_STREAMS} series: leave out some"
            )));
        }
        let batch = args.batch().min(iterations.max(1));
        let plan = Self {
            settings: Settings {
                seed: args.seed.0,
                iterations,
                batch,
                trials: args.trials,
                case: args.runtime.0,
                runtime: args.runtime.1,
                flow: args.flow,
                console: args.console,
                conduit: args.psci,
                boot_flush,
                pes: 1,
                stress: 0,
                planted: None,
                measure,
            },
            sequences,
        };
        // Whatever the format cannot hold shows here, before anything is started.
        let mut area = vec![0; results::image::PLAN_CAPACITY];
        encode(&plan.settings, &plan.entries(), &mut area).map_err(|error| usage(format!("plan too big: {error}")))?;
        Ok(plan)
    }

    /// Builds the plan of a conformance run: nothing is timed, and every sequence says which checks it is for.
    pub fn conformance(settings: &Conformance, sequences: &[Checked<'_>]) -> Result<Self, Error> {
        let planned = |checked: &Checked<'_>| -> Result<PlannedSequence, Error> {
            let planned = PlannedSequence::new("sequence", checked.id, checked.text, CHECK_PAGES, 0, 0)?;
            Ok(PlannedSequence {
                checks: checked.checks,
                good_for: checked.good_for,
                ..planned
            })
        };
        let mut sequences = sequences.iter().map(planned).collect::<Result<Vec<_>, _>>()?;
        let boot_flush = place(&mut sequences, "xen_head_new", "boot flush")?;
        let plan = Self {
            settings: Settings {
                seed: settings.seed,
                iterations: 0,
                batch: 1,
                trials: settings.trials,
                case: settings.runtime.0,
                runtime: settings.runtime.1,
                flow: Flow::New,
                console: None,
                conduit: None,
                boot_flush,
                pes: settings.pes,
                stress: settings.stress,
                planted: settings.planted,
                measure: Measure::PLAIN,
            },
            sequences,
        };
        let mut area = vec![0; results::image::PLAN_CAPACITY];
        encode(&plan.settings, &plan.entries(), &mut area).map_err(|error| usage(format!("plan too big: {error}")))?;
        Ok(plan)
    }

    /// Returns how many series of samples the plan asks for, at most: of the empty frame and every timed sequence, under
    /// every scenario.
    pub fn series(&self) -> usize {
        let timed = self
            .sequences
            .iter()
            .filter(|sequence| sequence.flags & flags::TIMED != 0);
        (1 + timed.count()) * self.settings.measure.scenarios.as_slice().len()
    }

    /// Returns the sequences in the form the plan area takes.
    pub fn entries(&self) -> Vec<Entry<'_>> {
        self.sequences.iter().map(PlannedSequence::entry).collect()
    }

    /// Describes the plan for the manifest.
    pub fn describe(&self, crc: u32, deterministic: bool) -> manifest::Plan {
        let s = &self.settings;
        let id = |index: u16| self.sequences[usize::from(index)].id.clone();
        let known_good = self.sequences.iter().find(|sequence| sequence.good_for != 0);
        manifest::Plan {
            crc: manifest::Hex(crc.into()),
            seed: manifest::Hex(s.seed),
            iterations: s.iterations,
            batch: s.batch,
            trials: s.trials,
            case: s.case,
            runtime: (s.case == RuntimeCase::Address).then_some(manifest::Hex(s.runtime)),
            flow: s.flow,
            boot_flush: id(s.boot_flush),
            known_good: known_good.map_or(String::new(), |sequence| sequence.id.clone()),
            checks: checks_of(self.sequences.iter().fold(0, |all, sequence| all | sequence.checks)),
            deterministic,
            sequences: self.sequences.iter().map(PlannedSequence::describe).collect(),
            measure: measure::describe(&s.measure),
        }
    }
}

/// Returns the index of a sequence that is neither timed nor checked for its own sake, added if it is not there.
fn place(sequences: &mut Vec<PlannedSequence>, id: &str, option: &str) -> Result<u16, Error> {
    let at = match sequences.iter().position(|sequence| sequence.id == id) {
        Some(at) => at,
        None => {
            let known = catalogue::find(id).map_err(|unknown| not_found(option, &unknown))?;
            sequences.push(PlannedSequence::new(option, known.id, known.text, RANGE_PAGES, 0, 0)?);
            sequences.len() - 1
        }
    };
    u16::try_from(at).map_err(|_| usage("plan too big: more than 65535 sequences".to_owned()))
}

impl PlannedSequence {
    fn parse(argument: &str, pages: u16, flags: u8, checks: Mask) -> Result<Self, Error> {
        let Some((name, text)) = argument.split_once('=') else {
            let known = catalogue::find(argument).map_err(|unknown| not_found("--sequence", &unknown))?;
            return Self::new("--sequence", known.id, known.text, pages, flags, checks);
        };
        let name = name.trim();
        let id_byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if name.is_empty() || !name.bytes().all(id_byte) {
            return Err(usage(format!(
                "--sequence {argument}: the name `{name}` is not made of a-z, 0-9 and _"
            )));
        }
        if RESERVED.contains(&name) || catalogue::find(name).is_ok() {
            return Err(usage(format!(
                "--sequence {argument}: the name `{name}` is taken; choose another"
            )));
        }
        Self::new("--sequence", name, text, pages, flags, checks)
    }

    fn new(option: &str, id: &str, text: &str, pages: u16, flags: u8, checks: Mask) -> Result<Self, Error> {
        let sequence = parse(text).map_err(|error| usage(format!("{option} {id}: {}", error.render(text))))?;
        // The checks change EL2 tables: a sequence for another regime is timed, but they say nothing about it.
        let checks = if is_for_el2(&sequence) { checks } else { 0 };
        let lowered = lower(&sequence, pages.into()).map_err(|error| usage(format!("{option} {id}: {error}")))?;
        let by_ipa = ranges_by_ipa(&sequence).map_err(|error| usage(format!("{option} {id}: {error}")))?;
        let operands = lowered.operands.iter().map(|slot| register(slot, by_ipa));
        let operands = operands.collect::<Option<_>>();
        Ok(Self {
            id: id.to_owned(),
            text: sequence.to_string(),
            words: lowered.words,
            operands: operands.ok_or_else(|| usage(format!("{option} {id}: an operand without a register")))?,
            flags,
            checks,
            good_for: 0,
            pages,
            baseline: false,
            aa_of: None,
        })
    }

    /// Returns the same sequence under another id, timed only.
    fn twin(&self) -> Self {
        Self {
            id: format!("{}{AA_SUFFIX}", self.id),
            flags: flags::TIMED,
            checks: 0,
            good_for: 0,
            baseline: false,
            aa_of: Some(self.id.clone()),
            ..self.clone()
        }
    }

    fn entry(&self) -> Entry<'_> {
        Entry {
            id: &self.id,
            flags: self.flags,
            checks: self.checks,
            good_for: self.good_for,
            operands: &self.operands,
            pages: self.pages,
            words: &self.words,
        }
    }

    fn describe(&self) -> manifest::Sequence {
        manifest::Sequence {
            id: self.id.clone(),
            text: self.text.clone(),
            words: words_text(&self.words),
            timed: self.flags & flags::TIMED != 0,
            checked: self.checks != 0,
            checks: checks_of(self.checks),
            baseline: self.baseline,
            aa_of: self.aa_of.clone(),
            skipped: None,
        }
    }
}

/// Returns the checks that a run makes with every sequence of EL2: those of one page, on one PE.
fn one_page_checks() -> Mask {
    let fits = |check: &&Check| {
        let spec = check.spec();
        let one_page = (spec.regime, spec.observer, spec.entries) == (Regime::El2, Observer::Own, 1);
        // Of an invalid entry made valid nothing can be stale: `bench-host check` has that one.
        one_page && spec.change != Change::Map
    };
    Check::ALL
        .iter()
        .filter(fits)
        .fold(0, |mask, check| mask | check.mask())
}

/// Returns the checks of a mask.
fn checks_of(mask: Mask) -> Vec<Check> {
    Check::ALL
        .into_iter()
        .filter(|check| mask & check.mask() != 0)
        .collect()
}

/// Returns whether every TLBI of the sequence is for the EL2 regime.
fn is_for_el2(sequence: &Sequence) -> bool {
    sequence.instructions().all(|instruction| match instruction {
        Instruction::Tlbi(tlbi) => tlbi.op.level() == ExceptionLevel::El2,
        _ => true,
    })
}

/// Returns instruction words as the manifest holds them.
pub fn words_text(words: &[u32]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("{word:08x}")).collect();
    words.join(" ")
}

/// Returns whether the ranges and pages of a sequence are intermediate physical addresses.
///
/// They have no name of their own, and share a register: a sequence cannot have both kinds.
fn ranges_by_ipa(sequence: &Sequence) -> Result<bool, &'static str> {
    let of_range = sequence.instructions().filter_map(|instruction| match instruction {
        Instruction::Tlbi(tlbi) if matches!(tlbi.operand, Operand::Range(_) | Operand::Page(_)) => {
            Some(matches!(tlbi.op.target(), Target::Ipa | Target::IpaLast))
        }
        _ => None,
    });
    let (by_ipa, by_va): (Vec<_>, Vec<_>) = of_range.partition(|by_ipa| *by_ipa);
    match (by_ipa.is_empty(), by_va.is_empty()) {
        (false, false) => Err("a range by IPA and one by VA in the same sequence cannot be run; split it in two"),
        (by_va_only, _) => Ok(!by_va_only),
    }
}

fn register(slot: &OperandSlot, by_ipa: bool) -> Option<OperandRegister> {
    let kind = match slot.operand {
        Operand::Va(_) => OperandKind::Va,
        Operand::Ipa(_) => OperandKind::Ipa,
        Operand::Asid => OperandKind::Asid,
        Operand::Range(_) if by_ipa => OperandKind::IpaRange,
        Operand::Page(_) if by_ipa => OperandKind::IpaPage,
        Operand::Range(_) => OperandKind::Range,
        Operand::Page(_) => OperandKind::Page,
        Operand::VaUnshifted => OperandKind::VaUnshifted,
        Operand::None | Operand::Xzr => return None,
    };
    let hint = slot.operand.ttl().map_or(0, |ttl| ttl.level() + 1);
    Some(OperandRegister {
        register: slot.register,
        kind,
        hint,
    })
}

fn not_found(option: &str, unknown: &catalogue::UnknownId) -> Error {
    usage(format!(
        "{option}: {unknown} (`bench-host list` shows all; NAME=TEXT makes a new one)"
    ))
}

const fn usage(message: String) -> Error {
    Error::Usage(message)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        plan: PlanArgs,
    }

    fn plan(arguments: &[&str]) -> Result<RunPlan, Error> {
        let arguments = ["x"].iter().chain(arguments);
        RunPlan::new(&Cli::try_parse_from(arguments).unwrap().plan)
    }

    fn refusal(arguments: &[&str]) -> String {
        plan(arguments).unwrap_err().to_string()
    }

    #[test]
    fn the_default_plan_is_the_xen_patch_with_a_repeated_baseline() {
        let described = plan(&[]).unwrap().describe(7, false);
        let ids: Vec<_> = described
            .sequences
            .iter()
            .map(|s| (s.id.as_str(), s.timed, s.checked))
            .collect();
        assert_eq!(
            ids,
            [
                ("xen_head_old", true, true),
                ("xen_head_old_aa", true, false),
                ("xen_head_new", true, true)
            ]
        );
        assert_eq!(
            described.sequences[0].words,
            "d5033f9f d5033fdf d50c871f d5033f9f d5033fdf"
        );
        assert_eq!(described.sequences[1].words, described.sequences[0].words);
        assert_eq!(described.sequences[1].aa_of.as_deref(), Some("xen_head_old"));
        assert_eq!(
            (described.boot_flush.as_str(), described.known_good.as_str()),
            ("xen_head_new", "xen_head_old")
        );
        assert_eq!(described.checks, checks_of(one_page_checks()));
        assert_eq!(described.checks.len(), 15);
    }

    #[test]
    fn helpers_that_were_not_asked_for_are_neither_timed_nor_checked() {
        let described = plan(&["--sequence", "mine=dsb ish; tlbi vae2is, {va}; dsb ish; isb"])
            .unwrap()
            .describe(0, true);
        let helper = |s: &&manifest::Sequence| !s.timed && !s.checked;
        let helpers: Vec<_> = described
            .sequences
            .iter()
            .filter(helper)
            .map(|s| s.id.as_str())
            .collect();
        assert_eq!(helpers, ["xen_head_new", "xen_head_old"]);
        assert_eq!(described.sequences[0].text, "dsb ish; tlbi vae2is, {va}; dsb ish; isb");
    }

    #[test]
    fn sequences_for_another_regime_are_timed_only() {
        let described = plan(&["--sequence", "xen_head_macro", "--sequence", "linux_flush_tlb_all"]);
        let described = described.unwrap().describe(0, false);
        let of = |id: &str| {
            let found = described.sequences.iter().find(|s| s.id == id);
            found.map(|s| (s.timed, s.checked))
        };
        assert_eq!(of("xen_head_macro"), Some((true, true)));
        assert_eq!(of("linux_flush_tlb_all"), Some((true, false)));
    }

    #[test]
    fn a_group_is_its_members_once() {
        let described = plan(&["--sequence", "xen_head_old", "--sequence", "@xen,el2"])
            .unwrap()
            .describe(0, false);
        let ids: Vec<_> = described.sequences.iter().map(|s| s.id.as_str()).collect();
        assert_eq!(ids.iter().filter(|id| **id == "xen_head_old").count(), 1);
        assert!(ids.len() > 10 && ids.contains(&"xen_head_new"));
        assert!(refusal(&["--sequence", "@xenn"]).contains("@xenn"));
    }

    #[test]
    fn operands_become_registers() {
        let plan = plan(&["--sequence", "mine=tlbi vae2, {va, ttl=3}; tlbi vae2, {va!}"]).unwrap();
        let entry = plan.entries()[0];
        let register = |register, kind, hint| OperandRegister { register, kind, hint };
        assert_eq!(
            entry.operands,
            [
                register(2, OperandKind::Va, 4),
                register(3, OperandKind::VaUnshifted, 0)
            ]
        );
    }

    #[test]
    fn ranges_of_stage_2_are_by_ipa() {
        let kinds = |text: &str| -> Vec<_> {
            let plan = plan(&["--sequence", text]).unwrap();
            plan.entries()[0].operands.iter().map(|operand| operand.kind).collect()
        };
        assert_eq!(kinds("a=tlbi ripas2e1is, {range}"), [OperandKind::IpaRange]);
        assert_eq!(
            kinds("a=for page in {range}: tlbi ipas2e1, {page}"),
            [OperandKind::IpaPage]
        );
        assert_eq!(kinds("a=tlbi rvae1is, {range}"), [OperandKind::Range]);
        assert!(refusal(&["--sequence", "a=tlbi ripas2e1is, {range}; tlbi rvae1is, {range}"]).contains("split it"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(refusal(&["--sequence", "nope"]).contains("no sequence `nope` in the catalogue"));
        assert!(refusal(&["--sequence", "a=tlbi alle2s"]).contains("alle2is"));
        assert!(refusal(&["--sequence", "A=nop"]).contains("a-z"));
        assert!(refusal(&["--sequence", "none=nop"]).contains("taken"));
        assert!(refusal(&["--sequence", "xen_head_old=nop"]).contains("taken"));
        assert!(refusal(&["--sequence", "a=nop", "--sequence", "a=isb"]).contains("twice"));
        assert!(refusal(&["--sequence", "a=nop", "--sequence", "a_aa=isb"]).contains("rename"));
        assert!(refusal(&["--boot-flush", "x"]).contains("--boot-flush: no sequence `x`"));
        let many: Vec<_> = (0..70)
            .flat_map(|i| ["--sequence".to_owned(), format!("s{i}=nop")])
            .chain(["--full", "--sweep", "live=1,2,3,4,5,6,7,8,9,10,11,12"].map(str::to_owned))
            .collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert!(refusal(&many).contains("scenarios are more than"));
        let many: Vec<_> = (0..120)
            .flat_map(|i| ["--sequence".to_owned(), format!("s{i}=nop")])
            .collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert!(refusal(&many).contains("plan too big"), "{}", refusal(&many));
    }

    #[test]
    fn runtime_addresses_are_checked() {
        assert_eq!(runtime("0x8000000000").unwrap(), Runtime(RuntimeCase::Address, 1 << 39));
        assert_eq!(runtime("none").unwrap(), Runtime(RuntimeCase::None, 0));
        assert!(runtime("0x8000000001").is_err() && runtime("0x1000000000000").is_err());
        assert!(runtime("address").is_err() && runtime("level3").is_err());
    }
}
