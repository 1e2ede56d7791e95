// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which sequence before is which sequence after.

mod passage;

pub use passage::{changed_passages, pair_passages};

use crate::extract::condition::are_opposite;
use crate::extract::reduce::Found;
use crate::placed::Placed;
use crate::workaround::is_workaround;
use sequences::{ExceptionLevel, Instruction, Sequence, Target, Tlbi};
use std::collections::HashSet;

/// What happened to a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It is another one, in the same function.
    Changed,
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It left one function and appeared in another, changed on the way or not.
    Moved,
}

impl Kind {
    /// Returns the name used in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Moved => "moved",
        }
    }
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// What it is.
    pub kind: Kind,
    /// The side before.
    pub before: Option<Placed<Found>>,
    /// The side after.
    pub after: Option<Placed<Found>>,
}

impl Pair {
    /// Returns whether it shows a line of a file on one of the sides.
    pub fn shows(&self, after: bool, path: &str, line: u32) -> bool {
        let side = if after { &self.after } else { &self.before };
        side.as_ref()
            .is_some_and(|side| side.path == path && side.found.lines.contains(&line))
    }
}

/// Pairs the sequences of the two sides of a patch and drops those it does not touch.
pub fn pair(before: Vec<Placed<Found>>, after: Vec<Placed<Found>>) -> Vec<Pair> {
    let mut old: Vec<Option<Placed<Found>>> = before.into_iter().map(Some).collect();
    let mut new: Vec<Option<Placed<Found>>> = after.into_iter().map(Some).collect();
    let places = |all: &[Option<Placed<Found>>]| -> Vec<Placed<String>> {
        let primary = all.iter().flatten().filter(|placed| placed.found.primary);
        primary
            .map(|placed| Placed::in_file(&placed.path)(placed.found.function.clone()))
            .collect()
    };
    let (old_places, new_places) = (places(&old), places(&new));
    let conditions = |all: &[Option<Placed<Found>>]| -> Vec<Placed<Conditions>> {
        let each = |placed: &Placed<Found>| {
            let conditions = (placed.found.function.clone(), placed.found.conditions.clone());
            Placed::in_file(&placed.path)(conditions)
        };
        all.iter().flatten().map(each).collect()
    };
    let (old_conditions, new_conditions) = (conditions(&old), conditions(&new));
    let mut pairs = Vec::new();
    let same_place =
        |a: &Placed<Found>, b: &Placed<Found>| a.path == b.path && same_function(&a.found.function, &b.found.function);
    // The same text in the same function: untouched, or rewritten to the same effect.
    take(&mut old, &mut new, &mut pairs, |a, b| {
        (same_place(a, b) && a.found.sequence == b.found.sequence && a.found.conditions == b.found.conditions)
            .then_some(2)
    });
    take(&mut old, &mut new, &mut pairs, |a, b| {
        (same_place(a, b) && a.found.sequence == b.found.sequence).then_some(1)
    });
    // Another text in the same function: of the same exception level, or the only one there is, or the one
    // on the same way.
    take(&mut old, &mut new, &mut pairs, |a, b| {
        let fits = same_place(a, b) && a.found.primary == b.found.primary && level(a) == level(b);
        fits.then(|| similarity(&a.found.sequence, &b.found.sequence) + 1)
    });
    let alone = |all: &[Placed<String>], placed: &Placed<Found>| {
        let same = |place: &&Placed<String>| place.path == placed.path && place.found == placed.found.function;
        all.iter().filter(same).count() == 1
    };
    take(&mut old, &mut new, &mut pairs, |a, b| {
        let only = || alone(&old_places, a) && alone(&new_places, b);
        // The same way through the function, where the patch wrote another operation.
        let same_way = || a.found.changed && b.found.changed && a.found.conditions == b.found.conditions;
        (same_place(a, b) && a.found.primary == b.found.primary && (only() || same_way())).then_some(1)
    });
    // What the patch took from one place and put in another: the function of that name in another file, another
    // function of the file, another function elsewhere. A building block is no heir of a whole sequence: its callers are.
    let touched = |a: &Placed<Found>, b: &Placed<Found>| {
        a.found.changed
            && b.found.changed
            && a.found.primary == b.found.primary
            && level(a) == level(b)
            && is_part(a) == is_part(b)
            && (!is_part(a) || a.found.sequence == b.found.sequence)
            && a.found
                .sequence
                .instructions()
                .any(|i| b.found.sequence.instructions().any(|j| is_kin(i, j)))
    };
    let same_name =
        |a: &Placed<Found>, b: &Placed<Found>| !a.found.function.is_empty() && a.found.function == b.found.function;
    let nearer: [fn(bool, bool) -> bool; 3] = [|_, same_name| same_name, |same_file, _| same_file, |_, _| true];
    // Elsewhere, and by another name, what comes first has to be of one kind: one operation in common is chance.
    let first = |placed: &Placed<Found>| placed.found.sequence.instructions().find(|i| i.tlbi().is_some());
    let alike_first = |a: &Placed<Found>, b: &Placed<Found>| match (first(a), first(b)) {
        (Some(i), Some(j)) => a.path == b.path || same_name(a, b) || is_kin(i, j),
        _ => false,
    };
    for near in nearer {
        take(&mut old, &mut new, &mut pairs, |a, b| {
            let near = near(a.path == b.path, same_name(a, b)) && touched(a, b) && alike_first(a, b);
            near.then(|| similarity(&a.found.sequence, &b.found.sequence))
                .filter(|alike| *alike >= 4)
        });
    }
    // A way that only a condition of the patch makes, such as the one around a barrier, is a change though each of its
    // lines is as it was.
    for (side, others) in [(&mut old, &new_conditions), (&mut new, &old_conditions)] {
        for placed in side.iter_mut().flatten() {
            placed.found.changed |= stands_under_another(placed, others);
        }
    }
    lend(&mut pairs, &mut old, &mut new);
    lend_way(&mut pairs, &mut new);
    for pair in &mut pairs {
        if let (Some(a), Some(b)) = (&pair.before, &pair.after) {
            pair.kind = if same_place(a, b) { Kind::Changed } else { Kind::Moved };
        }
    }
    for pair in pairs.iter_mut().filter(|pair| pair.kind == Kind::Changed) {
        if let (Some(a), Some(b)) = (&mut pair.before, &mut pair.after)
            && let Some(guard) = new_guard(a, b, &old_conditions, &new_conditions)
        {
            let what = match b.found.around.publishes {
                Some(_) => "the barriers after the write of an entry",
                None => "the flush",
            };
            b.found.around.doubt = Some(unguarded(&guard, what));
            a.found.changed = true;
            b.found.changed = true;
        }
    }
    for pair in pairs.iter_mut().filter(|pair| pair.kind == Kind::Changed) {
        if let (Some(a), Some(b)) = (&mut pair.before, &mut pair.after)
            && b.found.around.publishes.is_some()
            && let Some(guard) = lost_guard(a, b, &old_conditions, &new_conditions)
        {
            b.found.around.doubt.get_or_insert_with(|| {
                format!(
                    "the patch writes the entry, with these barriers, on every way, and not only under `{guard}`: who uses \
                     it there, and what was cached of it before?"
                )
            });
            a.found.changed = true;
            b.found.changed = true;
        }
    }
    for pair in &mut pairs {
        if let (Some(a), Some(b)) = (&mut pair.before, &mut pair.after)
            && let Some(doubt) = crossing(a, b)
        {
            // Where that is all there is, the order is judged.
            if !b.found.around.is_early_or_late(&a.found.around) {
                b.found.around.doubt.get_or_insert(doubt);
            }
            a.found.changed = true;
            b.found.changed = true;
        }
    }
    let single = |kind, before, after| Pair { kind, before, after };
    pairs.extend(
        old.into_iter()
            .flatten()
            .map(|placed| single(Kind::Removed, Some(placed), None)),
    );
    pairs.extend(
        new.into_iter()
            .flatten()
            .map(|placed| single(Kind::Added, None, Some(placed))),
    );
    pairs.retain(counts);
    let line = |pair: &Pair| {
        let side = pair.after.as_ref().or(pair.before.as_ref());
        side.map(|placed| (placed.path.clone(), placed.found.line))
    };
    pairs.sort_by_key(line);
    condense(pairs)
}

