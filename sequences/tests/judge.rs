// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the judge says, and that its parts agree with each other.

use proptest::prelude::{Strategy, prop};
use proptest::{prop_assert, proptest, sample};
use sequences::errata::Cpu;
use sequences::judge::{
    After, Budget, Change, CpuChoice, Judgement, Level, Observers, Question, Regime, Rule, Stage, Verdict, flips,
    is_sufficient, judge, judge_within,
};
use sequences::litmus::{Observation, Options, Shape, Test, export};
use sequences::{Access, Barrier, Domain, Instruction, Scope, Sequence, TlbiOp};

fn instructions(text: &str) -> Vec<Instruction> {
    text.parse::<Sequence>().expect("a sequence").instructions().collect()
}

fn text(instructions: &[Instruction]) -> String {
    instructions.iter().copied().collect::<Sequence>().to_string()
}

/// The seed's change: the boot CPU removes the 1:1 mapping from its own EL2 tables.
fn seed() -> Question {
    Question::new(Change::RemoveTable, Regime::El2, Observers::ThisPe, After::DataHere)
}

fn ask(question: &Question, sequence: &str) -> Judgement {
    judge(question, &instructions(sequence))
}

fn has_rule(judgement: &Judgement, rule: Rule) -> bool {
    judgement.reasons.iter().any(|reason| reason.rule == rule)
}

#[test]
fn the_new_sequence_of_the_seed_is_sufficient_and_says_why_non_shareable_is_enough() {
    let judgement = ask(&seed(), "dsb nshst; tlbi alle2; dsb nsh; isb");
    assert_eq!(judgement.verdict, Verdict::Sufficient);
    let why = judgement
        .reasons
        .iter()
        .find(|reason| reason.rule == Rule::CompletionDomain)
        .expect("the rule");
    assert!(
        why.text.contains("this PE only") && why.text.contains("Non-shareable domain is enough"),
        "{}",
        why.text
    );
}

#[test]
fn the_old_sequence_of_the_seed_is_stronger_than_needed_in_three_places() {
    let judgement = ask(&seed(), "dsb sy; isb; tlbi alle2; dsb sy; isb");
    assert_eq!(judgement.verdict, Verdict::StrongerThanNeeded);
    let texts: Vec<&str> = judgement.reasons[..3]
        .iter()
        .map(|reason| reason.text.as_str())
        .collect();
    assert!(
        texts[0].starts_with("`dsb sy` (instruction 1) can be `dsb nshst`"),
        "{}",
        texts[0]
    );
    assert!(texts[1].starts_with("`isb` (instruction 2) can go"), "{}", texts[1]);
    assert!(
        texts[2].starts_with("`dsb sy` (instruction 4) can be `dsb nsh`"),
        "{}",
        texts[2]
    );
    assert_eq!(
        text(&judgement.weakest.expect("a sequence")),
        "dsb nshst; tlbi alle2; dsb nsh; isb"
    );
}

#[test]
fn the_new_sequence_is_not_enough_where_other_pes_may_hold_the_entry() {
    let question = Question {
        observers: Observers::Inner,
        after: After::AccessElsewhere,
        ..seed()
    };
    let judgement = ask(&question, "dsb nshst; tlbi alle2; dsb nsh; isb");
    assert_eq!(judgement.verdict, Verdict::Insufficient);
    assert!(has_rule(&judgement, Rule::Scope) && has_rule(&judgement, Rule::CompletionDomain));
    assert!(
        judgement
            .counterexample
            .iter()
            .any(|step| step.pe == 1 && step.text.contains("old entry in the TLB"))
    );
}

