// SPDX-License-Identifier: MIT OR Apache-2.0
//! The TLB maintenance sequences of real projects, current and historical.
//!
//! The data is `catalogue.csv` next to this crate's `Cargo.toml`: one line for each sequence, a header line first.
//! Fields with a comma are quoted; no field holds a quotation mark or a line break.
//!
//! What a project executes between two instructions of its sequence may lie outside the [language](mod@crate::parse):
//! a store, a write of a system register, cache maintenance, an exception return. The entry then holds the maintenance
//! that remains, the steps in full as [`original`](Entry::original), and what the dropped step means for the rest as
//! [`context`](Entry::context). `Xt` and `Xu` are registers there, `(...)*` is a repetition over pages, `[...]` is
//! conditional, `a|b` are alternatives; alternatives and conditional parts are entries of their own, the latter with
//! an id that ends in `_erratum`, `_kpti` or `_nxs`.

mod entry;
mod table;

use crate::parse::suggest::nearest;
use alloc::string::{String, ToString};
use core::fmt::{self, Display, Formatter};

pub use entry::{Entry, Era};

/// Iterates over the catalogue, by project.
pub fn catalogue() -> impl Iterator<Item = Entry<'static>> + Clone {
    table::entries(include_str!("../catalogue.csv"))
}

/// An id that is not in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownId {
    /// The id.
    pub id: String,
    /// The nearest one that is.
    pub suggestion: Option<&'static str>,
}

impl Display for UnknownId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "no sequence `{}` in the catalogue", self.id.escape_debug())?;
        match self.suggestion {
            Some(id) => write!(f, ": did you mean `{id}`?"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for UnknownId {}

/// Returns the entry with this id.
///
/// # Errors
///
/// Returns the nearest id if there is none: by spelling, or else the first that contains what was given.
///
/// # Examples
///
/// ```
/// let entry = sequences::catalogue::find("xen_head_new")?;
/// assert_eq!(entry.text, "dsb nshst; tlbi alle2; dsb nsh; isb");
/// # Ok::<(), sequences::catalogue::UnknownId>(())
/// ```
pub fn find(id: &str) -> Result<Entry<'static>, UnknownId> {
    catalogue().find(|entry| entry.id == id).ok_or_else(|| {
        let ids = catalogue().map(|entry| entry.id);
        let similar = || {
            (!id.is_empty())
                .then(|| ids.clone().find(|known| known.contains(id)))
                .flatten()
        };
        UnknownId {
            id: id.to_string(),
            suggestion: nearest(id, ids.clone()).or_else(similar),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{Era, catalogue, find};
    use crate::decode::{Decoded, decode};
    use crate::explain::explain;
    use crate::lower::lower;
    use crate::tlbi::Scope;
    use crate::validate::{MAX_WORDS, validate_words};
    use alloc::collections::BTreeSet;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    #[test]
    fn every_sequence_parses_lowers_and_is_canonical() {
        for entry in catalogue() {
            let sequence = entry.sequence().unwrap_or_else(|error| panic!("{}: {error}", entry.id));
            assert_eq!(sequence.to_string(), entry.text, "{}", entry.id);
            let lowered = lower(&sequence, 512).unwrap_or_else(|error| panic!("{}: {error}", entry.id));
            assert_eq!(validate_words(&lowered.words, MAX_WORDS), Ok(()), "{}", entry.id);
            assert_eq!(
                explain(&sequence).map(|lines| lines.len()),
                Ok(sequence.instructions().count())
            );
        }
    }

    #[test]
    fn ids_are_unique_and_well_formed() {
        let mut ids = BTreeSet::new();
        for entry in catalogue() {
            let well_formed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            assert!(
                !entry.id.is_empty() && entry.id.chars().all(well_formed),
                "{}",
                entry.id
            );
            assert!(ids.insert(entry.id), "{}", entry.id);
            assert_eq!(find(entry.id), Ok(entry));
        }
        let projects: BTreeSet<_> = catalogue().map(|entry| entry.project).collect();
        assert!(
            ids.len() >= 300 && projects.len() >= 60,
            "{} {}",
            ids.len(),
            projects.len()
        );
        assert!(catalogue().filter(|entry| entry.era == Era::Historical).count() >= 30);
    }

    #[test]
    fn the_columns_agree_with_the_sequence() {
        const REGIMES: [&str; 6] = ["EL1&0", "EL2", "EL2&0", "EL3", "stage2", "GPT"];
        for entry in catalogue() {
            let lowered = lower(&entry.sequence().unwrap(), 1).unwrap();
            let scopes: BTreeSet<_> = lowered
                .words
                .iter()
                .filter_map(|word| match decode(*word) {
                    Some(Decoded::Tlbi { op, .. }) => Some(op.scope()),
                    _ => None,
                })
                .collect();
            let names: Vec<_> = scopes
                .into_iter()
                .map(|scope| match scope {
                    Scope::Local => "local",
                    Scope::InnerShareable => "inner",
                    Scope::OuterShareable => "outer",
                })
                .collect();
            let expected = if names.is_empty() {
                "none".to_string()
            } else {
                names.join("+")
            };
            assert_eq!(entry.scope, expected, "{}", entry.id);
            assert!(
                entry.regime.split('+').all(|regime| REGIMES.contains(&regime)),
                "{}",
                entry.id
            );
            for field in [
                entry.project,
                entry.version,
                entry.file,
                entry.function,
                entry.purpose,
                entry.source,
            ] {
                assert!(!field.is_empty() && field.trim() == field, "{}", entry.id);
            }
        }
    }

    #[test]
    fn the_seed_of_the_project_is_there() {
        assert_eq!(
            find("xen_head_old").unwrap().text,
            "dsb sy; isb; tlbi alle2; dsb sy; isb"
        );
        assert_eq!(
            find("xen_head_new").unwrap().text,
            "dsb nshst; tlbi alle2; dsb nsh; isb"
        );
    }

    #[test]
    fn a_wrong_id_gets_the_nearest_one() {
        let suggestion = |id| find(id).unwrap_err().suggestion;
        assert_eq!(suggestion("xen_haed_old"), Some("xen_head_old"));
        assert_eq!(suggestion("xen_head_ne"), Some("xen_head_new"));
        assert_eq!(suggestion("pkvm_init"), Some("kvm_pkvm_init_switch_pgd"));
        assert_eq!(suggestion("qqqqqqqqqqqqqqqq"), None);
        assert_eq!(suggestion(""), None);
        let message = find("xen_haed_old").unwrap_err().to_string();
        assert_eq!(
            message,
            "no sequence `xen_haed_old` in the catalogue: did you mean `xen_head_old`?"
        );
    }
}
