// SPDX-License-Identifier: MIT OR Apache-2.0
//! Options of `review` and `scan` that say what source alone does not.

use crate::error::Error;
use crate::review::extract::spelling::Spellings;
use crate::review::infer::Given;
use sequences::errata::Cpu;
use sequences::judge::{After, Change, CpuChoice, Level, Name, Observers, Regime, Stage};
use std::fs;
use std::path::PathBuf;

/// The context of sequences, where it is not to be inferred.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Context (inferred where not given)")]
pub struct Context {
    /// Translation regime: el1&0, el2, el2&0, el3
    #[arg(long)]
    regime: Option<String>,
    /// Stage of translation: 1, 2
    #[arg(long)]
    stage: Option<String>,
    /// What was changed: invalidate, remove-table, output-address, permissions, attributes, validate, switch-context,
    /// recycle-context
    #[arg(long)]
    change: Option<String>,
    /// Who may hold the entry: this-pe, inner, outer
    #[arg(long)]
    observers: Option<String>,
    /// What follows: data-here, fetch-here, access-elsewhere, page-reuse, nothing
    #[arg(long)]
    after: Option<String>,
    /// Kind of entry: last, table
    #[arg(long)]
    level: Option<String>,
    /// The PEs have FEAT_ETS2
    #[arg(long)]
    ets2: bool,
    /// Judge for this CPU and its errata, e.g. neoverse-n1@r3p1, instead of by the architecture alone
    #[arg(long)]
    cpu: Option<String>,
    /// More function-style spellings, a TOML file
    #[arg(long, value_name = "FILE")]
    spellings: Option<PathBuf>,
}

impl Context {
    /// Returns the spellings: the built-in ones and the user's.
    pub fn spellings(&self) -> Result<Spellings, Error> {
        let mut all = Spellings::built_in();
        if let Some(path) = &self.spellings {
            let usage = |what: String| Error::Usage(format!("{}: {what}", path.display()));
            let text = fs::read_to_string(path).map_err(|error| usage(error.to_string()))?;
            all.extend(&text).map_err(|error| usage(error.to_string()))?;
        }
        Ok(all)
    }

    /// Returns what is given.
    pub fn given(&self) -> Result<Given, Error> {
        let cpu = match self.cpu.as_deref() {
            None | Some("any") => CpuChoice::Any,
            Some(name) => CpuChoice::One(
                name.parse::<Cpu>()
                    .map_err(|error| Error::Usage(format!("--cpu {name}: {error}")))?,
            ),
        };
        Ok(Given {
            regime: named::<Regime>("regime", self.regime.as_deref())?,
            stage: named::<Stage>("stage", self.stage.as_deref())?,
            change: named::<Change>("change", self.change.as_deref())?,
            observers: named::<Observers>("observers", self.observers.as_deref())?,
            after: named::<After>("after", self.after.as_deref())?,
            level: named::<Level>("level", self.level.as_deref())?,
            ets2: self.ets2,
            cpu,
        })
    }

    /// Returns the options as words of a command line.
    pub fn words(&self) -> Vec<String> {
        let path = self.spellings.as_ref().map(|path| path.display().to_string());
        let options = [
            ("--regime", &self.regime),
            ("--stage", &self.stage),
            ("--change", &self.change),
            ("--observers", &self.observers),
            ("--after", &self.after),
            ("--level", &self.level),
            ("--cpu", &self.cpu),
            ("--spellings", &path),
        ];
        let mut words: Vec<String> = options
            .into_iter()
            .filter_map(|(flag, value)| Some([flag.to_owned(), value.clone()?]))
            .flatten()
            .collect();
        words.extend(self.ets2.then(|| "--ets2".to_owned()));
        words
    }
}

fn named<T: Name>(option: &str, value: Option<&str>) -> Result<Option<T>, Error> {
    let Some(value) = value else { return Ok(None) };
    let names = || T::NAMES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    match T::from_name(value) {
        Some(found) => Ok(Some(found)),
        None => Err(Error::Usage(format!("--{option} {value}: expected one of {}", names()))),
    }
}
