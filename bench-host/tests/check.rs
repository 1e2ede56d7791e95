// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host check` in QEMU: what it must see, and what it must not. Ignored where QEMU is not installed.
#![allow(missing_docs)]

#[path = "support/boot.rs"]
mod boot;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Output};
use std::time::{Duration, Instant};

use bench_host::qemu::{Qemu, Version};
use boot::needs;
use dtoolkit::model::{DeviceTree, DeviceTreeNode, DeviceTreeProperty};
use results::check::{Change, Check, Granule, Regime, Tag};
use tempfile::TempDir;

/// Runs `check` in a folder of its own.
fn check(arguments: &[&str]) -> (Output, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_bench-host"))
        .current_dir(folder.path())
        .args(["check", "--machine", "qemu", "--trials", "40", "--out", "runs"])
        .args(arguments)
        .output()
        .unwrap();
    (output, folder)
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Returns the class of a check as the terminal shows it.
fn class(text: &str, check: Check) -> Option<&'static str> {
    let failure = format!("FAIL {} with ", check.id());
    if text.lines().any(|line| line.starts_with(&failure)) {
        return Some("fail");
    }
    // A heading for each class and reason, and below it the checks, indented.
    let mut heading = "";
    text.lines().find_map(|line| {
        if !line.starts_with("    ") {
            heading = line;
            return None;
        }
        // What passed in other checks only is named by its sequences.
        let checks = line.split(" with ").next()?;
        let names = checks.split([' ', ',', ';']).filter(|word| !word.is_empty());
        let is_named = names.into_iter().any(|name| name == check.id());
        let classes = [
            ("pass,", "pass"),
            ("not observable,", "not_observable"),
            ("skipped,", "skipped"),
        ];
        let class = classes.iter().find(|(start, _)| heading.starts_with(start))?;
        is_named.then_some(class.1)
    })
}

/// Returns whether QEMU's TLB can show a stale translation in a check.
fn is_observable(check: Check) -> bool {
    let spec = check.spec();
    spec.change != Change::Map && !matches!(spec.tag, Tag::OtherAsid | Tag::OtherVmid)
}

/// Returns the rows of the verdicts of a run, without their reasons, which have counts.
fn verdicts(run: &Path) -> Vec<[String; 3]> {
    let mut reader = csv::Reader::from_path(run.join("verdicts.csv")).unwrap();
    let rows = reader.records().map(|row| {
        let row = row.unwrap();
        [0, 1, 2].map(|column| row[column].to_owned())
    });
    rows.collect()
}

/// A machine that does everything at once is no other than QEMU: both were written by different people.
fn the_adversary_at_its_kindest_is_as_qemu() {
    for pes in ["1", "3"] {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_bench-host"))
            .current_dir(folder.path())
            .args([
                "check",
                "--machine",
                "both",
                "--choose",
                "earliest",
                "--cpu",
                "cortex-a72",
            ])
            .args(["--trials", "20", "--out", "runs", "--smp", pes])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
        let [adversary, qemu] = ["1", "2"].map(|run| verdicts(&folder.path().join("runs").join(run)));
        assert!(adversary.len() > 500, "{} verdicts", adversary.len());
        assert_eq!(adversary, qemu, "{pes} PEs");
    }
}

