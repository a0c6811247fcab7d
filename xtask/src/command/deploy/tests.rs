use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use super::*;

/// Programs that note how they were called, one line a call, and answer as told.
struct Fakes {
    folder: tempfile::TempDir,
}

/// What `deployed.py stack` answers before and after the page's address is set.
const FRESH: &str = r#"{"status": "CREATE_COMPLETE", "parameters": {"SiteUrl": ""}, "outputs": OUTPUTS}"#;
const SETTLED: &str =
    r#"{"status": "UPDATE_COMPLETE", "parameters": {"SiteUrl": "https://d1.cloudfront.net"}, "outputs": OUTPUTS}"#;
const NONE: &str = r#"{"status": null, "parameters": {}, "outputs": {}}"#;
const OUTPUTS: &str = r#"{"SiteUrl": "https://d1.cloudfront.net", "ApiUrl": "https://api", "ApiDefaultUrl": "https://api", "SiteTarget": "d1.cloudfront.net", "SiteBucket": "bucket", "SiteDistribution": "E1",
    "AlarmTopicArn": "arn:aws:sns:topic", "ControlTable": "control"}"#;

impl Fakes {
    /// `stacks` are answered one after the other, the last for ever; `python` and `sam` are further lines of their scripts.
    fn new(stacks: &[&str], python: &str, sam: &str) -> Self {
        let fakes = Self { folder: tempfile::tempdir().expect("a folder") };
        for (number, answer) in stacks.iter().enumerate() {
            fs::write(fakes.path(&format!("stack.{number}")), answer.replace("OUTPUTS", OUTPUTS)).expect("a file");
        }
        let here = fakes.folder.path().display();
        let last = stacks.len().saturating_sub(1);
        fakes.program("python", &format!(
            r#"{python}
case "$*" in
  *" stack "*) n=$(cat {here}/asked 2>/dev/null || echo 0); echo $((n < {last} ? n + 1 : n)) >{here}/asked; cat {here}/stack.$n;;
  *publish*) echo '{{"uploaded": 31, "removed": 0}}';;
  *) echo '{{"account": "1", "arn": "arn:aws:iam::1:user/kim"}}';;
esac"#
        ));
        fakes.program("sam", sam);
        fakes
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn program(&self, name: &str, lines: &str) {
        let path = self.path(name);
        let log = self.path("calls");
        fs::write(&path, format!("#!/bin/sh\necho \"{name} $*\" >>{}\n{lines}\n", log.display())).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it can be run");
    }

    fn tools(&self) -> Tools {
        let (sam, python, root) = (self.path("sam"), self.path("python"), self.folder.path().to_owned());
        Tools { sam, python, root, region: Some("eu-west-1".to_owned()) }
    }

    fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("calls")).unwrap_or_default();
        text.lines().map(|line| line.replace("infra/deployed.py --region eu-west-1 ", "")).collect()
    }
}

fn settings(parameters: &[(&str, &str)]) -> Settings {
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings {
        environment: "dev".to_owned(),
        stack: "relay-dev".to_owned(),
        region: Some("eu-west-1".to_owned()),
        role: None,
        parameters: parameters.collect(),
    }
}

const SAM: &str = "sam deploy --config-env dev --stack-name relay-dev --region eu-west-1 --no-confirm-changeset --max-wait-duration 180 --parameter-overrides MailFrom=a@example.com";

#[test]
fn the_first_deploy_brings_stack_page_and_then_the_pages_address() {
    let fakes = Fakes::new(&[FRESH, SETTLED], "", "");
    let deployed = bring(&fakes.tools(), &settings(&[("MailFrom", "a@example.com")]), "a/1", false).expect("deployed");
    assert_eq!(deployed.parameter("SiteUrl"), "https://d1.cloudfront.net");
    let again = format!("{SAM} SiteUrl=https://d1.cloudfront.net");
    let expected = [
        SAM,
        "python stack relay-dev",
        "python publish --bucket bucket --distribution E1 target/site",
        &again,
        "python stack relay-dev",
        "python reach --holds  https://api/v1/health",
        "python reach --holds a/1 https://d1.cloudfront.net/",
        "python reach --holds  https://d1.cloudfront.net/v1/health",
    ];
    assert_eq!(fakes.calls(), expected);
}

#[test]
fn a_later_deploy_needs_one_pass_and_may_ask() {
    let fakes = Fakes::new(&[SETTLED], "", "");
    bring(&fakes.tools(), &settings(&[("MailFrom", "a@example.com")]), "a/1", true).expect("deployed");
    let calls = fakes.calls();
    assert_eq!(calls.iter().filter(|call| call.starts_with("sam ")).count(), 1, "{calls:?}");
    assert_eq!(calls.first(), Some(&SAM.replace(" --no-confirm-changeset", "")));
}

