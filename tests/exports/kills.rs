//! export-worker, as worker and as dispatcher, is killed in the middle of its calls while several exports are written at the same time.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use local::fault_proxy::{Calls, Effect, Rule};
use relay::activity::Kind;
use relay::export::Format;
use relay_lambda::process::now_ms;
use relay_tests::kill::while_killing;
use relay_tests::random::Random;
use relay_tests::stage::Stage;
use relay_tests::wait::until;
use serde_json::{Value, json};

use crate::data;
use crate::line::is_all_given_back;
use crate::party::Party;
use crate::say;

/// How long one round of exports may take, every retry of a killed step included.
const LIMIT: Duration = Duration::from_mins(8);
/// Rows of the large file: 34 MiB, which are three parts.
const ROWS: u32 = 2_200;
const ROW_BYTES: usize = 16_000;
/// Rows of each small file.
const FEW: u32 = 400;
/// Calls that a process is killed at; the first are the worker's, the last the dispatcher's too.
const CALLS: &[&str] = &[
    "s3:CreateMultipartUpload",
    "s3:UploadPart",
    "s3:UploadPart",
    "s3:CompleteMultipartUpload",
    "s3:ListParts",
    "dynamodb:Query",
    "dynamodb:GetItem",
    "dynamodb:TransactWriteItems",
    "dynamodb:TransactWriteItems",
    "states:StartExecution",
];

/// An export with the files of an undisturbed run.
struct Wanted {
    request: Value,
    files: BTreeMap<String, Vec<u8>>,
}

pub(crate) fn killed_workers_change_no_byte(stage: &Stage, seed: u64, kills: usize) {
    let began = Instant::now();
    let party = Party::register(stage, "killed");
    let wanted = undisturbed(stage, &party);
    say(&format!("  {:.1} s: {} exports undisturbed", began.elapsed().as_secs_f64(), wanted.len()));
    let neighbour = neighbour(stage);
    let (mut random, mut killed, mut failed) = (Random(seed), 0, 0);
    for round in 1.. {
        let ids: Vec<String> =
            (0..wanted.len()).map(|n| party.ask(stage, &request(&party, &wanted[n], round * 10 + n)).0).collect();
        let plan = (2 + random.index(3)).min(kills - killed.min(kills));
        killed += kill(stage, plan, &mut random);
        let ended: Vec<Value> = ids.iter().map(|id| end(stage, &party, id)).collect();
        for (n, view) in ended.iter().enumerate() {
            failed += usize::from(view["status"] == "failed");
            is_same_or_failed(stage, &party, view, &wanted[n], round * 10 + n);
        }
        say(&format!("  {:.1} s: {killed} killed, {failed} exports given up", began.elapsed().as_secs_f64()));
        if killed >= kills {
            break;
        }
    }
    let theirs = stage.exported("exports/neighbour/");
    assert_eq!(theirs, neighbour, "the neighbour's file is another");
    assert!(stage.uploads().iter().any(|key| key.contains("/neighbour/")), "the neighbour's upload is gone");
    is_all_given_back(stage);
}

/// Each of the requests run once without harm.
fn undisturbed(stage: &Stage, party: &Party) -> Vec<Wanted> {
    // An hour that is over, away from midnight.
    let from = now_ms().div_euclid(86_400_000) * 86_400_000 - 12 * 3_600_000;
    data::store(stage, &party.app, Kind::Event, from, ROWS, ROW_BYTES);
    data::store(stage, &party.app, Kind::Install, from, FEW, 300);
    let day = relay::time::date_of_day(from.div_euclid(86_400_000));
    let body = |kind: Value, format: &str| json!({"app_token": party.app, "kind": kind, "format": format, "start_date": day, "end_date": day});
    let both = json!(["install", "event"]);
    let last = Format::ALL[Format::ALL.len() - 1].name();
    let requests = [
        body(json!("event"), "csv"),
        body(both.clone(), "csv.gz"),
        body(json!("install"), "jsonl.gz"),
        body(both, last),
    ];
    let wanted = requests.into_iter().enumerate().map(|(n, request)| {
        let mut wanted = Wanted { request, files: BTreeMap::new() };
        let (id, _) = party.ask(stage, &self::request(party, &wanted, n));
        let view = end(stage, party, &id);
        assert_eq!(view["status"], "done", "{view}");
        wanted.files = files(stage, party, &id);
        assert!(!wanted.files.is_empty(), "no file of {view}");
        wanted
    });
    wanted.collect()
}

