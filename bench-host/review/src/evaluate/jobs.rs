// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the barriers of a sequence are for beyond its invalidations, and the other regimes its invalidations are for.
//!
//! A DSB completes cache maintenance only where its access types are loads and stores, for the PEs of its domain (Arm ARM,
//! "Data Synchronization Barrier"). The judge is asked of translations alone; what it holds to be more than they need may
//! be just what the cache needs.

use crate::evaluate::Ground;
use crate::extract::reduce::Found;
use crate::infer::configuration::configured;
use sequences::judge::{
    After, Budget, Change, Judgement, Observers, Question, Regime, Rule, Stage, Verdict, judge_within,
};
use sequences::{Access, Barrier, ExceptionLevel, Instruction, Operand, Target, Tlbi, TlbiOp};

/// Returns the question as it is for the arm that a sequence stands in.
pub(super) fn question_of_arm(found: &Found, question: &Question) -> Question {
    let mut own = question.clone();
    match found.around.level {
        Some(ExceptionLevel::El1) => own.runs_at = ExceptionLevel::El1,
        // What an arm for EL2 changes is the regime of EL2, whatever it invalidates.
        Some(ExceptionLevel::El2) if own.regime == Regime::El10 => {
            own.regime = Regime::El2;
            own.stage = Stage::One;
            own.runs_at = ExceptionLevel::El2;
        }
        _ => {}
    }
    configured(found, &own)
}

/// Returns the question as it is for one side alone: with the MMU off, or for a flush of one page in another function than
/// that of many pages which stands for it now, and which was called for each.
pub(super) fn question_of_side(found: &Found, sides: &[&Found], question: &Question) -> Question {
    let mut own = question.clone();
    // While nothing is walked there is no old entry to come back.
    if found.around.mmu_off && matches!(question.change, Change::Invalidate | Change::RemoveTable) {
        own.change = Change::RecycleContext;
    }
    let many = |side: &Found| {
        let mut all = side.sequence.instructions();
        all.any(|instruction| matches!(instruction.operand(), Operand::Page(_) | Operand::Range(_)))
    };
    let elsewhere = sides.iter().any(|side| many(side) && side.function != found.function);
    if question.range && !many(found) && elsewhere {
        own.range = false;
    }
    own
}

/// Returns what to ask of a way that is new, under a condition, and for this PE alone, where the other side reached more:
/// the condition may be just that no other PE holds the entry.
pub(super) fn local_way(found: &Found, sides: &[&Found], judgement: &Judgement) -> Option<String> {
    let only_scope = judgement
        .reasons
        .iter()
        .all(|reason| matches!(reason.rule, Rule::Scope | Rule::CompletionDomain));
    let covers = found
        .sequence
        .instructions()
        .any(|instruction| instruction.tlbi().is_some());
    let known = |condition: &String| {
        sides
            .iter()
            .any(|side| side.conditions.contains(condition) && side.sequence != found.sequence)
    };
    let condition = found.conditions.iter().find(|condition| !known(condition))?;
    (only_scope && covers && (sides.len() == 2 || found.around.broadcast_beside) && found.changed)
        .then(|| format!("where `{condition}` holds, only this PE is reached: can no other PE hold the entry there?"))
}

