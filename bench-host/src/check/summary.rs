// SPDX-License-Identifier: MIT OR Apache-2.0
//! The result in words: for a terminal, and as the Markdown of a GitHub job summary.

use std::fmt::Write;

use report::markdown::{code, escape};
use report::number::{grouped, percent, plural};
use report::terminal::fill;
use results::check::{Check, Outcomes};
use results::verdict::Class;

use super::tally::{Case, Suite, count};

/// Bytes of a job summary. GitHub takes sixteen times as many for one step; nobody reads them, and several steps may share
/// a page.
pub const MAX_SUMMARY: usize = 64 << 10;
/// Columns of a terminal.
const WIDTH: usize = 100;

/// Returns one sentence on all cases, failures first.
pub fn headline(cases: &[Case]) -> String {
    let [fail, pass, not_observable, skipped] = counts(cases);
    let excused = match excused(cases) {
        0 => String::new(),
        excused => format!(" ({} by known bugs of the machine, excused)", grouped(excused)),
    };
    format!(
        "{fail} failed{excused}, {pass} passed, {not_observable} not observable here, {skipped} skipped; {} trials under test",
        grouped(trials(cases))
    )
}

/// Returns how many cases there are of each class, failures first.
fn counts(cases: &[Case]) -> [String; 4] {
    [Class::Fail, Class::Pass, Class::NotObservable, Class::Skipped].map(|class| grouped(count(cases, class) as u64))
}

fn excused(cases: &[Case]) -> u64 {
    cases.iter().filter(|case| case.excused).count() as u64
}

fn trials(cases: &[Case]) -> u64 {
    cases.iter().map(|case| u64::from(case.test.trials())).sum()
}

/// Cases that say the same, by what they say.
struct Group<'a> {
    reason: &'a str,
    cases: Vec<&'a Case>,
}

impl Group<'_> {
    /// Returns the checks that were decided with no sequence, mostly for this reason, and the sequences of other checks.
    fn names(&self, all: &[Case]) -> [Vec<String>; 2] {
        let (mut checks, mut seqs): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        for of_check in self.cases.chunk_by(|a, b| a.check == b.check) {
            let check = of_check[0].check;
            if home(all, check) == Some((of_check[0].class, self.reason)) {
                checks.push(check.id().to_owned());
                continue;
            }
            for case in of_check {
                if !seqs.contains(&case.seq) {
                    seqs.push(case.seq.clone());
                }
            }
        }
        [checks, seqs]
    }

    /// Says of what: `a_check, another; in other checks: a_sequence`.
    fn whose(&self, all: &[Case]) -> String {
        let [checks, seqs] = self.names(all);
        let seqs = match (seqs.is_empty(), checks.is_empty()) {
            (true, _) => String::new(),
            (false, true) => format!("with {}", seqs.join(", ")),
            (false, false) => format!("; in other checks with {}", seqs.join(", ")),
        };
        format!("{}{seqs}", checks.join(", "))
    }
}

/// Returns what stands for a check that was decided with no sequence: what became of most, and why.
fn home(all: &[Case], check: Check) -> Option<(Class, &str)> {
    let of = || all.iter().filter(|case| case.check == check);
    if of().any(|case| matches!(case.class, Class::Pass | Class::Fail)) {
        return None;
    }
    let alike = |case: &Case| of().filter(|other| other.reason == case.reason).count();
    // That a check has no power says more than what was not tried.
    let most = of().max_by_key(|case| (case.class == Class::NotObservable, alike(case)))?;
    Some((most.class, &most.reason))
}

/// Puts the cases of a class together by reason.
fn by_reason(cases: &[Case], class: Class) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for case in cases.iter().filter(|case| case.class == class) {
        match groups.iter_mut().find(|group| group.reason == case.reason) {
            Some(group) => group.cases.push(case),
            None => groups.push(Group {
                reason: &case.reason,
                cases: vec![case],
            }),
        }
    }
    groups
}

/// Returns what a terminal shows: every failure in full, what could not be shown and what was skipped by reason, then the
/// checks that passed.
pub fn terminal(cases: &[Case]) -> String {
    let mut text = String::new();
    // Those that a known bug explains are told with it.
    for case in cases
        .iter()
        .filter(|case| case.class == Class::Fail && case.known.is_none())
    {
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "FAIL {} with {}: {}; stale {}, other {}, of {} trials",
            case.check.id(),
            case.seq,
            case.reason,
            grouped(case.test.stale.into()),
            grouped(case.test.other.into()),
            grouped(case.test.trials().into())
        );
    }
    for (class, word) in [(Class::NotObservable, "not observable"), (Class::Skipped, "skipped")] {
        for group in by_reason(cases, class) {
            let _ = writeln!(
                text,
                "{word}, {}: {}",
                plural(group.cases.len() as u64, "case", "cases"),
                group.reason
            );
            let _ = writeln!(text, "{}", fill(&group.whose(cases), WIDTH, "    "));
        }
    }
    let passed = passed(cases);
    if let Some(first) = passed.first() {
        let n: usize = passed.iter().map(|check| check.sequences).sum();
        let names = passed.iter().map(|check| format!("{} ({})", check.id, check.sequences));
        let _ = writeln!(
            text,
            "pass, {} in {}: stale rate < {} (95%); without TLBI {}",
            plural(n as u64, "case", "cases"),
            plural(passed.len() as u64, "check", "checks"),
            bounds(&passed),
            span(&passed).unwrap_or_else(|| first.nothing.clone()),
        );
        let _ = writeln!(text, "{}", fill(&names.collect::<Vec<_>>().join(", "), WIDTH, "    "));
    }
    text
}

