// SPDX-License-Identifier: MIT OR Apache-2.0
//! Consoles that are there before and after a run: serial lines, console servers, growing files, and boards that reset.
#![cfg(unix)]
#![allow(missing_docs)]

#[path = "support/fake.rs"]
#[allow(dead_code, reason = "shared; each test binary uses a part of it")]
mod fake;
#[path = "support/pty.rs"]
mod pty;

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use fake::{Ended, SMALL, Script, changed, good, plan};
use pty::Pty;
use results::SCHEMA_VERSION;
use results::manifest::Status;
use results::record::Record;
use results::store::Run;
use results::wire::{Binding, LineWriter};
use tempfile::TempDir;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("bench-host"));
        command.current_dir(self.folder.path()).args(arguments);
        if !arguments.contains(&"--out") {
            command.args(["--out", "run"]);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().unwrap().into()
    }

    /// Reads a console that is a file.
    fn log(&self, console: impl AsRef<[u8]>, arguments: &[&str]) -> Ended {
        fs::write(self.path("console.txt"), console).unwrap();
        self.run(&[&["run", "--log", "console.txt"], arguments].concat())
    }

    fn stored(&self, name: &str) -> Run {
        Run::open(&self.path(name)).unwrap()
    }

    fn is_complete(&self, name: &str) {
        let manifest = self.stored(name).manifest;
        assert_eq!(manifest.status, Status::Complete, "{name}: {:?}", manifest.reasons);
        assert_eq!(manifest.stream.samples, 80, "{name}");
    }

    fn console(&self, name: &str) -> Vec<u8> {
        fs::read(self.stored(name).console()).unwrap()
    }

    fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }
}

fn ended(child: Child) -> Ended {
    child.wait_with_output().unwrap().into()
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "{what} did not happen");
        thread::sleep(Duration::from_millis(10));
    }
}

fn whole() -> String {
    good().1.concat()
}

fn says(ended: &Ended, what: &str) {
    assert!(ended.stderr.contains(what), "`{what}` is not in: {}", ended.stderr);
}

