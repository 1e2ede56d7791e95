// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host schema`: what the JSON of a command looks like, for programs in other languages.

use clap::ValueEnum;
use schemars::Schema;

use super::print;
use super::{judge, litmus, scan_table};
use crate::compare;
use crate::error::Error;
use crate::exit::{Codes, Exit};

const EXAMPLES: &str = "\
Examples:
  bench-host schema                                  the names
  bench-host schema review                           of `bench-host review --json`
";

/// How the command ends.
const CODES: Codes = Codes(&[(Exit::Ok, "printed")]);

/// The commands whose JSON has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Name {
    /// `review --json`
    Review,
    /// `scan --json`
    Scan,
    /// `judge --json`
    Judge,
    /// `litmus --json`, of every line
    Litmus,
    /// `compare --format json`
    Compare,
}

/// Print the JSON Schema (draft 2020-12) of what a command prints as JSON
///
/// The documents carry the version of their schema. Within a version a field may be added; none goes, and none gets
/// another type or meaning.
#[derive(Debug, clap::Args)]
#[command(after_help = CODES.help_after(EXAMPLES))]
pub struct Args {
    /// The command; without it, the names are listed
    #[arg(value_enum)]
    name: Option<Name>,
}

/// Prints a schema.
pub fn run(args: &Args) -> Result<Exit, Error> {
    match args.name {
        Some(name) => print(&review::output::json::pretty(&schema(name))),
        None => {
            let names = Name::value_variants().iter().filter_map(Name::to_possible_value);
            for value in names {
                let about = value.get_help().map(ToString::to_string).unwrap_or_default();
                print(&format!("{:8}  {about}\n", value.get_name()));
            }
        }
    }
    Ok(Exit::Ok)
}

fn schema(name: Name) -> Schema {
    match name {
        Name::Review => review::output::json::schema(),
        Name::Scan => scan_table::schema(),
        Name::Judge => judge::schema(),
        Name::Litmus => litmus::schema(),
        Name::Compare => compare::output::schema(),
    }
}
