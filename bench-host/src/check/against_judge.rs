// SPDX-License-Identifier: MIT OR Apache-2.0
//! A machine held against the judge: sequences in checks, which of them the judge calls insufficient, and which of those
//! the machine shows; and why it cannot show the others.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use results::check::{Access, Change, Check, Observer, Regime, Spec, Tag};
use results::verdict::Class;
use review::check_question::question;
use sequences::judge::{Rule, Verdict, is_sufficient, judge};
use sequences::{Access as Loads, Barrier, Domain, Instruction, Sequence};

use super::suite::Member;
use super::tally::Case;

/// What a machine saw of a sequence in a check, beside what the judge says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// Never stale, and the judge calls it sufficient.
    Agreed,
    /// Stale, and the judge calls it sufficient: one of them is wrong.
    Alarm,
    /// Stale, and the judge calls it insufficient.
    Shown,
    /// Never stale, though the judge calls it insufficient.
    NotShown,
    /// The judge does not decide.
    Undecided,
    /// The machine could not run it.
    Skipped,
}

/// A sequence in a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Stable id of the sequence.
    pub seq: String,
    /// The check.
    pub check: Check,
    /// What came of it.
    pub seen: Seen,
    /// What the judge misses in it.
    pub missing: BTreeSet<Rule>,
    /// Why the machine does not show it: for one that is not shown, where that is known.
    pub why: Option<&'static str>,
}

/// Holds cases against the judge.
pub fn pairs(members: &[Member], cases: &[Case]) -> Vec<Pair> {
    let pair = |case: &Case| {
        let text = &members.iter().find(|member| member.id == case.seq)?.text;
        let sequence: Sequence = text.parse().ok()?;
        let instructions: Vec<Instruction> = sequence.instructions().collect();
        let judgement = judge(&question(case.check), &instructions);
        let seen = match (case.class, judgement.verdict) {
            (Class::Skipped, _) => Seen::Skipped,
            (_, Verdict::Unknown) => Seen::Undecided,
            (Class::Fail, Verdict::Insufficient) => Seen::Shown,
            (_, Verdict::Insufficient) => Seen::NotShown,
            // What a known bug of the machine explains is no disagreement about the architecture.
            (Class::Fail, _) if case.known.is_none() => Seen::Alarm,
            _ => Seen::Agreed,
        };
        let missing: BTreeSet<Rule> = match judgement.verdict {
            Verdict::Insufficient => judgement.reasons.iter().map(|reason| reason.rule).collect(),
            _ => BTreeSet::new(),
        };
        let why = match seen {
            Seen::NotShown => why(case.check, &instructions, &missing),
            _ => None,
        };
        Some(Pair {
            seq: case.seq.clone(),
            check: case.check,
            seen,
            missing,
            why,
        })
    };
    cases.iter().filter_map(pair).collect()
}

const NOBODY: &str = "missing first DSB: nobody is in that regime, or uses that tag, while the sequence runs, so that nothing is walked \
    again before the store is visible; or the PE that runs it has seen the store already";
const SYNCHRONIZED: &str =
    "missing ISB: the access comes behind an exception return, or behind an ISB of the check itself";
const BOTH: &str = "missing first DSB and ISB: the shape hides both";
const ONE_PAGE: &str = "by address, where a table is removed: the operation names the page that the check uses, and only other pages of \
    that table can be stale";

/// Returns why no machine can show that a sequence is not enough in a check; `None` if one could.
///
/// What is missing is found by giving it: an ISB at the end, a DSB in front, or both.
fn why(check: Check, instructions: &[Instruction], missing: &BTreeSet<Rule>) -> Option<&'static str> {
    let question = question(check);
    let store = Instruction::Dsb(Barrier::new(Domain::FullSystem, Loads::All));
    let enough = |&(front, end): &(bool, bool)| {
        let front = front.then_some(store).into_iter();
        let given = front.chain(instructions.iter().copied());
        let given: Vec<_> = given.chain(end.then_some(Instruction::Isb)).collect();
        is_sufficient(&question, &given) == Ok(true)
    };
    let spec = check.spec();
    match [(false, true), (true, false), (true, true)]
        .iter()
        .find(|mend| enough(mend))
    {
        Some((false, _)) if synchronizes(spec) => Some(SYNCHRONIZED),
        Some((true, false)) if is_idle(spec) => Some(NOBODY),
        Some((true, true)) if is_idle(spec) && synchronizes(spec) => Some(BOTH),
        None if is_of_table(spec) && missing.contains(&Rule::Operand) => Some(ONE_PAGE),
        _ => None,
    }
}

