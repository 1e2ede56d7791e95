// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a reviewer should ask.

use crate::evaluate::Flips;
use crate::extract::reduce::Found;
use crate::extract::text::cut;
use crate::placed::Placed;
use crate::relation::Relation;
use sequences::judge::{Change, Hinge, Level, Observers, Question, Stated};
use sequences::{Instruction, Operand};

/// Returns what a reviewer should ask, most pressing first.
pub(super) fn questions(
    before: &Option<Placed<Found>>,
    after: &Option<Placed<Found>>,
    question: &Question,
    relation: Relation,
    flips: &Flips,
    stated: &Stated,
) -> Vec<String> {
    let Some(side) = after else {
        let removed = before
            .as_ref()
            .map(|_| "Who invalidates these entries now, or why need nobody?".to_owned());
        return removed.into_iter().collect();
    };
    let mut all = Vec::new();
    let instructions: Vec<Instruction> = side.found.sequence.instructions().collect();
    if !instructions.contains(&Instruction::Isb) && question.change != Change::RecycleContext {
        all.push("Where is the next context synchronization event before the change is relied on?".to_owned());
    }
    if question.observers == Observers::ThisPe {
        all.push("Who else may hold this entry: can another PE have walked these tables by now?".to_owned());
    }
    let shifted =
        |text: &String| text.contains(">>") || text.to_ascii_lowercase().contains("shift") || text.contains("TLBI");
    let by_address = instructions
        .iter()
        .any(|i| matches!(i.operand(), Operand::Va(_) | Operand::Ipa(_) | Operand::Page(_)));
    if by_address && !side.found.around.operands.iter().any(shifted) {
        let text = side
            .found
            .around
            .operands
            .iter()
            .find(|text| !text.is_empty())
            .map_or("the operand", String::as_str);
        let short = cut(text, 40);
        all.push(format!(
            "Is `{short}` shifted right by 12, its top bits clear of TTL and ASID?"
        ));
    }
    let mut tlbis = side.found.sequence.instructions().filter_map(Instruction::tlbi);
    if tlbis.any(|tlbi| tlbi.op.target().is_last_level()) && question.level == Some(Level::Last) {
        all.push("Is it certain that only last-level entries change here?".to_owned());
    }
    if let Some(entry) = &side.found.around.makes
        && stated.change.is_none()
        && question.change == Change::Invalidate
    {
        all.push(format!(
            "Was `{}` invalid before? One that is valid and gets another address has to be made invalid and flushed first.",
            cut(entry, 40)
        ));
    }
    if relation == Relation::Weaker {
        all.push("Does anything else rely on what the old sequence did beyond the flush?".to_owned());
    }
    // What was assumed, and turns the verdict over where it is otherwise.
    let hangs_on = |hinge: Hinge| flips.around.found.iter().any(|flip| flip.hinge == hinge);
    for (hinge, is_stated, text) in [
        (
            Hinge::Change,
            stated.change.is_some(),
            "Were entries in memory changed just before, which nothing completes here?",
        ),
        (
            Hinge::Ets2,
            stated.ets2,
            "Does every CPU that runs this have FEAT_ETS2, and does nobody fetch through it?",
        ),
        (
            Hinge::Vmid,
            stated.vmid.is_some(),
            "Of which VMIDs are the entries: of more than the one in VTTBR_EL2?",
        ),
        (
            Hinge::Asid,
            stated.asid.is_some(),
            "Can entries of another ASID be concerned?",
        ),
        (
            Hinge::Global,
            stated.global.is_some(),
            "Can one of the entries be global?",
        ),
        (
            Hinge::LevelNumber,
            stated.level_number.is_some(),
            "Is the entry always at the level that the hint names?",
        ),
        (
            Hinge::Device,
            stated.device,
            "Can it be memory with the XS attribute, such as a device?",
        ),
        (Hinge::Host, stated.host, "Is HCR_EL2.TGE clear wherever this runs?"),
    ] {
        if hangs_on(hinge) && !is_stated {
            all.push(text.to_owned());
        }
    }
    all
}
