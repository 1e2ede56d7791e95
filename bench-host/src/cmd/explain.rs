// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host explain`: a sequence, instruction by instruction.

use sequences::judge::Question;
use sequences::{Sequence, catalogue, explain, parse};

use super::print;
use crate::context::infer;
use crate::error::Error;
use crate::exit::{self, Exit};

/// Columns of the text: what a mail holds.
const WIDTH: usize = 72;

/// Explain a sequence: what each instruction does, what it orders, what goes wrong without it, its encoding
#[derive(Debug, clap::Args)]
#[command(after_help = exit::HELP)]
pub struct Args {
    /// A sequence by id, or its text: 'dsb nshst; tlbi alle2; dsb nsh; isb'
    #[arg(value_name = "ID|TEXT")]
    sequence: String,
}

/// Prints the explanation.
pub fn run(args: &Args) -> Result<Exit, Error> {
    let Named { head, sequence, .. } = resolve(&args.sequence)?;
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

/// A sequence that was named on the command line.
pub struct Named {
    /// What to say about it first: where a sequence of the catalogue is from.
    pub head: String,
    /// The sequence.
    pub sequence: Sequence,
    /// What it is for.
    pub question: Question,
}

/// Returns the sequence that an id or a text names.
pub fn resolve(argument: &str) -> Result<Named, Error> {
    let id_byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    // An id has an underscore; no instruction has one. A lone mnemonic is a sequence of one instruction.
    if argument.contains('_') && argument.bytes().all(id_byte) {
        let entry = catalogue::find(argument)
            .map_err(|unknown| Error::Usage(format!("{unknown} (`bench-host list` shows all)")))?;
        let sequence = entry.sequence().map_err(|error| Error::Usage(error.to_string()))?;
        let head = format!(
            "{}: {}, {} ({})\n{}\n\n",
            entry.id, entry.project, entry.function, entry.version, entry.purpose
        );
        let question = Question::of_entry(&entry).unwrap_or_else(|| infer(&sequence));
        return Ok(Named {
            head,
            sequence,
            question,
        });
    }
    let sequence = parse(argument).map_err(|error| Error::Usage(error.render(argument)))?;
    let question = infer(&sequence);
    Ok(Named {
        head: String::new(),
        sequence,
        question,
    })
}

fn fill(sentence: &str) -> String {
    let options = textwrap::Options::new(WIDTH)
        .initial_indent("    ")
        .subsequent_indent("    ");
    textwrap::fill(sentence, options) + "\n"
}
