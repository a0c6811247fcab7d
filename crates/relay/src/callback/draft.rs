//! From flat parameters to a checked activity: what every provider's callback and every item of a batch have in common.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use crate::activity::{Activity, Fields, Kind, MAX_ACTIVITY_BYTES, Provider, Value, is_app_token};
use crate::avro;
use crate::callback::identity::Identity;
use crate::callback::query::{Pair, Params, is_absent};
use crate::discard::{Discard, Reason};
use crate::field::{Field, Shape};
use crate::time;

/// An activity on its way from parameters to checked fact.
pub(crate) struct Draft<'a> {
    pub(crate) provider: Provider,
    pub(crate) kind: Kind,
    pub(crate) app_token: String,
    pub(crate) created_at: i64,
    pub(crate) received_at: i64,
    pub(crate) fields: Fields<'a>,
    pub(crate) extra: Extra<'a>,
}

impl<'a> Draft<'a> {
    /// The activity, with its id, where it is not too large. `own_id` is the delivery's own, where it has one.
    pub(crate) fn finish(self, params: &Params<'_>, own_id: Option<&str>) -> Result<Activity<'a>, Discard> {
        let identity = Identity {
            app_token: &self.app_token,
            provider: self.provider,
            kind: self.kind,
            created_at: self.created_at,
            fields: &self.fields,
            own_id,
            params,
        };
        let activity_id = identity.activity_id();
        let activity = Activity {
            activity_id,
            kind: self.kind,
            app_token: Cow::Owned(self.app_token),
            created_at: self.created_at,
            received_at: self.received_at,
            provider: self.provider,
            fields: self.fields,
            extra: self.extra,
        };
        check_size(&activity, params)?;
        Ok(activity)
    }
}

/// Encodes only what may be too large: each parameter adds its bytes, two lengths and a tag to the fixed part, never more.
fn check_size(activity: &Activity<'_>, params: &Params<'_>) -> Result<(), Discard> {
    let about: usize = params.iter().map(|(name, value)| name.len() + value.len() + 16).sum();
    if about < MAX_ACTIVITY_BYTES / 2 {
        return Ok(());
    }
    let mut encoded = Vec::with_capacity(about);
    avro::encode(activity, &mut encoded);
    if encoded.len() <= MAX_ACTIVITY_BYTES {
        return Ok(());
    }
    let detail = format!("the activity has {} bytes encoded; at most {MAX_ACTIVITY_BYTES} are kept", encoded.len());
    Err(Discard::new(Reason::TooLarge, detail))
}

/// Takes out what is absent and orders the rest by name and value, so that nothing depends on the order sent.
pub(crate) fn tidy(params: &mut Params<'_>) {
    params.retain(|(_, value)| !is_absent(value));
    params.sort_unstable();
}

/// The first value of a name.
pub(crate) fn first<'p>(params: &'p Params<'_>, name: &str) -> Option<&'p str> {
    params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref())
}

/// The app token, checked.
pub(crate) fn app_token(found: Option<&str>) -> Result<String, Discard> {
    let token = found.ok_or_else(|| Discard::new(Reason::BadAppToken, "app_token is missing"))?;
    if is_app_token(token) {
        return Ok(token.to_owned());
    }
    let detail = format!("app_token is `{}`; one is 1 to 64 of A-Z a-z 0-9 . _ -", shown(token));
    Err(Discard::new(Reason::BadAppToken, detail))
}

/// A time as a sender wrote it.
pub(crate) struct Written<'a> {
    /// The parameter's name.
    pub(crate) name: &'a str,
    /// What it holds, where it was sent.
    pub(crate) text: Option<&'a str>,
    /// Which forms are taken, in words.
    pub(crate) form: &'a str,
}

/// The time it happened, checked.
pub(crate) fn created_at(
    written: &Written<'_>,
    parse: fn(&str) -> Option<i64>,
    received_at: i64,
) -> Result<i64, Discard> {
    let Written { name, text, form } = *written;
    let bad = |detail: String| Discard::new(Reason::BadTime, detail);
    let text = text.ok_or_else(|| bad(format!("{name} is missing")))?;
    let time = parse(text).ok_or_else(|| bad(format!("{name} is `{}`, which is not {form}", shown(text))))?;
    if time::is_plausible(time, received_at) {
        return Ok(time);
    }
    let detail =
        format!("{name} is `{}`, which is more than 400 days ago or 24 hours ahead; it is {form}", shown(text));
    Err(bad(detail))
}

