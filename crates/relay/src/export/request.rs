//! What an advertiser asks for, checked: every problem is told at once.

use serde_json::{Map, Value};

use super::filter::{FILTERS, Filters};
use crate::activity::{Kind, is_app_token};
use crate::field::Field;
use crate::owner::Owner;
use crate::period::Period;
use crate::problem::FieldError;
use crate::row::Column;

/// The longest address that a mail system takes (RFC 5321).
const MAX_ADDRESS: usize = 254;

/// The longest part before its `@` (RFC 5321).
const MAX_LOCAL_PART: usize = 64;

/// The most values of one filter: each row is compared with them, and all stand in the export's item.
const MAX_FILTER_VALUES: usize = 1000;

const MEMBERS: [&str; 10] =
    ["app_token", "kind", "start_date", "end_date", "timezone", "email", "format", "columns", "filters", "excel"];

/// A request for an export whose every field is usable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportRequest {
    /// The app; whose it is, is not known here.
    pub app_token: String,
    /// The kind.
    pub kind: Kind,
    /// The period.
    pub period: Period,
    /// Where the mail goes: an address in a domain of the owner's.
    pub email: String,
    /// The columns in their order; `None` for the kind's own.
    pub columns: Option<Vec<Column>>,
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
        let members: Map<String, Value> = serde_json::from_slice(body)
            .map_err(|error| RequestError::Malformed(format!("the body is not a JSON object: {error}")))?;
        let mut reader = Reader { members: &members, errors: Vec::new() };
        let request = reader.request(owner, max_days);
        match request {
            Some(request) if reader.errors.is_empty() => Ok(request),
            _ => Err(RequestError::Invalid(reader.errors)),
        }
    }
}

/// Reads members one by one and gathers what is wrong with them.
struct Reader<'a> {
    members: &'a Map<String, Value>,
    errors: Vec<FieldError>,
}

impl<'a> Reader<'a> {
    /// Every reader runs, whatever the others found.
    fn request(&mut self, owner: &Owner, max_days: u16) -> Option<ExportRequest> {
        self.known_members();
        let app_token = self.app_token();
        let kind = self.kind();
        let period = self.period(max_days);
        let email = self.email(owner);
        self.format();
        let columns = self.columns();
        let filters = self.filters();
        let excel = self.excel();
        Some(ExportRequest {
            app_token: app_token?,
            kind: kind?,
            period: period?,
            email: email?,
            columns,
            filters,
            excel,
        })
    }

    fn wrong<T>(&mut self, field: &str, detail: impl Into<String>) -> Option<T> {
        self.errors.push(FieldError { field: field.to_owned(), detail: detail.into() });
        None
    }

    /// A member that is there and not null.
    fn member(&self, field: &str) -> Option<&'a Value> {
        self.members.get(field).filter(|value| !value.is_null())
    }

    fn optional_text(&mut self, field: &str) -> Option<&'a str> {
        let value = self.member(field)?;
        let not_text = || format!("{} is not text; write it in quotes", kind_of(value));
        value.as_str().or_else(|| self.wrong(field, not_text()))
    }

    fn text(&mut self, field: &str) -> Option<&'a str> {
        match self.member(field) {
            None => self.wrong(field, "is required"),
            Some(_) => self.optional_text(field),
        }
    }

    fn known_members(&mut self) {
        for name in self.members.keys().filter(|name| !MEMBERS.contains(&name.as_str())) {
            let detail = format!("is not a field of this request; the fields are {}", MEMBERS.join(", "));
            self.errors.push(FieldError { field: shown(name), detail });
        }
    }

    fn app_token(&mut self) -> Option<String> {
        let text = self.text("app_token")?;
        if is_app_token(text) {
            return Some(text.to_owned());
        }
        self.wrong("app_token", "an app token has 1 to 64 letters, digits, dots, underscores and hyphens")
    }

    fn kind(&mut self) -> Option<Kind> {
        let text = self.text("kind")?;
        Kind::from_name(text).or_else(|| {
            self.wrong("kind", format!("`{}` is not a kind; write install, reattribution or event", shown(text)))
        })
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

    fn email(&mut self, owner: &Owner) -> Option<String> {
        let text = self.text("email")?;
        if !is_address(text) {
            return self.wrong("email", "is not one plain mail address, like name@example.com");
        }
        if owner.may_mail(text) {
            return Some(text.to_owned());
        }
        let domains: Vec<_> = owner.mail_domains.iter().map(String::as_str).collect();
        if domains.is_empty() {
            return self.wrong("email", "no mail domain is registered for you; whoever runs Relay can add one");
        }
        self.wrong("email", format!("mails go to addresses at {} only", domains.join(", ")))
    }

    fn format(&mut self) {
        if let Some(text) = self.optional_text("format").filter(|text| *text != "csv") {
            self.wrong::<()>("format", format!("`{}` is not a format that is offered; write csv", shown(text)));
        }
    }

    fn columns(&mut self) -> Option<Vec<Column>> {
        let names = self.texts("columns", self.member("columns")?)?;
        let mut columns = Vec::with_capacity(names.len());
        for name in names {
            match Column::from_name(name) {
                None => {
                    let detail = format!("`{}` is not a column; `GET /v1/account` lists them", shown(name));
                    self.wrong::<()>("columns", detail);
                }
                Some(column) if columns.contains(&column) => {
                    self.wrong::<()>("columns", format!("`{name}` is named twice; name each column once"));
                }
                Some(column) => columns.push(column),
            }
        }
        Some(columns)
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

    fn excel(&mut self) -> bool {
        match self.member("excel") {
            None => false,
            Some(Value::Bool(excel)) => *excel,
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
