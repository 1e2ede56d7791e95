// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a conformance run is made on: QEMU, the adversary, or a board that somebody else boots.

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

impl BootedOn {
    /// Finds what the options ask for.
    pub fn find(args: &Args) -> Result<Self, Error> {
        if args.console.source().is_some() || args.image.is_some() {
            return Ok(Self::Elsewhere);
        }
        match args.machine {
            On::Qemu => Qemu::find(args.qemu.as_deref())
                .map(Self::Qemu)
                .map_err(|error| Error::Setup(error.to_string())),
            On::Adversary if args.smp as usize > MAX_PES => Err(Error::Usage(format!(
                "--smp {}: the adversary has at most {MAX_PES} PEs",
                args.smp
            ))),
            On::Adversary => Ok(Self::Adversary),
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
            Self::Elsewhere => String::new(),
        }
    }

    /// Returns the version of QEMU, if that is what it is: bugs are known by it.
    pub const fn version(&self) -> Option<Version> {
        match self {
            Self::Qemu(qemu) => Some(qemu.version),
            Self::Adversary | Self::Elsewhere => None,
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
