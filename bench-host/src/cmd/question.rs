// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options that say what a sequence is for.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use sequences::ExceptionLevel;
use sequences::errata::Cpu;
use sequences::judge::{
    After, Change, CpuChoice, Ids, Level, Name, Observers, Question, Reading, Regime, Stage, Stated,
};

use crate::error::Error;

/// What a sequence is for; what is not said is inferred from it.
#[derive(Debug, clap::Args)]
pub struct QuestionArgs {
    /// What was changed in the tables
    #[arg(long, value_parser = named::<Change>())]
    change: Option<Change>,
    /// Whose tables
    #[arg(long, value_parser = named::<Regime>())]
    regime: Option<Regime>,
    /// Of which stage of translation
    #[arg(long, value_parser = named::<Stage>())]
    stage: Option<Stage>,
    /// Which kind of entry
    #[arg(long, value_parser = named::<Level>())]
    level: Option<Level>,
    /// At which level of the tables the entry is, 0 to 3 (for level hints)
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=3))]
    level_number: Option<u8>,
    /// Which PEs may hold the entry
    #[arg(long, value_parser = named::<Observers>())]
    observers: Option<Observers>,
    /// What follows the sequence
    #[arg(long, value_parser = named::<After>())]
    after: Option<After>,
    /// Whether the entry is global
    #[arg(long, value_name = "yes|no", value_parser = ["yes", "no"])]
    global: Option<String>,
    /// Of which VMIDs the entries are: that in VTTBR_EL2, another, or all
    #[arg(long, value_parser = named::<Ids>())]
    vmid: Option<Ids>,
    /// Of which ASIDs the entries are: that of the operand, another (as of a pair), or all
    #[arg(long, value_parser = named::<Ids>())]
    asid: Option<Ids>,
    /// The entry maps a device (memory with the XS attribute)
    #[arg(long)]
    device: bool,
    /// The exception level that runs the sequence
    #[arg(long, value_name = "LEVEL", value_parser = ["el1", "el2", "el3"])]
    runs_at: Option<String>,
    /// HCR_EL2.{E2H,TGE} is {1,1}: operations of EL1 apply to EL2&0
    #[arg(long)]
    host: bool,
    /// The CPU has FEAT_ETS2
    #[arg(long)]
    ets2: bool,
    /// The CPU has FEAT_ETS3
    #[arg(long)]
    ets3: bool,
    /// Judge for this CPU and its errata: neoverse-n1@r3p1, cortex-a76, 0x413fd0c1, or any
    #[arg(long, value_name = "CPU", default_value = "any")]
    cpu: String,
    /// How to read what the Arm ARM leaves room for: as Arm's formal model does, or as carefully as older issues allow
    /// (a DSB narrower than a TLBI completes no part of it, and orders a store on the PEs of its own domain only)
    #[arg(long, value_parser = named::<Reading>())]
    reading: Option<Reading>,
}

/// Reads one of the names that a type has.
pub(super) fn named<T: Name + Clone + Send + Sync>() -> impl TypedValueParser<Value = T> {
    let names = T::NAMES.iter().map(|(name, _)| *name);
    // The parser has checked the name, so it is one of the table.
    PossibleValuesParser::new(names).try_map(|name| T::from_name(&name).ok_or("not a name of the table"))
}

impl QuestionArgs {
    /// Returns what the options say.
    pub fn stated(&self) -> Result<Stated, Error> {
        let cpu = if self.cpu.eq_ignore_ascii_case("any") {
            CpuChoice::Any
        } else {
            let cpu: Cpu = self
                .cpu
                .parse()
                .map_err(|error| Error::Usage(format!("--cpu {}: {error}", self.cpu)))?;
            CpuChoice::One(cpu)
        };
        Ok(Stated {
            change: self.change,
            regime: self.regime,
            stage: self.stage,
            level: self.level,
            level_number: self.level_number,
            observers: self.observers,
            after: self.after,
            global: self.global.as_deref().map(|global| global == "yes"),
            device: self.device,
            runs_at: self.runs_at.as_deref().map(|level| match level {
                "el1" => ExceptionLevel::El1,
                "el2" => ExceptionLevel::El2,
                _ => ExceptionLevel::El3,
            }),
            host: self.host,
            ets2: self.ets2,
            ets3: self.ets3,
            cpu,
            reading: self.reading.unwrap_or_default(),
            vmid: self.vmid,
            asid: self.asid,
        })
    }

    /// Returns the question with what the options say in place of what was inferred.
    pub fn question(&self, inferred: Question) -> Result<Question, Error> {
        Ok(self.stated()?.apply(inferred))
    }

    /// Returns the options that are set as words of a command line.
    pub fn words(&self) -> Vec<String> {
        let named = [
            ("--change", self.change.map(Name::name)),
            ("--regime", self.regime.map(Name::name)),
            ("--stage", self.stage.map(Name::name)),
            ("--level", self.level.map(Name::name)),
            ("--observers", self.observers.map(Name::name)),
            ("--after", self.after.map(Name::name)),
            ("--vmid", self.vmid.map(Name::name)),
            ("--asid", self.asid.map(Name::name)),
            ("--global", self.global.as_deref()),
            ("--runs-at", self.runs_at.as_deref()),
            ("--reading", self.reading.map(Name::name)),
            (
                "--cpu",
                Some(self.cpu.as_str()).filter(|cpu| !cpu.eq_ignore_ascii_case("any")),
            ),
        ];
        let flags = [
            ("--device", self.device),
            ("--host", self.host),
            ("--ets2", self.ets2),
            ("--ets3", self.ets3),
        ];
        let number = self
            .level_number
            .map(|level| ["--level-number".to_owned(), level.to_string()]);
        let mut words: Vec<String> = named
            .into_iter()
            .filter_map(|(flag, value)| Some([flag.to_owned(), value?.to_owned()]))
            .chain(number)
            .flatten()
            .collect();
        words.extend(
            flags
                .into_iter()
                .filter(|(_, set)| *set)
                .map(|(flag, _)| flag.to_owned()),
        );
        words
    }

    /// Returns in one line what the sequence is judged for.
    pub fn describe(&self, question: &Question) -> String {
        let assumed: Vec<_> = question
            .parts()
            .into_iter()
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        textwrap::fill(&format!("judged for: {}; cpu {}", assumed.join(", "), self.cpu), 72)
    }
}
