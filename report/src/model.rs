// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a report shows: plain data, already aggregated.

use results::check::Outcomes;
use results::manifest::{Gap, Manifest};
use results::record::Event;
use results::scenario::Axis;
use results::verdict::Class;

use crate::wording::Wording;

/// One run, aggregated.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Name of the run: that of its folder.
    pub name: String,
    /// Everything that is known about it but its numbers.
    pub manifest: Manifest,
    /// Why its numbers cannot be used without reservation, one sentence each; empty for a complete run.
    pub reservations: Vec<String>,
    /// The timed sequences and the empty frame, per PE and event, in the order of the plan.
    pub series: Vec<Series>,
    /// Every timed sequence beside the baseline, per PE and event, in the order of the plan.
    pub comparisons: Vec<Comparison>,
    /// The phases of the boot path, in the order in which they happened.
    pub boot: Vec<BootPhase>,
    /// What the boot path proved about itself.
    pub proofs: Vec<Proof>,
    /// The checks, in the order in which they were made.
    pub checks: Vec<CheckResult>,
    /// What the architecture says about the sequences.
    pub judgements: Vec<Judgement>,
    /// What a reader should know before believing a number, one sentence each.
    pub warnings: Vec<String>,
    /// How the cost depends on the conditions it was measured under; empty unless the plan has scenarios.
    pub sweeps: Vec<Sweep>,
    /// The cost of a flush beside the cost of what it makes the code after it do again.
    pub refills: Vec<Refill>,
    /// What the PMU's event counters counted; `cycles` and `cntvct` are in `series`.
    pub events: Vec<EventCount>,
    /// The events asked for that were not counted, with the reason. Nothing is known about them: they are not 0.
    pub not_counted: Vec<NotCounted>,
    /// The clock behind the cycles, per PE.
    pub clocks: Vec<Clock>,
    /// Cost by number of pages, for each way to invalidate them; empty unless the run was made for it.
    pub break_even: Vec<BreakEven>,
    /// Sequences with one mistake each, and what became of them; empty unless the run was made for it.
    pub mutants: Vec<Mutant>,
}

/// The part a timed series plays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The empty frame, whose median is subtracted from the others.
    Empty,
    /// The sequence the others are compared with.
    Baseline,
    /// The same words as the named sequence once more, for the noise floor.
    Twin(String),
    /// A sequence under test.
    Test,
}

/// The samples of one sequence on one PE with one counter.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Stable id of the sequence.
    pub seq: String,
    /// Its text; empty for the empty frame and for what is known by its words only.
    pub text: String,
    /// The part it plays.
    pub part: Part,
    /// Index of the PE.
    pub pe: u32,
    /// What was counted.
    pub event: Event,
    /// Its numbers; `None` if no whole batch arrived.
    pub stats: Option<Statistics>,
    /// Batches left out because samples of them were lost.
    pub short_batches: u64,
    /// Every value and how often it was counted, in rising order.
    pub distribution: Vec<(u64, u64)>,
    /// Index and median of every whole batch, in order.
    pub batches: Vec<(u32, f64)>,
}

/// The numbers of a series, in counts of its event, frame included unless named net.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistics {
    /// Samples.
    pub samples: u64,
    /// Smallest.
    pub min: u64,
    /// 1st percentile (percentiles are nearest rank).
    pub p1: u64,
    /// 10th percentile.
    pub p10: u64,
    /// Median.
    pub median: f64,
    /// 90th percentile.
    pub p90: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p999: u64,
    /// Largest.
    pub max: u64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Median absolute deviation, not scaled.
    pub mad: f64,
    /// The median less that of the empty frame.
    pub net: Net,
    /// 95% interval of the net median over the batches; `None` with too few batches or below resolution.
    pub net_interval: Option<Interval>,
    /// Change of the batch medians from the first to the last third of the run, as a fraction; `None` if too few.
    pub drift: Option<f64>,
    /// Mean without the lowest and the highest tenth of the samples.
    pub trimmed_mean: f64,
    /// Standard deviation of the samples (denominator one less than their number); `None` with one sample.
    pub deviation: Option<f64>,
    /// The two modes of the samples, if they have two.
    pub modes: Option<Modes>,
}

