// SPDX-License-Identifier: MIT OR Apache-2.0
//! What one side invalidates and the other does not, where the question is not about it.
//!
//! The judge is asked of one regime and of one kind of entry, for both sides. A side that is enough for that may lack what the
//! other side has for another regime, or for the entries above the last level; that those were needless is not in the text.

use crate::evaluate::claim::OTHER_LEVEL;
use crate::extract::reduce::Found;
use sequences::judge::{Question, Regime};
use sequences::{ExceptionLevel, Instruction, Scope, Target, Tlbi};

/// Returns what to ask of a side that is enough for the question, and lacks what the other side invalidates besides.
pub(super) fn lost(found: &Found, other: &Found, question: &Question, says: &Says<'_>) -> Option<String> {
    // A way for another exception level has its own reasons.
    if found.around.lent || other.around.lent || found.around.level != other.around.level {
        return None;
    }
    let (own, theirs) = (invalidations(found), invalidations(other));
    if own.is_empty() || theirs.is_empty() {
        return None;
    }
    regime(found, &own, &theirs, question, says).or_else(|| last_level(&own, &theirs, says))
}

/// What names and the message say, in lowercase.
pub(super) struct Says<'a> {
    /// The functions and the files of both sides.
    pub(super) names: String,
    /// The message.
    pub(super) message: &'a str,
}

impl Says<'_> {
    /// Returns whether there is a word for an exception level.
    fn level(&self, level: ExceptionLevel) -> bool {
        let words: &[&str] = match level {
            ExceptionLevel::El3 => &["el3", "bl1", "bl31", "monitor", "smc"],
            ExceptionLevel::El2 => &["el2", "hyp", "xen", "kvm", "vmm", "nvhe"],
            _ => &["el1", "kernel", "guest"],
        };
        words
            .iter()
            .any(|word| self.names.contains(word) || self.message.contains(word))
    }

    /// Returns whether there is a word about which levels of a walk are concerned.
    fn last_level(&self) -> bool {
        ["leaf", "last level", "last-level", "last_level", "level 3"]
            .iter()
            .any(|word| self.names.contains(word) || self.message.contains(word))
    }
}

fn invalidations(found: &Found) -> Vec<Tlbi> {
    let all = found.sequence.instructions().filter_map(Instruction::tlbi);
    all.filter(|tlbi| !tlbi.is_dummy()).collect()
}

/// Looks for what the other side invalidates of a regime that is not asked about.
fn regime(found: &Found, own: &[Tlbi], theirs: &[Tlbi], question: &Question, says: &Says<'_>) -> Option<String> {
    let asked = match question.regime {
        Regime::El10 => ExceptionLevel::El1,
        Regime::El2 => ExceptionLevel::El2,
        Regime::El3 => ExceptionLevel::El3,
        // Operations of both levels are for it.
        Regime::El20 => return None,
    };
    let level = |tlbi: &Tlbi| tlbi.op.level();
    if own.iter().any(|tlbi| level(tlbi) == asked)
        && !own.iter().any(|tlbi| theirs.iter().any(|t| level(t) == level(tlbi)))
    {
        let writes = |name: &String| name.ends_with(&format!("_el{}", asked as u8 + 1));
        let around = &found.around;
        let beside = around.written_before.iter().chain(&around.written_after).any(writes);
        // So does the arm that it stands in.
        let known = beside || !found.conditions.is_empty() || says.level(asked);
        return (!known).then(|| OTHER_LEVEL.to_owned());
    }
    let gone = theirs
        .iter()
        .find(|tlbi| level(tlbi) != asked && !own.iter().any(|other| covers(other, tlbi)))?;
    Some(format!(
        "the other side has `{gone}` as well, for another regime than the one that is asked about: which entries were its own?"
    ))
}

/// Returns whether an invalidation reaches all that another one does, of the same exception level, as far as its kind says.
fn covers(wide: &Tlbi, narrow: &Tlbi) -> bool {
    let width = |target| match target {
        Target::All => 4,
        Target::VmallS12 => 3,
        Target::Vmall => 2,
        Target::Asid | Target::Va | Target::VaAllAsid => 1,
        _ => 0,
    };
    let reach = |scope| match scope {
        Scope::Local => 0,
        Scope::InnerShareable => 1,
        Scope::OuterShareable => 2,
    };
    wide.op.level() == narrow.op.level()
        && reach(wide.op.scope()) >= reach(narrow.op.scope())
        && (wide.op.target() == narrow.op.target() || width(wide.op.target()) > width(narrow.op.target()))
}

/// Looks for entries above the last level.
fn last_level(own: &[Tlbi], theirs: &[Tlbi], says: &Says<'_>) -> Option<String> {
    let by_page = |tlbi: &&Tlbi| matches!(tlbi.op.target(), Target::Va | Target::VaAllAsid | Target::Ipa);
    let is_last = |tlbi: &Tlbi| tlbi.op.target().is_last_level();
    let wider = theirs.iter().find(by_page)?;
    (own.iter().all(is_last) && !theirs.iter().any(is_last) && !says.last_level()).then(|| {
        format!("the other side has `{wider}`, which is for the entries above the last level as well: does a table go, or change?")
    })
}