/// A function, and the conditions of a sequence in it.
type Conditions = (String, Vec<String>);

/// Returns the condition under which the patch puts a sequence that was there without it, where nothing on the other way
/// stands for it.
fn new_guard(
    a: &Placed<Found>,
    b: &Placed<Found>,
    before: &[Placed<Conditions>],
    after: &[Placed<Conditions>],
) -> Option<String> {
    let kept = a
        .found
        .conditions
        .iter()
        .all(|known| b.found.conditions.contains(known));
    let is_new = |condition: &&String| {
        let other = denied(condition);
        is_of_text(condition) && !asks(before, b, condition) && !asks(before, b, &other) && !asks(after, b, &other)
    };
    // What was flushed under a condition is flushed where it does not hold.
    let flipped = |condition: &&String| {
        let is_other = |known: &String| are_opposite(known, condition);
        a.found.conditions.iter().any(is_other)
            && !after.iter().any(|place| {
                place.path == b.path && place.found.0 == b.found.function && place.found.1.iter().any(is_other)
            })
    };
    if a.found.primary
        && b.found.primary
        && let Some(condition) = b.found.conditions.iter().find(flipped)
    {
        return Some(condition.clone());
    }
    let mut conditions = b.found.conditions.iter();
    (kept && a.found.primary && b.found.primary)
        .then(|| conditions.find(is_new).cloned())
        .flatten()
}

