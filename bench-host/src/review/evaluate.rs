// SPDX-License-Identifier: MIT OR Apache-2.0
//! Verdicts for the two sides of a change.

use crate::review::extract::reduce::Found;
use crate::review::infer::{Assumption, Given, Place, infer};
use crate::review::pair::{Kind, Pair, Placed};
use crate::review::relation::{Relation, compare};
use crate::review::workaround::{is_workaround, without_workaround};
use sequences::judge::{Change, Observers, Question, Rule, Verdict, judge};
use sequences::{Access, Barrier, Domain, Instruction, Operand, OperandFormat, Sequence};

/// A ground of a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// The rule's short name.
    pub rule: String,
    /// Where it is written.
    pub citation: String,
    /// What it means here.
    pub text: String,
}

impl Ground {
    /// Returns the ground for leaving something undecided.
    pub fn question(text: String) -> Self {
        Self {
            rule: "question".into(),
            citation: "the text at hand".into(),
            text,
        }
    }
}

/// One side of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideVerdict {
    /// The file.
    pub file: String,
    /// The function.
    pub function: String,
    /// The line.
    pub line: u32,
    /// The sequence.
    pub sequence: Sequence,
    /// The verdict.
    pub verdict: Verdict,
    /// Its grounds.
    pub reasons: Vec<Ground>,
    /// What would do.
    pub weakest: Option<String>,
    /// How a stale translation comes to be used.
    pub counterexample: Vec<String>,
    /// Errata that ask for more on some CPUs.
    pub errata: Vec<Ground>,
    /// It is no whole sequence: the callers' barriers belong to it.
    pub is_part: bool,
    /// The functions in sight that it is put in place of a call of.
    pub via: Vec<String>,
    /// The callers in sight, where it is judged with their barriers.
    pub callers: Vec<String>,
}

/// A change with its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluated {
    /// What happened.
    pub kind: Kind,
    /// The side before.
    pub before: Option<SideVerdict>,
    /// The side after.
    pub after: Option<SideVerdict>,
    /// How they compare.
    pub relation: Relation,
    /// The differences in words.
    pub differences: Vec<String>,
    /// The context.
    pub assumptions: Vec<Assumption>,
    /// What a reviewer should ask.
    pub questions: Vec<String>,
    /// What the judge was asked.
    pub question: Question,
}

impl Evaluated {
    /// Returns the side that is there: after, or before where it is gone.
    pub fn shown(&self) -> Option<&SideVerdict> {
        self.after.as_ref().or(self.before.as_ref())
    }

    /// Returns whether the side after is left undecided. A building block is decided with its callers, and one that
    /// the patch leaves as it was needs no decision.
    pub fn is_open(&self) -> bool {
        let same = |after: &SideVerdict| {
            self.before
                .as_ref()
                .is_some_and(|before| before.sequence == after.sequence)
        };
        self.after.as_ref().is_some_and(|after| {
            after.verdict == Verdict::Unknown && after.callers.is_empty() && !(after.is_part && same(after))
        })
    }
}

/// Returns the verdict's name in the machine-readable outputs.
pub fn verdict_id(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Insufficient => "insufficient",
        Verdict::Sufficient => "sufficient",
        Verdict::StrongerThanNeeded => "stronger-than-needed",
        Verdict::Unknown => "unknown",
    }
}

/// Judges both sides of a change in the same context.
pub fn evaluate(pair: Pair, message: &str, given: &Given) -> Evaluated {
    let Pair {
        kind,
        mut before,
        mut after,
    } = pair;
    mark_unshifted(&mut before, &mut after);
    let sides: Vec<&Found> = before.iter().chain(&after).map(|placed| &placed.found).collect();
    let place = after.as_ref().or(before.as_ref());
    let (path, function) = place.map_or(("", ""), |placed| {
        (placed.path.as_str(), placed.found.function.as_str())
    });
    let (question, mut assumptions) = infer(
        &sides,
        Place {
            path,
            function,
            message,
        },
        given,
    );
    if let Some(found) = sides.last() {
        let missing = Missing::of(found, &sides, &question);
        if !sides.iter().all(|side| side.fragment) {
            assumptions.extend(missing.left_as_it_was(&sides).assumptions());
        }
    }
    let (relation, differences) = match (&before, &after) {
        (Some(a), Some(b)) => compare(&a.found.sequence, &b.found.sequence),
        _ => (Relation::NotApplicable, Vec::new()),
    };
    let verdict = |placed: &Placed| side(placed, &sides, &question);
    let judged = (before.as_ref().map(verdict), after.as_ref().map(verdict));
    let questions = questions(&before, &after, &question, relation);
    Evaluated {
        kind,
        before: judged.0,
        after: judged.1,
        relation,
        differences,
        assumptions,
        questions,
        question,
    }
}

