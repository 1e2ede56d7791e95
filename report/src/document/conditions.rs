// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the cost depends on the conditions it is measured under, and what the counters beside the clock say.

use results::scenario::Axis;

use super::baseline_ratio;
use super::block::Block;
use super::break_even::upward;
use crate::data;
use crate::model::{
    BaselineRatio, Clock, EventCount, Interval, LineFit, Net, Part, Ratio, Refill, Summary, Sweep, SweepPoint,
};
use crate::number::{count, grouped, interval, percent, plural};
use crate::plot::{Band, Body, Curve, Curves, Figure, Key, Look, OVERLAID, Panel, Point, Scale, Strip, Strips};
use crate::table::{Cell, Table, Tone};

/// Returns the result in words and the curves, then the tables and the counters.
pub fn blocks(summary: &Summary) -> (Vec<Block>, Vec<Block>) {
    let (mut brief, mut detail) = (Vec::new(), Vec::new());
    brief.extend(baseline_ratio::conclusions(summary));
    brief.extend(figures(summary).into_iter().map(Block::Figure));
    for sweeps in groups(summary) {
        let caption = by(sweeps[0], summary);
        brief.push(Block::Table(table(&sweeps, &caption, summary).folded_beyond(0)));
        detail.extend(baseline_ratio::table(&sweeps, &caption, summary));
        let fits: Vec<String> = sweeps.iter().filter_map(|sweep| fit(sweep, summary)).collect();
        if !fits.is_empty() {
            brief.push(Block::List(fits));
        }
    }
    if !summary.refills.is_empty() {
        brief.push(Block::Table(refills(summary)));
        let baseline_ratio = baseline_ratio::refills(summary);
        if !baseline_ratio.is_empty() {
            brief.push(Block::List(baseline_ratio));
        }
    }
    if !summary.events.is_empty() {
        detail.push(Block::Table(events(summary)));
    }
    if !summary.not_counted.is_empty() {
        let line = |n: &crate::model::NotCounted| format!("PE {}: {} not counted: {}.", n.pe, n.event.id(), n.reason);
        detail.push(Block::List(summary.not_counted.iter().map(line).collect()));
    }
    if !summary.clocks.is_empty() {
        detail.push(Block::Table(clocks(summary)));
        detail.extend(clock_figure(summary).map(Block::Figure));
    }
    (brief, detail)
}

/// Returns the sweeps that share everything but the sequence: the baseline, and at most as many others as a plot can tell
/// apart beside it. The twin of the baseline says nothing here that the baseline does not.
fn groups(summary: &Summary) -> Vec<Vec<&Sweep>> {
    let key = |s: &Sweep| (s.axis, s.pe, s.event, s.base.clone());
    let mut groups: Vec<Vec<&Sweep>> = Vec::new();
    let others = summary.sweeps.iter().filter(|s| s.part == Part::Test);
    for sweep in others {
        let known = groups
            .iter_mut()
            .find(|group| key(group[0]) == key(sweep) && group.len() < OVERLAID - 1);
        match known {
            Some(group) => group.push(sweep),
            None => groups.push(vec![sweep]),
        }
    }
    for sweep in summary.sweeps.iter().filter(|s| s.part == Part::Baseline) {
        let mut of_its = groups.iter_mut().filter(|group| key(group[0]) == key(sweep)).peekable();
        match of_its.peek() {
            Some(_) => of_its.for_each(|group| group.insert(0, sweep)),
            None => {
                drop(of_its);
                groups.push(vec![sweep]);
            }
        }
    }
    groups
}

/// Returns the conditions that stay, in words.
fn kept(sweep: &Sweep) -> String {
    match sweep.base.as_str() {
        "plain" => String::new(),
        base => format!(", with {base}"),
    }
}

fn xs(sweeps: &[&Sweep]) -> Vec<u64> {
    let mut xs: Vec<u64> = sweeps
        .iter()
        .flat_map(|sweep| sweep.points.iter().map(|p| p.x))
        .collect();
    xs.sort_unstable();
    xs.dedup();
    xs
}

/// Returns what varies in some sweeps, and what stays.
fn by(first: &Sweep, summary: &Summary) -> String {
    format!(
        "{}{}{}",
        first.axis.title(),
        kept(first),
        summary.naming().on_pe(first.pe)
    )
}

