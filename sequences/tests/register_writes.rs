// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes of translation registers in sequences: what a TLBI after them is about, and the ISB that makes it sure.

use sequences::judge::{
    After, Change, Judgement, Observers, Question, Regime, Rule, Stage, Verdict, is_sufficient, judge,
};
use sequences::mutants::judged;
use sequences::{ContextRegister, ContextValue, ExceptionLevel, Instruction, LowerError, Sequence, explain, lower};

fn sequence(text: &str) -> Sequence {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn asked(question: &Question, text: &str) -> Judgement {
    let instructions: Vec<Instruction> = sequence(text).instructions().collect();
    judge(question, &instructions)
}

fn verdict(question: &Question, text: &str) -> Verdict {
    asked(question, text).verdict
}

/// Another guest's stage 2 mapping was removed.
fn guest() -> Question {
    Question {
        stage: Stage::Two,
        ..Question::new(Change::Invalidate, Regime::El10, Observers::Inner, After::PageReuse)
    }
}

#[test]
fn registers_are_read_as_the_context_of_the_question_and_others() {
    let text =
        "msr vttbr_el2, x0; isb; tlbi vmalls12e1is; dsb ish; msr VTTBR_EL2, x1; msr vttbr_el2, X0; msr hcr_el2, {old}";
    let canonical = "msr vttbr_el2, {new}; isb; tlbi vmalls12e1is; dsb ish; msr vttbr_el2, {old}; msr vttbr_el2, {new}; \
                     msr hcr_el2, {old}";
    assert_eq!(sequence(text).to_string(), canonical);
    assert_eq!(sequence(canonical).to_string(), canonical);
    for (text, message) in [
        (
            "msr vttbr_el1, x0",
            "`vttbr_el1` is no translation register: did you mean `vttbr_el2`?",
        ),
        ("msr vttbr_el2", "expected `,` before the value"),
        (
            "msr vttbr_el2, w0",
            "expected `{new}`, `{old}` or a register `x0` to `x30`",
        ),
        (
            "msr vttbr_el2, {va}",
            "expected `{new}`, `{old}` or a register `x0` to `x30`",
        ),
    ] {
        let error = text.parse::<Sequence>().expect_err(message).to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn such_a_sequence_is_encoded_but_never_lowered_to_run() {
    let write = Instruction::Msr(ContextRegister::Ttbr0El1, ContextValue::New);
    assert_eq!(write.encode(0), 0xd518_2000);
    assert_eq!(
        Instruction::Msr(ContextRegister::VttbrEl2, ContextValue::New).encode(1),
        0xd51c_2101
    );
    assert_eq!(
        Instruction::Msr(ContextRegister::HcrEl2, ContextValue::Old).encode(3),
        0xd51c_1103
    );
    assert_eq!(
        Instruction::Msr(ContextRegister::SctlrEl3, ContextValue::Old).encode(30),
        0xd51e_101e
    );
    // Arm ARM, "MAIR_ELx": op0 3, op1 0, 4, 6, CRn 10, CRm 2, op2 0.
    for (register, word) in [
        (ContextRegister::MairEl1, 0xd518_a200),
        (ContextRegister::MairEl2, 0xd51c_a200),
        (ContextRegister::MairEl3, 0xd51e_a200),
    ] {
        assert_eq!(
            Instruction::Msr(register, ContextValue::New).encode(0),
            word,
            "{register}"
        );
    }
    assert_eq!(sequences::decode(0xd518_2000), None);
    assert_eq!(
        lower(&sequence("msr ttbr0_el1, x0; isb"), 1),
        Err(LowerError::RegisterWrite(write))
    );
}

#[test]
fn a_tlbi_goes_by_the_old_vmid_until_an_isb() {
    let question = guest();
    let with = "dsb ishst; msr vttbr_el2, x0; isb; tlbi vmalls12e1is; dsb ish; msr vttbr_el2, x1; isb";
    let without = "dsb ishst; msr vttbr_el2, x0; tlbi vmalls12e1is; dsb ish; msr vttbr_el2, x1; isb";
    assert!(verdict(&question, with).is_sufficient());
    let judgement = asked(&question, without);
    assert_eq!(judgement.verdict, Verdict::Insufficient);
    assert_eq!(judgement.reasons.len(), 1, "{:?}", judgement.reasons);
    assert_eq!(judgement.reasons[0].rule, Rule::RegisterWrite);
    assert!(
        judgement.reasons[0].text.contains("the old VMID"),
        "{:?}",
        judgement.reasons
    );
    let mended: Vec<String> = judgement
        .weakest
        .expect("a repair")
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        mended[..4],
        ["dsb ishst", "msr vttbr_el2, {new}", "isb", "tlbi vmalls12e1is"]
    );
    // A DSB is no context synchronization event.
    let dsb = "msr vttbr_el2, x0; dsb ish; tlbi vmalls12e1is; dsb ish";
    assert_eq!(verdict(&question, dsb), Verdict::Insufficient);
    // `alle1` is about every VMID: it needs neither the write nor the ISB.
    assert!(verdict(&question, "dsb ishst; msr vttbr_el2, x0; tlbi alle1is; dsb ish").is_sufficient());
}

#[test]
fn the_isb_after_a_register_write_is_never_advised_away() {
    let question = guest();
    let text = "dsb ishst; msr vttbr_el2, x0; isb; tlbi vmalls12e1is; dsb ish; msr vttbr_el2, x1; isb";
    let judgement = asked(&question, text);
    let weakest = judgement.weakest.as_ref().expect("a weakest form");
    assert_eq!(
        weakest[1..3],
        [
            sequence("msr vttbr_el2, x0").instructions().next().unwrap(),
            Instruction::Isb
        ]
    );
    let needed = judgement.reasons.iter().any(|reason| {
        reason.rule == Rule::RegisterWrite && reason.text.contains("orders `msr vttbr_el2, {new}` before")
    });
    assert!(needed, "{:?}", judgement.reasons);
    assert!(
        !judgement
            .reasons
            .iter()
            .any(|reason| reason.text.contains("(instruction 3) can go"))
    );
}

#[test]
fn a_tlbi_is_about_the_vmid_that_was_written_before_it_only() {
    let question = guest();
    for (text, sufficient) in [
        // Too late, and back too early.
        ("dsb ishst; tlbi vmalls12e1is; dsb ish; msr vttbr_el2, x0; isb", false),
        (
            "dsb ishst; msr vttbr_el2, x0; isb; msr vttbr_el2, x1; isb; tlbi vmalls12e1is; dsb ish",
            false,
        ),
        (
            "dsb ishst; msr vttbr_el2, x0; isb; msr vttbr_el2, x1; tlbi vmalls12e1is; dsb ish",
            false,
        ),
        // Flushed, then left: a later write does not reach back.
        ("dsb ishst; tlbi vmalls12e1is; dsb ish; msr vttbr_el2, {old}; isb", true),
        ("dsb ishst; tlbi vmalls12e1is; msr vttbr_el2, {old}; dsb ish", true),
        // KVM's way: by IPA, then what combines both stages.
        (
            "dsb ishst; msr vttbr_el2, x0; isb; tlbi ipas2e1is, {ipa}; dsb ish; tlbi vmalle1is; dsb ish; isb; msr vttbr_el2, x1",
            true,
        ),
        (
            "dsb ishst; msr vttbr_el2, x0; tlbi ipas2e1is, {ipa}; dsb ish; isb; tlbi vmalle1is; dsb ish; msr vttbr_el2, x1",
            false,
        ),
    ] {
        assert_eq!(verdict(&question, text).is_sufficient(), sufficient, "{text}");
    }
}

/// What VTTBR_EL2 holds before its first write is the question's to say, unless that write brings the question's VMID.
#[test]
fn the_vmid_before_the_first_write_is_that_of_the_question() {
    let other = Question {
        vmid_is_current: false,
        ..guest()
    };
    let text = "dsb ishst; tlbi vmalls12e1is; dsb ish; msr vttbr_el2, {old}; msr vttbr_el2, {new}; isb";
    assert!(verdict(&guest(), text).is_sufficient());
    assert_eq!(verdict(&other, text), Verdict::Insufficient);
    let text = "dsb ishst; msr vttbr_el2, {old}; isb; msr vttbr_el2, {new}; isb; tlbi vmalls12e1is; dsb ish";
    assert!(verdict(&other, text).is_sufficient());
}

#[test]
fn hcr_decides_the_regime_of_operations_for_el1() {
    let guest = Question::new(Change::Invalidate, Regime::El10, Observers::Inner, After::PageReuse);
    let with = "dsb ishst; msr hcr_el2, x0; isb; tlbi vmalle1is; dsb ish; msr hcr_el2, x1; isb";
    assert!(verdict(&guest, with).is_sufficient());
    assert_eq!(
        verdict(
            &guest,
            "dsb ishst; msr hcr_el2, x0; tlbi vmalle1is; dsb ish; msr hcr_el2, x1; isb"
        ),
        Verdict::Insufficient
    );
    // Both at once, as KVM with VHE does.
    let both = "dsb ishst; msr vttbr_el2, x2; msr hcr_el2, x0; isb; tlbi vmalls12e1is; dsb ish";
    assert!(verdict(&guest, both).is_sufficient());
    // `vmalls12e1` is about EL1&0 whatever TGE says.
    assert!(verdict(&guest, "dsb ishst; msr hcr_el2, x0; tlbi vmalls12e1is; dsb ish").is_sufficient());
}

#[test]
fn new_tables_are_in_use_by_the_isb_and_their_predecessors_entries_gone_after_it() {
    let question = Question::new(Change::ReplaceTables, Regime::El10, Observers::ThisPe, After::DataHere);
    for (text, sufficient) in [
        ("msr ttbr1_el1, x0; isb; tlbi vmalle1; dsb nsh; isb", true),
        // A walk after the TLBI may still go by the old tables.
        ("msr ttbr1_el1, x0; tlbi vmalle1; dsb nsh; isb", false),
        ("tlbi vmalle1; dsb nsh; isb; msr ttbr1_el1, x0; isb", false),
        ("msr ttbr1_el1, x0; isb", false),
        ("msr ttbr1_el1, x0; isb; tlbi vmalle1; isb", false),
        ("msr ttbr0_el2, x0; isb; tlbi alle2; dsb nsh; isb", false),
        // The write is not in the text: it came before.
        ("isb; tlbi vmalle1; dsb nsh; isb", true),
        ("tlbi vmalle1; dsb nsh; isb", false),
    ] {
        assert_eq!(verdict(&question, text).is_sufficient(), sufficient, "{text}");
    }
    let el2 = Question::new(Change::ReplaceTables, Regime::El2, Observers::ThisPe, After::FetchHere);
    assert!(verdict(&el2, "msr ttbr0_el2, x0; isb; tlbi alle2; dsb nsh; isb").is_sufficient());
    assert_eq!(
        verdict(&el2, "msr ttbr0_el2, x0; tlbi alle2; dsb nsh; isb"),
        Verdict::Insufficient
    );
    let switch = Question::new(Change::SwitchContext, Regime::El10, Observers::ThisPe, After::DataHere);
    assert_eq!(verdict(&switch, "msr ttbr0_el1, x0; isb"), Verdict::Sufficient);
    assert_eq!(verdict(&switch, "msr ttbr0_el1, x0"), Verdict::Insufficient);
    assert_eq!(verdict(&switch, "isb; msr ttbr0_el1, x0"), Verdict::Insufficient);
}

#[test]
fn a_write_above_its_level_is_undefined() {
    let mut question = Question::new(Change::Invalidate, Regime::El10, Observers::ThisPe, After::DataHere);
    question.runs_at = ExceptionLevel::El1;
    let judgement = asked(
        &question,
        "dsb nshst; msr vttbr_el2, x0; isb; tlbi vmalle1; dsb nsh; isb",
    );
    assert_eq!(judgement.verdict, Verdict::Insufficient);
    assert!(judgement.reasons[0].text.contains("UNDEFINED at EL1"));
}

#[test]
fn mutants_without_the_write_or_its_isb_are_mistakes() {
    let all = judged(
        &guest(),
        &sequence("dsb ishst; msr vttbr_el2, {new}; isb; tlbi vmalls12e1is; dsb ish"),
    );
    for id in [
        "m2_drop_msr_vttbr_el2_new",
        "m3_drop_isb",
        "m3_swap_isb_tlbi_vmalls12e1is",
    ] {
        let mutant = all
            .iter()
            .find(|mutant| mutant.mutant.id == id)
            .unwrap_or_else(|| panic!("{id}"));
        assert_eq!(mutant.verdict, Verdict::Insufficient, "{id}");
    }
}

#[test]
fn the_explanation_says_what_the_isb_is_for() {
    let lines = explain(&sequence("msr vttbr_el2, x0; isb; tlbi vmalls12e1is; dsb ish")).expect("an explanation");
    assert!(lines[0].orders.contains("no DSB waits for it"));
    assert!(
        lines[1].without_it.contains("old value of vttbr_el2"),
        "{}",
        lines[1].without_it
    );
    let lines = explain(&sequence("msr vttbr_el2, x0; tlbi vmalls12e1is; dsb ish")).expect("an explanation");
    assert!(lines[0].orders.contains("may go by the old value"));
}

#[test]
fn the_search_without_grounds_agrees() {
    let question = guest();
    for text in [
        "dsb ishst; msr vttbr_el2, x0; isb; tlbi vmalls12e1is; dsb ish",
        "dsb ishst; msr vttbr_el2, x0; tlbi vmalls12e1is; dsb ish",
    ] {
        let instructions: Vec<Instruction> = sequence(text).instructions().collect();
        assert_eq!(
            is_sufficient(&question, &instructions),
            Ok(verdict(&question, text).is_sufficient()),
            "{text}"
        );
    }
}
