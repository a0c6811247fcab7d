//! From the command line to the exit code.

use std::io::Write;
use std::process::ExitCode;

use relay::port::ControlTable;
use relay_lambda::process;

use crate::cli::{AppCommand, Cli, Command, DomainCommand, EventCommand, KeyCommand, OwnerCommand};
use crate::operations::{self as op, Change, Refusal};
use crate::target;
use crate::view::Answer;

/// Refused or failed.
const FAILED: u8 = 1;

/// The command line is wrong, as clap also answers it.
const USAGE: u8 = 2;

/// Carries the command out and answers on standard output; says on standard error why not.
pub(crate) async fn run(cli: Cli) -> ExitCode {
    let control = match target::open(&cli.place, process::env).await {
        Ok(control) => control,
        Err(error) => return fail(&error, USAGE),
    };
    let answer = match carry_out(&control, cli.command).await {
        Ok(answer) => answer,
        Err(refusal) => return fail(&refusal, FAILED),
    };
    let text = if cli.json { answer.json() } else { Ok(answer.text()) };
    let written = text.map_err(Into::into).and_then(|text| std::io::stdout().write_all(text.as_bytes()));
    written.map_or_else(|error| fail(&error, FAILED), |()| ExitCode::SUCCESS)
}

fn fail(error: &dyn std::error::Error, code: u8) -> ExitCode {
    // The exit code tells it, even where nobody reads standard error.
    let _unread = writeln!(std::io::stderr(), "error: {error}");
    ExitCode::from(code)
}

async fn carry_out(control: &impl ControlTable, command: Command) -> Result<Answer, Refusal> {
    match command {
        Command::Owner(command) => owner(control, command).await,
        Command::App(command) => {
            let now = process::now_ms();
            let view = match command {
                AppCommand::Add(args) => op::add_app(control, &args.owner, &args.app_token, now).await?,
                AppCommand::Remove(args) => op::remove_app(control, &args.owner, &args.app_token, now).await?,
            };
            Ok(Answer::Owner(view))
        }
        Command::Domain(DomainCommand::Add(args)) => change(control, &args.owner, Change::AddDomain(args.domain)).await,
        Command::Domain(DomainCommand::Remove(args)) => {
            change(control, &args.owner, Change::RemoveDomain(args.domain)).await
        }
        Command::Event(EventCommand::Add(args)) => {
            change(control, &args.owner, Change::AddEvent(args.event_token)).await
        }
        Command::Event(EventCommand::Remove(args)) => {
            change(control, &args.owner, Change::RemoveEvent(args.event_token)).await
        }
        Command::Key(command) => key(control, command).await,
    }
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
