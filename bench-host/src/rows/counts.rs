// SPDX-License-Identifier: MIT OR Apache-2.0
//! Exact counts of (group, value) in bounded memory.
//!
//! Timed samples of one sequence lie close together, so the counts of 256 neighboring values share a page, and a
//! group has a directory of its pages: two loads and an increment. A cell has 16 bits, because the caches are what
//! limits rows in random order; what does not fit is carried to a map. Values from a million on find their page by
//! hashing. When the pages use up what memory they may, values without one go to a sorted list, and that one to disk.

use std::collections::HashMap;
use std::io;

use super::sparse::{Entry, Sparse};

/// Values on one page.
const PAGE: usize = 1 << 8;
/// Pages a directory has at most; values beyond are found by hashing.
const DIRECTORY: u64 = 1 << 12;

/// How much memory the counts may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Pages of 512 bytes.
    pub pages: usize,
    /// Entries of all directories, 4 bytes each.
    pub directories: usize,
    /// Entries of the sorted list, 24 bytes each.
    pub sparse: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pages: 24 << 10,
            directories: 1 << 20,
            sparse: 640 << 10,
        }
    }
}

/// Counts by group and value.
#[derive(Debug)]
pub struct Counts {
    limits: Limits,
    /// Pages by group and value / 256. Page 0 stands for none.
    directories: Vec<Vec<u32>>,
    directory_entries: usize,
    /// Pages beyond the directories, by group and value / 256.
    far: HashMap<(u32, u64), u32>,
    cells: Vec<u16>,
    /// What the cells could not hold, in units of 2^16, by index of the cell.
    carries: HashMap<u32, u64>,
    sparse: Sparse,
}

