// SPDX-License-Identifier: MIT OR Apache-2.0
//! The data layout of criterion 0.8, as `--save-baseline` writes it.
//!
//! A sample of criterion is a number of iterations and the time they took together. A batch becomes just that: `iters`
//! is its number of samples, `times` the sum of their counts (or, on request, the median times that number: a mean is at
//! the mercy of a single interrupt). All batches are of one size, so the sampling mode is
//! `Flat`: no regression over the number of iterations. What criterion calls nanoseconds are counts here; the unit is
//! part of the group's name, and `benches/exported.rs` shows it in criterion's own report.
//!
//! On loading, criterion computes everything anew from `sample.json`, except the estimates of a baseline that it
//! compares with; those are computed here in the same way, with fewer resamples.

use std::fs;
use std::path::Path;

use results::scenario::Scenario;
use results::store::Run;
use serde_json::{Value, json};

use super::means::{self, Batch, Series};
use super::{ExportError, Exported, create_dir, run_name, unit};
use stats::bootstrap::SplitMix64;

/// Resamples of each bootstrap; criterion takes 100,000, which changes the second digit of an interval at most.
const RESAMPLES: usize = 1000;
/// Confidence level, criterion's default.
const CONFIDENCE: f64 = 0.95;
/// Longest name of a directory, as criterion cuts it.
const MOST_NAME: usize = 64;

/// What stands for a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Of {
    /// The mean of its samples, as criterion understands it
    #[default]
    Mean,
    /// The median of its samples
    Median,
}

impl Of {
    /// Returns the time that criterion divides by the number of samples.
    fn time(self, batch: &Batch) -> f64 {
        match self {
            Self::Mean => batch.sum as f64,
            Self::Median => batch.median * batch.count as f64,
        }
    }
}

/// Writes a run into criterion's output directory `out`, as a baseline of this name.
pub fn write(run: &Run, out: &Path, baseline: Option<&str>, of: Of) -> Result<Exported, ExportError> {
    let means = means::read(run)?;
    let name = baseline.map_or_else(|| run_name(run.folder()), str::to_owned);
    let ids: Vec<Id> = means.series.keys().map(|series| Id::new(series, run, of)).collect();
    let folders: Vec<_> = ids
        .iter()
        .map(|id| out.join(id.directory()).join(safe(&name)))
        .collect();
    if let Some(path) = folders.iter().find(|folder| folder.exists()) {
        let also = " or another baseline with --name";
        return Err(ExportError::Exists {
            path: path.clone(),
            also,
        });
    }
    let mut exported = Exported::default();
    exported.notes.extend(means.notes());
    for ((id, folder), (series, batches)) in ids.iter().zip(folders).zip(&means.series) {
        if batches.iter().any(|batch| of.time(batch) == 0.0) {
            exported.notes.push(format!(
                "{}: a batch counts 0 in all, and criterion refuses to load a sample that took no time",
                id.full()
            ));
        }
        create_dir(&folder)?;
        let random = SplitMix64::named(
            run.manifest.plan.seed.0,
            &format!("criterion {} {}", series.seq, series.pe),
        );
        let means: Vec<f64> = batches
            .iter()
            .map(|batch| of.time(batch) / batch.count as f64)
            .collect();
        for (file, value) in [
            ("benchmark.json", id.json()),
            ("sample.json", sample(batches, of)),
            ("estimates.json", estimates(&means, random)),
            ("tukey.json", tukey(&means)),
        ] {
            let path = folder.join(file);
            fs::write(&path, value.to_string()).map_err(|source| ExportError::Write { path, source })?;
        }
        exported.paths.push(folder);
    }
    Ok(exported)
}

/// The id of a benchmark: group, function, and perhaps a parameter.
struct Id {
    group: String,
    function: String,
    value: Option<String>,
}

impl Id {
    fn new(series: &Series, run: &Run, of: Of) -> Self {
        // Means and medians must never be compared with each other.
        let median = if of == Of::Median { "p50-" } else { "" };
        Self {
            group: format!("pe{} {median}{}", series.pe, unit(series.event, &run.manifest)),
            function: series.seq.clone(),
            value: (series.scenario != Scenario::PLAIN).then(|| series.scenario.to_string()),
        }
    }

    fn parts(&self) -> impl Iterator<Item = &str> {
        [&self.group, &self.function]
            .into_iter()
            .chain(&self.value)
            .map(String::as_str)
    }

    fn full(&self) -> String {
        self.parts().collect::<Vec<_>>().join("/")
    }

    fn directory(&self) -> String {
        self.parts().map(safe).collect::<Vec<_>>().join("/")
    }

    fn json(&self) -> Value {
        json!({
            "group_id": self.group,
            "function_id": self.function,
            "value_str": self.value,
            "throughput": null,
            "full_id": self.full(),
            "directory_name": self.directory(),
            "title": self.full(),
        })
    }
}

/// Returns a name as criterion writes it in a path.
fn safe(name: &str) -> String {
    let mut name = name.replace(['?', '"', '/', '\\', '*', '<', '>', ':', '|', '^'], "_");
    name.truncate(
        (0..=MOST_NAME.min(name.len()))
            .rev()
            .find(|&at| name.is_char_boundary(at))
            .unwrap_or(0),
    );
    name
}

