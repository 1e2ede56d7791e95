// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host export`: the samples of stored runs, for other tools.

use crate::cmd::paths::existing;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use results::store::Run;

use super::print;
use crate::error::Error;
use crate::exit::{Codes, Exit};
use crate::export::criterion::{self, Of};
use crate::export::{ExportError, Exported, benchstat};

const EXAMPLES: &str = "\
Examples:
  bench-host export criterion results/runs/A --out target/criterion
  bench-host export benchstat results/runs/A --out a.txt
  benchstat -col '/seq@(xen_head_old xen_head_new)' a.txt
  bench-host export parquet results/runs/* --out samples
  duckdb -c \"select machine, run, seq, pe, event, scenario, sum(value * count) / sum(count) as mean
             from read_parquet('samples/**/*.parquet', hive_partitioning = true) group by all order by all\"

All formats get raw counts, the overhead of the frame included; the empty frame is there under the name `empty`.
A row of Parquet stands for as many samples as its column count says. Nothing is overwritten. docs/export.md has the details, and the commands of each tool.
";

/// How the command ends.
const CODES: Codes = Codes(&[
    (Exit::Ok, "exported"),
    (
        Exit::Store,
        "a run cannot be read, or what is to be written is there already",
    ),
]);

/// Write the samples of stored runs for other tools: criterion, benchstat, or Parquet readers
#[derive(Debug, clap::Args)]
#[command(after_help = CODES.help_after(EXAMPLES))]
pub struct Args {
    #[command(subcommand)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Format {
    /// Criterion's data layout: open it with --load-baseline, or with critcmp
    ///
    /// A batch becomes a sample of criterion: iterations are its samples, the time is the sum of their counts. What
    /// criterion calls nanoseconds are counts; the name of the group says of what. To see the unit in its reports:
    /// cargo bench -p bench-host --bench exported -- --load-baseline NAME --baseline OTHER
    #[command(after_help = CODES.help())]
    Criterion {
        /// The run's folder
        #[arg(value_name = "RUN", value_parser = existing())]
        run: PathBuf,
        /// Criterion's output directory
        #[arg(long, value_name = "DIR", default_value = "target/criterion")]
        out: PathBuf,
        /// Name of the baseline [default: the name of the run's folder]
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// What stands for a batch; the group of medians is named so (p50-cycles)
        #[arg(long, value_enum, default_value_t = Of::Mean)]
        of: Of,
    },
    /// Go's benchmark text format, for benchstat
    ///
    /// One line per batch: mean and median. Units are cycles/op and p50-cycles/op (or the event counted), with sim- in
    /// front of the event if a simulator counted, and icount- if it counted instructions instead of time.
    #[command(after_help = CODES.help())]
    Benchstat {
        /// The run's folder
        #[arg(value_name = "RUN", value_parser = existing())]
        run: PathBuf,
        /// Write to this file instead of printing
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Parquet, partitioned by machine and sequence, for DuckDB, Polars and Spark
    ///
    /// One row for every row of samples.csv, in DIR/machine=M/seq=S/RUN.parquet, with the run's name and label. Runs in
    /// which nothing was timed are left out; a run that cannot be exported does not keep the others from it.
    #[cfg(feature = "parquet")]
    #[command(after_help = CODES.help())]
    Parquet {
        /// Folders of runs
        #[arg(value_name = "RUN", required = true, value_parser = existing())]
        runs: Vec<PathBuf>,
        /// Where to
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

/// Exports.
pub fn run(args: &Args) -> Result<Exit, Error> {
    match &args.format {
        Format::Criterion { run, out, name, of } => {
            let name = name.as_deref();
            if name.is_some_and(|name| name.is_empty() || name.starts_with('.') || name.contains(['/', '\\'])) {
                return Err(Error::Usage(
                    "--name is the name of a folder, without a path".to_owned(),
                ));
            }
            let run = open(run)?;
            tell(&run, &criterion::write(&run, out, name, *of)?, out, "benchmark");
        }
        Format::Benchstat { run, out } => {
            let run = open(run)?;
            let (text, notes) = benchstat::render(&run)?;
            let Some(path) = out else {
                print(&text);
                notes.iter().for_each(|note| eprintln!("note: {note}"));
                return Ok(Exit::Ok);
            };
            write_new(path, &text)?;
            let exported = Exported {
                paths: vec![path.clone()],
                notes,
            };
            tell(&run, &exported, path, "file");
        }
        #[cfg(feature = "parquet")]
        Format::Parquet { runs, out } => {
            return parquet(runs, out);
        }
    }
    Ok(Exit::Ok)
}

/// Exports every run that can be, and says of each other one why not: a folder of runs has runs that timed nothing, and
/// runs that were exported before.
#[cfg(feature = "parquet")]
fn parquet(runs: &[PathBuf], out: &Path) -> Result<Exit, Error> {
    let (mut exported, mut untimed, mut refused) = (0_usize, Vec::new(), None);
    for run in runs {
        let written = open(run).and_then(|run| Ok((crate::export::parquet::write(&run, out)?, run)));
        match written {
            Ok((files, run)) => {
                exported += 1;
                tell(&run, &files, out, "file");
            }
            Err(error @ Error::Export(ExportError::NoSamples(_))) => untimed.push(error),
            Err(error) => {
                // The last one is said by whoever gets it.
                if let Some(before) = refused.replace(error) {
                    eprintln!("error: {before}");
                }
            }
        }
    }
    match (refused, untimed.pop()) {
        (Some(error), None) => Err(error),
        (None, Some(error)) if exported == 0 => Err(error),
        (refused, Some(_)) => {
            let left_out = report::number::plural(untimed.len() as u64 + 1, "run", "runs");
            eprintln!("note: {left_out} left out, in which nothing was timed");
            refused.map_or(Ok(Exit::Ok), Err)
        }
        (None, None) => Ok(Exit::Ok),
    }
}

fn open(run: &Path) -> Result<Run, Error> {
    Ok(Run::open(run).map_err(ExportError::from)?)
}

fn write_new(path: &Path, text: &str) -> Result<(), ExportError> {
    let written = File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => ExportError::Exists {
            path: path.to_owned(),
            also: "",
        },
        _ => ExportError::Write {
            path: path.to_owned(),
            source,
        },
    })
}

/// Says what was written, and what the numbers are.
fn tell(run: &Run, exported: &Exported, out: &Path, what: &str) {
    let plural = if exported.paths.len() == 1 { "" } else { "s" };
    let status = if run.manifest.is_complete() {
        String::new()
    } else {
        format!(" (run {})", run.manifest.status)
    };
    print(&format!(
        "{}{status}: {} {what}{plural} in {}\n",
        run.folder().display(),
        exported.paths.len(),
        out.display()
    ));
    print(&format!("  raw counts; {}\n", run.manifest.label));
    exported.notes.iter().for_each(|note| eprintln!("note: {note}"));
}
