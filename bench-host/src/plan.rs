// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the command line to a plan: what is timed and checked, in which order, and how often.

pub mod group;
mod level;
pub mod measure;
mod room;
mod sequence;
#[cfg(test)]
mod tests;
mod values;

use clap::Args;
use results::check::{Check, Mask};
use results::manifest;
use results::plan::{
    AtEnd, BOOT_FLUSH_AT_EL1, Conduit, Console, EMPTY_FRAME, Entry, Flow, MAX_PAGES, MAX_STREAMS, Measure, Planted,
    RuntimeCase, Settings, Silence, flags,
};
use sequences::catalogue;

use crate::break_even;
use crate::error::Error;
pub use crate::plan::level::Level;
use crate::plan::measure::MeasureArgs;
use crate::plan::sequence::PlannedSequence;
pub use crate::plan::sequence::{new_name, words_text};
pub use crate::plan::values::{PlantedFault, Runtime, conduit_text, console_text, fault, runtime, silence};
pub use crate::plan::values::{at_end, conduit, console};
use crate::plan::values::{batch_samples, flow};

/// Pages in the range under test.
pub const RANGE_PAGES: u16 = 2;
/// What the id of the repeated baseline ends with.
pub const AA_SUFFIX: &str = "_aa";
/// Ids that mean something else in the stored tables.
const RESERVED: [&str; 2] = [EMPTY_FRAME, "none"];

/// What to run; the same options for `run` and `image`.
#[derive(Debug, Clone, Args)]
pub struct PlanArgs {
    /// A sequence by ID, a new one as NAME=TEXT, or a group of the catalogue as @PROJECT, @REGIME or @PROJECT,REGIME
    /// (`bench-host list` shows them); repeatable. The first is the baseline, which is timed twice to find the noise
    /// floor [default: xen_head_old and xen_head_new; entered at EL1, sel4_invalidate_local_tlb and
    /// linux_local_flush_tlb_all]
    #[arg(long, alias = "seq", value_name = "ID|NAME=TEXT|@GROUP")]
    pub sequence: Vec<String>,
    /// Have the kernel entered at EL1, as in a guest: in QEMU, a machine without EL2. The sequences named are of EL1&0
    #[arg(long, conflicts_with = "break_even")]
    pub el1: bool,
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
    /// batches can have them]; a run of fewer samples is one batch
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
    /// Which side of the Xen patch the boot path takes: new or old; or fixed: new, with the ISB that it lacks before the
    /// first use of the fixmap
    #[arg(long, value_name = "FLOW", default_value = "new", value_parser = flow)]
    pub flow: Flow,
    /// The sequence that flushes the TLB on the boot path: an ID, or the NAME of a --sequence [default: that of the
    /// flow]
    #[arg(long, value_name = "ID")]
    pub boot_flush: Option<String>,
    /// Console of a board, instead of the one that its device tree names: pl011, uart16550 (32-bit registers 4 bytes
    /// apart), uart16550:SHIFT:WIDTH, cadence, imx, lpuart32, meson, geni, msm, samsung, scif, ...
    #[arg(long, value_name = "KIND@0xADDR", value_parser = console)]
    pub console: Option<Console>,
    /// How to call the firmware of a board whose device tree does not say, to start PEs and to turn it off at the end
    #[arg(long, value_name = "smc|hvc", value_parser = conduit)]
    pub psci: Option<Conduit>,
    /// Time only; make no checks
    #[arg(long)]
    pub no_checks: bool,
    /// What happens at the end.
    #[command(flatten)]
    pub ending: Ending,
    /// Have a PE fall silent in one of its jobs, to prove that a run survives it
    #[arg(long, value_name = "PE:JOB:before|after|late", value_parser = values::silence, hide = true)]
    pub plant_silence: Option<Silence>,
    /// Have a sequence take an exception or never return, to prove that a run survives it
    #[arg(long, value_name = "SEQUENCE:undefined|abort|unmap|endless", value_parser = values::fault, hide = true)]
    pub plant_fault: Option<PlantedFault>,
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
    /// What the firmware of the board does not say.
    pub unsaid: Unsaid,
}

/// What the kernel does when a run has ended.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Ending {
    /// What the board does at the end: off, reset (its firmware boots it again), loop (the kernel boots again by itself,
    /// without firmware), or park (it waits for ever). What the firmware cannot do is park
    #[arg(long, value_name = "off|reset|loop|park", default_value = "off", value_parser = at_end)]
    pub at_end: AtEnd,
}

impl Ending {
    /// Refuses what would have one machine of the host's boot more than once.
    pub fn for_one_boot(self) -> Result<(), Error> {
        match self.at_end {
            AtEnd::Off | AtEnd::Park => Ok(()),
            again => Err(usage(format!(
                "--at-end {}: it is for a board; here --boots N boots again",
                again.id()
            ))),
        }
    }
}

