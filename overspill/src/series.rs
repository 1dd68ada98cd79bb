//! Time series as Parquet: `t_s, zone, metric, value`, one row per value.
//!
//! Long and narrow, because that is what every tool can pivot. Time, zone and
//! metric repeat, so their dictionaries make them almost free; values stay as
//! they are.

use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, DoubleType};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::replacement::{self, Complete, Replacement};
use files::Fault;

const SCHEMA: &str = "message series {
    REQUIRED DOUBLE t_s;
    REQUIRED BYTE_ARRAY zone (STRING);
    REQUIRED BYTE_ARRAY metric (STRING);
    REQUIRED DOUBLE value;
}";

/// Rows kept in memory before they are written: some 10 MB.
const GROUP: usize = 1 << 17;

/// Writes rows to a file.
pub(crate) struct SeriesWriter {
    writer: SerializedFileWriter<Replacement>,
    target: std::path::PathBuf,
    rows: Rows,
}

/// Rows that are not written yet, by column.
#[derive(Debug, Default)]
struct Rows {
    times: Vec<f64>,
    zones: Vec<ByteArray>,
    metrics: Vec<ByteArray>,
    values: Vec<f64>,
}

impl SeriesWriter {
    /// Begins a file.
    pub(crate) fn new(sink: Replacement) -> Result<Self, Fault> {
        let target = sink.target().to_owned();
        let schema = Arc::new(parse_message_type(SCHEMA).expect("our schema is right"));
        let by = concat!("overspill version ", env!("CARGO_PKG_VERSION"));
        let properties = Arc::new(WriterProperties::builder().set_created_by(by.to_owned()).build());
        let writer =
            SerializedFileWriter::new(sink, schema, properties).map_err(|error| fault(&target, error))?;
        Ok(Self { writer, target, rows: Rows::default() })
    }

    /// Adds a row.
    pub(crate) fn write(&mut self, t_s: f64, zone: &str, metric: &str, value: f64) -> Result<(), Fault> {
        self.rows.times.push(t_s);
        self.rows.zones.push(ByteArray::from(zone));
        self.rows.metrics.push(ByteArray::from(metric));
        self.rows.values.push(value);
        if self.rows.times.len() == GROUP { self.flush() } else { Ok(()) }
    }

    /// Writes what is left; the file is whole, and not in its place yet.
    pub(crate) fn complete(mut self) -> Result<Complete, Fault> {
        if !self.rows.times.is_empty() {
            self.flush()?;
        }
        self.writer.into_inner().map_err(|error| fault(&self.target, error))?.complete()
    }

    fn flush(&mut self) -> Result<(), Fault> {
        let rows = std::mem::take(&mut self.rows);
        write_group(&mut self.writer, &rows).map_err(|error| fault(&self.target, error))
    }
}

impl std::fmt::Debug for SeriesWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SeriesWriter").field("target", &self.target).finish_non_exhaustive()
    }
}

fn write_group(writer: &mut SerializedFileWriter<Replacement>, rows: &Rows) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    let mut position = 0;
    while let Some(mut column) = group.next_column()? {
        match position {
            0 => column.typed::<DoubleType>().write_batch(&rows.times, None, None)?,
            1 => column.typed::<ByteArrayType>().write_batch(&rows.zones, None, None)?,
            2 => column.typed::<ByteArrayType>().write_batch(&rows.metrics, None, None)?,
            _ => column.typed::<DoubleType>().write_batch(&rows.values, None, None)?,
        };
        column.close()?;
        position += 1;
    }
    group.close().map(drop)
}

fn fault(target: &std::path::Path, error: ParquetError) -> Fault {
    replacement::fault(target, &std::io::Error::other(error))
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("series.parquet");
        let mut writer = SeriesWriter::new(Replacement::create(&path).unwrap()).unwrap();
        // more than one group
        for number in 0..GROUP + 3 {
            writer.write(number as f64, "slc-a", "ok_per_s", 0.5).unwrap();
        }
        writer.complete().unwrap().place().unwrap();
        let reader = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
        assert_eq!(reader.num_row_groups(), 2);
        let last = reader.get_row_iter(None).unwrap().last().unwrap().unwrap();
        let fields: Vec<_> = last.into_columns();
        let expected = [
            ("t_s", Field::Double((GROUP + 2) as f64)),
            ("zone", Field::Str("slc-a".into())),
            ("metric", Field::Str("ok_per_s".into())),
            ("value", Field::Double(0.5)),
        ];
        assert_eq!(fields, expected.map(|(name, field)| (name.to_owned(), field)));
    }
}
