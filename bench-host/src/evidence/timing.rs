// SPDX-License-Identifier: MIT OR Apache-2.0
//! What stored runs say about the two sequences of a change.

use std::fs;
use std::path::{Path, PathBuf};

use report::model::{Comparison, Finding, Net, Part, Summary};
use report::wording::Wording;
use results::manifest::HARDWARE_LABEL;
use results::record::Event;
use review::evidence::Timing;
use sequences::Sequence;

use crate::aggregate::{AggregateError, aggregate};

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
        if run.manifest.simulator {
            // A simulator's cycles say nothing about time; where they are instructions, they are shown as such.
            out.extend(counted(run, old, new));
            continue;
        }
        for comparison in &run.comparisons {
            if let Some(timing) = of(run, comparison, old, new) {
                out.push(match reservation(run) {
                    None => timing,
                    Some(finding) => Timing {
                        ratio: None,
                        noise_floor: None,
                        finding,
                        ..timing
                    },
                });
            }
        }
    }
    out
}

/// Returns why the ratios of a run are no evidence of time, if they are not.
fn reservation(run: &Summary) -> Option<String> {
    if run.label() != HARDWARE_LABEL {
        return Some(format!(
            "{}, so no ratio (a board's log is read with --hardware)",
            run.label()
        ));
    }
    let first = run.reservations.first()?;
    Some(format!("incomplete, so no ratio: {first}"))
}

/// Returns the instructions of both sides from a run that counted instructions instead of time.
fn counted(run: &Summary, old: &str, new: &str) -> Option<Timing> {
    if !run.manifest.plan.deterministic {
        return None;
    }
    let count = |id: &str| {
        let series = run
            .series
            .iter()
            .find(|series| series.seq == id && series.event == Event::Cycles)?;
        match series.stats.as_ref()?.net {
            Net::Resolved(net) if net >= 0.0 => Some((series.pe, net.round() as u64)),
            _ => None,
        }
    };
    let ((pe, before), (_, after)) = (count(old)?, count(new)?);
    Some(Timing {
        run: run.name.clone(),
        simulator: true,
        pe,
        ratio: None,
        noise_floor: None,
        finding: "instructions, not time".to_owned(),
        instructions: Some((before, after)),
    })
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
        (Finding::TooFewSamples { have, need }, _) => {
            format!("{}: {have} batches of {need}", comparison.word(Wording::TIMING).0)
        }
        _ => comparison.word(Wording::TIMING).0.to_owned(),
    };
    Some(Timing {
        run: run.name.clone(),
        simulator: run.manifest.simulator,
        pe: comparison.pe,
        ratio,
        noise_floor: comparison.noise_floor,
        finding,
        instructions: None,
    })
}
