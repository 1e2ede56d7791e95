// SPDX-License-Identifier: MIT OR Apache-2.0
//! In which order the rounds of a batch run what is timed, and for how long it stays at one place.
//!
//! A round takes one sample of everything. Slow drift (frequency, temperature, a busy host) must not favor whatever
//! comes early or late in a round, so rounds run forwards and backwards, and what stands where is drawn anew from time
//! to time. The same seed gives the same order.

/// How rounds alternate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Order {
    /// Forwards or backwards by the Thue-Morse sequence, `ABBA BAAB BAAB ABBA`: over 2^k rounds, drift that is a
    /// polynomial in time of a degree below k cancels.
    #[default]
    ThueMorse,
    /// Forwards and backwards in turns, `ABBA ABBA`: linear drift cancels.
    Abba,
    /// A new order every round: nothing cancels exactly, everything does on average.
    Random,
}

impl Order {
    /// Every order.
    pub const ALL: [Self; 3] = [Self::ThueMorse, Self::Abba, Self::Random];

    /// Returns the stable id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::ThueMorse => "thue-morse",
            Self::Abba => "abba",
            Self::Random => "random",
        }
    }

    /// Returns the order with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.id() == id)
    }

    /// Returns after how many rounds a new permutation is drawn.
    pub const fn block(self) -> u32 {
        match self {
            Self::ThueMorse => 16,
            Self::Abba => 2,
            Self::Random => 1,
        }
    }

    /// Returns whether a round, counted from 0 within its block, runs its permutation backwards.
    pub const fn is_reversed(self, round: u32) -> bool {
        match self {
            Self::ThueMorse => round.count_ones() % 2 == 1,
            Self::Abba => round % 2 == 1,
            Self::Random => false,
        }
    }
}

/// For how long a timed stub stays at one place in memory.
///
/// Two copies of one sequence at two places differ by a steady amount: cache sets, branch predictors, a simulator's
/// hash tables. Where they stay for a whole run, a small difference may be one of places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Places {
    /// For the whole run: what kernels do that do not say.
    #[default]
    Run,
    /// For a batch; the places of the next one are drawn from the seed.
    Batch,
}

impl Places {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Run, Self::Batch];

    /// Returns the stable id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Batch => "batch",
        }
    }

    /// Returns the value with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|places| places.id() == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back() {
        for order in Order::ALL {
            assert_eq!(Order::from_id(order.id()), Some(order));
        }
    }

    #[test]
    fn drift_cancels_as_far_as_each_order_says() {
        // Two things: place 2r or 2r + 1 of round r. The sum of place^degree is the same for both.
        let difference = |order: Order, rounds: u32, degree: u32| -> i64 {
            (0..rounds)
                .map(|round| {
                    let (early, late) = (i64::from(2 * round).pow(degree), i64::from(2 * round + 1).pow(degree));
                    if order.is_reversed(round % order.block()) {
                        early - late
                    } else {
                        late - early
                    }
                })
                .sum()
        };
        for degree in 0..=4 {
            assert_eq!(difference(Order::ThueMorse, 16, degree), 0, "{degree}");
        }
        assert_eq!(difference(Order::Abba, 2, 1), 0);
        assert_ne!(difference(Order::Abba, 2, 2), 0);
        assert_ne!(difference(Order::ThueMorse, 16, 5), 0);
    }
}
