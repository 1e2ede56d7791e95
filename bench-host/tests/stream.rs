// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a stream may do to a run: every damage has its exit code, its reason, and loses nothing that came whole.
#![cfg(unix)]
#![allow(missing_docs)]

#[path = "support/fake.rs"]
#[allow(dead_code, reason = "shared; each test binary uses a part of it")]
mod fake;

use std::fs;

use fake::{Ended, Fake, changed, good};
use results::check::Outcomes;
use results::manifest::{Gap, Status};
use results::record::Record;
use results::verdict::Class;

fn run(lines: &[String]) -> (Fake, Ended) {
    let fake = Fake::printing(lines, "");
    let ended = fake.run(&[]);
    (fake, ended)
}

#[test]
fn a_good_stream_is_a_complete_run() {
    let (plan, lines) = good();
    let (fake, ended) = run(&lines);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let run = fake.stored();
    let stream = &run.manifest.stream;
    assert_eq!(run.manifest.status, Status::Complete, "{:?}", run.manifest.reasons);
    assert_eq!((stream.lines, stream.samples), (lines.len() as u64, 80));
    assert_eq!(run.manifest.plan, plan);
    assert_eq!(run.manifest.kernel.entry_el, Some(2));
    assert_eq!(run.manifest.pes[0].registers["MIDR_EL1"].0, 0x410f_d083);
    let counted: u64 = run.samples().unwrap().map(|row| u64::from(row.unwrap().count)).sum();
    assert_eq!(counted, 80);
    let verdicts: Vec<_> = run.verdicts().unwrap().map(|row| row.unwrap().class).collect();
    assert_eq!(verdicts, [Class::Pass; 36]);
    assert_eq!(run.litmus().unwrap().count(), 90);
    assert_eq!((run.boot().unwrap().count(), run.proofs().unwrap().count()), (1, 1));
    assert_eq!(fs::read_to_string(run.console()).unwrap(), lines.concat());
    assert!(ended.stdout.contains("QEMU TCG: not hardware timing"));
}

#[test]
fn chatter_and_repeated_lines_do_no_harm() {
    let (_, mut lines) = good();
    lines.insert(0, "U-Boot 2026.01\r\n".into());
    lines[3] = format!("[    0.0] firmware says {}", lines[3]);
    lines.insert(6, lines[5].clone());
    let (fake, ended) = run(&lines);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let stream = fake.manifest().stream;
    assert_eq!((stream.chatter, stream.duplicates, stream.lost_lines), (1, 1, 0));
    assert_eq!(fake.stored().samples().unwrap().count(), 24);
}

#[test]
fn a_lost_line_is_named() {
    let (_, mut lines) = good();
    let at = lines
        .iter()
        .position(|line| line.contains(",counts,xen_head_new,plain,0,cycles,1,"))
        .unwrap();
    lines.remove(at);
    let (fake, ended) = run(&lines);
    assert_eq!(ended.code, Some(3));
    let manifest = fake.manifest();
    let at = at as u32;
    assert_eq!(
        (manifest.status, manifest.stream.lost),
        (Status::Incomplete, vec![Gap { first: at, last: at }])
    );
    let reasons = manifest.reasons.join("\n");
    assert!(
        reasons.contains(&format!("1 line is lost, the first is line {at}")),
        "{reasons}"
    );
    assert!(reasons.contains("the kernel took 80 samples, 72 arrived"), "{reasons}");
    assert!(reasons.contains("xen_head_new on PE 0"), "{reasons}");
    assert!(ended.stderr.contains("line is lost"));
}

#[test]
fn a_damaged_line_is_counted_and_not_read() {
    let (_, mut lines) = good();
    let at = lines.iter().position(|line| line.contains(",counts,")).unwrap();
    lines[at] = lines[at].replace(",100,", ",900,");
    let (fake, ended) = run(&lines);
    assert_eq!(ended.code, Some(3));
    let stream = fake.manifest().stream;
    assert_eq!((stream.damaged, stream.lost_lines), (1, 1));
    assert!(fake.stored().samples().unwrap().all(|row| row.unwrap().value != 900));
}

