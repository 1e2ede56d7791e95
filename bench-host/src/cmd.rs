// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line: one module per subcommand.

mod adversary;
mod aggregate;
mod baseline;
mod check;
mod collect;
mod compare;
mod console;
mod context;
mod demo;
mod doctor;
mod explain;
mod export;
mod image;
mod judge;
mod lava;
mod list;
mod litmus;
mod litmus_export;
mod man;
mod mutants;
mod paths;
mod question;
mod report;
mod review;
mod run;
mod scan;
mod scan_table;
mod schema;
mod sequence_argument;
mod trace;
mod verify;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;

use crate::error::Error;
use crate::exit::{self, Exit};
use crate::kernel::Kernel;
use crate::output::{self, print};

const EXAMPLES: &str = "\
Examples:
  bench-host demo                                    what all this is, in a minute
  bench-host run                                     compare the two sides of the Xen patch in QEMU
  bench-host run --sequence xen_head_new \\
      --sequence 'mine=dsb ishst; tlbi vae2is, {va}; dsb ish; isb'
                                                     compare a sequence of your own with a known one
  bench-host run --cpu neoverse-n1 --runtime level0  another machine, another boot path
  bench-host check                                   is a translation ever stale that must not be?
  bench-host judge 'dsb nshst; tlbi alle2; dsb nsh; isb'
                                                     correct or not, by which rule of the Arm ARM
  bench-host review fix.patch                        what a patch does to TLB maintenance
  bench-host trace --kernel Image --initrd rd.gz     judge what a real kernel executes, in QEMU
  bench-host report results/runs/RUN                 show a stored run again
  bench-host compare RUN RUN --fail-above 3%         stored runs beside each other
  bench-host aggregate samples.csv                   exact figures of raw sample rows, however many
  bench-host export parquet RUN... --out DIR         samples for DuckDB, Polars, Spark
  bench-host doctor                                  what is missing here, and how to get it
";

/// Measures, checks and reviews AArch64 TLB maintenance sequences.
///
/// A bare-metal kernel inside this program boots at EL2 in QEMU (or on a board), times sequences with the PMU, checks
/// them for stale translations, and streams what it sees; this program stores, judges and reports it. Cycles counted
/// under QEMU are not hardware timing and are labelled so wherever they appear.
#[derive(Debug, Parser)]
#[command(name = "bench-host", version, after_help = format!("{EXAMPLES}\n{}", exit::HELP), max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Check(check::Args),
    Report(report::Args),
    Compare(compare::Args),
    Aggregate(aggregate::Args),
    Export(export::Args),
    Review(review::Args),
    Scan(scan::Args),
    Trace(trace::Args),
    List(list::Args),
    Explain(explain::Args),
    Judge(judge::Args),
    Litmus(litmus::Args),
    LitmusExport(litmus_export::Args),
    Mutants(mutants::Args),
    Man(man::Args),
    Demo(demo::Args),
    Doctor(doctor::Args),
    Image(image::Args),
    Verify(verify::Args),
    Schema(schema::Args),
    Lava(lava::Args),
    Collect(collect::Args),
}

/// Runs the command line of this process.
pub fn main() -> Exit {
    let parsed = Cli::command().try_get_matches();
    let parsed = parsed.and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            if error.kind() == ErrorKind::DisplayVersion {
                print(&version());
                return what_was_printed(Exit::Ok);
            }
            let exit = match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Ok,
                _ => Exit::Usage,
            };
            match harmless(error) {
                // Nothing to be done if the terminal is gone.
                Ok(error) => _ = error.print(),
                Err(error) => eprintln!("{error}"),
            }
            return exit;
        }
    };
    let given = matches.subcommand();
    let states_a_plan = given.is_some_and(|(name, given)| name == "run" && run::states_a_plan(given));
    let result = dispatch(&cli.command, states_a_plan);
    let exit = result.unwrap_or_else(|error| {
        complain(&error);
        error.exit()
    });
    what_was_printed(exit)
}

