//! The dispatcher over the in-memory doubles: slots, turns, crashes, and many dispatchers at once.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};

use export::dispatch::{Dispatched, Dispatcher};
use proptest::prelude::*;
use relay::control::{Expect, Item, Key, Write};
use relay::export::queue::Slot;
use relay::export::{Export, Status, store};
use relay::fault::{Fault, FaultKind};
use relay::port::memory::{MemoryExecutions, Trouble};
use relay::port::{ExecutionState, Executions};
use serde_json::json;
use support::{NOW, Shared, commit, export_of, load, pause, queueing, run};

/// The state machine in several hands, as [`Shared`] is for the table.
#[derive(Debug, Default)]
struct Machine(MemoryExecutions);

impl Executions for Machine {
    async fn start(&self, name: &str, input: &str) -> Result<(), Fault> {
        pause().await;
        self.0.start(name, input).await
    }

    async fn state(&self, name: &str) -> Result<ExecutionState, Fault> {
        pause().await;
        self.0.state(name).await
    }

    async fn stop(&self, name: &str) -> Result<(), Fault> {
        pause().await;
        self.0.stop(name).await
    }
}

#[derive(Default)]
struct World {
    control: Shared,
    machine: Machine,
    /// Troubles of the table that wait for the next dispatcher: a test's own calls meet none.
    trouble: RefCell<Vec<(&'static str, Trouble)>>,
}

impl World {
    fn ask(&self, owner: &str, n: u16) -> Export {
        let export = export_of(owner, NOW + i64::from(n), n, &json!({}));
        commit(&self.control, &queueing(&export));
        export
    }

    fn dispatcher(&self, slots: u32) -> Dispatcher<'_, Shared, Machine> {
        Dispatcher { control: &self.control, executions: &self.machine, slots }
    }

    fn tick(&self, slots: u32) -> Dispatched {
        run(self.dispatcher(slots).run(NOW))
    }

    /// What has a slot, by slot.
    fn slots(&self) -> Vec<String> {
        let slot = |item: &Item| item.read::<Slot>().unwrap().held.map(|holder| holder.export_id);
        self.control.0.all().iter().filter(|item| item.key.pk == "slot").filter_map(slot).collect()
    }

    fn end(&self, export: &Export, status: Status) {
        let finish = |export: &mut Export| {
            export.finish(status, NOW);
            true
        };
        run(store::amend(&self.control, &export.owner, &export.export_id, finish)).unwrap();
        self.machine.0.end(&load(&self.control, export).execution_name(), ExecutionState::Succeeded);
    }
}

#[test]
fn an_export_gets_a_slot_an_execution_and_the_input_it_needs() {
    let world = World::default();
    let export = world.ask("demo", 1);
    assert_eq!(world.tick(1), Dispatched { started: 1, waited: vec![0], ..Dispatched::default() });
    let executions = world.machine.0.all();
    let (state, input) = &executions[&export.export_id];
    assert_eq!(*state, ExecutionState::Running);
    let input: serde_json::Value = serde_json::from_str(input).unwrap();
    assert_eq!(input, json!({"owner": "demo", "export_id": export.export_id, "trace_id": export.trace_id}));
    let export = load(&world.control, &export);
    assert_eq!((export.status, export.started_at), (Status::Running, Some(NOW)));
    assert_eq!(world.tick(1), Dispatched::default());
}

#[test]
fn no_execution_starts_before_it_has_a_slot() {
    let world = World::default();
    let first = world.ask("demo", 1);
    let second = world.ask("demo", 2);
    world.tick(1);
    world.tick(1);
    assert_eq!((world.slots(), world.machine.0.all().len()), (vec![first.export_id.clone()], 1));
    world.end(&first, Status::Done);
    assert_eq!(world.tick(1), Dispatched { freed: 1, started: 1, waited: vec![0], ..Dispatched::default() });
    assert_eq!(world.slots(), [second.export_id]);
}

