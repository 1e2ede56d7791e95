// SPDX-License-Identifier: MIT OR Apache-2.0
//! QEMU: finding it, its version, and how it is called.

pub mod image;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fmt, io};

use crate::process;

/// The program looked for.
pub const PROGRAM: &str = "qemu-system-aarch64";
/// The oldest version whose EL2 translation is known to be right enough (separate stage-2 TLB index since 7.2).
pub const OLDEST: Version = Version(7, 2, 0);

const PATIENCE: Duration = Duration::from_secs(20);

/// A version of QEMU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl Version {
    /// Finds the version in what `--version` prints.
    fn parse(text: &str) -> Option<Self> {
        let (_, number) = text.lines().next()?.split_once("version ")?;
        Self::of(number)
    }

    /// Reads a version that begins a text, such as that of a manifest.
    pub fn of(text: &str) -> Option<Self> {
        let number = text.split(|c: char| !(c.is_ascii_digit() || c == '.')).next()?;
        let mut parts = number.split('.').map(str::parse);
        let (major, minor) = (parts.next()?.ok()?, parts.next()?.ok()?);
        Some(Self(major, minor, parts.next().and_then(Result::ok).unwrap_or(0)))
    }
}

/// Why QEMU cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QemuError {
    /// It is not installed, or not where the user says.
    #[error("QEMU not found: {} {}; install it ({}) or name it with --qemu PATH", name.display(), place(name), install_hint())]
    Absent {
        /// The name looked for.
        name: PathBuf,
    },
    /// It cannot be started.
    #[error("cannot start {}: {source}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What it says about its version is not understood.
    #[error("{} --version does not answer like QEMU: {answer}", program.display())]
    NotQemu {
        /// The program.
        program: PathBuf,
        /// The first line of its answer.
        answer: String,
    },
    /// It is too old.
    #[error("{} is QEMU {found}; {OLDEST} or newer is needed: install a newer one or name it with --qemu PATH", program.display())]
    TooOld {
        /// The program.
        program: PathBuf,
        /// Its version.
        found: Version,
    },
    /// It has no machine with EL2.
    #[error("{} cannot emulate EL2: {reason}", program.display())]
    NoEl2 {
        /// The program.
        program: PathBuf,
        /// What is missing.
        reason: String,
    },
}

/// A QEMU that can be used.
#[derive(Debug, Clone)]
pub struct Qemu {
    /// The program.
    pub program: PathBuf,
    /// Its version.
    pub version: Version,
}

impl Qemu {
    /// Finds QEMU and checks its version.
    pub fn find(named: Option<&Path>) -> Result<Self, QemuError> {
        let name = named.unwrap_or(Path::new(PROGRAM));
        let program = locate(name).ok_or_else(|| QemuError::Absent { name: name.to_owned() })?;
        let answer = answer(&program, &["--version"])?;
        let version = Version::parse(&answer)
            .filter(|_| answer.contains("QEMU"))
            .ok_or_else(|| {
                let first = answer.lines().next().unwrap_or("(nothing)");
                QemuError::NotQemu {
                    program: program.clone(),
                    answer: first.chars().take(200).collect(),
                }
            })?;
        if version < OLDEST {
            return Err(QemuError::TooOld {
                program,
                found: version,
            });
        }
        Ok(Self { program, version })
    }

    /// Checks that the `virt` machine is there and can have EL2. Takes longer than a run can wait; for `doctor`.
    pub fn check_el2(&self) -> Result<(), QemuError> {
        let missing = |reason: &str| QemuError::NoEl2 {
            program: self.program.clone(),
            reason: reason.to_owned(),
        };
        let machines = answer(&self.program, &["-machine", "help"])?;
        if !machines
            .lines()
            .any(|line| line.split_whitespace().next() == Some("virt"))
        {
            return Err(missing("it has no `virt` machine"));
        }
        let properties = answer(&self.program, &["-machine", "virt,help"])?;
        if !properties.contains("virtualization=") {
            return Err(missing("its `virt` machine has no `virtualization` property"));
        }
        Ok(())
    }

