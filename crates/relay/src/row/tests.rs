use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::activity::{Activity, ActivityId, Fields, Kind, Provider, Value};
use crate::arbitrary;
use crate::field::Field;
use crate::period::{LocalClock, Zone};

fn sample(kind: Kind) -> Activity<'static> {
    let mut fields = Fields::default();
    for (field, text) in [
        (Field::NetworkName, "Organic, \"search\""),
        (Field::CampaignName, "여름 세일 🎉 :: 2026"),
        (Field::Country, "kr"),
        (Field::Adid, "1234567890123456"),
        (Field::EventToken, "abc123"),
        (Field::Revenue, "12.990"),
        (Field::UserAgent, "=cmd|' /C calc'!A0"),
        (Field::City, "first\nsecond\r\nthird"),
    ] {
        assert!(fields.set(field, Value::Text(text.into())));
    }
    assert!(fields.set(Field::ClickTime, Value::Time(1_794_648_600_999)));
    Activity {
        activity_id: ActivityId([0xab; 16]),
        kind,
        app_token: "demo-app".into(),
        created_at: 1_794_648_600_123,
        received_at: 1_794_648_601_000,
        provider: Provider::Adjust,
        fields,
        extra: BTreeMap::from([("activity_kind".into(), "sess\"ion".into()), ("label".into(), "a,b".into())]),
    }
}

