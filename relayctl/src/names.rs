//! What the arguments may look like.

use relay::activity::{Kind, is_app_token};
use relay::audit::{AUDIT_DAYS, Action};
use relay::discard::Reason;
use relay::owner::is_owner_name;
use relay::time;
use relay::webhook::Target;

/// Where quarantine objects begin (`relay::quarantine`); may stand before a place and need not.
const ROOT: &str = "quarantine/";

/// The most characters of a domain name (RFC 1035, 2.3.4).
const MAX_DOMAIN: usize = 253;

/// The most characters of a label of a domain name (RFC 1035, 2.3.4).
const MAX_LABEL: usize = 63;

/// An owner's name.
pub(crate) fn owner(text: &str) -> Result<String, String> {
    checked(text, is_owner_name, "an owner's name is [a-z0-9-], 1 to 40 characters")
}

/// An app token.
pub(crate) fn app_token(text: &str) -> Result<String, String> {
    checked(text, is_app_token, "an app token is [A-Za-z0-9._-], 1 to 64 characters")
}

/// An event token.
pub(crate) fn event_token(text: &str) -> Result<String, String> {
    let visible = |text: &str| (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    checked(text, visible, "an event token is visible ASCII without spaces, 1 to 64 characters")
}

/// A stack's name (CloudFormation API reference, `CreateStack`).
pub(crate) fn stack(text: &str) -> Result<String, String> {
    let named = |text: &str| {
        let begins = text.starts_with(|first: char| first.is_ascii_alphabetic());
        begins && text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    checked(text, named, "a stack's name begins with a letter and is [A-Za-z0-9-], at most 128 characters")
}

/// A trace id, an export's or an activity's id.
pub(crate) fn id(text: &str) -> Result<String, String> {
    let hexadecimal =
        |text: &str| text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    checked(
        &text.to_ascii_lowercase(),
        hexadecimal,
        "a trace id, an export's or an activity's id is 32 hexadecimal digits",
    )
}

/// A kind of activity.
pub(crate) fn kind(text: &str) -> Result<Kind, String> {
    let found = Kind::ALL.into_iter().find(|kind| kind.name() == text);
    found.ok_or_else(|| format!("the kinds are {}", Kind::ALL.map(Kind::name).join(", ")))
}

/// A moment, in milliseconds since the epoch.
pub(crate) fn moment(text: &str) -> Result<i64, String> {
    let advice = || "a moment is written as 2026-11-29T09:00:00Z, or in milliseconds since the epoch".to_owned();
    time::parse_millis_or_rfc3339(text).ok_or_else(advice)
}

/// A mail address.
pub(crate) fn address(text: &str) -> Result<String, String> {
    let shaped =
        |text: &str| text.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    checked(text, shaped, "an address is written like name@example.com")
}

/// The id of a key or signing secret.
pub(crate) fn key_id(text: &str) -> Result<String, String> {
    let hexadecimal =
        |text: &str| text.len() == 12 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    checked(
        text,
        hexadecimal,
        "an id is 12 hexadecimal digits, as `owner show` lists them; it is not the key or secret itself",
    )
}

/// A part of the quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// All of it, or all of an owner: a folder whose folders are owners or days.
    Days {
        /// The owner, if it is one.
        owner: Option<String>,
    },
    /// The objects of a day of an owner.
    Day {
        /// The owner.
        owner: String,
        /// `yyyy-mm-dd`.
        day: String,
    },
    /// One object, by its key.
    Object(String),
}

impl Place {
    /// What the keys of its objects begin with.
    pub(crate) fn prefix(&self) -> String {
        match self {
            Self::Days { owner: None } => ROOT.to_owned(),
            Self::Days { owner: Some(owner) } => format!("{ROOT}{owner}/"),
            Self::Day { owner, day } => format!("{ROOT}{owner}/{day}/"),
            Self::Object(key) => key.clone(),
        }
    }
}

/// A part of the quarantine: nothing for all, `owner`, `owner/yyyy-mm-dd`, or an object.
pub(crate) fn place(text: &str) -> Result<Place, String> {
    let inner = text.strip_prefix(ROOT).unwrap_or(text).trim_end_matches('/');
    let mut parts = inner.splitn(3, '/');
    let (first, day, name) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    if inner.is_empty() {
        return Ok(Place::Days { owner: None });
    }
    let owner = owner(first)?;
    let Some(day) = day else { return Ok(Place::Days { owner: Some(owner) }) };
    let day = checked(day, is_day, "a day is yyyy-mm-dd")?;
    Ok(match name {
        None => Place::Day { owner, day },
        Some(_) => Place::Object(format!("{ROOT}{inner}")),
    })
}

/// An object of the quarantine, by its key.
pub(crate) fn object(text: &str) -> Result<String, String> {
    match place(text)? {
        Place::Object(key) => Ok(key),
        Place::Days { .. } | Place::Day { .. } => {
            Err("this is a folder; an object is `owner/yyyy-mm-dd/name`, as `quarantine list OWNER/DAY` names it"
                .to_owned())
        }
    }
}

/// A reason of the quarantine.
pub(crate) fn reason(text: &str) -> Result<String, String> {
    let names = Reason::ALL.map(Reason::name).join(", ");
    checked(text, |text| Reason::from_name(text).is_some(), &format!("a reason is one of {names}"))
}

fn is_day(text: &str) -> bool {
    let right = |(index, byte): (usize, u8)| if matches!(index, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(right)
}

/// A mail domain, in lower case.
pub(crate) fn domain(text: &str) -> Result<String, String> {
    let domain = text.to_ascii_lowercase();
    if domain.contains('@') {
        return Err("a domain is given without what stands before the @, and the @: `example.com`".to_owned());
    }
    if !domain.is_ascii() {
        return Err("a domain with other letters than ASCII is given in its xn-- form".to_owned());
    }
    let advice = "a domain is labels of [a-z0-9-] joined by dots, at least two, each 1 to 63 characters: `example.com`";
    checked(&domain, is_domain, advice)
}

fn is_domain(text: &str) -> bool {
    text.len() <= MAX_DOMAIN && text.contains('.') && text.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// A webhook's address. One on this machine is taken, too: only a stack on this machine calls it.
pub(crate) fn webhook_url(text: &str) -> Result<String, String> {
    let is_local = Target::read(text).is_ok_and(|target| target.ip.is_some_and(|ip| ip.is_loopback()));
    if is_local {
        return Ok(text.to_owned());
    }
    Target::public(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

/// An operator's name.
pub(crate) fn operator(text: &str) -> Result<String, String> {
    let is_name = |text: &str| (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    checked(text, is_name, "a name is visible ASCII without spaces, 1 to 64 characters")
}

/// An action of the audit records.
pub(crate) fn action(text: &str) -> Result<String, String> {
    let names = Action::ALL.map(Action::name);
    checked(text, |text| names.contains(&text), &format!("an action is one of {}", names.join(", ")))
}

/// A record of the audit, by its sort key.
pub(crate) fn record(text: &str) -> Result<String, String> {
    let is_key = |text: &str| text.split_once('#').is_some_and(|(at, id)| at.len() == 13 && id.len() == 16);
    checked(text, is_key, "a record to go on behind is what an answer's `more` or `next` says, `1794648600000#…`")
}

/// An age: `7d`, `12h`, `30m`; in milliseconds.
pub(crate) fn age(text: &str) -> Result<i64, String> {
    let advice =
        || format!("an age is a number of days, hours or minutes, `7d`, `12h`, `30m`, and at most {AUDIT_DAYS} days");
    let minutes = [('d', 1440), ('h', 60), ('m', 1)].into_iter().find_map(|(unit, minutes)| {
        let number: u32 = text.strip_suffix(unit)?.parse().ok()?;
        Some(i64::from(number) * minutes)
    });
    let within = minutes.filter(|minutes| (1..=AUDIT_DAYS * 1440).contains(minutes));
    within.map(|minutes| minutes * 60_000).ok_or_else(advice)
}

fn checked(text: &str, is_right: impl Fn(&str) -> bool, advice: &str) -> Result<String, String> {
    if is_right(text) { Ok(text.to_owned()) } else { Err(advice.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_domains() {
        assert_eq!(domain("Mail.Example.COM"), Ok("mail.example.com".to_owned()));
        assert_eq!(domain("xn--9n2bp8q.example"), Ok("xn--9n2bp8q.example".to_owned()));
        let too_long = format!("{}.com", "a".repeat(64));
        for text in [
            "",
            "localhost",
            "example.",
            ".com",
            "a..b",
            "-a.com",
            "a-.com",
            "a b.com",
            "kim@example.com",
            "설치.com",
            &too_long,
        ] {
            assert!(domain(text).is_err(), "{text}");
        }
    }

    #[test]
    fn places_lead_to_their_objects() {
        for (text, prefix) in [
            ("", "quarantine/"),
            ("demo", "quarantine/demo/"),
            ("demo/2026-11-21/", "quarantine/demo/2026-11-21/"),
            ("quarantine/demo/2026-11-21/x.zst", "quarantine/demo/2026-11-21/x.zst"),
        ] {
            assert_eq!(place(text).map(|place| place.prefix()), Ok(prefix.to_owned()));
        }
        assert_eq!(object("demo/2026-11-21/x.zst").as_deref(), Ok("quarantine/demo/2026-11-21/x.zst"));
        for text in ["Demo!", "demo/today", "demo/2026-11-2x", "../secrets"] {
            assert!(place(text).is_err(), "{text}");
        }
        assert!(object("demo").is_err());
    }

    #[test]
    fn ages_are_numbers_of_a_unit() {
        assert_eq!(["7d", "12h", "30m", "400d"].map(age), [604_800_000, 43_200_000, 1_800_000, 34_560_000_000].map(Ok));
        for text in ["", "d", "7", "-1d", "0m", "1w", "401d", "4294967296m", "é"] {
            assert!(age(text).is_err(), "{text}");
        }
    }

    #[test]
    fn tokens_and_ids_are_what_they_say() {
        assert!(event_token("abc123").is_ok());
        assert!(event_token("").is_err());
        assert!(event_token("a b").is_err());
        assert!(key_id("0123456789ab").is_ok());
        assert!(key_id("0123456789AB").is_err());
        assert!(key_id("relay_api_00").is_err());
    }
}