fn sample(batches: &[Batch], of: Of) -> Value {
    json!({
        "sampling_mode": "Flat",
        "iters": batches.iter().map(|batch| batch.count as f64).collect::<Vec<_>>(),
        "times": batches.iter().map(|batch| of.time(batch)).collect::<Vec<_>>(),
    })
}

/// Returns the fences beyond which criterion calls a sample an outlier: 1.5 and 3 interquartile ranges away.
fn tukey(means: &[f64]) -> Value {
    let mut sorted = means.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (percentile(&sorted, 0.25), percentile(&sorted, 0.75));
    let range = high - low;
    json!([
        low - 3.0 * range,
        low - 1.5 * range,
        high + 1.5 * range,
        high + 3.0 * range
    ])
}

/// Returns a percentile with linear interpolation, as criterion does (Hyndman and Fan 1996, definition 7).
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    low + (high - low) * place.fract()
}

/// Mean, median, scaled median absolute deviation, and standard deviation.
fn statistics(values: &mut [f64]) -> [f64; 4] {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    values.sort_by(f64::total_cmp);
    let median = percentile(values, 0.5);
    let mut deviations: Vec<f64> = values.iter().map(|value| (value - median).abs()).collect();
    deviations.sort_by(f64::total_cmp);
    let stddev = if values.len() > 1 {
        (squares / (n - 1.0)).sqrt()
    } else {
        0.0
    };
    // 1.4826 makes it the standard deviation of normally distributed values; criterion stores it so.
    [mean, median, percentile(&deviations, 0.5) * 1.4826, stddev]
}

fn estimates(means: &[f64], mut random: SplitMix64) -> Value {
    let points = statistics(&mut means.to_vec());
    let mut resampled: [Vec<f64>; 4] = Default::default();
    for _ in 0..RESAMPLES {
        let mut drawn: Vec<f64> = means
            .iter()
            .map(|_| means[random.below(means.len() as u64) as usize])
            .collect();
        for (all, value) in resampled.iter_mut().zip(statistics(&mut drawn)) {
            all.push(value);
        }
    }
    let estimate = |which: usize| {
        let mut values = resampled[which].clone();
        let [_, _, _, error] = statistics(&mut values);
        json!({
            "confidence_interval": {
                "confidence_level": CONFIDENCE,
                "lower_bound": percentile(&values, (1.0 - CONFIDENCE) / 2.0),
                "upper_bound": percentile(&values, (1.0 + CONFIDENCE) / 2.0),
            },
            "point_estimate": points[which],
            "standard_error": error,
        })
    };
    json!({
        "mean": estimate(0),
        "median": estimate(1),
        "median_abs_dev": estimate(2),
        "slope": null,
        "std_dev": estimate(3),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_as_criterion_computes_them() {
        // R: x <- c(2, 4, 4, 4, 5, 5, 7, 9); mean 5, median 4.5, mad 0.7413 * 2 / 2 ... quantile type 7.
        let [mean, median, mad, stddev] = statistics(&mut [9.0, 2.0, 5.0, 4.0, 4.0, 7.0, 5.0, 4.0]);
        assert_eq!((mean, median), (5.0, 4.5));
        assert!(
            (mad - 0.5 * 1.4826).abs() < 1e-12,
            "deviations 0.5 six times, 2.5 twice, 4.5"
        );
        assert!((stddev - (32.0_f64 / 7.0).sqrt()).abs() < 1e-12);
        // Python: statistics.quantiles(range(1, 6), n=4, method="inclusive") is [2, 3, 4].
        assert_eq!(tukey(&[5.0, 1.0, 2.0, 3.0, 4.0]), json!([-4.0, -1.0, 7.0, 10.0]));
        assert_eq!(percentile(&[1.0, 2.0, 3.0, 4.0], 0.5), 2.5);
    }

    #[test]
    fn intervals_hold_the_point_and_are_the_same_every_time() {
        let means: Vec<f64> = (0..50).map(|i| 100.0 + f64::from(i * 7 % 13)).collect();
        let first = estimates(&means, SplitMix64::new(1));
        assert_eq!(first, estimates(&means, SplitMix64::new(1)));
        for which in ["mean", "median", "median_abs_dev", "std_dev"] {
            let at = |path: &str| first.pointer(&format!("/{which}/{path}")).unwrap().as_f64().unwrap();
            let (low, high) = (
                at("confidence_interval/lower_bound"),
                at("confidence_interval/upper_bound"),
            );
            assert!(low <= at("point_estimate") && at("point_estimate") <= high, "{which}");
            assert!(low < high || which.starts_with("median"), "{which}");
        }
        let one = estimates(&[7.0], SplitMix64::new(1));
        assert_eq!(one.pointer("/mean/point_estimate"), Some(&json!(7.0)));
    }

    #[test]
    fn names_are_as_criterion_makes_them_safe() {
        assert_eq!(safe("a/b:c"), "a_b_c");
        assert_eq!(safe(&"é".repeat(40)).len(), 64);
    }
}
