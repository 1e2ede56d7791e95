// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bad input and bad surroundings: one clear message and the documented exit code each.

#[path = "../support/fake.rs"]
#[allow(dead_code, reason = "shared; each test binary uses a part of it")]
mod fake;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use crate::needs;
use assert_cmd::cargo::cargo_bin_cmd;

use fake::{Ended, Fake, good};
use results::manifest::Status;
use tempfile::TempDir;

fn bench_host(arguments: &[&str]) -> Ended {
    cargo_bin_cmd!("bench-host").args(arguments).output().unwrap().into()
}

fn refused(ended: &Ended, code: i32, message: &str) {
    assert_eq!(ended.code, Some(code), "{}", ended.stderr);
    assert!(ended.stderr.contains(message), "{message}: {}", ended.stderr);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

fn usage_errors_are_64() {
    refused(&bench_host(&["frobnicate"]), 64, "frobnicate");
    refused(&bench_host(&[]), 64, "Usage");
    refused(&bench_host(&["run", "--iterations", "many"]), 64, "--iterations");
    refused(&bench_host(&["run", "--runtime", "level9"]), 64, "level0");
    refused(&bench_host(&["run", "--deterministic", "--smp", "2"]), 64, "--smp 1");
    refused(&bench_host(&["run", "--sequence", "nope"]), 64, "no sequence `nope`");
    refused(&bench_host(&["run", "--sequence", "a=tlbi alle2s"]), 64, "alle2is");
    refused(
        &bench_host(&["run", "--boot-flush", "nope"]),
        64,
        "--boot-flush: no sequence",
    );
    refused(&bench_host(&["run", "--batch", "0"]), 64, "--batch");
    refused(&bench_host(&["run", "--cpu", ""]), 64, "--cpu");
    refused(
        &bench_host(&["run", "--sequence", "@linx"]),
        64,
        "did you mean `linux`?",
    );
    refused(&bench_host(&["judge", "no_such_id"]), 64, "`bench-host list` shows all");
    refused(&bench_host(&["check", "--only", "cowinvt_el"]), 64, "`cowinvt_el2`");
    for name in ["None", "", "none", "xen_head_old"] {
        let sequence = format!("{name}=tlbi alle2");
        refused(&bench_host(&["check", "--sequence", &sequence]), 64, "the name");
    }
    refused(
        &bench_host(&["check", "--junit", "/nowhere/x.xml"]),
        5,
        "/nowhere/x.xml",
    );
}

#[cfg(target_os = "linux")]
fn output_that_is_lost_is_an_error() {
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("bench-host"));
    let ended = Ended::from(
        command
            .arg("list")
            .stdout(full())
            .stderr(Stdio::piped())
            .output()
            .unwrap(),
    );
    refused(&ended, 5, "cannot write standard output");
}

fn a_log_of_something_else_is_named_and_harmless() {
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("console.log");
    let read = || {
        let arguments = [folder.path().join("run"), log.clone()].map(|path| path.display().to_string());
        let ended = bench_host(&["run", "--out", &arguments[0], "--log", &arguments[1]]);
        fs::remove_dir_all(folder.path().join("run")).unwrap();
        ended
    };
    fs::write(&log, b"\x1b[2JU-Boot\n\xff\x07\n").unwrap();
    let ended = read();
    refused(&ended, 3, "the log has no line of a run");
    assert!(ended.stderr.contains("U-Boot"), "{}", ended.stderr);
    assert!(!ended.stderr.contains(['\x1b', '\x07']), "{}", ended.stderr);
    fs::write(&log, b"").unwrap();
    refused(&read(), 3, "the log is empty");
}

fn a_console_that_never_speaks_is_given_up() {
    let folder = TempDir::new().unwrap();
    let pipe = folder.path().join("console");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let out = folder.path().join("run");
    let ended = bench_host(&[
        "run",
        "--timeout",
        "1",
        "--out",
        out.to_str().unwrap(),
        "--log",
        pipe.to_str().unwrap(),
    ]);
    refused(&ended, 3, "no record came for 1 s");
}

fn lists_can_be_narrowed() {
    let all = bench_host(&["list"]);
    assert!(
        all.code == Some(0) && all.stdout.contains("cowinvt_el2"),
        "{}",
        all.stderr
    );
    let some = bench_host(&["list", "--project", "Xen", "--regime", "el2"]).stdout;
    assert!(some.contains("xen_head_old") && !some.contains("cowinvt_el2"));
    assert!(some.lines().count() < all.stdout.lines().count());
    refused(&bench_host(&["list", "--project", "nope"]), 64, "projects: ");
}

