//! Two hundred requests of twenty owners at once.
//!
//! The one run slot is held until all of them are in line: an export of somebody else waits for the stream, which the fault proxy does not let its
//! worker see, from a moment in the future on, so that it never has waited long enough. Then the line must be fair as it stands: of any two neighbouring places of one owner, every other owner that has requests left stands once
//! between them. And it must be served as it stood: the executions start in the order of the places shown, one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use local::fault_proxy::{Calls, Effect, Rule};
use relay_lambda::process::now_ms;
use relay_tests::stack::column;
use relay_tests::stage::Stage;
use relay_tests::wait::until;
use serde_json::{Value, json};

use crate::party::{Party, each};
use crate::say;

const OWNERS: usize = 20;
const EXPORTS: usize = 10;
/// What the worker sees of the stream.
const STREAM: &[&str] =
    &["kinesis:ListShards", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:DescribeStreamSummary"];
/// How long all files and mails may take.
const LIMIT: Duration = Duration::from_mins(8);

/// One request with what must come of it.
struct Asked<'a> {
    party: &'a Party,
    nth: usize,
    id: String,
    place: u64,
}

pub(crate) fn owners_take_turns(stage: &Stage) {
    let began = Instant::now();
    let took = |what: &str| say(&format!("  {:.1} s: {what}", began.elapsed().as_secs_f64()));
    let names: Vec<String> = (0..OWNERS).map(|n| format!("owner{n:02}")).chain(["first".to_owned()]).collect();
    let parties = each(&names, |name| Party::register(stage, name));
    each(&parties, |party| send(stage, party));
    took("owners are registered, activities sent");
    let (parties, first) = parties.split_at(OWNERS);
    // Throttled calls of the worker alone: it cannot know that the stream is drained, and waits.
    let calls = Calls::of("ExportWorkerFunction", STREAM);
    stage.proxy.set_rules(0, vec![Rule { calls, effect: Effect::Throttle, chance: 1000, most: usize::MAX }]);
    let (first_id, _) = first[0].ask(stage, &request(&first[0], 0));
    let running = || (first[0].view(stage, &first_id)["status"] == "running").then_some(());
    until(LIMIT, running).expect("the first export runs");
    begin_later(stage, &first[0].name, &first_id);
    let ids = all_at_once(stage, parties);
    let mut line = places(stage, ids);
    assert_eq!(
        first[0].view(stage, &first_id)["status"],
        "running",
        "the slot was held too short for all to stand in line"
    );
    stage.proxy.set_rules(0, Vec::new());
    took("all are in line");
    line.sort_by_key(|asked| asked.place);
    is_fair(&line);
    let mails = served(stage, &line);
    took("all are served");
    are_started_in_order(stage, &first_id, &line);
    each(&line, |asked| is_whole(stage, asked, &mails));
    is_all_given_back(stage);
    took("all files are whole");
}

/// Lets an export seem to have begun in an hour: it waits for the stream that long.
fn begin_later(stage: &Stage, owner: &str, id: &str) {
    let later = json!({ "N": (now_ms() + 3_600_000).to_string() });
    let update = json!({
        "TableName": stage.fact("control_table"), "Key": { "pk": { "S": format!("export#{owner}") }, "sk": { "S": id } },
        "UpdateExpression": "SET doc.started_at = :later", "ExpressionAttributeValues": { ":later": later },
    });
    drop(stage.aws("dynamodb", "DynamoDB_20120810.UpdateItem", &update));
}

/// Of its nth request an owner has n + 1 rows.
fn send(stage: &Stage, party: &Party) {
    let now = now_ms();
    let items = (0..EXPORTS).flat_map(|nth| (0..=nth).map(move |row| (nth, row)));
    let body: Vec<Value> = items
        .map(|(nth, row)| {
            json!({"kind": "event", "app_token": party.app, "created_at": now - 60_000, "event_name": format!("e{nth}"), "event_id": event_id(party, nth, row)})
        })
        .collect();
    let kept = until(LIMIT, || match stage.post("/v1/activities", &party.ingest_key, &json!(body)) {
        Some((200, answer)) => Some(answer),
        _ => None,
    });
    assert_eq!(kept.expect("the door opens")["accepted"], body.len());
}

