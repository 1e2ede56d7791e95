// SPDX-License-Identifier: MIT OR Apache-2.0
//! Boots a machine with the checks of a plan, and stores what it says.

use std::cell::Cell;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use results::manifest::{self, ADVERSARY_LABEL, EL1_CAVEAT, Manifest, QEMU_LABEL, label_of};
use results::plan::{MAX_PES, Planted};
use results::store::Run;
use results::verdict::Class;

use super::Args;
use super::failures::reproduce;
use super::source::BootedOn;
use crate::check::suite::{self, Member};
use crate::cmd::adversary;
use crate::cmd::run::{describe, folder};
use crate::error::Error;
use crate::exit::Exit;
use crate::input::Source;
use crate::kernel::Kernel;
use crate::output::harmless;
use crate::plan::{Conformance, Described, RunPlan, Unsaid};
use crate::progress::Progress;
use crate::qemu::image::ImageFile;
use crate::qemu::{Machine, Qemu};
use crate::receive::{Pace, PlanOrigin, Receiver};
use crate::session::{self, Finished};

/// A machine and a kernel, to boot again and again.
pub(super) struct Bench<'a> {
    pub args: &'a Args,
    /// What to boot, or to read.
    pub booted_on: BootedOn,
    pub kernel: Kernel,
    /// Boots of all machines: the folders of --out are numbered.
    pub folders: &'a Cell<u32>,
    pub boots: u32,
    /// When the first boot began.
    pub started: DateTime<Utc>,
    /// How long the boots took.
    pub took: Duration,
    /// The worst that a boot came to, apart from failed checks.
    pub exit: Exit,
    /// A check failed in a boot.
    pub checks_failed: bool,
    pub paces: Vec<(Pace, u64)>,
    /// A boot was entered at EL1.
    at_el1: bool,
}

impl<'a> Bench<'a> {
    /// Takes a machine into use.
    pub fn new(args: &'a Args, booted_on: BootedOn, kernel: Kernel, folders: &'a Cell<u32>) -> Self {
        Self {
            args,
            booted_on,
            kernel,
            folders,
            boots: 0,
            started: Utc::now(),
            took: Duration::ZERO,
            exit: Exit::Ok,
            checks_failed: false,
            paces: Vec::new(),
            at_el1: false,
        }
    }

    /// Writes the plan of a boot into the kernel, and describes it.
    pub fn prepare(&mut self, members: &[Member], seed: u64) -> Result<Described, Error> {
        self.prepare_with(members, seed, self.args.trials)
    }

    /// The same with another number of trials: one is enough to explore, and all that a story should tell.
    pub fn prepare_with(&mut self, members: &[Member], seed: u64, trials: u32) -> Result<Described, Error> {
        let args = self.args;
        let all = members.iter().fold(0, |all, member| all | member.checks);
        let sequences = suite::planned(members, all);
        let settings = Conformance {
            seed,
            trials,
            pes: u8::try_from(args.smp).unwrap_or(MAX_PES).min(MAX_PES),
            stress: args.stress,
            planted: args
                .plant_silence
                .map(Planted::Silence)
                .or(args.plant_bug.then_some(Planted::SkipSequence))
                .or_else(|| {
                    let ids = sequences.iter().map(|checked| checked.id);
                    args.plant_fault.as_ref()?.among(ids)
                }),
            runtime: args.runtime,
            unsaid: Unsaid {
                seed_by_boot: args.image.is_some() && !args.same_seed,
                ..args.unsaid
            },
        };
        let plan = RunPlan::conformance(&settings, &sequences)?;
        let crc = self
            .kernel
            .install(&plan.settings, &plan.entries())
            .map_err(|error| Error::Usage(error.to_string()))?;
        Ok(Described::of(&plan, crc, false))
    }

