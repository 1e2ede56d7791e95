// SPDX-License-Identifier: MIT OR Apache-2.0
//! The verdict about one side of a change.

use crate::evaluate::jobs;
use crate::evaluate::missing::Missing;
use crate::evaluate::{Flips, Ground, SideVerdict};
use crate::extract::reduce::Found;
use crate::infer::configuration::whose;
use crate::placed::Placed;
use crate::workaround::{is_workaround, without_workaround};
use sequences::judge::inferred::synchronizes;
use sequences::judge::{After, Budget, Change, Question, Reason, Rule, Verdict, is_sufficient_within, judge_within};
use sequences::{Access, Barrier, ContextRegister, ContextValue, Domain, Instruction, Sequence};

/// Takes a write of HCR_EL2 for the other setting.
fn other_host(instruction: &mut Instruction) {
    if let Instruction::Msr(ContextRegister::HcrEl2, value) = instruction {
        *value = match value {
            ContextValue::New => ContextValue::Old,
            ContextValue::Old => ContextValue::New,
        };
    }
}

/// What the judge is asked about one side: the sequence with what is taken to stand around it, and the question.
struct Asked {
    whole: Vec<Instruction>,
    missing: Missing,
    question: Question,
}

fn asked(found: &Found, sides: &[&Found], question: &Question) -> Asked {
    let mut whole = without_workaround(found.sequence.instructions().collect(), question);
    let missing = Missing::of(found, sides, question);
    if missing.before {
        let stores = Barrier::new(Domain::InnerShareable, Access::Stores);
        whole.insert(0, Instruction::Dsb(stores));
    }
    if missing.after {
        whole.push(Instruction::Dsb(Barrier::new(Domain::FullSystem, Access::All)));
        whole.push(Instruction::Isb);
    }
    let question = &jobs::question_of_arm(found, question);
    // The sequence says whether a guest or the host is meant; the question says whether that is what is asked.
    if question.host {
        whole.iter_mut().for_each(other_host);
    }
    Asked {
        whole,
        missing,
        question: jobs::question_of_side(found, sides, question),
    }
}

/// Returns what would turn the verdict on a side over. Where the verdict goes by more than the judge was asked, it is not
/// known.
pub(super) fn flips(
    placed: &Placed<Found>,
    sides: &[&Found],
    question: &Question,
    verdict: Verdict,
    budget: &Budget,
) -> Flips {
    let found = &placed.found;
    let asked = asked(found, sides, question);
    if sides.iter().all(|side| side.fragment) || is_workaround(&found.sequence) || found.around.doubt.is_some() {
        return Flips::default();
    }
    let Ok(sufficient) = is_sufficient_within(&asked.question, &asked.whole, budget) else {
        return Flips::default();
    };
    let alone = if sufficient {
        Verdict::Sufficient
    } else {
        Verdict::Insufficient
    };
    let as_it_stands = match verdict {
        // What is open is open for another reason than the judge's.
        Verdict::Unknown if sufficient => return Flips::default(),
        Verdict::Unknown => Some(alone),
        _ if verdict.is_sufficient() != sufficient => return Flips::default(),
        _ => None,
    };
    Flips {
        as_it_stands,
        around: sequences::judge::flips(&asked.question, &asked.whole, budget),
    }
}

