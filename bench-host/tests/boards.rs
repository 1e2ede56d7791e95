// SPDX-License-Identifier: MIT OR Apache-2.0
//! Boards that QEMU has, beside `virt`: each to a complete run or check, as somebody with the board would start it.
//!
//! Device trees are those of Linux, of which none is kept here: `DEVICE_TREES` names a folder with them
//! (`scripts/device-trees.sh` fetches one, to target/device-trees). `QEMU` names another QEMU, for boards that are newer
//! than the one in PATH. What is not there is ignored, with the reason.
#![allow(missing_docs)]

#[path = "support/command.rs"]
mod command;
#[path = "support/needs.rs"]
mod needs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use command::bench_host;
use results::manifest::Status;
use results::store::Run;
use results::verdict::Class;
use tempfile::TempDir;

/// Longer than a run takes on a busy machine; the boards do not turn off.
const PATIENCE: Duration = Duration::from_secs(240);

const RUN: [&str; 6] = ["--iterations", "1000", "--batch", "250", "--trials", "10"];
const CHECK: [&str; 4] = ["--trials", "5", "--smp", "4"];

fn qemu() -> PathBuf {
    needs::named("QEMU").map_or_else(|| "qemu-system-aarch64".into(), PathBuf::from)
}

/// Returns what QEMU answers.
fn answer(arguments: &[&str]) -> String {
    let output = Command::new(qemu()).args(arguments).output();
    output.map_or_else(
        |_| String::new(),
        |output| String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

fn has_board(board: &str) -> bool {
    let names = answer(&["-machine", "help"]);
    names.lines().any(|line| line.split_whitespace().next() == Some(board))
}

/// Finds a device tree of Linux.
fn tree(name: &str) -> Option<PathBuf> {
    fn find(folder: &Path, name: &str) -> Option<PathBuf> {
        let entries: Vec<_> = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
        let here = entries
            .iter()
            .find(|path| path.file_name().is_some_and(|file| file == name));
        here.cloned().or_else(|| {
            entries
                .iter()
                .filter(|path| path.is_dir())
                .find_map(|path| find(path, name))
        })
    }
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/device-trees");
    find(&needs::named("DEVICE_TREES").map_or(kept, PathBuf::from), name)
}

/// What is made of a board.
#[derive(Clone, Copy)]
enum Work {
    /// A timed run.
    Run,
    /// The checks, with 4 PEs.
    Check,
}

/// A stored run, in a folder of its own.
struct Booted {
    run: Run,
    _folder: TempDir,
}

/// Boots the image on a board with QEMU's `options`, and receives its console. `unsaid` is what the board's firmware does
/// not say.
fn boot(work: Work, unsaid: &[&str], options: &[&str]) -> Booted {
    let folder = TempDir::new().unwrap();
    let (command, mut arguments) = match work {
        Work::Run => (["image", "board.img"].to_vec(), RUN.to_vec()),
        Work::Check => (["check", "--image", "board.img"].to_vec(), CHECK.to_vec()),
    };
    arguments.extend(unsaid);
    let (code, said) = bench_host(folder.path(), &[&command[..], &arguments].concat());
    assert_eq!(code, Some(0), "{said}");
    fs::write(folder.path().join("console.txt"), "").unwrap();
    let mut board = Command::new(qemu())
        .current_dir(folder.path())
        .args("-nic none -display none -monitor none".split(' '))
        .args(options)
        .args(["-serial", "file:console.txt"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let listen = ["--follow", "console.txt", "--timeout", "60", "--out", "out"];
    let (word, plan) = match work {
        Work::Run => ("run", &[][..]),
        Work::Check => ("check", &arguments[..]),
    };
    let started = Instant::now();
    let (code, said) = bench_host(folder.path(), &[&[word], &listen[..], plan].concat());
    assert!(started.elapsed() < PATIENCE);
    let _ = board.kill();
    board.wait().unwrap();
    assert_eq!(code, Some(0), "{said}");
    let out = match work {
        Work::Run => folder.path().join("out"),
        Work::Check => folder.path().join("out/1"),
    };
    let run = Run::open(&out).unwrap();
    assert_eq!(run.manifest.status, Status::Complete, "{said}");
    Booted { run, _folder: folder }
}

/// Returns the verdicts of a check that needs so many PEs, of one class.
fn of_class(Booted { run, .. }: &Booted, pes: u8, class: Class) -> Vec<String> {
    let rows = run.verdicts().unwrap().map(Result::unwrap);
    rows.filter(|row| row.check.pes() == pes && row.class == class)
        .map(|row| row.reason)
        .collect()
}

/// The tree has neither a UART nor PSCI: the console is known by the board's name, and there is one PE.
fn sbsa_ref() {
    let options =
        "-M sbsa-ref -cpu neoverse-n1 -m 1G -global VGA.romfile= -global bochs-display.romfile= -kernel board.img";
    let booted = boot(Work::Run, &[], &options.split(' ').collect::<Vec<_>>());
    let load = booted.run.manifest.kernel.load.unwrap().0;
    assert!(load >> 40 != 0, "memory begins at 1 TiB: {load:#x}");
}

/// Memory behind 512 GiB: the loader passes no tree, and what is planned is taken.
fn memory_at_600_gib() {
    let options = "-M virt,virtualization=on,gic-version=3,memory-backend=ram -cpu cortex-a72 -m 600G \
                   -object memory-backend-ram,id=ram,size=600G,reserve=off \
                   -device loader,file=board.img,addr=0x8000200000,force-raw=on \
                   -device loader,addr=0x8000200000,cpu-num=0";
    let unsaid = ["--console", "pl011@0x9000000", "--psci", "smc"];
    let booted = boot(Work::Run, &unsaid, &options.split_whitespace().collect::<Vec<_>>());
    let kernel = &booted.run.manifest.kernel;
    assert_eq!(kernel.load.unwrap().0, 0x80_0020_0000);
    let proofs: Vec<_> = booted.run.proofs().unwrap().map(Result::unwrap).collect();
    assert!(proofs.len() >= 5 && proofs.iter().all(|row| row.holds));
}

/// Boots a Raspberry Pi with 4 PEs in spin-tables, to all checks. Its console is the second serial line.
fn raspberry_pi(board: &str, dtb: &str) {
    let dtb = tree(dtb).unwrap();
    let options = [
        "-M",
        board,
        "-accel",
        "tcg,thread=single",
        "-kernel",
        "board.img",
        "-serial",
        "null",
        "-dtb",
    ];
    let booted = boot(Work::Check, &[], &[&options[..], &[dtb.to_str().unwrap()]].concat());
    assert!(of_class(&booted, 2, Class::Pass).len() > 50 && of_class(&booted, 3, Class::Pass).len() > 5);
    assert!(booted.run.manifest.stream.lost_pes.is_empty());
}

fn raspi3b() {
    raspberry_pi("raspi3b", "bcm2837-rpi-3-b.dtb");
}

fn raspi4b() {
    raspberry_pi("raspi4b", "bcm2711-rpi-4-b.dtb");
}

fn bl31() -> PathBuf {
    needs::named("BL31").map_or_else(|| "/usr/lib/arm-trusted-firmware/rpi4/bl31.bin".into(), PathBuf::from)
}

/// Under TF-A a PE that was turned off does not come back here: it is named, what needs it is skipped, and the run goes on.
fn raspi4b_under_tf_a() {
    let folder = TempDir::new().unwrap();
    let mut firmware = fs::read(bl31()).unwrap();
    // Where the firmware of the board leaves the addresses of the tree and of the kernel.
    let addresses = [0_u32, 0, 0x2eff_0000, 0x20_0000].map(u32::to_le_bytes).concat();
    firmware[0xf0..0x100].copy_from_slice(&addresses);
    let stub = folder.path().join("bl31.bin");
    fs::write(&stub, firmware).unwrap();
    let loaded = [
        format!("loader,file={},addr=0,force-raw=on,cpu-num=0", stub.display()),
        "loader,file=board.img,addr=0x200000,force-raw=on".to_owned(),
        format!(
            "loader,file={},addr=0x2eff0000,force-raw=on",
            tree("bcm2711-rpi-4-b.dtb").unwrap().display()
        ),
    ];
    let mut options = vec!["-M", "raspi4b", "-accel", "tcg,thread=single"];
    options.extend(loaded.iter().flat_map(|device| ["-device", device.as_str()]));
    let booted = boot(Work::Check, &[], &options);
    let run = &booted.run;
    let console = fs::read(run.console()).unwrap();
    assert!(String::from_utf8_lossy(&console).contains("BL31: v"));
    let lost = &run.manifest.stream.lost_pes;
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert_eq!(lost[0].pe, 1);
    // Some checks came before it was lost, and those of one PE go on behind it.
    let skipped = of_class(&booted, 2, Class::Skipped);
    assert!(
        skipped.iter().any(|reason| reason.contains("did not come back")),
        "{skipped:?}"
    );
    assert!(!of_class(&booted, 2, Class::Pass).is_empty() && of_class(&booted, 1, Class::Pass).len() > 100);
}

/// The console is the second UART of the board.
fn imx8mp_evk() {
    let dtb = tree("imx8mp-evk.dtb").unwrap();
    let options = "-M imx8mp-evk -m 1G -smp 4 -accel tcg,thread=single -kernel board.img -serial null -dtb";
    let options: Vec<_> = options.split(' ').chain([dtb.to_str().unwrap()]).collect();
    let booted = boot(Work::Check, &[], &options);
    assert!(of_class(&booted, 2, Class::Pass).len() > 50 && of_class(&booted, 3, Class::Pass).len() > 5);
    assert!(booted.run.manifest.board.as_ref().unwrap().model.contains("i.MX8MPlus"));
}

fn xlnx_zcu102() {
    let dtb = tree("zynqmp-zcu102-rev1.0.dtb").unwrap();
    let options = "-M xlnx-zcu102,virtualization=on -m 1G -kernel board.img -dtb";
    boot(
        Work::Run,
        &[],
        &options.split(' ').chain([dtb.to_str().unwrap()]).collect::<Vec<_>>(),
    );
}

/// QEMU makes the tree itself.
fn xlnx_versal_virt() {
    boot(
        Work::Run,
        &[],
        &"-M xlnx-versal-virt -m 1G -kernel board.img"
            .split(' ')
            .collect::<Vec<_>>(),
    );
}

/// A test, its name, QEMU's board, and the files it needs.
type Case = (&'static str, fn(), &'static str, &'static [&'static str]);

fn main() -> ExitCode {
    let cases: [Case; 8] = [
        ("sbsa_ref", sbsa_ref, "sbsa-ref", &[]),
        ("memory_at_600_gib", memory_at_600_gib, "virt", &[]),
        ("raspi3b", raspi3b, "raspi3b", &["bcm2837-rpi-3-b.dtb"]),
        ("raspi4b", raspi4b, "raspi4b", &["bcm2711-rpi-4-b.dtb"]),
        (
            "raspi4b_under_tf_a",
            raspi4b_under_tf_a,
            "raspi4b",
            &["bcm2711-rpi-4-b.dtb", "bl31.bin"],
        ),
        ("imx8mp_evk", imx8mp_evk, "imx8mp-evk", &["imx8mp-evk.dtb"]),
        ("xlnx_zcu102", xlnx_zcu102, "xlnx-zcu102", &["zynqmp-zcu102-rev1.0.dtb"]),
        ("xlnx_versal_virt", xlnx_versal_virt, "xlnx-versal-virt", &[]),
    ];
    let cases = cases.into_iter().map(|(name, case, board, files)| {
        let is_there = |file: &&&str| match **file {
            "bl31.bin" => bl31().exists(),
            dtb => tree(dtb).is_some(),
        };
        let absent = files.iter().find(|file| !is_there(file));
        let absent = match absent {
            _ if !has_board(board) => Some(format!("{} has no {board}", qemu().display())),
            Some(file) => Some(format!(
                "{file} is not here (scripts/device-trees.sh; arm-trusted-firmware)"
            )),
            None => None,
        };
        (name, case, absent)
    });
    needs::main(cases)
}
