// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel entered in other ways than `-kernel` does it, and exceptions nobody expected.
#![allow(missing_docs)]

#[path = "support/boot.rs"]
mod boot;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use assert_cmd::cargo::cargo_bin;
use bench_host::kernel::Kernel;
use results::check::{Check, Granule, Regime};
use results::manifest::{EL1_LABEL, QEMU_LABEL, Status};
use results::record::Event;
use results::store::Run;
use results::verdict::Class;
use tempfile::TempDir;

use crate::boot::{complete, run_qemu};

/// Writes a QEMU that rewrites its arguments with a line of shell (`a` is the argument) and starts the real one.
fn wrapper(folder: &Path, rewrite: &str) -> PathBuf {
    let path = folder.join("qemu-system-aarch64");
    let script = format!(
        "#!/bin/sh\nfor a; do\n  shift\n  case \"$a\" in\n    {rewrite}\n    *) set -- \"$@\" \"$a\" ;;\n  esac\ndone\n\
         exec qemu-system-aarch64 \"$@\"\n"
    );
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Returns the rewriting that loads the image at `address` by itself: no device tree in x0, no boot protocol.
fn loaded_at(address: &str) -> String {
    format!(
        "-kernel) ;;\n    *.img | /proc/self/fd/*) set -- \"$@\" -device \"loader,file=$a,addr={address},force-raw=on\" \
         -device loader,addr={address},cpu-num=0 ;;"
    )
}

const CONSOLE: [&str; 4] = ["--console", "pl011@0x9000000", "--psci", "smc"];

/// A machine without EL2.
fn without_el2(folder: &Path) -> PathBuf {
    wrapper(folder, "virt,*) set -- \"$@\" virt,gic-version=3 ;;")
}

/// The kernel runs the regime of EL1&0, on the same image, and every number says where it was entered.
fn entered_at_el1() {
    let folder = TempDir::new().unwrap();
    let qemu = without_el2(folder.path());
    let at_el2 = complete(&[]);
    // It is the machine that decides: the option changes the machine, not the plan.
    for arguments in [&["--el1"][..], &["--qemu", qemu.to_str().unwrap()]] {
        let ran = complete(arguments);
        let manifest = &ran.run.manifest;
        assert_eq!(manifest.plan.crc, at_el2.run.manifest.plan.crc);
        assert_eq!(manifest.kernel.entry_el, Some(1));
        assert_eq!(manifest.label, format!("{QEMU_LABEL}; {EL1_LABEL}"));
        let sequences: Vec<_> = manifest
            .plan
            .sequences
            .iter()
            .map(|sequence| sequence.id.as_str())
            .collect();
        assert_eq!(
            sequences,
            [
                "sel4_invalidate_local_tlb",
                "sel4_invalidate_local_tlb_aa",
                "linux_local_flush_tlb_all"
            ]
        );
        assert!(ran.proofs().len() >= 5 && ran.proofs().iter().all(|(_, holds)| *holds));
        for (id, class) in [
            ("cowinvt_el1", Class::Pass),
            ("cowinvt_el0", Class::Pass),
            ("table_l1_el1", Class::Pass),
            ("asid_el1", Class::Pass),
            ("wprot_in_el1", Class::Pass),
            ("dirty_el1", Class::Skipped),
        ] {
            let classes = ran.classes(Check::from_id(id).unwrap());
            assert_eq!(classes, [class; 2], "{id}");
        }
        let registers = &manifest.pes[0].registers;
        assert!(registers.contains_key("TCR_EL1") && !registers.contains_key("HCR_EL2"));
        let report = fs::read_to_string(ran.file("report.md")).unwrap();
        assert!(report.contains(EL1_LABEL) && report.contains("HCR_EL2.FB"));
        let samples = ran.run.samples().unwrap().map(Result::unwrap);
        assert!(samples.filter(|row| row.seq == "linux_local_flush_tlb_all").count() > 0);
    }
    assert_eq!(at_el2.run.manifest.label, QEMU_LABEL);
}

/// What the sequences lack shows at EL1 as at EL2, and what is of EL2 is refused, by name, before or after the boot.
fn mistakes_at_el1() {
    let bad = "bad=dsb ishst; tlbi vae1is, {va!}; dsb ish; isb";
    let ran = run_qemu(&["--el1", "--sequence", bad, "--sequence", "linux_flush_tlb_all"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let classes = ran.classes(Check::from_id("cowinvt_el1").unwrap());
    assert_eq!(classes, [Class::Fail, Class::Pass]);

    let folder = TempDir::new().unwrap();
    let qemu = without_el2(folder.path());
    let of_el2 = ["--qemu", qemu.to_str().unwrap(), "--sequence", "xen_head_old"];
    let ran = run_qemu(&of_el2);
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("entered at EL1 and no sequence of the plan runs there")
            && ran.stderr.contains("--el1"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.run.manifest.status, Status::Failed);
    // One that can run is timed, and the other one is told; the checks were planned for the other.
    let ran = run_qemu(&[&of_el2[..], &["--sequence", "linux_flush_tlb_all"]].concat());
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    let skipped = &ran.run.manifest.sequence("xen_head_old").unwrap().skipped;
    assert!(
        skipped
            .as_ref()
            .is_some_and(|reason| reason.contains("UNDEFINED at EL1"))
    );

    let out = folder.path().join("none");
    let refused = Command::new(cargo_bin!("bench-host"))
        .args(["run", "--el1", "--sequence", "xen_head_old", "--out"])
        .arg(&out)
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("UNDEFINED at EL1") && !out.exists());
}

/// Returns the classes of checks with a sequence, from the JUnit file or the boots of `check`.
fn checked(folder: &Path, arguments: &[&str]) -> (Option<i32>, Run) {
    let out = folder.join("check");
    let output = Command::new(cargo_bin!("bench-host"))
        .args(["check", "--machine", "qemu", "--trials", "50", "--out"])
        .arg(&out)
        .args(arguments)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let run = Run::open(&out.join("1")).unwrap_or_else(|error| panic!("{error}: {stderr}"));
    assert_eq!(run.manifest.status, Status::Complete, "{stderr}");
    (output.status.code(), run)
}

fn classes_of(run: &Run, seq: &str) -> Vec<(String, Class, String)> {
    let rows = run.verdicts().unwrap().map(Result::unwrap);
    rows.filter(|row| row.seq == seq)
        .map(|row| (row.check.id().to_owned(), row.class, row.reason))
        .collect()
}

/// All checks are asked for; those out of reach are skipped, each with its reason, and counted.
fn checks_at_el1_with_two_pes() {
    let folder = TempDir::new().unwrap();
    let (code, run) = checked(folder.path(), &["--el1", "--smp", "2"]);
    assert_eq!(code, Some(0));
    let rows: Vec<_> = run.verdicts().unwrap().map(Result::unwrap).collect();
    for check in Check::ALL {
        let classes: Vec<_> = rows.iter().filter(|row| row.check == check).collect();
        assert!(!classes.is_empty(), "{check:?}");
        let spec = check.spec();
        let reachable = spec.regime == Regime::El1 && spec.granule == Granule::K4 && check.pes() < 3;
        let made = classes.iter().any(|row| row.class != Class::Skipped);
        let updates = spec.has_hardware_updates();
        assert_eq!(made, reachable && !updates, "{check:?}: {}", classes[0].reason);
        assert!(classes.iter().all(|row| row.class != Class::Fail));
        if spec.regime != Regime::El1 {
            assert!(
                classes[0].reason.starts_with("entered at EL1: "),
                "{}",
                classes[0].reason
            );
        }
    }
    let passed = |id: &str| rows.iter().any(|row| row.check.id() == id && row.class == Class::Pass);
    assert!(passed("mp_rt_el1") && passed("loop_rt_el0") && passed("range_el1"));
    assert_eq!(run.manifest.label, format!("{QEMU_LABEL}; {EL1_LABEL}"));
}

fn entered_at_el3_without_el2() {
    let folder = TempDir::new().unwrap();
    let rewrite = format!(
        "virt,*) set -- \"$@\" virt,secure=on,gic-version=3 ;;\n    {}",
        loaded_at("0x40200000")
    );
    let qemu = wrapper(folder.path(), &rewrite);
    let ran = run_qemu(&[&["--qemu", qemu.to_str().unwrap()], &CONSOLE[..]].concat());
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("entered at EL3 of a processor without EL2"),
        "{}",
        ran.stderr
    );
}

/// Without firmware the kernel goes from EL3 to EL2 by itself, and everything after that is as ever.
fn entered_at_el3() {
    let folder = TempDir::new().unwrap();
    let rewrite = format!(
        "virt,*) set -- \"$@\" virt,virtualization=on,secure=on,gic-version=3 ;;\n    {}",
        loaded_at("0x40200000")
    );
    let qemu = wrapper(folder.path(), &rewrite);
    let ran = complete(&[&["--qemu", qemu.to_str().unwrap()], &CONSOLE[..]].concat());
    assert!(ran.proofs().iter().all(|(_, holds)| *holds));
}

/// A loader that turns the MMU on with a 1:1 map of the first 2 GiB, devices below memory, and enters the kernel.
fn loader_with_the_mmu_on() -> Vec<u8> {
    const CODE: [u32; 18] = [
        0x1000_8001, // adr  x1, #0x1000: the level 1 table, in the next page
        0xd51c_2001, // msr  ttbr0_el2, x1
        0xd2b0_1042, // mov  x2, #0x80820000: RES1, 40-bit output addresses
        0xf286_a322, // movk x2, #0x3519: 4 KiB, 39 bits, inner shareable Write-Back walks
        0xd51c_2042, // msr  tcr_el2, x2
        0xd29f_e003, // mov  x3, #0xff00: attribute 0 Device-nGnRnE, 1 Normal Write-Back
        0xd51c_a203, // msr  mair_el2, x3
        0xd503_3fdf, // isb
        0xd50c_871f, // tlbi alle2
        0xd503_3f9f, // dsb  sy
        0xd503_3fdf, // isb
        0xd2a6_18a4, // mov  x4, #0x30c50000
        0xf281_0624, // movk x4, #0x0831: RES1, M
        0xd51c_1004, // msr  sctlr_el2, x4
        0xd503_3fdf, // isb
        0xaa1f_03e0, // mov  x0, xzr: no device tree
        0xd2a8_0405, // mov  x5, #0x40200000
        0xd61f_00a0, // br   x5
    ];
    const ACCESS_FLAG_AND_BLOCK: u64 = 1 << 10 | 0b01;
    const INNER_SHAREABLE: u64 = 0b11 << 8;
    let blocks = [
        ACCESS_FLAG_AND_BLOCK,
        1 << 30 | INNER_SHAREABLE | 1 << 2 | ACCESS_FLAG_AND_BLOCK,
    ];
    let mut bytes: Vec<u8> = CODE.iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.resize(0x1000, 0);
    bytes.extend(blocks.iter().flat_map(|block| block.to_le_bytes()));
    bytes.resize(0x2000, 0);
    bytes
}

/// The refusal must be seen: the console has no virtual address of the kernel's choice yet.
fn entered_with_the_mmu_on() {
    let folder = TempDir::new().unwrap();
    let loader = folder.path().join("loader.bin");
    fs::write(&loader, loader_with_the_mmu_on()).unwrap();
    let rewrite = format!(
        "-kernel) ;;\n    *.img | /proc/self/fd/*) set -- \"$@\" -device \"loader,file=$a,addr=0x40200000,force-raw=on\" \
         -device \"loader,file={},addr=0x48000000,force-raw=on\" -device loader,addr=0x48000000,cpu-num=0 ;;",
        loader.display()
    );
    let qemu = wrapper(folder.path(), &rewrite);
    let arguments = ["--qemu", qemu.to_str().unwrap(), "--timeout", "20"];
    let ran = run_qemu(&[&arguments[..], &CONSOLE[..]].concat());
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    assert!(ran.stderr.contains("entered with the MMU on"), "{}", ran.stderr);
    assert_eq!(ran.run.manifest.status, Status::Failed);
}

/// Any multiple of 4 KiB will do, the last page before a level 2 or a level 1 boundary among them.
fn odd_load_addresses() {
    for address in ["0x40201000", "0x403ff000", "0x4a3ff000"] {
        let folder = TempDir::new().unwrap();
        let qemu = wrapper(folder.path(), &loaded_at(address));
        for case in ["level0", "level1", "level2", "none"] {
            let arguments = ["--qemu", qemu.to_str().unwrap(), "--runtime", case];
            let ran = complete(&[&arguments[..], &CONSOLE[..]].concat());
            let load = ran.run.manifest.kernel.load.unwrap();
            assert_eq!(load.to_string(), address);
            assert!(ran.proofs().iter().all(|(_, holds)| *holds), "{address} {case}");
        }
    }
}

fn without_a_pmu_the_timer_is_used_and_named() {
    let ran = complete(&["--cpu", "cortex-a72,pmu=off"]);
    let events: Vec<_> = ran.run.samples().unwrap().map(|row| row.unwrap().event).collect();
    assert!(!events.is_empty() && events.iter().all(|event| *event == Event::TimerTicks));
}

/// Replaces the first of these words in the entry page by `udf #0` and runs the result.
fn broken_at(word: u32) -> boot::Ran {
    let folder = TempDir::new().unwrap();
    let mut bytes = Kernel::load(None).unwrap().bytes;
    let at = bytes[..4096]
        .chunks_exact(4)
        .position(|chunk| chunk == word.to_le_bytes())
        .unwrap();
    bytes[4 * at..4 * at + 4].fill(0);
    let path = folder.path().join("broken.img");
    fs::write(&path, bytes).unwrap();
    let ran = run_qemu(&["--kernel", path.to_str().unwrap(), "--timeout", "20"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    ran
}

/// An exception is printed whether the MMU is still off or just on, and the run fails; it never hangs.
fn unexpected_exceptions_are_told() {
    const TLBI_ALLE2: u32 = 0xd50c_871f;
    const BR_X10: u32 = 0xd61f_0140;
    for word in [TLBI_ALLE2, BR_X10] {
        let ran = broken_at(word);
        assert!(ran.stderr.contains("exception"), "{}", ran.stderr);
        assert!(ran.stderr.contains("boot"), "the phase: {}", ran.stderr);
    }
}

fn main() -> ExitCode {
    let cases: [boot::Case; 9] = [
        ("entered_at_el1", entered_at_el1),
        ("mistakes_at_el1", mistakes_at_el1),
        ("checks_at_el1_with_two_pes", checks_at_el1_with_two_pes),
        ("entered_at_el3", entered_at_el3),
        ("entered_at_el3_without_el2", entered_at_el3_without_el2),
        ("entered_with_the_mmu_on", entered_with_the_mmu_on),
        ("odd_load_addresses", odd_load_addresses),
        (
            "without_a_pmu_the_timer_is_used_and_named",
            without_a_pmu_the_timer_is_used_and_named,
        ),
        ("unexpected_exceptions_are_told", unexpected_exceptions_are_told),
    ];
    boot::main(cases)
}
