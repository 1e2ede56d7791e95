// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host list`: the sequences and checks that have an id.

use std::collections::BTreeSet;

use clap::ValueEnum;
use results::check::Check;
use sequences::Era;
use sequences::catalogue::{Entry, catalogue};

use super::print;
use crate::error::Error;
use crate::exit::{Codes, Exit};
use crate::output::table;
use crate::plan::group;

const EXAMPLES: &str = "\
Examples:
  bench-host list --project xen --regime el2         sequences of a project and a regime
  bench-host list --checks                           the checks, and what each changes
";

/// How the command ends.
const CODES: Codes = Codes(&[(Exit::Ok, "listed")]);

/// List the sequences of the catalogue and the checks, by id
#[derive(Debug, clap::Args)]
#[command(after_help = CODES.help_after(EXAMPLES))]
pub struct Args {
    /// Only sequences of this project
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// Only sequences for this regime: el1&0, el2, el2&0, el3, stage2, el1&0+stage2
    #[arg(long, value_name = "REGIME")]
    regime: Option<String>,
    /// Only sequences for these PEs
    #[arg(long, value_name = "SCOPE")]
    scope: Option<Scope>,
    /// Only sequences in use today, or only those of the past
    #[arg(long, value_name = "ERA")]
    era: Option<EraArg>,
    /// Show all that is known about each sequence
    #[arg(long)]
    long: bool,
    /// List the checks only
    #[arg(long)]
    checks: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Scope {
    Local,
    Inner,
    Outer,
    None,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum EraArg {
    Current,
    Historical,
}

/// Prints what was asked for; a filter that leaves nothing is a usage error.
pub fn run(args: &Args) -> Result<Exit, Error> {
    if args.checks {
        print(&checks());
        return Ok(Exit::Ok);
    }
    let entries: Vec<_> = catalogue().filter(|entry| args.selects(entry)).collect();
    if entries.is_empty() {
        let projects: BTreeSet<_> = catalogue().map(|entry| entry.project).collect();
        let projects: Vec<_> = projects.into_iter().collect();
        return Err(Error::Usage(format!(
            "no sequence of the catalogue passes these filters; projects: {}",
            projects.join(", ")
        )));
    }
    let text = if args.long { long(&entries) } else { short(&entries) };
    print(&text);
    print(&format!("\n{} sequences\n", entries.len()));
    if !args.narrows() {
        print(&format!("\n{}", checks()));
    }
    Ok(Exit::Ok)
}

impl Args {
    /// Returns whether anything but everything was asked for.
    fn narrows(&self) -> bool {
        self.long || self.project.is_some() || self.regime.is_some() || self.scope.is_some() || self.era.is_some()
    }

    fn selects(&self, entry: &Entry<'_>) -> bool {
        let named = |word: &Option<String>| word.as_ref().is_none_or(|word| group::matches(entry, word));
        let scope = self.scope.is_none_or(|scope| {
            let name = scope.to_possible_value();
            name.is_some_and(|name| entry.scope.split('+').any(|scope| scope == name.get_name()))
        });
        let era = self.era.is_none_or(|era| match era {
            EraArg::Current => entry.era == Era::Current,
            EraArg::Historical => entry.era == Era::Historical,
        });
        named(&self.project) && named(&self.regime) && scope && era
    }
}

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|&cell| cell.to_owned()).collect()
}

fn short(entries: &[Entry<'_>]) -> String {
    let rows = entries
        .iter()
        .map(|entry| row(&[entry.id, entry.regime, entry.scope, entry.text]));
    let header = [row(&["ID", "REGIME", "SCOPE", "SEQUENCE"])];
    table(&header.into_iter().chain(rows).collect::<Vec<_>>())
}

fn long(entries: &[Entry<'_>]) -> String {
    let mut text = String::new();
    for entry in entries {
        text.push_str(&format!("{}\n", entry.id));
        let fields = [
            ("sequence", entry.text),
            ("regime", entry.regime),
            ("scope", entry.scope),
            ("project", entry.project),
            ("version", entry.version),
            ("file", entry.file),
            ("function", entry.function),
            ("purpose", entry.purpose),
            ("era", entry.era.name()),
            ("original", entry.original),
            ("context", entry.context),
            ("source", entry.source),
        ];
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
            text.push_str(&format!("  {name:9} {value}\n"));
        }
    }
    text
}

fn checks() -> String {
    let rows = Check::ALL.iter().map(|check| row(&[check.id(), check.title()]));
    let header = [row(&["CHECK", "WHAT CHANGES, AND WHAT FOLLOWS"])];
    table(&header.into_iter().chain(rows).collect::<Vec<_>>())
}
