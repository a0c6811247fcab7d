//! A callback: what a provider sent; untrusted. One table of mapping per provider leads to an [`Activity`] or a [`Discard`].

use std::collections::HashSet;

use crate::activity::{Activity, Fields, Kind, Provider, Value};
use crate::discard::{Discard, Reason};
use crate::field::Field;
use crate::time;

mod adjust;
mod airbridge;
mod appsflyer;
mod branch;
pub(crate) mod draft;
pub(crate) mod identity;
pub(crate) mod json;
mod kochava;
pub mod query;
mod singular;

use draft::{Draft, Names, Written, first, shown};
use query::Params;

/// The most bytes of a callback, query and body together (product.md: body ≤ 128 KiB).
pub const MAX_CALLBACK_BYTES: usize = 128 * 1024;

/// The parameter of the query that carries the ingest key: it never becomes part of an activity.
pub const KEY_PARAMETER: &str = "key";

/// The parameter of the query that asks how the callback would be understood: it never becomes part of an activity either.
pub const DRY_RUN_PARAMETER: &str = "dry_run";

/// The parameter that names the app, in any provider's callback.
const APP_TOKEN: &str = "app_token";

/// The parameter that says what happened, in any provider's callback; in `extra` it always stands.
const ACTIVITY_KIND: &str = "activity_kind";

/// The canonical name of the time it happened.
const CREATED_AT: &str = "created_at";

/// The providers whose callbacks are understood.
pub fn providers() -> impl Iterator<Item = Provider> {
    Provider::ALL.into_iter().filter(|provider| mapping(*provider).is_some())
}

const fn mapping(provider: Provider) -> Option<&'static Mapping> {
    match provider {
        Provider::Adjust => Some(&adjust::MAPPING),
        Provider::Appsflyer => Some(&appsflyer::MAPPING),
        Provider::Branch => Some(&branch::MAPPING),
        Provider::Airbridge => Some(&airbridge::MAPPING),
        Provider::Singular => Some(&singular::MAPPING),
        Provider::Kochava => Some(&kochava::MAPPING),
        Provider::Sdk => None,
    }
}

/// What a provider sent. Not `Debug`: the query holds the key, and the rest what is nobody's to log.
#[derive(Clone, Copy)]
pub struct Callback<'a> {
    /// Who sent it, by the path.
    pub provider: Provider,
    /// `GET`, or `POST`: then the body's fields count, too.
    pub method: &'a str,
    /// The query string as sent.
    pub query: &'a str,
    /// The body's media type as sent; empty for none.
    pub content_type: &'a str,
    /// The body's bytes.
    pub body: &'a [u8],
    /// When it reached the door: milliseconds since the epoch, UTC.
    pub received_at: i64,
}

/// How a provider's callbacks are understood: data, not code. Where several names are given, the first that is sent counts, and the others are
/// data like any other.
struct Mapping {
    provider: Provider,
    /// The provider's own parameters that say what happened; `activity_kind` in any provider's callback goes before them. Of several that are sent,
    /// the first with a word of the table of kinds counts, or else the first with any word.
    triggers: &'static [&'static str],
    /// Triggers that are not events: the first row that fits counts.
    kinds: &'static [Trigger],
    /// The trigger of an in-app event, also where none is sent but an event token is (or an event name, where that may say what happened).
    in_app_event: &'static str,
    /// Whether the name of an event says what happened where no trigger is sent.
    by_name: bool,
    /// The parameters that say when.
    created_at: &'static [&'static str],
    /// The parameters that hold the delivery's own id: another for every delivery, the same when it is tried again.
    own_ids: &'static [&'static str],
    /// The provider's own ids of the app, taken where no `app_token` is sent.
    app_ids: &'static [&'static str],
    /// Names that mean a canonical field. Of several for one field the first of this table that is sent counts.
    aliases: &'static [(&'static str, Field)],
    /// Names that mean a canonical field only where something else is sent, too; they count behind the others.
    aliases_if: &'static [AliasIf],
}

