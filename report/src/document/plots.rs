// SPDX-License-Identifier: MIT OR Apache-2.0
//! The plots of one run: which series go into which, and what is said below them.

use super::headline::first_finding;
use crate::data;
use crate::model::{BootPhase, Comparison, Part, Ratio, Series, Summary};
use crate::number::{grouped, plural};
use crate::plot::{self, Bar, Bars, Body, Figure, OVERLAID, Panel, Row, Segment, Strip, Strips, View};

/// Courses in one plot: what fits on a page.
const STRIPS: usize = 16;

/// Returns the PEs and counters of some series, each once and in order.
fn sources<K: PartialEq>(keys: impl Iterator<Item = K>) -> Vec<K> {
    let mut sources: Vec<K> = Vec::new();
    for key in keys {
        if !sources.contains(&key) {
            sources.push(key);
        }
    }
    sources
}

/// Returns an id for the `index`-th plot of a kind; the first one needs no number.
fn numbered(kind: &str, index: usize) -> String {
    match index {
        0 => kind.to_owned(),
        _ => format!("{kind}_{}", index + 1),
    }
}

/// Returns the plots of the ratios to the baseline, one per PE and counter: net if there is any, and raw.
pub fn ratios(summary: &Summary) -> Vec<Figure> {
    let all = &summary.comparisons;
    let (less, more) = (summary.wording().less(), summary.wording().more());
    let mut figures = Vec::new();
    for (pe, event) in sources(all.iter().map(|c| (c.pe, c.event))) {
        let here: Vec<&Comparison> = all.iter().filter(|c| (c.pe, c.event) == (pe, event)).collect();
        let has_net = here.iter().any(|c| c.net.is_some());
        let view = |name: &'static str, of: fn(&Comparison) -> Option<Ratio>, floored: bool| {
            let row = |c: &&Comparison| {
                Some(Row {
                    group: String::new(),
                    name: summary.naming().of_comparison(c),
                    ratio: of(c)?,
                    floor: c.noise_floor.filter(|_| floored),
                    is_twin: c.is_twin,
                    hue: summary.hue(&c.seq),
                })
            };
            let rows: Vec<Row> = here.iter().filter_map(row).collect();
            let baseline = &here[0].baseline;
            let title = format!("Ratio of {name} medians to {baseline}");
            let words = format!("\u{2190} {less} \u{b7} {name} ratio \u{b7} {more} \u{2192}");
            View {
                name,
                panels: plot::ratios(&title, summary.label(), &words, &rows),
            }
        };
        // The noise floor is that of the net ratios, unless there are none.
        let views = [view("net", |c| c.net, true), view("raw", |c| c.raw, !has_net)];
        let views: Vec<View> = views.into_iter().filter(|view| !view.panels.is_empty()).collect();
        if views.is_empty() {
            continue;
        }
        let missing = here.iter().filter(|c| has_net && c.net.is_none()).count() as u64;
        let missing = match missing {
            0 => String::new(),
            n => format!(
                " Without {} that have no net ratio.",
                plural(n, "sequence", "sequences")
            ),
        };
        let finding = first_finding(summary).filter(|_| figures.is_empty());
        let finding = finding.map_or(String::new(), |text| format!(" {text}."));
        figures.push(Figure {
            id: numbered("ratios", figures.len()),
            caption: format!(
                "Ratio to the baseline: left of 1 is {less}; bars are 95% intervals over the batches, grey is the A/A \
                 noise floor: the baseline beside its own copy.{finding}{missing}"
            ),
            data: data::RATIOS,
            pe: Some(pe),
            views,
        });
    }
    figures
}