fn table(sweeps: &[&Sweep], by: &str, summary: &Summary) -> Table {
    let first = sweeps[0];
    let caption = format!("Net median in {} by {by}, [95% interval]", first.event.id());
    let mut columns = vec![format!(">{}", first.axis.title())];
    columns.extend(sweeps.iter().map(|sweep| format!(">{}", sweep.seq)));
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut table = Table::new(caption, &columns).labelled(summary.label());
    for x in xs(sweeps) {
        let cell = |sweep: &&Sweep| match sweep.points.iter().find(|point| point.x == x) {
            None => "-".into(),
            Some(point) => match (point.net, point.net_interval) {
                (Net::Resolved(net), Some(ends)) => format!("{} {}", count(net), interval(&ends)).into(),
                (Net::Resolved(net), None) => count(net).into(),
                (Net::BelowResolution(_), _) => Cell::toned("below resolution", Tone::Care),
                (Net::NoFrame | Net::IsFrame, _) => format!("{} raw", count(point.median)).into(),
            },
        };
        let cells = [grouped(x).into()].into_iter();
        table.row(cells.chain(sweeps.iter().map(cell)));
    }
    table
}

/// On which side of 0 an interval lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Above,
    Below,
    None,
}

/// Says what the line through the points means.
fn fit(sweep: &Sweep, summary: &Summary) -> Option<String> {
    let LineFit {
        slope,
        slope_interval,
        intercept,
        intercept_interval,
        baseline_ratio,
        batches,
    } = sweep.fit?;
    let unit = sweep.event.id();
    let each = format!("{} {unit} {}", count(slope), interval(&slope_interval));
    let start = format!("{} {unit} {}", count(intercept), interval(&intercept_interval));
    // What is left at 0 is a cost only if it is above 0 beyond doubt.
    let sign = match intercept_interval {
        Interval { low, .. } if low > 0.0 => Sign::Above,
        Interval { high, .. } if high < 0.0 => Sign::Below,
        _ => Sign::None,
    };
    let bent = format!("the line would start below 0, at {start}, so the cost is not quite linear");
    let words = match (sweep.axis, sign) {
        (Axis::Tlbis, Sign::Above) => {
            format!("each further TLBI before the DSB costs {each}; completion without any would cost {start}")
        }
        (Axis::Tlbis, Sign::None) => format!(
            "each further TLBI before the DSB costs {each}; what completion alone costs cannot be told from 0 ({start})"
        ),
        (Axis::Tlbis, Sign::Below) => format!("each further TLBI before the DSB costs {each}; {bent}"),
        (Axis::Repeat, Sign::Above) => {
            format!("one more run costs {each}, with the frame canceled out; what is left at none is {start}")
        }
        (Axis::Repeat, Sign::None) => {
            format!("one more run costs {each}, with the frame canceled out; nothing is left at none ({start})")
        }
        (Axis::Repeat, Sign::Below) => format!("one more run costs {each}, with the frame canceled out; {bent}"),
        (axis, _) => format!("one more of the {} costs {each}, starting from {start}", axis.title()),
    };
    let baseline = baseline_ratio::baseline(summary, sweep.pe, sweep.event);
    let baseline_ratio = baseline_ratio.zip(baseline).map(|(baseline_ratio, baseline)| {
        format!(
            " The slope beside that of {baseline}: {}.",
            baseline_ratio::words(&baseline_ratio, summary.wording())
        )
    });
    Some(format!(
        "{}{}: {words} (line fitted in {}).{}",
        sweep.seq,
        kept(sweep),
        plural(batches, "batch", "batches"),
        baseline_ratio.unwrap_or_default()
    ))
}

/// Returns one plot for every condition that varies: beside the baseline, and by itself.
fn figures(summary: &Summary) -> Vec<Figure> {
    let mut figures: Vec<Figure> = Vec::new();
    for group in groups(summary) {
        let (cost, below) = cost_panel(&group, summary);
        let ratio = ratio_panel(&group, summary);
        let below = match below {
            0 => String::new(),
            n => format!(
                " {} below resolution and not drawn.",
                plural(n, "point is", "points are")
            ),
        };
        // What is the same under all of them is said once.
        let how = match figures.is_empty() {
            true => {
                ". Grey: the A/A noise floor under each condition. Bars: 95% intervals over the batches. What lies at one \
                 value is drawn side by side."
            }
            false => ".",
        };
        let first = group[0];
        let ratio_shown = ratio.is_some();
        let panels: Vec<Panel> = ratio.into_iter().chain(cost).collect();
        if panels.is_empty() {
            continue;
        }
        let what = match ratio_shown {
            true => "Ratio to the baseline, and net medians",
            false => "Net medians",
        };
        let caption = format!("{what}, by {}{how}{below}", by(first, summary));
        let figure = Figure::new(format!("sweeps_{}", figures.len() + 1), caption, data::SWEEPS, panels);
        figures.push(Figure {
            pe: Some(first.pe),
            ..figure
        });
    }
    figures
}