/// Two modes of a series, in counts of its event, frame included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Modes {
    /// Median of the samples of the lower mode.
    pub low: u64,
    /// Median of the samples of the upper mode.
    pub high: u64,
    /// Share of the samples in the upper mode.
    pub upper_share: f64,
    /// Share of the batches whose median lies in the upper mode: near 0 or 1 if every batch has both modes.
    pub upper_batches: f64,
}

/// What is left when the empty frame is subtracted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Net {
    /// This much.
    Resolved(f64),
    /// No more than the spread of the empty frame, which is given (90th less 10th percentile).
    BelowResolution(f64),
    /// The empty frame was not measured.
    NoFrame,
    /// This is the empty frame.
    IsFrame,
}

/// A two-sided 95% interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A ratio to the baseline with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// Median over the batches of (sequence / baseline).
    pub estimate: f64,
    /// Its interval.
    pub interval: Interval,
    /// Batches paired.
    pub batches: u64,
}

impl Ratio {
    /// Returns whether the interval excludes 1 and the ratio is nevertheless within the noise floor: an effect that this
    /// set-up makes out of nothing too.
    pub fn is_within_noise(&self, floor: f64) -> bool {
        let excludes = self.interval.low > 1.0 || self.interval.high < 1.0;
        excludes && self.estimate.max(1.0 / self.estimate) - 1.0 <= floor
    }
}

/// A sequence beside the baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Stable id of the sequence.
    pub seq: String,
    /// Stable id of the baseline.
    pub baseline: String,
    /// Whether the sequence is the baseline's own copy, so that its ratio shows the noise.
    pub is_twin: bool,
    /// Index of the PE.
    pub pe: u32,
    /// What was counted.
    pub event: Event,
    /// Ratio of the net medians; `None` with too few batches, or when either is below resolution.
    pub net: Option<Ratio>,
    /// Ratio of the raw medians; `None` with too few batches.
    pub raw: Option<Ratio>,
    /// Distance of the A/A interval of the net medians from 1 (0.01 is 1%); `None` without an A/A twin.
    pub noise_floor: Option<f64>,
    /// What may be said.
    pub finding: Finding,
    /// By how many counts the sequence exceeds the baseline, batch beside batch; `None` with too few batches.
    pub shift: Option<Shift>,
    /// The tests of no difference; `None` for an A/A twin and without a batch.
    pub tests: Option<Tests>,
    /// Comparisons of the run whose p-values were corrected together.
    pub family: u64,
    /// Correlation of the ranks of consecutive batch ratios; `None` with too few batches or if all are equal.
    pub correlation: Option<f64>,
}

impl Comparison {
    /// Returns the ratio the finding rests on: net where there is one.
    pub fn ratio(&self) -> Option<&Ratio> {
        self.net.as_ref().or(self.raw.as_ref())
    }

    /// Returns whether there is an effect that the noise floor accounts for.
    pub fn is_within_noise(&self) -> bool {
        let within = |ratio: &Ratio| self.noise_floor.is_some_and(|floor| ratio.is_within_noise(floor));
        !self.is_twin && self.ratio().is_some_and(within)
    }
}

/// Hodges-Lehmann shifts of a sequence from its baseline, in counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// Median of all averages of two differences of paired batch medians.
    pub batches: f64,
    /// Its 95% interval.
    pub interval: Interval,
    /// Median of all differences between a sample of the one and a sample of the other.
    pub samples: f64,
    /// Share of those differences that are positive, zeros counted half.
    pub superiority: f64,
}

