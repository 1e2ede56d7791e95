// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host check --catalogue`: every sequence of the catalogue in every check it is about, against the judge.

use results::check::Mask;
use results::plan::MAX_SEQUENCES;
use sequences::catalogue::catalogue;

use super::bench::Bench;
use super::{failures, write};
use crate::check::against_judge::{Pair, Seen, pairs, report};
use crate::check::suite::{self, Member};
use crate::check::tally::Tally;
use crate::cmd::print;
use crate::error::Error;
use crate::exit::Exit;

/// Most sequences that a plan needs beside these: the good controls, and the boot flush.
const HELPERS: usize = 4;

/// Runs the catalogue on every machine, with as many seeds as boots are asked for, and tells where machine and judge differ.
pub(super) fn run(benches: &mut [Bench<'_>], wanted: Mask) -> Result<Exit, Error> {
    let entries = catalogue().filter_map(|entry| Some(suite::chosen(entry.id, &entry.sequence().ok()?, wanted)));
    let members: Vec<Member> = entries.filter(|member| member.checks != 0).collect();
    let mut exit = Exit::Ok;
    let mut seen: Vec<(String, Vec<Pair>)> = Vec::new();
    for bench in &mut *benches {
        let mut tally = Tally::default();
        let seeds = bench.args.console.boots.unwrap_or(1);
        'machine: for seed in 0..seeds {
            for group in members.chunks(MAX_SEQUENCES - HELPERS) {
                let (run, _) = bench.boot(group, bench.args.seed.0.wrapping_add(seed.into()))?;
                tally.add(&run)?;
                if bench.exit != Exit::Ok {
                    break 'machine;
                }
            }
        }
        exit = exit.or(bench.exit);
        let mut cases = tally.cases();
        if let Some(version) = bench.booted_on.version() {
            failures::explain(&mut cases, version, &members, true);
        }
        seen.push((bench.booted_on.name(bench.args), pairs(&members, &cases)));
    }
    let text = report(&seen);
    print(&text);
    if let Some(path) = benches.first().and_then(|bench| bench.args.summary.as_ref()) {
        write(path, &text)?;
    }
    let all = || seen.iter().flat_map(|(_, pairs)| pairs);
    Ok(exit.or(if all().any(|pair| pair.seen == Seen::Alarm) {
        Exit::Failure
    } else if all().any(|pair| pair.seen == Seen::Shown) {
        Exit::Ok
    } else {
        Exit::Undecided
    }))
}
