//! export-worker's deployed binary, step after step until the file is done.

use std::collections::BTreeSet;

use bytes::Bytes;
use relay::access::Access;
use relay::control::{Expect, Write};
use relay::export::{Asked, Export, ExportRequest, Status, store};
use relay::owner::Owner;
use relay::period::{LocalClock, Zone};
use relay::port::ControlTable;
use relay_aws::config::Aws;
use relay_aws::dynamodb::AwsControl;
use serde_json::json;

use super::Written;
use crate::candidate::Candidate;
use crate::core_time::{Account, peak_bytes};
use crate::endpoint::Endpoint;
use crate::rows::{ROWS_A_MINUTE, Rows, SHARDS, START};
use crate::stage::{REGION, Stage};
use relay_plan::generator::Generator;

/// Our own.
pub(super) const EXPORT_WORKER: Candidate = Candidate::built("export-worker", "export-worker");

/// `CONTROL_TABLE`, `PAGES_TABLE` and `EXPORT_BUCKET`.
const CONTROL: &str = "control";
const PAGES: &str = "pages";
const BUCKET: &str = "exports";

/// The time of the request, long after the last row was received: milliseconds since the epoch.
const AS_OF: i64 = START + 60 * 24 * 3_600_000;

/// The longest period that can be asked for: days.
const MAX_DAYS: u16 = 366;

/// Writes a file of so many rows in a process of its own.
pub(super) fn measure(rows: u64) -> Result<Written, String> {
    let endpoint = Endpoint::with(Rows::new(rows))?;
    let environment = [
        ("CONTROL_TABLE", CONTROL),
        ("PAGES_TABLE", PAGES),
        ("EXPORT_BUCKET", BUCKET),
        ("WEBHOOK_TARGETS", "public"),
        ("STATE_MACHINE_ARN", "arn:aws:states:eu-west-1:000000000000:stateMachine:export"),
        ("STREAM_NAME", "stream"),
        ("SPILL_QUEUE_URL", "http://127.0.0.1:9/000000000000/spill"),
        ("MAX_CONCURRENT_EXPORTS", "1"),
    ];
    let stage = Stage::open(EXPORT_WORKER, endpoint, &environment)?;
    let export = running(rows)?;
    let ended = stage.runtime.block_on(carry_out(&stage, &export))?;
    let pid = stage.process()?;
    let core = Account::Process(pid).busy().ok_or("the system does not tell a process's time")?;
    let peak = peak_bytes(pid).ok_or("the system does not tell a process's memory")?;
    let path = format!("/{BUCKET}/{}", ended.object_key());
    let object = stage.endpoint.object(&path).ok_or_else(|| format!("{path} is not there"))?;
    if (ended.checkpoint.rows, object.bytes) != (rows, ended.checkpoint.bytes) {
        let (written, counted) = (ended.checkpoint.rows, ended.checkpoint.bytes);
        return Err(format!("{written} rows in {} bytes, {rows} in {counted} were expected", object.bytes));
    }
    Ok(Written { rows, bytes: object.bytes, sha256: object.sha256, core, peak })
}

/// An export of all rows that has its slot.
fn running(rows: u64) -> Result<Export, String> {
    let owner = Owner {
        owner: "bench".to_owned(),
        mail_domains: BTreeSet::from(["example.com".to_owned()]),
        event_tokens: BTreeSet::new(),
        retention_days: 400,
        access: Access::default(),
        created_at: 0,
    };
    let zone = Zone::named("Asia/Seoul").ok_or("no zone Asia/Seoul")?;
    let last_minute = i64::try_from(rows.saturating_sub(1) / ROWS_A_MINUTE).unwrap_or(i64::MAX);
    let mut clock = LocalClock::new(zone.clone());
    let mut date = |ms| clock.minute_text(ms).map(|text| text.split(' ').next().unwrap_or_default().to_owned());
    let request = json!({
        "app_token": Generator::APP_TOKEN, "kind": "event", "timezone": zone.name(), "email": "bench@example.com",
        "start_date": date(START), "end_date": date(START + last_minute * 60_000),
    });
    let request = ExportRequest::parse(request.to_string().as_bytes(), &owner, MAX_DAYS);
    let asked = Asked {
        owner: owner.owner,
        retention_days: owner.retention_days,
        now: AS_OF,
        export_id: relay::export::export_id(AS_OF, [0; 10]),
        trace_id: "bench".to_owned(),
    };
    let export = Export::new(request.map_err(|error| format!("{error:?}"))?, asked);
    Ok(Export { status: Status::Running, started_at: Some(AS_OF), ..export })
}

/// Calls the worker as the state machine does; the export at its end.
async fn carry_out(stage: &Stage, export: &Export) -> Result<Export, String> {
    let control = AwsControl::new(&Aws::at(stage.endpoint.url(), REGION).await, CONTROL);
    let put = Write::put(Export::key(&export.owner, &export.export_id), export, Expect::Absent);
    let shards = relay::page::raise_shards(&control, SHARDS).await.map_err(|fault| fault.to_string())?;
    let writes: Vec<Write> = shards.into_iter().chain(put).collect();
    control.commit(&writes).await.map_err(|error| error.to_string())?;
    let task = json!({"action": "step", "owner": export.owner, "export_id": export.export_id}).to_string();
    loop {
        let answer = stage.call(Bytes::from(task.clone())).await?;
        match answer.get("status").and_then(serde_json::Value::as_str) {
            Some("running") => {}
            Some("done") => break,
            _ => return Err(format!("a step answered {answer}")),
        }
    }
    let ended = store::load(&control, &export.owner, &export.export_id).await.map_err(|fault| fault.to_string())?;
    ended.map(|(export, _)| export).ok_or_else(|| "the export is gone".to_owned())
}
