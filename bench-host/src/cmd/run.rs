// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host run`: one boot, from the plan to the report.

pub mod describe;
pub(super) mod folder;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use results::manifest;
use results::store::{Run, Store};

use super::{print, report};
use crate::error::Error;
use crate::exit::{self, Exit};
use crate::input;
use crate::interrupt;
use crate::kernel::Kernel;
use crate::output::harmless;
use crate::overhead;
use crate::plan::{PlanArgs, RunPlan};
use crate::progress::Progress;
use crate::qemu::{Machine, Qemu};
use crate::receive::Receiver;
use crate::session::{self, Finished};

const EXAMPLES: &str = "\
Examples:
  bench-host run                                       the two sides of the Xen patch
  bench-host run --sequence xen_head_old --sequence 'a=dsb ishst; tlbi vae2is, {va}; dsb ish; isb'
  bench-host run --runtime level0 --flow old           another slot case, the boot path of old
  bench-host run --deterministic --iterations 10000    instruction counts, the same in every run
  bench-host run --sweep tlbis=1,2,4,8,16              cost to issue a TLBI, and cost to complete
  bench-host run --scenario refill=64 --events all     what the code after the flush pays
  bench-host run --sweep broadcast=0,1,3               beside other PEs that broadcast TLBIs
  bench-host run --full                                a sensible set of all conditions
  bench-host run --log console.txt --hardware          what a board printed
";

/// Boot the kernel, time and check sequences, store and report the run
///
/// Boots at EL2 in QEMU, through the removal of the 1:1 map; times every sequence (the first one twice, to find the
/// noise floor); makes every check with every sequence, beside three controls: no maintenance at all, barriers without
/// TLBI, and a sequence known to be sufficient. The run is stored in a folder of its own and can be shown again with
/// `bench-host report`.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{EXAMPLES}\n{}", exit::HELP))]
pub struct Args {
    #[command(flatten)]
    plan: PlanArgs,
    /// CPU model of the emulated machine
    #[arg(long, value_name = "MODEL", default_value = "cortex-a72", value_parser = NonEmptyStringValueParser::new())]
    cpu: String,
    /// Number of PEs [default: as many as the plan needs]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=512))]
    smp: Option<u32>,
    /// Emulate all PEs in one thread, in turns
    #[arg(long)]
    one_thread: bool,
    /// The QEMU to run [default: qemu-system-aarch64 in PATH]
    #[arg(long, value_name = "PATH")]
    qemu: Option<PathBuf>,
    /// Take the kernel from FILE instead of the built-in one
    #[arg(long, value_name = "FILE")]
    kernel: Option<PathBuf>,
    /// Count instructions instead of time (-icount), so that two runs store the same bytes
    #[arg(long)]
    deterministic: bool,
    /// Give up after so many seconds without a record [default: 60, or longer where a batch may take longer; with
    /// --log: never]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: Option<u64>,
    /// The run's folder, new or empty [default: results/runs/<UTC time>-<machine>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Receive a saved console log instead of starting QEMU; give the plan options of that run to have it verified
    /// against its plan
    #[arg(long, value_name = "FILE", conflicts_with_all = ["qemu", "smp", "one_thread", "cpu", "kernel", "deterministic"])]
    log: Option<PathBuf>,
    /// The saved log is from a processor, not from a simulator
    #[arg(long, requires = "log")]
    hardware: bool,
    /// Print the run's folder and nothing else
    #[arg(long, short)]
    quiet: bool,
}

/// Makes a run.
pub fn run(args: &Args) -> Result<Exit, Error> {
    interrupt::install();
    let plan = RunPlan::new(&args.plan)?;
    let needed = u32::from(plan.settings.measure.pes());
    let smp = args.smp.unwrap_or(needed);
    if args.log.is_none() && smp < needed {
        return Err(Error::Usage(format!(
            "--smp {smp}: the conditions and the PEs to time need {needed} PEs"
        )));
    }
    if args.deterministic && smp != 1 {
        return Err(Error::Usage(
            "--deterministic needs --smp 1, and no conditions with other PEs: several PEs interleave by time"
                .to_owned(),
        ));
    }
    let mut kernel = Kernel::load(args.kernel.as_deref()).map_err(setup)?;
    let crc = kernel
        .install(&plan.settings, &plan.entries())
        .map_err(|error| Error::Usage(error.to_string()))?;
    let patience = Duration::from_secs(args.timeout.unwrap_or_else(|| patience(&plan)));
    let plan = plan.describe(crc, args.deterministic);
    let (folder, finished) = match &args.log {
        Some(log) => from_log(args, log, plan)?,
        None => in_qemu(args, smp, patience, &kernel, plan)?,
    };
    tell(args, &folder, &finished);
    Ok(finished.exit)
}

/// Returns how many seconds the kernel may be silent: at most one batch, at a pace that no machine should stay below.
fn patience(plan: &RunPlan) -> u64 {
    const LEAST: u64 = 60;
    const SAMPLES_PER_SECOND: u64 = 20_000;
    let samples = u64::from(plan.settings.batch) * plan.series() as u64;
    LEAST.max(samples / SAMPLES_PER_SECOND)
}

