// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writing a report into a run folder.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::document::Document;
use crate::model::Summary;
use crate::plot::Figure;
use crate::{data, html, markdown, plot};

/// Folder of the plots and their data, inside the run folder.
const PLOTS: &str = "plots";

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The report as one self-contained page.
    pub html: PathBuf,
    /// The report as Markdown.
    pub markdown: PathBuf,
    /// The folder with the plots (SVG) and their data (CSV).
    pub plots: PathBuf,
}

/// Why a report cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The operating system refused.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// What was to be written.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Writes `report.html`, `report.md` and `plots/` into a run folder, replacing those of an earlier report.
pub fn write_reports(run: &Path, summary: &Summary) -> Result<Paths, ReportError> {
    write(run, &Document::of(summary), data::files(summary))
}

/// Writes the report of several runs beside each other into a folder, as [`write_reports`] does for one. `unreadable` and
/// `report` are those of [`Document::of_runs`], addresses seen from that folder.
pub fn write_comparison(
    folder: &Path,
    runs: &[Summary],
    unreadable: &[String],
    report: impl Fn(&Summary) -> String,
) -> Result<Paths, ReportError> {
    write(
        folder,
        &Document::of_runs(runs, unreadable, report),
        data::files_of_runs(runs),
    )
}

fn write(folder: &Path, document: &Document, data: Vec<data::File>) -> Result<Paths, ReportError> {
    let paths = Paths {
        html: folder.join("report.html"),
        markdown: folder.join("report.md"),
        plots: folder.join(PLOTS),
    };
    let refused = |source| ReportError::Io {
        path: paths.plots.clone(),
        source,
    };
    // A link would lead to the files of another run.
    if paths.plots.is_symlink() {
        return Err(refused(io::Error::other("it is a link, which is not followed")));
    }
    fs::create_dir_all(&paths.plots).map_err(refused)?;
    for (name, contents) in data {
        replace(&paths.plots.join(name), &contents)?;
    }
    for (name, panel) in document.figures().flat_map(Figure::files) {
        replace(
            &paths.plots.join(name),
            &plot::standalone(&panel.svg(plot::Width::Wide)),
        )?;
    }
    let page = html::page(document, |file| format!("{PLOTS}/{file}"));
    replace(&paths.html, &page)?;
    let text = markdown::page(document, |file| format!("{PLOTS}/{file}"));
    replace(&paths.markdown, &text)?;
    Ok(paths)
}

/// Writes a file that is new: what is there by its name, such as what was left by a run that was killed, or a link to
/// somewhere else, is removed and not written to.
fn write_anew(path: &Path, contents: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::File::create_new(path)?.write_all(contents.as_bytes())
}

/// Writes a file beside its place and moves it there, so that a full disk leaves the earlier report as it was.
pub fn replace(path: &Path, contents: &str) -> Result<(), ReportError> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let written = write_anew(&new, contents).and_then(|()| fs::rename(&new, path));
    written.map_err(|source| {
        // A part of it may be there; if not, there is nothing to remove.
        let _ = fs::remove_file(&new);
        ReportError::Io {
            path: path.to_owned(),
            source,
        }
    })
}
