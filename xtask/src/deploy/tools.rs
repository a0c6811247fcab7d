//! The programs that talk to AWS: `sam` for the stack, `infra/deployed.py` for the rest.

use std::{
    ffi::OsStr,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::settings::Settings;
use crate::say::Outcome;

/// How long sam waits for a stack, minutes: three functions may move one after the other, half an hour each. Its own hour would end before them.
const LONGEST_MINUTES: &str = "180";

/// Where the programs are.
#[derive(Debug)]
pub(crate) struct Tools {
    /// AWS's own deployer of templates.
    pub(crate) sam: PathBuf,
    /// A Python that has botocore.
    pub(crate) python: PathBuf,
    /// The checkout.
    pub(crate) root: PathBuf,
    /// The region; none where the profile decides.
    pub(crate) region: Option<String>,
}

/// What is known of a stack.
#[derive(Debug, Deserialize)]
pub(crate) struct Deployed {
    /// `CloudFormation`'s word for its state; none where there is no such stack.
    pub(crate) status: Option<String>,
    /// Its parameters.
    parameters: Map<String, Value>,
    /// Its outputs.
    outputs: Map<String, Value>,
}

impl Deployed {
    /// A parameter's value; empty where it has none.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// An output that every stack has.
    pub(crate) fn output(&self, name: &str) -> Outcome<&str> {
        let found = self.outputs.get(name).and_then(Value::as_str);
        found.ok_or_else(|| format!("the stack has no output {name}: is it one of this template?"))
    }
}

impl Tools {
    /// Asks whose credentials are at hand.
    pub(crate) fn identity(&self) -> Command {
        self.script(&["identity"])
    }

    /// Asks what a stack is.
    pub(crate) fn stack(&self, name: &str) -> Command {
        self.script(&["stack", name])
    }

    /// Asks how many change sets wait for a yes that nobody gave.
    pub(crate) fn unconfirmed(&self, name: &str) -> Command {
        self.script(&["unconfirmed", name])
    }

    /// Brings the page into its bucket.
    pub(crate) fn publish(&self, bucket: &str, distribution: &str, site: &str) -> Command {
        self.script(&["publish", "--bucket", bucket, "--distribution", distribution, site])
    }

    /// Waits until an address answers 200 with this text in it.
    pub(crate) fn reach(&self, url: &str, text: &str) -> Command {
        self.script(&["reach", "--holds", text, url])
    }

    /// Creates or updates the stack. `more` are parameters beside the settings'; `asks` is whether sam waits for a yes.
    pub(crate) fn deploy(&self, settings: &Settings, more: &[String], asks: bool) -> Command {
        let mut command = Command::new(&self.sam);
        command.args(["deploy", "--config-env", &settings.environment, "--stack-name", &settings.stack]);
        if let Some(region) = &self.region {
            command.args(["--region", region]);
        }
        if let Some(role) = &settings.role {
            command.args(["--role-arn", role]);
        }
        if !asks {
            command.arg("--no-confirm-changeset");
        }
        command.args(["--max-wait-duration", LONGEST_MINUTES]);
        // One list takes the place of the file's own, so the file's are in it.
        command.arg("--parameter-overrides");
        command.args(settings.parameters.iter().map(|(name, value)| overriding(name, value))).args(more);
        command.current_dir(&self.root).env("SAM_CLI_TELEMETRY", "0");
        command
    }

    fn script(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.python);
        command.arg("infra/deployed.py");
        if let Some(region) = &self.region {
            command.args(["--region", region]);
        }
        command.args(arguments).current_dir(&self.root);
        command
    }
}

/// A parameter as sam reads it: an empty value needs its quotes.
fn overriding(name: &str, value: &str) -> String {
    if value.is_empty() { format!("{name}=\"\"") } else { format!("{name}={value}") }
}

/// Runs a command that answers one JSON document; what it says on stderr is its error.
pub(crate) fn ask(mut command: Command) -> Outcome<Value> {
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| format!("cannot run {}: {error}", shown(&command)))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("{} answered no JSON: {error}", shown(&command)))
}

/// Runs a command that shows its own progress and may ask its user.
pub(crate) fn run(mut command: Command) -> Outcome<()> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{} ended with {status}", shown(&command))),
        Err(error) => Err(format!("cannot run {}: {error}", shown(&command))),
    }
}

/// A command as one would type it, with what a shell would take apart in quotes.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args()).map(OsStr::to_string_lossy);
    words.map(|word| quoted(&word)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if word.chars().all(is_plain) && !word.is_empty() {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_shown_as_one_would_type_them() {
        let mut command = Command::new("sam");
        command.args(["deploy", "MailFrom=a@example.com", "A=<b c>", ""]);
        assert_eq!(shown(&command), "sam deploy MailFrom=a@example.com 'A=<b c>' ''");
    }

    #[test]
    fn an_empty_value_takes_an_option_back() {
        assert_eq!((overriding("A", ""), overriding("A", "b c")), ("A=\"\"".to_owned(), "A=b c".to_owned()));
    }

    #[test]
    fn an_error_is_what_the_program_said() {
        let mut failing = Command::new("sh");
        failing.args(["-c", "echo no credentials >&2; exit 1"]);
        assert_eq!(ask(failing), Err("no credentials".to_owned()));
        let mut wrong = Command::new("echo");
        wrong.arg("hello");
        assert!(ask(wrong).expect_err("no JSON").starts_with("echo hello answered no JSON"));
    }
}
