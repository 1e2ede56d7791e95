// SPDX-License-Identifier: MIT OR Apache-2.0
//! The mutants of a run, from the file that the run wrote about them.

use std::io;
use std::path::{Path, PathBuf};

use report::model::{Fate, Mutant};
use results::store::StoreError;

use crate::check::mutants::{FILE, Row};

/// Reads the mutants of a run folder; there are none in a run that was not made for them.
pub fn read(folder: &Path) -> Result<Vec<Mutant>, StoreError> {
    let path = folder.join(FILE);
    let mut rows = match csv::Reader::from_path(&path) {
        Ok(rows) => rows,
        Err(error) => {
            return match error.into_kind() {
                csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
                csv::ErrorKind::Io(source) => Err(StoreError::Io {
                    action: "read",
                    path,
                    source,
                }),
                other => Err(wrong(path, 1, format!("{other:?}"))),
            };
        }
    };
    let mut mutants = Vec::new();
    for (row, line) in rows.deserialize::<Row>().zip(2..) {
        let row = row.map_err(|error| wrong(path.clone(), line, error.to_string()))?;
        let fate = Fate::from_name(&row.fate)
            .ok_or_else(|| wrong(path.clone(), line, format!("`{}` is no fate of a mutant", row.fate)))?;
        mutants.push(Mutant {
            kind: row.kind,
            check: row.check,
            sequence: row.text,
            edit: row.edit,
            judge: row.judge,
            fate,
        });
    }
    Ok(mutants)
}

fn wrong(path: PathBuf, line: u64, message: String) -> StoreError {
    StoreError::Row {
        path,
        line,
        field: None,
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "seq,check,kind,edit,text,judge,class,fate\n";

    fn read_text(text: &str) -> Result<Vec<Mutant>, StoreError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), text).unwrap();
        read(folder.path())
    }

    #[test]
    fn rows_are_read_and_a_folder_without_the_file_has_none() {
        let row = "b0_1,cowinvt_el2,drop,\"drop, first\",tlbi alle2,insufficient,fail,killed by the run\n";
        let mutants = read_text(&format!("{HEADER}{row}")).unwrap();
        assert_eq!((mutants.len(), mutants[0].fate), (1, Fate::CaughtByRun));
        assert_eq!(mutants[0].edit, "drop, first");
        assert_eq!(read(tempfile::tempdir().unwrap().path()).unwrap(), []);
    }

    #[test]
    fn a_bad_row_is_named() {
        let row = "b0_1,cowinvt_el2,drop,x,tlbi alle2,insufficient,fail,eaten\n";
        let error = read_text(&format!("{HEADER}{row}")).unwrap_err().to_string();
        assert!(error.contains("mutants.csv line 2: `eaten` is no fate"), "{error}");
        assert!(
            read_text(&format!("{HEADER}a,b\n"))
                .unwrap_err()
                .to_string()
                .contains("line 2")
        );
    }
}
