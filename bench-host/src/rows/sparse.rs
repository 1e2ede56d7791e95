// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counts of values that lie far apart: a sorted list, and sorted runs on disk when it gets too long.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};

/// Runs of one size, merged into one of the next size when there are so many.
const FAN: usize = 32;
/// Bytes of a run read at once.
const BLOCK: usize = 16 << 10;

/// How often a value was counted in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The number of the group.
    pub group: u32,
    /// The value.
    pub value: u64,
    /// How often.
    pub count: u64,
}

/// Counts in a list that never has more than `most` entries; the rest is in files without a name.
#[derive(Debug)]
pub struct Sparse {
    entries: Vec<Entry>,
    most: usize,
    /// Runs on disk, by how often they were merged.
    levels: Vec<Vec<File>>,
}

impl Sparse {
    /// Creates an empty list.
    pub fn new(most: usize) -> Self {
        Self {
            entries: Vec::new(),
            most: most.max(2),
            levels: Vec::new(),
        }
    }

    /// Counts a value.
    pub fn add(&mut self, entry: Entry) -> io::Result<()> {
        if self.entries.capacity() == 0 {
            // Untouched capacity costs no memory, and growing never copies.
            self.entries.reserve_exact(self.most);
        }
        self.entries.push(entry);
        if self.entries.len() < self.most {
            return Ok(());
        }
        self.compact();
        // Sorting a list that is mostly sorted already, for the sake of few new entries, would take for ever.
        if self.entries.len() > self.most / 2 {
            self.spill()?;
        }
        Ok(())
    }

    /// Sorts the list and joins entries of the same value.
    fn compact(&mut self) {
        self.entries.sort_unstable();
        self.entries.dedup_by(|next, kept| {
            let same = (next.group, next.value) == (kept.group, kept.value);
            if same {
                kept.count += next.count;
            }
            same
        });
    }

    fn spill(&mut self) -> io::Result<()> {
        let run = write_run(self.entries.drain(..).map(Ok))?;
        self.push_run(run, 0)
    }

    fn push_run(&mut self, run: File, level: usize) -> io::Result<()> {
        if self.levels.len() <= level {
            self.levels.resize_with(level + 1, Vec::new);
        }
        self.levels[level].push(run);
        if self.levels[level].len() < FAN {
            return Ok(());
        }
        let runs = std::mem::take(&mut self.levels[level]);
        let merged = write_run(Merged::new(&[], &runs)?)?;
        drop(runs);
        self.push_run(merged, level + 1)
    }

    /// Returns all counts, sorted by group and value. A value may come in several parts.
    pub fn sorted(&mut self) -> io::Result<Merged<'_>> {
        self.compact();
        Merged::new(&self.entries, self.levels.iter().flatten())
    }
}

/// Sorted counts from several places, merged.
pub struct Merged<'a> {
    list: std::slice::Iter<'a, Entry>,
    runs: Vec<RunReader<'a>>,
    /// The next entry of each place; the list is the last one.
    heads: BinaryHeap<Reverse<(Entry, usize)>>,
}

impl<'a> Merged<'a> {
    fn new(list: &'a [Entry], runs: impl IntoIterator<Item = &'a File>) -> io::Result<Self> {
        let mut merged = Self {
            list: list.iter(),
            runs: runs.into_iter().map(RunReader::new).collect::<io::Result<_>>()?,
            heads: BinaryHeap::new(),
        };
        for source in 0..=merged.runs.len() {
            merged.advance(source)?;
        }
        Ok(merged)
    }

    fn advance(&mut self, source: usize) -> io::Result<()> {
        let next = match self.runs.get_mut(source) {
            Some(run) => run.next()?,
            None => self.list.next().copied(),
        };
        self.heads.extend(next.map(|entry| Reverse((entry, source))));
        Ok(())
    }
}

impl Iterator for Merged<'_> {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((entry, source)) = self.heads.pop()?;
        Some(self.advance(source).map(|()| entry))
    }
}

