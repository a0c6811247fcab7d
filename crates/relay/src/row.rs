//! A row: an activity in a file. CSV after RFC 4180: UTF-8, comma, LF, a header; local times of the period's zone.

use std::borrow::Cow;

use crate::activity::{Activity, Kind, Value};
use crate::field::Field;
use crate::period::{LocalClock, Zone};

mod excel;
#[cfg(test)]
mod tests;

/// A column of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// `created_at`: when it happened, local time.
    CreatedAt,
    /// `kind`.
    Kind,
    /// `app_token`.
    AppToken,
    /// An optional canonical field.
    Field(Field),
    /// `activity_id`: 32 hexadecimal digits.
    ActivityId,
    /// `provider`.
    Provider,
    /// `received_at`: when it reached the door, local time.
    ReceivedAt,
    /// `extra`: what has no canonical name, as a JSON object.
    Extra,
}

impl Column {
    /// The name in requests and headers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at",
            Self::Kind => "kind",
            Self::AppToken => "app_token",
            Self::Field(field) => field.name(),
            Self::ActivityId => "activity_id",
            Self::Provider => "provider",
            Self::ReceivedAt => "received_at",
            Self::Extra => "extra",
        }
    }

    /// The column of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let own = [
            Self::CreatedAt,
            Self::Kind,
            Self::AppToken,
            Self::ActivityId,
            Self::Provider,
            Self::ReceivedAt,
            Self::Extra,
        ];
        own.into_iter().find(|column| column.name() == name).or_else(|| Field::from_name(name).map(Self::Field))
    }

    /// The columns of a file where none were asked for: those that the original relay's files had for this kind, in their order, then
    /// every other field in schema order, then what identifies the row.
    #[must_use]
    pub fn defaults(kind: Kind) -> Vec<Self> {
        let first: Vec<Field> = seed(kind).iter().flat_map(|group| group.iter().copied()).collect();
        let others = Field::ALL.iter().filter(|field| !first.contains(field));
        let fields = first.iter().chain(others).map(|field| Self::Field(*field));
        [Self::CreatedAt, Self::Kind, Self::AppToken]
            .into_iter()
            .chain(fields)
            .chain([Self::ActivityId, Self::Provider, Self::ReceivedAt, Self::Extra])
            .collect()
    }
}

const APP_AND_CHANNEL: &[Field] = &[
    Field::AppId,
    Field::AppName,
    Field::AppVersion,
    Field::NetworkName,
    Field::CampaignName,
    Field::AdgroupName,
    Field::CreativeName,
];
const WINDOWS: &[Field] =
    &[Field::ImpressionAttributionWindow, Field::ClickAttributionWindow, Field::ProbmatchingAttributionWindow];
const ENGAGEMENT: &[Field] = &[
    Field::ImpressionTime,
    Field::ClickTime,
    Field::InstalledAt,
    Field::InstallBeginTime,
    Field::InstallFinishTime,
    Field::ConversionDuration,
    Field::Referrer,
    Field::MatchType,
];
const DEVICE_IDS: &[Field] = &[Field::Adid, Field::GpsAdid, Field::Idfa, Field::Idfv];
const DEVICE: &[Field] = &[
    Field::Country,
    Field::CountrySubdivision,
    Field::City,
    Field::PostalCode,
    Field::Language,
    Field::DeviceName,
    Field::DeviceType,
    Field::OsName,
    Field::OsVersion,
    Field::AttStatus,
    Field::ConnectionType,
    Field::Isp,
    Field::IpAddress,
];
const EVENT: &[Field] = &[Field::EventToken, Field::EventName, Field::Currency, Field::Revenue];
const REATTRIBUTION: &[Field] = &[
    Field::IsReattributed,
    Field::ReattributedAt,
    Field::ReattributionAttributionWindow,
    Field::InactiveUserDefinition,
    Field::LastTrackerName,
];
const ENVIRONMENT: &[Field] = &[
    Field::Environment,
    Field::SdkVersion,
    Field::FbRefPublisherPlatform,
    Field::FbRefAdObjective,
    Field::FbRefCampaignGroup,
    Field::FbRefCampaign,
    Field::FbRefAdgroup,
];

/// The fields of the original relay's file of this kind, behind `created_at`, `kind` and `app_token`, in groups.
const fn seed(kind: Kind) -> &'static [&'static [Field]] {
    match kind {
        Kind::Install => &[APP_AND_CHANNEL, WINDOWS, ENGAGEMENT, DEVICE_IDS, DEVICE, ENVIRONMENT],
        Kind::Reattribution => &[APP_AND_CHANNEL, DEVICE_IDS, ENGAGEMENT, DEVICE, REATTRIBUTION, ENVIRONMENT],
        Kind::Event => &[APP_AND_CHANNEL, DEVICE_IDS, DEVICE, EVENT, ENVIRONMENT],
    }
}

