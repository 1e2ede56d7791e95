// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host check --mutants`: which mistakes this machine shows.

use results::check::Check;
use results::plan::MAX_SEQUENCES;

use super::bench::Bench;
use super::write;
use crate::check::mutants::{self, Fate, Fates, Planned};
use crate::check::suite::Member;
use crate::check::tally::Tally;
use crate::cmd::print;
use crate::error::Error;
use crate::exit::Exit;

/// Most sequences that a plan needs beside the mutants: the good controls, and the boot flush.
const HELPERS: usize = 4;

/// Runs the mutants of every base, and tells their fates.
pub(super) fn run(bench: &mut Bench<'_>, machine: &str) -> Result<Exit, Error> {
    let mut planned: Vec<(String, Planned)> = Vec::new();
    for (base, (check, text)) in mutants::BASES.into_iter().enumerate() {
        let Some(check) = Check::from_id(check) else { continue };
        let of_base = mutants::plan(check, text).into_iter().enumerate();
        planned.extend(of_base.map(|(number, mutant)| (format!("b{base}_{number}"), mutant)));
    }
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
    }
    let text = mutants::report(machine, &fates);
    print(&text);
    if let Some(path) = &bench.args.summary {
        write(path, &text)?;
    }
    let disagreement = fates.iter().any(|(_, fate)| *fate == Fate::Disagreement);
    let caught = fates.iter().any(|(_, fate)| *fate == Fate::CaughtByRun);
    // A mutant that fails is what is wanted here.
    Ok(bench.exit.or(if disagreement {
        Exit::Failure
    } else if !caught {
        Exit::Undecided
    } else {
        Exit::Ok
    }))
}
