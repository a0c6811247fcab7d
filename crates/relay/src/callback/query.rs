//! Query strings and form bodies as they come from the wild: raw `{}|[]^<>"`, broken %-escapes, bytes that are not UTF-8.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode, percent_encode};

/// A name with its value. Both borrow from what was sent where it stands there as it is meant.
pub type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Names with values, as sent: not yet free of absent ones.
pub type Params<'a> = Vec<Pair<'a>>;

/// What is escaped when bytes that are not UTF-8 are kept as text: nothing but those bytes (percent-encoding always escapes beyond ASCII).
const AS_SENT: &AsciiSet = &CONTROLS.remove(b'\n').remove(b'\r').remove(b'\t');

/// The pairs of a query string or form body, in order. `+` is a space; a broken escape stands for itself; what does not decode to UTF-8
/// keeps its percent-encoded text.
#[must_use]
pub fn parse(raw: &[u8]) -> Params<'_> {
    segments(raw).map(|(name, value)| (decode(name), decode(value))).collect()
}

/// The first value of a name that is not absent.
#[must_use]
pub fn value(raw: &str, name: &str) -> Option<String> {
    let mut named = segments(raw.as_bytes()).filter(|(key, _)| decode(key) == name);
    named.find_map(|(_, value)| Some(decode(value)).filter(|value| !is_absent(value))).map(Cow::into_owned)
}

/// The query string as sent, less every pair of this name.
#[must_use]
pub fn without(raw: &str, name: &str) -> String {
    let others = raw.split('&').filter(|segment| {
        let key = segment.split_once('=').map_or(*segment, |(key, _)| key);
        decode(key.as_bytes()) != name
    });
    others.collect::<Vec<_>>().join("&")
}

/// Whether a value says that there is none: empty, `null`, or a placeholder that the provider did not resolve, `{name}` or `{a||b}`.
#[must_use]
pub fn is_absent(value: &str) -> bool {
    value.is_empty() || value == "null" || is_placeholder(value)
}

fn is_placeholder(value: &str) -> bool {
    let name = value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    name.is_some_and(|name| {
        let of_names = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'|' | b'-' | b'.');
        !name.is_empty() && name.bytes().all(of_names)
    })
}

fn segments(raw: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let pairs = raw.split(|byte| *byte == b'&').filter(|segment| !segment.is_empty());
    pairs.map(|segment| {
        let equals = segment.iter().position(|byte| *byte == b'=').unwrap_or(segment.len());
        let (name, value) = segment.split_at(equals);
        (name, value.get(1..).unwrap_or_default())
    })
}

fn decode(raw: &[u8]) -> Cow<'_, str> {
    let as_sent = std::str::from_utf8(raw);
    // Most stand for themselves.
    if let Ok(text) = as_sent
        && !raw.iter().any(|byte| matches!(byte, b'+' | b'%'))
    {
        return Cow::Borrowed(text);
    }
    let spaced: Vec<u8> = raw.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let bytes: Vec<u8> = percent_decode(&spaced).collect();
    match (String::from_utf8(bytes), as_sent) {
        (Ok(decoded), _) => Cow::Owned(decoded),
        (Err(_), Ok(text)) => Cow::Borrowed(text),
        (Err(_), Err(_)) => Cow::Owned(percent_encode(raw, AS_SENT).to_string()),
    }
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    fn one(raw: &[u8]) -> String {
        parse(raw).into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn decodes_what_is_well_formed() {
        assert_eq!(
            one(b"tracker_name=Network1%3A%3AChristmas%3A%3A320x70_en"),
            "tracker_name=Network1::Christmas::320x70_en"
        );
        assert_eq!(one("city=%EC%84%9C%EC%9A%B8&e=🎮".as_bytes()), "city=서울\ne=🎮");
        assert_eq!(one(b"a+b=c+d%2Be"), "a b=c d+e");
        assert_eq!(one(b"&&a&b=&=c&d=e=f"), "a=\nb=\n=c\nd=e=f");
        assert_eq!(one(b""), "");
    }

    #[test]
    fn keeps_what_is_not() {
        assert_eq!(one(b"a={x}|[y]^<z>\"`\\"), "a={x}|[y]^<z>\"`\\");
        assert_eq!(one(b"a=100%&b=%zz%4&c=%"), "a=100%\nb=%zz%4\nc=%");
        assert_eq!(one(b"a=%FF%20x&b=+%E0%80"), "a=%FF%20x\nb=+%E0%80");
        assert_eq!(one(b"a=\xff\xfe+x"), "a=%FF%FE+x");
    }

    #[test]
    fn absent_is_empty_null_or_unresolved() {
        for absent in ["", "null", "{idfa}", "{idfa||android_id}", "{adjust-x.y}"] {
            assert!(is_absent(absent), "{absent}");
        }
        for present in ["0", "NULL", "{}", "{a} b", "{\"a\":1}", "{a}{b}", "{a", "nullable"] {
            assert!(!is_absent(present), "{present}");
        }
    }

    #[test]
    fn finds_and_takes_out_a_name_however_it_is_written() {
        let raw = "a=1&key=&%6Bey=s%2Bcret&b={x}&key=other&c";
        assert_eq!(value(raw, "key").as_deref(), Some("s+cret"));
        assert_eq!(value(raw, "b"), None);
        assert_eq!(without(raw, "key"), "a=1&b={x}&c");
        assert_eq!(without("key", "key"), "");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(raw in prop::collection::vec(any::<u8>(), 0..200)) {
            let pairs = parse(&raw);
            prop_assert!(pairs.len() <= raw.len());
        }

        #[test]
        fn what_was_encoded_comes_back(pairs in prop::collection::vec(("\\PC{1,12}", "\\PC{0,20}"), 0..8)) {
            let escape = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
            let raw: Vec<_> = pairs.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
            let sent = raw.join("&");
            let parsed: Vec<_> = parse(sent.as_bytes()).into_iter().map(|(n, v)| (n.into_owned(), v.into_owned())).collect();
            prop_assert_eq!(parsed, pairs);
        }
    }
}
