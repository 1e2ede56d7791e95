// SPDX-License-Identifier: MIT OR Apache-2.0
//! The order of what is timed in a round: drawn for a block of rounds, and reversed in some of them, so that drift cancels.

use results::order::Order;

use crate::random::Random;

/// Gives the rounds of a measurement their order, one after the other.
#[derive(Debug, Clone)]
pub struct RoundOrder {
    order: Order,
    random: Random,
    /// RoundOrder since the permutation was drawn.
    round: u32,
}

impl RoundOrder {
    /// Creates the rounds of a run.
    pub const fn new(order: Order, seed: u64) -> Self {
        Self {
            order,
            random: Random::new(seed),
            round: 0,
        }
    }

    /// Starts a block: the next round draws a permutation.
    pub const fn restart(&mut self) {
        self.round = 0;
    }

    /// Begins a round: `items` is what to run, and the result says whether from its end.
    #[inline(always)]
    pub fn next<T>(&mut self, items: &mut [T]) -> bool {
        if self.round == 0 {
            self.random.shuffle(items);
        }
        let reversed = self.order.is_reversed(self.round);
        self.round += 1;
        if self.round == self.order.block() {
            self.round = 0;
        }
        reversed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_keeps_its_permutation_and_the_next_draws_another() {
        for order in Order::ALL {
            let mut rounds = RoundOrder::new(order, 7);
            let mut places = [0, 1, 2, 3, 4, 5, 6, 7];
            let mut seen = Vec::new();
            for round in 0..64 {
                let reversed = rounds.next(&mut places);
                assert_eq!(reversed, order.is_reversed(round % order.block()), "{order:?} {round}");
                seen.push(places);
            }
            let block = order.block() as usize;
            for (round, places) in seen.iter().enumerate() {
                assert_eq!(*places, seen[round / block * block], "{order:?} {round}");
            }
            seen.dedup();
            assert_eq!(seen.len(), 64 / block, "{order:?}");
        }
    }

    #[test]
    fn restarting_begins_a_block() {
        let mut rounds = RoundOrder::new(Order::Abba, 7);
        let mut places = [0, 1, 2];
        assert!(!rounds.next(&mut places));
        rounds.restart();
        assert!(!rounds.next(&mut places));
        assert!(rounds.next(&mut places));
    }
}