/// Returns whether context is synchronized between the sequence and the access, whatever the sequence does.
fn synchronizes(spec: &Spec) -> bool {
    let enters = (spec.regime.is_guest() || spec.regime == Regime::El2HostTge) && !spec.in_el1;
    let two_steps = matches!(spec.change, Change::Remap | Change::Relink);
    let fetches = spec.access == Access::Fetch;
    enters || spec.observer != Observer::Own || !spec.late && (two_steps || fetches)
}

/// Returns whether nobody is in the regime while the sequence runs, or whoever runs it has seen the change already.
fn is_idle(spec: &Spec) -> bool {
    let in_regime = !spec.regime.is_guest() || spec.in_el1 || spec.observer == Observer::Loop;
    !in_regime || spec.observer == Observer::Relay || spec.tag == Tag::OtherAsid
}

fn is_of_table(spec: &Spec) -> bool {
    let tables = [
        Change::RemoveTable,
        Change::Relink,
        Change::Identity,
        Change::IdentityOfSecondaries,
    ];
    tables.contains(&spec.change)
}

/// Returns the table of machines, and of each what it does not show, by reason.
pub fn report(machines: &[(String, Vec<Pair>)]) -> String {
    let mut text = String::from("Catalogue and judge\n\n");
    text.push_str("| machine | sequences | in checks | sufficient | of these stale | insufficient | of these shown | undecided | skipped |\n");
    text.push_str("|---|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    for (name, pairs) in machines {
        let count = |wanted: &[Seen]| pairs.iter().filter(|pair| wanted.contains(&pair.seen)).count();
        let sequences: BTreeSet<&str> = pairs.iter().map(|pair| pair.seq.as_str()).collect();
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} | {} | {} | {} |",
            sequences.len(),
            pairs.len(),
            count(&[Seen::Agreed, Seen::Alarm]),
            count(&[Seen::Alarm]),
            count(&[Seen::Shown, Seen::NotShown]),
            count(&[Seen::Shown]),
            count(&[Seen::Undecided]),
            count(&[Seen::Skipped])
        );
    }
    for (name, pairs) in machines {
        let _ = writeln!(text, "\nOn {name}:");
        for pair in pairs.iter().filter(|pair| pair.seen == Seen::Alarm) {
            let _ = writeln!(
                text,
                "ALARM: {} is stale in {}, and the judge calls it sufficient",
                pair.seq,
                pair.check.id()
            );
        }
        not_shown(&mut text, pairs);
    }
    text
}

