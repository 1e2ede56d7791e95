// SPDX-License-Identifier: MIT OR Apache-2.0
//! Cost by number of pages, for each way to invalidate them.

use super::block::Block;
use crate::data;
use crate::model::{BreakEven, Net, Summary, Way, WayPoint};
use crate::number::{count, grouped, interval};
use crate::plot::{Body, Curve, Curves, Figure, Key, Look, OVERLAID, Panel, Point, Scale, Ticks};
use crate::table::{Cell, Table, Tone};

/// Returns the tables and what follows from them, then the plot.
pub fn blocks(summary: &Summary) -> (Vec<Block>, Vec<Block>) {
    let Some(first) = summary.break_even.first() else {
        return (Vec::new(), Vec::new());
    };
    let mut brief = Vec::new();
    for scope in &summary.break_even {
        brief.push(Block::Table(table(scope, summary.label())));
        if !scope.findings.is_empty() {
            let findings = scope
                .findings
                .iter()
                .map(|finding| format!("{}, {finding}.", scope.scope));
            brief.push(Block::List(findings.collect()));
        }
    }
    brief.push(Block::Paragraph(
        "What a full flush makes others walk for later is not included.".to_owned(),
    ));
    let caption = String::from(
        "Net median cost by pages invalidated, with 95% intervals over the batches: where the lines cross is the \
         break-even.",
    );
    let panels: Vec<Panel> = summary
        .break_even
        .iter()
        .map(|scope| panel(scope, summary.label()))
        .collect();
    let mut detail = Vec::new();
    if panels.iter().any(has_points) {
        let figure = Figure::new("break_even", caption, data::BREAK_EVEN, panels);
        detail.push(Block::Figure(Figure {
            pe: Some(first.pe),
            ..figure
        }));
    }
    (brief, detail)
}

fn has_points(panel: &Panel) -> bool {
    matches!(&panel.body, Body::Curves(curves) if curves.curves.iter().any(|curve| !curve.points.is_empty()))
}

fn table(scope: &BreakEven, label: &str) -> Table {
    let caption = format!(
        "Break-even, {}: net median in {} by pages",
        scope.scope,
        scope.event.id()
    );
    let mut columns = vec![">pages".to_owned()];
    columns.extend(scope.ways.iter().map(|way| format!(">{}", way.name)));
    columns.push("cheapest".to_owned());
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut table = Table::new(caption, &columns).labelled(label);
    for pages in pages(scope) {
        let at = |way: &Way| way.points.iter().find(|point| point.pages == pages).copied();
        let cell = |way: &Way| match at(way).map(|point| point.net) {
            Some(Net::Resolved(net)) => Cell::from(count(net)),
            Some(Net::BelowResolution(_)) => Cell::toned("below resolution", Tone::Care),
            Some(Net::NoFrame | Net::IsFrame) | None => "-".into(),
        };
        let resolved = |way: &Way| match at(way)?.net {
            Net::Resolved(net) => Some((way.name.clone(), net)),
            _ => None,
        };
        let cheapest = scope
            .ways
            .iter()
            .filter_map(resolved)
            .min_by(|a, b| a.1.total_cmp(&b.1));
        let cheapest = cheapest.map_or_else(|| "-".to_owned(), |(name, _)| name);
        let cells = [grouped(pages).into()].into_iter();
        table.row(cells.chain(scope.ways.iter().map(cell)).chain([cheapest.into()]));
    }
    table
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
        suffix: if scope.scope == "local" { "local" } else { "broadcast" }.to_owned(),
        title: format!("Cost by pages, {}", scope.scope),
        label: label.to_owned(),
        legend: ways.iter().enumerate().map(key).collect(),
        body: Body::Curves(
            Curves {
                y: upward(&curves, format!("net {}", scope.event.id())),
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