#[test]
fn each_missing_element_is_named() {
    for (sequence, rule) in [
        ("tlbi alle2; dsb nsh; isb", Rule::StoreBeforeTlbi),
        ("dmb ishst; tlbi alle2; dsb nsh; isb", Rule::StoreBeforeTlbi),
        ("dsb nshld; tlbi alle2; dsb nsh; isb", Rule::StoreBeforeTlbi),
        ("dsb nsh; tlbi alle2; isb", Rule::Completion),
        ("dsb nsh; tlbi alle2; dsb nshst; isb", Rule::Completion),
        ("dsb nsh; tlbi alle2; dsb nsh", Rule::Context),
        ("dsb nsh; tlbi vmalle1; dsb nsh; isb", Rule::Regime),
        ("dsb nsh; tlbi vae2, {va!}; dsb nsh; isb", Rule::Operand),
        ("dsb nsh; dsb nsh; isb", Rule::Scope),
    ] {
        let judgement = ask(&seed(), sequence);
        assert_eq!(judgement.verdict, Verdict::Insufficient, "{sequence}");
        assert!(has_rule(&judgement, rule), "{sequence}: {judgement}");
        assert!(!judgement.counterexample.is_empty(), "{sequence}");
        let mended = judgement.weakest.expect("a mended sequence");
        assert_eq!(
            judge(&seed(), &mended).verdict,
            Verdict::Sufficient,
            "{sequence}: {}",
            text(&mended)
        );
    }
}

#[test]
fn ets2_makes_the_last_isb_superfluous_for_data_but_not_for_instructions() {
    let mut question = seed();
    question.architecture.ets2 = true;
    assert_eq!(
        ask(&question, "dsb nshst; tlbi alle2; dsb nsh").verdict,
        Verdict::Sufficient
    );
    question.after = After::FetchHere;
    assert_eq!(
        ask(&question, "dsb nshst; tlbi alle2; dsb nsh").verdict,
        Verdict::Insufficient
    );
    assert_eq!(
        ask(&question, "dsb nshst; tlbi alle2; dsb nsh; isb").verdict,
        Verdict::Sufficient
    );
}

#[test]
fn stage_2_by_ipa_needs_the_stage_1_half_and_a_dsb_between() {
    let question = Question {
        stage: Stage::Two,
        ..Question::new(Change::Invalidate, Regime::El10, Observers::Inner, After::PageReuse)
    };
    for (sequence, verdict) in [
        (
            "dsb ishst; tlbi ipas2e1is, {ipa}; dsb ish; tlbi vmalle1is; dsb ish",
            Verdict::Sufficient,
        ),
        ("dsb ishst; tlbi vmalls12e1is; dsb ish", Verdict::Sufficient),
        ("dsb ishst; tlbi ipas2e1is, {ipa}; dsb ish", Verdict::Insufficient),
        (
            "dsb ishst; tlbi ipas2e1is, {ipa}; tlbi vmalle1is; dsb ish",
            Verdict::Insufficient,
        ),
        (
            "dsb ishst; tlbi vmalle1is; dsb ish; tlbi ipas2e1is, {ipa}; dsb ish",
            Verdict::Insufficient,
        ),
        ("dsb ishst; tlbi vmalle1is; dsb ish", Verdict::Insufficient),
    ] {
        let judgement = ask(&question, sequence);
        assert_eq!(judgement.verdict, verdict, "{sequence}: {judgement}");
        assert!(
            verdict == Verdict::Sufficient || has_rule(&judgement, Rule::Stage2),
            "{sequence}: {judgement}"
        );
    }
}

#[test]
fn reduced_permissions_matter_to_fetches_too() {
    let question = Question::new(Change::Permissions, Regime::El2, Observers::ThisPe, After::FetchHere);
    let of = |sequence| ask(&question, sequence).verdict;
    assert_eq!(of("dsb nshst; tlbi vae2, {va}; dsb nsh; isb"), Verdict::Sufficient);
    // Without the ISB, what was fetched before the DSB may still run.
    assert_eq!(of("dsb nshst; tlbi vae2, {va}; dsb nsh"), Verdict::Insufficient);
    assert_eq!(of("dsb nshst; dsb nsh; isb"), Verdict::Insufficient);
}

