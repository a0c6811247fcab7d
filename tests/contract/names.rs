//! The names that stand in the contract and in the code: each in both.

use std::collections::BTreeSet;

use relay::activity::{Kind, Provider};
use relay::batch::{MAX_EVENT_ID_CHARS, MAX_ITEMS};
use relay::callback;
use relay::discard::Reason;
use relay::export::{FILTERS, Status};
use relay::field::{Field, Shape};
use relay::period::Frequency;
use relay::problem::ProblemType;
use relay::row::Column;
use serde_json::{Value, json};

use super::document::Document;
use super::{schema, tree};

/// What a list of names in the contract holds.
fn listed(list: &Value) -> BTreeSet<&str> {
    let items = list.as_array().unwrap_or_else(|| panic!("not a list: {list}"));
    let names: BTreeSet<&str> = items.iter().map(|name| name.as_str().expect("a name")).collect();
    assert_eq!(names.len(), items.len(), "each once: {list}");
    names
}

fn members(object: &Value) -> BTreeSet<&str> {
    object.as_object().expect("members").keys().map(String::as_str).collect()
}

#[test]
fn the_version_is_the_release_s() {
    let manifest = tree::read("Cargo.toml");
    let document = Document::load();
    let version = document.at("/info/version").as_str().unwrap();
    assert!(manifest.contains(&format!("[workspace.package]\nversion = \"{version}\"\n")), "{version}");
    assert_eq!(document.at("/openapi"), "3.1.0");
    // Relative, so that the document is right at every stack that serves it.
    assert_eq!(*document.at("/servers"), json!([{"url": "/"}]));
}

#[test]
fn providers_kinds_states_and_filters_are_those_of_the_code() {
    let document = Document::load();
    let providers: BTreeSet<&str> = callback::providers().map(Provider::name).collect();
    assert_eq!(listed(document.at("/components/parameters/Provider/schema/enum")), providers);
    let all = Provider::ALL.into_iter().map(Provider::name).collect();
    assert_eq!(listed(&document.schema("AnyProvider")["enum"]), all);
    assert_eq!(listed(&document.schema("Kind")["enum"]), Kind::ALL.map(Kind::name).into());
    let states = [Status::Queued, Status::Running, Status::Done, Status::Empty, Status::Failed];
    let states = states.into_iter().chain([Status::Cancelled, Status::Expired]).map(Status::name).collect();
    assert_eq!(listed(&document.schema("Export")["properties"]["status"]["enum"]), states);
    let frequencies = Frequency::ALL.map(Frequency::name).into();
    assert_eq!(listed(&document.schema("Frequency")["enum"]), frequencies);
    let filters = &document.schema("ExportRequest")["properties"]["filters"]["properties"];
    assert_eq!(members(filters), FILTERS.map(Field::name).into());
    let summary = document.at("/paths/~1v1~1activities~1summary/get/parameters").as_array().unwrap();
    let named: BTreeSet<&str> = summary.iter().filter_map(|parameter| parameter["name"].as_str()).collect();
    let others = ["app_token", "start_date", "end_date", "timezone", "kind"];
    assert_eq!(named, FILTERS.map(Field::name).into_iter().chain(others).collect());
}

#[test]
fn every_column_can_be_asked_for() {
    let document = Document::load();
    let names = listed(&document.schema("Column")["enum"]);
    let columns = Column::defaults(Kind::Event).into_iter().map(Column::name).collect();
    assert_eq!(names, columns);
}

#[test]
fn an_item_of_a_batch_has_every_field_in_its_shape() {
    let document = Document::load();
    let properties = &document.schema("Activity")["properties"];
    let own = ["kind", "app_token", "created_at"];
    let fields = Field::ALL.iter().map(|field| field.name());
    assert_eq!(members(properties), fields.chain(own).collect());
    for field in Field::ALL.iter().filter(|field| **field != Field::EventId) {
        let shape = match field.shape() {
            Shape::Text => "Text",
            Shape::Time => "Time",
        };
        assert_eq!(properties[field.name()], json!({"$ref": format!("#/components/schemas/{shape}")}), "{field:?}");
    }
    assert_eq!(properties["event_id"]["maxLength"], MAX_EVENT_ID_CHARS);
    assert_eq!(document.schema("Batch")["oneOf"][0]["maxItems"], MAX_ITEMS);
    assert_eq!(document.schema("Batch")["oneOf"][1]["properties"]["activities"]["maxItems"], MAX_ITEMS);
}

#[test]
fn reasons_are_those_of_the_code() {
    let document = Document::load();
    // What goes wrong behind the door is never an answer at it.
    let at_the_door = |reason: &Reason| !matches!(reason, Reason::Undecodable | Reason::RefusedPage);
    let of_items: BTreeSet<&str> = Reason::ALL.into_iter().filter(at_the_door).map(Reason::name).collect();
    assert_eq!(listed(&document.schema("ItemCode")["enum"]), of_items);
    // A provider's own id has any length, and what is not allowed is dropped.
    let others = [Reason::BadEventId.name(), Reason::NotAllowed.name()];
    let of_callbacks: BTreeSet<&str> = of_items.into_iter().filter(|name| !others.contains(name)).collect();
    assert_eq!(listed(&document.schema("CallbackReason")["enum"]), of_callbacks);
}

/// A problem as it is on the wire, by its example.
fn is_example_of(kind: ProblemType, example: &Value) -> bool {
    example["type"] == format!("urn:relay:problem:{}", kind.code())
        && example["title"] == kind.title()
        && example["status"] == kind.status()
}

#[test]
fn every_problem_has_its_type_and_an_example_under_its_status() {
    let document = Document::load();
    let types: BTreeSet<String> =
        ProblemType::ALL.iter().map(|kind| format!("urn:relay:problem:{}", kind.code())).collect();
    let listed = listed(&document.schema("Problem")["properties"]["type"]["enum"]);
    assert_eq!(listed, types.iter().map(String::as_str).collect());
    let mut shown = BTreeSet::new();
    for operation in document.operations() {
        for (status, response) in document.responses(operation).into_iter().filter(|(status, _)| *status >= 400) {
            let examples = document.examples(response);
            assert!(!examples.is_empty(), "{} {status} has no example", operation.id);
            for (content_type, name, example) in examples {
                let place = format!("{} {status} {name}", operation.id);
                assert_eq!(content_type, "application/problem+json", "{place}");
                let kind = ProblemType::ALL.iter().find(|kind| kind.code() == name);
                let kind = *kind.unwrap_or_else(|| panic!("{place}: no such problem"));
                assert!(is_example_of(kind, example) && kind.status() == status, "{place}: {example}");
                shown.insert(name);
            }
        }
    }
    let codes = ProblemType::ALL.iter().map(|kind| kind.code()).collect();
    assert_eq!(shown, codes, "problems that some operation shows");
}

#[test]
fn every_example_fits_its_schema() {
    let document = Document::load();
    let mut count = 0;
    for operation in document.operations() {
        let responses = document.responses(operation).into_iter().map(|(_, response)| response);
        for body in responses.chain([operation.request_body()]) {
            for (content_type, name, example) in document.examples(body) {
                let schema = &body["content"][content_type]["schema"];
                let wrong = schema::problems(&document, schema, example);
                assert_eq!(wrong, [""; 0], "{} {content_type} {name}", operation.id);
                count += 1;
            }
        }
    }
    assert!(count > 40, "{count} examples");
}
