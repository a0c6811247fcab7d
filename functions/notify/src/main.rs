//! The function's process: configuration, clients, and the runtime's loop.

use lambda_runtime::{Error, run, service_fn};
use notify::App;
use notify::config::Config;
use notify::handler::handle;
use relay_aws::config::Aws;
use relay_aws::dynamodb::AwsControl;
use relay_aws::link::AwsSigner;
use relay_aws::sesv2::AwsMailer;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    relay_lambda::logging::init();
    let config = Config::from_env(relay_lambda::process::env)?;
    let aws = Aws::load().await;
    let app = App::new(
        AwsControl::new(&aws, &config.control_table),
        AwsSigner::new(&aws, &config.export_bucket, &config.link_role_arn),
        AwsMailer::new(&aws, &config.mail_from),
        config.site_url,
    );
    run(service_fn(|event| handle(&app, event))).await
}
