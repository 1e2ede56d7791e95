// SPDX-License-Identifier: MIT OR Apache-2.0
//! The lines of the catalogue as entries, without copies.

use super::entry::{Entry, Era};

/// The columns, which are the header line too.
const COLUMNS: [&str; 13] = [
    "id", "project", "version", "file", "function", "purpose", "regime", "scope", "era", "sequence", "original",
    "context", "source",
];

/// Iterates over the entries of a table in the catalogue's format; lines that are none are left out.
pub(super) fn entries(table: &str) -> impl Iterator<Item = Entry<'_>> + Clone {
    table.lines().skip(1).filter_map(entry)
}

fn entry(line: &str) -> Option<Entry<'_>> {
    let [
        id,
        project,
        version,
        file,
        function,
        purpose,
        regime,
        scope,
        era,
        text,
        original,
        context,
        source,
    ] = fields(line)?;
    let era = [Era::Current, Era::Historical]
        .into_iter()
        .find(|known| known.name() == era)?;
    Some(Entry {
        id,
        project,
        version,
        file,
        function,
        purpose,
        regime,
        scope,
        era,
        text,
        original,
        context,
        source,
    })
}

/// Splits a line at its commas, except those between quotation marks.
fn fields(line: &str) -> Option<[&str; COLUMNS.len()]> {
    let mut fields = [""; COLUMNS.len()];
    let mut rest = Some(line);
    for field in &mut fields {
        let remaining = rest?;
        (*field, rest) = match remaining.strip_prefix('"') {
            Some(quoted) => {
                let (field, after) = quoted.split_once('"')?;
                match after.strip_prefix(',') {
                    Some(after) => (field, Some(after)),
                    None if after.is_empty() => (field, None),
                    None => return None,
                }
            }
            None => match remaining.split_once(',') {
                Some((field, after)) => (field, Some(after)),
                None => (remaining, None),
            },
        };
    }
    rest.is_none().then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, entries, fields};
    use alloc::vec::Vec;

    #[test]
    fn the_data_file_is_read_as_a_csv_library_reads_it() {
        let text = include_str!("../../catalogue.csv");
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        assert!(reader.headers().unwrap().iter().eq(COLUMNS));
        let records: Vec<_> = reader.records().map(|record| record.unwrap()).collect();
        assert_eq!(records.len(), entries(text).count());
        for (line, record) in text.lines().skip(1).zip(records) {
            assert!(fields(line).is_some_and(|fields| record.iter().eq(fields)), "{line}");
        }
    }

    #[test]
    fn malformed_lines_are_no_entries() {
        for line in [
            "",
            "a,b",
            "a,b,c,d,e,f,g,h,current,j,k,l,m,n",
            "\"a,b,c,d,e,f,g,h,current,j,k,l,m",
            "\"a\"b,,,,,,,,,,,,",
        ] {
            assert_eq!(fields(line), None, "{line}");
        }
        assert_eq!(entries("header\na,b,c,d,e,f,g,h,yesterday,j,k,l,m\n").count(), 0);
        assert_eq!(
            entries("header\na,b,c,d,e,f,g,h,current,\"j,j\",k,l,m\n")
                .next()
                .map(|entry| entry.text),
            Some("j,j")
        );
    }
}
