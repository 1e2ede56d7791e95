// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which runs and sequences the arguments name.

use std::fs;
use std::path::{Path, PathBuf};

use results::store::{MANIFEST, StoreError};

use crate::error::Error;

/// One side of a comparison, as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The argument, or what tells this side from the others.
    pub label: String,
    /// Its run folders, at least one.
    pub folders: Vec<PathBuf>,
    /// Whether it was given as a folder of runs, not as a run.
    pub is_collection: bool,
    /// The sequence, if one was named.
    pub seq: Option<String>,
}

/// All sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// The sides, at least two.
    pub sides: Vec<Selection>,
    /// Ids of the only sequences to compare; empty for all.
    pub only: Vec<String>,
    /// What was left out.
    pub notes: Vec<String>,
}

/// Reads the arguments: `RUN`, a folder of runs, or either followed by `:SEQ`; with a single argument, the sequences
/// named by `--sequence` are the sides.
pub fn select(arguments: &[String], seqs: &[String]) -> Result<Selected, Error> {
    let mut notes = Vec::new();
    let mut sides = arguments
        .iter()
        .map(|argument| selection(argument, &mut notes))
        .collect::<Result<Vec<_>, Error>>()?;
    let named = sides.iter().filter(|side| side.seq.is_some()).count();
    if named > 0 && !seqs.is_empty() {
        return Err(usage("give a sequence either as RUN:SEQ or by --sequence, not both"));
    }
    if named > 0 && named < sides.len() {
        return Err(usage("name a sequence for every side (RUN:SEQ) or for none"));
    }
    let mut only = seqs.to_vec();
    if let [side] = &sides[..] {
        if seqs.len() < 2 {
            return Err(Error::Usage(format!(
                "only one side: give a second run, or two sequences of {0} (--sequence A --sequence B, or {0}:A {0}:B)",
                side.label
            )));
        }
        let side = side.clone();
        let with = |seq: &String| Selection {
            label: format!("{}:{seq}", side.label),
            seq: Some(seq.clone()),
            ..side.clone()
        };
        sides = seqs.iter().map(with).collect();
        only.clear();
    }
    for (index, side) in sides.iter().enumerate() {
        let same = |other: &&Selection| (&other.folders, &other.seq) == (&side.folders, &side.seq);
        if sides[..index].iter().any(|other| same(&other)) {
            return Err(Error::Usage(format!("{} is given twice", side.label)));
        }
    }
    Ok(Selected { sides, only, notes })
}

/// Returns which side is the baseline: its number counted from 1, its argument, or the sequence it names.
pub fn baseline(sides: &[Selection], name: Option<&str>) -> Result<usize, Error> {
    let Some(name) = name else { return Ok(0) };
    let by_number = name.parse().ok().and_then(|n: usize| n.checked_sub(1));
    // As the sides' labels are.
    let label = name.trim_end_matches('/');
    let matches = |side: &Selection| side.label == label || side.seq.as_deref() == Some(name);
    let by_name = sides.iter().position(matches);
    by_name.or(by_number.filter(|&n| n < sides.len())).ok_or_else(|| {
        let labels: Vec<&str> = sides.iter().map(|side| side.label.as_str()).collect();
        Error::Usage(format!(
            "--baseline {name} is none of the sides: give 1 to {} or one of {}",
            sides.len(),
            labels.join(", ")
        ))
    })
}

fn usage(message: &str) -> Error {
    Error::Usage(message.to_owned())
}

fn selection(argument: &str, notes: &mut Vec<String>) -> Result<Selection, Error> {
    // A folder whose name has a colon in it wins over a sequence.
    let (path, seq) = match argument.rsplit_once(':') {
        Some((path, seq)) if !Path::new(argument).exists() => (path, Some(seq.to_owned())),
        _ => (argument, None),
    };
    if seq.as_deref() == Some("") || path.is_empty() {
        return Err(Error::Usage(format!(
            "{argument}: a run and a sequence are written RUN:SEQ"
        )));
    }
    let path = Path::new(path);
    if !path.exists() {
        return Err(Error::Usage(format!("{}: no such file or folder", path.display())));
    }
    let (folders, is_collection) = folders(path, notes)?;
    Ok(Selection {
        label: argument.trim_end_matches('/').to_owned(),
        folders,
        is_collection,
        seq,
    })
}

