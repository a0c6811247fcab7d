//! Random activities around the days of a place.

use std::borrow::Cow;
use std::collections::BTreeMap;

use relay::activity::{Activity, ActivityId, Fields, Kind, Provider, Value};
use relay::field::{Field, Shape};
use relay::period::Period;
use relay_tests::random::Random;

use crate::requests::Place;
use crate::texts::{name, text};

const DAY_MS: i64 = 86_400_000;
/// 9998-12-31: before it every zone has a local time of four digits.
const LAST_CERTAIN: i64 = 253_370_678_400_000;
/// 0000-01-01.
const YEAR_0: i64 = -62_167_219_200_000;
/// Moments that no calendar of four digits holds, in no zone.
const BEYOND: &[i64] =
    &[i64::MIN, i64::MAX, 253_500_000_000_000, -62_300_000_000_000, i64::MAX / 1000, -9_000_000_000_000_000];

/// What is in the pages.
pub(crate) struct Stored {
    /// Every delivery, in the order in which they were written.
    pub(crate) deliveries: Vec<Activity<'static>>,
    /// The request's time: what came later is not in a file.
    pub(crate) as_of: i64,
}

/// So many activities of each kind around a place's days, some delivered more than once.
pub(crate) fn of(place: &Place, count: usize, random: &mut Random) -> Stored {
    let period = Period::parse(place.start_date, place.end_date, place.zone, 14).unwrap();
    let as_of = period.to + DAY_MS;
    let mut deliveries = Vec::new();
    for kind in Kind::ALL {
        for n in 0..count {
            // The ends to the millisecond.
            let edges = [period.from - 1, period.from, period.to - 1, period.to, period.from + 999];
            let created_at = edges.get(n).copied();
            let created_at =
                created_at.unwrap_or_else(|| random.between(period.from - DAY_MS / 24, period.to + DAY_MS / 24));
            let activity = one(place, kind, created_at, as_of, random);
            if random.once_in(20) {
                deliveries.push(activity.clone());
            }
            if random.once_in(20) {
                deliveries.push(again(&activity, random));
            }
            deliveries.push(activity);
        }
    }
    // Nothing arrives in order.
    for n in (1..deliveries.len()).rev() {
        deliveries.swap(n, random.index(n + 1));
    }
    Stored { deliveries, as_of }
}

/// The same activity, come another time by another way.
fn again(activity: &Activity<'static>, random: &mut Random) -> Activity<'static> {
    let mut again = activity.clone();
    again.received_at = activity.received_at + 1 + i64::try_from(random.below(10_000)).unwrap();
    again.extra.insert("retry".into(), text(random).into());
    again
}

fn one(place: &Place, kind: Kind, created_at: i64, as_of: i64, random: &mut Random) -> Activity<'static> {
    let mut fields = Fields::default();
    for field in Field::ALL {
        if random.once_in(3) {
            let value = match field.shape() {
                Shape::Time => Value::Time(time(place, created_at, random)),
                Shape::Text => Value::Text(Cow::Owned(word(*field, random))),
            };
            assert!(fields.set(*field, value));
        }
    }
    let members = random.below(5);
    let extra: BTreeMap<_, _> = (0..members)
        .map(|_| (Cow::Owned(name(random)), Cow::Owned(if random.once_in(8) { String::new() } else { text(random) })))
        .collect();
    let late = if random.once_in(30) { as_of + 1 } else { random.between(created_at.min(as_of - 1), as_of + 1) };
    let mut id = [0; 16];
    id.fill_with(|| u8::try_from(random.below(256)).unwrap());
    Activity {
        activity_id: ActivityId(id),
        kind,
        app_token: "reference-app".into(),
        created_at,
        received_at: late,
        provider: *random.pick(&Provider::ALL),
        fields,
        extra,
    }
}

/// Fields that are summed or filtered by have their own words.
fn word(field: Field, random: &mut Random) -> String {
    let words: &[&str] = match field.name() {
        "country" => &["kr", "jp", "us", "de"],
        "os_name" => &["ios", "android", "windows"],
        "currency" => &["USD", "usd", "EUR", "KRW", "dollars", "X"],
        "revenue" => &["12.990", "0.1", "-3", "0.000000001", "999999999999999999", "1e3", "free", "-0.05", "7"],
        _ => return text(random),
    };
    (*random.pick(words)).to_owned()
}

fn time(place: &Place, near: i64, random: &mut Random) -> i64 {
    match random.below(8) {
        0 => *random.pick(BEYOND),
        1 => random.between(0, LAST_CERTAIN),
        2 if place.is_utc() => random.between(YEAR_0, 0),
        2 => 0,
        3 if place.is_utc() => *random.pick(&[YEAR_0 - 1, YEAR_0, -1]),
        3 => random.between(1_000_000_000_000, 2_000_000_000_000),
        _ => random.between(near - 400 * DAY_MS, near + DAY_MS),
    }
}
