// SPDX-License-Identifier: MIT OR Apache-2.0
//! Plans from options.

use clap::Parser;
use results::plan::{OperandKind, OperandRegister};

use super::*;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    plan: PlanArgs,
}

fn plan(arguments: &[&str]) -> Result<RunPlan, Error> {
    let arguments = ["x"].iter().chain(arguments);
    RunPlan::new(&Cli::try_parse_from(arguments).unwrap().plan)
}

fn refusal(arguments: &[&str]) -> String {
    plan(arguments).unwrap_err().to_string()
}

#[test]
fn the_default_plan_is_the_xen_patch_with_a_repeated_baseline() {
    let described = plan(&[]).unwrap().describe(Level::El2, 7, false);
    let ids: Vec<_> = described
        .sequences
        .iter()
        .map(|s| (s.id.as_str(), s.timed, s.checked))
        .collect();
    assert_eq!(
        ids,
        [
            ("xen_head_old", true, true),
            ("xen_head_old_aa", true, false),
            ("xen_head_new", true, true)
        ]
    );
    assert_eq!(
        described.sequences[0].words,
        "d5033f9f d5033fdf d50c871f d5033f9f d5033fdf"
    );
    assert_eq!(described.sequences[1].words, described.sequences[0].words);
    assert_eq!(described.sequences[1].aa_of.as_deref(), Some("xen_head_old"));
    assert_eq!(
        (described.boot_flush.as_str(), described.known_good.as_str()),
        ("xen_head_new", "xen_head_old")
    );
    assert_eq!(described.checks, checks_of(Level::El2.one_page_checks()));
    assert_eq!(described.checks.len(), 18);
}

#[test]
fn the_default_plan_has_a_part_for_each_level_and_a_named_one_has_not() {
    let described = |arguments: &[&str], level| plan(arguments).unwrap().describe(level, 0, false);
    let ids = |plan: &manifest::Plan| -> Vec<String> { plan.sequences.iter().map(|s| s.id.clone()).collect() };
    let at_el1 = described(&[], Level::El1);
    assert_eq!(
        ids(&at_el1),
        [
            "sel4_invalidate_local_tlb",
            "sel4_invalidate_local_tlb_aa",
            "linux_local_flush_tlb_all"
        ]
    );
    assert_eq!(
        (at_el1.boot_flush.as_str(), at_el1.known_good.as_str()),
        ("linux_local_flush_tlb_all", "sel4_invalidate_local_tlb")
    );
    assert_eq!(at_el1.checks, checks_of(Level::El1.one_page_checks()));
    assert!(at_el1.checks.iter().all(|check| check.regime().is_guest()));
    // The machine is another, the plan is the same.
    let entries = |arguments: &[&str]| format!("{:?}", plan(arguments).unwrap().entries());
    assert_eq!(entries(&["--el1"]), entries(&[]));

    let named = ["--sequence", "linux_flush_tlb_all"];
    assert_eq!(
        ids(&described(&named, Level::El1)),
        ids(&described(&named, Level::El2))[..2]
    );
    let for_el1 = [&named[..], &["--el1"]].concat();
    let at_el1 = described(&for_el1, Level::El1);
    assert_eq!(ids(&described(&for_el1, Level::El2)), [""; 0]);
    assert!(at_el1.sequences[0].checked && at_el1.sequences[0].baseline);
    assert_eq!(at_el1.boot_flush, "linux_local_flush_tlb_all");
    assert!(refusal(&["--el1", "--sequence", "vmid=tlbi vmalls12e1"]).contains("UNDEFINED at EL1"));
}

#[test]
fn helpers_that_were_not_asked_for_are_neither_timed_nor_checked() {
    let described = plan(&["--sequence", "mine=dsb ish; tlbi vae2is, {va}; dsb ish; isb"])
        .unwrap()
        .describe(Level::El2, 0, true);
    let helper = |s: &&manifest::Sequence| !s.timed && !s.checked;
    let helpers: Vec<_> = described
        .sequences
        .iter()
        .filter(helper)
        .map(|s| s.id.as_str())
        .collect();
    assert_eq!(helpers, ["xen_head_new", "xen_head_old"]);
    assert_eq!(described.sequences[0].text, "dsb ish; tlbi vae2is, {va}; dsb ish; isb");
}

