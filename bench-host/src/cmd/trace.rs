// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host trace`: runs a guest, and judges the TLB maintenance that it really executes.

use crate::cmd::paths::existing;
use std::ffi::OsString;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use ::trace::judge::{Judge, Options};
use ::trace::symbols::Symbols;
use clap::ValueEnum;

use super::print;
use crate::error::Error;
use crate::exit::{Codes, Exit};
use crate::interrupt;
use crate::output;
use crate::qemu::Qemu;
use crate::trace::machine::{self, Ended, Guest, Interface};
use crate::trace::suppress::Suppressions;
use crate::trace::view::View;
use crate::trace::{html, junit, sarif, text};

const EXAMPLES: &str = "\
Examples:
  bench-host trace --kernel Image --initrd rd.gz --append console=ttyAMA0 --smp 2 --elf vmlinux
  bench-host trace --kernel xen --el2 --elf xen-syms   a hypervisor
  bench-host trace --bios QEMU_EFI.fd --el2            a firmware
  bench-host trace --log saved.trace --elf vmlinux     judge a log again
  bench-host trace --attach plugin.so                  for a QEMU that somebody else starts
";

/// The forms a trace comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Plain text
    Text,
    /// One self-contained page
    Html,
    /// JUnit XML
    Junit,
    /// SARIF 2.1.0
    Sarif,
}

/// How the command ends.
const CODES: Codes = Codes(&[
    (Exit::Ok, "nothing was found"),
    (Exit::Failure, "a finding that is not suppressed"),
    (Exit::Undecided, "nothing could be decided"),
    (Exit::Incomplete, "the log stops early, or lines of it are lost"),
    (Exit::Setup, "QEMU, its plugin or the log is missing or unfit"),
    (Exit::Interrupted, "interrupted"),
]);

/// Judge the TLB maintenance that an unmodified kernel executes in QEMU
///
/// Boots a guest in QEMU 9.0 or newer with a plugin that records every change of its translation tables, and judges each
/// by the maintenance that followed. A finding means that the architecture permits a stale or missing translation; QEMU
/// itself never shows one.
#[derive(Debug, clap::Args)]
#[command(after_help = CODES.help_after(EXAMPLES))]
pub struct Args {
    /// The kernel to boot
    #[arg(long, value_name = "FILE", required_unless_present_any = ["bios", "log", "attach"], value_parser = existing())]
    kernel: Option<PathBuf>,
    /// Its initial RAM disk
    #[arg(long, value_name = "FILE", requires = "kernel", value_parser = existing())]
    initrd: Option<PathBuf>,
    /// Its command line
    #[arg(long, value_name = "TEXT", requires = "kernel")]
    append: Option<String>,
    /// The firmware to boot
    #[arg(long, value_name = "FILE", value_parser = existing())]
    bios: Option<PathBuf>,
    /// Begin at EL2
    #[arg(long)]
    el2: bool,
    /// Number of PEs
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=512))]
    smp: u32,
    /// CPU model
    #[arg(long, value_name = "MODEL", default_value = "neoverse-n1")]
    cpu: String,
    /// Memory, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 512, value_parser = clap::value_parser!(u32).range(64..=65_536))]
    memory: u32,
    /// The QEMU to run [default: qemu-system-aarch64 in PATH]
    #[arg(long, value_name = "PATH")]
    qemu: Option<PathBuf>,
    /// End the guest after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// Keep the guest's console in FILE
    #[arg(long, value_name = "FILE")]
    console: Option<PathBuf>,
    /// Keep the log in FILE
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,
    /// Most MiB of log
    #[arg(long, value_name = "MIB", default_value_t = 512, value_parser = clap::value_parser!(u64).range(1..=65_536))]
    limit: u64,
    /// Judge a saved log instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["kernel", "bios", "attach"], value_parser = existing())]
    log: Option<PathBuf>,
    /// Write the plugin to FILE and print the QEMU arguments that use it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["kernel", "bios"])]
    attach: Option<PathBuf>,
    /// ELF files with the symbols of what runs; may be repeated
    #[arg(long, visible_alias = "vmlinux", value_name = "FILE", value_parser = existing())]
    elf: Vec<PathBuf>,
    /// What to add to the addresses of the ELF files, instead of finding it out (hexadecimal)
    #[arg(long, value_name = "0x…", value_parser = hexadecimal, requires = "elf", allow_hyphen_values = true)]
    offset: Option<u64>,
    /// Findings that are known: a kind and functions on each line
    #[arg(long, value_name = "FILE", value_parser = existing())]
    suppress: Option<PathBuf>,
    /// Also tell of frames that are used anew before the flush of an old writable mapping, as lazy schemes do by design
    #[arg(long, conflicts_with = "attach")]
    frames: bool,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write it to FILE instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
    /// Further arguments for QEMU
    #[arg(last = true, value_name = "QEMU ARGUMENTS")]
    extra: Vec<OsString>,
}

fn hexadecimal(text: &str) -> Result<u64, String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    let value = u64::from_str_radix(digits, 16).map_err(|error| error.to_string())?;
    Ok(if sign { value.wrapping_neg() } else { value })
}

