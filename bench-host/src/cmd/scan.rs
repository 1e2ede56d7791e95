// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host scan`: every TLB maintenance sequence of a source tree, judged.

use crate::cmd::baseline::{Baseline, News};
use crate::cmd::context::Context;
use crate::cmd::paths::existing;
use crate::cmd::scan_table;
use crate::error::Error;
use crate::exit::{Codes, Exit};
use crate::output::print;
use clap::ValueEnum;
use review::output::finding::{Finding, of_side, of_unread};
use review::output::{line, sarif};
use review::tree::{Scan, Tree};
use sequences::judge::Verdict;
use std::path::PathBuf;

/// The forms a scan comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table
    Table,
    /// JSON, schema 1
    Json,
    /// SARIF 2.1.0
    Sarif,
    /// A line for each finding, `file:line: level: message [rule]`, for editors and hooks
    Line,
}

const EXAMPLES: &str = "\
Examples:
  bench-host scan SOURCE_TREE                        every sequence of a tree, judged
  bench-host scan SOURCE_TREE --json > scan.json
  bench-host scan SOURCE_TREE --baseline scan.json   only what is new since then
";

/// How the command ends.
const CODES: Codes = Codes(&[
    (Exit::Ok, "no sequence is insufficient or unknown"),
    (
        Exit::Failure,
        "a sequence is insufficient; with --baseline, one that is new",
    ),
    (Exit::Undecided, "something is unknown, or was not understood"),
]);

/// Find and judge every TLB maintenance sequence of a source tree
#[derive(Debug, clap::Args)]
#[command(after_help = CODES.help_after(EXAMPLES))]
pub struct Args {
    /// The source tree
    #[arg(value_name = "DIR", value_parser = existing())]
    tree: PathBuf,
    /// Show, and fail for, only what an earlier scan (`--json`) of the tree has not: lines may have moved
    #[arg(long, value_name = "FILE", value_parser = existing())]
    baseline: Option<PathBuf>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// List sufficient sequences too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    context: Context,
}

/// Scans.
pub fn run(args: &Args) -> Result<Exit, Error> {
    let spellings = args.context.spellings()?;
    let given = args.context.stated()?;
    let baseline = args.baseline.as_deref().map(Baseline::read).transpose()?;
    let tree = Tree::open(&args.tree, &spellings).map_err(|error| Error::Usage(error.to_string()))?;
    let mut found = tree.scan(&spellings, &given);
    let format = if args.json { Format::Json } else { args.format };
    // The whole, from which the next baseline is made.
    let whole = (format == Format::Json).then(|| found.clone());
    let news = baseline.map(|baseline| baseline.take_known(&mut found));
    print(&match format {
        Format::Table => scan_table::render(&found, args.all, news.as_ref()),
        Format::Json => scan_table::render_json(
            whole.as_ref().unwrap_or(&found),
            news.as_ref().map(|news| (news, &found)),
        ),
        Format::Sarif => sarif::render_findings(&findings(&found), &[]),
        Format::Line => line::render_findings(&findings(&found)),
    });
    Ok(exit(&found, news.as_ref()))
}

/// Returns how a scan ends: by what it found, or what of it is new.
fn exit(found: &Scan, news: Option<&News>) -> Exit {
    let any = |verdict| found.judged.iter().any(|judged| judged.side.verdict == verdict);
    if any(Verdict::Insufficient) {
        Exit::Failure
    } else if any(Verdict::Unknown) || news.is_some() && !found.unread.is_empty() {
        Exit::Undecided
    } else {
        Exit::Ok
    }
}

/// Returns what a scan found, place by place.
fn findings(found: &Scan) -> Vec<Finding> {
    let sides = found.judged.iter().filter_map(|judged| of_side(&judged.side));
    let unread = |unread: &review::placed::Placed<review::extract::Unread>| {
        of_unread(&unread.path, unread.found.line, &unread.found.text)
    };
    sides.chain(found.unread.iter().map(unread)).collect()
}
