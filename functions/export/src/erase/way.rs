//! The way through an owner's pages: app by app, day by day, kind by kind, shard by shard.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeInclusive};

use relay::activity::Kind;
use relay::erase::{Erased, Place, TOMBSTONE_DAYS};
use relay::fault::Fault;
use relay::owner::Tenure;
use relay::page::{PageDay, largest_shards};
use relay::port::ControlTable;
use relay::tenancy;
use relay::time::MAX_AGE_MS;

const DAY_MS: i64 = 24 * 3600 * 1000;

/// What clocks may differ by, and the table be late with forgetting: days.
const SPARE_DAYS: i64 = 7;

/// The sort key behind every page of a day.
const END: &str = "2400";

/// The apps of an owner, the days on which each may have pages of the owner's, and whose of it what is.
pub(super) struct Way {
    apps: BTreeMap<String, App>,
    shards: u32,
    /// When it was looked whose the tokens are: milliseconds since the epoch.
    planned_at: i64,
}

struct App {
    tenures: Vec<Tenure>,
    days: RangeInclusive<i64>,
}

impl Way {
    /// The way through everything that these tombstones may cover, of a pass that began then, as it is now.
    pub(super) async fn plan(
        control: &impl ControlTable,
        owner: &str,
        erased: &Erased,
        (began_at, planned_at): (i64, i64),
    ) -> Result<Self, Fault> {
        let shards = largest_shards(control).await?.max(1);
        let since = tenancy::owner(control, owner).await?.map_or(0, |owner| owner.created_at);
        let last = erased.latest().unwrap_or_default().div_euclid(DAY_MS);
        // Older than any page that the table may still hold: whoever sets retention sets at most 3,650 days, from the later of both times.
        let oldest = began_at.div_euclid(DAY_MS) - TOMBSTONE_DAYS - SPARE_DAYS;
        let held = tenancy::tenures_of(control, owner).await?.into_iter().map(|(app_token, tenures)| {
            let since = tenures.iter().map(|tenure| tenure.since).min().unwrap_or_default().max(since);
            let first = (since - MAX_AGE_MS).div_euclid(DAY_MS) - 1;
            (app_token, App { tenures, days: first.max(oldest)..=last })
        });
        Ok(Self { apps: held.collect(), shards, planned_at })
    }

    /// Every partition from a place on, with the sort key to go on behind.
    pub(super) fn from(&self, place: Option<&Place>) -> impl Iterator<Item = (PageDay, Option<String>)> {
        // The apps before the place's are not gone through to be passed over: an owner may have a thousand, each with thousands of partitions.
        let first = place.map_or(Bound::Unbounded, |place| Bound::Included(place.app_token.as_str()));
        let all = self.apps.range::<str, _>((first, Bound::Unbounded)).flat_map(move |(app_token, app)| {
            let behind = place.filter(|place| place.app_token == *app_token).map_or(i64::MIN, |place| place.day);
            let days = (*app.days.start()).max(behind)..=*app.days.end();
            days.flat_map(move |day| self.of_day(app_token, day))
        });
        let passed = move |day: &PageDay| place.is_some_and(|place| order(day) < order_of(place));
        all.skip_while(move |day| passed(day)).filter_map(move |day| {
            let after = place.filter(|place| order(&day) == order_of(place)).and_then(|place| place.after.clone());
            (after.as_deref() != Some(END)).then_some((day, after))
        })
    }

    fn of_day(&self, app_token: &str, day: i64) -> impl Iterator<Item = PageDay> {
        let shards = self.shards;
        Kind::ALL.into_iter().flat_map(move |kind| {
            (0..shards).map(move |shard| PageDay { app_token: app_token.to_owned(), kind, day, shard })
        })
    }

    /// How many days of apps there are.
    pub(super) fn days(&self) -> u64 {
        self.apps.values().map(App::len).sum()
    }

