// SPDX-License-Identifier: MIT OR Apache-2.0
//! A sequence named on the command line, by its id or its text, and what it is for.

use sequences::judge::{Question, infer};
use sequences::{Sequence, catalogue, parse};

use super::question::QuestionArgs;
use crate::error::Error;

/// A sequence that was named on the command line.
pub struct SequenceArgument {
    /// What to say about it first: where a sequence of the catalogue is from.
    pub head: String,
    /// The sequence.
    pub sequence: Sequence,
    /// What it is for.
    pub question: Question,
}

impl SequenceArgument {
    /// Returns the sequence that an id or a text names, for what it looks made for.
    pub fn parse(argument: &str) -> Result<Self, Error> {
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
            return Ok(Self {
                head,
                sequence,
                question,
            });
        }
        let sequence = parse(argument).map_err(|error| Error::Usage(error.render(argument)))?;
        let question = infer(&sequence);
        Ok(Self {
            head: String::new(),
            sequence,
            question,
        })
    }

    /// Returns the sequence that an id or a text names, for what the options say.
    pub fn for_question(argument: &str, options: &QuestionArgs) -> Result<Self, Error> {
        let mut named = Self::parse(argument)?;
        named.question = options.question(named.question)?;
        Ok(named)
    }
}
