// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the command line to a plan: what is timed and checked, in which order, and how often.

use std::fmt;

use clap::Args;
use results::check::Check;
use results::manifest;
use results::plan::{
    Entry, Flow, MAX_BATCH_SAMPLES, OperandKind, OperandRegister, RuntimeCase, Settings, encode, flags,
};
use sequences::catalogue::{self, UnknownId};
use sequences::{Operand, OperandSlot, Sequence, lower};

use crate::error::Error;

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
    /// A sequence by ID, or a new one as NAME=TEXT; repeatable. The first is the baseline, which is timed twice to
    /// find the noise floor
    #[arg(long, value_name = "ID|NAME=TEXT", default_values = ["xen_head_old", "xen_head_new"])]
    pub sequence: Vec<String>,
    /// Timed samples per sequence (0: time nothing)
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub iterations: u32,
    /// Timed samples per sequence and batch
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub batch: u32,
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
    /// Time only; make no checks
    #[arg(long)]
    pub no_checks: bool,
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

fn runtime(text: &str) -> Result<Runtime, String> {
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

fn flow(text: &str) -> Result<Flow, String> {
    Flow::from_id(text).ok_or_else(|| "neither new nor old".to_owned())
}

/// A sequence, ready for the plan area.
#[derive(Debug, Clone)]
struct Planned {
    id: String,
    text: String,
    words: Vec<u32>,
    operands: Vec<OperandRegister>,
    flags: u8,
    baseline: bool,
    aa_of: Option<String>,
}

/// A plan with everything it needs to be encoded and described.
#[derive(Debug, Clone)]
pub struct RunPlan {
    /// Everything but the sequences.
    pub settings: Settings,
    sequences: Vec<Planned>,
}

impl RunPlan {
    /// Builds the plan the options ask for.
    pub fn new(args: &PlanArgs) -> Result<Self, Error> {
        let checked = if args.no_checks { 0 } else { flags::CHECKED };
        let timed = if args.iterations == 0 { 0 } else { flags::TIMED };
        let mut sequences: Vec<Planned> = Vec::new();
        for argument in &args.sequence {
            let sequence = Planned::parse(argument, timed | checked)?;
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
        let timed_sequences = 1 + sequences
            .iter()
            .filter(|sequence| sequence.flags & flags::TIMED != 0)
            .count();
        let batch = args.batch.min(args.iterations.max(1));
        if batch as usize > MAX_BATCH_SAMPLES / timed_sequences {
            return Err(usage(format!(
                "plan too big: a batch of {batch} samples of {} sequences and the empty frame is more than the kernel's \
                 {MAX_BATCH_SAMPLES}; at most --batch {}",
                timed_sequences - 1,
                MAX_BATCH_SAMPLES / timed_sequences
            )));
        }
        let checks = if args.no_checks {
            0
        } else {
            Check::ALL.iter().fold(0, |mask, check| mask | check.mask())
        };
        let plan = Self {
            settings: Settings {
                seed: args.seed.0,
                iterations: args.iterations,
                batch,
                trials: args.trials,
                checks,
                case: args.runtime.0,
                runtime: args.runtime.1,
                flow: args.flow,
                console: None,
                conduit: None,
                boot_flush,
                known_good,
            },
            sequences,
        };
        // Whatever the format cannot hold shows here, before anything is started.
        let mut area = vec![0; results::image::PLAN_CAPACITY];
        encode(&plan.settings, &plan.entries(), &mut area).map_err(|error| usage(format!("plan too big: {error}")))?;
        Ok(plan)
    }

    /// Returns the sequences in the form the plan area takes.
    pub fn entries(&self) -> Vec<Entry<'_>> {
        self.sequences.iter().map(Planned::entry).collect()
    }

    /// Describes the plan for the manifest.
    pub fn describe(&self, crc: u32, deterministic: bool) -> manifest::Plan {
        let s = &self.settings;
        let id = |index: u16| self.sequences[usize::from(index)].id.clone();
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
            known_good: id(s.known_good),
            checks: Check::ALL
                .into_iter()
                .filter(|check| s.checks & check.mask() != 0)
                .collect(),
            deterministic,
            sequences: self.sequences.iter().map(Planned::describe).collect(),
        }
    }
}

