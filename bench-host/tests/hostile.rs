// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files that were made to do harm: to control a terminal, forge a line of a report, block, fill the memory, or lead
//! somewhere else.
#![cfg(unix)]
#![allow(missing_docs)]

#[path = "support/fake.rs"]
#[allow(dead_code, reason = "shared; each test binary uses a part of it")]
mod fake;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin_cmd;
use fake::{Ended, Fake, good};
use results::record::Record;
use results::text::is_hostile;
use results::wire::{Binding, LineWriter, parse_line};

/// Longer than anything here takes on a busy machine, and shorter than for ever.
const PATIENCE: Duration = Duration::from_secs(60);

fn run<const N: usize>(folder: &Path, arguments: [&str; N]) -> Ended {
    let mut command = cargo_bin_cmd!("bench-host");
    command.current_dir(folder).args(arguments).timeout(PATIENCE);
    command.output().unwrap().into()
}

/// Returns whether nothing that could control a terminal or a CI service was printed.
fn is_harmless(text: &str) -> bool {
    let is_command = |line: &str| line.trim_start().starts_with("::") || line.contains("##[");
    !text.contains(|c| is_hostile(c) && c != '\n' && c != '\t') && !text.lines().any(is_command)
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// A stored run.
fn stored() -> Fake {
    let (_, lines) = good();
    let fake = Fake::printing(&lines, "");
    assert_eq!(fake.run(&["--quiet"]).code, Some(0));
    fake
}

const HOSTILE: &str = "\u{1b}]0;owned\u{7}\u{202e}<img src=x>|a|b|\u{2028}x";

/// Returns the good stream with every text of the kernel replaced, each line with its right checksum.
fn hostile_stream() -> String {
    let (_, lines) = good();
    let mut writer = LineWriter::new(String::new());
    let mut binding = Binding::NONE;
    for line in &lines {
        let (number, body) = parse_line(line, binding).unwrap();
        binding = Binding::of_first(number, body).unwrap_or(binding);
        let record = match Record::parse(body).unwrap() {
            Record::Verdict { check, seq, class, .. } => Record::Verdict {
                check,
                seq,
                class,
                reason: HOSTILE,
            },
            Record::Proof { name, .. } => Record::Proof {
                name,
                holds: false,
                detail: HOSTILE,
            },
            other => other,
        };
        writer.record(&record).unwrap();
    }
    std::mem::take(writer.get_mut())
}

#[test]
fn a_log_controls_no_terminal_and_forges_no_report() {
    let fake = Fake::new(hostile_stream().as_bytes(), "");
    let ended = run(
        fake.folder.path(),
        [
            "check",
            "--log",
            "stream",
            "--ktap",
            "ktap",
            "--summary",
            "summary",
            "--litmus",
            "litmus",
            "--out",
            "runs",
        ],
    );
    assert!(matches!(ended.code, Some(1..=4)), "{:?} {}", ended.code, ended.stderr);
    let mut texts = vec![ended.stdout, ended.stderr];
    let mut markup = Vec::new();
    for name in ["ktap", "summary", "litmus"] {
        texts.extend(fs::read_to_string(fake.path(name)).ok());
    }
    let ended = run(fake.folder.path(), ["run", "--log", "stream", "--out", "run"]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("not printable ASCII"), "{}", ended.stderr);
    texts.extend([ended.stdout, ended.stderr]);
    for name in ["report.html", "report.md"] {
        markup.push(fs::read_to_string(fake.path("run").join(name)).unwrap());
    }
    for name in ["verdicts.csv", "proofs.csv", "run.toml"] {
        texts.push(fs::read_to_string(fake.path("run").join(name)).unwrap());
    }
    for text in texts {
        assert!(is_harmless(&text), "{text:?}");
    }
    for text in markup {
        assert!(is_harmless(&text) && !text.contains("<img"), "{text}");
    }
}

#[test]
fn a_manifest_controls_no_terminal_and_forges_no_report() {
    let fake = stored();
    let path = fake.path("run/run.toml");
    let manifest = fs::read_to_string(&path).unwrap();
    let machine = manifest.lines().find(|line| line.starts_with("machine = ")).unwrap();
    let hostile = "machine = \"m\\u001B[2J\\u202E<b>|x|\\n::error::y\\r\"";
    fs::write(&path, manifest.replace(machine, hostile)).unwrap();
    let here = fake.folder.path();
    for ended in [
        run(here, ["report", "run"]),
        run(here, ["report", "run", "--format", "mail"]),
        run(here, ["aggregate", "run"]),
        run(here, ["compare", "run", "run"]),
        run(here, ["verify", "run"]),
        run(here, ["export", "run", "--format", "csv"]),
        run(here, ["report", "--index", "."]),
    ] {
        assert!(is_harmless(&ended.stdout), "{:?}", ended.stdout);
        assert!(is_harmless(&ended.stderr), "{:?}", ended.stderr);
    }
    for name in ["report.md", "report.html"] {
        let text = fs::read_to_string(fake.path("run").join(name)).unwrap();
        assert!(is_harmless(&text) && !text.contains("<b>|x"), "{text}");
    }
}

/// Rows of anybody's, grouped by columns with any name.
#[test]
fn rows_control_no_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let rows =
        "seq,g\u{1b}\u{202e},cycles\n\u{1b}[31m::error::,\u{202e}|`<b>,5\n::error::x,b,6\n##[e],\"a\n::error::b\",6\n";
    fs::write(folder.path().join("rows.csv"), rows).unwrap();
    for format in ["table", "markdown", "csv", "json"] {
        let ended = run(
            folder.path(),
            [
                "aggregate",
                "rows.csv",
                "--by",
                "seq,g\u{1b}\u{202e}",
                "--format",
                format,
            ],
        );
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(is_harmless(&ended.stdout), "{format}: {:?}", ended.stdout);
        assert!(
            format != "markdown" || !ended.stdout.contains("<b>"),
            "{}",
            ended.stdout
        );
        // What JSON says is what was there.
        if format == "json" {
            let read: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
            assert_eq!(read["keys"][1], "g\u{1b}\u{202e}");
        }
    }
}

