// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a run folder to the summary a report shows.
//!
//! Rows are read one at a time and counted; memory grows with the number of different values, not of samples. What
//! cannot be read is an error that names file and line. What is merely missing is not: an interrupted run is
//! summarized as far as it goes, and says so.

mod break_even;
pub mod checks;
mod comparisons;
mod counters;
mod decision;
mod judgements;
mod mutants;
pub mod samples;
mod scenarios;
mod series;
pub mod warnings;

use std::path::{Path, PathBuf};

use report::model::{BootPhase, Proof, Summary};
use results::manifest::{ADVERSARY_LABEL, Manifest, Status};
use results::store::{Run, StoreError};

pub use comparisons::compare_all;

use scenarios::Scenarios;

pub use comparisons::paired;

/// Why a run cannot be aggregated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AggregateError {
    /// The run folder cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The batches of a series do not come in order, so the file is not as a run wrote it.
    #[error("{} line {line}: batch {batch} of {seq} after batch {after}", path.display())]
    Order {
        /// The table.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The sequence.
        seq: String,
        /// The batch of this line.
        batch: u32,
        /// The later batch that came before it.
        after: u32,
    },
}

/// Aggregates a run folder.
pub fn aggregate(run: &Path) -> Result<Summary, AggregateError> {
    let run = Run::open(run)?;
    let (collected, altered) = samples::read(&run)?;
    // A machine without time counts something all the same; it is nobody's timing, not even a simulator's.
    let is_timed = run.manifest.label != ADVERSARY_LABEL;
    let boot = run.boot()?.filter(|_| is_timed).map(|row| {
        row.map(|row| BootPhase {
            pe: row.pe,
            phase: row.phase,
            event: row.event,
            count: row.count,
        })
    });
    let proofs = run.proofs()?.map(|row| {
        row.map(|row| Proof {
            name: row.name,
            holds: row.holds,
            detail: row.detail,
        })
    });
    let series = series::evaluate(&collected, &run.manifest);
    let comparisons = comparisons::compare_all(&series, run.manifest.plan.seed.0);
    let scenarios = Scenarios::new(&collected, &run.manifest, &comparisons);
    let (checks, contradictions) = checks::read(&run)?;
    let mut summary = Summary {
        name: name(run.folder()),
        reservations: reservations(&run.manifest).into_iter().chain(altered).collect(),
        series,
        comparisons,
        boot: boot.collect::<Result<_, _>>()?,
        proofs: proofs.collect::<Result<_, _>>()?,
        checks,
        judgements: judgements::judgements(&run.manifest),
        warnings: contradictions,
        sweeps: scenarios.sweeps(),
        refills: scenarios.refills(),
        events: counters::events(&collected, &run.manifest),
        not_counted: counters::not_counted(&collected, &run.manifest),
        clocks: counters::clocks(&run)?,
        break_even: Vec::new(),
        mutants: mutants::read(run.folder())?,
        manifest: run.manifest,
    };
    summary.break_even = break_even::of(&summary);
    summary.warnings.extend(warnings::of(&summary));
    Ok(summary)
}

/// Returns the name of a run folder, also when it is given as `.`.
fn name(folder: &Path) -> String {
    let absolute = folder.canonicalize();
    let folder = absolute.as_deref().unwrap_or(folder);
    folder
        .file_name()
        .unwrap_or(folder.as_os_str())
        .to_string_lossy()
        .into_owned()
}

/// Returns why the numbers of a run cannot be used without reservation.
fn reservations(manifest: &Manifest) -> Vec<String> {
    let mut reasons = match manifest.status {
        Status::Complete => return Vec::new(),
        Status::Running => vec!["the run has not ended, or its host was killed".to_owned()],
        _ if manifest.reasons.is_empty() => vec![format!("the run is {}", manifest.status)],
        _ => Vec::new(),
    };
    reasons.extend(manifest.reasons.iter().cloned());
    reasons
}
