// SPDX-License-Identifier: MIT OR Apache-2.0
//! The result in words: for a terminal, and as the Markdown of a GitHub job summary.

use std::fmt::Write;

use report::markdown::{code, escape};
use results::check::Outcomes;
use results::verdict::Class;

use super::tally::{Case, Suite, count};

/// Bytes that GitHub takes for a job summary.
pub const MAX_SUMMARY: usize = 1 << 20;

/// Returns one sentence on all cases.
pub fn headline(cases: &[Case]) -> String {
    let [pass, fail, not_observable, skipped] =
        [Class::Pass, Class::Fail, Class::NotObservable, Class::Skipped].map(|class| count(cases, class));
    let trials: u64 = cases.iter().map(|case| u64::from(case.test.trials())).sum();
    let excused = cases.iter().filter(|case| case.excused).count();
    let excused = match excused {
        0 => String::new(),
        excused => format!(" ({excused} by known bugs of the machine, excused)"),
    };
    format!(
        "{pass} passed, {fail} failed{excused}, {not_observable} not observable here, {skipped} skipped; {trials} trials under test"
    )
}

/// Returns what a terminal shows: a line per check, and every failure in full.
pub fn terminal(cases: &[Case]) -> String {
    let mut text = String::new();
    for group in cases.chunk_by(|a, b| a.check == b.check) {
        let check = group[0].check;
        let worst = worst(group);
        let sequences = group.iter().filter(|case| case.class == worst).count();
        let detail = match worst {
            Class::Pass => {
                let bound = group.iter().filter_map(Case::bound).fold(0.0, f64::max);
                let controls = &group[0].controls;
                let no_tlbi = controls
                    .no_tlbi
                    .map_or(String::new(), |control| format!("without TLBI {}, ", stale(&control)));
                format!(
                    "{sequences} sequences; stale rate < {bound:.1e} (95%); {no_tlbi}without maintenance {}",
                    stale(&controls.nothing)
                )
            }
            _ => group
                .iter()
                .find(|case| case.class == worst)
                .map_or(String::new(), |case| case.reason.clone()),
        };
        // Writing to a string does not fail.
        let _ = writeln!(text, "{:<14} {:<22} {detail}", worst.id(), check.id());
    }
    // Those that a known bug explains are told with it.
    for case in cases
        .iter()
        .filter(|case| case.class == Class::Fail && case.known.is_none())
    {
        let _ = writeln!(
            text,
            "FAIL {} with {}: {}; stale {}, other {}, of {} trials",
            case.check.id(),
            case.seq,
            case.reason,
            case.test.stale,
            case.test.other,
            case.test.trials()
        );
    }
    text
}

fn stale(control: &Outcomes) -> String {
    format!("{}/{}", control.stale, control.trials())
}

fn worst(group: &[Case]) -> Class {
    let order = [Class::Fail, Class::Pass, Class::NotObservable, Class::Skipped];
    let has = |class: &&Class| group.iter().any(|case| case.class == **class);
    order.iter().find(has).copied().unwrap_or(Class::Skipped)
}

/// Returns the Markdown of a job summary: a row per machine, then the checks of each. It is cut with a note where it would
/// be too long for GitHub.
pub fn markdown(suites: &[Suite]) -> String {
    let mut text = "## TLB maintenance conformance\n\n".to_owned();
    text.push_str("| machine | passed | failed | excused | not observable | skipped | trials under test |\n");
    text.push_str("|---|---:|---:|---:|---:|---:|---:|\n");
    for suite in suites {
        let [pass, fail, not_observable, skipped] =
            [Class::Pass, Class::Fail, Class::NotObservable, Class::Skipped].map(|class| count(&suite.cases, class));
        let excused = suite.cases.iter().filter(|case| case.excused).count();
        let trials: u64 = suite.cases.iter().map(|case| u64::from(case.test.trials())).sum();
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "| {} | {pass} | {} | {excused} | {not_observable} | {skipped} | {trials} |",
            escape(&suite.machine),
            fail - excused
        );
    }
    let tails = suites.iter().map(|suite| {
        format!(
            "\nReproduce on {}: {}\n",
            escape(&suite.machine),
            code(&suite.reproduce)
        )
    });
    let tail: String = tails.collect();
    let room = MAX_SUMMARY.saturating_sub(tail.len() + 200 * suites.len());
    for (number, suite) in suites.iter().enumerate() {
        // No machine takes the room of the next.
        let room = text.len() + room.saturating_sub(text.len()) / (suites.len() - number);
        checks(&mut text, suite, room);
    }
    text + &tail
}

/// Writes the checks of a machine, failures first.
fn checks(text: &mut String, suite: &Suite, room: usize) {
    let _ = writeln!(text, "\n### {}\n", escape(&suite.machine));
    text.push_str("| result | check | sequence | trials | stale | stale rate (95%) | without TLBI | without maintenance | reason |\n");
    text.push_str("|---|---|---|---:|---:|---:|---:|---:|---|\n");
    let mut sorted: Vec<_> = suite.cases.iter().collect();
    sorted.sort_by_key(|case| match case.class {
        Class::Fail => 0,
        Class::Pass => 1,
        Class::NotObservable => 2,
        Class::Skipped => 3,
    });
    for (shown, case) in sorted.iter().enumerate() {
        let bound = case.bound().map_or(String::new(), |bound| format!("< {bound:.1e}"));
        let row = format!(
            "| {} | {} | {} | {} | {} | {bound} | {} | {} | {} |\n",
            case.class.id(),
            case.check.id(),
            escape(&case.seq),
            case.test.trials(),
            case.test.stale,
            case.controls.no_tlbi.as_ref().map_or(String::new(), stale),
            stale(&case.controls.nothing),
            escape(
                &case
                    .known
                    .map_or(case.reason.clone(), |bug| format!("known bug: {bug}"))
            )
        );
        if text.len() + row.len() > room {
            let _ = writeln!(text, "\n{} more rows do not fit here.", sorted.len() - shown);
            break;
        }
        text.push_str(&row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tally::tests::{examples, suites};

    #[test]
    fn failures_come_first_and_every_machine_is_counted() {
        let cases = examples();
        assert_eq!(
            headline(&cases),
            "1 passed, 1 failed, 1 not observable here, 1 skipped; 3000 trials under test"
        );
        let text = markdown(&suites());
        let rows: Vec<_> = text.lines().skip(4).take(2).collect();
        assert_eq!(
            rows,
            [
                "| machine adversary_latest_max_3pe | 1 | 1 | 0 | 1 | 1 | 3000 |",
                "| machine qemu_7_2_max_3pe | 1 | 1 | 0 | 1 | 1 | 3000 |"
            ]
        );
        assert!(
            text.lines()
                .nth(11)
                .unwrap()
                .starts_with("| fail | mp_rt_el2 | local |"),
            "{text}"
        );
        assert!(terminal(&cases).contains("FAIL mp_rt_el2 with local"));
    }

    #[test]
    fn a_summary_stays_under_the_limit_and_says_what_it_leaves_out() {
        let mut suites = suites();
        for suite in &mut suites {
            suite.cases = examples().into_iter().cycle().take(20_000).collect();
        }
        let text = markdown(&suites);
        assert!(text.len() <= MAX_SUMMARY, "{}", text.len());
        assert_eq!(text.matches("more rows do not fit").count(), 2);
    }
}
