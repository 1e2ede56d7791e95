// SPDX-License-Identifier: MIT OR Apache-2.0
//! Samples to exact value counts: lossless, in memory that does not grow with their number, and small on a serial line.

use results::record::count_length;
use results::wire::MAX_LINE;

/// How often one value was seen in one series: a bucket of the table, free while the count is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    key: u64,
    count: u32,
}

impl Count {
    /// A free bucket.
    pub const FREE: Self = Self { key: 0, count: 0 };
}

/// Bits of a value in a key; the series is above them.
pub const VALUE_BITS: u32 = 48;

/// Returns a sample: its value, which must be below 2^48, and its series.
#[inline(always)]
pub const fn sample(series: u16, value: u64) -> u64 {
    (series as u64) << VALUE_BITS | value
}

/// A hash table of counts, with linear probing. A new value takes a multiplication and a store or two, a known one less.
#[derive(Debug)]
pub struct Tally<'a> {
    /// A power of two of them.
    buckets: &'a mut [Count],
    /// Which buckets are taken, in the order in which they were; at most as many as there is room for here.
    taken: &'a mut [u32],
    used: usize,
}

impl<'a> Tally<'a> {
    /// Creates a tally from free buckets, a power of two of them and more than `taken` is long.
    pub fn new(buckets: &'a mut [Count], taken: &'a mut [u32]) -> Self {
        debug_assert!(buckets.len().is_power_of_two() && taken.len() < buckets.len());
        Self {
            buckets,
            taken,
            used: 0,
        }
    }

