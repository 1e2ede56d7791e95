// SPDX-License-Identifier: MIT OR Apache-2.0
//! From how many pages on is a full flush cheaper than invalidating page by page, or by range?
//!
//! A set of sequences, one for each form, scope and number of pages, with ids that say which. What follows from them is in
//! `aggregate`.

/// Pages invalidated at a time.
pub const PAGES: [u16; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

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
    /// Every form.
    pub const ALL: [Self; 3] = [Self::Va, Self::Range, Self::All];

    const fn id(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Va => "va",
            Self::Range => "range",
        }
    }

    /// Returns the name that people read.
    pub const fn title(self) -> &'static str {
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
    /// Every scope.
    pub const ALL: [Self; 2] = [Self::Local, Self::Broadcast];

    const fn id(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Broadcast => "is",
        }
    }

    /// Returns the name that people read.
    pub const fn title(self) -> &'static str {
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

/// Id of the copy of the broadcast full flush: for its noise floor. That of the local one, the baseline, is made anyway.
pub const BROADCAST_TWIN: &str = "break_even_is_all_aa";

/// Returns every sequence of the comparison with its id and its pages, the local full flush first: the baseline.
pub fn sequences() -> Vec<(String, String, u16)> {
    let planned = points()
        .into_iter()
        .map(|point| (point.id(), point.text(), point.pages));
    let mut all: Vec<_> = planned.collect();
    all.push((BROADCAST_TWIN.to_owned(), at(Form::All, Scope::Broadcast, 1).text(), 1));
    all
}

/// Returns every point of the comparison.
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

/// Returns a point; the full flush has no number of pages.
pub const fn at(form: Form, scope: Scope, pages: u16) -> Point {
    let pages = match form {
        Form::All => 1,
        Form::Va | Form::Range => pages,
    };
    Point { form, scope, pages }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_a_sequence_with_an_id_of_its_own() {
        let points = points();
        let ids: std::collections::BTreeSet<_> = points.iter().map(|point| point.id()).collect();
        assert_eq!((points.len(), ids.len(), sequences().len()), (42, 42, 43));
        assert!(!ids.contains(BROADCAST_TWIN));
        assert_eq!(points[0].id(), "break_even_local_all");
        assert_eq!(points[0].text(), "dsb nshst; tlbi alle2; dsb nsh; isb");
        for point in points {
            assert!(sequences::parse(&point.text()).is_ok(), "{}", point.text());
        }
    }
}
