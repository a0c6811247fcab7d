//! What is asked for: places with their days, and requests of every shape.

use relay::export::Format;
use relay_tests::random::Random;
use serde_json::{Value, json};

/// A zone and days in it; where clocks change, a day of that.
pub(crate) struct Place {
    pub(crate) zone: &'static str,
    pub(crate) start_date: &'static str,
    pub(crate) end_date: &'static str,
}

impl Place {
    const fn new(zone: &'static str, start_date: &'static str, end_date: &'static str) -> Self {
        Self { zone, start_date, end_date }
    }

    /// Fit for a file's name.
    pub(crate) fn name(&self) -> String {
        format!("{}_{}", self.zone.replace('/', "_"), self.start_date)
    }

    /// Whether its clocks have always been those of UTC.
    pub(crate) fn is_utc(&self) -> bool {
        self.zone == "UTC"
    }
}

/// Clocks that go forward and back, by an hour and by half of one, at midnight too; offsets of quarters; a day that was skipped.
pub(crate) fn places() -> [Place; 14] {
    [
        Place::new("UTC", "2026-11-13", "2026-11-14"),
        Place::new("Asia/Seoul", "2026-11-14", "2026-11-14"),
        Place::new("America/New_York", "2026-03-07", "2026-03-09"),
        Place::new("America/New_York", "2026-11-01", "2026-11-01"),
        Place::new("Europe/London", "2026-03-29", "2026-03-29"),
        Place::new("Europe/London", "2026-10-24", "2026-10-26"),
        Place::new("Australia/Lord_Howe", "2026-04-05", "2026-04-05"),
        Place::new("Australia/Lord_Howe", "2026-10-03", "2026-10-05"),
        Place::new("Asia/Kathmandu", "2026-12-31", "2027-01-01"),
        Place::new("Pacific/Apia", "2026-06-01", "2026-06-02"),
        Place::new("Pacific/Apia", "2011-12-29", "2011-12-31"),
        Place::new("Africa/Cairo", "2026-04-24", "2026-04-24"),
        Place::new("America/Havana", "2026-11-01", "2026-11-01"),
        Place::new("America/St_Johns", "2026-03-08", "2026-03-08"),
    ]
}

/// Requests for a place's days: each format with each kind, and what else a request may say.
pub(crate) fn of(place: &Place, random: &mut Random) -> Vec<Value> {
    let mut requests = Vec::new();
    for format in Format::ALL.map(Format::name) {
        let one = *random.pick(&["install", "reattribution", "event"]);
        let renamed = json!([
            "created_at", {"column": "adid", "header": "Adjust ID, \"so called\""}, {"value": "KR\n\"=1\"", "header": "시장"},
            {"value": "", "header": "empty"}, "click_time", {"column": "click_time", "header": "=clicked;"}, "extra",
        ]);
        for more in [
            json!({"kind": one}),
            json!({"kind": ["event", "install", "reattribution"]}),
            json!({"kind": "event", "columns": ["revenue", "extra", "activity_id", "created_at", "click_time"]}),
            json!({"kind": "event", "columns": ["user_id"]}),
            json!({"kind": ["reattribution", "event"], "columns": renamed}),
            json!({"kind": "install", "filters": {"country": ["KR", "jp"], "os_name": ["ios", "android"]}}),
            json!({"kind": ["install", "event"], "filters": {"event_name": ["no such event"]}}),
        ] {
            requests.push(request(place, format, &more));
        }
        if format.starts_with("csv") {
            requests.push(request(place, format, &json!({"kind": one, "excel": true})));
            requests.push(request(
                place,
                format,
                &json!({"kind": ["event", "install"], "excel": true, "columns": renamed}),
            ));
        }
    }
    requests
}

fn request(place: &Place, format: &str, more: &Value) -> Value {
    let mut body = json!({
        "app_token": "reference-app", "email": "kim@example.com", "format": format,
        "start_date": place.start_date, "end_date": place.end_date, "timezone": place.zone,
    });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}
