use std::fs;
use std::path::PathBuf;

use super::*;

/// A folder of logs of its own, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("relayctl-logs-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.0.join(format!("{file}.log")), text).unwrap();
    }

    fn log(&self) -> Log {
        Log { source: Source::Files(files::Files::new(self.0.clone())), told: HashSet::new() }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn line(second: u32, level: &str, more: &str) -> String {
    format!(
        "{{\"timestamp\":\"2026-11-29T09:00:{second:02}.250000Z\",\"level\":\"{level}\",\"message\":\"m{second}\"{more},\"target\":\"t\"}}\n"
    )
}

const COUNT: &str = "{\"_aws\":{\"CloudWatchMetrics\":[],\"Timestamp\":1795942803000},\"received\":1}\n";

/// 2026-11-29T09:00:00Z.
const NINE: i64 = 1_795_942_800_000;

fn wanted() -> Wanted {
    Wanted { since: NINE, until: NINE + 3_600_000, ..Wanted::default() }
}

fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("IngestFunction", &(line(2, "WARN", ",\"trace_id\":\"ab\"") + COUNT + &line(6, "INFO", "")));
    let panic = "thread 'main' panicked at src/lib.rs:\nindex out of bounds \u{1b}[2J\n";
    folder.write("NotifyFunction", &(line(1, "INFO", ",\"export_id\":\"ab\"") + &line(4, "ERROR", ",\"n\":7") + panic));
    folder
}

#[tokio::test]
async fn lines_of_all_functions_are_one_list_by_time() {
    let found = folder("merged").log().read(&wanted()).await.unwrap();
    let shown: String = found.lines.iter().map(|line| line.shown(false)).collect();
    insta::assert_snapshot!(shown);
    assert!(found.cut.is_empty());
    assert!(found.lines[0].shown(true).contains("\u{1b}[32mINFO "), "{:?}", found.lines[0].shown(true));
}

#[tokio::test]
async fn lines_are_chosen_by_time_level_function_and_word() {
    let folder = folder("chosen");
    let count = async |wanted: Wanted| folder.log().read(&wanted).await.unwrap().lines.len();
    assert_eq!(count(Wanted { with_counts: true, ..wanted() }).await, 7);
    assert_eq!(count(Wanted { since: NINE + 5_000, ..wanted() }).await, 1);
    assert_eq!(count(Wanted { until: NINE + 2_000, ..wanted() }).await, 1);
    assert_eq!(count(Wanted { level: Some(Level::Warn), ..wanted() }).await, 4, "a panic is as bad as a warning");
    assert_eq!(count(Wanted { level: Some(Level::Error), ..wanted() }).await, 1);
    assert_eq!(count(Wanted { functions: vec!["ingest".into()], ..wanted() }).await, 2);
    assert_eq!(count(Wanted { words: vec!["\"ab\"".into()], ..wanted() }).await, 2);
    assert_eq!(count(Wanted { functions: vec!["export-api".into()], ..wanted() }).await, 0, "it never ran");
}

#[tokio::test]
async fn what_follows_is_told_once_and_a_line_under_way_when_it_is_whole() {
    let folder = Folder::new("follow");
    let (mut log, mut wanted) = (folder.log(), wanted());
    let half = line(8, "INFO", "");
    let (half, rest) = half.split_at(20);
    folder.write("IngestFunction", &(line(5, "INFO", "") + half));
    let mut follow = async |now| -> Vec<String> {
        let found = log.follow(&mut wanted, NINE + now).await.unwrap();
        found.lines.iter().map(Line::message).collect()
    };
    assert_eq!(follow(6_000).await, ["m5"]);
    assert_eq!(follow(7_000).await, Vec::<String>::new());
    folder.write("IngestFunction", &(line(5, "INFO", "") + half + rest));
    folder.write("NotifyFunction", &line(4, "INFO", ""));
    assert_eq!(follow(9_000).await, ["m4", "m8"], "late lines, too");
    assert_eq!(follow(10_000).await, Vec::<String>::new());
}

#[test]
fn a_program_gets_the_line_as_it_was_written() {
    let line = Line::new("ingest", 5, "0".into(), "{\"timestamp\":\"2026-11-29T09:00:00Z\",\"a\":{\"b\":1}}".into());
    let expected = serde_json::json!({"at": "2026-11-29T09:00:00.000Z", "function": "ingest",
        "line": {"timestamp": "2026-11-29T09:00:00Z", "a": {"b": 1}}});
    assert_eq!(line.json(), expected);
    let text = Line::new("ingest", 5, "0".into(), "no JSON".into());
    assert_eq!((text.at, text.json()["line"].as_str()), (5, Some("no JSON")));
}
