// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a run ends on a board, what differs between two boots of one image, and PEs that fall silent in the middle.
#![allow(missing_docs)]

#[path = "support/boot.rs"]
mod boot;

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, ExitCode, Output, Stdio};

use assert_cmd::cargo::cargo_bin;
use bench_host::qemu::{Machine, Qemu};
use results::manifest::{Hex, Status};
use results::store::Run;
use results::verdict::Class;
use tempfile::TempDir;

fn bench_host(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(cargo_bin!("bench-host"));
    command.current_dir(folder).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A board: QEMU, with an image whose plan is fixed, until it has ended so many boots or turns itself off.
fn board(folder: &Path, image: &[&str], boots: usize) -> String {
    let arguments = [&["image", "board.img", "--iterations", "200", "--trials", "5"], image].concat();
    let made = bench_host(folder, &arguments);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let qemu = Qemu::find(None).unwrap();
    let machine = Machine {
        cpu: "cortex-a72".to_owned(),
        smp: 2,
        el1: false,
        deterministic: false,
        one_thread: true,
    };
    // A board does what a reset says.
    let arguments = qemu.arguments(&machine, &folder.join("board.img"));
    let mut child = Command::new(&qemu.program)
        .args(arguments.into_iter().filter(|argument| argument != "-no-reboot"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let (mut console, mut chunk) = (Vec::new(), [0; 4096]);
    let mut output = child.stdout.take().unwrap();
    while text(&console).matches(",end,").count() < boots {
        match output.read(&mut chunk).unwrap() {
            0 => break,
            n => console.extend_from_slice(&chunk[..n]),
        }
    }
    // The last line may still be on its way.
    while console.last() != Some(&b'\n') {
        let n = output.read(&mut chunk).unwrap();
        console.extend_from_slice(&chunk[..n]);
    }
    if boots > 1 {
        child.kill().unwrap();
    }
    child.wait().unwrap();
    let mut console = text(&console);
    // The next boot may have begun.
    let next = console.match_indices("TLB,0,start,").nth(boots).map(|(at, _)| at);
    console.truncate(next.unwrap_or(console.len()));
    console
}

/// Returns the seeds of the start lines.
fn seeds(console: &str) -> Vec<u64> {
    let starts = console.lines().filter(|line| line.starts_with("TLB,0,start,"));
    starts
        .map(|line| line.split(',').nth(6).unwrap().parse().unwrap())
        .collect()
}

/// Every boot is whole, and received as a run of its own, whose manifest knows what it drew.
fn boots_again(at_end: &str) {
    let folder = TempDir::new().unwrap();
    let console = board(folder.path(), &["--at-end", at_end, "--seed", "7"], 3);
    let seeds = seeds(&console);
    assert_eq!(seeds.len(), 3, "{console}");
    assert_eq!(seeds.iter().collect::<BTreeSet<_>>().len(), 3, "{seeds:?}");
    fs::write(folder.path().join("console.txt"), &console).unwrap();
    // How it ends, and that it draws seeds, is no part of what it is asked to do.
    let plan = ["--iterations", "200", "--trials", "5", "--seed", "7"];
    let arguments = [&["run", "--log", "console.txt", "--out", "run"], &plan[..]].concat();
    let received = bench_host(folder.path(), &arguments);
    assert_eq!(received.status.code(), Some(0), "{}", text(&received.stderr));
    for (name, seed) in ["run", "run-2", "run-3"].iter().zip(seeds) {
        let run = Run::open(&folder.path().join(name)).unwrap();
        assert_eq!(run.manifest.status, Status::Complete);
        assert_eq!(run.manifest.plan.seed, Hex(7));
        assert_eq!(run.manifest.kernel.seed, Some(Hex(seed)));
        let verified = bench_host(folder.path(), &["verify", name]);
        assert_eq!(verified.status.code(), Some(0), "{}", text(&verified.stdout));
    }
}

fn loops() {
    boots_again("loop");
}

fn resets() {
    boots_again("reset");
}

/// The seed that a boot drew, planned, gives that boot again: the same places, and so with instructions counted the same
/// samples.
fn the_seed_of_a_boot_makes_it_again() {
    let folder = TempDir::new().unwrap();
    let drawn = seeds(&board(folder.path(), &[], 1))[0];
    assert_ne!(drawn, 1, "the seed of the plan");
    let again = seeds(&board(folder.path(), &["--seed", &drawn.to_string(), "--same-seed"], 1));
    assert_eq!(again, [drawn]);
    let fixed = board(folder.path(), &["--same-seed", "--at-end", "loop"], 2);
    assert_eq!(seeds(&fixed), [1, 1]);
}

/// Off and park both end after one boot; only one of them turns the machine off, which the reader of its pipe sees.
fn parks_and_turns_off() {
    for at_end in ["off", "park"] {
        let ran = boot::complete(&["--at-end", at_end]);
        assert!(ran.run.manifest.reproduce.contains("--at-end park") == (at_end == "park"));
    }
    for at_end in ["loop", "reset"] {
        let folder = TempDir::new().unwrap();
        for command in ["run", "check"] {
            let refused = bench_host(folder.path(), &[command, "--at-end", at_end]);
            assert_eq!(refused.status.code(), Some(64), "{}", text(&refused.stderr));
            assert!(text(&refused.stderr).contains("--boots N"));
        }
    }
}

/// A PE that falls silent in a check is named, what needs it is skipped, and everything else is as ever.
fn a_pe_falls_silent_in_a_check() {
    let folder = TempDir::new().unwrap();
    // One of each way in which PEs take part in a trial, and a check of every regime's on one PE.
    let one_pe = ["cowinvt_el2", "cowinvt_el1"];
    for (check, silent) in [
        ("mp_rt_el2", &[1][..]),
        ("loop_rt_el1", &[1]),
        ("wrc_trt_el1", &[1, 2]),
        // Its PE is turned off and on, and what it does in between is one job.
        ("mp_identity_el2", &[1]),
    ] {
        for &pe in silent {
            for (job, moment) in [(1, "before"), (2, "late"), (3, "after"), (4, "before"), (7, "late")] {
                let moment = if check == "mp_identity_el2" { "before" } else { moment };
                let plan = format!("{pe}:{job}:{moment}");
                let out = format!("{check}-{pe}-{job}");
                let mut arguments = vec!["check", "--smp", "3", "--trials", "20", "--out", &out];
                arguments.extend(["--plant-silence", &plan, "--only", check]);
                arguments.extend(one_pe.iter().flat_map(|check| ["--only", check]));
                let ran = bench_host(folder.path(), &arguments);
                let stderr = text(&ran.stderr);
                assert_eq!(ran.status.code(), Some(0), "{check} {plan}: {stderr}");
                assert!(
                    stderr.contains(&format!("PE {pe} (MPIDR 0x{pe})")),
                    "{check} {plan}: {stderr}"
                );
                let run = Run::open(&folder.path().join(&out).join("1")).unwrap();
                assert_eq!(run.manifest.status, Status::Complete, "{check} {plan}");
                let lost: Vec<_> = run.manifest.stream.lost_pes.iter().map(|lost| lost.pe).collect();
                assert_eq!(lost, [pe], "{check} {plan}");
                for row in run.verdicts().unwrap().map(Result::unwrap) {
                    let expected = match one_pe.contains(&row.check.id()) {
                        true => row.class == Class::Pass,
                        false => row.class == Class::Skipped && row.reason.contains("fell silent"),
                    };
                    // What does not reach every PE is enough on one only: those are skipped for another reason.
                    assert!(expected || row.class == Class::Skipped, "{check} {plan}: {row:?}");
                }
                let skipped = run.verdicts().unwrap().map(Result::unwrap);
                assert!(skipped.into_iter().any(|row| row.reason.contains("fell silent")));
                let verified = bench_host(folder.path(), &["verify", &format!("{out}/1")]);
                assert_eq!(verified.status.code(), Some(0), "{}", text(&verified.stdout));
            }
        }
    }
}

/// Where samples need it they are missing, which is told with the reason; the checks follow.
fn a_pe_falls_silent_while_it_is_timed_or_busy() {
    let timed = ["--timed-pes", "3", "--smp", "3"];
    let busy = ["--sweep", "broadcast=0,1,2", "--scenario", "busy=1", "--smp", "3"];
    for (conditions, plan, code) in [
        (&timed[..], "1:1:before", 3),
        (&timed, "1:2:before", 3),
        (&timed, "1:4:late", 3),
        (&timed, "2:6:after", 3),
        (&busy, "1:4:before", 3),
        (&busy, "1:7:after", 3),
        (&busy, "2:3:late", 3),
        // Gone before anything was timed beside it: a condition that cannot be had here.
        (&busy, "1:1:before", 0),
    ] {
        let small = ["--iterations", "300", "--batch", "100", "--plant-silence", plan];
        let ran = boot::run_qemu(&[conditions, &small].concat());
        assert_eq!(ran.code, Some(code), "{plan}: {}", ran.stderr);
        let lost = &ran.run.manifest.stream.lost_pes;
        assert_eq!(lost.len(), 1, "{plan}: {}", ran.stderr);
        if code == 3 {
            let reason = &ran.run.manifest.reasons[0];
            assert!(reason.starts_with(&format!("PE {} ", lost[0].pe)), "{plan}: {reason}");
        }
        let verdicts = ran.run.verdicts().unwrap().map(Result::unwrap);
        assert!(verdicts.filter(|row| row.class == Class::Pass).count() > 10, "{plan}");
    }
}

fn main() -> ExitCode {
    let cases: [boot::Case; 6] = [
        ("loops", loops),
        ("resets", resets),
        ("the_seed_of_a_boot_makes_it_again", the_seed_of_a_boot_makes_it_again),
        ("parks_and_turns_off", parks_and_turns_off),
        ("a_pe_falls_silent_in_a_check", a_pe_falls_silent_in_a_check),
        (
            "a_pe_falls_silent_while_it_is_timed_or_busy",
            a_pe_falls_silent_while_it_is_timed_or_busy,
        ),
    ];
    boot::main(cases)
}