/// Judges a sequence of EL2 for EL1&0 as well, where it, or the other side, has operations for both.
pub(super) fn judge_regimes(
    found: &Found,
    sides: &[&Found],
    question: &Question,
    whole: &[Instruction],
    first: Judgement,
    budget: &Budget,
) -> Judgement {
    let of_el1 = |side: &Found| -> Vec<Tlbi> {
        let tlbis = side.sequence.instructions().filter_map(Instruction::tlbi);
        tlbis
            .filter(|tlbi| tlbi.op.level() == ExceptionLevel::El1 && !tlbi.is_dummy())
            .collect()
    };
    if !matches!(question.regime, Regime::El2 | Regime::El20) || of_el1(found).is_empty() {
        return first;
    }
    let after = match question.observers {
        Observers::ThisPe => After::Nothing,
        Observers::Inner | Observers::Outer => After::AccessElsewhere,
    };
    let mut guests = Question::new(question.change, Regime::El10, question.observers, after);
    let by_guest = |tlbi: &Tlbi| matches!(tlbi.op.target(), Target::All | Target::VmallS12 | Target::VmallWs2);
    if sides.iter().any(|side| of_el1(side).iter().any(by_guest)) {
        guests.stage = Stage::Two;
    }
    // Which VMIDs ran before this start is not known to whoever finds it needful to invalidate all of them.
    let every = |side: &&Found| of_el1(side).iter().any(|tlbi| tlbi.op.target() == Target::All);
    guests.vmid_is_current = !(question.change == Change::RecycleContext && sides.iter().any(every));
    guests.cpu = question.cpu;
    guests.reading = question.reading;
    guests.architecture = question.architecture;
    let second = judge_within(&guests, whole, budget);
    if first.verdict == Verdict::Insufficient {
        return first;
    }
    if second.verdict == Verdict::Insufficient {
        return second;
    }
    // What one regime can do without, the other may need.
    let mut both = first;
    both.verdict = Verdict::Sufficient;
    both.weakest = None;
    both.reasons.clear();
    both
}

/// Returns a sequence with what is in it for something else put out of the question: ISBs but those between the DSB and the
/// TLBI, and DMBs. `None` if there is nothing of the kind.
///
/// What an ISB before the first barrier orders, and what goes on after the last one, is not in the text; nor is what a DMB is
/// for. That the judge can do without them is no advice.
fn without_others(found: &Found, whole: &[Instruction], switch: bool) -> Option<Vec<Instruction>> {
    let first = whole
        .iter()
        .position(|instruction| instruction.tlbi().is_some())
        .unwrap_or_default();
    let dsb = whole[..first].iter().position(Instruction::is_dsb);
    let written = found.around.written_before.iter().any(|name| !name.starts_with("ic "));
    let own = |at: usize| !switch && !written && at < first && dsb.is_some_and(|dsb| dsb < at);
    let mut rest = whole.to_vec();
    for (at, instruction) in rest.iter_mut().enumerate() {
        if *instruction == Instruction::Isb && !own(at) || matches!(instruction, Instruction::Dmb(_)) {
            *instruction = Instruction::Nop;
        }
    }
    (rest != whole).then_some(rest)
}

/// Takes back advice about what is not in the judge's sight: the ISBs and DMBs that are there for something else.
pub(super) fn keep_others(
    found: &Found,
    question: &Question,
    whole: &[Instruction],
    judgement: &mut Judgement,
    budget: &Budget,
) {
    let switch = matches!(
        question.change,
        Change::SwitchContext | Change::RecycleContext | Change::ReplaceTables
    );
    if judgement.verdict != Verdict::StrongerThanNeeded {
        return;
    }
    let Some(rest) = without_others(found, whole, switch) else {
        return;
    };
    let again = judge_within(question, &rest, budget);
    // What of them the change needs is not said to be too much in the first place.
    let of_others = |reason: &sequences::judge::Reason| {
        let text = &reason.text;
        text.contains(" can go") && (text.starts_with("`isb`") || text.starts_with("`dmb"))
    };
    if !again.verdict.is_sufficient() {
        // Some are needed: only what is said of the others is taken back.
        judgement.reasons.retain(|reason| !of_others(reason));
        if !judgement.reasons.iter().any(|reason| reason.text.contains(" can ")) {
            judgement.verdict = Verdict::Sufficient;
        }
        judgement.weakest = None;
        return;
    }
    let mut others = whole
        .iter()
        .zip(&rest)
        .filter(|(old, new)| old != new)
        .map(|(old, _)| *old);
    let notes = std::mem::take(&mut judgement.notes);
    *judgement = again;
    judgement.notes = notes;
    for instruction in judgement.weakest.iter_mut().flatten() {
        if *instruction == Instruction::Nop {
            *instruction = others.next().unwrap_or(Instruction::Nop);
        }
    }
}

