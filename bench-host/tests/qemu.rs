// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel in QEMU, from the command line to the stored run. Ignored, with the reason, where there is no QEMU.
#![allow(missing_docs)]

#[path = "support/boot.rs"]
mod boot;

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, ExitCode};

use assert_cmd::cargo::cargo_bin;
use bench_host::qemu::Qemu;
use results::check::{Check, Outcome, Role};
use results::manifest::Status;
use results::verdict::Class;
use tempfile::TempDir;

use crate::boot::{complete, run_qemu};

fn the_version_is_recorded() {
    let ran = complete(&["--iterations", "0", "--no-checks"]);
    let qemu = ran.run.manifest.qemu.as_ref().unwrap();
    assert_eq!(qemu.version, Qemu::find(None).unwrap().version.to_string());
    assert!(
        qemu.arguments
            .iter()
            .any(|argument| argument.contains("virtualization=on"))
    );
    assert!(ran.run.manifest.simulator);
    assert_eq!(ran.run.manifest.kernel.entry_el, Some(2));
}

fn every_planned_sample_is_stored() {
    let ran = complete(&["--iterations", "3001", "--batch", "1000"]);
    for id in ["empty", "xen_head_old", "xen_head_old_aa", "xen_head_new"] {
        let rows = ran
            .run
            .samples()
            .unwrap()
            .map(Result::unwrap)
            .filter(|row| row.seq == id);
        assert_eq!(rows.map(|row| row.count).sum::<u32>(), 3001, "{id}");
    }
    assert_eq!(ran.run.manifest.stream.samples, 4 * 3001);
}

/// Boots through one slot case: the level at which the 1:1 map is removed.
fn slot_case(case: &str, proof: &str, identity: Class) {
    for flow in ["new", "old"] {
        let ran = complete(&["--runtime", case, "--flow", flow]);
        let kernel = &ran.run.manifest.kernel;
        assert_eq!(
            (kernel.case.as_deref(), kernel.flow.as_deref()),
            (Some(case), Some(flow))
        );
        let proofs = ran.proofs();
        assert!(proofs.iter().all(|(_, holds)| *holds), "{proofs:?}");
        assert!(proofs.iter().any(|(name, _)| name == proof), "{proofs:?}");
        assert_eq!(ran.classes(Check::from_id("identity_el2").unwrap()), [identity; 2]);
        assert_eq!(ran.classes(Check::from_id("cowinvt_el2").unwrap()), [Class::Pass; 2]);
        assert!(ran.run.boot().unwrap().count() >= 5, "every phase is timed");
    }
}

fn a_clash_is_refused() {
    let ran = run_qemu(&["--runtime", "clash"]);
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    assert!(ran.stderr.contains("clash"), "{}", ran.stderr);
    assert_eq!(ran.run.manifest.status, Status::Failed);
}

fn a_runtime_address_is_taken() {
    let ran = complete(&["--runtime", "0x8000000000"]);
    let image = &ran.run.manifest.kernel;
    assert_eq!(image.case.as_deref(), Some("level0"));
    assert!(image.runtime.unwrap().0 >= 1 << 39);
}

fn controls_show_the_power_of_every_check() {
    let ran = complete(&[]);
    for row in ran.run.litmus().unwrap().map(Result::unwrap) {
        let stale = row.outcomes().count(Outcome::Stale);
        assert_eq!(
            stale > 0,
            matches!(row.role, Role::NoMaintenance | Role::NoInvalidation),
            "{row:?}"
        );
        assert_eq!(row.outcomes().trials(), 50, "{row:?}");
    }
}

fn a_sequence_without_maintenance_fails() {
    let ran = run_qemu(&["--sequence", "lazy=dsb sy; isb", "--sequence", "xen_head_new"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("cowinvt_el2 with lazy: stale translation used"),
        "{}",
        ran.stderr
    );
    let rows = ran.run.verdicts().unwrap().map(Result::unwrap);
    // The default model updates no descriptors in hardware.
    let can_run = |check: Check| !check.spec().has_hardware_updates();
    for row in rows.filter(|row| can_run(row.check)) {
        assert_eq!(
            row.class,
            if row.seq == "lazy" { Class::Fail } else { Class::Pass },
            "{row:?}"
        );
    }
}

fn the_wrong_page_fails_and_the_right_one_passes() {
    let by_va = |operand| format!("by_va=dsb ishst; tlbi vae2is, {operand}; dsb ish; isb");
    let ran = run_qemu(&["--sequence", &by_va("{va}")]);
    assert_eq!(
        ran.classes(Check::from_id("cowinvt_el2").unwrap()),
        [Class::Pass],
        "{}",
        ran.stderr
    );
    let ran = run_qemu(&["--sequence", &by_va("{va!}")]);
    assert_eq!(
        ran.classes(Check::from_id("cowinvt_el2").unwrap()),
        [Class::Fail],
        "{}",
        ran.stderr
    );
}

/// Two boots that count instructions are equal to the last count, and the two sides of the patch are not.
fn stored_runs_compare() {
    let plan = [
        "--deterministic",
        "--iterations",
        "4000",
        "--batch",
        "200",
        "--no-checks",
    ];
    let runs = [(); 2].map(|()| complete(&plan));
    let compare = |arguments: &[String]| {
        let output = Command::new(cargo_bin!("bench-host"))
            .arg("compare")
            .args(arguments)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("QEMU TCG: not hardware timing"), "{text}");
        (output.status.code(), text)
    };
    let [a, b] = [0, 1].map(|run: usize| runs[run].run.folder().display().to_string());
    let (code, text) = compare(&[a.clone(), b, "--fail-above".to_owned(), "1%".to_owned()]);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("1.000 [1.000, 1.000]") && text.contains("indistinguishable"),
        "{text}"
    );
    let (code, text) = compare(&[format!("{a}:xen_head_old"), format!("{a}:xen_head_new")]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("lower by") && !text.contains("faster"), "{text}");
    // The other way round, the old one is the regression.
    let sides = [format!("{a}:xen_head_new"), format!("{a}:xen_head_old")];
    let (code, text) = compare(&[&sides[..], &["--fail-above".to_owned(), "1%".to_owned()]].concat());
    assert_eq!(code, Some(1), "{text}");
}