/// Returns the other way of a condition, as it is written down.
fn denied(condition: &str) -> String {
    match condition
        .strip_prefix("not (")
        .and_then(|inner| inner.strip_suffix(')'))
    {
        Some(inner) => inner.to_owned(),
        None => format!("not ({condition})"),
    }
}

/// Returns whether a sequence stands under a condition that its function does not have on the other side, where that has
/// sequences too.
fn stands_under_another(placed: &Placed<Found>, others: &[Placed<Conditions>]) -> bool {
    let is_there = others
        .iter()
        .any(|other| other.path == placed.path && other.found.0 == placed.found.function);
    let is_other = |condition: &String| {
        is_of_text(condition) && !asks(others, placed, condition) && !asks(others, placed, &denied(condition))
    };
    placed.found.primary && is_there && placed.found.conditions.iter().any(is_other)
}

/// Returns whether a sequence in the function of this one stands under a condition.
fn asks(all: &[Placed<Conditions>], of: &Placed<Found>, condition: &str) -> bool {
    let here = |place: &&Placed<Conditions>| place.path == of.path && place.found.0 == of.found.function;
    all.iter()
        .filter(here)
        .any(|place| place.found.1.iter().any(|known| known == condition))
}

/// Returns whether a condition is one that the text has, and not one of what is out of sight or of the build.
fn is_of_text(condition: &str) -> bool {
    !condition.contains("out of sight") && !condition.ends_with("as configured")
}

/// Returns the condition that a sequence stood under before the patch, where it stands under none of its kind now, and the other
/// way had nothing in its stead.
fn lost_guard(
    a: &Placed<Found>,
    b: &Placed<Found>,
    before: &[Placed<Conditions>],
    after: &[Placed<Conditions>],
) -> Option<String> {
    new_guard(b, a, after, before)
}

/// Says that a write of an entry goes from one side of a flush to the other.
fn crossing(a: &Placed<Found>, b: &Placed<Found>) -> Option<String> {
    let ([old_before, old_after], [new_before, new_after]) = (a.found.around.new_stores, b.found.around.new_stores);
    if old_before && new_after && !new_before && !old_after {
        Some(
            "the write of an entry goes from before the flush to behind it: what is cached between the two stays, unless \
             another flush follows"
                .to_owned(),
        )
    } else if old_after && new_before && !new_after && !old_before {
        Some("the write of an entry comes before the flush now: is it the one that the flush is for?".to_owned())
    } else {
        None
    }
}

/// Says what is to be known of the way on which a flush is left out.
fn unguarded(condition: &str, what: &str) -> String {
    let lower = condition.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let why = if has(&["bbm", "break_before"]) {
        "sufficient there only if FEAT_BBM level 2 holds for every CPU in use, and only the size of the mapping changes"
    } else if has(&["feature", "cap", "cpu", "supports", "has_", "id_aa64", "ftr"]) {
        "sufficient there only if that property of the CPU makes the flush needless: which one is it, and do all CPUs in use \
         have it?"
    } else if has(&[
        "live", "active", "used", "online", "enabled", "early", "init", "boot", "running",
    ]) {
        "sufficient there only if the tables are not live yet, so that no entry of them can be cached"
    } else if has(&["valid", "present", "young", "access", "dirty", "none"]) {
        "sufficient there only if the entry was invalid before, so that it cannot be cached"
    } else {
        "which state or feature makes it needless there?"
    };
    format!("the patch puts {what} under `{condition}`; on the other way there is none: {why}")
}

