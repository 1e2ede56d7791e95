// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host compare`: stored runs beside each other.

use std::collections::BTreeSet;

use super::print;
use crate::compare::output::{self, Format};
use crate::compare::{Finding, Gate, Threshold, compare, select};
use crate::error::Error;
use crate::exit::{Codes, Exit};

/// Columns of the text form: fits a terminal, and a mail when quoted once or twice.
const WIDTH: usize = 100;

const EXAMPLES: &str = "\
Examples:
  bench-host compare results/runs/A results/runs/B       every sequence of B beside that of A
  bench-host compare before/ after/ --fail-above 3%      two folders, run by run; 1 if slower
  bench-host compare results/runs/A:xen_head_old results/runs/A:xen_head_new
  bench-host compare results/runs/A --sequence xen_head_old --sequence xen_head_new
                                                         sequences of one run, paired by batch
  bench-host compare a72/ n1/ v2/ --baseline n1/ --sequence xen_head_new --format markdown
                                                         one sequence on several machines

Two runs of a simulator show counts, not hardware timing; a simulator is never compared with a processor.
With one run on each side, run-to-run noise is not known: the interval holds within these runs only.";

/// How the command ends.
const CODES: Codes = Codes(&[
    (Exit::Ok, "compared, and nothing is slower than --fail-above allows"),
    (Exit::Failure, "a sequence is slower than --fail-above allows"),
    (
        Exit::Undecided,
        "nothing could be compared, or --fail-above is below the noise floor",
    ),
    (Exit::Store, "a run cannot be read"),
]);

/// Compare stored runs, all runs of folders, or sequences within a run
///
/// Each side is a run, a folder of runs, or either followed by `:SEQ`. The first is the baseline unless --baseline names
/// another. Ratios carry a 95% interval, the A/A noise floor, a p-value corrected for the number of comparisons, and the
/// finding in words; docs/statistics.md explains each.
#[derive(Debug, clap::Args)]
#[command(after_help = CODES.help_after(EXAMPLES))]
pub struct Args {
    /// Runs, folders of runs, or RUN:SEQ
    #[arg(value_name = "RUN[:SEQ]", required = true)]
    sides: Vec<String>,
    /// Compare this sequence only (may be repeated); with a single RUN, its sequences to compare with each other
    #[arg(long, alias = "seq", value_name = "ID")]
    sequence: Vec<String>,
    /// The side the others are compared with: its argument, its sequence, or its number [default: the first]
    #[arg(long, value_name = "SIDE")]
    baseline: Option<String>,
    /// Exit with 1 if a sequence is slower than the baseline by more than this; with 2 if that cannot be told, as when
    /// it is below the noise floor
    #[arg(long, value_name = "PERCENT")]
    fail_above: Option<Threshold>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Compares.
pub fn run(args: &Args) -> Result<Exit, Error> {
    let selected = select::select(&args.sides, &args.sequence)?;
    let baseline = select::baseline(&selected.sides, args.baseline.as_deref())?;
    let compared = compare(selected, baseline)?;
    let gate = args.fail_above.map(|threshold| Gate::of(&compared, threshold));
    let gate = gate.as_ref();
    let unwritable = |error: &dyn std::fmt::Display| Error::Setup(format!("cannot write the comparison: {error}"));
    let text = match args.format {
        Format::Text => output::text(&compared, gate, WIDTH),
        Format::Markdown => output::markdown(&compared, gate),
        Format::Json => output::json(&compared, gate).map_err(|error| unwritable(&error))?,
        Format::Csv => output::csv(&compared, gate).map_err(|error| unwritable(&error))?,
    };
    print(&text);
    if let Some(gate) = gate {
        // The forms for people have them already.
        if matches!(args.format, Format::Json | Format::Csv) {
            gate.messages.iter().for_each(|message| eprintln!("error: {message}"));
        }
        return Ok(gate.exit);
    }
    let reasons: BTreeSet<&str> = compared
        .rows
        .iter()
        .filter_map(|row| match &row.finding {
            Finding::Incomparable(reason) => Some(reason.as_str()),
            _ => None,
        })
        .collect();
    if compared
        .rows
        .iter()
        .all(|row| matches!(row.finding, Finding::Incomparable(_)))
    {
        let reasons: Vec<&str> = reasons.into_iter().collect();
        eprintln!("error: nothing could be compared: {}", reasons.join("; "));
        return Ok(Exit::Undecided);
    }
    Ok(Exit::Ok)
}
