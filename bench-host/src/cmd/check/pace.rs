// SPDX-License-Identifier: MIT OR Apache-2.0
//! How many trials a second the checks made.

use crate::receive::Pace;

/// Returns the rates by number of PEs and one by one. Each pace comes with the frequency of its timer.
pub(super) fn table(paces: &[(Pace, u64)]) -> String {
    let rate = |trials: u64, ticks: u64, frequency: u64| (trials * frequency).checked_div(ticks).unwrap_or(0);
    let mut text = String::new();
    for pes in 1..=3 {
        let of: Vec<_> = paces.iter().filter(|(pace, _)| pace.check.pes() == pes).collect();
        let trials = of.iter().map(|(pace, _)| u64::from(pace.trials)).sum();
        let ticks = of.iter().map(|(pace, _)| pace.ticks).sum();
        let frequency = of.first().map_or(0, |(_, frequency)| *frequency);
        text += &format!("{pes} PE: {} trials/s\n", rate(trials, ticks, frequency));
    }
    for (pace, frequency) in paces {
        let rate = rate(pace.trials.into(), pace.ticks, *frequency);
        text += &format!("  {:<22} {rate:>8} trials/s\n", pace.check.id());
    }
    text
}
