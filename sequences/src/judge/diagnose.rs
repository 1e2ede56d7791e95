// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an insufficient sequence lacks.
//!
//! Every possible repair is made at once; then each is taken back that the machine does not need. What remains is a
//! smallest set of additions that makes the sequence sufficient: the missing elements.

use super::budget::Budget;
use super::context::{coverage_at, unsynchronized};
use super::coverage::coverage;
use super::judgement::{Judgement, Step, Verdict};
use super::question::{Change, Ids, Level, Name, Observers, Question, Reading, Regime, Stage};
use super::rule::{Reason, Rule};
use super::scenario::is_safe;
use super::scope::with_scope;
use super::weaken::weakest;
use crate::instruction::{Access, Barrier, Domain, Instruction};
use crate::operand::Operand;
use crate::register::ContextRegister;
use crate::tlbi::{ExceptionLevel, Scope, Target, Tlbi, TlbiOp};
use alloc::format;
use alloc::vec::Vec;

/// An addition to the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repair {
    /// An ISB between a register write and the TLBI that may go by it.
    Synchronize,
    /// Plain forms instead of nXS ones.
    NotNxs,
    /// A TLBI, or pair of them, that covers the entry.
    Cover,
    /// A DSB between two TLBIs that remove one part of the entry each.
    Between,
    /// A scope that reaches every PE concerned.
    Scope,
    /// A DSB for stores before the first TLBI, or on its own where no TLBI is needed.
    StoreBarrier,
    /// A full DSB after the last TLBI.
    Completion,
    /// An ISB at the end.
    Context,
}

const ALL: [Repair; 8] = [
    Repair::Synchronize,
    Repair::NotNxs,
    Repair::Cover,
    Repair::Between,
    Repair::Scope,
    Repair::StoreBarrier,
    Repair::Completion,
    Repair::Context,
];

/// The order in which one repair alone is tried. Where several would do, the last thing that a sequence lacks is what the
/// counterexample shows: of two invalidations the second may lack no more than an ISB behind it.
const ALONE: [Repair; 8] = [
    Repair::Synchronize,
    Repair::NotNxs,
    Repair::Context,
    Repair::Completion,
    Repair::Cover,
    Repair::Between,
    Repair::Scope,
    Repair::StoreBarrier,
];

/// Judges a sequence that the machine found unsafe.
pub(super) fn diagnose(
    question: &Question,
    sequence: &[Instruction],
    counterexample: Vec<Step>,
    budget: &Budget,
) -> Judgement {
    let mut judgement = Judgement {
        verdict: Verdict::Insufficient,
        reasons: Vec::new(),
        notes: Vec::new(),
        weakest: None,
        counterexample,
    };
    let Some(needed) = needed(question, sequence, budget) else {
        // No single repair of what is there: what one more invalidation would do is tried out.
        let tlbis = (0..sequence.len()).filter_map(|at| Some((at, sequence[at].tlbi()?)));
        judgement.reasons = tlbis
            .filter_map(|(at, tlbi)| coverage_at(question, sequence, at, &tlbi).reason)
            .collect();
        match added(question, sequence, budget) {
            Ok((tlbi, whole)) => {
                let text = format!("`{tlbi}` in addition, with its barriers, makes this sequence sufficient");
                judgement.reasons.push(Reason::new(Rule::Model, text));
                judgement.weakest = Some(weakest(question, &whole, budget));
            }
            Err(_) if budget.is_spent() => {
                let text = format!(
                    "what would make this sequence sufficient was not found within {} states",
                    budget.states()
                );
                judgement.reasons.push(Reason::new(Rule::Search, text));
            }
            Err(tried) => {
                let text = format!(
                    "none of the {tried} operations of the architecture of this scope, added with a DSB before and after \
                     it and an ISB, makes this sequence sufficient; longer additions were not tried"
                );
                judgement.reasons.push(Reason::new(Rule::Model, text));
            }
        }
        return judgement;
    };
    judgement.reasons = needed
        .iter()
        .flat_map(|repair| reasons(question, sequence, *repair))
        .collect();
    judgement.weakest = Some(weakest(question, &repair(question, sequence, &needed), budget));
    judgement
}

