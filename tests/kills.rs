//! export-worker is killed at random calls, as worker and as dispatcher, before and after each is carried out: the real handlers over the
//! in-memory doubles, with a state machine that tries again as the deployed one does. Every export ends with the bytes of an undisturbed run,
//! or failed with a mail; no slot is taken, no upload open, and nothing of anybody else is touched. 200 points each time, from one seed;
//! `KILLS=5000 KILLS_SEED=7 cargo test -p relay-tests --test kills` looks further. The real processes are killed by `tests/exports.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

#[path = "kills/asked.rs"]
mod asked;
#[path = "kills/fuse.rs"]
mod fuse;
#[path = "kills/machine.rs"]
mod machine;
#[path = "kills/world.rs"]
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use asked::Asked;
use fuse::{Plan, Strike};
use relay_lambda::process::env;
use relay_tests::random::Random;
use world::{End, World};

/// What runs on every change is the same each time.
const SEED: u64 = 730_215;
/// Points at which a process is killed.
const POINTS: usize = 200;

/// One run that is killed in.
struct Case {
    asked: usize,
    plan: Plan,
}

/// Kills at single calls, several in a run, and storms in which every process dies after a few calls until its export is given up.
fn cases(seed: u64, points: usize, calls: &[usize]) -> Vec<Case> {
    let mut random = Random(seed);
    let (mut cases, mut planned) = (Vec::new(), 0);
    // Some are planned at calls that a run no longer makes, because it was given up, or died elsewhere before.
    while planned < points + points / 4 {
        let asked = random.index(calls.len());
        let plan = match random.below(10) {
            0 => Plan::Storm { lives: random.index(30), deaths: 1 + random.index(25), random: random.below(u64::MAX) },
            several => {
                let count = if several < 4 { 2 + random.index(4) } else { 1 };
                let strike = |random: &mut Random| (random.index(calls[asked]), *random.pick(&Strike::ALL));
                Plan::At((0..count).map(|_| strike(&mut random)).collect())
            }
        };
        planned += plan.deaths();
        cases.push(Case { asked, plan });
    }
    cases
}

#[test]
fn wherever_the_worker_is_killed_the_file_is_the_same_or_a_mail_says_that_there_is_none() {
    let number = |name: &str, usual: u64| env(name).map_or(usual, |text| text.parse().expect("a number"));
    let (seed, points) = (number("KILLS_SEED", SEED), usize::try_from(number("KILLS", POINTS as u64)).unwrap());
    let asked = Asked::all();
    let undisturbed: Vec<(End, usize)> = asked.iter().map(|asked| World::of(asked).run(Plan::None)).collect();
    for ((end, _), asked) in undisturbed.iter().zip(&asked) {
        let (in_one_step, _) = World::of(&Asked { looks: 1_000_000, ..asked.clone() }).run(Plan::None);
        assert!(in_one_step.files == end.files, "{}: several steps write other bytes than one", asked.name);
        assert_eq!((end.status, end.mails.len()), ("done", 1), "{}", asked.name);
        assert!(end.files.len() >= asked.files, "{} has {} files", asked.name, end.files.len());
    }
    let calls: Vec<usize> = undisturbed.iter().map(|(_, calls)| *calls).collect();
    let cases = cases(seed, points, &calls);
    let (next, killed, failed) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let world = World::of(&asked[case.asked]);
                    let (end, _) = world.run(case.plan.clone());
                    killed.fetch_add(end.killed, Ordering::SeqCst);
                    failed.fetch_add(usize::from(end.status == "failed"), Ordering::SeqCst);
                    let complaints = end.complaints(&undisturbed[case.asked].0);
                    let told =
                        complaints.into_iter().map(|it| format!("{}, {:?}: {it}", asked[case.asked].name, case.plan));
                    wrong.lock().unwrap().extend(told);
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "seed {seed}, {} of {} runs:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    let (killed, failed) = (killed.into_inner(), failed.into_inner());
    assert!(killed >= points, "only {killed} processes were killed");
    assert!(failed > 0, "no export was given up: storms are too weak");
    println!("seed {seed}: {} runs, {killed} processes killed, {failed} exports given up", cases.len());
}
