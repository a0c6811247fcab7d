//! What an advertiser asks, what an operator erases, and what functions hear that makes no sense.

use local::fault_proxy::Effect;
use relay_tests::wait::until;
use serde_json::{Value, json};

use crate::world::{LONG, World, text};

/// Which refusal it is, the contract's tests say.
const REFUSED: &[u16] = &[400, 401, 403, 404, 405, 409, 413, 415, 422];

/// A bounce, as SES's mailbox simulator makes one.
const BOUNCES: &str = "bounce@simulator.amazonses.com";

fn request(world: &World<'_>, kind: &str, emails: &[&str]) -> Value {
    let day = relay_lambda::process::now_ms().div_euclid(86_400_000);
    let (start, end) = (relay::time::date_of_day(day - 1), relay::time::date_of_day(day));
    json!({"app_token": world.open.app, "kind": kind, "start_date": start, "end_date": end, "email": emails,
        "filters": {"event_name": [world.person.words]}})
}

fn without_filter(mut body: Value) -> Value {
    body.as_object_mut().unwrap().remove("filters");
    body
}

/// Asks, and waits for an end; answers the export's id.
fn export(world: &World<'_>, body: &Value, end: &[&str]) -> String {
    let id = text(&world.ask("POST", "/v1/exports", Some(body), &[202]), "export_id");
    let ended = until(LONG, || {
        let seen = world.ask("GET", &format!("/v1/exports/{id}"), None, &[200]);
        end.contains(&seen["status"].as_str()?).then_some(())
    });
    ended.unwrap_or_else(|| {
        panic!("export {id} is none of {end:?}: {}", world.ask("GET", &format!("/v1/exports/{id}"), None, &[200]))
    });
    id
}

/// The text of the mail about an export.
fn mail(world: &World<'_>, id: &str) -> String {
    let found = until(LONG, || world.stage.mails().into_iter().find(|(_, text)| text.contains(id)));
    found.unwrap_or_else(|| panic!("a mail about {id}")).1
}

