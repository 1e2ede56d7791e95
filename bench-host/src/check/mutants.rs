// SPDX-License-Identifier: MIT OR Apache-2.0
//! Mutants: which mistakes one edit away a run would have caught here, and which only the judge catches.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::io;

pub use report::model::Fate;
use report::number::grouped;
use report::table::{Cell, Table};
use results::check::{Check, Regime};
use results::verdict::Class;
use review::check_question::question;
use sequences::judge::Verdict;
use sequences::mutants::{JudgedMutant, Kind, judged};
use sequences::{ExceptionLevel, Instruction, Sequence};

use super::tally::Case;

/// The sequences that are mutated, each with the check its mutants run in: every regime, stage, change, access, place and
/// observer of the checks, and every form of the suite. New ones go to the end: a base is known by its number.
#[rustfmt::skip]
pub const BASES: [(&str, &str); 60] = [
    ("cowinvt_el2", "dsb nshst; tlbi vae2, {va}; dsb nsh; isb"),
    ("identity_el2", "dsb nshst; tlbi alle2; dsb nsh; isb"),
    ("mp_rt_el2", "dsb ishst; tlbi vae2is, {va}; dsb ish; isb"),
    ("cowinvt_el1", "dsb nshst; tlbi vae1, {va}; dsb nsh; isb"),
    ("mp_rt_el1", "dsb ishst; tlbi vae1is, {va}; dsb ish; isb"),
    ("cowinvt_s2_s1", "dsb nshst; tlbi ipas2e1, {ipa}; dsb nsh; tlbi vmalle1; dsb nsh; isb"),
    ("mp_rt_s2_s1", "dsb ishst; tlbi ipas2e1is, {ipa}; dsb ish; tlbi vmalle1is; dsb ish; isb"),
    ("xn_el2", "dsb nshst; tlbi vale2, {va}; dsb nsh; isb"),
    ("fetch_inv_el2", "dsb sy; isb; tlbi alle2; dsb sy; isb"),
    ("fetch_late_el2", "dsb nshst; tlbi vae2, {va}; dsb nsh; isb"),
    ("mp_fetch_el2", "dsb ishst; tlbi alle2is; dsb ish; isb"),
    ("bbm_late_el2", "dsb nshst; tlbi vale2, {va}; dsb nsh; isb"),
    ("mp_bbm_el2", "dsb ishst; tlbi vae2is, {va, ttl=3}; dsb ish; isb"),
    ("bbm_oa_el1_s2", "dsb nshst; tlbi vaale1, {va}; dsb nsh; isb"),
    ("af_el2", "dsb nshst; tlbi vae2, {va}; dsb nsh; isb"),
    ("block_l2_el2", "dsb nshst; tlbi alle2; dsb nsh; isb"),
    ("table_l2_el2", "dsb nshst; tlbi alle2; dsb nsh; isb"),
    ("mp_wprot_el2", "dsb ishst; tlbi vae2is, {va}; dsb ish; isb"),
    ("mp_reuse_el2", "dsb ishst; tlbi vae2is, {va}; dsb ish; isb"),
    ("reuse_s2_s1", "dsb nshst; tlbi vmalls12e1; dsb nsh; isb"),
    ("rot_el2", "dsb nshst; tlbi alle2; dsb nsh; isb"),
    ("mp_rot_el2", "dsb ishst; tlbi alle2is; dsb ish; isb"),
    ("mp_identity_el2", "dsb ishst; tlbi alle2is; dsb ish; isb"),
    ("wrc_trt_el2", "dsb ishst; tlbi vae2is, {va}; dsb ish; isb"),
    ("wrc_trt_el1", "dsb ishst; tlbi vmalle1is; dsb ish; isb"),
    ("i2v_el2", "dsb nshst; isb"),
    ("mp_i2v_el2", "dsb ishst; isb"),
    ("i2v_in_el1", "dsb nshst; isb"),
    ("loop_rt_el2", "dsb ishst; tlbi vae2is, {va}; dsb ish; isb"),
    ("loop_rt_el1", "dsb ishst; tlbi vaae1is, {va}; dsb ish; isb"),
    ("loop_rt_el0", "dsb ishst; tlbi vale1is, {va, ttl=3}; dsb ish; isb"),
    ("loop_rt_s2", "dsb ishst; tlbi vmalls12e1is; dsb ish; isb"),
    ("loop_rt_s2_s1", "dsb ishst; tlbi ipas2e1is, {ipa}; dsb ish; tlbi vmalle1is; dsb ish; isb"),
    ("cowinvt_in_el1", "dsb nshst; tlbi vae1, {va}; dsb nsh; isb"),
    ("wprot_in_el1", "dsb nshst; tlbi vale1, {va}; dsb nsh; isb"),
    ("fetch_in_el1", "dsb nshst; tlbi vmalle1; dsb nsh; isb"),
    ("asid_in_el1", "dsb nshst; tlbi aside1, {asid}; dsb nsh; isb"),
    ("asid_el1", "dsb ishst; tlbi aside1is, {asid}; dsb ish; isb"),
    ("asid_other_el1", "dsb nshst; tlbi vaae1, {va}; dsb nsh; isb"),
    ("vmid_other_s2", "dsb ishst; tlbi alle1is; dsb ish; isb"),
    ("cowinvt_el2h", "dsb nshst; tlbi alle2; dsb nsh; isb"),
    ("cowinvt_el0_el2h_tge", "dsb nshst; tlbi vmalle1; dsb nsh; isb"),
    ("mp_rt_el2h", "dsb ishst; tlbi alle2is; dsb ish; isb"),
    ("range_el2", "dsb ishst; tlbi rvae2is, {range}; dsb ish; isb"),
    ("range_el1", "dsb nshst; tlbi rvale1, {range, ttl=3}; dsb nsh; isb"),
    ("mp_range_el1", "dsb ishst; for page in {range}: tlbi vae1is, {page}; dsb ish; isb"),
    ("mp_range_el1", "dsb ishst; tlbi rvae1is, {range}; dsb ish; isb"),
    ("range_s2", "dsb ishst; tlbi ripas2e1is, {range}; dsb ish; tlbi vmalle1is; dsb ish; isb"),
    ("wprot_el0", "dsb nshst; tlbi vae1, {va}; dsb nsh; isb"),
    ("dirty_el2", "dsb nshst; tlbi vae2, {va}; dsb nsh; isb"),
    // The same sequences where somebody is in the regime while they run, or no exception return follows.
    ("loop_rt_el1", "dsb ishst; tlbi vae1is, {va}; dsb ish; isb"),
    ("loop_rt_el1", "dsb ishst; tlbi vmalle1is; dsb ish; isb"),
    ("loop_rt_el1", "dsb ishst; for page in {range}: tlbi vae1is, {page}; dsb ish; isb"),
    ("loop_rt_el1", "dsb ishst; tlbi rvae1is, {range}; dsb ish; isb"),
    ("loop_rt_s2", "dsb ishst; tlbi alle1is; dsb ish; isb"),
    ("loop_rt_s2_s1", "dsb ishst; tlbi ripas2e1is, {range}; dsb ish; tlbi vmalle1is; dsb ish; isb"),
    ("cowinvt_in_el1", "dsb nshst; tlbi vaale1, {va}; dsb nsh; isb"),
    ("cowinvt_in_el1", "dsb nshst; tlbi vaae1, {va}; dsb nsh; isb"),
    ("cowinvt_in_el1", "dsb nshst; tlbi rvale1, {range, ttl=3}; dsb nsh; isb"),
    ("asid_in_el1", "dsb ishst; tlbi aside1is, {asid}; dsb ish; isb"),
];

