//! Where the stack's parts are: on this machine, or on AWS.

mod local;

use std::collections::BTreeMap;
use std::path::PathBuf;

use relay::fault::Fault;
use relay_aws::cloudformation::AwsStacks;
use relay_aws::config::Aws;
use relay_aws::dynamodb::AwsControl;
use relay_aws::kinesis::AwsStream;
use relay_aws::s3::AwsObjects;

use crate::cli::Place;
use local::Local;

/// The variable that names the stack; a path in it is a local stack's `stack.json`.
const STACK: &str = "RELAY_STACK";

/// A part that a verb needs, with the flag and the variable that name it, and the template's output that does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    flag: &'static str,
    variable: &'static str,
    output: &'static str,
}

const CONTROL: Part = Part { flag: "--control-table", variable: "RELAY_CONTROL_TABLE", output: "ControlTable" };
const QUARANTINE: Part =
    Part { flag: "--quarantine-bucket", variable: "RELAY_QUARANTINE_BUCKET", output: "QuarantineBucket" };
const FAILED: Part = Part { flag: "--failed-bucket", variable: "RELAY_FAILED_BUCKET", output: "FailedBucket" };
const STREAM: Part = Part { flag: "--stream", variable: "RELAY_STREAM", output: "StreamName" };

/// Why there is nothing to talk to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    #[error(
        "say where: --local for the stack on this machine, --stack NAME (or $RELAY_STACK) for a deployed one, or {} NAME (or ${}) for this part of it",
        .0.flag, .0.variable
    )]
    Nowhere(Part),
    #[error(
        "say which stack: --local for the one on this machine, or --stack NAME (or $RELAY_STACK) for a deployed one"
    )]
    NoneNamed,
    #[error(
        "there is no stack `{name}` in {region}: `aws cloudformation list-stacks` lists those there are, --region names another region"
    )]
    NoSuchStack { name: String, region: String },
    #[error("stack `{name}` has no output {output}: it is none of Relay's, or is not deployed whole ({status})")]
    NoSuchPart { name: String, output: &'static str, status: String },
    #[error(
        "no .relay/stack.json in {folder} or above: start the local stack with `cargo xtask up`, and run this inside its checkout"
    )]
    NoStack { folder: PathBuf },
    #[error(
        "nobody answers at {url}, where .relay/stack.json says that the local stack is: start it with `cargo xtask up`"
    )]
    NotRunning { url: String },
    #[error("{path} cannot be read: {reason}")]
    BadStack { path: PathBuf, reason: String },
    /// AWS does not say what the stack consists of.
    #[error("where the stack's parts are is not known: {0}")]
    Unknown(#[from] Fault),
}

/// The parts' names, as far as they were given.
#[derive(Debug, Default)]
struct Names {
    control_table: Option<String>,
    quarantine_bucket: Option<String>,
    failed_bucket: Option<String>,
    stream: Option<String>,
}

/// A whole stack.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stack {
    /// Its name.
    pub(crate) name: String,
    /// How its last deployment ended, in CloudFormation's words.
    pub(crate) status: String,
    /// The template's outputs.
    pub(crate) outputs: BTreeMap<String, String>,
    /// The folder of its logs, where it stands on this machine.
    pub(crate) logs: Option<PathBuf>,
    /// The sender of its mails, where the stack on this machine says so.
    pub(crate) mail_from: Option<String>,
}

/// A stack or some parts of it: AWS, and the names of the parts.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) aws: Aws,
    names: Names,
    stack: Option<Stack>,
}

impl Target {
    /// The stack that the flags, the environment and the folder point to.
    pub(crate) async fn open(place: &Place, env: impl Fn(&str) -> Option<String>) -> Result<Self, PlaceError> {
        let by_env = env(STACK).filter(|name| !name.is_empty() && place.stack.is_none());
        if place.local {
            return Self::local(Local::find(&local::current_folder()?)?).await;
        }
        if let Some(path) = by_env.as_ref().filter(|name| name.contains('/')) {
            return Self::local(Local::read(path.into())?).await;
        }
        let aws = match &place.region {
            Some(region) => Aws::load_in(region).await,
            None => Aws::load().await,
        };
        let stack = match place.stack.clone().or(by_env) {
            Some(name) => Some(deployed(&aws, name).await?),
            None => None,
        };
        let names = Names::given(place, stack.as_ref(), env);
        Ok(Self { aws, names, stack })
    }

    async fn local(local: Local) -> Result<Self, PlaceError> {
        let url = &local.facts.emulator_url;
        if !local::listens(url) {
            return Err(PlaceError::NotRunning { url: url.clone() });
        }
        let aws = Aws::at(url, &local.facts.region).await;
        let names = Names {
            control_table: Some(local.facts.control_table.clone()),
            quarantine_bucket: Some(local.facts.quarantine_bucket.clone()),
            failed_bucket: Some(local.facts.failed_bucket.clone()),
            stream: Some(local.facts.stream.clone()),
        };
        Ok(Self { aws, names, stack: Some(local.into_stack()) })
    }

