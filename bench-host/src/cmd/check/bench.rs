// SPDX-License-Identifier: MIT OR Apache-2.0
//! Boots a machine with the checks of a plan, and stores what it says.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use results::check::Check;
use results::manifest::{self, Manifest, QEMU_LABEL};
use results::plan::{MAX_PES, Planted};
use results::store::Run;
use results::verdict::Class;

use super::Args;
use super::failures::reproduce;
use crate::check::suite::{self, Member};
use crate::cmd::run::{describe, folder, open_log};
use crate::error::Error;
use crate::exit::Exit;
use crate::kernel::Kernel;
use crate::plan::{Checked, Conformance, RunPlan};
use crate::progress::Progress;
use crate::qemu::{Machine, Qemu, Version};
use crate::receive::{Pace, Receiver};
use crate::session::{self, Finished};

/// A machine and a kernel, to boot again and again.
pub(super) struct Bench<'a> {
    pub args: &'a Args,
    /// `None`: what a board printed is read instead.
    pub qemu: Option<Qemu>,
    pub kernel: Kernel,
    pub boots: u32,
    /// The worst that a boot came to, apart from failed checks.
    pub exit: Exit,
    /// A check failed in a boot.
    pub checks_failed: bool,
    pub paces: Vec<(Pace, u64)>,
}

impl Bench<'_> {
    /// Writes the plan of a boot into the kernel, and describes it.
    pub fn prepare(&mut self, members: &[Member], seed: u64) -> Result<manifest::Plan, Error> {
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
            console: args.console,
            conduit: args.psci,
        };
        let plan = RunPlan::conformance(&settings, &sequences)?;
        let crc = self
            .kernel
            .install(&plan.settings, &plan.entries())
            .map_err(|error| Error::Usage(error.to_string()))?;
        Ok(plan.describe(crc, false))
    }

    /// Boots once, or reads the log of a boot, and returns the stored run and its folder.
    pub fn boot(&mut self, members: &[Member], seed: u64) -> Result<(Run, PathBuf), Error> {
        let plan = self.prepare(members, seed)?;
        self.boots += 1;
        let out = self.args.out.as_ref().map(|out| out.join(self.boots.to_string()));
        let (folder, finished) = match (&self.qemu, &self.args.log) {
            (Some(qemu), _) => self.in_qemu(qemu, plan, out.as_deref())?,
            (None, Some(log)) => self.read_log(log, plan, out.as_deref())?,
            (None, None) => return Err(Error::Setup("neither QEMU nor a log to check".to_owned())),
        };
        self.note(&finished);
        Ok((Run::open(&folder)?, folder))
    }

    fn in_qemu(&self, qemu: &Qemu, plan: manifest::Plan, out: Option<&Path>) -> Result<(PathBuf, Finished), Error> {
        let args = self.args;
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
        let arguments = qemu.arguments(&machine, image.path());
        let mut command = Command::new(&qemu.program);
        command.args(&arguments);
        let manifest = Manifest {
            qemu: Some(describe::called(qemu, &arguments)),
            ..self.manifest(&machine_name(args, qemu), QEMU_LABEL, plan)
        };
        let (folder, store) = folder::create(out, manifest)?;
        let receiver = Receiver::new(store, Progress::new(false), true);
        let finished = session::run_qemu(command, receiver, Duration::from_secs(args.timeout.unwrap_or(60)));
        Ok((folder, finished))
    }

    fn read_log(&self, log: &Path, plan: manifest::Plan, out: Option<&Path>) -> Result<(PathBuf, Finished), Error> {
        let file = open_log(log)?;
        let machine = format!(
            "{}_check",
            describe::id(&log.file_stem().unwrap_or_default().to_string_lossy())
        );
        let label = describe::log_label(self.args.hardware);
        let (folder, store) = folder::create(out, self.manifest(&machine, label, plan))?;
        let receiver = Receiver::new(store, Progress::new(false), true);
        Ok((folder, session::read_log(file, receiver, self.args.timeout)))
    }

    /// Tells what went wrong in a boot, and keeps what is needed of it.
    fn note(&mut self, finished: &Finished) {
        let received = &finished.received;
        for finding in [&received.refusals, &received.defects].into_iter().flatten() {
            eprintln!("error: {finding}");
        }
        if self.args.log.is_some() && !received.refusals.is_empty() {
            eprintln!("hint: --log needs the options (--sequence, --trials, --seed, --smp, ...) that its --image had");
        }
        // Failed checks are told with all boots' counts; what else failed is told here.
        for failure in &received.besides_checks {
            eprintln!("error: {failure}");
        }
        self.exit = self.exit.or(besides_checks(finished));
        self.checks_failed |= received.verdicts.iter().any(|verdict| verdict.class == Class::Fail);
        let frequency = received.manifest.pes.first().and_then(|pe| pe.frequency).unwrap_or(0);
        self.paces.extend(received.paces.iter().map(|pace| (*pace, frequency)));
    }

    fn manifest(&self, machine: &str, label: &str, plan: manifest::Plan) -> Manifest {
        let kernel = self.qemu.is_some().then_some(&self.kernel);
        describe::start(machine, label, kernel, reproduce(self.args, None), plan)
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

/// Returns the name of the emulated machine: its TLB depends on all of this.
fn machine_name(args: &Args, qemu: &Qemu) -> String {
    let Version(major, minor, _) = qemu.version;
    let threads = if args.threads { "_threads" } else { "" };
    let kind = if args.mutants { "mutants" } else { "check" };
    format!(
        "qemu_{major}_{minor}_{}_{}pe{threads}_{kind}",
        describe::id(&args.cpu),
        args.smp
    )
}

fn temporary(error: std::io::Error) -> Error {
    Error::Setup(format!(
        "cannot write the kernel image to {}: {error}",
        std::env::temp_dir().display()
    ))
}
