// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host collect`: the logs of a lab's jobs into the run store.

use std::path::PathBuf;

use clap::Parser;

use super::run;
use crate::error::Error;
use crate::exit::{self, Codes, Exit};
use crate::interrupt;

const EXAMPLES: &str = "\
Examples:
  bench-host collect job-1234/output.yaml --hardware
  bench-host collect jobs/*/output.yaml --hardware --out results/runs/lab
";

/// How the command ends.
const CODES: Codes = Codes(&exit::of_a_stream(
    "every log is a complete run; the worst of several counts",
    exit::BOOT_FAILURE,
));

/// Take the logs of LAVA jobs, or saved consoles, into the run store
///
/// A job's log is `output.yaml` of a server or what `lava-run` prints; the lines of the board's console are taken out of
/// it. Every whole boot is a run of its own, as with `bench-host run --log`. A log that cannot be read, or has no whole
/// run in it, does not keep the others from being taken.
#[derive(Debug, clap::Args)]
#[command(after_help = CODES.help_after(EXAMPLES))]
pub struct Args {
    /// Logs
    #[arg(value_name = "LOG", required = true)]
    logs: Vec<PathBuf>,
    /// The jobs ran on processors, not on simulators
    #[arg(long)]
    hardware: bool,
    /// Store the runs of the first log in DIR/1, and so on [default: results/runs/<UTC time>-<log>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the runs' folders and nothing else
    #[arg(long, short)]
    quiet: bool,
}

/// The options of `bench-host run`, with their defaults.
#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Options {
    #[command(flatten)]
    args: run::Args,
}

/// Collects.
pub fn run(args: &Args) -> Result<Exit, Error> {
    interrupt::install();
    let mut exit = Exit::Ok;
    for (n, log) in args.logs.iter().enumerate() {
        let mut words = vec!["--log".into(), log.clone().into_os_string()];
        words.extend(args.hardware.then(|| "--hardware".into()));
        words.extend(args.quiet.then(|| "--quiet".into()));
        if let Some(out) = &args.out {
            words.extend(["--out".into(), out.join((n + 1).to_string()).into_os_string()]);
        }
        let options = Options::try_parse_from(words).map_err(|error| Error::Usage(error.to_string()))?;
        exit = exit.or(run::run(&options.args, false).unwrap_or_else(|error| {
            super::complain(&error);
            error.exit()
        }));
        if exit == Exit::Interrupted {
            break;
        }
    }
    Ok(exit)
}