/// Returns the folder of a run, or those of the runs in it, by name.
fn folders(path: &Path, notes: &mut Vec<String>) -> Result<(Vec<PathBuf>, bool), Error> {
    if path.ends_with(MANIFEST) || path.join(MANIFEST).exists() {
        let folder = if path.ends_with(MANIFEST) {
            path.parent().unwrap_or(path)
        } else {
            path
        };
        return Ok((vec![folder.to_owned()], false));
    }
    let unreadable = |source| {
        Error::Store(StoreError::Io {
            action: "read folder",
            path: path.to_owned(),
            source,
        })
    };
    let (mut runs, mut others) = (Vec::new(), 0_u64);
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?.path();
        if entry.join(MANIFEST).exists() {
            runs.push(entry);
        } else if entry.is_dir() {
            others += 1;
        }
    }
    if runs.is_empty() {
        return Err(Error::Store(StoreError::NotARun(path.to_owned())));
    }
    if others > 0 {
        let folders = report::number::plural(others, "folder", "folders");
        notes.push(format!(
            "{}: {folders} in it left out, without a {MANIFEST}",
            path.display()
        ));
    }
    runs.sort();
    Ok((runs, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        for run in ["set/b", "set/a", "one", "with:colon"] {
            fs::create_dir_all(folder.path().join(run)).unwrap();
            fs::write(folder.path().join(run).join(MANIFEST), "").unwrap();
        }
        fs::create_dir_all(folder.path().join("set/empty")).unwrap();
        let path = folder.path().display().to_string();
        (folder, path)
    }

    fn of(arguments: &[String], seqs: &[&str]) -> Result<Selected, String> {
        let seqs: Vec<String> = seqs.iter().map(|&seq| seq.to_owned()).collect();
        select(arguments, &seqs).map_err(|error| error.to_string())
    }

    #[test]
    fn runs_folders_of_runs_and_sequences() {
        let (_folder, path) = folder();
        let found = of(&[format!("{path}/one"), format!("{path}/set/")], &[]).unwrap();
        assert_eq!(found.sides[0].folders, [PathBuf::from(format!("{path}/one"))]);
        assert!(found.sides[1].is_collection && !found.sides[0].is_collection);
        let names: Vec<_> = found.sides[1].folders.iter().map(|f| f.file_name().unwrap()).collect();
        assert_eq!(names, ["a", "b"]);
        assert!(found.notes[0].contains("1 folder in it left out"), "{:?}", found.notes);
        let found = of(&[format!("{path}/one:old"), format!("{path}/with:colon:new")], &[]).unwrap();
        assert_eq!(found.sides[1].seq.as_deref(), Some("new"));
        assert!(found.sides[1].folders[0].ends_with("with:colon"));
        let found = of(&[format!("{path}/with:colon"), format!("{path}/one")], &["old"]).unwrap();
        assert_eq!((found.sides[0].seq.as_ref(), found.only.len()), (None, 1));
        let found = of(&[format!("{path}/one")], &["old", "new", "newer"]).unwrap();
        assert_eq!((found.sides.len(), found.only.len()), (3, 0));
        assert_eq!(found.sides[2].seq.as_deref(), Some("newer"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let (_folder, path) = folder();
        let one = format!("{path}/one");
        let refused = |arguments: &[String], seqs: &[&str]| of(arguments, seqs).unwrap_err();
        assert!(refused(std::slice::from_ref(&one), &[]).contains("only one side"));
        assert!(refused(std::slice::from_ref(&one), &["old"]).contains("--sequence A --sequence B"));
        assert!(refused(&[format!("{one}:old"), one.clone()], &[]).contains("every side"));
        assert!(refused(&[format!("{one}:old"), format!("{one}:new")], &["x"]).contains("not both"));
        assert!(refused(&[one.clone(), one.clone()], &[]).contains("given twice"));
        assert!(refused(&[format!("{one}:"), one.clone()], &[]).contains("RUN:SEQ"));
        assert!(refused(&[format!("{path}/set/empty"), one.clone()], &[]).contains("no run folder"));
        assert!(refused(&[format!("{path}/absent"), one], &[]).contains("absent"));
    }

    #[test]
    fn the_baseline_by_number_argument_or_sequence() {
        let (_folder, path) = folder();
        let sides = of(&[format!("{path}/one")], &["old", "new"]).unwrap().sides;
        let of = |name: Option<&str>| baseline(&sides, name).map_err(|error| error.to_string());
        // A shell's completion puts a slash behind a folder.
        assert_eq!(of(Some(&format!("{}/", sides[1].label))), Ok(1));
        assert_eq!(of(None), Ok(0));
        assert_eq!(of(Some("2")), Ok(1));
        assert_eq!(of(Some("new")), Ok(1));
        assert_eq!(of(Some(&format!("{path}/one:new"))), Ok(1));
        assert!(of(Some("3")).unwrap_err().contains("1 to 2"));
        assert!(of(Some("0")).is_err() && of(Some("older")).is_err());
    }
}