fn in_qemu(
    args: &Args,
    smp: u32,
    timeout: Duration,
    kernel: &Kernel,
    plan: manifest::Plan,
) -> Result<(PathBuf, Finished), Error> {
    let qemu = Qemu::find(args.qemu.as_deref()).map_err(setup)?;
    let mut image = tempfile::Builder::new()
        .prefix("el2-kernel-")
        .suffix(".img")
        .tempfile()
        .map_err(temporary)?;
    image
        .write_all(&kernel.bytes)
        .and_then(|()| image.flush())
        .map_err(temporary)?;
    let machine = Machine {
        cpu: args.cpu.clone(),
        smp,
        deterministic: args.deterministic,
        one_thread: args.one_thread,
    };
    let arguments = qemu.arguments(&machine, image.path());
    let manifest = describe::qemu(args, &qemu, &arguments, kernel, plan);
    let (folder, store) = folder::create(args.out.as_deref(), manifest)?;
    let receiver = receiver(args, store, true);
    let mut command = Command::new(&qemu.program);
    command.args(&arguments);
    Ok((folder, session::run_qemu(command, receiver, timeout)))
}

fn from_log(args: &Args, log: &Path, plan: manifest::Plan) -> Result<(PathBuf, Finished), Error> {
    let file = open_log(log)?;
    let (folder, store) = folder::create(args.out.as_deref(), describe::log(args, log, plan))?;
    Ok((
        folder,
        session::read_log(file, receiver(args, store, false), args.timeout),
    ))
}

/// Opens a saved console log, or whatever else bytes of a console come from.
pub fn open_log(log: &Path) -> Result<Box<dyn Read + Send>, Error> {
    let unreadable = |error| Error::Setup(format!("cannot read log {}: {error}", log.display()));
    let kind = fs::metadata(log).map_err(unreadable)?.file_type();
    if kind.is_dir() {
        return Err(Error::Setup(format!(
            "{} is a folder, not a console log",
            log.display()
        )));
    }
    if kind.is_file() {
        return Ok(Box::new(File::open(log).map_err(unreadable)?));
    }
    // Opening a pipe or a serial line waits for its other end.
    Ok(Box::new(input::Later::new(log)))
}

fn receiver(args: &Args, store: Store, plan_known: bool) -> Receiver {
    Receiver::new(store, Progress::new(args.quiet), plan_known)
}

/// Prints how the run ended.
fn tell(args: &Args, folder: &Path, finished: &Finished) {
    let received = &finished.received;
    if args.quiet {
        print(&format!("{}\n", folder.display()));
    }
    // A report of nothing, or on a full disk, would hide the reason that is told below.
    let anything = received.manifest.stream.lines > 0 && finished.store_error.is_none();
    if anything {
        match report::present(folder) {
            Ok(summary) if !args.quiet => print(&summary),
            Ok(_) => {}
            Err(error) => super::complain(&error),
        }
    }
    if anything && !args.quiet {
        match Run::open(folder).and_then(|run| overhead::describe(&run)) {
            Ok(text) => text.iter().for_each(|text| print(text)),
            Err(error) => super::complain(&error.into()),
        }
    }
    let findings = [&received.refusals, &received.failures, &received.defects];
    for finding in findings.into_iter().flatten() {
        eprintln!("error: {}", harmless(finding));
    }
    if finished.exit != Exit::Ok {
        let messages = received.manifest.qemu.iter().flat_map(|qemu| &qemu.messages);
        let told = |message: &&String| {
            findings
                .iter()
                .any(|findings| findings.iter().any(|f| f.contains(*message)))
        };
        let untold = messages.filter(|message| !told(message));
        untold.for_each(|message| eprintln!("QEMU: {}", harmless(message)));
    }
    if let Some(error) = &finished.store_error
        && !received
            .defects
            .iter()
            .any(|defect| defect.contains(&error.to_string()))
    {
        eprintln!("error: {error}");
    }
    // Who interrupts a run knows why it ended.
    let ended = matches!(finished.exit, Exit::Ok | Exit::Undecided | Exit::Interrupted);
    if !ended && !received.manifest.is_complete() && !received.tail.is_empty() {
        eprintln!("last console lines:");
        let shown = |line: &String| eprintln!("  {}", harmless(&beginning(line)));
        received.tail.iter().for_each(shown);
    }
    if finished.exit == Exit::Incomplete && received.manifest.stream.lines == 0 && args.log.is_none() {
        eprintln!("hint: a --cpu that is not a 64-bit one, or has no EL2, says nothing");
    }
    if finished.exit != Exit::Ok && !args.quiet {
        eprintln!("the run is in {}", folder.display());
    }
}

/// Cuts a line to what a reader looks at; all of it is in the console log.
fn beginning(line: &str) -> String {
    const COLUMNS: usize = 120;
    match line.char_indices().nth(COLUMNS) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    }
}

fn setup(error: impl std::fmt::Display) -> Error {
    Error::Setup(error.to_string())
}

fn temporary(error: std::io::Error) -> Error {
    Error::Setup(format!(
        "cannot write the kernel image to {}: {error}",
        std::env::temp_dir().display()
    ))
}
