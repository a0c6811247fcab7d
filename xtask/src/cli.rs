//! The command line: one verb, one function.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand, ValueEnum};

use crate::{
    command,
    say::{self, Outcome},
};

/// Relay's developer commands.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Build and start the whole stack on this machine, send it the sample and check what comes out.
    Up(Up),
    /// Stop everything that `up` started, in order; the data stays.
    Down,
    /// Tell whether the stack runs and where.
    Status,
    /// Tell where the running stack shows its dashboard, or save the page.
    Dashboard(Dashboard),
    /// Run the tests; all levels unless some are named.
    Test(Test),
    /// Measure against the goals: the running stack, or the code alone.
    Bench {
        #[command(subcommand)]
        scenario: Scenario,
    },
    /// Take pictures of the page in each of its states, on desktop and phone, light and dark, to be looked at.
    Golden(Golden),
    /// Build every function for deployment into target/lambda.
    Build {
        /// Further arguments for `cargo lambda build`, such as --x86-64 [default: --arm64].
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Deploy to AWS: build, `sam deploy`, upload the page, see whether it answers. docs/deploy.md tells the whole way.
    Deploy(Deploy),
}

/// What to measure.
#[derive(Subcommand)]
enum Scenario {
    /// Everything below but the page, written down in docs/benchmarks.md with plots: about half an hour.
    All,
    /// How long a process of the door takes to its first answer, beside a hello world and the peers.
    Cold,
    /// What the door holds of memory after 1,000 callbacks, beside the peers.
    Memory,
    /// What a callback costs: to understand and pack, by provider; and whole, in the binary under the Lambda host, beside the peers.
    Ingest,
    /// Callbacks that one core answers, sustained, beside the peers.
    Throughput,
    /// How long until a callback can be read, through the stream's driver, the writer and the reader.
    Latency,
    /// Activities a second that one core brings from stream events into pages; and beside one item per activity and the peers.
    Writer,
    /// Write units and bytes for 1,000 activities, beside one item per activity.
    Units,
    /// Rows a second that one core reads from pages: unpacked, merged, deduplicated, decoded.
    Reader,
    /// Rows a CPU second and peak memory of export-worker, beside `DuckDB` and workers in Node.js and Python writing the same rows.
    Export(BenchExport),
    /// docs/benchmarks.md and its plots again, from docs/benchmarks/results.json.
    Write,
    /// When the page is first painted on a slow phone, beside an empty page of the same server.
    Page(BenchPage),
}

/// How to measure the page.
#[derive(clap::Args)]
pub(crate) struct BenchPage {
    /// How often each page is opened; the medians count.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) runs: u32,
}

/// What to do with the dashboard.
#[derive(clap::Args)]
pub(crate) struct Dashboard {
    /// Save the page into this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) into: Option<PathBuf>,
}

/// Which pictures to take.
#[derive(clap::Args)]
pub(crate) struct Golden {
    /// Only the states whose name contains this, such as "ask" or "arrivals".
    #[arg(long)]
    pub(crate) only: Option<String>,
    /// Where the pictures go.
    #[arg(long, default_value = "tests/browser/golden")]
    pub(crate) into: PathBuf,
}

/// The files to write.
#[derive(clap::Args)]
pub(crate) struct BenchExport {
    /// Rows of a file; may be given several times, from small to large [default: 1000000 and 10000000; with --stack 1000000].
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) rows: Vec<u64>,
    /// The peak memory of export-worker on the running stack instead, while it writes one file of rows that were sent to the door.
    #[arg(long)]
    pub(crate) stack: bool,
    /// Minutes of the day that --stack spreads the rows over.
    #[arg(long, requires = "stack", default_value_t = 1440, value_parser = clap::value_parser!(u32).range(1..=1440))]
    pub(crate) minutes: u32,
}

/// How to bring the stack up.
#[derive(clap::Args, Clone, Copy, Default)]
pub(crate) struct Up {
    /// Return when all is done and leave the stack running.
    #[arg(long)]
    pub(crate) detach: bool,
    /// Do not send the bundled sample.
    #[arg(long)]
    pub(crate) no_sample: bool,
}

