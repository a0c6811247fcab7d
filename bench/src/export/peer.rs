//! Who else writes the same rows: programs in Python and Node.js, each in a process of its own.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use relay::activity::Kind;
use relay::row::Column;
use serde_json::Value;

use super::Written;
use crate::candidate::Candidate;
use crate::endpoint::Endpoint;
use crate::rows::Rows;

/// Another way to the same file.
pub(super) struct Peer {
    /// As the table calls it.
    pub(super) name: &'static str,
    /// The program, in `bench/peers`.
    program: Candidate,
    /// The table that it reads.
    table: &'static str,
    /// Of more rows it writes the first so many: its rate is the same, and its time is dear.
    most: u64,
}

/// `DuckDB`, from its own table in memory to a file, one thread: it need not read pages.
pub(super) const DUCKDB: Peer =
    Peer { name: "DuckDB, table to file", program: Candidate::python("duckdb_csv.py"), table: "", most: 10_000_000 };

/// The usual worker: an item an activity, the fields as attributes.
pub(super) const PYTHON_ATTRIBUTES: Peer = Peer {
    name: "boto3, csv; attributes",
    program: Candidate::python("export.py"),
    table: "attributes",
    most: 100_000,
};

/// The same with each item's activity as one JSON text, which Python reads faster.
pub(super) const PYTHON_DOCUMENTS: Peer = Peer {
    name: "boto3, csv; JSON texts",
    program: Candidate::python("export.py"),
    table: "documents",
    most: 1_000_000,
};

/// The usual worker in Node.js.
pub(super) const NODE_ATTRIBUTES: Peer =
    Peer { name: "Node.js; attributes", program: Candidate::node("export.mjs"), table: "attributes", most: 100_000 };

/// The same with each item's activity as one JSON text.
pub(super) const NODE_DOCUMENTS: Peer =
    Peer { name: "Node.js; JSON texts", program: Candidate::node("export.mjs"), table: "documents", most: 1_000_000 };

impl Peer {
    /// How it is started, if it can run here; else it is said aloud that it is left out.
    pub(super) fn present(&self) -> Option<Vec<PathBuf>> {
        let missing = |missing| crate::say(&format!("SKIPPED: {}: {missing}", self.name));
        self.program.command().map_err(missing).ok()
    }

    /// Has it write the rows, or the first of them.
    pub(super) fn measure(&self, program: &[PathBuf], rows: u64) -> Result<Written, String> {
        let rows = Rows::new(rows.min(self.most));
        let (minutes, expected) = (rows.minutes(), rows.len());
        let endpoint = Endpoint::with(rows)?;
        let columns: Vec<&str> = Column::defaults(Kind::Event).iter().map(|column| column.name()).collect();
        let (interpreter, arguments) = program.split_first().ok_or("a peer without a program")?;
        let mut command = Command::new(interpreter);
        command.args(arguments);
        command.args([endpoint.url(), self.table, &minutes.to_string(), &columns.join(",")]);
        let output = command.stderr(Stdio::inherit()).output();
        let output = output.map_err(|error| format!("{}: {error}", interpreter.display()))?;
        let told = serde_json::from_slice(&output.stdout).ok().filter(|_| output.status.success());
        let written = told.and_then(|told| self.written(&endpoint, &told));
        let written = written.ok_or_else(|| format!("{} ended with {}", self.name, output.status))?;
        if written.rows == expected {
            return Ok(written);
        }
        Err(format!("{} wrote {} rows, {expected} are there", self.name, written.rows))
    }

    /// What it tells, and of an uploaded file what arrived.
    fn written(&self, endpoint: &Endpoint, told: &Value) -> Option<Written> {
        let number = |name: &str| told.get(name)?.as_u64();
        let (bytes, sha256) = match endpoint.object(&format!("/exports/{}", self.table)) {
            Some(object) => (object.bytes, object.sha256),
            None => (number("bytes")?, told.get("sha256")?.as_str()?.to_owned()),
        };
        let core = Duration::from_micros(number("cpu_us")?);
        Some(Written { rows: number("rows")?, bytes, sha256, core, peak: number("peak_kib")? * 1024 })
    }
}
