//! The function's process: configuration, clients, and the runtime's loop.
// The SDK's futures nest deeper than the compiler's default of 128 lets it lay out.
#![recursion_limit = "256"]

use std::sync::Mutex;

use lambda_runtime::{Error, run, service_fn};
use notify::{App, config::Config, handler::handle};
use relay_aws::{config::Aws, dynamodb::AwsControl, link::AwsSigner, sesv2::AwsMailer};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    relay_lambda::logging::init();
    let config = Config::from_env(relay_lambda::process::env)?;
    let aws = Aws::deployed(relay_lambda::process::env);
    let app = App {
        control: AwsControl::new(&aws, &config.control_table),
        signer: AwsSigner::new(&aws, &config.export_bucket, &config.link_role_arn),
        mailer: AwsMailer::new(&aws, &config.mail_from, &config.mail_configuration_set),
        site_url: config.site_url,
        retention_days: config.export_retention_days,
        counters: Mutex::default(),
    };
    run(service_fn(|event| handle(&app, event))).await
}