/// Two-sided p-values of no difference, on batch medians, corrected for the number of comparisons (Holm).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tests {
    /// Wilcoxon's signed-rank test of paired batches.
    pub signed_rank: f64,
    /// Mann-Whitney U test, which does not know of the pairing.
    pub mann_whitney: f64,
}

/// What may be said about a sequence beside the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Faster by more than the noise floor, and the interval excludes 1.
    Faster,
    /// Slower by more than the noise floor, and the interval excludes 1.
    Slower,
    /// Neither.
    Indistinguishable,
    /// Its net median, or the baseline's, is within the spread of the empty frame.
    BelowResolution,
    /// Fewer batches than an interval needs.
    TooFewSamples {
        /// Batches paired.
        have: u64,
        /// Batches needed.
        need: u64,
    },
    /// There is a ratio, but no A/A twin to hold it against.
    NoNoiseFloor,
}

/// How long a phase of the boot path took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootPhase {
    /// Index of the PE.
    pub pe: u32,
    /// Name of the phase.
    pub phase: String,
    /// What was counted.
    pub event: Event,
    /// The duration.
    pub count: u64,
}

/// One thing the boot path proved about itself, or failed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// What was to be proven.
    pub name: String,
    /// Whether it holds.
    pub holds: bool,
    /// What was observed.
    pub detail: String,
}

/// A check with its controls and every sequence it was made with.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckResult {
    /// Stable id.
    pub id: String,
    /// What changes and what follows.
    pub title: String,
    /// What a sufficient sequence must lead to: `new` or `fault`.
    pub expected: String,
    /// What was seen with no maintenance at all; `None` if not run.
    pub bad_control: Option<Outcomes>,
    /// The known-good sequence and what was seen with it; `None` if not run.
    pub good_control: Option<(String, Outcomes)>,
    /// The sequences under test.
    pub rows: Vec<CheckRow>,
}

/// A check with one sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckRow {
    /// Stable id of the sequence.
    pub seq: String,
    /// What was seen, summed over the PEs.
    pub outcomes: Outcomes,
    /// The class.
    pub class: Class,
    /// Why.
    pub reason: String,
    /// For a pass: 95% upper bound of the rate of stale trials that is still compatible with having seen none.
    pub stale_rate_bound: Option<f64>,
}

/// What the architecture says about a sequence, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Stable id of the sequence.
    pub seq: String,
    /// Stable id of the check whose change it is judged for; `None` when for the boot path.
    pub check: Option<String>,
    /// `sufficient`, `insufficient: ...`, `stronger than needed: ...`.
    pub text: String,
}

/// A sequence beside the baseline under the same conditions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beside {
    /// The ratio; `None` with too few batches, or when either is below resolution.
    pub ratio: Option<Ratio>,
    /// Distance of the A/A interval under these conditions from 1 (0.01 is 1%); `None` without an A/A twin.
    pub noise_floor: Option<f64>,
    /// What may be said, all conditions of the run taken together.
    pub finding: Finding,
}

/// The cost of a sequence as one condition varies and all others stay.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// Stable id of the sequence.
    pub seq: String,
    /// The part it plays; never [`Part::Empty`].
    pub part: Part,
    /// Index of the PE that was timed.
    pub pe: u32,
    /// What was counted.
    pub event: Event,
    /// What varies.
    pub axis: Axis,
    /// The other conditions, as a scenario id; `plain` if there are none.
    pub base: String,
    /// The points, in rising order of `x`; at least two.
    pub points: Vec<SweepPoint>,
    /// A straight line through the net medians; `None` with too few batches, or where no line is to be expected.
    pub fit: Option<LineFit>,
}

/// One point of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepPoint {
    /// Where on the axis.
    pub x: u64,
    /// Stable id of the scenario.
    pub scenario: String,
    /// Median, frame included.
    pub median: f64,
    /// The median less that of the empty frame under the same conditions.
    pub net: Net,
    /// 95% interval of the net median over the batches; `None` with too few batches or below resolution.
    pub net_interval: Option<Interval>,
    /// The net cost beside the baseline's; `None` for the baseline and its twin.
    pub beside: Option<Beside>,
    /// Samples.
    pub samples: u64,
}

