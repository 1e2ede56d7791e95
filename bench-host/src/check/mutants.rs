// SPDX-License-Identifier: MIT OR Apache-2.0
//! Mutants: which mistakes one edit away a run would have caught here, and which only the judge catches.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;

pub use report::model::Fate;
use results::check::Check;
use results::verdict::Class;
use review::check_question::question;
use sequences::judge::Verdict;
use sequences::mutants::{JudgedMutant, Kind, judged};

use super::tally::Case;

/// The sequences that are mutated, each with the check its mutants run in.
pub const BASES: [(&str, &str); 7] = [
    ("cowinvt_el2", "dsb nshst; tlbi vae2, {va}; dsb nsh; isb"),
    ("identity_el2", "dsb nshst; tlbi alle2; dsb nsh; isb"),
    ("mp_rt_el2", "dsb ishst; tlbi vae2is, {va}; dsb ish; isb"),
    ("cowinvt_el1", "dsb nshst; tlbi vae1, {va}; dsb nsh; isb"),
    ("mp_rt_el1", "dsb ishst; tlbi vae1is, {va}; dsb ish; isb"),
    (
        "cowinvt_s2_s1",
        "dsb nshst; tlbi ipas2e1, {ipa}; dsb nsh; tlbi vmalle1; dsb nsh; isb",
    ),
    (
        "mp_rt_s2_s1",
        "dsb ishst; tlbi ipas2e1is, {ipa}; dsb ish; tlbi vmalle1is; dsb ish; isb",
    ),
];

/// A mutant, ready to run.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The check it runs in.
    pub check: Check,
    /// The mutant and the judge's verdict.
    pub judged: JudgedMutant,
}

/// Returns the mutants of a base.
pub fn plan(check: Check, text: &str) -> Vec<Planned> {
    let Ok(sequence) = text.parse() else { return Vec::new() };
    judged(&question(check), &sequence)
        .into_iter()
        .map(|judged| Planned { check, judged })
        .collect()
}

/// Returns what became of a mutant, given what the run saw.
pub fn fate(mutant: &Planned, case: Option<&Case>) -> Fate {
    let verdict = mutant.judged.verdict;
    match case.map(|case| case.class) {
        None | Some(Class::Skipped) => match verdict {
            Verdict::Insufficient => Fate::CaughtByJudge,
            _ => Fate::Skipped,
        },
        Some(Class::Fail) if verdict.is_sufficient() => Fate::Disagreement,
        Some(Class::Fail) => Fate::CaughtByRun,
        Some(_) => match verdict {
            Verdict::Insufficient => Fate::CaughtByJudge,
            Verdict::Unknown => Fate::Survived,
            _ => Fate::Equivalent,
        },
    }
}

/// Name of the file beside a run that tells its mutants: what `b0_7` and the like in its records are.
pub const FILE: &str = "mutants.csv";

/// A mutant as [`FILE`] tells it.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Row {
    /// Id of the sequence in the records of the run.
    pub seq: String,
    /// Id of the check it runs in.
    pub check: String,
    /// Kind of the edit.
    pub kind: String,
    /// The edit in words.
    pub edit: String,
    /// The sequence.
    pub text: String,
    /// The judge's verdict.
    pub judge: String,
    /// The class of the check, if it ran.
    pub class: String,
    /// What became of it.
    pub fate: String,
}

/// Returns the row of a mutant.
pub fn row(mutant: &Planned, seq: &str, case: Option<&Case>, fate: Fate) -> Row {
    Row {
        seq: seq.to_owned(),
        check: mutant.check.id().to_owned(),
        kind: mutant.judged.mutant.kind.name().to_owned(),
        edit: mutant.judged.mutant.description.to_string(),
        text: mutant.judged.mutant.sequence.to_string(),
        judge: mutant.judged.verdict.name().to_owned(),
        class: case.map_or(Class::Skipped, |case| case.class).id().to_owned(),
        fate: fate.name().to_owned(),
    }
}

