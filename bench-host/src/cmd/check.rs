// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host check`: is a stale translation ever used here where the architecture forbids it?

mod bench;
mod catalogue;
mod explore;
mod failures;
pub(in crate::cmd) mod machine;
mod mutants;
mod pace;
pub(in crate::cmd) mod source;

use crate::cmd::paths::existing;
use std::cell::Cell;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::builder::NonEmptyStringValueParser;
use report::number::plural;
use results::check::{Check, Mask};
use results::manifest::Hex;
use results::plan::Silence;
use results::store::Run;
use results::verdict::Class;
use sequences::parse::nearest;
use sequences::{Sequence, parse};

use self::bench::Bench;
use self::failures::reproduce;
use self::source::{BootedOn, On};
use super::adversary::Choose;
use super::console::ConsoleArgs;
use super::print;
use crate::check::suite::{self, Member};
use crate::check::tally::{Case, Suite, Tally, count};
use crate::check::{histogram, junit, ktap, page, summary};
use crate::doors::Door;
use crate::error::Error;
use crate::exit::{self, Codes, Exit};
use crate::input::Source;
use crate::interrupt;
use crate::kernel::Kernel;
use crate::output::write;
use crate::plan::{self, PlantedFault, Runtime, Unsaid};

/// Name of the page.
const PAGE: &str = "check.html";
/// Where it goes by itself.
const RESULTS: &str = "results";

const EXAMPLES: &str = "\
Examples:
  bench-host check                                     known sequences: does each machine obey?
  bench-host check --sequence 'mine=dsb nshst; tlbi alle2; dsb nsh; isb' --only cowinvt_el2
  bench-host check --cpu max --duration 60 --stress 50 --junit check.xml
  bench-host check --machine adversary --cpu max       the nastiest machine, with every feature
  bench-host check --mutants                           which mistakes would they have shown?
  bench-host check --image conform.img                 the same for a board
  bench-host check --log console.txt --hardware        what the board printed
  bench-host check --serial /dev/ttyUSB0:1500000 --hardware --junit board.xml
";

/// How the command ends.
const CODES: Codes = Codes(&exit::of_a_stream(
    "every check that could show something passed",
    "a check failed; with --mutants or --catalogue, a machine and the judge are not of one opinion",
));