fn event_id(party: &Party, nth: usize, row: usize) -> String {
    format!("{}-{nth}-{row}", party.name)
}

fn request(party: &Party, nth: usize) -> Value {
    let day = |at: i64| relay::time::date_of_day(at.div_euclid(86_400_000));
    json!({
        "app_token": party.app, "kind": "event", "email": party.email(nth), "filters": {"event_name": [format!("e{nth}")]},
        "start_date": day(now_ms() - 2 * 3_600_000), "end_date": day(now_ms()), "columns": ["event_id", "event_name"],
    })
}

/// Every owner asks at the same time, one request after the other.
fn all_at_once<'a>(stage: &Stage, parties: &'a [Party]) -> Vec<(&'a Party, usize, String)> {
    let barrier = Barrier::new(parties.len());
    let mut all = Vec::new();
    std::thread::scope(|scope| {
        let asked = |party: &'a Party| {
            barrier.wait();
            let ask = |nth| (party, nth, party.ask(stage, &request(party, nth)).0);
            (0..EXPORTS).map(ask).collect::<Vec<_>>()
        };
        let threads: Vec<_> = parties.iter().map(|party| scope.spawn(move || asked(party))).collect();
        all.extend(threads.into_iter().flat_map(|thread| thread.join().expect("all are taken")));
    });
    let distinct: BTreeSet<&String> = all.iter().map(|(_, _, id)| id).collect();
    assert_eq!(distinct.len(), OWNERS * EXPORTS, "two requests were taken for one");
    all
}

/// The places in line that the API shows.
fn places<'a>(stage: &Stage, ids: Vec<(&'a Party, usize, String)>) -> Vec<Asked<'a>> {
    let places = each(&ids, |(party, _, id)| {
        let view = party.view(stage, id);
        view["position"].as_u64().unwrap_or_else(|| panic!("{id} does not wait: {view}"))
    });
    let asked = |((party, nth, id), place)| Asked { party, nth, id, place };
    ids.into_iter().zip(places).map(asked).collect()
}

