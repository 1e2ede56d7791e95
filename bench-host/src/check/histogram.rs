// SPDX-License-Identifier: MIT OR Apache-2.0
//! The histogram that users of herd7 and litmus7 know: every final state with its count, `*` for the forbidden one.

use std::fmt::Write;

use results::check::{Outcome, Outcomes};
use results::verdict::{Class, Controls};

use super::tally::{Case, Suite};

/// Returns the histograms of all cases that ran, machine by machine.
pub fn histogram(suites: &[Suite]) -> String {
    let mut text = String::new();
    for suite in suites {
        // Readers of such files skip what stands before a test. Writing to a string does not fail.
        let _ = writeln!(text, "# Machine: {}\n", suite.machine);
        for case in suite.cases.iter().filter(|case| case.class != Class::Skipped) {
            one(&mut text, case);
        }
    }
    text
}

fn one(text: &mut String, case: &Case) {
    let states = [
        (Outcome::Stale, "stale"),
        (Outcome::New, "new"),
        (Outcome::Fault, "fault"),
        (Outcome::Other, "other"),
    ];
    let seen = |outcomes: &Outcomes| states.map(|(outcome, _)| outcomes.count(outcome));
    let counts = seen(&case.test);
    // Writing to a string does not fail.
    let _ = writeln!(text, "Test {}+{} Forbidden", case.check.spec().shape, case.id());
    let _ = writeln!(
        text,
        "Histogram ({} states)",
        counts.iter().filter(|&&count| count > 0).count()
    );
    for ((outcome, name), count) in states.into_iter().zip(counts) {
        if count > 0 {
            let mark = if outcome == Outcome::Stale { '*' } else { ':' };
            let _ = writeln!(text, "{count:<8}{mark}>access={name};");
        }
    }
    let (positive, trials) = (case.test.stale, case.test.trials());
    let validated = if positive == 0 { "Ok" } else { "No" };
    let _ = writeln!(text, "{validated}\n\nWitnesses");
    let _ = writeln!(text, "Positive: {positive}, Negative: {}", trials - positive);
    let _ = writeln!(
        text,
        "Observation {} {} {positive} {}",
        case.id(),
        match positive {
            0 => "Never",
            _ if positive == trials => "Always",
            _ => "Sometimes",
        },
        trials - positive
    );
    let Controls { nothing, no_tlbi, good } = &case.controls;
    let stale = |control: &Outcomes| format!("{}/{}", control.stale, control.trials());
    let no_tlbi = no_tlbi.map_or(String::new(), |control| format!("without TLBI {}, ", stale(&control)));
    let _ = writeln!(
        text,
        "Controls stale without maintenance {}, {no_tlbi}with the known-good sequence {}\n",
        stale(nothing),
        stale(good)
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tally::tests::suites;

    #[test]
    fn forbidden_states_are_starred_and_observations_summed() {
        let text = histogram(&suites()[1..]);
        assert!(text.contains("1000    *>access=stale;") && text.contains("1000    :>access=fault;"));
        assert!(text.contains("Observation mp_rt_el2__local Always 1000 0"));
        assert!(text.contains("Observation mp_rt_el2__broadcast Never 0 1000"));
        assert!(!text.contains("alone") && text.starts_with("# Machine: machine qemu_7_2_max_3pe\n"));
    }
}
