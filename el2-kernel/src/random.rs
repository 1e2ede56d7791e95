// SPDX-License-Identifier: MIT OR Apache-2.0
//! Random numbers from the seed of a run: the same seed gives the same run.

/// SplitMix64 (Steele, Lea and Flood, 2014): tiny, and good enough to shuffle a few sequences.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Creates a generator.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Creates the generator of one boot of an image that is booted again and again: from the seed of its plan, and from
    /// two counters, which firmware that never takes exactly as long leaves elsewhere each time.
    pub const fn of_this_boot(seed: u64, ticks: u64, cycles: u64) -> Self {
        let mut of_ticks = Self::new(seed ^ ticks);
        Self::new(of_ticks.next() ^ cycles)
    }

    /// Returns the next 64 random bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number below `n`, which must not be 0. The bias is below `n / 2^32`.
    pub const fn below(&mut self, n: usize) -> usize {
        (((self.next() >> 32) * n as u64) >> 32) as usize
    }

    /// Shuffles (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_numbers_are_those_of_the_published_generator() {
        let mut random = Random::new(1_234_567);
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        assert_eq!([random.next(), random.next(), random.next()], expected);
    }

    #[test]
    fn boots_one_tick_apart_draw_other_numbers() {
        let drawn = |seed, ticks, cycles| Random::of_this_boot(seed, ticks, cycles).next();
        let boot = drawn(1, 1000, 5);
        for other in [drawn(1, 1001, 5), drawn(1, 1000, 6), drawn(2, 1000, 5)] {
            assert!((boot ^ other).count_ones() > 10, "{boot:x} {other:x}");
        }
        assert_eq!(drawn(1, 1000, 5), boot);
    }

    #[test]
    fn a_shuffle_is_a_permutation_and_every_place_is_reached() {
        let mut random = Random::new(7);
        let mut seen = [[false; 4]; 4];
        for _ in 0..200 {
            let mut items = [0, 1, 2, 3];
            random.shuffle(&mut items);
            let mut sorted = items;
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3]);
            items
                .iter()
                .enumerate()
                .for_each(|(place, &item)| seen[place][item] = true);
        }
        assert_eq!(seen, [[true; 4]; 4]);
    }
}
