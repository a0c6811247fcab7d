//! Which partitions of table `control` each function may read, write and delete from: nobody but relayctl's user makes a key or moves an app.

use std::collections::{BTreeMap, BTreeSet};

use relay::control::Key;
use relay::owner::{App, FormerClaim, KeyRecord, Owner, Tenure};
use relay::webhook::Webhook;

use super::functions::FUNCTIONS;
use super::grants::statements;
use super::template::{Template, list, name};
use super::tree;

/// Partition keys, or patterns of them.
type Partitions = &'static [&'static str];

/// A function, what it reads, what it puts, and what it deletes.
const PARTITIONS: [(&str, Partitions, Partitions, Partitions); 6] = [
    ("Ingest", &["key#*", "owner#*", "app#*"], &[], &[]),
    (
        "BatchWriter",
        &["setting", "watermark", "arrival#*", "reject#*", "app#*", "erase#*"],
        &["setting", "watermark", "arrival#*", "reject#*", "erase#*", "erasures"],
        &[],
    ),
    (
        "ExportApi",
        &[
            "key#*",
            "owner#*",
            "app#*",
            "export#*",
            "request#*",
            "address#*",
            "schedule#*",
            "unsubscribe#*",
            "seat#*",
            "queue",
            "slot",
            "turn",
            "setting",
            "watermark",
            "walk",
            "arrival#*",
            "reject#*",
            "erase#*",
        ],
        &[
            "export#*",
            "request#*",
            "schedule#*",
            "unsubscribe#*",
            "seat#*",
            "queue",
            "slot",
            "turn",
            "walk",
            "agenda",
            "audit#*",
        ],
        &["seat#*", "queue", "schedule#*", "agenda"],
    ),
    ("ExportWorker", &["export#*", "setting", "watermark", "walk", "erase#*"], &["export#*", "walk", "agenda"], &[]),
    (
        "ExportDispatcher",
        &[
            "export#*",
            "queue",
            "slot",
            "turn",
            "agenda",
            "seat#*",
            "schedule#*",
            "owner#*",
            "app#*",
            "webhook#*",
            "setting",
            "erase#*",
            "erasures",
        ],
        &["export#*", "slot", "turn", "agenda", "queue", "seat#*", "schedule#*", "audit#*", "erase#*", "erasures"],
        &["seat#*", "queue", "agenda", "erasures"],
    ),
    ("Notify", &["export#*", "owner#*", "address#*", "schedule#*"], &["export#*", "address#*", "audit#*"], &[]),
];

/// What only an operator writes.
fn operators_keys() -> [Key; 8] {
    let tenure = Tenure { app_token: "abc".to_owned(), owner: "demo".to_owned(), since: 0, until: 1 };
    [
        tenure.key(),
        tenure.listing_key(),
        Owner::key("demo"),
        Owner::listing_key("demo"),
        App::key("abc"),
        FormerClaim::key("abc"),
        KeyRecord::key("00"),
        Webhook::key("demo"),
    ]
}

/// The partitions as the code spells them, in files that make keys: `Key::new("setting", …)`, `Key::new(QUEUE, …)`, `format!("seat#{owner}")`.
fn spelled() -> BTreeSet<String> {
    let sources = tree::files_ending("crates/relay/src", ".rs").into_iter();
    // The contract of the port makes keys of its own, in tests.
    let sources = sources.filter(|path| !path.ends_with("contract.rs") && !path.ends_with("tests.rs")).map(tree::read);
    sources.filter(|text| text.contains("Key::new(")).flat_map(|text| spelled_in(&text)).collect()
}

fn spelled_in(text: &str) -> BTreeSet<String> {
    let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let word = |text: &str| text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default().to_owned();
    let constant = |name: &str| {
        let declared = own.split(&format!("const {name}: &str = \"")).nth(1);
        declared.and_then(|rest| rest.split('"').next()).map(str::to_owned)
    };
    let formatted = own.split("format!(\"").skip(1).filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()));
    let formatted =
        formatted.filter(|rest| rest[word(rest).len()..].starts_with("#{")).map(|rest| format!("{}#*", word(rest)));
    let made = own.split("Key::new(").skip(1).filter_map(|rest| match rest.strip_prefix('"') {
        Some(literal) => Some(word(literal)),
        None => constant(&word(rest)),
    });
    formatted.chain(made).collect()
}