/// Writes sorted entries to a file: the distance to the entry before, and the count, seven bits a byte.
fn write_run(entries: impl Iterator<Item = io::Result<Entry>>) -> io::Result<File> {
    let mut out = BufWriter::new(tempfile::tempfile()?);
    let mut last = Entry {
        group: 0,
        value: 0,
        count: 0,
    };
    for entry in entries {
        let entry = entry?;
        let same = entry.group == last.group;
        write_number(&mut out, u64::from(entry.group - last.group))?;
        write_number(&mut out, if same { entry.value - last.value } else { entry.value })?;
        write_number(&mut out, entry.count)?;
        last = entry;
    }
    out.into_inner().map_err(io::IntoInnerError::into_error)
}

fn write_number(out: &mut impl Write, mut number: u64) -> io::Result<()> {
    let mut bytes = [0; 10];
    let mut len = 0;
    loop {
        bytes[len] = number as u8 & 0x7f;
        number >>= 7;
        if number == 0 {
            return out.write_all(&bytes[..=len]);
        }
        bytes[len] |= 0x80;
        len += 1;
    }
}

struct RunReader<'a> {
    file: BufReader<&'a File>,
    last: Entry,
}

impl<'a> RunReader<'a> {
    fn new(mut file: &'a File) -> io::Result<Self> {
        file.seek(SeekFrom::Start(0))?;
        Ok(Self {
            file: BufReader::with_capacity(BLOCK, file),
            last: Entry {
                group: 0,
                value: 0,
                count: 0,
            },
        })
    }

    fn next(&mut self) -> io::Result<Option<Entry>> {
        let Some(group) = self.number()? else { return Ok(None) };
        let cut = || io::Error::from(ErrorKind::UnexpectedEof);
        let value = self.number()?.ok_or_else(cut)?;
        let count = self.number()?.ok_or_else(cut)?;
        self.last = Entry {
            group: self.last.group + group as u32,
            value: if group == 0 { self.last.value + value } else { value },
            count,
        };
        Ok(Some(self.last))
    }

    /// Reads a number, or `None` at the end.
    fn number(&mut self) -> io::Result<Option<u64>> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let mut byte = [0];
            if self.file.read(&mut byte)? == 0 {
                return Ok(None);
            }
            number |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] & 0x80 == 0 {
                break;
            }
        }
        Ok(Some(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Adds entries to a list of at most `most`, and compares with a map.
    fn check(most: usize, entries: impl Iterator<Item = Entry>) -> usize {
        let mut sparse = Sparse::new(most);
        let mut expected = BTreeMap::new();
        for entry in entries {
            sparse.add(entry).unwrap();
            assert!(sparse.entries.len() < most && sparse.entries.capacity() <= most);
            *expected.entry((entry.group, entry.value)).or_insert(0) += entry.count;
        }
        for _pass in 0..2 {
            let entries: Vec<Entry> = sparse.sorted().unwrap().map(Result::unwrap).collect();
            assert!(entries.is_sorted_by_key(|entry| (entry.group, entry.value)));
            let mut found = BTreeMap::new();
            for entry in entries {
                *found.entry((entry.group, entry.value)).or_insert(0) += entry.count;
            }
            assert_eq!(found, expected);
        }
        sparse.levels.len()
    }

    #[test]
    fn what_does_not_fit_is_kept_on_disk() {
        let entry = |i: u64| Entry {
            group: (i * 7 % 5) as u32,
            value: i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (i % 60),
            count: 1 + (i % 3) * 1_000_000_000_000,
        };
        assert_eq!(check(100, (0..50).map(entry)), 0, "all in memory");
        assert_eq!(check(100, (0..3000).map(entry)), 1, "runs on disk");
        assert!(check(8, (0..20_000).map(entry)) >= 3, "runs merged, and merged again");
        let few = (0..5000).map(|i| Entry {
            group: 1,
            value: i % 10,
            count: 1,
        });
        assert_eq!(check(100, few), 0, "few values are joined in memory");
    }

    #[test]
    fn extreme_numbers_survive() {
        let extreme = [0, 1, 127, 128, u64::MAX - 1, u64::MAX].map(|value| Entry {
            group: if value == 1 { u32::MAX } else { 0 },
            value,
            count: u64::MAX / 8,
        });
        assert_eq!(check(2, extreme.into_iter()), 1);
    }
}
