// SPDX-License-Identifier: MIT OR Apache-2.0
//! A matrix of marks: many small results at once, each a sign that needs no color.

use crate::table::Tone;

/// A matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// What it shows.
    pub caption: String,
    /// The label of its numbers; `None` for one without timing.
    pub label: Option<String>,
    /// What the rows are.
    pub corner: String,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Names of the rows, and a mark or nothing for every column.
    pub rows: Vec<(String, Vec<Option<Mark>>)>,
    /// The file with its data, one of [`crate::data`].
    pub data: &'static str,
}

/// What one row is at one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// A sign, or a number as short.
    pub sign: String,
    /// How it is meant.
    pub tone: Tone,
    /// The sign in words; what has the same sign and no number of its own has the same words.
    pub words: String,
}

impl Matrix {
    /// Returns every sign that stands for itself, with its words, in the order in which they come up.
    pub fn key(&self) -> Vec<(&str, &str)> {
        let mut key: Vec<(&str, &str)> = Vec::new();
        for mark in self.rows.iter().flat_map(|(_, marks)| marks).flatten() {
            let is_sign = !mark.sign.contains(|c: char| c.is_ascii_digit());
            if is_sign && !key.iter().any(|(sign, _)| *sign == mark.sign) {
                key.push((&mark.sign, &mark.words));
            }
        }
        key
    }

    /// Returns the key as one sentence; empty without signs.
    pub fn key_words(&self) -> String {
        let words: Vec<String> = self
            .key()
            .iter()
            .map(|(sign, words)| format!("{sign} {words}"))
            .collect();
        match words.is_empty() {
            true => String::new(),
            false => format!("{}; empty: not run together.", words.join(", ")),
        }
    }

    /// Returns the caption with the label.
    pub fn full_caption(&self) -> String {
        match &self.label {
            Some(label) => format!("{} ({label})", self.caption),
            None => self.caption.clone(),
        }
    }

    /// Returns the matrix with rows and columns exchanged.
    #[must_use]
    pub fn transposed(self, corner: &str) -> Self {
        let mut rows: Vec<(String, Vec<Option<Mark>>)> =
            self.columns.into_iter().map(|name| (name, Vec::new())).collect();
        let mut columns = Vec::new();
        for (name, marks) in self.rows {
            columns.push(name);
            for (row, mark) in rows.iter_mut().zip(marks) {
                row.1.push(mark);
            }
        }
        Self {
            corner: corner.to_owned(),
            columns,
            rows,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(sign: &str, words: &str) -> Option<Mark> {
        Some(Mark {
            sign: sign.to_owned(),
            tone: Tone::Plain,
            words: words.to_owned(),
        })
    }

    #[test]
    fn the_key_has_every_sign_once_and_no_numbers() {
        let matrix = Matrix {
            caption: String::new(),
            label: None,
            corner: "row".to_owned(),
            columns: vec!["a".to_owned(), "b".to_owned()],
            rows: vec![
                ("x".to_owned(), vec![mark("+", "good"), mark("3/4", "3 of 4")]),
                ("y".to_owned(), vec![None, mark("+", "good")]),
            ],
            data: "x.csv",
        };
        assert_eq!(matrix.key(), [("+", "good")]);
        let turned = matrix.clone().transposed("column");
        assert_eq!((turned.columns[1].as_str(), turned.rows[1].1.len()), ("y", 2));
        assert_eq!(turned.rows[0].1[1], None);
        assert_eq!(turned.transposed("row"), matrix);
    }
}
