// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sequences that take an exception, take the kernel's own mapping away, or never return: each is named, left out, and the
//! run goes on to its end with the others.
#![allow(missing_docs)]

#[path = "support/boot.rs"]
mod boot;
#[path = "support/script.rs"]
mod script;

use std::path::Path;
use std::process::{Command, ExitCode, Output};

use assert_cmd::cargo::cargo_bin;
use bench_host::qemu::Qemu;
use results::manifest::Status;
use results::plan::Fault;
use results::store::Run;
use results::verdict::Class;
use tempfile::TempDir;

const SMALL: [&str; 6] = ["--iterations", "300", "--batch", "100", "--trials", "20"];

fn bench_host(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(cargo_bin!("bench-host"));
    command.current_dir(folder).args(arguments).output().unwrap()
}

/// What is said of a sequence with a fault.
const fn said(fault: Fault) -> &'static str {
    match fault {
        Fault::Undefined => "undefined instruction",
        Fault::Abort => "data abort: translation fault",
        Fault::Unmap => "instruction abort: translation fault, level 0",
        Fault::Endless | Fault::LateEndless => "ended by the watchdog",
        Fault::LateAbort => "data abort: ",
    }
}

fn timed(more: &[&str]) {
    for fault in Fault::ALL.into_iter().filter(|fault| !fault.is_late()) {
        let planted = format!("xen_head_new:{}", fault.id());
        let ran = boot::run_qemu(&[&SMALL[..], &["--plant-fault", &planted], more].concat());
        assert_eq!(ran.code, Some(1), "{planted}: {}", ran.stderr);
        let manifest = &ran.run.manifest;
        assert_eq!(manifest.status, Status::Complete, "{planted}: {}", ran.stderr);
        assert_eq!(manifest.reasons.len(), 1, "{planted}: {:?}", manifest.reasons);
        let reason = &manifest.reasons[0];
        assert!(
            reason.starts_with("xen_head_new ") && reason.contains(said(fault)),
            "{planted}: {reason}"
        );
        let skipped: Vec<_> = manifest.plan.sequences.iter().filter(|s| s.skipped.is_some()).collect();
        assert_eq!(skipped.len(), 1, "{planted}");
        assert_eq!(skipped[0].id, "xen_head_new");
        let samples = |seq: &str| {
            let rows = ran.run.samples().unwrap().map(Result::unwrap);
            rows.filter(|row| row.seq == seq)
                .map(|row| u64::from(row.count))
                .sum::<u64>()
        };
        assert_eq!(samples("xen_head_new"), 0, "{planted}");
        assert_eq!(samples("xen_head_old"), 300, "{planted}");
        let verdicts: Vec<_> = ran.run.verdicts().unwrap().map(Result::unwrap).collect();
        assert!(verdicts.iter().all(|row| row.seq != "xen_head_new"), "{planted}");
        let passed = verdicts.iter().filter(|row| row.class == Class::Pass).count();
        assert!(passed > 3, "{planted}: {passed}");
        assert!(ran.proofs().contains(&("watchdog".to_owned(), true)), "{planted}");
    }
}

fn a_timed_sequence_at_fault_is_left_out() {
    timed(&[]);
}

/// The whole region is in a level 0 slot of its own, or the image is where it was loaded.
fn wherever_the_kernel_runs() {
    for case in ["level0", "none"] {
        timed(&["--runtime", case]);
    }
}

/// The same with the other interrupt controller.
fn with_gic_v2() {
    let qemu = Qemu::find(None).unwrap();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("qemu");
    let script = format!(
        "#!/bin/sh\nfor word; do shift; case $word in virt,*) word=virt,virtualization=on,gic-version=2;; esac; set -- \"$@\" \"$word\"; done\nexec '{}' \"$@\"\n",
        qemu.program.display()
    );
    script::write(&path, &script);
    timed(&["--qemu", path.to_str().unwrap()]);
}

fn a_checked_sequence_at_fault_is_left_out_on_every_machine() {
    let folder = TempDir::new().unwrap();
    // The adversary has no interrupts, and so no watchdog.
    for fault in [Fault::Undefined, Fault::Abort, Fault::Unmap] {
        let planted = format!("el2_va:{}", fault.id());
        let out = fault.id();
        let arguments = [
            "check",
            "--machine",
            "both",
            "--smp",
            "2",
            "--trials",
            "10",
            "--only",
            "cowinvt_el2",
            "--only",
            "mp_rt_el2",
            "--plant-fault",
            &planted,
            "--out",
            out,
        ];
        let ran = bench_host(folder.path(), &arguments);
        let stderr = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(1), "{planted}: {stderr}");
        assert_eq!(stderr.matches("error: el2_va took an exception").count(), 2, "{stderr}");
        for boot in ["1", "2"] {
            let run = Run::open(&folder.path().join(out).join(boot)).unwrap();
            assert_eq!(run.manifest.status, Status::Complete, "{planted}");
            let verdicts: Vec<_> = run.verdicts().unwrap().map(Result::unwrap).collect();
            assert!(verdicts.iter().all(|row| row.seq != "el2_va"), "{planted}");
            assert!(
                verdicts.iter().filter(|row| row.class == Class::Pass).count() > 5,
                "{planted}"
            );
            let verified = bench_host(folder.path(), &["verify", &format!("{out}/{boot}")]);
            assert_eq!(verified.status.code(), Some(0), "{planted}");
        }
    }
}

