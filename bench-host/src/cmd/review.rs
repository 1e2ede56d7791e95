// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host review`: a patch, and what can be said about its TLB maintenance.

use crate::cmd::context::Context;
use crate::error::Error;
use crate::exit::{self, Exit};
use crate::output::print;
use crate::review::diff::Patch;
use crate::review::input::Source;
use crate::review::output::{html, json, markdown, sarif, text};
use crate::review::tree::Tree;
use crate::review::{Outcome, Review, review, timing};
use clap::ValueEnum;
use std::path::PathBuf;

/// The forms a review comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Plain text, 72 columns
    Text,
    /// Markdown
    Markdown,
    /// One self-contained page
    Html,
    /// JSON, schema 1
    Json,
    /// SARIF 2.1.0
    Sarif,
}

/// Say what a patch does to TLB maintenance, and whether it is enough
#[derive(Debug, clap::Args)]
#[command(after_help = exit::HELP)]
pub struct Args {
    /// Patches, mails, mailboxes or saved pages; `-` is standard input
    #[arg(value_name = "PATCH", required_unless_present = "git")]
    patches: Vec<String>,
    /// Review commits instead: the repository and a range A..B
    #[arg(long, num_args = 2, value_names = ["REPO", "A..B"], conflicts_with = "patches")]
    git: Option<Vec<String>>,
    /// Source tree with the macros and callers that the patch does not show
    #[arg(long, value_name = "DIR")]
    tree: Option<PathBuf>,
    /// Stored runs to take timing from: a run's folder, or a folder of runs
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    #[command(flatten)]
    context: Context,
}

/// Reviews.
pub fn run(args: &Args) -> Result<Exit, Error> {
    let spellings = args.context.spellings()?;
    let given = args.context.given()?;
    let sources: Vec<Source> = match args.git.as_deref() {
        Some([repository, range]) => vec![Source::Git {
            repository: repository.into(),
            range: range.clone(),
        }],
        _ => args.patches.iter().map(|path| Source::from_argument(path)).collect(),
    };
    let mut patch = Patch::default();
    let mut names = Vec::new();
    for source in &sources {
        let read = source.read().map_err(|error| Error::Usage(error.to_string()))?;
        patch.append(read);
        names.push(source.name());
    }
    let tree = match &args.tree {
        Some(path) => Some(Tree::open(path, &spellings).map_err(|error| Error::Usage(error.to_string()))?),
        None => None,
    };
    let mut found = review(patch, &spellings, &given, tree.as_ref());
    if let Some(folder) = &args.results {
        let runs = timing::runs(folder)?;
        for (change, stored) in found.changes.iter().zip(&mut found.timing) {
            if let (Some(before), Some(after)) = (&change.before, &change.after) {
                *stored = timing::timing(&runs, &before.sequence, &after.sequence);
            }
        }
    }
    found.source = names.join(" ");
    found.command = command(args);
    let format = if args.json { Format::Json } else { args.format };
    print(&render(&found, format));
    Ok(match found.outcome() {
        Outcome::Fine => Exit::Ok,
        Outcome::Insufficient => Exit::Failure,
        Outcome::Undecided => Exit::Undecided,
    })
}

fn render(review: &Review, format: Format) -> String {
    match format {
        Format::Text => text::render(review),
        Format::Markdown => markdown::render(review),
        Format::Html => html::render(review),
        Format::Json => json::render(review),
        Format::Sarif => sarif::render(review),
    }
}

/// Returns the command line that gives this output again.
fn command(args: &Args) -> String {
    let mut words = vec!["bench-host".to_owned(), "review".to_owned()];
    if let Some(git) = &args.git {
        words.push("--git".into());
        words.extend(git.iter().map(|word| quote(word)));
    }
    for (flag, path) in [("--tree", &args.tree), ("--results", &args.results)] {
        if let Some(path) = path {
            words.extend([flag.to_owned(), quote(&path.display().to_string())]);
        }
    }
    words.extend(args.context.words().iter().map(|word| quote(word)));
    words.extend(args.patches.iter().map(|word| quote(word)));
    words.join(" ")
}

/// Quotes a word for a shell.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%&".contains(c);
    match !word.is_empty() && word.chars().all(|c| plain(c) && c != '&') {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}
