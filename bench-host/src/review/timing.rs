// SPDX-License-Identifier: MIT OR Apache-2.0
//! What stored runs say about the two sequences of a change.

use crate::aggregate::{AggregateError, aggregate};
use report::model::{Comparison, Finding, Part, Summary};
use sequences::Sequence;
use std::fs;
use std::path::{Path, PathBuf};

/// A ratio from a stored run.
#[derive(Debug, Clone, PartialEq)]
pub struct Timing {
    /// The run.
    pub run: String,
    /// It ran on a simulator: nothing here is hardware timing.
    pub simulator: bool,
    /// The PE.
    pub pe: u32,
    /// After over before: estimate, low and high end of its interval.
    pub ratio: Option<(f64, f64, f64)>,
    /// The noise floor, as a distance from 1.
    pub noise_floor: Option<f64>,
    /// What may be said.
    pub finding: String,
}

/// Reads the runs in a folder, or the one run it is.
pub fn runs(folder: &Path) -> Result<Vec<Summary>, AggregateError> {
    let mut paths: Vec<PathBuf> = match fs::read_dir(folder) {
        Ok(entries) => entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.join("run.toml").is_file())
            .collect(),
        Err(_) => Vec::new(),
    };
    paths.sort();
    if paths.is_empty() {
        paths.push(folder.to_owned());
    }
    paths.iter().map(|path| aggregate(path)).collect()
}

/// Returns what the runs say about a change from one sequence to another.
pub fn timing(runs: &[Summary], before: &Sequence, after: &Sequence) -> Vec<Timing> {
    let mut out = Vec::new();
    for run in runs {
        let id = |sequence: &Sequence| {
            let same = |text: &str| text.parse::<Sequence>().is_ok_and(|known| known == *sequence);
            run.series
                .iter()
                .find(|series| matches!(series.part, Part::Baseline | Part::Test) && same(&series.text))
                .map(|series| series.seq.as_str())
        };
        let (Some(old), Some(new)) = (id(before), id(after)) else {
            continue;
        };
        for comparison in &run.comparisons {
            if let Some(timing) = of(run, comparison, old, new) {
                out.push(timing);
            }
        }
    }
    out
}

fn of(run: &Summary, comparison: &Comparison, old: &str, new: &str) -> Option<Timing> {
    let inverted = match (comparison.baseline.as_str(), comparison.seq.as_str()) {
        (baseline, seq) if baseline == old && seq == new => false,
        (baseline, seq) if baseline == new && seq == old => true,
        _ => return None,
    };
    let ratio = comparison.net.map(|ratio| {
        let plain = (ratio.estimate, ratio.interval.low, ratio.interval.high);
        if inverted {
            (1.0 / plain.0, 1.0 / plain.2, 1.0 / plain.1)
        } else {
            plain
        }
    });
    let finding = match (comparison.finding, inverted) {
        (Finding::Faster, false) | (Finding::Slower, true) => "faster".to_owned(),
        (Finding::Slower, false) | (Finding::Faster, true) => "slower".to_owned(),
        (Finding::Indistinguishable, _) => "no difference above the noise floor".to_owned(),
        (Finding::BelowResolution, _) => "below the resolution of the measurement".to_owned(),
        (Finding::TooFewSamples { have, need }, _) => format!("too few batches: {have} of {need}"),
        (Finding::NoNoiseFloor, _) => "no A/A control, so no claim".to_owned(),
    };
    Some(Timing {
        run: run.name.clone(),
        simulator: run.manifest.simulator,
        pe: comparison.pe,
        ratio,
        noise_floor: comparison.noise_floor,
        finding,
    })
}