/// Check whether a stale translation is ever used where the architecture forbids it
///
/// Every check changes a translation, runs a sequence, and uses the translation again: in every regime, on one to three
/// PEs. Beside it run three controls: no maintenance at all, barriers without TLBI, and a sequence known to be good. A check
/// that is never stale without TLBI has no power here and is `not_observable`, not passed. Without --sequence, known sequences are checked
/// where they are enough, so that a failure is the machine's; with it, yours is checked wherever it is about the
/// translations that change.
#[derive(Debug, clap::Args)]
#[command(after_help = CODES.help_after(EXAMPLES))]
pub struct Args {
    /// A sequence by ID, or a new one as NAME=TEXT; repeatable
    #[arg(long, alias = "seq", value_name = "ID|NAME=TEXT")]
    sequence: Vec<String>,
    /// Make this check only; repeatable (`bench-host list --checks` shows all)
    #[arg(long = "only", value_name = "CHECK")]
    only: Vec<String>,
    /// Run the mutants of known sequences: which mistakes would this machine have shown?
    #[arg(long, conflicts_with_all = ["sequence", "only", "plant_bug", "console-source", "boots"])]
    mutants: bool,
    /// Run the catalogue in every check it is about: is the machine of the judge's opinion? With --choose random and
    /// --boots N: with so many seeds
    #[arg(long, conflicts_with_all = ["sequence", "mutants", "plant_bug", "console-source", "image", "duration"])]
    catalogue: bool,
    /// Trials per check, sequence and control, in each boot
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    trials: u32,
    /// Boot again with new seeds until so many seconds have passed
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    duration: u64,
    /// Seed of every random choice, decimal or 0x...; each further boot uses the next number
    #[arg(long, value_name = "SEED", default_value = "1")]
    seed: Hex,
    /// Stress: delay every step by up to N loop turns, a random number, with memory traffic meanwhile
    #[arg(long, value_name = "N", default_value_t = 0)]
    stress: u16,
    /// The machine to make the checks on [default: the adversary, and QEMU too where there is one]
    #[arg(long, value_enum, conflicts_with_all = ["console-source", "image"])]
    machine: Option<On>,
    /// How the adversary chooses among what the architecture permits [default: latest]
    #[arg(long, value_enum)]
    choose: Option<Choose>,
    /// Try every choice of the adversary, and tell the shortest story in which a sequence is not enough
    #[arg(long, requires = "sequence", conflicts_with_all = ["mutants", "duration", "out"])]
    explore: bool,
    /// CPU model: QEMU emulates it, the adversary has its features; one with FEAT_VHE, such as max, adds EL2&0
    #[arg(long, value_name = "MODEL", default_value = "cortex-a72", value_parser = NonEmptyStringValueParser::new())]
    cpu: String,
    /// Number of PEs
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=512))]
    smp: u32,
    /// Where the kernel runs: level0, level1, level2 (the level at which the 1:1 map is removed), none, or 0x...
    #[arg(long, value_name = "CASE|0xADDR", default_value = "level1", value_parser = plan::runtime)]
    runtime: Runtime,
    #[command(flatten)]
    unsaid: Unsaid,
    /// In QEMU, a machine without EL2, so that the kernel is entered at EL1, as in a guest: checks of EL1&0 are made, the
    /// others skipped
    #[arg(long, conflicts_with_all = ["console-source", "image", "mutants"])]
    el1: bool,
    /// In QEMU, run each PE in a thread of its own (MTTCG): real races, and far fewer trials per second
    #[arg(long)]
    threads: bool,
    /// The QEMU to run [default: qemu-system-aarch64 in PATH]
    #[arg(long, value_name = "PATH")]
    qemu: Option<PathBuf>,
    /// Take the kernel from FILE instead of the built-in one
    #[arg(long, value_name = "FILE", value_parser = existing())]
    kernel: Option<PathBuf>,
    /// Give up after so many seconds without a record [default: 60; 300 until the run of a board
    /// begins]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: Option<u64>,
    /// Give the adversary up after so many instructions [default: far more than the plan needs]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    budget: Option<u64>,
    /// Write the kernel with this plan to FILE, for a board, and stop: an arm64 Linux Image; it uses --smp PEs
    #[arg(long, value_name = "FILE", conflicts_with_all = ["console-source", "mutants", "out", "duration", "boots"])]
    image: Option<PathBuf>,
    /// What boots the image; --image is a folder for everything but raw
    #[arg(long = "for", value_name = "DOOR", value_enum, default_value_t, requires = "image")]
    door: Door,
    /// Have every boot of the image draw the same random numbers; otherwise each draws a seed of its own, and names it
    #[arg(long, requires = "image")]
    same_seed: bool,
    #[command(flatten)]
    console: ConsoleArgs,
    /// Write the page of all machines and boots to FILE, with its data beside it [default: DIR/check.html with --out DIR,
    /// otherwise results/check.html]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["mutants", "catalogue", "explore", "image"])]
    html: Option<PathBuf>,
    /// Write JUnit XML to FILE
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write KTAP version 1 to FILE
    #[arg(long, value_name = "FILE")]
    ktap: Option<PathBuf>,
    /// Write the Markdown of a job summary to FILE (at most 64 KiB; in GitHub Actions: "$GITHUB_STEP_SUMMARY")
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
    /// Write the histograms of herd and litmus to FILE
    #[arg(long, value_name = "FILE")]
    litmus: Option<PathBuf>,
    /// Store the boots under DIR/1, DIR/2, ... [default: results/runs/<UTC time>-<machine>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print how many trials each check made per second
    #[arg(long)]
    pace: bool,
    /// Let the run pass in spite of failures that a known bug of QEMU explains; they are still told
    #[arg(long)]
    allow_known_bugs: bool,
    /// Plant a bug, to prove that a run notices it: the sequences under test are not run
    #[arg(long)]
    plant_bug: bool,
    /// Have a PE fall silent in one of its jobs, to prove that a run survives it
    #[arg(long, value_name = "PE:JOB:before|after|late", value_parser = plan::silence, hide = true, conflicts_with = "plant_bug")]
    plant_silence: Option<Silence>,
    /// Have a sequence take an exception or never return, to prove that a run survives it
    #[arg(long, value_name = "SEQUENCE:undefined|abort|unmap|endless", value_parser = plan::fault, hide = true, conflicts_with_all = ["plant_bug", "plant_silence"])]
    plant_fault: Option<PlantedFault>,
}