    /// The whole stack, for verbs that look at all of it.
    pub(crate) fn stack(&self) -> Result<&Stack, PlaceError> {
        self.stack.as_ref().ok_or(PlaceError::NoneNamed)
    }

    /// Table `control`.
    pub(crate) fn control(&self) -> Result<AwsControl, PlaceError> {
        Ok(AwsControl::new(&self.aws, named(self.names.control_table.as_deref(), CONTROL)?))
    }

    /// The quarantine bucket.
    pub(crate) fn quarantine(&self) -> Result<AwsObjects, PlaceError> {
        Ok(AwsObjects::new(&self.aws, named(self.names.quarantine_bucket.as_deref(), QUARANTINE)?))
    }

    /// The bucket of batches that were given up.
    pub(crate) fn failed(&self) -> Result<AwsObjects, PlaceError> {
        Ok(AwsObjects::new(&self.aws, named(self.names.failed_bucket.as_deref(), FAILED)?))
    }

    /// The stream.
    pub(crate) fn stream(&self) -> Result<AwsStream, PlaceError> {
        Ok(AwsStream::new(&self.aws, named(self.names.stream.as_deref(), STREAM)?))
    }
}

impl Stack {
    /// What an output of the template says.
    pub(crate) fn output(&self, output: &'static str) -> Result<&str, PlaceError> {
        let value = self.outputs.get(output).filter(|value| !value.is_empty());
        let missing = || PlaceError::NoSuchPart { name: self.name.clone(), output, status: self.status.clone() };
        value.map(String::as_str).ok_or_else(missing)
    }
}

impl Names {
    /// A flag says it, or else the stack's outputs. Variables are asked where no stack is named alone: of two stacks' parts nothing good could come.
    fn given(place: &Place, stack: Option<&Stack>, env: impl Fn(&str) -> Option<String>) -> Self {
        let given = |flag: &Option<String>, part: Part| {
            flag.clone().or_else(|| match stack {
                Some(stack) => stack.outputs.get(part.output).cloned(),
                None => env(part.variable),
            })
        };
        Self {
            control_table: given(&place.control_table, CONTROL),
            quarantine_bucket: given(&place.quarantine_bucket, QUARANTINE),
            failed_bucket: given(&place.failed_bucket, FAILED),
            stream: given(&place.stream, STREAM),
        }
    }
}

async fn deployed(aws: &Aws, name: String) -> Result<Stack, PlaceError> {
    let Some(found) = AwsStacks::new(aws).describe(&name).await? else {
        return Err(PlaceError::NoSuchStack { name, region: aws.region().to_owned() });
    };
    Ok(Stack { name, status: found.status, outputs: found.outputs, ..Stack::default() })
}

fn named(name: Option<&str>, part: Part) -> Result<&str, PlaceError> {
    name.filter(|name| !name.is_empty()).ok_or(PlaceError::Nowhere(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(stream: Option<&str>) -> Place {
        Place {
            local: false,
            stack: None,
            control_table: None,
            quarantine_bucket: None,
            failed_bucket: None,
            stream: stream.map(str::to_owned),
            region: None,
        }
    }

    #[test]
    fn without_flag_and_variable_it_says_what_to_give() {
        for env in [None, Some(String::new())] {
            let names = Names::given(&place(None), None, |_| env.clone());
            let error = named(names.control_table.as_deref(), CONTROL).unwrap_err().to_string();
            assert!(error.contains("--control-table NAME (or $RELAY_CONTROL_TABLE)"), "{error}");
            assert!(error.contains("--stack NAME (or $RELAY_STACK)"), "{error}");
        }
        let names = Names::given(&place(Some("mine")), None, |name| Some(format!("of {name}")));
        assert_eq!(named(names.stream.as_deref(), STREAM).unwrap(), "mine");
        assert_eq!(named(names.failed_bucket.as_deref(), FAILED).unwrap(), "of RELAY_FAILED_BUCKET");
        assert_eq!(named(names.quarantine_bucket.as_deref(), QUARANTINE).unwrap(), "of RELAY_QUARANTINE_BUCKET");
    }

    #[test]
    fn a_stack_says_what_no_flag_does_and_variables_speak_where_no_stack_is_named() {
        let outputs = BTreeMap::from([("StreamName".to_owned(), "s".to_owned()), ("ControlTable".into(), "c".into())]);
        let stack = Stack { name: "relay".to_owned(), outputs, ..Stack::default() };
        let names = Names::given(&place(Some("mine")), Some(&stack), |name| Some(format!("of {name}")));
        assert_eq!((names.stream.as_deref(), names.control_table.as_deref()), (Some("mine"), Some("c")));
        assert_eq!(names.failed_bucket, None, "not of another stack");
        let names = Names::given(&place(None), None, |name| Some(format!("of {name}")));
        assert_eq!(names.failed_bucket.as_deref(), Some("of RELAY_FAILED_BUCKET"));
        assert_eq!(stack.output("StreamName").unwrap(), "s");
        let error = stack.output("SpillQueue").unwrap_err().to_string();
        assert!(error.contains("`relay` has no output SpillQueue"), "{error}");
    }
}
