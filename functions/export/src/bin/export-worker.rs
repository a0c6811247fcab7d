//! The process of `export-worker`: configuration, clients, and the runtime's loop.
// The SDK's futures nest deeper than the compiler's default of 128 lets it lay out.
#![recursion_limit = "256"]
use export::{config::WorkerConfig, handler::WorkerApp, handler::work, worker::Worker};
use lambda_runtime::{Error, run, service_fn};
use relay::backlog::Whole;
use relay_aws::dynamodb::{AwsControl, AwsPages};
use relay_aws::webhook::HttpHooks;
use relay_aws::{config::Aws, kinesis::AwsBacklog, s3::AwsFiles, sfn::AwsExecutions, sqs::AwsSpillBacklog};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    relay_lambda::logging::init();
    let config = WorkerConfig::from_env(relay_lambda::process::env)?;
    let aws = Aws::deployed(relay_lambda::process::env);
    let control = AwsControl::new(&aws, &config.control_table);
    let pages = AwsPages::new(&aws, &config.pages_table);
    let files = AwsFiles::new(&aws, &config.export_bucket);
    let spill = AwsSpillBacklog::new(&aws, &config.spill_queue_url);
    let backlog = Whole { stream: AwsBacklog::new(&aws, &config.stream_name), spill };
    let executions = AwsExecutions::new(&aws, &config.state_machine_arn);
    let (worker, hooks) = (Worker { control, pages, files, backlog }, HttpHooks::new(config.webhooks_anywhere));
    let app = WorkerApp::new(worker, executions, hooks, config.max_concurrent_exports);
    run(service_fn(|event| work(&app, event))).await
}
