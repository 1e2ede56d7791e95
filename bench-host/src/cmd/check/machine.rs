// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checks of sequences that another command chose, with the options of `bench-host check`.

use std::cell::Cell;

use adversary::{Bound, Explored};
use clap::Parser;
use results::check::Check;
use results::plan::MAX_SEQUENCES;

use super::bench::Bench;
use super::source::{self, BootedOn};
use super::{Args, explore, failures};
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
    kernel: Kernel,
    folder: tempfile::TempDir,
    boots: Cell<u32>,
    /// What it is, for people.
    pub name: String,
}

impl Machine {
    /// Finds the machines that options of `bench-host check` ask for.
    pub fn find(words: &[&str]) -> Result<Vec<Self>, Error> {
        let parse = || Options::try_parse_from(words).map_err(|error| Error::Usage(error.to_string()));
        let found = source::find(&parse()?.args)?;
        let machine = |booted_on: BootedOn| {
            let args = parse()?.args;
            let kernel = Kernel::load(args.kernel.as_deref()).map_err(|error| Error::Setup(error.to_string()))?;
            let folder = tempfile::tempdir()
                .map_err(|error| Error::Setup(format!("cannot make a folder for the run: {error}")))?;
            Ok(Self {
                name: booted_on.name(&args),
                booted_on,
                kernel,
                folder,
                boots: Cell::new(0),
                args,
            })
        };
        found.machines.into_iter().map(machine).collect()
    }

    /// Boots with sequences; returns what each check saw of each.
    pub fn check(&mut self, members: &[Member]) -> Result<Vec<Case>, Error> {
        self.args.out = Some(self.folder.path().to_owned());
        let mut bench = Bench::new(&self.args, self.booted_on.clone(), self.kernel.clone(), &self.boots);
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

    /// Returns the shortest schedule on which a sequence is stale in a check, one event a line; `None` on a machine that
    /// cannot be explored, or where none is found soon.
    pub fn story(&mut self, check: Check, text: &str) -> Result<Option<Vec<String>>, Error> {
        if !matches!(self.booted_on, BootedOn::Adversary) {
            return Ok(None);
        }
        let mut bench = Bench::new(&self.args, self.booted_on.clone(), self.kernel.clone(), &self.boots);
        let member = Member {
            id: "sequence".to_owned(),
            text: text.to_owned(),
            checks: check.mask(),
        };
        // Whoever waits for a review does not wait for more.
        let bound = Bound {
            runs: 1000,
            ..Bound::default()
        };
        Ok(match explore::find(&mut bench, &member, check, &bound)? {
            Explored::Fails(schedule) => Some(schedule.events.iter().map(ToString::to_string).collect()),
            Explored::Holds { .. } => None,
        })
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