fn help_teaches_and_is_no_error() {
    for arguments in [
        &["--help"][..],
        &["run", "--help"],
        &["report", "--help"],
        &["list", "--help"],
        &["--version"],
    ] {
        let ended = bench_host(arguments);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        let lists_codes = ended.stdout.contains("Exit codes") && ended.stdout.contains("   64  usage error");
        assert!(lists_codes || arguments == ["--version"], "{arguments:?}");
    }
}

fn qemu_must_be_there_and_new_enough() {
    refused(
        &bench_host(&["run", "--qemu", "/nowhere/qemu"]),
        4,
        "/nowhere/qemu does not exist",
    );
    let absent = cargo_bin_cmd!("bench-host")
        .arg("run")
        .env("PATH", "/nowhere")
        .output()
        .unwrap();
    refused(&absent.into(), 4, "qemu-system-aarch64 is not in PATH");
    let old = Fake::answering("QEMU emulator version 7.1.0", b"", "");
    refused(&old.run(&[]), 4, "7.2.0 or newer is needed");
    let other = Fake::answering("GNU bash, version 5.2", b"", "");
    refused(&other.run(&[]), 4, "does not answer like QEMU");
    let broken = Fake::new(b"", "");
    fs::set_permissions(broken.path("qemu"), fs::Permissions::from_mode(0o644)).unwrap();
    refused(&broken.run(&[]), 4, "cannot start");
    for fake in [old, other, broken] {
        assert!(!fake.path("run").exists(), "nothing ran, so nothing is stored");
    }
}

fn what_qemu_refuses_is_a_set_up_problem() {
    let fake = Fake::new(b"", "echo 'unable to find CPU model' >&2; exit 1");
    refused(
        &fake.run(&[]),
        4,
        "QEMU refused to start (exited with code 1): unable to find CPU model",
    );
    assert_eq!(fake.manifest().status, Status::Failed);
}

fn doctor_sees_a_qemu_without_el2() {
    let doctor = |body| {
        let fake = Fake::new(b"", body);
        let ended: Ended = cargo_bin_cmd!("bench-host")
            .args(["doctor", "--qemu"])
            .arg(fake.path("qemu"))
            .output()
            .unwrap()
            .into();
        (ended.code, ended.stdout)
    };
    let (code, text) = doctor("echo 'virt  a machine'; echo 'virtualization=<bool>'");
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = doctor("echo 'virt  a machine'");
    assert!(
        code == Some(4) && text.contains("no `virtualization` property"),
        "{text}"
    );
    let (code, text) = doctor("echo 'pc  a machine'");
    assert!(code == Some(4) && text.contains("no `virt` machine"), "{text}");
}

fn a_kernel_must_be_ours() {
    let fake = Fake::new(b"", "");
    let kernel = |bytes: &[u8]| {
        fs::write(fake.path("kernel"), bytes).unwrap();
        fake.run(&["--kernel", &fake.path("kernel").display().to_string()])
    };
    refused(&kernel(b"no kernel"), 4, "not an arm64 Image");
    let mut image = vec![0; 4096];
    image[0x38..0x3c].copy_from_slice(b"ARM\x64");
    refused(&kernel(&image), 4, "not an el2-kernel");
    image[0x40..0x48].copy_from_slice(b"TLBEL2K2");
    image[0x48..0x50].copy_from_slice(&[0xff; 8]);
    refused(&kernel(&image), 4, "cut short");
    refused(&fake.run(&["--kernel", "/nowhere/kernel"]), 64, "/nowhere/kernel");
}

fn folders_are_never_overwritten() {
    let (_, lines) = good();
    let fake = Fake::printing(&lines, "");
    assert_eq!(fake.run(&[]).code, Some(0));
    let before = fs::read(fake.path("run/run.toml")).unwrap();
    refused(&fake.run(&[]), 5, "is not empty");
    assert_eq!(fs::read(fake.path("run/run.toml")).unwrap(), before);
}

fn folders_that_cannot_be_written_are_named() {
    let fake = Fake::new(b"", "");
    fs::write(fake.path("file"), b"").unwrap();
    let mut command = cargo_bin_cmd!("bench-host");
    command
        .args(["run", "--qemu"])
        .arg(fake.path("qemu"))
        .arg("--out")
        .arg(fake.path("file/run"));
    refused(&command.output().unwrap().into(), 5, "cannot create folder");
    assert!(!fake.path("pid").exists(), "QEMU is not started for nothing");
    refused(
        &bench_host(&["image", "/nowhere/image"]),
        5,
        "cannot write /nowhere/image",
    );
}

fn reports_of_what_is_no_run_are_refused() {
    let folder = TempDir::new().unwrap();
    let report = |path: &str| bench_host(&["report", path]);
    refused(&report(&folder.path().display().to_string()), 5, "no run folder");
    refused(&report("/nowhere"), 64, "/nowhere");
}