/// Returns the index of a sequence that is neither timed nor checked for its own sake, added if it is not there.
fn place(sequences: &mut Vec<Planned>, id: &str, option: &str) -> Result<u16, Error> {
    let at = match sequences.iter().position(|sequence| sequence.id == id) {
        Some(at) => at,
        None => {
            let known = catalogue::find(id).map_err(|error| unknown(option, &error))?;
            sequences.push(Planned::new(option, known.id, known.text, 0)?);
            sequences.len() - 1
        }
    };
    u16::try_from(at).map_err(|_| usage("plan too big: more than 65535 sequences".to_owned()))
}

impl Planned {
    fn parse(argument: &str, flags: u8) -> Result<Self, Error> {
        let Some((name, text)) = argument.split_once('=') else {
            let known = catalogue::find(argument).map_err(|error| unknown("--sequence", &error))?;
            // The checks change EL2 mappings: what a project does for another regime is timed, but has no part in them.
            let applies = known.regime.split('+').any(|regime| regime == "EL2");
            let flags = if applies { flags } else { flags & !flags::CHECKED };
            return Self::new("--sequence", known.id, known.text, flags);
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
        Self::new("--sequence", name, text, flags)
    }

    fn new(option: &str, id: &str, text: &str, flags: u8) -> Result<Self, Error> {
        let sequence: Sequence = text.parse().map_err(|error| usage(format!("{option} {id}: {error}")))?;
        let lowered = lower(&sequence, RANGE_PAGES.into()).map_err(|error| usage(format!("{option} {id}: {error}")))?;
        let operands = lowered.operands.iter().map(register).collect::<Option<_>>();
        Ok(Self {
            id: id.to_owned(),
            text: sequence.to_string(),
            words: lowered.words,
            operands: operands.ok_or_else(|| usage(format!("{option} {id}: an operand without a register")))?,
            flags,
            baseline: false,
            aa_of: None,
        })
    }

    /// Returns the same sequence under another id, timed only.
    fn twin(&self) -> Self {
        Self {
            id: format!("{}{AA_SUFFIX}", self.id),
            flags: flags::TIMED,
            baseline: false,
            aa_of: Some(self.id.clone()),
            ..self.clone()
        }
    }

    fn entry(&self) -> Entry<'_> {
        Entry {
            id: &self.id,
            flags: self.flags,
            operands: &self.operands,
            pages: RANGE_PAGES,
            words: &self.words,
        }
    }

    fn describe(&self) -> manifest::Sequence {
        manifest::Sequence {
            id: self.id.clone(),
            text: self.text.clone(),
            words: words_text(&self.words),
            timed: self.flags & flags::TIMED != 0,
            checked: self.flags & flags::CHECKED != 0,
            baseline: self.baseline,
            aa_of: self.aa_of.clone(),
            skipped: None,
        }
    }
}

/// Returns instruction words as the manifest holds them.
pub fn words_text(words: &[u32]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("{word:08x}")).collect();
    words.join(" ")
}

fn register(slot: &OperandSlot) -> Option<OperandRegister> {
    let kind = match slot.operand {
        Operand::Va(_) => OperandKind::Va,
        Operand::Ipa(_) => OperandKind::Ipa,
        Operand::Asid => OperandKind::Asid,
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

fn unknown(option: &str, error: &UnknownId) -> Error {
    usage(format!(
        "{option}: {error} (`bench-host list` shows all; NAME=TEXT makes a new one)"
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
        assert_eq!(described.checks, Check::ALL);
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
            described
                .sequences
                .iter()
                .find(|s| s.id == id)
                .map(|s| (s.timed, s.checked))
        };
        assert_eq!(of("xen_head_macro"), Some((true, true)));
        assert_eq!(of("linux_flush_tlb_all"), Some((true, false)));
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
    fn what_is_wrong_is_named() {
        assert!(refusal(&["--sequence", "nope"]).contains("no sequence `nope`"));
        assert!(refusal(&["--sequence", "a=tlbi alle2s"]).contains("alle2is"));
        assert!(refusal(&["--sequence", "A=nop"]).contains("a-z"));
        assert!(refusal(&["--sequence", "none=nop"]).contains("taken"));
        assert!(refusal(&["--sequence", "xen_head_old=nop"]).contains("taken"));
        assert!(refusal(&["--sequence", "a=nop", "--sequence", "a=isb"]).contains("twice"));
        assert!(refusal(&["--sequence", "a=nop", "--sequence", "a_aa=isb"]).contains("rename"));
        assert!(refusal(&["--boot-flush", "x"]).contains("--boot-flush: no sequence `x`"));
        assert!(refusal(&["--batch", "90000"]).contains("at most --batch 65536"));
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
