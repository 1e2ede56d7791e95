// SPDX-License-Identifier: MIT OR Apache-2.0
//! The quick way through `samples.csv`: rows as a run writes them, with nothing quoted.
//!
//! A long run has millions of rows, and this halves the time to aggregate it (`benches/aggregate.rs` has both).
//! Whatever is not exactly as expected is not judged here: the caller starts again with the general reader, which
//! knows about quotes and names the line and the field of what is wrong.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use results::record::Event;
use results::scenario::Scenario;
use results::store::{Row, SampleRow};

/// Longest line looked at: far longer than any row.
const MOST: u64 = 4096;

/// Calls `f` with every row, and returns whether the whole file was plain. Stops at the first row that is not, and
/// where `f` returns `false`.
pub fn rows(path: &Path, mut f: impl FnMut(&SampleRow<&str>) -> bool) -> bool {
    let Ok(file) = results::file::open(path) else {
        return false;
    };
    let mut file = BufReader::with_capacity(1 << 17, file);
    let mut line = Vec::new();
    let (mut header, mut with_scenario) = (true, true);
    loop {
        line.clear();
        match file.by_ref().take(MOST).read_until(b'\n', &mut line) {
            Ok(0) => return !header,
            Ok(_) => {}
            Err(_) => return false,
        }
        let Some(text) = line.strip_suffix(b"\n").and_then(|text| std::str::from_utf8(text).ok()) else {
            return false;
        };
        if header {
            let all = SampleRow::<&str>::HEADER;
            // Version 1 has no scenarios, the last column.
            let found = [all, &all[..all.len() - 1]].map(|known| text.split(',').eq(known.iter().copied()));
            if found == [false, false] {
                return false;
            }
            with_scenario = found[0];
            header = false;
        } else if !row(text, with_scenario).is_some_and(|row| f(&row)) {
            return false;
        }
    }
}

fn row(text: &str, with_scenario: bool) -> Option<SampleRow<&str>> {
    let mut fields = text.split(',');
    let seq = fields
        .next()
        .filter(|seq| seq.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))?;
    let pe = number(fields.next()?)?;
    let event = Event::from_id(fields.next()?)?;
    let batch = number(fields.next()?)?;
    let value = number(fields.next()?)?;
    let count = number(fields.next()?)?;
    let scenario = if with_scenario {
        fields.next()?.parse().ok()?
    } else {
        Scenario::PLAIN
    };
    let row = SampleRow {
        seq,
        pe: u32::try_from(pe).ok()?,
        event,
        batch: u32::try_from(batch).ok()?,
        value,
        count: u32::try_from(count).ok()?,
        scenario,
    };
    fields.next().is_none().then_some(row)
}

/// Reads 1 to 19 digits, which always fit; anything else is left to the general reader.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || text.len() > 19 {
        return None;
    }
    text.bytes().try_fold(0_u64, |value, byte| match byte {
        b'0'..=b'9' => Some(value * 10 + u64::from(byte - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_rows_are_taken() {
        let taken = row("old,1,cycles,2,9999999999999999999,4,live_64", true).unwrap();
        assert_eq!(taken.scenario.to_string(), "live_64");
        let taken = row("old,1,cycles,2,9999999999999999999,4", false).unwrap();
        assert_eq!((taken.seq, taken.pe, taken.batch), ("old", 1, 2));
        assert_eq!((taken.value, taken.count), (9_999_999_999_999_999_999, 4));
        for other in [
            "",
            "old,1,cycles,2,3",
            "old,1,cycles,2,3,4,5",
            "\"old\",1,cycles,2,3,4",
            "old,1,cycles,2,3,4\r",
            "old,1,cycles,2,+3,4",
            "old,1,cycles,2,,4",
            "old,1,furlongs,2,3,4",
            "old,4294967296,cycles,2,3,4",
            "old,1,cycles,2,3,4294967296",
            "old,1,cycles,2,99999999999999999999,4",
            "old,1,cycles,2,3,4,plain",
        ] {
            assert_eq!(row(other, false), None, "{other:?}");
        }
        assert!(row("old,1,cycles,2,3,4", true).is_none() && row("old,1,cycles,2,3,4,live_0", true).is_none());
    }
}
