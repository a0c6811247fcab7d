//! CloudFormation: what a deployed stack consists of.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use relay::fault::Fault;

use crate::config::Aws;
use crate::fault::{broken, fault};

const DESCRIBE_STACKS: &str = "cloudformation:DescribeStacks";

/// A stack as it was deployed last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deployed {
    /// CloudFormation's word for how that ended, as `UPDATE_COMPLETE`.
    pub status: String,
    /// The template's outputs.
    pub outputs: BTreeMap<String, String>,
    /// The template's parameters; those that hide their values are not in it.
    pub parameters: BTreeMap<String, String>,
}

/// The stacks of an account in a region.
#[derive(Clone, Debug)]
pub struct AwsStacks {
    client: Client,
}

impl AwsStacks {
    /// The stacks of the handle's account and region.
    #[must_use]
    pub fn new(aws: &Aws) -> Self {
        Self { client: Client::new(aws.config()) }
    }

    /// The stack of this name; `None` where there is none.
    pub async fn describe(&self, name: &str) -> Result<Option<Deployed>, Fault> {
        let answer = match self.client.describe_stacks().stack_name(name).send().await {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(says_there_is_none) => return Ok(None),
            Err(error) => return Err(fault(DESCRIBE_STACKS, &error)),
        };
        let stack = answer.stacks.unwrap_or_default().into_iter().next();
        let stack = stack.ok_or_else(|| broken(DESCRIBE_STACKS, "an answer without the stack"))?;
        let outputs = stack.outputs.unwrap_or_default().into_iter();
        let parameters = stack.parameters.unwrap_or_default().into_iter();
        Ok(Some(Deployed {
            status: stack.stack_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
            outputs: outputs.filter_map(|output| output.output_key.zip(output.output_value)).collect(),
            parameters: parameters
                .filter_map(|parameter| parameter.parameter_key.zip(parameter.parameter_value))
                .collect(),
        }))
    }
}

/// CloudFormation has no code of its own for a stack that is not there (API reference, `DescribeStacks`: "If the stack doesn't exist, a
/// `ValidationError` is returned").
fn says_there_is_none(error: &impl ProvideErrorMetadata) -> bool {
    error.code() == Some("ValidationError") && error.message().is_some_and(|message| message.contains("does not exist"))
}
