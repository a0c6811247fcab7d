//! Activities as an account's Adjust callbacks bring them: made from query strings by the door's own code, so that fields, extras and ids are those of
//! real ones. The same seed gives the same activities on every machine.

use relay::activity::{Activity, Kind, Provider};
use relay::callback::{self, Callback};

const NETWORKS: [&str; 5] = ["Organic", "Google Ads ACI", "Meta Ads", "네이버 검색광고", "Unity Ads"];
const CAMPAIGNS: [&str; 6] = [
    "Christmas (457624031399716729)",
    "여름 세일 2026",
    "KR_iOS_Purchase_2026Q4 (18273645)",
    "신규가입 이벤트",
    "Retargeting_30d",
    "冬の大感謝祭",
];
const ADGROUPS: [&str; 4] = ["Reindeers", "20대 여성", "lookalike_1pct", "broad_kr"];
const CREATIVES: [&str; 4] = ["320x70_en", "video_15s", "배너_3", "playable_v7"];
const COUNTRIES: [(&str, &str, &str); 4] =
    [("kr", "서울", "ko"), ("us", "New York", "en"), ("jp", "東京", "ja"), ("de", "München", "de")];
const DEVICES: [&str; 4] = ["SM-S928N", "SM-A556S", "Pixel9", "Redmi Note 13"];
const EVENTS: [(&str, &str); 4] =
    [("f0ob4r", "구매 완료"), ("3wkyqa", "level_up"), ("p1a2b3", "add_to_cart"), ("zzz999", "회원가입")];
const REVENUES: [&str; 4] = ["12.990", "4900", "0.99", "33000"];

/// Makes activities of one app.
pub struct Generator {
    state: u64,
}

impl Generator {
    /// The app of every activity.
    pub const APP_TOKEN: &str = "2fm9gkqubvpc";

    /// A generator that starts from this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 pseudo-random bits (splitmix64).
    pub const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 when the bound is not positive.
    pub fn below(&mut self, bound: i64) -> i64 {
        let number = self.next().checked_rem(u64::try_from(bound).unwrap_or_default()).unwrap_or_default();
        i64::try_from(number).unwrap_or_default()
    }

    /// The next activity. Adjust sends `created_at` in whole seconds. Times are milliseconds since the epoch.
    pub fn activity(&mut self, kind: Kind, created_at: i64, received_at: i64) -> Result<Activity<'static>, String> {
        let query = self.query(kind, created_at / 1000);
        let callback = Callback {
            provider: Provider::Adjust,
            method: "GET",
            query: &query,
            content_type: "",
            body: b"",
            received_at,
        };
        let activity = callback::parse(&callback).map(Activity::into_owned);
        activity.map_err(|discard| format!("the generator's {query}: {}", discard.detail))
    }

    /// One of these; `choices` is not empty.
    pub fn pick<T: Copy + Default>(&mut self, choices: &[T]) -> T {
        let index = self.next().checked_rem(choices.len() as u64).and_then(|index| usize::try_from(index).ok());
        index.and_then(|index| choices.get(index)).copied().unwrap_or_default()
    }

    /// The query string of the next callback, without a key; `created_at` in seconds since the epoch.
    pub fn query(&mut self, kind: Kind, created_at: i64) -> String {
        let app_token = Self::APP_TOKEN;
        let network = self.pick(&NETWORKS);
        let device = self.pick(&DEVICES);
        let (country, city, language) = self.pick(&COUNTRIES);
        let (adid, gps_high, gps_low, nonce) = (self.next(), self.next(), self.next(), self.next());
        let [a, b, ..] = self.next().to_le_bytes();
        let trigger = self.trigger(kind, created_at);
        let channel = self.channel(network);
        format!(
            "activity_kind={trigger}&app_token={app_token}&app_id=com.example.game&app_name=별빛 모험&app_version=4.12.0\
             &network_name={network}{channel}&adid={adid:016x}{gps_low:016x}&gps_adid={gps_high:016x}{nonce:016x}&idfa={{idfa}}\
             &created_at={created_at}&country={country}&city={city}&language={language}&device_name={device}&device_type=phone\
             &os_name=android&os_version=15&ip_address=203.0.{a}.{b}&environment=production&sdk_version=android5.0.1\
             &is_organic=0&nonce={nonce:012x}"
        )
    }

    fn channel(&mut self, network: &str) -> String {
        if network == "Organic" {
            return "&tracker_name=Organic&campaign_name=".to_owned();
        }
        let (campaign, adgroup, creative) = (self.pick(&CAMPAIGNS), self.pick(&ADGROUPS), self.pick(&CREATIVES));
        format!(
            "&tracker_name={network}::{campaign}::{adgroup}::{creative}&campaign_name={campaign}&adgroup_name={adgroup}\
             &creative_name={creative}&tracker=abc123"
        )
    }

    fn trigger(&mut self, kind: Kind, created_at: i64) -> String {
        let before = created_at - 20 - self.below(86_400);
        match kind {
            Kind::Install => format!(
                "install&match_type=device_tag&installed_at={created_at}&click_time={before}&click_attribution_window=168"
            ),
            Kind::Reattribution => format!(
                "reattribution&match_type=device_tag&click_time={before}&reattributed_at={created_at}&installed_at={}",
                before - 8_000_000
            ),
            Kind::Event => {
                let ((token, name), revenue) = (self.pick(&EVENTS), self.pick(&REVENUES));
                format!(
                    "event&event={token}&event_name={name}&revenue={revenue}&currency=KRW&user_id={}&installed_at={before}",
                    self.below(10_000_000)
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_published_sequence() {
        // The first outputs of splitmix64 for seed 1234567, from its reference implementation.
        let mut generator = Generator::new(1_234_567);
        assert_eq!(generator.next(), 6_457_827_717_110_365_317);
        assert_eq!(generator.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn activities_are_whole_and_of_the_size_of_real_ones() {
        let mut generator = Generator::new(1);
        for kind in Kind::ALL {
            let mut ids = std::collections::BTreeSet::new();
            let mut bytes = Vec::new();
            for _ in 0..1_000 {
                let activity = generator.activity(kind, 1_794_648_600_000, 1_794_648_601_000).unwrap();
                assert_eq!((activity.kind, activity.created_at), (kind, 1_794_648_600_000));
                relay::avro::encode(&activity, &mut bytes);
                ids.insert(activity.activity_id);
            }
            assert_eq!(ids.len(), 1_000);
            assert!((380..600).contains(&(bytes.len() / 1_000)), "{kind}: {} bytes each", bytes.len() / 1_000);
        }
    }
}
