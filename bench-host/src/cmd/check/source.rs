// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a conformance run is made on: the adversary, QEMU, both, or a board that somebody else boots.

use clap::ValueEnum;

use super::Args;
use crate::cmd::adversary::{self, Choose};
use crate::cmd::run::describe;
use crate::error::Error;
use crate::qemu::{Qemu, Version};

/// The machine to make the checks on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum On {
    /// The built-in machine, as nasty as the architecture permits; it times nothing.
    Adversary,
    /// An emulator: its TLB acts at once, so that it shows few mistakes.
    Qemu,
    /// One after the other.
    Both,
}

impl On {
    /// Returns the word of the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Adversary => "adversary",
            Self::Qemu => "qemu",
            Self::Both => "both",
        }
    }
}

/// What boots the kernel here.
#[derive(Debug, Clone)]
pub(super) enum BootedOn {
    /// QEMU.
    Qemu(Qemu),
    /// The adversary.
    Adversary,
    /// Nothing: a console is read, or an image written.
    Elsewhere,
}

/// The machines to boot, and why one that is meant by default is not among them.
pub(super) struct Found {
    /// In the order in which they are booted.
    pub machines: Vec<BootedOn>,
    /// What is left out.
    pub left_out: Option<String>,
}

/// Finds what the options ask for; without any, whatever there is.
pub(super) fn find(args: &Args) -> Result<Found, Error> {
    if args.console.source().is_some() || args.image.is_some() {
        return Ok(Found {
            machines: vec![BootedOn::Elsewhere],
            left_out: None,
        });
    }
    let qemu = || {
        let found = Qemu::find(args.qemu.as_deref());
        found
            .map(BootedOn::Qemu)
            .map_err(|error| Error::Setup(error.to_string()))
    };
    let adversary = || adversary::options(&args.cpu, args.smp, args.choose(), args.seed.0).map(|_| BootedOn::Adversary);
    let machine = match args.machine {
        _ if args.explore => Some(On::Adversary),
        // The adversary is entered at EL2.
        None if args.el1 => Some(On::Qemu),
        machine => machine,
    };
    let asked = match machine {
        Some(On::Adversary) => vec![adversary()?],
        Some(On::Qemu) => vec![qemu()?],
        Some(On::Both) => vec![adversary()?, qemu()?],
        None => return whatever_there_is(args, adversary(), qemu()),
    };
    Ok(Found {
        machines: asked,
        left_out: None,
    })
}

/// Returns the machines that can be booted; what only one of them has asks for that one.
fn whatever_there_is(
    args: &Args,
    adversary: Result<BootedOn, Error>,
    qemu: Result<BootedOn, Error>,
) -> Result<Found, Error> {
    let named = args.qemu.is_some() || args.threads;
    match (adversary, qemu) {
        (Ok(adversary), Ok(qemu)) => Ok(Found {
            machines: vec![adversary, qemu],
            left_out: None,
        }),
        (Ok(_), Err(error)) if named => Err(error),
        (Ok(adversary), Err(error)) => Ok(Found {
            machines: vec![adversary],
            left_out: Some(error.to_string()),
        }),
        (Err(error), Ok(qemu)) => Ok(Found {
            machines: vec![qemu],
            left_out: Some(error.to_string()),
        }),
        (Err(error), Err(_)) => Err(error),
    }
}

impl BootedOn {
    /// Returns what it is, for people.
    pub fn name(&self, args: &Args) -> String {
        match self {
            Self::Qemu(qemu) => {
                let threads = if args.threads { " (a thread for each)" } else { "" };
                let level = if args.el1 { ", entered at EL1" } else { "" };
                format!(
                    "QEMU {} -cpu {} -smp {}{threads}{level}",
                    qemu.version, args.cpu, args.smp
                )
            }
            Self::Adversary => adversary::name(&args.cpu, args.smp, args.choose()),
            Self::Elsewhere => args.console.source().map_or_else(String::new, |source| source.name()),
        }
    }

    /// Returns what it is, as an id: a TLB depends on all of this.
    pub fn id(&self, args: &Args) -> String {
        match self {
            Self::Qemu(qemu) => {
                let Version(major, minor, _) = qemu.version;
                let threads = if args.threads { "_threads" } else { "" };
                let cpu = describe::id(&args.cpu);
                let level = if args.el1 { "_el1" } else { "" };
                format!("qemu_{major}_{minor}_{cpu}_{}pe{threads}{level}", args.smp)
            }
            Self::Adversary => adversary::id(&args.cpu, args.smp, args.choose()),
            Self::Elsewhere => describe::id(&self.name(args)),
        }
    }

    /// Returns the version of QEMU, if that is what it is: bugs are known by it.
    pub const fn version(&self) -> Option<Version> {
        match self {
            Self::Qemu(qemu) => Some(qemu.version),
            Self::Adversary | Self::Elsewhere => None,
        }
    }

    /// Returns the options that ask for it.
    pub fn words(&self, args: &Args) -> Option<String> {
        match self {
            Self::Qemu(_) => {
                let level = if args.el1 { " --el1" } else { "" };
                Some(format!("--machine qemu --cpu {}{level}", args.cpu))
            }
            Self::Adversary => Some(format!(
                "--machine adversary --choose {} --cpu {}",
                args.choose().word(),
                args.cpu
            )),
            Self::Elsewhere => None,
        }
    }
}

impl Args {
    /// Returns how the adversary chooses.
    pub(super) fn choose(&self) -> Choose {
        self.choose.unwrap_or(Choose::Latest)
    }
}

/// Refuses options that a machine asked for does not have.
pub(super) fn refuse(args: &Args) -> Result<(), Error> {
    let given = [
        ("--qemu", args.qemu.is_some(), On::Qemu),
        ("--threads", args.threads, On::Qemu),
        ("--el1", args.el1, On::Qemu),
        ("--choose", args.choose.is_some(), On::Adversary),
        ("--explore", args.explore, On::Adversary),
        ("--budget", args.budget.is_some(), On::Adversary),
    ];
    for (option, set, of) in given {
        let other = match args.machine {
            Some(On::Adversary) => On::Adversary,
            Some(On::Qemu) => On::Qemu,
            Some(On::Both) if option == "--el1" => On::Adversary,
            Some(On::Both) | None => continue,
        };
        if set && of != other {
            let name = if of == On::Qemu { "QEMU" } else { "the adversary" };
            return Err(Error::Usage(format!("{option} is for {name}")));
        }
    }
    Ok(())
}