/// A check with the sequences that passed in it.
struct Passed {
    id: &'static str,
    sequences: usize,
    trials: u64,
    bound: f64,
    no_tlbi: Option<Outcomes>,
    nothing: String,
}

fn passed(cases: &[Case]) -> Vec<Passed> {
    let mut all = Vec::new();
    for group in cases.chunk_by(|a, b| a.check == b.check) {
        let of: Vec<&Case> = group.iter().filter(|case| case.class == Class::Pass).collect();
        let Some(first) = of.first() else { continue };
        all.push(Passed {
            id: first.check.id(),
            sequences: of.len(),
            trials: of.iter().map(|case| u64::from(case.test.trials())).sum(),
            bound: of.iter().filter_map(|case| case.bound()).fold(0.0, f64::max),
            no_tlbi: first.controls.no_tlbi,
            nothing: stale(&first.controls.nothing),
        });
    }
    all
}

/// Returns the bound of the stale rate, from the check that was tried most to the one that was tried least.
fn bounds(passed: &[Passed]) -> String {
    let all = || passed.iter().map(|check| check.bound);
    let (least, most) = (
        percent(all().fold(f64::INFINITY, f64::min)),
        percent(all().fold(0.0, f64::max)),
    );
    match least == most {
        true => most,
        false => format!("{least} to {most}"),
    }
}

/// Says how often the control without a TLBI was stale, from the check where it was so least to the one where it was most.
fn span(passed: &[Passed]) -> Option<String> {
    let share = |o: &Outcomes| f64::from(o.stale) / f64::from(o.trials().max(1));
    // Where nothing is to be invalidated, it never is.
    let mut all: Vec<f64> = passed
        .iter()
        .filter_map(|check| check.no_tlbi.as_ref().map(share))
        .filter(|share| *share > 0.0)
        .collect();
    all.sort_unstable_by(f64::total_cmp);
    let (least, most) = (all.first()?, all.last()?);
    Some(match least == most {
        true => format!("stale in {} of the trials", percent(*least)),
        false => format!("stale in {} to {} of the trials", percent(*least), percent(*most)),
    })
}

fn stale(control: &Outcomes) -> String {
    format!("{}/{}", grouped(control.stale.into()), grouped(control.trials().into()))
}

