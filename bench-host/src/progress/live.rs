// SPDX-License-Identifier: MIT OR Apache-2.0
//! The numbers of a run so far, and how they are written into the room there is.

use std::fmt::Write;
use std::time::{Duration, Instant};

use report::number::{grouped, plural};
use results::check::{Outcomes, Role};
use results::record::Event;

use stats::Histogram;

/// Widest bar on a terminal of usual width, and how much of a wider one it takes.
const BAR: (usize, usize) = (40, 3);
/// Columns from which on there is room for more than medians.
const ROOMY: usize = 110;
/// Sequences in a line where there is no terminal.
const IN_LINE: usize = 4;
/// Lines beside the medians.
const OTHERS: usize = 6;

/// A sequence on a PE, so far.
#[derive(Debug)]
struct Series {
    seq: String,
    pe: u32,
    event: Event,
    samples: Histogram,
}

/// Trials so far.
#[derive(Debug, Default, Clone, Copy)]
struct Trials {
    stale: u64,
    all: u64,
}

/// A run so far.
#[derive(Debug)]
pub struct Live {
    /// What has to be said with every number.
    pub label: String,
    /// Steps of the phase that are done.
    pub done: u32,
    phase: String,
    steps: u32,
    started: Instant,
    phase_started: Instant,
    series: Vec<Series>,
    /// The series of the last sample: samples come in runs of one series.
    last: usize,
    none: Trials,
    good: Trials,
    tested: Trials,
}

impl Live {
    /// Begins a run.
    pub fn new(now: Instant) -> Self {
        Self {
            label: String::new(),
            done: 0,
            phase: "starting".to_owned(),
            steps: 0,
            started: now,
            phase_started: now,
            series: Vec::new(),
            last: 0,
            none: Trials::default(),
            good: Trials::default(),
            tested: Trials::default(),
        }
    }

    /// Begins a phase.
    pub fn phase(&mut self, name: &str, steps: u32, now: Instant) {
        (self.phase, self.steps, self.done) = (name.to_owned(), steps, 0);
        self.phase_started = now;
    }

    /// Says how the phase ended, once; nothing before the first one. If another follows, it was whole.
    pub fn ended(&mut self, is_whole: bool, now: Instant) -> Option<String> {
        let steps = std::mem::take(&mut self.steps);
        let took = clock(now - self.phase_started);
        let done = match is_whole {
            true => steps,
            false => self.done.min(steps),
        };
        (steps > 0).then(|| format!("{}: {done} of {steps} after {took}", self.phase))
    }

    /// Counts a value.
    pub fn sample(&mut self, seq: &str, pe: u32, event: Event, value: u64, count: u32) {
        let is_of = |series: &Series| series.seq == seq && series.pe == pe && series.event == event;
        if !self.series.get(self.last).is_some_and(is_of) {
            self.last = self.series.iter().position(is_of).unwrap_or_else(|| {
                self.series.push(Series {
                    seq: seq.to_owned(),
                    pe,
                    event,
                    samples: Histogram::new(),
                });
                self.series.len() - 1
            });
        }
        self.series[self.last].samples.add(value, count.into());
    }

    /// Counts trials.
    pub fn outcome(&mut self, role: Role, outcomes: &Outcomes) {
        let trials = match role {
            Role::NoMaintenance | Role::NoInvalidation => &mut self.none,
            Role::KnownGood => &mut self.good,
            Role::Test => &mut self.tested,
        };
        trials.stale += u64::from(outcomes.stale);
        trials.all += [outcomes.stale, outcomes.new, outcomes.fault, outcomes.other]
            .into_iter()
            .map(u64::from)
            .sum::<u64>();
    }

    /// Returns the view for a terminal of this size: no line is wider, and there are no more lines than fit.
    pub fn view(&self, now: Instant, rows: usize, columns: usize) -> Vec<String> {
        // A line as wide as the terminal would make some of them break it.
        let width = columns.max(2) - 1;
        let mut lines = vec![self.bar(now, width)];
        if !self.series.is_empty() {
            let unit = self.series[0].event.id();
            lines.push(format!("raw medians so far, {unit}, provisional"));
            if !self.label.is_empty() {
                lines.push(format!("({})", self.label));
            }
            let room = rows.saturating_sub(OTHERS + 1).max(1);
            let (shown, hidden) = match self.series.len() {
                n if n > room => (room.saturating_sub(1), n + 1 - room),
                n => (n, 0),
            };
            lines.extend(self.medians(shown, width));
            if hidden > 0 {
                lines.push(format!("  and {hidden} more"));
            }
        }
        lines.extend(self.stale());
        lines.truncate(rows.max(2) - 1);
        lines.iter().map(|line| cut(line, width)).collect()
    }

