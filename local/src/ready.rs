//! `ready.json`: what others must know of the running stack.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::facts::Facts;
use crate::stack::Setting;

/// The facts of a running stack. URLs have no trailing slash and no `/v1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Ready {
    /// The page.
    pub(crate) site_url: String,
    /// The API; the same origin.
    pub(crate) api_url: String,
    /// The mails that were sent.
    pub(crate) inbox_url: String,
    /// AWS's API.
    pub(crate) emulator_url: String,
    /// Calls of functions: `POST /{logical id}`.
    pub(crate) host_url: String,
    /// The stack's region.
    pub(crate) region: String,
    /// The activity stream.
    pub(crate) stream: String,
    /// The queue of frames that the stream did not take.
    pub(crate) spill_queue: String,
    /// The table of pages.
    pub(crate) pages_table: String,
    /// The table of owners, keys and exports.
    pub(crate) control_table: String,
    /// The bucket of finished exports.
    pub(crate) export_bucket: String,
    /// The bucket of raw rejects.
    pub(crate) quarantine_bucket: String,
    /// The bucket of batches that were given up.
    pub(crate) failed_bucket: String,
    /// The state machine of exports.
    pub(crate) state_machine_arn: String,
    /// The sender of the mails.
    pub(crate) mail_from: String,
    /// `new`: the emulator was empty; `kept`: all is as the last stop in order left it; `recovered`: the last run was killed, and
    /// where the emulator was killed with it, all since the last stop in order is gone, keys included.
    pub(crate) state: &'static str,
    /// This process.
    pub(crate) pid: u32,
    /// The emulator's.
    pub(crate) emulator_pid: Option<u32>,
    /// Each function's name in the emulator, by logical id.
    pub(crate) functions: BTreeMap<String, String>,
    /// Physical ids of all resources, by logical id.
    pub(crate) resources: BTreeMap<String, String>,
    /// All outputs of the template.
    pub(crate) outputs: BTreeMap<String, String>,
}

/// Addresses that the facts do not hold.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    /// The front door.
    pub(crate) door: String,
    /// The emulator.
    pub(crate) emulator: String,
    /// The Lambda host.
    pub(crate) host: String,
}

impl Ready {
    /// Gathers the facts. `clean` says that the last run was stopped in order.
    pub(crate) fn new(setting: &Setting, facts: &Facts, emulator_pid: Option<u32>, clean: bool) -> Self {
        let output = |name: &str| facts.outputs.get(name).cloned().unwrap_or_default();
        let addresses = &setting.addresses;
        let functions = facts.functions.iter();
        Self {
            site_url: addresses.door.clone(),
            api_url: addresses.door.clone(),
            inbox_url: format!("{}/_local/inbox", addresses.door),
            emulator_url: addresses.emulator.clone(),
            host_url: addresses.host.clone(),
            region: setting.options.region.clone(),
            stream: output("StreamName"),
            spill_queue: output("SpillQueue"),
            pages_table: output("PagesTable"),
            control_table: output("ControlTable"),
            export_bucket: output("ExportBucket"),
            quarantine_bucket: output("QuarantineBucket"),
            failed_bucket: output("FailedBucket"),
            state_machine_arn: output("StateMachineArn"),
            mail_from: setting.options.mail_from.clone(),
            state: match (facts.created, clean) {
                (true, _) => "new",
                (false, true) => "kept",
                (false, false) => "recovered",
            },
            pid: std::process::id(),
            emulator_pid,
            functions: functions.map(|function| (function.logical_id.clone(), function.name.clone())).collect(),
            resources: facts.resources.clone(),
            outputs: facts.outputs.clone(),
        }
    }
}