#[test]
fn a_stream_cut_anywhere_keeps_what_came_before() {
    let (_, lines) = good();
    let text = lines.concat();
    for cut in [
        0,
        1,
        lines[0].len() - 5,
        lines[0].len(),
        text.len() / 2,
        text.len() - 12,
    ] {
        let fake = Fake::new(&text.as_bytes()[..cut], "cat stream");
        let ended = fake.run(&[]);
        assert_eq!(ended.code, Some(3), "cut at {cut}: {}", ended.stderr);
        let manifest = fake.manifest();
        assert_eq!(manifest.status, Status::Incomplete);
        assert!(
            manifest.reasons.join("\n").contains("before the end line"),
            "{:?}",
            manifest.reasons
        );
        let whole = text[..cut].matches("\r\n").count() as u64;
        assert_eq!(manifest.stream.lines, whole, "cut at {cut}");
    }
}

#[test]
fn the_last_line_needs_no_terminator() {
    let (_, lines) = good();
    let text = lines.concat();
    let fake = Fake::new(text.trim_end().as_bytes(), "cat stream");
    assert_eq!(fake.run(&[]).code, Some(0));
}

#[test]
fn a_machine_that_restarts_is_found_out() {
    let (_, mut lines) = good();
    let again = lines.clone();
    lines.truncate(lines.iter().position(|line| line.contains(",counts,")).unwrap() + 2);
    lines.extend(again);
    let (fake, ended) = run(&lines);
    assert_eq!(ended.code, Some(3));
    assert!(ended.stderr.contains("the machine started again"), "{}", ended.stderr);
    assert_eq!(
        fake.manifest().stream.samples,
        16,
        "the second boot is not mixed with the first"
    );
}

#[test]
fn a_newer_schema_and_another_plan_are_refused() {
    let (fake, ended) = run(&changed(|script| script.schema += 1));
    assert_eq!(ended.code, Some(4));
    assert!(ended.stderr.contains("update bench-host"), "{}", ended.stderr);
    assert_eq!(fake.manifest().status, Status::Failed);
    let (fake, ended) = run(&changed(|script| script.plan_crc ^= 1));
    assert_eq!(ended.code, Some(4));
    assert!(ended.stderr.contains("not the"), "{}", ended.stderr);
    assert_eq!(fake.manifest().status, Status::Failed);
}

#[test]
fn a_stale_translation_is_a_failure_whatever_the_kernel_says() {
    let stale = Outcomes {
        stale: 1,
        fault: 4,
        ..Outcomes::default()
    };
    for verdict in ["fail", "pass"] {
        let lines = changed(|script| {
            script.tested = stale;
            script.verdict = verdict;
        });
        let (fake, ended) = run(&lines);
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert!(
            ended
                .stderr
                .contains("cowinvt_el2 with xen_head_new: stale translation used"),
            "{}",
            ended.stderr
        );
        let failed = |row: &results::store::VerdictRow| row.class == Class::Fail;
        let rows: Vec<_> = fake.stored().verdicts().unwrap().map(Result::unwrap).collect();
        assert_eq!(rows.iter().filter(|row| failed(row)).count(), 2);
        // Where the kernel and its own counts disagree, that is said too.
        assert!(ended.stderr.contains("the kernel says"));
    }
}

#[test]
fn no_power_is_not_a_pass() {
    let lines = changed(|script| {
        script.stale_without = 0;
        script.verdict = "not_observable";
    });
    let (fake, ended) = run(&lines);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert_eq!(fake.manifest().status, Status::Complete);
    assert!(
        fake.stored()
            .verdicts()
            .unwrap()
            .all(|row| row.unwrap().class == Class::NotObservable)
    );
}

#[test]
fn a_boot_proof_that_does_not_hold_is_a_failure() {
    let lines = changed(|script| {
        script.proof_holds = false;
        script.end_pass = false;
    });
    let (_, ended) = run(&lines);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("proof identity_faults does not hold: observed"),
        "{}",
        ended.stderr
    );
}

