//! A row: an activity in a file.

mod column;
mod csv;
mod excel;
mod json;
#[cfg(test)]
mod tests;

pub use column::{Column, ColumnSpec, FileColumn, NoSuchColumn, Source};
pub use csv::CsvRows;
pub use json::JsonRows;