/// A mutant, ready to run.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The check it runs in.
    pub check: Check,
    /// The sequence before the edit.
    pub base: String,
    /// The mutant and the judge's verdict.
    pub judged: JudgedMutant,
}

/// Returns the mutants of a base that the language can say. (A repetition that does the same for every page it cannot.)
pub fn plan(check: Check, base: &str) -> Vec<Planned> {
    let Ok(sequence) = base.parse() else { return Vec::new() };
    judged(&question(check), &sequence)
        .into_iter()
        .filter(|judged| judged.mutant.sequence.to_string().parse::<Sequence>().is_ok())
        .map(|judged| Planned {
            check,
            base: base.to_owned(),
            judged,
        })
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

/// What became of a mutant, all machines together.
fn together<'a>(fates: impl Iterator<Item = &'a Fate> + Clone) -> Fate {
    // What one machine shows is shown, and what one skips another may run.
    let order = [
        Fate::Disagreement,
        Fate::CaughtByRun,
        Fate::CaughtByJudge,
        Fate::Survived,
        Fate::Equivalent,
    ];
    let has = |fate: &Fate| fates.clone().any(|other| other == fate);
    order.into_iter().find(has).unwrap_or(Fate::Skipped)
}

/// Mistakes of one kind that a terminal lists; all are in [`FILE`].
const LISTED: usize = 4;

