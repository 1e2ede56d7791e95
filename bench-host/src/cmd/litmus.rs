// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host litmus`: litmus tests on the judge's abstract machine.

use crate::cmd::paths::existing;
use std::fs::File;
use std::path::{Path, PathBuf};

use results::file::up_to;
use review::output::json::schema_of;
use schemars::{JsonSchema, Schema};
use sequences::litmus::{LitmusErrorKind, Options, Report, Test};
use sequences::machine::{Limits, MachineError};
use serde::Serialize;

use super::{complain, print};
use crate::error::Error;
use crate::exit::{Codes, Exit};

/// States after which a test is given up, unless asked otherwise: hundreds of times as many as the largest test in this
/// repository has, and found out in seconds.
const STATES: u32 = 1 << 18;
/// Larger files are no litmus tests.
const MAX_FILE: u64 = 1 << 20;

const EXAMPLES: &str = "\
Examples:
  bench-host litmus FILE.litmus                      is its outcome possible?
  bench-host litmus --verbose FILE.litmus            with the states that were found
";

/// How the command ends.
const CODES: Codes = Codes(&[
    (Exit::Ok, "every test was run"),
    (Exit::Undecided, "a file is no test that could be run"),
]);

/// Run litmus tests (herd's AArch64 VMSA format) on the abstract machine, and print herd's observation lines
///
/// Every outcome that the machine allows is found. A file that cannot be read or that holds what the reader does not
/// know is refused with its line and the reason; the others still run. Ends with 0 if all were run, 2 if not.
#[derive(Debug, clap::Args)]
#[command(after_help = CODES.help_after(EXAMPLES))]
pub struct Args {
    /// The tests
    #[arg(value_name = "FILE", required = true, value_parser = existing())]
    files: Vec<PathBuf>,
    /// With FEAT_ETS2, whatever the tests say
    #[arg(long)]
    ets2: bool,
    /// With FEAT_ETS3, whatever the tests say
    #[arg(long)]
    ets3: bool,
    /// Take every full DSB to complete every TLBI, as herd7 does; by the Arm ARM its domain must cover the scope
    #[arg(long)]
    any_dsb_domain: bool,
    /// Give a test up at this many states of the machine; a million take some 20 s and 150 MB
    #[arg(long, value_name = "N", default_value_t = STATES, value_parser = clap::value_parser!(u32).range(1..))]
    states: u32,
    /// Print the states too, as herd does
    #[arg(long, short)]
    verbose: bool,
    /// Print JSON, one object a line
    #[arg(long, conflicts_with = "verbose")]
    json: bool,
}

/// Runs the tests in the order given.
pub fn run(args: &Args) -> Result<Exit, Error> {
    let options = Options {
        ets2: args.ets2,
        ets3: args.ets3,
        dsb_domain: !args.any_dsb_domain,
        limits: Limits {
            states: args.states as usize,
        },
    };
    let mut exit = Exit::Ok;
    for file in &args.files {
        match one(file, &options) {
            Ok(report) if args.json => print(&format!("{}\n", to_json(file, &report))),
            Ok(report) if args.verbose => print(&format!("{report}\n")),
            Ok(report) => print(&format!("{}\n", report.observation_line())),
            Err(message) => {
                complain(&Error::Usage(format!("{}: {message}", file.display())));
                exit = Exit::Undecided;
            }
        }
    }
    Ok(exit)
}

fn one(file: &Path, options: &Options) -> Result<Report, String> {
    // A pipe is as good as a file; a device ends at the limit.
    let opened = File::open(file).and_then(|opened| up_to(opened, MAX_FILE));
    let bytes = opened.map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).map_err(|_| "not UTF-8 text".to_owned())?;
    let test = Test::parse(&text).map_err(|error| error.to_string())?;
    test.run(options).map_err(|error| match &error.kind {
        LitmusErrorKind::Machine(MachineError::TooManyStates { limit }) => {
            format!("the test is too big: it has more than {limit} states (--states N allows more)")
        }
        _ => error.to_string(),
    })
}

/// What `bench-host litmus --json` prints, one object a line.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "bench-host litmus, schema 1")]
struct Line<'a> {
    schema: u32,
    file: String,
    name: &'a str,
    /// `Never`, `Sometimes` or `Always`.
    observation: String,
    positive: usize,
    negative: usize,
    condition: String,
    /// Each final state that was found.
    states: &'a [String],
    ok: bool,
    cut: bool,
}

/// Returns the schema of a line.
pub fn schema() -> Schema {
    schema_of::<Line<'static>>()
}

fn to_json(file: &Path, report: &Report) -> String {
    let line = Line {
        schema: 1,
        file: file.display().to_string(),
        name: &report.name,
        observation: report.observation.to_string(),
        positive: report.positive,
        negative: report.negative,
        condition: report.condition.to_string(),
        states: &report.states,
        ok: report.ok,
        cut: report.cut,
    };
    // Strings and numbers cannot fail to serialize.
    serde_json::to_string(&line).unwrap_or_default()
}
