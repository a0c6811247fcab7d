use std::collections::HashMap;

use apache_avro::Schema;
use apache_avro::rabin::Rabin;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as Avro;
use apache_avro::writer::datum::GenericDatumWriter;
use proptest::prelude::*;

use super::*;
use crate::arbitrary;
use crate::field::Field;

const SCHEMA: &str = include_str!("../../../../schemas/activity.avsc");
const PUBLISHED: &str = include_str!("../../../../schemas/published/activity-1.avsc");

fn schema() -> Schema {
    Schema::parse_str(SCHEMA).unwrap()
}

#[test]
fn the_schema_names_the_fields_of_the_table_in_order() {
    let document: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let fields = document["fields"].as_array().unwrap();
    let names: Vec<&str> = fields.iter().map(|field| field["name"].as_str().unwrap()).collect();
    let mut expected = vec!["activity_id", "kind", "app_token", "created_at", "received_at", "provider"];
    expected.extend(Field::ALL.iter().map(|field| field.name()));
    expected.push("extra");
    assert_eq!(names, expected);
}

#[test]
fn the_fingerprint_is_the_schemas() {
    let fingerprint = schema().fingerprint::<Rabin>();
    assert_eq!(
        fingerprint.bytes,
        FINGERPRINT.to_le_bytes(),
        "{:#018x}",
        u64::from_le_bytes(fingerprint.bytes.clone().try_into().unwrap())
    );
}

#[test]
fn the_current_schema_is_published() {
    assert_eq!(SCHEMA, PUBLISHED, "a change of schema is a new published version");
}

fn option(value: Option<Avro>) -> Avro {
    match value {
        None => Avro::Union(0, Box::new(Avro::Null)),
        Some(value) => Avro::Union(1, Box::new(value)),
    }
}

fn oracle(activity: &Activity<'_>) -> Avro {
    let text = |text: &str| Avro::String(text.to_owned());
    let index = |name: &str, all: &[&str]| u32::try_from(all.iter().position(|known| *known == name).unwrap()).unwrap();
    let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    let providers: Vec<&str> = Provider::ALL.iter().map(|provider| provider.name()).collect();
    let (kind, provider) = (activity.kind.name(), activity.provider.name());
    let mut record = vec![
        ("activity_id".to_owned(), Avro::Fixed(16, activity.activity_id.0.to_vec())),
        ("kind".to_owned(), Avro::Enum(index(kind, &kinds), kind.to_owned())),
        ("app_token".to_owned(), text(&activity.app_token)),
        ("created_at".to_owned(), Avro::TimestampMillis(activity.created_at)),
        ("received_at".to_owned(), Avro::TimestampMillis(activity.received_at)),
        ("provider".to_owned(), Avro::Enum(index(provider, &providers), provider.to_owned())),
    ];
    for field in Field::ALL {
        let value = activity.fields.get(*field).map(|value| match value {
            Value::Text(value) => text(value),
            Value::Time(time) => Avro::TimestampMillis(*time),
        });
        record.push((field.name().to_owned(), option(value)));
    }
    let extra: HashMap<String, Avro> =
        activity.extra.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    record.push(("extra".to_owned(), Avro::Map(extra)));
    Avro::Record(record)
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(activity in arbitrary::activity()) {
        let mut bytes = Vec::new();
        encode(&activity, &mut bytes);
        prop_assert_eq!(decode(&bytes).unwrap(), activity);
    }

    #[test]
    fn apache_avro_reads_what_we_write(activity in arbitrary::activity()) {
        let mut bytes = Vec::new();
        encode(&activity, &mut bytes);
        let schema = schema();
        let reader = GenericDatumReader::builder(&schema).build().unwrap();
        let read = reader.read_value(&mut bytes.as_slice()).unwrap();
        prop_assert_eq!(read, oracle(&activity));
    }

    #[test]
    fn we_read_what_apache_avro_writes(activity in arbitrary::activity()) {
        let schema = schema();
        let writer = GenericDatumWriter::builder(&schema).build().unwrap();
        let bytes = writer.write_value_to_vec(oracle(&activity)).unwrap();
        prop_assert_eq!(decode(&bytes).unwrap(), activity);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        decode(&bytes).ok();
    }

    #[test]
    fn no_damage_panics(activity in arbitrary::activity(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = Vec::new();
        encode(&activity, &mut bytes);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        decode(&bytes).ok();
        bytes.truncate(at);
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn numbers_come_back(value in any::<i64>()) {
        let mut bytes = Vec::new();
        put_long(&mut bytes, value);
        prop_assert_eq!(Cursor::new(&bytes).long(), Ok(value));
    }
}