    /// Boots the machine once and returns the stored run and its folder.
    pub fn boot(&mut self, members: &[Member], seed: u64) -> Result<(Run, PathBuf), Error> {
        let plan = self.prepare(members, seed)?;
        let began = Instant::now();
        if self.boots == 0 {
            self.started = Utc::now();
        }
        self.boots += 1;
        self.folders.set(self.folders.get() + 1);
        let number = self.folders.get().to_string();
        let out = self.args.out.as_ref().map(|out| out.join(number));
        let (folder, finished) = match &self.booted_on {
            BootedOn::Qemu(qemu) => self.in_qemu(qemu, &plan, out.as_deref())?,
            BootedOn::Adversary => self.on_adversary(plan.at_el2, seed, out.as_deref())?,
            BootedOn::Elsewhere => return Err(Error::Setup("there is no machine to check".to_owned())),
        };
        self.took += began.elapsed();
        self.note(&finished);
        Ok((Run::open(&folder)?, folder))
    }

    fn in_qemu(&self, qemu: &Qemu, plan: &Described, out: Option<&Path>) -> Result<(PathBuf, Finished), Error> {
        let args = self.args;
        let image = ImageFile::new(&self.kernel.bytes).map_err(temporary)?;
        let machine = Machine {
            cpu: args.cpu.clone(),
            smp: args.smp,
            el1: args.el1,
            deterministic: false,
            one_thread: !args.threads,
        };
        let arguments = qemu.arguments(&machine, image.path());
        let mut command = Command::new(&qemu.program);
        command.args(&arguments);
        let manifest = Manifest {
            qemu: Some(describe::called(qemu, &arguments)),
            ..self.manifest(&self.machine_name(), QEMU_LABEL, plan.at_el2.clone())
        };
        let (folder, store) = folder::create(out, manifest)?;
        let receiver = Receiver::new(store, Progress::new(false), PlanOrigin::Installed);
        let receiver = receiver.with_plan_at_el1(Some(plan.at_el1.clone()));
        let finished = session::run_qemu(command, receiver, Duration::from_secs(args.timeout.unwrap_or(60)));
        Ok((folder, finished))
    }

    fn on_adversary(&self, plan: manifest::Plan, seed: u64, out: Option<&Path>) -> Result<(PathBuf, Finished), Error> {
        let args = self.args;
        let mut options = adversary::options(&args.cpu, args.smp, args.choose(), seed)?;
        let tested = plan
            .sequences
            .iter()
            .map(|sequence| match sequence.checks.len() as u64 {
                0 if sequence.checked => plan.checks.len() as u64,
                checks => checks,
            });
        let trials = tested.sum::<u64>() * u64::from(args.trials);
        options.budget = args
            .budget
            .unwrap_or_else(|| adversary::budget(trials, args.stress.into()));
        let machine = ::adversary::Machine::new(&self.kernel.bytes, &options)
            .map_err(|error| Error::Setup(format!("{}: {error}", self.kernel.source)))?;
        let (folder, store) = folder::create(out, self.manifest(&self.machine_name(), ADVERSARY_LABEL, plan))?;
        let receiver = Receiver::new(store, Progress::new(false), PlanOrigin::Stated);
        Ok((folder, session::run_adversary(machine, receiver)))
    }

