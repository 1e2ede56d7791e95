// SPDX-License-Identifier: MIT OR Apache-2.0
//! Cost by number of pages, for each way to invalidate them.

use super::block::Block;
use crate::data;
use crate::model::{BreakEven, Finding, Net, Summary, Way, WayPoint};
use crate::number::{count, grouped, interval, plural, ratio_and_floor, ratio_interval};
use crate::plot::{Band, Body, Curve, Curves, Figure, Key, Look, OVERLAID, Panel, Point, Scale, Ticks};
use crate::table::{Cell, Table, Tone};

/// Returns the plots: cost and ratio to the full flush by pages.
pub fn pictures(summary: &Summary) -> Vec<Block> {
    let label = summary.label();
    let figure = |(index, scope): (usize, &BreakEven)| {
        let panels: Vec<Panel> = [ratio_panel(scope, summary), Some(panel(scope, label))]
            .into_iter()
            .flatten()
            .filter(has_points)
            .collect();
        let caption = format!(
            "Break-even, {}: what it costs to invalidate so many pages beside the full flush, grey the A/A noise floor; and \
             the net medians. Bars are 95% intervals over the batches. What a full flush makes others walk for later is not \
             included.",
            scope.scope
        );
        let figure = Figure::new(format!("break_even_{}", index + 1), caption, data::BREAK_EVEN, panels);
        Figure {
            pe: Some(scope.pe),
            ..figure
        }
    };
    let figures = summary.break_even.iter().enumerate().map(figure);
    let figures = figures.filter(|figure| figure.views.iter().any(|view| !view.panels.is_empty()));
    figures.map(Block::Figure).collect()
}

/// Returns the tables and what follows from them.
pub fn blocks(summary: &Summary) -> (Vec<Block>, Vec<Block>) {
    if summary.break_even.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let mut brief = Vec::new();
    for scope in &summary.break_even {
        brief.push(Block::Table(table(scope, summary)));
    }
    brief.push(Block::Paragraph(
        "Cheaper and dearer follow the rule of every comparison here: the interval of the ratio excludes 1, the ratio is \
         outside the A/A noise floor, and the test, corrected for the numbers of pages, rejects no difference. Anything else \
         is undecided. What a full flush makes others walk for later is not included."
            .to_owned(),
    ));
    (brief, Vec::new())
}

fn has_points(panel: &Panel) -> bool {
    matches!(&panel.body, Body::Curves(curves) if curves.curves.iter().any(|curve| !curve.points.is_empty()))
}

fn table(scope: &BreakEven, summary: &Summary) -> Table {
    let caption = format!(
        "Break-even, {}: net median in {} by pages, and the ratio to the full flush",
        scope.scope,
        scope.event.id()
    );
    let mut columns = vec![">pages".to_owned()];
    for way in &scope.ways {
        columns.push(format!(">{}", way.name));
        if has_ratio(way) {
            columns.extend([format!(">{} / full flush", way.name), "finding".to_owned()]);
        }
    }
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut table = Table::new(caption, &columns).labelled(summary.label());
    for pages in pages(scope) {
        let mut cells = vec![Cell::from(grouped(pages))];
        for way in &scope.ways {
            let point = way.points.iter().find(|point| point.pages == pages);
            cells.push(match point.map(|point| point.net) {
                Some(Net::Resolved(net)) => Cell::from(count(net)),
                Some(Net::BelowResolution(_)) => Cell::toned("below resolution", Tone::Care),
                Some(Net::NoFrame | Net::IsFrame) | None => "-".into(),
            });
            if has_ratio(way) {
                let beside = point.and_then(|point| point.beside);
                let ratio = beside.and_then(|beside| beside.ratio);
                cells.push(
                    ratio
                        .map_or_else(|| "-".to_owned(), |ratio| ratio_interval(&ratio))
                        .into(),
                );
                cells.push(match beside.map(|beside| beside.finding) {
                    Some(Finding::Faster) => "cheaper".into(),
                    Some(Finding::Slower) => "dearer".into(),
                    Some(other) => Cell::toned(other.wording(summary.wording()).0, Tone::Care),
                    None => "-".into(),
                });
            }
        }
        table.row(cells);
    }
    table
}

fn has_ratio(way: &Way) -> bool {
    way.points.iter().any(|point| point.beside.is_some())
}