#[test]
fn last_level_operations_do_not_cover_table_entries_and_an_open_level_is_unknown() {
    let mut question = Question::new(Change::Invalidate, Regime::El2, Observers::ThisPe, After::DataHere);
    let sequence = "dsb nshst; tlbi vale2, {va}; dsb nsh; isb";
    assert_eq!(ask(&question, sequence).verdict, Verdict::Unknown);
    question.level = Some(Level::Last);
    assert_eq!(ask(&question, sequence).verdict, Verdict::Sufficient);
    question.level = Some(Level::Table);
    let judgement = ask(&question, sequence);
    assert_eq!(judgement.verdict, Verdict::Insufficient);
    assert!(has_rule(&judgement, Rule::Operand), "{judgement}");
    assert_eq!(
        ask(&question, "dsb nshst; tlbi vae2, {va}; dsb nsh; isb").verdict,
        Verdict::Sufficient
    );
}

#[test]
fn a_new_mapping_needs_no_tlbi() {
    let question = Question::new(Change::Validate, Regime::El2, Observers::ThisPe, After::DataHere);
    assert_eq!(ask(&question, "dsb nshst; isb").verdict, Verdict::Sufficient);
    assert_eq!(ask(&question, "isb").verdict, Verdict::Insufficient);
    let judgement = ask(&question, "dsb nshst; tlbi alle2; dsb nsh; isb");
    assert_eq!(judgement.verdict, Verdict::StrongerThanNeeded);
    assert!(has_rule(&judgement, Rule::InvalidToValid), "{judgement}");
}

#[test]
fn nxs_forms_do_not_reclaim_device_memory() {
    let mut question = Question::new(Change::Invalidate, Regime::El10, Observers::Inner, After::PageReuse);
    let nxs = "dsb ishst; tlbi vae1isnxs, {va}; dsb ishnxs";
    assert!(ask(&question, nxs).verdict.is_sufficient());
    question.device = true;
    let judgement = ask(&question, nxs);
    assert_eq!(judgement.verdict, Verdict::Insufficient);
    assert!(has_rule(&judgement, Rule::Nxs), "{judgement}");
}

#[test]
fn a_context_switch_needs_synchronization_and_a_recycled_asid_an_invalidation() {
    let switch = Question::new(Change::SwitchContext, Regime::El10, Observers::ThisPe, After::DataHere);
    assert_eq!(ask(&switch, "isb").verdict, Verdict::Sufficient);
    assert_eq!(ask(&switch, "dsb ish").verdict, Verdict::Insufficient);
    let recycle = Question {
        change: Change::RecycleContext,
        global: Some(false),
        ..switch
    };
    assert_eq!(ask(&recycle, "isb").verdict, Verdict::Insufficient);
    assert_eq!(
        ask(&recycle, "isb; tlbi aside1, {asid}; dsb nsh; isb").verdict,
        Verdict::StrongerThanNeeded
    );
    assert_eq!(
        ask(&recycle, "tlbi aside1, {asid}; dsb nsh; isb").verdict,
        Verdict::Sufficient
    );
    // Where other PEs may hold entries of the ASID too, it has to be gone from them before they use it again.
    let everywhere = Question {
        observers: Observers::Inner,
        ..recycle
    };
    let local = ask(&everywhere, "tlbi aside1, {asid}; dsb nsh; isb");
    assert_eq!(local.verdict, Verdict::Insufficient);
    assert!(has_rule(&local, Rule::Scope), "{local}");
    let broadcast = ask(&everywhere, "tlbi aside1is, {asid}; dsb ish; isb");
    assert_eq!(broadcast.verdict, Verdict::Sufficient, "{broadcast}");
    assert_eq!(
        ask(&everywhere, "tlbi aside1is, {asid}; dsb nsh; isb").verdict,
        Verdict::Insufficient
    );
    assert!(
        broadcast.notes.iter().all(|note| note.rule != Rule::Operand),
        "{broadcast}"
    );
    let all = ask(&everywhere, "tlbi alle1is; dsb ish; isb");
    assert!(all.notes.iter().all(|note| note.rule != Rule::Operand), "{all}");
    // A switch alone concerns no other PE.
    let switch_everywhere = Question {
        change: Change::SwitchContext,
        ..everywhere
    };
    assert_eq!(ask(&switch_everywhere, "isb").verdict, Verdict::Sufficient);
}