    /// Listens to a console and returns the folders of the boots that count.
    pub fn listen(&mut self, source: &Source, members: &[Member]) -> Result<Vec<PathBuf>, Error> {
        let plan = self.prepare(members, self.args.seed.0)?;
        let began = Instant::now();
        let console = source.open()?;
        let args = self.args;
        let options = args
            .console
            .listening(source, args.timeout, Duration::from_secs(args.timeout.unwrap_or(60)));
        let machine = format!("{}_check", describe::id(&source.name()));
        let label = describe::console_label(args.console.hardware);
        let heard = session::console::listen(&console, &options, |boot| {
            let out = args.out.as_ref().map(|out| out.join((boot + 1).to_string()));
            let (folder, store) = folder::create(out.as_deref(), self.manifest(&machine, label, plan.at_el2.clone()))?;
            let receiver = Receiver::new(store, Progress::new(false), PlanOrigin::Stated);
            Ok((folder, receiver.with_plan_at_el1(Some(plan.at_el1.clone()))))
        })?;
        self.took += began.elapsed();
        let mut folders = Vec::new();
        for boot in heard.counted() {
            self.boots += 1;
            self.note(&boot.finished);
            folders.push(boot.folder.clone());
        }
        for boot in heard.cut() {
            let reasons = &boot.finished.received.manifest.reasons;
            let reason = reasons.first().map_or("", String::as_str);
            eprintln!(
                "note: a boot that is not whole is in {}: {}",
                boot.folder.display(),
                harmless(reason)
            );
            let failures = boot.finished.received.failures.iter();
            failures.for_each(|failure| eprintln!("error: {}", harmless(failure)));
        }
        heard
            .errors
            .iter()
            .for_each(|error| eprintln!("error: {}", harmless(error)));
        // Failed checks are counted over all boots; what else the console came to is not.
        if !heard.counted().any(|boot| boot.finished.exit == heard.exit) {
            self.exit = self.exit.or(heard.exit);
        }
        Ok(folders)
    }

    /// Tells what went wrong in a boot, and keeps what is needed of it.
    fn note(&mut self, finished: &Finished) {
        let received = &finished.received;
        for finding in [&received.refusals, &received.defects].into_iter().flatten() {
            eprintln!("error: {finding}");
        }
        if matches!(self.booted_on, BootedOn::Elsewhere)
            && received.manifest.kernel.version.is_some()
            && !received.refusals.is_empty()
        {
            eprintln!(
                "hint: a console needs the options (--sequence, --trials, --seed, --smp, ...) that its --image had"
            );
        }
        // Failed checks are told with all boots' counts; what else failed is told here.
        for failure in &received.besides_checks {
            eprintln!("error: {failure}");
        }
        if received.manifest.entered_at_el1() && !std::mem::replace(&mut self.at_el1, true) {
            eprintln!("note: {EL1_CAVEAT}");
        }
        self.exit = self.exit.or(besides_checks(finished));
        self.checks_failed |= received.verdicts.iter().any(|verdict| verdict.class == Class::Fail);
        let frequency = received.manifest.pes.first().and_then(|pe| pe.frequency).unwrap_or(0);
        self.paces.extend(received.paces.iter().map(|pace| (*pace, frequency)));
    }

    /// Returns the label of what the machine counts.
    pub fn label(&self) -> String {
        let origin = match &self.booted_on {
            BootedOn::Qemu(_) => QEMU_LABEL,
            BootedOn::Adversary => ADVERSARY_LABEL,
            BootedOn::Elsewhere => describe::console_label(self.args.console.hardware),
        };
        label_of(origin, self.at_el1)
    }

    /// Returns the name of the machine in the store.
    fn machine_name(&self) -> String {
        let kind = match () {
            () if self.args.mutants => "mutants",
            () if self.args.catalogue => "catalogue",
            () => "check",
        };
        format!("{}_{kind}", self.booted_on.id(self.args))
    }

    fn manifest(&self, machine: &str, label: &str, plan: manifest::Plan) -> Manifest {
        let kernel = (!matches!(self.booted_on, BootedOn::Elsewhere)).then_some(&self.kernel);
        describe::start(
            machine,
            label,
            kernel,
            reproduce(self.args, &self.booted_on, None),
            plan,
        )
    }
}

/// Returns how a boot ended, failed checks aside: whether those count is for all boots' counts to say, and nothing else
/// that went wrong is excused with them.
fn besides_checks(finished: &Finished) -> Exit {
    let received = &finished.received;
    match finished.exit {
        Exit::Failure if !received.besides_checks.is_empty() => Exit::Failure,
        Exit::Failure if !received.defects.is_empty() => Exit::Incomplete,
        Exit::Failure | Exit::Undecided => Exit::Ok,
        exit => exit,
    }
}

fn temporary(error: std::io::Error) -> Error {
    Error::Setup(format!(
        "cannot write the kernel image to {}: {error}",
        std::env::temp_dir().display()
    ))
}
