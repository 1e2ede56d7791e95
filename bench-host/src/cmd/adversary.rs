// SPDX-License-Identifier: MIT OR Apache-2.0
//! The adversary as an option of several commands: which processor it is, and how it chooses.

use adversary::{Choices, Features, MAX_PES, Options};
use clap::ValueEnum;

use crate::error::Error;

/// How the adversary chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Choose {
    /// Always the worst.
    Latest,
    /// Always the kindest, as an emulator.
    Earliest,
    /// By lot, from --seed.
    Random,
}

impl Choose {
    /// Returns the word of the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::Earliest => "earliest",
            Self::Random => "random",
        }
    }

    const fn choices(self, seed: u64) -> Choices {
        match self {
            Self::Latest => Choices::Latest,
            Self::Earliest => Choices::Earliest,
            Self::Random => Choices::Random(seed),
        }
    }
}

/// What an Armv8.2 processor such as a Neoverse N1 has of it.
const ARMV8_2: Features = Features {
    vhe: true,
    access_flag: true,
    dirty_state: true,
    granule_16k: true,
    lse: true,
    ..Features::ARMV8_0
};

/// The models of QEMU that it can stand in for: those whose features are known, by their identification registers.
const MODELS: [(&str, Features); 8] = [
    ("cortex-a35", Features::ARMV8_0),
    ("cortex-a53", Features::ARMV8_0),
    ("cortex-a57", Features::ARMV8_0),
    ("cortex-a72", Features::ARMV8_0),
    ("cortex-a55", ARMV8_2),
    ("cortex-a76", ARMV8_2),
    ("neoverse-n1", ARMV8_2),
    ("max", Features::ALL),
];

/// Returns what a CPU model implements of what matters here. Properties behind a comma are QEMU's own.
fn features(cpu: &str) -> Option<Features> {
    let model = cpu.split(',').next().unwrap_or(cpu);
    let known = MODELS.iter().find(|(known, _)| *known == model);
    known.map(|(_, features)| *features)
}

/// Instructions that a boot may take beside its trials: hundreds of times what it does take.
const BOOT: u64 = 5_000_000_000;
/// Instructions that a trial may take, with its controls: some ten times what the longest do take.
const TRIAL: u64 = 100_000;

/// Returns how many instructions a boot with so many trials may take: one that takes more is lost in a loop. `pause` is
/// the longest pause of a trial, in loop turns.
pub fn budget(trials: u64, pause: u64) -> u64 {
    BOOT.saturating_add(trials.saturating_mul(TRIAL.saturating_add(pause.saturating_mul(200))))
}

/// Returns the options of the machine for one boot, or why there is no such machine.
pub fn options(cpu: &str, pes: u32, choose: Choose, seed: u64) -> Result<Options, Error> {
    let Some(features) = features(cpu) else {
        let known: Vec<_> = MODELS.iter().map(|(known, _)| *known).collect();
        return Err(Error::Usage(format!(
            "--cpu {cpu}: the adversary does not know what that implements; it can be {}",
            known.join(", ")
        )));
    };
    let pes = pes as usize;
    if pes > MAX_PES {
        return Err(Error::Usage(format!(
            "--smp {pes}: the adversary has at most {MAX_PES} PEs"
        )));
    }
    Ok(Options {
        pes,
        features,
        choices: choose.choices(seed),
        ..Options::default()
    })
}

/// Returns what it is, for people.
pub fn name(cpu: &str, pes: u32, choose: Choose) -> String {
    format!("adversary ({}) as {cpu}, {pes} PEs", choose.word())
}

/// Returns a text as an id: lowercase letters, digits and underscores.
pub fn word_of(text: &str) -> String {
    let id_char = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '_'
        }
    };
    let id: String = text.chars().take(40).map(id_char).collect();
    if id.is_empty() { "log".to_owned() } else { id }
}

/// Returns what it is, as an id.
pub fn id(cpu: &str, pes: u32, choose: Choose) -> String {
    let cpu = word_of(cpu);
    format!("adversary_{}_{cpu}_{pes}pe", choose.word())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_has_its_features_and_an_unknown_one_is_no_guess() {
        assert_eq!(features("cortex-a72"), Some(Features::ARMV8_0));
        assert_eq!(features("max,pauth=off"), Some(Features::ALL));
        assert!(features("neoverse-n1").is_some_and(|features| features.vhe && !features.xs));
        let refused = options("a64fx", 1, Choose::Latest, 1).map(|_| ()).unwrap_err();
        assert!(refused.to_string().contains("can be cortex-a35"), "{refused}");
        assert!(options("max", 9, Choose::Latest, 1).is_err());
    }
}
