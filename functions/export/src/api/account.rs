//! `GET /v1/account`: who the key belongs to, and what may be asked.

use relay::activity::Kind;
use relay::address::{self, Unreachable};
use relay::batch::MAX_ITEMS;
use relay::export::queue::MAX_WAITING;
use relay::export::{FILTERS, Format, MAX_ADDRESSES, MAX_COLUMNS};
use relay::http::Response;
use relay::language::Language;
use relay::period::Frequency;
use relay::row::Column;
use relay::schedule::{MAX_DELAY_MINUTES, MAX_SCHEDULES};
use relay::tenancy;
use serde_json::{Map, Value, json};

use super::{Api, Ports, Refusal};

impl<W: Ports> Api<W> {
    pub(super) async fn account(&self, owner: &str) -> Result<Response, Refusal> {
        let profile = self.profile(owner).await?;
        let apps = tenancy::apps(&self.control, owner).await?;
        let apps: Vec<_> = apps.into_iter().map(|app| json!({"app_token": app.app_token})).collect();
        let unreachable = address::all_unreachable(&self.control, owner).await?;
        let body = json!({
            "owner": owner,
            "apps": apps,
            "mail_domains": profile.mail_domains,
            "unreachable": unreachable.iter().map(Unreachable::view).collect::<Vec<_>>(),
            "limits": {
                "max_export_days": self.settings.max_export_days,
                "export_retention_days": self.settings.retention_days,
                "retention_days": profile.retention_days,
                "max_concurrent_exports": self.settings.slots,
                "max_waiting_exports": MAX_WAITING,
                "max_batch_items": MAX_ITEMS,
                "max_addresses": MAX_ADDRESSES,
                "max_columns": MAX_COLUMNS,
                "max_schedules": MAX_SCHEDULES,
                "max_delay_minutes": MAX_DELAY_MINUTES,
            },
            "formats": Format::ALL.map(Format::name),
            "frequencies": Frequency::ALL.map(Frequency::name),
            "languages": Language::ALL.map(Language::tag),
            "kinds": Kind::ALL.map(Kind::name),
            "columns": columns(),
            "filters": FILTERS.map(relay::field::Field::name),
        });
        Ok(Response::json(200, &body))
    }
}

fn columns() -> Map<String, Value> {
    let names = |kind| Column::defaults(kind).into_iter().map(Column::name).collect::<Vec<_>>();
    Kind::ALL.into_iter().map(|kind| (kind.name().to_owned(), json!(names(kind)))).collect()
}
