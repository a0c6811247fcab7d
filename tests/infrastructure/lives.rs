//! How long everything lives: the table of docs/life-of-data.md against the template and the code.

use std::collections::BTreeMap;

use serde_json::Value;

use super::durability::recovery;
use super::template::{Template, list, number};
use super::tree;

const DAY_SECONDS: u64 = 86_400;

/// What the document says: of each thing its place, and how long it lives there.
fn told() -> BTreeMap<String, String> {
    let text = tree::read("docs/life-of-data.md");
    let table = text.split("<!-- lives -->").nth(1).expect("a table between the two marks");
    let rows = table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| what |"));
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let life = |row: Vec<String>| match row.as_slice() {
        [_, place, life, _] => (place.trim_matches('`').to_owned(), life.clone()),
        row => panic!("not four cells: {row:?}"),
    };
    rows.map(|line| life(cells(line))).collect()
}

/// A number of days; of a parameter its name and default.
fn days(template: &Template, value: &Value) -> String {
    match value["Ref"].as_str() {
        None => format!("{} days", number(value)),
        Some(parameter) => {
            let default = number(template.at(&format!("/Parameters/{parameter}/Default")));
            format!("`{parameter}`, {default} days")
        }
    }
}

fn seconds(value: &Value) -> String {
    let seconds = number(value);
    assert_eq!(seconds % DAY_SECONDS, 0, "whole days");
    format!("{} days", seconds / DAY_SECONDS)
}

/// What the template and the code say.
fn held() -> BTreeMap<String, String> {
    let template = Template::load();
    let mut held = BTreeMap::new();
    for (bucket, properties) in template.of_type("AWS::S3::Bucket") {
        for rule in list(&properties["LifecycleConfiguration"]["Rules"]) {
            let place = format!("{bucket}/{}", rule["Prefix"].as_str().unwrap_or_default());
            if !rule["ExpirationInDays"].is_null() {
                held.insert(place.trim_end_matches('/').to_owned(), days(&template, &rule["ExpirationInDays"]));
            }
            let aborted = &rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"];
            if !aborted.is_null() {
                held.insert(format!("{bucket}, open uploads"), days(&template, aborted));
            }
            let earlier = &rule["NoncurrentVersionExpiration"]["NoncurrentDays"];
            if !earlier.is_null() {
                held.insert(format!("{bucket}, earlier versions"), days(&template, earlier));
            }
        }
    }
    for (queue, properties) in template.of_type("AWS::SQS::Queue") {
        held.insert(queue.to_owned(), seconds(&properties["MessageRetentionPeriod"]));
    }
    let hours = number(template.property("ActivityStream", "/RetentionPeriodHours"));
    held.insert("ActivityStream".to_owned(), format!("{} days", hours / 24));
    let groups = template.of_type("AWS::Logs::LogGroup");
    let logs: Vec<String> = groups.iter().map(|(_, group)| days(&template, &group["RetentionInDays"])).collect();
    assert!(logs.iter().all(|life| *life == logs[0]), "one life for all logs: {logs:?}");
    held.insert("log groups".to_owned(), logs[0].clone());
    for table in ["PagesTable", "ControlTable"] {
        held.insert(format!("{table}, backups"), days(&template, &recovery(&template, table)["RecoveryPeriodInDays"]));
    }
    held.insert(
        "PagesTable".to_owned(),
        format!("the owner's retention, {} days", relay::owner::DEFAULT_RETENTION_DAYS),
    );
    held.insert("ControlTable, audit".to_owned(), format!("{} days", relay::audit::AUDIT_DAYS));
    held
}

#[test]
fn what_lives_how_long_is_told_as_it_is_held() {
    assert_eq!(told(), held());
}
