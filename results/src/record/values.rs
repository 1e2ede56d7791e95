// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fields that hold many values: a slice when written, text when read, so that neither side needs memory for them.

use core::fmt;

use crate::event::Event;
use crate::scenario::Scenario;

/// The value counts of a `counts` or `sample` record: a slice when written, text when read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pairs<'a> {
    /// Value and count, in rising order of the values.
    Slice(&'a [(u64, u32)]),
    /// `value[xcount],difference[xcount],...`, checked: the first value, then the differences to the value before; a
    /// count of 1 is left out.
    Differences(&'a str),
    /// `value,count,value,count,...`, checked (version 1).
    Text(&'a str),
}

/// Returns the number of digits of a number.
const fn digits(mut n: u64) -> usize {
    let mut digits = 1;
    while n >= 10 {
        n /= 10;
        digits += 1;
    }
    digits
}

/// Returns how many bytes a value takes in a `counts` record, given the difference to the value before (for the first,
/// the value itself); the comma in front is counted.
pub const fn count_length(difference: u64, count: u32) -> usize {
    1 + digits(difference) + if count == 1 { 0 } else { 1 + digits(count as u64) }
}

/// Returns how many bytes are left for the values in a `counts` record with these names, whatever its numbers are.
pub fn count_room(seq: &str, scenario: Scenario, event: Event) -> usize {
    struct Length(usize);
    impl fmt::Write for Length {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 += text.len();
            Ok(())
        }
    }
    let mut length = Length(0);
    // Counting cannot fail. The numbers are those of the line, the PE and the batch.
    let _ = fmt::write(
        &mut length,
        format_args!(
            "{}{},counts,{seq},{scenario},{},{},{},01234567\r\n",
            crate::wire::PREFIX,
            u32::MAX,
            crate::plan::MAX_PES,
            event.id(),
            u32::MAX
        ),
    );
    crate::wire::MAX_LINE.saturating_sub(length.0)
}

/// Reads `value[xcount]`.
pub(super) fn count_field(field: &str) -> Option<(u64, u32)> {
    let (value, count) = match field.split_once('x') {
        Some((value, count)) => (value, count.parse().ok()?),
        None => (field, 1),
    };
    Some((value.parse().ok()?, count))
}

impl Pairs<'_> {
    /// Calls `f` with every value and its count.
    pub fn for_each(&self, mut f: impl FnMut(u64, u32)) {
        match self {
            Self::Slice(pairs) => pairs.iter().for_each(|&(value, count)| f(value, count)),
            Self::Differences(text) => {
                let mut value = 0_u64;
                for (difference, count) in text.split(',').filter_map(count_field) {
                    value = value.wrapping_add(difference);
                    f(value, count);
                }
            }
            Self::Text(text) => {
                let mut fields = text.split(',');
                // The text was checked when it was parsed, so both halves are always numbers.
                while let (Some(Ok(value)), Some(Ok(count))) =
                    (fields.next().map(str::parse), fields.next().map(str::parse))
                {
                    f(value, count);
                }
            }
        }
    }
}

/// The instruction words of a `words` record: a slice when written, text when read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words<'a> {
    /// The words.
    Slice(&'a [u32]),
    /// Hexadecimal, separated by spaces, checked.
    Text(&'a str),
}

impl Words<'_> {
    /// Calls `f` with every word.
    pub fn for_each(&self, mut f: impl FnMut(u32)) {
        match self {
            Self::Slice(words) => words.iter().copied().for_each(f),
            Self::Text(text) => {
                text.split(' ')
                    .filter_map(|word| u32::from_str_radix(word, 16).ok())
                    .for_each(&mut f);
            }
        }
    }
}