/// Judges one side.
pub(super) fn side(placed: &Placed<Found>, sides: &[&Found], question: &Question, budget: &Budget) -> SideVerdict {
    let found = &placed.found;
    let Asked {
        whole,
        missing,
        question,
    } = asked(found, sides, question);
    let question = &question;
    let first = judge_within(question, &whole, budget);
    let mut judgement = jobs::judge_regimes(found, sides, question, &whole, first, budget);
    jobs::keep_others(found, question, &whole, &mut judgement, budget);
    jobs::keep_pairs(found, &mut judgement);
    let other_jobs = jobs::look(found, sides, question, &mut judgement);
    let mut open = None;
    let writes = |side: &Found| side.sequence.instructions().any(|i| matches!(i, Instruction::Msr(..)));
    let mut tlbis = found.sequence.instructions().filter_map(Instruction::tlbi);
    let is_undefined = tlbis.any(|tlbi| tlbi.op.level() > question.runs_at);
    if question.change == Change::ReplaceTables && !writes(found) && sides.iter().any(|side| writes(side)) {
        open = Some(
            "the other side writes the register of the tables, and this one where it is not in sight: is an ISB between?",
        );
    } else if found.around.lent && is_undefined {
        open = Some("for that exception level there was no way of its own: did this one run there?");
    } else if is_workaround(&found.sequence) {
        open = Some("only the dummy invalidation of an erratum work-around is here: it completes what came before it");
    } else if sides.iter().all(|side| side.fragment) {
        open = Some("no barrier is with it here: a building block, whose callers have one before and one after");
    } else if judgement.verdict != Verdict::Insufficient {
        let assumed = missing.left_as_it_was(sides);
        let open_ends = Missing {
            before: missing.before && !assumed.before,
            after: missing.after && !assumed.after,
        };
        open = open_ends.text();
    } else if !sides.iter().any(|side| synchronizes(&side.sequence))
        && judgement.reasons.iter().all(|reason| reason.rule == Rule::Context)
    {
        // Where a side has the ISB, it shows that one is needed here.
        open =
            Some("no ISB stands after it here: sufficient only if the context is synchronized before it is relied on");
    }
    let local = (judgement.verdict == Verdict::Insufficient)
        .then(|| jobs::local_way(found, sides, &judgement))
        .flatten()
        .or_else(|| whose(found, question));
    let doubt = found
        .around
        .doubt
        .as_ref()
        .filter(|_| judgement.verdict != Verdict::Insufficient)
        .or(local.as_ref());
    let unused = found.around.publishes.is_some()
        && question.after == After::Nothing
        && judgement.verdict != Verdict::Insufficient
        && (sides.len() == 1 || sides.iter().any(|side| side.sequence != found.sequence));
    if unused {
        open = Some("a new mapping is published, and who uses it is not in sight: a DSB and an ISB stand before that?");
    }
    let mut extra: Vec<Ground> = doubt.cloned().map(Ground::question).into_iter().collect();
    extra.extend(other_jobs);
    if let Some(open) = open {
        extra.push(Ground::question(format!("{open}; --tree DIR lets the callers be seen")));
    }
    if open.is_some() || doubt.is_some() {
        judgement.verdict = Verdict::Unknown;
        judgement.reasons.clear();
        judgement.weakest = None;
        judgement.counterexample.clear();
    }
    let ground = |reason: Reason| Ground {
        rule: reason.rule.id(),
        citation: reason.citation(),
        says: reason.rule.says(),
        also: reason.also.iter().map(|rule| rule.id()).collect(),
        // What a barrier orders beyond the TLB is not in the judge's sight.
        text: reason.text.replacen(" can go:", " can go if nothing else needs it:", 1),
    };
    let (errata, notes): (Vec<_>, Vec<_>) = judgement
        .notes
        .into_iter()
        .partition(|note| matches!(note.rule, Rule::Erratum(_)));
    let given_up = notes.into_iter().find(|note| note.rule == Rule::Search);
    extra.extend(judgement.reasons.into_iter().chain(given_up).map(ground));
    let judged: Sequence = whole.into_iter().collect();
    SideVerdict {
        file: placed.path.clone(),
        function: found.function.clone(),
        line: found.line,
        last_line: found.last_line(),
        sequence: found.sequence.clone(),
        steps: Vec::new(),
        verdict: judgement.verdict,
        reasons: extra,
        weakest: judgement
            .weakest
            .map(|weakest| weakest.into_iter().collect::<Sequence>())
            .filter(|weakest| *weakest != judged)
            .map(|weakest| weakest.to_string()),
        counterexample: judgement
            .counterexample
            .into_iter()
            .map(|step| format!("PE{}: {}", step.pe, step.text))
            .collect(),
        errata: errata.into_iter().map(ground).collect(),
        is_part: open.is_some() && doubt.is_none(),
        via: found.via.iter().map(|name| name.to_string()).collect(),
        callers: Vec::new(),
    }
}