impl Counts {
    /// Creates counts of nothing.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            directories: Vec::new(),
            directory_entries: 0,
            far: HashMap::new(),
            // Untouched capacity costs no memory, and growing never copies.
            cells: {
                let mut cells = Vec::with_capacity((limits.pages + 1) * PAGE);
                cells.resize(PAGE, 0);
                cells
            },
            carries: HashMap::new(),
            sparse: Sparse::new(limits.sparse),
        }
    }

    /// Counts one of each value.
    pub fn add(&mut self, groups: &[u32], values: &[u64]) -> io::Result<()> {
        for (&group, &value) in groups.iter().zip(values) {
            let Some(at) = self.cell(group, value) else {
                self.add_slowly(group, value, 1)?;
                continue;
            };
            let cell = &mut self.cells[at];
            *cell = cell.wrapping_add(1);
            if *cell == 0 {
                self.carry(at, 1);
            }
        }
        Ok(())
    }

    /// Counts each value as often as its weight says.
    pub fn add_weighted(&mut self, groups: &[u32], values: &[u64], weights: &[u64]) -> io::Result<()> {
        for ((&group, &value), &weight) in groups.iter().zip(values).zip(weights) {
            self.add_slowly(group, value, weight)?;
        }
        Ok(())
    }

    /// Returns the index of the cell of a value, if its page is in the directory.
    #[inline]
    fn cell(&self, group: u32, value: u64) -> Option<usize> {
        let directory = self.directories.get(group as usize)?;
        let page = *directory.get(usize::try_from(value / PAGE as u64).ok()?)?;
        (page != 0).then_some(page as usize * PAGE + value as usize % PAGE)
    }

    #[inline(never)]
    fn add_slowly(&mut self, group: u32, value: u64, weight: u64) -> io::Result<()> {
        if weight == 0 {
            return Ok(());
        }
        let page = match self.cell(group, value) {
            Some(at) => Some((at / PAGE) as u32),
            None => self.page(group, value / PAGE as u64),
        };
        let Some(page) = page else {
            return self.sparse.add(Entry {
                group,
                value,
                count: weight,
            });
        };
        let at = page as usize * PAGE + value as usize % PAGE;
        let sum = u128::from(self.cells[at]) + u128::from(weight);
        self.cells[at] = sum as u16;
        if sum >> 16 != 0 {
            self.carry(at, (sum >> 16) as u64);
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn carry(&mut self, at: usize, carry: u64) {
        *self.carries.entry(at as u32).or_default() += carry;
    }

    /// Returns the page of a group, a new one if there is none, or `None` if there is no room for one.
    fn page(&mut self, group: u32, page: u64) -> Option<u32> {
        if let Some(&found) = self.far.get(&(group, page)) {
            return Some(found);
        }
        let new = (self.cells.len() / PAGE) as u32;
        if new as usize > self.limits.pages {
            return None;
        }
        let group_index = group as usize;
        if self.directories.len() <= group_index {
            self.directories.resize_with(group_index + 1, Vec::new);
        }
        let directory = &mut self.directories[group_index];
        let grown = (page as usize + 1).saturating_sub(directory.len());
        if page < DIRECTORY && self.directory_entries + grown <= self.limits.directories {
            if grown > 0 {
                directory.reserve_exact(grown);
                directory.resize(page as usize + 1, 0);
                self.directory_entries += grown;
            }
            directory[page as usize] = new;
        } else {
            self.far.insert((group, page), new);
        }
        self.cells.resize(self.cells.len() + PAGE, 0);
        Some(new)
    }

    /// Returns the pages of every group, in rising order of their values.
    fn pages(&self) -> Vec<Vec<(u64, u32)>> {
        let mut pages: Vec<Vec<(u64, u32)>> = vec![Vec::new(); self.directories.len()];
        for (group, directory) in self.directories.iter().enumerate() {
            pages[group].extend((0..).zip(directory.iter().copied()).filter(|&(_, page)| page != 0));
        }
        for (&(group, page), &found) in &self.far {
            pages[group as usize].push((page, found));
        }
        // A page may be far although the directory would reach it by now.
        pages.iter_mut().for_each(|pages| pages.sort_unstable());
        pages
    }

    /// Calls `visit` with every count, sorted by group and value. A value may come in several parts.
    pub fn each(&mut self, mut visit: impl FnMut(Entry)) -> io::Result<()> {
        let pages = self.pages();
        let (cells, carries) = (&self.cells, &self.carries);
        let mut near = (0_u32..).zip(&pages).flat_map(|(group, pages)| {
            let entries = move |&(page, at): &(u64, u32)| page_entries(cells, carries, group, page, at);
            pages.iter().flat_map(entries)
        });
        let mut sparse = self.sparse.sorted()?;
        let mut next_near = near.next();
        let mut next_sparse = sparse.next().transpose()?;
        loop {
            let place = |entry: &Entry| (entry.group, entry.value);
            let from_pages = match (&next_near, &next_sparse) {
                (None, None) => return Ok(()),
                (Some(near), Some(sparse)) => place(near) <= place(sparse),
                (near, _) => near.is_some(),
            };
            let entry = if from_pages {
                std::mem::replace(&mut next_near, near.next())
            } else {
                std::mem::replace(&mut next_sparse, sparse.next().transpose()?)
            };
            entry.into_iter().for_each(&mut visit);
        }
    }
}

fn page_entries<'a>(
    cells: &'a [u16],
    carries: &'a HashMap<u32, u64>,
    group: u32,
    page: u64,
    at: u32,
) -> impl Iterator<Item = Entry> + use<'a> {
    let first = at as usize * PAGE;
    (first..)
        .zip(&cells[first..first + PAGE])
        .filter_map(move |(cell, &low)| {
            let carry = if carries.is_empty() {
                None
            } else {
                carries.get(&(cell as u32))
            };
            let count = (carry.copied().unwrap_or(0) << 16) + u64::from(low);
            let value = page * PAGE as u64 + (cell - first) as u64;
            (count > 0).then_some(Entry { group, value, count })
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const SMALL: Limits = Limits {
        pages: 6,
        directories: 300,
        sparse: 16,
    };

    fn check(limits: Limits, rows: &[(u32, u64, u64)]) {
        let mut counts = Counts::new(limits);
        let mut expected = BTreeMap::new();
        for &(group, value, weight) in rows {
            match weight {
                1 => counts.add(&[group], &[value]).unwrap(),
                _ => counts.add_weighted(&[group], &[value], &[weight]).unwrap(),
            }
            if weight > 0 {
                *expected.entry((group, value)).or_insert(0) += weight;
            }
        }
        for _pass in 0..2 {
            let mut found = BTreeMap::new();
            let mut last = (0, 0);
            counts
                .each(|entry| {
                    assert!((entry.group, entry.value) >= last);
                    last = (entry.group, entry.value);
                    *found.entry(last).or_insert(0) += entry.count;
                })
                .unwrap();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn cells_carry() {
        check(
            Limits::default(),
            &[
                (0, 7, 65_535),
                (0, 7, 1),
                (0, 7, 1),
                (0, 8, 1),
                (1, 7, 1 << 40),
                (1, 7, 0),
            ],
        );
        check(Limits::default(), &vec![(3, 300, 1); 200_000]);
    }

    #[test]
    fn near_far_and_homeless_values_are_all_counted() {
        let rows: Vec<(u32, u64, u64)> = (0..4000_u64)
            .map(|i| {
                let value = match i % 4 {
                    0 => i % 256,
                    1 => 5000 + i % 700,
                    2 => 3_000_000_000 + i % 50,
                    _ => i.wrapping_mul(0x9e37_79b9_7f4a_7c15),
                };
                ((i % 3) as u32, value, 1 + i % 2)
            })
            .collect();
        check(Limits::default(), &rows);
        check(SMALL, &rows);
        check(Limits { pages: 0, ..SMALL }, &rows);
        check(
            Limits {
                directories: 0,
                ..SMALL
            },
            &rows,
        );
        check(SMALL, &[]);
        check(SMALL, &[(9, u64::MAX, 1), (9, u64::MAX, 2), (9, 0, 1)]);
    }
}
