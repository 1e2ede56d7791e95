// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every sequence beside the baseline under the same conditions.
//!
//! The A/A twin is timed under every condition too, so each ratio is held against the noise floor of its own
//! conditions. The p-values of all of them are corrected together: a run that looks at twenty conditions has twenty
//! chances to find something.

use report::model::{BaselineRatio, Comparison, Part};
use results::record::Event;
use results::scenario::{Axis, Scenario};

use crate::aggregate::decision::{Evidence, ratio_to_model};
use stats::bootstrap::SplitMix64;
use stats::signed_rank::signed_rank;
use stats::{compare, holm};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// The cost under a scenario.
    Cost,
    /// The slope of a sweep along an axis; the scenario is the one it starts from.
    Slope(Axis),
    /// What follows the flush.
    Refill,
}

impl What {
    fn id(self) -> String {
        match self {
            Self::Cost => "cost".to_owned(),
            Self::Slope(axis) => format!("slope {}", axis.id()),
            Self::Refill => "refill".to_owned(),
        }
    }
}

/// A value that is compared, apart from the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subject {
    /// What is compared.
    pub what: What,
    /// Index of the PE.
    pub pe: u32,
    /// What was counted.
    pub event: Event,
    /// The conditions.
    pub scenario: Scenario,
}

/// A sequence beside the baseline, in one value.
#[derive(Debug, Clone)]
pub struct Case {
    /// The value.
    pub subject: Subject,
    /// The sequence.
    pub seq: String,
    /// The part it plays.
    pub part: Part,
    /// Its value in a batch and the baseline's, in every batch that both have.
    pub pairs: Vec<(f64, f64)>,
    /// What is subtracted from both.
    pub overhead: f64,
    /// Whether one of the two is below resolution.
    pub below_resolution: bool,
}

impl Case {
    fn ratio(&self, seed: u64) -> Option<compare::Ratio> {
        let Subject {
            what,
            pe,
            event,
            scenario,
        } = self.subject;
        let name = format!("beside {} {} {scenario} {pe} {}", what.id(), self.seq, event.id());
        compare::paired_ratio(&self.pairs, self.overhead, SplitMix64::named(seed, &name))
            .filter(|ratio| !self.below_resolution && ratio.estimate.is_finite())
    }

    fn p(&self) -> f64 {
        let differences: Vec<f64> = self.pairs.iter().map(|(other, baseline)| other - baseline).collect();
        match differences.is_empty() {
            true => 1.0,
            false => signed_rank(&differences),
        }
    }

    const fn is_twin(&self) -> bool {
        matches!(self.part, Part::Twin(_))
    }
}

/// Every sequence but the twin beside the baseline, in every value.
#[derive(Debug, Default)]
pub struct BaselineRatios(Vec<(Subject, String, BaselineRatio)>);

impl BaselineRatios {
    /// Decides all cases together. What holds without conditions is known already, from the comparisons of the run.
    pub fn new(cases: &[Case], seed: u64, comparisons: &[Comparison]) -> Self {
        let tested: Vec<&Case> = cases.iter().filter(|case| !case.is_twin()).collect();
        let p = holm::holm(&tested.iter().map(|case| case.p()).collect::<Vec<_>>());
        let twins = cases.iter().filter(|case| case.is_twin());
        let floor = |twin: &Case| Some((twin.subject, compare::noise_floor(&twin.ratio(seed)?)));
        let floors: Vec<(Subject, f64)> = twins.filter_map(floor).collect();
        let decided = tested.iter().zip(p).map(|(case, p)| {
            let floor = floors.iter().find(|(subject, _)| *subject == case.subject);
            let floor = floor.map(|&(_, floor)| floor);
            let ratio = case.ratio(seed);
            let evidence = Evidence {
                batches: case.pairs.len(),
                family: tested.len(),
                below_resolution: case.below_resolution,
                ratio,
                floor,
                p,
            };
            let baseline_ratio = BaselineRatio {
                ratio: ratio.as_ref().map(ratio_to_model),
                noise_floor: floor,
                finding: evidence.finding(),
            };
            (case.subject, case.seq.clone(), baseline_ratio)
        });
        let plain = comparisons.iter().filter(|comparison| !comparison.is_twin).map(|c| {
            let subject = Subject {
                what: What::Cost,
                pe: c.pe,
                event: c.event,
                scenario: Scenario::PLAIN,
            };
            let baseline_ratio = BaselineRatio {
                ratio: c.ratio().copied(),
                noise_floor: c.noise_floor,
                finding: c.finding,
            };
            (subject, c.seq.clone(), baseline_ratio)
        });
        Self(plain.chain(decided).collect())
    }

