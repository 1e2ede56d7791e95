// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host run`: one boot, from the plan to the report.

pub mod describe;
mod explore;
pub(super) mod folder;
mod summary;

use crate::cmd::paths::existing;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args as _, ValueEnum};
use results::store::Run;

use super::adversary::{self, Choose};
use super::console::ConsoleArgs;
use super::{print, report};
use crate::error::Error;
use crate::exit::{self, Codes, Exit};
use crate::input::Source;
use crate::interrupt;
use crate::kernel::Kernel;
use crate::output::harmless;
use crate::overhead;
use crate::plan::{Described, PlanArgs, RunPlan};
use crate::progress::Progress;
use crate::qemu::image::ImageFile;
use crate::qemu::{Machine, Qemu};
use crate::receive::{PlanOrigin, Receiver};
use crate::session;
use crate::session::Finished;
use crate::session::console::{Boot, Heard};

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
  bench-host run --machine adversary                   boot, prove, check; time nothing
  bench-host run --machine adversary --explore         how the patch's own mistake shows
  bench-host run --boots 10                            ten boots, summed up
  bench-host run --log console.txt --hardware          what a board printed
  bench-host run --serial /dev/ttyUSB0 --hardware      what it prints now
  bench-host run --tcp lab:2004 --hardware --boots 20 --power-cycle 'relay cycle 3'
";

/// How the command ends.
const CODES: Codes = Codes(&exit::of_a_stream(
    "what was to be measured and checked was, and nothing failed",
    exit::BOOT_FAILURE,
));

/// Boot the kernel, time and check sequences, store and report the run
///
/// Boots at EL2 in QEMU, through the removal of the 1:1 map; times every sequence (the first one twice, to find the
/// noise floor); makes every check with every sequence, beside three controls: no maintenance at all, barriers without
/// TLBI, and a sequence known to be sufficient. The run is stored in a folder of its own and can be shown again with
/// `bench-host report`.
#[derive(Debug, clap::Args)]
#[command(after_help = CODES.help_after(EXAMPLES))]
pub struct Args {
    #[command(flatten)]
    plan: PlanArgs,
    /// The machine to boot
    #[arg(long, value_enum, default_value_t = On::Qemu, conflicts_with = "console-source")]
    machine: On,
    /// How the adversary chooses among what the architecture permits [default: latest]
    #[arg(long, value_enum)]
    choose: Option<Choose>,
    /// Try every choice of the adversary on the boot path, and tell the shortest story in which a proof does not hold
    #[arg(long, conflicts_with_all = ["choose", "out", "boots", "quiet", "console-source"])]
    explore: bool,
    /// Give the adversary up after so many instructions [default: far more than the plan needs]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    budget: Option<u64>,
    /// CPU model: QEMU emulates it, the adversary has its features
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
    #[arg(long, value_name = "FILE", value_parser = existing())]
    kernel: Option<PathBuf>,
    /// Count instructions instead of time (-icount), so that two runs store the same bytes
    #[arg(long)]
    deterministic: bool,
    /// Give up after so many seconds without a record [default: 60, or longer where a batch may take longer; 300
    /// until the run of a board begins]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: Option<u64>,
    /// The run's folder, new or empty [default: results/runs/<UTC time>-<machine>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    console: ConsoleArgs,
    /// Print the run's folder and nothing else
    #[arg(long, short)]
    quiet: bool,
}

/// The machine to boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum On {
    /// An emulator.
    Qemu,
    /// The built-in machine, as nasty as the architecture permits: it has no timing, so that nothing is timed.
    Adversary,
}

/// Returns whether an option of the plan was given, be it with the value that it has without.
pub fn states_a_plan(given: &ArgMatches) -> bool {
    let options = PlanArgs::augment_args(clap::Command::new("plan"));
    let stated = |id: &str| given.value_source(id) == Some(ValueSource::CommandLine);
    options.get_arguments().any(|option| stated(option.get_id().as_str()))
}