/// Makes the checks.
pub fn run(args: &Args) -> Result<Exit, Error> {
    interrupt::install();
    let started = Instant::now();
    let wanted = wanted(&args.only)?;
    have_places(args)?;
    let kernel = Kernel::load(args.kernel.as_deref()).map_err(|error| Error::Setup(error.to_string()))?;
    let source = args.console.source();
    match &source {
        Some(source) => refuse_options_of_machines(args, source)?,
        None => {
            source::refuse(args)?;
            if args.image.is_none() {
                args.unsaid.ending.for_one_boot()?;
            }
        }
    }
    let members = if args.mutants || args.catalogue {
        Vec::new()
    } else {
        members(args, wanted)?
    };
    let found = source::find(args)?;
    let folders = Cell::new(0);
    let bench = |machine: &BootedOn| Bench::new(args, machine.clone(), kernel.clone(), &folders);
    let mut benches: Vec<Bench<'_>> = found.machines.iter().map(bench).collect();
    if let (Some(image), [bench]) = (&args.image, &mut benches[..]) {
        return write_image(bench, &members, image);
    }
    if source.is_none() {
        say_machines(args, &found);
    }
    if args.mutants {
        return mutants::run(&mut benches);
    }
    if args.catalogue {
        return catalogue::run(&mut benches, wanted);
    }
    if let (true, [bench]) = (args.explore, &mut benches[..]) {
        return explore::run(bench, &members);
    }
    let mut tallies: Vec<Tally> = benches.iter().map(|_| Tally::default()).collect();
    if let Some(source) = &source {
        for folder in benches[0].listen(source, &members)? {
            tallies[0].add(&Run::open(&folder)?)?;
        }
    }
    // Every round boots each machine once, with the same seed.
    while source.is_none() {
        for (bench, tally) in benches.iter_mut().zip(&mut tallies) {
            let (run, _) = bench.boot(&members, args.seed.0.wrapping_add(bench.boots.into()))?;
            tally.add(&run)?;
            if bench.exit == Exit::Interrupted {
                break;
            }
        }
        let rounds = benches.iter().map(|bench| bench.boots).max().unwrap_or(0);
        let bad = |bench: &Bench<'_>| !matches!(bench.exit, Exit::Ok | Exit::Failure);
        let done = started.elapsed() >= Duration::from_secs(args.duration) && rounds >= args.console.boots.unwrap_or(1);
        if done || benches.iter().any(bad) {
            break;
        }
    }
    let mut suites = Vec::new();
    let mut exits = Vec::new();
    for (bench, tally) in benches.iter().zip(&tallies) {
        let mut cases = tally.cases();
        if let Some(version) = bench.booted_on.version() {
            failures::explain(&mut cases, version, &members, args.allow_known_bugs);
        }
        exits.push(verdict(bench.exit, bench.checks_failed, &cases));
        suites.push(Suite {
            machine: bench.booted_on.name(args),
            id: bench.booted_on.id(args),
            label: bench.label(),
            boots: bench.boots,
            reproduce: reproduce(args, &bench.booted_on, None),
            started: bench.started,
            took: bench.took,
            cases,
        });
    }
    tell(&benches, &suites, &members);
    write_page(args, &suites)?;
    write_reports(args, &suites, started.elapsed())?;
    Ok(all_machines(&exits))
}

/// Says which machines the checks are made on, and why there is no other.
fn say_machines(args: &Args, found: &source::Found) {
    let names: Vec<_> = found.machines.iter().map(|machine| machine.name(args)).collect();
    let left_out = match &found.left_out {
        Some(why) => format!("; no other: {why}"),
        None => String::new(),
    };
    eprintln!("on {}{left_out}", names.join(" and "));
}

