//! A world of doubles: the export's owner, a neighbour who is at work, the state machine, the clock, the mails.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use export::handler::WorkerApp;
use export::worker::Worker;
use notify::{NotifyError, occasion};
use relay::agenda::AGENDA;
use relay::control::{Expect, Query, Write};
use relay::export::queue::{QUEUE, SLOTS, Seat, Slot, Waiting};
use relay::export::{Asked as By, Export, ExportRequest, export_id, store};
use relay::owner::Owner;
use relay::port::memory::{
    MemoryControl, MemoryExecutions, MemoryFiles, MemoryHooks, MemoryMailer, MemoryPages, MemorySigner, MemoryStream,
};
use relay::port::{ControlTable, ExecutionState, ExportFiles, PageStore, Tails};
use relay_tests::doubles::run;
use serde_json::{Value, json};

use crate::asked::Asked;
use crate::fuse::{Fuse, Fused, Plan};
use crate::machine::{self, Answer};

/// 2026-11-14T09:30:00Z.
pub(crate) const NOW: i64 = 1_794_648_600_000;
/// 2026-11-14T00:00:00Z.
pub(crate) const DAY: i64 = NOW - NOW % 86_400_000;
const OWNER: &str = "demo";
/// Who is at work at the same time.
const NEIGHBOUR: &str = "neighbour";
const MINUTE_MS: i64 = 60_000;
/// What a killed worker left open is looked for again 16 minutes after the end, and some minutes later where that dies, too.
const SWEPT: usize = 50;
/// More minutes than any export here takes.
const MINUTES: usize = 500;

/// How it ended.
pub(crate) struct End {
    pub(crate) status: &'static str,
    /// Its objects by key.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Subjects.
    pub(crate) mails: Vec<String>,
    pub(crate) killed: usize,
    /// What should not be there.
    left: Vec<String>,
}

impl End {
    /// What is wrong, beside an undisturbed run.
    pub(crate) fn complaints(&self, undisturbed: &Self) -> Vec<String> {
        let mut complaints = self.left.clone();
        match self.status {
            "done" if self.files != undisturbed.files => {
                let sizes: Vec<_> = self.files.iter().map(|(key, body)| (key, body.len())).collect();
                complaints.push(format!("other bytes: {sizes:?}"));
            }
            "done" | "failed" => {}
            other => complaints.push(format!("ended as {other}")),
        }
        if self.mails.len() != 1 {
            complaints.push(format!("{} and mailed {:?}", self.status, self.mails));
        }
        complaints
    }
}

type Mails = notify::App<Fused<MemoryControl>, MemorySigner, MemoryMailer>;

/// Everything there is.
pub(crate) struct World<'a> {
    asked: &'a Asked,
    export: Export,
    control: Arc<MemoryControl>,
    pages: Arc<MemoryPages>,
    files: Arc<MemoryFiles>,
    stream: Arc<MemoryStream>,
    executions: Arc<MemoryExecutions>,
    notify: Mails,
    fuse: RefCell<Fuse>,
    now: Cell<i64>,
    /// Events on their way to notify, by id.
    events: RefCell<BTreeMap<String, Value>>,
    /// Objects that were told of.
    told: RefCell<BTreeSet<String>>,
}

impl<'a> World<'a> {
    /// An export in the queue.
    pub(crate) fn of(asked: &'a Asked) -> Self {
        let control = Arc::new(MemoryControl::default());
        let export = queued(&control, asked);
        let pages = MemoryPages::default();
        assert!(run(pages.put(&asked.pages)).iter().all(Result::is_ok));
        let files = MemoryFiles::default();
        neighbour_works(&files);
        let never = Fuse::new(Plan::None);
        let notify = notify::App {
            control: Fused { inner: Arc::clone(&control), fuse: never.clone() },
            signer: MemorySigner::default(),
            mailer: MemoryMailer::default(),
            site_url: None,
            retention_days: 14,
            counters: Mutex::default(),
        };
        let told = files.objects().into_keys().collect();
        Self {
            asked,
            export,
            control,
            pages: Arc::new(pages),
            files: Arc::new(files),
            stream: Arc::new(MemoryStream::new(1)),
            executions: Arc::default(),
            notify,
            fuse: RefCell::new(never),
            now: Cell::new(NOW + 1000),
            events: RefCell::default(),
            told: RefCell::new(told),
        }
    }

