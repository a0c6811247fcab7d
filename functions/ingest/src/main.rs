//! The function's process: configuration, clients, and the runtime's loop.
// The SDK's futures nest deeper than the compiler's default of 128 lets it lay out.
#![recursion_limit = "256"]

use ingest::App;
use ingest::config::{ATTEMPT_TIMEOUT, CALL_TIMEOUT, Config};
use ingest::handler::handle;
use lambda_runtime::{Error, run, service_fn};
use relay_aws::{config::Aws, dynamodb::AwsControl, kinesis::AwsStream, sqs::AwsSpill};

/// A third of a batch's CPU time was glibc's `malloc` and `free`, and pages that it gave back and asked for anew.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    relay_lambda::logging::init();
    let config = Config::from_env(relay_lambda::process::env)?;
    let aws = Aws::deployed(relay_lambda::process::env).with_timeouts(ATTEMPT_TIMEOUT, CALL_TIMEOUT);
    let (stream, spill) = (AwsStream::new(&aws, &config.stream_name), AwsSpill::new(&aws, &config.spill_queue_url));
    let app = App::new(stream, spill, AwsControl::new(&aws, &config.control_table));
    run(service_fn(|event| handle(&app, event))).await
}
