// SPDX-License-Identifier: MIT OR Apache-2.0
//! Standard output and standard error that may be closed early (`bench-host list | head`).

mod tone;

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::OnceLock;

use results::text::{clean, printable};

use crate::error::Error;

/// Why standard output did not take everything.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Prints a text. A reader that went away is not an error; there is nobody left to tell. Any other failure is kept
/// for [`lost`].
///
/// Nothing in it controls a terminal or a CI service, wherever it is from: see [`printable`].
pub fn print(text: &str) {
    let text = printable(text);
    let mut out = io::stdout().lock();
    let written = match has_color() {
        true => out.write_all(tone::colored(&text).as_bytes()),
        false => out.write_all(text.as_bytes()),
    };
    note_loss(written.and_then(|()| out.flush()));
}

/// Returns whether standard output is a terminal that shows color, and nobody wants it without (`NO_COLOR`, `CLICOLOR=0`).
fn has_color() -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !unwanted && console::Term::stdout().features().colors_supported() && console::colors_enabled()
}

/// Keeps why something could not be printed, for [`lost`].
pub fn note_loss(printed: io::Result<()>) {
    match printed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            // The first reason is the one to tell.
            let _ = LOST.set(error);
        }
        _ => {}
    }
}

/// Returns why something that was printed is lost, such as a full disk, if something is.
pub fn lost() -> Option<&'static io::Error> {
    LOST.get()
}

/// Writes a file that was asked for. What cannot be written whole is not left behind.
pub fn write(path: &Path, contents: impl AsRef<[u8]>) -> Result<(), Error> {
    let written = fs::File::create(path).and_then(|mut file| {
        file.write_all(contents.as_ref()).inspect_err(|_| {
            // A device stays; the error that is told is the one of writing.
            if path.is_file() {
                let _ = fs::remove_file(path);
            }
        })
    });
    written.map_err(|source| Error::Output {
        path: path.to_owned(),
        source,
    })
}

/// Returns text from outside as it can be shown on a terminal: without characters that would control it.
pub fn harmless(text: &str) -> String {
    clean(text).into_owned()
}

/// Prints a line on standard error. Unlike the macro of the same name in `std`, which every module of this crate would
/// otherwise use, it does not panic when the reader went away (`bench-host run 2>&1 | head`).
macro_rules! eprintln {
    ($($argument:tt)*) => {
        $crate::output::complain(&format!($($argument)*))
    };
}

/// Prints a line on standard error; what `eprintln!` of this crate stands for.
pub fn complain(line: &str) {
    let _ = io::stderr()
        .lock()
        .write_all(printable(&format!("{line}\n")).as_bytes());
}

/// Aligns rows in columns, two blanks between them. The first row is the header.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_console_does_not_control_the_terminal() {
        assert_eq!(harmless("\u{1b}[2J\u{9b}m b\u{e9}"), "\u{fffd}[2J\u{fffd}m b\u{e9}");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        assert_eq!(table(&[row(["a", "b"]), row(["long", "x"])]), "a     b\nlong  x\n");
        assert_eq!(table(&[]), "");
    }
}
