// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host mutants`: every single edit of a sequence, judged.

use sequences::judge::Verdict;
use sequences::mutants::judged;
use serde_json::json;

use super::print;
use super::question::QuestionArgs;
use super::sequence_argument::SequenceArgument;
use crate::error::Error;
use crate::exit::{Codes, Exit};
use crate::output::table;

const EXAMPLES: &str = "\
Examples:
  bench-host mutants xen_head_new                    every single edit, judged
  bench-host mutants 'dsb ishst; tlbi vae2is, {va}; dsb ish; isb' --after fetch-here
";

/// How the command ends.
const CODES: Codes = Codes(&[(Exit::Ok, "judged, whatever the verdicts")]);

/// List every single-edit mutant of a sequence with the judge's verdict
///
/// The insufficient ones are what a conformance run has to kill.
#[derive(Debug, clap::Args)]
#[command(after_help = CODES.help_after(EXAMPLES))]
pub struct Args {
    /// A sequence by id, or its text
    #[arg(value_name = "ID|TEXT")]
    sequence: String,
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    question: QuestionArgs,
}

/// Prints the mutants.
pub fn run(args: &Args) -> Result<Exit, Error> {
    let named = SequenceArgument::for_question(&args.sequence, &args.question)?;
    let mutants = judged(&named.question, &named.sequence);
    if args.json {
        for judged in &mutants {
            let mutant = &judged.mutant;
            let verdict = judged.verdict.name().replace(' ', "-");
            let object = json!({"id": mutant.id, "kind": mutant.kind.name(), "description": mutant.description,
                "sequence": mutant.sequence.to_string(), "verdict": verdict});
            print(&format!("{object}\n"));
        }
        return Ok(Exit::Ok);
    }
    let mut rows = vec![["VERDICT", "MUTANT", "SEQUENCE"].map(str::to_owned).to_vec()];
    rows.extend(mutants.iter().map(|judged| {
        let verdict = judged.verdict.name().to_owned();
        vec![
            verdict,
            judged.mutant.description.clone(),
            judged.mutant.sequence.to_string(),
        ]
    }));
    let insufficient = mutants
        .iter()
        .filter(|judged| judged.verdict == Verdict::Insufficient)
        .count();
    print(&format!(
        "{}{}\n{}\n\n{}\n{} mutants, {insufficient} insufficient\n",
        named.head,
        named.sequence,
        args.question.describe(&named.question),
        table(&rows),
        mutants.len()
    ));
    Ok(Exit::Ok)
}
