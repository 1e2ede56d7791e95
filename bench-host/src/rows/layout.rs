// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which columns of a file mean what.

use super::error::RowsError;

/// What to aggregate, as the user names it.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Columns that make a group; `None` for those of `KEYS` that the file has.
    pub by: Option<Vec<String>>,
    /// The column of values; `None` for the first of `VALUES` that the file has.
    pub value: Option<String>,
    /// The column that says how often a value counts; `None` for `COUNT`, if the file has it.
    pub count: Option<String>,
    /// Whether the first row is data, and columns are named by their number, from 1.
    pub headerless: bool,
}

/// Key columns looked for: another name for the same thing in the same place.
pub const KEYS: [&[&str]; 4] = [&["seq", "sequence"], &["pe"], &["event"], &["scenario"]];
/// Value columns looked for.
pub const VALUES: [&str; 2] = ["cycles", "value"];
/// Count column looked for.
pub const COUNT: &str = "count";
/// The key that means the name of the file, unless a column is called so.
pub const FILE: &str = "file";

/// Where the columns are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Number of columns of every row.
    pub columns: usize,
    /// Names of the key columns, as the user or the header gives them.
    pub names: Vec<String>,
    /// Whether the name of the file comes before the key columns.
    pub by_file: bool,
    /// Indices of the key columns.
    pub keys: Vec<usize>,
    /// The first and the last key column, if they follow each other in the file.
    pub span: Option<(usize, usize)>,
    /// Index of the column of values.
    pub value: usize,
    /// Its name.
    pub value_name: String,
    /// Index of the column of counts.
    pub count: Option<usize>,
}

impl Layout {
    /// Finds the columns in a header (or, of a file without one, in its first row).
    pub fn find(header: &[&[u8]], request: &Request) -> Result<Self, RowsError> {
        let names: Vec<String> = if request.headerless {
            (1..=header.len()).map(|number| number.to_string()).collect()
        } else {
            header
                .iter()
                .map(|name| String::from_utf8_lossy(name).trim().to_owned())
                .collect()
        };
        let has = |wanted: &str| position(&names, wanted);
        let missing = |wanted: &str, option: &'static str| RowsError::NoColumn {
            wanted: wanted.to_owned(),
            option,
            columns: names.clone(),
        };
        let find = |wanted: &str, option| has(wanted).ok_or_else(|| missing(wanted, option));
        let value = match &request.value {
            Some(wanted) => find(wanted, "--value")?,
            None => VALUES
                .iter()
                .find_map(|wanted| has(wanted))
                .ok_or_else(|| missing(&VALUES.join("` or `"), "--value"))?,
        };
        let count = match &request.count {
            Some(wanted) => Some(find(wanted, "--count")?),
            None => has(COUNT).filter(|&column| column != value),
        };
        let mut by_file = false;
        let mut keys = Vec::new();
        match &request.by {
            Some(wanted) => {
                for wanted in wanted {
                    match has(wanted) {
                        Some(column) if keys.contains(&column) => {}
                        Some(column) => keys.push(column),
                        None if wanted.eq_ignore_ascii_case(FILE) => by_file = true,
                        None => return Err(missing(wanted, "--by")),
                    }
                }
            }
            None => keys.extend(KEYS.iter().filter_map(|names| names.iter().find_map(|name| has(name)))),
        }
        if let Some(&both) = keys.iter().find(|&&key| key == value || Some(key) == count) {
            return Err(RowsError::TwoRoles(names[both].clone()));
        }
        if count == Some(value) {
            return Err(RowsError::TwoRoles(names[value].clone()));
        }
        // The other columns may be called what they like.
        let mut needed = keys.iter().copied().chain([value]).chain(count);
        if let Some(column) = needed.find(|&column| names.iter().filter(|name| **name == names[column]).count() > 1) {
            return Err(RowsError::Twice(names[column].clone()));
        }
        let span = match (keys.first(), keys.last()) {
            (Some(&first), Some(&last)) if keys.windows(2).all(|pair| pair[0] + 1 == pair[1]) => Some((first, last)),
            _ => None,
        };
        let file = by_file.then(|| FILE.to_owned());
        Ok(Self {
            columns: header.len(),
            names: file
                .into_iter()
                .chain(keys.iter().map(|&key| names[key].clone()))
                .collect(),
            by_file,
            span,
            keys,
            value,
            value_name: names[value].clone(),
            count,
        })
    }
}

/// Returns the column with this name; upper and lower case are the same, unless both are there.
fn position(names: &[String], wanted: &str) -> Option<usize> {
    let exact = names.iter().position(|name| name == wanted.trim());
    exact.or_else(|| names.iter().position(|name| name.eq_ignore_ascii_case(wanted.trim())))
}