    /// Counts a sample. Returns whether there is room for another one that was never seen before.
    #[inline]
    pub fn add(&mut self, sample: u64) -> bool {
        let mask = self.buckets.len() - 1;
        // Fibonacci hashing: the high bits of the product depend on all bits of the key.
        let mut at = (sample.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask;
        loop {
            let bucket = &mut self.buckets[at];
            if bucket.count == 0 {
                *bucket = Count { key: sample, count: 1 };
                self.taken[self.used] = at as u32;
                self.used += 1;
                return self.used < self.taken.len();
            }
            if bucket.key == sample && bucket.count < u32::MAX {
                bucket.count += 1;
                return true;
            }
            at = (at + 1) & mask;
        }
    }

    /// Calls `f` with every series, value and count, in rising order, and starts again from nothing.
    pub fn drain(&mut self, mut f: impl FnMut(u16, u64, u32)) {
        let taken = &mut self.taken[..self.used];
        taken.sort_unstable_by_key(|&at| self.buckets[at as usize].key);
        for &at in &*taken {
            let Count { key, count } = core::mem::take(&mut self.buckets[at as usize]);
            f((key >> VALUE_BITS) as u16, key & ((1 << VALUE_BITS) - 1), count);
        }
        self.used = 0;
    }
}

/// Values of one line: more than fit.
const VALUES: usize = MAX_LINE / 2;

/// Empties a tally into lines, each of one series and as long as it may be.
///
/// `room` returns how many bytes a line of a series has for values; `line` takes them in rising order.
pub fn pack(tally: &mut Tally<'_>, room: impl Fn(u16) -> usize, mut line: impl FnMut(u16, &[(u64, u32)])) {
    let mut pairs = [(0, 0); VALUES];
    let (mut used, mut left, mut last) = (0, 0, None);
    tally.drain(|series, value, count| {
        let length = match last {
            Some((other, before)) if other == series => Some(count_length(value - before, count)),
            _ => None,
        };
        match length.filter(|&length| length <= left && used < VALUES) {
            Some(length) => left -= length,
            None => {
                if let Some((series, _)) = last {
                    line(series, &pairs[..used]);
                }
                used = 0;
                left = room(series).saturating_sub(count_length(value, count));
            }
        }
        pairs[used] = (value, count);
        used += 1;
        last = Some((series, value));
    });
    if let Some((series, _)) = last {
        line(series, &pairs[..used]);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use results::record::{Event, Pairs, Record, count_room};
    use results::scenario::Scenario;
    use results::wire::{Binding, LineWriter};

    use super::*;
    use crate::random::Random;

    /// Returns the bytes on the wire of a batch of four series with so many different values each, and so many samples.
    fn bytes_of_a_batch(different: u32, samples: u32) -> usize {
        let (mut buckets, mut taken) = (vec![Count::FREE; 1 << 16], vec![0; 1 << 15]);
        let mut tally = Tally::new(&mut buckets, &mut taken);
        for series in 0..4 {
            for value in 0..different {
                // Cycles of a flush on hardware, with gaps.
                assert!(tally.add(sample(series, 280 + u64::from(value) * 3)));
            }
        }
        for bucket in tally.buckets.iter_mut().filter(|bucket| bucket.count > 0) {
            bucket.count = samples / different;
        }
        let mut writer = LineWriter::resume(String::new(), 99_000, Binding::NONE);
        let (mut total, mut most) = (0, 0);
        let room = |_| count_room("xen_head_old_aa", Scenario::PLAIN, Event::Cycles);
        pack(&mut tally, room, |_, pairs| {
            let (seq, scenario, event) = ("xen_head_old_aa", Scenario::PLAIN, Event::Cycles);
            let (pe, batch, pairs) = (0, 49, Pairs::Slice(pairs));
            writer
                .record(&Record::Sample {
                    seq,
                    scenario,
                    pe,
                    event,
                    batch,
                    pairs,
                })
                .unwrap();
            let text = std::mem::take(writer.get_mut());
            most = most.max(text.len());
            total += text.len();
        });
        assert!(most <= MAX_LINE, "{most}");
        total
    }

    #[test]
    fn a_hundred_million_samples_fit_a_megabyte_unless_they_are_all_different() {
        // 100 million samples of four series in 50 batches: 500,000 samples of each in a batch.
        let total = |different| 50 * bytes_of_a_batch(different, 500_000);
        assert!(total(20) < 50_000, "{}", total(20));
        assert!(total(600) < 1_000_000, "{}", total(600));
        // The limit, as docs/measurement.md gives it.
        assert!(total(900) > 1_000_000, "{}", total(900));
    }

    #[test]
    fn lines_hold_every_count_in_order_and_one_series_each() {
        let (mut buckets, mut taken) = ([Count::FREE; 256], [0; 200]);
        let mut tally = Tally::new(&mut buckets, &mut taken);
        let mut expected = Vec::new();
        for series in 0..3 {
            for value in 0..60 {
                expected.push((series, value * value));
                tally.add(sample(series, value * value));
            }
        }
        let (mut seen, mut lines) = (Vec::new(), 0);
        pack(
            &mut tally,
            |_| 40,
            |series, pairs| {
                lines += 1;
                seen.extend(pairs.iter().map(|&(value, _)| (series, value)));
            },
        );
        assert_eq!(seen, expected);
        assert!(lines > 3);
        pack(
            &mut tally,
            |_| 40,
            |series, _| panic!("something is left of series {series}"),
        );
    }

    #[test]
    fn every_sample_is_counted_once_and_comes_out_in_order() {
        let (mut buckets, mut taken) = ([Count::FREE; 64], [0; 48]);
        let mut tally = Tally::new(&mut buckets, &mut taken);
        let mut random = Random::new(3);
        let mut expected = BTreeMap::new();
        for _ in 0..2 {
            for _ in 0..10_000 {
                let (series, value) = (random.below(4) as u16, random.below(11) as u64 * 1_000_003);
                *expected.entry((series, value)).or_insert(0_u32) += 1;
                assert!(tally.add(sample(series, value)));
            }
            let mut seen = Vec::new();
            tally.drain(|series, value, count| seen.push(((series, value), count)));
            assert_eq!(seen, std::mem::take(&mut expected).into_iter().collect::<Vec<_>>());
        }
        tally.drain(|series, _, _| panic!("something is left of series {series}"));
    }

    #[test]
    fn a_full_table_says_so_before_it_loses_anything() {
        let (mut buckets, mut taken) = ([Count::FREE; 8], [0; 6]);
        let mut tally = Tally::new(&mut buckets, &mut taken);
        let largest = (1 << VALUE_BITS) - 1;
        let room: Vec<_> = (0..6).map(|i| tally.add(sample(u16::MAX, largest - i))).collect();
        assert_eq!(room, [true, true, true, true, true, false]);
        let mut seen = 0;
        tally.drain(|series, value, count| {
            assert_eq!((series, value, count), (u16::MAX, largest - 5 + seen, 1));
            seen += 1;
        });
        assert_eq!(seen, 6);
    }
}
