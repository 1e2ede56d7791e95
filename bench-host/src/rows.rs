// SPDX-License-Identifier: MIT OR Apache-2.0
//! Aggregating raw sample rows: any table with a column of whole numbers, however long, in bounded memory.
//!
//! Text is read in chunks. In each chunk the commas and line ends are found first (`marks`), then rows are taken
//! from them (`plain`) and counted (`counts`): three plain loops, each of which keeps the processor busy. What is
//! not plain is read by the reader behind the `csv` crate (`general`), row by row, with the same result. Nothing is
//! estimated: all figures come from exact counts.

mod counts;
mod error;
mod general;
mod groups;
mod kind;
mod layout;
mod marks;
mod plain;
pub mod render;
mod source;
mod sparse;
mod summary;

use std::io::Read;

use counts::Counts;
use error::shortened;
use general::Records;
use groups::Groups;
use plain::{Batch, Stop};
use source::Source;

pub use counts::Limits;
pub use error::RowsError;
pub use kind::STDIN;
pub use layout::{Layout, Request};
pub use summary::{Figures, Median, Summary};

/// The figures of all groups.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Names of the key columns.
    pub keys: Vec<String>,
    /// Name of the column of values.
    pub value: String,
    /// Contents of the key columns and the figures, sorted by key: numbers by value and before any other text.
    pub groups: Vec<(Vec<String>, Summary)>,
    /// All samples.
    pub samples: u64,
    /// What the user should know about the input.
    pub notes: Vec<String>,
}

/// An aggregation that is going on.
#[derive(Debug)]
pub struct Aggregation {
    request: Request,
    groups: Groups,
    counts: Counts,
    batch: Box<Batch>,
    source: Source,
    layout: Option<Layout>,
    samples: u64,
    notes: Vec<String>,
}

impl Aggregation {
    /// Begins with nothing.
    pub fn new(request: Request, limits: Limits) -> Self {
        Self {
            request,
            groups: Groups::new(),
            counts: Counts::new(limits),
            batch: Batch::new(),
            source: Source::new(),
            layout: None,
            samples: 0,
            notes: Vec::new(),
        }
    }

    /// Adds all rows of a file. `progress` is called with the number of bytes read, again and again.
    pub fn add(&mut self, name: &str, from: &mut dyn Read, progress: &mut dyn FnMut(u64)) -> Result<(), RowsError> {
        let read = |source| RowsError::Read {
            name: name.to_owned(),
            source,
        };
        self.source.begin();
        self.source.fill(from).map_err(read)?;
        let mut records = Records::new();
        if let Some((kind, remedy)) = kind::of(self.source.rest(), name) {
            let name = name.to_owned();
            return Err(RowsError::Kind { name, kind, remedy });
        }
        if !records.next(&mut self.source, from, name)? {
            return Err(RowsError::Empty { name: name.to_owned() });
        }
        let layout = Layout::find(&records.fields(), &self.request)?;
        if let Some(before) = self.layout.as_ref().filter(|before| before.names != layout.names) {
            return Err(RowsError::OtherKeys {
                name: name.to_owned(),
                found: layout.names.join(","),
                expected: before.names.join(","),
            });
        }
        if layout.keys.is_empty() && self.request.by.is_none() {
            self.note("no column is called seq, sequence, pe, event or scenario, so all rows are one group (--by splits them)");
        }
        let file = layout.by_file.then(|| name.as_bytes().into());
        self.groups.begin(file.into_iter().collect());
        self.batch.weights.fill(1);
        if self.request.headerless {
            self.add_record(&records, &layout, name)?;
        }
        while self.rows_of_chunk(&mut records, &layout, from, name)? {
            self.source.fill(from).map_err(read)?;
            progress(self.source.bytes());
        }
        if self.source.is_cut() {
            self.note(&format!(
                "{name}: the last line has no line end, so it may be cut short; it was counted"
            ));
        }
        self.layout.get_or_insert(layout);
        Ok(())
    }

    /// Takes all rows that are whole from the chunk, and returns whether there may be more to come.
    fn rows_of_chunk(
        &mut self,
        records: &mut Records,
        layout: &Layout,
        from: &mut dyn Read,
        name: &str,
    ) -> Result<bool, RowsError> {
        self.source.mark();
        loop {
            let before = self.batch.len;
            let (chunk, at) = (self.source.chunk(), self.source.at());
            let (at, stop) = plain::read(chunk, at, layout, &mut self.groups, &mut self.batch);
            self.source.advance(at, (self.batch.len - before) as u64);
            self.flush(layout, name)?;
            let alone = match stop {
                Stop::Full => continue,
                Stop::Odd => true,
                // What is not whole here is either at the end of the file or too long for a chunk.
                Stop::End => self.source.is_stuck(),
            };
            if !alone {
                return Ok(true);
            }
            let fills = self.source.fills();
            if !records.next(&mut self.source, from, name)? {
                return Ok(false);
            }
            self.add_record(records, layout, name)?;
            if self.source.fills() != fills {
                return Ok(true);
            }
        }
    }

