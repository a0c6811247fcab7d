//! The folders of releases.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use apache_avro::Schema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::earlier::{Reader, Rules};
use crate::written;

/// A page as the table holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredPage {
    pub(crate) pk: String,
    pub(crate) sk: String,
    /// Hexadecimal.
    pub(crate) body: String,
    pub(crate) n: u64,
    pub(crate) expires_at: i64,
}

impl StoredPage {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        hex::decode(&self.body).unwrap()
    }
}

/// A document of table `control`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Document {
    /// Which sort.
    pub(crate) what: String,
    pub(crate) pk: String,
    pub(crate) sk: String,
    pub(crate) doc: Value,
}

/// What a release wrote.
pub(crate) struct Release {
    pub(crate) version: String,
    pub(crate) frames: BTreeMap<String, Vec<u8>>,
    pub(crate) page: StoredPage,
    pub(crate) rows: Vec<String>,
    pub(crate) documents: Vec<Document>,
    pub(crate) reader: Reader,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/releases")
}

/// Every release that is recorded, the present one among them.
pub(crate) fn all() -> Vec<Release> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    let mut versions: Vec<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    versions.sort();
    versions.iter().map(|version| Release::load(version)).collect()
}

impl Release {
    pub(crate) fn load(version: &str) -> Self {
        let folder = folder().join(version);
        let read = |name: &str| {
            fs::read_to_string(folder.join(name)).unwrap_or_else(|error| {
                panic!("{version}/{name}: {error}; RECORD_RELEASE=1 records a release that is not yet")
            })
        };
        let frames: BTreeMap<String, String> = serde_json::from_str(&read("frames.json")).unwrap();
        let rules: Rules = serde_json::from_str(&read("reader.json")).unwrap();
        let schema = |name: &str| Schema::parse_str(&read(name)).unwrap();
        Self {
            version: version.to_owned(),
            frames: frames.into_iter().map(|(name, text)| (name, hex::decode(text).unwrap())).collect(),
            page: serde_json::from_str(&read("page.json")).unwrap(),
            rows: read("rows.jsonl").lines().map(str::to_owned).collect(),
            documents: serde_json::from_str(&read("documents.json")).unwrap(),
            reader: Reader { rules, activity: schema("activity.avsc"), reject: schema("reject.avsc") },
        }
    }
}

/// Records the present release, unless it is recorded: no release's record is ever written anew.
pub(crate) fn record(version: &str) {
    let folder = folder().join(version);
    if folder.exists() {
        return;
    }
    fs::create_dir_all(&folder).unwrap();
    let now = written::all();
    let frames: BTreeMap<&String, String> = now.frames.iter().map(|(name, bytes)| (name, hex::encode(bytes))).collect();
    let rules = Rules {
        activities: [1, 2],
        raw: [3, 4],
        activity_schemas: vec![format!("{:016x}", relay::avro::FINGERPRINT)],
        reject_schemas: vec![format!("{:016x}", relay::frame::REJECT_FINGERPRINT)],
        unpack_limit: 4 * 1024 * 1024,
    };
    let write = |name: &str, text: String| fs::write(folder.join(name), text).unwrap();
    let json = |value: Value| serde_json::to_string_pretty(&value).unwrap() + "\n";
    write("frames.json", json(serde_json::to_value(frames).unwrap()));
    write("page.json", json(serde_json::to_value(now.page).unwrap()));
    write("rows.jsonl", now.rows.join("\n") + "\n");
    write("documents.json", json(serde_json::to_value(now.documents).unwrap()));
    write("reader.json", json(serde_json::to_value(rules).unwrap()));
    write("activity.avsc", include_str!("../../../../schemas/activity.avsc").to_owned());
    write("reject.avsc", include_str!("../../../../schemas/reject.avsc").to_owned());
}
