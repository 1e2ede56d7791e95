// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the ratio of one pair of sequences went from run to run on one machine under one version of QEMU or of a firmware:
//! what moves here without a change of the sequences is the set-up.

use std::fmt::Write;

use super::machines::{Kind, machine};
use crate::data::field;
use crate::document::Block;
use crate::model::{Comparison, Interval, Ratio, Summary};
use crate::number::{grouped, percent, plural, ratio_interval};
use crate::plot::{Band, Body, Curve, Curves, Figure, Look, Panel, Point, Scale};
use crate::table::{Cell, Table, Tone};

/// Name of the file with the data.
pub const DATA: &str = "index.csv";
/// Runs from which on a course says something.
const LEAST: usize = 3;
/// Courses that are drawn.
const DRAWN: usize = 12;

/// The runs of one machine that compared one pair, oldest first.
struct Trend<'a> {
    kind: Kind,
    machine: String,
    by: String,
    label: &'a str,
    pair: String,
    runs: Vec<(&'a Summary, &'a Comparison, Ratio)>,
}

fn trends<'a>(runs: &[&'a Summary]) -> Vec<Trend<'a>> {
    let mut order: Vec<&Summary> = runs.to_vec();
    order.sort_by(|a, b| a.manifest.started.cmp(&b.manifest.started));
    let mut trends: Vec<Trend<'a>> = Vec::new();
    for run in order.into_iter().filter(|run| run.reservations.is_empty()) {
        for c in run.comparisons.iter().filter(|c| !c.is_twin) {
            let Some(ratio) = c.net else { continue };
            let m = machine(&run.manifest);
            let pair = run.naming().name(&format!("{} / {}", c.seq, c.baseline), c.pe, c.event);
            let name = format!("{}, {}", m.name, run.manifest.machine);
            let key = (m.kind, &name, &m.by, run.label(), &pair);
            let known = trends
                .iter_mut()
                .find(|t| (t.kind, &t.machine, &t.by, t.label, &t.pair) == key);
            match known {
                Some(trend) => trend.runs.push((run, c, ratio)),
                None => trends.push(Trend {
                    kind: m.kind,
                    machine: name,
                    by: m.by,
                    label: run.label(),
                    pair,
                    runs: vec![(run, c, ratio)],
                }),
            }
        }
    }
    trends.retain(|trend| trend.runs.len() >= LEAST);
    // Hardware first; the courses with most runs say most.
    trends.sort_by_key(|trend| (trend.kind, std::cmp::Reverse(trend.runs.len())));
    trends
}

impl Trend<'_> {
    /// Returns the middle one of the ratios before the newest.
    fn before(&self) -> f64 {
        let mut earlier: Vec<f64> = self
            .runs
            .iter()
            .rev()
            .skip(1)
            .map(|(_, _, ratio)| ratio.estimate)
            .collect();
        earlier.sort_unstable_by(f64::total_cmp);
        earlier.get(earlier.len() / 2).copied().unwrap_or(1.0)
    }

    /// Says whether the newest ratio is where the earlier ones were, as far as its interval and noise floor can tell.
    fn verdict(&self) -> (&'static str, Tone) {
        let Some((_, c, newest)) = self.runs.last() else {
            return ("-", Tone::Plain);
        };
        let before = self.before();
        let Interval { low, high } = newest.interval;
        let apart = (newest.estimate / before).max(before / newest.estimate) - 1.0;
        match c.noise_floor {
            floor if (low..=high).contains(&before) || floor.is_some_and(|floor| apart <= floor) => {
                ("as before", Tone::Plain)
            }
            Some(_) => ("MOVED", Tone::Bad),
            None => ("no noise floor, no claim", Tone::Care),
        }
    }

    fn title(&self) -> String {
        match self.by.is_empty() {
            true => self.machine.clone(),
            false => format!("{}, {}", self.machine, self.by),
        }
    }

    fn panel(&self, number: usize) -> Panel {
        let at = |index: usize| index as f64 + 1.0;
        let ratios = self.runs.iter().enumerate();
        let curve = Curve {
            hue: 1,
            points: ratios
                .clone()
                .map(|(index, (_, _, ratio))| Point {
                    at: (at(index), ratio.estimate),
                    whisker: Some(ratio.interval),
                })
                .collect(),
            look: Look::Dotted,
            spots: ratios
                .clone()
                .map(|(index, (run, _, ratio))| {
                    let words = format!("{}: {}", run.name, ratio_interval(ratio));
                    ((at(index), ratio.estimate), words)
                })
                .collect(),
        };
        let curves = vec![curve];
        let floors: Vec<(f64, f64)> = ratios
            .filter_map(|(index, (_, c, _))| Some((at(index), c.noise_floor?)))
            .collect();
        let widest = floors.iter().map(|(_, floor)| *floor).reduce(f64::max);
        let numbers: Vec<u64> = (1..=self.runs.len() as u64).collect();
        Panel {
            suffix: number.to_string(),
            title: format!("{}: {}", self.pair, self.title()),
            label: self.label.to_owned(),
            legend: Vec::new(),
            body: Body::Curves(
                Curves {
                    x: Scale::linear(&numbers, "run, the oldest first"),
                    y: Scale::of_ratios(&curves, widest, "net ratio"),
                    band: (!floors.is_empty()).then(|| Band::around_one(floors)),
                    curves,
                }
                .logarithmic_ratios(),
            ),
        }
    }
}

