// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host check`: is a stale translation ever used here where the architecture forbids it?

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use results::SCHEMA_VERSION;
use results::check::{Check, Mask};
use results::manifest::{self, Hex, Manifest, QEMU_LABEL, Status};
use results::plan::{MAX_PES, MAX_SEQUENCES, Planted};
use results::store::Run;
use results::verdict::Class;
use sequences::{Sequence, catalogue, parse};

use super::print;
use super::run::folder;
use crate::check::mutants::{self, Fate, Fates};
use crate::check::suite::{self, Member};
use crate::check::tally::{Case, Tally, count};
use crate::check::{histogram, junit, known, ktap, summary};
use crate::error::Error;
use crate::exit::{self, Exit};
use crate::kernel::Kernel;
use crate::plan::{self, Checked, Conformance, RunPlan, Runtime};
use crate::progress::Progress;
use crate::qemu::{Machine, Qemu};
use crate::receive::{Pace, Receiver, now};
use crate::session;
use crate::{host, interrupt};

/// Check whether a stale translation is ever used where the architecture forbids it
///
/// Every check changes a translation, runs a sequence, and uses the translation again: in every regime, on one to three
/// PEs. Beside it run two controls, no maintenance at all and a sequence known to be good; a check whose bad control is
/// never stale has no power here and is `not_observable`, not passed. Without --sequence, known sequences are checked
/// where they are enough, so that a failure is the machine's; with it, yours is checked wherever it is about the
/// translations that change.
#[derive(Debug, clap::Args)]
#[command(after_help = exit::HELP)]
pub struct Args {
    /// A sequence by ID, or a new one as NAME=TEXT; repeatable
    #[arg(long, value_name = "ID|NAME=TEXT")]
    sequence: Vec<String>,
    /// Make this check only; repeatable (`bench-host list --checks` shows all)
    #[arg(long = "only", value_name = "CHECK")]
    only: Vec<String>,
    /// Run the mutants of known sequences: which mistakes would this machine have shown?
    #[arg(long, conflicts_with_all = ["sequence", "only", "plant_bug"])]
    mutants: bool,
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
    /// CPU model of the emulated machine; one with FEAT_VHE, such as max, adds EL2&0
    #[arg(long, value_name = "MODEL", default_value = "cortex-a72")]
    cpu: String,
    /// Number of PEs
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=512))]
    smp: u32,
    /// Where the kernel runs: level0, level1, level2 (the level at which the 1:1 map is removed), none, or 0x...
    #[arg(long, value_name = "CASE|0xADDR", default_value = "level1", value_parser = plan::runtime)]
    runtime: Runtime,
    /// Run each PE in a thread of its own (MTTCG): real races, and far fewer trials per second
    #[arg(long)]
    threads: bool,
    /// The QEMU to run [default: qemu-system-aarch64 in PATH]
    #[arg(long, value_name = "PATH")]
    qemu: Option<PathBuf>,
    /// Take the kernel from FILE instead of the built-in one
    #[arg(long, value_name = "FILE")]
    kernel: Option<PathBuf>,
    /// Give up after so many seconds without a record
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// Write JUnit XML to FILE
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write KTAP version 1 to FILE
    #[arg(long, value_name = "FILE")]
    ktap: Option<PathBuf>,
    /// Write the Markdown of a job summary to FILE (at most 1 MiB; in GitHub Actions: "$GITHUB_STEP_SUMMARY")
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
    /// Plant a bug, to prove that a run notices it: the sequences under test are not run
    #[arg(long)]
    plant_bug: bool,
}

/// A machine and a kernel, to boot again and again.
struct Bench<'a> {
    args: &'a Args,
    qemu: Qemu,
    kernel: Kernel,
    boots: u32,
    /// The worst that a boot came to, apart from failed checks.
    exit: Exit,
    paces: Vec<(Pace, u64)>,
}