/// What a board's firmware may not say, and what is for boards only, for an image that only makes checks.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Unsaid {
    /// Console of a board, as of `bench-host image`
    #[arg(long, value_name = "KIND@0xADDR", value_parser = console)]
    pub console: Option<Console>,
    /// How to call the firmware of a board whose device tree does not say
    #[arg(long, value_name = "smc|hvc", value_parser = conduit)]
    pub psci: Option<Conduit>,
    /// What happens at the end.
    #[command(flatten)]
    pub ending: Ending,
    /// Whether each boot of the image draws a seed of its own.
    #[arg(skip)]
    pub seed_by_boot: bool,
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

/// A plan with everything it needs to be encoded and described.
#[derive(Debug, Clone)]
pub struct RunPlan {
    /// Everything but the sequences.
    pub settings: Settings,
    sequences: Vec<PlannedSequence>,
}

/// A plan as a manifest has it: which part of it ran depends on where the kernel was entered.
#[derive(Debug, Clone)]
pub struct Described {
    /// Entered at EL2.
    pub at_el2: manifest::Plan,
    /// Entered at EL1.
    pub at_el1: manifest::Plan,
}

impl Described {
    /// Describes a plan whose bytes have a checksum.
    pub fn of(plan: &RunPlan, crc: u32, deterministic: bool) -> Self {
        Self {
            at_el2: plan.describe(Level::El2, crc, deterministic),
            at_el1: plan.describe(Level::El1, crc, deterministic),
        }
    }
}

impl RunPlan {
    /// Builds the plan the options ask for.
    pub fn new(args: &PlanArgs) -> Result<Self, Error> {
        let checked = |level: Level| if args.no_checks { 0 } else { level.one_page_checks() };
        let iterations = args.iterations();
        let timed = if iterations == 0 { 0 } else { flags::TIMED };
        let mut sequences: Vec<PlannedSequence> = Vec::new();
        if args.break_even {
            for (id, text, pages) in break_even::sequences() {
                sequences.push(PlannedSequence::new("--break-even", &id, &text, pages, timed, 0)?);
            }
        }
        let is_named = args.break_even || !args.sequence.is_empty();
        let level = if args.el1 && is_named { Level::El1 } else { Level::El2 };
        if !is_named {
            // One image is for both levels, with what is known of each.
            for level in [Level::El2, Level::El1] {
                let first = sequences.len();
                for id in level.sequences() {
                    let flags = timed | level.flag();
                    sequences.push(PlannedSequence::parse(id, args.pages, flags, checked(level))?);
                }
                repeat_baseline(&mut sequences, first, timed)?;
            }
        }
        // Named without --el1, a sequence is for whoever can run it.
        let named = timed | if args.el1 { flags::AT_EL1 } else { 0 };
        for argument in &args.sequence {
            if let Some(group) = argument.strip_prefix('@') {
                for entry in group::members(group).map_err(usage)? {
                    if sequences.iter().all(|other| other.id != entry.id) {
                        sequences.push(PlannedSequence::new(
                            "--sequence",
                            entry.id,
                            entry.text,
                            args.pages,
                            named,
                            checked(level),
                        )?);
                    }
                }
                continue;
            }
            let sequence = PlannedSequence::parse(argument, args.pages, named, checked(level))?;
            if sequences.iter().any(|other| other.id == sequence.id) {
                return Err(usage(format!("--sequence {}: given twice", sequence.id)));
            }
            sequences.push(sequence);
        }
        if is_named {
            repeat_baseline(&mut sequences, 0, timed)?;
        }
        let boot_flush = place(
            &mut sequences,
            args.boot_flush.as_deref().unwrap_or(level.boot_flush(args.flow)),
            "--boot-flush",
            level,
        )?;
        let levels = [Some(level), (!is_named).then_some(Level::El1)];
        for level in levels.into_iter().flatten() {
            let known_good = place(&mut sequences, level.known_good(), "--sequence", level)?;
            sequences[usize::from(known_good)].good_for = checked(level);
        }
        let measure = args.measure.measure().map_err(usage)?;
        let timed_sequences = 1 + timed_at_most(&sequences);
        let scenarios = measure.scenarios.as_slice().len();
        if timed_sequences * scenarios > MAX_STREAMS {
            return Err(usage(format!(
                "plan too big: {timed_sequences} sequences (the empty frame among them) under {scenarios} scenarios are \
                 more than the kernel's {MAX_STREAMS} series: leave out some"
            )));
        }
        let batch = args.batch().min(iterations.max(1));
        let ids = sequences.iter().map(|sequence| sequence.id.as_str());
        let planted = match &args.plant_fault {
            None => args.plant_silence.map(Planted::Silence),
            Some(fault) => Some(
                fault
                    .among(ids)
                    .ok_or_else(|| usage(format!("--plant-fault: no sequence {} is in the plan", fault.sequence)))?,
            ),
        };
        let plan = Self {
            settings: Settings {
                at_end: args.ending.at_end,
                seed_by_boot: false,
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
                planted,
                measure,
            },
            sequences,
        };
        room::check(&plan)?;
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
        let boot_flush = place(&mut sequences, "xen_head_new", "boot flush", Level::El2)?;
        let plan = Self {
            settings: Settings {
                at_end: settings.unsaid.ending.at_end,
                seed_by_boot: settings.unsaid.seed_by_boot,
                seed: settings.seed,
                iterations: 0,
                batch: 1,
                trials: settings.trials,
                case: settings.runtime.0,
                runtime: settings.runtime.1,
                // What is in question is not the boot path, which must work on every machine.
                flow: Flow::Fixed,
                console: settings.unsaid.console,
                conduit: settings.unsaid.psci,
                boot_flush,
                pes: settings.pes,
                stress: settings.stress,
                planted: settings.planted,
                measure: Measure::PLAIN,
            },
            sequences,
        };
        room::check(&plan)?;
        Ok(plan)
    }

