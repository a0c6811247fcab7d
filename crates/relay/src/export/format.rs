//! The formats that a file may have.

use serde::{Deserialize, Serialize};

/// A file's format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// RFC 4180 with a header line.
    #[default]
    #[serde(rename = "csv")]
    Csv,
    /// The same, compressed with gzip.
    #[serde(rename = "csv.gz")]
    CsvGz,
    /// A JSON object a line, compressed with gzip.
    #[serde(rename = "jsonl.gz")]
    JsonlGz,
    /// Apache Parquet.
    #[serde(rename = "parquet")]
    Parquet,
}

impl Format {
    /// Every format, the default first.
    pub const ALL: [Self; 4] = [Self::Csv, Self::CsvGz, Self::JsonlGz, Self::Parquet];

    /// The name in requests, which is the ending of file names too.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::CsvGz => "csv.gz",
            Self::JsonlGz => "jsonl.gz",
            Self::Parquet => "parquet",
        }
    }

    /// The format of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Whether a file of it can be made for spreadsheets.
    #[must_use]
    pub const fn is_csv(self) -> bool {
        matches!(self, Self::Csv | Self::CsvGz)
    }
}
