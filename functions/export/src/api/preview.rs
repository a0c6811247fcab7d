//! `POST /v1/exports/preview`: what an export would hold, looked at for a moment.

use relay::activity::{Activity, Kind};
use relay::erase::Erased;
use relay::export::Export;
use relay::fault::{Fault, FaultKind};
use relay::http::Response;
use relay::page::largest_shards;
use relay::period::rfc3339;
use relay::reader::{Sampled, Selection};
use relay::row::{CsvRows, FileColumn};
use serde_json::{Value, json};

use super::bounded::{Bounded, Bounds, Till};
use super::create::check_envelope;
use super::tally::{FEWEST_SAMPLED_PAGES, Tally};
use super::{Api, Call, Ports, Refusal};

/// The most rows that are shown of a kind.
const MAX_SHOWN: usize = 20;

/// The most bytes of them: an answer has 6 MB (Lambda, synchronous invocation), three kinds share them, and JSON may write six bytes for one.
const MAX_SHOWN_BYTES: usize = 256 * 1024;

/// The most rows of a kind that are counted one by one; of more it is told about how many they are.
const MAX_COUNTED: u64 = 20_000;

/// The most questions to the table for that, of all kinds: two weeks over 16 shards are 240.
const MAX_QUESTIONS: u64 = 256;

/// The most questions for a sample of what was not counted, of all kinds: one a minute and shard.
const MAX_SAMPLED: u64 = 192;

/// The most bytes of their answers, of all kinds, of the count and of the sample each: 8,192 read units.
const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// How long both may take, each, of all kinds: milliseconds.
const WITHIN_MS: u64 = 2_000;

/// What was seen of a kind.
struct Seen {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
    counted: u64,
    /// What was not counted, as far as it was sampled; `None` where everything was counted.
    rest: Option<Sampled>,
}

impl Seen {
    fn view(&self, kind: Kind) -> Value {
        let sampled = self.rest.unwrap_or_default();
        json!({
            "kind": kind,
            "columns": self.columns,
            "rows": self.rows,
            "about_rows": self.counted.saturating_add(sampled.rows),
            "exact": self.rest.is_none(),
            "sampled_minutes": sampled.minutes,
        })
    }
}

impl<W: Ports> Api<W> {
    pub(super) async fn preview(&self, call: &Call<'_>, owner: &str) -> Result<Response, Refusal> {
        check_envelope(call.request)?;
        let export = self.checked_without_mail(call, owner).await?;
        let shards = largest_shards(&self.control).await?;
        let erased = Erased::load(&self.control, owner).await?;
        let mut previews = Vec::with_capacity(export.kinds.len());
        for (index, kind) in export.kinds.iter().copied().enumerate() {
            let selection = export.selection(kind, shards, None, &erased);
            let seen = self.look(&export, index, selection, call.random).await?;
            previews.push(seen.view(kind));
        }
        Ok(Response::json(200, &json!({"as_of": rfc3339(export.as_of), "previews": previews})))
    }

    /// Counts from the first row on; what is left where that takes too long is sampled.
    async fn look(&self, export: &Export, kind: usize, selection: Selection, seed: [u8; 10]) -> Result<Seen, Fault> {
        let kinds = export.kinds.len().max(1) as u64;
        let mut shown = Shown::new(export, export.file_columns(kind).map_err(unusable)?)?;
        let bounds = |questions| Bounds::within(questions, MAX_BYTES / kinds, WITHIN_MS / kinds, selection.shards);
        let till = Till::new(bounds(MAX_QUESTIONS / kinds));
        let store = Bounded::new(&self.pages, till.bounds(), &till);
        let (mut tally, asked) = (Tally::default(), (&selection, &export.filters));
        tally.count(&store, asked, MAX_COUNTED, |activity| shown.row(activity)).await?;
        let (columns, rows) = (shown.header, shown.rows);
        if tally.is_all {
            return Ok(Seen { columns, rows, counted: tally.rows, rest: None });
        }
        let shards = u64::from(selection.shards.max(1));
        let minutes = (MAX_SAMPLED / kinds / shards).max(1);
        let sampling = bounds(minutes.saturating_mul(shards));
        let till = Till::new(Bounds { fewest_pages: FEWEST_SAMPLED_PAGES, is_soft: true, ..sampling });
        let store = Bounded::new(&self.pages, till.bounds(), &till);
        let rest = tally.sample(&store, asked, (minutes, seed)).await?;
        if tally.read == 0 && rest.minutes == 0 {
            return Err(Fault::new(FaultKind::TimedOut, "pages:List", "nothing was seen in the time of a preview"));
        }
        Ok(Seen { columns, rows, counted: tally.rows, rest: Some(rest) })
    }
}

/// The first rows, cell by cell as a CSV file has them.
struct Shown {
    csv: CsvRows,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    bytes: usize,
}

impl Shown {
    fn new(export: &Export, columns: Vec<FileColumn>) -> Result<Self, Fault> {
        let zone = export.zone().map_err(unusable)?;
        let mut csv = CsvRows::new(columns, zone, export.excel, 0);
        csv.header();
        let header = csv.take();
        let header = cells(header.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&header))?;
        Ok(Self { csv, header, rows: Vec::new(), bytes: 0 })
    }

    fn row(&mut self, activity: &Activity<'_>) -> Result<(), Fault> {
        if self.rows.len() < MAX_SHOWN && self.bytes < MAX_SHOWN_BYTES {
            self.csv.row(activity).map_err(unusable)?;
            let line = self.csv.take();
            self.bytes += line.len();
            // One row may be larger than an answer: a wide column under many names.
            if self.bytes <= MAX_SHOWN_BYTES {
                self.rows.push(cells(&line)?);
            }
        }
        Ok(())
    }
}

/// The cells of one line.
fn cells(line: &[u8]) -> Result<Vec<String>, Fault> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line);
    let record = reader.records().next().transpose().map_err(unusable)?;
    Ok(record.into_iter().flat_map(|record| record.iter().map(str::to_owned).collect::<Vec<_>>()).collect())
}

fn unusable(error: impl std::fmt::Display) -> Fault {
    Fault::new(FaultKind::Denied, "preview", error.to_string())
}