#[test]
fn errata_ask_for_a_second_broadcast_on_affected_cpus_only() {
    let mut question = Question::new(Change::Invalidate, Regime::El10, Observers::Inner, After::PageReuse);
    let sequence = "dsb ishst; tlbi vae1is, {va}; dsb ish";
    assert_eq!(ask(&question, sequence).verdict, Verdict::Sufficient);
    assert!(
        ask(&question, sequence)
            .notes
            .iter()
            .any(|note| note.rule == Rule::Erratum("CVE-2025-10263"))
    );
    question.cpu = CpuChoice::One("neoverse-n1@r4p1".parse().expect("a CPU"));
    let judgement = ask(&question, sequence);
    assert_eq!(judgement.verdict, Verdict::Insufficient);
    assert!(has_rule(&judgement, Rule::Erratum("CVE-2025-10263")));
    let mended = judgement.weakest.expect("a mended sequence");
    assert_eq!(
        text(&mended),
        "dsb ishst; tlbi vae1is, {va}; dsb ish; tlbi vae1is, {va}; dsb ish"
    );
    assert_eq!(judge(&question, &mended).verdict, Verdict::Sufficient);
    let xen = "dsb ishst; tlbi vmalls12e1is; dsb ish; tlbi vale2is, xzr; dsb ish";
    question.level = Some(Level::Last);
    assert_eq!(ask(&question, xen).verdict, Verdict::Sufficient);
    question.cpu = CpuChoice::One("neoverse-n3".parse().expect("a CPU"));
    assert_eq!(ask(&question, sequence).verdict, Verdict::Sufficient);
}

#[test]
fn what_cannot_be_executed_or_decided_is_not_guessed() {
    let mut question = Question::new(Change::Invalidate, Regime::El10, Observers::ThisPe, After::DataHere);
    question.runs_at = sequences::ExceptionLevel::El1;
    let judgement = ask(&question, "dsb nshst; tlbi alle1; dsb nsh; isb");
    assert_eq!(judgement.verdict, Verdict::Insufficient);
    assert!(has_rule(&judgement, Rule::Regime));
    question.after = After::AccessElsewhere;
    assert_eq!(
        ask(&question, "dsb nshst; tlbi vmalle1; dsb nsh").verdict,
        Verdict::Unknown
    );
}

#[test]
fn plain_text_fits_a_terminal() {
    for sequence in [
        "dsb sy; isb; tlbi alle2; dsb sy; isb",
        "dsb nsh; tlbi vae2, {va!}; dsb nshst",
    ] {
        let judgement = ask(&seed(), sequence).to_string();
        assert!(judgement.lines().all(|line| line.chars().count() <= 72), "{judgement}");
    }
}