    /// Returns all in one line; nothing before the first phase.
    pub fn line(&self, now: Instant) -> Option<String> {
        if self.steps == 0 {
            return None;
        }
        let mut line = format!(
            "{}: {} of {}, {}",
            self.phase,
            self.done,
            self.steps,
            clock(now - self.started)
        );
        if !self.series.is_empty() && self.none.all == 0 {
            let medians: Vec<String> = self
                .series
                .iter()
                .filter_map(|series| Some(format!("{} {}", series.seq, grouped(series.samples.quantile(1, 2)?))))
                .take(IN_LINE)
                .collect();
            let unit = self.series[0].event.id();
            let _ = write!(line, "; raw medians so far in {unit}: {}", medians.join(", "));
            let _ = write!(line, " (provisional; {})", self.label);
        }
        for stale in self.stale() {
            let _ = write!(line, "; {}", stale.trim_start());
        }
        Some(line)
    }

    fn bar(&self, now: Instant, width: usize) -> String {
        let elapsed = clock(now - self.started);
        if self.steps == 0 {
            return format!("{} {elapsed}", self.phase);
        }
        let done = self.done.min(self.steps);
        let left = match (done, now - self.phase_started) {
            (1.., spent) if spent >= Duration::from_secs(1) && done < self.steps => {
                let left = spent.mul_f64(f64::from(self.steps - done) / f64::from(done));
                format!(", {} left", clock(left))
            }
            _ => String::new(),
        };
        let (start, end) = (self.phase.as_str(), format!("{done}/{} {elapsed}{left}", self.steps));
        let room = width
            .saturating_sub(start.chars().count() + end.chars().count() + 4)
            .min(BAR.0.max(width / BAR.1));
        if room < 5 {
            return format!("{start} {end}");
        }
        let full = room * done as usize / self.steps as usize;
        format!("{start} [{}{}] {end}", "#".repeat(full), "-".repeat(room - full))
    }

    fn medians(&self, shown: usize, width: usize) -> Vec<String> {
        if width >= ROOMY {
            return self.spreads(shown, width);
        }
        let several = self.series.iter().any(|series| series.pe != self.series[0].pe);
        let name = |series: &Series| match several {
            true => format!("{} (PE {})", series.seq, series.pe),
            false => series.seq.clone(),
        };
        let rows: Vec<(String, String, String)> = self
            .series
            .iter()
            .take(shown)
            .filter_map(|series| {
                let median = grouped(series.samples.quantile(1, 2)?);
                Some((name(series), median, grouped(series.samples.count())))
            })
            .collect();
        let longest = |of: fn(&(String, String, String)) -> &String| {
            rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0)
        };
        let (median, count) = (longest(|row| &row.1), longest(|row| &row.2));
        let names = longest(|row| &row.0).min(width.saturating_sub(median + count + " samples".len() + 6).max(8));
        let line = |(name, here, samples): &(String, String, String)| {
            format!(
                "  {:names$}  {here:>median$}  {samples:>count$} samples",
                cut(name, names)
            )
        };
        rows.iter().map(line).collect()
    }

    /// Returns medians with the middle eight tenths of the samples, and what these look like beside each other.
    fn spreads(&self, shown: usize, width: usize) -> Vec<String> {
        let several = self.series.iter().any(|series| series.pe != self.series[0].pe);
        let quantiles = |series: &Series| [1, 5, 9].map(|tenth| series.samples.quantile(tenth, 10));
        let rows: Vec<(String, [u64; 3], u64)> = self
            .series
            .iter()
            .take(shown)
            .filter_map(|series| {
                let [Some(low), Some(median), Some(high)] = quantiles(series) else {
                    return None;
                };
                let name = match several {
                    true => format!("{} (PE {})", series.seq, series.pe),
                    false => series.seq.clone(),
                };
                Some((name, [low, median, high], series.samples.count()))
            })
            .collect();
        let longest = |texts: Vec<String>| texts.iter().map(|text| text.chars().count()).max().unwrap_or(0);
        let names = longest(rows.iter().map(|row| row.0.clone()).collect()).min(width / 3);
        let [low, median, high] = [0, 1, 2].map(|at| longest(rows.iter().map(|row| grouped(row.1[at])).collect()));
        let count = longest(rows.iter().map(|row| grouped(row.2)).collect());
        let most = rows.iter().map(|row| row.1[2]).max().unwrap_or(0).max(1);
        let line = |(name, values, samples): &(String, [u64; 3], u64)| {
            let start = format!(
                "  {:names$}  {:>median$}  p10 {:>low$}  p90 {:>high$}  {:>count$} samples  ",
                cut(name, names),
                grouped(values[1]),
                grouped(values[0]),
                grouped(values[2]),
                grouped(*samples)
            );
            let room = width.saturating_sub(start.chars().count() + 1);
            let at = |value: u64| (u128::from(value) * room as u128 / u128::from(most)) as usize;
            let bar = (0..room).map(|column| match column {
                column if column == at(values[1]).min(room.saturating_sub(1)) => '|',
                column if (at(values[0])..=at(values[2])).contains(&column) => '-',
                _ => ' ',
            });
            let bar: String = bar.collect();
            format!("{start}{}", bar.trim_end())
        };
        rows.iter().map(line).collect()
    }

    fn stale(&self) -> Vec<String> {
        if self.none.all + self.good.all + self.tested.all == 0 {
            return Vec::new();
        }
        let of = |trials: Trials| format!("{} of {}", grouped(trials.stale), plural(trials.all, "trial", "trials"));
        let word = if self.tested.stale > 0 { "STALE" } else { "stale" };
        vec![
            format!("{word} so far: {}", of(self.tested)),
            format!("  bad controls: {}", of(self.none)),
            format!("  known good: {}", of(self.good)),
        ]
    }
}