    /// Runs until nothing more happens; answers how it ended, and how many calls were made until it had.
    pub(crate) fn run(self, plan: Plan) -> (End, usize) {
        *self.fuse.borrow_mut() = Fuse::new(plan);
        let (mut quiet, mut calls) = (0, 0);
        for _ in 0..MINUTES {
            drop(self.invoke(&json!({})));
            for (name, (state, input)) in self.executions.all() {
                if state == ExecutionState::Running {
                    self.execute(&name, &input);
                }
            }
            self.deliver();
            self.pass(MINUTE_MS);
            let (export, _) = run(store::load(&*self.control, OWNER, &self.export.export_id)).unwrap().unwrap();
            quiet = if export.status.is_terminal() && self.events.borrow().is_empty() { quiet + 1 } else { 0 };
            // Ticks that find nothing to do are no places to die at.
            if quiet <= 2 {
                calls = self.fuse.borrow().calls();
            }
            if quiet > SWEPT {
                return (self.end(&export), calls);
            }
        }
        panic!("{}: nothing ends", self.asked.name);
    }

    /// Time goes by: milliseconds.
    pub(crate) fn pass(&self, ms: i64) {
        self.now.set(self.now.get() + ms);
    }

    fn execute(&self, name: &str, input: &str) {
        let state = machine::execute(self, &serde_json::from_str(input).unwrap());
        self.executions.end(name, state);
        let event = json!({"id": name, "source": "aws.states", "detail": {"name": name, "input": input}});
        self.events.borrow_mut().insert(name.to_owned(), event);
        // Its end wakes the dispatcher.
        drop(self.invoke(&json!({})));
    }

    /// A process of export-worker takes one event and answers, or dies.
    pub(crate) fn invoke(&self, payload: &Value) -> Answer {
        let fuse = self.fuse.borrow().clone();
        fuse.renew();
        let worker = Worker {
            control: Fused { inner: Arc::clone(&self.control), fuse: fuse.clone() },
            pages: Fused { inner: Arc::clone(&self.pages), fuse: fuse.clone() },
            files: Fused { inner: Arc::clone(&self.files), fuse: fuse.clone() },
            backlog: Fused { inner: Arc::clone(&self.stream), fuse: fuse.clone() },
        };
        let executions = Fused { inner: Arc::clone(&self.executions), fuse: fuse.clone() };
        let app = WorkerApp::new(worker, executions, MemoryHooks::default(), 1);
        // Every look at the clock costs a millisecond.
        let now = || {
            self.pass(1);
            self.now.get()
        };
        let deadline = self.now.get() + self.asked.looks * 4 / 3 + 1;
        let answer = until_dead(app.work(payload.clone(), deadline, now), &fuse);
        self.notice_files();
        match answer {
            None => Answer::Killed,
            Some(Err(error)) => Answer::Error(error),
            Some(Ok(told)) => Answer::Status(told["status"].as_str().unwrap_or_default().to_owned()),
        }
    }

    /// The bucket tells of its new objects.
    fn notice_files(&self) {
        for (key, object) in self.files.objects() {
            if self.told.borrow_mut().insert(key.clone()) {
                let size = object.body.len();
                let event = json!({"id": key, "source": "aws.s3", "detail": {"object": {"key": key, "size": size}}});
                self.events.borrow_mut().insert(key, event);
            }
        }
    }

    /// Every event reaches notify; one that fails comes again.
    fn deliver(&self) {
        let events = self.events.borrow().clone();
        for (id, event) in events {
            let event = occasion::read(event).unwrap();
            match run(self.notify.notify(&event, self.now.get())) {
                Ok(_) => drop(self.events.borrow_mut().remove(&id)),
                Err(NotifyError::NotSettled(_) | NotifyError::InProgress(_)) => {}
                Err(NotifyError::Fault(fault)) => panic!("{fault}"),
            }
        }
    }

