// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host check --mutants`: which mistakes this machine shows.

use std::path::{Path, PathBuf};

use report::model::Summary;
use report::write_comparison;
use results::check::Check;
use results::plan::MAX_SEQUENCES;

use super::Args;
use super::bench::Bench;
use super::source::BootedOn;
use super::write;
use crate::aggregate::aggregate;
use crate::check::mutants::{self, Fate, Fates, Planned};
use crate::check::suite::Member;
use crate::check::tally::Tally;
use crate::cmd::print;
use crate::cmd::report::folders;
use crate::error::Error;
use crate::exit::Exit;

/// Most sequences that a plan needs beside the mutants: the good controls, and the boot flush.
const HELPERS: usize = 4;

/// Runs the mutants of every base on every machine, and tells their fates.
pub(super) fn run(benches: &mut [Bench<'_>]) -> Result<Exit, Error> {
    let mut planned: Vec<(String, Planned)> = Vec::new();
    for (base, (check, text)) in mutants::BASES.into_iter().enumerate() {
        let Some(check) = Check::from_id(check) else { continue };
        let of_base = mutants::plan(check, text).into_iter().enumerate();
        planned.extend(of_base.map(|(number, mutant)| (format!("b{base}_{number}"), mutant)));
    }
    let mut shown = Vec::new();
    let mut folders = Vec::new();
    // Of the machine that shows whatever the architecture permits, each that is not shown has a reason.
    let mut hidden = String::new();
    let mut exit = Exit::Ok;
    for bench in &mut *benches {
        let fates = on(bench, &planned, &mut folders)?;
        exit = exit.or(bench.exit);
        if matches!(bench.booted_on, BootedOn::Adversary) {
            hidden.push_str(&mutants::hidden(&fates));
        }
        shown.push((bench.booted_on.name(bench.args), fates));
        if bench.exit == Exit::Interrupted {
            break;
        }
    }
    print(&(mutants::terminal(&shown) + &hidden));
    if let Some(args) = benches.first().map(|bench| bench.args) {
        if let Some(path) = &args.summary {
            write(path, mutants::report(&shown) + &hidden)?;
        }
        page(args, &folders)?;
    }
    let any = |wanted: Fate| {
        let mut fates = shown.iter().flat_map(|(_, fates)| fates);
        fates.any(|(_, fate)| *fate == wanted)
    };
    // A mutant that fails is what is wanted here.
    Ok(exit.or(if any(Fate::Disagreement) {
        Exit::Failure
    } else if !any(Fate::CaughtByRun) {
        Exit::Undecided
    } else {
        Exit::Ok
    }))
}

/// Writes the report of all boots of all machines: the matrix of kinds and machines, and every mutant.
fn page(args: &Args, folders: &[PathBuf]) -> Result<(), Error> {
    let runs: Vec<Summary> = folders
        .iter()
        .map(|folder| aggregate(folder))
        .collect::<Result<_, _>>()?;
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| Path::new(super::RESULTS).join("mutants"));
    let address = |run: &Summary| {
        let at = runs.iter().position(|other| std::ptr::eq(other, run));
        at.map_or_else(String::new, |at| folders::address(&out, &folders[at]))
    };
    match write_comparison(&out, &runs, &[], address) {
        Ok(paths) => print(&format!("report: {}\n", paths.html.display())),
        Err(error) => eprintln!("note: {error}; the mutants are not changed by it"),
    }
    Ok(())
}

/// Runs mutants on a machine; returns what became of each, in their order, and adds the folders of its boots.
fn on(bench: &mut Bench<'_>, planned: &[(String, Planned)], folders: &mut Vec<PathBuf>) -> Result<Fates, Error> {
    let mut fates: Fates = Vec::new();
    // A boot for as many as a plan holds, whatever their checks: each runs in its own only.
    for group in planned.chunks(MAX_SEQUENCES - HELPERS) {
        let member = |(id, mutant): &(String, Planned)| Member {
            id: id.clone(),
            text: mutant.judged.mutant.sequence.to_string(),
            checks: mutant.check.mask(),
        };
        let members: Vec<_> = group.iter().map(member).collect();
        let (run, folder) = bench.boot(&members, bench.args.seed.0)?;
        let mut tally = Tally::default();
        tally.add(&run)?;
        let cases = tally.cases();
        let mut rows = Vec::new();
        for (id, mutant) in group {
            let case = cases.iter().find(|case| case.seq == *id);
            let fate = mutants::fate(mutant, case);
            rows.push(mutants::row(mutant, id, case, fate));
            fates.push((mutant.clone(), fate));
        }
        let table =
            mutants::table(&rows).map_err(|error| Error::Setup(format!("cannot write {}: {error}", mutants::FILE)))?;
        write(&folder.join(mutants::FILE), &table)?;
        folders.push(folder);
    }
    Ok(fates)
}