/// Returns the matrix of kinds, with a column for each machine, the scores, and every mutant that needs a look, as Markdown.
/// All machines ran the same mutants.
pub fn report(machines: &[(String, Fates)]) -> String {
    let counted = Counted::of(machines);
    format!(
        "{}\n{}",
        report::markdown::table(&counted.table(&counted.names)),
        counted.after(machines)
    )
}

/// Returns the same for a terminal, and the mistakes that no machine shows: the judge alone finds them.
pub fn terminal(machines: &[(String, Fates)]) -> String {
    let counted = Counted::of(machines);
    // A name is too wide for a column of numbers.
    let letters: Vec<String> = ('A'..='Z').take(counted.names.len()).map(String::from).collect();
    let mut text = report::terminal::table(&counted.table(&letters), report::terminal::WIDTH);
    text.push_str("\n\n");
    for (letter, name) in letters.iter().zip(&counted.names) {
        let _ = writeln!(text, "{letter}: {name}");
    }
    text.push('\n');
    text.push_str(&counted.after(machines));
    if !counted.judge_alone.is_empty() {
        text.push_str("\nOnly the judge finds:\n");
        for (kind, mutants) in &counted.judge_alone {
            let _ = writeln!(text, "{}, {}:", kind.name(), mutants.len());
            for planned in mutants.iter().take(LISTED) {
                let mutant = &planned.judged.mutant;
                let line = format!("{} in {}: {}", mutant.description, planned.check.id(), mutant.sequence);
                let _ = writeln!(
                    text,
                    "{}",
                    report::terminal::fill(&line, report::terminal::WIDTH, "    ")
                );
            }
            if mutants.len() > LISTED {
                let _ = writeln!(
                    text,
                    "    and {} more ({FILE} in the runs has all)",
                    mutants.len() - LISTED
                );
            }
        }
    }
    text
}

/// The mutants of several machines, counted.
struct Counted<'a> {
    names: Vec<String>,
    /// For each kind: mistakes, those that each machine shows, then [`REST`].
    rows: BTreeMap<Kind, Vec<usize>>,
    /// Those that only the judge finds.
    judge_alone: BTreeMap<Kind, Vec<&'a Planned>>,
    /// Those that survive or are in dispute, a line for each.
    odd: String,
}

/// What is counted over all machines.
const REST: [(Fate, &str); 5] = [
    (Fate::CaughtByJudge, "judge alone"),
    (Fate::Survived, "survived"),
    (Fate::Equivalent, "no mistake"),
    (Fate::Disagreement, "disagreement"),
    (Fate::Skipped, "skipped"),
];

impl<'a> Counted<'a> {
    fn of(machines: &'a [(String, Fates)]) -> Self {
        let names: Vec<String> = machines.iter().map(|(name, _)| name.clone()).collect();
        let first = machines.first().map_or(&[][..], |(_, fates)| fates);
        let columns = 1 + machines.len() + REST.len();
        let mut counted = Self {
            names,
            rows: BTreeMap::new(),
            judge_alone: BTreeMap::new(),
            odd: String::new(),
        };
        for (at, (planned, _)) in first.iter().enumerate() {
            let of = machines
                .iter()
                .filter_map(|(_, fates)| fates.get(at).map(|(_, fate)| fate));
            let fate = together(of.clone());
            let kind = planned.judged.mutant.kind;
            let row = counted.rows.entry(kind).or_insert_with(|| vec![0; columns]);
            row[0] += usize::from(matches!(fate, Fate::CaughtByRun | Fate::CaughtByJudge | Fate::Survived));
            for (machine, fate) in of.clone().enumerate() {
                row[1 + machine] += usize::from(*fate == Fate::CaughtByRun);
            }
            if let Some(other) = REST.iter().position(|(known, _)| *known == fate) {
                row[1 + machines.len() + other] += 1;
            }
            if fate == Fate::CaughtByJudge {
                counted.judge_alone.entry(kind).or_default().push(planned);
            }
            for (fate, name) in of.zip(&counted.names) {
                if matches!(fate, Fate::Survived | Fate::Disagreement) {
                    let mutant = &planned.judged.mutant;
                    // Writing to a string does not fail.
                    let _ = writeln!(
                        counted.odd,
                        "{} on {name}: {} in {}: {} (judge: {})",
                        fate.name(),
                        mutant.sequence,
                        planned.check.id(),
                        mutant.description,
                        planned.judged.verdict.name()
                    );
                }
            }
        }
        counted
    }

