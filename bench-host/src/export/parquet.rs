// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parquet files, partitioned by machine and sequence: `machine=M/seq=S/RUN.parquet`.
//!
//! DuckDB, Polars and Spark read the partition columns from the path. Each file has one row for every row of
//! `samples.csv`, with the run's name, its label and whether a simulator counted, so that no query can lose them.
//!
//! A file gets its name when it is whole, and all files of a run do so together: a table that turns out to be unreadable,
//! a full disk or a killed process leave nothing that a reader of the folder would stumble over.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use results::store::{Run, SampleRow};
use tempfile::NamedTempFile;

use super::{ExportError, Exported, create_dir, run_name};
use crate::aggregate::samples;

/// The columns of a file.
const SCHEMA: &str = "message samples {
    required binary run (STRING);
    required boolean simulator;
    required boolean deterministic;
    required boolean complete;
    required binary label (STRING);
    required int32 pe (INTEGER(32,false));
    required binary event (STRING);
    required binary scenario (STRING);
    required int32 batch (INTEGER(32,false));
    required int64 value (INTEGER(64,false));
    required int64 count (INTEGER(64,false));
}";
/// Their names, in that order.
const COLUMNS: [&str; 11] = [
    "run",
    "simulator",
    "deterministic",
    "complete",
    "label",
    "pe",
    "event",
    "scenario",
    "batch",
    "value",
    "count",
];
/// Rows kept in memory over all files, about 100 bytes each.
const MOST_ROWS: usize = 1 << 17;

/// Writes a run below `out`.
pub fn write(run: &Run, out: &Path) -> Result<Exported, ExportError> {
    // Read once before anything is written: whether rows are missing is to stand beside every row, and a table that
    // cannot be read leaves no folders behind.
    let mut stored = 0;
    for row in run.samples()? {
        stored += u64::from(row?.count);
    }
    if stored == 0 {
        return Err(ExportError::NoSamples(run.folder().to_owned()));
    }
    let altered = samples::altered(&run.manifest, stored);
    let constants = Constants {
        run: ByteArray::from(run_name(run.folder()).as_str()),
        simulator: run.manifest.simulator,
        deterministic: run.manifest.plan.deterministic,
        complete: run.manifest.is_complete() && altered.is_none(),
        label: ByteArray::from(run.manifest.label.as_str()),
    };
    let machine = format!("machine={}", escaped(&run.manifest.machine));
    let mut parts: BTreeMap<String, Part> = BTreeMap::new();
    let mut waiting = 0;
    for row in run.samples()? {
        let row = row?;
        if !parts.contains_key(&row.seq) {
            let folder = out.join(&machine).join(format!("seq={}", escaped(&row.seq)));
            let part = Part::create(&folder, &format!("{}.parquet", run_name(run.folder())))?;
            parts.insert(row.seq.clone(), part);
        }
        if let Some(part) = parts.get_mut(&row.seq) {
            part.rows.push(row);
            waiting += 1;
        }
        // The longest list is written, so that groups of rows get as long as memory allows.
        if waiting >= MOST_ROWS
            && let Some(part) = parts.values_mut().max_by_key(|part| part.rows.len())
        {
            waiting -= part.flush(&constants)?;
        }
    }
    let closed = parts.into_values().map(|mut part| {
        part.flush(&constants)?;
        part.close()
    });
    let closed: Vec<Closed> = closed.collect::<Result<_, _>>()?;
    let paths = closed.into_iter().map(Closed::name).collect::<Result<_, _>>()?;
    Ok(Exported {
        paths,
        notes: altered.into_iter().collect(),
    })
}

/// What is the same in all rows of a run.
struct Constants {
    run: ByteArray,
    simulator: bool,
    deterministic: bool,
    complete: bool,
    label: ByteArray,
}

/// A file being written, under a name that no reader looks for; removed unless it is finished.
type Partial = NamedTempFile<File>;

/// The file of a sequence, while rows come.
struct Part {
    path: PathBuf,
    writer: SerializedFileWriter<BufWriter<Partial>>,
    rows: Vec<SampleRow>,
}

/// The file of a sequence, whole but without its name.
struct Closed {
    path: PathBuf,
    file: Partial,
}

impl Closed {
    fn name(self) -> Result<PathBuf, ExportError> {
        let named = self.file.persist_noclobber(&self.path);
        named.map_err(|error| unwritable(&self.path, error.error))?;
        Ok(self.path)
    }
}

