//! Who else writes the same rows: programs in Python, each in a process of its own.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use relay::activity::Kind;
use relay::row::Column;
use serde_json::Value;

use super::Written;
use crate::endpoint::Endpoint;
use crate::rows::Rows;

/// Another way to the same file.
pub(super) struct Peer {
    /// As the table calls it.
    pub(super) name: &'static str,
    /// The program, in `bench/peers`.
    program: &'static str,
    /// The table that it reads.
    table: &'static str,
    /// Of more rows it writes the first so many: its rate is the same, and its time is dear.
    most: u64,
}

/// `DuckDB`, from its own table in memory to a file, one thread: it need not read pages.
pub(super) const DUCKDB: Peer =
    Peer { name: "DuckDB, table to file", program: "duckdb_csv.py", table: "", most: 10_000_000 };

/// The usual worker: an item an activity, the fields as attributes.
pub(super) const PYTHON_ATTRIBUTES: Peer =
    Peer { name: "boto3, csv; attributes", program: "boto3_csv.py", table: "attributes", most: 100_000 };

/// The same with each item's activity as one JSON text, which Python reads faster.
pub(super) const PYTHON_DOCUMENTS: Peer =
    Peer { name: "boto3, csv; JSON texts", program: "boto3_csv.py", table: "documents", most: 1_000_000 };

impl Peer {
    /// Has it write the rows, or the first of them.
    pub(super) fn measure(&self, python: &Path, rows: u64) -> Result<Written, String> {
        let rows = Rows::new(rows.min(self.most));
        let (minutes, expected) = (rows.minutes(), rows.len());
        let endpoint = Endpoint::with(rows)?;
        let columns: Vec<&str> = Column::defaults(Kind::Event).iter().map(|column| column.name()).collect();
        let mut command = Command::new(python);
        command.arg(format!("{}/peers/{}", env!("CARGO_MANIFEST_DIR"), self.program));
        command.args([endpoint.url(), self.table, &minutes.to_string(), &columns.join(",")]);
        let output = command.stderr(Stdio::inherit()).output();
        let output = output.map_err(|error| format!("{}: {error}", python.display()))?;
        let told = serde_json::from_slice(&output.stdout).ok().filter(|_| output.status.success());
        let written = told.and_then(|told| self.written(&endpoint, &told));
        let written = written.ok_or_else(|| format!("{} ended with {}", self.program, output.status))?;
        if written.rows == expected {
            return Ok(written);
        }
        Err(format!("{} wrote {} rows, {expected} are there", self.program, written.rows))
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
