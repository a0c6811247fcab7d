//! What was asked for: the names of the facts, and how their values are written.

use super::pick;
use crate::language::Language::{self, En, Ko};

pub(in crate::notice) const fn app(language: Language) -> &'static str {
    pick(language, "App", "앱 토큰")
}

pub(in crate::notice) const fn kind_name(language: Language) -> &'static str {
    pick(language, "Kind", "종류")
}

pub(in crate::notice) const fn period(language: Language) -> &'static str {
    pick(language, "Period", "기간")
}

pub(in crate::notice) const fn zone(language: Language) -> &'static str {
    pick(language, "Time zone", "시간대")
}

pub(in crate::notice) const fn only_where(language: Language) -> &'static str {
    pick(language, "Only rows where", "필터")
}

pub(in crate::notice) const fn columns(language: Language) -> &'static str {
    pick(language, "Columns", "컬럼")
}

pub(in crate::notice) const fn as_of(language: Language) -> &'static str {
    pick(language, "As of", "기준 시각")
}

pub(in crate::notice) const fn size(language: Language) -> &'static str {
    pick(language, "Size", "크기")
}

pub(in crate::notice) fn days(language: Language, start: &str, end: &str) -> String {
    match (language, start == end) {
        (En | Ko, true) => start.to_owned(),
        (En, false) => format!("{start} to {end}, both included"),
        (Ko, false) => format!("{start} ~ {end} (종료일 포함)"),
    }
}

/// Part of one day, by its clock.
pub(in crate::notice) fn hours(language: Language, date: &str, from: &str, to: &str) -> String {
    match language {
        En => format!("{date}, {from} to {to}"),
        Ko => format!("{date} {from} ~ {to}"),
    }
}

pub(in crate::notice) fn filter(language: Language, field: &str, values: &[&str]) -> String {
    match language {
        En => format!("{field} is {}", values.join(" or ")),
        Ko => format!("{field} = {}", values.join(", ")),
    }
}

/// The time of the request, and what it decides.
pub(in crate::notice) fn as_of_value(language: Language, at: &str) -> String {
    match language {
        En => format!("{at}; what arrived later is not in it"),
        Ko => format!("{at} (이후 수신된 데이터는 제외)"),
    }
}

pub(in crate::notice) fn exact_size(language: Language, short: &str, bytes: &str) -> String {
    match language {
        En => format!("{short} ({bytes} bytes)"),
        Ko => format!("{short} ({bytes}바이트)"),
    }
}
