// SPDX-License-Identifier: MIT OR Apache-2.0
//! The arms of a `switch` or a `match`: which one happens, where an argument or what was decided before says it.
//!
//! A function that chooses its operation by a number is called with a constant, mostly. Read without it, every caller has the
//! operations of all of its arms. C forbids two cases of one value, so that the arm whose label is the subject's own text is
//! the one, even where the values of the labels are out of sight.

use crate::extract::condition::{self, Condition, Decided};
use crate::extract::text;

/// Most characters of a condition that names its labels.
const MAX: usize = 160;
/// What stands for the arm that all other values go to.
const DEFAULT: &str = "default";

/// Writes a choice among arms down as a condition: `switch op: ALL, ONE, default`.
pub fn written(word: &str, subject: &str, labels: &[String]) -> String {
    text::cut(&format!("{word} {subject}: {}", labels.join(", ")), MAX)
}

/// The arms of a choice, in their order.
#[derive(Debug)]
pub struct Cases {
    /// What makes an arm happen; of one that all others go to, and of one that cannot be compared, nothing.
    arms: Vec<Option<Condition>>,
    /// The arm whose label is the subject.
    own: Option<usize>,
    /// The arm that all other values go to, where each other arm can be compared.
    default: Option<usize>,
}

impl Cases {
    /// Reads a condition that [`written`] made for a number of arms.
    pub fn read(condition: &str, arms: usize) -> Option<Self> {
        let (subject, labels, in_c) = match condition.split_once(' ')? {
            ("switch", rest) => (rest.split_once(": ")?.0, rest.split_once(": ")?.1, true),
            ("match", rest) => (rest.split_once(": ")?.0, rest.split_once(": ")?.1, false),
            _ => return None,
        };
        let mut labels: Vec<&str> = labels.split(", ").collect();
        // A `switch` without `default` has one more arm: nothing.
        if labels.len() + 1 == arms && in_c {
            labels.push(DEFAULT);
        }
        if labels.len() != arms || subject == "out of sight" {
            return None;
        }
        let subject = bare(subject);
        let is_default = |label: &str| matches!(label, DEFAULT | "_");
        let compare = |label: &&str| {
            let values: Vec<&str> = label.split('|').map(str::trim).collect();
            let known = !is_default(label) && values.iter().all(|value| is_constant(value, in_c));
            known.then(|| {
                Condition::Or(
                    values
                        .iter()
                        .map(|value| condition::read(&format!("{subject} == {value}")))
                        .collect(),
                )
            })
        };
        let compared: Vec<_> = labels.iter().map(compare).collect();
        let default = labels.iter().position(|label| is_default(label));
        let all_known = compared.iter().filter(|arm| arm.is_none()).count() <= 1;
        Some(Self {
            own: labels
                .iter()
                .position(|label| label.split('|').any(|value| value.trim() == subject)),
            arms: compared,
            default: default.filter(|_| all_known),
        })
    }

    /// Returns whether an arm can happen after what was decided.
    pub fn can_happen(&self, arm: usize, decided: &Decided) -> bool {
        if let Some(own) = self.own {
            return arm == own;
        }
        let value = |condition: &Option<Condition>| condition.as_ref().and_then(|condition| decided.value(condition));
        match self.arms.iter().position(|condition| value(condition) == Some(true)) {
            Some(chosen) => arm == chosen,
            None => value(&self.arms[arm]) != Some(false),
        }
    }

    /// Takes an arm as the one that happens.
    pub fn take(&self, arm: usize, decided: &mut Decided) {
        if let Some(condition) = &self.arms[arm] {
            decided.take(condition.clone(), true);
        }
        if self.default == Some(arm) {
            for condition in self.arms.iter().flatten() {
                decided.take(condition.clone(), false);
            }
        }
    }
}

/// Takes brackets around a whole text away.
fn bare(text: &str) -> &str {
    let inner = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    inner.filter(|inner| !inner.contains(['(', ')'])).unwrap_or(text).trim()
}

/// Returns whether a label is a constant: a number or a name. In a pattern of Rust, a small name would bind.
fn is_constant(label: &str, in_c: bool) -> bool {
    let last = label.rsplit("::").next().unwrap_or(label);
    !label.is_empty()
        && label.chars().all(|c| c.is_alphanumeric() || "_:.".contains(c))
        && (in_c || last.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn possible(cases: &Cases, arms: usize, decided: &Decided) -> Vec<usize> {
        (0..arms).filter(|&arm| cases.can_happen(arm, decided)).collect()
    }

    #[test]
    fn the_label_that_is_the_subject_is_the_one() {
        let cases = Cases::read("switch (OP_ONE): OP_ALL, OP_ONE, default", 3).unwrap();
        assert_eq!(possible(&cases, 3, &Decided::default()), [1]);
        let cases = Cases::read("match Op::Two: Op::All | Op::Two, Op::One, _", 3).unwrap();
        assert_eq!(possible(&cases, 3, &Decided::default()), [0]);
    }

    #[test]
    fn numbers_and_what_was_decided_decide() {
        let none = Decided::default();
        let cases = Cases::read("switch 3: 1, 2", 3).unwrap();
        assert_eq!(possible(&cases, 3, &none), [2]);
        let cases = Cases::read("switch op: ALL, ONE, default", 3).unwrap();
        assert_eq!(possible(&cases, 3, &none), [0, 1, 2]);
        let mut decided = Decided::default();
        cases.take(1, &mut decided);
        assert_eq!(possible(&cases, 3, &decided), [1]);
        let mut decided = Decided::default();
        cases.take(2, &mut decided);
        assert_eq!(possible(&cases, 3, &decided), [2]);
    }

    #[test]
    fn what_cannot_be_compared_is_followed() {
        assert!(Cases::read("switch op: A, B, C, D...", 9).is_none());
        assert!(Cases::read("switch out of sight: A, B", 2).is_none());
        assert!(Cases::read("a == b", 2).is_none());
        let cases = Cases::read("match x: Some(y), other", 2).unwrap();
        let mut decided = Decided::default();
        cases.take(1, &mut decided);
        assert_eq!(possible(&cases, 2, &decided), [0, 1]);
    }
}
