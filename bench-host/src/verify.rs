// SPDX-License-Identifier: MIT OR Apache-2.0
//! Is a stored run what its console says?
//!
//! Every number of a run came over its console, and the console is kept. So it is received once more, and what comes out
//! is held against what is stored: a table that was edited, rows of another run, a label that the stream contradicts.

use std::io::{self, Read};
use std::path::Path;

use results::file;
use results::manifest::{EL1_LABEL, HARDWARE_LABEL, Kernel, Manifest, QEMU_LABEL, Status, Stream};
use results::store::{
    BatchRow, BootRow, LitmusRow, OverheadRow, ProofRow, Row, Run, SampleRow, Store, StoreError, VerdictRow,
};

use crate::error::Error;
use crate::exit::Exit;
use crate::progress::Progress;
use crate::receive::{PlanOrigin, Received, Receiver};

/// Largest table that is compared.
const MAX_TABLE: u64 = 4 << 30;

/// The version since which tables have the columns they have now.
const SAME_TABLES: u32 = 3;

/// What verifying a run came to.
#[derive(Debug)]
pub struct Verified {
    /// Its manifest.
    pub manifest: Manifest,
    /// What is not as the console says, or contradicts itself.
    pub problems: Vec<String>,
    /// What a reader should know before the run is relied on.
    pub notes: Vec<String>,
}

impl Verified {
    /// Returns the exit code.
    pub fn exit(&self) -> Exit {
        if !self.problems.is_empty() {
            Exit::Failure
        } else if !self.manifest.is_complete() {
            Exit::Incomplete
        } else {
            Exit::Ok
        }
    }
}

/// Verifies a run.
pub fn verify(folder: &Path) -> Result<Verified, Error> {
    let run = Run::open(folder)?;
    let manifest = run.manifest.clone();
    let mut problems = contradictions(&manifest);
    let mut notes = reservations(&manifest);
    let again = tempfile::tempdir().map_err(|error| Error::Setup(format!("cannot make a folder: {error}")))?;
    let received = receive_again(&run, again.path())?;
    if manifest.schema < SAME_TABLES {
        notes.push(format!(
            "it is of schema {}: its tables have other columns and are not compared",
            manifest.schema
        ));
    } else {
        for file in [
            SampleRow::<String>::FILE,
            BatchRow::FILE,
            OverheadRow::FILE,
            LitmusRow::<String>::FILE,
            VerdictRow::<String>::FILE,
            BootRow::<String>::FILE,
            ProofRow::<String>::FILE,
        ] {
            let [stored, received] = [run.folder(), again.path()].map(|folder| read(&folder.join(file)));
            problems.extend(difference(file, stored?.as_deref(), received?.as_deref()));
        }
    }
    problems.extend(differences(&manifest, &received));
    Ok(Verified {
        manifest,
        problems,
        notes,
    })
}

fn receive_again(run: &Run, folder: &Path) -> Result<Received, Error> {
    // What the stream has to say itself is taken out; the rest is what it is verified against.
    let mut manifest = run.manifest.clone();
    manifest.status = Status::Running;
    manifest.reasons.clear();
    manifest.stream = Stream::default();
    manifest.pes.clear();
    manifest.board = None;
    manifest.kernel = Kernel {
        source: manifest.kernel.source,
        sha256: manifest.kernel.sha256,
        ..Kernel::default()
    };
    let mut receiver = Receiver::new(
        Store::create(folder, manifest)?,
        Progress::new(true),
        PlanOrigin::Guessed,
    );
    let path = run.console();
    let unreadable = |source| StoreError::Io {
        action: "read",
        path: path.clone(),
        source,
    };
    let mut console = file::open(&path).map_err(unreadable)?;
    let mut chunk = vec![0; 64 << 10];
    loop {
        match console.read(&mut chunk).map_err(unreadable)? {
            0 => break,
            n => receiver.bytes(&chunk[..n])?,
        }
    }
    let (received, stored) = receiver.finish(None);
    stored?;
    Ok(received)
}

/// Returns the bytes of a table; `None` if there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match file::read(path, MAX_TABLE) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::Io {
            action: "read",
            path: path.to_owned(),
            source,
        }),
    }
}

fn difference(file: &str, stored: Option<&[u8]>, received: Option<&[u8]>) -> Option<String> {
    let rows = |table: &[u8]| table.split_inclusive(|&byte| byte == b'\n').count() > 1;
    // Older writers made no table that would be empty.
    if stored == received || stored.is_none() && !received.is_some_and(rows) {
        return None;
    }
    let (Some(stored), Some(received)) = (stored, received) else {
        return Some(match stored {
            None => format!("{file} is missing"),
            Some(_) => format!("{file}: the console has nothing of it"),
        });
    };
    let (mut a, mut b) = (
        stored.split(|&byte| byte == b'\n'),
        received.split(|&byte| byte == b'\n'),
    );
    let mut line = 1_u64;
    loop {
        match (a.next(), b.next()) {
            (Some(a), Some(b)) if a == b => line += 1,
            (stored, received) => {
                let text = |row: Option<&[u8]>| {
                    row.map_or("nothing".into(), |row| format!("`{}`", String::from_utf8_lossy(row)))
                };
                return Some(format!(
                    "{file} line {line} is {}, the console says {}",
                    text(stored),
                    text(received)
                ));
            }
        }
    }
}

