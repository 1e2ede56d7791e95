// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--fail-above`: turning a comparison into a yes or no for CI, and refusing to where there is none.

use std::fmt;
use std::str::FromStr;

use report::number::percent;

use super::comparable::is_same_machine;
use super::load::Loaded;
use super::{Compared, Finding, Row};
use crate::exit::Exit;

/// How much slower a sequence may become: a fraction above 0.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Threshold(f64);

impl Threshold {
    /// Returns the fraction: 0.03 for 3%.
    pub const fn fraction(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", (self.0 * 1e8).round() / 1e6)
    }
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_suffix('%').unwrap_or(text).trim();
        match number.parse::<f64>() {
            Ok(percent) if percent > 0.0 && percent <= 10_000.0 => Ok(Self(percent / 100.0)),
            _ => Err("not a percentage above 0, such as 3%".to_owned()),
        }
    }
}

/// What the gate says about one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Not slower by more than the threshold.
    Within,
    /// Slower by more than the threshold, beyond noise and chance.
    Above,
    /// It cannot be told.
    Undecided,
}

/// The gate over all rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// The threshold.
    pub threshold: Threshold,
    /// What is said of every row, in their order.
    pub outcomes: Vec<Outcome>,
    /// Why it is not simply passed, one sentence each: regressions first, then what could not be decided.
    pub messages: Vec<String>,
    /// The exit code: 1 for a regression, else 3 for a run that is incomplete or cannot be read, else 2 for a row that is not
    /// decided.
    pub exit: Exit,
}

impl Gate {
    /// Holds a comparison against a threshold.
    pub fn of(compared: &Compared, threshold: Threshold) -> Self {
        let outcomes: Vec<Outcome> = compared.rows.iter().map(|row| outcome(row, threshold)).collect();
        let told = compared.rows.iter().zip(&outcomes);
        let of = |wanted: Outcome| {
            told.clone()
                .filter(move |&(_, &outcome)| outcome == wanted)
                .map(|(row, _)| row)
        };
        let mut messages: Vec<String> = of(Outcome::Above)
            .map(|row| format!("{}: {}, above {threshold}", name(compared, row), row.words()))
            .collect();
        messages.extend(of(Outcome::Undecided).map(|row| undecided(compared, row, threshold)));
        let has = |wanted| outcomes.contains(&wanted);
        let exit = if has(Outcome::Above) {
            Exit::Failure
        } else if compared.incomplete {
            messages.push("a run is incomplete or cannot be read, so no regression is no evidence of none".to_owned());
            Exit::Incomplete
        } else if has(Outcome::Undecided) || outcomes.is_empty() {
            if outcomes.is_empty() {
                messages.push("there is no sequence to compare".to_owned());
            }
            Exit::Undecided
        } else {
            Exit::Ok
        };
        Self {
            threshold,
            outcomes,
            messages,
            exit,
        }
    }
}

fn outcome(row: &Row, threshold: Threshold) -> Outcome {
    let Some(numbers) = row
        .numbers
        .filter(|_| row.finding.is_decided() && !row.is_across_machines)
    else {
        return Outcome::Undecided;
    };
    let is_hidden = row.noise_floor.is_none_or(|floor| floor >= threshold.0);
    match (&row.finding, numbers.ratio - 1.0 > threshold.0) {
        (Finding::Higher, true) => Outcome::Above,
        // What is smaller than the noise floor cannot be told from none.
        _ if is_hidden => Outcome::Undecided,
        (_, false) => Outcome::Within,
        // The best estimate is above, but the noise does not let it be said.
        (_, true) => Outcome::Undecided,
    }
}

fn undecided(compared: &Compared, row: &Row, threshold: Threshold) -> String {
    let name = name(compared, row);
    let floor = row
        .noise_floor
        .filter(|&floor| floor >= threshold.0 && row.finding.is_decided());
    match (floor, row.numbers) {
        _ if row.is_across_machines => {
            format!("{name}: the machines differ, so a ratio of the two is no regression; compare runs of one machine")
        }
        (Some(floor), _) => format!(
            "{name}: {threshold} is below the noise floor of {}: so small a difference cannot be told from none here; \
             take more batches, a quieter machine, or a higher threshold",
            percent(floor)
        ),
        (None, Some(numbers)) if row.finding.is_decided() => format!(
            "{name}: higher by {} as far as can be told, but {}; take more batches or runs",
            percent(numbers.ratio - 1.0),
            row.words()
        ),
        _ => format!("{name}: not decided, {}", row.words()),
    }
}

/// Returns what a row is called in a message: the sequence, and the side where there are several.
pub fn name(compared: &Compared, row: &Row) -> String {
    let name = compared.naming().name(&row.seq, row.pe, row.event);
    match compared.sides.len() {
        2 => name,
        _ if compared.sides[row.side].seq.is_some() => name,
        _ => format!("{name} in {}", compared.sides[row.side].label),
    }
}

/// Returns whether two sides were measured on different machines.
pub(super) fn is_across_machines(loaded: &Loaded, a: usize, b: usize) -> bool {
    let Some(first) = loaded.runs_of(a).next() else {
        return false;
    };
    let mut all = loaded.runs_of(a).chain(loaded.runs_of(b));
    all.any(|run| !is_same_machine(&first.manifest, &run.manifest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_percentages() {
        for (text, fraction) in [("3%", 0.03), ("3", 0.03), ("0.5 %", 0.005), ("150%", 1.5)] {
            assert!(
                (text.parse::<Threshold>().unwrap().fraction() - fraction).abs() < 1e-12,
                "{text}"
            );
        }
        for text in ["0", "-3%", "", "%", "three", "nan", "inf", "3%%"] {
            assert!(text.parse::<Threshold>().is_err(), "{text}");
        }
        assert_eq!("2.50".parse::<Threshold>().unwrap().to_string(), "2.5%");
    }
}