/// Traces.
pub fn run(args: &Args) -> Result<Exit, Error> {
    if let Some(plugin) = &args.attach {
        return attach(args, plugin);
    }
    interrupt::install();
    let suppressions = match &args.suppress {
        Some(path) => Suppressions::open(path)?,
        None => Suppressions::default(),
    };
    let mut files = Vec::new();
    for path in &args.elf {
        files.push(Symbols::open(path).map_err(|error| Error::Usage(error.to_string()))?);
    }
    let (ended, subject, log, _folder) = match &args.log {
        Some(log) => (Ended::Itself, log.clone(), log.clone(), None),
        None => {
            let subject = args.kernel.clone().or_else(|| args.bios.clone()).unwrap_or_default();
            let qemu = Qemu::find(args.qemu.as_deref()).map_err(|error| Error::Setup(error.to_string()))?;
            let folder = tempfile::tempdir()
                .map_err(|error| Error::Setup(format!("cannot make a temporary folder: {error}")))?;
            let log = args.keep.clone().unwrap_or_else(|| folder.path().join("log"));
            let guest = guest(args, folder.path())?;
            let ended = machine::run(&qemu, &guest, &log, args.quiet)?;
            (ended, subject, log, Some(folder))
        }
    };
    let file = File::open(&log).map_err(|error| Error::Setup(format!("cannot read {}: {error}", log.display())))?;
    let size = file.metadata().map_or(0, |data| data.len());
    let mut told = std::time::Instant::now();
    let mut interrupted = ended == Ended::Interrupted;
    let options = Options { frames: args.frames };
    let report = Judge::log(file, options, |events, bytes| {
        if !args.quiet && told.elapsed().as_secs() >= 5 {
            told = std::time::Instant::now();
            eprintln!("judging: {events} events, {}%", bytes * 100 / size.max(1));
        }
        // A guest that was interrupted is judged as far as it went; who interrupts the judge wants to see what there is.
        if ended != Ended::Interrupted && interrupt::requested() {
            interrupted = true;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })
    .map_err(|error| Error::Setup(format!("{}: {error}", log.display())))?;
    for symbols in &mut files {
        match args.offset {
            Some(offset) => symbols.set_bias(offset),
            None => symbols.locate(&report),
        }
    }
    let view = View::new(&subject, report, &files, &suppressions);
    let rendered = match args.format {
        Format::Text => text::render(&view),
        Format::Html => html::render(&view),
        Format::Junit => junit::render(&view).map_err(|error| Error::Usage(error.to_string()))?,
        Format::Sarif => sarif::render(&view),
    };
    match &args.out {
        Some(path) => output::write(path, rendered)?,
        None => print(&rendered),
    }
    let mut exit = Exit::Ok;
    if interrupted {
        exit = exit.or(Exit::Interrupted);
    }
    if view.incomplete.is_some() {
        exit = exit.or(Exit::Incomplete);
    }
    if view.open().next().is_some() {
        exit = exit.or(Exit::Failure);
    } else if view.is_undecided() {
        exit = exit.or(Exit::Undecided);
    }
    Ok(exit)
}

fn guest(args: &Args, folder: &Path) -> Result<Guest, Error> {
    for file in [&args.kernel, &args.initrd, &args.bios].into_iter().flatten() {
        if !file.is_file() {
            return Err(Error::Usage(format!("{} is no file", file.display())));
        }
    }
    Ok(Guest {
        kernel: args.kernel.clone(),
        initrd: args.initrd.clone(),
        append: args.append.clone(),
        bios: args.bios.clone(),
        smp: args.smp,
        cpu: args.cpu.clone(),
        memory: args.memory,
        el2: args.el2,
        console: args.console.clone().unwrap_or_else(|| folder.join("console")),
        extra: args.extra.clone(),
        limit: args.limit << 20,
        seconds: args.timeout,
    })
}

/// Writes the plugin, and says how to use it.
fn attach(args: &Args, plugin: &Path) -> Result<Exit, Error> {
    // The QEMU that is meant is asked, where there is one: its interface says which plugin it takes.
    let interface = match Qemu::find(args.qemu.as_deref()) {
        Ok(qemu) if machine::check(&qemu).is_ok() => Interface::of(&qemu)?,
        Err(error) if args.qemu.is_some() => return Err(Error::Setup(error.to_string())),
        Ok(_) | Err(_) => {
            eprintln!("no QEMU to ask: this plugin is for QEMU 9.0 to 11.0; name a newer one with --qemu PATH");
            Interface::USUAL
        }
    };
    machine::write_plugin(plugin, interface.written_for)?;
    let plugin = plugin
        .canonicalize()
        .map_err(|error| Error::Setup(format!("{}: {error}", plugin.display())))?;
    let log = args.keep.clone().unwrap_or_else(|| PathBuf::from("guest.trace"));
    let ram = (!interface.reads_memory()).then_some(Path::new("/dev/shm/guest.ram"));
    let arguments = machine::attachment(&plugin, &log, ram, args.memory, args.limit << 20);
    let words: Vec<String> = arguments.iter().map(|word| quote(&word.to_string_lossy())).collect();
    print(&format!("{}\n", words.join(" ")));
    eprintln!("then: bench-host trace --log {}", quote(&log.display().to_string()));
    Ok(Exit::Ok)
}

/// Quotes a word for a shell.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