/// Pairs a way with a work-around that is on one side only with the plain way of the other side.
fn lend(pairs: &mut Vec<Pair>, old: &mut [Option<Placed<Found>>], new: &mut [Option<Placed<Found>>]) {
    let partner = |pairs: &[Pair], placed: &Placed<Found>, before: bool| {
        let side = |pair: &Pair| {
            if before {
                pair.before.clone()
            } else {
                pair.after.clone()
            }
        };
        let same = |other: &Placed<Found>| {
            other.path == placed.path && other.found.function == placed.found.function && other.found.primary
        };
        pairs.iter().filter_map(side).find(same)
    };
    for slot in new
        .iter_mut()
        .filter(|slot| slot.as_ref().is_some_and(|placed| !placed.found.primary))
    {
        if let Some(before) = slot.as_ref().and_then(|placed| partner(pairs, placed, true)) {
            pairs.push(Pair {
                kind: Kind::Changed,
                before: Some(before),
                after: slot.take(),
            });
        }
    }
    for slot in old
        .iter_mut()
        .filter(|slot| slot.as_ref().is_some_and(|placed| !placed.found.primary))
    {
        if let Some(after) = slot.as_ref().and_then(|placed| partner(pairs, placed, false)) {
            pairs.push(Pair {
                kind: Kind::Changed,
                before: slot.take(),
                after: Some(after),
            });
        }
    }
}

/// Pairs a new way under a condition with the one way that was there for all: one for another exception level, where what ran
/// before is judged for that level; and one that does nothing else, but perhaps less.
fn lend_way(pairs: &mut Vec<Pair>, new: &mut [Option<Placed<Found>>]) {
    let tlbis = |placed: &Placed<Found>| -> Vec<Tlbi> {
        let all = placed.found.sequence.instructions();
        all.filter_map(Instruction::tlbi).collect()
    };
    for slot in new {
        let Some(placed) = slot
            .as_ref()
            .filter(|placed| placed.found.primary && placed.found.changed)
        else {
            continue;
        };
        let (own, level) = (&placed.found.conditions, level(placed));
        let fits = |other: &&Placed<Found>| {
            let known = &other.found.conditions;
            let before = tlbis(other);
            let less = || tlbis(placed).iter().all(|tlbi| before.contains(tlbi));
            other.path == placed.path
                && other.found.function == placed.found.function
                && other.found.primary
                && if self::level(other) == level {
                    less()
                } else {
                    other.found.changed
                }
                && known.len() < own.len()
                && known.iter().all(|condition| own.contains(condition))
        };
        let before = pairs.iter().filter_map(|pair| pair.before.as_ref()).find(fits);
        if let Some(mut before) = before.cloned() {
            before.found.around.lent = self::level(&before) != level;
            pairs.push(Pair {
                kind: Kind::Changed,
                before: Some(before),
                after: slot.take(),
            });
        }
    }
}

/// Returns the exception level of the first invalidation.
fn level(placed: &Placed<Found>) -> Option<ExceptionLevel> {
    let first = placed.found.sequence.instructions().find_map(Instruction::tlbi)?;
    Some(first.op.level())
}

/// Returns whether two invalidations name entries in the same way, whatever their scope.
fn is_kin(a: Instruction, b: Instruction) -> bool {
    let kind = |instruction| match instruction {
        Instruction::Tlbi(tlbi) => Some(match tlbi.op.target() {
            Target::VaLast | Target::VaAllAsid | Target::VaAllAsidLast => Target::Va,
            Target::IpaLast => Target::Ipa,
            Target::Vmall => Target::All,
            other => other,
        }),
        _ => None,
    };
    kind(a).is_some() && kind(a) == kind(b)
}

