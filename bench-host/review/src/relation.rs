// SPDX-License-Identifier: MIT OR Apache-2.0
//! How two sequences compare by what they order and invalidate, whatever the change they are for.

use sequences::{Access, Domain, Instruction, Operand, Scope, Sequence, Target, Tlbi};
use std::cmp::Ordering;

/// How the side after compares to the side before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The same work.
    Equivalent,
    /// Nothing more, and something less.
    Weaker,
    /// Nothing less, and something more.
    Stronger,
    /// Neither covers the other.
    Different,
    /// There is only one side.
    NotApplicable,
}

impl Relation {
    /// Returns the name used in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equivalent => "equivalent",
            Self::Weaker => "weaker",
            Self::Stronger => "stronger",
            Self::Different => "different",
            Self::NotApplicable => "n/a",
        }
    }
}

/// Compares two sequences; returns the relation and each difference in words.
pub fn compare(before: &Sequence, after: &Sequence) -> (Relation, Vec<String>) {
    let old: Vec<Instruction> = before.instructions().collect();
    let new: Vec<Instruction> = after.instructions().collect();
    let mut all = Comparison::default();
    let (a, b) = (Parts::of(&old), Parts::of(&new));
    all.barriers("before the invalidation", a.before, b.before);
    all.isb("before the invalidation", a.before, b.before);
    for (index, pair) in align(&a.tlbis, &b.tlbis).into_iter().enumerate() {
        match pair {
            (Some(old), Some(new)) => {
                let (old, new) = (&old, &new);
                all.tlbi(old, new);
                if index > 0 {
                    let gap = |parts: &Parts<'_>, tlbi: &Tlbi| {
                        parts
                            .tlbis
                            .iter()
                            .position(|known| known == tlbi)
                            .and_then(|at| parts.gaps.get(at).cloned())
                            .unwrap_or_default()
                    };
                    all.barriers("between invalidations", &gap(&a, old), &gap(&b, new));
                }
            }
            (Some(old), None) => all.note(format!("`{old}` is gone"), Ordering::Less),
            (None, Some(new)) => all.note(format!("`{new}` is new"), Ordering::Greater),
            (None, None) => {}
        }
    }
    let writes = |all: &[Instruction]| -> Vec<Instruction> {
        let is_write = |instruction: &&Instruction| matches!(instruction, Instruction::Msr(..));
        all.iter().filter(is_write).copied().collect()
    };
    if writes(&old) != writes(&new) {
        all.apart = true;
        all.words
            .push("other registers of translation are written before the invalidation".to_owned());
    }
    all.barriers("after the invalidation", a.after, b.after);
    all.isb("after the invalidation", a.after, b.after);
    let relation = match (all.less, all.more, all.apart) {
        (_, _, true) | (true, true, _) => Relation::Different,
        (true, false, _) => Relation::Weaker,
        (false, true, _) => Relation::Stronger,
        (false, false, _) => Relation::Equivalent,
    };
    (relation, all.words)
}

struct Parts<'a> {
    before: &'a [Instruction],
    tlbis: Vec<Tlbi>,
    /// Barriers before each invalidation but the first.
    gaps: Vec<Vec<Instruction>>,
    after: &'a [Instruction],
}

impl<'a> Parts<'a> {
    fn of(instructions: &'a [Instruction]) -> Self {
        let is_tlbi = |instruction: &Instruction| matches!(instruction, Instruction::Tlbi(_));
        let first = instructions.iter().position(is_tlbi).unwrap_or(instructions.len());
        let last = instructions.iter().rposition(is_tlbi).map_or(first, |last| last + 1);
        let mut parts = Self {
            before: &instructions[..first],
            tlbis: Vec::new(),
            gaps: Vec::new(),
            after: &instructions[last..],
        };
        let mut gap = Vec::new();
        for instruction in &instructions[first..last] {
            match instruction {
                Instruction::Tlbi(tlbi) => {
                    parts.tlbis.push(*tlbi);
                    parts.gaps.push(std::mem::take(&mut gap));
                }
                other => gap.push(*other),
            }
        }
        parts
    }
}

/// Pairs invalidations: equal ones first, others in order.
fn align(old: &[Tlbi], new: &[Tlbi]) -> Vec<(Option<Tlbi>, Option<Tlbi>)> {
    let mut pairs = Vec::new();
    let mut rest: Vec<Tlbi> = new.to_vec();
    let mut unmatched = Vec::new();
    for tlbi in old {
        match rest.iter().position(|other| other == tlbi) {
            Some(at) => pairs.push((Some(*tlbi), Some(rest.remove(at)))),
            None => unmatched.push(*tlbi),
        }
    }
    let mut rest = rest.into_iter();
    for tlbi in unmatched {
        pairs.push((Some(tlbi), rest.next()));
    }
    pairs.extend(rest.map(|tlbi| (None, Some(tlbi))));
    pairs
}

