//! A callback: what a provider sent; untrusted. One table of mapping per provider leads to an [`Activity`] or a [`Discard`].

use std::collections::HashSet;

use crate::activity::{Activity, Kind, Provider, Value};
use crate::discard::{Discard, Reason};
use crate::field::Field;
use crate::time;

mod adjust;
pub(crate) mod draft;
pub(crate) mod identity;
pub(crate) mod json;
pub mod query;

use draft::{Draft, Names, first, shown};
use query::Params;

/// The most bytes of a callback, query and body together (product.md: body ≤ 128 KiB).
pub const MAX_CALLBACK_BYTES: usize = 128 * 1024;

/// The parameter of the query that carries the ingest key: it never becomes part of an activity.
pub const KEY_PARAMETER: &str = "key";

/// The parameter that names the app, in any provider's callback.
const APP_TOKEN: &str = "app_token";

/// The providers whose callbacks are understood.
pub fn providers() -> impl Iterator<Item = Provider> {
    Provider::ALL.into_iter().filter(|provider| mapping(*provider).is_some())
}

const fn mapping(provider: Provider) -> Option<&'static Mapping> {
    match provider {
        Provider::Adjust => Some(&adjust::MAPPING),
        Provider::Appsflyer
        | Provider::Branch
        | Provider::Airbridge
        | Provider::Singular
        | Provider::Kochava
        | Provider::Sdk => None,
    }
}

/// What a provider sent.
#[derive(Clone, Copy, Debug)]
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

/// How a provider's callbacks are understood: data, not code.
struct Mapping {
    provider: Provider,
    /// The parameter that says what happened.
    trigger: &'static str,
    /// Triggers that are not events.
    kinds: &'static [(&'static str, Kind)],
    /// The trigger of an in-app event; a callback without a trigger but with an event token is one, too.
    in_app_event: &'static str,
    /// The parameter that says when.
    created_at: &'static str,
    /// The parameter that holds the delivery's own id: another for every delivery, the same when it is tried again.
    own_id: &'static str,
    /// The provider's own id of the app, taken where no `app_token` is sent.
    app_id: &'static str,
    /// Names that mean a canonical field.
    aliases: &'static [(&'static str, Field)],
}

/// The activity that a callback tells of.
pub fn parse(callback: &Callback<'_>) -> Result<Activity<'static>, Discard> {
    let unknown = || Discard::new(Reason::Malformed, format!("callbacks of {} are not understood", callback.provider));
    let mapping = mapping(callback.provider).ok_or_else(unknown)?;
    mapping.activity(&parameters(callback)?, callback.received_at)
}

impl Mapping {
    fn activity(&self, params: &Params, received_at: i64) -> Result<Activity<'static>, Discard> {
        const FORM: &str = "Unix seconds or milliseconds, RFC 3339 or `yyyy-mm-dd hh:mm:ss` in UTC";
        let meanings = Names { used: &[APP_TOKEN, self.created_at], own_id: self.own_id, aliases: self.aliases };
        let (mut fields, extra) = draft::assign(params, &meanings, time::parse);
        let trigger = self.trigger(params, fields.text(Field::EventToken).is_some())?;
        let kind = self.kind(&trigger);
        let named = fields.text(Field::EventName).is_some();
        // An in-app event is named by its token; any other trigger names itself.
        let by_token = trigger.eq_ignore_ascii_case(self.in_app_event) && fields.text(Field::EventToken).is_some();
        if kind == Kind::Event && !named && !by_token {
            fields.set(Field::EventName, Value::Text(trigger.into()));
        }
        let found = first(params, APP_TOKEN).or_else(|| first(params, self.app_id));
        let app_token = draft::app_token(found)?;
        let created_at = draft::created_at(first(params, self.created_at), time::parse, received_at, FORM)?;
        let provider = self.provider;
        Draft { provider, kind, app_token, created_at, received_at, fields, extra }
            .finish(params, first(params, self.own_id))
    }

    /// What happened, in the provider's word.
    fn trigger(&self, params: &Params, has_event_token: bool) -> Result<String, Discard> {
        let Some(trigger) = first(params, self.trigger) else {
            let detail = || Discard::new(Reason::BadKind, format!("{} is missing", self.trigger));
            return has_event_token.then(|| self.in_app_event.to_owned()).ok_or_else(detail);
        };
        let of_words = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b' ');
        if trigger.len() <= 64 && trigger.bytes().all(of_words) {
            return Ok(trigger.to_owned());
        }
        let detail = format!("{} is `{}`, which names no trigger", self.trigger, shown(trigger));
        Err(Discard::new(Reason::BadKind, detail))
    }

    fn kind(&self, trigger: &str) -> Kind {
        let known = self.kinds.iter().find(|(name, _)| name.eq_ignore_ascii_case(trigger));
        known.map_or(Kind::Event, |(_, kind)| *kind)
    }
}

/// The parameters of a callback, tidy and without the key of its query: a body's `key` is data like any other. In a POST the body's fields win over
/// the query's, save the app token.
fn parameters(callback: &Callback<'_>) -> Result<Params, Discard> {
    let mut params = query::parse(callback.query.as_bytes());
    draft::tidy(&mut params);
    params.retain(|(name, _)| name != KEY_PARAMETER);
    if callback.method == "POST" {
        let mut body = body_parameters(callback)?;
        draft::tidy(&mut body);
        let in_query = first(&params, APP_TOKEN).is_some();
        body.retain(|(name, _)| !(in_query && name == APP_TOKEN));
        let names: HashSet<&str> = body.iter().map(|(name, _)| name.as_str()).collect();
        params.retain(|(name, _)| !names.contains(name.as_str()));
        params.extend(body);
        params.sort_unstable();
    }
    Ok(params)
}

fn body_parameters(callback: &Callback<'_>) -> Result<Params, Discard> {
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
