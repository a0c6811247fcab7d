//! Each function against its source: environment, binary, time-outs, logs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::keys;
use super::template::{Template, list, name, number};
use super::tree;

/// A function of the template and the sources that it is made of.
pub(crate) struct Function {
    pub(crate) id: &'static str,
    pub(crate) binary: &'static str,
    pub(crate) package: &'static str,
    /// The binary's wiring: what it names of AWS is what the function calls.
    pub(crate) main: &'static str,
}

pub(crate) const FUNCTIONS: [Function; 6] = [
    Function { id: "Ingest", binary: "ingest", package: "ingest", main: "src/main.rs" },
    Function { id: "BatchWriter", binary: "batch-writer", package: "batch-writer", main: "src/main.rs" },
    Function { id: "ExportApi", binary: "export-api", package: "export", main: "src/bin/export-api.rs" },
    Function { id: "ExportWorker", binary: "export-worker", package: "export", main: "src/bin/export-worker.rs" },
    Function { id: "ExportDispatcher", binary: "export-worker", package: "export", main: "src/bin/export-worker.rs" },
    Function { id: "Notify", binary: "notify", package: "notify", main: "src/main.rs" },
];

impl Function {
    pub(crate) fn property<'a>(&self, template: &'a Template, pointer: &str) -> &'a serde_json::Value {
        template.property(&format!("{}Function", self.id), pointer)
    }

    fn environment(&self, template: &Template) -> BTreeSet<String> {
        let variables = self.property(template, "/Environment/Variables");
        variables.as_object().expect("variables").keys().cloned().collect()
    }

    fn path(&self, file: &str) -> PathBuf {
        Path::new("functions").join(self.package).join(file)
    }

    /// The file whose `Config` this binary reads: `config.rs`, or in a package of several binaries the part named as this one.
    fn config(&self) -> BTreeSet<String> {
        let text = tree::read(self.path("src/config.rs"));
        let own = text.split("#[cfg(test)]").next().unwrap_or_default();
        let part = self.binary.rsplit('-').next().unwrap_or_default();
        let part = format!("{}{}Config", part[..1].to_uppercase(), &part[1..]);
        let parts: Vec<&str> = own.split("\nimpl ").collect();
        let mine = parts.iter().find(|text| text.starts_with(&part)).copied();
        upper_case_names(mine.unwrap_or(own), '"')
    }

    /// The table of the README's section on the environment that names this binary, or of its only one.
    fn readme(&self) -> BTreeSet<String> {
        let text = tree::read(self.path("README.md"));
        let sections: Vec<&str> = text.split("\n## ").filter(|section| section.contains("nvironment")).collect();
        let mine =
            sections.iter().find(|section| section.lines().next().is_some_and(|title| title.contains(self.binary)));
        let table = mine.or(sections.first()).unwrap_or_else(|| panic!("{}: an environment table", self.package));
        let rows = table.lines().filter(|line| line.starts_with("| `"));
        rows.filter_map(|row| upper_case_names(row, '`').into_iter().next()).collect()
    }
}

/// The names like `STREAM_NAME` that stand between two of these quotes.
fn upper_case_names(text: &str, quote: char) -> BTreeSet<String> {
    let upper = |word: &&str| word.len() > 2 && word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    text.split(quote).skip(1).step_by(2).filter(upper).map(str::to_owned).collect()
}

/// A constant of `relay-aws` that is given in seconds.
fn sdk_seconds(constant: &str) -> u64 {
    let text = tree::read("crates/relay-aws/src/config.rs");
    let start = format!("pub const {constant}: Duration = Duration::from_secs(");
    let value = text.split(&start).nth(1).and_then(|rest| rest.split(')').next());
    value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{constant} in relay-aws"))
}

#[test]
fn the_template_knows_every_function() {
    let template = Template::load();
    let known: BTreeSet<String> = FUNCTIONS.iter().map(|function| format!("{}Function", function.id)).collect();
    let deployed: BTreeSet<String> =
        template.of_type("AWS::Serverless::Function").iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(deployed, known);
}

#[test]
fn the_environment_is_what_config_reads_and_the_readme_says() {
    let template = Template::load();
    for function in &FUNCTIONS {
        let environment = function.environment(&template);
        assert!(!environment.is_empty(), "{}", function.id);
        assert_eq!(environment, function.config(), "{}: template and Config", function.id);
        assert_eq!(environment, function.readme(), "{}: template and README", function.id);
    }
}

