//! Parquet: a column for each of an event's values, null where it does not apply; 64 Ki events to a row group.

use std::io::Write;
use std::sync::Arc;

use anyhow::{Context, Result};
use parquet::basic::{Compression, Encoding};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use telemetry::records::Fact;

use super::Exporter;
use super::event::Event;

/// Events that are written together.
const GROUP_ROWS: usize = 64 << 10;

/// A column of numbers: its name, and the value of an event.
type NumberColumn = (&'static str, fn(&Event<'_>) -> Option<u64>);

/// Columns of numbers; all may be null.
const NUMBERS: &[NumberColumn] = &[
    ("start_ns", |event| Some(event.start)),
    ("duration_ns", |event| Some(event.duration)),
    ("thread", |event| event.thread),
    ("correlation", |event| event.correlation),
    ("device", |event| event.device),
    ("context", |event| Some(event.context)),
    ("stream", |event| Some(event.stream)),
    ("result", |event| Some(event.result)),
    ("flags", |event| Some(event.flags)),
    ("bytes", |event| event.bytes),
    ("address", |event| event.address),
    ("graph", |event| event.graph),
    ("grid_x", |event| event.launch.map(|launch| launch.grid[0])),
    ("grid_y", |event| event.launch.map(|launch| launch.grid[1])),
    ("grid_z", |event| event.launch.map(|launch| launch.grid[2])),
    ("block_x", |event| event.launch.map(|launch| launch.block[0])),
    ("block_y", |event| event.launch.map(|launch| launch.block[1])),
    ("block_z", |event| event.launch.map(|launch| launch.block[2])),
    ("cluster_blocks", |event| event.launch.map(|launch| launch.cluster)),
    ("dynamic_shared_bytes", |event| event.launch.map(|launch| launch.dynamic_shared)),
    ("static_shared_bytes", |event| event.launch.map(|launch| launch.static_shared)),
    ("registers", |event| event.launch.map(|launch| launch.registers)),
    ("local_bytes", |event| event.launch.map(|launch| launch.local)),
    ("active_blocks", |event| event.launch.and_then(|launch| launch.active_blocks)),
];

/// A column: the values there are, and for each event whether there is one.
struct Column<T> {
    values: Vec<T>,
    defined: Vec<i16>,
}

impl<T> Default for Column<T> {
    fn default() -> Self {
        Column { values: Vec::new(), defined: Vec::new() }
    }
}

impl<T> Column<T> {
    fn push(&mut self, value: Option<T>) {
        self.defined.push(i16::from(value.is_some()));
        self.values.extend(value);
    }

    fn clear(&mut self) {
        self.values.clear();
        self.defined.clear();
    }
}

/// Writes Parquet.
#[derive(Default)]
pub struct Parquet {
    writer: Option<SerializedFileWriter<Vec<u8>>>,
    rows: usize,
    kinds: Column<ByteArray>,
    names: Column<ByteArray>,
    numbers: Vec<Column<i64>>,
    occupancy: Column<f64>,
    limits: Column<ByteArray>,
}

impl Exporter for Parquet {
    fn begin(&mut self, _facts: &[Fact], _out: &mut dyn Write) -> Result<()> {
        let numbers: String =
            NUMBERS.iter().map(|(name, _)| format!("OPTIONAL INT64 {name} (INTEGER(64,false));\n")).collect();
        let schema = format!(
            "message events {{\nOPTIONAL BYTE_ARRAY kind (UTF8);\nOPTIONAL BYTE_ARRAY name (UTF8);\n{numbers}\
             OPTIONAL DOUBLE occupancy;\nOPTIONAL BYTE_ARRAY limited_by (UTF8);\n}}"
        );
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
        // Times and numbers of calls grow steadily.
        let properties = ["start_ns", "correlation"].into_iter().fold(properties, |properties, name| {
            let column = parquet::schema::types::ColumnPath::from(name);
            properties
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED)
        });
        let schema = Arc::new(parse_message_type(&schema)?);
        self.writer = Some(SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties.build()))?);
        self.numbers = NUMBERS.iter().map(|_| Column::default()).collect();
        Ok(())
    }

    fn event(&mut self, event: &Event<'_>, out: &mut dyn Write) -> Result<()> {
        self.kinds.push(Some(event.kind.into()));
        self.names.push(Some(event.name.into()));
        for (column, (_, value)) in self.numbers.iter_mut().zip(NUMBERS) {
            // Parquet stores unsigned numbers in the bits of signed ones.
            column.push(value(event).map(|value| value as i64));
        }
        let occupancy = event.launch.and_then(|launch| launch.occupancy.as_ref());
        self.occupancy.push(occupancy.map(|(part, _)| *part));
        self.limits.push(occupancy.map(|(_, limits)| limits.as_str().into()));
        self.rows += 1;
        if self.rows == GROUP_ROWS { self.put_group(out) } else { Ok(()) }
    }

    fn finish(&mut self, out: &mut dyn Write) -> Result<()> {
        if self.rows > 0 {
            self.put_group(out)?;
        }
        match self.writer.take() {
            Some(writer) => Ok(out.write_all(&writer.into_inner()?)?),
            None => Ok(()),
        }
    }
}

impl Parquet {
    /// Writes the events at hand.
    fn put_group(&mut self, out: &mut dyn Write) -> Result<()> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let mut group = writer.next_row_group()?;
        put_texts(next_column(&mut group)?, &mut self.kinds)?;
        put_texts(next_column(&mut group)?, &mut self.names)?;
        for numbers in &mut self.numbers {
            let mut column = next_column(&mut group)?;
            column.typed::<Int64Type>().write_batch(&numbers.values, Some(&numbers.defined), None)?;
            column.close()?;
            numbers.clear();
        }
        let mut column = next_column(&mut group)?;
        column.typed::<DoubleType>().write_batch(&self.occupancy.values, Some(&self.occupancy.defined), None)?;
        column.close()?;
        self.occupancy.clear();
        put_texts(next_column(&mut group)?, &mut self.limits)?;
        group.close()?;
        self.rows = 0;
        writer.flush()?;
        Ok(out.write_all(&std::mem::take(writer.inner_mut()))?)
    }
}

/// The next column of a group.
fn next_column<'a>(group: &'a mut SerializedRowGroupWriter<'_, Vec<u8>>) -> Result<SerializedColumnWriter<'a>> {
    group.next_column()?.context("there are fewer columns in the schema than are written")
}

fn put_texts(mut column: SerializedColumnWriter<'_>, texts: &mut Column<ByteArray>) -> Result<()> {
    column.typed::<ByteArrayType>().write_batch(&texts.values, Some(&texts.defined), None)?;
    column.close()?;
    texts.clear();
    Ok(())
}