    fn sums(&self) -> Vec<usize> {
        let mut sums = vec![0; 1 + self.names.len() + REST.len()];
        for row in self.rows.values() {
            sums.iter_mut().zip(row).for_each(|(sum, count)| *sum += count);
        }
        sums
    }

    /// Returns the table, its columns of machines under these names.
    fn table(&self, names: &[String]) -> Table {
        let mut columns = vec!["kind".to_owned(), ">mistakes".to_owned()];
        columns.extend(names.iter().map(|name| format!(">{name}")));
        columns.extend(REST.iter().map(|(_, word)| format!(">{word}")));
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let mut table = Table::new(format!("Mutants on {}", self.names.join(" and ")), &columns);
        let mut row = |name: &str, counts: &[usize]| {
            let counts = counts.iter().map(|count| Cell::from(grouped(*count as u64)));
            table.row([Cell::from(name)].into_iter().chain(counts));
        };
        for (kind, counts) in &self.rows {
            row(kind.name(), counts);
        }
        row("all", &self.sums());
        table
    }

    fn after(&self, machines: &[(String, Fates)]) -> String {
        let mut text = String::new();
        let sums = self.sums();
        let number = |n: usize| grouped(n as u64);
        for (machine, name) in self.names.iter().enumerate() {
            let (shown, all) = (number(sums[1 + machine]), number(sums[0]));
            let _ = writeln!(text, "Score: {shown} of {all} mistakes shown by {name}.");
        }
        let judge = sums[1 + machines.len()];
        let _ = writeln!(
            text,
            "By the judge alone: {}; by a machine or the judge: {} of {}.",
            number(judge),
            number(sums[0] - sums[2 + machines.len()]),
            number(sums[0])
        );
        for (name, fates) in machines {
            let _ = writeln!(text, "{name}: {}", Distinct::count(fates));
        }
        text + &self.odd
    }
}

/// Mistakes by sequence and edit, whichever check shows them: one that several checks try is one mistake.
#[derive(Debug, Default)]
struct Distinct<'a> {
    /// How many there are that can be executed at EL2.
    all: usize,
    /// How many some check shows.
    shown: usize,
    /// Those with an operation of EL3 in them.
    undefined: usize,
    /// Those that no check shows, each in one of its checks.
    not_shown: Vec<&'a Planned>,
}

impl<'a> Distinct<'a> {
    fn count(fates: &'a Fates) -> Self {
        let mut mistakes: BTreeMap<(&str, &str), (&Planned, bool)> = BTreeMap::new();
        let is_mistake = |fate: Fate| matches!(fate, Fate::CaughtByRun | Fate::CaughtByJudge | Fate::Survived);
        for (planned, fate) in fates.iter().filter(|(_, fate)| is_mistake(*fate)) {
            let key = (planned.base.as_str(), planned.judged.mutant.id.as_str());
            let (_, shown) = mistakes.entry(key).or_insert((planned, false));
            *shown |= *fate == Fate::CaughtByRun;
        }
        let mut distinct = Self::default();
        for (planned, shown) in mistakes.into_values() {
            if is_of_el3(planned) {
                distinct.undefined += 1;
                continue;
            }
            distinct.all += 1;
            if shown {
                distinct.shown += 1;
            } else {
                distinct.not_shown.push(planned);
            }
        }
        distinct
    }
}

impl fmt::Display for Distinct<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            all, shown, undefined, ..
        } = self;
        write!(
            f,
            "by sequence and edit, whichever check shows it: {shown} of {all} mistakes caught by this machine; {undefined} \
             more are operations of EL3, which are UNDEFINED at EL2."
        )
    }
}

/// Returns whether a mutant has an operation of EL3: at EL2 it is UNDEFINED, and an exception tells at once.
fn is_of_el3(planned: &Planned) -> bool {
    let is = |instruction| match instruction {
        Instruction::Tlbi(tlbi) => tlbi.op.level() == ExceptionLevel::El3,
        _ => false,
    };
    planned.judged.mutant.sequence.instructions().any(is)
}