#[test]
fn each_function_is_built_once_and_for_the_architecture_chosen() {
    let template = Template::load();
    assert_eq!(template.at("/Globals/Function/Runtime"), "provided.al2023");
    assert_eq!(template.at("/Globals/Function/Handler"), "bootstrap");
    assert_eq!(name(template.at("/Globals/Function/Architectures/0")), "Architecture");
    for function in &FUNCTIONS {
        let id = function.id;
        assert_eq!(*function.property(&template, "/CodeUri"), format!("target/lambda/{}/", function.binary), "{id}");
        assert_eq!(template.at(&format!("/Resources/{id}Function/Metadata/SkipBuild")), true, "{id}");
        let manifest = tree::read(function.path("Cargo.toml"));
        let binary = format!("[[bin]]\nname = \"{}\"\npath = \"{}\"", function.binary, function.main);
        assert!(manifest.contains(&binary), "{id}: no binary {} in {}", function.binary, function.package);
    }
}

#[test]
fn a_function_outlives_a_call_of_the_sdk_and_its_caller_outlives_it() {
    let template = Template::load();
    let operation = sdk_seconds("OPERATION_TIMEOUT");
    assert!(sdk_seconds("CONNECT_TIMEOUT") < sdk_seconds("ATTEMPT_TIMEOUT"));
    assert!(sdk_seconds("ATTEMPT_TIMEOUT") < operation);
    for function in &FUNCTIONS {
        let timeout = number(function.property(&template, "/Timeout"));
        assert!(timeout > operation, "{}: {timeout} s is not more than the SDK's {operation} s", function.id);
        // A function's longest (Lambda quotas, "Function timeout").
        assert!(timeout <= 900, "{}", function.id);
        for event in function.property(&template, "/Events").as_object().into_iter().flat_map(|events| events.values())
        {
            if event["Type"] == "HttpApi" {
                let integration = number(&event["Properties"]["TimeoutInMillis"]);
                // An integration's longest (API Gateway quotas, HTTP API, "Integration timeout").
                assert!((timeout * 1000 + 1..=30_000).contains(&integration), "{}: {integration} ms", function.id);
            }
        }
    }
}

#[test]
fn memory_is_what_each_job_needs() {
    let template = Template::load();
    let memory = FUNCTIONS.map(|function| number(function.property(&template, "/MemorySize")));
    // 1,769 MB are one vCPU (Lambda developer guide, "Configure function memory").
    assert_eq!(memory, [256, 512, 256, 1769, 256, 256]);
}

#[test]
fn each_function_logs_to_a_group_of_its_own_that_forgets() {
    let template = Template::load();
    for (group, properties) in template.of_type("AWS::Logs::LogGroup") {
        assert_eq!(name(&properties["RetentionInDays"]), "LogRetentionDays", "{group}");
    }
    for function in &FUNCTIONS {
        let group = format!("{}LogGroup", function.id);
        assert_eq!(name(function.property(&template, "/LoggingConfig/LogGroup")), group);
        assert!(!template.property(&group, "").is_null(), "{group}");
    }
    assert_eq!(template.at("/Globals/Function/LoggingConfig/LogFormat"), "JSON");
    assert_eq!(template.at("/Globals/Function/LoggingConfig/SystemLogLevel"), "WARN");
}

#[test]
fn what_is_invoked_without_a_caller_leaves_what_it_cannot_handle_in_a_queue() {
    let template = Template::load();
    for (id, queue) in [("ExportDispatcher", "DispatcherDeadLetters"), ("Notify", "NotifyDeadLetters")] {
        let arn = format!("{queue}.Arn");
        let function = format!("{id}Function");
        let failed = template.property(&function, "/EventInvokeConfig/DestinationConfig/OnFailure");
        assert_eq!((name(&failed["Type"]), name(&failed["Destination"])), ("SQS", arn.as_str()), "{id}");
        let events = template.property(&function, "/Events").as_object().expect("events");
        for (event, rule) in events {
            assert_eq!(name(&rule["Properties"]["DeadLetterConfig"]["Arn"]), arn, "{id}{event}");
        }
        let sources = template
            .property(&format!("{queue}Policy"), "/PolicyDocument/Statement/0/Condition/ArnEquals/aws:SourceArn");
        let allowed: BTreeSet<&str> = list(sources).into_iter().map(name).collect();
        // A rule delivers by the queue's policy, a schedule by its role.
        let rules = events.iter().filter(|(_, event)| event["Type"] == "EventBridgeRule");
        let rules: BTreeSet<String> = rules.map(|(event, _)| format!("{function}{event}.Arn")).collect();
        assert_eq!(allowed, rules.iter().map(String::as_str).collect(), "{id}: the queue takes from these rules only");
    }
    for (queue, properties) in template.of_type("AWS::SQS::Queue") {
        let encrypted = &properties["SqsManagedSseEnabled"];
        assert_eq!(*if queue == "SpillQueue" { keys::without(encrypted) } else { encrypted }, true, "{queue}");
        assert_eq!(properties["MessageRetentionPeriod"], 14 * 24 * 3600, "{queue}: as long as SQS keeps a message");
    }
}
