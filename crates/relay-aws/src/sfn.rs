//! Step Functions: executions of the export state machine, by name.

mod history;

use aws_sdk_sfn::Client;
use aws_sdk_sfn::operation::describe_execution::DescribeExecutionError;
use aws_sdk_sfn::operation::start_execution::StartExecutionError;
use aws_sdk_sfn::operation::stop_execution::StopExecutionError;
use aws_sdk_sfn::types::ExecutionStatus;
use relay::fault::Fault;
use relay::port::{ExecutionState, Executions};

use crate::config::Aws;
use crate::fault::fault;

pub use history::{Event, Execution};

const START: &str = "states:StartExecution";
const DESCRIBE: &str = "states:DescribeExecution";
const STOP: &str = "states:StopExecution";

/// Executions of the export state machine.
#[derive(Clone, Debug)]
pub struct AwsExecutions {
    client: Client,
    state_machine_arn: String,
}

impl AwsExecutions {
    /// Executions of the state machine of this ARN (a standard one: an express one's executions cannot be described).
    #[must_use]
    pub fn new(aws: &Aws, state_machine_arn: &str) -> Self {
        Self { client: Client::new(aws.config()), state_machine_arn: state_machine_arn.to_owned() }
    }

    /// `arn:aws:states:{region}:{account}:execution:{machine}:{name}`.
    fn execution_arn(&self, name: &str) -> String {
        let machine = self.state_machine_arn.replacen(":stateMachine:", ":execution:", 1);
        format!("{machine}:{name}")
    }
}

impl Executions for AwsExecutions {
    async fn start(&self, name: &str, input: &str) -> Result<(), Fault> {
        let request = self.client.start_execution();
        let request = request.state_machine_arn(&self.state_machine_arn).name(name).input(input);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(StartExecutionError::is_execution_already_exists) => {
                Ok(())
            }
            Err(error) => Err(fault(START, &error)),
        }
    }

    async fn state(&self, name: &str) -> Result<ExecutionState, Fault> {
        let request = self.client.describe_execution();
        match request.execution_arn(self.execution_arn(name)).send().await {
            Ok(answer) => Ok(state_of(&answer.status)),
            Err(error) if error.as_service_error().is_some_and(DescribeExecutionError::is_execution_does_not_exist) => {
                Ok(ExecutionState::Unknown)
            }
            Err(error) => Err(fault(DESCRIBE, &error)),
        }
    }

    async fn stop(&self, name: &str) -> Result<(), Fault> {
        let request = self.client.stop_execution();
        match request.execution_arn(self.execution_arn(name)).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(StopExecutionError::is_execution_does_not_exist) => {
                Ok(())
            }
            Err(error) => Err(fault(STOP, &error)),
        }
    }
}

const fn state_of(status: &ExecutionStatus) -> ExecutionState {
    match status {
        ExecutionStatus::Running | ExecutionStatus::PendingRedrive => ExecutionState::Running,
        ExecutionStatus::Succeeded => ExecutionState::Succeeded,
        ExecutionStatus::Aborted | ExecutionStatus::Failed | ExecutionStatus::TimedOut | _ => ExecutionState::Failed,
    }
}
