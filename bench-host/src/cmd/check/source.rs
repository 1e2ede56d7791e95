// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a conformance run is made on: QEMU, the adversary, or a board whose log is read.

use adversary::{Choices, Features, MAX_PES, Options};
use clap::ValueEnum;

use super::Args;
use crate::error::Error;
use crate::qemu::{Qemu, Version};

/// The machine to make the checks on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum On {
    /// An emulator: its TLB acts at once, so that it shows few mistakes.
    Qemu,
    /// The built-in machine, as nasty as the architecture permits; it times nothing.
    Adversary,
}

/// How the adversary chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Choose {
    /// Always the worst.
    Latest,
    /// Always the kindest, as an emulator.
    Earliest,
    /// By lot, from --seed.
    Random,
}

/// Where records come from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// QEMU.
    Qemu(Qemu),
    /// The adversary.
    Adversary,
    /// A log.
    Log,
}

impl Source {
    /// Finds what the options ask for.
    pub fn find(args: &Args) -> Result<Self, Error> {
        let setup = |error: &dyn std::fmt::Display| Error::Setup(error.to_string());
        match (&args.log, &args.image, args.machine) {
            (None, None, On::Qemu) => Qemu::find(args.qemu.as_deref())
                .map(Self::Qemu)
                .map_err(|error| setup(&error)),
            (None, None, On::Adversary) if args.smp as usize > MAX_PES => Err(Error::Usage(format!(
                "--smp {}: the adversary has at most {MAX_PES} PEs",
                args.smp
            ))),
            (None, None, On::Adversary) => Ok(Self::Adversary),
            _ => Ok(Self::Log),
        }
    }

    /// Returns what it is, for people.
    pub fn name(&self, args: &Args) -> String {
        match self {
            Self::Qemu(qemu) => {
                let threads = if args.threads { " (a thread for each)" } else { "" };
                format!("QEMU {} -cpu {} -smp {}{threads}", qemu.version, args.cpu, args.smp)
            }
            Self::Adversary => format!("adversary ({}), {} PEs", choose(args.choose), args.smp),
            Self::Log => args
                .log
                .as_ref()
                .map_or_else(String::new, |log| log.display().to_string()),
        }
    }

    /// Returns the version of QEMU, if that is what it is: bugs are known by it.
    pub const fn version(&self) -> Option<Version> {
        match self {
            Self::Qemu(qemu) => Some(qemu.version),
            Self::Adversary | Self::Log => None,
        }
    }
}

/// Returns the options of the adversary for one boot.
pub(super) fn options(args: &Args, seed: u64) -> Options {
    Options {
        pes: args.smp as usize,
        features: if args.cpu == "max" {
            Features::ALL
        } else {
            Features::ARMV8_0
        },
        choices: match args.choose {
            Choose::Latest => Choices::Latest,
            Choose::Earliest => Choices::Earliest,
            Choose::Random => Choices::Random(seed),
        },
        ..Options::default()
    }
}

/// Returns the word of the command line.
pub(super) const fn choose(choose: Choose) -> &'static str {
    match choose {
        Choose::Latest => "latest",
        Choose::Earliest => "earliest",
        Choose::Random => "random",
    }
}