/// What to deploy where.
#[derive(clap::Args)]
pub(crate) struct Deploy {
    /// The environment of samconfig.toml: dev, prod, or one of your own.
    #[arg(long = "env", default_value = "dev")]
    pub(crate) environment: String,
    #[command(flatten)]
    pub(crate) target: Target,
    /// The stack's name [default: the environment's].
    #[arg(long)]
    pub(crate) stack: Option<String>,
    /// The region [default: the environment's, else `AWS_REGION`, else the profile's].
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// The sender of every mail: a verified identity of SES. Needed once; later deploys keep it.
    #[arg(long)]
    pub(crate) mail_from: Option<String>,
    /// A parameter of the template, NAME=VALUE; may be given several times. The rest is as samconfig.toml, then the stack, has it.
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    pub(crate) parameters: Vec<String>,
    /// A role that `CloudFormation` acts as; infra/ci-role.yaml makes one. Without it `CloudFormation` acts as you.
    #[arg(long)]
    pub(crate) role_arn: Option<String>,
    /// Print the commands and do nothing; needs no account.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask before the stack is changed.
    #[arg(long)]
    pub(crate) yes: bool,
}

/// What to build for.
#[derive(clap::Args, Clone, Copy, Default)]
pub(crate) struct Target {
    /// Build for arm64, which costs a fifth less for the same work. The default.
    #[arg(long, conflicts_with = "x86_64")]
    pub(crate) arm64: bool,
    /// Build for `x86_64`.
    #[arg(long = "x86-64")]
    pub(crate) x86_64: bool,
}

impl Target {
    /// The template's word for it.
    pub(crate) const fn architecture(self) -> &'static str {
        if self.x86_64 { "x86_64" } else { "arm64" }
    }
}

/// Which tests to run.
#[derive(clap::Args)]
pub(crate) struct Test {
    /// The levels to run.
    pub(crate) levels: Vec<Level>,
    /// The fault matrix in full: 100,000 activities a cell and 1,000 kills, hours. The references with more activities, the exports with
    /// 200 kills.
    #[arg(long)]
    pub(crate) full: bool,
    /// The seed of the fault matrix, the exports and the references [default: the small set's own, another one each time with --full].
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Only the cells of the fault matrix whose name contains this, such as "writer" or "process killed"; of the exports "line" or "kills".
    #[arg(long)]
    pub(crate) only: Option<String>,
    /// Another number of activities for each cell of the fault matrix.
    #[arg(long)]
    pub(crate) activities: Option<u64>,
}

/// A level of tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// All tests that need no running stack.
    Unit,
    /// Tests against the running stack.
    Stack,
    /// The page in a real browser.
    Browser,
    /// Requests made from the contract, at the running stack, by schemathesis.
    Contract,
    /// Files in every format and zone, read back in another language.
    References,
    /// Two hundred exports of twenty owners at once, and killed workers, on a stack of their own.
    Exports,
    /// No secret in a log, and every call within its function's policy, on a stack of its own.
    Secure,
    /// The fault matrix, on a stack of its own.
    Faults,
}

/// Reads the command line and does what it says.
pub(crate) fn main() -> ExitCode {
    let done = match Cli::parse().verb {
        Verb::Up(options) => command::up::run(options),
        Verb::Down => command::down::run(),
        Verb::Status => command::status::run(),
        Verb::Dashboard(options) => command::dashboard::run(&options),
        Verb::Test(options) => command::test::run(&options),
        Verb::Bench { scenario } => bench(&scenario),
        Verb::Golden(options) => command::browser::golden(&options),
        Verb::Build { arguments } => command::build::run(&arguments),
        Verb::Deploy(options) => command::deploy::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::progress(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn bench(scenario: &Scenario) -> Outcome<()> {
    match scenario {
        Scenario::All => command::bench::documents("all"),
        Scenario::Write => command::bench::documents("write"),
        Scenario::Cold => command::bench::alone(&["cold"]),
        Scenario::Memory => command::bench::alone(&["memory"]),
        Scenario::Ingest => command::bench::alone(&["ingest"]),
        Scenario::Throughput => command::bench::alone(&["throughput"]),
        Scenario::Latency => command::bench::alone(&["latency"]),
        Scenario::Writer => command::bench::alone(&["writer"]),
        Scenario::Units => command::bench::alone(&["units"]),
        Scenario::Reader => command::bench::alone(&["reader"]),
        Scenario::Export(options) => command::bench::export(options),
        Scenario::Page(options) => command::browser::bench(options),
    }
}