/// Writes what is not shown: the sequences that are shown in no check at all, and the rest by reason.
fn not_shown(text: &mut String, pairs: &[Pair]) {
    let mut reasons: BTreeMap<String, (usize, BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
    for pair in pairs.iter().filter(|pair| pair.seen == Seen::NotShown) {
        let why = pair.why.map_or_else(
            || {
                format!(
                    "the shape could show it, and this machine does not; missing {:?}",
                    pair.missing
                )
            },
            str::to_owned,
        );
        let (count, checks, sequences) = reasons.entry(why).or_default();
        *count += 1;
        checks.insert(pair.check.id());
        sequences.insert(pair.seq.as_str());
    }
    for (why, (count, checks, sequences)) in reasons {
        let checks: Vec<&str> = checks.into_iter().collect();
        let _ = writeln!(
            text,
            "not shown, {count}: {why} ({} sequences; {})",
            sequences.len(),
            checks.join(", ")
        );
    }
    let ids = |wanted: Seen| -> BTreeSet<&str> {
        let of = pairs.iter().filter(|pair| pair.seen == wanted);
        of.map(|pair| pair.seq.as_str()).collect()
    };
    let never: Vec<&str> = ids(Seen::NotShown).difference(&ids(Seen::Shown)).copied().collect();
    let _ = writeln!(
        text,
        "insufficient in some check, and shown in none: {} of {} sequences{}{}",
        never.len(),
        ids(Seen::NotShown).union(&ids(Seen::Shown)).count(),
        if never.is_empty() { "" } else { ": " },
        never.join(", ")
    );
}

#[cfg(test)]
mod tests {
    use results::check::Outcomes;

    use super::*;
    use crate::check::tally::tests::examples;

    fn case(check: &str, class: Class) -> Case {
        Case {
            check: Check::from_id(check).unwrap(),
            seq: "s".to_owned(),
            test: Outcomes::default(),
            class,
            ..examples().remove(0)
        }
    }

    fn pair(text: &str, case: &Case) -> Pair {
        let member = Member {
            id: "s".to_owned(),
            text: text.to_owned(),
            checks: case.check.mask(),
        };
        pairs(&[member], std::slice::from_ref(case)).remove(0)
    }

    #[test]
    fn a_machine_agrees_with_the_judge_or_one_of_them_is_wrong() {
        let enough = "dsb nshst; tlbi vae2, {va}; dsb nsh; isb";
        let seen = |text, class| pair(text, &case("cowinvt_el2", class)).seen;
        assert_eq!(seen(enough, Class::Pass), Seen::Agreed);
        assert_eq!(seen(enough, Class::Fail), Seen::Alarm);
        assert_eq!(seen("tlbi vae2, {va}; dsb nsh; isb", Class::Fail), Seen::Shown);
        assert_eq!(seen(enough, Class::Skipped), Seen::Skipped);
        let mut known = case("cowinvt_el2", Class::Fail);
        known.known = Some("a bug");
        assert_eq!(pair(enough, &known).seen, Seen::Agreed);
    }

    #[test]
    fn what_a_shape_hides_is_told_and_what_it_could_show_is_not_excused() {
        let why = |check, text| {
            let pair = pair(text, &case(check, Class::Pass));
            assert_eq!(pair.seen, Seen::NotShown, "{check}: {text}");
            pair.why
        };
        let (no_dsb, no_isb) = (
            "tlbi vae1is, {va}; dsb ish; isb",
            "dsb ishst; tlbi vae1is, {va}; dsb ish",
        );
        assert_eq!(why("cowinvt_el1", no_dsb), Some(NOBODY));
        assert_eq!(why("loop_rt_el1", no_dsb), None);
        assert_eq!(why("cowinvt_in_el1", no_dsb), None);
        assert_eq!(why("cowinvt_el1", no_isb), Some(SYNCHRONIZED));
        assert_eq!(why("cowinvt_in_el1", no_isb), None);
        assert_eq!(why("cowinvt_el1", "tlbi vae1is, {va}; dsb ish"), Some(BOTH));
        assert_eq!(
            why("bbm_oa_el2", "dsb nshst; tlbi vae2, {va}; dsb nsh"),
            Some(SYNCHRONIZED)
        );
        assert_eq!(why("bbm_late_el2", "dsb nshst; tlbi vae2, {va}; dsb nsh"), None);
        assert_eq!(
            why("table_l2_el2", "dsb nshst; tlbi vae2, {va}; dsb nsh; isb"),
            Some(ONE_PAGE)
        );
        assert_eq!(why("cowinvt_el2", "dsb nshst; dsb nsh; isb; tlbi vae2, {va}"), None);
    }

    #[test]
    fn the_report_counts_machines_apart_and_names_what_is_shown_nowhere() {
        let shown = pair("tlbi vae2, {va}; dsb nsh; isb", &case("cowinvt_el2", Class::Fail));
        let hidden = pair("tlbi vae1, {va}; dsb nsh; isb", &case("cowinvt_el1", Class::Pass));
        let alarm = pair(
            "dsb nshst; tlbi vae2, {va}; dsb nsh; isb",
            &case("cowinvt_el2", Class::Fail),
        );
        let text = report(&[
            ("a".to_owned(), vec![shown, hidden.clone()]),
            ("q".to_owned(), vec![hidden, alarm]),
        ]);
        assert!(text.contains("| a | 1 | 2 | 0 | 0 | 2 | 1 | 0 | 0 |"), "{text}");
        assert!(text.contains("| q | 1 | 2 | 1 | 1 | 1 | 0 | 0 | 0 |"), "{text}");
        assert!(text.contains("ALARM: s is stale in cowinvt_el2"), "{text}");
        assert!(text.contains("shown in none: 1 of 1 sequences: s"), "{text}");
    }
}
