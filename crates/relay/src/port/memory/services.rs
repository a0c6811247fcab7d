//! Mail, links and executions in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::{Script, broken_limit, lock};
use crate::fault::Fault;
use crate::link::Link;
use crate::notice::Mail;
use crate::port::{ExecutionState, Executions, LinkSigner, Mailer, SendMailError};

/// The most bytes of an execution's input (Step Functions: 256 KiB).
const MAX_INPUT_BYTES: usize = 256 * 1024;

/// One hour in milliseconds.
const HOUR_MS: i64 = 3_600_000;

/// The mail service.
#[derive(Debug, Default)]
pub struct MemoryMailer {
    /// Call: `send`.
    pub script: Script,
    sent: Mutex<Vec<(String, Mail)>>,
    refused: Mutex<Vec<String>>,
}

impl MemoryMailer {
    /// Every mail sent, oldest first, with its address.
    #[must_use]
    pub fn sent(&self) -> Vec<(String, Mail)> {
        lock(&self.sent).clone()
    }

    /// Mails to this address are refused for good from now on.
    pub fn refuse(&self, address: &str) {
        lock(&self.refused).push(address.to_owned());
    }
}

impl Mailer for MemoryMailer {
    async fn send(&self, to: &str, mail: &Mail) -> Result<String, SendMailError> {
        if lock(&self.refused).iter().any(|refused| refused == to) {
            return Err(SendMailError::Rejected(format!("{to} is refused")));
        }
        let sent = self
            .script
            .single("send", || {
                let mut sent = lock(&self.sent);
                sent.push((to.to_owned(), mail.clone()));
                Ok(format!("mail-{}", sent.len()))
            })
            .await;
        Ok(sent?)
    }
}

/// The signer: links that end in an hour.
#[derive(Debug, Default)]
pub struct MemorySigner {
    /// Call: `sign`.
    pub script: Script,
}

impl LinkSigner for MemorySigner {
    async fn sign(&self, key: &str, file_name: &str, now: i64) -> Result<Link, Fault> {
        self.script
            .single("sign", || {
                let url = format!("https://files.example/{key}?file={file_name}&signed={now}");
                Ok(Link { url, expires_at: now + HOUR_MS })
            })
            .await
    }
}

/// The state machine: executions start and stay running until told otherwise.
#[derive(Debug, Default)]
pub struct MemoryExecutions {
    /// Calls: `start`, `state`, `stop`.
    pub script: Script,
    executions: Mutex<BTreeMap<String, (ExecutionState, String)>>,
}

impl MemoryExecutions {
    /// Every execution: name → (state, input).
    #[must_use]
    pub fn all(&self) -> BTreeMap<String, (ExecutionState, String)> {
        lock(&self.executions).clone()
    }

    /// Ends an execution.
    pub fn end(&self, name: &str, state: ExecutionState) {
        if let Some(execution) = lock(&self.executions).get_mut(name) {
            execution.0 = state;
        }
    }
}

impl Executions for MemoryExecutions {
    async fn start(&self, name: &str, input: &str) -> Result<(), Fault> {
        self.script
            .single("start", || {
                let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
                if !(1..=80).contains(&name.len()) || !is_plain || input.len() > MAX_INPUT_BYTES {
                    return Err(broken_limit(format!("execution {name} with {} bytes of input", input.len())));
                }
                let execution = (ExecutionState::Running, input.to_owned());
                lock(&self.executions).entry(name.to_owned()).or_insert(execution);
                Ok(())
            })
            .await
    }

    async fn state(&self, name: &str) -> Result<ExecutionState, Fault> {
        self.script
            .single("state", || Ok(lock(&self.executions).get(name).map_or(ExecutionState::Unknown, |e| e.0)))
            .await
    }

    async fn stop(&self, name: &str) -> Result<(), Fault> {
        self.script
            .single("stop", || {
                if let Some(execution) = lock(&self.executions).get_mut(name)
                    && execution.0 == ExecutionState::Running
                {
                    execution.0 = ExecutionState::Failed;
                }
                Ok(())
            })
            .await
    }
}