/// What names mean besides their own field.
pub(crate) struct Names<'a> {
    /// Names that are read elsewhere, and need not stand in extra.
    pub(crate) used: &'a [&'a str],
    /// The name of the delivery's own id, where it has one.
    pub(crate) own_id: Option<&'a str>,
    /// Names that mean a canonical field: tables that count one behind the other.
    pub(crate) aliases: &'a [&'a [(&'a str, Field)]],
}

impl Names<'_> {
    /// Every name that means a field, in the order in which they count.
    fn meant(&self) -> impl Iterator<Item = (&str, Field)> {
        self.aliases.iter().copied().flatten().copied().chain(self.own_id.map(|name| (name, Field::EventId)))
    }

    fn is_meant(&self, name: &str) -> bool {
        self.meant().any(|(alias, _)| alias == name)
    }
}

/// Tidy parameters → canonical fields, and what has no canonical name → extra. Nothing is lost: what a field cannot take (a second value, a
/// time that cannot be read) stands in extra under the name it came with.
pub(crate) fn assign<'a>(
    params: &Params<'a>,
    names: &Names<'_>,
    parse_time: fn(&str) -> Option<i64>,
) -> (Fields<'a>, Extra<'a>) {
    let mut fields = Fields::default();
    let mut extra = Surplus::default();
    // The delivery's own id is what `event_id` is for: another parameter of that name stands in extra beside it.
    if let Some((_, own_id)) = names.own_id.and_then(|name| sent(params, name).next()) {
        fields.set(Field::EventId, Value::Text(own_id.clone()));
    }
    // Canonical names first: an alias fills only what is still empty, whatever the order sent.
    let mut others = Vec::new();
    for pair in params {
        match Field::from_name(&pair.0) {
            Some(field) => set(&mut fields, field, pair, parse_time).unwrap_or_else(|| extra.keep(pair)),
            None => others.push(pair),
        }
    }
    for (alias, field) in names.meant().filter(|(alias, _)| Field::from_name(alias).is_none()) {
        for pair in sent(params, alias) {
            set(&mut fields, field, pair, parse_time).unwrap_or_else(|| extra.keep(pair));
        }
    }
    let is_told = |name: &str| names.used.contains(&name) || names.is_meant(name);
    others.into_iter().filter(|(name, _)| !is_told(name)).for_each(|pair| extra.keep(pair));
    (fields, extra.kept)
}

/// What was sent under a name: tidy parameters stand in order.
fn sent<'p, 'a>(params: &'p Params<'a>, name: &'p str) -> impl Iterator<Item = &'p Pair<'a>> {
    let start = params.partition_point(|(key, _)| key.as_ref() < name);
    params.iter().skip(start).take_while(move |(key, _)| key == name)
}

/// Sets a field that is empty, or that has this very value; `None` when the field cannot take it.
fn set<'a>(
    fields: &mut Fields<'a>,
    field: Field,
    (_, text): &Pair<'a>,
    parse_time: fn(&str) -> Option<i64>,
) -> Option<()> {
    let value = match (field.shape(), field) {
        (Shape::Time, _) => Value::Time(parse_time(text)?),
        (Shape::Text, Field::Country | Field::OsName) => Value::Text(lower_case(text.clone())),
        (Shape::Text, _) => Value::Text(text.clone()),
    };
    match fields.get(field) {
        None => fields.set(field, value).then_some(()),
        Some(there) => (*there == value).then_some(()),
    }
}

fn lower_case(text: Cow<'_, str>) -> Cow<'_, str> {
    let is_lower = text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_lower { text } else { Cow::Owned(text.to_lowercase()) }
}

/// What has no canonical name.
pub(crate) type Extra<'a> = BTreeMap<Cow<'a, str>, Cow<'a, str>>;

#[derive(Default)]
struct Surplus<'a> {
    kept: Extra<'a>,
    repeated: HashMap<Cow<'a, str>, u32>,
}