/// A least-squares line through the points of a sweep: fitted in every batch, then the median over the batches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LineFit {
    /// Cost per unit of the axis. For [`Axis::Tlbis`] the cost to issue one more invalidation; for [`Axis::Repeat`]
    /// that of one more run of the sequence, with whatever the frame costs canceled out.
    pub slope: f64,
    /// Its 95% interval.
    pub slope_interval: Interval,
    /// Cost at 0. For [`Axis::Tlbis`] that of completion: the barriers without any invalidation to wait for.
    pub intercept: f64,
    /// Its 95% interval.
    pub intercept_interval: Interval,
    /// The slope beside the baseline's; `None` for the baseline and its twin.
    pub beside: Option<Beside>,
    /// Batches fitted.
    pub batches: u64,
}

/// The cost of a flush beside the cost of touching pages again after it, in net medians.
#[derive(Debug, Clone, PartialEq)]
pub struct Refill {
    /// Stable id of the sequence.
    pub seq: String,
    /// The part it plays.
    pub part: Part,
    /// Index of the PE.
    pub pe: u32,
    /// What was counted.
    pub event: Event,
    /// Pages touched before the flush and again after it.
    pub pages: u64,
    /// The flush alone, with those pages touched before it.
    pub flush: Net,
    /// Touching the pages after the flush, less touching them without one; `None` where it cannot be told from 0.
    pub refill: Option<f64>,
    /// Its 95% interval; `None` with too few batches.
    pub refill_interval: Option<Interval>,
    /// What follows the flush beside what follows the baseline's; `None` for the baseline and its twin.
    pub beside: Option<Beside>,
    /// Touching the pages without a flush before it, less the empty frame: what is subtracted.
    pub warm: f64,
}

/// What an event counter counted during a sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct EventCount {
    /// Stable id of the sequence.
    pub seq: String,
    /// The part it plays.
    pub part: Part,
    /// Stable id of the scenario.
    pub scenario: String,
    /// Index of the PE.
    pub pe: u32,
    /// What was counted.
    pub event: Event,
    /// Samples.
    pub samples: u64,
    /// Mean per sample, frame included: events are often rarer than samples.
    pub mean: f64,
    /// Median per sample, frame included.
    pub median: f64,
    /// Mean less that of the empty frame under the same conditions, never below 0; `None` without the empty frame.
    pub net_mean: Option<f64>,
}

/// An event that was asked for and not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotCounted {
    /// Index of the PE.
    pub pe: u32,
    /// The event.
    pub event: Event,
    /// Why not, in a phrase.
    pub reason: String,
}

/// The cycle counter held against the generic timer, batch by batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Clock {
    /// Index of the PE.
    pub pe: u32,
    /// Frequency of the cycle counter in every batch, in Hz: index of the batch and value.
    pub frequencies: Vec<(u32, f64)>,
    /// Median of them.
    pub median: f64,
    /// Largest less smallest, as a fraction of the median.
    pub spread: f64,
}

/// Ways to invalidate pages, side by side by number of pages.
#[derive(Debug, Clone, PartialEq)]
pub struct BreakEven {
    /// Whose TLBs: `local`, `broadcast`.
    pub scope: String,
    /// Index of the PE.
    pub pe: u32,
    /// What was counted.
    pub event: Event,
    /// The ways, at most as many as a plot can tell apart.
    pub ways: Vec<Way>,
    /// From where on which is cheaper, one sentence each.
    pub findings: Vec<String>,
}

/// One way to invalidate pages.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// Its name, e.g. `by VA`.
    pub name: String,
    /// Net cost by number of pages, in rising order; the same everywhere for one that does not depend on it.
    pub points: Vec<WayPoint>,
}

