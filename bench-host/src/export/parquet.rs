// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parquet files, partitioned by machine and sequence: `machine=M/seq=S/RUN.parquet`.
//!
//! DuckDB, Polars and Spark read the partition columns from the path. Each file has one row for every row of
//! `samples.csv`, with the run's name, its label and whether a simulator counted, so that no query can lose them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter};
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

use super::{ExportError, Exported, create_dir, run_name};

/// The columns of a file.
const SCHEMA: &str = "message samples {
    required binary run (STRING);
    required boolean simulator;
    required binary label (STRING);
    required int32 pe (INTEGER(32,false));
    required binary event (STRING);
    required binary scenario (STRING);
    required int32 batch (INTEGER(32,false));
    required int64 value (INTEGER(64,false));
    required int64 count (INTEGER(64,false));
}";
/// Rows kept in memory over all files, about 100 bytes each.
const MOST_ROWS: usize = 1 << 17;

/// Writes a run below `out`.
pub fn write(run: &Run, out: &Path) -> Result<Exported, ExportError> {
    let constants = Constants {
        run: ByteArray::from(run_name(run.folder()).as_str()),
        simulator: run.manifest.simulator,
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
    if parts.is_empty() {
        return Err(ExportError::NoSamples(run.folder().to_owned()));
    }
    let mut exported = Exported::default();
    for mut part in parts.into_values() {
        part.flush(&constants)?;
        exported.paths.push(part.finish()?);
    }
    Ok(exported)
}

/// What is the same in all rows of a run.
struct Constants {
    run: ByteArray,
    simulator: bool,
    label: ByteArray,
}

/// A file being written.
struct Part {
    path: PathBuf,
    writer: SerializedFileWriter<BufWriter<File>>,
    rows: Vec<SampleRow>,
}

impl Part {
    fn create(folder: &Path, name: &str) -> Result<Self, ExportError> {
        create_dir(folder)?;
        let path = folder.join(name);
        let file = File::create_new(&path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => ExportError::Exists {
                path: path.clone(),
                also: "",
            },
            _ => ExportError::Write {
                path: path.clone(),
                source,
            },
        })?;
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

    fn finish(self) -> Result<PathBuf, ExportError> {
        self.writer.close().map_err(|error| failed(&self.path, error))?;
        Ok(self.path)
    }
}

fn failed(path: &Path, error: ParquetError) -> ExportError {
    let source = match error {
        ParquetError::External(source) => io::Error::other(source),
        other => io::Error::other(other),
    };
    ExportError::Write {
        path: path.to_owned(),
        source,
    }
}

fn write_rows(
    writer: &mut SerializedFileWriter<BufWriter<File>>,
    rows: &[SampleRow],
    constants: &Constants,
) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    let mut index = 0;
    while let Some(mut column) = group.next_column()? {
        let texts = |text: &dyn Fn(&SampleRow) -> ByteArray| rows.iter().map(text).collect::<Vec<_>>();
        match column.untyped() {
            ColumnWriter::BoolColumnWriter(column) => {
                column.write_batch(&vec![constants.simulator; rows.len()], None, None)?;
            }
            ColumnWriter::ByteArrayColumnWriter(column) => {
                let values = match index {
                    0 => texts(&|_| constants.run.clone()),
                    2 => texts(&|_| constants.label.clone()),
                    4 => texts(&|row| ByteArray::from(row.event.id())),
                    _ => texts(&|row| ByteArray::from(row.scenario.to_string().as_str())),
                };
                column.write_batch(&values, None, None)?;
            }
            // Unsigned numbers are stored as the signed ones with the same bits; the schema says so.
            ColumnWriter::Int32ColumnWriter(column) => {
                let number = |row: &SampleRow| match index {
                    3 => row.pe,
                    _ => row.batch,
                };
                let values: Vec<i32> = rows.iter().map(|row| number(row).cast_signed()).collect();
                column.write_batch(&values, None, None)?;
            }
            ColumnWriter::Int64ColumnWriter(column) => {
                // 64 bits for the count too: readers add it up in its own type.
                let number = |row: &SampleRow| match index {
                    7 => row.value,
                    _ => row.count.into(),
                };
                let values: Vec<i64> = rows.iter().map(|row| number(row).cast_signed()).collect();
                column.write_batch(&values, None, None)?;
            }
            _ => {
                return Err(ParquetError::General(format!(
                    "column {index} has another type than the schema"
                )));
            }
        }
        column.close()?;
        index += 1;
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
