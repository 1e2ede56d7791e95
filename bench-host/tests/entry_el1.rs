// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel entered at EL1: on a machine without EL2, and under a hypervisor that broadcasts what is local.
#![allow(missing_docs)]

#[path = "support/boot.rs"]
mod boot;
#[path = "support/wrapper.rs"]
mod wrapper;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use assert_cmd::cargo::cargo_bin;
use results::check::{Check, Granule, Regime};
use results::manifest::{EL1_LABEL, QEMU_LABEL, Status};
use results::store::Run;
use results::verdict::Class;
use tempfile::TempDir;

use crate::boot::{complete, run_qemu};
use crate::wrapper::wrapper;

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

/// Makes checks in one boot, and returns how that ended.
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

/// A hypervisor of one guest, the kernel: it sets `HCR_EL2.FB` and `HCR_EL2.BSU` to the inner shareable domain, as KVM does,
/// and enters the guest at EL1. It takes the guest's SMCs (`HCR_EL2.TSC`) and hands them on; a PE that CPU_ON starts comes
/// through it as well.
fn hypervisor() -> Vec<u8> {
    const ENTRY: [u32; 25] = [
        0xd2a8_0000, // mov  x0, #0x40000000: QEMU's device tree
        0xd2a8_0401, // mov  x1, #0x40200000: the kernel
        // x0: argument, x1: where to go at EL1
        0xd286_7fe2, // mov  x2, #0x33ff
        0xd51c_1142, // msr  cptr_el2, x2: trap nothing
        0xd51c_e07f, // msr  cntvoff_el2, xzr
        0xd280_0062, // mov  x2, #3
        0xd51c_e102, // msr  cnthctl_el2, x2
        0xd53b_9c02, // mrs  x2, pmcr_el0
        0xd34b_3c42, // ubfx x2, x2, #11, #5: N
        0xd51c_1122, // msr  mdcr_el2, x2: HPMN
        0xd280_c002, // mov  x2, #0x600: FB, BSU inner shareable
        0xf2b0_0102, // movk x2, #0x8008, lsl #16: RW, TSC
        0xd51c_1102, // msr  hcr_el2, x2
        0x1000_3e62, // adr  x2, #0x800: vectors
        0xd51c_c002, // msr  vbar_el2, x2
        0xd281_0002, // mov  x2, #0x800
        0xf2a6_1a02, // movk x2, #0x30d0, lsl #16: RES1
        0xd518_1002, // msr  sctlr_el1, x2
        0xd280_78a2, // mov  x2, #0x3c5: EL1h, everything masked
        0xd51c_4002, // msr  spsr_el2, x2
        0xd51c_4021, // msr  elr_el2, x1
        0xd503_3fdf, // isb
        0xd69f_03e0, // eret
        // Another PE. x0: address of where to go and of the argument
        0xa940_0001, // ldp  x1, x0, [x0]
        0x17ff_ffea, // b    to the third instruction
    ];
    /// Lower EL using AArch64, synchronous.
    const SMC_AT: usize = 0x800 + 0x400;
    const SMC: [u32; 15] = [
        0xd51c_d050, // msr  tpidr_el2, x16
        0xd53c_4030, // mrs  x16, elr_el2
        0x9100_1210, // add  x16, x16, #4: behind the SMC
        0xd51c_4030, // msr  elr_el2, x16
        0xd280_0070, // mov  x16, #3
        0xf2b8_8010, // movk x16, #0xc400, lsl #16: CPU_ON
        0xeb10_001f, // cmp  x0, x16
        0x5400_00a1, // b.ne to the mrs below
        0x1000_0310, // adr  x16, #0xc80: unused
        0xa900_0e02, // stp  x2, x3, [x16]: where to go, and the argument
        0xaa10_03e3, // mov  x3, x16
        0x10ff_a182, // adr  x2, #0x5c: through here
        0xd53c_d050, // mrs  x16, tpidr_el2
        0xd400_0003, // smc  #0
        0xd69f_03e0, // eret
    ];
    let bytes = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
    let mut image = bytes(&ENTRY);
    image.resize(SMC_AT, 0);
    image.extend(bytes(&SMC));
    image
}

/// Where another PE observes, what is local passes under such a hypervisor, and would fail without it: that is no pass.
fn a_hypervisor_that_broadcasts_is_not_taken_for_a_processor() {
    let folder = TempDir::new().unwrap();
    let binary = folder.path().join("hypervisor.bin");
    fs::write(&binary, hypervisor()).unwrap();
    let rewrite = format!(
        "-kernel) ;;\n    *.img | /proc/self/fd/*) set -- \"$@\" -device \"loader,file=$a,addr=0x40200000,force-raw=on\" \
         -device \"loader,file={},addr=0x48000000,force-raw=on\" -device loader,addr=0x48000000,cpu-num=0 ;;",
        binary.display()
    );
    let qemu = wrapper(folder.path(), &rewrite);
    let sequences = [
        "--sequence",
        "local=dsb nshst; tlbi vmalle1; dsb nsh; isb",
        "--sequence",
        "shared=dsb ishst; tlbi vmalle1is; dsb ish; isb",
        "--smp",
        "2",
    ];
    let under = [&["--qemu", qemu.to_str().unwrap()], &sequences[..]].concat();
    let (code, run) = checked(folder.path(), &under);
    assert_eq!(code, Some(0));
    assert_eq!(run.manifest.kernel.entry_el, Some(1));
    let without = TempDir::new().unwrap();
    let (code, alone) = checked(without.path(), &[&["--el1"], &sequences[..]].concat());
    assert_eq!(code, Some(1));
    for id in ["mp_rt_el1", "mp_bbm_el1", "mp_rt_el0", "loop_rt_el1"] {
        let of = |run: &Run, seq: &str| {
            let all = classes_of(run, seq);
            let (_, class, reason) = all.into_iter().find(|(check, ..)| check == id).unwrap();
            (class, reason)
        };
        let (class, reason) = of(&run, "local");
        assert_eq!(class, Class::NotObservable, "{id}");
        assert!(reason.contains("a hypervisor may make"), "{reason}");
        assert_eq!(of(&alone, "local").0, Class::Fail, "{id}");
        assert_eq!(
            (of(&run, "shared").0, of(&alone, "shared").0),
            (Class::Pass, Class::Pass),
            "{id}"
        );
    }
    // On the PE itself there is nothing to widen.
    let own = classes_of(&run, "local");
    assert!(
        own.iter()
            .any(|(check, class, _)| check == "cowinvt_el1" && *class == Class::Pass)
    );
}

fn main() -> ExitCode {
    let cases: [boot::Case; 4] = [
        ("entered_at_el1", entered_at_el1),
        ("mistakes_at_el1", mistakes_at_el1),
        ("checks_at_el1_with_two_pes", checks_at_el1_with_two_pes),
        (
            "a_hypervisor_that_broadcasts_is_not_taken_for_a_processor",
            a_hypervisor_that_broadcasts_is_not_taken_for_a_processor,
        ),
    ];
    boot::main_unless(wrapper::script::absent(), cases)
}
