// SPDX-License-Identifier: MIT OR Apache-2.0
//! From how many pages on is a full flush cheaper than invalidating page by page, or by range?
//!
//! A set of sequences, one for each form, scope and number of pages, with ids that say which; and what their medians say
//! about it. What a full flush costs later, when everything it threw away is walked for again, is not in it.

use report::model::{BreakEven, Net, Series, Summary, Way, WayPoint};
use report::number::plural;

/// Pages invalidated at a time.
const PAGES: [u16; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/// How pages are invalidated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Everything at once: `alle2`.
    All,
    /// Page by page: `vae2`.
    Va,
    /// By range: `rvae2` (FEAT_TLBIRANGE).
    Range,
}

impl Form {
    const ALL: [Self; 3] = [Self::Va, Self::Range, Self::All];

    const fn id(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Va => "va",
            Self::Range => "range",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::All => "full flush",
            Self::Va => "by VA",
            Self::Range => "by range",
        }
    }
}

/// Whose TLBs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those of the PE itself.
    Local,
    /// Those of the Inner Shareable domain.
    Broadcast,
}

impl Scope {
    const ALL: [Self; 2] = [Self::Local, Self::Broadcast];

    const fn id(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Broadcast => "is",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Broadcast => "broadcast",
        }
    }
}

/// One sequence of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// How.
    pub form: Form,
    /// For whom.
    pub scope: Scope,
    /// How many pages; 1 for the full flush, whose cost does not depend on it.
    pub pages: u16,
}

impl Point {
    /// Returns the id of the sequence.
    pub fn id(self) -> String {
        let (form, scope) = (self.form.id(), self.scope.id());
        match self.form {
            Form::All => format!("break_even_{scope}_{form}"),
            Form::Va | Form::Range => format!("break_even_{scope}_{form}_{:03}", self.pages),
        }
    }

    /// Returns the sequence.
    pub fn text(self) -> String {
        let (before, suffix, after) = match self.scope {
            Scope::Local => ("nshst", "", "nsh"),
            Scope::Broadcast => ("ishst", "is", "ish"),
        };
        let invalidation = match self.form {
            Form::All => format!("tlbi alle2{suffix}"),
            Form::Va => format!("for page in {{range}}: tlbi vae2{suffix}, {{page}}"),
            Form::Range => format!("tlbi rvae2{suffix}, {{range}}"),
        };
        format!("dsb {before}; {invalidation}; dsb {after}; isb")
    }
}

/// Returns every sequence of the comparison, the local full flush first: the baseline.
pub fn points() -> Vec<Point> {
    let mut points = Vec::new();
    for scope in Scope::ALL {
        points.push(Point {
            form: Form::All,
            scope,
            pages: 1,
        });
        for form in [Form::Va, Form::Range] {
            points.extend(PAGES.map(|pages| Point { form, scope, pages }));
        }
    }
    points
}

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
    let ways = Form::ALL.into_iter().map(|form| Way {
        name: form.title().to_owned(),
        points: PAGES
            .into_iter()
            .filter_map(|pages| {
                let stats = series(summary, at(form, scope, pages))?.stats?;
                Some(WayPoint {
                    pages: pages.into(),
                    net: stats.net,
                    interval: stats.net_interval,
                })
            })
            .collect(),
    });
    Some(BreakEven {
        scope: scope.title().to_owned(),
        pe: all.pe,
        event: all.event,
        ways: ways.filter(|way| !way.points.is_empty()).collect(),
        findings: findings(summary, scope),
    })
}

fn series(summary: &Summary, point: Point) -> Option<&Series> {
    let id = point.id();
    summary.series.iter().find(|series| series.seq == id)
}

fn resolved(summary: &Summary, point: Point) -> Option<f64> {
    match series(summary, point)?.stats?.net {
        Net::Resolved(net) => Some(net),
        Net::BelowResolution(_) | Net::NoFrame | Net::IsFrame => None,
    }
}

const fn at(form: Form, scope: Scope, pages: u16) -> Point {
    let pages = match form {
        Form::All => 1,
        Form::Va | Form::Range => pages,
    };
    Point { form, scope, pages }
}

/// Says where each form other than the full flush stops winning over it.
fn findings(summary: &Summary, scope: Scope) -> Vec<String> {
    let Some(all) = resolved(summary, at(Form::All, scope, 1)) else {
        return Vec::new();
    };
    let one_form = |form: Form| {
        let known = PAGES
            .iter()
            .filter_map(|&pages| Some((pages, resolved(summary, at(form, scope, pages))?)));
        let known: Vec<_> = known.collect();
        let title = form.title();
        match (
            known.iter().rfind(|(_, cost)| *cost < all),
            known.iter().find(|(_, cost)| *cost >= all),
        ) {
            (None, None) => format!("{title}: not measured here"),
            (Some((last, _)), None) => {
                format!("{title}: cheaper than the full flush up to {last} pages, the most tried")
            }
            (None, Some((first, _))) => {
                format!(
                    "{title}: the full flush is no dearer from {} on",
                    plural((*first).into(), "page", "pages")
                )
            }
            (Some((last, _)), Some((first, _))) if last < first => {
                let last = plural((*last).into(), "page", "pages");
                format!("{title}: cheaper up to {last}; the full flush wins from {first} on")
            }
            (Some(_), Some((first, _))) => {
                format!(
                    "{title}: no clear break-even: the full flush wins first at {first} pages, but not at all after"
                )
            }
        }
    };
    [Form::Va, Form::Range].map(one_form).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_a_sequence_with_an_id_of_its_own() {
        let points = points();
        let ids: std::collections::BTreeSet<_> = points.iter().map(|point| point.id()).collect();
        assert_eq!((points.len(), ids.len()), (42, 42));
        assert_eq!(points[0].id(), "break_even_local_all");
        assert_eq!(points[0].text(), "dsb nshst; tlbi alle2; dsb nsh; isb");
        for point in points {
            assert!(sequences::parse(&point.text()).is_ok(), "{}", point.text());
        }
    }
}
