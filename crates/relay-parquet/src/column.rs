//! A column: what it is called and what it is, and the values that have gathered for the next row group.

use std::borrow::Cow;

use bytes::Bytes;
use parquet::basic::{LogicalType, Repetition, TimeUnit, TimestampType, Type as Physical};
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::schema::types::Type;
use relay::activity::{Activity, Value};
use relay::field::Shape;
use relay::row::{Column, FileColumn, Source};

/// Bytes that a text takes besides its characters: where it ends.
const TEXT_BYTES: usize = size_of::<usize>();

/// Bytes that each row takes of each column: whether there is a value.
const LEVEL_BYTES: usize = size_of::<i16>();

/// The values of a column, of as many rows as there are levels.
pub(crate) struct Gathered {
    source: Source,
    /// Of each row: 1 where it has a value.
    levels: Vec<i16>,
    values: Values,
}

enum Values {
    Times(Vec<i64>),
    /// The texts one behind the other, and where each ends.
    Texts {
        bytes: Vec<u8>,
        ends: Vec<usize>,
    },
}

impl Gathered {
    pub(crate) fn new(column: FileColumn) -> Self {
        let values = if is_time(&column.source) {
            Values::Times(Vec::new())
        } else {
            Values::Texts { bytes: Vec::new(), ends: Vec::new() }
        };
        Self { source: column.source, levels: Vec::new(), values }
    }

    /// What stands of the column in the file's schema.
    pub(crate) fn schema(column: &FileColumn) -> Result<Type, ParquetError> {
        let (physical, logical) = if is_time(&column.source) {
            let utc = TimestampType { is_adjusted_to_u_t_c: true, unit: TimeUnit::MILLIS };
            (Physical::INT64, LogicalType::Timestamp(utc))
        } else {
            (Physical::BYTE_ARRAY, LogicalType::String)
        };
        Type::primitive_type_builder(&column.header, physical)
            .with_logical_type(Some(logical))
            .with_repetition(Repetition::OPTIONAL)
            .build()
    }

    pub(crate) const fn is_time(&self) -> bool {
        matches!(self.values, Values::Times(_))
    }

    /// Takes the row's value; the answer is about how many bytes it takes.
    pub(crate) fn push(&mut self, activity: &Activity<'_>) -> Result<usize, serde_json::Error> {
        let taken = match &mut self.values {
            Values::Times(times) => time(&self.source, activity).map(|ms| {
                times.push(ms);
                size_of::<i64>()
            }),
            Values::Texts { bytes, ends } => text(&self.source, activity)?.map(|text| {
                bytes.extend_from_slice(text.as_bytes());
                ends.push(bytes.len());
                text.len() + TEXT_BYTES
            }),
        };
        self.levels.push(i16::from(taken.is_some()));
        Ok(taken.unwrap_or(0) + LEVEL_BYTES)
    }

    pub(crate) fn levels(&self) -> &[i16] {
        &self.levels
    }

    /// The times; none for a column of texts.
    pub(crate) fn times(&self) -> &[i64] {
        match &self.values {
            Values::Times(times) => times,
            Values::Texts { .. } => &[],
        }
    }

    /// The texts, which are taken; none for a column of times.
    pub(crate) fn take_texts(&mut self) -> impl Iterator<Item = ByteArray> + use<> {
        let (all, ends) = match &mut self.values {
            Values::Texts { bytes, ends } => (std::mem::take(bytes), std::mem::take(ends)),
            Values::Times(_) => (Vec::new(), Vec::new()),
        };
        let all = Bytes::from(all);
        let mut start = 0;
        ends.into_iter().map(move |end| ByteArray::from(all.slice(std::mem::replace(&mut start, end)..end)))
    }

    pub(crate) fn clear(&mut self) {
        self.levels.clear();
        match &mut self.values {
            Values::Times(times) => times.clear(),
            Values::Texts { bytes, ends } => {
                bytes.clear();
                ends.clear();
            }
        }
    }
}

const fn is_time(source: &Source) -> bool {
    match source {
        Source::Column(Column::CreatedAt | Column::ReceivedAt) => true,
        Source::Column(Column::Field(field)) => matches!(field.shape(), Shape::Time),
        Source::Column(_) | Source::Constant(_) => false,
    }
}

fn time(source: &Source, activity: &Activity<'_>) -> Option<i64> {
    match source {
        Source::Column(Column::CreatedAt) => Some(activity.created_at),
        Source::Column(Column::ReceivedAt) => Some(activity.received_at),
        Source::Column(Column::Field(field)) => match activity.fields.get(*field) {
            Some(Value::Time(ms)) => Some(*ms),
            Some(Value::Text(_)) | None => None,
        },
        Source::Column(_) | Source::Constant(_) => None,
    }
}

fn text<'a>(source: &'a Source, activity: &'a Activity<'_>) -> Result<Option<Cow<'a, str>>, serde_json::Error> {
    let column = match source {
        Source::Constant(text) => return Ok(Some(Cow::Borrowed(text))),
        Source::Column(column) => column,
    };
    Ok(match column {
        Column::Kind => Some(Cow::Borrowed(activity.kind.name())),
        Column::AppToken => Some(Cow::Borrowed(&activity.app_token)),
        Column::Field(field) => activity.fields.text(*field).map(Cow::Borrowed),
        Column::ActivityId => Some(Cow::Owned(activity.activity_id.to_string())),
        Column::Provider => Some(Cow::Borrowed(activity.provider.name())),
        Column::Extra => Some(Cow::Owned(serde_json::to_string(&activity.extra)?)),
        Column::CreatedAt | Column::ReceivedAt => None,
    })
}