#[test]
fn owners_take_turns() {
    let world = World::default();
    let asked = [("a", 1), ("a", 2), ("a", 3), ("b", 4), ("c", 5), ("b", 6)].map(|(owner, n)| world.ask(owner, n));
    let mut served = Vec::new();
    for _ in 0..asked.len() {
        world.tick(1);
        let id = world.slots().remove(0);
        let export = asked.iter().find(|export| export.export_id == id).unwrap();
        served.push((export.owner.clone(), u16::from_str_radix(&id[28..], 16).unwrap()));
        world.end(export, Status::Done);
    }
    let served: Vec<_> = served.iter().map(|(owner, n)| (owner.as_str(), *n)).collect();
    assert_eq!(served, [("a", 1), ("b", 4), ("c", 5), ("a", 2), ("b", 6), ("a", 3)]);
}

#[test]
fn a_claimed_export_whose_start_failed_is_started_by_the_next_dispatcher() {
    let world = World::default();
    let export = world.ask("demo", 1);
    world.machine.0.script.refuse("start", 1, FaultKind::Throttled);
    let done = world.tick(1);
    assert_eq!((done.started, done.faults.len(), done.faults[0].kind), (1, 1, FaultKind::Throttled));
    assert_eq!((world.slots(), world.machine.0.all().len()), (vec![export.export_id.clone()], 0));
    world.tick(1);
    assert_eq!(world.machine.0.all()[&export.export_id].0, ExecutionState::Running);
}

#[test]
fn a_lost_execution_is_taken_over_twice_and_then_the_export_fails_and_its_slot_is_free() {
    let world = World::default();
    let export = world.ask("demo", 1);
    world.tick(1);
    for name in [export.export_id.clone(), format!("{}-1", export.export_id), format!("{}-2", export.export_id)] {
        assert_eq!(world.machine.0.all()[&name].0, ExecutionState::Running);
        world.machine.0.end(&name, ExecutionState::Failed);
        assert_eq!(load(&world.control, &export).status, Status::Running);
        world.tick(1);
    }
    let failed = load(&world.control, &export);
    assert_eq!((failed.status, failed.error.unwrap().code), (Status::Failed, "interrupted".to_owned()));
    assert_eq!(world.slots(), Vec::<String>::new());
}

#[test]
fn a_cancelled_export_is_stopped_before_its_slot_is_free() {
    let world = World::default();
    let export = world.ask("demo", 1);
    world.tick(1);
    let cancel = |export: &mut Export| {
        export.finish(Status::Cancelled, NOW);
        true
    };
    run(store::amend(&world.control, "demo", &export.export_id, cancel)).unwrap();
    assert_eq!(world.tick(1), Dispatched { freed: 1, ..Dispatched::default() });
    assert_eq!(world.machine.0.all()[&export.export_id].0, ExecutionState::Failed);
}

#[test]
fn what_no_longer_waits_is_taken_out_of_the_queue() {
    let world = World::default();
    let first = world.ask("demo", 1);
    let second = world.ask("demo", 2);
    let cancel = |export: &mut Export| {
        export.finish(Status::Cancelled, NOW);
        true
    };
    run(store::amend(&world.control, "demo", &first.export_id, cancel)).unwrap();
    world.tick(1);
    assert_eq!(world.slots(), [second.export_id]);
    assert!(world.control.0.all().iter().all(|item| !waits(item)));
}

#[test]
fn fewer_slots_than_before_are_not_filled_again() {
    let world = World::default();
    let asked = [1, 2, 3, 4].map(|n| world.ask("demo", n));
    world.tick(3);
    assert_eq!(world.slots().len(), 3);
    for export in &asked[..3] {
        world.end(export, Status::Done);
    }
    world.tick(1);
    assert_eq!(world.slots(), [asked[3].export_id.clone()]);
}