/// Takes back that an invalidation can go beside another of the same operation which names something else: another ASID of a
/// pair, another address.
pub(super) fn keep_pairs(found: &Found, judgement: &mut Judgement) {
    let values = &found.around.values;
    let differs = |op: &TlbiOp| {
        let mut of_op = values
            .iter()
            .filter(|(own, value)| own == op && !value.terms.is_empty());
        let first = of_op.next();
        of_op.any(|other| Some(other) != first)
    };
    let of_pair = |reason: &sequences::judge::Reason| {
        let op = reason
            .text
            .strip_prefix("`tlbi ")
            .and_then(|rest| rest.split([',', '`']).next());
        reason.text.contains(" can go") && op.and_then(TlbiOp::from_name).is_some_and(|op| differs(&op))
    };
    if judgement.verdict != Verdict::StrongerThanNeeded || !judgement.reasons.iter().any(of_pair) {
        return;
    }
    judgement.reasons.retain(|reason| !of_pair(reason));
    judgement.weakest = None;
    if !judgement.reasons.iter().any(|reason| reason.text.contains(" can ")) {
        judgement.verdict = Verdict::Sufficient;
    }
}

/// An order that the judge, who is asked of translations alone, does not see.
enum Order {
    /// Cache maintenance, and the DSB that completes it.
    Cache,
    /// The DSB that completes an invalidation, and what must not come before it.
    Completion,
    /// The flush, and the MMU being turned on.
    MmuOn,
    /// The instruction cache, and what is fetched after it.
    Fetch,
    /// The write of an entry, and the flush for it.
    Flush,
}

impl Order {
    /// Returns where it is written, and what is said there.
    fn rule(&self) -> (String, &'static str) {
        let (place, says) = match self {
            Self::Cache => (
                "B2.6.9, Data Synchronization Barrier",
                "A DSB for loads and stores waits for the cache maintenance before it as well; one for stores or for loads \
                 alone does not.",
            ),
            Self::Completion => return (Rule::Completion.citation(), Rule::Completion.says()),
            Self::MmuOn => (
                "R_NDCMB (D8.16)",
                "What a TLB holds outlives a time in which translation is off, and is used again when it is turned on.",
            ),
            Self::Fetch => (
                "B2.2.5, Concurrent modification and execution of instructions",
                "After the invalidation of the instruction cache and its DSB, only a context synchronization event makes this \
                 PE fetch anew.",
            ),
            Self::Flush => (
                "R_GPPYH (D8.17), R_DDMVT (D8.17.1)",
                "After an entry is changed, what TLBs hold of it has to be invalidated. Where others may use it, it is made \
                 invalid first, that is invalidated and completed by a DSB, and only then the new entry is written.",
            ),
        };
        (format!("Arm ARM DDI 0487 M.a.a, {place}"), says)
    }
}

