// SPDX-License-Identifier: MIT OR Apache-2.0
//! The class of every check with every sequence, as matrices: what is of no concern to each other, such as the checks of two
//! regimes, is in two of them, and what needs a look comes first.

use results::verdict::Class;

use crate::data;
use crate::matrix::{Mark, Matrix};
use crate::model::{CheckResult, CheckRow};
use crate::table::Tone;

/// Returns the matrices of some checks, those with failures first and then those with gaps in power, as their rows are.
pub fn matrices(checks: &[CheckResult], mark: impl Fn(&CheckResult, &CheckRow) -> Mark) -> Vec<Matrix> {
    let mut groups = groups(checks);
    for group in &mut groups {
        group.sort_by_key(|check| urgency(&check.rows));
    }
    groups.sort_by_key(|group| {
        let best = group.iter().map(|check| urgency(&check.rows)).min();
        // What was made says more than what was skipped.
        best.unwrap_or(u8::MAX)
    });
    let several = groups.len() > 1;
    let matrix = |(index, group): (usize, &Vec<&CheckResult>)| {
        let seqs = sequences(group.iter().copied());
        let row = |check: &&CheckResult| {
            let of = |seq: &&str| check.rows.iter().find(|row| row.seq == *seq);
            let marks = seqs.iter().map(|seq| of(seq).map(|row| mark(check, row)));
            (check.id.clone(), marks.collect())
        };
        Matrix {
            caption: match several {
                true => format!("Checks by sequence, {} of {}", index + 1, groups.len()),
                false => "Checks by sequence, what needs a look first".to_owned(),
            },
            label: None,
            corner: "check".to_owned(),
            rows: group.iter().map(row).collect(),
            columns: seqs.iter().map(|seq| (*seq).to_owned()).collect(),
            data: data::CHECKS,
        }
    };
    let matrices = groups.iter().enumerate().map(matrix);
    // With more rows than columns it fits a page; with more columns, it is turned.
    matrices
        .map(|matrix| match matrix.columns.len() > matrix.rows.len() {
            true => matrix.transposed("sequence"),
            false => matrix,
        })
        .collect()
}

/// Returns how soon a check is to be looked at, by the worst that became of a sequence in it.
pub fn urgency(rows: &[CheckRow]) -> u8 {
    let has = |class: Class| rows.iter().any(|row| row.class == class);
    match () {
        () if has(Class::Fail) => 0,
        () if has(Class::NotObservable) => 1,
        () if has(Class::Pass) => 2,
        () => 3,
    }
}

/// Puts checks together that have most of their sequences in common.
fn groups(checks: &[CheckResult]) -> Vec<Vec<&CheckResult>> {
    let mut groups: Vec<Vec<&CheckResult>> = Vec::new();
    for check in checks {
        let shared = |group: &Vec<&CheckResult>| {
            let known = sequences(group.iter().copied());
            let rows = check.rows.iter();
            rows.filter(|row| known.contains(&row.seq.as_str())).count()
        };
        // Of equals the first.
        let nearest = groups.iter_mut().rev().max_by_key(|group| shared(group));
        match nearest.filter(|group| shared(group) * 2 > check.rows.len()) {
            Some(group) => group.push(check),
            None => groups.push(vec![check]),
        }
    }
    groups
}

fn sequences<'a>(checks: impl Iterator<Item = &'a CheckResult>) -> Vec<&'a str> {
    let mut seqs: Vec<&str> = Vec::new();
    for row in checks.flat_map(|check| &check.rows) {
        if !seqs.contains(&row.seq.as_str()) {
            seqs.push(&row.seq);
        }
    }
    seqs
}

/// Returns a class as a sign that is told from the others without color.
pub fn class_mark(class: Class) -> Mark {
    let (words, tone) = class_word(class);
    let sign = match class {
        Class::Pass => "\u{2713}",
        Class::Fail => "\u{2717}",
        Class::NotObservable => "\u{25cb}",
        Class::Skipped => "\u{2013}",
    };
    Mark {
        sign: sign.to_owned(),
        tone,
        words: words.to_owned(),
    }
}

/// Returns a class as it is shown.
pub fn class_word(class: Class) -> (&'static str, Tone) {
    match class {
        Class::Pass => ("pass", Tone::Good),
        Class::Fail => ("FAIL", Tone::Bad),
        Class::NotObservable => ("not observable", Tone::Care),
        Class::Skipped => ("skipped", Tone::Plain),
    }
}

#[cfg(test)]
mod tests {
    use results::check::Outcomes;

    use super::*;

    fn check(id: &str, rows: &[(&str, Class)]) -> CheckResult {
        let row = |&(seq, class): &(&str, Class)| CheckRow {
            seq: seq.to_owned(),
            outcomes: Outcomes::default(),
            class,
            reason: String::new(),
            stale_rate_bound: None,
        };
        CheckResult {
            id: id.to_owned(),
            title: String::new(),
            expected: String::new(),
            bad_control: None,
            no_tlbi: None,
            good_control: None,
            rows: rows.iter().map(row).collect(),
        }
    }

    #[test]
    fn what_needs_a_look_comes_first_and_regimes_are_apart() {
        let checks = [
            check("a_el1", &[("x", Class::Pass), ("y", Class::Pass)]),
            check("a_el2", &[("p", Class::Pass), ("q", Class::Pass)]),
            check(
                "b_el2",
                &[("p", Class::NotObservable), ("q", Class::Pass), ("r", Class::Pass)],
            ),
            check("c_el2", &[("q", Class::Fail)]),
            check("b_el1", &[("y", Class::NotObservable)]),
        ];
        let matrices = matrices(&checks, |_, row| class_mark(row.class));
        let rows = |matrix: &Matrix| matrix.rows.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(matrices.len(), 2);
        assert_eq!(rows(&matrices[0]), ["c_el2", "b_el2", "a_el2"]);
        assert_eq!(rows(&matrices[1]), ["b_el1", "a_el1"]);
        assert_eq!(matrices[0].columns, ["q", "p", "r"]);
    }
}
