// SPDX-License-Identifier: MIT OR Apache-2.0
//! Exit codes: an interface for scripts and CI, the same for every subcommand.

/// How a command ended. When several apply, the first of 130, 5, 4, 64, 1, 3, 2 counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Everything that was asked for was done, and nothing failed.
    #[default]
    Ok = 0,
    /// A check failed, a proof of the boot path does not hold, the kernel took an exception nobody expected, a sequence
    /// is judged insufficient, became slower than `compare --fail-above` allows, or a stored run is not what its console
    /// says.
    Failure = 1,
    /// Nothing failed, but nothing could be shown either: no check had power here, or a judgement or comparison cannot
    /// be made.
    Undecided = 2,
    /// Lines are lost or damaged, or the run stopped early: silence, early exit, crash.
    Incomplete = 3,
    /// The run could not be made: QEMU or kernel missing or unfit, or the kernel refused to start.
    Setup = 4,
    /// Results could not be stored or read.
    Store = 5,
    /// The command line, a sequence or an id is wrong, or a file that it names is not there.
    Usage = 64,
    /// Stopped by Ctrl-C, SIGTERM or SIGHUP.
    Interrupted = 130,
}

/// The table of exit codes, as the program's own `--help` shows it; each command's has those that it can end with.
pub const HELP: &str = "\
Exit codes (each command's --help has its own):
    0  ok
    1  conformance failure (check, proof, crash); judge, scan, review: insufficient;
       compare: slower; trace: a finding; verify: a run is not what its console says
    2  not decided: no check has power here; judge, scan, review, compare: unknown; litmus: bad file
    3  incomplete run: lines lost or damaged, silence, early exit or crash
    4  set-up problem: QEMU absent, unfit or too old; no kernel, no log; kernel refused to start
    5  store problem: disk full, folder unwritable or not empty, run unreadable
   64  usage error: bad option, sequence text or id; a file or folder to read that is not there
  130  interrupted";

/// The exit codes of one command, in words of its own.
#[derive(Debug, Clone, Copy)]
pub struct Codes(pub &'static [(Exit, &'static str)]);

/// What makes a boot, or anything that takes a stream, end as it does, in words: only success and failure differ.
pub const fn of_a_stream(ok: &'static str, failure: &'static str) -> [(Exit, &'static str); 7] {
    [
        (Exit::Ok, ok),
        (Exit::Failure, failure),
        (Exit::Undecided, "no check could show anything on this machine"),
        (
            Exit::Incomplete,
            "incomplete: lines lost or damaged, silence, early exit or crash",
        ),
        (
            Exit::Setup,
            "QEMU absent, too old or without EL2; no console; kernel refused to start; another plan than stated",
        ),
        (Exit::Store, "disk full, folder unwritable or not empty"),
        (Exit::Interrupted, "interrupted; what came is kept"),
    ]
}

/// What fails a boot.
pub const BOOT_FAILURE: &str =
    "a check failed, a proof of the boot path does not hold, or the kernel took an exception";

impl Codes {
    /// Returns the table for the command's `--help`. That of what every command can end with is added.
    pub fn help(self) -> String {
        const STORE: &str = "the output cannot be written";
        const USAGE: &str = "usage error: bad option, sequence text or id; a file or folder to read that is not there";
        let own = |exit: Exit| self.0.iter().find(|(of, _)| *of == exit).map(|(_, words)| *words);
        let mut text = "Exit codes:".to_owned();
        for exit in Exit::ALL {
            let words = own(exit).or(match exit {
                Exit::Store => Some(STORE),
                Exit::Usage => Some(USAGE),
                _ => None,
            });
            if let Some(words) = words {
                text += &format!("\n  {:>3}  {words}", exit.code());
            }
        }
        text
    }

    /// Returns the same under examples.
    pub fn help_after(self, examples: &str) -> String {
        format!("{}\n\n{}", examples.trim_end(), self.help())
    }
}

impl Exit {
    /// Every code.
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::Failure,
        Self::Undecided,
        Self::Incomplete,
        Self::Setup,
        Self::Store,
        Self::Usage,
        Self::Interrupted,
    ];

    /// Returns the one that counts when both apply.
    pub fn or(self, other: Self) -> Self {
        let first = [
            Self::Interrupted,
            Self::Store,
            Self::Setup,
            Self::Usage,
            Self::Failure,
            Self::Incomplete,
            Self::Undecided,
        ];
        let counts = |exit: &Self| *exit == self || *exit == other;
        first.into_iter().find(counts).unwrap_or(self)
    }

    /// Returns the number for the operating system.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worse_counts_in_any_order() {
        assert_eq!(Exit::Incomplete.or(Exit::Failure), Exit::Failure);
        assert_eq!(Exit::Failure.or(Exit::Incomplete), Exit::Failure);
        assert_eq!(Exit::Ok.or(Exit::Undecided), Exit::Undecided);
        for exit in Exit::ALL {
            assert_eq!((exit.or(Exit::Ok), exit.or(exit)), (exit, exit));
            assert_eq!(exit.or(Exit::Store), Exit::Store.or(exit));
        }
    }

    #[test]
    fn help_fits_the_columns_it_is_wrapped_at() {
        assert!(HELP.lines().all(|line| line.chars().count() <= 100));
    }

    #[test]
    fn help_and_readme_list_every_code() {
        let readme = include_str!("../../README.md");
        for exit in Exit::ALL {
            let code = exit.code().to_string();
            assert!(HELP.lines().any(|line| line.split_whitespace().next() == Some(&code)));
            assert!(
                readme.lines().any(|line| line.starts_with(&format!("| {code} |"))),
                "{code}"
            );
        }
        assert_eq!(HELP.lines().count(), Exit::ALL.len() + 2);
    }
}
