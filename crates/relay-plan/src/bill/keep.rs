//! What is kept: storage in the end, when the first pages expire.

use super::{Line, Month, Purpose};
use crate::price;

pub(super) fn lines(month: &Month<'_>) -> Vec<Line> {
    let line = |item, price| Line::new(Purpose::Keep, item, month.storage_gb, price);
    vec![line("pages, kept", price::TABLE_GB_MONTH), line("pages, point-in-time recovery", price::BACKUP_GB_MONTH)]
}
