//! Erasing, and waiting for it.

use std::io::Write;
use std::time::Duration;

use relay::audit::Actor;
use relay::port::ControlTable;
use relay_lambda::process;
use tokio::time::sleep;

use crate::cli::{EraseArgs, EraseCommand, Switch};
use crate::operations::{self as op, Refusal};
use crate::view::{Answer, EraseStatusView};

/// How often it is looked how far a pass is.
const LOOK: Duration = Duration::from_secs(1);

pub(super) async fn erase(control: &impl ControlTable, arguments: EraseArgs, actor: &Actor) -> Result<Answer, Refusal> {
    let EraseArgs { command, owner, ids, wait } = arguments;
    if let Some(command) = command {
        return verb(control, command, actor).await;
    }
    // The command line asks for it where there is no verb.
    let owner = owner.unwrap_or_default();
    let mut erased = op::erase(control, &owner, ids.all(), process::random(), actor).await?;
    if wait {
        erased.status = taken_out(control, &owner).await?;
    }
    Ok(Answer::Erased(erased))
}

async fn verb(control: &impl ControlTable, command: EraseCommand, actor: &Actor) -> Result<Answer, Refusal> {
    let status = match command {
        EraseCommand::List { owner } => return Ok(Answer::Tombstones(op::list_erased(control, &owner).await?)),
        EraseCommand::Status { owner, wait: false } => op::erase_status(control, &owner).await?,
        EraseCommand::Status { owner, wait: true } => taken_out(control, &owner).await?,
        EraseCommand::Again { owner, wait } => {
            let status = op::erase_again(control, &owner, actor).await?;
            if wait { taken_out(control, &owner).await? } else { status }
        }
        EraseCommand::Callbacks { owner, state } => {
            op::erase_by_callbacks(control, &owner, state == Switch::On, process::random(), actor).await?
        }
    };
    Ok(Answer::EraseStatus(status))
}

/// Waits until the owner's pages are gone through, and says on standard error how far it is. The work is the dispatcher's: to stop waiting stops nothing.
async fn taken_out(control: &impl ControlTable, owner: &str) -> Result<EraseStatusView, Refusal> {
    let mut told = String::new();
    let mut goal = None;
    loop {
        let status = op::erase_status(control, owner).await?;
        // Callbacks may erase more meanwhile, which waits for a pass of its own.
        let goal = *goal.get_or_insert(status.tombstones);
        let progress = status.progress();
        if progress != told {
            // Nobody may be there to read it.
            let _unread = writeln!(std::io::stderr(), "{progress}");
            told = progress;
        }
        if status.taken_out >= goal {
            return Ok(status);
        }
        sleep(LOOK).await;
    }
}
