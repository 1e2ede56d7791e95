// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lists that share their beginnings.
//!
//! The ways through a function part at every branch. Were each to hold a list of its own, to follow N branches would take N²
//! steps, for nothing but copying.

use std::rc::Rc;

/// A list that grows at its end. A clone shares all that was there.
#[derive(Debug)]
pub struct Shared<T> {
    last: Option<Rc<Link<T>>>,
    length: usize,
}

#[derive(Debug)]
struct Link<T> {
    value: T,
    before: Option<Rc<Link<T>>>,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { last: None, length: 0 }
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self {
            last: self.last.clone(),
            length: self.length,
        }
    }
}

/// Lets go of one link after the other: a long list would overflow the stack.
impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        let mut next = self.last.take();
        while let Some(link) = next.and_then(Rc::into_inner) {
            next = link.before;
        }
    }
}

impl<T> Shared<T> {
    /// Adds a value at the end.
    pub fn push(&mut self, value: T) {
        let before = self.last.take();
        self.last = Some(Rc::new(Link { value, before }));
        self.length += 1;
    }

    /// Returns how many values there are.
    pub const fn count(&self) -> usize {
        self.length
    }

    /// Returns the values, the last one first.
    pub fn backwards(&self) -> impl Iterator<Item = &T> {
        let mut next = self.last.as_deref();
        std::iter::from_fn(move || {
            let link = next?;
            next = link.before.as_deref();
            Some(&link.value)
        })
    }

    /// Returns the values in their order.
    pub fn to_vec(&self) -> Vec<T>
    where
        T: Clone,
    {
        let mut all: Vec<T> = self.backwards().cloned().collect();
        all.reverse();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::Shared;

    #[test]
    fn clones_part_where_they_grow() {
        let mut one = Shared::default();
        one.push(1);
        let mut other = one.clone();
        one.push(2);
        other.push(3);
        assert_eq!((one.to_vec(), other.to_vec(), one.count()), (vec![1, 2], vec![1, 3], 2));
        assert_eq!(one.backwards().next(), Some(&2));
    }

    #[test]
    fn a_long_list_is_dropped_without_recursion() {
        let mut long = Shared::default();
        (0..1_000_000).for_each(|value| long.push(value));
        let kept = long.clone();
        drop(long);
        assert_eq!(kept.count(), 1_000_000);
    }
}