#[test]
fn exported_tests_read_back_to_the_same_verdict() {
    let questions = [
        seed(),
        Question::new(Change::Invalidate, Regime::El2, Observers::ThisPe, After::FetchHere),
        Question::new(
            Change::Invalidate,
            Regime::El10,
            Observers::Inner,
            After::AccessElsewhere,
        ),
        Question::new(Change::Invalidate, Regime::El10, Observers::Outer, After::PageReuse),
        Question::new(Change::Permissions, Regime::El20, Observers::Inner, After::DataHere),
        Question::new(Change::Validate, Regime::El2, Observers::Inner, After::AccessElsewhere),
        Question {
            stage: Stage::Two,
            ..Question::new(Change::Invalidate, Regime::El10, Observers::Inner, After::PageReuse)
        },
    ];
    let texts = [
        "dsb sy; isb; tlbi alle2; dsb sy; isb",
        "dsb nshst; tlbi alle2; dsb nsh; isb",
        "dsb nshst; tlbi alle2is; dsb ish; isb",
        "dsb ishst; tlbi vmalle1is; dsb ish; isb",
        "dsb ishst; tlbi vmalle1is; dsb nsh; isb",
        "dsb ishst; tlbi vae1is, {va}; dsb ish",
        "dsb ishst; tlbi vae2is, {va}; dsb ish; isb",
        "dmb ishst; tlbi vae2is, {va}; dsb ish; isb",
        "dsb ishst; tlbi ipas2e1is, {ipa}; dsb ish; tlbi vmalle1is; dsb ish; isb",
        "dsb ishst; tlbi ipas2e1is, {ipa}; dsb ish; isb",
        "dsb ishst; isb",
    ];
    let mut compared = 0;
    for question in &questions {
        for sequence in texts {
            let code = instructions(sequence);
            let tests: Result<Vec<String>, _> = Shape::of(question)
                .into_iter()
                .map(|shape| export(question, &code, shape))
                .collect();
            // By-address operations have no operand for a code page.
            let Ok(tests) = tests else { continue };
            let forbidden = tests.iter().all(|test| {
                let read = Test::parse(test).unwrap_or_else(|error| panic!("{error}\n{test}"));
                read.run(&Options::default()).expect("a report").observation == Observation::Never
            });
            assert_eq!(
                is_sufficient(question, &code),
                Ok(forbidden),
                "{question:?}\n{sequence}\n{}",
                tests.join("\n")
            );
            compared += 1;
        }
    }
    assert!(compared > 60, "{compared}");
}

fn any_instruction() -> impl Strategy<Value = Instruction> {
    let barriers: Vec<Barrier> = Barrier::all().collect();
    let tlbis: Vec<Instruction> = [
        "vae1",
        "vae1is",
        "vae1os",
        "vmalle1",
        "vmalle1is",
        "vale1is",
        "alle2",
        "alle1is",
    ]
    .into_iter()
    .flat_map(|name| instructions(&operand_for(name)))
    .collect();
    proptest::prop_oneof![
        sample::select(barriers.clone()).prop_map(Instruction::Dsb),
        sample::select(barriers).prop_map(Instruction::Dmb),
        sample::select(tlbis.clone()),
        sample::select(tlbis),
        proptest::strategy::Just(Instruction::Isb),
    ]
}

fn operand_for(name: &str) -> String {
    let op = TlbiOp::from_name(name).expect("an operation");
    if op.takes_operand() {
        format!("tlbi {name}, {{va}}")
    } else {
        format!("tlbi {name}")
    }
}

/// Returns sequences that are stronger by one step, whatever the question: architecture and machine alike must never
/// make them insufficient.
fn stronger(sequence: &[Instruction]) -> Vec<Vec<Instruction>> {
    let mut found = Vec::new();
    for at in 0..=sequence.len() {
        for extra in [
            Instruction::Isb,
            Instruction::Dsb(Barrier {
                domain: Domain::FullSystem,
                access: Access::All,
            }),
            Instruction::Dmb(Barrier {
                domain: Domain::FullSystem,
                access: Access::All,
            }),
        ] {
            let mut longer = sequence.to_vec();
            longer.insert(at, extra);
            found.push(longer);
        }
    }
    for at in 0..sequence.len() {
        let mut replaced = sequence.to_vec();
        replaced[at] = match sequence[at] {
            Instruction::Dsb(barrier) => Instruction::Dsb(Barrier {
                access: Access::All,
                ..barrier
            }),
            Instruction::Dmb(barrier) => Instruction::Dsb(barrier),
            other => other,
        };
        found.push(replaced.clone());
        if let Instruction::Dsb(barrier) = replaced[at] {
            replaced[at] = Instruction::Dsb(Barrier {
                domain: Domain::FullSystem,
                ..barrier
            });
            found.push(replaced);
        }
    }
    found
}