    /// Returns a sequence beside the baseline in one value.
    pub fn get(&self, subject: Subject, seq: &str) -> Option<BaselineRatio> {
        let found = self.0.iter().find(|(at, id, _)| *at == subject && id == seq);
        found.map(|&(_, _, baseline_ratio)| baseline_ratio)
    }
}

#[cfg(test)]
mod tests {
    use report::model::Finding;

    use super::*;

    const PLAIN_COST: Subject = Subject {
        what: What::Cost,
        pe: 0,
        event: Event::Cycles,
        scenario: Scenario::PLAIN,
    };

    fn case(scenario: Scenario, seq: &str, part: Part, ratio: f64, noise: f64) -> Case {
        let batch = |i: u32| {
            let noise = noise * f64::from(i % 5) - 2.0 * noise;
            (100.0 * (ratio + noise) + 10.0, 110.0)
        };
        Case {
            subject: Subject { scenario, ..PLAIN_COST },
            seq: seq.to_owned(),
            part,
            pairs: (0..20).map(batch).collect(),
            overhead: 10.0,
            below_resolution: false,
        }
    }

    fn twin() -> Part {
        Part::Twin("old".to_owned())
    }

    #[test]
    fn every_condition_has_a_noise_floor_of_its_own() {
        let (quiet, noisy) = (
            Scenario::PLAIN.with(Axis::Live, 8),
            Scenario::PLAIN.with(Axis::Live, 64),
        );
        let cases = [
            case(quiet, "new", Part::Test, 0.95, 0.001),
            case(noisy, "new", Part::Test, 0.95, 0.001),
            case(quiet, "old_aa", twin(), 1.0, 0.001),
            case(noisy, "old_aa", twin(), 1.1, 0.001),
        ];
        let all = BaselineRatios::new(&cases, 1, &[]);
        let get = |scenario| all.get(Subject { scenario, ..PLAIN_COST }, "new").unwrap();
        let (quiet, noisy) = (get(quiet), get(noisy));
        assert_eq!(quiet.finding, Finding::Faster);
        assert_eq!(noisy.finding, Finding::WithinNoise);
        assert!(quiet.noise_floor.unwrap() < 0.01 && noisy.noise_floor.unwrap() > 0.1);
        assert!((quiet.ratio.unwrap().estimate - 0.95).abs() < 1e-9);
        assert_eq!(all.get(PLAIN_COST, "old_aa"), None);
    }

    #[test]
    fn what_cannot_be_decided_says_why() {
        let scenario = Scenario::PLAIN.with(Axis::Live, 8);
        let short = Case {
            pairs: vec![(9.0, 10.0); 3],
            ..case(scenario, "short", Part::Test, 1.0, 0.0)
        };
        let below = Case {
            below_resolution: true,
            ..case(scenario, "below", Part::Test, 0.5, 0.001)
        };
        let all = BaselineRatios::new(&[short, below], 1, &[]);
        let get = |seq| all.get(Subject { scenario, ..PLAIN_COST }, seq).unwrap();
        assert_eq!(get("short").finding, Finding::TooFewSamples { have: 3, need: 7 });
        assert_eq!(
            (get("below").finding, get("below").ratio),
            (Finding::BelowResolution, None)
        );
        let all = BaselineRatios::new(&[case(scenario, "new", Part::Test, 0.5, 0.0)], 1, &[]);
        let alone = all.get(Subject { scenario, ..PLAIN_COST }, "new").unwrap();
        assert_eq!((alone.finding, alone.noise_floor), (Finding::NoNoiseFloor, None));
    }
}