/// What is well when tried alone, and not when it is timed, ends the run: a whole stream, with the sequence's name.
fn late(more: &[&str], seq: &str) {
    for fault in [Fault::LateAbort, Fault::LateEndless] {
        let planted = format!("{seq}:{}", fault.id());
        let ran = boot::run_qemu(&[&SMALL[..], &["--plant-fault", &planted], more].concat());
        let manifest = &ran.run.manifest;
        assert!(ran.proofs().contains(&("watchdog".to_owned(), true)), "{planted}");
        let phase = "in phase measure, and not when it was tried alone";
        let named = manifest
            .reasons
            .iter()
            .find(|reason| reason.starts_with(&format!("{seq} ")));
        assert!(
            named.is_some_and(|reason| reason.contains(said(fault)) && reason.contains(phase)),
            "{planted}: {:?}",
            manifest.reasons
        );
        // The stream came to its end: nothing was waited for in vain.
        assert_eq!(manifest.status, Status::Complete, "{planted}: {}", ran.stderr);
        assert_eq!(ran.code, Some(1), "{planted}: {}", ran.stderr);
    }
}

fn a_sequence_that_is_at_fault_only_when_timed_ends_the_run() {
    late(&[], "xen_head_new");
    late(
        &["--smp", "2", "--scenario", "busy=1", "--runtime", "level0"],
        "xen_head_old",
    );
}

/// The same in a check: at EL2, in EL2&0, and where the sequence runs at EL1.
fn a_sequence_that_is_at_fault_only_in_a_check_ends_the_run() {
    for (seq, check, cpu, faults) in [
        (
            "el2_va_is",
            "mp_rt_el2",
            "cortex-a72",
            &[Fault::LateAbort, Fault::LateEndless][..],
        ),
        // (An exception at EL1 is an outcome of the trial.)
        ("el1_va", "cowinvt_in_el1", "cortex-a72", &[Fault::LateEndless]),
        ("el2_va", "cowinvt_el2h", "max", &[Fault::LateEndless]),
    ] {
        for &fault in faults {
            let folder = TempDir::new().unwrap();
            let planted = format!("{seq}:{}", fault.id());
            let mut arguments = vec![
                "check",
                "--machine",
                "qemu",
                "--smp",
                "2",
                "--trials",
                "10",
                "--only",
                check,
            ];
            arguments.extend(["--cpu", cpu, "--plant-fault", &planted, "--out", "out"]);
            let ran = bench_host(folder.path(), &arguments);
            let stderr = String::from_utf8_lossy(&ran.stderr);
            assert_eq!(ran.status.code(), Some(1), "{check}, {planted}: {stderr}");
            let run = Run::open(&folder.path().join("out/1")).unwrap_or_else(|error| panic!("{error}: {stderr}"));
            let reasons = &run.manifest.reasons;
            let named = reasons.iter().find(|reason| reason.starts_with(&format!("{seq} ")));
            assert!(
                named.is_some_and(|reason| reason.contains(said(fault)) && reason.contains("in phase check")),
                "{check}, {planted}: {reasons:?}: {stderr}"
            );
        }
    }
}

/// Entered at EL1, all of it is the same, by the virtual timer.
fn entered_at_el1() {
    let seq = "linux_local_flush_tlb_all";
    for fault in Fault::ALL.into_iter().filter(|fault| !fault.is_late()) {
        let planted = format!("{seq}:{}", fault.id());
        let ran = boot::run_qemu(&[&SMALL[..], &["--el1", "--plant-fault", &planted]].concat());
        assert_eq!(ran.code, Some(1), "{planted}: {}", ran.stderr);
        let manifest = &ran.run.manifest;
        assert_eq!(manifest.status, Status::Complete, "{planted}: {}", ran.stderr);
        assert_eq!(manifest.kernel.entry_el, Some(1));
        assert!(
            manifest
                .reasons
                .iter()
                .any(|reason| reason.starts_with(seq) && reason.contains(said(fault))),
            "{planted}: {:?}",
            manifest.reasons
        );
        let skipped: Vec<_> = manifest.plan.sequences.iter().filter(|s| s.skipped.is_some()).collect();
        assert_eq!(skipped.len(), 1, "{planted}");
        let verdicts: Vec<_> = ran.run.verdicts().unwrap().map(Result::unwrap).collect();
        assert!(verdicts.iter().all(|row| row.seq != seq), "{planted}");
        assert!(
            verdicts.iter().filter(|row| row.class == Class::Pass).count() > 3,
            "{planted}"
        );
        assert!(ran.proofs().contains(&("watchdog".to_owned(), true)), "{planted}");
    }
    late(&["--el1"], seq);
}

fn a_sequence_that_is_not_there_is_refused() {
    let folder = TempDir::new().unwrap();
    let ran = bench_host(folder.path(), &["run", "--plant-fault", "nobody:abort"]);
    assert_eq!(ran.status.code(), Some(64), "{}", String::from_utf8_lossy(&ran.stderr));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("nobody"));
}

fn main() -> ExitCode {
    let cases: [boot::Case; 8] = [
        (
            "a_timed_sequence_at_fault_is_left_out",
            a_timed_sequence_at_fault_is_left_out,
        ),
        ("wherever_the_kernel_runs", wherever_the_kernel_runs),
        ("with_gic_v2", with_gic_v2),
        (
            "a_checked_sequence_at_fault_is_left_out_on_every_machine",
            a_checked_sequence_at_fault_is_left_out_on_every_machine,
        ),
        (
            "a_sequence_that_is_at_fault_only_when_timed_ends_the_run",
            a_sequence_that_is_at_fault_only_when_timed_ends_the_run,
        ),
        (
            "a_sequence_that_is_at_fault_only_in_a_check_ends_the_run",
            a_sequence_that_is_at_fault_only_in_a_check_ends_the_run,
        ),
        ("entered_at_el1", entered_at_el1),
        (
            "a_sequence_that_is_not_there_is_refused",
            a_sequence_that_is_not_there_is_refused,
        ),
    ];
    boot::main_unless(script::absent(), cases)
}
