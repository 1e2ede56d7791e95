// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host judge`: what the architecture says about a sequence.

use std::collections::BTreeMap;

use review::output::json::{pretty, schema_of};
use schemars::{JsonSchema, Schema};
use sequences::Sequence;
use sequences::judge::{Budget, Flips, Judgement, Question, Reason, Verdict, explained, flips, judge_within};
use serde::Serialize;

use super::print;
use super::question::QuestionArgs;
use super::sequence_argument::SequenceArgument;
use crate::error::Error;
use crate::exit::{Codes, Exit};

const EXAMPLES: &str = "\
Examples:
  bench-host judge xen_head_new                      a sequence of the catalogue
  bench-host judge 'dsb nshst; tlbi alle2; dsb nsh; isb' --observers inner
                                                     the same where other PEs may hold the entry
  bench-host judge 'dsb ishst; tlbi vae2is, {va}; dsb ish' --after fetch-here --explain-rules
";

/// How the command ends.
const CODES: Codes = Codes(&[
    (Exit::Ok, "sufficient, or stronger than needed"),
    (Exit::Failure, "insufficient"),
    (Exit::Undecided, "unknown: the question does not say enough"),
]);

/// Say whether a sequence is sufficient, insufficient, or stronger than needed, by the rules of the architecture
///
/// What is not said is inferred from the sequence and printed: the regime and the observers from its TLBIs, an entry
/// made invalid, a data access after it. Ends with 0 for sufficient (and stronger than needed), 1 for insufficient,
/// 2 for unknown.
#[derive(Debug, clap::Args)]
#[command(after_help = CODES.help_after(EXAMPLES))]
pub struct Args {
    /// A sequence by id, or its text: 'dsb nshst; tlbi alle2; dsb nsh; isb'
    #[arg(value_name = "ID|TEXT")]
    sequence: String,
    #[command(flatten)]
    question: QuestionArgs,
    /// Say of every rule that is cited what it says, in our words, and what it means here
    #[arg(long)]
    explain_rules: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Judges the sequence.
pub fn run(args: &Args) -> Result<Exit, Error> {
    let SequenceArgument {
        head,
        sequence,
        question,
    } = SequenceArgument::for_question(&args.sequence, &args.question)?;
    let instructions: Vec<_> = sequence.instructions().collect();
    let budget = Budget::default();
    let judgement = judge_within(&question, &instructions, &budget);
    let flips = flips(&question, &instructions, &budget);
    if args.json {
        print(&to_json(&question, &sequence.to_string(), &judgement, &flips));
    } else {
        let assumed = args.question.describe(&question);
        let mut text = format!("{head}{sequence}\n{assumed}\n\n{judgement}");
        let around = flips.found.iter().map(ToString::to_string);
        for flip in around.chain(flips.not_tried()) {
            text += &filled("flips: ", "       ", &flip);
        }
        if args.explain_rules {
            text += &rules(&judgement);
        }
        print(&text);
    }
    Ok(match judgement.verdict {
        Verdict::Sufficient | Verdict::StrongerThanNeeded => Exit::Ok,
        Verdict::Insufficient => Exit::Failure,
        Verdict::Unknown => Exit::Undecided,
    })
}

const WIDTH: usize = 72;

const fn is_zero(count: &usize) -> bool {
    *count == 0
}

fn filled(first: &str, rest: &str, text: &str) -> String {
    let options = textwrap::Options::new(WIDTH)
        .initial_indent(first)
        .subsequent_indent(rest)
        .break_words(false);
    textwrap::fill(text, options) + "\n"
}

/// Explains the rules of a judgement.
fn rules(judgement: &Judgement) -> String {
    let grounds = judgement.reasons.iter().chain(&judgement.notes);
    let mut text = "\nRules:\n".to_owned();
    for rule in explained(grounds.map(|reason| (reason.citation(), reason.rule.says(), reason.text.as_str()))) {
        text += &filled("", "  ", &rule.citation);
        text += &filled("  says: ", "        ", rule.says);
        for here in rule.here {
            text += &filled("  here: ", "        ", here);
        }
    }
    text
}

/// What `bench-host judge --json` prints.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "bench-host judge, schema 1")]
struct Document<'a> {
    schema: u32,
    sequence: &'a str,
    /// What was asked, by the names of the options.
    question: BTreeMap<&'static str, String>,
    /// `sufficient`, `insufficient`, `stronger-than-needed` or `unknown`.
    verdict: String,
    reasons: Vec<Ground<'a>>,
    /// What does not change the verdict.
    notes: Vec<Ground<'a>>,
    flips: Vec<FlipSaid<'a>>,
    /// How many more contexts there are that were not tried, because the search was given up.
    #[serde(skip_serializing_if = "is_zero")]
    flips_untried: usize,
    /// A sequence in which nothing can be left out.
    weakest: Option<String>,
    counterexample: Vec<StepTold<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Ground<'a> {
    rule: String,
    citation: String,
    text: &'a str,
}

/// A context with the other answer.
#[derive(Serialize, JsonSchema)]
struct FlipSaid<'a> {
    verdict: &'static str,
    r#if: &'static str,
    /// The options that ask it.
    options: &'a [String],
}

#[derive(Serialize, JsonSchema)]
struct StepTold<'a> {
    pe: u8,
    text: &'a str,
}

/// Returns the schema of the JSON.
pub fn schema() -> Schema {
    schema_of::<Document<'static>>()
}

/// Returns a judgement as JSON. Of errata that say the same, each has an entry.
fn to_json(question: &Question, sequence: &str, judgement: &Judgement, flips: &Flips) -> String {
    fn grounds(reasons: &[Reason]) -> Vec<Ground<'_>> {
        fn of(Reason { rule, also, text }: &Reason) -> impl Iterator<Item = Ground<'_>> {
            let rules = std::iter::once(rule).chain(also);
            rules.map(move |rule| Ground {
                rule: rule.id(),
                citation: rule.citation(),
                text,
            })
        }
        reasons.iter().flat_map(of).collect()
    }
    let document = Document {
        schema: 1,
        sequence,
        question: question.parts().into_iter().collect(),
        verdict: judgement.verdict.name().replace(' ', "-"),
        reasons: grounds(&judgement.reasons),
        notes: grounds(&judgement.notes),
        flips: flips
            .found
            .iter()
            .map(|flip| FlipSaid {
                verdict: flip.verdict.name(),
                r#if: flip.text,
                options: &flip.options,
            })
            .collect(),
        flips_untried: flips.untried,
        weakest: judgement
            .weakest
            .as_ref()
            .map(|weakest| weakest.iter().copied().collect::<Sequence>().to_string()),
        counterexample: judgement
            .counterexample
            .iter()
            .map(|step| StepTold {
                pe: step.pe,
                text: &step.text,
            })
            .collect(),
    };
    pretty(&document)
}
