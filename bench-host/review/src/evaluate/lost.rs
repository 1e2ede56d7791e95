// SPDX-License-Identifier: MIT OR Apache-2.0
//! What one side invalidates and the other does not, where the question is not about it.
//!
//! The judge is asked of one regime and of one kind of entry, for both sides. A side that is enough for that may lack what the
//! other side has for another regime, or for the entries above the last level; that those were needless is not in the text.

use crate::evaluate::SideVerdict;
use crate::extract::reduce::Found;
use crate::extract::text::words;
use crate::placed::Placed;
use sequences::judge::{Change, Question, Regime};
use sequences::{Access, ContextRegister, ExceptionLevel, Instruction, Scope, Target, Tlbi};

/// What is asked where the sides invalidate for different exception levels.
pub(super) const OTHER_LEVEL: &str =
    "one side invalidates for one exception level and the other side for another: whose tables changed is not in sight";

/// Leaves a side open that is enough for the question and lacks what the other side does besides.
pub(super) fn doubt_lost(
    (a, old): (&Placed<Found>, &mut SideVerdict),
    (b, new): (&Placed<Found>, &mut SideVerdict),
    question: &Question,
    message: &str,
) {
    let names = [&a.path, &b.path, &a.found.function, &b.found.function];
    let says = Says {
        names: names.map(|name| name.to_ascii_lowercase()).join(" "),
        message,
    };
    let (a, b) = (&a.found, &b.found);
    for (side, doubt) in [
        (old, lost(a, b, question, &says)),
        (new, lost(b, a, question, &says).or_else(|| unwritten(b, a))),
    ] {
        if let Some(doubt) = doubt.filter(|_| side.verdict.is_sufficient()) {
            side.leave_open(doubt);
        }
    }
}

/// Returns what to ask of a side that lacks what the other side invalidates besides.
fn lost(found: &Found, other: &Found, question: &Question, says: &Says<'_>) -> Option<String> {
    // A way for another exception level has its own reasons.
    if found.around.lent || other.around.lent || found.around.level != other.around.level {
        return None;
    }
    let (own, theirs) = (invalidations(found), invalidations(other));
    if own.is_empty() || theirs.is_empty() {
        return None;
    }
    regime(found, &own, &theirs, question, says)
        .or_else(|| last_level(&own, &theirs, says))
        .or_else(|| asids(&own, &theirs, says))
        .or_else(|| stores(found, other, question))
}

/// What names and the message say, in lowercase.
struct Says<'a> {
    /// The functions and the files of both sides.
    names: String,
    /// The message.
    message: &'a str,
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
        let writes = |name: &&String| name.ends_with(&format!("_el{}", asked as u8 + 1)) && !is_of_guest(name);
        let around = &found.around;
        let beside = around
            .written_before
            .last()
            .or(around.written_after.first())
            .filter(writes);
        // So does the arm that it stands in.
        let known = beside.is_some() || is_arm(found) || says.level(asked);
        return (!known).then(|| OTHER_LEVEL.to_owned());
    }
    let gone = theirs
        .iter()
        .find(|tlbi| level(tlbi) != asked && !own.iter().any(|other| covers(other, tlbi)))?;
    Some(format!(
        "the other side has `{gone}` as well, for another regime than the one that is asked about: which entries were its own?"
    ))
}

/// Returns whether a register is one of a virtual machine: it is written at EL2, and is about the tables of EL1&0.
pub(super) fn is_of_guest(register: &str) -> bool {
    ["vttbr", "vsttbr", "vtcr", "vstcr", "hcr"]
        .iter()
        .any(|start| register.starts_with(start))
}

/// Looks for entries of other ASIDs.
fn asids(own: &[Tlbi], theirs: &[Tlbi], says: &Says<'_>) -> Option<String> {
    let of_all = |tlbi: &&Tlbi| matches!(tlbi.op.target(), Target::VaAllAsid | Target::VaAllAsidLast);
    let of_one = |tlbi: &Tlbi| matches!(tlbi.op.target(), Target::Va | Target::VaLast);
    let wider = theirs.iter().find(of_all)?;
    let said = says.message.contains("asid");
    (own.iter().all(of_one) && !theirs.iter().any(of_one) && !said).then(|| {
        format!("the other side has `{wider}`, which is for every ASID: is each entry that may be cached global, or of the one here?")
    })
}

/// Returns whether a sequence stands in an arm for one exception level, or one kind of kernel.
pub(super) fn is_arm(found: &Found) -> bool {
    const PARTS: [&str; 8] = ["el1", "el2", "el3", "currentel", "level", "hyp", "vhe", "virt"];
    let says = |condition: &String| {
        let lower = condition.to_ascii_lowercase();
        words(&lower).any(|word| word == "el" || word.ends_with("_el") || PARTS.iter().any(|part| word.contains(part)))
    };
    found.around.level.is_some() || found.conditions.iter().any(says)
}

/// Looks for the DSB before the invalidation, where tables are put in use: who completes the stores to them?
fn stores(found: &Found, other: &Found, question: &Question) -> Option<String> {
    let completes = |found: &Found| {
        let mut before = found.sequence.instructions().take_while(|i| i.tlbi().is_none());
        before.any(|i| matches!(i, Instruction::Dsb(barrier) if barrier.access != Access::Loads))
    };
    let around = &found.around;
    // While the MMU is off nothing is walked, and the DSB behind the invalidation completes the stores as well.
    let is_off = around.mmu_off || around.written_after.iter().any(|name| name.starts_with("sctlr"));
    // An address space that is left has its tables as they were.
    let everything = |tlbi: Tlbi| matches!(tlbi.op.target(), Target::All | Target::Vmall | Target::VmallS12);
    let puts_in_use = matches!(question.change, Change::RecycleContext | Change::ReplaceTables)
        && found
            .sequence
            .instructions()
            .filter_map(Instruction::tlbi)
            .all(everything)
        && around.written_before.iter().any(|name| name.starts_with("ttbr"));
    (puts_in_use && !is_off && completes(other) && !completes(found)).then(|| {
        "no DSB stands before it here, as on the other side: are the stores to the tables that are put in use complete?"
            .to_owned()
    })
}

/// Returns what to ask of a side that does not write a register of translation any more.
fn unwritten(found: &Found, before: &Found) -> Option<String> {
    let all = |found: &Found| -> Vec<String> {
        let around = &found.around;
        let names = around.written_before.iter().chain(&around.written_after);
        let translates = |name: &&String| ContextRegister::from_name(name).is_some();
        names.filter(translates).cloned().collect()
    };
    let own = all(found);
    let gone = all(before).into_iter().find(|name| !own.contains(name))?;
    (found.function == before.function && !before.around.lent)
        .then(|| format!("the write of {gone} is gone here: where is what it sets set now, and is it flushed then?"))
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
