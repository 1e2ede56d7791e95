// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why rows cannot be aggregated, and names from outside in a sentence.

use std::io;

/// Why rows cannot be aggregated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RowsError {
    /// The operating system refused.
    #[error("cannot read {name}: {source}")]
    Read {
        /// The file.
        name: String,
        /// Why not.
        source: io::Error,
    },
    /// Counts that do not fit into memory cannot be put on disk.
    #[error("cannot keep counts in a temporary file (in {}): {source}; set TMPDIR to a folder with room", std::env::temp_dir().display())]
    Temporary {
        /// Why not.
        source: io::Error,
    },
    /// There is not even a header.
    #[error("{name} is empty: a header with the names of the columns is needed")]
    Empty {
        /// The file.
        name: String,
    },
    /// It is a file of another kind.
    #[error("{name} is {kind}, not plain CSV: {remedy}")]
    Kind {
        /// The file.
        name: String,
        /// What it is.
        kind: &'static str,
        /// What to do.
        remedy: String,
    },
    /// A column that is needed is there more than once.
    #[error("column `{0}` is there more than once, so it cannot be told which one is meant: give them different names")]
    Twice(String),
    /// There is no column of this name.
    #[error("no column `{wanted}` for {option}; the columns are: {}", shown(columns))]
    NoColumn {
        /// The name looked for.
        wanted: String,
        /// The option that names another one.
        option: &'static str,
        /// What there is.
        columns: Vec<String>,
    },
    /// A column would have to be two things.
    #[error("column `{0}` cannot be two of key, value and count")]
    TwoRoles(String),
    /// Two files have different key columns.
    #[error("{name} has key columns {found}, the files before it {expected}: name them with --by")]
    OtherKeys {
        /// The second file.
        name: String,
        /// Its key columns.
        found: String,
        /// Those before.
        expected: String,
    },
    /// A row is malformed.
    #[error("{name} line {line}: {message}")]
    Row {
        /// The file.
        name: String,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong.
        message: String,
    },
}

impl RowsError {
    /// Returns whether the command line is to blame, not the data.
    pub const fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::NoColumn { .. } | Self::Twice(_) | Self::TwoRoles(_) | Self::OtherKeys { .. }
        )
    }
}

/// Returns the names of columns, of which there may be many, and which may hold anything.
fn shown(columns: &[String]) -> String {
    const MOST: usize = 40;
    let names = columns.iter().take(MOST);
    let names: Vec<String> = names
        .map(|name| shortened(&name.replace(char::is_control, "\u{fffd}")))
        .collect();
    let more = match columns.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    names.join(", ") + &more
}

/// Returns the beginning of a text that may be long.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}