/// Returns the pictures and a row for each course; nothing where no machine has runs enough.
pub fn blocks(runs: &[&Summary]) -> Vec<Block> {
    let trends = trends(runs);
    if trends.is_empty() {
        return Vec::new();
    }
    let columns = [
        "what it is",
        "machine",
        "firmware or emulator",
        "sequence / baseline",
        ">runs",
        ">newest ratio",
        ">median before",
        ">noise floor",
        "newest",
    ];
    let mut table = Table::new("Trends: the newest run beside those before it", &columns);
    for trend in &trends {
        let Some((_, c, newest)) = trend.runs.last() else {
            continue;
        };
        let (words, tone) = trend.verdict();
        table.row([
            trend.kind.cell(),
            trend.machine.as_str().into(),
            trend.by.as_str().into(),
            trend.pair.as_str().into(),
            grouped(trend.runs.len() as u64).into(),
            ratio_interval(newest).into(),
            format!("{:.3}", trend.before()).into(),
            c.noise_floor.map_or_else(|| "-".to_owned(), percent).into(),
            Cell::toned(words, tone),
        ]);
    }
    let panels: Vec<Panel> = trends
        .iter()
        .take(DRAWN)
        .enumerate()
        .map(|(index, trend)| trend.panel(index + 1))
        .collect();
    let more = match trends.len().saturating_sub(DRAWN) as u64 {
        0 => String::new(),
        n => format!(" {} not drawn.", plural(n, "further course is", "further courses are")),
    };
    let caption = format!(
        "The ratio of a pair from run to run, machine by machine: bars are 95% intervals, grey is each run's A/A noise \
         floor.{more}"
    );
    vec![
        Block::Figure(Figure::new("trends", caption, DATA, panels)),
        Block::Table(table),
    ]
}

/// Returns the courses as CSV: `label,machine,by,pair,run,started,ratio,ratio_low,ratio_high,noise_floor`.
pub fn csv(runs: &[&Summary]) -> String {
    let mut out = String::from("label,machine,by,pair,run,started,ratio,ratio_low,ratio_high,noise_floor\n");
    for trend in trends(runs) {
        for (run, c, ratio) in &trend.runs {
            // Writing to a string does not fail.
            let _ = writeln!(
                out,
                "{},{},{},{},{},{},{},{},{},{}",
                field(trend.label),
                field(&trend.machine),
                field(&trend.by),
                field(&trend.pair),
                field(&run.name),
                field(&run.manifest.started),
                ratio.estimate,
                ratio.interval.low,
                ratio.interval.high,
                c.noise_floor.map_or(String::new(), |floor| floor.to_string())
            );
        }
    }
    out
}