/// Returns whether a sequence is a building block: its barriers are its callers', or it is a work-around's dummy.
fn is_part(placed: &Placed<Found>) -> bool {
    placed.found.fragment || is_workaround(&placed.found.sequence)
}

/// Functions are the same by name.
fn same_function(a: &str, b: &str) -> bool {
    a == b
}

/// Takes the best pairs first.
fn take(
    old: &mut [Option<Placed<Found>>],
    new: &mut [Option<Placed<Found>>],
    pairs: &mut Vec<Pair>,
    score: impl Fn(&Placed<Found>, &Placed<Found>) -> Option<u32>,
) {
    let mut all = Vec::new();
    for (i, a) in old.iter().enumerate() {
        for (j, b) in new.iter().enumerate() {
            let (Some(a), Some(b)) = (a, b) else { continue };
            if let Some(score) = score(a, b) {
                let distance = a.found.line.abs_diff(b.found.line);
                all.push((std::cmp::Reverse(score), distance, i, j));
            }
        }
    }
    all.sort_unstable();
    for (_, _, i, j) in all {
        if old[i].is_some() && new[j].is_some() {
            pairs.push(Pair {
                kind: Kind::Changed,
                before: old[i].take(),
                after: new[j].take(),
            });
        }
    }
}

/// Returns whether the patch touches a pair.
fn counts(pair: &Pair) -> bool {
    match (&pair.before, &pair.after) {
        (Some(a), Some(b)) if a.found.sequence == b.found.sequence && pair.kind == Kind::Changed => {
            a.found.changed && b.found.changed
        }
        (Some(a), Some(b)) => a.found.changed || b.found.changed,
        (a, b) => a.iter().chain(b).any(|placed| placed.found.changed),
    }
}

/// Leaves out what says nothing new: ways with a work-around whose plain way changed alike, and repeated pairs.
fn condense(pairs: Vec<Pair>) -> Vec<Pair> {
    let primary = |pair: &Pair| pair.before.iter().chain(&pair.after).all(|placed| placed.found.primary);
    let place = |pair: &Pair| {
        let side = pair.after.as_ref().or(pair.before.as_ref());
        side.map(|placed| Placed::in_file(&placed.path)(placed.found.function.clone()))
    };
    let text = |placed: &Option<Placed<Found>>| {
        let found = &placed.as_ref()?.found;
        Some(match found.around.steps.is_empty() {
            true => found.sequence.to_string(),
            false => found.around.steps.join("; "),
        })
    };
    let differs = |pair: &Pair| text(&pair.before) != text(&pair.after);
    // Of the plain way and one with a work-around, the one that changed says more.
    let changed: HashSet<_> = pairs
        .iter()
        .filter(|pair| differs(pair))
        .map(|pair| (place(pair), primary(pair)))
        .collect();
    let mut known = HashSet::new();
    pairs
        .into_iter()
        .filter(|pair| {
            let other = |wanted: bool| changed.contains(&(place(pair), wanted));
            let shadowed = if primary(pair) {
                !differs(pair) && other(false)
            } else {
                !differs(pair) || other(true)
            };
            !shadowed && known.insert((place(pair), text(&pair.before), text(&pair.after)))
        })
        .collect()
}

/// Scores how alike two sequences are: 4 and more where an invalidation of one kind is in both.
pub fn similarity(a: &Sequence, b: &Sequence) -> u32 {
    let tlbis = |sequence: &Sequence| -> Vec<Tlbi> { sequence.instructions().filter_map(Instruction::tlbi).collect() };
    let (x, y) = (tlbis(a), tlbis(b));
    let score = |p: &Tlbi, q: &Tlbi| {
        let mut score = 0;
        score += 4 * u32::from(p.op.level() == q.op.level() && p.op.operand_format() == q.op.operand_format());
        score += 2 * u32::from(p.op.level() == q.op.level());
        score += 2 * u32::from(p.op.target() == q.op.target());
        score + 2 * u32::from(p.op == q.op)
    };
    let best: u32 = x
        .iter()
        .map(|p| y.iter().map(|q| score(p, q)).max().unwrap_or(0))
        .max()
        .unwrap_or(0);
    let shared = a.instructions().filter(|i| b.instructions().any(|j| *i == j)).count() as u32;
    if best == 0 { 0 } else { best + shared.min(4) }
}