/// Returns the Markdown of a job summary: a row per machine, then for each its failures, and folded what could not be shown,
/// what was skipped and what passed. It is cut with a note where it would be too long.
pub fn markdown(suites: &[Suite]) -> String {
    let all: Vec<Case> = suites.iter().flat_map(|suite| suite.cases.iter().cloned()).collect();
    let mut text = format!("## TLB maintenance conformance: {}\n\n", headline(&all));
    text.push_str("| machine | failed | excused | passed | not observable | skipped | trials under test |\n");
    text.push_str("|---|---:|---:|---:|---:|---:|---:|\n");
    for suite in suites {
        let [_, pass, not_observable, skipped] = counts(&suite.cases);
        let excused = excused(&suite.cases);
        let fail = (count(&suite.cases, Class::Fail) as u64).saturating_sub(excused);
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {pass} | {not_observable} | {skipped} | {} |",
            escape(&suite.machine),
            match fail {
                0 => "0".to_owned(),
                fail => format!("**{}**", grouped(fail)),
            },
            grouped(excused),
            grouped(trials(&suite.cases))
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
    let room = MAX_SUMMARY.saturating_sub(tail.len() + 1000 * suites.len());
    for (number, suite) in suites.iter().enumerate() {
        // No machine takes the room of the next.
        let room = text.len() + room.saturating_sub(text.len()) / (suites.len() - number);
        checks(&mut text, suite, room);
    }
    text + &tail
}

/// Writes the checks of a machine: failures, and the rest folded.
fn checks(text: &mut String, suite: &Suite, room: usize) {
    let cases = &suite.cases;
    let _ = writeln!(text, "\n### {}\n", escape(&suite.machine));
    let failed = cases.iter().filter(|case| case.class == Class::Fail).map(|case| {
        format!(
            "| {} | {} | {} of {} | {} | {} | {} |\n",
            case.check.id(),
            escape(&case.seq),
            grouped(case.test.stale.into()),
            grouped(case.test.trials().into()),
            case.controls.no_tlbi.as_ref().map_or(String::new(), stale),
            stale(&case.controls.nothing),
            escape(
                &case
                    .known
                    .map_or(case.reason.clone(), |bug| format!("known bug: {bug}"))
            )
        )
    });
    let failed: Vec<String> = failed.collect();
    if failed.is_empty() {
        text.push_str("No failure.\n\n");
    } else {
        let head = "| failed check | sequence | stale | without TLBI | without maintenance | reason |\n\
                    |---|---|---:|---:|---:|---|\n";
        rows(text, head, failed, room);
        text.push('\n');
    }
    for (class, word) in [
        (Class::NotObservable, "not observable here"),
        (Class::Skipped, "skipped"),
    ] {
        let n = count(cases, class) as u64;
        let groups = by_reason(cases, class).into_iter().map(|group| {
            format!(
                "| {} | {} | {} |\n",
                escape(group.reason),
                grouped(group.cases.len() as u64),
                escape(&group.whose(cases))
            )
        });
        let title = format!("{} {word}, by reason", grouped(n));
        folded(
            text,
            n,
            &title,
            "| reason | cases | of |\n|---|---:|---|\n",
            groups.collect(),
            room,
        );
    }
    let passed = passed(cases);
    let n: usize = passed.iter().map(|check| check.sequences).sum();
    let row = |check: &Passed| {
        format!(
            "| {} | {} | {} | < {} | {} | {} |\n",
            check.id,
            grouped(check.sequences as u64),
            grouped(check.trials),
            percent(check.bound),
            check.no_tlbi.as_ref().map_or(String::new(), stale),
            check.nothing
        )
    };
    let title = format!(
        "{} passed, in {}",
        grouped(n as u64),
        plural(passed.len() as u64, "check", "checks")
    );
    let head = "| check | sequences | trials | stale rate (95%) | without TLBI | without maintenance |\n\
                |---|---:|---:|---:|---:|---:|\n";
    folded(text, n as u64, &title, head, passed.iter().map(row).collect(), room);
}

fn folded(text: &mut String, n: u64, title: &str, head: &str, lines: Vec<String>, room: usize) {
    if n > 0 {
        let _ = writeln!(text, "<details><summary>{title}</summary>\n");
        rows(text, head, lines, room);
        text.push_str("\n</details>\n\n");
    }
}

/// Writes the rows of a table as far as there is room, and says how many are left out.
fn rows(text: &mut String, head: &str, lines: Vec<String>, room: usize) {
    text.push_str(head);
    let all = lines.len();
    for (shown, line) in lines.into_iter().enumerate() {
        if text.len() + line.len() > room {
            let left = plural((all - shown) as u64, "more row does", "more rows do");
            let _ = writeln!(text, "\n{left} not fit here.");
            break;
        }
        text.push_str(&line);
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
            "1 failed, 1 passed, 1 not observable here, 1 skipped; 3,000 trials under test"
        );
        let text = markdown(&suites());
        let rows: Vec<_> = text.lines().skip(4).take(2).collect();
        assert_eq!(
            rows,
            [
                "| machine adversary_latest_max_3pe | **1** | 0 | 1 | 1 | 1 | 3,000 |",
                "| machine qemu_7_2_max_3pe | **1** | 0 | 1 | 1 | 1 | 3,000 |"
            ]
        );
        let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words}: {text}"));
        assert!(
            text.starts_with("## TLB maintenance conformance: 2 failed, 2 passed,"),
            "{text}"
        );
        assert!(
            at("| mp_rt_el2 | local | 1,000 of 1,000 |") < at("<details><summary>1 not observable here, by reason")
        );
        assert!(at("<details><summary>1 skipped, by reason") < at("<details><summary>1 passed, in 1 check</summary>"));
        let text = terminal(&cases);
        assert!(text.starts_with("FAIL mp_rt_el2 with local"), "{text}");
        assert!(
            text.contains("skipped, 1 case: needs 2 PEs\n    with alone\n"),
            "{text}"
        );
        assert!(
            text.contains("pass, 1 case in 1 check: stale rate < 0.30% (95%); without TLBI stale in 100%"),
            "{text}"
        );
        assert!(text.ends_with("    mp_rt_el2 (1)\n"), "{text}");
    }

    #[test]
    fn skips_are_one_line_for_each_reason() {
        let skipped = |check: &str, seq: &str| Case {
            check: results::check::Check::from_id(check).unwrap(),
            seq: seq.to_owned(),
            class: Class::Skipped,
            reason: "FEAT_VHE is not implemented here".to_owned(),
            ..examples()[3].clone()
        };
        let mut cases = examples();
        for check in ["cowinvt_el2h", "wprot_el2h"] {
            cases.extend(["a", "b"].map(|seq| skipped(check, seq)));
        }
        let text = terminal(&cases);
        let line = "skipped, 4 cases: FEAT_VHE is not implemented here\n    cowinvt_el2h, wprot_el2h\n";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn a_summary_stays_under_the_limit_and_says_what_it_leaves_out() {
        let mut suites = suites();
        for suite in &mut suites {
            suite.cases = examples().into_iter().cycle().take(20_000).collect();
        }
        let text = markdown(&suites);
        assert!(text.len() <= MAX_SUMMARY, "{}", text.len());
        assert!(text.matches("more rows do not fit").count() >= 2);
    }
}