/// The cost of one way at one number of pages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WayPoint {
    /// Pages invalidated.
    pub pages: u64,
    /// The median less that of the empty frame.
    pub net: Net,
    /// Its 95% interval; `None` with too few batches or below resolution.
    pub interval: Option<Interval>,
}

/// A sequence with one mistake, or what might be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// The kind of edit.
    pub kind: String,
    /// Stable id of the check it ran in.
    pub check: String,
    /// The sequence after the edit.
    pub sequence: String,
    /// What was edited.
    pub edit: String,
    /// What the judge says, in a word.
    pub judge: String,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// The run saw a stale translation.
    KilledByRun,
    /// The judge says it is insufficient; this machine did not show it.
    KilledByJudge,
    /// Neither decided against it.
    Survived,
    /// The judge says it is sufficient, and the run agrees: no mistake at all.
    Equivalent,
    /// The run saw a stale translation where the judge says there can be none: the machine or the judge is wrong.
    Disagreement,
    /// This machine cannot run it.
    Skipped,
}

impl Fate {
    /// Every fate, in the order of tables.
    pub const ALL: [Self; 6] = [
        Self::KilledByRun,
        Self::KilledByJudge,
        Self::Survived,
        Self::Equivalent,
        Self::Disagreement,
        Self::Skipped,
    ];

    /// Returns its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::KilledByRun => "killed by the run",
            Self::KilledByJudge => "killed by the judge only",
            Self::Survived => "survived",
            Self::Equivalent => "no mistake",
            Self::Disagreement => "disagreement",
            Self::Skipped => "skipped",
        }
    }

    /// Returns whether the mutant is a mistake as far as anybody knows, so that it counts in the score.
    pub const fn is_mistake(self) -> bool {
        matches!(self, Self::KilledByRun | Self::KilledByJudge | Self::Survived)
    }
}

impl Summary {
    /// Returns what every table and plot of numbers must say.
    pub fn label(&self) -> &str {
        &self.manifest.label
    }

    /// Returns what findings are called.
    pub fn wording(&self) -> Wording {
        Wording::of(self.label())
    }

    /// Returns the verdict on every check with every sequence.
    pub fn classes(&self) -> impl Iterator<Item = Class> + '_ {
        self.checks
            .iter()
            .flat_map(|check| check.rows.iter().map(|row| row.class))
    }

    /// Returns the gaps in the stream that are listed.
    pub fn gaps(&self) -> &[Gap] {
        &self.manifest.stream.lost
    }

    /// Returns what a sequence must be named with for its numbers to be told from others of the same sequence.
    pub fn naming(&self) -> Naming {
        let neighbors = || self.series.iter().zip(self.series.iter().skip(1));
        Naming {
            pe: neighbors().any(|(a, b)| a.pe != b.pe),
            event: neighbors().any(|(a, b)| a.event != b.event),
        }
    }
}

/// What a sequence is named with beside its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Naming {
    /// The PE: there are several.
    pub pe: bool,
    /// The event: there are several.
    pub event: bool,
}

impl Naming {
    /// Returns the name of a sequence on a PE, counted by an event.
    pub fn name(self, seq: &str, pe: u32, event: Event) -> String {
        match (self.pe, self.event) {
            (false, false) => seq.to_owned(),
            (true, false) => format!("{seq} (PE {pe})"),
            (false, true) => format!("{seq} ({})", event.id()),
            (true, true) => format!("{seq} (PE {pe}, {})", event.id()),
        }
    }

    /// Returns the name of a series.
    pub fn of(self, series: &Series) -> String {
        self.name(&series.seq, series.pe, series.event)
    }

    /// Returns the name of the sequence of a comparison.
    pub fn of_comparison(self, comparison: &Comparison) -> String {
        self.name(&comparison.seq, comparison.pe, comparison.event)
    }
}
