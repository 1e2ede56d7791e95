// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checks of sequences that another command chose, with the options of `bench-host check`.

use clap::Parser;
use results::check::Check;
use results::plan::MAX_SEQUENCES;

use super::bench::Bench;
use super::source::BootedOn;
use super::{Args, failures};
use crate::check::mutants::{self, Fates};
use crate::check::suite::Member;
use crate::check::tally::{Case, Tally};
use crate::error::Error;
use crate::exit::Exit;
use crate::kernel::Kernel;

#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Options {
    #[command(flatten)]
    args: Args,
}

/// A machine on which given sequences are checked. Nothing is stored.
pub(in crate::cmd) struct Machine {
    args: Args,
    booted_on: BootedOn,
    folder: tempfile::TempDir,
    boots: u32,
    /// What it is, for people.
    pub name: String,
}

impl Machine {
    /// Finds the machine; `words` are options of `bench-host check`.
    pub fn new(words: &[&str]) -> Result<Self, Error> {
        let options = Options::try_parse_from(words).map_err(|error| Error::Usage(error.to_string()))?;
        let args = options.args;
        let booted_on = BootedOn::find(&args)?;
        let folder =
            tempfile::tempdir().map_err(|error| Error::Setup(format!("cannot make a folder for the run: {error}")))?;
        Ok(Self {
            name: booted_on.name(&args),
            booted_on,
            folder,
            boots: 0,
            args,
        })
    }

    /// Boots with sequences; returns what each check saw of each.
    pub fn check(&mut self, members: &[Member]) -> Result<Vec<Case>, Error> {
        self.boots += 1;
        self.args.out = Some(self.folder.path().join(self.boots.to_string()));
        let kernel = Kernel::load(self.args.kernel.as_deref()).map_err(|error| Error::Setup(error.to_string()))?;
        let mut bench = Bench {
            args: &self.args,
            booted_on: self.booted_on.clone(),
            kernel,
            boots: 0,
            exit: Exit::Ok,
            checks_failed: false,
            paces: Vec::new(),
        };
        let (run, _) = bench.boot(members, self.args.seed.0)?;
        if !matches!(bench.exit, Exit::Ok | Exit::Failure) {
            return Err(Error::Setup(format!(
                "the boot for the checks did not end well (exit code {}); `bench-host check` says more",
                bench.exit.code()
            )));
        }
        let mut tally = Tally::default();
        tally.add(&run)?;
        let mut cases = tally.cases();
        if let Some(version) = self.booted_on.version() {
            failures::explain(&mut cases, version, members, false);
        }
        Ok(cases)
    }

    /// Boots with the mutants of a sequence; returns what became of them.
    pub fn mutants(&mut self, check: Check, text: &str) -> Result<Fates, Error> {
        let mut fates = Fates::new();
        for group in mutants::plan(check, text).chunks(MAX_SEQUENCES - 4) {
            let member = |(number, mutant): (usize, &mutants::Planned)| Member {
                id: format!("m{number}"),
                text: mutant.judged.mutant.sequence.to_string(),
                checks: check.mask(),
            };
            let members: Vec<_> = group.iter().enumerate().map(member).collect();
            let cases = self.check(&members)?;
            for (mutant, member) in group.iter().zip(&members) {
                let case = cases.iter().find(|case| case.seq == member.id);
                fates.push((mutant.clone(), mutants::fate(mutant, case)));
            }
        }
        Ok(fates)
    }
}
