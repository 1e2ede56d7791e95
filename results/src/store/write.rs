// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writing a run folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::room::{self, RESERVE};
use super::{
    BatchRow, BootRow, CONSOLE, LitmusRow, MANIFEST, OverheadRow, ProofRow, Row, SampleRow, StoreError, VerdictRow,
};
use crate::manifest::Manifest;

/// Bytes kept back in memory per file before they are written.
const BUFFER: usize = 64 * 1024;
const RESERVE_FILE: &str = ".reserve";
/// What a new run consists of.
const FILES: [&str; 9] = [
    MANIFEST,
    MANIFEST_NEW,
    SampleRow::<String>::FILE,
    BatchRow::FILE,
    LitmusRow::<String>::FILE,
    VerdictRow::<String>::FILE,
    BootRow::<String>::FILE,
    ProofRow::<String>::FILE,
    CONSOLE,
];
/// The next manifest, until it takes the place of the last.
const MANIFEST_NEW: &str = "run.toml.new";

/// A run being written. Dropped without [`Store::finish`], it stays readable, with the status it had last.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    /// The manifest; written by [`Store::save_manifest`] and [`Store::finish`].
    pub manifest: Manifest,
    samples: Table<SampleRow>,
    batches: Table<BatchRow>,
    /// Made with its first row: few runs time themselves.
    overhead: Option<Table<OverheadRow>>,
    litmus: Table<LitmusRow>,
    verdicts: Table<VerdictRow>,
    boot: Table<BootRow>,
    proofs: Table<ProofRow>,
    console: Appender,
}

impl Store {
    /// Creates the folder (its parents too) with a manifest and empty tables. A folder with anything in it is refused.
    pub fn create(folder: &Path, manifest: Manifest) -> Result<Self, StoreError> {
        room::check(folder, FILES.len())?;
        fs::create_dir_all(folder).map_err(|e| StoreError::io("create folder", folder, e))?;
        let entries = || -> Result<usize, StoreError> {
            let entries = fs::read_dir(folder).map_err(|e| StoreError::io("read folder", folder, e))?;
            Ok(entries.count())
        };
        if entries()? > 0 {
            return Err(StoreError::Exists(folder.to_owned()));
        }
        // Whoever makes this file has the folder: two runs may have found it empty at once.
        let reserve = folder.join(RESERVE_FILE);
        let mut claim = match OpenOptions::new().write(true).create_new(true).open(&reserve) {
            Ok(claim) => claim,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(StoreError::Exists(folder.to_owned()));
            }
            Err(error) => return Err(StoreError::io("create", &reserve, error)),
        };
        if entries()? > 1 {
            // Another has begun and ended meanwhile.
            let _ = fs::remove_file(&reserve);
            return Err(StoreError::Exists(folder.to_owned()));
        }
        let reserved = claim
            .write_all(&[0x55; RESERVE])
            .map_err(|e| StoreError::io("write", &reserve, e));
        let created = reserved.and_then(|()| Self::fill(folder, manifest));
        if created.is_err() {
            // What was made is ours, and would keep the folder from being used.
            for name in FILES.into_iter().chain([RESERVE_FILE]) {
                let _ = fs::remove_file(folder.join(name));
            }
        }
        created
    }

    fn fill(folder: &Path, manifest: Manifest) -> Result<Self, StoreError> {
        let mut store = Self {
            samples: Table::create(folder)?,
            batches: Table::create(folder)?,
            overhead: None,
            litmus: Table::create(folder)?,
            verdicts: Table::create(folder)?,
            boot: Table::create(folder)?,
            proofs: Table::create(folder)?,
            console: Appender::create(folder.join(CONSOLE))?,
            folder: folder.to_owned(),
            manifest,
        };
        store.save_manifest()?;
        store.flush()?;
        Ok(store)
    }

    /// Empties the tables, with another manifest: what they held is to be received once more. The console log stays.
    pub fn restart(&mut self, manifest: Manifest) -> Result<(), StoreError> {
        self.flush()?;
        self.manifest = manifest;
        self.save_manifest()?;
        self.samples.clear()?;
        self.batches.clear()?;
        self.overhead.as_mut().map_or(Ok(()), Table::clear)?;
        self.litmus.clear()?;
        self.verdicts.clear()?;
        self.boot.clear()?;
        self.proofs.clear()
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Adds a row to `samples.csv`.
    pub fn sample(&mut self, row: &SampleRow<&str>) -> Result<(), StoreError> {
        self.samples.push(row)
    }

    /// Adds a row to `batches.csv`.
    pub fn batch(&mut self, row: &BatchRow) -> Result<(), StoreError> {
        self.batches.push(row)
    }

    /// Adds a row to `overhead.csv`.
    pub fn overhead(&mut self, row: &OverheadRow) -> Result<(), StoreError> {
        let table = match &mut self.overhead {
            Some(table) => table,
            none => none.insert(Table::create(&self.folder)?),
        };
        table.push(row)
    }

    /// Adds a row to `litmus.csv`.
    pub fn litmus(&mut self, row: &LitmusRow<&str>) -> Result<(), StoreError> {
        self.litmus.push(row)
    }

    /// Adds a row to `verdicts.csv`.
    pub fn verdict(&mut self, row: &VerdictRow<&str>) -> Result<(), StoreError> {
        self.verdicts.push(row)
    }

    /// Adds a row to `boot.csv`.
    pub fn boot(&mut self, row: &BootRow<&str>) -> Result<(), StoreError> {
        self.boot.push(row)
    }

    /// Adds a row to `proofs.csv`.
    pub fn proof(&mut self, row: &ProofRow<&str>) -> Result<(), StoreError> {
        self.proofs.push(row)
    }

    /// Adds bytes to `console.log`.
    pub fn console(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.console.buffer.extend_from_slice(bytes);
        self.console.spill()
    }

    /// Hands every row and byte so far to the operating system, so that killing this process loses none of them.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        // All of them are tried: a full disk must not keep the small tables from what little space there is.
        let results = [
            self.proofs.flush(),
            self.boot.flush(),
            self.verdicts.flush(),
            self.litmus.flush(),
            self.batches.flush(),
            self.overhead.as_mut().map_or(Ok(()), Table::flush),
            self.samples.flush(),
            self.console.flush(),
        ];
        results.into_iter().collect()
    }

    /// Replaces `run.toml` by the manifest as it is now.
    pub fn save_manifest(&mut self) -> Result<(), StoreError> {
        let path = self.folder.join(MANIFEST);
        let text = toml::to_string(&self.manifest)
            .map_err(|e| StoreError::io("write", &path, io::Error::new(io::ErrorKind::InvalidData, e)))?;
        let new = self.folder.join(MANIFEST_NEW);
        // What is there by this name was left by a run that was killed, or is a link to somewhere else.
        let _ = fs::remove_file(&new);
        let written = OpenOptions::new().write(true).create_new(true).open(&new);
        let written = written.and_then(|mut file| file.write_all(text.as_bytes()));
        let written = written.and_then(|()| fs::rename(&new, &path));
        written.map_err(|e| StoreError::io("write", &path, e))
    }

    /// Writes what is left and the final manifest. Returns the first error; the manifest is tried in any case.
    pub fn finish(mut self) -> Result<(), StoreError> {
        let flushed = self.flush();
        // Already gone, or in a folder that has become unwritable: then the writes below will say so.
        let _ = fs::remove_file(self.folder.join(RESERVE_FILE));
        let saved = self.save_manifest();
        // On a full disk the manifest comes first; what is left of the space set aside is for the rows.
        flushed.or_else(|_| self.flush()).and(saved)
    }
}