#[derive(Default)]
struct Comparison {
    less: bool,
    more: bool,
    apart: bool,
    words: Vec<String>,
}

impl Comparison {
    fn note(&mut self, text: String, ordering: Ordering) {
        match ordering {
            Ordering::Less => self.less = true,
            Ordering::Greater => self.more = true,
            Ordering::Equal => return,
        }
        self.words.push(text);
    }

    fn unlike(&mut self, text: String) {
        self.apart = true;
        self.words.push(text);
    }

    fn barriers(&mut self, place: &str, old: &[Instruction], new: &[Instruction]) {
        let strongest = |list: &[Instruction]| {
            list.iter()
                .copied()
                .filter(|i| strength(i).is_some())
                .max_by_key(strength)
        };
        let text = |barrier: Option<Instruction>| barrier.map_or("nothing".into(), |barrier| format!("`{barrier}`"));
        let (old, new) = (strongest(old), strongest(new));
        if old == new {
            return;
        }
        let words = format!("{place}: {} became {}", text(old), text(new));
        match (old, new) {
            (Some(a), Some(b)) => match order(a, b) {
                Some(Ordering::Equal) => {}
                Some(ordering) => self.note(words, ordering),
                None => self.unlike(words),
            },
            (Some(_), None) => self.note(words, Ordering::Less),
            (None, _) => self.note(words, Ordering::Greater),
        }
    }

    fn isb(&mut self, place: &str, old: &[Instruction], new: &[Instruction]) {
        let has = |list: &[Instruction]| list.contains(&Instruction::Isb);
        match (has(old), has(new)) {
            (true, false) => self.note(format!("{place}: `isb` is gone"), Ordering::Less),
            (false, true) => self.note(format!("{place}: `isb` is new"), Ordering::Greater),
            _ => {}
        }
    }

    fn tlbi(&mut self, old: &Tlbi, new: &Tlbi) {
        if old == new {
            return;
        }
        let words = format!("`{old}` became `{new}`");
        if old.op.level() != new.op.level() || old.op.is_nxs() != new.op.is_nxs() && old.op.target() != new.op.target()
        {
            return self.unlike(words);
        }
        let scope = rank(old.op.scope()).cmp(&rank(new.op.scope()));
        let target = reach(old, new);
        match (scope.reverse(), target) {
            (Ordering::Equal, Some(Ordering::Equal)) => {
                // The same operation, or its nXS form, or another way to say the same pages.
                match (old.op.is_nxs(), new.op.is_nxs()) {
                    (false, true) => self.note(words, Ordering::Less),
                    (true, false) => self.note(words, Ordering::Greater),
                    _ => match (old.operand, new.operand) {
                        (Operand::VaUnshifted | Operand::IpaUnshifted | Operand::AsidUnshifted, _) => {
                            self.note(words, Ordering::Greater)
                        }
                        (_, Operand::VaUnshifted | Operand::IpaUnshifted | Operand::AsidUnshifted) => {
                            self.note(words, Ordering::Less)
                        }
                        (a, b) if a.ttl() != b.ttl() => match (a.ttl(), b.ttl()) {
                            (None, _) => self.note(words, Ordering::Less),
                            (_, None) => self.note(words, Ordering::Greater),
                            _ => self.unlike(words),
                        },
                        _ => {}
                    },
                }
            }
            (Ordering::Equal, Some(target)) => self.note(words, target),
            (scope, Some(Ordering::Equal)) => self.note(words, scope),
            (scope, Some(target)) if scope == target => self.note(words, scope),
            _ => self.unlike(words),
        }
    }
}

fn strength(barrier: &Instruction) -> Option<(u8, u8)> {
    let domain = |domain: Domain| match domain {
        Domain::NonShareable => 1,
        Domain::InnerShareable => 2,
        Domain::OuterShareable => 3,
        Domain::FullSystem => 4,
    };
    match barrier {
        Instruction::Dsb(barrier) => Some((4 + u8::from(barrier.access == Access::All), domain(barrier.domain))),
        Instruction::DsbNxs(found) => Some((4, domain(*found))),
        Instruction::Dmb(barrier) => Some((u8::from(barrier.access == Access::All), domain(barrier.domain))),
        _ => None,
    }
}