fn any_question() -> impl Strategy<Value = Question> {
    let changes = vec![Change::Invalidate, Change::Permissions, Change::Validate];
    let observers = vec![Observers::ThisPe, Observers::Inner, Observers::Outer];
    let afters = vec![After::DataHere, After::FetchHere, After::PageReuse, After::Nothing];
    (
        sample::select(changes),
        sample::select(observers),
        sample::select(afters),
        prop::bool::ANY,
    )
        .prop_map(|(change, observers, after, ets2)| {
            let mut question = Question::new(change, Regime::El10, observers, after);
            question.level = Some(Level::Last);
            question.architecture.ets2 = ets2;
            question
        })
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]

    #[test]
    fn strengthening_never_makes_a_sequence_insufficient(
        question in any_question(),
        sequence in prop::collection::vec(any_instruction(), 2..6),
    ) {
        if is_sufficient(&question, &sequence) == Ok(true) {
            for longer in stronger(&sequence) {
                prop_assert!(
                    is_sufficient(&question, &longer) == Ok(true),
                    "{} is sufficient, {} is not", text(&sequence), text(&longer)
                );
            }
        }
    }

    #[test]
    fn the_weakest_sequence_is_sufficient_and_stays_the_weakest(
        question in any_question(),
        sequence in prop::collection::vec(any_instruction(), 1..5),
    ) {
        let judgement = judge(&question, &sequence);
        if let Some(weakest) = judgement.weakest {
            let again = judge(&question, &weakest);
            prop_assert!(again.verdict == Verdict::Sufficient, "{} -> {}: {again}", text(&sequence), text(&weakest));
        }
    }
}

#[test]
fn a_scope_is_never_wider_than_its_domain_in_a_weakest_sequence() {
    let question = Question::new(Change::Invalidate, Regime::El10, Observers::Inner, After::PageReuse);
    let judgement = ask(&question, "dsb sy; tlbi vae1os, {va}; dsb sy; isb");
    let weakest = judgement.weakest.expect("a sequence");
    assert_eq!(text(&weakest), "dsb ishst; tlbi vae1is, {va}; dsb ish");
    assert!(weakest.iter().all(|instruction| {
        !matches!(instruction, Instruction::Tlbi(tlbi) if tlbi.op.scope() == Scope::OuterShareable)
    }));
}

/// Linux applies Falkor 1009 to part 0x800 r0p0 and to every Kryo of parts 0x2xx, not to part 0xc00.
#[test]
fn falkor_1009_asks_of_the_parts_that_linux_names() {
    let question = |midr: u32| Question {
        cpu: CpuChoice::One(Cpu::from_midr(midr)),
        ..Question::new(Change::Invalidate, Regime::El10, Observers::Inner, After::PageReuse)
    };
    let once = instructions("dsb ishst; tlbi vae1is, {va}; dsb ish");
    let twice = instructions("dsb ishst; tlbi vae1is, {va}; dsb ish; tlbi vae1is, {va}; dsb ish");
    for (midr, affected) in [
        (0x510f_8000, true),
        (0x511f_8000, false),
        (0x510f_2010, true),
        (0x511f_2052, true),
        (0x510f_2110, true),
        (0x510f_c000, false),
        (0x510f_c010, false),
    ] {
        let judgement = judge(&question(midr), &once);
        assert_eq!(judgement.verdict.is_sufficient(), !affected, "{midr:#x}");
        assert!(judge(&question(midr), &twice).verdict.is_sufficient(), "{midr:#x}");
        let unnamed = judgement
            .notes
            .iter()
            .any(|note| note.text.contains("no row of the table"));
        assert_eq!(unnamed, !affected, "{midr:#x}: {:?}", judgement.notes);
    }
}