fn deterministic_runs_store_the_same_bytes() {
    let runs = [(); 2].map(|()| complete(&["--deterministic", "--seed", "7"]));
    for file in ["samples.csv", "litmus.csv"] {
        let [one, two] = [0, 1].map(|i: usize| fs::read(runs[i].file(file)).unwrap());
        assert_eq!(one, two, "{file}");
        assert!(one.len() > 100);
    }
}

fn other_machines_run_too() {
    for cpu in ["cortex-a53", "neoverse-n1", "max"] {
        let ran = complete(&["--cpu", cpu, "--smp", "2"]);
        assert!(ran.run.manifest.pes[0].registers.contains_key("MIDR_EL1"), "{cpu}");
    }
}

fn an_unknown_cpu_is_a_set_up_problem() {
    let ran = run_qemu(&["--cpu", "no-such-cpu"]);
    assert_eq!(ran.code, Some(4));
    assert!(ran.stderr.contains("no-such-cpu"), "{}", ran.stderr);
}

fn a_console_log_is_the_run_again() {
    let ran = complete(&[]);
    let log = ran.file("console.log").display().to_string();
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("again");
    let mut command = Command::new(cargo_bin!("bench-host"));
    let output = command
        .args(["run", "--log", &log, "--out"])
        .arg(&out)
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for file in ["samples.csv", "litmus.csv", "verdicts.csv", "boot.csv", "proofs.csv"] {
        assert_eq!(
            fs::read(ran.file(file)).unwrap(),
            fs::read(out.join(file)).unwrap(),
            "{file}"
        );
    }
}

fn main() -> ExitCode {
    let cases: [boot::Case; 17] = [
        ("the_version_is_recorded", the_version_is_recorded),
        ("every_planned_sample_is_stored", every_planned_sample_is_stored),
        ("slot_case_level0", || {
            slot_case("level0", "identity_faults", Class::Pass)
        }),
        ("slot_case_level1", || {
            slot_case("level1", "identity_faults", Class::Pass)
        }),
        ("slot_case_level2", || {
            slot_case("level2", "identity_faults", Class::Pass)
        }),
        ("slot_case_none", || {
            slot_case("none", "identity_not_needed", Class::Skipped)
        }),
        ("a_clash_is_refused", a_clash_is_refused),
        ("a_runtime_address_is_taken", a_runtime_address_is_taken),
        (
            "controls_show_the_power_of_every_check",
            controls_show_the_power_of_every_check,
        ),
        (
            "a_sequence_without_maintenance_fails",
            a_sequence_without_maintenance_fails,
        ),
        (
            "the_wrong_page_fails_and_the_right_one_passes",
            the_wrong_page_fails_and_the_right_one_passes,
        ),
        ("stored_runs_compare", stored_runs_compare),
        (
            "deterministic_runs_store_the_same_bytes",
            deterministic_runs_store_the_same_bytes,
        ),
        ("other_machines_run_too", other_machines_run_too),
        ("an_unknown_cpu_is_a_set_up_problem", an_unknown_cpu_is_a_set_up_problem),
        ("a_console_log_is_the_run_again", a_console_log_is_the_run_again),
        ("the_catalogue_runs", the_catalogue_runs),
    ];
    boot::main(cases)
}

/// 50 sequences of the catalogue in one boot, on several machines.
fn the_catalogue_runs() {
    let el2 = |entry: &sequences::catalogue::Entry<'_>| entry.regime == "EL2";
    let entries: Vec<_> = sequences::catalogue::catalogue().filter(el2).take(50).collect();
    let arguments: Vec<_> = entries.iter().flat_map(|entry| ["--sequence", entry.id]).collect();
    for cpu in ["cortex-a72", "neoverse-n1", "max"] {
        let ran = run_qemu(&[&arguments[..], &["--cpu", cpu, "--no-checks", "--iterations", "200"]].concat());
        assert_eq!(ran.code, Some(0), "{cpu}: {}", ran.stderr);
        let skipped = ran
            .run
            .manifest
            .plan
            .sequences
            .iter()
            .filter(|s| s.skipped.is_some())
            .count();
        let seqs: BTreeSet<_> = ran.run.samples().unwrap().map(|row| row.unwrap().seq).collect();
        // The empty frame and the repeated baseline are beside them.
        assert_eq!(seqs.len() + skipped, entries.len() + 2, "{cpu}");
    }
}
