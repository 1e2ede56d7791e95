// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host run --machine adversary --explore`: the shortest schedule on which a proof of the boot path does not hold.

use ::adversary::{Bound, Explored, explore};

use super::{Args, install};
use crate::cmd::adversary::{self, Choose};
use crate::cmd::print;
use crate::error::Error;
use crate::exit::Exit;
use crate::kernel::Kernel;
use crate::plan::{PlanArgs, RunPlan};

/// Explores the boot path: there are no checks, so that nothing else is to be chosen.
pub(super) fn run(args: &Args, smp: u32, kernel: &mut Kernel) -> Result<Exit, Error> {
    let plan = RunPlan::new(&PlanArgs {
        iterations: Some(0),
        no_checks: true,
        ..args.plan.clone()
    })?;
    install(kernel, &plan)?;
    let options = adversary::options(&args.cpu, smp, Choose::Latest, plan.settings.seed)?;
    let bound = Bound::default();
    let found = explore(
        &kernel.bytes,
        &options,
        &bound,
        |printed| lines(printed).any(|line| line.contains(",clock,")),
        |printed| failed(printed).is_some(),
    );
    let found = found.map_err(|error| Error::Setup(format!("{}: {error}", kernel.source)))?;
    let flow = args.plan.flow.id();
    Ok(match found {
        Explored::Fails(schedule) => {
            let proof = failed(&schedule.printed).unwrap_or_default();
            print(&format!("flow {flow}: {proof}\n"));
            for event in &schedule.events {
                print(&format!("  {event}\n"));
            }
            if proof.starts_with("fixmap_mapped: ") && flow == "new" {
                print(&format!("{}\n", report::FIXMAP_WITHOUT_ISB));
            }
            Exit::Failure
        }
        Explored::Holds { runs, complete: true } => {
            print(&format!(
                "flow {flow}: every proof holds in all {runs} runs with up to {} unusual choices\n",
                bound.deviations
            ));
            Exit::Ok
        }
        Explored::Holds { runs, complete: false } => {
            print(&format!(
                "flow {flow}: every proof holds in {runs} runs; there are more\n"
            ));
            Exit::Undecided
        }
    })
}

fn lines(printed: &[u8]) -> impl Iterator<Item = &str> {
    std::str::from_utf8(printed).unwrap_or("").lines()
}

/// Returns the first proof that does not hold, with what was seen.
fn failed(printed: &[u8]) -> Option<String> {
    lines(printed).find_map(|line| {
        let (_, proof) = line.split_once(",proof,")?;
        let (name, outcome) = proof.split_once(',')?;
        // The checksum ends the line.
        let (detail, _) = outcome.strip_prefix("fail,")?.rsplit_once(',')?;
        Some(format!("{name}: {detail}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_that_does_not_hold_is_told_without_its_checksum() {
        let printed = b"TLB,41,proof,a,pass,fine,0011aabb\r\nTLB,42,proof,b,fail,it is, however,0011aabb\r\n";
        assert_eq!(failed(printed).as_deref(), Some("b: it is, however"));
        assert_eq!(failed(&printed[..36]), None);
    }
}