    /// Returns how many series of samples the plan asks for, at most: of the empty frame and every timed sequence, under
    /// every scenario.
    pub fn series(&self) -> usize {
        (1 + timed_at_most(&self.sequences)) * self.settings.measure.scenarios.as_slice().len()
    }

    /// Returns the sequences in the form the plan area takes.
    pub fn entries(&self) -> Vec<Entry<'_>> {
        self.sequences.iter().map(PlannedSequence::entry).collect()
    }

    /// Describes the plan for the manifest of an entry at a level.
    pub fn describe(&self, level: Level, crc: u32, deterministic: bool) -> manifest::Plan {
        let s = &self.settings;
        let sequences = || self.sequences.iter().filter(|sequence| sequence.is_for(level));
        let known_good = sequences().find(|sequence| sequence.good_for != 0 && sequence.runs_at(level));
        let planned = &self.sequences[usize::from(s.boot_flush)];
        let boot_flush = if planned.is_for(level) && planned.runs_at(level) || level == Level::El2 {
            planned.id.clone()
        } else {
            // The kernel's own, which may be one of the plan.
            let same = sequences().find(|sequence| sequence.words == BOOT_FLUSH_AT_EL1);
            same.map_or("built_in", |sequence| &sequence.id).to_owned()
        };
        manifest::Plan {
            crc: manifest::Hex(crc.into()),
            seed: manifest::Hex(s.seed),
            iterations: s.iterations,
            batch: s.batch,
            trials: s.trials,
            case: s.case,
            runtime: (s.case == RuntimeCase::Address).then_some(manifest::Hex(s.runtime)),
            flow: s.flow,
            boot_flush,
            known_good: known_good.map_or(String::new(), |sequence| sequence.id.clone()),
            checks: checks_of(sequences().fold(0, |all, sequence| all | sequence.checks)),
            deterministic,
            sequences: sequences().map(PlannedSequence::describe).collect(),
            measure: measure::describe(&s.measure),
        }
    }
}

/// Returns how many sequences are timed, at the level of entry at which more are.
fn timed_at_most(sequences: &[PlannedSequence]) -> usize {
    let timed = |level| {
        let timed = |sequence: &&PlannedSequence| sequence.flags & flags::TIMED != 0 && sequence.is_for(level);
        sequences.iter().filter(timed).count()
    };
    timed(Level::El1).max(timed(Level::El2))
}

/// Makes a sequence the baseline, and repeats it behind itself if anything is timed, to find the noise floor.
fn repeat_baseline(sequences: &mut Vec<PlannedSequence>, at: usize, timed: u8) -> Result<(), Error> {
    let Some(first) = sequences.get_mut(at) else {
        return Ok(());
    };
    first.baseline = true;
    let twin = first.twin();
    if sequences.iter().any(|other| other.id == twin.id) {
        let id = &twin.id;
        return Err(usage(format!(
            "--sequence {id}: that id is the baseline's repetition; rename it"
        )));
    }
    if timed != 0 {
        sequences.insert(at + 1, twin);
    }
    Ok(())
}

/// Returns the index of a sequence that is neither timed nor checked for its own sake, added for a level if it is not
/// there.
fn place(sequences: &mut Vec<PlannedSequence>, id: &str, option: &str, level: Level) -> Result<u16, Error> {
    let at = match sequences.iter().position(|sequence| sequence.id == id) {
        Some(at) => at,
        None => {
            let known = catalogue::find(id).map_err(|unknown| not_found(option, &unknown))?;
            let flags = level.flag();
            sequences.push(PlannedSequence::new(
                option,
                known.id,
                known.text,
                RANGE_PAGES,
                flags,
                0,
            )?);
            sequences.len() - 1
        }
    };
    u16::try_from(at).map_err(|_| usage("plan too big: more than 65535 sequences".to_owned()))
}

/// Returns the checks of a mask.
fn checks_of(mask: Mask) -> Vec<Check> {
    Check::ALL
        .into_iter()
        .filter(|check| mask & check.mask() != 0)
        .collect()
}

fn not_found(option: &str, unknown: &catalogue::UnknownId) -> Error {
    usage(format!(
        "{option}: {unknown} (`bench-host list` shows all; --sequence NAME=TEXT makes a new one)"
    ))
}

const fn usage(message: String) -> Error {
    Error::Usage(message)
}
