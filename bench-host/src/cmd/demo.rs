// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host demo`: from a patch to a verdict, to checks, to a measured run, in a minute.

use std::path::Path;

use clap::Parser;

use super::{Cli, dispatch};
use crate::error::Error;
use crate::exit::{Codes, Exit};
use crate::output::print;
use crate::qemu::Qemu;

const EXAMPLES: &str = "\
Examples:
  bench-host demo                                    each command is shown before it runs
";

/// How the command ends.
const CODES: Codes = Codes(&[
    (Exit::Ok, "every step did what it should"),
    (Exit::Failure, "a check failed that should pass"),
    (Exit::Incomplete, "the run in QEMU was cut short"),
    (Exit::Interrupted, "interrupted"),
]);

/// The change that this project began with, in a file of its own.
const PATCH: &str = include_str!("demo.patch");

/// Show what this program does: review a patch, check it, measure it
///
/// The patch makes the barriers around a flush weaker, as the Xen patch does that this project began with. It is judged by the
/// architecture's rules, run on the adversary, and, if QEMU is here, booted and measured there; each step is an ordinary
/// command, which is printed before it runs. What QEMU counts is not hardware timing.
#[derive(Debug, clap::Args)]
#[command(after_help = CODES.help_after(EXAMPLES))]
pub struct Args {}

/// Runs the steps, and ends at the first that does not end well.
pub fn run(_: &Args) -> Result<Exit, Error> {
    // Where runs are stored too, so that every command that is printed can be repeated.
    let folder = Path::new("results");
    let path = folder.join("demo.patch");
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&path, PATCH))
        .map_err(|source| Error::Output {
            path: path.clone(),
            source,
        })?;
    let patch = path.display().to_string();
    print(&format!("{PATCH}\n"));
    let mut steps = vec![
        (
            "Is it still correct? By the rules, and by checks of both sides, and of every mistake one could make in them, on the \
             nastiest machine that the architecture permits:",
            vec!["review", "--run", &patch],
        ),
        (
            "And what does the weaker form give, instruction by instruction?",
            vec!["explain", "xen_head_new"],
        ),
    ];
    let qemu = Qemu::find(None);
    if qemu.is_ok() {
        steps.push((
            "What does it cost? The kernel in this program boots in QEMU, removes its own 1:1 map, and measures. On a board \
             the same command has --serial; QEMU's cycles are not hardware timing:",
            vec!["run"],
        ));
    }
    for (why, words) in steps {
        print(&format!("== {why}\n$ bench-host {}\n\n", words.join(" ")));
        let cli = Cli::try_parse_from(std::iter::once("bench-host").chain(words))
            .map_err(|error| Error::Usage(error.to_string()))?;
        let exit = dispatch(&cli.command, false)?;
        print("\n");
        if exit != Exit::Ok {
            return Ok(exit);
        }
    }
    print(match qemu {
        Ok(_) => "== That was all. Next: bench-host review YOUR.patch, bench-host check, bench-host run --help\n",
        Err(_) => {
            "== QEMU is not here, so nothing was measured: bench-host doctor says how to get it. Next: bench-host review \
             YOUR.patch, bench-host check\n"
        }
    });
    Ok(Exit::Ok)
}