fn keys(sweeps: &[&Sweep], summary: &Summary) -> Vec<Key> {
    let key = |sweep: &&Sweep| Key {
        hue: summary.hue(&sweep.seq),
        name: sweep.seq.clone(),
    };
    sweeps.iter().map(key).collect()
}

/// Returns the panel of ratios to the baseline along one condition, with the noise floor under each; `None` without any.
fn ratio_panel(sweeps: &[&Sweep], summary: &Summary) -> Option<Panel> {
    let first = sweeps[0];
    let baseline = baseline_ratio::baseline(summary, first.pe, first.event)?;
    let x = Scale::of(&xs(sweeps), first.axis.title());
    let tested: Vec<&Sweep> = sweeps.iter().copied().filter(|s| s.part == Part::Test).collect();
    let with_ratio = |sweep: &Sweep| -> Vec<(u64, Ratio, BaselineRatio)> {
        let points = sweep.points.iter();
        points
            .filter_map(|point| {
                let beside = point.baseline_ratio?;
                Some((point.x, beside.ratio?, beside))
            })
            .collect()
    };
    let mut floors: Vec<(u64, f64)> = Vec::new();
    for (at, _, beside) in tested.iter().flat_map(|sweep| with_ratio(sweep)) {
        if let Some(floor) = beside.noise_floor
            && floors.iter().all(|(known, _)| *known != at)
        {
            floors.push((at, floor));
        }
    }
    floors.sort_by_key(|(at, _)| *at);
    let curve = |sweep: &&Sweep| {
        let points = with_ratio(sweep);
        let at = |at: u64, ratio: &Ratio| (x.coordinate(at), ratio.estimate);
        let spot = |(here, ratio, beside): &(u64, Ratio, BaselineRatio)| {
            let words = baseline_ratio::words(beside, summary.wording());
            let words = format!("{}, {} {}: {words}", sweep.seq, grouped(*here), sweep.axis.title());
            (at(*here, ratio), words)
        };
        Curve {
            hue: summary.hue(&sweep.seq),
            points: points
                .iter()
                .map(|(here, ratio, _)| Point {
                    at: at(*here, ratio),
                    whisker: Some(ratio.interval),
                })
                .collect(),
            look: Look::Dotted,
            spots: points.iter().map(spot).collect(),
        }
    };
    let curves: Vec<Curve> = tested.iter().map(curve).collect();
    curves.iter().flat_map(|curve| &curve.points).next()?;
    let widest = floors.iter().map(|(_, floor)| *floor).reduce(f64::max);
    let band = floors.iter().map(|&(at, floor)| (x.coordinate(at), floor));
    let band = (!floors.is_empty()).then(|| Band::around_one(band));
    let words = format!("net ratio (below 1: {})", summary.wording().less());
    Some(Panel {
        suffix: format!("{}_ratio", first.axis.id()),
        title: format!("Net ratio to {baseline} by {}{}", first.axis.title(), kept(first)),
        label: summary.label().to_owned(),
        legend: keys(&tested, summary),
        body: Body::Curves(
            Curves {
                x,
                y: Scale::of_ratios(&curves, widest, &words),
                curves,
                band,
            }
            .logarithmic_ratios(),
        ),
    })
}

/// Returns the panel of the costs of some sweeps along one axis, unless nothing of them can be drawn, and how many points
/// cannot.
fn cost_panel(sweeps: &[&Sweep], summary: &Summary) -> (Option<Panel>, u64) {
    let first = sweeps[0];
    let x = Scale::of(&xs(sweeps), first.axis.title());
    let curve = |sweep: &&Sweep| {
        let resolved = sweep.points.iter().filter_map(|point| match point.net {
            Net::Resolved(net) => Some((point, net)),
            _ => None,
        });
        let point = |(point, net): (&SweepPoint, f64)| Point {
            at: (x.coordinate(point.x), net),
            whisker: point.net_interval,
        };
        let spot = |(point, net): (&SweepPoint, f64)| ((x.coordinate(point.x), net), spot(sweep, point, net));
        Curve {
            hue: summary.hue(&sweep.seq),
            points: resolved.clone().map(point).collect(),
            look: Look::Dotted,
            spots: resolved.map(spot).collect(),
        }
    };
    let curves: Vec<Curve> = sweeps.iter().map(curve).collect();
    let drawn: usize = curves.iter().map(|curve| curve.points.len()).sum();
    let below = sweeps.iter().map(|sweep| sweep.points.len()).sum::<usize>() - drawn;
    let panel = Panel {
        suffix: first.axis.id().to_owned(),
        title: format!("Cost by {}{}", first.axis.title(), kept(first)),
        label: summary.label().to_owned(),
        legend: keys(sweeps, summary),
        body: Body::Curves(Curves {
            y: upward(&curves, format!("net median, {}", first.event.id())),
            x,
            curves,
            band: None,
        }),
    };
    ((drawn > 0).then_some(panel), below as u64)
}