/// Looks at what else the barriers do, puts it into the judgement, and says it.
pub(super) fn look(found: &Found, sides: &[&Found], question: &Question, judgement: &mut Judgement) -> Vec<Ground> {
    let mut grounds = Vec::new();
    let mut open = None;
    let mut insufficient = |judgement: &mut Judgement, order: Order, text: String| {
        judgement.verdict = Verdict::Insufficient;
        judgement.weakest = None;
        let (citation, says) = order.rule();
        grounds.push(Ground {
            rule: "order".into(),
            citation,
            text,
            says,
            also: Vec::new(),
        });
    };
    if let Some(fault) = &found.around.fault {
        insufficient(judgement, Order::Flush, fault.clone());
    }
    if let Some(cache) = &found.around.cache_before {
        match first_dsb(found).map(|barrier| (barrier, barrier.access)) {
            // A function may have completed what it did.
            Some(_) if cache.ends_with("()") => keep(judgement),
            Some((barrier, Access::Loads | Access::Stores)) => insufficient(
                judgement,
                Order::Cache,
                format!(
                    "`dsb {barrier}` does not complete the `{cache}` before it: only a DSB for loads and stores does"
                ),
            ),
            Some((barrier, _)) => {
                keep(judgement);
                let wider = sides
                    .iter()
                    .filter_map(|side| first_dsb(side))
                    .any(|other| other.domain > barrier.domain);
                if wider && judgement.verdict != Verdict::Insufficient {
                    leave_open(judgement);
                    open = Some(Ground::question(format!(
                        "`dsb {barrier}` completes the `{cache}` before it for the PEs of its own domain only, and the other \
                         side has a wider one: who else relies on the cache maintenance?"
                    )));
                }
            }
            None => {}
        }
    }
    if let Some(control) = &found.around.control_before_dsb {
        let off = ["off", "disable", "leave", "down"];
        let name = found.function.to_ascii_lowercase();
        let shows = sides.iter().any(|side| side.around.control_before_dsb.is_none());
        let replaces = question.change == Change::ReplaceTables && shows;
        if (replaces || question.change == Change::RecycleContext && (shows || control.certain))
            && !off.iter().any(|word| name.contains(word))
        {
            insufficient(
                judgement,
                Order::Completion,
                format!(
                    "`{}{}` stands before the DSB that completes the invalidation: translation may start with \
                     entries that are still to go",
                    if control.called { "" } else { "msr " },
                    control.by
                ),
            );
        }
    }
    if let Some(other) = &found.around.other_before_dsb
        && judgement.verdict.is_sufficient()
        && question.change != Change::RecycleContext
        && sides.iter().any(|side| side.around.other_before_dsb.is_none())
    {
        leave_open(judgement);
        open = Some(Ground::question(format!(
            "`{other}` stands before the DSB that completes the invalidation, and not so on the other side: does it go by \
             entries that are still to go?"
        )));
    }
    match mmu_first(found, sides) {
        Some(text)
            if order_differs(sides)
                || found
                    .around
                    .mmu_before
                    .as_ref()
                    .is_some_and(|write| write.certain && !write.called) =>
        {
            insufficient(judgement, Order::MmuOn, text);
        }
        _ => {}
    }
    if let Some(write) = &found.around.mmu_before
        && (found.open_start || write.called)
        && question.change == Change::RecycleContext
        && judgement.verdict != Verdict::Insufficient
    {
        leave_open(judgement);
        open = Some(Ground::question(format!(
            "`{}` turns the MMU on before it, and what the TLB holds from before is used until then: is it invalidated before \
             that, out of sight?",
            write.by
        )));
    }
    if let Some(cache) = &found.around.cache_after {
        keep(judgement);
        let ends = |side: &Found| side.sequence.instructions().last() == Some(Instruction::Isb);
        if !ends(found) && sides.iter().any(|side| ends(side)) {
            insufficient(
                judgement,
                Order::Fetch,
                format!("no ISB follows `{cache}`: what was fetched before it may be executed"),
            );
        }
    }
    grounds.extend(open);
    grounds
}

/// Returns what is wrong where the MMU is turned on before anything is invalidated.
fn mmu_first(found: &Found, sides: &[&Found]) -> Option<String> {
    let write = found.around.mmu_before.as_ref()?;
    // What ran before the text at hand begins may have invalidated; the other side shows whether it had to.
    if found.open_start && !order_differs(sides) {
        return None;
    }
    Some(format!(
        "`{}` turns the MMU on before the TLB is invalidated: from then on what it holds from before is used, also to \
         fetch the invalidation itself",
        write.by
    ))
}

/// Returns whether one side invalidates before it writes SCTLR, and another after it.
fn order_differs(sides: &[&Found]) -> bool {
    let late = |side: &&Found| side.around.mmu_before.is_some();
    let early = |side: &&Found| {
        side.around.mmu_before.is_none() && side.around.written_after.iter().any(|name| name.starts_with("sctlr"))
    };
    sides.iter().any(late) && sides.iter().any(early)
}

/// Leaves a judgement open.
fn leave_open(judgement: &mut Judgement) {
    judgement.verdict = Verdict::Unknown;
    judgement.weakest = None;
    judgement.reasons.clear();
}

/// Takes back that something can go: it has another job.
fn keep(judgement: &mut Judgement) {
    if judgement.verdict == Verdict::StrongerThanNeeded {
        judgement.verdict = Verdict::Sufficient;
        judgement.weakest = None;
        judgement.reasons.clear();
    }
}

/// Returns the first DSB before the invalidations.
fn first_dsb(found: &Found) -> Option<Barrier> {
    let all = found.sequence.instructions();
    all.take_while(|instruction| instruction.tlbi().is_none())
        .find_map(|instruction| match instruction {
            Instruction::Dsb(barrier) => Some(barrier),
            _ => None,
        })
}