/// Returns the ratios to the full flush by pages, with its noise floor; `None` without any.
fn ratio_panel(scope: &BreakEven, summary: &Summary) -> Option<Panel> {
    let x = Scale::of(&pages(scope), "pages invalidated");
    let ways: Vec<(usize, &Way)> = scope
        .ways
        .iter()
        .enumerate()
        .filter(|(_, way)| has_ratio(way))
        .collect();
    let of = |way: &Way| {
        let points = way.points.iter();
        points
            .filter_map(|point| Some((point.pages, point.beside?, point.beside?.ratio?)))
            .collect::<Vec<_>>()
    };
    let curve = |&(hue, way): &(usize, &Way)| Curve {
        hue,
        points: of(way)
            .iter()
            .map(|(pages, _, ratio)| Point {
                at: (x.coordinate(*pages), ratio.estimate),
                whisker: Some(ratio.interval),
            })
            .collect(),
        look: Look::Dotted,
        spots: of(way)
            .iter()
            .map(|(pages, beside, ratio)| {
                let floor = beside.noise_floor;
                let pages_words = plural(*pages, "page", "pages");
                let words = format!("{}, {pages_words}: {}", way.name, ratio_and_floor(ratio, floor));
                ((x.coordinate(*pages), ratio.estimate), words)
            })
            .collect(),
    };
    let curves: Vec<Curve> = ways.iter().map(curve).collect();
    let floor = ways
        .iter()
        .flat_map(|(_, way)| of(way))
        .find_map(|(_, beside, _)| beside.noise_floor);
    let curves = Curves {
        y: Scale::of_ratios(&curves, floor, "ratio (below 1: cheaper)"),
        band: floor.map(|floor| Band::around_one([(x.low, floor), (x.high, floor)])),
        x,
        curves,
    };
    Some(Panel {
        suffix: format!("{}_ratio", suffix(scope)),
        title: format!("Ratio to the full flush by pages, {}", scope.scope),
        label: summary.label().to_owned(),
        legend: ways
            .iter()
            .map(|(hue, way)| Key {
                hue: *hue,
                name: way.name.clone(),
            })
            .collect(),
        body: Body::Curves(curves.logarithmic_ratios()),
    })
}

fn suffix(scope: &BreakEven) -> &'static str {
    if scope.scope == "local" { "local" } else { "broadcast" }
}

fn pages(scope: &BreakEven) -> Vec<u64> {
    let mut pages: Vec<u64> = scope
        .ways
        .iter()
        .flat_map(|way| way.points.iter().map(|p| p.pages))
        .collect();
    pages.sort_unstable();
    pages.dedup();
    pages
}

fn panel(scope: &BreakEven, label: &str) -> Panel {
    let x = Scale::of(&pages(scope), "pages invalidated");
    let ways = &scope.ways[..scope.ways.len().min(OVERLAID)];
    let curve = |(hue, way): (usize, &Way)| {
        let resolved = way.points.iter().filter_map(|point| match point.net {
            Net::Resolved(net) => Some((point, net)),
            _ => None,
        });
        let point = |(point, net): (&WayPoint, f64)| Point {
            at: (x.coordinate(point.pages), net),
            whisker: point.interval,
        };
        let spot = |(point, net): (&WayPoint, f64)| {
            let ends = point
                .interval
                .map_or(String::new(), |ends| format!(" {}", interval(&ends)));
            let words = format!("{}, {} pages: {}{ends}", way.name, point.pages, count(net));
            ((x.coordinate(point.pages), net), words)
        };
        Curve {
            hue,
            points: resolved.clone().map(point).collect(),
            look: Look::Dotted,
            spots: resolved.map(spot).collect(),
        }
    };
    let key = |(hue, way): (usize, &Way)| Key {
        hue,
        name: way.name.clone(),
    };
    let curves: Vec<Curve> = ways.iter().enumerate().map(curve).collect();
    Panel {
        suffix: suffix(scope).to_owned(),
        title: format!("Cost by pages, {}", scope.scope),
        label: label.to_owned(),
        legend: ways.iter().enumerate().map(key).collect(),
        body: Body::Curves(
            Curves {
                y: upward(&curves, format!("net median, {}", scope.event.id())),
                x,
                curves,
                band: None,
            }
            .logarithmic(),
        ),
    }
}

/// Returns a vertical axis from 0 to above every point and whisker.
pub fn upward(curves: &[Curve], words: String) -> Scale {
    let points = curves.iter().flat_map(|curve| &curve.points);
    let most = points.map(|point| point.at.1.max(point.whisker.map_or(0.0, |whisker| whisker.high)));
    // A single whisker much longer than all others is cut; its end is in the data.
    let highest = curves
        .iter()
        .flat_map(|curve| &curve.points)
        .map(|point| point.at.1)
        .fold(0.0, f64::max);
    let most = most.fold(0.0, f64::max).min(highest * 2.0);
    Scale {
        low: 0.0,
        high: most.max(1.0) * 1.06,
        words,
        ticks: Ticks::Count,
    }
}
