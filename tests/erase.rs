//! The model of erasing: random batches, erases, faults, kills of the job at its calls, rivals at it, restarts of the writer and replays of the whole
//! stream, through the real writer, eraser and reader over the in-memory doubles. At no moment is a row given out that is erased; in the end none is
//! stored, every other one is there once, and there is nothing more to do.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

#[path = "kills/fuse.rs"]
#[allow(dead_code, reason = "the fuse has more ports than an eraser")]
mod fuse;
#[path = "erase/world.rs"]
mod world;

use fuse::{Plan, Strike};
use proptest::prelude::*;
use relay::fault::FaultKind;
use relay::port::memory::Trouble;
use world::{USERS, World};

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    /// The door takes activities: of a user, in a minute.
    Batch(Vec<(u8, u8)>),
    /// The writer gets what it has not had.
    Drain { killed: bool },
    /// A user is erased, up to a minute.
    Erase(u8, u8),
    /// The dispatcher's tick with so many looks at the clock, dying where its plan says.
    Tick { looks: i64, plan: Plan },
    /// Two ticks at once, their calls in turn.
    Rivals { looks: i64 },
    /// The stream is read again from its beginning: failed batches that were put back, a mapping that was reset.
    Replay,
    /// The writer's process ends, and a new one knows nothing.
    Restart,
    /// Time passes: seconds.
    Later(u64),
    /// What the next calls meet.
    Trouble(&'static str, Trouble),
}

fn plan() -> impl Strategy<Value = Plan> {
    let strike = prop::sample::select(Strike::ALL.to_vec());
    prop_oneof![
        2 => Just(Plan::None),
        3 => (0usize..60, strike).prop_map(|(call, strike)| Plan::At(vec![(call, strike)])),
    ]
}

fn trouble() -> impl Strategy<Value = Trouble> {
    let kind = prop::sample::select(vec![FaultKind::Throttled, FaultKind::TimedOut]);
    prop_oneof![kind.prop_map(Trouble::Refused), Just(Trouble::AnswerLost)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => prop::collection::vec((0..USERS, 0u8..8), 1..12).prop_map(Step::Batch),
        5 => prop::bool::weighted(0.2).prop_map(|killed| Step::Drain { killed }),
        4 => (0..USERS, 0u8..8).prop_map(|(user, minute)| Step::Erase(user, minute)),
        5 => (1i64..400, plan()).prop_map(|(looks, plan)| Step::Tick { looks, plan }),
        2 => (1i64..400).prop_map(|looks| Step::Rivals { looks }),
        1 => Just(Step::Replay),
        1 => Just(Step::Restart),
        2 => (1u64..400).prop_map(Step::Later),
        2 => (prop::sample::select(vec!["edit", "commit", "list", "put"]), trouble()).prop_map(|(call, trouble)| Step::Trouble(call, trouble)),
    ]
}

fn carried_out(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut world = World::new().await;
        for step in steps {
            match step {
                Step::Batch(activities) => world.send(&activities),
                Step::Drain { killed } => world.drain(killed).await,
                Step::Erase(user, minute) => world.erase(user, minute).await,
                Step::Tick { looks, plan } => world.tick(looks, plan).await,
                Step::Rivals { looks } => world.rivals(looks).await,
                Step::Replay => world.replay(),
                Step::Restart => world.restart(),
                Step::Later(seconds) => world.later(seconds).await,
                Step::Trouble(call, trouble) => world.trouble(call, trouble),
            }
            // What is erased is in no file from that moment on, whatever the pages hold.
            prop_assert_eq!(world.given_out_though_erased().await, Vec::<u16>::new());
        }
        world.settle().await;
        prop_assert_eq!(world.given_out().await, world.expected(), "every other row, once");
        prop_assert_eq!(world.stored_though_erased(), Vec::<u16>::new(), "no page holds what is erased");
        // Everything comes once more, long after, to a writer that begins anew: nothing is brought back.
        world.replay();
        world.restart();
        world.drain(false).await;
        prop_assert_eq!(world.given_out().await, world.expected());
        prop_assert_eq!(world.stored_though_erased(), Vec::<u16>::new());
        Ok(())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 500, ..ProptestConfig::default() })]

    #[test]
    fn nothing_erased_is_given_out_or_comes_back_and_nothing_else_is_lost(steps in prop::collection::vec(step(), 1..30)) {
        carried_out(steps)?;
    }
}

/// The same few things, the job killed before and after each of its calls.
#[test]
fn wherever_the_job_is_killed_it_ends_and_takes_everything_out() {
    let batch = |first: u8| (0..20).map(|n| ((first + n) % USERS, n % 8)).collect();
    let mut deaths = 0;
    for call in (0..40).chain([100, 400, 900, 1_200, 1_210]) {
        for strike in Strike::ALL {
            let steps = vec![
                Step::Batch(batch(0)),
                Step::Drain { killed: false },
                Step::Erase(1, 4),
                Step::Erase(2, 7),
                Step::Tick { looks: 4_000, plan: Plan::At(vec![(call, strike)]) },
                Step::Batch(batch(1)),
                Step::Drain { killed: false },
                Step::Replay,
                Step::Drain { killed: true },
            ];
            carried_out(steps).unwrap();
            deaths += 1;
        }
    }
    assert_eq!(deaths, 90);
}
