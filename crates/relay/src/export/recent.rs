//! The same request within a minute is the same export: what was asked lately.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Export, ExportRequest, Header, Status};
use crate::control::{Expect, Key, Write};
use crate::fault::Fault;
use crate::period::Period;

/// For how long the same request is the same export: milliseconds. Long enough for a second press and for a client's retries, too short for
/// anybody who waits for newer rows.
const SAME_FOR_MS: i64 = 60_000;

/// The export that stands for a request: item `request#{owner}` / the request's digest. Written in the commit that queues the export, so that
/// of requests at the same time one is queued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    /// The export.
    pub export_id: String,
    /// When it was asked for: milliseconds since the epoch.
    pub asked_at: i64,
}

impl Recent {
    /// What stands for a request from now on.
    #[must_use]
    pub fn of(export: &Export) -> Self {
        Self { export_id: export.export_id.clone(), asked_at: export.as_of }
    }

    /// Where it stands.
    #[must_use]
    pub fn key(owner: &str, digest: &str) -> Key {
        Key::new(format!("request#{owner}"), digest)
    }

    /// Whether what is asked now is the same export. Clocks of two hosts differ: what was asked in the future was asked now.
    #[must_use]
    pub const fn is_recent(&self, now: i64) -> bool {
        now < self.asked_at.saturating_add(SAME_FOR_MS)
    }

    /// The write of it; the table may forget it when it is recent no more.
    pub fn write(&self, key: Key, expect: Expect) -> Result<Write, Fault> {
        let forgotten = self.asked_at.saturating_add(SAME_FOR_MS).div_euclid(1000).saturating_add(1);
        Write::put_until(key, self, expect, Some(forgotten))
    }
}

impl Export {
    /// Whether it is, or will be, what was asked for: not cancelled, not failed, its file not deleted.
    #[must_use]
    pub fn serves_at(&self, now: i64, retention_days: u16) -> bool {
        match self.status_at(now, retention_days) {
            Status::Queued | Status::Running | Status::Done | Status::Empty => true,
            Status::Failed | Status::Cancelled | Status::Expired => false,
        }
    }
}

impl ExportRequest {
    /// What is the same for requests that ask for the same files and mails, however they are written: 32 hexadecimal digits. The order of
    /// columns and of kinds is the files'; that of addresses and of a filter's values is nobody's.
    #[must_use]
    pub fn digest(&self) -> String {
        // Every field by name: a new one does not compile until it is in here.
        let Self { app_token, kinds, period, emails, language, format, columns: _, filters, excel } = self;
        let Period { start_date, end_date, zone, from, to } = period;
        let period = (start_date, end_date, zone.name(), from, to);
        let emails: BTreeSet<_> = emails.iter().collect();
        // Columns that were left out are the kind's own.
        let header = Header::of(self);
        let asked = serde_json::json!([app_token, kinds, period, emails, language, format, header, filters, excel]);
        let hash = blake3::hash(asked.to_string().as_bytes());
        let (first_128_bits, _) = hash.as_bytes().split_at(16);
        hex::encode(first_128_bits)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::owner::Owner;
    use crate::row::Column;

    fn owner() -> Owner {
        Owner {
            owner: "demo".to_owned(),
            mail_domains: ["example.com".to_owned()].into(),
            event_tokens: [].into(),
            retention_days: 90,
            access: crate::access::Access::default(),
            created_at: 0,
        }
    }

    fn digest(more: &str) -> String {
        let body = format!(
            r#"{{"app_token": "a", "kind": "event", "start_date": "2026-11-01", "end_date": "2026-11-02", "email": "kim@example.com"{more}}}"#
        );
        ExportRequest::parse(body.as_bytes(), &owner(), 14).unwrap().digest()
    }

    fn with(field: &str, value: &Value) -> String {
        let mut body = json!({"app_token": "a", "kind": "event", "start_date": "2026-11-01", "end_date": "2026-11-02", "email": "kim@example.com"});
        body[field] = value.clone();
        ExportRequest::parse(body.to_string().as_bytes(), &owner(), 14).unwrap().digest()
    }

    #[test]
    fn the_same_request_has_one_digest_however_it_is_written() {
        let plain = digest("");
        assert_eq!(plain.len(), 32);
        for same in [
            r#",   "format": "csv", "excel": false, "timezone": "utc", "columns": null"#,
            r#", "filters": {}, "excel": null"#,
        ] {
            assert_eq!(digest(same), plain, "{same}");
        }
        let one = digest(r#", "filters": {"country": ["kr", "jp"], "os_name": ["ios"]}"#);
        let other = digest(r#", "filters": {"os_name": ["iOS"], "country": ["JP", "kr", "kr"]}"#);
        assert_eq!(one, other);
        let one = with("email", &json!(["kim@example.com", "lee@example.com"]));
        assert_eq!(one, with("email", &json!(["lee@example.com", "kim@example.com"])));
        assert_eq!(
            [with("email", &json!(["kim@example.com"])), with("kind", &json!(["event"]))],
            [plain.clone(), plain.clone()]
        );
        let names: Vec<_> = Column::defaults(crate::activity::Kind::Event).into_iter().map(Column::name).collect();
        assert_eq!(with("columns", &json!(names)), plain, "the kind's own columns, named");
    }

    #[test]
    fn whatever_shapes_the_files_or_the_mails_is_in_the_digest() {
        let mut digests = vec![digest("")];
        for (field, value) in [
            ("app_token", json!("b")),
            ("kind", json!("install")),
            ("start_date", json!("2026-11-02")),
            ("end_date", json!("2026-11-03")),
            ("timezone", json!("Asia/Seoul")),
            ("kind", json!(["install", "event"])),
            ("kind", json!(["event", "install"])),
            ("email", json!("lee@example.com")),
            ("email", json!(["lee@example.com", "kim@example.com"])),
            ("language", json!("ko")),
            ("format", json!("csv.gz")),
            ("format", json!("jsonl.gz")),
            ("columns", json!([{"column": "adid", "header": "country"}, "city"])),
            ("columns", json!([{"value": "adid", "header": "country"}, "city"])),
            ("columns", json!(["adid", "country"])),
            ("columns", json!(["country", "adid"])),
            ("filters", json!({"country": ["kr"]})),
            ("filters", json!({"os_name": ["kr"]})),
            ("excel", json!(true)),
        ] {
            let digest = with(field, &value);
            assert!(!digests.contains(&digest), "{field}: {value}");
            digests.push(digest);
        }
    }

    #[test]
    fn a_minute_is_a_minute_and_the_table_keeps_it_as_long() {
        let recent = Recent { export_id: "0".repeat(32), asked_at: 5_500 };
        assert!(recent.is_recent(0) && recent.is_recent(65_499) && !recent.is_recent(65_500));
        let Write::Put { key, expires_at, .. } = recent.write(Recent::key("demo", "ab"), Expect::Absent).unwrap()
        else {
            panic!("a put")
        };
        assert_eq!((key, expires_at), (Key::new("request#demo", "ab"), Some(66)));
    }
}
