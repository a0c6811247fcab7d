//! How large a thing may grow, which names are refused, and where a foreign word may stand: by the text of the sources.

use std::path::{Path, PathBuf};

use super::tree;

/// Lines of a source file with its inline tests.
const FILE_LINES: usize = 400;
/// Lines of a `main.rs` or a file in `src/bin`: wiring, no branches.
const MAIN_LINES: usize = 25;
/// Lines of the README.
const README_LINES: usize = 120;
/// Lines of ARCHITECTURE.md.
const ARCHITECTURE_LINES: usize = 200;
/// Methods of a port.
const PORT_METHODS: usize = 4;

const SOURCES: [&str; 8] = ["bench", "crates", "functions", "local", "relayctl", "tests", "web", "xtask"];

fn sources(end: &str) -> Vec<PathBuf> {
    SOURCES.iter().flat_map(|folder| tree::files_ending(folder, end)).collect()
}

fn lines(path: &Path) -> usize {
    tree::read(path).lines().count()
}

fn is_test(path: &Path) -> bool {
    let path = path.to_string_lossy();
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs")
}

fn is_main(path: &Path) -> bool {
    path.ends_with("src/main.rs") || path.parent().is_some_and(|folder| folder.ends_with("src/bin"))
}

/// The lines of a library that its users see: without inline tests.
fn public_part(path: &Path) -> Vec<String> {
    let text = tree::read(path);
    let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    own.lines().map(str::to_owned).collect()
}

#[test]
fn files_stay_short() {
    for path in [sources(".rs"), sources(".js"), sources(".css"), sources(".py")].concat() {
        let most = if is_main(&path) { MAIN_LINES } else { FILE_LINES };
        if !is_test(&path) {
            assert!(lines(&path) <= most, "{} has {} lines, not {most}: cut it", path.display(), lines(&path));
        }
    }
}

#[test]
fn documents_stay_short() {
    for (path, most) in [("README.md", README_LINES), ("ARCHITECTURE.md", ARCHITECTURE_LINES)] {
        assert!(lines(Path::new(path)) <= most, "{path} has {} lines, not {most}", lines(Path::new(path)));
    }
}

#[test]
fn names_say_what_a_thing_does() {
    for path in [sources(".rs"), sources(".js")].concat() {
        for part in path.iter().map(|part| part.to_string_lossy()) {
            let stem = part.split('.').next().unwrap_or_default();
            let refused = ["common", "util", "utils", "helper", "helpers", "manager", "misc"].contains(&stem);
            assert!(!refused, "{}: `{stem}` says nothing", path.display());
        }
        for line in tree::read(&path).lines() {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            let declares = ["struct ", "enum ", "trait ", "type ", "class "].iter().any(|word| line.contains(word));
            let refused = words.find(|word| word.ends_with("Manager") || word.ends_with("Helper"));
            assert!(!declares || refused.is_none(), "{}: {}", path.display(), line.trim());
        }
    }
}

#[test]
fn nothing_is_left_for_later_or_tied_to_a_machine() {
    // Joined here, so that this file does not hold what it looks for.
    let refused =
        [["TO", "DO"], ["FIX", "ME"], ["XX", "X:"], ["/ro", "ot/"], ["/ho", "me/"], ["/wo", "rk/"], ["for ", "now,"]];
    let refused: Vec<String> = refused.iter().map(|halves| halves.concat()).collect();
    let documents = ["docs", "infra", "schemas"].iter().flat_map(|folder| tree::files(folder));
    let root = ["template.yaml", "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "Cargo.toml", ".ci/run"];
    let texts = [sources(".rs"), sources(".js"), sources(".py"), sources(".toml"), sources(".md")].concat();
    for path in texts.into_iter().chain(documents).chain(root.map(PathBuf::from)) {
        let text = tree::read(&path);
        let found = refused.iter().find(|word| text.contains(word.as_str()));
        assert_eq!(found, None, "in {}", path.display());
    }
}

#[test]
fn a_port_has_at_most_four_methods() {
    let text = tree::read("crates/relay/src/port.rs");
    let mut traits = text.split("\npub trait ").skip(1).peekable();
    assert!(traits.peek().is_some(), "ports stand in port.rs");
    for port in traits {
        let body = port.split("\n}").next().unwrap_or_default();
        let methods = body.lines().filter(|line| line.starts_with("    fn ")).count();
        let name = body.split(':').next().unwrap_or_default();
        assert!((1..=PORT_METHODS).contains(&methods), "port {name} has {methods} methods");
    }
}

#[test]
fn lambda_events_stop_in_the_handler() {
    let inside = tree::files_ending("functions", ".rs").into_iter().filter(|path| !is_test(path) && !is_main(path));
    for path in inside.filter(|path| !path.ends_with("src/handler.rs") && !path.iter().any(|part| part == "handler")) {
        for line in public_part(&path) {
            let foreign = ["aws_lambda_events", "lambda_runtime"].iter().find(|name| line.contains(*name));
            assert_eq!(foreign, None, "{}: {}", path.display(), line.trim());
        }
    }
}

#[test]
fn no_public_signature_names_aws() {
    let libraries = ["crates/relay/src", "crates/relay-aws/src", "crates/relay-lambda/src"];
    let libraries = libraries.iter().flat_map(|folder| tree::files_ending(folder, ".rs"));
    for path in libraries {
        for line in public_part(&path).iter().map(|line| line.trim()) {
            let public = ["pub fn ", "pub async fn ", "pub const fn ", "pub trait ", "pub type ", "pub use "];
            let aws = ["aws_sdk_", "aws_smithy", "aws_config::", "SdkConfig", "SdkError"];
            let leaks = public.iter().any(|word| line.starts_with(word)) && aws.iter().any(|name| line.contains(name));
            assert!(!leaks, "{}: {line}", path.display());
        }
    }
}

#[test]
fn the_pure_library_touches_no_world() {
    let world = ["std::fs", "std::net", "std::env", "std::process", "Instant::now", "SystemTime::now", "tokio::"];
    let own = tree::files_ending("crates/relay/src", ".rs").into_iter();
    for path in own.filter(|path| !is_test(path) && !path.starts_with("crates/relay/src/port")) {
        for line in public_part(&path).iter().filter(|line| !line.trim_start().starts_with("//")) {
            let touched = world.iter().find(|name| line.contains(*name));
            assert_eq!(touched, None, "{}: {}", path.display(), line.trim());
        }
    }
}

#[test]
fn bans_give_their_reasons() {
    let text = tree::read("clippy.toml");
    let bans: Vec<&str> = text.lines().filter(|line| line.contains("path = ")).collect();
    for banned in ["std::env::var\"", "std::time::SystemTime::now\""] {
        assert!(bans.iter().any(|ban| ban.contains(banned)), "clippy.toml bans {banned}");
    }
    for ban in bans {
        let reason = ban.split("reason = \"").nth(1).unwrap_or_default();
        assert!(reason.len() > 10, "without a reason nobody knows when it may go: {ban}");
    }
    assert!(text.contains("too-many-lines-threshold = 40"), "a function has at most 40 lines");
}

#[test]
fn every_function_says_what_it_does() {
    for function in ["batch-writer", "export", "ingest", "notify"] {
        let readme = tree::read(format!("functions/{function}/README.md")).to_lowercase();
        for part in ["trigger", "environment", "fail", "alarm"] {
            assert!(readme.contains(part), "functions/{function}/README.md says nothing under `{part}`");
        }
    }
}