/// A provider's word for what happened.
struct Trigger {
    /// In whatever case it is sent.
    word: &'static str,
    only_if: Option<Condition>,
    kind: Kind,
}

const fn trigger(word: &'static str, kind: Kind) -> Trigger {
    Trigger { word, only_if: None, kind }
}

/// A name that means a canonical field under a condition: a touch's time is a click's or an impression's.
struct AliasIf {
    name: &'static str,
    only_if: Condition,
    field: Field,
}

/// A parameter and the value it must have, in whatever case it is sent.
type Condition = (&'static str, &'static str);

/// In a [`Condition`]: whatever the parameter's value is, so long as one is sent.
const ANY: &str = "*";

fn holds((name, wanted): Condition, params: &Params<'_>) -> bool {
    first(params, name).is_some_and(|sent| wanted == ANY || sent.eq_ignore_ascii_case(wanted))
}

/// The activity that a callback tells of.
pub fn parse<'a>(callback: &Callback<'a>) -> Result<Activity<'a>, Discard> {
    let unknown = || Discard::new(Reason::Malformed, format!("callbacks of {} are not understood", callback.provider));
    let mapping = mapping(callback.provider).ok_or_else(unknown)?;
    mapping.activity(&parameters(callback)?, callback.received_at)
}

impl Mapping {
    fn activity<'a>(&self, params: &Params<'a>, received_at: i64) -> Result<Activity<'a>, Discard> {
        const FORM: &str = "Unix seconds or milliseconds, RFC 3339 or `yyyy-mm-dd hh:mm:ss` in UTC";
        let when = first_of(params, self.created_at);
        let usual = self.created_at.first().copied().unwrap_or(CREATED_AT);
        let created_at_name = when.map_or(usual, |(name, _)| name);
        let own_id = first_of(params, self.own_ids);
        let that_hold = self.aliases_if.iter().filter(|row| holds(row.only_if, params));
        let aliases_if: Vec<_> = that_hold.map(|row| (row.name, row.field)).collect();
        let aliases = [self.aliases, &aliases_if];
        let meanings =
            Names { used: &[APP_TOKEN, created_at_name], own_id: own_id.map(|(name, _)| name), aliases: &aliases };
        let (mut fields, mut extra) = draft::assign(params, &meanings, time::parse);
        let trigger = self.trigger(params, &fields)?;
        let kind = self.kind(&trigger, params);
        let named = fields.text(Field::EventName).is_some();
        // An in-app event is named by its token; any other trigger names itself.
        let by_token = trigger.eq_ignore_ascii_case(self.in_app_event) && fields.text(Field::EventToken).is_some();
        if kind == Kind::Event && !named && !by_token {
            fields.set(Field::EventName, Value::Text(trigger.clone().into()));
        }
        extra.entry(ACTIVITY_KIND.into()).or_insert_with(|| trigger.into());
        let app_id = || first_of(params, self.app_ids).map(|(_, id)| id);
        let app_token = draft::app_token(first(params, APP_TOKEN).or_else(app_id))?;
        let when = Written { name: created_at_name, text: when.map(|(_, text)| text), form: FORM };
        let created_at = draft::created_at(&when, time::parse, received_at)?;
        let provider = self.provider;
        Draft { provider, kind, app_token, created_at, received_at, fields, extra }
            .finish(params, own_id.map(|(_, id)| id))
    }

    /// What happened, in the provider's word.
    fn trigger(&self, params: &Params<'_>, fields: &Fields<'_>) -> Result<String, Discard> {
        if let Some(word) = first(params, ACTIVITY_KIND) {
            return word_of_trigger(ACTIVITY_KIND, word);
        }
        let is_known = |word: &&str| self.known(word, params).is_some();
        let said = || self.triggers.iter().filter_map(|name| first(params, name));
        let event_name = fields.text(Field::EventName).filter(|_| self.by_name);
        let word = said().find(is_known).or_else(|| said().find(|word| is_word(word)));
        if let Some(word) = word.or_else(|| event_name.filter(is_known)) {
            return Ok(word.to_owned());
        }
        // What is no word is the name that somebody gave an event, or it is nothing.
        if let Some((name, text)) =
            first_of(params, self.triggers).filter(|_| !said().any(|text| Some(text) == event_name))
        {
            return word_of_trigger(name, text);
        }
        if event_name.or_else(|| fields.text(Field::EventToken)).is_some() {
            return Ok(self.in_app_event.to_owned());
        }
        let usual = self.triggers.first().copied().unwrap_or(ACTIVITY_KIND);
        let or_name = if self.by_name { ", and so is event_name" } else { "" };
        Err(Discard::new(Reason::BadKind, format!("{usual} is missing{or_name}: nothing says what happened")))
    }

    fn kind(&self, trigger: &str, params: &Params<'_>) -> Kind {
        self.known(trigger, params).unwrap_or(Kind::Event)
    }

    /// The kind of a word that the table has.
    fn known(&self, word: &str, params: &Params<'_>) -> Option<Kind> {
        let fits = |row: &&Trigger| {
            row.word.eq_ignore_ascii_case(word) && row.only_if.is_none_or(|condition| holds(condition, params))
        };
        self.kinds.iter().find(fits).map(|row| row.kind)
    }
}

