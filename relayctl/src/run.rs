//! From the command line to the exit code.

mod buckets;
mod erase;

use std::io::Write;
use std::process::ExitCode;

use relay::port::ControlTable;
use relay_lambda::process;

use crate::cli::{
    AddressCommand, AppCommand, Cli, Command, ControlCommand, DomainCommand, EventCommand, KeyCommand, OwnerCommand,
    SigningCommand, SourceCommand, WebhookCommand,
};
use crate::operations::{self as op, Change, Refusal};
use crate::target::{PlaceError, Target};
use crate::view::Answer;

/// Refused or failed.
const FAILED: u8 = 1;

/// The command line is wrong, as clap also answers it.
const USAGE: u8 = 2;

/// Replayed, and something is still not understood.
const LEFT: u8 = 3;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Refusal(#[from] Refusal),
    #[error("the answer cannot be written: {0}")]
    Output(#[from] std::io::Error),
    #[error("the answer is no JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Carries the command out and answers on standard output; says on standard error why not.
pub(crate) async fn run(cli: Cli) -> ExitCode {
    let code = match carry_out(cli).await {
        Ok(code) => return code,
        Err(failure @ Failure::Place(_)) => (USAGE, failure),
        Err(failure) => (FAILED, failure),
    };
    // The exit code tells it, even where nobody reads standard error.
    let _unread = writeln!(std::io::stderr(), "error: {}", code.1);
    ExitCode::from(code.0)
}

async fn carry_out(cli: Cli) -> Result<ExitCode, Failure> {
    let target = Target::open(&cli.place, process::env).await?;
    match cli.command {
        Command::Quarantine(command) => buckets::quarantine(&target, command, cli.json).await,
        Command::Failed(command) => buckets::failed(&target, command, cli.json).await,
        Command::Erase(arguments) => answer(&erase::erase(&target.control()?, arguments).await?, cli.json),
        Command::Control(command) => answer(&manage(&target.control()?, command).await?, cli.json),
    }
}

fn answer(answer: &Answer, json: bool) -> Result<ExitCode, Failure> {
    let text = if json { answer.json()? } else { answer.text() };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

async fn manage(control: &impl ControlTable, command: ControlCommand) -> Result<Answer, Refusal> {
    match command {
        ControlCommand::Owner(command) => owner(control, command).await,
        ControlCommand::App(command) => {
            let now = process::now_ms();
            let view = match command {
                AppCommand::Add(args) => op::add_app(control, &args.owner, &args.app_token, now).await?,
                AppCommand::Remove(args) => op::remove_app(control, &args.owner, &args.app_token, now).await?,
            };
            Ok(Answer::Owner(view))
        }
        ControlCommand::Domain(command) => {
            let (owner, what) = match command {
                DomainCommand::Add(args) => (args.owner, Change::AddDomain(args.domain)),
                DomainCommand::Remove(args) => (args.owner, Change::RemoveDomain(args.domain)),
            };
            change(control, &owner, what).await
        }
        ControlCommand::Address(command) => address(control, command).await,
        ControlCommand::Event(command) => {
            let (owner, what) = match command {
                EventCommand::Add(args) => (args.owner, Change::AddEvent(args.event_token)),
                EventCommand::Remove(args) => (args.owner, Change::RemoveEvent(args.event_token)),
            };
            change(control, &owner, what).await
        }
        ControlCommand::Source(command) => {
            let (owner, what) = match command {
                SourceCommand::Add(args) => (args.owner, Change::AddSource(args.whom, args.network)),
                SourceCommand::Remove(args) => (args.owner, Change::RemoveSource(args.whom, args.network)),
            };
            change(control, &owner, what).await
        }
        ControlCommand::Key(command) => key(control, command).await,
        ControlCommand::Signing(command) => signing(control, command).await,
        ControlCommand::Webhook(command) => webhook(control, command).await,
    }
}

async fn address(control: &impl ControlTable, command: AddressCommand) -> Result<Answer, Refusal> {
    Ok(Answer::Addresses(match command {
        AddressCommand::List { owner } => op::list_addresses(control, &owner).await?,
        AddressCommand::Clear { owner, address } => op::clear_address(control, &owner, &address).await?,
    }))
}

async fn owner(control: &impl ControlTable, command: OwnerCommand) -> Result<Answer, Refusal> {
    Ok(match command {
        OwnerCommand::Add { name, retention_days } => {
            Answer::Owner(op::add_owner(control, &name, retention_days, process::now_ms()).await?)
        }
        OwnerCommand::Show { name } => Answer::Owner(op::show_owner(control, &name).await?),
        OwnerCommand::List => Answer::Owners { owners: op::list_owners(control).await? },
    })
}

async fn signing(control: &impl ControlTable, command: SigningCommand) -> Result<Answer, Refusal> {
    match command {
        SigningCommand::New { owner } => {
            let made = op::new_signing_secret(control, &owner, process::random(), process::now_ms());
            Ok(Answer::NewSecret(made.await?))
        }
        SigningCommand::Revoke { owner, secret_id } => change(control, &owner, Change::RevokeSecret(secret_id)).await,
        SigningCommand::Require { owner } => change(control, &owner, Change::RequireSignature(true)).await,
        SigningCommand::Relax { owner } => change(control, &owner, Change::RequireSignature(false)).await,
    }
}

async fn webhook(control: &impl ControlTable, command: WebhookCommand) -> Result<Answer, Refusal> {
    Ok(match command {
        WebhookCommand::Set { owner, url } => {
            let set = op::set_webhook(control, &owner, &url, process::random(), process::now_ms());
            Answer::NewWebhook(set.await?)
        }
        WebhookCommand::Show { owner } => Answer::Webhook(op::show_webhook(control, &owner).await?),
        WebhookCommand::Rm { owner } => Answer::RemovedWebhook(op::remove_webhook(control, &owner).await?),
    })
}

async fn change(control: &impl ControlTable, owner: &str, change: Change) -> Result<Answer, Refusal> {
    Ok(Answer::Owner(op::change_owner(control, owner, &change).await?))
}

async fn key(control: &impl ControlTable, command: KeyCommand) -> Result<Answer, Refusal> {
    Ok(match command {
        KeyCommand::New { owner, role } => {
            let made = op::new_key(control, &owner, role.into(), process::random(), process::now_ms());
            Answer::NewKey(made.await?)
        }
        KeyCommand::Revoke { owner, key_id } => Answer::RevokedKey(op::revoke_key(control, &owner, &key_id).await?),
    })
}