/// An item that a hand or a newer release wrote.
fn spoil(world: &World, key: Key) {
    commit(&world.control, &[Write::put(key, &json!({"held": 1}), Expect::Any).unwrap()]);
}

#[test]
fn a_slot_that_cannot_be_read_stops_no_other_and_is_not_given_away() {
    let world = World::default();
    spoil(&world, Slot::key(0));
    let export = world.ask("demo", 1);
    let done = world.tick(2);
    assert_eq!((done.started, done.faults.len()), (1, 1));
    assert_eq!(load(&world.control, &export).status, Status::Running);
    world.end(&export, Status::Done);
    world.ask("demo", 2);
    assert_eq!(world.tick(1).started, 0, "a slot nobody can judge was given away");
}

#[test]
fn a_slot_whose_execution_cannot_be_asked_for_stops_no_other() {
    let world = World::default();
    let asked = [1, 2, 3].map(|n| world.ask("demo", n));
    world.tick(2);
    world.end(&asked[1], Status::Done);
    world.machine.0.script.refuse("state", 1, FaultKind::Unavailable);
    let done = world.tick(2);
    assert_eq!((done.freed, done.started, done.faults.len()), (1, 1, 1));
    assert_eq!(load(&world.control, &asked[2]).status, Status::Running);
}

#[test]
fn a_place_in_line_that_cannot_be_read_stops_no_other() {
    let world = World::default();
    spoil(&world, Key::new("queue", "0000000000000#x"));
    spoil(&world, Key::new("turn", "demo"));
    let export = world.ask("demo", 1);
    let done = world.tick(1);
    assert_eq!((done.started, done.faults.len()), (1, 2));
    assert_eq!(load(&world.control, &export).status, Status::Running);
}

#[test]
fn a_waiting_export_that_cannot_be_read_stops_no_other_and_stays_in_line() {
    let world = World::default();
    let spoilt = world.ask("demo", 1);
    spoil(&world, Export::key("demo", &spoilt.export_id));
    let export = world.ask("rival", 2);
    let done = world.tick(1);
    assert_eq!((done.started, done.faults.len()), (1, 1));
    assert_eq!(load(&world.control, &export).status, Status::Running);
    assert_eq!(world.control.0.all().iter().filter(|item| item.key.pk == "queue").count(), 1);
}

#[test]
fn a_table_that_is_down_is_not_asked_for_every_export_in_line() {
    let world = World::default();
    (1..=5).for_each(|n| drop(world.ask("demo", n)));
    world.control.0.script.refuse("get", 5, FaultKind::Unavailable);
    assert_eq!(world.tick(1).faults.len(), 1);
}