#[test]
fn two_boots_in_one_log_are_two_runs() {
    let (desk, whole) = (Desk::new(), whole());
    let console = format!("U-Boot 1\r\n{whole}U-Boot 2\r\n{whole}");
    let ended = desk.log(&console, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    desk.is_complete("run");
    desk.is_complete("run-2");
    // Every byte is kept, each with its boot.
    let console = |name: &str| String::from_utf8(desk.console(name)).unwrap();
    assert_eq!(console("run"), format!("U-Boot 1\r\n{whole}"));
    assert_eq!(console("run-2"), format!("U-Boot 2\r\n{whole}"));
    assert!(ended.stdout.contains("2 boots, 2 complete"), "{}", ended.stdout);
}

#[test]
fn a_reset_and_a_late_join_cost_no_whole_run() {
    let (_, lines) = good();
    let all = lines.concat();
    let (beginning, end) = (lines[..40].concat(), lines[60..].concat());
    for (first, why) in [
        (&beginning, "started again after line 39"),
        (&end, "joined in the middle"),
    ] {
        let desk = Desk::new();
        let ended = desk.log(format!("{first}reset\r\n{all}"), &[]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        desk.is_complete("run");
        let cut = desk.stored("run-cut").manifest;
        assert_eq!(cut.status, Status::Incomplete);
        assert!(cut.reasons.join("\n").contains(why), "{:?}", cut.reasons);
        says(&ended, "a boot that is not whole is in run-cut");
        let kept = [desk.console("run-cut"), desk.console("run")].concat();
        assert_eq!(kept, format!("{first}reset\r\n{all}").into_bytes());
    }
}

#[test]
fn a_boot_whose_start_is_lost_is_not_mixed_with_the_one_before() {
    // Kernels before version 4 do not bind their lines to a boot; there, lines that contradict each other tell.
    for schema in [SCHEMA_VERSION, 3] {
        let plan = plan(&SMALL);
        let mut script = Script::new(&plan);
        script.schema = schema;
        let lines = script.lines(&plan);
        script.nonce += 1;
        script.end_pass = false;
        script.instead = Some(Record::Fatal {
            phase: "measure",
            message: "of the second boot",
        });
        // Cut in the samples; then another boot, the same until it differs, without its start line.
        let mut console = lines[..45].concat();
        console.push_str(&script.lines(&plan)[1..].concat());
        let desk = Desk::new();
        let ended = desk.log(console, &[]);
        assert_eq!(ended.code, Some(3), "{}", ended.stderr);
        let manifest = desk.stored("run").manifest;
        let reasons = manifest.reasons.join("\n");
        assert!(reasons.contains("its start line did not arrive"), "{reasons}");
        assert!(!reasons.contains("of the second boot"), "{reasons}");
    }
}

#[test]
fn a_start_line_of_another_boot_cuts_nothing() {
    let (plan, lines) = good();
    let mut script = Script::new(&plan);
    script.nonce += 1;
    let other = script.lines(&plan);
    // Its start line alone, between two lines of the run: a copy, or a line of another log.
    for stranger in [&other[0], &lines[0]] {
        let mut console = lines.clone();
        console.insert(45, stranger.clone());
        let desk = Desk::new();
        let ended = desk.log(console.concat(), &[]);
        let run = desk.stored("run");
        assert_eq!(run.samples().unwrap().count(), 24, "{}", ended.stderr);
        assert_eq!(run.manifest.stream.lost_lines, 0);
        let copied = stranger == &lines[0];
        assert_eq!(ended.code, Some(if copied { 0 } else { 3 }), "{}", ended.stderr);
    }
}

#[test]
fn a_failure_before_a_reset_still_counts() {
    let (_, lines) = good();
    let mut failed = changed(|script| {
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
    // The board resets before it can say that this is the end.
    failed.pop();
    let desk = Desk::new();
    let ended = desk.log(failed.concat() + &lines.concat(), &[]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    desk.is_complete("run");
    says(&ended, "data abort");
}

#[test]
fn returns_and_wrapped_lines_do_no_harm() {
    let (_, lines) = good();
    let text = lines.concat();
    let wrap = |columns: usize, terminator: &str| -> String {
        let mut wrapped = String::new();
        for line in text.lines() {
            for piece in line.as_bytes().chunks(columns) {
                wrapped.push_str(std::str::from_utf8(piece).unwrap());
                wrapped.push_str(terminator);
            }
        }
        wrapped
    };
    for console in [
        text.replace("\r\n", "\r"),
        text.replace("\r\n", "\r\r\n"),
        wrap(80, "\r\n"),
        wrap(80, "\r"),
        wrap(40, "\n"),
    ] {
        let desk = Desk::new();
        let ended = desk.log(&console, &[]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        desk.is_complete("run");
        assert_eq!(desk.console("run"), console.into_bytes());
    }
    let desk = Desk::new();
    desk.log(wrap(80, "\n"), &[]);
    let long = text.lines().filter(|line| line.len() > 80).count() as u64;
    assert_eq!(desk.stored("run").manifest.stream.wrapped, long);
    assert!(long > 0);
}

#[test]
fn options_of_another_plan_are_an_error_and_are_not_named() {
    let (desk, whole) = (Desk::new(), whole());
    let reproduce = |name: &str| desk.stored(name).manifest.reproduce;
    let mut other = SMALL;
    other[1] = "21";
    let ended = desk.log(&whole, &other);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    says(&ended, "give those that its image was made with");
    // An option is stated also with the value it has without.
    let ended = desk.log(&whole, &["--pages", "1", "--out", "stated"]);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    // Without any, nothing is claimed of it.
    assert_eq!(desk.log(&whole, &["--out", "none"]).code, Some(0));
    assert_eq!(reproduce("none"), "bench-host run --log console.txt");
    assert_eq!(
        desk.log(&whole, &[&SMALL[..], &["--out", "same"]].concat()).code,
        Some(0)
    );
    assert!(reproduce("same").contains("--iterations 20"), "{}", reproduce("same"));
}

/// Returns a stream with a `machine` record behind its start.
fn on_machine(model: &'static str) -> String {
    let (_, lines) = good();
    let mut writer = LineWriter::new(String::new());
    let mut binding = Binding::NONE;
    for line in &lines {
        let (number, body) = results::wire::parse_line(line, binding).unwrap();
        binding = Binding::of_first(number, body).unwrap_or(binding);
        let end = format!("end,pass,{},80", number + 1);
        writer
            .record(&Record::parse(if body.starts_with("end,") { &end } else { body }).unwrap())
            .unwrap();
        if number == 0 {
            let firmware = "U-Boot 2026.01";
            writer
                .record(&Record::Machine {
                    model,
                    compatible: "",
                    firmware,
                })
                .unwrap();
        }
    }
    std::mem::take(writer.get_mut())
}

#[test]
fn an_emulator_is_not_hardware() {
    let desk = Desk::new();
    let ended = desk.log(on_machine("linux/dummy-virt"), &["--hardware"]);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    says(&ended, "--hardware, but this machine is no processor by itself");
    let manifest = desk.stored("run").manifest;
    assert!(
        manifest.simulator && manifest.label.contains("not hardware timing"),
        "{}",
        manifest.label
    );
    // Nobody said that it is hardware: then it is only labelled.
    let ended = desk.log(on_machine("linux/dummy-virt"), &["--out", "unstated"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(desk.stored("unstated").manifest.label.contains("virtual machine"));
    let ended = desk.log(on_machine("Raspberry Pi 4 Model B"), &["--hardware", "--out", "pi"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let manifest = desk.stored("pi").manifest;
    assert_eq!((manifest.simulator, manifest.label.as_str()), (false, "hardware"));
    let board = manifest.board.unwrap();
    assert_eq!(
        (board.model.as_str(), board.firmware.as_str()),
        ("Raspberry Pi 4 Model B", "U-Boot 2026.01")
    );
}

#[test]
fn a_serial_line_at_115200_baud_is_read_raw() {
    let (desk, pty) = (Desk::new(), Pty::new());
    let device = pty.device();
    let child = desk.start(&["run", "--serial", &format!("{device}:115200"), "--hardware"]);
    until("opening", || pty.is_raw());
    let (whole, started) = (whole(), Instant::now());
    pty.write_paced(b"U-Boot 2026.01\r\n=> ", 115_200);
    pty.write_paced(whole.as_bytes(), 115_200);
    let line = Duration::from_secs_f64(whole.len() as f64 * 10.0 / 115_200.0);
    assert!(started.elapsed() >= line, "paced");
    let ended = ended(child);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    desk.is_complete("run");
    assert!(
        desk.stored("run")
            .manifest
            .reproduce
            .contains(&format!("--serial {device}:115200 --hardware"))
    );
    assert_eq!(pty.echoed(), b"", "nothing goes back to the board");
}

#[test]
fn a_terminal_given_as_a_log_is_read_raw_too() {
    let (desk, pty) = (Desk::new(), Pty::new());
    let child = desk.start(&["run", "--log", &pty.device(), "--boots", "1"]);
    until("opening", || pty.is_raw());
    pty.write_paced(whole().as_bytes(), 1_000_000);
    assert_eq!(ended(child).code, Some(0));
    assert_eq!(pty.echoed(), b"");
}

#[test]
fn a_serial_device_that_disappears_is_looked_for() {
    let desk = Desk::new();
    let link = desk.path("ttyUSB0");
    let first = Pty::new();
    std::os::unix::fs::symlink(first.device(), &link).unwrap();
    let child = desk.start(&["run", "--serial", link.to_str().unwrap()]);
    until("opening", || first.is_raw());
    let (_, lines) = good();
    first.write_paced(lines[..30].concat().as_bytes(), 1_000_000);
    until("reading", || {
        Run::open(&desk.path("run")).is_ok_and(|run| fs::read(run.console()).is_ok_and(|c| c.len() > 500))
    });
    fs::remove_file(&link).unwrap();
    drop(first);
    let second = Pty::new();
    std::os::unix::fs::symlink(second.device(), &link).unwrap();
    until("opening again", || second.is_raw());
    second.write_paced(whole().as_bytes(), 1_000_000);
    let ended = ended(child);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    desk.is_complete("run");
    says(&ended, "the line is lost");
    says(&ended, "the line is back");
    assert!(desk.exists("run-cut"));
}

#[test]
fn a_connection_that_drops_is_made_again() {
    let desk = Desk::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap().to_string();
    let child = desk.start(&["run", "--tcp", &address]);
    let whole = whole();
    let cut = whole.len() / 3;
    let (mut stream, _) = server.accept().unwrap();
    stream.write_all(&whole.as_bytes()[..cut]).unwrap();
    drop(stream);
    let (mut stream, _) = server.accept().unwrap();
    stream.write_all(&whole.as_bytes()[cut..]).unwrap();
    // A console server keeps the connection.
    let ended = ended(child);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    // No byte was lost, so no line is: the run is complete across the break.
    desk.is_complete("run");
    says(&ended, "it was closed at the other end");
    assert_eq!(desk.console("run"), whole.into_bytes());
    drop(stream);
}

#[test]
fn a_connection_that_stays_away_is_named() {
    let desk = Desk::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap().to_string();
    let child = desk.start(&["run", "--tcp", &address, "--timeout", "2"]);
    let (mut stream, _) = server.accept().unwrap();
    stream.write_all(good().1[..20].concat().as_bytes()).unwrap();
    drop((stream, server));
    let ended = ended(child);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    says(&ended, "the line was lost and did not come back");
    says(&ended, "no further record came for 2 s");
    assert_eq!(desk.stored("run").manifest.stream.lines, 20);
    // Nobody there at all.
    let ended = desk.run(&["run", "--tcp", &address, "--out", "none"]);
    assert_eq!(ended.code, Some(4));
    says(&ended, &format!("cannot connect to {address}"));
    assert!(!desk.exists("none"));
}

#[test]
fn boots_are_repeated_by_a_power_cycle_and_summed_up() {
    let desk = Desk::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap().to_string();
    let power = "echo on >> power";
    let child = desk.start(&["run", "--tcp", &address, "--boots", "3", "--power-cycle", power]);
    let (mut stream, _) = server.accept().unwrap();
    let cycles = || {
        fs::read_to_string(desk.path("power"))
            .unwrap_or_default()
            .lines()
            .count()
    };
    for boot in 1..=3 {
        until("power cycle", || cycles() == boot);
        stream.write_all(b"U-Boot\r\n").unwrap();
        stream.write_all(whole().as_bytes()).unwrap();
    }
    let ended = ended(child);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for boot in ["run/1", "run/2", "run/3"] {
        desk.is_complete(boot);
        assert!(desk.console(boot).starts_with(b"U-Boot\r\n"));
    }
    assert_eq!(cycles(), 3);
    assert!(ended.stdout.contains("3 boots, 3 complete"), "{}", ended.stdout);
    assert!(ended.stdout.contains("xen_head_new"), "{}", ended.stdout);
}

#[test]
fn a_boot_that_hangs_does_not_end_the_others() {
    let desk = Desk::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap().to_string();
    let arguments = ["run", "--tcp", &address, "--boots", "2", "--timeout", "3"];
    let child = desk.start(&[&arguments[..], &["--power-cycle", "echo on >> power"]].concat());
    let (mut stream, _) = server.accept().unwrap();
    let cycles = || {
        fs::read_to_string(desk.path("power"))
            .unwrap_or_default()
            .lines()
            .count()
    };
    until("first power cycle", || cycles() == 1);
    stream.write_all(good().1[..30].concat().as_bytes()).unwrap();
    until("second power cycle", || cycles() == 2);
    stream.write_all(whole().as_bytes()).unwrap();
    let ended = ended(child);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    says(&ended, "1 whole boot of 2 came");
    desk.is_complete("run/1");
    assert_eq!(desk.stored("run/1-cut").manifest.status, Status::Incomplete);
}

#[test]
fn a_power_cycle_that_fails_is_told() {
    let desk = Desk::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap().to_string();
    let ended = desk.run(&["run", "--tcp", &address, "--power-cycle", "echo no relay >&2; exit 7"]);
    assert_eq!(ended.code, Some(4));
    says(&ended, "exited with code 7: no relay");
}

#[test]
fn a_growing_file_is_followed() {
    let desk = Desk::new();
    let (_, lines) = good();
    let path = desk.path("growing.txt");
    fs::write(&path, &lines[0][..20]).unwrap();
    let child = desk.start(&["run", "--follow", path.to_str().unwrap()]);
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(&lines[0].as_bytes()[20..]).unwrap();
    for lines in lines[1..].chunks(20) {
        thread::sleep(Duration::from_millis(150));
        file.write_all(lines.concat().as_bytes()).unwrap();
    }
    let ended = ended(child);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    desk.is_complete("run");
}

#[test]
fn standard_input_is_a_console() {
    for option in [&["--stdin"][..], &["--log", "-"]] {
        let desk = Desk::new();
        let mut command = desk.command(&[&["run"], option].concat());
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all((whole() + &whole()).as_bytes()).unwrap();
        // It stays open, and the end of the last run ends the reading all the same.
        let ended = ended(child);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        desk.is_complete("run");
        desk.is_complete("run-2");
        drop(stdin);
    }
}

#[test]
fn silence_garbage_and_chatter_are_told_apart() {
    let desk = Desk::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap().to_string();
    let mut garbage = vec![0; 3000];
    let mut state = 1_u32;
    garbage.iter_mut().for_each(|byte| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (state >> 24) as u8;
    });
    for (n, (bytes, what)) in [
        (&b""[..], "not a byte came"),
        (
            &garbage,
            "are no text: the speed of the line is probably not the board's",
        ),
        (
            b"U-Boot 2026.01\r\nHit any key\r\n=> ",
            "the console has no line of a run",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let out = format!("run{n}");
        let child = desk.start(&["run", "--tcp", &address, "--timeout", "2", "--out", &out]);
        let (mut stream, _) = server.accept().unwrap();
        stream.write_all(bytes).unwrap();
        let ended = ended(child);
        assert_eq!(ended.code, Some(3), "{}", ended.stderr);
        says(&ended, what);
        says(&ended, "no record came for 2 s (--timeout)");
        assert!(desk.console(&out) == bytes, "the bytes are kept");
        drop(stream);
    }
}

#[test]
fn an_echo_is_named() {
    let desk = Desk::new();
    let twice: Vec<String> = good().1.iter().flat_map(|line| [line.clone(), line.clone()]).collect();
    // The last line is the end of the run; what follows is beside it.
    let ended = desk.log(twice.concat(), &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    says(&ended, "nearly every line came twice");
}

#[test]
fn what_cannot_be_opened_is_told_in_one_line() {
    let desk = Desk::new();
    fs::write(desk.path("file"), "x").unwrap();
    for (arguments, code, what) in [
        (
            &["run", "--serial", "/dev/ttyNONE7"][..],
            4,
            "there is no device /dev/ttyNONE7",
        ),
        (&["run", "--serial", "file"], 4, "file is no serial device"),
        (&["run", "--serial", "."], 4, ". is no serial device"),
        (&["run", "--follow", "absent"], 64, "cannot read log absent"),
        (&["run", "--tcp", "localhost"], 4, "cannot connect to localhost"),
        (
            &["check", "--serial", "/dev/ttyNONE7"],
            4,
            "there is no device /dev/ttyNONE7",
        ),
        (&["run", "--serial", "/dev/ttyUSB0:0"], 64, "0 is no speed"),
        (&["run", "--log", "file", "--stdin"], 64, "cannot be used with"),
        (&["run", "--hardware"], 64, "required"),
        (
            &["run", "--stdin", "--cpu", "max", "--smp", "2"],
            64,
            "--smp is for QEMU",
        ),
    ] {
        let ended = desk.run(arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.stderr);
        says(&ended, what);
        assert!(!desk.exists("run"), "{arguments:?}: no folder is left behind");
    }
}

#[test]
fn a_port_that_another_program_reads_is_refused() {
    let (desk, pty) = (Desk::new(), Pty::new());
    let device = pty.device();
    let mut other = Command::new("cat")
        .stdin(File::open(&device).unwrap())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let ended = desk.run(&["run", "--serial", &device]);
    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    says(&ended, "is open already in cat (process");
}

#[test]
fn a_check_listens_to_boards_too() {
    let desk = Desk::new();
    // Nothing there of its plan: the refusal names the plans.
    let ended = desk.log_of_check(&whole());
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    says(&ended, "give those that its image was made with");
}

impl Desk {
    fn log_of_check(&self, console: &str) -> Ended {
        fs::write(self.path("console.txt"), console).unwrap();
        self.run(&["check", "--log", "console.txt"])
    }
}

/// Ctrl-C ends a wait for a board in order.
#[test]
fn an_interrupt_while_waiting_ends_in_order() {
    let (desk, pty) = (Desk::new(), Pty::new());
    let mut child = desk.start(&["run", "--serial", &pty.device()]);
    until("opening", || pty.is_raw());
    pty.write_paced(b"U-Boot\r\n", 1_000_000);
    until("reading", || {
        Run::open(&desk.path("run")).is_ok_and(|run| fs::read(run.console()).is_ok_and(|c| !c.is_empty()))
    });
    Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(desk.stored("run").manifest.status, Status::Interrupted);
    let mut rest = String::new();
    child.stderr.take().unwrap().read_to_string(&mut rest).unwrap();
}
