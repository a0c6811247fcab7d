//! What is deployed where: an environment of `samconfig.toml`, and what the command line says otherwise.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::{cli::Deploy, say::Outcome};

/// The settings of one deploy.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The environment's name in `samconfig.toml`.
    pub(crate) environment: String,
    /// The stack's name.
    pub(crate) stack: String,
    /// The region; none where the profile decides.
    pub(crate) region: Option<String>,
    /// A role that `CloudFormation` acts as; none where it acts as whoever deploys.
    pub(crate) role: Option<String>,
    /// Values of the template's parameters. What is not here stays as the stack has it, or is the template's default.
    pub(crate) parameters: BTreeMap<String, String>,
}

impl Settings {
    /// The settings that `samconfig` (the file's text) and the command line give. `region` is the surroundings' own.
    pub(crate) fn read(samconfig: &str, options: &Deploy, region: Option<String>) -> Outcome<Self> {
        let file: Table = samconfig.parse().map_err(|error| format!("samconfig.toml: {error}"))?;
        let environment = options.environment.clone();
        let known = |name: &&String| part(&file, name, "deploy").is_some();
        if part(&file, &environment, "deploy").is_none() {
            let names: Vec<&str> = file.keys().filter(known).map(String::as_str).collect();
            return Err(format!("samconfig.toml has no environment {environment}; it has {}", names.join(", ")));
        }
        // As sam does: what stands under deploy comes before what stands under global.
        let text = |name: &str| {
            let parts = ["deploy", "global"].into_iter().filter_map(|of| part(&file, &environment, of));
            parts.filter_map(|table| table.get(name)).find_map(Value::as_str).map(str::to_owned)
        };
        let stack = options.stack.clone().or_else(|| text("stack_name"));
        let stack = stack.ok_or_else(|| format!("samconfig.toml names no stack for {environment}: give --stack"))?;
        let mut parameters = BTreeMap::new();
        let of_file = part(&file, &environment, "deploy").and_then(|table| table.get("parameter_overrides"));
        for entry in of_file.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            put(&mut parameters, entry)?;
        }
        for entry in &options.parameters {
            put(&mut parameters, entry)?;
        }
        let mail_from = options.mail_from.clone().filter(|address| !address.is_empty());
        parameters.extend(mail_from.map(|address| ("MailFrom".to_owned(), address)));
        // The programs are built for it, so no other setting may contradict.
        parameters.insert("Architecture".to_owned(), options.target.architecture().to_owned());
        let region = options.region.clone().or_else(|| text("region")).or(region);
        let role = options.role_arn.clone().filter(|role| !role.is_empty());
        Ok(Self { environment, stack, region, role, parameters })
    }
}

fn part<'a>(file: &'a Table, environment: &str, command: &str) -> Option<&'a Table> {
    file.get(environment)?.get(command)?.get("parameters")?.as_table()
}

fn put(parameters: &mut BTreeMap<String, String>, entry: &str) -> Outcome<()> {
    let (name, value) = entry.split_once('=').ok_or_else(|| format!("{entry}: a parameter is NAME=VALUE"))?;
    parameters.insert(name.to_owned(), value.to_owned());
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    const FILE: &str = r#"
        version = 0.1
        [dev.global.parameters]
        stack_name = "relay-dev"
        region = "eu-west-1"
        [dev.deploy.parameters]
        parameter_overrides = ["LogRetentionDays=7", "Architecture=x86_64"]
        [prod.deploy.parameters]
        resolve_s3 = true
    "#;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        deploy: Deploy,
    }

    fn read(arguments: &[&str], region: Option<&str>) -> Outcome<Settings> {
        let line = Line::parse_from([&["deploy"], arguments].concat());
        Settings::read(FILE, &line.deploy, region.map(str::to_owned))
    }

    fn parameters(settings: &Settings) -> Vec<(&str, &str)> {
        settings.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    #[test]
    fn the_file_speaks_and_the_command_line_is_asked_first() {
        let settings = read(&[], Some("us-east-1")).expect("settings");
        assert_eq!((settings.environment.as_str(), settings.stack.as_str()), ("dev", "relay-dev"));
        assert_eq!(settings.region.as_deref(), Some("eu-west-1"));
        assert_eq!(parameters(&settings), [("Architecture", "arm64"), ("LogRetentionDays", "7")]);
        let given = ["--stack", "mine", "--region", "ap-northeast-2", "--mail-from", "a@example.com", "--x86-64"];
        let given =
            [&given[..], &["--parameter", "LogRetentionDays=30", "--parameter", "SiteUrl=https://a?b=c"]].concat();
        let settings = read(&given, None).expect("settings");
        assert_eq!((settings.stack.as_str(), settings.region.as_deref()), ("mine", Some("ap-northeast-2")));
        let expected = [
            ("Architecture", "x86_64"),
            ("LogRetentionDays", "30"),
            ("MailFrom", "a@example.com"),
            ("SiteUrl", "https://a?b=c"),
        ];
        assert_eq!(parameters(&settings), expected);
    }

    #[test]
    fn what_is_missing_is_said() {
        let refusal = read(&["--env", "test"], None).expect_err("no such environment");
        assert_eq!(refusal, "samconfig.toml has no environment test; it has dev, prod");
        assert!(read(&["--env", "prod"], None).expect_err("no stack").contains("--stack"));
        assert!(read(&["--parameter", "SiteUrl"], None).expect_err("no value").contains("NAME=VALUE"));
        let settings = read(&["--env", "prod", "--stack", "relay"], Some("us-east-1")).expect("settings");
        assert_eq!(settings.region.as_deref(), Some("us-east-1"));
    }
}