/// Judges a sequence on its own, as `scan` does.
pub fn evaluate_alone(placed: &Placed, given: &Given) -> (SideVerdict, Vec<Assumption>) {
    let place = Place {
        path: &placed.path,
        function: &placed.found.function,
        message: "",
    };
    let (question, assumptions) = infer(&[&placed.found], place, given);
    (side(placed, &[&placed.found], &question), assumptions)
}

/// Returns whether a DSB stands before the first and after the last invalidation.
fn ends(found: &Found) -> (bool, bool) {
    let all: Vec<Instruction> = found.sequence.instructions().collect();
    let is_tlbi = |i: &Instruction| matches!(i, Instruction::Tlbi(_));
    let first = all.iter().position(is_tlbi).unwrap_or(0);
    let last = all.iter().rposition(is_tlbi).map_or(0, |last| last + 1);
    (
        all[..first].iter().any(Instruction::is_dsb),
        all[last..].iter().any(Instruction::is_dsb),
    )
}

/// What of a sequence's surroundings is not in sight.
#[derive(Clone, Copy)]
struct Missing {
    /// A DSB before it, which neither side shows.
    before: bool,
    /// A DSB after it, which neither side shows.
    after: bool,
}

impl Missing {
    /// What neither side shows may stand where the text does not reach: no side is blamed for that.
    fn of(found: &Found, sides: &[&Found], question: &Question) -> Self {
        let (has_before, has_after) = ends(found);
        let any = |pick: fn((bool, bool)) -> bool| sides.iter().any(|side| pick(ends(side)));
        let lost = |pick| any(pick) && !leaves_completion(&found.function);
        Self {
            before: !has_before && !any(|ends| ends.0) && !found.around.store_before && asks_for_dsb(question),
            // An ISB or a DMB in the DSB's place says that nothing else is meant to follow.
            after: !has_after && (found.around.call_after || !lost(|ends| ends.1) && !replaced(found)),
        }
    }

    /// Leaves what both sides of a change do without, and what the text at hand cuts off: it is as before.
    fn left_as_it_was(self, sides: &[&Found]) -> Self {
        let cut = |open: fn(&Found) -> bool| sides.len() == 2 && sides.iter().all(|side| open(side));
        Self {
            before: self.before && cut(|side| side.open_start),
            after: self.after && cut(|side| side.open_end && !side.fragment),
        }
    }

    /// Returns what is then assumed.
    fn assumptions(&self) -> Vec<Assumption> {
        let part = |name, value: &str| Assumption {
            name,
            value: value.to_owned(),
            why: "both sides go on where the text at hand ends, and are the same there".to_owned(),
        };
        let mut all = Vec::new();
        all.extend(self.before.then(|| part("store", "completed before")));
        all.extend(self.after.then(|| part("completion", "follows")));
        all
    }

    /// Returns what must then be true elsewhere.
    const fn text(&self) -> Option<&'static str> {
        match (self.before, self.after) {
            (true, true) => Some("no barrier is with it here: the callers must have one before and one after"),
            (true, false) => {
                Some("no DSB stands before it here: sufficient only if the caller has completed the store")
            }
            (false, true) => Some("no DSB stands after it here: sufficient only if the caller completes it"),
            (false, false) => None,
        }
    }
}

/// Returns whether another barrier stands where the completing DSB should.
fn replaced(found: &Found) -> bool {
    let all: Vec<Instruction> = found.sequence.instructions().collect();
    let last = all.iter().rposition(|i| matches!(i, Instruction::Tlbi(_)));
    let rest = last.map_or(&[][..], |last| &all[last + 1..]);
    !found.fragment && rest.iter().any(|i| matches!(i, Instruction::Isb | Instruction::Dmb(_)))
}

