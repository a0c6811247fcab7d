//! What an advertiser asks for, checked: every problem is told at once.

use serde_json::{Map, Value};

use super::Format;
use super::filter::{FILTERS, Filters};
use crate::activity::{Kind, is_app_token};
use crate::field::Field;
use crate::language::Language;
use crate::owner::Owner;
use crate::period::{Period, Zone, parse_zone};
use crate::problem::FieldError;
use crate::row::FileColumn;

mod columns;
mod query;

pub use columns::MAX_COLUMNS;

/// The longest address that a mail system takes (RFC 5321).
const MAX_ADDRESS: usize = 254;

/// The longest part before its `@` (RFC 5321).
const MAX_LOCAL_PART: usize = 64;

/// The most values of one filter: each row is compared with them, and all stand in the export's item.
const MAX_FILTER_VALUES: usize = 1000;

/// The most addresses of one export.
pub const MAX_ADDRESSES: usize = 5;

const MEMBERS: [&str; 11] = [
    "app_token",
    "kind",
    "start_date",
    "end_date",
    "timezone",
    "email",
    "language",
    "format",
    "columns",
    "filters",
    "excel",
];

/// A request for an export whose every field is usable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportRequest {
    /// The app; whose it is, is not known here.
    pub app_token: String,
    /// The kinds, each once: one file each.
    pub kinds: Vec<Kind>,
    /// The period.
    pub period: Period,
    /// Where the mails go: up to [`MAX_ADDRESSES`] addresses in domains of the owner's, each once.
    pub emails: Vec<String>,
    /// The language of the mails.
    pub language: Language,
    /// The format of the files.
    pub format: Format,
    /// The columns in their order; `None` for each kind's own.
    pub columns: Option<Vec<FileColumn>>,
    /// Which rows.
    pub filters: Filters,
    /// Whether the file is made for spreadsheets.
    pub excel: bool,
}

/// Why a request is not usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The body is not a JSON object.
    #[error("{0}")]
    Malformed(String),
    /// These fields are wrong.
    #[error("{} of the request's fields cannot be used", .0.len())]
    Invalid(Vec<FieldError>),
}

impl ExportRequest {
    /// Reads a request's body. `owner` says where mails may go, `max_days` how long a period may be.
    pub fn parse(body: &[u8], owner: &Owner, max_days: u16) -> Result<Self, RequestError> {
        let period = |reader: &mut Reader<'_>| Some((reader.period(max_days)?, ()));
        Self::read(&members(body)?, &MEMBERS, Some(owner), period).map(|(request, ())| request)
    }

    /// Reads the body of a request that brings no mail: its addresses are neither asked for nor looked at.
    pub fn parse_without_mail(body: &[u8], max_days: u16) -> Result<Self, RequestError> {
        let period = |reader: &mut Reader<'_>| Some((reader.period(max_days)?, ()));
        Self::read(&members(body)?, &MEMBERS, None, period).map(|(request, ())| request)
    }

    /// Reads a request of these members, those of an export among them but for the dates; `period` reads the rest. Without an owner
    /// its addresses are not looked at.
    pub(crate) fn read<T>(
        members: &Map<String, Value>,
        names: &[&str],
        owner: Option<&Owner>,
        period: impl FnOnce(&mut Reader<'_>) -> Option<(Period, T)>,
    ) -> Result<(Self, T), RequestError> {
        let mut reader = Reader { members, errors: Vec::new() };
        reader.known_members(names);
        let request = reader.request(owner, period);
        match request {
            Some(request) if reader.errors.is_empty() => Ok(request),
            _ => Err(RequestError::Invalid(reader.errors)),
        }
    }
}

/// The members of a request's body.
pub(crate) fn members(body: &[u8]) -> Result<Map<String, Value>, RequestError> {
    serde_json::from_slice(body)
        .map_err(|error| RequestError::Malformed(format!("the body is not a JSON object: {error}")))
}

/// Reads members one by one and gathers what is wrong with them.
pub(crate) struct Reader<'a> {
    members: &'a Map<String, Value>,
    errors: Vec<FieldError>,
}

impl<'a> Reader<'a> {
    /// Every reader runs, whatever the others found.
    fn request<T>(
        &mut self,
        owner: Option<&Owner>,
        period: impl FnOnce(&mut Self) -> Option<(Period, T)>,
    ) -> Option<(ExportRequest, T)> {
        let app_token = self.app_token();
        let kinds = self.kinds();
        let period = period(self);
        let emails = owner.map_or_else(|| Some(Vec::new()), |owner| self.emails(owner));
        let language = self.language();
        let format = self.format();
        let columns = self.columns();
        let filters = self.filters();
        let excel = self.excel(format.unwrap_or_default());
        let (period, rest) = period?;
        let request = ExportRequest {
            app_token: app_token?,
            kinds: kinds?,
            period,
            emails: emails?,
            language: language?,
            format: format?,
            columns,
            filters,
            excel,
        };
        Some((request, rest))
    }

