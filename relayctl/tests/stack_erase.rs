//! Erasing by the program itself, against the whole local stack: what is erased is in no file at once; the job ends though its process is killed; no page holds
//! the id; and nothing brings it back. Runs where `RELAY_STACK` names a stack's `stack.json`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;
use relay::activity::{Activity, Fields, Kind, Value};
use relay::erase::Erased;
use relay::field::Field;
use relay::page::{PageDay, largest_shards};
use relay::port::{PageStore as _, Record, SortRange, Stream as _};
use relay::reader::{Reader, Selection};
use relay::time::date_of_day;
use relay::{arbitrary, frame, page};
use relay_aws::dynamodb::AwsPages;
use relay_aws::kinesis::AwsStream;
use relay_lambda::process;
use serde_json::json;
use support::{Stack, call};

/// How long the dispatcher may take with a pass that is killed again and again: it ticks each minute, and what a dead
/// one held is free after two.
const LIMIT: Duration = Duration::from_mins(10);

const DAY_MS: i64 = 24 * 3600 * 1000;

/// How many processes are killed in the middle of the job.
const KILLS: usize = 2;

impl Stack {
    fn pages(&self) -> AwsPages {
        AwsPages::new(&self.aws, self.get("pages_table"))
    }

    /// Puts frames into the stream, as the door does, and waits until the writer has read all that is in it.
    async fn stored(&self, frames: &[Bytes]) {
        let record = |data: &Bytes| Record { partition_key: process::trace_id(), data: data.clone() };
        let records: Vec<Record> = frames.iter().map(record).collect();
        let put = AwsStream::new(&self.aws, self.get("stream")).put(&records).await;
        assert!(put.iter().all(Result::is_ok), "{put:?}");
        self.drained().await;
    }

    /// The users of all rows of a new file of the app's installs, downloaded by its link.
    async fn users_in_a_file(&self, key: &str) -> BTreeMap<String, usize> {
        let today = process::now_ms().div_euclid(DAY_MS);
        let request = json!({
            "app_token": self.app, "kind": "install", "start_date": date_of_day(today - 4), "end_date": date_of_day(today),
            "email": format!("{}@example.com", process::trace_id()), "columns": ["user_id"],
        });
        let Some(export) = self.exported(key, &request).await else { return BTreeMap::new() };
        let path = format!("/v1/exports/{}/link", export["export_id"].as_str().unwrap());
        let (status, link) = self.ask("POST", &path, key, "");
        assert_eq!(status, 200, "{link}");
        let (status, file) = call(link["url"].as_str().unwrap(), ("GET", ""), "");
        assert_eq!(status, 200, "{file}");
        counted(file.lines().skip(1).map(str::to_owned).collect())
    }

    /// The users of all rows that an export would hold, read as its worker reads.
    async fn users_given_out(&self) -> BTreeMap<String, usize> {
        let (control, pages, now) = (self.control(), self.pages(), process::now_ms());
        let mut users = Vec::new();
        for kind in Kind::ALL {
            let selection = Selection {
                app_token: self.app.clone(),
                kind,
                from: now - 4 * DAY_MS,
                to: now + DAY_MS,
                as_of: now + DAY_MS,
                kept_since: 0,
                received_since: 0,
                after: None,
                shards: largest_shards(&control).await.unwrap(),
                erased: Erased::load(&control, &self.owner).await.unwrap(),
            };
            let mut reader = Reader::new(&pages, selection);
            while let Some(minute) = reader.next().await.unwrap() {
                users.extend(minute.iter().map(|row| user(&row.unwrap())));
            }
        }
        counted(users)
    }

    /// The users of every activity in every page of the app, whatever is erased.
    async fn users_stored(&self) -> BTreeMap<String, usize> {
        let (shards, pages) = (largest_shards(&self.control()).await.unwrap(), self.pages());
        let today = process::now_ms().div_euclid(DAY_MS);
        let mut users = Vec::new();
        for (day, kind, shard) in (today - 4..=today)
            .flat_map(|day| Kind::ALL.map(move |kind| (day, kind)))
            .flat_map(|(day, kind)| (0..shards).map(move |shard| (day, kind, shard)))
        {
            let day = PageDay { app_token: self.app.clone(), kind, day, shard };
            let mut after = None;
            loop {
                let range = SortRange { from: "0000", to: "2400", after: after.as_deref() };
                let listing = pages.list(&day, range, None).await.unwrap();
                for stored in listing.pages {
                    let bytes = page::unpack(&stored.body).unwrap();
                    for range in page::datums(&bytes) {
                        users.push(user(&relay::avro::decode(&bytes[range.unwrap()]).unwrap()));
                    }
                }
                after = listing.next;
                if after.is_none() {
                    break;
                }
            }
        }
        counted(users)
    }