/// Found by the adversary: an entry of another ASID stayed where the judge said that nothing can.
#[test]
fn an_invalidation_by_asid_without_operand_is_of_asid_0() {
    let mut question = Question::new(Change::Invalidate, Regime::El10, Observers::ThisPe, After::Nothing);
    question.global = Some(false);
    assert!(
        ask(&question, "dsb nshst; tlbi aside1, {asid}; dsb nsh; isb")
            .verdict
            .is_sufficient()
    );
    let without = ask(&question, "dsb nshst; tlbi aside1, xzr; dsb nsh; isb");
    assert!(without.verdict == Verdict::Insufficient && has_rule(&without, Rule::Operand));
}

#[test]
fn entries_may_be_of_other_vmids_and_asids() {
    use sequences::judge::Ids;
    let question = |asids, every_vmid| Question {
        global: Some(false),
        asids,
        every_vmid,
        ..Question::new(Change::Invalidate, Regime::El10, Observers::Inner, After::PageReuse)
    };
    let is = |question: &Question, text: &str, sufficient: bool| {
        let instructions: Vec<Instruction> = text.parse::<Sequence>().unwrap().instructions().collect();
        assert_eq!(
            judge(question, &instructions).verdict.is_sufficient(),
            sufficient,
            "{text}"
        );
    };
    let by_va = "dsb ishst; tlbi vae1is, {va}; dsb ish";
    let by_asid = "dsb ishst; tlbi aside1is, {asid}; dsb ish";
    let any_asid = "dsb ishst; tlbi vaae1is, {va}; dsb ish";
    let any_vmid = "dsb ishst; tlbi alle1is; dsb ish";
    for text in [by_va, by_asid, any_asid, any_vmid] {
        is(&question(Ids::Current, false), text, true);
    }
    for asids in [Ids::Other, Ids::All] {
        is(&question(asids, false), by_va, false);
        is(&question(asids, false), by_asid, false);
        is(&question(asids, false), any_asid, true);
    }
    is(&question(Ids::Current, true), any_asid, false);
    is(&question(Ids::Current, true), any_vmid, true);
}

/// Where one of several repairs would do, the one that is named is the one that the counterexample shows.
#[test]
fn the_barrier_that_is_named_is_the_one_that_is_missing() {
    let local = Question::new(Change::Invalidate, Regime::El2, Observers::ThisPe, After::DataHere);
    let twice = ask(&local, "isb; tlbi alle2; dsb nsh; isb; tlbi alle2; dsb nsh");
    assert!(
        has_rule(&twice, Rule::Context) && twice.reasons.len() == 1,
        "{:?}",
        twice.reasons
    );
    let open = ask(&local, "dsb nshst; tlbi alle2; tlbi alle2; isb");
    assert!(has_rule(&open, Rule::Completion), "{:?}", open.reasons);
    let late = ask(&local, "tlbi alle2; dsb nsh; isb");
    assert!(has_rule(&late, Rule::StoreBeforeTlbi), "{:?}", late.reasons);

    // A barrier that is there is too narrow, not missing.
    let mut stage2 = Question::new(Change::Invalidate, Regime::El10, Observers::Inner, After::DataHere);
    stage2.stage = Stage::Two;
    let narrow = ask(
        &stage2,
        "dsb nshst; tlbi ipas2e1, {ipa}; dsb nsh; tlbi vmalle1; dsb nsh; isb",
    );
    let texts: Vec<&str> = narrow.reasons.iter().map(|reason| reason.text.as_str()).collect();
    assert!(
        texts.iter().any(|text| text.starts_with("`dsb nsh` between")),
        "{texts:?}"
    );
    assert!(
        !texts.iter().any(|text| text.contains("is missing between")),
        "{texts:?}"
    );
}

