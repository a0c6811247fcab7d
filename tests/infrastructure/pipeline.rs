//! What GitHub runs: the tests on every push, a deploy by a token of one run alone, and the roles that such a run gets.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::template::{Template, list, name};
use super::tree;

fn workflow(name: &str) -> Value {
    let text = tree::read(format!(".github/workflows/{name}.yml"));
    serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{name}.yml is no YAML: {error}"))
}

/// The steps of a job.
fn steps<'a>(workflow: &'a Value, job: &str) -> Vec<&'a Value> {
    let steps = workflow["jobs"][job]["steps"].as_array().unwrap_or_else(|| panic!("a job {job} with steps"));
    steps.iter().collect()
}

fn runs(steps: &[&Value], what: &str) -> bool {
    steps.iter().any(|step| step["run"].as_str().is_some_and(|line| line.starts_with(what)))
}

#[test]
fn every_action_is_pinned_and_no_run_may_more_than_read() {
    for file in tree::files_ending(".github/workflows", ".yml") {
        let text = tree::read(&file);
        for used in text.lines().filter_map(|line| line.split("uses: ").nth(1)).map(str::trim) {
            let version = used.rsplit_once('@').map(|(_, version)| version);
            let pinned = version.is_some_and(|version| {
                let major = version.strip_prefix('v').is_some_and(|digits| digits.parse::<u32>().is_ok());
                major || (version.len() == 40 && version.chars().all(|c| c.is_ascii_hexdigit()))
            });
            assert!(pinned || used.starts_with("./"), "{}: {used}", file.display());
        }
        let file: Value = serde_yaml_ng::from_str(&text).expect("YAML");
        assert_eq!(file["permissions"], json!({ "contents": "read" }));
        assert!(!text.contains("secrets."), "nothing here needs a key that lasts");
    }
}

#[test]
fn every_push_and_pull_request_is_tested() {
    let test = workflow("test");
    assert!(test["on"].as_object().expect("events").contains_key("pull_request"));
    // The rest of pushes: deploy.yml, which calls this one.
    assert_eq!(test["on"]["push"]["branches"], json!(["**", "!main"]));
    assert!(runs(&steps(&test, "ci"), ".ci/run"));
    let deploy = workflow("deploy");
    assert_eq!(deploy["on"]["push"], json!({ "branches": ["main"], "tags": ["v*"] }));
    assert_eq!(deploy["jobs"]["test"]["uses"], "./.github/workflows/test.yml");
    assert_eq!(deploy["jobs"]["deploy"]["needs"], "test");
}

#[test]
fn a_deploy_enters_an_environment_and_takes_its_role_by_a_token() {
    let deploy = workflow("deploy");
    let job = &deploy["jobs"]["deploy"];
    assert_eq!(job["permissions"], json!({ "contents": "read", "id-token": "write" }));
    assert_eq!(
        job["environment"], job["env"]["RELAY_ENV"],
        "the environment that was entered is the one that is deployed"
    );
    assert!(job["environment"].as_str().is_some_and(|text| text.contains("'prod'") && text.contains("'dev'")));
    assert_eq!(deploy["concurrency"]["cancel-in-progress"], false, "a deploy under way is never cut off");
    let steps = steps(&deploy, "deploy");
    assert!(runs(&steps, "cargo xtask deploy --env \"$RELAY_ENV\""));
    let taken = steps.iter().find(|step| !step["with"]["role-to-assume"].is_null()).expect("a role is taken");
    let seconds = taken["with"]["role-duration-seconds"].as_u64().expect("seconds");
    let roles = Template::of("infra/ci-role.yaml");
    assert_eq!(*roles.property("DeployRole", "/MaxSessionDuration"), seconds);
}

#[test]
fn only_this_repositorys_environment_may_take_the_role() {
    let roles = Template::of("infra/ci-role.yaml");
    let trust = list(roles.property("DeployRole", "/AssumeRolePolicyDocument/Statement"));
    assert_eq!(trust.len(), 1);
    let claims = &trust[0]["Condition"]["StringEquals"];
    assert_eq!(claims["token.actions.githubusercontent.com:aud"], "sts.amazonaws.com");
    let subject = name(&claims["token.actions.githubusercontent.com:sub"]);
    assert_eq!(subject, "repo:${Repository}:environment:${Environment}", "no branch, no fork, no other repository");
}

#[test]
fn a_run_makes_nothing_itself_and_hands_on_one_role() {
    let roles = Template::of("infra/ci-role.yaml");
    let statements = list(roles.property("DeployRole", "/Policies/0/PolicyDocument/Statement"));
    let actions: BTreeSet<&str> = statements.iter().flat_map(|one| list(&one["Action"])).map(name).collect();
    assert!(actions.iter().all(|action| !action.contains('*')), "{actions:?}");
    let services: BTreeSet<&str> = actions.iter().filter_map(|action| action.split(':').next()).collect();
    assert_eq!(services, BTreeSet::from(["cloudformation", "cloudfront", "iam", "s3"]));
    let of_iam: Vec<&&str> = actions.iter().filter(|action| action.starts_with("iam:")).collect();
    assert_eq!(of_iam, [&"iam:PassRole"]);
    for one in statements {
        assert!(!list(&one["Resource"]).contains(&&json!("*")), "{}", one["Sid"]);
    }
    let of_cloudformation = list(roles.property("CloudFormationRole", "/Policies/0/PolicyDocument/Statement"));
    for one in of_cloudformation {
        let iam = list(&one["Action"]).into_iter().map(name).any(|action| action.starts_with("iam:"));
        // API Gateway's own role for names of one's own is AWS's to fill.
        let is_own = |it: &str| it.ends_with(":role/${StackName}-*") || it.ends_with("/ops.apigateway.amazonaws.com/*");
        let own = list(&one["Resource"]).into_iter().map(name).all(is_own);
        assert!(!iam || own, "{}: roles of the stack alone", one["Sid"]);
    }
}