fn spot(sweep: &Sweep, point: &SweepPoint, net: f64) -> String {
    let ends = |ends: Interval| format!(" {}", interval(&ends));
    format!(
        "{}, {} {}: {}{}",
        sweep.seq,
        grouped(point.x),
        sweep.axis.title(),
        count(net),
        point.net_interval.map_or(String::new(), ends)
    )
}

fn refills(summary: &Summary) -> Table {
    let columns = [
        "sequence",
        ">pages",
        ">flush",
        ">refill",
        ">95% interval",
        ">sum",
        ">warm",
    ];
    let mut table = Table::new(
        "The flush beside what it makes the code after it walk for again, net medians; warm: the same pages without a flush",
        &columns,
    )
    .labelled(summary.label());
    let shown = |refill: &&Refill| !matches!(refill.part, Part::Twin(_));
    for r in summary.refills.iter().filter(shown) {
        let Refill { flush, refill, .. } = r;
        let flush_text = match flush {
            Net::Resolved(net) => Cell::from(count(*net)),
            Net::BelowResolution(_) => Cell::toned("below resolution", Tone::Care),
            Net::NoFrame | Net::IsFrame => "-".into(),
        };
        let sum = match (flush, refill) {
            (Net::Resolved(flush), Some(refill)) => count(flush + refill),
            _ => "-".to_owned(),
        };
        table.row([
            summary.naming().name(&r.seq, r.pe, r.event).into(),
            grouped(r.pages).into(),
            flush_text,
            refill.map_or_else(
                || Cell::toned("none to be seen", Tone::Care),
                |refill| count(refill).into(),
            ),
            r.refill_interval
                .map_or_else(|| "-".to_owned(), |ends| interval(&ends))
                .into(),
            sum.into(),
            count(r.warm).into(),
        ]);
    }
    table.of_pes(summary.refills.iter().filter(shown).map(|refill| refill.pe))
}

fn events(summary: &Summary) -> Table {
    let columns = [
        "sequence",
        "conditions",
        "event",
        ">mean",
        ">net mean",
        ">median",
        ">samples",
    ];
    let mut table = Table::new("Events counted during a sequence, per sample", &columns).labelled(summary.label());
    let shown = |event: &&EventCount| !matches!(event.part, Part::Twin(_));
    for e in summary.events.iter().filter(shown) {
        table.row([
            match summary.naming().pe {
                true => format!("{} (PE {})", e.seq, e.pe),
                false => e.seq.clone(),
            }
            .into(),
            e.scenario.as_str().into(),
            e.event.id().into(),
            fine(e.mean).into(),
            e.net_mean.map_or_else(|| "-".to_owned(), fine).into(),
            count(e.median).into(),
            grouped(e.samples).into(),
        ]);
    }
    let pes: Vec<u32> = summary.events.iter().filter(shown).map(|event| event.pe).collect();
    table.of_pes(pes.into_iter())
}

/// Writes a mean of events, which are often rarer than samples.
fn fine(mean: f64) -> String {
    if mean != 0.0 && mean.abs() < 10.0 {
        format!("{mean:.3}")
    } else {
        count(mean)
    }
}

fn clocks(summary: &Summary) -> Table {
    let columns = [">PE", ">median", ">spread", ">batches"];
    let mut table = Table::new("Cycle counter beside the generic timer, in MHz", &columns).labelled(summary.label());
    for clock in &summary.clocks {
        table.row([
            clock.pe.to_string().into(),
            format!("{:.3}", clock.median / 1e6).into(),
            percent(clock.spread).into(),
            grouped(clock.frequencies.len() as u64).into(),
        ]);
    }
    table.of_pes(summary.clocks.iter().map(|clock| clock.pe))
}

fn clock_figure(summary: &Summary) -> Option<Figure> {
    let strip = |clock: &Clock| Strip::of(format!("PE {}, Hz", clock.pe), None, None, &clock.frequencies);
    let strips: Vec<Strip> = summary.clocks.iter().filter_map(strip).collect();
    if strips.is_empty() {
        return None;
    }
    let strips = Strips::new(strips);
    let caption = format!(
        "Frequency of the cycle counter in every batch, held against the generic timer; every strip reaches {} of the \
         median up and down.",
        percent(strips.span)
    );
    let panel = Panel {
        suffix: String::new(),
        title: "Frequency of the cycle counter over the run".to_owned(),
        label: summary.label().to_owned(),
        legend: Vec::new(),
        body: Body::Strips(strips),
    };
    Some(Figure::new("clock", caption, data::CLOCKS, vec![panel]))
}