fn a_planted_bug_fails_in_every_regime() {
    let (output, _folder) = check(&["--cpu", "max", "--plant-bug"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for check in Check::ALL {
        let expected = if is_observable(check) { "fail" } else { "not_observable" };
        assert_eq!(class(&text, check), Some(expected), "{check:?}");
    }
    let failed = |regime: &Regime| {
        Check::ALL
            .iter()
            .any(|check| check.regime() == *regime && class(&text, *check) == Some("fail"))
    };
    assert!(Regime::ALL.iter().all(failed));
}

fn known_sequences_pass_and_every_output_says_so() {
    let outputs = ["--junit", "j", "--ktap", "k", "--summary", "s", "--litmus", "l"];
    let (output, folder) = check(&outputs);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for check in Check::ALL {
        // What a Cortex-A72 lacks: FEAT_VHE, hardware updates of descriptors, and the 16 KiB granule.
        let spec = check.spec();
        let expected = match check.regime() {
            Regime::El2Host | Regime::El2HostTge => "skipped",
            _ if spec.has_hardware_updates() || spec.granule == Granule::K16 => "skipped",
            _ if is_observable(check) => "pass",
            _ => "not_observable",
        };
        assert_eq!(class(&text, check), Some(expected), "{check:?}");
    }
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("j").contains(r#"failures="0""#));
    assert!(!read("k").contains("not ok") && read("k").starts_with("KTAP version 1\n"));
    assert!(read("l").contains("Observation mp_rt_el2__el2_va_is Never 0 40"));
    let summary = read("s");
    let row = summary.lines().find(|line| line.starts_with("| QEMU ")).unwrap();
    assert_eq!(row.split('|').nth(3), Some(" 0 "), "{row}");
}

fn a_known_bug_of_qemu_is_named_and_can_be_excused() {
    let host = [
        "--only",
        "cowinvt_el2h",
        "--only",
        "cowinvt_el2",
        "--cpu",
        "max",
        "--junit",
        "j",
    ];
    let (output, folder) = check(&[&host[..], &["--allow-known-bugs"]].concat());
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let junit = fs::read_to_string(folder.path().join("j")).unwrap();
    assert!(junit.contains(r#"failures="0""#), "{junit}");
    let (output, _folder) = check(&host);
    if Qemu::find(None).unwrap().version < Version(8, 2, 0) {
        assert!(
            text.contains("excused") && junit.contains("known bug: QEMU before 8.2"),
            "{text}"
        );
        assert_eq!(output.status.code(), Some(1));
    } else {
        assert_eq!(output.status.code(), Some(0));
    }
}

/// Returns the device tree of a Raspberry Pi 3 as its firmware hands it over: processors in spin-tables, no PSCI.
fn raspberry_pi_3() -> Vec<u8> {
    let node = |name: &str, properties: &[(&str, &[u8])], children: Vec<DeviceTreeNode>| {
        let mut node = DeviceTreeNode::new(name).unwrap();
        for (name, value) in properties {
            node.add_property(DeviceTreeProperty::new(*name, *value).unwrap());
        }
        children.into_iter().for_each(|child| {
            node.add_child(child);
        });
        node
    };
    let cells = |cells: &[u32]| -> Vec<u8> { cells.iter().flat_map(|cell| cell.to_be_bytes()).collect() };
    let (one, none) = (cells(&[1]), cells(&[0]));
    let sizes = [("#address-cells", one.as_slice()), ("#size-cells", one.as_slice())];
    let cpu = |index: u32| {
        // Where QEMU's stand-in for the firmware's boot stub looks.
        let (reg, release) = (cells(&[index]), cells(&[0, 0xd8 + 8 * index]));
        let properties: [(&str, &[u8]); 4] = [
            ("device_type", b"cpu\0"),
            ("reg", &reg),
            ("enable-method", b"spin-table\0"),
            ("cpu-release-addr", &release),
        ];
        node(&format!("cpu@{index}"), &properties, vec![])
    };
    let uart_registers = cells(&[0x7e20_1000, 0x200]);
    let uart: [(&str, &[u8]); 2] = [("compatible", b"arm,pl011\0"), ("reg", &uart_registers)];
    let ranges = cells(&[0x7e00_0000, 0x3f00_0000, 0x100_0000]);
    let soc = [&sizes[..], &[("ranges", ranges.as_slice())]].concat();
    let memory = cells(&[0, 0x3c00_0000]);
    let mut tree = DeviceTree::new();
    tree.root = node(
        "",
        &sizes,
        vec![
            node("chosen", &[("stdout-path", b"/soc/serial@7e201000\0")], vec![]),
            node("memory@0", &[("device_type", b"memory\0"), ("reg", &memory)], vec![]),
            node(
                "cpus",
                &[("#address-cells", &one), ("#size-cells", &none)],
                (0..4).map(cpu).collect(),
            ),
            node("soc", &soc, vec![node("serial@7e201000", &uart, vec![])]),
        ],
    );
    tree.to_dtb()
}

fn a_board_with_spin_tables_is_checked_by_its_log() {
    let suite = [
        "--trials",
        "40",
        "--only",
        "mp_rt_el2",
        "--only",
        "wrc_trt_el1",
        "--only",
        "mp_identity_el2",
    ];
    let folder = tempfile::tempdir().unwrap();
    let bench_host = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_bench-host"))
            .current_dir(folder.path())
            .arg("check")
            .args(suite)
            .args(arguments)
            .output()
            .unwrap()
    };
    assert_eq!(bench_host(&["--image", "kernel.img"]).status.code(), Some(0));
    fs::write(folder.path().join("board.dtb"), raspberry_pi_3()).unwrap();
    let log = folder.path().join("pi3.log");
    let mut board = Command::new("qemu-system-aarch64")
        .current_dir(folder.path())
        .args([
            "-M",
            "raspi3b",
            "-kernel",
            "kernel.img",
            "-dtb",
            "board.dtb",
            "-display",
            "none",
        ])
        .args(["-accel", "tcg,thread=single", "-serial", "file:pi3.log"])
        .spawn()
        .unwrap();
    // The board never ends by itself: it has no firmware to ask.
    let deadline = Instant::now() + Duration::from_secs(120);
    let ended = || fs::read_to_string(&log).is_ok_and(|text| text.contains(",end,"));
    while !ended() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    board.kill().unwrap();
    board.wait().unwrap();
    let output = bench_host(&["--log", "pi3.log", "--out", "run"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let class = |id: &str| class(&text, Check::from_id(id).unwrap()).map(str::to_owned);
    assert_eq!(class("mp_rt_el2").as_deref(), Some("pass"), "{text}");
    assert_eq!(class("wrc_trt_el1").as_deref(), Some("pass"), "{text}");
    assert_eq!(class("mp_identity_el2").as_deref(), Some("skipped"), "{text}");
    let other = bench_host(&["--log", "pi3.log", "--seed", "7", "--out", "other"]);
    assert_eq!(other.status.code(), Some(4));
    let said = String::from_utf8_lossy(&other.stderr);
    assert!(said.contains("hint: a console needs the options"), "{said}");
}

fn a_local_sequence_fails_where_another_pe_looks() {
    let sequence = "mine=dsb nshst; tlbi alle2; dsb nsh; isb";
    let only = [
        "--only",
        "cowinvt_el2",
        "--only",
        "mp_rt_el2",
        "--only",
        "mp_identity_el2",
    ];
    let (output, _folder) = check(&[&["--sequence", sequence], &only[..]].concat());
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let class = |id: &str| class(&text, Check::from_id(id).unwrap()).map(str::to_owned);
    assert_eq!(class("cowinvt_el2").as_deref(), Some("pass"));
    assert_eq!(class("mp_rt_el2").as_deref(), Some("fail"));
    assert_eq!(class("mp_identity_el2").as_deref(), Some("fail"));
    assert!(text.contains("--only mp_rt_el2 --sequence 'mine=dsb nshst;"), "{text}");
}

fn secondaries_boot_wherever_the_1_1_map_is() {
    for case in ["level0", "level1", "level2", "none"] {
        let only = [
            "--only",
            "mp_identity_el2",
            "--only",
            "mp_rt_el2",
            "--only",
            "mp_rt_el2h",
        ];
        let machine = ["--cpu", "max", "--smp", "2", "--runtime", case, "--sequence"];
        let sequence = ["all=dsb ishst; tlbi alle2is; dsb ish; isb"];
        let (output, folder) = check(&[&machine[..], &sequence, &only].concat());
        let text = stdout(&output);
        assert_eq!(output.status.code(), Some(0), "{case}: {text}");
        let class = |id: &str| class(&text, Check::from_id(id).unwrap()).map(str::to_owned);
        let identity = if case == "none" { "skipped" } else { "pass" };
        assert_eq!(class("mp_identity_el2").as_deref(), Some(identity), "{case}");
        assert_eq!(class("mp_rt_el2").as_deref(), Some("pass"), "{case}");
        assert_eq!(class("mp_rt_el2h").as_deref(), Some("pass"), "{case}");
        let proofs = fs::read_to_string(folder.path().join("runs/1/console.log")).unwrap();
        assert!(proofs.contains("proof,secondary_identity_faults,pass"), "{case}");
    }
}

fn mutants_that_a_tlb_model_can_show_are_caught() {
    let (output, folder) = check(&["--mutants"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let row = |kind: &str| -> Vec<u32> {
        let mut rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let row = rows
            .find(|words| words.first() == Some(&kind) && words.len() > 2)
            .unwrap();
        let number = |cell: &&str| cell.replace(',', "").parse().ok();
        row.iter().filter_map(number).collect()
    };
    // Mistakes, shown, judge alone, survived, no mistake, disagreement, skipped.
    assert!(row("drop")[1] >= 7 && row("wrong_operand")[1] >= 7 && row("narrow_scope")[1] >= 3);
    assert!(row("wrong_regime")[1] >= 7);
    assert_eq!((row("all")[3], row("all")[5]), (0, 0), "{text}");
    assert!(text.contains("\nOnly the judge finds:\n"), "{text}");
    let page = fs::read_to_string(folder.path().join("runs/report.html")).unwrap();
    assert!(page.contains("Mistakes that a machine shows, by kind"));
}

/// Runs `check` with a PATH; returns the exit code, standard output and standard error.
fn with_path(path: &str, folder: &TempDir, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_bench-host"))
        .current_dir(folder.path())
        .env("PATH", path)
        .args([
            "check",
            "--trials",
            "20",
            "--only",
            "cowinvt_el2",
            "--only",
            "mp_rt_el2",
        ])
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), stdout(&output), said)
}

fn without_qemu_the_adversary_is_enough_and_it_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().to_str().unwrap().to_owned();
    let try_out = |arguments: &[&str]| with_path(&nowhere, &folder, arguments);
    let (code, text, said) = try_out(&["--junit", "j", "--ktap", "k"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("on adversary (latest) as cortex-a72, 3 PEs; no other: QEMU not found"),
        "{said}"
    );
    assert!(text.contains("adversary (latest) as cortex-a72, 3 PEs, seed 0x1, 1 boot:"));
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("j").contains(r#"<testsuite name="adversary_latest_cortex_a72_3pe.mp_rt_el2""#));
    assert!(read("k").ends_with("\nok 1 adversary_latest_cortex_a72_3pe\n"));
    for asked in [&["--machine", "both"][..], &["--machine", "qemu"], &["--threads"]] {
        assert_eq!(try_out(asked).0, Some(4), "{asked:?}");
    }
    // What neither machine can be.
    assert_eq!(try_out(&["--cpu", "a64fx"]).0, Some(64));
    for conflict in [
        &["--machine", "adversary", "--threads"][..],
        &["--machine", "qemu", "--choose", "random"],
    ] {
        assert_eq!(try_out(conflict).0, Some(64), "{conflict:?}");
    }
}

fn by_default_a_local_flush_with_a_missing_barrier_is_seen_on_the_adversary_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = std::env::var("PATH").unwrap();
    let outputs = [
        "--junit",
        "j",
        "--ktap",
        "k",
        "--summary",
        "s",
        "--litmus",
        "l",
        "--out",
        "runs",
    ];
    let sequence = ["--sequence", "mine=tlbi alle2is; dsb ish; isb"];
    let (code, text, said) = with_path(&path, &folder, &[&outputs[..], &sequence].concat());
    assert_eq!(code, Some(1), "{text}");
    assert!(
        said.contains("on adversary (latest) as cortex-a72, 3 PEs and QEMU "),
        "{said}"
    );
    let machines: Vec<&str> = text.split("== ").skip(1).collect();
    assert_eq!(machines.len(), 2);
    let check = Check::from_id("cowinvt_el2").unwrap();
    assert_eq!(class(machines[0], check), Some("fail"), "{text}");
    assert_eq!(class(machines[1], check), Some("pass"), "{text}");
    assert!(
        text.contains("check --machine adversary --choose latest --cpu cortex-a72"),
        "{text}"
    );
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let junit = read("j");
    assert_eq!(junit.matches("<testsuite name=").count(), 4, "{junit}");
    let results = read("k")
        .lines()
        .filter(|line| line.starts_with("not ok 1 adv") || line.starts_with("ok 2 qemu"))
        .count();
    assert_eq!(results, 2);
    assert_eq!(
        read("s")
            .lines()
            .filter(|line| line.starts_with("| adversary") || line.starts_with("| QEMU"))
            .count(),
        2
    );
    assert_eq!(read("l").matches("# Machine: ").count(), 2);
    // Each boot is a run of its own.
    let label = |n: u32| fs::read_to_string(folder.path().join(format!("runs/{n}/run.toml"))).unwrap();
    assert!(label(1).contains("adversary: no timing at all") && label(2).contains("QEMU TCG"));
}

fn what_is_not_there_is_a_usage_error() {
    for (arguments, said) in [
        (["--only", "nope"], "--only nope: no such check"),
        (["--sequence", "nope"], "no sequence `nope`"),
        (["--sequence", "a=tlbi alle3"], "about none of the checks"),
    ] {
        let (output, _folder) = check(&arguments);
        assert_eq!(output.status.code(), Some(64));
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains(said), "{text}");
    }
}

fn main() -> ExitCode {
    let no_qemu = boot::no_qemu();
    needs::main([
        (
            "the_adversary_at_its_kindest_is_as_qemu",
            the_adversary_at_its_kindest_is_as_qemu as fn(),
            no_qemu.clone(),
        ),
        (
            "a_planted_bug_fails_in_every_regime",
            a_planted_bug_fails_in_every_regime as fn(),
            no_qemu.clone(),
        ),
        (
            "known_sequences_pass_and_every_output_says_so",
            known_sequences_pass_and_every_output_says_so as fn(),
            no_qemu.clone(),
        ),
        (
            "a_known_bug_of_qemu_is_named_and_can_be_excused",
            a_known_bug_of_qemu_is_named_and_can_be_excused as fn(),
            no_qemu.clone(),
        ),
        (
            "a_board_with_spin_tables_is_checked_by_its_log",
            a_board_with_spin_tables_is_checked_by_its_log as fn(),
            no_qemu.clone(),
        ),
        (
            "a_local_sequence_fails_where_another_pe_looks",
            a_local_sequence_fails_where_another_pe_looks as fn(),
            no_qemu.clone(),
        ),
        (
            "secondaries_boot_wherever_the_1_1_map_is",
            secondaries_boot_wherever_the_1_1_map_is as fn(),
            no_qemu.clone(),
        ),
        (
            "mutants_that_a_tlb_model_can_show_are_caught",
            mutants_that_a_tlb_model_can_show_are_caught as fn(),
            no_qemu.clone(),
        ),
        (
            "without_qemu_the_adversary_is_enough_and_it_is_said",
            without_qemu_the_adversary_is_enough_and_it_is_said as fn(),
            None,
        ),
        (
            "by_default_a_local_flush_with_a_missing_barrier_is_seen_on_the_adversary_only",
            by_default_a_local_flush_with_a_missing_barrier_is_seen_on_the_adversary_only as fn(),
            no_qemu.clone(),
        ),
        (
            "what_is_not_there_is_a_usage_error",
            what_is_not_there_is_a_usage_error as fn(),
            no_qemu.clone(),
        ),
    ])
}