/// Returns the text of [`FILE`].
pub fn table(rows: &[Row]) -> Result<String, csv::Error> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    for row in rows {
        csv.serialize(row)?;
    }
    let bytes = csv.into_inner().map_err(|error| error.into_error())?;
    String::from_utf8(bytes).map_err(|error| io::Error::other(error).into())
}

/// The mutants of a run with their fates.
pub type Fates = Vec<(Planned, Fate)>;

/// Returns the matrix of kinds and fates, the score, and every mutant that needs a look.
pub fn report(machine: &str, fates: &Fates) -> String {
    let order = [
        Fate::CaughtByRun,
        Fate::CaughtByJudge,
        Fate::Survived,
        Fate::Equivalent,
        Fate::Disagreement,
        Fate::Skipped,
    ];
    let mut matrix: BTreeMap<Kind, [usize; 6]> = BTreeMap::new();
    for (planned, fate) in fates {
        let row = matrix.entry(planned.judged.mutant.kind).or_default();
        if let Some(at) = order.iter().position(|known| known == fate) {
            row[at] += 1;
        }
    }
    let mut text = format!("Mutants on {machine}\n\n| kind |");
    let names = order.map(Fate::name);
    let _ = writeln!(text, " {} |\n|---|{}", names.join(" | "), "---:|".repeat(order.len()));
    let mut sums = [0; 6];
    for (kind, row) in &matrix {
        let cells = row.map(|count| count.to_string());
        let _ = writeln!(text, "| {} | {} |", kind.name(), cells.join(" | "));
        sums.iter_mut().zip(row).for_each(|(sum, count)| *sum += count);
    }
    let _ = writeln!(text, "| all | {} |", sums.map(|count| count.to_string()).join(" | "));
    let mistakes = sums[0] + sums[1] + sums[2];
    let _ = writeln!(
        text,
        "\nScore: {} of {mistakes} mistakes caught by this machine, {} by machine or judge.",
        sums[0],
        sums[0] + sums[1]
    );
    for (planned, fate) in fates {
        if matches!(fate, Fate::Survived | Fate::Disagreement) {
            let mutant = &planned.judged.mutant;
            let _ = writeln!(
                text,
                "{}: {} in {}: {} (judge: {})",
                fate.name(),
                mutant.sequence,
                planned.check.id(),
                mutant.description,
                planned.judged.verdict.name()
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tally::tests::examples;

    #[test]
    fn fates_follow_from_run_and_judge() {
        let check = Check::from_id("mp_rt_el2").unwrap();
        let planned = plan(check, BASES[2].1);
        let local = |planned: &&Planned| planned.judged.mutant.kind == Kind::NarrowScope;
        let local = planned.iter().find(local).unwrap();
        let cases = examples();
        assert_eq!(fate(local, Some(&cases[1])), Fate::CaughtByRun);
        assert_eq!(fate(local, Some(&cases[0])), Fate::CaughtByJudge);
        assert_eq!(fate(local, None), Fate::CaughtByJudge);
        let wider = planned
            .iter()
            .find(|planned| planned.judged.verdict.is_sufficient())
            .unwrap();
        assert_eq!(fate(wider, Some(&cases[0])), Fate::Equivalent);
        assert_eq!(fate(wider, Some(&cases[1])), Fate::Disagreement);
        let text = report(
            "m",
            &vec![(local.clone(), Fate::CaughtByRun), (wider.clone(), Fate::Equivalent)],
        );
        assert!(text.contains("Score: 1 of 1 mistakes caught by this machine"), "{text}");
    }

    #[test]
    fn bases_are_enough_for_their_checks() {
        for (check, text) in BASES {
            let check = Check::from_id(check).unwrap();
            let sequence = text.parse().unwrap();
            assert_eq!(
                review::check_question::is_enough(check, &sequence),
                Some(true),
                "{text}"
            );
            assert!(plan(check, text).len() > 10);
        }
    }
}