/// A name that is none is repeated in the message.
#[test]
fn arguments_control_no_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let name = "\u{1b}[2J\u{202e}\r\n::error::x";
    for arguments in [
        &["litmus", name][..],
        &["scan", name],
        &["review", name],
        &["report", name],
        &["trace", "--log", name],
        &["judge", name],
        &["run", "--sequence", name],
        &["check", "--only", name],
        &["list", name],
        &["schema", name],
        &[name],
    ] {
        let mut command = cargo_bin_cmd!("bench-host");
        command.current_dir(folder.path()).args(arguments).timeout(PATIENCE);
        let ended: Ended = command.output().unwrap().into();
        assert_eq!(ended.code, Some(64), "{arguments:?}: {}", ended.stderr);
        assert!(is_harmless(&ended.stderr), "{arguments:?}: {:?}", ended.stderr);
    }
}

#[test]
fn what_blocks_or_never_ends_is_refused() {
    for name in ["run.toml", "samples.csv", "verdicts.csv", "boot.csv"] {
        for make in [fifo as fn(&Path), |path| symlink("/dev/zero", path).unwrap()] {
            let fake = stored();
            let path = fake.path("run").join(name);
            fs::remove_file(&path).unwrap();
            make(&path);
            for arguments in [["report", "run"], ["report", "--index=."], ["verify", "run"]] {
                let begun = Instant::now();
                let ended = run(fake.folder.path(), arguments);
                assert!(
                    ended.code.is_some() && begun.elapsed() < PATIENCE,
                    "{name} {arguments:?}"
                );
                assert!(
                    ended.code != Some(0) || arguments[1] == "--index=.",
                    "{name} {arguments:?}"
                );
            }
        }
    }
}

