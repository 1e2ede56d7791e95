// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host report`: stored runs, shown again.

pub(in crate::cmd) mod folders;
mod index;

use crate::cmd::paths::existing;
use std::io;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use report::model::Summary;
use report::{ReportError, mail, terminal, write_comparison, write_reports};

use super::print;
use crate::aggregate::aggregate;
use crate::error::Error;
use crate::exit::{Codes, Exit};

/// Columns of the summary: fits a terminal, and a mail when quoted once or twice.
const WIDTH: usize = 100;
/// Where a report of several runs goes.
const COMPARISON: &str = "results/report";
/// Where the index looks for runs.
const RESULTS: &str = "results";

const EXAMPLES: &str = "\
Examples:
  bench-host report results/runs/RUN                 the run again, and its report files
  bench-host report results/runs/RUN --format mail   the result in a few lines for a mail
  bench-host report RUN_A RUN_B RUN_C                several runs, machine by machine
  bench-host report results/runs --out DIR           the same over all runs of a folder
  bench-host report --index                          results/index.html: a page over all stored runs
";

/// The forms on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Tables for a terminal, 100 columns
    Terminal,
    /// A few lines for a mail, 72 columns, ASCII
    Mail,
}

/// How the command ends.
const CODES: Codes = Codes(&[
    (Exit::Ok, "shown"),
    (Exit::Store, "a run cannot be read, or the report not be written"),
]);

/// Show stored runs again, and write their report files
///
/// One run is shown, and its report written into its folder. Several runs, or a folder of runs, are shown machine by
/// machine, with counts of simulators and of hardware apart from each other, and that report is written into --out.
#[derive(Debug, clap::Args)]
#[command(after_help = CODES.help_after(EXAMPLES))]
pub struct Args {
    /// Folders of runs, or folders with runs in them
    #[arg(value_name = "RUN", required_unless_present = "index", value_parser = existing())]
    runs: Vec<PathBuf>,
    /// Form of what is printed; the files are written in any case
    #[arg(long, value_enum, default_value_t = Format::Terminal)]
    format: Format,
    /// Folder for the report of several runs [default: results/report]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write a page over all runs in DIR/runs: DIR/index.html. Without such a folder the runs are those in DIR, and if that
    /// is named runs, the page goes beside it
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = RESULTS,
          conflicts_with_all = ["runs", "out", "format"], value_parser = existing())]
    index: Option<PathBuf>,
}

/// Shows the runs.
pub fn run(args: &Args) -> Result<Exit, Error> {
    if let Some(results) = &args.index {
        return index::write(results);
    }
    let mut found = Vec::new();
    for folder in &args.runs {
        found.extend(folders::runs(folder)?);
    }
    let one = args.runs.len() == 1 && found.len() == 1 && args.out.is_none();
    let text = match (&found[..], args.format) {
        ([run], Format::Terminal) if one => {
            let Presented { text, unwritten } = present(run)?;
            unwritten.map_or(Ok(()), only_shown)?;
            text
        }
        ([run], Format::Mail) if one => {
            let summary = aggregate(run)?;
            write_reports(run, &summary).map_or_else(|error| only_shown(error.into()), |_| Ok(()))?;
            mail::render(&summary)
        }
        (runs, format) => several(runs, &args.runs, format, args.out.as_deref())?,
    };
    print(&text);
    Ok(Exit::Ok)
}

/// A run, presented.
#[derive(Debug)]
pub struct Presented {
    /// Its summary, and where the documents are.
    pub text: String,
    /// Why there are no documents, if there are none.
    pub unwritten: Option<Error>,
}

/// Writes the documents of a stored run and returns its summary. The one place where runs become reports.
pub fn present(folder: &Path) -> Result<Presented, Error> {
    let summary = aggregate(folder)?;
    let text = terminal::render(&summary, WIDTH);
    Ok(match write_reports(folder, &summary) {
        Ok(paths) => Presented {
            text: text + &written(&paths),
            unwritten: None,
        },
        Err(error) => Presented {
            text,
            unwritten: Some(error.into()),
        },
    })
}

/// Says that a report is shown and not written, where the folder belongs to somebody else; anything else is an error.
fn only_shown(error: Error) -> Result<(), Error> {
    match &error {
        Error::Report(why) if is_somebody_elses(why) => {
            eprintln!("note: {error}; the report is only shown");
            Ok(())
        }
        _ => Err(error),
    }
}

/// Returns whether a report was not written because the folder is not ours to write to, such as one of an archive.
fn is_somebody_elses(error: &ReportError) -> bool {
    let refused = [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem];
    matches!(error, ReportError::Io { source, .. } if refused.contains(&source.kind()))
}

/// Writes the report of several runs beside each other, and returns its short form.
fn several(runs: &[PathBuf], named: &[PathBuf], format: Format, out: Option<&Path>) -> Result<String, Error> {
    let out = out.unwrap_or(Path::new(COMPARISON));
    let (mut read, mut summaries, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
    for run in runs {
        match aggregate(run) {
            Ok(summary) => {
                read.push(run);
                summaries.push(summary);
            }
            // What was named has to be there; what was found beside it need not keep the others from being shown.
            Err(error) if named.contains(run) => return Err(error.into()),
            Err(error) if runs.len() == 1 => return Err(error.into()),
            Err(error) => unreadable.push(error.to_string()),
        }
    }
    for why in &unreadable {
        eprintln!("warning: {why}");
    }
    // Every run keeps a report of its own, which the rows lead to.
    let mut links = Vec::new();
    for (run, summary) in read.iter().zip(&summaries) {
        let link = match write_reports(run, summary) {
            Ok(paths) => folders::address(out, &paths.html),
            // It still has its numbers.
            Err(error) if is_somebody_elses(&error) => folders::address(out, run),
            Err(error) => return Err(error.into()),
        };
        links.push(link);
    }
    let link = |summary: &Summary| {
        let at = summaries.iter().position(|other| std::ptr::eq(other, summary));
        at.map(|at| links[at].clone()).unwrap_or_default()
    };
    let paths = write_comparison(out, &summaries, &unreadable, link)?;
    Ok(match format {
        Format::Mail => mail::render_runs(&summaries, &unreadable),
        Format::Terminal => {
            let document = report::document::Document::of_runs(&summaries, &unreadable, |_| String::new());
            terminal::page(&document, WIDTH) + &written(&paths)
        }
    })
}

fn written(paths: &report::Paths) -> String {
    format!(
        "\nreport: {}\n        {}\n",
        paths.html.display(),
        paths.markdown.display()
    )
}
