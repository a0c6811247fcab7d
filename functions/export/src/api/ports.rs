//! The ports of the API under one name.

use relay::port::{Backlog, ControlTable, Executions, LinkSigner, Mailer, PageStore, Removal};

/// Which port is what: AWS's in the function, the doubles in tests.
pub trait Ports {
    /// Table `control`.
    type Control: ControlTable;
    /// Table `pages`.
    type Pages: PageStore;
    /// The stream's backlog.
    type Backlog: Backlog;
    /// The state machine.
    type Executions: Executions;
    /// Deletes files.
    type Files: Removal;
    /// Makes links.
    type Signer: LinkSigner;
    /// Sends mails.
    type Mailer: Mailer;
}

/// All of them side by side.
impl<C, P, B, E, F, S, M> Ports for (C, P, B, E, F, S, M)
where
    C: ControlTable,
    P: PageStore,
    B: Backlog,
    E: Executions,
    F: Removal,
    S: LinkSigner,
    M: Mailer,
{
    type Control = C;
    type Pages = P;
    type Backlog = B;
    type Executions = E;
    type Files = F;
    type Signer = S;
    type Mailer = M;
}