/// The request with an address of its own: the same one again would be the same export.
fn request(party: &Party, wanted: &Wanted, n: usize) -> Value {
    let mut request = wanted.request.clone();
    request["email"] = json!(party.email(n));
    request
}

/// Somebody else's file and open upload.
fn neighbour(stage: &Stage) -> BTreeMap<String, Vec<u8>> {
    stage.put_export(&format!("exports/neighbour/{}/file.csv", "1".repeat(32)), b"kind\ninstall\n");
    stage.exported("exports/neighbour/")
}

/// Kills every process of export-worker in the middle of a call, so often, each time at another call.
fn kill(stage: &Stage, times: usize, random: &mut Random) -> usize {
    let mut killed = 0;
    for _ in 0..times {
        // Some at their first call of a kind, some later.
        let (calls, chance) = (Calls::to(&[*random.pick(CALLS)]), *random.pick(&[1000, 400, 150]));
        let effect = Effect::Delay(Duration::from_millis(400));
        stage.proxy.set_rules(random.below(u64::MAX), vec![Rule { calls, effect, chance, most: 1 }]);
        let may = || stage.proxy.held() > 0;
        killed += while_killing(stage.host(), &["export-worker"], 1, may, |killed| {
            // Where no such call comes any more, the next kill is at another.
            until(Duration::from_secs(8), || (killed.load(Ordering::SeqCst) > 0).then_some(()));
        });
    }
    stage.proxy.set_rules(0, Vec::new());
    killed
}

/// Waits until an export has ended; answers its view.
fn end(stage: &Stage, party: &Party, id: &str) -> Value {
    let ended = until(LIMIT, || {
        let view = party.view(stage, id);
        (!["queued", "running"].contains(&view["status"].as_str().unwrap_or_default())).then_some(view)
    });
    ended.unwrap_or_else(|| panic!("{id} does not end: {}", party.view(stage, id)))
}

/// An export's objects by the name that does not change from one export to the next.
fn files(stage: &Stage, party: &Party, id: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = format!("exports/{}/{id}/", party.name);
    let named = |(key, body): (String, Vec<u8>)| (key.trim_start_matches(&folder).to_owned(), body);
    // What a manifest says of the export itself differs.
    stage.exported(&folder).into_iter().map(named).filter(|(name, _)| name != "manifest.json").collect()
}

fn is_same_or_failed(stage: &Stage, party: &Party, view: &Value, wanted: &Wanted, n: usize) {
    let id = view["export_id"].as_str().unwrap();
    let mail = until(LIMIT, || {
        let mails = stage.mails().into_iter().filter(|(to, _)| *to == party.email(n));
        let texts: Vec<String> = mails.map(|(_, text)| text).collect();
        (!texts.is_empty()).then_some(texts)
    });
    let mail = mail.unwrap_or_else(|| panic!("no mail: {view}"));
    assert!(mail.len() == 1 && mail[0].contains(id), "mails: {mail:?}");
    match view["status"].as_str() {
        Some("done") => {
            let files = files(stage, party, id);
            let sizes = |files: &BTreeMap<String, Vec<u8>>| -> Vec<_> {
                files.iter().map(|(name, body)| (name.clone(), body.len())).collect()
            };
            assert!(files == wanted.files, "other bytes: {:?}, not {:?}", sizes(&files), sizes(&wanted.files));
        }
        Some("failed") => {
            assert!(!mail[0].contains("X-Amz-Signature="), "a link to a file that is not there: {}", mail[0]);
        }
        _ => panic!("{view}"),
    }
}