fn differences(stored: &Manifest, received: &Received) -> Vec<String> {
    let again = &received.manifest;
    let mut problems = Vec::new();
    let mut differ = |what: &str, stored: String, again: String| {
        if stored != again {
            problems.push(format!("run.toml says {what} {stored}, the console {again}"));
        }
    };
    let optional = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
    differ("plan", stored.plan.crc.to_string(), again.plan.crc.to_string());
    differ(
        "kernel version",
        optional(&stored.kernel.version),
        optional(&again.kernel.version),
    );
    differ(
        "samples",
        stored.stream.samples.to_string(),
        again.stream.samples.to_string(),
    );
    differ(
        "lost lines",
        stored.stream.lost_lines.to_string(),
        again.stream.lost_lines.to_string(),
    );
    // A run that was interrupted, or ended by silence, has no trace of that in its console.
    if stored.status == Status::Complete {
        differ("status", stored.status.to_string(), again.status.to_string());
    }
    if stored.stream.lost_pes != again.stream.lost_pes {
        problems.push("run.toml and the console differ in which PEs were lost".to_owned());
    }
    if stored.kernel.seed != again.kernel.seed {
        problems.push("run.toml and the console differ in the seed of this boot".to_owned());
    }
    if stored.board != again.board {
        problems.push("run.toml describes another board than the console".to_owned());
    }
    for (a, b) in stored.pes.iter().zip(&again.pes) {
        if a != b {
            problems.push(format!("run.toml describes PE {} otherwise than the console", a.pe));
        }
    }
    if stored.pes.len() != again.pes.len() {
        let [stored, again] = [stored, again].map(|manifest| manifest.pes.len());
        problems.push(format!("run.toml has {stored} PEs, the console {again}"));
    }
    if !stored.simulator {
        problems.extend(received.refusals.iter().cloned());
    }
    problems
}

/// Returns where a manifest contradicts itself.
fn contradictions(manifest: &Manifest) -> Vec<String> {
    let mut problems = Vec::new();
    if manifest.simulator == (manifest.origin() == HARDWARE_LABEL) {
        problems.push(format!(
            "run.toml says simulator = {} and label `{}`",
            manifest.simulator, manifest.label
        ));
    }
    if manifest.qemu.is_some() && manifest.origin() != QEMU_LABEL {
        problems.push(format!("it was made in QEMU and is labelled `{}`", manifest.label));
    }
    if manifest.entered_at_el1() != manifest.label.ends_with(EL1_LABEL) {
        problems.push(format!(
            "it was entered at EL{} and is labelled `{}`",
            manifest.kernel.entry_el.unwrap_or_default(),
            manifest.label
        ));
    }
    problems
}

/// Returns what is no fault, but should be known.
fn reservations(manifest: &Manifest) -> Vec<String> {
    let mut notes = Vec::new();
    if !manifest.is_complete() {
        let reasons = manifest.reasons.join("; ");
        notes.push(format!("it is {}: {reasons}", manifest.status));
    }
    match &manifest.host.commit {
        None => notes.push("the commit of its bench-host is not known".to_owned()),
        Some(commit) if commit.ends_with("-dirty") => {
            notes.push(format!("its bench-host was built from changed sources ({commit})"));
        }
        Some(_) => {}
    }
    if manifest.origin() == HARDWARE_LABEL && manifest.board.as_ref().is_none_or(|board| board.model.is_empty()) {
        notes.push("the kernel did not say which board it ran on: that it is hardware rests on who ran it".to_owned());
    }
    if manifest.stream.unlogged_bytes > 0 {
        notes.push(format!(
            "{} bytes of chatter are not in its console log",
            manifest.stream.unlogged_bytes
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_shown() {
        let of = |stored: Option<&str>, received: Option<&str>| {
            difference("a.csv", stored.map(str::as_bytes), received.map(str::as_bytes))
        };
        assert_eq!(of(Some("h\n1\n"), Some("h\n1\n")), None);
        assert_eq!(of(None, None), None);
        assert_eq!(of(None, Some("h\n")), None);
        assert_eq!(of(None, Some("h\n1\n")).unwrap(), "a.csv is missing");
        assert_eq!(of(Some("h\n"), None).unwrap(), "a.csv: the console has nothing of it");
        assert_eq!(
            of(Some("h\n1\n"), Some("h\n2\n")).unwrap(),
            "a.csv line 2 is `1`, the console says `2`"
        );
        assert_eq!(
            of(Some("h\n1\n"), Some("h\n")).unwrap(),
            "a.csv line 2 is `1`, the console says ``"
        );
    }
}
