// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host judge`: what the architecture says about a sequence.

use sequences::Sequence;
use sequences::judge::{Judgement, Question, Reason, Verdict, judge};
use serde_json::{Value, json};

use super::print;
use super::question::QuestionArgs;
use super::sequence_argument::SequenceArgument;
use crate::error::Error;
use crate::exit::{self, Exit};

/// Say whether a sequence is sufficient, insufficient, or stronger than needed, by the rules of the architecture
///
/// What is not said is inferred from the sequence and printed: the regime and the observers from its TLBIs, an entry
/// made invalid, a data access after it. Ends with 0 for sufficient (and stronger than needed), 1 for insufficient,
/// 2 for unknown.
#[derive(Debug, clap::Args)]
#[command(after_help = exit::HELP)]
pub struct Args {
    /// A sequence by id, or its text: 'dsb nshst; tlbi alle2; dsb nsh; isb'
    #[arg(value_name = "ID|TEXT")]
    sequence: String,
    #[command(flatten)]
    question: QuestionArgs,
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
    let judgement = judge(&question, &instructions);
    if args.json {
        print(&format!(
            "{:#}\n",
            to_json(&question, &sequence.to_string(), &judgement)
        ));
    } else {
        let assumed = args.question.describe(&question);
        print(&format!("{head}{sequence}\n{assumed}\n\n{judgement}"));
    }
    Ok(match judgement.verdict {
        Verdict::Sufficient | Verdict::StrongerThanNeeded => Exit::Ok,
        Verdict::Insufficient => Exit::Failure,
        Verdict::Unknown => Exit::Undecided,
    })
}

/// Returns a judgement as JSON.
pub fn to_json(question: &Question, sequence: &str, judgement: &Judgement) -> Value {
    let reason =
        |reason: &Reason| json!({"rule": reason.rule.id(), "citation": reason.rule.citation(), "text": reason.text});
    let question: serde_json::Map<_, _> = question
        .parts()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect();
    json!({
        "sequence": sequence,
        "question": question,
        "verdict": judgement.verdict.name().replace(' ', "-"),
        "reasons": judgement.reasons.iter().map(reason).collect::<Vec<_>>(),
        "notes": judgement.notes.iter().map(reason).collect::<Vec<_>>(),
        "weakest": judgement.weakest.as_ref().map(|weakest| weakest.iter().copied().collect::<Sequence>().to_string()),
        "counterexample":
            judgement.counterexample.iter().map(|step| json!({"pe": step.pe, "text": step.text})).collect::<Vec<_>>(),
    })
}