#[test]
fn a_question_that_was_answered_with_no_is_no_deploy() {
    let refusing = r#"case "$*" in *unconfirmed*) echo '{"change_sets": 1}'; exit 0;; esac"#;
    let fakes = Fakes::new(&[SETTLED], refusing, "");
    let refusal = bring(&fakes.tools(), &settings(&[]), "a/1", true).expect_err("nothing was deployed");
    assert!(refusal.starts_with("not deployed: a change set of relay-dev"), "{refusal}");
    assert!(!fakes.calls().iter().any(|call| call.contains("publish")), "{:?}", fakes.calls());
}

#[test]
fn cloudformation_acts_as_the_role_that_it_is_given() {
    let fakes = Fakes::new(&[SETTLED], "", "");
    let settings = Settings { role: Some("arn:aws:iam::1:role/cfn".to_owned()), ..settings(&[]) };
    bring(&fakes.tools(), &settings, "a/1", false).expect("deployed");
    let calls = fakes.calls();
    assert!(calls.first().is_some_and(|call| call.contains(" --role-arn arn:aws:iam::1:role/cfn ")), "{calls:?}");
}

#[test]
fn a_domain_of_ones_own_is_known_before() {
    let domain = FRESH.replace(r#""SiteUrl": """#, r#""SiteUrl": "", "SiteDomain": "relay.example.com""#);
    let fakes = Fakes::new(&[&domain], "", "");
    bring(&fakes.tools(), &settings(&[]), "a/1", false).expect("deployed");
    assert_eq!(fakes.calls().iter().filter(|call| call.starts_with("sam ")).count(), 1);
}

#[test]
fn nothing_is_uploaded_when_the_stack_was_not_deployed() {
    let fakes = Fakes::new(&[SETTLED], "", "exit 1");
    let refusal = bring(&fakes.tools(), &settings(&[]), "a/1", false).expect_err("refused");
    assert!(refusal.contains("sam deploy --config-env dev"), "{refusal}");
    assert_eq!(fakes.calls().len(), 1, "{:?}", fakes.calls());
}

#[test]
fn before_anything_is_built_it_is_seen_whether_a_deploy_can_begin() {
    let with_sender = settings(&[("MailFrom", "a@example.com")]);
    let refusal = |stack: &str, python: &str, settings: &Settings| {
        before(&Fakes::new(&[stack], python, "").tools(), settings).expect_err("refused")
    };
    assert!(refusal(NONE, "echo Unable to locate credentials >&2; exit 1", &with_sender).contains("Unable to locate"));
    assert!(refusal(NONE, "", &settings(&[])).starts_with("MailFrom is missing"));
    let stuck = FRESH.replace("CREATE_COMPLETE", "ROLLBACK_COMPLETE");
    assert!(refusal(&stuck, "", &with_sender).contains("ROLLBACK_COMPLETE"));
    assert_eq!(before(&Fakes::new(&[NONE], "", "").tools(), &with_sender), Ok(()));
    let unconfirmed = FRESH.replace("CREATE_COMPLETE", "REVIEW_IN_PROGRESS");
    assert_eq!(before(&Fakes::new(&[&unconfirmed], "", "").tools(), &with_sender), Ok(()));
    let known = SETTLED.replace(r#""SiteUrl":"#, r#""MailFrom": "a@example.com", "SiteUrl":"#);
    assert_eq!(before(&Fakes::new(&[&known], "", "").tools(), &settings(&[])), Ok(()), "the stack knows its sender");
}

#[test]
fn an_address_that_does_not_answer_fails_the_deploy() {
    let failing = r#"case "$*" in *reach*) echo 'https://api/v1/health: answered 503' >&2; exit 1;; esac"#;
    let fakes = Fakes::new(&[SETTLED], failing, "");
    let refusal = bring(&fakes.tools(), &settings(&[]), "a/1", false).expect_err("refused");
    assert_eq!(refusal, "https://api/v1/health: answered 503");
}

#[test]
fn the_environments_of_this_checkout_can_be_read() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samconfig.toml");
    let text = fs::read_to_string(file).expect("samconfig.toml");
    for environment in ["dev", "prod"] {
        let options = Deploy { environment: environment.to_owned(), ..options() };
        let settings = Settings::read(&text, &options, None).expect(environment);
        assert!(!settings.stack.is_empty() && !settings.parameters.is_empty(), "{settings:?}");
    }
}

fn options() -> Deploy {
    Deploy {
        environment: "dev".to_owned(),
        target: crate::cli::Target::default(),
        stack: None,
        region: None,
        mail_from: None,
        parameters: Vec::new(),
        role_arn: None,
        dry_run: false,
        yes: false,
    }
}
