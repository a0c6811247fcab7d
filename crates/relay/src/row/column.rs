//! Columns: what an activity can show, and what a file makes of it.

use serde::{Deserialize, Serialize};

use crate::activity::Kind;
use crate::field::Field;

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

/// What stands in a column of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Something of the activity.
    Column(Column),
    /// The same text in every row.
    Constant(String),
}

/// A column of a file: its name there, and what stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileColumn {
    /// Its name in the file.
    pub header: String,
    /// What stands in it.
    pub source: Source,
}

impl FileColumn {
    /// The columns of a file where none were asked for: [`Column::defaults`] under their own names.
    #[must_use]
    pub fn defaults(kind: Kind) -> Vec<Self> {
        Column::defaults(kind).into_iter().map(Self::from).collect()
    }
}

impl From<Column> for FileColumn {
    fn from(column: Column) -> Self {
        Self { header: column.name().to_owned(), source: Source::Column(column) }
    }
}

/// A column of a file as a request writes it and as it is stored: known by name only, since another release may have written it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ColumnSpec {
    /// A column under its own name.
    Name(String),
    /// A column under another name.
    Renamed {
        /// The column.
        column: String,
        /// Its name in the file.
        header: String,
    },
    /// The same text in every row.
    Constant {
        /// The text.
        value: String,
        /// The column's name in the file.
        header: String,
    },
}

impl ColumnSpec {
    /// The column's name in the file.
    #[must_use]
    pub fn header(&self) -> &str {
        match self {
            Self::Name(header) | Self::Renamed { header, .. } | Self::Constant { header, .. } => header,
        }
    }
}

impl From<&FileColumn> for ColumnSpec {
    fn from(column: &FileColumn) -> Self {
        let header = column.header.clone();
        match &column.source {
            Source::Column(column) if column.name() == header => Self::Name(header),
            Source::Column(column) => Self::Renamed { column: column.name().to_owned(), header },
            Source::Constant(value) => Self::Constant { value: value.clone(), header },
        }
    }
}

/// There is no column of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no column {0}")]
pub struct NoSuchColumn(pub String);

impl TryFrom<&ColumnSpec> for FileColumn {
    type Error = NoSuchColumn;

    fn try_from(spec: &ColumnSpec) -> Result<Self, Self::Error> {
        let column = |name: &String| Column::from_name(name).ok_or_else(|| NoSuchColumn(name.clone()));
        Ok(match spec {
            ColumnSpec::Name(name) => Self::from(column(name)?),
            ColumnSpec::Renamed { column: name, header } => {
                Self { header: header.clone(), source: Source::Column(column(name)?) }
            }
            ColumnSpec::Constant { value, header } => {
                Self { header: header.clone(), source: Source::Constant(value.clone()) }
            }
        })
    }
}
