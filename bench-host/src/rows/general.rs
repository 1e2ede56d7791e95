// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rows of any form, by the rules of the `csv` crate: quotes, line ends of all kinds, empty lines, a byte order mark.

use std::io::Read;

use csv_core::{ReadRecordResult, Reader};

use super::error::RowsError;
use super::source::Source;

/// Longest row. A quote that is left open makes the rest of the file one row.
const MOST: usize = 1 << 20;

/// The reader, and the row it read last.
#[derive(Debug)]
pub struct Records {
    reader: Reader,
    /// The fields, one after the other.
    text: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
    fields: usize,
    line: u64,
}

impl Records {
    /// Creates a reader for one file.
    pub fn new() -> Self {
        Self {
            reader: Reader::new(),
            text: vec![0; 1 << 10],
            ends: vec![0; 1 << 5],
            fields: 0,
            line: 0,
        }
    }

    /// Reads the next row, or returns `false` at the end of the file.
    pub fn next(&mut self, source: &mut Source, from: &mut dyn Read, name: &str) -> Result<bool, RowsError> {
        let (mut length, mut fields, mut begun) = (0, 0, false);
        loop {
            if source.rest().is_empty() && !source.is_ended() {
                let filled = source.fill(from);
                filled.map_err(|source| RowsError::Read {
                    name: name.to_owned(),
                    source,
                })?;
                continue;
            }
            if !begun {
                let blank = source
                    .rest()
                    .iter()
                    .take_while(|byte| matches!(byte, b'\n' | b'\r'))
                    .count();
                if blank > 0 {
                    source.consume(blank);
                    continue;
                }
                (begun, self.line) = (true, source.line());
            }
            let (text, ends) = (&mut self.text[length..], &mut self.ends[fields..]);
            let (result, read, written, ended) = self.reader.read_record(source.rest(), text, ends);
            source.consume(read);
            (length, fields) = (length + written, fields + ended);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull if self.text.len() >= MOST => {
                    return Err(RowsError::Row {
                        name: name.to_owned(),
                        line: self.line,
                        message: "the row is longer than 1 MiB: is a quote left open?".to_owned(),
                    });
                }
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => {
                    self.fields = fields;
                    return Ok(true);
                }
                ReadRecordResult::End => return Ok(false),
            }
        }
    }

    /// Returns the fields of the row.
    pub fn fields(&self) -> Vec<&[u8]> {
        let ends = &self.ends[..self.fields];
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts.zip(ends).map(|(start, &end)| &self.text[start..end]).collect()
    }

    /// Returns the line where the row begins, counted from 1.
    pub const fn line(&self) -> u64 {
        self.line
    }
}

/// Reads a whole number; blanks around it do not matter.
pub fn number(field: &[u8]) -> Option<u64> {
    let field = field.trim_ascii();
    let digits = !field.is_empty() && field.iter().all(u8::is_ascii_digit);
    digits.then(|| std::str::from_utf8(field).ok()?.parse().ok())?
}
