//! The export API over the in-memory doubles, and a client of it.

use std::cell::Cell;
use std::sync::Mutex;

use export::api::{Api, Call, Settings};
use relay::control::Item;
use relay::export::{Export, store};
use relay::http::{Request, Response};
use relay::metric::Counters;
use relay::port::memory::{
    MemoryControl, MemoryExecutions, MemoryFiles, MemoryMailer, MemoryPages, MemorySigner, MemoryStream,
};
use serde_json::{Value, json};

use super::{API_KEY, NOW, event, pages_of, register, request, run, store_pages};

pub(crate) type Doubles =
    Api<(MemoryControl, MemoryPages, MemoryStream, MemoryExecutions, MemoryFiles, MemorySigner, MemoryMailer)>;

pub(crate) struct World {
    pub(crate) api: Doubles,
    calls: Cell<u16>,
}

/// An answer, taken apart.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    response: Response,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn code(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default().trim_start_matches("urn:relay:problem:")
    }

    pub(crate) fn fields(&self) -> Vec<&str> {
        self.body["errors"].as_array().into_iter().flatten().filter_map(|error| error["field"].as_str()).collect()
    }
}

impl World {
    /// An owner with rows on 2026-11-14.
    pub(crate) fn new() -> Self {
        let world = Self::without_rows();
        store_pages(&world.api.pages, &pages_of(&(0..20).map(|n| event(n, 64)).collect::<Vec<_>>(), 20, 1));
        world
    }

    pub(crate) fn without_rows() -> Self {
        let control = MemoryControl::default();
        register(&control);
        let settings = Settings {
            max_export_days: 14,
            slots: 1,
            retention_days: 14,
            site_url: Some("https://relay.example".into()),
        };
        let api = Api {
            control,
            pages: MemoryPages::default(),
            backlog: MemoryStream::new(1),
            executions: MemoryExecutions::default(),
            files: MemoryFiles::default(),
            signer: MemorySigner::default(),
            mailer: MemoryMailer::default(),
            settings,
            counters: Mutex::new(Counters::default()),
        };
        Self { api, calls: Cell::new(0) }
    }

    pub(crate) fn send(&self, request: &Request, now: i64) -> Answer {
        self.calls.set(self.calls.get() + 1);
        let call = Call {
            request,
            now,
            random: random(self.calls.get()),
            secret: [0; 32],
            trace_id: format!("{:032x}", self.calls.get()),
        };
        let response = run(self.api.answer(&call));
        run(self.api.follow_up(&call, &response));
        assert!(response.headers.contains(&("x-relay-trace-id", call.trace_id.clone())), "no trace id");
        let body: Value = serde_json::from_str(&response.body).unwrap();
        let content_type =
            response.headers.iter().find(|(name, _)| *name == "content-type").map(|(_, value)| value.as_str());
        if response.status >= 400 {
            assert_eq!(content_type, Some("application/problem+json"));
            assert_eq!((&body["status"], &body["trace_id"]), (&json!(response.status), &json!(call.trace_id)));
            assert!(body["title"].is_string() && body["detail"].is_string());
        } else {
            assert_eq!(content_type, Some("application/json"));
        }
        Answer { status: response.status, body, response }
    }

    pub(crate) fn call(&self, method: &str, path: &str) -> Answer {
        self.send(&to(method, path, API_KEY), NOW)
    }

    pub(crate) fn ask(&self, more: &Value) -> Answer {
        self.send(&asking(&self.unheard_of(more)), NOW)
    }

    /// The body of a request for the same rows as any other, that nobody has sent before.
    pub(crate) fn unheard_of(&self, more: &Value) -> String {
        let mut body = request(more);
        body["filters"] = json!({"country": ["kr", "jp", format!("nowhere {}", self.calls.get())]});
        body.to_string()
    }

    /// Asks and answers the export's path.
    pub(crate) fn asked(&self) -> String {
        let answer = self.ask(&json!({}));
        assert_eq!(answer.status, 202, "{}", answer.body);
        answer.header("location").unwrap().to_owned()
    }

    pub(crate) fn amend(&self, path: &str, change: impl Fn(&mut Export)) -> Export {
        let id = path.trim_start_matches("/v1/exports/");
        let change = |export: &mut Export| {
            change(export);
            true
        };
        run(store::amend(&self.api.control, "demo", id, change)).unwrap().unwrap().0
    }

    pub(crate) fn items(&self, pk: &str) -> Vec<Item> {
        self.api.control.all().into_iter().filter(|item| item.key.pk == pk).collect()
    }
}

fn random(call: u16) -> [u8; 10] {
    let mut bytes = [0; 10];
    bytes[8..].copy_from_slice(&call.to_be_bytes());
    bytes
}

pub(crate) fn to(method: &str, path: &str, key: &str) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    Request {
        method: method.into(),
        path: path.into(),
        query: query.into(),
        headers: vec![("authorization".into(), format!("Bearer {key}"))],
        ..Request::default()
    }
}

pub(crate) fn asking(body: &str) -> Request {
    let mut request = to("POST", "/v1/exports", API_KEY);
    request.headers.push(("content-type".into(), "application/json; charset=utf-8".into()));
    request.body = body.to_owned().into();
    request
}