#[test]
fn a_tree_with_pipes_and_devices_is_scanned() {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path();
    fs::write(
        tree.join("a.S"),
        "flush:\n\tdsb ishst\n\ttlbi alle2is\n\tdsb ish\n\tisb\n\tret\n",
    )
    .unwrap();
    for make in [fifo as fn(&Path), |path| symlink("/dev/zero", path).unwrap()] {
        for name in [".gitignore", ".ignore", "b.S", "c.c"] {
            make(&tree.join(name));
        }
        let ended = run(tree, ["scan", "."]);
        assert!(ended.code.is_some(), "{}", ended.stderr);
        assert!(
            ended.stdout.contains("1 sequence in 1 source file:"),
            "{} {}",
            ended.stdout,
            ended.stderr
        );
        for name in [".gitignore", ".ignore", "b.S", "c.c"] {
            fs::remove_file(tree.join(name)).unwrap();
        }
    }
    let ended = run(tree, ["scan", ".", "--spellings", "/dev/zero"]);
    assert_eq!(ended.code, Some(64), "{}", ended.stderr);
    fifo(&tree.join("fifo"));
    for (option, name) in [
        ("--suppress", "/dev/zero"),
        ("--suppress", "fifo"),
        ("--elf", "/dev/zero"),
        ("--elf", "fifo"),
    ] {
        let ended = run(tree, ["trace", "--log", "a.S", option, name]);
        assert!(ended.stderr.contains("it is no regular file"), "{}", ended.stderr);
    }
    let ended = run(tree, ["litmus", "/dev/zero"]);
    assert!(ended.stderr.contains("larger than 1 MiB"), "{}", ended.stderr);
}