/// Returns the error about arguments that are the same but for what would control a terminal: it repeats them, and a name may
/// be that of a stranger's file. `Err`: they are no error then, and this one is not to be printed as it is.
fn harmless(error: clap::Error) -> Result<clap::Error, clap::Error> {
    let given: Vec<_> = std::env::args_os().collect();
    let cleaned: Vec<_> = given
        .iter()
        .map(|word| OsString::from(output::harmless(&word.to_string_lossy())))
        .collect();
    if given == cleaned {
        return Ok(error);
    }
    let parsed = Cli::command().try_get_matches_from(cleaned);
    match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Err(error) => Ok(error),
        Ok(_) => Err(error),
    }
}

/// Returns the text of `--version`: which sources this binary is of, and which kernel it carries.
fn version() -> String {
    let commit = match env!("TLBI_COMMIT") {
        "" => "unknown: built outside of a repository",
        commit => commit,
    };
    let kernel = Kernel::load(None).map_or_else(|error| error.to_string(), |kernel| kernel.sha256);
    format!(
        "bench-host {}\ncommit {commit}\nkernel sha256 {kernel}\nrecord schema {}\nplan schema {}\n",
        env!("CARGO_PKG_VERSION"),
        results::SCHEMA_VERSION,
        String::from_utf8_lossy(&results::plan::MAGIC)
    )
}

/// Returns the exit code, unless something that was printed is lost.
fn what_was_printed(exit: Exit) -> Exit {
    match output::lost() {
        Some(error) if exit != Exit::Interrupted => {
            eprintln!("error: cannot write standard output: {error}");
            Exit::Store
        }
        _ => exit,
    }
}

/// Prints an error the way all subcommands do.
fn complain(error: &Error) {
    eprintln!("error: {error}");
}

/// Runs a command; `states_a_plan` says that its words plan a run.
fn dispatch(command: &Command, states_a_plan: bool) -> Result<Exit, Error> {
    match command {
        Command::Run(args) => run::run(args, states_a_plan),
        Command::Check(args) => check::run(args),
        Command::Report(args) => report::run(args),
        Command::Compare(args) => compare::run(args),
        Command::Aggregate(args) => aggregate::run(args),
        Command::Export(args) => export::run(args),
        Command::Review(args) => review::run(args),
        Command::Scan(args) => scan::run(args),
        Command::Trace(args) => trace::run(args),
        Command::List(args) => list::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Judge(args) => judge::run(args),
        Command::Litmus(args) => litmus::run(args),
        Command::LitmusExport(args) => litmus_export::run(args),
        Command::Mutants(args) => mutants::run(args),
        Command::Man(args) => man::run(args, Cli::command()),
        Command::Demo(args) => demo::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Image(args) => image::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Schema(args) => schema::run(args),
        Command::Lava(args) => lava::run(args),
        Command::Collect(args) => collect::run(args),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples_and_its_own_exit_codes() {
        let command = super::Cli::command();
        let mut tables = std::collections::BTreeSet::new();
        for command in command.get_subcommands() {
            let name = command.get_name();
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Examples:\n  bench-host "), "{name}: {help}");
            assert!(help.contains(&format!("bench-host {name}")), "{name}: {help}");
            let (_, codes) = help.split_once("Exit codes:\n").expect(name);
            let code = |line: &str| line.split_whitespace().next().and_then(|word| word.parse::<u8>().ok());
            let codes: Vec<u8> = codes.lines().map(|line| code(line).expect(name)).collect();
            assert!(
                codes.starts_with(&[0]) && codes.contains(&5) && codes.contains(&64),
                "{name}: {codes:?}"
            );
            assert!(codes.is_sorted(), "{name}: {codes:?}");
            tables.insert(codes);
        }
        assert!(tables.len() > 6, "not the list of all in each: {tables:?}");
    }

    #[test]
    fn examples_are_not_broken_by_the_wrapping_of_help() {
        let mut command = super::Cli::command();
        let helps = std::iter::once(&mut command).map(|command| command.get_after_help().map(ToString::to_string));
        let mut helps: Vec<String> = helps.flatten().collect();
        helps.extend(
            command
                .get_subcommands()
                .filter_map(|command| command.get_after_help().map(ToString::to_string)),
        );
        assert!(helps.len() > 10);
        for line in helps
            .iter()
            .flat_map(|help| help.lines())
            .filter(|line| line.starts_with("  bench-host"))
        {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}
