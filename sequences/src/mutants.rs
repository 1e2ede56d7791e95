// SPDX-License-Identifier: MIT OR Apache-2.0
//! Mutants: every sequence one edit away.
//!
//! A check that never fails proves nothing. Run against the mutants of a correct sequence, a set of checks shows how
//! many of the mistakes one slip of the keyboard away it would have caught. The judge says which mutants are mistakes at
//! all: only an *insufficient* mutant can be caught.

mod edit;

use crate::judge::{Question, Verdict, judge};
use crate::sequence::{Item, Sequence};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub use edit::Kind;

/// A sequence with one edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// What was done.
    pub kind: Kind,
    /// A name that stays the same for ever: the position from 1, the kind, and what the instruction became. Matches
    /// `[a-z0-9_]+`.
    pub id: String,
    /// The edit in words.
    pub description: String,
    /// The result.
    pub sequence: Sequence,
}

/// A mutant and what the judge says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedMutant {
    /// The mutant.
    pub mutant: Mutant,
    /// The verdict on the same question as the original's.
    pub verdict: Verdict,
}

/// Returns every mutant of a sequence, position by position. Edits that give the original, or a sequence another edit gave
/// before, are left out; so is the empty sequence, which is a control and not a mutant.
#[must_use]
pub fn mutants(sequence: &Sequence) -> Vec<Mutant> {
    let mut found: Vec<Mutant> = Vec::new();
    let mut add = |kind: Kind, id: String, description: String, mutated: Sequence| {
        let known = mutated == *sequence || found.iter().any(|mutant| mutant.sequence == mutated);
        if !known && mutated.instructions().next().is_some() {
            found.push(Mutant {
                kind,
                id,
                description,
                sequence: mutated,
            });
        }
    };
    for (index, &(item, inner)) in positions(sequence).iter().enumerate() {
        let number = index + 1;
        let list = body(&sequence.items[item]);
        let original = list[inner];
        for edit in edit::edits(original) {
            let (name, text) = match edit.instead {
                Some(instead) => (
                    id_of(&format!("{instead}")),
                    format!("`{original}` becomes `{instead}`"),
                ),
                None => (id_of(&format!("{original}")), format!("`{original}` is left out")),
            };
            let id = format!("m{number}_{}_{name}", edit.kind.name());
            let description = format!("{text} (instruction {number})");
            add(edit.kind, id, description, with(sequence, item, inner, edit.instead));
        }
        // Neighbors in the same list; an instruction does not move into or out of a repetition.
        if let Some((next, swapped)) = swap(sequence, item, inner) {
            let id = format!("m{number}_swap_{}", id_of(&format!("{original} {next}")));
            let description = format!(
                "`{original}` and `{next}` change places (instructions {number} and {})",
                number + 1
            );
            add(Kind::Swap, id, description, swapped);
        }
    }
    found
}

/// Returns every mutant with its verdict.
#[must_use]
pub fn judged(question: &Question, sequence: &Sequence) -> Vec<JudgedMutant> {
    let original: Vec<_> = sequence.instructions().collect();
    let question = question.before(&original);
    let verdict = |mutant: &Mutant| {
        let instructions: Vec<_> = mutant.sequence.instructions().collect();
        judge(&question, &instructions).verdict
    };
    mutants(sequence)
        .into_iter()
        .map(|mutant| JudgedMutant {
            verdict: verdict(&mutant),
            mutant,
        })
        .collect()
}

/// Returns the positions of the instructions as written: the item, and the index in it.
fn positions(sequence: &Sequence) -> Vec<(usize, usize)> {
    let in_item = |(at, item): (usize, &Item)| (0..body(item).len()).map(move |inner| (at, inner)).collect::<Vec<_>>();
    sequence.items.iter().enumerate().flat_map(in_item).collect()
}

fn body(item: &Item) -> &[crate::Instruction] {
    item.instructions()
}

/// Returns the sequence with an instruction replaced or left out; a repetition of nothing is left out too.
fn with(sequence: &Sequence, item: usize, inner: usize, instead: Option<crate::Instruction>) -> Sequence {
    let mut mutated = sequence.clone();
    match (&mut mutated.items[item], instead) {
        (Item::Instruction(instruction), Some(instead)) => *instruction = instead,
        (Item::ForPage(list), Some(instead)) => list[inner] = instead,
        (Item::ForPage(list), None) if list.len() > 1 => {
            list.remove(inner);
        }
        (_, None) => {
            mutated.items.remove(item);
        }
    }
    mutated
}

