// SPDX-License-Identifier: MIT OR Apache-2.0
//! JSON, schema 1: an interface. `changes` and `unrecognised` hold what the schema says and nothing else; all further
//! evidence is in `evidence`, one entry for each change, in the same order.

use crate::evaluate::{Evaluated, SideVerdict, verdict_id};
use crate::evidence::{Seen, Trials};
use crate::output::grounds;
use crate::output::series::{outcome_id, position};
use crate::series::Reviewed;
use crate::{Outcome, Review};
use results::verdict::Class;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use std::collections::BTreeMap;

/// What `bench-host review --json` prints. Fields may be added without a new schema.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "bench-host review, schema 1")]
struct Document<'a> {
    schema: u32,
    changes: Vec<Change<'a>>,
    unrecognised: Vec<Unrecognised<'a>>,
    evidence: Vec<Evidence<'a>>,
    /// The rules that the verdicts rest on.
    rules: Vec<CitedRule<'a>>,
    source: &'a str,
    subject: &'a str,
    barriers: &'a [String],
    notes: Vec<String>,
    /// Parts of the text that were not looked at; absent where all was.
    #[serde(skip_serializing_if = "is_zero")]
    losses: usize,
    command: &'a str,
    /// The patches of a series; absent for a single patch. `changes` has the changes of all, one patch after the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    series: Option<Series<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Series<'a> {
    title: &'a str,
    patches: Vec<Patch<'a>>,
    /// All patches as one; absent where they do not stand on top of each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<End<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Patch<'a> {
    subject: &'a str,
    number: usize,
    of: usize,
    outcome: &'a str,
    /// Changes of it, in `changes`.
    changes: usize,
    /// What it leaves insufficient is mended at the end; absent where that is not known, or there is nothing to mend.
    #[serde(skip_serializing_if = "Option::is_none")]
    mended: Option<bool>,
}

#[derive(Serialize, JsonSchema)]
struct End<'a> {
    outcome: &'a str,
    changes: Vec<Change<'a>>,
    evidence: Vec<Evidence<'a>>,
    unrecognised: Vec<Unrecognised<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Change<'a> {
    file: &'a str,
    function: &'a str,
    line: u32,
    kind: &'a str,
    before: Option<Side<'a>>,
    after: Option<Side<'a>>,
    relation: &'a str,
    assumptions: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize, JsonSchema)]
struct Side<'a> {
    sequence: String,
    verdict: &'a str,
    reasons: Vec<Reason<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Reason<'a> {
    rule: &'a str,
    text: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct CitedRule<'a> {
    rule: &'a str,
    citation: &'a str,
    says: &'static str,
}

#[derive(Serialize, JsonSchema)]
struct Flip<'a> {
    verdict: &'a str,
    r#if: &'static str,
    options: &'a [String],
}

#[derive(Serialize, JsonSchema)]
struct Unrecognised<'a> {
    file: &'a str,
    line: u32,
    text: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct Evidence<'a> {
    differences: &'a [String],
    questions: &'a [String],
    why: BTreeMap<&'a str, &'a str>,
    before: Option<More<'a>>,
    after: Option<More<'a>>,
    /// What is found of the side after as it stands, where its verdict is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_it_stands: Option<&'static str>,
    flips: Vec<Flip<'a>>,
    /// How many more contexts there are that were not tried, because the search was given up.
    #[serde(skip_serializing_if = "is_zero")]
    flips_untried: usize,
    timing: Vec<Timing<'a>>,
    checks: Vec<Checks<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct More<'a> {
    file: &'a str,
    function: &'a str,
    line: u32,
    weakest: Option<&'a str>,
    /// What it does, of what is not judged; absent where the sequence says all.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    steps: &'a [String],
    counterexample: &'a [String],
    citations: BTreeMap<&'a str, &'a str>,
    errata: Vec<Reason<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Timing<'a> {
    run: &'a str,
    simulator: bool,
    pe: u32,
    ratio: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    noise_floor: Option<f64>,
    finding: &'a str,
    instructions: Option<(u64, u64)>,
}

#[derive(Serialize, JsonSchema)]
struct Checks<'a> {
    machine: &'a str,
    simulator: bool,
    checks: Vec<CheckSeen<'a>>,
    mutants: Option<MutantsSeen<'a>>,
    story: Option<StoryTold<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct StoryTold<'a> {
    side: &'a str,
    check: &'a str,
    events: &'a [String],
}

#[derive(Serialize, JsonSchema)]
struct CheckSeen<'a> {
    check: &'a str,
    before: Option<&'a str>,
    after: Option<&'a str>,
    known_bug: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
struct MutantsSeen<'a> {
    check: &'a str,
    mistakes: usize,
    shown: usize,
    disagreements: usize,
}

fn checks(trials: &Trials) -> Checks<'_> {
    let seen = |seen: &Seen| CheckSeen {
        check: seen.check.id(),
        before: seen.before.map(Class::id),
        after: seen.after.map(Class::id),
        known_bug: seen.known,
    };
    Checks {
        machine: &trials.machine,
        simulator: trials.simulator,
        checks: trials.seen.iter().map(seen).collect(),
        mutants: trials.mutants.map(|mutants| MutantsSeen {
            check: mutants.check.id(),
            mistakes: mutants.mistakes,
            shown: mutants.shown,
            disagreements: mutants.disagreements,
        }),
        story: trials.story.as_ref().map(|story| StoryTold {
            side: if story.after { "after" } else { "before" },
            check: story.check.id(),
            events: &story.events,
        }),
    }
}

