//! The process of `export-api`: configuration, clients, and the runtime's loop.
// The SDK's futures nest deeper than the compiler's default of 128 lets it lay out.
#![recursion_limit = "256"]
use export::{api::Api, config::ApiConfig, handler::answer};
use lambda_runtime::{Error, run, service_fn};
use relay_aws::{config::Aws, dynamodb::AwsControl, dynamodb::AwsPages, kinesis::AwsBacklog, link::AwsSigner};
use relay_aws::{s3::AwsRemoval, sesv2::AwsMailer, sfn::AwsExecutions, sqs::AwsSpillBacklog};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    relay_lambda::logging::init();
    let (config, aws) = (ApiConfig::from_env(relay_lambda::process::env)?, Aws::deployed(relay_lambda::process::env));
    let spill = AwsSpillBacklog::new(&aws, &config.spill_queue_url);
    let ports = (
        AwsControl::new(&aws, &config.control_table),
        AwsPages::new(&aws, &config.pages_table),
        relay::backlog::Whole { stream: AwsBacklog::new(&aws, &config.stream_name), spill },
        AwsExecutions::new(&aws, &config.state_machine_arn),
        AwsRemoval::new(&aws, &config.export_bucket),
        AwsSigner::new(&aws, &config.export_bucket, &config.link_role_arn),
        AwsMailer::new(&aws, &config.mail_from, &config.mail_configuration_set),
    );
    let api = Api::new(ports, config.settings());
    run(service_fn(|event| answer(&api, event))).await
}