/// Makes a run. `stated` is whether the options say what the plan of a console is.
pub fn run(args: &Args, stated: bool) -> Result<Exit, Error> {
    interrupt::install();
    let source = args.console.source();
    for (option, set) in [
        ("--qemu", args.qemu.is_some()),
        ("--smp", args.smp.is_some()),
        ("--one-thread", args.one_thread),
        ("--kernel", args.kernel.is_some()),
        ("--deterministic", args.deterministic),
    ] {
        if source.is_some() && set {
            return Err(Error::Usage(format!("{option} is for QEMU; a console is read here")));
        }
    }
    refuse_options_of_others(args)?;
    let plan = match args.machine {
        On::Adversary => RunPlan::new(&without_timing(&args.plan)?)?,
        On::Qemu => RunPlan::new(&args.plan)?,
    };
    if source.is_none() {
        args.plan.ending.for_one_boot()?;
    }
    let needed = u32::from(plan.settings.measure.pes());
    let smp = args.smp.unwrap_or(needed);
    if source.is_none() && smp < needed {
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
    if args.explore {
        return explore::run(args, smp, &mut kernel);
    }
    let silence = Duration::from_secs(args.timeout.unwrap_or_else(|| patience(&plan)));
    let heard = match &source {
        None if args.machine == On::Adversary => on_adversary(args, smp, &mut kernel, &plan)?,
        Some(source) => {
            let crc = install(&mut kernel, &plan)?;
            listen(args, source, silence, &Described::of(&plan, crc, false), stated)?
        }
        None => in_qemu(args, smp, silence, &mut kernel, &plan)?,
    };
    let told = tell(args, &heard);
    Ok(heard.exit.or(told))
}

/// Refuses options of a machine that is not the one to boot.
fn refuse_options_of_others(args: &Args) -> Result<(), Error> {
    let given = [
        ("--qemu", args.qemu.is_some(), On::Qemu),
        ("--one-thread", args.one_thread, On::Qemu),
        ("--deterministic", args.deterministic, On::Qemu),
        ("--choose", args.choose.is_some(), On::Adversary),
        ("--explore", args.explore, On::Adversary),
        ("--budget", args.budget.is_some(), On::Adversary),
    ];
    for (option, set, of) in given {
        if set && of != args.machine {
            return Err(Error::Usage(match of {
                On::Qemu => format!("{option} is for QEMU"),
                On::Adversary => format!("{option} is for the adversary (--machine adversary)"),
            }));
        }
    }
    Ok(())
}

/// Returns the plan of a machine that times nothing.
fn without_timing(plan: &PlanArgs) -> Result<PlanArgs, Error> {
    let measure = &plan.measure;
    for (option, set) in [
        ("--iterations", plan.iterations.is_some_and(|samples| samples > 0)),
        ("--batch", plan.batch.is_some()),
        ("--break-even", plan.break_even),
        ("--scenario", !measure.scenario.is_empty()),
        ("--sweep", !measure.sweep.is_empty()),
        ("--full", measure.full),
        ("--events", measure.events.is_some()),
        ("--overhead", measure.overhead),
        ("--timed-pes", measure.timed_pes != 1),
    ] {
        if set {
            return Err(Error::Usage(format!(
                "{option} is about timing, and the adversary has none: it boots, proves and checks"
            )));
        }
    }
    Ok(PlanArgs {
        iterations: Some(0),
        ..plan.clone()
    })
}

fn install(kernel: &mut Kernel, plan: &RunPlan) -> Result<u32, Error> {
    kernel
        .install(&plan.settings, &plan.entries())
        .map_err(|error| Error::Usage(error.to_string()))
}

/// Returns how many seconds the kernel may be silent: at most one batch, at a pace that no machine should stay below.
fn patience(plan: &RunPlan) -> u64 {
    const LEAST: u64 = 60;
    const SAMPLES_PER_SECOND: u64 = 20_000;
    let samples = u64::from(plan.settings.batch) * plan.series() as u64;
    LEAST.max(samples / SAMPLES_PER_SECOND)
}

/// Boots QEMU as often as it is asked for.
fn in_qemu(args: &Args, smp: u32, timeout: Duration, kernel: &mut Kernel, first: &RunPlan) -> Result<Heard, Error> {
    let qemu = Qemu::find(args.qemu.as_deref()).map_err(setup)?;
    let machine = Machine {
        cpu: args.cpu.clone(),
        smp,
        el1: args.plan.el1,
        deterministic: args.deterministic,
        one_thread: args.one_thread,
    };
    again_and_again(args, kernel, first, |kernel, plan, out, _| {
        let image = ImageFile::new(&kernel.bytes).map_err(temporary)?;
        let arguments = qemu.arguments(&machine, image.path());
        let manifest = describe::qemu(args, &qemu, &arguments, kernel, plan.at_el2);
        let (folder, store) = folder::create(out, manifest)?;
        let receiver = Receiver::new(store, Progress::new(args.quiet), PlanOrigin::Installed);
        let receiver = receiver.with_plan_at_el1(Some(plan.at_el1));
        let mut command = Command::new(&qemu.program);
        command.args(&arguments);
        Ok((folder, session::run_qemu(command, receiver, timeout)))
    })
}

/// Boots the adversary as often as it is asked for.
fn on_adversary(args: &Args, smp: u32, kernel: &mut Kernel, first: &RunPlan) -> Result<Heard, Error> {
    let choose = args.choose.unwrap_or(Choose::Latest);
    again_and_again(args, kernel, first, |kernel, plan, out, seed| {
        let mut options = adversary::options(&args.cpu, smp, choose, seed)?;
        let plan = plan.at_el2;
        let pairs = plan.checks.len() * plan.sequences.len();
        let trials = pairs as u64 * u64::from(plan.trials);
        options.budget = args.budget.unwrap_or_else(|| adversary::budget(trials, 0));
        let machine = ::adversary::Machine::new(&kernel.bytes, &options)
            .map_err(|error| Error::Setup(format!("{}: {error}", kernel.source)))?;
        let name = adversary::id(&args.cpu, smp, choose);
        let manifest = describe::adversary(args, &name, kernel, plan);
        let (folder, store) = folder::create(out, manifest)?;
        let receiver = Receiver::new(store, Progress::new(args.quiet), PlanOrigin::Stated);
        Ok((folder, session::run_adversary(machine, receiver)))
    })
}

/// Boots a machine as often as it is asked for, each time with the next seed, so that addresses and orders are others.
fn again_and_again(
    args: &Args,
    kernel: &mut Kernel,
    first: &RunPlan,
    mut once: impl FnMut(&Kernel, Described, Option<&Path>, u64) -> Result<(PathBuf, Finished), Error>,
) -> Result<Heard, Error> {
    let wanted = args.console.boots.unwrap_or(1);
    let mut heard = Heard::default();
    for boot in 0..wanted {
        let mut plan = first.clone();
        plan.settings.seed = plan.settings.seed.wrapping_add(boot.into());
        let crc = install(kernel, &plan)?;
        let described = Described::of(&plan, crc, args.deterministic);
        let (folder, finished) = once(kernel, described, numbered(args, boot).as_deref(), plan.settings.seed)?;
        heard.exit = heard.exit.or(finished.exit);
        let go_on = matches!(finished.exit, Exit::Ok | Exit::Undecided);
        heard.boots.push(Boot {
            folder,
            // Each was asked for, and each is told.
            is_whole: true,
            finished,
        });
        if !go_on {
            break;
        }
    }
    Ok(heard)
}

/// Listens to a console.
fn listen(args: &Args, source: &Source, silence: Duration, plan: &Described, stated: bool) -> Result<Heard, Error> {
    let console = source.open()?;
    let options = args.console.listening(source, args.timeout, silence);
    let origin = if stated {
        PlanOrigin::Stated
    } else {
        PlanOrigin::Guessed
    };
    session::console::listen(&console, &options, |boot| {
        let manifest = describe::console(args, source, plan.at_el2.clone(), stated);
        let (folder, store) = folder::create(numbered(args, boot).as_deref(), manifest)?;
        let receiver = Receiver::new(store, Progress::new(args.quiet), origin);
        Ok((folder, receiver.with_plan_at_el1(Some(plan.at_el1.clone()))))
    })
}

/// Returns the folder named for a boot: with --boots, a folder in that one, so that they can be compared as one side.
fn numbered(args: &Args, boot: u32) -> Option<PathBuf> {
    let out = args.out.as_ref()?;
    Some(match (args.console.boots, boot) {
        (Some(2..), _) => out.join((boot + 1).to_string()),
        (_, 0) => out.clone(),
        _ => {
            let mut name = out.clone().into_os_string();
            name.push(format!("-{}", boot + 1));
            name.into()
        }
    })
}

/// Prints how it ended, and returns how writing the reports ended.
fn tell(args: &Args, heard: &Heard) -> Exit {
    let mut exit = Exit::Ok;
    for boot in heard.cut() {
        let reasons = &boot.finished.received.manifest.reasons;
        let reason = reasons.first().map(|reason| format!(": {}", harmless(reason)));
        eprintln!(
            "note: a boot that is not whole is in {}{}",
            boot.folder.display(),
            reason.unwrap_or_default()
        );
        let failures = boot.finished.received.failures.iter();
        failures.for_each(|failure| eprintln!("error: {}", harmless(failure)));
    }
    let counted: Vec<&Boot> = heard.counted().collect();
    match counted[..] {
        [boot] => exit = exit.or(tell_boot(args, boot, true)),
        _ => {
            exit = counted
                .iter()
                .fold(exit, |exit, boot| exit.or(tell_boot(args, boot, false)));
            if !args.quiet {
                match summary::sum_up(&counted) {
                    Ok(text) => print(&text),
                    Err(error) => super::complain(&error),
                }
            }
        }
    }
    heard
        .errors
        .iter()
        .for_each(|error| eprintln!("error: {}", harmless(error)));
    exit
}

/// Prints how a boot ended, with its report if it is the only one, and returns how writing that ended.
fn tell_boot(args: &Args, boot: &Boot, only: bool) -> Exit {
    let mut exit = Exit::Ok;
    let Boot { folder, finished, .. } = boot;
    let received = &finished.received;
    if args.quiet {
        print(&format!("{}\n", folder.display()));
    }
    // A report of nothing, or on a full disk, would hide the reason that is told below.
    let anything = received.manifest.stream.lines > 0 && finished.store_error.is_none();
    if anything {
        match report::present(folder) {
            Ok(report::Presented { text, unwritten }) => {
                if only && !args.quiet {
                    print(&text);
                }
                if let Some(error) = unwritten {
                    exit = error.exit();
                    super::complain(&error);
                }
            }
            Err(error) => {
                exit = error.exit();
                super::complain(&error);
            }
        }
    }
    if anything && only && !args.quiet {
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
    if finished.exit == Exit::Incomplete && received.manifest.stream.lines == 0 && received.manifest.qemu.is_some() {
        eprintln!("hint: a --cpu that is not a 64-bit one, or has no EL2, says nothing");
    }
    if received.is_echoed() {
        eprintln!("note: nearly every line came twice: something between the board and here echoes");
    }
    if !args.quiet && (finished.exit != Exit::Ok || !only) {
        eprintln!("the run is in {}", folder.display());
    }
    exit
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
