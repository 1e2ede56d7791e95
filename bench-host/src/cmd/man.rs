// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host man`: manual pages and shell completions, for packages.

use std::path::PathBuf;

use clap_complete::Shell;

use crate::error::Error;
use crate::exit::{Codes, Exit};
use crate::output::{print, write};

const EXAMPLES: &str = "\
Examples:
  bench-host man DIR                                 a page for each command
";

/// How the command ends.
const CODES: Codes = Codes(&[(Exit::Ok, "written"), (Exit::Store, "a page cannot be written")]);

/// Write manual pages and the completions of shells into a folder
///
/// `man -l DIR/bench-host.1` shows the first; completions are for bash, elvish, fish, PowerShell and zsh.
#[derive(Debug, clap::Args)]
#[command(after_help = CODES.help_after(EXAMPLES))]
pub struct Args {
    /// The folder, made if there is none
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Writes a page for each command, and the completions.
pub fn run(args: &Args, command: clap::Command) -> Result<Exit, Error> {
    let unwritten = |source| Error::Output {
        path: args.folder.clone(),
        source,
    };
    std::fs::create_dir_all(&args.folder).map_err(unwritten)?;
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut pages = 1;
    let page = |name: &str, command: clap::Command| -> Result<(), Error> {
        let mut text = Vec::new();
        let rendered = clap_mangen::Man::new(command).render(&mut text);
        rendered.map_err(unwritten)?;
        write(&args.folder.join(format!("{name}.1")), text)
    };
    page("bench-host", command.clone())?;
    for sub in command.get_subcommands() {
        let name = format!("bench-host-{}", sub.get_name());
        page(&name, sub.clone())?;
        pages += 1;
    }
    for shell in [Shell::Bash, Shell::Elvish, Shell::Fish, Shell::PowerShell, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut command, "bench-host", &args.folder).map_err(unwritten)?;
    }
    print(&format!(
        "{}: {pages} manual pages, completions of 5 shells\n",
        args.folder.display()
    ));
    Ok(Exit::Ok)
}
