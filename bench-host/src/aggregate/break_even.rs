// SPDX-License-Identifier: MIT OR Apache-2.0
//! Break-even: what a run says of page by page, by range and a full flush.
//!
//! By the rule of every other comparison: batches paired with those of the full flush of the same scope, an interval, the
//! noise floor of that flush beside its own copy, and a test that is corrected for all numbers of pages of the scope.
//! Where that decides nothing, nothing is said. What a full flush costs later, when everything it threw away is walked for
//! again, is not in it.

use report::model::{BaselineRatio, BreakEven, Comparison, Finding, Part, Series, Summary, Way, WayPoint};
use report::number::{percent, plural, ratio_interval};

use super::compare_all;
use crate::break_even::{BROADCAST_TWIN, Form, PAGES, Point, Scope, at, points};

/// Returns what a run says, scope by scope; nothing if the run did not make the comparison.
pub fn of(summary: &Summary) -> Vec<BreakEven> {
    let baseline = at(Form::All, Scope::Local, 1);
    if series(summary, baseline).is_none() {
        return Vec::new();
    }
    Scope::ALL
        .into_iter()
        .filter_map(|scope| one_scope(summary, scope))
        .collect()
}

fn one_scope(summary: &Summary, scope: Scope) -> Option<BreakEven> {
    let all = series(summary, at(Form::All, scope, 1))?;
    let beside = compare(summary, scope);
    let ways = Form::ALL.into_iter().map(|form| Way {
        name: form.title().to_owned(),
        points: PAGES
            .into_iter()
            .filter_map(|pages| {
                let point = at(form, scope, pages);
                let stats = series(summary, point)?.stats?;
                let c = beside.iter().find(|c| c.seq == point.id());
                Some(WayPoint {
                    pages: pages.into(),
                    net: stats.net,
                    interval: stats.net_interval,
                    beside: c.map(|c| BaselineRatio {
                        ratio: c.ratio().copied(),
                        noise_floor: c.noise_floor,
                        finding: c.finding,
                    }),
                })
            })
            .collect(),
    });
    let ways: Vec<Way> = ways.filter(|way| !way.points.is_empty()).collect();
    let findings = [Form::Va, Form::Range].map(|form| {
        let way = ways.iter().find(|way| way.name == form.title());
        let found = way.map_or_else(|| "not measured here".to_owned(), |way| finding(&way.points));
        format!("{}: {found}", form.title())
    });
    Some(BreakEven {
        scope: scope.title().to_owned(),
        pe: all.pe,
        event: all.event,
        ways,
        findings: findings.into(),
    })
}

fn series(summary: &Summary, point: Point) -> Option<&Series> {
    let id = point.id();
    summary.series.iter().find(|series| series.seq == id)
}

/// Compares every sequence of a scope with its full flush, as sequences of any run are compared with their baseline.
fn compare(summary: &Summary, scope: Scope) -> Vec<Comparison> {
    let all = at(Form::All, scope, 1).id();
    let ids: Vec<String> = points()
        .iter()
        .filter(|point| point.scope == scope)
        .map(|point| point.id())
        .collect();
    let is_twin = |series: &Series| match scope {
        Scope::Local => series.part == Part::Twin(all.clone()),
        Scope::Broadcast => series.seq == BROADCAST_TWIN,
    };
    let part = |series: &Series| match () {
        () if series.part == Part::Empty => Some(Part::Empty),
        () if series.seq == all => Some(Part::Baseline),
        () if is_twin(series) => Some(Part::Twin(all.clone())),
        () if ids.contains(&series.seq) => Some(Part::Test),
        () => None,
    };
    let of_scope = summary.series.iter().filter_map(|series| {
        let part = part(series)?;
        Some(Series { part, ..series.clone() })
    });
    let of_scope: Vec<Series> = of_scope.collect();
    compare_all(&of_scope, summary.manifest.plan.seed.0)
}