/// A CSV file that grows by whole rows.
#[derive(Debug)]
struct Table<R> {
    rows: csv::Writer<Vec<u8>>,
    out: Appender,
    row: PhantomData<R>,
}

impl<R: Row> Table<R> {
    fn create(folder: &Path) -> Result<Self, StoreError> {
        let mut table = Self {
            rows: rows(),
            out: Appender::create(folder.join(R::FILE))?,
            row: PhantomData,
        };
        table.header()?;
        Ok(table)
    }

    fn header(&mut self) -> Result<(), StoreError> {
        let written = self.rows.write_record(R::HEADER);
        written.map_err(|e| StoreError::io("write", &self.out.path, e.into()))
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        self.rows = rows();
        self.out.length = 0;
        self.out.buffer.clear();
        self.out.undo();
        self.header()
    }

    fn push(&mut self, row: &impl Serialize) -> Result<(), StoreError> {
        let written = self.rows.serialize(row);
        written.map_err(|e| StoreError::io("write", &self.out.path, e.into()))?;
        if self.rows.get_ref().len() >= BUFFER {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let rows = std::mem::replace(&mut self.rows, rows()).into_inner();
        let rows = rows.map_err(|e| StoreError::io("write", &self.out.path, e.into_error()))?;
        self.out.buffer.extend_from_slice(&rows);
        self.out.flush()
    }
}

/// Returns an empty row buffer. The header is written by hand: an empty table must have one too.
fn rows() -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new())
}

/// A file that is only appended to.
#[derive(Debug)]
struct Appender {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
    /// Bytes known to be in the file.
    length: u64,
}

impl Appender {
    fn create(path: PathBuf) -> Result<Self, StoreError> {
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = file.map_err(|e| StoreError::io("create", &path, e))?;
        Ok(Self {
            path,
            file,
            buffer: Vec::new(),
            length: 0,
        })
    }

    fn spill(&mut self) -> Result<(), StoreError> {
        if self.buffer.len() >= BUFFER {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes the buffer. On an error it is kept, and the file is cut back to what it held before, so that a later
    /// attempt neither loses nor repeats a row.
    fn flush(&mut self) -> Result<(), StoreError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.file.write_all(&self.buffer) {
            self.undo();
            return Err(StoreError::io("write", &self.path, error));
        }
        self.length += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn undo(&mut self) {
        use std::io::Seek;
        // If this fails too, the reader still recognizes the cut row by its missing end.
        let _ = self.file.set_len(self.length);
        let _ = self.file.seek(io::SeekFrom::Start(self.length));
    }
}