#[test]
fn sequences_for_another_regime_are_timed_only() {
    let described = plan(&["--sequence", "xen_head_macro", "--sequence", "linux_flush_tlb_all"]);
    let described = described.unwrap().describe(Level::El2, 0, false);
    let of = |id: &str| {
        let found = described.sequences.iter().find(|s| s.id == id);
        found.map(|s| (s.timed, s.checked))
    };
    assert_eq!(of("xen_head_macro"), Some((true, true)));
    assert_eq!(of("linux_flush_tlb_all"), Some((true, false)));
}

#[test]
fn a_group_is_its_members_once() {
    let described = plan(&["--sequence", "xen_head_old", "--sequence", "@xen,el2"])
        .unwrap()
        .describe(Level::El2, 0, false);
    let ids: Vec<_> = described.sequences.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids.iter().filter(|id| **id == "xen_head_old").count(), 1);
    assert!(ids.len() > 10 && ids.contains(&"xen_head_new"));
    assert!(refusal(&["--sequence", "@xenn"]).contains("@xenn"));
}

#[test]
fn operands_become_registers() {
    let plan = plan(&["--sequence", "mine=tlbi vae2, {va, ttl=3}; tlbi vae2, {va!}"]).unwrap();
    let entry = plan.entries()[0];
    let register = |register, kind, hint| OperandRegister { register, kind, hint };
    assert_eq!(
        entry.operands,
        [
            register(2, OperandKind::Va, 4),
            register(3, OperandKind::VaUnshifted, 0)
        ]
    );
}

#[test]
fn ranges_of_stage_2_are_by_ipa() {
    let kinds = |text: &str| -> Vec<_> {
        let plan = plan(&["--sequence", text]).unwrap();
        plan.entries()[0].operands.iter().map(|operand| operand.kind).collect()
    };
    assert_eq!(kinds("a=tlbi ripas2e1is, {range}"), [OperandKind::IpaRange]);
    assert_eq!(
        kinds("a=for page in {range}: tlbi ipas2e1, {page}"),
        [OperandKind::IpaPage]
    );
    assert_eq!(kinds("a=tlbi rvae1is, {range}"), [OperandKind::Range]);
    assert!(refusal(&["--sequence", "a=tlbi ripas2e1is, {range}; tlbi rvae1is, {range}"]).contains("split it"));
}

#[test]
fn what_is_wrong_is_named() {
    assert!(refusal(&["--sequence", "nope"]).contains("no sequence `nope` in the catalogue"));
    assert!(refusal(&["--sequence", "a=tlbi alle2s"]).contains("alle2is"));
    assert!(refusal(&["--sequence", "A=nop"]).contains("a-z"));
    assert!(refusal(&["--sequence", "none=nop"]).contains("taken"));
    assert!(refusal(&["--sequence", "xen_head_old=nop"]).contains("taken"));
    assert!(refusal(&["--sequence", "a=nop", "--sequence", "a=isb"]).contains("twice"));
    assert!(refusal(&["--sequence", "a=nop", "--sequence", "a_aa=isb"]).contains("rename"));
    assert!(refusal(&["--boot-flush", "x"]).contains("--boot-flush: no sequence `x`"));
    let many: Vec<_> = (0..70)
        .flat_map(|i| ["--sequence".to_owned(), format!("s{i}=nop")])
        .chain(["--full", "--sweep", "live=1,2,3,4,5,6,7,8,9,10,11,12"].map(str::to_owned))
        .collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    assert!(refusal(&many).contains("scenarios are more than"));
    let many: Vec<_> = (0..120)
        .flat_map(|i| ["--sequence".to_owned(), format!("s{i}=nop")])
        .collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    assert!(refusal(&many).contains("plan too big"), "{}", refusal(&many));
}

#[test]
fn runtime_addresses_are_checked() {
    assert_eq!(runtime("0x8000000000").unwrap(), Runtime(RuntimeCase::Address, 1 << 39));
    assert_eq!(runtime("none").unwrap(), Runtime(RuntimeCase::None, 0));
    assert!(runtime("0x8000000001").is_err() && runtime("0x1000000000000").is_err());
    assert!(runtime("address").is_err() && runtime("level3").is_err());
}

#[test]
fn a_plan_that_the_kernel_has_no_room_for_is_refused_before_a_boot() {
    let page = "page=dsb nshst; for page in {range}: tlbi vae2, {page}; dsb nsh; isb";
    let message = refusal(&["--sequence", page, "--pages", "512", "--sweep", "tlbis=1,256"]);
    assert!(message.contains("plan too big: its timed stubs may take"), "{message}");
    assert!(message.contains("the kernel has 1024 KiB"), "{message}");
}