/// One thing that happens in the model.
#[derive(Clone, Debug)]
enum Event {
    Ask(usize),
    /// The execution in the slot of this number (modulo those taken) ends its export.
    Finish(usize),
    /// …or dies without a word.
    Die(usize),
    Trouble(&'static str, Trouble),
    /// So many dispatchers at once; the numbers say whose turn it is.
    Dispatch(usize, Vec<usize>),
}

/// A place in line or a seat.
fn waits(item: &Item) -> bool {
    item.key.pk == "queue" || item.key.pk.starts_with("seat#")
}

fn an_event() -> impl Strategy<Value = Event> {
    let trouble = prop::sample::select(vec![Trouble::Refused(FaultKind::Throttled), Trouble::AnswerLost]);
    let call = prop::sample::select(vec!["commit", "start", "query", "get", "state"]);
    prop_oneof![
        4 => (0usize..4).prop_map(Event::Ask),
        3 => (0usize..3).prop_map(Event::Finish),
        1 => (0usize..3).prop_map(Event::Die),
        2 => (call, trouble).prop_map(|(call, trouble)| Event::Trouble(call, trouble)),
        6 => (1usize..4, prop::collection::vec(0usize..3, 0..60)).prop_map(|(n, turns)| Event::Dispatch(n, turns)),
    ]
}

const SLOTS: u32 = 2;

/// Polls several dispatchers in the order given until all are through.
fn interleave(world: &World, count: usize, turns: &[usize]) {
    let dispatchers: Vec<_> = (0..count).map(|_| world.dispatcher(SLOTS)).collect();
    let mut running: Vec<Pin<Box<dyn Future<Output = _> + '_>>> = Vec::new();
    for dispatcher in &dispatchers {
        running.push(Box::pin(dispatcher.run(NOW)));
    }
    let mut context = Context::from_waker(Waker::noop());
    let mut turns = turns.iter().copied().chain(std::iter::repeat(0));
    while !running.is_empty() {
        let index = turns.next().unwrap() % running.len();
        if running[index].as_mut().poll(&mut context).is_ready() {
            drop(running.remove(index));
        }
    }
}

/// What must hold after every event: slots are few and hold different exports, each running; nothing runs without a slot.
fn check(world: &World, asked: &[Export]) {
    let slots = world.slots();
    assert!(slots.len() <= SLOTS as usize, "{} slots", slots.len());
    let held: BTreeSet<_> = slots.iter().collect();
    assert_eq!(held.len(), slots.len(), "an export in two slots");
    for export in asked {
        let status = load(&world.control, export).status;
        assert!(status != Status::Running || held.contains(&export.export_id), "runs without a slot");
        assert!(status != Status::Queued || !held.contains(&export.export_id), "waits in a slot");
    }
    for (name, (state, _)) in world.machine.0.all() {
        let is_held = held.iter().any(|id| name.starts_with(id.as_str()));
        assert!(state != ExecutionState::Running || is_held, "an execution without a slot");
    }
}

fn apply(world: &World, event: &Event, asked: &mut Vec<Export>) {
    let slots = world.slots();
    let held = |n: usize| asked.iter().find(|export| Some(&export.export_id) == slots.get(n % slots.len().max(1)));
    match event {
        Event::Ask(owner) => {
            let n = u16::try_from(asked.len()).unwrap();
            asked.push(world.ask(&format!("owner{owner}"), n));
        }
        Event::Finish(n) => {
            if let Some(export) = held(*n) {
                world.end(export, Status::Done);
            }
        }
        Event::Die(n) => {
            if let Some(export) = held(*n) {
                let name = load(&world.control, export).execution_name();
                world.machine.0.end(&name, ExecutionState::Failed);
            }
        }
        Event::Trouble(call @ ("start" | "state"), trouble) => world.machine.0.script.add(call, [trouble.clone()]),
        Event::Trouble(call, trouble) => world.trouble.borrow_mut().push((call, trouble.clone())),
        Event::Dispatch(count, turns) => {
            for (call, trouble) in world.trouble.take() {
                world.control.0.script.add(call, [trouble]);
            }
            interleave(world, *count, turns);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_happens_slots_are_kept_and_in_the_end_everything_is_served_once(events in prop::collection::vec(an_event(), 1..40)) {
        let world = World::default();
        let mut asked = Vec::new();
        for event in &events {
            apply(&world, event, &mut asked);
            world.control.0.script.clear();
            check(&world, &asked);
        }
        world.machine.0.script.clear();
        for _ in 0..asked.len() * 4 + 4 {
            world.tick(SLOTS);
            check(&world, &asked);
            for id in world.slots() {
                let export = asked.iter().find(|export| export.export_id == id).unwrap();
                world.end(export, Status::Done);
            }
        }
        let ends: BTreeMap<_, usize> = asked.iter().fold(BTreeMap::new(), |mut ends, export| {
            *ends.entry(load(&world.control, export).status.name()).or_default() += 1;
            ends
        });
        prop_assert!(ends.keys().all(|status| ["done", "failed"].contains(status)), "{:?}", ends);
        prop_assert!(world.slots().is_empty() && world.control.0.all().iter().all(|item| !waits(item)));
    }
}
