//! Addresses that no mail goes to.

use relay::address::{Unreachable, Why};
use serde::Serialize;

use super::date;

/// An owner's addresses that no mail goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct AddressesView {
    owner: String,
    pub(crate) unreachable: Vec<AddressView>,
}

/// An address that no mail goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct AddressView {
    pub(crate) email: String,
    reason: Why,
    since: i64,
    detail: String,
    export_id: String,
}

impl AddressesView {
    pub(crate) fn new(owner: &str, marks: Vec<Unreachable>) -> Self {
        Self { owner: owner.to_owned(), unreachable: marks.into_iter().map(AddressView::new).collect() }
    }

    pub(super) fn text(&self) -> String {
        if self.unreachable.is_empty() {
            return format!("mails go to every address of owner {}\n", self.owner);
        }
        self.unreachable.iter().map(AddressView::text).collect()
    }
}

impl AddressView {
    fn new(mark: Unreachable) -> Self {
        let Unreachable { email, reason, since, detail, export_id, .. } = mark;
        Self { email, reason, since, detail, export_id }
    }

    fn text(&self) -> String {
        let Self { email, since, detail, export_id, .. } = self;
        format!("{email}  {} {}  export {export_id}  {detail}\n", self.reason.name(), date(*since))
    }
}
