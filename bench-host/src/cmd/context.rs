// SPDX-License-Identifier: MIT OR Apache-2.0
//! Options of `review` and `scan` that say what source alone does not.

use super::question::QuestionArgs;
use crate::cmd::paths::existing;
use crate::error::Error;
use results::file;
use review::extract::spelling::Spellings;
use sequences::judge::Stated;
use std::path::PathBuf;

/// The context of sequences, where it is not to be inferred.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Context (inferred where not given)")]
pub struct Context {
    #[command(flatten)]
    question: QuestionArgs,
    /// More function-style spellings, a TOML file
    #[arg(long, value_name = "FILE", value_parser = existing())]
    spellings: Option<PathBuf>,
}

impl Context {
    /// Returns the spellings: the built-in ones and the user's.
    pub fn spellings(&self) -> Result<Spellings, Error> {
        let mut all = Spellings::built_in();
        if let Some(path) = &self.spellings {
            let usage = |what: String| Error::Usage(format!("{}: {what}", path.display()));
            let text = file::read_text(path).map_err(|error| usage(error.to_string()))?;
            all.extend(&text).map_err(|error| usage(error.to_string()))?;
        }
        Ok(all)
    }

    /// Returns what is stated.
    pub fn stated(&self) -> Result<Stated, Error> {
        self.question.stated()
    }

    /// Returns the options as words of a command line.
    pub fn words(&self) -> Vec<String> {
        let mut words = self.question.words();
        if let Some(path) = &self.spellings {
            words.extend(["--spellings".to_owned(), path.display().to_string()]);
        }
        words
    }
}
