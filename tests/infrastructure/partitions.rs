//! Which partitions of table `control` each function may read, write and delete from: nobody but relayctl's user makes a key or moves an app.

use std::collections::{BTreeMap, BTreeSet};

use relay::backlog;
use relay::control::{Key, Write};
use relay::export::Export;
use relay::export::queue::{QUEUE, Seat, Slot, Turn};
use relay::owner::{App, FormerClaim, KeyRecord, Owner};
use relay::page::raise_shards;
use relay::port::Watermark;
use relay::port::memory::MemoryControl;

use super::functions::FUNCTIONS;
use super::permissions::statements;
use super::template::{Template, list, name};

/// A function, what it reads, what it puts, and what it deletes.
const PARTITIONS: [(&str, &[&str], &[&str], &[&str]); 6] = [
    ("Ingest", &["key#*", "owner#*", "app#*"], &[], &[]),
    ("BatchWriter", &["setting"], &["setting", "watermark"], &[]),
    (
        "ExportApi",
        &["key#*", "owner#*", "app#*", "export#*", "seat#*", "queue", "slot", "turn", "setting", "watermark"],
        &["export#*", "seat#*", "queue", "slot", "turn"],
        &["seat#*", "queue"],
    ),
    ("ExportWorker", &["export#*", "setting", "watermark"], &["export#*"], &[]),
    ("ExportDispatcher", &["export#*", "queue", "slot", "turn"], &["export#*", "slot", "turn"], &["seat#*", "queue"]),
    ("Notify", &["export#*", "owner#*"], &["export#*"], &[]),
];

/// What only an operator writes.
fn operators_keys() -> [Key; 5] {
    [Owner::key("demo"), Owner::listing_key("demo"), App::key("abc"), FormerClaim::key("abc"), KeyRecord::key("00")]
}

/// One key of each sort, as the code spells it.
fn keys() -> Vec<Key> {
    let mark = Watermark { shard_id: "shardId-0".to_owned(), sequence_number: "1".to_owned() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let control = MemoryControl::default();
    let shards = runtime.block_on(raise_shards(&control, 2)).expect("the double has no faults").expect("a write");
    let written = [shards, backlog::record(&mark, 0).expect("a write")].map(|write: Write| write.key().clone());
    let queued = Key::new(QUEUE, "0");
    let own = [Export::key("demo", "0"), Seat::key("demo", 0), Slot::key(0), Turn::key("demo"), queued];
    operators_keys().into_iter().chain(own).chain(written).collect()
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
fn partitions_are_spelled_as_the_code_spells_them() {
    let keys = keys();
    for (id, reads, writes, deletes) in PARTITIONS {
        for pattern in [reads, writes, deletes].concat() {
            assert!(keys.iter().any(|key| matches(pattern, key)), "{id}: nothing stands in {pattern}");
        }
    }
    for key in keys.iter().filter(|key| key.pk != Owner::listing_key("demo").pk) {
        let is_read = PARTITIONS.iter().any(|(_, reads, ..)| reads.iter().any(|pattern| matches(pattern, key)));
        let is_written = PARTITIONS.iter().any(|(_, _, writes, _)| writes.iter().any(|pattern| matches(pattern, key)));
        assert!(is_read, "nobody reads {}", key.pk);
        assert!(is_written || operators_keys().contains(key), "nobody writes {}", key.pk);
    }
}

#[test]
fn no_function_makes_keys_owners_or_apps() {
    for (id, _, writes, deletes) in PARTITIONS {
        for key in operators_keys() {
            assert!(![writes, deletes].concat().iter().any(|pattern| matches(pattern, &key)), "{id} writes {}", key.pk);
        }
    }
}
