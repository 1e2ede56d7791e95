// SPDX-License-Identifier: MIT OR Apache-2.0
//! From how many pages on is a full flush cheaper than invalidating page by page, or by range?
//!
//! A set of sequences, one for each form, scope and number of pages, with ids that say which; and the table made from
//! their medians. What a full flush costs later, when everything it threw away is walked for again, is not in it.

use report::model::{Net, Series, Summary};
use report::number::count;

use crate::output;

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

/// The median net cost of a point: what it is, or why there is none.
fn cost(summary: &Summary, point: Point) -> Option<(&Series, Net)> {
    let id = point.id();
    let series = summary.series.iter().find(|series| series.seq == id)?;
    Some((series, series.stats.as_ref()?.net))
}

fn resolved(summary: &Summary, point: Point) -> Option<f64> {
    match cost(summary, point)?.1 {
        Net::Resolved(net) => Some(net),
        Net::BelowResolution(_) | Net::NoFrame | Net::IsFrame => None,
    }
}

/// Returns the comparison as text, or `None` if the run did not make it.
pub fn table(summary: &Summary) -> Option<String> {
    let baseline = Point {
        form: Form::All,
        scope: Scope::Local,
        pages: 1,
    };
    let (series, _) = cost(summary, baseline)?;
    let mut text = format!(
        "== Break-even ==\n\nMedian cost less the empty frame, in {} ({}); what a full flush makes others walk for later \
         is not included\n",
        series.event.id(),
        summary.manifest.label
    );
    for scope in Scope::ALL {
        text.push_str(&format!("\n{}\n", scope.title()));
        text.push_str(&costs(summary, scope));
        text.push_str(&conclusion(summary, scope));
    }
    Some(text)
}

fn costs(summary: &Summary, scope: Scope) -> String {
    let header = ["PAGES", "BY VA", "BY RANGE", "FULL FLUSH", "CHEAPEST"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for pages in PAGES {
        let cell = |form| match cost(summary, at(form, scope, pages)) {
            Some((_, Net::Resolved(net))) => count(net),
            Some((_, Net::BelowResolution(_))) => "below resolution".to_owned(),
            Some((_, Net::NoFrame | Net::IsFrame)) | None => "-".to_owned(),
        };
        let cheapest = cheapest(summary, scope, pages).map_or("-", Form::title);
        rows.push(vec![
            pages.to_string(),
            cell(Form::Va),
            cell(Form::Range),
            cell(Form::All),
            cheapest.to_owned(),
        ]);
    }
    output::table(&rows)
}

const fn at(form: Form, scope: Scope, pages: u16) -> Point {
    let pages = match form {
        Form::All => 1,
        Form::Va | Form::Range => pages,
    };
    Point { form, scope, pages }
}

fn cheapest(summary: &Summary, scope: Scope, pages: u16) -> Option<Form> {
    let costs = Form::ALL
        .into_iter()
        .filter_map(|form| Some((form, resolved(summary, at(form, scope, pages))?)));
    costs.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(form, _)| form)
}

/// Says where each form other than the full flush stops winning over it.
fn conclusion(summary: &Summary, scope: Scope) -> String {
    let mut text = String::new();
    for form in [Form::Va, Form::Range] {
        let Some(all) = resolved(summary, at(Form::All, scope, 1)) else {
            continue;
        };
        let known = PAGES
            .iter()
            .filter_map(|&pages| Some((pages, resolved(summary, at(form, scope, pages))?)));
        let known: Vec<_> = known.collect();
        let title = form.title();
        let sentence = match (
            known.iter().rfind(|(_, cost)| *cost < all),
            known.iter().find(|(_, cost)| *cost >= all),
        ) {
            (None, None) => format!("{title}: not measured here"),
            (Some((last, _)), None) => {
                format!("{title}: cheaper than the full flush up to {last} pages, the most tried")
            }
            (None, Some((first, _))) => format!("{title}: the full flush is no dearer from {first} page(s) on"),
            (Some((last, _)), Some((first, _))) if last < first => {
                format!("{title}: cheaper up to {last} pages; the full flush wins from {first} on")
            }
            (Some(_), Some((first, _))) => {
                format!(
                    "{title}: no clear break-even: the full flush wins first at {first} pages, but not at all after"
                )
            }
        };
        text.push_str(&format!("  {sentence}\n"));
    }
    text
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
