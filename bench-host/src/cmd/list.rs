// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host list`: the sequences and checks there are.

use results::check::Check;
use sequences::catalogue::{Entry, catalogue};

use super::print;
use crate::error::Error;
use crate::exit::{self, Exit};
use crate::output::table;

/// List the sequences and checks that can be named by id
///
/// The sequences are those of real projects, current and historical.
#[derive(Debug, clap::Args)]
#[command(after_help = exit::HELP)]
pub struct Args {
    /// Only sequences of this project, e.g. xen
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// Only sequences for this translation regime: el1&0, el2, el2&0, el3, stage2, gpt
    #[arg(long, value_name = "REGIME")]
    regime: Option<String>,
}

/// Prints the sequences, and, unless some are asked for, the checks.
pub fn run(args: &Args) -> Result<Exit, Error> {
    let mut rows = vec![
        ["SEQUENCE", "PROJECT", "REGIME", "ERA", "TEXT"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(catalogue().filter(|entry| wanted(args, entry)).map(|entry| {
        let cells = [entry.id, entry.project, entry.regime, entry.era.name(), entry.text];
        cells.map(str::to_owned).to_vec()
    }));
    if rows.len() == 1 {
        let known = |name: fn(&Entry<'static>) -> &'static str| {
            let mut names: Vec<_> = catalogue().flat_map(|entry| name(&entry).split('+')).collect();
            names.sort_unstable();
            names.dedup();
            names.join(", ")
        };
        let (projects, regimes) = (known(|entry| entry.project), known(|entry| entry.regime));
        return Err(Error::Usage(format!(
            "no such sequence; projects: {projects}; regimes: {regimes}"
        )));
    }
    let mut text = table(&rows);
    if args.project.is_none() && args.regime.is_none() {
        let mut rows = vec![["CHECK", "WHAT CHANGES, AND WHAT FOLLOWS"].map(str::to_owned).to_vec()];
        rows.extend(
            Check::ALL
                .iter()
                .map(|check| vec![check.id().to_owned(), check.title().to_owned()]),
        );
        text.push('\n');
        text.push_str(&table(&rows));
    }
    print(&text);
    Ok(Exit::Ok)
}

fn wanted(args: &Args, entry: &Entry<'_>) -> bool {
    let project = args
        .project
        .as_ref()
        .is_none_or(|project| entry.project.eq_ignore_ascii_case(project));
    let regimes = || entry.regime.split('+');
    let regime = args
        .regime
        .as_ref()
        .is_none_or(|wanted| regimes().any(|regime| regime.eq_ignore_ascii_case(wanted)));
    project && regime
}