fn matches(pattern: &str, key: &Key) -> bool {
    pattern.strip_suffix('*').map_or(pattern == key.pk, |prefix| key.pk.starts_with(prefix))
}

/// Action → partitions, of every statement of a role on table `control`.
fn allowed<'a>(template: &'a Template, role: &str) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let mut allowed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for statement in statements(template, role) {
        if list(&statement["Resource"]).into_iter().map(name).any(|resource| resource == "ControlTable.Arn") {
            let keys = &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
            assert!(keys.is_array(), "{role}: {} without partitions", statement["Sid"]);
            for action in list(&statement["Action"]).into_iter().map(name) {
                let entry = allowed.entry(action).or_default();
                assert!(entry.is_empty(), "{role}: {action} twice");
                entry.extend(list(keys).into_iter().map(name));
            }
        }
    }
    allowed
}

#[test]
fn each_function_has_its_partitions_and_no_others() {
    let template = Template::load();
    assert_eq!(PARTITIONS.map(|(id, ..)| id), FUNCTIONS.each_ref().map(|function| function.id));
    for (id, reads, writes, deletes) in PARTITIONS {
        let given = allowed(&template, &format!("{id}Role"));
        for (action, partitions) in given {
            let expected = match action {
                "dynamodb:GetItem" | "dynamodb:Query" => reads,
                "dynamodb:PutItem" => writes,
                "dynamodb:DeleteItem" => deletes,
                other => panic!("{id}: {other}"),
            };
            assert_eq!(partitions, expected.iter().copied().collect(), "{id}: {action}");
        }
    }
}

#[test]
fn every_partition_of_the_code_is_somebodys_and_no_other() {
    let lists = PARTITIONS.iter().flat_map(|(_, reads, writes, deletes)| [*reads, *writes, *deletes]);
    let given: BTreeSet<String> = lists.flatten().map(|pattern| (*pattern).to_owned()).collect();
    // The list of owners is the operator's alone.
    let operators = BTreeSet::from([Owner::listing_key("demo").pk]);
    assert!(given.is_disjoint(&operators));
    assert_eq!(spelled(), &given | &operators);
}

#[test]
fn no_function_makes_keys_owners_or_apps() {
    for (id, _, writes, deletes) in PARTITIONS {
        for key in operators_keys() {
            assert!(![writes, deletes].concat().iter().any(|pattern| matches(pattern, &key)), "{id} writes {}", key.pk);
        }
    }
}

/// They put records and cannot see them, so nobody who has got hold of a function finds one to replace; and they delete none.
#[test]
fn no_function_reads_or_deletes_what_is_recorded() {
    let record = Key::new(relay::audit::partition("demo"), "");
    let is_given = |patterns: Partitions| patterns.iter().any(|pattern| matches(pattern, &record));
    let writers: Vec<&str> =
        PARTITIONS.into_iter().filter(|(_, _, writes, _)| is_given(writes)).map(|(id, ..)| id).collect();
    assert_eq!(writers, ["ExportApi", "ExportDispatcher", "Notify"]);
    for (id, reads, _, deletes) in PARTITIONS {
        assert!(!is_given(reads) && !is_given(deletes), "{id}");
    }
    // An update is no put: no function may make one of anything in this table.
    let template = Template::load();
    for function in &FUNCTIONS {
        let role = format!("{}Role", function.id);
        let of_control =
            statements(&template, &role).into_iter().filter(|it| it["Resource"].to_string().contains("ControlTable"));
        let actions: Vec<&str> = of_control.flat_map(|statement| list(&statement["Action"])).map(name).collect();
        assert!(!actions.contains(&"dynamodb:UpdateItem"), "{role} {actions:?}");
    }
}