/// Every command that reads a file, with one that is not there.
fn what_is_not_there_is_a_usage_error_in_every_command() {
    let folder = TempDir::new().unwrap();
    let there = folder.path().join("there");
    fs::write(&there, "").unwrap();
    let there = there.display().to_string();
    const ABSENT: &str = "/nowhere/absent";
    for arguments in [
        &["run", "--kernel", ABSENT][..],
        &["run", "--log", ABSENT],
        &["run", "--follow", ABSENT],
        &["check", "--kernel", ABSENT],
        &["check", "--log", ABSENT],
        &["report", ABSENT],
        &["report", "--index", ABSENT],
        &["compare", ABSENT, ABSENT],
        &["compare", &format!("{ABSENT}:a"), &format!("{ABSENT}:b")],
        &["aggregate", ABSENT],
        &["export", "criterion", ABSENT],
        &["export", "benchstat", ABSENT],
        &["export", "parquet", ABSENT, "--out", "x"],
        &["review", ABSENT],
        &["review", "--git", ABSENT, "a..b"],
        &["review", "--tree", ABSENT, &there],
        &["review", "--results", ABSENT, &there],
        &["review", "--spellings", ABSENT, &there],
        &["scan", ABSENT],
        &["scan", "--spellings", ABSENT, "."],
        &["scan", "--baseline", ABSENT, "."],
        &["trace", "--kernel", ABSENT],
        &["trace", "--bios", ABSENT],
        &["trace", "--kernel", &there, "--initrd", ABSENT],
        &["trace", "--log", ABSENT],
        &["trace", "--log", &there, "--elf", ABSENT],
        &["trace", "--log", &there, "--suppress", ABSENT],
        &["litmus", ABSENT],
        &["image", "x", "--kernel", ABSENT],
        &["verify", ABSENT],
        &["collect", ABSENT],
    ] {
        let ended = bench_host(arguments);
        assert_eq!(ended.code, Some(64), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(ABSENT), "{arguments:?}: {}", ended.stderr);
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
}

/// Mounts a memory file system with limits. Returns whether it could.
#[cfg(target_os = "linux")]
fn mount_small(at: &Path, limits: &str) -> bool {
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", limits, "tmpfs"]).arg(at);
    mount
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[cfg(target_os = "linux")]
fn unmount(at: &Path) {
    assert!(Command::new("umount").arg(at).status().unwrap().success());
}

#[cfg(target_os = "linux")]
fn a_full_disk_ends_the_run_and_keeps_what_was_recorded() {
    let (_, lines) = good();
    let mount = TempDir::new().unwrap();
    assert!(mount_small(mount.path(), "size=400k"));
    let at = lines.iter().position(|line| line.contains(",phase,check,")).unwrap();
    let fake = Fake::printing(
        &lines[..at],
        "sleep 1; head -c 2000000 /dev/zero | tr '\\0' x; exec sleep 600",
    );
    let mut command = cargo_bin_cmd!("bench-host");
    command
        .arg("run")
        .args(fake::SMALL)
        .arg("--qemu")
        .arg(fake.path("qemu"))
        .arg("--out")
        .arg(mount.path().join("run"));
    let ended: Ended = command.output().unwrap().into();
    let run = results::store::Run::open(&mount.path().join("run")).map(|run| {
        let rows = run.samples().unwrap().map(Result::unwrap).count();
        (run.manifest.status, rows)
    });
    unmount(mount.path());
    refused(&ended, 5, "could not be stored");
    assert_eq!(run.unwrap(), (Status::Failed, 24));
    assert!(fake.is_gone());
}

/// Runs into a memory file system with limits, and returns what was left of it, as names with sizes.
#[cfg(target_os = "linux")]
fn run_within(limits: &str) -> (Ended, Vec<(String, u64)>) {
    let (_, lines) = good();
    let fake = Fake::printing(&lines, "");
    let mount = TempDir::new().unwrap();
    assert!(mount_small(mount.path(), limits), "{limits}");
    let run = mount.path().join("run");
    let mut command = cargo_bin_cmd!("bench-host");
    command
        .arg("run")
        .args(fake::SMALL)
        .arg("--qemu")
        .arg(fake.path("qemu"));
    let ended: Ended = command.arg("--out").arg(&run).output().unwrap().into();
    let mut left = Vec::new();
    let mut folders = vec![mount.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let metadata = entry.metadata().unwrap();
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                left.push((entry.file_name().to_string_lossy().into_owned(), metadata.len()));
            }
        }
    }
    left.sort();
    unmount(mount.path());
    (ended, left)
}

