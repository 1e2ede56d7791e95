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
        for kind in Order::ALL {
            let mut order = RoundOrder::new(kind, 7);
            let mut items = [0, 1, 2, 3, 4, 5, 6, 7];
            let mut seen = Vec::new();
            for round in 0..64 {
                let reversed = order.next(&mut items);
                assert_eq!(reversed, kind.is_reversed(round % kind.block()), "{kind:?} {round}");
                seen.push(items);
            }
            let block = kind.block() as usize;
            for (round, items) in seen.iter().enumerate() {
                assert_eq!(*items, seen[round / block * block], "{kind:?} {round}");
            }
            seen.dedup();
            assert_eq!(seen.len(), 64 / block, "{kind:?}");
        }
    }

    #[test]
    fn restarting_begins_a_block() {
        let mut order = RoundOrder::new(Order::Abba, 7);
        let mut items = [0, 1, 2];
        assert!(!order.next(&mut items));
        order.restart();
        assert!(!order.next(&mut items));
        assert!(order.next(&mut items));
    }
}
