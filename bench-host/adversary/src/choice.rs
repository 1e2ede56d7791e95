// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one place where the machine decides between things that the architecture permits.
//!
//! Most of it needs no decision when it happens: a TLBI that has not been completed, or a store that no barrier has
//! completed, leaves both possibilities open until somebody walks. So a decision is made where a translation is used, and
//! what has been decided there is all that an execution consists of.

/// What there is to choose from, at one use of a translation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// The number of possibilities, at least 2. The last one is the worst.
    pub options: usize,
    /// The one that follows from what is visible in memory now.
    pub current: usize,
}

/// Chooses.
pub trait Choice {
    /// Returns the number of a possibility, below `point.options`.
    fn choose(&mut self, point: Point) -> usize;

    /// Returns whether everything takes effect at once, and the TLB holds only what was used.
    fn is_kind(&self) -> bool {
        false
    }

    /// Returns for how many instructions a PE runs before another one does.
    fn turn(&mut self) -> u64 {
        TURN
    }
}

/// Instructions for which a PE runs before another one does.
const TURN: u64 = 2000;

/// Always the worst.
#[derive(Debug, Clone, Copy)]
pub struct Latest;

impl Choice for Latest {
    fn choose(&mut self, point: Point) -> usize {
        point.options - 1
    }
}

/// Everything takes effect at once; what the TLB holds is used, as long as it does.
#[derive(Debug, Clone, Copy)]
pub struct Earliest;

impl Choice for Earliest {
    fn choose(&mut self, point: Point) -> usize {
        point.options - 1
    }

    fn is_kind(&self) -> bool {
        true
    }
}

/// A coin for each choice.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Returns the coins of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    const fn below(&mut self, n: u64) -> u64 {
        ((self.next() >> 32) * n) >> 32
    }
}

impl Choice for Random {
    fn choose(&mut self, point: Point) -> usize {
        self.below(point.options as u64) as usize
    }

    fn turn(&mut self) -> u64 {
        TURN / 4 + self.below(TURN)
    }
}

/// A given list of deviations from what is visible in memory, for [`crate::explore`].
#[derive(Debug, Clone, Default)]
pub struct Scripted {
    /// The decisions to take otherwise: the number of the point from the start of the run, and the possibility.
    pub deviations: Vec<(u64, usize)>,
    /// Points passed so far.
    pub passed: u64,
    /// Every point passed from the first deviation on, or from the start without any, up to a bound.
    pub seen: Vec<(u64, Point)>,
    /// The most points to remember.
    pub bound: usize,
}

impl Choice for Scripted {
    fn choose(&mut self, point: Point) -> usize {
        let number = self.passed;
        self.passed += 1;
        let beyond = self.deviations.last().is_none_or(|&(last, _)| number > last);
        if beyond && self.seen.len() < self.bound {
            self.seen.push((number, point));
        }
        let scripted = self.deviations.iter().find(|&&(at, _)| at == number);
        scripted.map_or(point.current, |&(_, option)| option.min(point.options - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_chooses_the_same() {
        let run = |seed| {
            let mut random = Random::new(seed);
            (2..40)
                .map(|options| random.choose(Point { options, current: 0 }))
                .collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        assert!(run(3).iter().zip(2..).all(|(&chosen, options)| chosen < options));
    }

    #[test]
    fn a_script_deviates_where_it_says_and_remembers_what_came_after() {
        let mut scripted = Scripted {
            deviations: vec![(1, 2)],
            bound: 10,
            ..Scripted::default()
        };
        let point = Point { options: 3, current: 0 };
        assert_eq!([0; 3].map(|_| scripted.choose(point)), [0, 2, 0]);
        assert_eq!(scripted.seen, [(2, point)]);
    }
}