    /// Kills a dispatcher's process as soon as the owner's pass has begun and is not over; whether there was one.
    fn kill_at_work(&self) -> bool {
        let status = self.json(&["erase", "status", &self.owner]);
        let is_at_work = status["pass"]["pages"].as_u64().is_some();
        let host = self.host().to_string();
        let kill = |pid: &String| Command::new("kill").args(["-9", pid]).status().unwrap().success();
        is_at_work && processes(&host, "export-worker").iter().filter(|pid| kill(pid)).count() > 0
    }
}

/// The processes of a function: children of the local host.
fn processes(host: &str, name: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let is_one = |folder: &Path| {
        let status = std::fs::read_to_string(folder.join("status")).unwrap_or_default();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).map(str::trim);
        let program = std::fs::read_link(folder.join("exe")).unwrap_or_default();
        parent == Some(host) && program.file_name().is_some_and(|file| file == name)
    };
    let found = entries.filter(|entry| is_one(&entry.path()));
    found.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn user(activity: &Activity<'_>) -> String {
    activity.fields.text(Field::UserId).unwrap_or_default().to_owned()
}

/// Activities of three users, over three days and all kinds, in frames of ten.
fn frames(app: &str) -> Vec<Bytes> {
    let now = process::now_ms();
    let activities: Vec<Activity<'static>> = (0..270u32)
        .map(|n| {
            let mut activity = arbitrary::one();
            activity.activity_id = relay::activity::ActivityId(u128::from(n).to_be_bytes());
            activity.app_token = app.to_owned().into();
            activity.kind = Kind::ALL[n as usize % 3];
            activity.created_at = now - i64::from(n % 3) * DAY_MS - i64::from(n) * 1000;
            activity.received_at = now;
            activity.fields = Fields::default();
            let name = ["kim", "lee", "choi"][(n / 3) as usize % 3];
            activity.fields.set(Field::UserId, Value::Text(name.into()));
            activity
        })
        .collect();
    activities.chunks(10).flat_map(|some| frame::pack(90, some)).map(|frame| frame.data).collect()
}

/// How often each is there.
fn counted(users: Vec<String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for user in users {
        *counts.entry(user).or_default() += 1;
    }
    counts
}

fn others() -> BTreeMap<String, usize> {
    BTreeMap::from([("choi".to_owned(), 90), ("lee".to_owned(), 90)])
}

#[tokio::test]
async fn what_is_erased_is_in_no_file_at_once_and_in_no_page_in_the_end_and_nothing_brings_it_back() {
    let Some(stack) = Stack::of("erase").await else { return };
    let key = stack.key("api");
    stack.json(&["domain", "add", &stack.owner, "example.com"]);
    let frames = frames(&stack.app);
    stack.stored(&frames).await;
    assert_eq!(stack.users_given_out().await.values().sum::<usize>(), 270);
    assert_eq!(stack.users_in_a_file(&key).await.get("kim"), Some(&30));

    let erased = stack.json(&["erase", &stack.owner, "--user-id", "kim"]);
    assert_eq!(erased["made"], 1, "{erased}");
    assert_eq!(stack.users_given_out().await, others(), "at once");
    let in_a_file = BTreeMap::from([("choi".to_owned(), 30), ("lee".to_owned(), 30)]);
    assert_eq!(stack.users_in_a_file(&key).await, in_a_file, "at once");

    let (start, mut killed) = (Instant::now(), 0);
    while stack.json(&["erase", "status", &stack.owner])["state"] != "taken_out" {
        assert!(start.elapsed() < LIMIT, "{}", stack.json(&["erase", "status", &stack.owner]));
        killed += usize::from(killed < KILLS && stack.kill_at_work());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(killed > 0, "no process was killed at its work: the pass was over too soon");
    assert_eq!(stack.users_stored().await, others(), "no page holds it");

    // The stream once more, as it came: a replay of a failed batch, a mapping that begins anew.
    stack.stored(&frames).await;
    assert_eq!(stack.users_given_out().await, others());
    assert_eq!(stack.users_in_a_file(&key).await, in_a_file);
    // What stays is now in two pages each, which a reader makes one row of; what was erased is in none.
    let stored = stack.users_stored().await;
    assert_eq!(stored.keys().collect::<Vec<_>>(), ["choi", "lee"], "the writer left it out: {stored:?}");

    // It says on standard error how far it is.
    let waited = stack.relayctl(&["erase", "status", &stack.owner, "--wait", "--json"]);
    let waited: serde_json::Value = serde_json::from_slice(&waited.stdout).unwrap();
    assert_eq!((&waited["tombstones"], &waited["taken_out"], &waited["swept"]), (&1.into(), &1.into(), &0.into()));
    let listed = stack.json(&["erase", "list", &stack.owner]);
    assert_eq!(
        (&listed["tombstones"][0]["state"], &listed["tombstones"][0]["id_type"]),
        (&"taken_out".into(), &"user_id".into())
    );
    assert!(!listed.to_string().contains("kim"), "{listed}");
}