fn side(side: &SideVerdict) -> Side<'_> {
    let reason = |ground| Reason {
        rule: ground_rule(ground),
        text: &ground.text,
    };
    Side {
        sequence: side.sequence.to_string(),
        verdict: verdict_id(side.verdict),
        reasons: side.reasons.iter().map(reason).collect(),
    }
}

fn ground_rule(ground: &crate::evaluate::Ground) -> &str {
    &ground.rule
}

fn more(side: &SideVerdict) -> More<'_> {
    More {
        file: &side.file,
        function: &side.function,
        line: side.line,
        weakest: side.weakest.as_deref(),
        steps: &side.steps,
        counterexample: &side.counterexample,
        citations: side
            .reasons
            .iter()
            .map(|ground| (ground.rule.as_str(), ground.citation.as_str()))
            .collect(),
        errata: side
            .errata
            .iter()
            .flat_map(|ground| {
                let rules = std::iter::once(&ground.rule).chain(&ground.also);
                rules.map(|rule| Reason {
                    rule,
                    text: &ground.text,
                })
            })
            .collect(),
    }
}

fn change(change: &Evaluated) -> Change<'_> {
    let shown = change.shown();
    Change {
        file: shown.map_or("", |side| &side.file),
        function: shown.map_or("", |side| &side.function),
        line: shown.map_or(0, |side| side.line),
        kind: change.kind.name(),
        before: change.before.as_ref().map(side),
        after: change.after.as_ref().map(side),
        relation: change.relation.name(),
        assumptions: change
            .assumptions
            .iter()
            .map(|part| (part.name, part.value.as_str()))
            .collect(),
    }
}

/// Returns the rules that are cited, each once.
fn rules(review: &Review) -> Vec<CitedRule<'_>> {
    let mut all: Vec<CitedRule<'_>> = Vec::new();
    for ground in grounds(review) {
        if !all.iter().any(|known| known.citation == ground.citation) {
            all.push(CitedRule {
                rule: &ground.rule,
                citation: &ground.citation,
                says: ground.says,
            });
        }
    }
    all
}

/// Renders a review.
pub fn render(reviewed: &Reviewed) -> String {
    let series = reviewed.single().is_none().then(|| series(reviewed));
    pretty(&document(&reviewed.as_one(), series))
}

fn series(reviewed: &Reviewed) -> Series<'_> {
    let patch = |(index, patch): (usize, &'_ Review)| -> Patch<'_> {
        let (number, of) = position(reviewed, index);
        let outcome = patch.outcome();
        Patch {
            subject: &reviewed.patches[index].subject,
            number,
            of,
            outcome: outcome_id(outcome),
            changes: patch.changes.len(),
            mended: reviewed.is_mended(patch).filter(|_| outcome == Outcome::Insufficient),
        }
    };
    Series {
        title: &reviewed.title,
        patches: reviewed.patches.iter().enumerate().map(patch).collect(),
        end: reviewed.end.as_ref().map(|end| End {
            outcome: outcome_id(end.review.outcome()),
            changes: end.review.changes.iter().map(change).collect(),
            evidence: evidence(&end.review),
            unrecognised: unrecognised(&end.review),
        }),
    }
}

fn unrecognised(review: &Review) -> Vec<Unrecognised<'_>> {
    let all = review.unrecognised.iter().map(|unread| Unrecognised {
        file: &unread.file,
        line: unread.line,
        text: &unread.text,
    });
    all.collect()
}

fn evidence(review: &Review) -> Vec<Evidence<'_>> {
    let all = review.changes.iter().zip(review.timing.iter().zip(&review.trials));
    all.map(|(change, (timing, trials))| Evidence {
        differences: &change.differences,
        questions: &change.questions,
        why: change
            .assumptions
            .iter()
            .map(|part| (part.name, part.why.as_str()))
            .collect(),
        before: change.before.as_ref().map(more),
        after: change.after.as_ref().map(more),
        as_it_stands: change.flips.as_it_stands.map(verdict_id),
        flips: change
            .flips
            .around
            .found
            .iter()
            .map(|flip| Flip {
                verdict: verdict_id(flip.verdict),
                r#if: flip.text,
                options: &flip.options,
            })
            .collect(),
        flips_untried: change.flips.around.untried,
        timing: timing
            .iter()
            .map(|timing| Timing {
                run: &timing.run,
                simulator: timing.simulator,
                pe: timing.pe,
                ratio: timing.ratio.map(|ratio| ratio.0),
                low: timing.ratio.map(|ratio| ratio.1),
                high: timing.ratio.map(|ratio| ratio.2),
                noise_floor: timing.noise_floor,
                finding: &timing.finding,
                instructions: timing.instructions,
            })
            .collect(),
        checks: trials.iter().map(checks).collect(),
    })
    .collect()
}

fn document<'a>(review: &'a Review, series: Option<Series<'a>>) -> Document<'a> {
    Document {
        schema: 1,
        changes: review.changes.iter().map(change).collect(),
        unrecognised: unrecognised(review),
        evidence: evidence(review),
        rules: rules(review),
        source: &review.source,
        subject: &review.subject,
        barriers: &review.barriers,
        notes: review.notes.lines(usize::MAX),
        losses: review.notes.losses(),
        command: &review.command,
        series,
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Returns the schema of a review.
pub fn schema() -> Schema {
    schema_of::<Document<'static>>()
}

/// Returns the schema of any of our documents, as it is written.
pub fn schema_of<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<T>()
}

/// Renders any of our documents. Strings, numbers and lists cannot fail to serialize.
pub fn pretty(document: &impl Serialize) -> String {
    serde_json::to_string_pretty(document).unwrap_or_default() + "\n"
}
