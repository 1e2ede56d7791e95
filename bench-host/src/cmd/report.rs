// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host report`: a stored run, shown again.

use std::path::{Path, PathBuf};

use report::{terminal, write_reports};

use super::print;
use crate::aggregate::aggregate;
use crate::error::Error;
use crate::exit::{self, Exit};

/// Columns of the summary: fits a terminal, and a mail when quoted once or twice.
const WIDTH: usize = 100;

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
    print(&present(&args.run)?);
    Ok(Exit::Ok)
}

/// Writes the documents of a stored run and returns its summary. The one place where runs become reports.
pub fn present(folder: &Path) -> Result<String, Error> {
    let summary = aggregate(folder)?;
    let paths = write_reports(folder, &summary)?;
    Ok(format!(
        "{}\nreport: {}\n        {}\n",
        terminal::render(&summary, WIDTH),
        paths.html.display(),
        paths.markdown.display()
    ))
}
