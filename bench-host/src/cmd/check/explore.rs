// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host check --explore`: the shortest schedule on which a check sees the old translation.

use ::adversary::{Bound, Explored, explore};
use results::check::{Change, Check};

use super::bench::Bench;
use crate::check::suite::Member;
use crate::cmd::adversary;
use crate::cmd::print;
use crate::error::Error;
use crate::exit::Exit;

/// Explores every check of every sequence, one at a time.
pub(super) fn run(bench: &mut Bench<'_>, members: &[Member]) -> Result<Exit, Error> {
    let mut exit = Exit::Ok;
    for member in members {
        let checks = Check::ALL.into_iter().filter(|check| member.checks & check.mask() != 0);
        for check in checks {
            exit = exit.or(one(bench, member, check)?);
        }
    }
    Ok(exit)
}

fn one(bench: &mut Bench<'_>, member: &Member, check: Check) -> Result<Exit, Error> {
    let bound = Bound::default();
    let id = check.id();
    Ok(match find(bench, member, check, &bound)? {
        Explored::Fails(schedule) => {
            print(&format!("{id} with {}: the old translation is used\n", member.id));
            for event in &schedule.events {
                print(&format!("  {event}\n"));
            }
            Exit::Failure
        }
        Explored::Holds { runs, complete: true } => {
            print(&format!(
                "{id} with {}: holds in all {runs} runs with up to {} unusual choices\n",
                member.id, bound.deviations
            ));
            Exit::Ok
        }
        Explored::Holds { runs, complete: false } => {
            print(&format!(
                "{id} with {}: holds in {runs} runs; there are more\n",
                member.id
            ));
            Exit::Undecided
        }
    })
}

/// Explores a sequence in a check.
pub(super) fn find(bench: &mut Bench<'_>, member: &Member, check: Check, bound: &Bound) -> Result<Explored, Error> {
    let alone = Member {
        id: member.id.clone(),
        text: member.text.clone(),
        checks: check.mask(),
    };
    let seed = bench.args.seed.0;
    bench.prepare_with(&[alone], seed, 1)?;
    let options = adversary::options(&bench.args.cpu, bench.args.smp, bench.args.choose(), seed)?;
    let found = explore(
        &bench.kernel.bytes,
        &options,
        bound,
        |printed| {
            lines(printed)
                .iter()
                .any(|fields| fields[2..].starts_with(&["phase", "check"]))
        },
        |printed| lines(printed).iter().any(|fields| is_old(fields, check)),
    );
    found.map_err(|error| Error::Setup(format!("{}: {error}", bench.kernel.source)))
}

/// Returns the fields of every line of a record.
fn lines(printed: &[u8]) -> Vec<Vec<&str>> {
    let text = std::str::from_utf8(printed).unwrap_or("");
    let fields = text.lines().map(|line| line.trim().split(',').collect::<Vec<_>>());
    fields.filter(|fields| fields.len() > 3 && fields[0] == "TLB").collect()
}

/// Returns whether a line says that the sequence under test saw the old translation: a fault where there was none.
fn is_old(fields: &[&str], check: Check) -> bool {
    let old = if check.spec().change == Change::Map { 9 } else { 7 };
    fields[2] == "outcome" && fields.get(5) == Some(&"test") && fields.get(old).is_some_and(|count| *count != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_translation_is_a_fault_where_the_mapping_is_new() {
        let line = |counts: &str| format!("TLB,7,outcome,cowinvt_el2,x,test,0,{counts},1234\r\n");
        let is = |counts: &str, check: &str| {
            let text = line(counts);
            is_old(&lines(text.as_bytes())[0], Check::from_id(check).unwrap())
        };
        assert!(is("1,0,0,0", "cowinvt_el2") && !is("0,0,1,0", "cowinvt_el2"));
        assert!(is("0,0,1,0", "i2v_el2") && !is("0,1,0,0", "i2v_el2"));
        assert!(lines(b"\r\nnoise\r\nTLB,1").is_empty());
    }
}
