// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host scan`: every TLB maintenance sequence of a source tree, judged.

use crate::cmd::context::Context;
use crate::cmd::scan_table;
use crate::error::Error;
use crate::exit::{self, Exit};
use crate::output::print;
use clap::ValueEnum;
use review::output::sarif;
use review::tree::Tree;
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
}

/// Find and judge every TLB maintenance sequence of a source tree
#[derive(Debug, clap::Args)]
#[command(after_help = exit::HELP)]
pub struct Args {
    /// The source tree
    #[arg(value_name = "DIR")]
    tree: PathBuf,
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
    let tree = Tree::open(&args.tree, &spellings).map_err(|error| Error::Usage(error.to_string()))?;
    let found = tree.scan(&spellings, &given);
    let format = if args.json { Format::Json } else { args.format };
    print(&match format {
        Format::Table => scan_table::render(&found, args.all),
        Format::Json => scan_table::render_json(&found),
        Format::Sarif => sarif::render_sides(found.judged.iter().map(|judged| &judged.side)),
    });
    let any = |verdict| found.judged.iter().any(|judged| judged.side.verdict == verdict);
    Ok(if any(Verdict::Insufficient) {
        Exit::Failure
    } else if any(Verdict::Unknown) {
        Exit::Undecided
    } else {
        Exit::Ok
    })
}