/// Returns why no execution of its check can show a mistake, if that is known.
fn why_hidden(planned: &Planned) -> Option<&'static str> {
    let spec = planned.check.spec();
    let guest = spec.regime != Regime::El2 && !spec.regime.is_host();
    let synchronizes = planned.judged.mutant.description.contains("`isb`");
    match (guest && !spec.in_el1, synchronizes) {
        (true, true) => Some("the exception return before the access synchronizes context"),
        (true, false) => {
            Some("nobody is in the regime while the sequence runs at EL2, so that no walk can come in between")
        }
        _ => None,
    }
}

/// Returns the mistakes that no check shows, each with the reason: for a machine that shows whatever the architecture permits.
pub fn hidden(fates: &Fates) -> String {
    let mut text = String::new();
    for planned in Distinct::count(fates).not_shown {
        let mutant = &planned.judged.mutant;
        let _ = writeln!(
            text,
            "not shown: `{}`: {} ({}): {}",
            planned.base,
            mutant.description,
            planned.check.id(),
            why_hidden(planned).unwrap_or("no reason is known")
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use results::check::{Change, Mask, Spec};

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
        let fates = |first| vec![(local.clone(), first), (wider.clone(), Fate::Equivalent)];
        let text = report(&[
            ("a".to_owned(), fates(Fate::CaughtByRun)),
            ("q".to_owned(), fates(Fate::CaughtByJudge)),
        ]);
        assert!(
            text.contains("| kind | mistakes | a | q | judge alone | survived |"),
            "{text}"
        );
        assert!(text.contains("| all | 1 | 1 | 0 | 0 | 0 | 1 | 0 | 0 |"), "{text}");
        assert!(text.contains("Score: 1 of 1 mistakes shown by a.\nScore: 0 of 1 mistakes shown by q."));
        let shown = terminal(&[("q".to_owned(), fates(Fate::CaughtByJudge))]);
        assert!(!shown.contains("| "), "{shown}");
        assert!(
            shown.contains("\nA: q\n") && shown.contains("Only the judge finds:\nnarrow_scope, 1:\n    "),
            "{shown}"
        );
        // One check does not show it, another does: one mistake, and shown.
        let other = Planned {
            check: Check::from_id("loop_rt_el2").unwrap(),
            ..local.clone()
        };
        let mut both = vec![(local.clone(), Fate::CaughtByJudge)];
        assert_eq!(hidden(&both).lines().count(), 1);
        both.push((other, Fate::CaughtByRun));
        let counted = report(&[("m".to_owned(), both.clone())]);
        assert!(counted.contains("shows it: 1 of 1 mistakes"), "{counted}");
        assert_eq!(hidden(&both), "");
        let alone = report(&[("q".to_owned(), fates(Fate::CaughtByJudge))]);
        assert!(alone.contains("By the judge alone: 1;"), "{alone}");
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
            assert!(!plan(check, text).is_empty());
        }
    }

    /// Bases and checks and suite: whatever the checks and the suite have, some base has.
    #[test]
    fn bases_are_of_every_kind_of_check_and_every_operation_of_the_suite() {
        let bases = || BASES.map(|(check, _)| *Check::from_id(check).unwrap().spec());
        let has = |wanted: &dyn Fn(&Spec) -> bool| bases().iter().any(wanted);
        for check in Check::ALL {
            let spec = check.spec();
            // Hardware that sets an access flag is the same mechanism as one that marks a page dirty.
            let change = if spec.change == Change::Age {
                Change::Clean
            } else {
                spec.change
            };
            assert!(has(&|base| base.change == change), "{check:?}");
            assert!(has(&|base| base.regime == spec.regime), "{check:?}");
            assert!(
                has(&|base| (base.observer, base.in_el1) == (spec.observer, spec.in_el1)),
                "{check:?}"
            );
            assert!(
                has(&|base| (base.access, base.el0) == (spec.access, spec.el0)),
                "{check:?}"
            );
            assert!(has(&|base| (base.late, base.tag) == (spec.late, spec.tag)), "{check:?}");
        }
        let operations = |text: &str| {
            let sequence: Sequence = text.parse().unwrap();
            let tlbi = |instruction| match instruction {
                Instruction::Tlbi(tlbi) => Some(tlbi.op.name()),
                _ => None,
            };
            sequence.instructions().filter_map(tlbi).collect::<Vec<_>>()
        };
        let mutated: Vec<_> = BASES.iter().flat_map(|(_, text)| operations(text)).collect();
        for member in crate::check::suite::default(Mask::MAX) {
            for operation in operations(&member.text) {
                assert!(mutated.contains(&operation), "{}: {operation}", member.id);
            }
        }
    }
}
