// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host report`: a stored run, shown again.

use std::path::{Path, PathBuf};

use results::manifest::Status;
use results::store::Run;

use super::print;
use crate::error::Error;
use crate::exit::{self, Exit};
use crate::output::table;

/// Show a stored run again, and write its report files
#[derive(Debug, clap::Args)]
#[command(after_help = exit::HELP)]
pub struct Args {
    /// The run's folder
    #[arg(value_name = "RUN")]
    run: PathBuf,
}

/// Shows the run.
pub fn run(args: &Args) -> Result<Exit, Error> {
    present(&args.run)?;
    Ok(Exit::Ok)
}

/// Writes the documents of a stored run and prints its summary. The one place where runs become reports.
pub fn present(folder: &Path) -> Result<(), Error> {
    let run = Run::open(folder)?;
    let manifest = &run.manifest;
    let mut text = format!("{} on {} ({})\n", manifest.status, manifest.machine, manifest.label);
    if manifest.status != Status::Complete {
        manifest
            .reasons
            .iter()
            .for_each(|reason| text.push_str(&format!("  {reason}\n")));
    }
    let mut rows = vec![["CHECK", "SEQUENCE", "VERDICT", "REASON"].map(str::to_owned).to_vec()];
    for verdict in run.verdicts()? {
        let verdict = verdict?;
        rows.push(vec![
            verdict.check.id().to_owned(),
            verdict.seq,
            verdict.class.id().to_owned(),
            verdict.reason,
        ]);
    }
    text.push('\n');
    text.push_str(&table(&rows));
    print(&text);
    Ok(())
}
