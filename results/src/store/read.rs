// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading a run folder.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Take};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{
    BatchRow, BootRow, CONSOLE, LitmusRow, MANIFEST, OverheadRow, ProofRow, Row, SampleRow, StoreError, VerdictRow,
};
use crate::SCHEMA_VERSION;
use crate::file;
use crate::manifest::{Manifest, Status};
use crate::text::{clean, clean_document, is_hostile};

/// A stored run.
#[derive(Debug, Clone)]
pub struct Run {
    folder: PathBuf,
    /// Its manifest.
    pub manifest: Manifest,
}

impl Run {
    /// Opens a run folder (or the `run.toml` in it).
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let folder = if path.ends_with(MANIFEST) {
            path.parent().unwrap_or(path)
        } else {
            path
        };
        let file = folder.join(MANIFEST);
        let text = match file::read_text(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && folder.is_dir() => {
                return Err(StoreError::NotARun(folder.to_owned()));
            }
            Err(error) => return Err(StoreError::io("read", &file, error)),
        };
        Ok(Self {
            manifest: parse_manifest(&file, &text)?,
            folder: folder.to_owned(),
        })
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the path of the raw console log.
    pub fn console(&self) -> PathBuf {
        self.folder.join(CONSOLE)
    }

    /// Returns the rows of `samples.csv`, read as they are asked for.
    pub fn samples(&self) -> Result<Rows<SampleRow>, StoreError> {
        self.rows()
    }

    /// Returns the rows of `batches.csv`; none of a run of version 1, which has no such table.
    pub fn batches(&self) -> Result<Option<Rows<BatchRow>>, StoreError> {
        self.rows_if_any()
    }

    /// Returns the rows of `overhead.csv`, if the run timed itself.
    pub fn overhead(&self) -> Result<Option<Rows<OverheadRow>>, StoreError> {
        self.rows_if_any()
    }

    /// Returns the rows of `litmus.csv`.
    pub fn litmus(&self) -> Result<Rows<LitmusRow>, StoreError> {
        self.rows()
    }

    /// Returns the rows of `verdicts.csv`.
    pub fn verdicts(&self) -> Result<Rows<VerdictRow>, StoreError> {
        self.rows()
    }

    /// Returns the rows of `boot.csv`.
    pub fn boot(&self) -> Result<Rows<BootRow>, StoreError> {
        self.rows()
    }

    /// Returns the rows of `proofs.csv`.
    pub fn proofs(&self) -> Result<Rows<ProofRow>, StoreError> {
        self.rows()
    }

    fn rows_if_any<R: Row + DeserializeOwned>(&self) -> Result<Option<Rows<R>>, StoreError> {
        match self.rows() {
            Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            rows => rows.map(Some),
        }
    }

    fn rows<R: Row + DeserializeOwned>(&self) -> Result<Rows<R>, StoreError> {
        let path = self.folder.join(R::FILE);
        let mut file = file::open(&path).map_err(|e| StoreError::io("open", &path, e))?;
        let (whole, cut) = whole_rows(&mut file).map_err(|e| StoreError::io("read", &path, e))?;
        let mut reader = csv::Reader::from_reader(BufReader::with_capacity(64 * 1024, file.take(whole)));
        let headers = reader
            .headers()
            .map_err(|e| StoreError::io("read", &path, e.into()))?
            .clone();
        Ok(Rows {
            reader,
            record: csv::StringRecord::new(),
            headers,
            row: PhantomData,
            // A host that was killed may leave half a row behind; in a run that ended, it means damage.
            cut: cut && self.manifest.status != Status::Running,
            done: false,
            path,
        })
    }
}

fn parse_manifest(path: &Path, text: &str) -> Result<Manifest, StoreError> {
    /// What every version has, read first: a newer manifest may lack anything else.
    #[derive(serde::Deserialize)]
    struct Version {
        schema: u32,
    }
    let malformed = |error: toml::de::Error| StoreError::Manifest {
        path: path.to_owned(),
        message: error.to_string().trim_end().to_owned(),
    };
    let Version { schema } = toml::from_str(text).map_err(malformed)?;
    if schema > SCHEMA_VERSION {
        return Err(StoreError::NewerSchema {
            path: path.to_owned(),
            found: schema,
        });
    }
    if !text.contains(|c| is_hostile(c) && c != '\n') && !text.contains('\\') {
        return toml::from_str(text).map_err(malformed);
    }
    // Written out or as escapes: what is hostile stays out of every report.
    let mut document: toml::Value = toml::from_str(text).map_err(malformed)?;
    clean_document(&mut document);
    Manifest::deserialize(document).map_err(malformed)
}

/// Returns how many bytes of the file are whole rows, and whether there are any beyond them. Leaves it at its start.
fn whole_rows(file: &mut File) -> io::Result<(u64, bool)> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut end = length;
    let mut block = [0; 4096];
    while end > 0 {
        let start = end.saturating_sub(block.len() as u64);
        let block = &mut block[..(end - start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(block)?;
        if let Some(at) = block.iter().rposition(|&byte| byte == b'\n') {
            end = start + at as u64 + 1;
            break;
        }
        end = start;
    }
    file.seek(SeekFrom::Start(0))?;
    Ok((end, end != length))
}

/// The rows of one table, read one at a time. Ends after its first error.
pub struct Rows<R> {
    reader: csv::Reader<BufReader<Take<File>>>,
    record: csv::StringRecord,
    headers: csv::StringRecord,
    row: PhantomData<R>,
    cut: bool,
    done: bool,
    path: PathBuf,
}

impl<R: DeserializeOwned + Row> Iterator for Rows<R> {
    type Item = Result<R, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        match self.read() {
            Ok(Some(row)) => Some(Ok(row)),
            Err(error) => {
                self.done = true;
                Some(Err(self.explain(&error)))
            }
            Ok(None) => {
                self.done = true;
                self.cut.then(|| {
                    Err(StoreError::Row {
                        path: self.path.clone(),
                        line: self.reader.position().line(),
                        field: None,
                        message: "the row is cut short".to_owned(),
                    })
                })
            }
        }
    }
}

impl<R: DeserializeOwned + Row> Rows<R> {
    fn read(&mut self) -> Result<Option<R>, csv::Error> {
        if !self.reader.read_record(&mut self.record)? {
            return Ok(None);
        }
        if self.record.iter().any(|field| field.contains(is_hostile)) {
            let position = self.record.position().cloned();
            self.record = self.record.iter().map(clean).collect::<Vec<_>>().into();
            self.record.set_position(position);
        }
        self.record.deserialize(Some(&self.headers)).map(Some)
    }

    fn explain(&self, error: &csv::Error) -> StoreError {
        let (field, message) = match error.kind() {
            csv::ErrorKind::Deserialize { err, .. } => {
                let name = |i: u64| Some(self.headers.get(usize::try_from(i).ok()?)?.to_owned());
                (err.field().and_then(name), err.kind().to_string())
            }
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                (None, format!("{len} fields where {expected_len} are due"))
            }
            _ => (None, error.to_string()),
        };
        StoreError::Row {
            path: self.path.clone(),
            line: error.position().map_or(0, csv::Position::line),
            field,
            message,
        }
    }
}

#[cfg(test)]
mod tests;
