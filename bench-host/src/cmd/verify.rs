// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host verify`: is a stored run what its console says?

use crate::cmd::paths::existing;
use std::path::PathBuf;

use super::print;
use crate::error::{Error, one_line};
use crate::exit::{Codes, Exit};
use crate::output::harmless;
use crate::verify::verify;

const EXAMPLES: &str = "\
Examples:
  bench-host verify results/runs/20261127T101500Z-rock5b
  bench-host verify results/runs/*                     before a pull request
";

/// How the command ends.
const CODES: Codes = Codes(&[
    (Exit::Ok, "every run is what its console says"),
    (Exit::Failure, "a run is not what its console says"),
    (
        Exit::Incomplete,
        "a run is what its console says, and the console is not complete",
    ),
    (Exit::Store, "a run cannot be read"),
]);

/// Verify stored runs: receive their console logs again and compare
///
/// Exits with 1 if a table or the manifest says something else than the console, or calls an emulator hardware; with 3 if
/// a run is not complete; with 5 if it cannot be read.
#[derive(Debug, clap::Args)]
#[command(after_help = CODES.help_after(EXAMPLES))]
pub struct Args {
    /// Folders of runs
    #[arg(value_name = "RUN", required = true, value_parser = existing())]
    runs: Vec<PathBuf>,
}

/// Verifies.
pub fn run(args: &Args) -> Result<Exit, Error> {
    let mut exit = Exit::Ok;
    for folder in &args.runs {
        let name = folder.display();
        match verify(folder) {
            Ok(verified) => {
                exit = exit.or(verified.exit());
                let manifest = &verified.manifest;
                let stream = &manifest.stream;
                let model = manifest.board.as_ref().map_or("", |board| board.model.as_str());
                let machine = if model.is_empty() { &manifest.machine } else { model };
                let word = if verified.problems.is_empty() {
                    "as its console says"
                } else {
                    "NOT as its console says"
                };
                print(&harmless_line(&format!(
                    "{name}: {word}: {}, {} lines, {} samples, {machine}, {}",
                    manifest.status, stream.lines, stream.samples, manifest.label
                )));
                for problem in &verified.problems {
                    print(&harmless_line(&format!("  problem: {problem}")));
                }
                for note in &verified.notes {
                    print(&harmless_line(&format!("  note: {note}")));
                }
            }
            Err(error) => {
                exit = exit.or(error.exit());
                eprintln!("error: {name}: {}", one_line(&error));
            }
        }
    }
    Ok(exit)
}

fn harmless_line(text: &str) -> String {
    harmless(text) + "\n"
}
