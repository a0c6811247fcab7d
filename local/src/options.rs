//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Runs the whole stack on this machine until SIGTERM or SIGINT: emulator, functions, stream driver, front door.
#[derive(Debug, Clone, Parser)]
#[command(name = "relay-local")]
pub struct Options {
    /// The checkout: `template.yaml`, `local/` and `web/` are looked for here.
    #[arg(long, default_value = ".")]
    pub root: PathBuf,
    /// State, logs and `ready.json`. Default: `.relay` in the root.
    #[arg(long)]
    pub state_dir: Option<PathBuf>,
    /// The folder of the function binaries.
    #[arg(long, default_value = "target/debug")]
    pub bin_dir: PathBuf,
    /// The Python of a virtual environment with `local/requirements.txt`. Default: `venv/bin/python` in the state folder.
    #[arg(long)]
    pub python: Option<PathBuf>,
    /// The template. Default: `template.yaml` in the root.
    #[arg(long)]
    pub template: Option<PathBuf>,
    /// The page's files. Default: `web` in the root.
    #[arg(long)]
    pub web: Option<PathBuf>,
    /// The sender of the mails.
    #[arg(long, default_value = "relay@relay.example")]
    pub mail_from: String,
    /// The region the stack believes to be in.
    #[arg(long, default_value = "us-east-1")]
    pub region: String,
    /// The front door's port. Default: the one of the last run if it is free, or any.
    #[arg(long)]
    pub port: Option<u16>,
    /// The functions' `AWS_ENDPOINT_URL`, such as a fault proxy in front of the emulator. Default: the emulator.
    #[arg(long)]
    pub functions_endpoint: Option<String>,
    /// The emulator's port. Default: the one of the last run if it is free, or any.
    #[arg(long)]
    pub emulator_port: Option<u16>,
    /// Divides the periods of all alarms, so that a test need not wait for minutes.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub alarm_pace: u32,
    /// A parameter of the template, NAME=VALUE; overrides the local default.
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    pub parameters: Vec<String>,
}
