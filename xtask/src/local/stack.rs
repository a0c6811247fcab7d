//! `.relay/stack.json`: how to reach the running stack, and with which keys. Only its owner may read it.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::place::Root;
use crate::say::Outcome;

/// Where the stack is and what its parts are called; relay-local writes it as `.relay/ready.json` when all is up.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Place {
    /// The page's address.
    pub(crate) site_url: String,
    /// The API's address, without `/v1`.
    pub(crate) api_url: String,
    /// Where sent mail is read.
    pub(crate) inbox_url: String,
    /// The emulator of AWS.
    pub(crate) emulator_url: String,
    /// The region that everything is in.
    pub(crate) region: String,
    /// The table of pages.
    pub(crate) pages_table: String,
    /// relay-local's process id.
    pub(crate) pid: i32,
    /// What became of the data of earlier runs.
    pub(crate) state: State,
    /// Every other name: stream, buckets, state machine.
    #[serde(flatten)]
    pub(crate) names: Map<String, Value>,
}

/// What a starting stack found.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// Nothing.
    New,
    /// All that the last stop in order left.
    Kept,
    /// What a killed run left: perhaps all of it, perhaps only what the last stop in order had left.
    Recovered,
}

/// The demo owner's app and keys.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Keys {
    /// The registered app token.
    pub(crate) app_token: String,
    /// For callbacks and activities.
    pub(crate) ingest_key: String,
    /// For exports.
    pub(crate) api_key: String,
    /// An address in the owner's domain.
    pub(crate) email: String,
}

/// The whole file.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Stack {
    /// The stack.
    #[serde(flatten)]
    pub(crate) place: Place,
    /// The demo owner.
    #[serde(flatten)]
    pub(crate) keys: Keys,
}

impl Place {
    /// `host:port` of the API.
    pub(crate) fn authority(&self) -> Outcome<&str> {
        let authority = self.api_url.strip_prefix("http://");
        authority.ok_or_else(|| format!("api_url is {}, expected http://host:port", self.api_url))
    }
}

/// The file's name under the root.
pub(crate) const FILE: &str = "stack.json";

/// The keys that an earlier `up` left, if there are any.
pub(crate) fn earlier_keys(root: &Root) -> Option<Keys> {
    read(&root.relay(FILE)).ok()
}

/// Reads a JSON file.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Outcome<T> {
    let text = fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{} is not as expected: {error}", path.display()))
}

/// Writes a JSON file whole or not at all, readable by its owner only.
pub(crate) fn write(path: &Path, value: &impl Serialize) -> Outcome<()> {
    let failed = |error: std::io::Error| format!("cannot write {}: {error}", path.display());
    let text =
        serde_json::to_string_pretty(value).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    let new = path.with_extension("json.new");
    // Left over from a killed run, it could have another mode.
    drop(fs::remove_file(&new));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(failed)?;
    fs::rename(&new, path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_file_is_flat_private_and_read_back() {
        let ready = r#"{"site_url":"http://127.0.0.1:1","api_url":"http://127.0.0.1:1","inbox_url":"http://127.0.0.1:1/inbox",
            "emulator_url":"http://127.0.0.1:2","region":"us-east-1","pages_table":"pages","state":"new","pid":7,"stream":"s","export_bucket":"b"}"#;
        let place: Place = serde_json::from_str(ready).expect("as relay-local writes it");
        let keys = Keys { app_token: "a".into(), ingest_key: "i".into(), api_key: "k".into(), email: "m".into() };
        let path = std::env::temp_dir().join(format!("relay-xtask-{}.json", std::process::id()));
        write(&path, &Stack { place, keys }).expect("written");
        write(&path, &read::<Stack>(&path).expect("read")).expect("written over");
        let value: Value = read(&path).expect("JSON");
        let mode = fs::metadata(&path).expect("there").permissions().mode() & 0o777;
        fs::remove_file(&path).expect("removed");
        assert_eq!(mode, 0o600);
        assert_eq!((&value["stream"], &value["pid"], &value["api_key"]), (&"s".into(), &7.into(), &"k".into()));
    }
}