/// Judges one side.
fn side(placed: &Placed, sides: &[&Found], question: &Question) -> SideVerdict {
    let found = &placed.found;
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
    let mut judgement = judge(question, &whole);
    let mut open = None;
    if is_workaround(&found.sequence) {
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
    } else if sides.len() == 1 && judgement.reasons.iter().all(|reason| reason.rule == Rule::Context) {
        // With two sides the context is inferred from what both do without.
        open =
            Some("no ISB stands after it here: sufficient only if the context is synchronized before it is relied on");
    }
    let mut extra = Vec::new();
    if let Some(open) = open {
        extra.push(Ground::question(format!("{open}; --tree DIR lets the callers be seen")));
        judgement.verdict = Verdict::Unknown;
        judgement.reasons.clear();
        judgement.weakest = None;
        judgement.counterexample.clear();
    }
    let ground = |reason: sequences::judge::Reason| Ground {
        rule: reason.rule.id(),
        citation: reason.rule.citation(),
        text: reason.text,
    };
    let (errata, _): (Vec<_>, Vec<_>) = judgement
        .notes
        .into_iter()
        .partition(|note| matches!(note.rule, Rule::Erratum(_)));
    extra.extend(judgement.reasons.into_iter().map(ground));
    let judged: Sequence = whole.into_iter().collect();
    SideVerdict {
        file: placed.path.clone(),
        function: found.function.clone(),
        line: found.line,
        sequence: found.sequence.clone(),
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
        is_part: open.is_some(),
        via: found.via.iter().map(|name| name.to_string()).collect(),
        callers: Vec::new(),
    }
}

/// Returns whether the change has a store that a DSB must complete.
const fn asks_for_dsb(question: &Question) -> bool {
    !matches!(question.change, Change::RecycleContext | Change::SwitchContext)
}

/// Returns whether a function says by its name that its callers complete what it issues.
fn leaves_completion(function: &str) -> bool {
    let lower = function.to_ascii_lowercase();
    [
        "nosync",
        "no_sync",
        "_async",
        "batch",
        "gather",
        "tlb_one",
        "_add_",
        "nobarrier",
        "no_barrier",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

/// Marks the operand of the side that is given an address as it is, where the other side shifts it.
fn mark_unshifted(before: &mut Option<Placed>, after: &mut Option<Placed>) {
    let (Some(a), Some(b)) = (before, after) else { return };
    let shifts = |found: &Found| {
        let shifted = |text: &String| {
            let lower = text.to_ascii_lowercase();
            [">>", "shift", "tlbi_", "__tlbi", "lsr", "page_number", "pfn", "vpn"]
                .iter()
                .any(|word| lower.contains(word))
        };
        found.around.operands.iter().any(shifted)
    };
    let plain = |found: &Found| {
        let name = |text: &String| {
            let lower = text.trim_matches(['(', ')', ' ', '&', '*']).to_ascii_lowercase();
            ["va", "addr", "address", "vaddr", "ipa", "start", "page_addr", "virt"].contains(&lower.as_str())
        };
        !found.around.operands.is_empty() && found.around.operands.iter().all(name)
    };
    let mark = |found: &mut Found| {
        for item in &mut found.sequence.items {
            let mut list: Vec<&mut Instruction> = match item {
                sequences::Item::Instruction(instruction) => vec![instruction],
                sequences::Item::ForPage(_) => continue,
            };
            for instruction in &mut list {
                let Instruction::Tlbi(tlbi) = instruction else { continue };
                if tlbi.op.operand_format() == OperandFormat::Va && matches!(tlbi.operand, Operand::Va(_)) {
                    tlbi.operand = Operand::VaUnshifted;
                }
            }
        }
    };
    match (shifts(&a.found), shifts(&b.found)) {
        (true, false) if plain(&b.found) => mark(&mut b.found),
        (false, true) if plain(&a.found) => mark(&mut a.found),
        _ => {}
    }
}

/// Returns what a reviewer should ask, most pressing first.
fn questions(before: &Option<Placed>, after: &Option<Placed>, question: &Question, relation: Relation) -> Vec<String> {
    let mut all = Vec::new();
    let (Some(side), true) = (after.as_ref().or(before.as_ref()), after.is_some() || before.is_some()) else {
        return all;
    };
    let instructions: Vec<Instruction> = side.found.sequence.instructions().collect();
    if after.is_none() {
        all.push("Who invalidates these entries now, or why need nobody?".to_owned());
        return all;
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
        let short: String = text.chars().take(40).collect();
        all.push(format!(
            "Is `{short}` shifted right by 12, its top bits clear of TTL and ASID?"
        ));
    }
    let last_level = instructions.iter().any(|i| {
        let text = i.to_string();
        text.contains("vale") || text.contains("vaale") || text.contains("ipas2le")
    });
    if last_level && question.level == Some(sequences::judge::Level::Last) {
        all.push("Is it certain that only last-level entries change here?".to_owned());
    }
    if relation == Relation::Weaker {
        all.push("Does anything else rely on what the old sequence did beyond the flush?".to_owned());
    }
    if !instructions.contains(&Instruction::Isb) && question.change != Change::RecycleContext {
        all.push("Where is the next context synchronization event before the change is relied on?".to_owned());
    }
    all
}
