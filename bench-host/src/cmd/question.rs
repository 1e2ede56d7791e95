// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options that say what a sequence is for.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use sequences::ExceptionLevel;
use sequences::errata::Cpu;
use sequences::judge::{After, Change, CpuChoice, Level, Name, Observers, Question, Regime, Stage};

use crate::context::parts;
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
}

fn named<T: Name + Clone + Send + Sync>() -> impl TypedValueParser<Value = T> {
    let names = T::NAMES.iter().map(|(name, _)| *name);
    // The parser has checked the name, so it is one of the table.
    PossibleValuesParser::new(names).try_map(|name| T::from_name(&name).ok_or("not a name of the table"))
}

impl QuestionArgs {
    /// Returns the question with what the options say in place of what was inferred.
    pub fn question(&self, inferred: Question) -> Result<Question, Error> {
        let change = self.change.unwrap_or(inferred.change);
        let regime = self.regime.unwrap_or(inferred.regime);
        let observers = self.observers.unwrap_or(inferred.observers);
        let after = self.after.unwrap_or(match (inferred.after, observers) {
            (After::AccessElsewhere, Observers::ThisPe) => After::DataHere,
            (after, _) => after,
        });
        let mut question = Question::new(change, regime, observers, after);
        question.stage = self.stage.unwrap_or(inferred.stage);
        question.level = self.level.or(question.level).or(inferred.level);
        question.level_number = self.level_number.or(inferred.level_number);
        question.range = inferred.range;
        question.global = self.global.as_deref().map(|global| global == "yes").or(inferred.global);
        question.device = self.device || inferred.device;
        question.vmid_is_current = inferred.vmid_is_current;
        question.architecture = inferred.architecture;
        question.architecture.ets2 |= self.ets2;
        question.architecture.ets3 |= self.ets3;
        if self.regime.is_none() {
            question.host = inferred.host;
            question.runs_at = inferred.runs_at;
        }
        question.host |= self.host;
        question.runs_at = match self.runs_at.as_deref() {
            None => question.runs_at,
            Some("el1") => ExceptionLevel::El1,
            Some("el2") => ExceptionLevel::El2,
            Some(_) => ExceptionLevel::El3,
        };
        if !self.cpu.eq_ignore_ascii_case("any") {
            let cpu: Cpu = self
                .cpu
                .parse()
                .map_err(|error| Error::Usage(format!("--cpu {}: {error}", self.cpu)))?;
            question.cpu = CpuChoice::One(cpu);
        }
        Ok(question)
    }

    /// Returns in one line what the sequence is judged for.
    pub fn describe(&self, question: &Question) -> String {
        let assumed: Vec<_> = parts(question)
            .into_iter()
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        textwrap::fill(&format!("judged for: {}; cpu {}", assumed.join(", "), self.cpu), 72)
    }
}