#[test]
fn plots_that_lead_to_another_run_are_not_followed() {
    let fake = stored();
    let other = stored();
    let plots = fake.path("run/plots");
    fs::remove_dir_all(&plots).unwrap();
    symlink(other.path("run/plots"), &plots).unwrap();
    let before: Vec<_> = files(&other.path("run/plots"));
    let ended = run(fake.folder.path(), ["report", "run"]);
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(ended.stderr.contains("link"), "{}", ended.stderr);
    assert_eq!(files(&other.path("run/plots")), before);
    // Nor is what stands where a file is to be written before it takes its place.
    fs::remove_file(&plots).unwrap();
    fs::write(fake.path("precious"), "mine").unwrap();
    symlink(fake.path("precious"), fake.path("run/report.md.new")).unwrap();
    assert_eq!(run(fake.folder.path(), ["report", "run"]).code, Some(0));
    assert_eq!(fs::read_to_string(fake.path("precious")).unwrap(), "mine");
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let mut files: Vec<_> = entries
        .map(|entry| {
            (
                entry.file_name().to_string_lossy().into_owned(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect();
    files.sort();
    files
}

#[test]
fn a_run_whose_reports_cannot_be_written_exits_with_5() {
    let (_, lines) = good();
    // QEMU itself puts a file where the folder of the plots goes: as good as a disk that is full by then.
    let fake = Fake::printing(&lines, "touch run/plots");
    let ended = fake.run(&[]);
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(ended.stderr.contains("plots"), "{}", ended.stderr);
    assert!(fake.manifest().is_complete());
}

#[test]
fn a_folder_that_cannot_be_written_is_shown() {
    let fake = stored();
    let run_folder = fake.path("run");
    for name in ["report.html", "report.md"] {
        fs::remove_file(run_folder.join(name)).unwrap();
    }
    fs::remove_dir_all(run_folder.join("plots")).unwrap();
    fs::set_permissions(&run_folder, fs::Permissions::from_mode(0o555)).unwrap();
    let is_root = fs::write(run_folder.join("probe"), "").is_ok();
    let ended = run(fake.folder.path(), ["report", "run"]);
    fs::set_permissions(&run_folder, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("xen_head_new"), "{}", ended.stdout);
    // Root may write anywhere.
    assert!(is_root || ended.stderr.contains("only shown"), "{}", ended.stderr);
}

#[test]
#[cfg(target_os = "linux")]
fn what_is_printed_into_a_full_device_is_a_failure() {
    let fake = stored();
    for arguments in [&["aggregate", "run"][..], &["report", "run"], &["list"]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("bench-host"));
        command.current_dir(fake.folder.path()).args(arguments);
        let status = command.stdout(full).stderr(Stdio::null()).status().unwrap();
        assert_eq!(status.code(), Some(5), "{arguments:?}");
    }
}

#[test]
fn runs_that_start_at_once_never_share_a_folder() {
    let (_, lines) = good();
    let fake = Fake::printing(&lines, "");
    let start = || {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("bench-host"));
        command
            .current_dir(fake.folder.path())
            .arg("run")
            .args(fake::SMALL)
            .arg("--quiet");
        command.arg("--qemu").arg(fake.path("qemu"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let running: Vec<_> = (0..4).map(|_| start()).collect();
    let mut folders = Vec::new();
    for child in running {
        let ended = Ended::from(child.wait_with_output().unwrap());
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        folders.push(ended.stdout);
    }
    folders.sort();
    folders.dedup();
    assert_eq!(folders.len(), 4);
}

#[test]
fn a_start_that_fails_leaves_the_folder_usable() {
    let fake = Fake::new(b"", "");
    let ended = fake.command().args(["--qemu", "/nonexistent"]).output().unwrap();
    assert_ne!(ended.status.code(), Some(0));
    let left = fs::read_dir(fake.path("run")).map_or(0, Iterator::count);
    assert_eq!(left, 0);
}

#[test]
fn hostile_names_of_litmus_tests_and_files() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("a\u{1b}[2J.litmus"),
        format!("AArch64 {HOSTILE}\n{{}}\n P0 ;\n"),
    )
    .unwrap();
    for name in fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
    {
        let ended = run(folder.path(), ["litmus", name.to_str().unwrap()]);
        assert!(
            is_harmless(&ended.stdout) && is_harmless(&ended.stderr),
            "{:?}",
            ended.stderr
        );
    }
    // A condition as deep as it is long.
    let deep = format!(
        "AArch64 deep\n{{}}\n P0 ;\n NOP ;\nexists {}0:X0=0{}\n",
        "(".repeat(200_000),
        ")".repeat(200_000)
    );
    fs::write(folder.path().join("deep.litmus"), deep).unwrap();
    let ended = run(folder.path(), ["litmus", "deep.litmus"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    let not = format!(
        "AArch64 deep\n{{}}\n P0 ;\n NOP ;\nexists {}0:X0=0\n",
        "~".repeat(500_000)
    );
    fs::write(folder.path().join("not.litmus"), not).unwrap();
    assert_eq!(run(folder.path(), ["litmus", "not.litmus"]).code, Some(2));
    let or = format!(
        "AArch64 wide\n{{}}\n P0 ;\n NOP ;\nexists 0:X0=0{}\n",
        " \\/ 0:X0=1".repeat(80_000)
    );
    fs::write(folder.path().join("wide.litmus"), or).unwrap();
    assert!(run(folder.path(), ["litmus", "wide.litmus"]).code.is_some());
}

#[test]
fn a_long_sequence_has_a_file_name_that_fits() {
    let folder = tempfile::tempdir().unwrap();
    let long = format!("dsb ish; {} dsb ish; isb", "tlbi alle2is; ".repeat(240));
    let ended = run(folder.path(), ["litmus-export", &long, "--out", "tests"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(fs::read_dir(folder.path().join("tests")).unwrap().count() > 0);
}

/// Two PEs with 15 accesses each: more states than anybody waits for.
#[test]
fn a_litmus_test_that_is_too_big_is_refused_soon_and_with_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let row = |n: usize| match n % 2 {
        0 => " STR W1,[X0] | STR W1,[X3] ;\n",
        _ => " LDR W2,[X3] | LDR W2,[X0] ;\n",
    };
    let code: String = (0..15).map(row).collect();
    let test = format!(
        "AArch64 big\n{{ 0:X0=x; 0:X3=y; 0:X1=1; 1:X0=x; 1:X3=y; 1:X1=1; }}\n P0 | P1 ;\n{code}exists (0:X2=0 /\\ 1:X2=0)\n"
    );
    let path = folder.path().join("big.litmus");
    std::fs::write(&path, test).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_bench-host"))
        .args(["litmus", "--states", "20000"])
        .arg(&path)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("more than 20000 states (--states N allows more)"),
        "{stderr}"
    );
}
