// SPDX-License-Identifier: MIT OR Apache-2.0
//! The files for boot loaders, each booted by the real one in QEMU: Debian's `u-boot-qemu`, `qemu-efi-aarch64`, and
//! `grub-efi-arm64-bin` by `grub-mkstandalone`; read back by `u-boot-tools`.
//!
//! `U_BOOT` names another `u-boot.bin` for QEMU's arm64 board, `MKIMAGE` another `mkimage`, `UEFI` another firmware,
//! `GRUB_MODULES` another folder of GRUB's modules for arm64-efi.
#![allow(missing_docs)]

#[path = "support/command.rs"]
mod command;
#[path = "support/needs.rs"]
mod needs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use bench_host::qemu::Qemu;
use command::bench_host;
use results::manifest::{EL1_LABEL, Status};
use results::store::Run;
use results::wire::crc32;
use tempfile::TempDir;

const SMALL: [&str; 6] = ["--iterations", "1000", "--batch", "250", "--trials", "10"];

/// Longer than a boot takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// Writes the files of a door into a folder `out`.
fn written(door: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let (code, said) = bench_host(folder.path(), &[&["image", "out", "--for", door], &SMALL[..]].concat());
    assert_eq!(code, Some(0), "{said}");
    folder
}

fn u_boot() -> PathBuf {
    needs::named("U_BOOT").map_or_else(|| "/usr/lib/u-boot/qemu_arm64/u-boot.bin".into(), PathBuf::from)
}

fn mkimage() -> Command {
    Command::new(needs::named("MKIMAGE").unwrap_or_else(|| "mkimage".into()))
}

/// A machine for a boot loader.
struct Board<'a> {
    /// Options of the board, behind its name.
    options: &'a str,
    firmware: PathBuf,
    /// What the boot loader says of itself.
    banner: &'a str,
}

