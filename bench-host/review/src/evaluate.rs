// SPDX-License-Identifier: MIT OR Apache-2.0
//! Verdicts for the two sides of a change.

mod ask;
mod claim;
mod jobs;
mod lost;
mod missing;
mod order;
mod passage;
mod shift;
mod side;

use crate::extract::reduce::Found;
use crate::infer::{Assumption, Place, infer};
use crate::pair::{Kind, Pair};
use crate::placed::Placed;
use crate::relation::{Relation, compare};
use ask::questions;
use claim::{doubt_live_switch, doubt_name, doubt_regime, hold_against_message};
use lost::doubt_lost;
use missing::Missing;
use order::mark_order;
pub use passage::{ENTRIES, SAID, TABLES, evaluate_passage};
use sequences::judge::{Budget, Flip, Hinge, Question, Rule, Stated, Verdict};
use sequences::{Barrier, Domain, Instruction, Scope, Sequence};
use shift::mark_operands;
use side::{flips, side};

/// A ground of a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// The rule's short name.
    pub rule: String,
    /// Where it is written.
    pub citation: String,
    /// What it means here.
    pub text: String,
    /// What the rule says, in our words.
    pub says: &'static str,
    /// Further errata that say the same, by their rules' short names.
    pub also: Vec<String>,
}

impl Ground {
    /// Returns the ground for leaving something undecided.
    pub fn question(text: String) -> Self {
        Self {
            rule: "question".into(),
            citation: "the text at hand".into(),
            text,
            says: Rule::Question.says(),
            also: Vec::new(),
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
    /// The line of its first instruction.
    pub line: u32,
    /// The line of its last instruction.
    pub last_line: u32,
    /// The sequence.
    pub sequence: Sequence,
    /// What it does, step by step, where it is not judged and the sequence has no words for all of it.
    pub steps: Vec<String>,
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

impl SideVerdict {
    /// Returns what it does in one line.
    pub fn text(&self) -> String {
        match self.steps.is_empty() {
            true => self.sequence.to_string(),
            false => self.steps.join("; "),
        }
    }

    /// Leaves it open, with what is to be known.
    pub(crate) fn leave_open(&mut self, question: String) {
        self.verdict = Verdict::Unknown;
        self.weakest = None;
        self.counterexample.clear();
        self.reasons = vec![Ground::question(question)];
    }
}

/// What would turn a verdict over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flips {
    /// What was found of the sequence as it stands, where the verdict leaves it open.
    pub as_it_stands: Option<Verdict>,
    /// The neighbouring contexts with the other answer.
    pub around: sequences::judge::Flips,
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
    /// What would turn the verdict on the side after over, and what was found of it as it stands.
    pub flips: Flips,
    /// It is a passage: nothing is invalidated in it, and nothing was judged.
    pub is_passage: bool,
}

impl Evaluated {
    /// Returns the side that is there: after, or before where it is gone.
    pub fn shown(&self) -> Option<&SideVerdict> {
        self.after.as_ref().or(self.before.as_ref())
    }

    /// Returns whether the sequence stands elsewhere or is written otherwise, and is the same, for the same use.
    pub fn only_moves(&self) -> bool {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => {
                self.kind == Kind::Moved
                    && before.text() == after.text()
                    && before.verdict == after.verdict
                    && before.function == after.function
            }
            _ => false,
        }
    }

    /// Returns whether the side after is left undecided. A building block is decided with its callers, and one that
    /// the patch leaves as it was needs no decision.
    pub fn is_open(&self) -> bool {
        let same = |after: &SideVerdict| {
            self.before
                .as_ref()
                .is_some_and(|before| before.sequence == after.sequence)
        };
        // Nobody can know from the patch alone why what was flushed need not be any more.
        let gone = self.kind == Kind::Removed && self.before.as_ref().is_some_and(|before| !before.is_part);
        gone || self.is_passage
            || self.after.as_ref().is_some_and(|after| {
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
///
/// Each side, and what would turn its verdict over, has its own part of the budget.
pub fn evaluate(pair: Pair, message: &str, stated: &Stated, budget: &Budget) -> Evaluated {
    let Pair {
        kind,
        mut before,
        mut after,
    } = pair;
    mark_operands(&mut before, &mut after);
    mark_order(&mut before, &mut after, message);
    doubt_live_switch(&mut before, message);
    doubt_live_switch(&mut after, message);
    doubt_name(&mut before);
    doubt_name(&mut after);
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
        stated,
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
    let verdict = |placed: &Placed<Found>| within(budget, |part| side(placed, &sides, &question, part));
    let mut judged = (before.as_ref().map(verdict), after.as_ref().map(verdict));
    hold_against_message(&mut judged.0, &judged.1, relation, message);
    if stated.regime.is_none()
        && let (Some(a), Some(b), (Some(old), Some(new))) = (&before, &after, (&mut judged.0, &mut judged.1))
    {
        doubt_regime((&a.found, old), (&b.found, new));
    }
    if let (Some(a), Some(b), (Some(old), Some(new))) = (&before, &after, (&mut judged.0, &mut judged.1)) {
        doubt_lost((a, old), (b, new), &question, message);
    }
    let mut flips = match (&after, &judged.1) {
        (Some(placed), Some(judged)) => within(budget, |part| flips(placed, &sides, &question, judged.verdict, part)),
        _ => Flips::default(),
    };
    if !speaks_of_outer(&sides, message) {
        let outer = |flip: &Flip| flip.hinge == Hinge::Observers && flip.options.iter().any(|word| word == "outer");
        flips.around.found.retain(|flip| !outer(flip));
    }
    let questions = questions(&before, &after, &question, relation, &flips, stated);
    Evaluated {
        kind,
        before: judged.0,
        after: judged.1,
        relation,
        differences,
        assumptions,
        questions,
        question,
        flips,
        is_passage: false,
    }
}

/// Returns whether there is a word about PEs of the Outer Shareable domain: in the message, or where the sides differ in
/// whether a barrier or an operation reaches them. Whoever flushes for the Inner Shareable domain knows that there are others.
fn speaks_of_outer(sides: &[&Found], message: &str) -> bool {
    let reaches = |side: &&Found| {
        side.sequence.instructions().any(|instruction| match instruction {
            Instruction::Dsb(Barrier { domain, .. }) => domain > Domain::InnerShareable,
            Instruction::Tlbi(tlbi) => tlbi.op.scope() == Scope::OuterShareable,
            _ => false,
        })
    };
    let differ = sides.iter().any(reaches) && !sides.iter().all(reaches);
    let mut words = message.split(|c: char| !c.is_alphanumeric());
    differ
        || message.contains("outer shareable")
        || message.contains("outer-shareable")
        || words.any(|word| matches!(word, "osh" | "oshst"))
}

/// Does something with the part of a budget that one judgement has.
fn within<T>(budget: &Budget, judge: impl FnOnce(&Budget) -> T) -> T {
    let part = budget.part(Budget::JUDGEMENT);
    let judged = judge(&part);
    budget.put_back(&part);
    judged
}

/// Judges a sequence on its own, as `scan` does.
pub fn evaluate_alone(placed: &Placed<Found>, stated: &Stated, budget: &Budget) -> (SideVerdict, Vec<Assumption>) {
    let place = Place {
        path: &placed.path,
        function: &placed.found.function,
        message: "",
    };
    let (question, assumptions) = infer(&[&placed.found], place, stated);
    let judged = within(budget, |part| side(placed, &[&placed.found], &question, part));
    (judged, assumptions)
}
