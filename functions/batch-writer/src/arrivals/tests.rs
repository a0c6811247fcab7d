use super::*;

const NOW: i64 = 1_700_000_000_000;

fn app(n: usize) -> Whose {
    Whose::App(format!("app{n:05}"))
}

impl Untold {
    fn count(&mut self, n: usize) {
        self.add(app(n), Provider::Adjust, "install", NOW, 1);
    }

    /// What is told now, all of it well.
    fn told(&mut self, now: i64) -> Vec<Whose> {
        self.take(now).into_iter().map(|due| due.whose).collect()
    }

    /// With so much credit, and no second that earns more.
    fn with_credit(credit: i64) -> Self {
        Self { credit, earned_at: NOW, ..Self::default() }
    }
}

#[test]
fn what_comes_first_is_told_at_once_and_once() {
    let mut untold = Untold::default();
    untold.count(1);
    assert_eq!(untold.told(NOW), [app(1)]);
    assert_eq!(untold.told(NOW), []);
    untold.count(1);
    assert_eq!(untold.told(NOW), [app(1)], "there is credit left");
}

#[test]
fn without_credit_nothing_is_told_and_seconds_and_activities_earn_it() {
    let mut untold = Untold::with_credit(0);
    for _ in 0..WRITE_COST - 1 {
        untold.count(1);
    }
    assert_eq!(untold.told(NOW), []);
    untold.count(2);
    assert_eq!(untold.told(NOW), [app(1)], "a hundred activities pay for a write");
    assert_eq!(untold.told(NOW + 4_999), []);
    assert_eq!(untold.told(NOW + 5_000), [app(2)], "and five seconds do, whatever the steps in which they pass");
}

#[test]
fn a_busy_second_and_a_busy_app_cost_what_is_earned_and_no_more() {
    let mut untold = Untold::with_credit(0);
    let mut writes = 0;
    for second in 1..=1_000 {
        for n in 0..1_000 {
            untold.count(n % 300);
        }
        writes += untold.told(NOW + second * 1_000).len();
    }
    // A million activities over 300 apps: ten writes for a thousand activities, one for five seconds.
    assert_eq!(writes, 10_000 + 200);
}

#[test]
fn an_app_that_was_told_lately_waits_behind_one_that_was_not() {
    let mut untold = Untold::with_credit(3 * WRITE_COST);
    (1..=3).for_each(|n| untold.count(n));
    assert_eq!(untold.told(NOW).len(), 3);
    (1..=4).for_each(|n| untold.count(n));
    assert_eq!(untold.told(NOW + 5_000), [app(4)]);
    assert_eq!(untold.told(NOW + 10_000), [app(1)]);
    untold.count(1);
    assert_eq!(untold.told(NOW + 15_000), [app(2)]);
}

#[test]
fn what_could_not_be_told_is_told_with_what_came_since() {
    let mut untold = Untold::with_credit(2 * WRITE_COST);
    (1..=2).for_each(|n| untold.count(n));
    let mut due = untold.take(NOW);
    due[0].is_told = true;
    let failed = due[1].whose.clone();
    untold.count(2);
    untold.give_back(due);
    let again = untold.take(NOW + 5_000);
    assert_eq!((again.len(), &again[0].whose), (1, &failed));
    let mut both = Arrivals::default();
    both.add(Provider::Adjust, "install", NOW, 2);
    assert_eq!(again[0].arrivals, both);
}

#[test]
fn the_apps_that_are_remembered_are_bounded_and_idle_ones_make_room() {
    let mut untold = Untold::with_credit(0);
    (0..MAX_REMEMBERED + 7).for_each(|n| untold.count(n));
    assert_eq!((untold.whose.len(), untold.uncounted), (MAX_REMEMBERED, 7));
    untold.credit = MOST_CREDIT;
    assert_eq!(untold.told(NOW).len(), 60, "one invocation has few writes to make");
    assert_eq!(untold.uncounted, 0, "a warning was given");
    untold.forget(NOW + TOLD_LATELY_MS - 1);
    assert_eq!(untold.whose.len(), MAX_REMEMBERED);
    untold.forget(NOW + TOLD_LATELY_MS);
    assert_eq!(untold.whose.len(), MAX_REMEMBERED - 60);
}

#[test]
fn a_clock_that_is_set_back_earns_nothing_and_stops_nothing() {
    let mut untold = Untold::with_credit(0);
    untold.count(1);
    assert_eq!(untold.told(NOW - 3_600_000), []);
    assert_eq!(untold.told(NOW - 3_595_000), [app(1)]);
}
