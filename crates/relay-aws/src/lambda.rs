//! Lambda, seen from outside: whether functions may run, and whether what drives them is on.

use aws_sdk_lambda::Client;
use relay::fault::Fault;

use crate::config::Aws;
use crate::fault::fault;

const GET_FUNCTION_CONFIGURATION: &str = "lambda:GetFunctionConfiguration";
const GET_FUNCTION_CONCURRENCY: &str = "lambda:GetFunctionConcurrency";
const GET_EVENT_SOURCE_MAPPING: &str = "lambda:GetEventSourceMapping";
const GET_ACCOUNT_SETTINGS: &str = "lambda:GetAccountSettings";

/// Whether a function can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionState {
    /// `Active`, or why not: `Pending`, `Inactive`, `Failed`.
    pub state: String,
    /// Lambda's reason for another state than `Active`.
    pub reason: Option<String>,
    /// Concurrency that is kept for it and the most it may have; none means the account's.
    pub reserved: Option<u32>,
}

/// Whether a mapping drives its function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingState {
    /// `Enabled`, `Disabled`, or on the way there.
    pub state: String,
    /// What became of its last call, as `OK` or `PROBLEM: Function call failed`.
    pub last_result: Option<String>,
}

/// The functions of an account in a region.
#[derive(Clone, Debug)]
pub struct AwsFunctions {
    client: Client,
}

impl AwsFunctions {
    /// The functions of the handle's account and region.
    #[must_use]
    pub fn new(aws: &Aws) -> Self {
        Self { client: Client::new(aws.config()) }
    }

    /// The state of the function of this name.
    pub async fn state(&self, name: &str) -> Result<FunctionState, Fault> {
        let function = self.client.get_function_configuration().function_name(name).send().await;
        let function = function.map_err(|error| fault(GET_FUNCTION_CONFIGURATION, &error))?;
        let concurrency = self.client.get_function_concurrency().function_name(name).send().await;
        let concurrency = concurrency.map_err(|error| fault(GET_FUNCTION_CONCURRENCY, &error))?;
        Ok(FunctionState {
            state: function.state.map_or_else(|| "Active".to_owned(), |state| state.as_str().to_owned()),
            reason: function.state_reason,
            reserved: concurrency.reserved_concurrent_executions.and_then(|kept| u32::try_from(kept).ok()),
        })
    }

    /// The state of the mapping with this id.
    pub async fn mapping(&self, id: &str) -> Result<MappingState, Fault> {
        let answer = self.client.get_event_source_mapping().uuid(id).send().await;
        let answer = answer.map_err(|error| fault(GET_EVENT_SOURCE_MAPPING, &error))?;
        Ok(MappingState { state: answer.state.unwrap_or_default(), last_result: answer.last_processing_result })
    }

    /// How many executions of all functions together the account may have at the same time.
    pub async fn concurrency(&self) -> Result<u64, Fault> {
        let answer = self.client.get_account_settings().send().await;
        let answer = answer.map_err(|error| fault(GET_ACCOUNT_SETTINGS, &error))?;
        let limit = answer.account_limit.map_or(0, |limit| limit.concurrent_executions);
        Ok(u64::try_from(limit).unwrap_or(0))
    }
}