/// Writes a duration as `m:ss`.
fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Cuts a text to so many characters, without control characters: names come from the wire.
fn cut(text: &str, width: usize) -> String {
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    match text.chars().count() <= width {
        true => text.chars().map(plain).collect(),
        false => {
            let kept = text.chars().take(width.saturating_sub(1)).map(plain);
            kept.chain(['~']).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live() -> (Live, Instant) {
        let now = Instant::now();
        let mut live = Live::new(now);
        live.label = "QEMU TCG: not hardware timing".to_owned();
        live.phase("measure", 50, now);
        for (seq, value) in [
            ("empty", 3),
            ("xen_head_old", 5871),
            ("a_sequence_with_a_long_name_\u{1b}[2J", 7),
        ] {
            live.sample(seq, 0, Event::Cycles, value, 1000);
        }
        live.done = 25;
        (live, now + Duration::from_secs(62))
    }

    #[test]
    fn the_view_fits_and_labels_its_numbers() {
        let (mut live, now) = live();
        let view = live.view(now, 24, 80);
        assert_eq!(
            view[0],
            "measure [####################--------------------] 25/50 1:02, 1:02 left"
        );
        assert_eq!(view[1], "raw medians so far, cycles, provisional");
        assert_eq!(view[2], "(QEMU TCG: not hardware timing)");
        assert_eq!(view[4], "  xen_head_old                      5,871  1,000 samples");
        assert!(!view.concat().contains('\u{1b}'));
        let outcomes = Outcomes {
            stale: 1,
            fault: 9,
            ..Outcomes::default()
        };
        live.outcome(Role::Test, &outcomes);
        live.outcome(Role::NoMaintenance, &outcomes);
        assert_eq!(live.view(now, 24, 80)[6], "STALE so far: 1 of 10 trials");
        for (rows, columns) in [(24, 80), (24, 40), (6, 40), (2, 10), (0, 0)] {
            let view = live.view(now, rows, columns);
            assert!(view.len() < rows.max(2), "{rows}: {view:?}");
            assert!(
                view.iter().all(|line| line.chars().count() < columns.max(2)),
                "{columns}: {view:?}"
            );
        }
    }

    #[test]
    fn a_wide_terminal_shows_the_spread_too() {
        let (mut live, now) = live();
        live.sample("xen_head_old", 0, Event::Cycles, 9000, 300);
        let view = live.view(now, 24, 200);
        assert!(view[0].contains(&"#".repeat(33)), "{}", view[0]);
        assert!(
            view[4].starts_with("  xen_head_old                      5,871  p10 5,871  p90 9,000  1,300 samples  "),
            "{view:?}"
        );
        let bar = &view[4][view[4].find("samples").unwrap() + 9..];
        assert!(bar.trim_start().starts_with("|-") && bar.chars().count() > 60, "{bar}");
        assert!(view.iter().all(|line| line.chars().count() < 200));
    }

    #[test]
    fn the_end_of_a_phase_is_said_once() {
        let (mut live, now) = live();
        assert_eq!(live.ended(false, now), Some("measure: 25 of 50 after 1:02".to_owned()));
        assert_eq!(live.ended(true, now), None);
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let (mut live, now) = live();
        for number in 0..30 {
            live.sample(&format!("s{number}"), 0, Event::Cycles, 5, 1);
        }
        let view = live.view(now, 12, 80);
        assert_eq!(view.last().map(String::as_str), Some("  and 29 more"));
    }

    #[test]
    fn one_line_says_it_all_without_a_terminal() {
        let (mut live, now) = live();
        let line = live.line(now).unwrap();
        assert!(
            line.starts_with("measure: 25 of 50, 1:02; raw medians so far in cycles: empty 3,"),
            "{line}"
        );
        assert!(line.ends_with("(provisional; QEMU TCG: not hardware timing)"), "{line}");
        live.outcome(
            Role::NoMaintenance,
            &Outcomes {
                stale: 5,
                ..Outcomes::default()
            },
        );
        live.outcome(
            Role::Test,
            &Outcomes {
                fault: 5,
                ..Outcomes::default()
            },
        );
        let line = live.line(now).unwrap();
        assert!(
            line.contains("stale so far: 0 of 5 trials; bad controls: 5 of 5 trials; known good: 0 of 0 trials"),
            "{line}"
        );
        assert_eq!(Live::new(now).line(now), None);
    }
}
