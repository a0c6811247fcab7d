//! From the command line to the exit code.

mod buckets;
mod cost;
mod erase;
mod plan;
mod tail;

use std::io::Write;
use std::process::ExitCode;

use relay::audit::{Actor, Who};
use relay::fault::Fault;
use relay::port::ControlTable;
use relay_lambda::process;

use crate::cli::{
    AddressCommand, AppCommand, AuditArgs, Cli, Command, ControlCommand, DomainCommand, EventCommand, KeyCommand,
    OwnerCommand, PlanError, SigningCommand, SourceCommand, TraceArgs, WebhookCommand,
};
use crate::doctor::examine;
use crate::operations::{self as op, Change, Refusal};
use crate::target::{PlaceError, Target};
use crate::trace::trace;
use crate::view::Answer;

/// Refused or failed.
const FAILED: u8 = 1;

/// The command line is wrong, as clap also answers it.
const USAGE: u8 = 2;

/// Replayed, and something is still not understood; planned, and the load goes beyond a limit; looked, and something is wrong.
const LEFT: u8 = 3;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Unmeasured(#[from] relay_plan::figures::Unmeasured),
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error(transparent)]
    Refusal(#[from] Refusal),
    #[error("the answer cannot be written: {0}")]
    Output(#[from] std::io::Error),
    #[error("the answer is no JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Carries the command out and answers on standard output; says on standard error why not.
pub(crate) async fn run(cli: Cli) -> ExitCode {
    // On the heap: a command's calls nest deep.
    let code = match Box::pin(carry_out(cli)).await {
        Ok(code) => return code,
        Err(failure @ Failure::Place(PlaceError::Unknown(_))) => (FAILED, failure),
        Err(failure @ (Failure::Place(_) | Failure::Plan(_))) => (USAGE, failure),
        Err(failure) => (FAILED, failure),
    };
    // The exit code tells it, even where nobody reads standard error.
    let _unread = writeln!(std::io::stderr(), "error: {}", code.1);
    ExitCode::from(code.0)
}

async fn carry_out(cli: Cli) -> Result<ExitCode, Failure> {
    let target = || Target::open(&cli.place, process::env);
    match cli.command {
        Command::Plan(arguments) => plan::plan(&arguments, cli.place.region.as_deref(), cli.json),
        Command::Cost(arguments) => cost::cost(&arguments, cli.place.region.as_deref(), cli.json),
        Command::Doctor => doctor(&target().await?, cli.json).await,
        Command::Trace(arguments) => traced(&target().await?, arguments, cli.json).await,
        Command::Tail(arguments) => tail::tail(&target().await?, arguments, cli.json).await,
        Command::Quarantine(command) => buckets::quarantine(&target().await?, command, cli.json).await,
        Command::Failed(command) => buckets::failed(&target().await?, command, cli.json).await,
        Command::Erase(arguments) => {
            let actor = actor(cli.operator);
            answer(&erase::erase(&target().await?.control()?, arguments, &actor).await?, cli.json)
        }
        Command::Control(command) => {
            let actor = actor(cli.operator);
            answer(&manage(&target().await?.control()?, command, &actor).await?, cli.json)
        }
    }
}

/// Exit code 3 where something is wrong, or could not be seen.
async fn doctor(target: &Target, json: bool) -> Result<ExitCode, Failure> {
    let report = examine(target, process::now_ms()).await?;
    let text = if json { report.json()? } else { report.text() };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(if report.is_well() { ExitCode::SUCCESS } else { ExitCode::from(LEFT) })
}

/// Exit code 1 where nothing is known of the id.
async fn traced(target: &Target, arguments: TraceArgs, json: bool) -> Result<ExitCode, Failure> {
    let told = trace(target, &arguments.asked(process::now_ms())).await?;
    let text = if json { told.json()? } else { told.text() };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(if told.is_known() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

fn answer(answer: &Answer, json: bool) -> Result<ExitCode, Failure> {
    let text = if json { answer.json()? } else { answer.text() };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Who calls, for the audit record.
fn actor(operator: Option<String>) -> Actor {
    let who = Who::Operator(operator.unwrap_or_else(somebody));
    Actor { who, at: process::now_ms(), trace_id: process::trace_id() }
}

/// The user as this machine names them.
fn somebody() -> String {
    let user = process::env("USER").or_else(|| process::env("USERNAME")).unwrap_or_else(|| "unknown".to_owned());
    format!("{user}@{}", gethostname::gethostname().display())
}

async fn manage(control: &impl ControlTable, command: ControlCommand, actor: &Actor) -> Result<Answer, Refusal> {
    match command {
        ControlCommand::Owner(command) => owner(control, command, actor).await,
        ControlCommand::App(command) => {
            let view = match command {
                AppCommand::Add(args) => op::add_app(control, &args.owner, &args.app_token, actor).await?,
                AppCommand::Remove(args) => op::remove_app(control, &args.owner, &args.app_token, actor).await?,
            };
            Ok(Answer::Owner(view))
        }
        ControlCommand::Domain(command) => {
            let (owner, what) = match command {
                DomainCommand::Add(args) => (args.owner, Change::AddDomain(args.domain)),
                DomainCommand::Remove(args) => (args.owner, Change::RemoveDomain(args.domain)),
            };
            change(control, &owner, what, actor).await
        }
        ControlCommand::Address(command) => address(control, command, actor).await,
        ControlCommand::Event(command) => {
            let (owner, what) = match command {
                EventCommand::Add(args) => (args.owner, Change::AddEvent(args.event_token)),
                EventCommand::Remove(args) => (args.owner, Change::RemoveEvent(args.event_token)),
            };
            change(control, &owner, what, actor).await
        }
        ControlCommand::Source(command) => {
            let (owner, what) = match command {
                SourceCommand::Add(args) => (args.owner, Change::AddSource(args.whom, args.network)),
                SourceCommand::Remove(args) => (args.owner, Change::RemoveSource(args.whom, args.network)),
            };
            change(control, &owner, what, actor).await
        }
        ControlCommand::Key(command) => key(control, command, actor).await,
        ControlCommand::Signing(command) => signing(control, command, actor).await,
        ControlCommand::Webhook(command) => webhook(control, command, actor).await,
        ControlCommand::Audit(args) => audit(control, args, actor.at).await,
    }
}

async fn address(control: &impl ControlTable, command: AddressCommand, actor: &Actor) -> Result<Answer, Refusal> {
    Ok(Answer::Addresses(match command {
        AddressCommand::List { owner } => op::list_addresses(control, &owner).await?,
        AddressCommand::Clear { owner, address } => op::clear_address(control, &owner, &address, actor).await?,
    }))
}

async fn owner(control: &impl ControlTable, command: OwnerCommand, actor: &Actor) -> Result<Answer, Refusal> {
    Ok(match command {
        OwnerCommand::Add { name, retention_days } => {
            Answer::Owner(op::add_owner(control, &name, retention_days, actor).await?)
        }
        OwnerCommand::Retention { name, days } => change(control, &name, Change::Retention(days), actor).await?,
        OwnerCommand::Show { name } => Answer::Owner(op::show_owner(control, &name).await?),
        OwnerCommand::List => Answer::Owners { owners: op::list_owners(control).await? },
    })
}

async fn signing(control: &impl ControlTable, command: SigningCommand, actor: &Actor) -> Result<Answer, Refusal> {
    match command {
        SigningCommand::New { owner } => {
            let made = op::new_signing_secret(control, &owner, process::random(), actor);
            Ok(Answer::NewSecret(made.await?))
        }
        SigningCommand::Revoke { owner, secret_id } => {
            change(control, &owner, Change::RevokeSecret(secret_id), actor).await
        }
        SigningCommand::Require { owner } => change(control, &owner, Change::RequireSignature(true), actor).await,
        SigningCommand::Relax { owner } => change(control, &owner, Change::RequireSignature(false), actor).await,
    }
}

async fn webhook(control: &impl ControlTable, command: WebhookCommand, actor: &Actor) -> Result<Answer, Refusal> {
    Ok(match command {
        WebhookCommand::Set { owner, url } => {
            let set = op::set_webhook(control, &owner, &url, process::random(), actor);
            Answer::NewWebhook(set.await?)
        }
        WebhookCommand::Show { owner } => Answer::Webhook(op::show_webhook(control, &owner).await?),
        WebhookCommand::Rm { owner } => Answer::RemovedWebhook(op::remove_webhook(control, &owner, actor).await?),
    })
}

async fn change(control: &impl ControlTable, owner: &str, change: Change, actor: &Actor) -> Result<Answer, Refusal> {
    Ok(Answer::Owner(op::change_owner(control, owner, &change, actor).await?))
}

async fn key(control: &impl ControlTable, command: KeyCommand, actor: &Actor) -> Result<Answer, Refusal> {
    Ok(match command {
        KeyCommand::New { owner, role } => {
            let made = op::new_key(control, &owner, role.into(), process::random(), actor);
            Answer::NewKey(made.await?)
        }
        KeyCommand::Revoke { owner, key_id } => {
            Answer::RevokedKey(op::revoke_key(control, &owner, &key_id, actor).await?)
        }
    })
}

async fn audit(control: &impl ControlTable, args: AuditArgs, now: i64) -> Result<Answer, Refusal> {
    let AuditArgs { owner, since, action, limit, before, all: _ } = args;
    let asked = op::Asked { since: now.saturating_sub(since), action, before, limit: limit.into() };
    Ok(Answer::Records(match owner {
        Some(owner) => op::audit_owner(control, &owner, &asked).await?,
        None => op::audit_all(control, &asked).await?,
    }))
}