/// Prints what each machine saw.
fn tell(benches: &[Bench<'_>], suites: &[Suite], members: &[Member]) {
    for (bench, suite) in benches.iter().zip(suites) {
        if suites.len() > 1 {
            print(&format!("== {}\n", suite.machine));
        }
        print(&summary::terminal(&suite.cases));
        print(&failures::tell(bench.args, &bench.booted_on, &suite.cases, members));
        if bench.args.pace {
            print(&pace::table(&bench.paces));
        }
    }
    for (bench, suite) in benches.iter().zip(suites) {
        print(&format!(
            "{}, seed {}, {}: {}\n",
            suite.machine,
            bench.args.seed,
            plural(bench.boots.into(), "boot", "boots"),
            summary::headline(&suite.cases)
        ));
    }
}

/// Writes the page, which nobody has to ask for. Where it was not asked for, a folder that cannot be written costs nobody
/// the checks.
fn write_page(args: &Args, suites: &[Suite]) -> Result<(), Error> {
    let path = match (&args.html, &args.out) {
        (Some(path), _) => path.clone(),
        (None, Some(out)) => out.join(PAGE),
        (None, None) => Path::new(RESULTS).join(PAGE),
    };
    match page::write(&path, suites) {
        Ok(()) => print(&format!("report: {}\n", path.display())),
        Err(error) if args.html.is_some() => return Err(error),
        Err(error) => eprintln!("note: {error}; the checks are not changed by it"),
    }
    Ok(())
}

/// Writes the files asked for.
fn write_reports(args: &Args, suites: &[Suite], took: Duration) -> Result<(), Error> {
    if let Some(path) = &args.junit {
        let xml =
            junit::junit(suites, took).map_err(|error| Error::Setup(format!("cannot write JUnit XML: {error}")))?;
        write(path, &xml)?;
    }
    for (path, text) in [
        (&args.ktap, ktap::ktap(suites)),
        (&args.summary, summary::markdown(suites)),
        (&args.litmus, histogram::histogram(suites)),
    ] {
        if let Some(path) = path {
            write(path, &text)?;
        }
    }
    Ok(())
}

/// Returns the exit code of several machines: a machine that can show nothing counts only if no other shows anything.
fn all_machines(exits: &[Exit]) -> Exit {
    let decided = exits.iter().filter(|exit| **exit != Exit::Undecided);
    decided.copied().reduce(Exit::or).unwrap_or(Exit::Undecided)
}

/// Refuses what says how to run a machine, where a console is read.
fn refuse_options_of_machines(args: &Args, source: &Source) -> Result<(), Error> {
    for (option, set) in [
        ("--duration", args.duration > 0),
        ("--qemu", args.qemu.is_some()),
        ("--threads", args.threads),
        ("--choose", args.choose.is_some()),
        ("--explore", args.explore),
        ("--budget", args.budget.is_some()),
        ("--kernel", args.kernel.is_some()),
    ] {
        if set {
            let (name, _) = source.option();
            return Err(Error::Usage(format!(
                "{option} is for machines that are booted here; with --{name} a console is read"
            )));
        }
    }
    Ok(())
}

/// Writes the kernel with its plan.
fn write_image(bench: &mut Bench<'_>, members: &[Member], image: &Path) -> Result<Exit, Error> {
    let plan = bench.prepare(members, bench.args.seed.0)?;
    let then = bench.args.door.write(&bench.kernel, image)?;
    print(&format!(
        "{}: {} bytes, plan {}, {} checks; {then}\n",
        image.display(),
        bench.kernel.bytes.len(),
        plan.at_el2.crc,
        plan.at_el2.checks.len()
    ));
    Ok(Exit::Ok)
}

/// Returns the exit code: what the boots came to apart from failed checks, and what the checks say over all boots.
///
/// What is excused is a failed check, and nothing else that went wrong in its boot.
fn verdict(boots: Exit, checks_failed: bool, cases: &[Case]) -> Exit {
    let excused = cases.iter().any(|case| case.excused);
    let checks = if cases.iter().any(Case::is_failure) || checks_failed && !excused {
        Exit::Failure
    } else if count(cases, Class::Pass) == 0 && !excused {
        Exit::Undecided
    } else {
        Exit::Ok
    };
    boots.or(checks)
}

fn wanted(only: &[String]) -> Result<Mask, Error> {
    if only.is_empty() {
        return Ok(Mask::MAX);
    }
    only.iter().try_fold(0, |mask, id| match Check::from_id(id) {
        Some(check) => Ok(mask | check.mask()),
        None => {
            let meant = nearest(id, Check::ALL.iter().map(|check| check.id()));
            let meant = meant.map_or_else(String::new, |id| format!(": did you mean `{id}`?"));
            Err(Error::Usage(format!(
                "--only {id}: no such check{meant} (`bench-host list --checks` shows all)"
            )))
        }
    })
}

/// Returns the sequences to check: those named, or the suite.
fn members(args: &Args, wanted: Mask) -> Result<Vec<Member>, Error> {
    if args.sequence.is_empty() {
        return Ok(suite::default(wanted));
    }
    let mut members: Vec<Member> = Vec::new();
    for argument in &args.sequence {
        let (id, text) = match argument.split_once('=') {
            Some((id, text)) => (plan::new_name(argument, id)?, text),
            None => {
                let known = sequences::catalogue::find(argument).map_err(|unknown| {
                    Error::Usage(format!(
                        "--sequence {argument}: {unknown} (`bench-host list` shows all)"
                    ))
                })?;
                (known.id, known.text)
            }
        };
        if members.iter().any(|other| other.id == id) {
            return Err(Error::Usage(format!("--sequence {id}: given twice")));
        }
        let sequence: Sequence =
            parse(text).map_err(|error| Error::Usage(format!("--sequence {id}: {}", error.render(text))))?;
        let member = suite::chosen(id, &sequence, wanted);
        if member.checks == 0 {
            return Err(Error::Usage(format!(
                "--sequence {id}: it is about none of the checks wanted (`bench-host list --checks` shows what they change)"
            )));
        }
        members.push(member);
    }
    Ok(members)
}

/// Refuses files that cannot be written for want of a folder, before an hour of boots is spent on them.
fn have_places(args: &Args) -> Result<(), Error> {
    let image = args.image.clone().filter(|_| args.door == Door::Raw);
    for path in [&args.html, &args.junit, &args.ktap, &args.summary, &args.litmus, &image]
        .into_iter()
        .flatten()
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let kind = if path.is_dir() {
            io::ErrorKind::IsADirectory
        } else if folder.is_dir() {
            continue;
        } else {
            io::ErrorKind::NotFound
        };
        return Err(Error::Output {
            path: path.clone(),
            source: kind.into(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tally::tests::examples;

    #[test]
    fn an_excused_check_excuses_nothing_else() {
        let mut cases = examples();
        assert_eq!(verdict(Exit::Ok, true, &cases), Exit::Failure);
        for case in &mut cases {
            case.excused = case.class == Class::Fail;
        }
        assert_eq!(verdict(Exit::Ok, true, &cases), Exit::Ok);
        // An exception, or a proof that does not hold; lost lines; what could not be stored.
        for boots in [Exit::Failure, Exit::Incomplete, Exit::Setup, Exit::Store] {
            assert_eq!(verdict(boots, true, &cases), boots);
        }
        assert_eq!(verdict(Exit::Incomplete, true, &examples()), Exit::Failure);
    }

    #[test]
    fn one_machine_that_shows_something_is_enough_and_any_failure_counts() {
        use Exit::{Failure, Ok, Setup, Undecided};
        assert_eq!(all_machines(&[Ok, Undecided]), Ok);
        assert_eq!(all_machines(&[Undecided, Undecided]), Undecided);
        assert_eq!(all_machines(&[Ok, Failure]), Failure);
        assert_eq!(all_machines(&[Failure, Setup]), Setup);
    }

    #[test]
    fn nothing_shown_is_undecided_and_a_failure_without_its_counts_is_one() {
        let powerless: Vec<Case> = examples()
            .into_iter()
            .filter(|case| case.class == Class::NotObservable)
            .collect();
        assert_eq!(verdict(Exit::Ok, false, &powerless), Exit::Undecided);
        assert_eq!(verdict(Exit::Ok, true, &powerless), Exit::Failure);
    }
}