fn swap(sequence: &Sequence, item: usize, inner: usize) -> Option<(crate::Instruction, Sequence)> {
    let mut mutated = sequence.clone();
    let next = match &mut mutated.items[item] {
        Item::ForPage(list) => {
            let next = *list.get(inner + 1)?;
            list.swap(inner, inner + 1);
            next
        }
        Item::Instruction(_) => match mutated.items.get(item + 1)? {
            Item::Instruction(next) => {
                let next = *next;
                mutated.items.swap(item, item + 1);
                next
            }
            Item::ForPage(_) => return None,
        },
    };
    Some((next, mutated))
}

/// Turns text into an id: what is no letter or digit becomes one underscore. `{va!}` keeps its mark as `unshifted`.
fn id_of(text: &str) -> String {
    let mut id = String::new();
    for c in text.replace("va!", "va unshifted").chars() {
        if c.is_ascii_alphanumeric() {
            id.push(c.to_ascii_lowercase());
        } else if !id.is_empty() && !id.ends_with('_') {
            id.push('_');
        }
    }
    while id.ends_with('_') {
        id.pop();
    }
    id
}

#[cfg(test)]
mod tests {
    use super::{Kind, judged, mutants};
    use crate::judge::{After, Change, Observers, Question, Regime, Verdict};
    use crate::sequence::Sequence;
    use alloc::collections::BTreeSet;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    fn sequence(text: &str) -> Sequence {
        text.parse().expect("a sequence")
    }

    #[test]
    fn ids_are_unique_and_made_of_letters_digits_and_underscores() {
        for text in [
            "dsb nshst; tlbi alle2; dsb nsh; isb",
            "dsb ishst; for page in {range}: tlbi vae1is, {page}; dsb ish",
        ] {
            let all = mutants(&sequence(text));
            let ids: BTreeSet<&str> = all.iter().map(|mutant| mutant.id.as_str()).collect();
            assert_eq!(ids.len(), all.len());
            let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            assert!(ids.iter().all(|id| id.chars().all(allowed)), "{ids:?}");
        }
    }

    #[test]
    fn mutants_differ_from_the_original_and_parse_back() {
        let original = sequence("dsb ishst; tlbi vae1is, {va}; dsb ish; isb");
        for mutant in mutants(&original) {
            assert_ne!(mutant.sequence, original, "{}", mutant.id);
            assert_eq!(
                mutant.sequence.to_string().parse(),
                Ok(mutant.sequence.clone()),
                "{}",
                mutant.id
            );
        }
    }

    #[test]
    fn dropping_any_element_of_the_weakest_sequence_is_a_mistake() {
        let question = Question::new(Change::RemoveTable, Regime::El2, Observers::ThisPe, After::DataHere);
        let all = judged(&question, &sequence("dsb nshst; tlbi alle2; dsb nsh; isb"));
        let drops: Vec<_> = all.iter().filter(|judged| judged.mutant.kind == Kind::Drop).collect();
        assert_eq!(drops.len(), 4);
        assert!(drops.iter().all(|judged| judged.verdict == Verdict::Insufficient));
    }

    #[test]
    fn widening_the_weakest_sequence_is_never_a_mistake() {
        let question = Question::new(Change::RemoveTable, Regime::El2, Observers::ThisPe, After::DataHere);
        let all = judged(&question, &sequence("dsb nshst; tlbi alle2; dsb nsh; isb"));
        let wider = all
            .iter()
            .filter(|judged| matches!(judged.mutant.kind, Kind::WidenDomain | Kind::WidenAccess));
        assert!(wider.clone().count() > 3);
        assert!(wider.clone().all(|judged| judged.verdict.is_sufficient()));
    }

    #[test]
    fn a_wrong_regime_and_an_unshifted_address_are_mistakes() {
        let question = Question::new(Change::Invalidate, Regime::El2, Observers::ThisPe, After::DataHere);
        let all = judged(&question, &sequence("dsb nshst; tlbi vae2, {va}; dsb nsh; isb"));
        for kind in [Kind::WrongRegime, Kind::WrongOperand] {
            let of_kind: Vec<_> = all.iter().filter(|judged| judged.mutant.kind == kind).collect();
            assert!(!of_kind.is_empty());
            assert!(
                of_kind.iter().all(|judged| judged.verdict == Verdict::Insufficient),
                "{of_kind:?}"
            );
        }
    }
}
