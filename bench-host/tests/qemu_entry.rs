// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel entered in other ways than `-kernel` does it, and exceptions nobody expected.
#![allow(missing_docs)]

#[path = "support/boot.rs"]
mod boot;
#[path = "support/wrapper.rs"]
mod wrapper;

use std::fs;
use std::process::ExitCode;

use bench_host::kernel::Kernel;
use results::manifest::Status;
use results::record::Event;
use tempfile::TempDir;

use crate::boot::{complete, run_qemu};
use crate::wrapper::{loaded_at, wrapper};

const CONSOLE: [&str; 4] = ["--console", "pl011@0x9000000", "--psci", "smc"];

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
    let cases: [boot::Case; 6] = [
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
    boot::main_unless(wrapper::script::absent(), cases)
}