    /// Returns the arguments that run a kernel image.
    pub fn arguments(&self, machine: &Machine, image: &Path) -> Vec<OsString> {
        let smp = machine.smp.to_string();
        let board = if machine.el1 {
            "virt,gic-version=3"
        } else {
            "virt,virtualization=on,gic-version=3"
        };
        let accelerator = if machine.one_thread { "tcg,thread=single" } else { "tcg" };
        let mut arguments: Vec<OsString> = [
            ["-machine", board],
            // Explicit: a host processor's EL2 is not on offer, and a default may change.
            ["-accel", accelerator],
            ["-cpu", &machine.cpu],
            ["-smp", &smp],
            // One whole level 1 block, for the checks of such.
            ["-m", "1G"],
            ["-display", "none"],
            ["-monitor", "none"],
            ["-serial", "stdio"],
            // No network: its boot ROM may not be installed.
            ["-nic", "none"],
        ]
        .iter()
        .flatten()
        .map(OsString::from)
        .collect();
        arguments.push("-no-reboot".into());
        if machine.deterministic {
            arguments.extend(["-icount", "shift=0,sleep=off"].map(OsString::from));
        }
        arguments.extend(["-kernel".into(), image.into()]);
        arguments
    }
}

/// The machine to emulate.
#[derive(Debug, Clone)]
pub struct Machine {
    /// CPU model.
    pub cpu: String,
    /// Number of PEs.
    pub smp: u32,
    /// Without EL2, so that the kernel is entered at EL1.
    pub el1: bool,
    /// Count instructions instead of time.
    pub deterministic: bool,
    /// Run all PEs in one thread, in turns: hand-overs between them are fast.
    pub one_thread: bool,
}

fn answer(program: &Path, arguments: &[&str]) -> Result<String, QemuError> {
    let mut command = Command::new(program);
    command.args(arguments);
    let output = process::output_within(command, PATIENCE);
    let output = output.map_err(|source| QemuError::Start {
        program: program.to_owned(),
        source,
    })?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns the file a name stands for, by the rules of the shell.
pub fn locate(name: &Path) -> Option<PathBuf> {
    if name.components().count() > 1 {
        return name.is_file().then(|| name.to_owned());
    }
    let path = env::var_os("PATH")?;
    let mut places = env::split_paths(&path).map(|place| place.join(name));
    places.find(|file| file.is_file())
}

fn place(name: &Path) -> &'static str {
    if name.exists() && name.components().count() > 1 {
        "is not a file"
    } else if name.components().count() > 1 {
        "does not exist"
    } else {
        "is not in PATH"
    }
}

/// Returns the command that installs QEMU here.
pub fn install_hint() -> &'static str {
    const HINTS: [(&str, &str); 6] = [
        ("apt-get", "apt-get install qemu-system-arm"),
        ("dnf", "dnf install qemu-system-aarch64"),
        ("pacman", "pacman -S qemu-system-aarch64"),
        ("zypper", "zypper install qemu-arm"),
        ("apk", "apk add qemu-system-aarch64"),
        ("brew", "brew install qemu"),
    ];
    let hint = HINTS.iter().find(|(manager, _)| locate(Path::new(manager)).is_some());
    hint.map_or("https://www.qemu.org/download", |(_, command)| command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_and_ordered() {
        let parse = Version::parse;
        assert_eq!(
            parse("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)"),
            Some(Version(7, 2, 22))
        );
        assert_eq!(parse("QEMU emulator version 10.0\nCopyright"), Some(Version(10, 0, 0)));
        assert_eq!(parse("QEMU emulator version 9.2.0-rc1"), Some(Version(9, 2, 0)));
        assert_eq!(parse("GNU bash"), None);
        assert_eq!(parse("version x.y"), None);
        assert!(Version(7, 1, 99) < OLDEST && Version(10, 0, 0) > OLDEST);
    }
}
