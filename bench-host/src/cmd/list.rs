// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host list`: the sequences and checks there are.

use results::check::Check;

use super::print;
use crate::catalogue::KNOWN;
use crate::error::Error;
use crate::exit::{self, Exit};
use crate::output::table;

/// List the sequences and checks that can be named by id
#[derive(Debug, clap::Args)]
#[command(after_help = exit::HELP)]
pub struct Args {}

/// Prints both lists.
pub fn run(_: &Args) -> Result<Exit, Error> {
    let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
    let sequences = KNOWN.iter().map(|known| row([known.id, known.text, known.title]));
    let mut text = table(
        &[row(["SEQUENCE", "TEXT", "FROM"])]
            .into_iter()
            .chain(sequences)
            .collect::<Vec<_>>(),
    );
    let checks = Check::ALL.iter().map(|check| row([check.id(), check.title(), ""]));
    text.push('\n');
    text.push_str(&table(
        &[row(["CHECK", "WHAT CHANGES, AND WHAT FOLLOWS", ""])]
            .into_iter()
            .chain(checks)
            .collect::<Vec<_>>(),
    ));
    print(&text);
    Ok(Exit::Ok)
}