/// Writes rows one behind the other into memory; the caller takes what has gathered.
pub struct RowWriter {
    columns: Vec<Column>,
    clock: LocalClock,
    excel: bool,
    csv: csv::Writer<Vec<u8>>,
    capacity: usize,
}

impl RowWriter {
    /// A writer of these columns with times in this zone. `excel` adds a byte-order mark, takes the force from formulas and keeps long
    /// digits as text. `capacity`: how many bytes the caller expects between two [`RowWriter::take`]s.
    #[must_use]
    pub fn new(columns: Vec<Column>, zone: Zone, excel: bool, capacity: usize) -> Self {
        Self { columns, clock: LocalClock::new(zone), excel, csv: csv_into(Vec::with_capacity(capacity)), capacity }
    }

    /// Writes the header line.
    pub fn header(&mut self) -> Result<(), csv::Error> {
        if self.excel {
            let mut start = self.take();
            start.extend_from_slice("\u{feff}".as_bytes());
            self.csv = csv_into(start);
        }
        self.csv.write_record(self.columns.iter().map(|column| column.name()))?;
        Ok(self.csv.flush()?)
    }

    /// Goes on behind rows that were taken from another writer of the same columns.
    pub fn go_on_behind(&mut self, rows: &[u8]) {
        let mut start = self.take();
        start.extend_from_slice(rows);
        self.csv = csv_into(start);
    }

    /// Writes a row.
    pub fn row(&mut self, activity: &Activity<'_>) -> Result<(), csv::Error> {
        for column in &self.columns {
            let cell = cell(&mut self.clock, *column, activity)?;
            if self.excel {
                self.csv.write_field(excel::harmless(&cell).as_ref())?;
            } else {
                self.csv.write_field(&cell)?;
            }
        }
        self.csv.write_record(None::<&[u8]>)?;
        // The writer's own buffer holds a few rows; they count as written here.
        Ok(self.csv.flush()?)
    }

    /// How many bytes have gathered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.csv.get_ref().len()
    }

    /// Whether nothing has gathered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.csv.get_ref().is_empty()
    }

    /// Takes what has gathered: whole rows.
    pub fn take(&mut self) -> Vec<u8> {
        let empty = csv_into(Vec::with_capacity(self.capacity));
        // Every row was flushed, and a vector takes everything: there is nothing left that could fail.
        std::mem::replace(&mut self.csv, empty).into_inner().unwrap_or_default()
    }

    /// The local date of a moment as days since the epoch; `None` outside the years 0 to 9999.
    pub fn local_day(&mut self, ms: i64) -> Option<i64> {
        self.clock.day(ms)
    }
}

fn csv_into(bytes: Vec<u8>) -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(bytes)
}

fn cell<'a>(clock: &mut LocalClock, column: Column, activity: &'a Activity<'_>) -> Result<Cow<'a, [u8]>, csv::Error> {
    Ok(match column {
        Column::CreatedAt => time(clock, activity.created_at),
        Column::Kind => Cow::Borrowed(activity.kind.name().as_bytes()),
        Column::AppToken => Cow::Borrowed(activity.app_token.as_bytes()),
        Column::Field(field) => match activity.fields.get(field) {
            Some(Value::Text(text)) => Cow::Borrowed(text.as_bytes()),
            Some(Value::Time(ms)) => time(clock, *ms),
            None => Cow::Borrowed(b""),
        },
        Column::ActivityId => Cow::Owned(hex::encode(activity.activity_id.0).into_bytes()),
        Column::Provider => Cow::Borrowed(activity.provider.name().as_bytes()),
        Column::ReceivedAt => time(clock, activity.received_at),
        Column::Extra if activity.extra.is_empty() => Cow::Borrowed(b"{}"),
        Column::Extra => Cow::Owned(serde_json::to_vec(&activity.extra).map_err(std::io::Error::from)?),
    })
}

/// A time that no calendar of four digits holds is written as its milliseconds: nothing is lost, nothing is made up.
fn time(clock: &mut LocalClock, ms: i64) -> Cow<'static, [u8]> {
    let bytes = clock.text(ms).map_or_else(|| ms.to_string().into_bytes(), |text| text.to_vec());
    Cow::Owned(bytes)
}
