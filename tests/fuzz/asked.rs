//! Readers of what an advertiser asks for.

use relay::access::Access;
use relay::export::ExportRequest;
use relay::owner::Owner;
use relay::period::{LocalClock, Period};

use crate::target::{KIB, Memory, NOW, Target, as_it_is, unpacked};

const MAX_DAYS: u16 = 14;
const DAY_MS: i64 = 86_400_000;

/// The body of `POST /v1/exports`.
pub(crate) fn export_request() -> Target {
    Target {
        name: "export_request",
        // A value of `[1,1,…` takes 2 bytes of text and 32 of memory, and a list that grows holds half as much again.
        memory: Memory { fixed: 64 * KIB, per_byte: 120 },
        words: &[
            b"{\"app_token\":\"app\",\"kind\":\"event\",",
            b"\"start_date\":\"2023-11-01\",\"end_date\":\"2023-11-14\",",
            b"\"timezone\":\"Asia/Seoul\",",
            b"\"email\":\"me@example.com\"",
            b"\"columns\":[\"adid\",",
            b"\"filters\":{\"country\":[\"kr\",",
            b"\"excel\":true",
            b"\"format\":\"csv\"",
            b"]}",
            b"}}",
        ],
        open: as_it_is,
        close: unpacked,
        run: |input| {
            if let Ok(request) = ExportRequest::parse(input, &owner(), MAX_DAYS) {
                assert_sound(&request.period);
                assert!(request.emails.iter().all(|email| owner().may_mail(email)), "{:?}", request.emails);
                assert!(request.columns.is_none_or(|columns| !columns.is_empty()));
            }
        },
    }
}

fn owner() -> Owner {
    Owner {
        owner: "demo".to_owned(),
        mail_domains: ["example.com".to_owned()].into(),
        event_tokens: [].into(),
        retention_days: 30,
        access: Access::default(),
        created_at: 0,
    }
}

/// Dates and zone of a period, a line each.
pub(crate) fn period() -> Target {
    Target {
        name: "period",
        // Zones are read once and kept.
        memory: Memory { fixed: 64 * KIB, per_byte: 8 },
        words: &[
            b"2023-11-01\n",
            b"2023-11-14\n",
            b"2011-12-30\n",
            b"2024-02-29\n",
            b"9999-12-31\n",
            b"Asia/Seoul",
            b"Pacific/Apia",
            b"UTC",
            b"Etc/Unknown",
            b"+09:00",
            b"EST5EDT",
            b"../../etc/passwd",
        ],
        open: as_it_is,
        close: unpacked,
        run: |input| {
            let text = String::from_utf8_lossy(input);
            let mut lines = text.split('\n');
            let mut line = || lines.next().unwrap_or_default();
            if let Ok(period) = Period::parse(line(), line(), line(), MAX_DAYS) {
                assert_sound(&period);
            }
        },
    }
}

/// A period has its days, longer or shorter by what clocks are put forward and back, and every moment of it can be written.
fn assert_sound(period: &Period) {
    let days = i64::from(MAX_DAYS);
    assert!(period.from < period.to && period.to - period.from <= (days + 1) * DAY_MS, "{period:?}");
    let mut clock = LocalClock::new(period.zone.clone());
    for moment in [period.from, period.to - 1, NOW] {
        assert!(clock.text(moment).is_some(), "{period:?} at {moment}");
    }
}