    /// How many of them lie before a place.
    pub(super) fn days_before(&self, place: &Place) -> u64 {
        let before = |(app_token, app): (&String, &App)| match app_token.cmp(&place.app_token) {
            std::cmp::Ordering::Less => app.len(),
            std::cmp::Ordering::Equal => u64::try_from(place.day - app.days.start()).unwrap_or_default().min(app.len()),
            std::cmp::Ordering::Greater => 0,
        };
        self.apps.iter().map(before).sum()
    }

    /// Whether what came under an app's token then was the owner's. A token may move while a slice is at work: what came since it was planned is left to
    /// the writer and the sweep.
    pub(super) fn holds(&self, app_token: &str, received_at: i64) -> bool {
        received_at <= self.planned_at
            && self.apps.get(app_token).is_some_and(|app| app.tenures.iter().any(|tenure| tenure.holds(received_at)))
    }
}

impl App {
    fn len(&self) -> u64 {
        u64::try_from(self.days.end() - self.days.start() + 1).unwrap_or_default()
    }
}

/// The place behind a page of a partition; behind all of them where there is none.
pub(super) fn behind(day: &PageDay, page: Option<&str>) -> Place {
    let PageDay { app_token, kind, day, shard } = day.clone();
    Place { app_token, day, kind, shard, after: Some(page.unwrap_or(END).to_owned()) }
}

fn order(day: &PageDay) -> (&str, i64, Kind, u32) {
    (&day.app_token, day.day, day.kind, day.shard)
}

fn order_of(place: &Place) -> (&str, i64, Kind, u32) {
    (&place.app_token, place.day, place.kind, place.shard)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way() -> Way {
        let app = |days| App { tenures: Vec::new(), days };
        Way {
            apps: BTreeMap::from([
                ("a".to_owned(), app(3..=4)),
                ("b".to_owned(), app(RangeInclusive::new(9, 8))),
                ("c".to_owned(), app(1..=1)),
            ]),
            shards: 2,
            planned_at: i64::MAX,
        }
    }

    #[test]
    fn from_any_place_the_rest_of_the_way_is_left_and_nothing_else() {
        let way = way();
        let all: Vec<_> = way.from(None).map(|(day, _)| day).collect();
        assert_eq!((all.len(), way.days()), (3 * 3 * 2, 3));
        for (n, day) in all.iter().enumerate() {
            let place = behind(day, Some("0930#ab"));
            let rest: Vec<_> = way.from(Some(&place)).collect();
            assert_eq!(rest[0], (day.clone(), Some("0930#ab".to_owned())));
            assert!(rest[1..].iter().all(|(_, after)| after.is_none()));
            assert!(rest.iter().map(|(day, _)| day).eq(&all[n..]));
            let done = behind(day, None);
            assert!(way.from(Some(&done)).map(|(day, _)| day).eq(all[n + 1..].iter().cloned()));
        }
        let place = |app: &str, day| Place { app_token: app.to_owned(), day, ..behind(&all[0], None) };
        let before =
            [("a", 3), ("a", 4), ("b", 9), ("c", 1), ("d", 1)].map(|(app, day)| way.days_before(&place(app, day)));
        assert_eq!(before, [0, 1, 2, 2, 3]);
        // An app that was given up or claimed in between is passed over or met.
        assert_eq!(way.from(Some(&place("b", 5))).count(), 6);
    }

    #[test]
    fn what_came_since_the_way_was_planned_is_left_to_the_sweep() {
        let mut way = way();
        let tenure = Tenure { app_token: "a".to_owned(), owner: "demo".to_owned(), since: 5, until: i64::MAX };
        way.apps.get_mut("a").unwrap().tenures.push(tenure);
        way.planned_at = 9;
        assert_eq!([4, 5, 9, 10].map(|received_at| way.holds("a", received_at)), [false, true, true, false]);
        assert!(!way.holds("c", 7));
    }
}
