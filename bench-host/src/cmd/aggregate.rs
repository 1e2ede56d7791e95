// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host aggregate`: the figures of raw sample rows.

use crate::cmd::paths::existing_or_stdin;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use results::manifest::{HARDWARE_LABEL, Manifest};
use results::store::{MANIFEST, Row, Run, SampleRow, StoreError};

use crate::aggregate::samples;
use crate::error::{Error, one_line};
use crate::exit::{Codes, Exit};
use crate::output::note_loss;
use crate::rows::render::{self, Format};
use crate::rows::{Aggregation, Limits, Request, RowsError, STDIN};

const EXAMPLES: &str = "\
Columns are found by the names in the header: groups by seq (or sequence), pe, event and scenario, as far as there are
such columns; values in cycles or value; how often a value counts in count, if there is such a column. Upper and lower
case are the same. `file` in --by means the name of the file.

Every figure is exact: median (mean of the middle two of an even count), p90 and p99 by nearest rank (DuckDB:
quantile_disc), standard deviation of the sample (n - 1). Memory stays below 64 MiB: counts of values that are too many
for that go to a temporary file in TMPDIR; more than 20,000 groups are refused.

Values are whole numbers from 0 to 2^64 - 1. A row that has anything else there, or too few or too many fields, is an
error that names its line (exit code 5); nothing is skipped.

Examples:
  bench-host aggregate samples.csv
  bench-host aggregate results/runs/RUN                   the samples of a stored run
  zstd -dc big.csv.zst | bench-host aggregate - --by seq,pe --value cycles
  bench-host aggregate --by file,seq a.csv b.csv          one group for each file and sequence
  bench-host aggregate --no-header --by 2,3 --value 5 rows.csv --format json
";

/// How the command ends.
const CODES: Codes = Codes(&[
    (Exit::Ok, "aggregated"),
    (Exit::Store, "the input cannot be read, or is no table of rows"),
]);

/// Count, min, median, p90, p99, max, mean and standard deviation of raw sample rows, by group
#[derive(Debug, clap::Args)]
#[command(after_help = CODES.help_after(EXAMPLES))]
pub struct Args {
    /// CSV files with a header, folders of runs, or - for standard input
    #[arg(value_name = "FILE", default_value = "-", value_parser = existing_or_stdin())]
    files: Vec<PathBuf>,
    /// Columns that make a group; an empty list makes one group of all rows
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',')]
    by: Option<Vec<String>>,
    /// The column of values
    #[arg(long, value_name = "COLUMN")]
    value: Option<String>,
    /// The column that says how often a value counts
    #[arg(long, value_name = "COLUMN")]
    count: Option<String>,
    /// The first row is data; columns are named by their number, from 1
    #[arg(long)]
    no_header: bool,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Lets whoever writes to our standard input get further ahead, if it is a pipe: fewer waits on both sides. Only Linux
/// can do that, and where it refuses, the pipe is what it was.
fn widen_pipe() {
    #[cfg(target_os = "linux")]
    let _ = rustix::pipe::fcntl_setpipe_size(io::stdin(), 256 << 10);
}

/// Aggregates and prints.
pub fn run(args: &Args) -> Result<Exit, Error> {
    let by = args
        .by
        .as_ref()
        .map(|by| by.iter().filter(|name| !name.trim().is_empty()).cloned().collect());
    let request = Request {
        by,
        value: args.value.clone(),
        count: args.count.clone(),
        headerless: args.no_header,
    };
    let mut aggregation = Aggregation::new(request, Limits::default());
    let mut labels: Vec<String> = Vec::new();
    let mut notes: Vec<String> = Vec::new();
    for file in &args.files {
        if file.as_os_str() == "-" {
            if io::stdin().is_terminal() {
                eprintln!("note: reading rows from the terminal; Ctrl-D ends them");
            }
            widen_pipe();
            add(&mut aggregation, STDIN, &mut io::stdin().lock(), None)?;
            continue;
        }
        let file = &samples_of(file);
        let name = file.display().to_string();
        let opened = File::open(file).and_then(|opened| Ok((opened.metadata()?, opened)));
        let (metadata, mut opened) = opened.map_err(|source| RowsError::Read {
            name: name.clone(),
            source,
        })?;
        if metadata.is_dir() {
            let source = io::Error::other("it is a folder without samples.csv");
            return Err(RowsError::Read { name, source }.into());
        }
        let length = metadata.is_file().then_some(metadata.len());
        let before = aggregation.samples();
        add(&mut aggregation, &name, &mut opened, length)?;
        let manifest = manifest(file).unwrap_or_else(|error| {
            notes.push(format!("{}; so nothing is known of who counted", one_line(&error)));
            None
        });
        if let Some(manifest) = manifest {
            let added = aggregation.samples() - before;
            // Where another column weighs the rows, their sum is not the number of samples.
            let reservation = reservation(&manifest, added).filter(|_| args.count.is_none());
            notes.extend(reservation.map(|what| format!("{name}: {what}")));
            if manifest.label != HARDWARE_LABEL && !labels.contains(&manifest.label) {
                labels.push(manifest.label);
            }
        }
    }
    let mut table = aggregation.finish()?;
    table.notes.extend(notes);
    for note in &table.notes {
        eprintln!("note: {note}");
    }
    let label = (!labels.is_empty()).then(|| labels.join("; "));
    // A reader that went away is not an error; there is nobody left to tell.
    let mut out = BufWriter::new(io::stdout().lock());
    let written = render::write(&mut out, &table, label.as_deref(), args.format).and_then(|()| out.flush());
    note_loss(written);
    Ok(Exit::Ok)
}

/// Returns the samples of a run folder, or else the path itself.
fn samples_of(path: &Path) -> PathBuf {
    let samples = path.join(SampleRow::<String>::FILE);
    if samples.is_file() { samples } else { path.to_owned() }
}

/// Returns what is known of the run whose samples these are; nothing is known of other files.
fn manifest(samples: &Path) -> Result<Option<Manifest>, StoreError> {
    let Some(folder) = samples.parent() else {
        return Ok(None);
    };
    if !samples.ends_with(SampleRow::<String>::FILE) || !folder.join(MANIFEST).is_file() {
        return Ok(None);
    }
    Ok(Some(Run::open(folder)?.manifest))
}

/// Says why the samples of a run cannot be used without reservation.
fn reservation(manifest: &Manifest, stored: u64) -> Option<String> {
    if manifest.is_complete() {
        return samples::altered(manifest, stored);
    }
    let status = manifest.status;
    Some(format!(
        "the run is {status}, and batches that lost samples are in these figures; `bench-host report` leaves them out"
    ))
}

/// Adds a file, and shows how far it is if that takes a while and anybody looks.
fn add(aggregation: &mut Aggregation, name: &str, from: &mut dyn Read, length: Option<u64>) -> Result<(), RowsError> {
    let target = if io::stderr().is_terminal() {
        ProgressDrawTarget::stderr_with_hz(5)
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(length, target);
    let template = match length {
        Some(_) => "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} [{elapsed_precise}]",
        None => "{msg} {bytes} {bytes_per_sec} [{elapsed_precise}]",
    };
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(name.to_owned());
    let mut shown = 0;
    let added = aggregation.add(name, from, &mut |bytes| {
        // Every 16 MiB: looking at the clock for every chunk would cost more than it shows.
        if bytes - shown >= 1 << 24 {
            shown = bytes;
            bar.set_position(bytes);
        }
    });
    bar.finish_and_clear();
    added
}