impl Part {
    fn create(folder: &Path, name: &str) -> Result<Self, ExportError> {
        create_dir(folder)?;
        let path = folder.join(name);
        if path.exists() {
            return Err(unwritable(&path, io::ErrorKind::AlreadyExists.into()));
        }
        let file = tempfile::Builder::new()
            .prefix(&format!(".{name}."))
            .suffix(".partial")
            .make_in(folder, |path| File::create_new(path));
        let file = file.map_err(|source| unwritable(&path, source))?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = parse_message_type(SCHEMA)
            .and_then(|schema| SerializedFileWriter::new(BufWriter::new(file), Arc::new(schema), Arc::new(properties)));
        Ok(Self {
            writer: writer.map_err(|error| failed(&path, error))?,
            rows: Vec::new(),
            path,
        })
    }

    /// Writes the rows that wait, and returns how many.
    fn flush(&mut self, constants: &Constants) -> Result<usize, ExportError> {
        let rows = std::mem::take(&mut self.rows);
        if !rows.is_empty() {
            write_rows(&mut self.writer, &rows, constants).map_err(|error| failed(&self.path, error))?;
        }
        Ok(rows.len())
    }

    fn close(self) -> Result<Closed, ExportError> {
        let Self { path, writer, .. } = self;
        let buffered = writer.into_inner().map_err(|error| failed(&path, error))?;
        let file = buffered.into_inner().map_err(|error| error.into_error());
        let flushed = file.and_then(|mut file| file.flush().map(|()| file));
        let file = flushed.map_err(|source| unwritable(&path, source))?;
        Ok(Closed { path, file })
    }
}

fn unwritable(path: &Path, source: io::Error) -> ExportError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::AlreadyExists => ExportError::Exists {
            path,
            also: ", or rename the run's folder if this is another run of the same name",
        },
        _ => ExportError::Write { path, source },
    }
}

fn failed(path: &Path, error: ParquetError) -> ExportError {
    let source = match error {
        ParquetError::External(source) => io::Error::other(source),
        other => io::Error::other(other),
    };
    unwritable(path, source)
}

fn write_rows(
    writer: &mut SerializedFileWriter<BufWriter<Partial>>,
    rows: &[SampleRow],
    constants: &Constants,
) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    for name in COLUMNS {
        let missing = || ParquetError::General(format!("column {name} has another type than the schema"));
        let mut column = group.next_column()?.ok_or_else(missing)?;
        let texts = |text: &dyn Fn(&SampleRow) -> ByteArray| rows.iter().map(text).collect::<Vec<_>>();
        match column.untyped() {
            ColumnWriter::BoolColumnWriter(column) => {
                let value = match name {
                    "simulator" => constants.simulator,
                    "deterministic" => constants.deterministic,
                    "complete" => constants.complete,
                    _ => return Err(missing()),
                };
                column.write_batch(&vec![value; rows.len()], None, None)?;
            }
            ColumnWriter::ByteArrayColumnWriter(column) => {
                let values = match name {
                    "run" => texts(&|_| constants.run.clone()),
                    "label" => texts(&|_| constants.label.clone()),
                    "event" => texts(&|row| ByteArray::from(row.event.id())),
                    "scenario" => texts(&|row| ByteArray::from(row.scenario.to_string().as_str())),
                    _ => return Err(missing()),
                };
                column.write_batch(&values, None, None)?;
            }
            // Unsigned numbers are stored as the signed ones with the same bits; the schema says so.
            ColumnWriter::Int32ColumnWriter(column) => {
                let number: fn(&SampleRow) -> u32 = match name {
                    "pe" => |row| row.pe,
                    "batch" => |row| row.batch,
                    _ => return Err(missing()),
                };
                let values: Vec<i32> = rows.iter().map(|row| number(row).cast_signed()).collect();
                column.write_batch(&values, None, None)?;
            }
            ColumnWriter::Int64ColumnWriter(column) => {
                let number: fn(&SampleRow) -> u64 = match name {
                    "value" => |row| row.value,
                    // 64 bits for the count too: readers add it up in its own type.
                    "count" => |row| row.count.into(),
                    _ => return Err(missing()),
                };
                let values: Vec<i64> = rows.iter().map(|row| number(row).cast_signed()).collect();
                column.write_batch(&values, None, None)?;
            }
            _ => return Err(missing()),
        }
        column.close()?;
    }
    group.close()?;
    Ok(())
}

/// Returns a value of a partition column as it stands in a path, percent-encoded as Hive does.
fn escaped(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    value
        .bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partition_values_cannot_leave_their_folder() {
        assert_eq!(escaped("qemu_cortex_a72"), "qemu_cortex_a72");
        assert_eq!(escaped("../a=b"), "..%2Fa%3Db");
    }
}
