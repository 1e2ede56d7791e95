// SPDX-License-Identifier: MIT OR Apache-2.0
//! A vector register as elements.

/// Elements, in their lowest bits.
#[derive(Clone, Copy)]
pub(super) struct Elements {
    pub(super) all: [u64; 16],
    pub(super) count: usize,
    /// Bits of one.
    pub(super) bits: u32,
}

impl Elements {
    pub(super) fn of(value: u128, size: u8, q: bool) -> Self {
        let bits = 8 << size;
        let count = if q { 16 } else { 8 } >> size;
        let mask = u64::MAX >> (64 - bits);
        let all = std::array::from_fn(|n| {
            if n < count {
                (value >> (n as u32 * bits)) as u64 & mask
            } else {
                0
            }
        });
        Self { all, count, bits }
    }

    pub(super) fn signed(&self, value: u64) -> i64 {
        (value << (64 - self.bits)) as i64 >> (64 - self.bits)
    }

    pub(super) fn map(mut self, mut f: impl FnMut(usize, u64) -> u64) -> Self {
        for n in 0..self.count {
            self.all[n] = f(n, self.all[n]);
        }
        self
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.all[..self.count].iter().copied()
    }

    pub(super) fn value(&self) -> u128 {
        join(self.iter(), self.bits)
    }
}

/// Joins elements of so many bits.
pub(super) fn join(elements: impl Iterator<Item = u64>, bits: u32) -> u128 {
    let mask = u128::MAX >> (128 - bits);
    elements.zip(0..).fold(0, |value, (element, n)| {
        value | (u128::from(element) & mask) << (n * bits)
    })
}

pub(super) const fn half(value: u128, q: bool) -> u128 {
    if q { value } else { value & u64::MAX as u128 }
}

pub(super) const fn truth(value: bool) -> u64 {
    if value { u64::MAX } else { 0 }
}

/// Shifts an element left by a signed number of bits.
pub(super) fn shift_by(elements: &Elements, value: u64, by: u64, signed: bool) -> u64 {
    let by = i32::from(by as i8);
    let bits = elements.bits as i32;
    match (by, signed) {
        (0.., _) if by < bits => value << by,
        (0.., _) => 0,
        (_, false) if -by < bits => value >> -by,
        (_, false) => 0,
        (_, true) => (elements.signed(value) >> (-by).min(63)) as u64,
    }
}

pub(super) fn replace(value: u128, size: u8, index: u8, element: u64) -> u128 {
    let mut elements = Elements::of(value, size, true);
    let index = usize::from(index) % elements.count;
    elements.all[index] = element;
    elements.value()
}