    pub(crate) fn wrong<T>(&mut self, field: &str, detail: impl Into<String>) -> Option<T> {
        self.errors.push(FieldError { field: field.to_owned(), detail: detail.into() });
        None
    }

    /// A member that is there and not null.
    pub(crate) fn member(&self, field: &str) -> Option<&'a Value> {
        self.members.get(field).filter(|value| !value.is_null())
    }

    fn optional_text(&mut self, field: &str) -> Option<&'a str> {
        let value = self.member(field)?;
        let not_text = || format!("{} is not text; write it in quotes", kind_of(value));
        value.as_str().or_else(|| self.wrong(field, not_text()))
    }

    pub(crate) fn text(&mut self, field: &str) -> Option<&'a str> {
        match self.member(field) {
            None => self.wrong(field, "is required"),
            Some(_) => self.optional_text(field),
        }
    }

    fn known_members(&mut self, names: &[&str]) {
        for name in self.members.keys().filter(|name| !names.contains(&name.as_str())) {
            let detail = format!("is not a field of this request; the fields are {}", names.join(", "));
            self.errors.push(FieldError { field: shown(name), detail });
        }
    }

    /// The zone named, UTC where none is.
    pub(crate) fn zone(&mut self) -> Option<Zone> {
        if self.member("timezone").is_none() {
            return Some(Zone::utc());
        }
        let parsed = parse_zone(self.optional_text("timezone")?);
        parsed.map_err(|error| self.errors.push(error)).ok()
    }

    fn app_token(&mut self) -> Option<String> {
        let text = self.text("app_token")?;
        if is_app_token(text) {
            return Some(text.to_owned());
        }
        self.wrong("app_token", "an app token has 1 to 64 letters, digits, dots, underscores and hyphens")
    }

    /// A text, or a list of at least one and at most `most` different ones.
    fn one_or_many(&mut self, field: &str, most: usize) -> Option<Vec<&'a str>> {
        let texts = match self.member(field) {
            Some(list @ Value::Array(_)) => self.texts(field, list)?,
            _ => vec![self.text(field)?],
        };
        if texts.len() > most {
            return self.wrong(field, format!("names {}; at most {most} can be named", texts.len()));
        }
        let twice = texts.iter().enumerate().find(|(at, text)| texts.iter().take(*at).any(|other| other == *text));
        match twice {
            Some((_, text)) => self.wrong(field, format!("`{}` is named twice; name each once", shown(text))),
            None => Some(texts),
        }
    }

    fn kinds(&mut self) -> Option<Vec<Kind>> {
        let names = self.one_or_many("kind", Kind::ALL.len())?;
        let kinds: Vec<_> = names.iter().filter_map(|name| Kind::from_name(name)).collect();
        match names.iter().find(|name| Kind::from_name(name).is_none()) {
            None => Some(kinds),
            Some(name) => {
                let names = Kind::ALL.map(Kind::name).join(", ");
                self.wrong("kind", format!("`{}` is not a kind; the kinds are {names}", shown(name)))
            }
        }
    }

    fn period(&mut self, max_days: u16) -> Option<Period> {
        let start = self.text("start_date");
        let end = self.text("end_date");
        let wrong_zone = self.member("timezone").is_some_and(|value| !value.is_string());
        let zone = self.optional_text("timezone").unwrap_or("UTC");
        let placeholder = "2000-01-01";
        let errors = match Period::parse(
            start.or(end).unwrap_or(placeholder),
            end.or(start).unwrap_or(placeholder),
            zone,
            max_days,
        ) {
            Ok(period) => return (start.is_some() && end.is_some() && !wrong_zone).then_some(period),
            Err(errors) => errors,
        };
        // What was missing has been told already, and a placeholder has nothing to tell.
        let told = |field: &str| (start.is_none() && field == "start_date") || (end.is_none() && field == "end_date");
        self.errors.extend(errors.into_iter().filter(|error| !told(&error.field)));
        None
    }

    fn emails(&mut self, owner: &Owner) -> Option<Vec<String>> {
        let texts = self.one_or_many("email", MAX_ADDRESSES)?;
        let checked = texts.into_iter().map(|text| check_address(text, owner).map(|()| text.to_owned()));
        checked.collect::<Result<_, _>>().map_or_else(|detail| self.wrong("email", detail), Some)
    }

    fn language(&mut self) -> Option<Language> {
        if self.member("language").is_none() {
            return Some(Language::default());
        }
        let text = self.optional_text("language")?;
        Language::from_tag(text).or_else(|| {
            let tags = Language::ALL.map(Language::tag).join(" or ");
            self.wrong(
                "language",
                format!("`{}` is not a language that mails are written in; write {tags}", shown(text)),
            )
        })
    }

    fn format(&mut self) -> Option<Format> {
        if self.member("format").is_none() {
            return Some(Format::default());
        }
        let text = self.optional_text("format")?;
        Format::from_name(text).or_else(|| {
            let names = Format::ALL.map(Format::name).join(", ");
            self.wrong("format", format!("`{}` is not a format that is offered; the formats are {names}", shown(text)))
        })
    }

    fn columns(&mut self) -> Option<Vec<FileColumn>> {
        let columns = columns::parse(self.member("columns")?);
        columns.map_or_else(
            |errors| {
                self.errors.extend(errors);
                None
            },
            Some,
        )
    }

    fn filters(&mut self) -> Filters {
        let mut filters = Filters::default();
        let Some(value) = self.member("filters") else { return filters };
        let Value::Object(lists) = value else {
            let detail = format!("{} is not an object; write {{\"country\": [\"kr\", \"jp\"]}}", kind_of(value));
            self.wrong::<()>("filters", detail);
            return filters;
        };
        for (name, list) in lists {
            let Some(field) = Field::from_name(name).filter(|field| FILTERS.contains(field)) else {
                let names = FILTERS.map(Field::name).join(", ");
                self.wrong::<()>("filters", format!("`{}` cannot be filtered by; these can: {names}", shown(name)));
                continue;
            };
            let path = format!("filters.{name}");
            match self.texts(&path, list) {
                Some(values) if values.len() > MAX_FILTER_VALUES => {
                    let detail = format!("has {} values; at most {MAX_FILTER_VALUES} can be named", values.len());
                    self.wrong::<()>(&path, detail);
                }
                Some(values) => filters.insert(field, values.into_iter().map(str::to_owned)),
                None => {}
            }
        }
        filters
    }

    fn excel(&mut self, format: Format) -> bool {
        match self.member("excel") {
            None | Some(Value::Bool(false)) => false,
            Some(Value::Bool(true)) if format.is_csv() => true,
            Some(Value::Bool(true)) => {
                let detail = format!("is for csv and csv.gz; a file of {} needs nothing of it", format.name());
                self.wrong("excel", detail).unwrap_or_default()
            }
            Some(other) => {
                let detail = format!("{} is neither true nor false", kind_of(other));
                self.wrong("excel", detail).unwrap_or_default()
            }
        }
    }

    /// A list of at least one text.
    fn texts(&mut self, field: &str, value: &'a Value) -> Option<Vec<&'a str>> {
        let Value::Array(items) = value else {
            return self.wrong(field, format!("{} is not a list; write [\"…\", \"…\"]", kind_of(value)));
        };
        if items.is_empty() {
            return self.wrong(field, "is an empty list; name at least one, or leave the field out");
        }
        let texts: Option<Vec<_>> = items.iter().map(Value::as_str).collect();
        texts.or_else(|| self.wrong(field, "has an item that is not text; write each in quotes"))
    }
}

/// Why mails cannot go to this address.
fn check_address(text: &str, owner: &Owner) -> Result<(), String> {
    if !is_address(text) {
        return Err(format!("`{}` is not one plain mail address, like name@example.com", shown(text)));
    }
    if owner.may_mail(text) {
        return Ok(());
    }
    let domains: Vec<_> = owner.mail_domains.iter().map(String::as_str).collect();
    if domains.is_empty() {
        return Err("no mail domain is registered for you; whoever runs Relay can add one".to_owned());
    }
    Err(format!("mails go to addresses at {} only", domains.join(", ")))
}

/// One address without a name, comment, quotes or list: two dot-atoms (RFC 5322), so no dot stands first, last or beside another.
fn is_address(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"()<>[]:;,\\\"@".contains(&byte);
    let is_dot_atom = |part: &str| part.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(plain));
    let Some((local, domain)) = text.split_once('@') else { return false };
    local.len() <= MAX_LOCAL_PART && text.len() <= MAX_ADDRESS && is_dot_atom(local) && is_dot_atom(domain)
}

/// As much of a caller's text as helps to recognise it.
fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