/// Makes the checks.
pub fn run(args: &Args) -> Result<Exit, Error> {
    interrupt::install();
    let started = Instant::now();
    let wanted = wanted(&args.only)?;
    let qemu = Qemu::find(args.qemu.as_deref()).map_err(|error| Error::Setup(error.to_string()))?;
    let kernel = Kernel::load(args.kernel.as_deref()).map_err(|error| Error::Setup(error.to_string()))?;
    let mut bench = Bench {
        args,
        qemu,
        kernel,
        boots: 0,
        exit: Exit::Ok,
        paces: Vec::new(),
    };
    let machine = format!("QEMU {} -cpu {} -smp {}", bench.qemu.version, args.cpu, args.smp);
    if args.mutants {
        return run_mutants(&mut bench, &machine);
    }
    let members = members(args, wanted)?;
    let mut tally = Tally::default();
    loop {
        let run = bench.boot(&members, args.seed.0.wrapping_add(bench.boots.into()))?;
        tally.add(&run)?;
        let done = started.elapsed() >= Duration::from_secs(args.duration);
        if done || !matches!(bench.exit, Exit::Ok | Exit::Failure | Exit::Undecided) {
            break;
        }
    }
    let cases = tally.cases();
    let reproduce = reproduce(args, None);
    print(&summary::terminal(&cases));
    let mut told: Option<Check> = None;
    for case in cases.iter().filter(|case| case.class == Class::Fail) {
        let member = members.iter().find(|member| member.id == case.seq);
        let text = member.map_or("", |member| member.text.as_str());
        if let Some(bug) = known::find(bench.qemu.version, case.check, text) {
            print(&format!("known bug, {}: {bug}\n", case.id()));
        }
        // One command for each check shows enough.
        if told.replace(case.check) != Some(case.check) {
            let command = self::reproduce(args, Some((case, text)));
            print(&format!("reproduce {}: {command}\n", case.id()));
        }
    }
    let seed = args.seed;
    print(&format!(
        "{machine}, seed {seed}, {} boots: {}\n",
        bench.boots,
        summary::headline(&cases)
    ));
    if args.pace {
        print(&paces(&bench.paces));
    }
    if let Some(path) = &args.junit {
        let xml = junit::junit(&cases, started.elapsed())
            .map_err(|error| Error::Setup(format!("cannot write JUnit XML: {error}")))?;
        write(path, &xml)?;
    }
    for (path, text) in [
        (&args.ktap, ktap::ktap(&cases)),
        (&args.summary, summary::markdown(&machine, &cases, &reproduce)),
        (&args.litmus, histogram::histogram(&cases)),
    ] {
        if let Some(path) = path {
            write(path, &text)?;
        }
    }
    Ok(verdict(bench.exit, &cases))
}

/// Returns the exit code: what kept boots from ending well, then what the checks say.
fn verdict(boots: Exit, cases: &[Case]) -> Exit {
    match boots {
        Exit::Ok | Exit::Failure | Exit::Undecided if count(cases, Class::Fail) > 0 => Exit::Failure,
        Exit::Ok | Exit::Undecided if count(cases, Class::Pass) == 0 => Exit::Undecided,
        Exit::Undecided => Exit::Ok,
        exit => exit,
    }
}