/// Every place is taken once; owners take turns, and each owner's own requests stand in the order in which it asked.
fn is_fair(line: &[Asked<'_>]) {
    let places: Vec<u64> = line.iter().map(|asked| asked.place).collect();
    assert_eq!(places, (1..=(OWNERS * EXPORTS) as u64).collect::<Vec<_>>(), "a place for each");
    for (round, turn) in line.chunks(OWNERS).enumerate() {
        let owners: BTreeSet<&str> = turn.iter().map(|asked| asked.party.name.as_str()).collect();
        assert_eq!(owners.len(), OWNERS, "round {round} serves an owner twice: {owners:?}");
        assert!(turn.iter().all(|asked| asked.nth == round), "round {round} does not serve each owner's own order");
    }
}

/// Waits for every mail; while the line is served no place grows. Answers how many mails came to each address.
fn served(stage: &Stage, line: &[Asked<'_>]) -> BTreeMap<String, Vec<String>> {
    let last = line.last().unwrap();
    let mut place = last.place;
    let mails = until(LIMIT, || {
        let seen = last.party.view(stage, &last.id)["position"].as_u64().unwrap_or(0);
        assert!(seen <= place, "the last one's place grew from {place} to {seen}");
        place = seen;
        let mut mails: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (to, text) in stage.mails() {
            mails.entry(to).or_default().push(text);
        }
        line.iter().all(|asked| mails.contains_key(&asked.party.email(asked.nth))).then_some(mails)
    });
    mails.expect("a mail for each")
}

/// One execution for each, one at a time, in the order of the line.
fn are_started_in_order(stage: &Stage, first: &str, line: &[Asked<'_>]) {
    let mut executions: Vec<(f64, f64, String)> = Vec::new();
    let mut from = Value::Null;
    loop {
        let mut input = json!({"stateMachineArn": stage.fact("state_machine_arn"), "maxResults": 1000});
        if !from.is_null() {
            input["nextToken"] = from;
        }
        let answer = stage.aws("states", "AWSStepFunctions.ListExecutions", &input);
        for one in answer["executions"].as_array().unwrap() {
            assert_eq!(one["status"], "SUCCEEDED", "{one}");
            let time = |name: &str| one[name].as_f64().unwrap_or_else(|| panic!("{name} of {one}"));
            executions.push((time("startDate"), time("stopDate"), one["name"].as_str().unwrap().to_owned()));
        }
        from = answer["nextToken"].clone();
        if from.is_null() {
            break;
        }
    }
    executions.sort_by(|(one, ..), (other, ..)| one.total_cmp(other));
    let started: Vec<&str> = executions.iter().map(|(_, _, name)| name.as_str()).collect();
    let wanted: Vec<&str> = std::iter::once(first).chain(line.iter().map(|asked| asked.id.as_str())).collect();
    let wrong = started.iter().zip(&wanted).position(|(started, wanted)| started != wanted);
    assert_eq!(
        (started.len(), wrong),
        (wanted.len(), None),
        "not in the order of the line: {started:?}, line {wanted:?}"
    );
    for pair in executions.windows(2) {
        assert!(pair[0].1 <= pair[1].0, "two at a time with one slot: {pair:?}");
    }
}

/// Done, mailed once, and its own rows and no others, each once.
fn is_whole(stage: &Stage, asked: &Asked<'_>, mails: &BTreeMap<String, Vec<String>>) {
    let Asked { party, nth, id, .. } = asked;
    let view = party.view(stage, id);
    assert_eq!((&view["status"], &view["rows"]), (&json!("done"), &json!(nth + 1)), "{view}");
    let texts = &mails[&party.email(*nth)];
    assert_eq!(texts.len(), 1, "{id} was mailed {} times", texts.len());
    assert!(texts[0].contains(id), "the mail is about another export: {}", texts[0]);
    let objects = stage.exported(&format!("exports/{}/{id}/", party.name));
    assert_eq!(objects.len(), 1, "{:?}", objects.keys());
    let rows: Vec<String> = objects.values().flat_map(|body| column(body, "event_id")).collect();
    let distinct: BTreeSet<&String> = rows.iter().collect();
    let wanted: Vec<String> = (0..=*nth).map(|row| event_id(party, *nth, row)).collect();
    assert_eq!(distinct, wanted.iter().collect(), "the rows of {id}");
    assert_eq!(rows.len(), wanted.len(), "a row of {id} is twice in it");
}

/// No slot is taken, nothing waits, and no upload is open but those that are on the agenda to be taken away: what a killed worker's last call
/// began may come into being after its export's end, so the last look is minutes later.
pub(crate) fn is_all_given_back(stage: &Stage) {
    let is_free = |(_, slot): &(String, Value)| slot["held"]["NULL"] == true;
    until(LIMIT, || stage.control("slot").iter().all(is_free).then_some(())).expect("every slot is given back");
    assert_eq!(stage.control("queue"), [], "something waits");
    let agenda = stage.control("agenda");
    let is_on_it = |key: &String| {
        let export_id = key.split('/').nth(2).unwrap_or_default();
        agenda.iter().any(|(entry, _)| entry.contains(export_id))
    };
    let forgotten: Vec<String> = stage.uploads().into_iter().filter(|key| !is_on_it(key)).collect();
    assert!(forgotten.iter().all(|key| key.contains("/neighbour/")), "open, and nobody will look: {forgotten:?}");
}
