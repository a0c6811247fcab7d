//! What a deploy asks AWS itself (`infra/deployed.py`), asked of the running stack's emulator. Needs a stack, named by `RELAY_STACK`; nothing serves what is
//! uploaded there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use relay_tests::stack::Stack;
use serde_json::{Value, json};

/// What asks, and whom.
struct Desk {
    root: PathBuf,
    stack: Stack,
}

impl Desk {
    fn start(case: &str) -> Option<Self> {
        let stack = Stack::running(case)?;
        Some(Self { root: Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the root").to_owned(), stack })
    }

    fn python(&self, script: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(self.root.join(".relay/venv/bin/python"));
        command.arg("-B").arg(self.root.join(script)).args(arguments);
        command.env("AWS_ENDPOINT_URL", self.stack.get("emulator_url"));
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        command.output().expect("the emulator's Python can be run")
    }

    fn run(&self, arguments: &[&str]) -> Result<Value, String> {
        let arguments = [&["--region", self.stack.get("region")], arguments].concat();
        let output = self.python("infra/deployed.py", &arguments);
        if output.status.success() {
            return Ok(serde_json::from_slice(&output.stdout).expect("JSON"));
        }
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }

    /// What the bucket gives for a key: status, kind, how long it may be kept, and the text.
    fn object(&self, bucket: &str, key: &str) -> (u16, [String; 2], String) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let url = format!("{}/{bucket}/{key}", self.stack.get("emulator_url"));
        let mut answer = agent.get(url).call().expect("the emulator answers");
        let header = |name: &str| {
            let value = answer.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let headers = [header("content-type"), header("cache-control")];
        (answer.status().as_u16(), headers, answer.body_mut().read_to_string().expect("text"))
    }
}

/// A site whose one folder has this name.
fn site(folder: &str) -> tempfile::TempDir {
    let site = tempfile::tempdir().expect("a folder");
    let assets = site.path().join("a").join(folder);
    std::fs::create_dir_all(assets.join("words")).expect("a folder");
    std::fs::write(site.path().join("index.html"), format!("<script src=\"a/{folder}/page.js\">")).expect("a file");
    std::fs::write(assets.join("page.js"), "import './words/en.js'").expect("a file");
    std::fs::write(assets.join("words/en.js"), folder).expect("a file");
    site
}

#[test]
fn a_page_is_published_once_and_the_one_before_it_stays_for_open_tabs() {
    let case = "a_page_is_published_once_and_the_one_before_it_stays_for_open_tabs";
    let Some(desk) = Desk::start(case) else { return };
    assert!(desk.run(&["identity"]).expect("an identity")["arn"].is_string());
    let found = desk.run(&["stack", "relay"]).expect("the stack");
    assert!(found["status"].as_str().is_some_and(|status| status.ends_with("_COMPLETE")), "{found}");
    assert!(found["parameters"]["MailFrom"].is_string(), "{found}");
    let text = |name: &str| found["outputs"][name].as_str().unwrap_or_else(|| panic!("{name} of {found}")).to_owned();
    let (bucket, distribution) = (text("SiteBucket"), text("SiteDistribution"));
    let publish = |site: &tempfile::TempDir| {
        let path = site.path().to_str().expect("a path");
        desk.run(&["publish", "--bucket", &bucket, "--distribution", &distribution, path])
    };
    let [first, second] = ["0000000000000001", "0000000000000002"].map(site);
    assert_eq!(publish(&first), Ok(json!({ "uploaded": 3, "removed": 0 })));
    assert_eq!(publish(&first), Ok(json!({ "uploaded": 0, "removed": 0 })), "nothing has changed");
    assert_eq!(publish(&second), Ok(json!({ "uploaded": 3, "removed": 0 })));
    let for_ever = "public, max-age=31536000, immutable";
    let script = "text/javascript; charset=utf-8";
    for folder in ["0000000000000001", "0000000000000002"] {
        let (status, headers, words) = desk.object(&bucket, &format!("a/{folder}/words/en.js"));
        assert_eq!((status, headers, words.as_str()), (200, [script, for_ever].map(str::to_owned), folder));
    }
    let (_, headers, index) = desk.object(&bucket, "index.html");
    assert_eq!(headers, ["text/html; charset=utf-8", "no-cache"].map(str::to_owned));
    assert!(index.contains("0000000000000002"), "{index}");
    std::fs::write(second.path().join("a/0000000000000002/page.xyz"), "?").expect("a file");
    assert!(
        publish(&second).expect_err("an unknown kind").contains("no content type is known for files that end in .xyz")
    );
}

#[test]
fn what_is_not_there_is_said() {
    let Some(desk) = Desk::start("what_is_not_there_is_said") else { return };
    let nothing = json!({ "status": null, "parameters": {}, "outputs": {} });
    assert_eq!(desk.run(&["stack", "no-such-stack"]), Ok(nothing));
    let health = format!("{}/v1/health", desk.stack.get("api_url"));
    assert_eq!(desk.run(&["reach", "--within", "0", &health]), Ok(json!({ "status": 200 })));
    let refusal = desk.run(&["reach", "--within", "0", "--holds", "another page", &health]).expect_err("not in it");
    assert_eq!(refusal, format!("{health}: answered 200, without another page"));
    let gone = format!("{}/v1/gone", desk.stack.get("api_url"));
    assert_eq!(desk.run(&["reach", "--within", "0", &gone]), Err(format!("{gone}: answered 404")));
    // Port 9 is nobody's: a name that does not lead anywhere yet.
    let nobody = desk.run(&["reach", "--within", "0", "http://127.0.0.1:9/"]).expect_err("nobody there");
    assert!(nobody.starts_with("http://127.0.0.1:9/: Could not connect"), "{nobody}");
}

#[test]
fn a_release_is_removed_a_while_after_it_was_replaced() {
    let Some(desk) = Desk::start("a_release_is_removed_a_while_after_it_was_replaced") else { return };
    let infra = desk.root.join("infra");
    let output = desk.python("tests/stack_publish/outlived.py", &[infra.to_str().expect("a path")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