/// Whatever there is too little of, and at whatever moment it is used up: either all that a run leaves is there, or it ends
/// with 5; and nothing is begun that could not go on.
#[cfg(target_os = "linux")]
fn too_little_room_is_said_and_what_is_set_aside_does_not_fill_the_disk() {
    let (whole, all) = run_within("size=4m");
    assert_eq!(whole.code, Some(0), "{}", whole.stderr);
    let names = |left: &[(String, u64)]| left.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let bytes = [20, 60, 64, 100, 124, 128, 136, 150, 170, 200, 240, 300, 400];
    let files = [2, 8, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22, 24, 30];
    let limits = bytes.map(|size| format!("size={size}k")).into_iter();
    let (mut refused_at_once, mut later) = (0, 0);
    for limits in limits.chain(files.map(|files| format!("size=4m,nr_inodes={files}"))) {
        let (ended, left) = run_within(&limits);
        assert!(!ended.stderr.contains("panicked"), "{limits}: {}", ended.stderr);
        assert!(!names(&left).contains(&".reserve".to_owned()), "{limits}: {left:?}");
        match ended.code {
            Some(0) => assert_eq!(names(&left), names(&all), "{limits}"),
            Some(5) if left.is_empty() => {
                assert!(
                    ended.stderr.contains(" free, a run begins with at least "),
                    "{limits}: {}",
                    ended.stderr
                );
                refused_at_once += 1;
            }
            Some(5) => later += 1,
            other => panic!("{limits}: {other:?}: {}", ended.stderr),
        }
    }
    assert!(refused_at_once > 5 && later > 1, "{refused_at_once} {later}");
}

fn a_reader_that_goes_away_is_no_error() {
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("bench-host"))
        .arg("list")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}

fn a_reader_that_goes_away_changes_no_exit_code() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("bench-host"));
    command.args(["run", "--sequence", "nope"]).stdout(Stdio::null());
    assert_eq!(command.stderr(writer).status().unwrap().code(), Some(64));
}

pub fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    let no_mount = {
        let folder = TempDir::new().unwrap();
        match mount_small(folder.path(), "size=400k") {
            true => {
                unmount(folder.path());
                None
            }
            false => Some("mounting a tmpfs needs root".to_owned()),
        }
    };
    needs::main([
        (
            "what_is_not_there_is_a_usage_error_in_every_command",
            what_is_not_there_is_a_usage_error_in_every_command as fn(),
            None,
        ),
        ("usage_errors_are_64", usage_errors_are_64 as fn(), None),
        #[cfg(target_os = "linux")]
        (
            "output_that_is_lost_is_an_error",
            output_that_is_lost_is_an_error as fn(),
            None,
        ),
        (
            "a_log_of_something_else_is_named_and_harmless",
            a_log_of_something_else_is_named_and_harmless as fn(),
            None,
        ),
        (
            "a_console_that_never_speaks_is_given_up",
            a_console_that_never_speaks_is_given_up as fn(),
            None,
        ),
        ("lists_can_be_narrowed", lists_can_be_narrowed as fn(), None),
        (
            "help_teaches_and_is_no_error",
            help_teaches_and_is_no_error as fn(),
            None,
        ),
        (
            "qemu_must_be_there_and_new_enough",
            qemu_must_be_there_and_new_enough as fn(),
            None,
        ),
        (
            "what_qemu_refuses_is_a_set_up_problem",
            what_qemu_refuses_is_a_set_up_problem as fn(),
            None,
        ),
        (
            "doctor_sees_a_qemu_without_el2",
            doctor_sees_a_qemu_without_el2 as fn(),
            None,
        ),
        ("a_kernel_must_be_ours", a_kernel_must_be_ours as fn(), None),
        (
            "folders_are_never_overwritten",
            folders_are_never_overwritten as fn(),
            None,
        ),
        (
            "folders_that_cannot_be_written_are_named",
            folders_that_cannot_be_written_are_named as fn(),
            None,
        ),
        (
            "reports_of_what_is_no_run_are_refused",
            reports_of_what_is_no_run_are_refused as fn(),
            None,
        ),
        #[cfg(target_os = "linux")]
        (
            "a_full_disk_ends_the_run_and_keeps_what_was_recorded",
            a_full_disk_ends_the_run_and_keeps_what_was_recorded as fn(),
            no_mount.clone(),
        ),
        #[cfg(target_os = "linux")]
        (
            "too_little_room_is_said_and_what_is_set_aside_does_not_fill_the_disk",
            too_little_room_is_said_and_what_is_set_aside_does_not_fill_the_disk as fn(),
            no_mount,
        ),
        (
            "a_reader_that_goes_away_is_no_error",
            a_reader_that_goes_away_is_no_error as fn(),
            None,
        ),
        (
            "a_reader_that_goes_away_changes_no_exit_code",
            a_reader_that_goes_away_changes_no_exit_code as fn(),
            None,
        ),
    ])
}