/// An export from the request to its deleted file, with a link and a bounce.
pub(crate) fn asked(world: &mut World<'_>) {
    let email = world.person.email.clone();
    let body = without_filter(request(world, "install", &[&email]));
    let mut preview = body.clone();
    preview.as_object_mut().unwrap().remove("email");
    world.ask("POST", "/v1/exports/preview", Some(&preview), &[200]);
    let id = export(world, &body, &["done"]);
    let signed = mail(world, &id);
    let (_, signature) = signed.split_once("X-Amz-Signature=").expect("a signed link");
    let signature: String = signature.chars().take_while(char::is_ascii_hexdigit).collect();
    world.secrets.keep("a link's signature", signature);
    let link = world.ask("POST", &format!("/v1/exports/{id}/link"), Some(&json!({"email": email})), &[200]);
    if let Some((_, signature)) = link["url"].as_str().unwrap_or_default().split_once("X-Amz-Signature=") {
        world.secrets.keep("a link's signature", signature.split('&').next().unwrap_or_default());
    }
    world.ask("GET", "/v1/exports", None, &[200]);
    world.ask("DELETE", &format!("/v1/exports/{id}/file"), None, &[200, 202, 204]);
    world.ask("GET", "/v1/account", None, &[200]);
    world.ask("GET", "/v1/arrivals", None, &[200]);
    let day = body["end_date"].as_str().unwrap();
    let summary =
        format!("/v1/activities/summary?app_token={}&start_date={day}&end_date={day}&kind=install", world.open.app);
    world.ask("GET", &summary, None, &[200]);
    let bounced = without_filter(request(world, "event", &[BOUNCES]));
    export(world, &bounced, &["done", "empty"]);
    let marked = || {
        world.ask("GET", "/v1/account", None, &[200])["unreachable"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
            .then_some(())
    };
    until(LONG, marked).expect("the bounce is marked");
    export(world, &request(world, "event", &[&email]), &["done", "empty"]);
}

/// What is refused, and what names nothing.
pub(crate) fn refused(world: &mut World<'_>) {
    let stranger = world.secrets.keep("a mail address", "stranger.lee@elsewhere.example");
    world.ask("POST", "/v1/exports", Some(&request(world, "install", &[&stranger])), REFUSED);
    world.ask("POST", "/v1/exports", Some(&json!({"email": world.person.words})), REFUSED);
    let token = world.secrets.keep("an unsubscribe token", "ab".repeat(16));
    for method in ["GET", "POST"] {
        world.send(method, &format!("/v1/unsubscribe/{token}"), &[], b"", &[200, 404, 410]);
    }
    world.ask("GET", &format!("/v1/nothing/{}", world.person.words), None, REFUSED);
    world.ask("GET", &format!("/v1/exports/{}", world.person.adid), None, REFUSED);
    let bearer = format!("Bearer {}", world.open.ingest_key);
    world.send("GET", "/v1/account", &[("authorization", &bearer)], b"", REFUSED);
    let broken = format!("{{\"email\": \"{}", world.person.email);
    world.send(
        "POST",
        "/v1/exports",
        &[("authorization", &format!("Bearer {}", world.open.api_key))],
        broken.as_bytes(),
        REFUSED,
    );
    world.send("GET", "/v1/openapi.yaml", &[], b"", &[200]);
    let cancelled = without_filter(request(world, "reattribution", &[&world.person.email]));
    // Held in its first step, so that it can be cancelled; what a step of it left is swept.
    world.strike(&[("ExportWorkerFunction", &["dynamodb:Query"], Effect::Throttle, usize::MAX)]);
    let id = text(&world.ask("POST", "/v1/exports", Some(&cancelled), &[202]), "export_id");
    for folder in ["exports", "tails"] {
        world.stage.put_export(&format!("{folder}/open/{id}/left"), b"left");
    }
    world.ask("DELETE", &format!("/v1/exports/{id}"), None, &[200, 202, 204]);
    world.stage.proxy.set_rules(1, Vec::new());
}

/// Behind the API, in the worker and before the mail.
pub(crate) fn faults(world: &mut World<'_>) {
    let email = world.person.email.clone();
    let other = format!("fresh.{email}");
    world.secrets.keep("a mail address", other.as_str());
    world.strike(&[(
        "ExportApiFunction",
        &["dynamodb:GetItem", "dynamodb:Query", "dynamodb:TransactWriteItems"],
        Effect::Deny,
        usize::MAX,
    )]);
    world.ask("POST", "/v1/exports", Some(&request(world, "install", &[&other])), &[503]);
    world.struck();
    world.strike(&[
        ("NotifyFunction", &["ses:SendEmail"], Effect::Break, 1),
        ("NotifyFunction", &["sts:AssumeRole"], Effect::Throttle, 1),
        ("ExportWorkerFunction", &["s3:UploadPart"], Effect::Break, 1),
    ]);
    let id = export(world, &without_filter(request(world, "install", &[&other])), &["done"]);
    mail(world, &id);
    world.struck();
    world.strike(&[("ExportWorkerFunction", &["s3:CreateMultipartUpload"], Effect::Deny, usize::MAX)]);
    let failing = without_filter(request(world, "install", &[&email, &other]));
    let id = export(world, &failing, &["failed"]);
    mail(world, &id);
    world.struck();
}

/// Two run slots: the third export waits for one, and the dispatcher gives it out.
pub(crate) fn in_line(world: &World<'_>) {
    world.strike(&[("ExportWorkerFunction", &["dynamodb:Query"], Effect::Throttle, usize::MAX)]);
    let asked = ["install", "event", "reattribution"].map(|kind| {
        let body =
            without_filter(request(world, kind, &[&world.person.email, &format!("line.{}", world.person.email)]));
        text(&world.ask("POST", "/v1/exports", Some(&body), &[202]), "export_id")
    });
    // A tick looks at who runs.
    drop(world.stage.invoke("ExportDispatcherFunction", &json!({})));
    world.struck();
    for id in asked {
        let ended = until(LONG, || {
            (world.ask("GET", &format!("/v1/exports/{id}"), None, &[200])["status"] == "done").then_some(())
        });
        ended.expect("who waits in line has its turn");
    }
}

/// A schedule from its making to its end.
pub(crate) fn recurring(world: &mut World<'_>) {
    let mut body = request(world, "install", &[&world.person.email]);
    let members = body.as_object_mut().unwrap();
    members.remove("start_date");
    members.remove("end_date");
    members.insert("frequency".to_owned(), json!("daily"));
    let id = text(&world.ask("POST", "/v1/schedules", Some(&body), &[201]), "schedule_id");
    world.ask("GET", "/v1/schedules", None, &[200]);
    world.ask("GET", &format!("/v1/schedules/{id}"), None, &[200]);
    world.ask("DELETE", &format!("/v1/schedules/{id}"), None, &[200, 204]);
}

/// A device is erased and taken out of pages.
pub(crate) fn erased(world: &mut World<'_>) {
    drop(world.stage.relayctl(&["erase", "open", "--adid", &world.person.adid]));
    let taken = until(LONG, || {
        let (status, answer) = world.stage.invoke("ExportDispatcherFunction", &json!({}))?;
        assert_eq!(status, 200, "{answer}");
        let state = text(&world.stage.relayctl(&["erase", "status", "open"]), "state");
        matches!(state.as_str(), "taken_out" | "swept").then_some(())
    });
    taken.expect("what was erased is taken out of pages");
    let swept = until(LONG, || {
        drop(world.stage.invoke("ExportDispatcherFunction", &json!({})));
        let uploads = world.stage.uploads();
        // An upload of a tail is nobody's: tails are put whole.
        let uploads = uploads.iter().filter(|key| key.starts_with("exports/"));
        let is_left = world.stage.exported("tails/").keys().chain(uploads).any(|key| key.ends_with("/left"));
        (!is_left).then_some(())
    });
    swept.expect("what an export left is swept");
    let forgotten = world.install(&world.open.app).replace("activity_kind=install", "activity_kind=gdpr_forget_device");
    let target = format!("/v1/callbacks/adjust?key={}&{forgotten}", world.open.ingest_key);
    world.send("GET", &target, &[], b"", &[200]);
    let recorded = until(LONG, || {
        let seen = world.stage.proxy.seen("BatchWriterFunction");
        seen.iter().any(|call| call.operation == "dynamodb:PutItem" && call.partition == "erase#*").then_some(())
    });
    recorded.expect("a provider's callback erases");
}

/// Events that are none of ours, with a person's words in them. What is no JSON of AWS's sort at all the runtime itself logs with the value that does not
/// fit; nobody but AWS can send it.
pub(crate) fn nonsense(world: &mut World<'_>) {
    let words = &world.person.words;
    let request = json!({"version": "2.0", "rawPath": words, "rawQueryString": words, "headers": {"authorization": words}, "body": words,
        "requestContext": {"http": {"method": words, "path": words, "sourceIp": world.person.address}}});
    for function in ["IngestFunction", "ExportApiFunction"] {
        drop(world.stage.invoke(function, &request));
    }
    let record =
        json!({"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": "d29yZHM=", "partitionKey": words}}]});
    drop(world.stage.invoke("BatchWriterFunction", &record));
    for event in [
        json!({"action": words}),
        json!({"action": "step", "owner": "nobody", "export_id": "1".repeat(32), "words": words}),
    ] {
        drop(world.stage.invoke("ExportWorkerFunction", &event));
    }
    for event in [json!(words), json!({"id": words, "detail-type": words, "detail": words})] {
        drop(world.stage.invoke("NotifyFunction", &event));
    }
}
