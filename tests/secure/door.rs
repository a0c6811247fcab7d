//! What comes to the door: callbacks and batches, good and bad, and faults behind it.

use local::fault_proxy::Effect;
use relay::signature::SigningSecret;
use relay_tests::wait::until;
use serde_json::{Value, json};

use crate::world::{LONG, World};

const CALLBACKS: &str = "/v1/callbacks/adjust";

/// Which refusal it is, the door's own tests say.
const REFUSED: &[u16] = &[400, 401, 403, 404, 405, 413, 415, 422];

/// More than a callback may have: bytes.
const TOO_LARGE: usize = 200_000;

/// Callbacks with keys in the query, in headers, and wrong ones; and what is kept raw.
pub(crate) fn callbacks(world: &mut World<'_>) {
    let (key, app) = (world.open.ingest_key.clone(), world.open.app.clone());
    let forged = world
        .secrets
        .keep("a forged key", "relay_ingest_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    let install = |world: &World<'_>| world.install(&app);
    let get = |world: &World<'_>, target: String, wanted: &[u16]| world.send("GET", &target, &[], b"", wanted);
    for sent in
        [install(world), format!("{}&dry_run=1", install(world)), install(world).replace("open-app", "nobodys-app")]
    {
        get(world, format!("{CALLBACKS}?key={key}&{sent}"), &[200]);
    }
    let person = &world.person;
    let raw = format!("activity_kind=install&adid={}&label={}", person.adid, person.words);
    get(world, format!("{CALLBACKS}?key={key}&{raw}"), &[200]);
    get(world, format!("{CALLBACKS}?key={key}&{}&dry_run=maybe", install(world)), REFUSED);
    get(world, format!("{CALLBACKS}?key={forged}&{}", install(world)), REFUSED);
    get(world, format!("{CALLBACKS}?key={}&{}", world.open.api_key, install(world)), REFUSED);
    get(world, format!("/v1/callbacks/nobody?key={key}&{}", install(world)), REFUSED);
    get(world, format!("{CALLBACKS}?key={}&{}", world.fenced.ingest_key, install(world)), REFUSED);
    world.send("PUT", &format!("{CALLBACKS}?key={key}&{}", install(world)), &[], b"", REFUSED);
    posts(world, &key);
}

fn posts(world: &World<'_>, key: &str) {
    let (bearer, json) = (format!("Bearer {key}"), ("content-type", "application/json"));
    let person = &world.person;
    let body = json!({"activity_kind": "event", "app_token": world.open.app, "adid": person.adid, "label": person.words,
        "created_at": relay_lambda::process::now_ms() / 1000, "ip_address": person.address});
    world.send("POST", CALLBACKS, &[("authorization", &bearer), json], body.to_string().as_bytes(), &[200]);
    world.send("POST", CALLBACKS, &[("x-relay-key", key), json], format!("{{{}", person.words).as_bytes(), &[200]);
    world.send("POST", CALLBACKS, &[("authorization", &person.words), json], b"{}", REFUSED);
    let long = person.words.repeat(TOO_LARGE / person.words.len());
    world.send("POST", CALLBACKS, &[("x-relay-key", key)], long.as_bytes(), REFUSED);
}

/// Batches: good, with items that are refused, malformed, signed well and badly.
pub(crate) fn batches(world: &mut World<'_>) {
    let (open, person) = (&world.open, &world.person);
    let item = |app: &str, kind: &str, created_at: Value| {
        json!({"kind": kind, "app_token": app, "created_at": created_at, "event_name": person.words, "adid": person.adid,
            "user_id": person.user, "ip_address": person.address, "event_id": relay_lambda::process::trace_id()})
    };
    let now = json!(relay_lambda::process::now_ms());
    let good = item(&open.app, "event", now.clone());
    let lone = json!({"kind": "reattribution", "app_token": open.app, "created_at": now, "adid": person.adid, "event_id": "lone"});
    let bad = [
        item("nobodys-app", "event", now.clone()),
        item(&open.app, &person.words, now.clone()),
        item(&open.app, "event", json!(person.words)),
    ];
    // Another person's in the same page: that is changed and not removed when the first is erased.
    let other = json!({"kind": "event", "app_token": open.app, "created_at": good["created_at"], "event_name": person.words, "event_id": "other"});
    let batch = json!([good, lone, other, bad[0], bad[1], bad[2]]).to_string();
    let send = |key: &str, extra: &[(&str, &str)], body: &[u8], wanted: &[u16]| {
        let headers: Vec<_> = [("x-relay-key", key), ("content-type", "application/json")]
            .into_iter()
            .chain(extra.iter().copied())
            .collect();
        world.send("POST", "/v1/activities", &headers, body, wanted)
    };
    send(&open.ingest_key, &[], batch.as_bytes(), &[200]);
    send(&open.ingest_key, &[], format!("[{{\"{}", person.words).as_bytes(), REFUSED);
    send(&open.ingest_key, &[("content-encoding", "gzip")], person.words.as_bytes(), REFUSED);
    send(&open.api_key, &[], batch.as_bytes(), REFUSED);
    let fenced = json!([item(&world.fenced.app, "event", now)]).to_string();
    let signed = SigningSecret::of(&world.signing_secret, 0).sign(fenced.as_bytes(), relay_lambda::process::now_ms());
    send(&world.fenced.ingest_key, &[("x-relay-signature", &signed)], fenced.as_bytes(), &[200]);
    send(&world.fenced.ingest_key, &[("x-relay-signature", &signed)], batch.as_bytes(), REFUSED);
    send(&world.fenced.ingest_key, &[], fenced.as_bytes(), REFUSED);
    let digits = signed.rsplit('=').next().unwrap().to_owned();
    world.secrets.keep("a signature", digits);
}

/// The stream, the spill queue and the table of keys are away; then what the writer writes to.
pub(crate) fn faults(world: &mut World<'_>) {
    let target =
        |world: &World<'_>| format!("{CALLBACKS}?key={}&{}", world.open.ingest_key, world.install(&world.open.app));
    world.strike(&[("IngestFunction", &["kinesis:PutRecords"], Effect::Throttle, usize::MAX)]);
    world.send("GET", &target(world), &[], b"", &[200]);
    world.struck();
    until(LONG, || is_spill_empty(world).then_some(())).expect("what was spilled is read");
    let spill = "sqs:SendMessageBatch";
    world.strike(&[("IngestFunction", &["kinesis:PutRecords", spill], Effect::Break, usize::MAX)]);
    world.send("GET", &target(world), &[], b"", &[503]);
    world.struck();
    let fresh = world.stage.relayctl(&["key", "new", world.open.name, "--role", "ingest"]);
    let fresh = world.secrets.keep("a key", crate::world::text(&fresh, "key"));
    world.strike(&[("IngestFunction", &["dynamodb:GetItem"], Effect::Deny, usize::MAX)]);
    world.send("GET", &format!("{CALLBACKS}?key={fresh}&{}", world.install(&world.open.app)), &[], b"", &[503]);
    world.struck();
    for (operations, effect) in [
        (&["dynamodb:BatchWriteItem"][..], Effect::Deny),
        (&["dynamodb:BatchWriteItem"], Effect::Partial(500)),
        (&["s3:PutObject"], Effect::Break),
        (&["dynamodb:PutItem"], Effect::Break),
        (&["dynamodb:GetItem", "dynamodb:Query"], Effect::Deny),
    ] {
        world.strike(&[("BatchWriterFunction", operations, effect, 3)]);
        world.send("GET", &target(world), &[], b"", &[200]);
        let raw = format!("{CALLBACKS}?key={}&activity_kind=install&adid={}", world.open.ingest_key, world.person.adid);
        world.send("GET", &raw, &[], b"", &[200]);
        world.struck();
    }
    healed(world, || target(world));
}

fn is_spill_empty(world: &World<'_>) -> bool {
    let counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
    let asked = json!({"QueueUrl": world.stage.resource("SpillQueue"), "AttributeNames": counts});
    let attributes = world.stage.aws("sqs", "AmazonSQS.GetQueueAttributes", &asked);
    counts.iter().all(|count| attributes["Attributes"][*count] == "0")
}

/// A shard to which nothing comes any more keeps a watermark that could not be recorded, and each export waits a minute for it: callbacks, until every
/// shard has a new one.
fn healed(world: &World<'_>, target: impl Fn() -> String) {
    let since = relay_lambda::process::now_ms();
    let is_new = |mark: &Value| mark["drained_at"]["N"].as_str().unwrap().parse::<i64>().unwrap() > since;
    let marked = until(LONG, || {
        world.send("GET", &target(), &[], b"", &[200]);
        world.stage.control("watermark").iter().all(|(_, mark)| is_new(mark)).then_some(())
    });
    marked.expect("the watermarks go on");
}