/// Boots a medium, a folder or a disk image, and receives the console while it speaks. Returns the console's text.
fn received(folder: &Path, medium: &str, board: &Board<'_>) -> String {
    fs::write(folder.join("console.txt"), "").unwrap();
    let drive = format!("if=none,file={medium},format=raw,id=d");
    let mut qemu = Command::new("qemu-system-aarch64")
        .current_dir(folder)
        .args(["-M", &format!("virt,gic-version=3,{}", board.options)])
        .args("-cpu cortex-a72 -smp 2 -m 1G -nic none -display none -monitor none -serial file:console.txt".split(' '))
        .arg("-bios")
        .arg(&board.firmware)
        .args(["-drive", &drive, "-device", "virtio-blk-device,drive=d"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let timeout = PATIENCE.as_secs().to_string();
    let (code, said) = bench_host(
        folder,
        &["run", "--follow", "console.txt", "--timeout", &timeout, "--out", "run"],
    );
    let start = Instant::now();
    while qemu.try_wait().unwrap().is_none() && start.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = qemu.kill();
    qemu.wait().unwrap();
    assert_eq!(code, Some(0), "{said}");
    let run = Run::open(&folder.join("run")).unwrap();
    assert_eq!(run.manifest.status, Status::Complete);
    let log = String::from_utf8_lossy(&fs::read(run.console()).unwrap()).into_owned();
    assert!(log.contains(board.banner), "its boot loader is in the log: {log}");
    log
}

/// Boots a medium with these of the files of `out` by U-Boot.
fn boots(files: &[&str], script: Option<&str>) {
    let folder = written("u-boot");
    let medium = folder.path().join("medium");
    for file in files {
        let to = medium.join(file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(folder.path().join("out").join(file), to).unwrap();
    }
    if let Some(script) = script {
        let text = folder.path().join("script");
        fs::write(&text, script).unwrap();
        let wrapped = mkimage()
            .args(["-A", "arm64", "-T", "script", "-C", "none", "-d"])
            .args([&text, &medium.join("boot.scr")])
            .output()
            .unwrap();
        assert!(wrapped.status.success(), "{wrapped:?}");
    }
    let board = Board {
        options: "virtualization=on",
        firmware: u_boot(),
        banner: "U-Boot 20",
    };
    received(folder.path(), "fat:rw:medium", &board);
}

fn uefi() -> PathBuf {
    needs::named("UEFI").map_or_else(|| "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd".into(), PathBuf::from)
}

/// QEMU's board with UEFI, which describes it by ACPI or by a device tree.
fn uefi_board(acpi: bool) -> Board<'static> {
    Board {
        options: if acpi {
            "virtualization=on,acpi=on"
        } else {
            "virtualization=on,acpi=off"
        },
        firmware: uefi(),
        banner: "BdsDxe: starting Boot",
    }
}

fn uefi_boots_the_disk_with_acpi() {
    let folder = written("uefi");
    let log = received(folder.path(), "out/el2-kernel-disk.img", &uefi_board(true));
    assert!(log.contains(",machine,QEMU Virtual Machine,QEMU,UEFI "), "{log}");
}

fn uefi_boots_the_folder_with_a_device_tree() {
    let folder = written("uefi");
    let log = received(folder.path(), "fat:rw:out", &uefi_board(false));
    assert!(
        log.contains(",machine,linux/dummy-virt,linux/dummy-virt,UEFI "),
        "{log}"
    );
}

/// The machine of a guest: UEFI runs at EL1, and so does the kernel. Its default plan has a part for that.
fn uefi_boots_at_el1() {
    for (options, machine) in [
        ("acpi=on", "QEMU Virtual Machine,QEMU"),
        ("acpi=off", "linux/dummy-virt,linux/dummy-virt"),
    ] {
        let folder = written("uefi");
        let board = Board {
            options,
            ..uefi_board(true)
        };
        let log = received(folder.path(), "out/el2-kernel-disk.img", &board);
        assert!(log.contains(&format!(",machine,{machine},UEFI ")), "{log}");
        at_el1(folder.path());
    }
}

fn u_boot_finds_extlinux_at_el1() {
    let folder = written("u-boot");
    let board = Board {
        options: "virtualization=off",
        firmware: u_boot(),
        banner: "U-Boot 20",
    };
    received(folder.path(), "fat:rw:out", &board);
    at_el1(folder.path());
}

/// The run in a folder was entered at EL1, and timed what EL1 can execute.
fn at_el1(folder: &Path) {
    let manifest = Run::open(&folder.join("run")).unwrap().manifest;
    assert!(
        manifest.entered_at_el1() && manifest.label.ends_with(EL1_LABEL),
        "{}",
        manifest.label
    );
    let timed = manifest.plan.sequences.iter().filter(|sequence| sequence.timed);
    assert!(timed.clone().count() == 3 && timed.clone().all(|sequence| sequence.skipped.is_none()));
}

/// U-Boot is UEFI firmware too.
fn u_boot_starts_the_uefi_file() {
    let folder = written("uefi");
    let board = Board {
        options: "virtualization=on",
        firmware: u_boot(),
        banner: "Booting /efi",
    };
    received(folder.path(), "out/el2-kernel-disk.img", &board);
}

fn grub_modules() -> PathBuf {
    needs::named("GRUB_MODULES").map_or_else(|| "/usr/lib/grub/arm64-efi".into(), PathBuf::from)
}

fn grub_boots(acpi: bool) {
    let folder = written("grub");
    let early = folder.path().join("early.cfg");
    fs::write(
        &early,
        "search --no-floppy --set=root --file /el2-kernel.img\nconfigfile ($root)/boot/grub/grub.cfg\n",
    )
    .unwrap();
    let boot = folder.path().join("out/EFI/BOOT");
    fs::create_dir_all(&boot).unwrap();
    let made = Command::new("grub-mkstandalone")
        .arg("-d")
        .arg(grub_modules())
        .args([
            "-O",
            "arm64-efi",
            "--install-modules=",
            "--fonts=",
            "--locales=",
            "--themes=",
        ])
        .arg("--modules=part_msdos part_gpt fat search search_fs_file configfile normal linux")
        .arg("-o")
        .arg(boot.join("BOOTAA64.EFI"))
        .arg(format!("boot/grub/grub.cfg={}", early.display()))
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let board = Board {
        banner: "Booting `el2-kernel'",
        ..uefi_board(acpi)
    };
    received(folder.path(), "fat:rw:out", &board);
}

fn grub_boots_with_acpi() {
    grub_boots(true);
}

fn grub_boots_with_a_device_tree() {
    grub_boots(false);
}

fn u_boot_finds_extlinux() {
    boots(&["el2-kernel.img", "extlinux/extlinux.conf"], None);
}

fn u_boot_finds_the_script() {
    boots(&["el2-kernel.img", "boot.scr"], None);
}

fn u_boot_boots_the_fit() {
    let script = "load virtio 0:1 ${ramdisk_addr_r} el2-kernel.itb\nbootm ${ramdisk_addr_r}#c - ${fdtcontroladdr}\n";
    boots(&["el2-kernel.itb"], Some(script));
}

fn u_boot_boots_the_image_by_hand() {
    let script = "load virtio 0:1 ${kernel_addr_r} el2-kernel.img\nbooti ${kernel_addr_r} - ${fdtcontroladdr}\n";
    boots(&["el2-kernel.img"], Some(script));
}

fn mkimage_reads_what_is_written() {
    let folder = written("u-boot");
    let list = |name: &str| {
        let output = mkimage()
            .arg("-l")
            .arg(folder.path().join("out").join(name))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let fit = list("el2-kernel.itb");
    for line in [
        "Kernel Image (no loading done)",
        "Hash algo:    sha256",
        "Default Configuration: 'c'",
    ] {
        assert!(fit.contains(line), "{fit}");
    }
    let script = list("boot.scr");
    assert!(
        script.contains("AArch64 Linux Script (uncompressed)") && script.contains("el2-kernel"),
        "{script}"
    );
}

/// The header of a legacy image, read by the description of U-Boot's `image.h`.
fn the_script_is_a_legacy_image() {
    let folder = written("u-boot");
    let read = |name: &str| fs::read(folder.path().join("out").join(name)).unwrap();
    let (image, text) = (read("boot.scr"), read("boot.cmd"));
    let word = |at: usize| u32::from_be_bytes(image[at..at + 4].try_into().unwrap());
    let mut header = image[..64].to_vec();
    header[4..8].fill(0);
    assert_eq!((word(0), word(4)), (0x2705_1956, crc32(&header)));
    assert_eq!((word(12) as usize, word(24)), (image.len() - 64, crc32(&image[64..])));
    assert_eq!((word(64) as usize, word(68)), (text.len(), 0));
    assert_eq!(&image[72..], text);
}

fn cards_have_their_files_and_overwrite_nobodys() {
    for model in ["rpi3", "rpi4", "rpi5"] {
        let folder = written(model);
        let out = folder.path().join("out");
        let image = fs::read(out.join("el2-kernel.img")).unwrap();
        let (code, said) = bench_host(folder.path(), &[&["image", "raw.img"], &SMALL[..]].concat());
        assert_eq!(code, Some(0), "{said}");
        assert!(
            image == fs::read(folder.path().join("raw.img")).unwrap(),
            "one image for all doors"
        );
        // A second time over its own files, and not over the system of somebody else.
        let again = || bench_host(folder.path(), &[&["image", "out", "--for", model], &SMALL[..]].concat());
        assert_eq!(again().0, Some(0));
        fs::write(out.join("config.txt"), "kernel=vmlinuz\n").unwrap();
        let (code, said) = again();
        assert_eq!(code, Some(5), "{said}");
        assert!(said.contains("config.txt: a file of this name is there"), "{said}");
        assert_eq!(fs::read_to_string(out.join("config.txt")).unwrap(), "kernel=vmlinuz\n");
    }
}

/// A loader that passes no device tree: the console and the firmware of the plan are used, also by checks.
fn checks_take_what_the_firmware_does_not_say() {
    let folder = TempDir::new().unwrap();
    let options = [
        "--smp",
        "1",
        "--trials",
        "10",
        "--console",
        "pl011@0x9000000",
        "--psci",
        "smc",
    ];
    let (code, said) = bench_host(folder.path(), &[&["check", "--image", "k.img"], &options[..]].concat());
    assert_eq!(code, Some(0), "{said}");
    let qemu = "-M virt,virtualization=on,gic-version=3 -cpu cortex-a72 -m 512M -nic none -display none -monitor none \
                -serial file:console.txt -device loader,file=k.img,addr=0x40200000,force-raw=on \
                -device loader,addr=0x40200000,cpu-num=0";
    let mut qemu = Command::new("qemu-system-aarch64")
        .current_dir(folder.path())
        .args(qemu.split_whitespace())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    // The firmware turns it off at the end.
    let start = Instant::now();
    while qemu.try_wait().unwrap().is_none() && start.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = qemu.kill();
    qemu.wait().unwrap();
    let (code, said) = bench_host(
        folder.path(),
        &[&["check", "--log", "console.txt", "--out", "run"], &options[..]].concat(),
    );
    assert_eq!(code, Some(0), "{said}");
    let run = Run::open(&folder.path().join("run/1")).unwrap();
    assert!(
        run.manifest.reproduce.ends_with("--console pl011@0x9000000 --psci smc"),
        "{}",
        run.manifest.reproduce
    );
}

fn checks_have_doors_too() {
    let folder = TempDir::new().unwrap();
    let (code, said) = bench_host(folder.path(), &["check", "--image", "card", "--for", "rpi4"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(folder.path().join("card/config.txt").exists());
    assert_eq!(bench_host(folder.path(), &["check", "--for", "rpi4"]).0, Some(64));
    assert_eq!(bench_host(folder.path(), &["image", "x", "--for", "bios"]).0, Some(64));
}

fn main() -> ExitCode {
    let no_mkimage = mkimage()
        .arg("-V")
        .output()
        .is_err()
        .then_some("mkimage (u-boot-tools) is not here");
    let no_qemu = Qemu::find(None).is_err().then_some("QEMU is not here");
    let no_u_boot = (!u_boot().exists()).then_some("u-boot-qemu is not here");
    let boot = no_qemu.or(no_u_boot);
    let no_uefi = no_qemu.or((!uefi().exists()).then_some("qemu-efi-aarch64 is not here"));
    let no_grub = Command::new("grub-mkstandalone").arg("-V").output().is_err() || !grub_modules().exists();
    let no_grub = no_uefi.or(no_grub.then_some("grub-mkstandalone or grub-efi-arm64-bin is not here"));
    let cases: [(_, fn(), _); 16] = [
        ("uefi_boots_at_el1", uefi_boots_at_el1, no_uefi),
        ("u_boot_finds_extlinux_at_el1", u_boot_finds_extlinux_at_el1, boot),
        ("uefi_boots_the_disk_with_acpi", uefi_boots_the_disk_with_acpi, no_uefi),
        (
            "uefi_boots_the_folder_with_a_device_tree",
            uefi_boots_the_folder_with_a_device_tree,
            no_uefi,
        ),
        ("u_boot_starts_the_uefi_file", u_boot_starts_the_uefi_file, boot),
        ("grub_boots_with_acpi", grub_boots_with_acpi, no_grub),
        ("grub_boots_with_a_device_tree", grub_boots_with_a_device_tree, no_grub),
        ("u_boot_finds_extlinux", u_boot_finds_extlinux, boot),
        ("u_boot_finds_the_script", u_boot_finds_the_script, boot),
        ("u_boot_boots_the_fit", u_boot_boots_the_fit, boot.or(no_mkimage)),
        (
            "u_boot_boots_the_image_by_hand",
            u_boot_boots_the_image_by_hand,
            boot.or(no_mkimage),
        ),
        (
            "mkimage_reads_what_is_written",
            mkimage_reads_what_is_written,
            no_mkimage,
        ),
        ("the_script_is_a_legacy_image", the_script_is_a_legacy_image, None),
        (
            "cards_have_their_files_and_overwrite_nobodys",
            cards_have_their_files_and_overwrite_nobodys,
            None,
        ),
        (
            "checks_take_what_the_firmware_does_not_say",
            checks_take_what_the_firmware_does_not_say,
            no_qemu,
        ),
        ("checks_have_doors_too", checks_have_doors_too, None),
    ];
    needs::main(cases.map(|(name, case, absent)| (name, case, absent.map(str::to_owned))))
}