/// Returns a smallest set of repairs; `None` where all of them are not enough.
fn needed(question: &Question, sequence: &[Instruction], budget: &Budget) -> Option<Vec<Repair>> {
    let sufficient = |repairs: &[Repair]| is_safe(question, &repair(question, sequence, repairs), budget) == Ok(true);
    // Most often one thing is missing, and what is not enough is found out quickly.
    let alone = ALONE.into_iter().find(|only| {
        let repaired = repair(question, sequence, &[*only]);
        repaired != sequence && is_safe(question, &repaired, budget) == Ok(true)
    });
    if let Some(only) = alone {
        return Some(alloc::vec![only]);
    }
    let mut needed: Vec<Repair> = ALL.to_vec();
    if !sufficient(&needed) {
        return None;
    }
    for candidate in ALL {
        let without: Vec<Repair> = needed.iter().copied().filter(|repair| *repair != candidate).collect();
        let same = repair(question, sequence, &without) == repair(question, sequence, &needed);
        if same || sufficient(&without) {
            needed = without;
        }
    }
    Some(needed)
}

/// Returns an operation that makes a sequence sufficient where it is added at its end, the narrowest first, and the
/// sequence with it; or how many were tried.
fn added(question: &Question, sequence: &[Instruction], budget: &Budget) -> Result<(Tlbi, Vec<Instruction>), usize> {
    const OPERANDS: [Operand; 5] = [
        Operand::None,
        Operand::Va(None),
        Operand::Ipa(None),
        Operand::Asid,
        Operand::Range(None),
    ];
    let width = |op: &TlbiOp| {
        let target = match op.target() {
            Target::Va | Target::Ipa | Target::VaAllAsid => 0,
            Target::VaLast | Target::IpaLast | Target::VaAllAsidLast => 1,
            Target::Asid => 2,
            Target::Vmall => 3,
            Target::VmallS12 => 4,
            _ => 5,
        };
        // Ranges need FEAT_TLBIRANGE.
        (op.is_range(), target)
    };
    let mut ops: Vec<TlbiOp> = TlbiOp::all()
        .filter(|op| op.scope() == scope(question) && !op.is_nxs())
        .collect();
    ops.sort_by_key(width);
    let others = [Repair::NotNxs, Repair::Between, Repair::Scope, Repair::StoreBarrier];
    let start = repair(question, sequence, &others);
    let domain = Domain::covering(scope(question));
    let tried = ops.len();
    for op in ops {
        let operand = OPERANDS.into_iter().find_map(|operand| Tlbi::new(op, operand));
        let Some(tlbi) = operand.filter(|tlbi| coverage(question, tlbi).any()) else {
            continue;
        };
        let mut whole = start.clone();
        whole.extend([full(domain), Instruction::Tlbi(tlbi), full(domain), Instruction::Isb]);
        if is_safe(question, &whole, budget) == Ok(true) {
            return Ok((tlbi, whole));
        }
    }
    Err(tried)
}

/// Returns the scope that reaches every PE that may hold the entry.
const fn scope(question: &Question) -> Scope {
    match question.observers {
        Observers::ThisPe => Scope::Local,
        Observers::Inner => Scope::InnerShareable,
        Observers::Outer => Scope::OuterShareable,
    }
}

const fn full(domain: Domain) -> Instruction {
    Instruction::Dsb(Barrier {
        domain,
        access: Access::All,
    })
}

fn covers(question: &Question, instruction: &Instruction) -> bool {
    matches!(instruction, Instruction::Tlbi(tlbi) if coverage(question, tlbi).any())
}

/// Returns whether a change leaves something in TLBs at all.
const fn needs_tlbi(question: &Question) -> bool {
    !matches!(question.change, Change::Validate | Change::SwitchContext)
}