/// Returns how `b` compares to `a`.
fn order(a: Instruction, b: Instruction) -> Option<Ordering> {
    let parts = |barrier: Instruction| match barrier {
        Instruction::Dsb(barrier) => (1, barrier.domain, Some(barrier.access), 1),
        Instruction::DsbNxs(domain) => (1, domain, Some(Access::All), 0),
        Instruction::Dmb(barrier) => (0, barrier.domain, Some(barrier.access), 1),
        _ => (0, Domain::NonShareable, None, 1),
    };
    let ((kind_a, domain_a, access_a, xs_a), (kind_b, domain_b, access_b, xs_b)) = (parts(a), parts(b));
    let access = match (access_a, access_b) {
        (a, b) if a == b => Ordering::Equal,
        (Some(Access::All), _) => Ordering::Less,
        (_, Some(Access::All)) => Ordering::Greater,
        _ => return None,
    };
    // The domain of a store-only or load-only DSB is a spelling, not a strength.
    let narrow = |kind: u8, access| kind == 1 && access != Some(Access::All);
    let domain = match (narrow(kind_a, access_a), narrow(kind_b, access_b)) {
        (true, true) => Ordering::Equal,
        _ => domain_b.cmp(&domain_a),
    };
    let mut result = Ordering::Equal;
    for ordering in [kind_b.cmp(&kind_a), access, domain, xs_b.cmp(&xs_a)] {
        match (result, ordering) {
            (_, Ordering::Equal) => {}
            (Ordering::Equal, ordering) => result = ordering,
            (a, b) if a == b => {}
            _ => return None,
        }
    }
    Some(result)
}

const fn rank(scope: Scope) -> u8 {
    match scope {
        Scope::Local => 0,
        Scope::InnerShareable => 1,
        Scope::OuterShareable => 2,
    }
}

/// Returns how what `new` names compares to what `old` names.
fn reach(old: &Tlbi, new: &Tlbi) -> Option<Ordering> {
    let (a, b) = (old.op.target(), new.op.target());
    let (zero_a, zero_b) = (old.operand == Operand::Xzr, new.operand == Operand::Xzr);
    if zero_a != zero_b {
        return None;
    }
    if a == b {
        return Some(Ordering::Equal);
    }
    if covers(b, a) {
        return Some(Ordering::Greater);
    }
    covers(a, b).then_some(Ordering::Less)
}

/// Returns whether everything `small` names is named by `large`.
fn covers(large: Target, small: Target) -> bool {
    use Target::{
        All, Asid, Ipa, IpaLast, Pa, PaAll, PaLast, Va, VaAllAsid, VaAllAsidLast, VaLast, Vmall, VmallS12, VmallWs2,
    };
    if large == small {
        return true;
    }
    match small {
        VaLast => covers(large, Va) || covers(large, VaAllAsidLast),
        Va => matches!(large, VaAllAsid | Vmall | VmallS12 | All),
        VaAllAsidLast => matches!(large, VaAllAsid) || covers(large, VaAllAsid),
        VaAllAsid | Asid => matches!(large, Vmall | VmallS12 | All),
        Vmall => matches!(large, VmallS12 | All),
        IpaLast => large == Ipa || covers(large, Ipa),
        Ipa | VmallWs2 => matches!(large, VmallS12 | All),
        VmallS12 => large == All,
        PaLast => matches!(large, Pa | PaAll),
        Pa => large == PaAll,
        All | PaAll => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(before: &str, after: &str) -> Relation {
        compare(&before.parse().unwrap(), &after.parse().unwrap()).0
    }

    #[test]
    fn the_xen_patch_is_weaker() {
        let (before, after) = (
            "dsb sy; isb; tlbi alle2; dsb sy; isb",
            "dsb nshst; tlbi alle2; dsb nsh; isb",
        );
        let (found, words) = compare(&before.parse().unwrap(), &after.parse().unwrap());
        assert_eq!((found, words.len()), (Relation::Weaker, 3), "{words:?}");
        assert_eq!(relation(after, before), Relation::Stronger);
    }

    #[test]
    fn sides_are_told_apart() {
        assert_eq!(
            relation("dsb ish; tlbi alle2; dsb ish", "dsb ish; tlbi alle2; dsb ish"),
            Relation::Equivalent
        );
        assert_eq!(
            relation("dsb ishst; tlbi alle2; dsb ish", "dsb nshst; tlbi alle2; dsb ish"),
            Relation::Equivalent
        );
        assert_eq!(relation("tlbi alle2", "tlbi alle2is"), Relation::Stronger);
        assert_eq!(relation("tlbi vae1is, {va}", "tlbi vale1is, {va}"), Relation::Weaker);
        assert_eq!(relation("tlbi vae1is, {va}", "tlbi vaae1is, {va}"), Relation::Stronger);
        assert_eq!(relation("tlbi vmalle1", "tlbi vae1is, {va}"), Relation::Different);
        assert_eq!(relation("tlbi alle1", "tlbi alle2"), Relation::Different);
        assert_eq!(
            relation("tlbi alle2; dsb nsh", "tlbi alle2; dsb nsh; isb"),
            Relation::Stronger
        );
        assert_eq!(
            relation(
                "dsb ishst; tlbi vale2is, {va}; dsb ish",
                "dsb ishst; tlbi vale2is, {va!}; dsb ish"
            ),
            Relation::Weaker
        );
        let repeated = "dsb ishst; tlbi alle2is; dsb ish; tlbi vale2is, xzr; dsb ish; isb";
        assert_eq!(
            relation("dsb ishst; tlbi alle2is; dsb ish; isb", repeated),
            Relation::Stronger
        );
    }
}
