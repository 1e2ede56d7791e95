// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host explain`: a sequence, instruction by instruction.

use sequences::explain;

use super::print;
use super::sequence_argument::SequenceArgument;
use crate::error::Error;
use crate::exit::{Codes, Exit};

/// Columns of the text: what a mail holds.
const WIDTH: usize = 72;

const EXAMPLES: &str = "\
Examples:
  bench-host explain xen_head_old                    a sequence of the catalogue
  bench-host explain 'dsb ishst; tlbi vae1is, {va}; dsb ish'
";

/// How the command ends.
const CODES: Codes = Codes(&[(Exit::Ok, "explained")]);

/// Explain a sequence: what each instruction does, what it orders, what goes wrong without it, its encoding
#[derive(Debug, clap::Args)]
#[command(after_help = CODES.help_after(EXAMPLES))]
pub struct Args {
    /// A sequence by id, or its text: 'dsb nshst; tlbi alle2; dsb nsh; isb'
    #[arg(value_name = "ID|TEXT")]
    sequence: String,
}

/// Prints the explanation.
pub fn run(args: &Args) -> Result<Exit, Error> {
    let SequenceArgument { head, sequence, .. } = SequenceArgument::parse(&args.sequence)?;
    let explanations = explain(&sequence).map_err(|error| Error::Usage(error.to_string()))?;
    let mut text = format!("{head}{sequence}\n");
    for explanation in explanations {
        let repeated = if explanation.repeated { "   (for each page)" } else { "" };
        text.push_str(&format!("\n{:08x}  {}{repeated}\n", explanation.word, explanation.text));
        let sentences = [explanation.does, explanation.orders, explanation.without_it];
        for sentence in sentences.iter().filter(|sentence| !sentence.is_empty()) {
            text.push_str(&fill(sentence));
        }
    }
    print(&text);
    Ok(Exit::Ok)
}

fn fill(sentence: &str) -> String {
    let options = textwrap::Options::new(WIDTH)
        .initial_indent("    ")
        .subsequent_indent("    ");
    textwrap::fill(sentence, options) + "\n"
}
