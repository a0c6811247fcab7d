//! Random activities for property and model tests.

use std::borrow::Cow;
use std::collections::BTreeMap;

use proptest::collection::btree_map;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::activity::{Activity, ActivityId, Fields, Kind, Provider, Value};
use crate::field::{Field, Shape};

/// Any activity, values of every field among them.
pub fn activity() -> impl Strategy<Value = Activity<'static>> {
    let head = (
        any::<[u8; 16]>(),
        prop::sample::select(Kind::ALL.to_vec()),
        "[A-Za-z0-9._-]{1,64}",
        0i64..4_102_444_800_000,
        0i64..4_102_444_800_000,
        prop::sample::select(Provider::ALL.to_vec()),
    );
    (head, fields(), extra()).prop_map(|(head, fields, extra)| {
        let (id, kind, app_token, created_at, received_at, provider) = head;
        let app_token = Cow::Owned(app_token);
        Activity { activity_id: ActivityId(id), kind, app_token, created_at, received_at, provider, fields, extra }
    })
}

fn fields() -> impl Strategy<Value = Fields<'static>> {
    let one = (prop::sample::select(Field::ALL.to_vec()), "\\PC{0,20}", any::<i64>());
    prop::collection::vec(one, 0..12).prop_map(|chosen| {
        let mut fields = Fields::default();
        for (field, text, time) in chosen {
            let value = match field.shape() {
                Shape::Text => Value::Text(Cow::Owned(text)),
                Shape::Time => Value::Time(time),
            };
            fields.set(field, value);
        }
        fields
    })
}

fn extra() -> impl Strategy<Value = BTreeMap<Cow<'static, str>, Cow<'static, str>>> {
    btree_map("\\PC{1,12}", "\\PC{0,20}", 0..4)
        .prop_map(|map| map.into_iter().map(|(name, value)| (Cow::Owned(name), Cow::Owned(value))).collect())
}

/// One activity, always the same.
///
/// # Panics
///
/// Never: the strategy rejects nothing.
#[expect(clippy::unwrap_used, reason = "the strategy rejects nothing")]
#[must_use]
pub fn one() -> Activity<'static> {
    let mut runner = TestRunner::deterministic();
    activity().new_tree(&mut runner).unwrap().current()
}
