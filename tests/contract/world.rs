//! Both functions behind the API over the in-memory doubles, with the owner, app and address of the contract's examples.

use export::api::{Api, Call, Settings};
use ingest::{App as Door, Visit};
use relay::access::Access;
use relay::control::{Expect, Write};
use relay::export::{Export, store};
use relay::http::{Request, Response};
use relay::owner::{App, KeyRecord, Owner, Role};
use relay::port::memory::{
    MemoryControl, MemoryExecutions, MemoryFiles, MemoryMailer, MemoryPages, MemorySigner, MemorySpill, MemoryStream,
};
use relay::port::{ControlTable, Record, Stream};
use serde_json::{Value, json};

use super::document::{Document, Operation};

/// 2026-11-15T09:30:00Z.
pub(crate) const NOW: i64 = 1_794_735_000_000;
pub(crate) const APP: &str = "acme-app";
/// An id that no export has.
pub(crate) const NO_EXPORT: &str = "00000000000000000000000000000000";
const INGEST_KEY: &str = "relay_ingest_1";
const API_KEY: &str = "relay_api_1";

type ExportApi =
    Api<(MemoryControl, MemoryPages, MemoryStream, MemoryExecutions, MemoryFiles, MemorySigner, MemoryMailer)>;

pub(crate) struct World {
    pub(crate) door: Door<MemoryStream, MemorySpill, MemoryControl>,
    pub(crate) api: ExportApi,
    calls: u16,
}

/// Which key a request carries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    None,
    Unknown,
    OfTheOtherKind,
    Right,
}

impl World {
    pub(crate) async fn new() -> Self {
        let settings = Settings { max_export_days: 14, slots: 1, retention_days: 14, site_url: None };
        let ports = (
            MemoryControl::default(),
            MemoryPages::default(),
            MemoryStream::new(1),
            MemoryExecutions::default(),
            MemoryFiles::default(),
            MemorySigner::default(),
            MemoryMailer::default(),
        );
        let api = Api::new(ports, settings);
        let door = Door::new(MemoryStream::new(1), MemorySpill::default(), MemoryControl::default());
        register(&door.tenants.control).await;
        register(&api.control).await;
        Self { door, api, calls: 0 }
    }

    /// With something in the stream: no period is known to hold nothing.
    pub(crate) async fn with_activities() -> Self {
        let world = Self::new().await;
        world.api.backlog.set_now(NOW - 1000);
        world.api.backlog.put(&[Record { partition_key: "k".into(), data: "frame".into() }]).await;
        world
    }

    /// With an owner who asks for something else at the door.
    pub(crate) async fn owned(change: impl FnOnce(&mut Owner)) -> Self {
        let world = Self::new().await;
        let mut owner = owner();
        change(&mut owner);
        let write = Write::put(Owner::key("acme"), &owner, Expect::Any).unwrap();
        world.door.tenants.control.commit(&[write]).await.unwrap();
        world
    }

    /// Whether a path is the door's; every other is the export API's.
    fn is_door(path: &str) -> bool {
        path.starts_with("/v1/callbacks/") || path == "/v1/activities" || path == "/v1/health"
    }

    pub(crate) async fn answer(&mut self, request: &Request) -> Response {
        self.answer_at(request, NOW).await
    }

    pub(crate) async fn answer_at(&mut self, request: &Request, now: i64) -> Response {
        self.calls += 1;
        let trace_id = format!("{:032x}", self.calls);
        if Self::is_door(&request.path) {
            return self.door.answer(Visit { request, now, trace_id: &trace_id }).await;
        }
        let mut random = [0; 10];
        random[8..].copy_from_slice(&self.calls.to_be_bytes());
        let call = Call { request, now, random, secret: [0; 32], trace_id };
        let response = self.api.answer(&call).await;
        self.api.follow_up(&call, &response).await;
        response
    }