#[test]
fn dozens_of_invalidations_that_nothing_orders_are_judged_at_once() {
    let all = |tlbi: &str, count: usize| format!("dsb ishst; {} dsb ish; isb", format!("tlbi {tlbi}; ").repeat(count));
    let question = Question::new(Change::Invalidate, Regime::El10, Observers::Inner, After::FetchHere);
    for count in [2, 12, 28] {
        let judgement = ask(&question, &all("vae1is, {va}", count));
        assert_eq!(judgement.verdict, Verdict::StrongerThanNeeded, "{count}");
        let narrow = ask(&question, &all("vae1, {va}", count));
        assert_eq!(narrow.verdict, Verdict::Insufficient, "{count}");
    }
    let mut stage2 = Question::new(Change::Invalidate, Regime::El10, Observers::Inner, After::FetchHere);
    stage2.stage = Stage::Two;
    // Without a DSB between the halves, no repetition helps.
    let halves = "tlbi ipas2e1is, {ipa}; tlbi vmalle1is; ".repeat(12);
    let judgement = ask(&stage2, &format!("dsb ishst; {halves} dsb ish; isb"));
    assert_eq!(judgement.verdict, Verdict::Insufficient);
}

#[test]
fn an_address_of_stage_2_that_is_not_shifted_names_another_page() {
    let mut question = Question::new(Change::Invalidate, Regime::El10, Observers::Inner, After::Nothing);
    question.stage = Stage::Two;
    let rest = "dsb ish; tlbi vmalle1is; dsb ish; isb";
    let bare = ask(&question, &format!("dsb ishst; tlbi ipas2e1is, {{ipa!}}; {rest}"));
    assert!(
        bare.verdict == Verdict::Insufficient && has_rule(&bare, Rule::Operand),
        "{:?}",
        bare.reasons
    );
    let shifted = ask(&question, &format!("dsb ishst; tlbi ipas2e1is, {{ipa}}; {rest}"));
    assert!(shifted.verdict.is_sufficient(), "{:?}", shifted.reasons);
}

#[test]
fn what_a_budget_does_not_reach_is_said() {
    let broadcast = Question {
        global: Some(false),
        ..Question::new(
            Change::Invalidate,
            Regime::El10,
            Observers::Inner,
            After::AccessElsewhere,
        )
    };
    for (question, sequence) in [
        (seed(), "dsb sy; isb; tlbi alle2; dsb sy; isb"),
        (broadcast.clone(), "tlbi vae1is, {va}; dsb ish"),
        (
            broadcast,
            "dsb ishst; tlbi aside1is, {asid}; tlbi vae1, {va}; dsb ish; tlbi vmalle1is; dsb ish",
        ),
    ] {
        let whole = ask(&question, sequence);
        let around = flips(&question, &instructions(sequence), &Budget::default());
        assert_eq!(around.untried, 0);
        let (mut unknown, mut cut) = (0, 0);
        for states in 0..400 {
            let budget = Budget::new(states);
            let judgement = judge_within(&question, &instructions(sequence), &budget);
            let given_up = |reason: &sequences::judge::Reason| reason.rule == Rule::Search;
            if judgement.verdict == Verdict::Unknown {
                assert!(judgement.reasons.iter().all(given_up), "{judgement}");
                unknown += 1;
            } else if judgement != whole {
                // Less was found out, and nothing else.
                assert_eq!(
                    judgement.verdict.is_sufficient(),
                    whole.verdict.is_sufficient(),
                    "{states}: {judgement}"
                );
                assert!(judgement.notes.iter().any(given_up), "{states}: {judgement}");
                cut += 1;
            }
            let some = flips(&question, &instructions(sequence), &budget);
            assert!(
                some.found.len() + some.untried >= around.found.len() || unknown > 0,
                "{states}"
            );
            assert!(some.found.iter().all(|flip| around.found.contains(flip)), "{states}");
        }
        assert!(unknown > 0 && cut > 0, "{sequence}: {unknown} {cut}");
    }
}
