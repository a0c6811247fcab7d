//! The rows of an export, asked for by a query string.

use serde_json::{Map, Value, json};

use super::{ExportRequest, FILTERS, RequestError, shown};
use crate::activity::Kind;
use crate::callback::query;
use crate::field::Field;
use crate::problem::FieldError;

/// What may be named once.
const SINGLE: [&str; 4] = ["app_token", "start_date", "end_date", "timezone"];

/// What may be named several times; each filter may, too.
const KIND: &str = "kind";

const FILTERS_MEMBER: &str = "filters";

impl ExportRequest {
    /// Reads which rows are asked for: `app_token`, `start_date`, `end_date`, `timezone`, `kind` (all where none is named) and the filters by their
    /// fields' names; `kind` and filters may be named several times. All else is as where no more is asked for. What is wrong is told of all
    /// parameters at once, as of a body.
    pub fn parse_query(raw: &str, max_days: u16) -> Result<Self, RequestError> {
        let (members, mut errors) = members(raw);
        let names: Vec<&str> = SINGLE.into_iter().chain([KIND, FILTERS_MEMBER]).collect();
        let read = Self::read(&members, &names, None, |reader| Some((reader.period(max_days)?, ())));
        match read {
            Ok((request, ())) if errors.is_empty() => return Ok(request),
            Ok(_) => {}
            Err(RequestError::Invalid(others)) => errors.extend(others.into_iter().map(by_parameter)),
            Err(malformed @ RequestError::Malformed(_)) => return Err(malformed),
        }
        Err(RequestError::Invalid(errors))
    }
}

/// The members that a body would have, and what is wrong with the parameters' names alone.
fn members(raw: &str) -> (Map<String, Value>, Vec<FieldError>) {
    let (mut members, mut errors) = (Map::new(), Vec::new());
    let mut wrong = |field: &str, detail| errors.push(FieldError { field: shown(field), detail });
    let (mut kinds, mut filters) = (Vec::new(), Map::new());
    for (name, value) in query::parse(raw.as_bytes()) {
        let filter = Field::from_name(&name).filter(|field| FILTERS.contains(field));
        if name == KIND {
            kinds.push(value);
        } else if filter.is_some() {
            let list = filters.entry(name.as_ref()).or_insert_with(|| json!([]));
            if let Some(list) = list.as_array_mut() {
                list.push(json!(value));
            }
        } else if !SINGLE.contains(&name.as_ref()) {
            let names: Vec<&str> = SINGLE.into_iter().chain([KIND]).chain(FILTERS.map(Field::name)).collect();
            wrong(&name, format!("is not a parameter of this request; the parameters are {}", names.join(", ")));
        } else if members.contains_key(name.as_ref()) {
            wrong(&name, "is named more than once; name it once".to_owned());
        } else {
            members.insert(name.into_owned(), json!(value));
        }
    }
    if kinds.is_empty() {
        kinds.extend(Kind::ALL.map(|kind| kind.name().into()));
    }
    members.insert(KIND.to_owned(), json!(kinds));
    if !filters.is_empty() {
        members.insert(FILTERS_MEMBER.to_owned(), Value::Object(filters));
    }
    (members, errors)
}

/// A body has filters in an object, a query string beside everything else.
fn by_parameter(error: FieldError) -> FieldError {
    let field = error.field.strip_prefix("filters.").map(str::to_owned);
    FieldError { field: field.unwrap_or(error.field), ..error }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAYS: &str = "app_token=acme-app&start_date=2026-11-01&end_date=2026-11-14";

    fn refused(raw: &str) -> Vec<(String, String)> {
        let Err(RequestError::Invalid(errors)) = ExportRequest::parse_query(raw, 14) else { panic!("{raw}") };
        errors.into_iter().map(|error| (error.field, error.detail)).collect()
    }

    fn fields(raw: &str) -> Vec<String> {
        refused(raw).into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn a_query_asks_for_the_rows_that_a_body_asks_for() {
        let raw = format!("{DAYS}&timezone=Asia/Seoul&kind=event&kind=install&country=KR&network_name=a+b&country=jp");
        let body = json!({
            "app_token": "acme-app", "start_date": "2026-11-01", "end_date": "2026-11-14", "timezone": "Asia/Seoul",
            "kind": ["event", "install"], "filters": {"country": ["kr", "JP"], "network_name": ["a b"]},
        });
        let by_body = ExportRequest::parse_without_mail(body.to_string().as_bytes(), 14);
        assert_eq!(ExportRequest::parse_query(&raw, 14), by_body);
        let plain = ExportRequest::parse_query(DAYS, 14).unwrap();
        assert_eq!((plain.kinds.as_slice(), plain.period.zone.name()), (Kind::ALL.as_slice(), "UTC"));
        assert!(plain.filters.is_empty());
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_by_parameter() {
        assert_eq!(fields(""), ["app_token", "start_date", "end_date"]);
        let raw =
            "kind=click&app_token=a%20b&start_date=2026-02-30&end_date=&timezone=Mars&format=csv&app_token=b&filters=x";
        let expected = ["format", "app_token", "filters", "app_token", "kind", "start_date", "end_date", "timezone"];
        assert_eq!(fields(raw), expected);
        assert_eq!(fields(&format!("{DAYS}&kind=event&kind=event")), ["kind"]);
        assert_eq!(refused(&format!("{DAYS}&timezone="))[0].0, "timezone");
        let many = "&country=x".repeat(1001);
        let told = ("country".to_owned(), "has 1001 values; at most 1000 can be named".to_owned());
        assert_eq!(refused(&format!("{DAYS}{many}")), [told]);
        let told = &refused(&format!("{DAYS}&start_date=2026-11-02"))[0];
        assert_eq!(*told, ("start_date".to_owned(), "is named more than once; name it once".to_owned()));
        assert_eq!(fields(&DAYS.replace("-14", "-15")), ["end_date"]);
    }
}