    /// Asks for an export and answers its id.
    pub(crate) async fn export(&mut self, document: &Document) -> String {
        let create = document.operations().into_iter().find(|operation| operation.id == "createExport").unwrap();
        // Another request each time: the same one would be the same export.
        let filters = json!({"country": [format!("n{}", self.calls)]});
        let response = self.answer(&asking(document, create, &[("filters", filters)])).await;
        let body: Value = serde_json::from_str(&response.body).unwrap();
        body["export_id"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
    }

    pub(crate) async fn amend(&self, id: &str, change: impl Fn(&mut Export)) {
        let change = |export: &mut Export| {
            change(export);
            true
        };
        assert!(store::amend(&self.api.control, "acme", id, change).await.unwrap().is_some());
    }
}

fn owner() -> Owner {
    Owner {
        owner: "acme".into(),
        mail_domains: ["acme.example".to_owned()].into(),
        event_tokens: [].into(),
        retention_days: 90,
        created_at: 0,
        access: Access::default(),
    }
}

async fn register(control: &MemoryControl) {
    let mut writes = vec![Write::put(Owner::key("acme"), &owner(), Expect::Any)];
    for (app_token, owner) in [(APP, "acme"), ("other-app", "other")] {
        let app = App { app_token: app_token.into(), owner: owner.into(), created_at: 0 };
        writes.push(Write::put(App::key(app_token), &app, Expect::Any));
        writes.push(Write::put(App::listing_key(owner, app_token), &app, Expect::Any));
    }
    for (secret, role) in [(INGEST_KEY, Role::Ingest), (API_KEY, Role::Api)] {
        let record = KeyRecord::of(secret, "acme", role, 0);
        writes.push(Write::put(KeyRecord::key(&record.sha256), &record, Expect::Any));
    }
    let writes: Vec<Write> = writes.into_iter().map(Result::unwrap).collect();
    control.commit(&writes).await.unwrap();
}

/// A request that the operation takes, its key sent in the first of the ways that the contract names.
pub(crate) fn request(document: &Document, operation: Operation<'_>, key: Sent) -> Request {
    let way = operation.security().first().copied();
    way.map_or_else(|| keyless(operation), |way| request_by(document, operation, way, key))
}

/// The same, its key sent as this security scheme says.
pub(crate) fn request_by(document: &Document, operation: Operation<'_>, way: &str, key: Sent) -> Request {
    let mut request = keyless(operation);
    let scheme = document.at(&format!("/components/securitySchemes/{way}"));
    let (own, other) = if way == "apiKey" { (API_KEY, INGEST_KEY) } else { (INGEST_KEY, API_KEY) };
    let secret = match key {
        Sent::None => return request,
        Sent::Unknown => "relay_never_made",
        Sent::OfTheOtherKind => other,
        Sent::Right => own,
    };
    let name = scheme["name"].as_str().unwrap_or_default();
    match (scheme["type"].as_str(), scheme["in"].as_str(), scheme["scheme"].as_str()) {
        (Some("apiKey"), Some("query"), None) => request.query = format!("{name}={secret}&{}", request.query),
        (Some("apiKey"), Some("header"), None) => request.headers.push((name.to_ascii_lowercase(), secret.to_owned())),
        (Some("http"), None, Some("bearer")) => {
            request.headers.push(("authorization".to_owned(), format!("Bearer {secret}")));
        }
        _ => panic!("{way}: {scheme}"),
    }
    request
}

/// A request with the parameters and body of the contract's examples.
fn keyless(operation: Operation<'_>) -> Request {
    let path = operation.path.replace("{provider}", "adjust").replace("{id}", NO_EXPORT);
    let mut request = Request { method: operation.method.to_owned(), path, ..Request::default() };
    let body = match operation.id {
        "getCallback" | "postCallback" => {
            let query = "app_token=acme-app&activity_kind=install&created_at=1794735000&adid=18546f61&nonce=n1";
            query.clone_into(&mut request.query);
            return request;
        }
        "summarizeActivities" => {
            "app_token=acme-app&start_date=2026-11-13&end_date=2026-11-14&country=kr".clone_into(&mut request.query);
            return request;
        }
        "postActivities" => &operation.request_body()["content"]["application/json"]["examples"]["array"],
        "createExport" | "previewExport" => {
            &operation.request_body()["content"]["application/json"]["examples"]["events"]
        }
        "createSchedule" => &operation.request_body()["content"]["application/json"]["examples"]["daily"],
        _ => return request,
    };
    with_body(request, "application/json", body["value"].to_string().as_bytes())
}

/// With another body.
pub(crate) fn with_body(mut request: Request, content_type: &str, body: &[u8]) -> Request {
    request.headers.retain(|(name, _)| name != "content-type");
    request.headers.push(("content-type".to_owned(), content_type.to_owned()));
    request.body =
        String::from_utf8(body.to_vec()).map_or_else(|binary| binary.into_bytes().into(), relay::http::Body::from);
    request
}

/// The contract's example of a request for an export, with these members besides.
pub(crate) fn asking(document: &Document, operation: Operation<'_>, more: &[(&str, Value)]) -> Request {
    let request = request(document, operation, Sent::Right);
    let mut body: Value = serde_json::from_slice(&request.body).unwrap_or(json!({}));
    for (name, value) in more {
        body[*name] = value.clone();
    }
    with_body(request, "application/json", body.to_string().as_bytes())
}