    /// Returns how many samples were added so far.
    pub const fn samples(&self) -> u64 {
        self.samples
    }

    /// Counts the rows of the batch.
    fn flush(&mut self, layout: &Layout, name: &str) -> Result<(), RowsError> {
        let len = std::mem::take(&mut self.batch.len);
        let (groups, values) = (&self.batch.groups[..len], &self.batch.values[..len]);
        let (added, weight) = if layout.count.is_some() {
            let weights = &self.batch.weights[..len];
            // At most 1024 numbers of at most eight digits, or a single one.
            let sum = weights.iter().fold(0_u64, |sum, &weight| sum.saturating_add(weight));
            (self.counts.add_weighted(groups, values, weights), sum)
        } else {
            (self.counts.add(groups, values), len as u64)
        };
        added.map_err(|source| RowsError::Temporary { source })?;
        self.samples = self.samples.saturating_add(weight);
        if self.samples > i64::MAX as u64 {
            return Err(self.row(name, self.source.line(), "more than 2^63 samples in all".to_owned()));
        }
        Ok(())
    }

    /// Counts a row that the general reader read.
    fn add_record(&mut self, records: &Records, layout: &Layout, name: &str) -> Result<(), RowsError> {
        let fail = |message| self.row(name, records.line(), message);
        let fields = records.fields();
        if fields.len() != layout.columns {
            let (found, due) = (fields.len(), layout.columns);
            return Err(fail(format!(
                "{found} field{} where {due} are due",
                if found == 1 { "" } else { "s" }
            )));
        }
        let number = |column: usize| {
            general::number(fields[column]).ok_or_else(|| {
                let field = String::from_utf8_lossy(fields[column]);
                let what = if column == layout.value {
                    &layout.value_name
                } else {
                    "count"
                };
                fail(format!(
                    "{what} is `{}`, not a whole number from 0 to 2^64 - 1",
                    shortened(&field)
                ))
            })
        };
        let (value, weight) = (number(layout.value)?, layout.count.map_or(Ok(1), number)?);
        let Some(group) = self.groups.number(layout.keys.iter().map(|&key| fields[key])) else {
            let (groups, names) = (self.groups.len(), layout.names.join(","));
            return Err(self.row(
                name,
                records.line(),
                format!("a new group after {groups}, more than can be kept: is {names} what to group by? (--by)"),
            ));
        };
        (self.batch.groups[0], self.batch.values[0], self.batch.weights[0]) = (group, value, weight);
        self.batch.len = 1;
        self.flush(layout, name)
    }

    fn row(&self, name: &str, line: u64, message: String) -> RowsError {
        RowsError::Row {
            name: name.to_owned(),
            line,
            message,
        }
    }

    fn note(&mut self, note: &str) {
        if !self.notes.iter().any(|known| known == note) {
            self.notes.push(note.to_owned());
        }
    }

    /// Ends, and returns the figures of all groups.
    pub fn finish(mut self) -> Result<Table, RowsError> {
        let summaries = summary::summarize(&mut self.counts, self.groups.len());
        let summaries = summaries.map_err(|source| RowsError::Temporary { source })?;
        drop(self.counts);
        let text = |key: &groups::Key| {
            key.iter()
                .map(|field| String::from_utf8_lossy(field).into_owned())
                .collect()
        };
        let mut groups: Vec<(Vec<String>, Summary)> = self.groups.keys().into_iter().map(text).zip(summaries).collect();
        groups.sort_by_cached_key(|(key, _)| {
            let number = |field: &String| field.parse::<u64>().map_or((true, 0), |number| (false, number));
            key.iter()
                .map(|field| (number(field), field.clone()))
                .collect::<Vec<_>>()
        });
        let layout = self.layout.as_ref();
        Ok(Table {
            keys: layout.map(|layout| layout.names.clone()).unwrap_or_default(),
            value: layout.map(|layout| layout.value_name.clone()).unwrap_or_default(),
            groups,
            samples: self.samples,
            notes: self.notes,
        })
    }
}

#[cfg(test)]
mod tests;