fn wanted(only: &[String]) -> Result<Mask, Error> {
    if only.is_empty() {
        return Ok(Mask::MAX);
    }
    only.iter().try_fold(0, |mask, id| match Check::from_id(id) {
        Some(check) => Ok(mask | check.mask()),
        None => Err(Error::Usage(format!(
            "--only {id}: no such check; `bench-host list --checks` shows all"
        ))),
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
            Some((id, text)) => (id.trim(), text),
            None => {
                let known = catalogue::find(argument).map_err(|unknown| {
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

impl Bench<'_> {
    /// Boots once, and returns the stored run.
    fn boot(&mut self, members: &[Member], seed: u64) -> Result<Run, Error> {
        let args = self.args;
        let all = members.iter().fold(0, |all, member| all | member.checks);
        let mut sequences: Vec<_> = members
            .iter()
            .map(|member| Checked {
                id: &member.id,
                text: &member.text,
                checks: member.checks,
                good_for: 0,
            })
            .collect();
        for (id, text, guest) in suite::GOOD {
            let fits = |check: &Check| check.regime().is_guest() == guest && all & check.mask() != 0;
            let good_for = Check::ALL
                .into_iter()
                .filter(fits)
                .fold(0, |mask, check| mask | check.mask());
            sequences.push(Checked {
                id,
                text,
                checks: 0,
                good_for,
            });
        }
        let settings = Conformance {
            seed,
            trials: args.trials,
            pes: u8::try_from(args.smp).unwrap_or(MAX_PES).min(MAX_PES),
            stress: args.stress,
            planted: args.plant_bug.then_some(Planted::SkipSequence),
            runtime: args.runtime,
        };
        let plan = RunPlan::conformance(&settings, &sequences)?;
        let crc = self
            .kernel
            .install(&plan.settings, &plan.entries())
            .map_err(|error| Error::Usage(error.to_string()))?;
        let mut image = tempfile::NamedTempFile::new().map_err(temporary)?;
        image
            .write_all(&self.kernel.bytes)
            .and_then(|()| image.flush())
            .map_err(temporary)?;
        let machine = Machine {
            cpu: args.cpu.clone(),
            smp: args.smp,
            deterministic: false,
            one_thread: !args.threads,
        };
        let arguments = self.qemu.arguments(&machine, image.path());
        let mut command = Command::new(&self.qemu.program);
        command.args(&arguments);
        let arguments = [self.qemu.program.clone().into_os_string()]
            .iter()
            .chain(&arguments)
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect();
        self.boots += 1;
        let out = args.out.as_ref().map(|out| out.join(self.boots.to_string()));
        let manifest = self.manifest(arguments, plan.describe(crc, false));
        let (folder, store) = folder::create(out.as_deref(), manifest)?;
        let receiver = Receiver::new(store, Progress::new(false), true);
        let finished = session::run_qemu(command, receiver, Duration::from_secs(args.timeout));
        let findings = [&finished.received.refusals, &finished.received.defects];
        for finding in findings.into_iter().flatten() {
            eprintln!("error: {finding}");
        }
        // Failed checks are told with all boots' counts; what else failed is told here.
        let own = |failure: &&String| !failure.contains(" with ");
        for failure in finished.received.failures.iter().filter(own) {
            eprintln!("error: {failure}");
        }
        if !matches!(finished.exit, Exit::Ok | Exit::Undecided) {
            self.exit = finished.exit;
        }
        let frequency = finished
            .received
            .manifest
            .pes
            .first()
            .and_then(|pe| pe.frequency)
            .unwrap_or(0);
        let paces = finished.received.paces.iter().map(|pace| (*pace, frequency));
        self.paces.extend(paces);
        Ok(Run::open(&folder)?)
    }

    fn manifest(&self, arguments: Vec<String>, plan: manifest::Plan) -> Manifest {
        let machine: String = self
            .args
            .cpu
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_lowercase()
                } else {
                    '_'
                }
            })
            .collect();
        Manifest {
            schema: SCHEMA_VERSION,
            status: Status::Running,
            reasons: Vec::new(),
            started: now(),
            finished: None,
            machine: format!("qemu_{machine}_check"),
            simulator: true,
            label: QEMU_LABEL.to_owned(),
            reproduce: reproduce(self.args, None),
            host: host::describe(),
            qemu: Some(manifest::Qemu {
                version: self.qemu.version.to_string(),
                arguments,
                messages: Vec::new(),
            }),
            kernel: manifest::Kernel {
                source: self.kernel.source.clone(),
                sha256: self.kernel.sha256.clone(),
                ..manifest::Kernel::default()
            },
            plan,
            stream: manifest::Stream::default(),
            pes: Vec::new(),
        }
    }
}

/// Runs the mutants of every base, and tells their fates.
fn run_mutants(bench: &mut Bench<'_>, machine: &str) -> Result<Exit, Error> {
    let mut fates: Fates = Vec::new();
    for (base, (check, text)) in mutants::BASES.into_iter().enumerate() {
        let Some(check) = Check::from_id(check) else { continue };
        let planned = mutants::plan(check, text);
        for group in planned.chunks(MAX_SEQUENCES - 4) {
            let member = |(number, mutant): (usize, &mutants::Planned)| Member {
                id: format!("b{base}_{number}"),
                text: mutant.judged.mutant.sequence.to_string(),
                checks: check.mask(),
            };
            let members: Vec<_> = group.iter().enumerate().map(member).collect();
            let run = bench.boot(&members, bench.args.seed.0)?;
            let mut tally = Tally::default();
            tally.add(&run)?;
            let cases = tally.cases();
            for (mutant, member) in group.iter().zip(&members) {
                let case = cases.iter().find(|case| case.seq == member.id);
                fates.push((mutant.clone(), mutants::fate(mutant, case)));
            }
        }
    }
    let text = mutants::report(machine, &fates);
    print(&text);
    if let Some(path) = &bench.args.summary {
        write(path, &text)?;
    }
    let disagreement = fates.iter().any(|(_, fate)| *fate == Fate::Disagreement);
    let killed = fates.iter().any(|(_, fate)| *fate == Fate::KilledByRun);
    Ok(match bench.exit {
        // A mutant that fails is what is wanted here.
        Exit::Ok | Exit::Failure | Exit::Undecided if disagreement => Exit::Failure,
        Exit::Ok | Exit::Failure | Exit::Undecided if !killed => Exit::Undecided,
        Exit::Ok | Exit::Failure | Exit::Undecided => Exit::Ok,
        exit => exit,
    })
}

/// Returns the command that makes the run again; for a case, the shortest one that shows it.
fn reproduce(args: &Args, case: Option<(&Case, &str)>) -> String {
    let mut words = vec!["bench-host check".to_owned()];
    words.push(format!("--cpu {} --smp {}", args.cpu, args.smp));
    words.push(format!("--seed {} --trials {}", args.seed, args.trials));
    words.push(format!("--runtime {}", args.runtime));
    if args.stress > 0 {
        words.push(format!("--stress {}", args.stress));
    }
    for (flag, set) in [
        ("--threads", args.threads),
        ("--plant-bug", args.plant_bug),
        ("--mutants", args.mutants),
    ] {
        if set {
            words.push(flag.to_owned());
        }
    }
    match case {
        Some((case, text)) => {
            words.push(format!("--only {} --sequence '{}={text}'", case.check.id(), case.seq));
        }
        None => {
            words.extend(args.only.iter().map(|only| format!("--only {only}")));
            words.extend(args.sequence.iter().map(|given| format!("--sequence '{given}'")));
        }
    }
    words.join(" ")
}

/// Returns how many trials a second the checks made, by number of PEs and one by one.
fn paces(paces: &[(Pace, u64)]) -> String {
    let rate = |trials: u64, ticks: u64, frequency: u64| (trials * frequency).checked_div(ticks).unwrap_or(0);
    let mut text = String::new();
    for pes in 1..=3 {
        let of: Vec<_> = paces.iter().filter(|(pace, _)| pace.check.pes() == pes).collect();
        let trials = of.iter().map(|(pace, _)| u64::from(pace.trials)).sum();
        let ticks = of.iter().map(|(pace, _)| pace.ticks).sum();
        let frequency = of.first().map_or(0, |(_, frequency)| *frequency);
        text += &format!("{pes} PE: {} trials/s\n", rate(trials, ticks, frequency));
    }
    for (pace, frequency) in paces {
        let rate = rate(pace.trials.into(), pace.ticks, *frequency);
        text += &format!("  {:<22} {rate:>8} trials/s\n", pace.check.id());
    }
    text
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(|source| Error::Output {
        path: path.to_owned(),
        source,
    })
}

fn temporary(error: std::io::Error) -> Error {
    Error::Setup(format!(
        "cannot write the kernel image to {}: {error}",
        std::env::temp_dir().display()
    ))
}