/// Returns the sequence with repairs made.
fn repair(question: &Question, sequence: &[Instruction], repairs: &[Repair]) -> Vec<Instruction> {
    let has = |repair: Repair| repairs.contains(&repair);
    let domain = Domain::covering(scope(question));
    let mut repaired = sequence.to_vec();
    if has(Repair::Synchronize) {
        let places: Vec<usize> = unsynchronized(sequence).map(|(at, _)| at).collect();
        places
            .into_iter()
            .rev()
            .for_each(|at| repaired.insert(at + 1, Instruction::Isb));
    }
    if has(Repair::NotNxs) {
        repaired
            .iter_mut()
            .for_each(|instruction| *instruction = without_nxs(*instruction));
    }
    if needs_tlbi(question) && has(Repair::Cover) {
        cover(question, &mut repaired);
    }
    if has(Repair::Scope) {
        for instruction in &mut repaired {
            if let Instruction::Tlbi(tlbi) = *instruction
                && coverage(question, &tlbi).any()
                && tlbi.op.scope() < scope(question)
            {
                *instruction = with_scope(&tlbi, scope(question)).unwrap_or(*instruction);
            }
        }
    }
    let places = |sequence: &[Instruction]| -> Vec<usize> {
        (0..sequence.len())
            .filter(|at| covers(question, &sequence[*at]))
            .collect()
    };
    if has(Repair::Completion)
        && let Some(last) = places(&repaired).last()
    {
        repaired.insert(last + 1, full(domain));
    }
    let layered = question.stage == Stage::Two || question.level == Some(Level::Table);
    if has(Repair::Between) && layered {
        for at in places(&repaired).into_iter().skip(1).rev() {
            repaired.insert(at, full(domain));
        }
    }
    if has(Repair::StoreBarrier) {
        let first = places(&repaired).first().copied().unwrap_or(0);
        repaired.insert(
            first,
            Instruction::Dsb(Barrier {
                domain,
                access: Access::Stores,
            }),
        );
    }
    if has(Repair::Context) {
        repaired.push(Instruction::Isb);
    }
    repaired
}

fn without_nxs(instruction: Instruction) -> Instruction {
    match instruction {
        Instruction::DsbNxs(domain) => full(domain),
        Instruction::Tlbi(tlbi) => {
            let op = tlbi.op;
            match TlbiOp::new(op.target(), op.level(), op.scope(), op.is_range(), false) {
                Some(op) => Instruction::Tlbi(Tlbi {
                    op,
                    operand: tlbi.operand,
                }),
                None => instruction,
            }
        }
        other => other,
    }
}

/// Makes the sequence's TLBIs cover the entry: completes a stage 2 pair, or puts the right operation in the place of
/// the first wrong one, or adds it.
fn cover(question: &Question, sequence: &mut Vec<Instruction>) {
    let layered = question.stage == Stage::Two || question.level == Some(Level::Table);
    // A leaf removed before the upper part is gone may be rebuilt from it.
    let (mut leaf, mut upper) = (false, false);
    for instruction in sequence.iter() {
        if let Instruction::Tlbi(tlbi) = instruction {
            let layers = coverage(question, tlbi).layers;
            upper |= layers.upper;
            leaf |= layers.leaf && (upper || !layered);
        }
    }
    if leaf {
        return;
    }
    let last = sequence.iter().rposition(|instruction| covers(question, instruction));
    if let (Some(last), Stage::Two, true) = (last, question.stage, upper) {
        // The stage 1 half is missing.
        let scope = scope(question);
        let half = TlbiOp::new(Target::Vmall, ExceptionLevel::El1, scope, false, false);
        if let Some(op) = half {
            sequence.insert(
                last + 1,
                Instruction::Tlbi(Tlbi {
                    op,
                    operand: Operand::None,
                }),
            );
            sequence.insert(last + 1, full(Domain::covering(scope)));
        }
        return;
    }
    let Some(right) = right_tlbi(question) else { return };
    let wrong = sequence
        .iter()
        .position(|instruction| matches!(instruction, Instruction::Tlbi(_)));
    let dsb = sequence
        .iter()
        .position(|instruction| matches!(instruction, Instruction::Dsb(_)));
    match (wrong, dsb) {
        (Some(at), _) => sequence[at] = right,
        (None, Some(at)) => sequence.insert(at + 1, right),
        (None, None) => sequence.insert(0, right),
    }
}

/// Returns a TLBI that covers the entry of a question.
fn right_tlbi(question: &Question) -> Option<Instruction> {
    // A table that goes mapped more than one page.
    let by_va = !question.range && question.level != Some(Level::Table) && question.change != Change::RemoveTable;
    let (target, level) = match (question.regime, question.stage) {
        (Regime::El10, _) if !question.vmid_is_current || question.every_vmid => (Target::All, ExceptionLevel::El1),
        (Regime::El10, Stage::Two) => (Target::VmallS12, ExceptionLevel::El1),
        (Regime::El10, Stage::One) if by_va && question.asids != Ids::Current => {
            (Target::VaAllAsid, ExceptionLevel::El1)
        }
        (Regime::El10, Stage::One) if by_va => (Target::Va, ExceptionLevel::El1),
        (Regime::El20, _) if question.asids != Ids::Current => (Target::All, ExceptionLevel::El2),
        (Regime::El10, Stage::One) => (Target::Vmall, ExceptionLevel::El1),
        (Regime::El2 | Regime::El20, _) if by_va => (Target::Va, ExceptionLevel::El2),
        (Regime::El2 | Regime::El20, _) => (Target::All, ExceptionLevel::El2),
        (Regime::El3, _) if by_va => (Target::Va, ExceptionLevel::El3),
        (Regime::El3, _) => (Target::All, ExceptionLevel::El3),
    };
    let op = TlbiOp::new(target, level, scope(question), false, false)?;
    let operand = if matches!(target, Target::Va | Target::VaAllAsid) {
        Operand::Va(None)
    } else {
        Operand::None
    };
    Some(Instruction::Tlbi(Tlbi { op, operand }))
}