#[test]
fn an_exception_is_a_failure_in_words() {
    let lines = changed(|script| {
        script.end_pass = false;
        script.instead = Some(Record::Exception {
            phase: "boot",
            vector: "current_spx_sync",
            el: 2,
            esr: 0x9600_0004,
            elr: 0x4020_0000,
            far: 0xdead,
            seq: "",
        });
    });
    let (fake, ended) = run(&lines);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended
            .stderr
            .contains("phase boot: data abort: translation fault, level 0"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("FAR 0xdead") && !ended.stderr.contains("no samples"),
        "{}",
        ended.stderr
    );
    assert!(fake.manifest().reasons[0].contains("data abort"));
}

#[test]
fn a_kernel_that_refuses_is_a_set_up_problem() {
    let lines = changed(|script| {
        script.end_pass = false;
        script.instead = Some(Record::Fatal {
            phase: "early",
            message: "entered at EL1: EL2 is needed",
        });
    });
    let (fake, ended) = run(&lines);
    assert_eq!(ended.code, Some(4));
    assert!(
        ended.stderr.contains("gave up in phase early: entered at EL1"),
        "{}",
        ended.stderr
    );
    assert_eq!(fake.manifest().reasons.len(), 1, "one cause, one reason");
}

#[test]
fn a_kernel_that_takes_too_few_samples_is_found_out() {
    let (_, ended) = run(&changed(|script| script.missing = 1));
    assert_eq!(ended.code, Some(3));
    assert!(
        ended.stderr.contains("empty on PE 0: batch 2 has 3 samples of 4"),
        "{}",
        ended.stderr
    );
}

#[test]
fn an_endless_line_does_not_grow_memory() {
    let (_, lines) = good();
    let fake = Fake::new(
        lines.concat().as_bytes(),
        "head -c 300000000 /dev/zero | tr '\\0' x\ncat stream",
    );
    // 256 MiB of address space; the line alone is more.
    let program = assert_cmd::cargo::cargo_bin!("bench-host").display().to_string();
    let limited = format!("ulimit -v 262144; exec '{program}' \"$@\"");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &limited, "sh", "run"]).args(fake::SMALL);
    command
        .arg("--qemu")
        .arg(fake.path("qemu"))
        .arg("--out")
        .arg(fake.path("run"));
    let ended = Ended::from(command.output().unwrap());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let stream = fake.manifest().stream;
    assert!(stream.unlogged_bytes > 200_000_000, "{stream:?}");
    assert_eq!((stream.samples, stream.lost_lines), (80, 0));
    assert!(fs::metadata(fake.stored().console()).unwrap().len() < 100 << 20);
}

#[test]
fn a_saved_log_is_the_same_run() {
    let (plan, lines) = good();
    let fake = Fake::new(lines.concat().as_bytes(), "");
    let log = fake.path("stream").display().to_string();
    let read = |out: &str, arguments: &[&str]| -> Ended {
        let mut command = assert_cmd::cargo::cargo_bin_cmd!("bench-host");
        let command = command
            .args(["run", "--log", &log, "--out"])
            .arg(fake.path(out))
            .args(arguments);
        command.output().unwrap().into()
    };
    // With the options of the run, it is verified against its plan.
    assert_eq!(read("run", &fake::SMALL).code, Some(0));
    assert_eq!(fake.manifest().plan, plan);
    assert!(fake.manifest().simulator && fake.manifest().label.contains("not shown to be hardware"));
    // Without, the plan is what the log shows.
    fs::remove_dir_all(fake.path("run")).unwrap();
    assert_eq!(read("run", &["--hardware"]).code, Some(0));
    let manifest = fake.manifest();
    assert_eq!(
        (manifest.plan.iterations, manifest.plan.batch, manifest.plan.trials),
        (20, 8, 5)
    );
    assert_eq!(manifest.plan.crc, plan.crc);
    assert_eq!(manifest.plan.sequences[1].aa_of.as_deref(), Some("xen_head_old"));
    assert_eq!((manifest.simulator, manifest.label.as_str()), (false, "hardware"));
    // Cut, it is incomplete; absent, it is named wrongly.
    fs::write(fake.path("stream"), lines[..9].concat()).unwrap();
    let ended = read("cut", &[]);
    assert_eq!(ended.code, Some(3));
    assert!(
        ended.stderr.contains("the log stops before the end line"),
        "{}",
        ended.stderr
    );
    fs::remove_file(fake.path("stream")).unwrap();
    assert_eq!(read("absent", &[]).code, Some(64));
}
