//! Mails a link to a finished export.
//!
//! Two events lead here: the object of an export was created, and an execution of the export state machine ended. Either looks at the export in table
//! `control` and sends the mail that its state calls for, once: the mail is claimed before it is sent and recorded after.

pub mod config;
pub mod deliver;
pub mod handler;

use std::sync::Mutex;

use relay::metric::Counters;
use relay::port::{ControlTable, LinkSigner, Mailer};

/// What the function needs to send a mail.
#[derive(Debug)]
pub struct App<C, L, M> {
    /// Table `control`.
    pub control: C,
    /// Makes links.
    pub signer: L,
    /// Sends mails.
    pub mailer: M,
    /// Where the page is; `None` leaves the way back out of mails.
    pub site_url: Option<String>,
    /// What was counted since the last minute.
    pub counters: Mutex<Counters>,
}

impl<C: ControlTable, L: LinkSigner, M: Mailer> App<C, L, M> {
    /// An app over these ports.
    pub fn new(control: C, signer: L, mailer: M, site_url: Option<String>) -> Self {
        Self { control, signer, mailer, site_url, counters: Mutex::new(Counters::default()) }
    }
}