impl<'a> Surplus<'a> {
    /// A name sent again is kept like the further elements of a list: `name`, `name.1`, `name.2`.
    fn keep(&mut self, (name, value): &Pair<'a>) {
        let mut key = name.clone();
        if self.kept.contains_key(name) {
            // Counted per name: looking for the next free one from 1 each time would take the square of a hostile body's time.
            let count = self.repeated.entry(name.clone()).or_default();
            while self.kept.contains_key(&key) {
                *count += 1;
                key = Cow::Owned(format!("{name}.{count}"));
            }
        }
        self.kept.insert(key, value.clone());
    }
}

/// The beginning of a sender's text, fit for a message.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 64;
    let mut start: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().nth(MOST).is_some() {
        start.push('…');
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params<'a>(pairs: &[(&'a str, &'a str)]) -> Params<'a> {
        let mut params = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        tidy(&mut params);
        params
    }

    const NAMES: Names<'_> =
        Names { used: &["used"], own_id: Some("nonce"), aliases: &[&[("event", Field::EventToken)]] };

    fn extra(pairs: &[(&str, &str)]) -> Vec<String> {
        let (_, extra) = assign(&params(pairs), &NAMES, time::parse);
        extra.iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    #[test]
    fn nothing_is_lost() {
        assert_eq!(
            extra(&[("x", "1"), ("x", "2"), ("x", "3"), ("x.1", "own")]),
            ["x=1", "x.1=2", "x.1.1=own", "x.2=3"]
        );
        assert_eq!(extra(&[("click_time", "soon"), ("installed_at", "1404214665")]), ["click_time=soon"]);
        assert_eq!(extra(&[("adid", "a"), ("adid", "b"), ("used", "1")]), ["adid=b"]);
        assert_eq!(extra(&[("event", "a"), ("event_token", "b")]), ["event=a"]);
        assert!(extra(&[("event", "a"), ("event_token", "a")]).is_empty());
        assert_eq!(
            extra(&[("nonce", "n2"), ("nonce", "n1"), ("event_id", "level_up")]),
            ["event_id=level_up", "nonce=n2"]
        );
        assert!(extra(&[("nonce", "n1"), ("event_id", "n1")]).is_empty());
    }

    #[test]
    fn the_deliverys_own_id_goes_before_a_parameter_of_the_columns_name() {
        let event_id = |pairs: &[(&str, &str)]| {
            let (fields, _) = assign(&params(pairs), &NAMES, time::parse);
            fields.text(Field::EventId).map(str::to_owned)
        };
        assert_eq!(event_id(&[("event_id", "level_up"), ("nonce", "n1")]).as_deref(), Some("n1"));
        assert_eq!(event_id(&[("event_id", "level_up")]).as_deref(), Some("level_up"));
        assert_eq!(event_id(&[("a", "b")]), None);
    }

    #[test]
    fn where_nothing_is_the_deliverys_own_id_a_value_without_a_name_is_none_either() {
        let names = Names { own_id: None, ..NAMES };
        let (fields, extra) = assign(&params(&[("", "x")]), &names, time::parse);
        assert_eq!(fields.text(Field::EventId), None);
        assert_eq!(extra.get("").map(AsRef::as_ref), Some("x"));
    }

    #[test]
    fn countries_and_systems_are_lower_case_and_nothing_else_is() {
        let sent = params(&[("country", "KR"), ("os_name", "iOS"), ("os_version", "17A"), ("revenue", "12.990")]);
        let (fields, _) = assign(&sent, &NAMES, time::parse);
        let texts: Vec<_> = fields.iter().map(|(field, _)| fields.text(field).unwrap()).collect();
        assert_eq!(texts, ["kr", "ios", "17A", "12.990"]);
    }

    #[test]
    fn hostile_repetition_takes_linear_time() {
        let many: Vec<_> = (0..60_000).map(|n| ("a".into(), n.to_string().into())).collect();
        let (_, extra) = assign(&many, &NAMES, time::parse);
        assert_eq!(extra.len(), 60_000);
    }
}