/// Says up to where a way is cheaper than the full flush, from where on it is dearer, and where nothing is decided.
fn finding(points: &[WayPoint]) -> String {
    let of = |finding: Finding| {
        let is_it = move |point: &&WayPoint| point.beside.is_some_and(|beside| beside.finding == finding);
        points.iter().filter(is_it)
    };
    let pages = |n: u64| plural(n, "page", "pages");
    let numbers = |point: &WayPoint| {
        let ratio = point.beside.and_then(|beside| beside.ratio);
        ratio.map_or_else(String::new, |ratio| {
            format!(" at {}: {}", pages(point.pages), ratio_interval(&ratio))
        })
    };
    let ratios = |of: &[&WayPoint]| {
        let floor = of.iter().find_map(|point| point.beside?.noise_floor);
        let floor = floor.map_or(String::new(), |floor| format!("; A/A noise floor {}", percent(floor)));
        let each: Vec<String> = of.iter().map(|point| numbers(point)).collect();
        format!(" (ratio{}{floor})", each.join(","))
    };
    let (Some(least), Some(most)) = (points.first(), points.last()) else {
        return "not measured here".to_owned();
    };
    let (cheaper, dearer) = (of(Finding::Faster).next_back(), of(Finding::Slower).next());
    match (cheaper, dearer) {
        (None, None) => {
            let why = points
                .iter()
                .filter_map(|point| point.beside)
                .find_map(|beside| match beside.finding {
                    Finding::NoNoiseFloor => Some(": no noise floor was measured"),
                    Finding::TooFewSamples { .. } => Some(": too few samples"),
                    _ => None,
                });
            format!(
                "undecided between {} and {}{}",
                least.pages,
                pages(most.pages),
                why.unwrap_or_default()
            )
        }
        (Some(last), None) if last.pages == most.pages => {
            format!(
                "cheaper than the full flush up to {}, the most tried{}",
                pages(last.pages),
                ratios(&[last])
            )
        }
        (Some(last), None) => format!(
            "cheaper up to {}; undecided from there to {}, the most tried{}",
            pages(last.pages),
            pages(most.pages),
            ratios(&[last])
        ),
        (None, Some(first)) if first.pages == least.pages => {
            format!(
                "the full flush is cheaper from {} on{}",
                pages(first.pages),
                ratios(&[first])
            )
        }
        (None, Some(first)) => format!(
            "the full flush is cheaper from {} on; undecided below{}",
            pages(first.pages),
            ratios(&[first])
        ),
        (Some(last), Some(first)) if last.pages < first.pages => {
            let undecided = points
                .iter()
                .any(|point| (last.pages + 1..first.pages).contains(&point.pages));
            let between = match undecided {
                true => format!("undecided between {} and {}", last.pages, pages(first.pages)),
                false => format!("nothing was tried between {} and {}", last.pages, pages(first.pages)),
            };
            format!(
                "cheaper up to {}, the full flush from {} on; {between}{}",
                pages(last.pages),
                pages(first.pages),
                ratios(&[last, first])
            )
        }
        (Some(last), Some(first)) => format!(
            "no one break-even: the full flush is cheaper at {}, and dearer again at {}{}",
            pages(first.pages),
            pages(last.pages),
            ratios(&[first, last])
        ),
    }
}

#[cfg(test)]
mod tests {
    use report::model::{Interval, Net, Ratio};

    use super::*;

    fn point(pages: u64, finding: Finding) -> WayPoint {
        let estimate = match finding {
            Finding::Faster => 0.5,
            Finding::Slower => 2.0,
            _ => 1.0,
        };
        let interval = Interval {
            low: estimate - 0.1,
            high: estimate + 0.1,
        };
        WayPoint {
            pages,
            net: Net::Resolved(100.0),
            interval: None,
            beside: Some(BaselineRatio {
                ratio: Some(Ratio {
                    estimate,
                    interval,
                    batches: 20,
                }),
                noise_floor: Some(0.024),
                finding,
            }),
        }
    }

    #[test]
    fn nothing_is_said_where_the_rule_of_comparisons_decides_nothing() {
        use Finding::{Faster as F, Indistinguishable as U, Slower as S};
        let of = |findings: &[Finding]| {
            let points = (0..).zip(findings).map(|(shift, &finding)| point(1 << shift, finding));
            finding(&points.collect::<Vec<_>>())
        };
        assert_eq!(
            of(&[F, F, U, U, S]),
            "cheaper up to 2 pages, the full flush from 16 pages on; undecided between 2 and 16 pages (ratio at 2 pages: 0.500 \
             [0.400, 0.600], at 16 pages: 2.000 [1.900, 2.100]; A/A noise floor 2.4%)"
        );
        assert!(of(&[F, S]).contains("; nothing was tried between 1 and 2 pages"));
        // 7,054 against 7,144 is no break-even where the noise floor is 2.4%.
        assert_eq!(of(&[U, U, U]), "undecided between 1 and 4 pages");
        assert!(of(&[F, U]).starts_with("cheaper up to 1 page; undecided from there to 2 pages, the most tried ("));
        assert!(of(&[F, F]).starts_with("cheaper than the full flush up to 2 pages, the most tried"));
        assert!(of(&[U, S]).starts_with("the full flush is cheaper from 2 pages on; undecided below"));
        assert!(
            of(&[S, U, F]).starts_with("no one break-even: the full flush is cheaper at 1 page, and dearer again at 4")
        );
        assert!(of(&[Finding::NoNoiseFloor]).ends_with(": no noise floor was measured"));
        assert_eq!(of(&[]), "not measured here");
    }
}