    fn end(&self, export: &Export) -> End {
        let of_ours = format!("/{OWNER}/");
        let objects = self.files.objects().into_iter().filter(|(key, _)| key.contains(&of_ours));
        let mails = self.notify.mailer.sent().into_iter().map(|(_, mail)| mail.subject).collect();
        End {
            status: export.status.name(),
            files: objects.map(|(key, object)| (key, object.body)).collect(),
            mails,
            killed: self.fuse.borrow().killed(),
            left: self.left(),
        }
    }

    /// What should not be there any more, and what should but is not.
    fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        let listed = |pk: &str| {
            let query = Query { pk: pk.to_owned(), prefix: String::new(), after: None, descending: false, limit: 100 };
            run(self.control.query(&query)).unwrap().items
        };
        let held = listed(SLOTS).into_iter().filter(|item| item.read::<Slot>().unwrap().held.is_some());
        left.extend(held.map(|item| format!("slot {} is taken", item.key.sk)));
        left.extend(
            [QUEUE.to_owned(), Seat::partition(OWNER), AGENDA.to_owned()]
                .iter()
                .flat_map(|pk| listed(pk))
                .map(|item| format!("{:?} is left", item.key)),
        );
        // The neighbour's alone.
        if self.files.open_uploads() != 1 {
            left.push(format!("{} uploads are open, not the neighbour's alone", self.files.open_uploads()));
        }
        let tails: Vec<_> = self.files.tails().into_keys().collect();
        if tails != [neighbours_tail()] {
            left.push(format!("tails {tails:?}"));
        }
        let theirs = self.files.objects().remove(&neighbours_file());
        if theirs.is_none_or(|object| object.body != NEIGHBOURS_BYTES) {
            left.push("the neighbour's file is another".to_owned());
        }
        left
    }
}

/// Registers the owner and puts its export into the queue.
fn queued(control: &MemoryControl, asked: &Asked) -> Export {
    let owner = Owner {
        owner: OWNER.to_owned(),
        mail_domains: ["example.com".to_owned()].into(),
        event_tokens: [].into(),
        retention_days: 90,
        access: relay::access::Access::default(),
        created_at: 0,
    };
    let by = By {
        owner: OWNER.to_owned(),
        retention_days: 90,
        now: NOW,
        export_id: export_id(NOW, [7; 10]),
        trace_id: "0".repeat(32),
    };
    let request = ExportRequest::parse(asked.request.to_string().as_bytes(), &owner, 14);
    let export = Export::new(request.unwrap_or_else(|error| panic!("{error:?}")), by);
    let waiting = Waiting::of(&export, 0);
    let seat = Seat { export_id: export.export_id.clone() };
    let writes = [
        Write::put(Owner::key(OWNER), &owner, Expect::Any),
        Write::put(Export::key(OWNER, &export.export_id), &export, Expect::Any),
        Write::put(waiting.key(), &waiting, Expect::Any),
        Write::put(Seat::key(OWNER, 0), &seat, Expect::Any),
    ];
    run(control.commit(&writes.map(Result::unwrap))).unwrap();
    export
}

const NEIGHBOURS_BYTES: &[u8] = b"kind\ninstall\n";

fn neighbours_file() -> String {
    format!("exports/{NEIGHBOUR}/{}/a_file.csv", "1".repeat(32))
}

fn neighbours_tail() -> String {
    format!("tails/{NEIGHBOUR}/{}/1", "1".repeat(32))
}

/// The neighbour has a file, an upload under way, and a tail.
fn neighbour_works(files: &MemoryFiles) {
    for is_done in [true, false] {
        let upload = run(files.begin(&neighbours_file(), &[])).unwrap();
        let part = run(files.put_part(&upload, 1, Bytes::from_static(NEIGHBOURS_BYTES))).unwrap();
        if is_done {
            run(files.complete(&upload, &[part], std::time::Duration::from_mins(1))).unwrap();
        }
    }
    run(files.keep(&neighbours_tail(), Bytes::from_static(b"rows"))).unwrap();
}

/// Runs a process to its end; `None` when it died on the way.
fn until_dead<T>(process: impl Future<Output = T>, fuse: &Fuse) -> Option<T> {
    let mut process = pin!(process);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match process.as_mut().poll(&mut context) {
            Poll::Ready(value) => return Some(value),
            Poll::Pending if fuse.is_dead() => return None,
            Poll::Pending => {}
        }
    }
}