/// Says what a needed repair means for the sequence.
fn reasons(question: &Question, sequence: &[Instruction], repair: Repair) -> Vec<Reason> {
    let one = |rule: Rule, text: alloc::string::String| alloc::vec![Reason::new(rule, text)];
    let covering: Vec<usize> = (0..sequence.len())
        .filter(|at| covers(question, &sequence[*at]))
        .collect();
    match repair {
        Repair::Synchronize => unsynchronized(sequence)
            .map(|(at, register)| {
                let write = &sequence[at];
                let what = match register {
                    ContextRegister::VttbrEl2 => "a TLBI after it may still apply to the old VMID",
                    ContextRegister::HcrEl2 => "a TLBI after it may still apply to the old regime",
                    _ => "a walk after the next TLBI may still go by the old value, and fill the TLB anew",
                };
                Reason::new(
                    Rule::RegisterWrite,
                    format!("no ISB between `{write}` and the TLBI: {what}"),
                )
            })
            .collect(),
        Repair::NotNxs => one(
            Rule::Nxs,
            "nXS forms neither remove nor wait for translations of memory with the XS attribute".into(),
        ),
        Repair::Cover => {
            let tlbis = sequence.iter().filter_map(|instruction| match instruction {
                Instruction::Tlbi(tlbi) => Some(tlbi),
                _ => None,
            });
            let found: Vec<Reason> = tlbis.filter_map(|tlbi| coverage(question, tlbi).reason).collect();
            if found.is_empty() {
                let regime = question.regime.name().to_ascii_uppercase();
                return one(
                    Rule::Scope,
                    format!("there is no TLBI: TLBs may keep the old translation of the {regime} regime for ever"),
                );
            }
            found
        }
        Repair::Between => {
            let gap = match covering[..] {
                [first, second, ..] => &sequence[first + 1..second],
                _ => &[],
            };
            let text = match gap.iter().rfind(|instruction| instruction.is_dsb()) {
                Some(dsb) => format!(
                    "`{dsb}` between the two TLBIs does not complete the first on every PE concerned: until it is, the entry \
                     is rebuilt from what it was to remove"
                ),
                None => {
                    "a DSB is missing between the two TLBIs: the first must be complete, or the entry is rebuilt from \
                         what it was to remove"
                        .into()
                }
            };
            one(Rule::Stage2, text)
        }
        Repair::Scope => covering
            .iter()
            .filter_map(|at| match &sequence[*at] {
                Instruction::Tlbi(tlbi) if tlbi.op.scope() < scope(question) => {
                    let text = match tlbi.op.scope() {
                        Scope::Local => "applies to this PE only; other PEs keep the old translation",
                        _ => "applies to the Inner Shareable domain only; PEs outside keep the old translation",
                    };
                    Some(Reason::new(Rule::Scope, format!("`{tlbi}` {text}")))
                }
                _ => None,
            })
            .collect(),
        Repair::StoreBarrier => {
            let until = covering.first().copied().unwrap_or(sequence.len());
            let (rule, text) = match sequence[..until].iter().rfind(|instruction| {
                matches!(
                    instruction,
                    Instruction::Dmb(_) | Instruction::Dsb(_) | Instruction::Isb
                )
            }) {
                Some(dmb @ Instruction::Dmb(_)) => (
                    Rule::StoreBeforeTlbi,
                    format!("`{dmb}` does not complete the descriptor store for table walks; a DSB does"),
                ),
                Some(dsb @ Instruction::Dsb(barrier)) if barrier.access == Access::Loads => (
                    Rule::StoreBeforeTlbi,
                    format!("`{dsb}` waits for loads; the descriptor store may still be on its way"),
                ),
                Some(dsb @ Instruction::Dsb(barrier))
                    if question.reading == Reading::Strict && barrier.domain < Domain::covering(scope(question)) =>
                {
                    let text = format!(
                        "`{dsb}`, read strictly, orders the descriptor store on the PEs of its own domain only; walkers \
                         of others may still read the old entry after the TLBI"
                    );
                    (Rule::StoreBeforeTlbi, text)
                }
                _ if question.change == Change::Validate => (
                    Rule::InvalidToValid,
                    "no DSB completes the descriptor store: a walk may still read the invalid entry".into(),
                ),
                _ => (
                    Rule::StoreBeforeTlbi,
                    "no DSB completes the descriptor store before the TLBI: the old entry can be walked again after it"
                        .into(),
                ),
            };
            one(rule, text)
        }
        Repair::Completion => {
            let from = covering.last().map_or(0, |at| at + 1);
            let tlbi = covering
                .last()
                .map_or_else(|| "the TLBI".into(), |at| format!("`{}`", sequence[*at]));
            let barrier = sequence[from..].iter().find(|instruction| {
                matches!(
                    instruction,
                    Instruction::Dmb(_) | Instruction::Dsb(_) | Instruction::DsbNxs(_)
                )
            });
            match barrier {
                Some(dsb @ Instruction::Dsb(barrier)) if barrier.access == Access::All => {
                    let own = covering.last().and_then(|at| sequence[*at].tlbi());
                    let applies = match own.is_some_and(|tlbi| tlbi.op.scope() < scope(question)) {
                        true => "and one that reaches every PE concerned applies to more",
                        false => "and it applies to more",
                    };
                    one(
                        Rule::CompletionDomain,
                        format!("`{dsb}` waits for {tlbi} on the PEs of its own domain only, {applies}"),
                    )
                }
                Some(dsb @ Instruction::Dsb(_)) => one(
                    Rule::Completion,
                    format!("`{dsb}` does not complete {tlbi}: a DSB for both loads and stores does"),
                ),
                Some(dsb @ Instruction::DsbNxs(_)) => {
                    one(Rule::Nxs, format!("`{dsb}` completes nXS operations only, not {tlbi}"))
                }
                Some(dmb) => one(
                    Rule::Completion,
                    format!("`{dmb}` does not complete {tlbi}: only a DSB does"),
                ),
                None => one(
                    Rule::Completion,
                    format!("no DSB follows {tlbi}: nothing waits for its effect, nor for accesses already translated"),
                ),
            }
        }
        Repair::Context => one(
            Rule::Context,
            match question.after {
                super::After::FetchHere => {
                    "no ISB at the end: instructions may have been fetched before, with or without FEAT_ETS2"
                }
                _ => "no ISB at the end: without FEAT_ETS2 a later access may have been translated before the DSB",
            }
            .into(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::inferred::infer;
    use crate::judge::judge;
    use crate::sequence::Sequence;

    #[test]
    fn what_would_do_is_always_found() {
        for text in [
            "dsb ishst; tlbi ipas2e1is, {ipa}; dsb ish; isb",
            "dsb ishst; tlbi vae1is, {va}; dsb ish; isb",
            "dsb ishst; tlbi alle2is; dsb ish; isb",
            "dsb ishst; tlbi vmalle1is; dsb ish; tlbi ipas2e1is, {ipa}; dsb ish; isb",
            "tlbi aside1is, {asid!}",
        ] {
            let sequence: Sequence = text.parse().unwrap();
            let instructions: Vec<Instruction> = sequence.instructions().collect();
            for stage in [Stage::One, Stage::Two] {
                for change in [Change::Invalidate, Change::RemoveTable] {
                    for vmid_is_current in [true, false] {
                        let question = Question {
                            regime: Regime::El10,
                            stage,
                            change,
                            vmid_is_current,
                            observers: Observers::Inner,
                            ..infer(&sequence)
                        };
                        let judgement = judge(&question, &instructions);
                        if judgement.verdict != Verdict::Insufficient {
                            continue;
                        }
                        let weakest = judgement.weakest.unwrap_or_else(|| panic!("{text}: nothing would do"));
                        assert_eq!(is_safe(&question, &weakest, &Budget::default()), Ok(true), "{text}");
                    }
                }
            }
        }
    }
}
