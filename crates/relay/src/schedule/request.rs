//! What an advertiser asks for again and again, checked: the members of an export's request without dates, and when it runs.

use serde_json::{Map, Value};

use super::Schedule;
use crate::export::{ExportRequest, Reader, RequestError, members};
use crate::owner::Owner;
use crate::period::{Frequency, Period, Zone};

/// How long after a period's end it runs where nothing else is asked: minutes.
pub const DEFAULT_DELAY_MINUTES: u16 = 120;

/// The longest delay: minutes.
pub const MAX_DELAY_MINUTES: u16 = 2880;

const MEMBERS: [&str; 11] = [
    "frequency",
    "delay_minutes",
    "app_token",
    "kind",
    "timezone",
    "email",
    "language",
    "format",
    "columns",
    "filters",
    "excel",
];

/// The members that a schedule keeps in fields of its own.
const OWN: [&str; 3] = ["frequency", "delay_minutes", "email"];

/// A request for a schedule whose every field is usable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleRequest {
    /// How often it runs.
    pub frequency: Frequency,
    /// How long after a period's end it runs: minutes.
    pub delay_minutes: u16,
    /// The zone of its periods.
    pub zone: Zone,
    /// Where the mails go.
    pub emails: Vec<String>,
    /// Every other member as it was asked.
    pub members: Map<String, Value>,
}

impl ScheduleRequest {
    /// Reads a request's body. `owner` says where mails may go.
    pub fn parse(body: &[u8], owner: &Owner) -> Result<Self, RequestError> {
        let mut members = members(body)?;
        let (request, (frequency, delay_minutes)) = ExportRequest::read(&members, &MEMBERS, Some(owner), timing)?;
        members.retain(|name, value| !OWN.contains(&name.as_str()) && !value.is_null());
        Ok(Self { frequency, delay_minutes, zone: request.period.zone, emails: request.emails, members })
    }

    /// The app; whose it is, is not known here.
    #[must_use]
    pub fn app_token(&self) -> &str {
        self.members.get("app_token").and_then(Value::as_str).unwrap_or_default()
    }
}

/// Every reader runs, whatever the others found. The period says no more than its zone: each run has its own.
fn timing(reader: &mut Reader<'_>) -> Option<(Period, (Frequency, u16))> {
    let frequency = frequency(reader);
    let delay_minutes = delay_minutes(reader);
    let period = Period::between(reader.zone()?, 0..1)?;
    Some((period, (frequency?, delay_minutes?)))
}

fn frequency(reader: &mut Reader<'_>) -> Option<Frequency> {
    let text = reader.text("frequency")?;
    Frequency::from_name(text).or_else(|| {
        let names = Frequency::ALL.map(Frequency::name).join(", ");
        reader.wrong("frequency", format!("is none of {names}"))
    })
}

fn delay_minutes(reader: &mut Reader<'_>) -> Option<u16> {
    let Some(value) = reader.member("delay_minutes") else { return Some(DEFAULT_DELAY_MINUTES) };
    let minutes = value.as_u64().and_then(|minutes| u16::try_from(minutes).ok());
    minutes.filter(|minutes| *minutes <= MAX_DELAY_MINUTES).or_else(|| {
        reader.wrong("delay_minutes", format!("is not a whole number of minutes from 0 to {MAX_DELAY_MINUTES}"))
    })
}

impl Schedule {
    /// The request of a run over this period. Addresses that `owner` may no longer mail to are left out, unless there are no others.
    pub fn export_request(&self, owner: &Owner, period: Period) -> Result<ExportRequest, RequestError> {
        let emails = || self.subscribers.iter().map(|one| one.email.as_str());
        let mut allowed: Vec<&str> = emails().filter(|email| owner.may_mail(email)).collect();
        if allowed.is_empty() {
            allowed = emails().collect();
        }
        let mut members = self.request.clone();
        members.insert("email".to_owned(), allowed.into());
        ExportRequest::read(&members, &MEMBERS, Some(owner), |_| Some((period, ()))).map(|(request, ())| request)
    }
}
