// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the message of a patch claims, held against what the judge says.
//!
//! A message is no evidence; but where it says that something is mended and both sides are enough, one of the two is wrong:
//! the message, or the question. Which one it is cannot be known from here, and that is what is said.

use crate::evaluate::lost::{OTHER_LEVEL, is_arm, is_of_guest};
use crate::evaluate::{Ground, SideVerdict};
use crate::extract::reduce::Found;
use crate::placed::Placed;
use crate::relation::Relation;
use sequences::judge::{Rule, Verdict};
use sequences::{ContextRegister, ExceptionLevel, Instruction, OperandFormat, Scope, Target, Tlbi};

/// Words by which a message says that something was wrong.
const MENDS: [&str; 17] = [
    "fix",
    "fixes",
    "fixed",
    "fixing",
    "bug",
    "missing",
    "wrong",
    "incorrect",
    "incorrectly",
    "stale",
    "race",
    "broken",
    "breaks",
    "corruption",
    "forgot",
    "insufficient",
    "never works",
];

fn says(message: &str, words: &[&str]) -> bool {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    words.iter().any(|word| {
        message.match_indices(word).any(|(at, _)| {
            !letter(message[..at].chars().next_back()) && !letter(message[at + word.len()..].chars().next())
        })
    })
}

/// Leaves the side before open where the message says that the patch mends something, the side after does more, and both
/// are enough for the question.
pub(super) fn hold_against_message(
    before: &mut Option<SideVerdict>,
    after: &Option<SideVerdict>,
    relation: Relation,
    message: &str,
) {
    let (Some(old), Some(new)) = (before, after) else {
        return;
    };
    let enough = |side: &SideVerdict| matches!(side.verdict, Verdict::Sufficient | Verdict::StrongerThanNeeded);
    let more = matches!(relation, Relation::Stronger);
    if !(more && enough(old) && enough(new) && says(message, &MENDS)) {
        return;
    }
    old.leave_open(
        "the patch says that it mends something and makes the sequence stronger, and for this question both sides are \
         enough: what does the question miss, the regime, who holds the entry, or what follows?"
            .to_owned(),
    );
}

/// Doubts a side that replaces the tables of its own regime while they are walked, where the message speaks of
/// break-before-make: old and new entries may be cached together.
pub(super) fn doubt_live_switch(side: &mut Option<Placed<Found>>, message: &str) {
    let speaks = ["break-before-make", "break before make"]
        .iter()
        .any(|word| message.contains(word));
    let Some(found) = side.as_mut().map(|placed| &mut placed.found).filter(|_| speaks) else {
        return;
    };
    let own = found
        .sequence
        .instructions()
        .find_map(Instruction::tlbi)
        .is_some_and(|tlbi| tlbi.op.level() != ExceptionLevel::El1);
    let root = |instruction| {
        matches!(
            instruction,
            Instruction::Msr(ContextRegister::Ttbr0El2 | ContextRegister::Ttbr0El3, _)
        )
    };
    let around = &found.around;
    let off = around.mmu_off || around.written_before.iter().any(|name| name.starts_with("sctlr"));
    let written = found.sequence.instructions().any(root)
        || [&around.written_before, &around.written_after]
            .into_iter()
            .flatten()
            .any(|name| name == "ttbr0_el2" || name == "ttbr0_el3");
    if own && written && !off {
        found.around.doubt.get_or_insert_with(|| {
            "the tables are replaced while they are walked: entries of the old and of the new tables can be cached together, \
             and the patch speaks of break-before-make. Do both map the same where both are used?"
                .to_owned()
        });
    }
}

/// Doubts a side whose function says by its name that it is for more, or for other tables, than what its operations reach:
/// every PE, the tables of EL2, the tables of stage 2.
pub(super) fn doubt_name(side: &mut Option<Placed<Found>>) {
    let Some(found) = side.as_mut().map(|placed| &mut placed.found) else {
        return;
    };
    let name = found.function.to_ascii_lowercase();
    let parts: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let has = |words: &[&str]| words.iter().any(|word| parts.contains(word));
    let tlbis: Vec<Tlbi> = found.sequence.instructions().filter_map(Instruction::tlbi).collect();
    let all = |is: &dyn Fn(&Tlbi) -> bool| !tlbis.is_empty() && tlbis.iter().all(is);
    let every_pe = parts.windows(2).any(|pair| {
        matches!(pair[0], "all" | "every" | "other")
            && matches!(pair[1], "cpu" | "cpus" | "core" | "cores" | "pe" | "pes")
    });
    let of_pages = |tlbi: &Tlbi| matches!(tlbi.op.operand_format(), OperandFormat::Va);
    let first_stage = |tlbi: &Tlbi| {
        tlbi.op.level() == ExceptionLevel::El1
            && matches!(
                tlbi.op.target(),
                Target::Vmall | Target::Va | Target::VaLast | Target::VaAllAsid | Target::VaAllAsidLast | Target::Asid
            )
    };
    let guests = ["guest", "vcpu", "vm", "host", "kvm", "el1", "vhe"];
    let doubt = if every_pe && all(&|tlbi| tlbi.op.scope() == Scope::Local) {
        "by the name every PE is meant, and the operations are for this one alone: do the others run it too?"
    } else if has(&["hyp", "el2"]) && !has(&guests) && all(&|tlbi| first_stage(tlbi) && of_pages(tlbi)) {
        "by the name the tables of EL2 are meant, and the operations are for EL1&0: are they the host's, with E2H and TGE set?"
    } else if has(&["stage2", "s2", "ipa"]) && all(&first_stage) {
        "by the name stage 2 is meant, and the operations are for stage 1: what is cached of stage 2 alone stays. Who invalidates \
         that?"
    } else {
        return;
    };
    found.around.doubt.get_or_insert_with(|| doubt.to_owned());
}

/// Leaves a side open that is not enough for nothing but its regime, where the two sides invalidate for different ones: the
/// question goes by one of them, and whose tables changed is what the patch says with the other.
pub(super) fn doubt_regime((a, old): (&Found, &mut SideVerdict), (b, new): (&Found, &mut SideVerdict)) {
    let levels = |found: &Found| -> Vec<ExceptionLevel> {
        let tlbis = found.sequence.instructions().filter_map(Instruction::tlbi);
        tlbis
            .filter(|tlbi| !tlbi.is_dummy())
            .map(|tlbi| tlbi.op.level())
            .collect()
    };
    let (of_a, of_b) = (levels(a), levels(b));
    // Registers that are written beside it say whose tables these are.
    let written = |found: &Found| {
        let mut all = found.around.written_before.iter().chain(&found.around.written_after);
        all.any(|register| register.contains("_el") && !is_of_guest(register))
    };
    // So may the arm that it stands in.
    let known = is_arm(a) || is_arm(b) || written(a) || written(b);
    if known || of_a.is_empty() || of_b.is_empty() || of_a.iter().any(|level| of_b.contains(level)) {
        return;
    }
    for side in [old, new] {
        let regime = |ground: &Ground| ground.rule == Rule::Regime.id();
        if side.verdict == Verdict::Insufficient && side.reasons.iter().any(regime) {
            side.leave_open(OTHER_LEVEL.to_owned());
        }
    }
}