/// Returns the plots of distributions: the baseline with a few others in each, per PE and counter.
pub fn distributions(summary: &Summary) -> Vec<Figure> {
    let shown = |series: &Series| series.stats.is_some() && !matches!(series.part, Part::Empty | Part::Twin(_));
    let mut figures = Vec::new();
    for (pe, event) in sources(summary.series.iter().map(|s| (s.pe, s.event))) {
        let here = summary
            .series
            .iter()
            .filter(|s| (s.pe, s.event) == (pe, event) && shown(s));
        let (baseline, others): (Vec<&Series>, Vec<&Series>) = here.partition(|s| s.part == Part::Baseline);
        let baseline = &baseline[..baseline.len().min(1)];
        let groups: Vec<&[&Series]> = match others.is_empty() {
            true if baseline.is_empty() => Vec::new(),
            true => vec![&[]],
            false => others.chunks(OVERLAID - baseline.len()).collect(),
        };
        for others in groups {
            let series = [baseline, others].concat();
            let names: Vec<String> = series.iter().map(|series| summary.naming().of(series)).collect();
            let beyond = match plot::beyond(&series) {
                0 => String::new(),
                n => format!(" {} samples lie outside the axis.", grouped(n)),
            };
            let caption = format!(
                "Distribution of raw samples of {}, frame included: as a histogram, or as the share at or below.{beyond}",
                names.join(", ")
            );
            figures.push(Figure {
                id: format!("distribution_{}", figures.len() + 1),
                caption,
                data: data::DISTRIBUTION,
                pe: Some(pe),
                views: plot::distribution(&series, summary),
            });
        }
    }
    figures
}

/// Returns the plots of the batch medians over the run, per PE and counter.
pub fn drift(summary: &Summary) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (pe, event) in sources(summary.series.iter().map(|s| (s.pe, s.event))) {
        let here = summary.series.iter().filter(|s| (s.pe, s.event) == (pe, event));
        let strip = |s: &Series| {
            let hue = (s.part != Part::Empty).then(|| summary.hue(&s.seq));
            Strip::of(summary.naming().of(s), hue, s.stats?.drift, &s.batches)
        };
        let strips: Vec<Strip> = here.filter_map(strip).collect();
        // One scale for all, however many plots they take.
        let Strips { span, strips } = Strips::new(strips);
        if strips.is_empty() {
            continue;
        }
        let panels = strips.chunks(STRIPS / 2).enumerate().map(|(index, some)| Panel {
            suffix: if index == 0 {
                String::new()
            } else {
                (index + 1).to_string()
            },
            title: format!("Batch medians over the run, raw {}", event.id()),
            label: summary.label().to_owned(),
            legend: Vec::new(),
            body: Body::Strips(Strips {
                span,
                strips: some.to_vec(),
            }),
        });
        let panels: Vec<Panel> = panels.collect();
        let caption = format!(
            "Drift: the median of every batch, in the order in which they were taken, around the median of all batches \
             (the line; its number beside the name). Every strip reaches {:.0}% of that up and down; in brackets the \
             change from the first third of the run to the last.",
            span * 100.0
        );
        let figure = Figure::new(numbered("drift", figures.len()), caption, data::BATCHES, panels);
        figures.push(Figure { pe: Some(pe), ..figure });
    }
    figures
}

/// Returns the plot of the boot phases: one bar per PE.
pub fn boot(summary: &Summary) -> Option<Figure> {
    let first = summary.boot.first()?;
    let phases: Vec<&BootPhase> = summary.boot.iter().filter(|phase| phase.event == first.event).collect();
    let names = sources(phases.iter().map(|phase| phase.phase.as_str()));
    let pes = sources(phases.iter().map(|phase| phase.pe));
    let bars: Vec<Bar> = pes
        .iter()
        .map(|&pe| Bar {
            name: match pes.len() {
                1 => format!("all phases, {}", first.event.id()),
                _ => format!("PE {pe}"),
            },
            segments: segments(phases.iter().copied().filter(|phase| phase.pe == pe), &names),
        })
        .collect();
    let panel = Panel {
        suffix: String::new(),
        title: "Boot phases, in order".to_owned(),
        label: summary.label().to_owned(),
        legend: Vec::new(),
        body: Body::Bars(Bars {
            words: format!("{} since entry", first.event.id()),
            listed: bars.len() == 1,
            bars,
        }),
    };
    let caption = format!(
        "The boot path, phase by phase, in the order in which it ran, in {} since entry.",
        first.event.id()
    );
    Some(Figure::new("boot", caption, data::BOOT, vec![panel]))
}

/// Returns phases as segments, numbered by their name's position in `names`.
pub fn segments<'a>(phases: impl Iterator<Item = &'a BootPhase>, names: &[&str]) -> Vec<Segment> {
    phases
        .map(|phase| Segment {
            number: names
                .iter()
                .position(|name| *name == phase.phase)
                .map_or(0, |at| at + 1),
            name: phase.phase.clone(),
            count: phase.count,
        })
        .collect()
}