fn file(columns: &[Column], zone: &str, excel: bool, activities: &[Activity<'_>]) -> String {
    let columns = columns.iter().copied().map(FileColumn::from).collect();
    let mut writer = CsvRows::new(columns, Zone::named(zone).unwrap(), excel, 0);
    writer.header();
    for activity in activities {
        writer.row(activity).unwrap();
    }
    let length = writer.len();
    let bytes = writer.take();
    assert_eq!(bytes.len(), length);
    assert!(writer.is_empty());
    String::from_utf8(bytes).unwrap()
}

#[test]
fn default_columns_are_the_seeds_then_the_other_fields_then_what_identifies_the_row() {
    for kind in Kind::ALL {
        let columns = Column::defaults(kind);
        let names: Vec<_> = columns.iter().map(|column| column.name()).collect();
        insta::assert_snapshot!(format!("default_columns_{kind}"), names.join("\n"));
        assert_eq!(columns.len(), Field::COUNT + 7);
        assert_eq!(columns.iter().collect::<std::collections::BTreeSet<_>>().len(), columns.len());
    }
}

#[test]
fn names_lead_back_to_their_column() {
    for column in Column::defaults(Kind::Event) {
        assert_eq!(Column::from_name(column.name()), Some(column));
    }
    assert_eq!(Column::from_name("createdAt"), None);
}

#[test]
fn a_file_of_each_kind() {
    for kind in Kind::ALL {
        let text = file(&Column::defaults(kind), "Asia/Seoul", false, &[sample(kind)]);
        insta::assert_snapshot!(format!("file_{kind}"), text);
    }
}

#[test]
fn a_file_for_excel() {
    let columns =
        [Column::CreatedAt, Column::Field(Field::Adid), Column::Field(Field::UserAgent), Column::Field(Field::Revenue)];
    let text = file(&columns, "UTC", true, &[sample(Kind::Event)]);
    assert_eq!(
        text,
        "\u{feff}created_at,adid,user_agent,revenue\n\
         2026-11-14 09:30:00,\"=\"\"1234567890123456\"\"\",'=cmd|' /C calc'!A0,12.990\n"
    );
}

#[test]
fn headers_and_constants_are_as_asked_and_harmless_too() {
    let columns = vec![
        FileColumn { header: "=when".into(), source: Source::Column(Column::CreatedAt) },
        FileColumn { header: "Market, \"KR\"".into(), source: Source::Constant("+82".into()) },
        FileColumn { header: "label".into(), source: Source::Constant("@a".into()) },
    ];
    let text = |excel| {
        let mut writer = CsvRows::new(columns.clone(), Zone::utc(), excel, 0);
        writer.header();
        writer.row(&sample(Kind::Event)).unwrap();
        String::from_utf8(writer.take()).unwrap()
    };
    assert_eq!(text(false), "=when,\"Market, \"\"KR\"\"\",label\n2026-11-14 09:30:00,+82,@a\n");
    assert_eq!(text(true), "\u{feff}'=when,\"Market, \"\"KR\"\"\",label\n2026-11-14 09:30:00,+82,'@a\n");
}

#[test]
fn a_column_is_stored_as_it_is_asked_for() {
    for (json, spec) in [
        ("\"adid\"", ColumnSpec::Name("adid".into())),
        (
            "{\"column\":\"adid\",\"header\":\"Adjust ID\"}",
            ColumnSpec::Renamed { column: "adid".into(), header: "Adjust ID".into() },
        ),
        (
            "{\"value\":\"KR\",\"header\":\"Market\"}",
            ColumnSpec::Constant { value: "KR".into(), header: "Market".into() },
        ),
    ] {
        assert_eq!(serde_json::from_str::<ColumnSpec>(json).unwrap(), spec);
        assert_eq!(ColumnSpec::from(&FileColumn::try_from(&spec).unwrap()), spec);
        assert_eq!(serde_json::to_string(&spec).unwrap(), json);
    }
    let unknown = FileColumn::try_from(&ColumnSpec::Name("coming_soon".into()));
    assert_eq!(unknown, Err(NoSuchColumn("coming_soon".into())));
}

#[test]
fn a_single_empty_cell_is_still_a_row() {
    let text = file(&[Column::Field(Field::Idfa)], "UTC", false, &[sample(Kind::Event), sample(Kind::Event)]);
    assert_eq!(text, "idfa\n\"\"\n\"\"\n");
}

fn expected(column: Column, activity: &Activity<'_>, clock: &mut LocalClock) -> String {
    let mut time = |ms: i64| clock.text(ms).map_or(ms.to_string(), |text| String::from_utf8(text.to_vec()).unwrap());
    match column {
        Column::CreatedAt => time(activity.created_at),
        Column::Kind => activity.kind.to_string(),
        Column::AppToken => activity.app_token.to_string(),
        Column::Field(field) => match activity.fields.get(field) {
            Some(Value::Text(text)) => text.to_string(),
            Some(Value::Time(ms)) => time(*ms),
            None => String::new(),
        },
        Column::ActivityId => activity.activity_id.to_string(),
        Column::Provider => activity.provider.to_string(),
        Column::ReceivedAt => time(activity.received_at),
        Column::Extra => serde_json::to_string(&activity.extra).unwrap(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_csv_reader_reads_back_exactly_what_was_written(
        activities in prop::collection::vec(arbitrary::activity(), 1..4),
        cut in 1usize..10,
    ) {
        let columns = Column::defaults(Kind::Event).into_iter().step_by(cut).collect::<Vec<_>>();
        let text = file(&columns, "America/New_York", false, &activities);
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let header: Vec<_> = columns.iter().map(|column| column.name()).collect();
        prop_assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>(), header);
        let mut clock = LocalClock::new(Zone::named("America/New_York").unwrap());
        let records: Vec<_> = reader.records().map(Result::unwrap).collect();
        prop_assert_eq!(records.len(), activities.len());
        for (record, activity) in records.iter().zip(&activities) {
            let row: Vec<_> = columns.iter().map(|column| expected(*column, activity, &mut clock)).collect();
            prop_assert_eq!(record.iter().collect::<Vec<_>>(), row);
        }
    }

    #[test]
    fn in_excel_no_cell_is_a_formula_but_exact_text(activity in arbitrary::activity(), front in "[=+@\t\r-]") {
        let mut activity = activity;
        activity.fields.set(Field::AppName, Value::Text(format!("{front}{}", activity.app_token).into()));
        let text = file(&Column::defaults(Kind::Event), "UTC", true, &[activity]);
        let text = text.strip_prefix('\u{feff}').unwrap();
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        for cell in &reader.records().next().unwrap().unwrap() {
            let exact_text = cell.strip_prefix("=\"").is_some_and(|rest| rest.trim_end_matches('"').bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte)));
            let number = cell.parse::<f64>().is_ok();
            prop_assert!(exact_text || number || !cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{}", cell);
        }
    }
}
