//! The function's process: configuration, clients, and the runtime's loop.
// The SDK's futures nest deeper than the compiler's default of 128 lets it lay out.
#![recursion_limit = "256"]

use batch_writer::App;
use batch_writer::config::{ATTEMPT_TIMEOUT, CALL_TIMEOUT, Config};
use batch_writer::handler::handle;
use lambda_runtime::{Error, run, service_fn};
use relay_aws::config::Aws;
use relay_aws::dynamodb::{AwsControl, AwsPages};
use relay_aws::s3::AwsQuarantine;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    relay_lambda::logging::init();
    let config = Config::from_env(relay_lambda::process::env)?;
    let aws = Aws::deployed(relay_lambda::process::env).with_timeouts(ATTEMPT_TIMEOUT, CALL_TIMEOUT);
    let app = App::new(
        AwsPages::new(&aws, &config.pages_table),
        AwsControl::new(&aws, &config.control_table),
        AwsQuarantine::new(&aws, &config.quarantine_bucket),
        config.page_shards,
    );
    run(service_fn(|event| handle(&app, event))).await
}
