// SPDX-License-Identifier: MIT OR Apache-2.0
//! The two readings that verdicts can rest on, and the strict one of both.

use sequences::Instruction;
use sequences::judge::{After, Change, Judgement, Observers, Question, Reading, Regime, Rule, Verdict, judge};

fn asked(question: &Question, text: &str) -> Judgement {
    let sequence: sequences::Sequence = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    let instructions: Vec<Instruction> = sequence.instructions().collect();
    judge(question, &instructions)
}

fn both(question: &Question, text: &str) -> (bool, bool) {
    let strict = Question {
        reading: Reading::Strict,
        ..question.clone()
    };
    (
        asked(question, text).verdict.is_sufficient(),
        asked(&strict, text).verdict.is_sufficient(),
    )
}

fn own(regime: Regime) -> Question {
    Question::new(Change::Invalidate, regime, Observers::ThisPe, After::DataHere)
}

fn inner(regime: Regime) -> Question {
    Question::new(Change::Invalidate, regime, Observers::Inner, After::PageReuse)
}

/// The six that a machine with both passages read strictly was seen to fail.
#[test]
fn six_sequences_rest_on_a_reading() {
    for (regime, text) in [
        (Regime::El2, "dsb ishst; tlbi vae2is, {va}; dsb nsh; isb"),
        (Regime::El2, "dsb ishst; tlbi alle2is; dsb nsh; isb"),
        (Regime::El10, "dsb ishst; tlbi vae1is, {va}; dsb nsh; isb"),
        (Regime::El10, "dsb ishst; tlbi vmalle1is; dsb nsh; isb"),
    ] {
        assert_eq!(both(&own(regime), text), (true, false), "{text}");
        let notes = asked(&own(regime), text).notes;
        assert!(
            notes.iter().any(|note| note.rule == Rule::ReadingOfCompletion),
            "{text}: {notes:?}"
        );
    }
    for (regime, text) in [
        (Regime::El2, "dsb nshst; tlbi vae2is, {va}; dsb ish; isb"),
        (Regime::El10, "dsb nshst; tlbi vae1is, {va}; dsb ish; isb"),
    ] {
        assert_eq!(both(&inner(regime), text), (true, false), "{text}");
        let notes = asked(&inner(regime), text).notes;
        let spelling: Vec<_> = notes.iter().filter(|note| note.rule == Rule::Spelling).collect();
        assert!(
            spelling.iter().any(|note| note.text.contains("rests on this reading")),
            "{text}: {notes:?}"
        );
        assert!(
            spelling
                .iter()
                .any(|note| note.text.contains("reviewers may prefer `dsb ishst` or `dsb st`")),
            "{text}: {notes:?}"
        );
    }
}

#[test]
fn domains_that_cover_the_scope_are_enough_under_both() {
    for (question, text) in [
        (own(Regime::El2), "dsb nshst; tlbi alle2; dsb nsh; isb"),
        (own(Regime::El2), "dsb nshst; tlbi alle2is; dsb ish; isb"),
        (inner(Regime::El2), "dsb ishst; tlbi vae2is, {va}; dsb ish; isb"),
        (inner(Regime::El2), "dsb st; tlbi vae2is, {va}; dsb sy; isb"),
        (inner(Regime::El10), "dsb ishst; tlbi vae1is, {va}; dsb ish"),
        (
            Question::new(Change::Invalidate, Regime::El10, Observers::Outer, After::PageReuse),
            "dsb oshst; tlbi vae1os, {va}; dsb osh",
        ),
    ] {
        assert_eq!(both(&question, text), (true, true), "{text}");
        assert!(
            !asked(&question, text)
                .notes
                .iter()
                .any(|note| note.text.contains("rests on this reading"))
        );
    }
}

#[test]
fn the_strict_reading_excuses_nothing() {
    for (question, text) in [
        (own(Regime::El2), "tlbi alle2; dsb nsh; isb"),
        (inner(Regime::El2), "dsb ishst; tlbi alle2is; dsb nsh; isb"),
        (inner(Regime::El2), "dsb ishst; tlbi alle2is; dsb ishst; isb"),
        (inner(Regime::El2), "dsb ishld; tlbi alle2is; dsb ish; isb"),
    ] {
        assert_eq!(both(&question, text), (false, false), "{text}");
    }
    let outer = Question::new(Change::Invalidate, Regime::El10, Observers::ThisPe, After::DataHere);
    assert_eq!(
        both(&outer, "dsb oshst; tlbi vae1os, {va}; dsb ish; isb"),
        (true, false)
    );
}

#[test]
fn the_strict_reading_mends_with_the_scope_of_the_tlbi() {
    let strict = Question {
        reading: Reading::Strict,
        ..inner(Regime::El2)
    };
    let judgement = asked(&strict, "dsb nshst; tlbi vae2is, {va}; dsb ish; isb");
    assert_eq!(judgement.verdict, Verdict::Insufficient);
    assert!(
        judgement.reasons[0].text.contains("`dsb nshst`, read strictly"),
        "{judgement:?}"
    );
    assert!(
        !judgement.notes.iter().any(|note| note.rule == Rule::Spelling),
        "{judgement:?}"
    );
    let weakest: Vec<String> = judgement
        .weakest
        .expect("a repair")
        .iter()
        .map(ToString::to_string)
        .collect();
    // The page is reused after it: this PE fetches nothing through the entry, so the ISB is not among it.
    assert_eq!(weakest, ["dsb ishst", "tlbi vae2is, {va}", "dsb ish"]);
}

#[test]
fn the_source_of_a_spelling_is_the_known_issue() {
    assert!(Rule::Spelling.citation().contains("AARCH-24234"));
    assert!(Rule::Spelling.citation().contains("Issue M.a"));
}