/// The first of these names that is sent, with its value.
fn first_of<'p>(params: &'p Params<'_>, names: &[&'static str]) -> Option<(&'static str, &'p str)> {
    names.iter().find_map(|name| first(params, name).map(|value| (*name, value)))
}

/// A trigger is a word of the provider's, not a text of somebody's.
fn word_of_trigger(name: &str, word: &str) -> Result<String, Discard> {
    if is_word(word) {
        return Ok(word.to_owned());
    }
    Err(Discard::new(Reason::BadKind, format!("{name} is `{}`, which names no trigger", shown(word))))
}

fn is_word(text: &str) -> bool {
    let of_words = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b' ');
    text.len() <= 64 && text.bytes().all(of_words)
}

/// The parameters of a callback, tidy and without the key and the `dry_run` of its query: a body's `key` is data like any other. In a POST the
/// body's fields win over the query's, save the app token.
fn parameters<'a>(callback: &Callback<'a>) -> Result<Params<'a>, Discard> {
    let mut params = query::parse(callback.query.as_bytes());
    draft::tidy(&mut params);
    params.retain(|(name, _)| name != KEY_PARAMETER && name != DRY_RUN_PARAMETER);
    if callback.method == "POST" {
        let mut body = body_parameters(callback)?;
        draft::tidy(&mut body);
        let in_query = first(&params, APP_TOKEN).is_some();
        body.retain(|(name, _)| !(in_query && name == APP_TOKEN));
        let names: HashSet<&str> = body.iter().map(|(name, _)| name.as_ref()).collect();
        params.retain(|(name, _)| !names.contains(name.as_ref()));
        params.extend(body);
        params.sort_unstable();
    }
    Ok(params)
}

fn body_parameters<'a>(callback: &Callback<'a>) -> Result<Params<'a>, Discard> {
    let body = callback.body.trim_ascii();
    if body.is_empty() {
        return Ok(Params::new());
    }
    let is_json = match media_type(callback.content_type).as_str() {
        "application/json" | "text/json" => true,
        "application/x-www-form-urlencoded" => false,
        "" | "text/plain" | "application/octet-stream" => {
            body.starts_with(b"{") || body.starts_with("\u{feff}".as_bytes())
        }
        other => {
            let detail = format!(
                "the content type is `{}`; application/json and application/x-www-form-urlencoded are read",
                shown(other)
            );
            return Err(Discard::new(Reason::Malformed, detail));
        }
    };
    if !is_json {
        return Ok(query::parse(body));
    }
    let text = std::str::from_utf8(body).map_err(|_| Discard::new(Reason::Malformed, "the JSON is not UTF-8"))?;
    json::flatten(text.trim_start_matches('\u{feff}'))
}

/// The media type of a content type: lower case, without parameters.
#[must_use]
pub fn media_type(content_type: &str) -> String {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
