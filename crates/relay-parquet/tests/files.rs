//! Files read back by the format's own library: what was written, whatever the pieces.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what is wrong by panicking"
)]

use bytes::Bytes;
use parquet::basic::{ConvertedType, LogicalType};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field as Cell;
use proptest::prelude::*;
use relay::activity::{Activity, Kind, Value};
use relay::arbitrary;
use relay::field::Field;
use relay::row::{Column, FileColumn, Source};
use relay_parquet::{GROUP_BYTES, ParquetRows};

/// The file of these rows, its pieces taken whenever there are so many bytes.
fn file(columns: &[FileColumn], activities: &[Activity<'_>], piece: usize) -> Vec<u8> {
    let mut rows = ParquetRows::new(columns).unwrap();
    let mut file = Vec::new();
    for activity in activities {
        rows.row(activity).unwrap();
        if rows.len() >= piece {
            file.extend(rows.take());
            assert!(rows.is_empty());
        }
    }
    file.extend(rows.finish().unwrap());
    file
}

fn reader(file: Vec<u8>) -> SerializedFileReader<Bytes> {
    SerializedFileReader::new(Bytes::from(file)).unwrap()
}

fn cells(file: Vec<u8>) -> Vec<Vec<Option<String>>> {
    let shown = |cell: &Cell| match cell {
        Cell::Null => None,
        Cell::Str(text) => Some(text.clone()),
        Cell::TimestampMillis(ms) => Some(ms.to_string()),
        other => panic!("{other:?}"),
    };
    let reader = reader(file);
    let rows = reader.get_row_iter(None).unwrap().map(Result::unwrap);
    rows.map(|row| row.get_column_iter().map(|(_, cell)| shown(cell)).collect()).collect()
}

fn expected(column: &FileColumn, activity: &Activity<'_>) -> Option<String> {
    match &column.source {
        Source::Constant(text) => Some(text.clone()),
        Source::Column(Column::CreatedAt) => Some(activity.created_at.to_string()),
        Source::Column(Column::ReceivedAt) => Some(activity.received_at.to_string()),
        Source::Column(Column::Kind) => Some(activity.kind.to_string()),
        Source::Column(Column::AppToken) => Some(activity.app_token.to_string()),
        Source::Column(Column::ActivityId) => Some(activity.activity_id.to_string()),
        Source::Column(Column::Provider) => Some(activity.provider.to_string()),
        Source::Column(Column::Extra) => Some(serde_json::to_string(&activity.extra).unwrap()),
        Source::Column(Column::Field(field)) => activity.fields.get(*field).map(|value| match value {
            Value::Text(text) => text.to_string(),
            Value::Time(ms) => ms.to_string(),
        }),
    }
}

/// Event rows of some 2 KiB.
fn long(rows: u32) -> Vec<Activity<'static>> {
    let one = arbitrary::one();
    let long = |n: u32| {
        let mut activity = one.clone();
        activity.created_at = i64::from(n);
        activity.activity_id.0[..4].copy_from_slice(&n.to_be_bytes());
        assert!(activity.fields.set(Field::Referrer, Value::Text(format!("{n:08}").repeat(256).into())));
        activity
    };
    (0..rows).map(long).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_cell_reads_back(activities in prop::collection::vec(arbitrary::activity(), 0..6), piece in 1usize..100) {
        let mut columns = FileColumn::defaults(Kind::Event);
        columns.push(FileColumn { header: "시장".into(), source: Source::Constant("KR".into()) });
        columns.push(FileColumn { header: "again".into(), source: Source::Column(Column::CreatedAt) });
        let rows: Vec<Vec<_>> = activities
            .iter()
            .map(|activity| columns.iter().map(|column| expected(column, activity)).collect())
            .collect();
        prop_assert_eq!(cells(file(&columns, &activities, piece)), rows);
    }
}

#[test]
fn many_row_groups_are_the_same_bytes_however_they_are_taken() {
    let columns = FileColumn::defaults(Kind::Event);
    let activities = long(20_000);
    let whole = file(&columns, &activities, usize::MAX);
    assert!(file(&columns, &activities, 1) == whole);
    let reader = reader(whole.clone());
    let metadata = reader.metadata();
    assert!(metadata.num_row_groups() >= 3, "{} row groups", metadata.num_row_groups());
    assert_eq!(metadata.file_metadata().num_rows(), 20_000);
    let first = metadata.row_group(0).column(0).statistics().unwrap();
    assert_eq!(first.min_bytes_opt(), Some(0_i64.to_le_bytes().as_slice()));
    let rows = cells(whole);
    let id = columns.iter().position(|column| column.header == "activity_id").unwrap();
    let ids: Vec<_> = activities.iter().map(|activity| Some(activity.activity_id.to_string())).collect();
    assert!(rows.iter().map(|row| row[id].clone()).eq(ids));
}

#[test]
fn the_schema_says_what_readers_need() {
    let reader = reader(file(&FileColumn::defaults(Kind::Install), &[], 1));
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let kinds = |name: &str| {
        let column = schema.columns().iter().find(|column| column.name() == name).unwrap();
        (column.logical_type_ref().cloned(), column.converted_type())
    };
    assert_eq!(kinds("extra"), (Some(LogicalType::String), ConvertedType::UTF8));
    assert_eq!(kinds("installed_at").1, ConvertedType::TIMESTAMP_MILLIS);
    assert!(matches!(kinds("created_at").0, Some(LogicalType::Timestamp(time)) if time.is_adjusted_to_u_t_c));
    assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
}

#[test]
fn little_more_than_a_row_group_is_held() {
    let columns = FileColumn::defaults(Kind::Event);
    let mut rows = ParquetRows::new(&columns).unwrap();
    let (mut most, mut taken) = (0, 0);
    for activity in long(20_000) {
        rows.row(&activity).unwrap();
        most = most.max(rows.len());
        taken += rows.take().len();
    }
    assert!(most > 0 && most < GROUP_BYTES && taken > 0, "{most} bytes at a time");
}
