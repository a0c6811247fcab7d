//! The words the sample is made of: names as real accounts have them, in several scripts and with awkward characters.

/// Networks, organic traffic among them.
pub(super) const NETWORKS: [&str; 6] =
    ["Organic", "Network1", "Meta Ads", "네이버 검색광고", "Google Ads (AdWords)", "Unity Ads 🎮"];

/// Campaigns.
pub(super) const CAMPAIGNS: [&str; 7] = [
    "Christmas",
    "여름 세일 2026",
    "신규가입 🎁 이벤트",
    "Brand::KR::iOS",
    "ретаргетинг & скидки",
    "50% off, \"today\" only",
    "冬の大感謝祭",
];

/// Ad groups.
pub(super) const ADGROUPS: [&str; 4] = ["Reindeers", "20대 여성", "lookalike=1%", "retarget/30d"];

/// Creatives; one with the characters that URLs may not hold raw and that providers send raw all the same.
pub(super) const CREATIVES: [&str; 4] = ["320x70_en", "video;15s", "Sale{A|B}[50^2]<new>", "배너 #3"];

/// Countries as sent, upper and lower case.
pub(super) const COUNTRIES: [&str; 7] = ["kr", "KR", "us", "JP", "de", "vn", "BR"];

/// Cities.
pub(super) const CITIES: [&str; 5] = ["서울", "Busan", "San José", "東京", "München"];

/// Names of in-app events.
pub(super) const EVENTS: [&str; 6] =
    ["purchase", "구매 완료", "level_up 🎮", "add to cart", "회원가입", "tutorial|done"];

/// Tokens of in-app events.
pub(super) const EVENT_TOKENS: [&str; 5] = ["f0ob4r", "3wkyqa", "p1a2b3", "zzz999", "abc123"];

/// Amounts with the digits that must survive; no float gives all of them back.
pub(super) const REVENUES: [&str; 6] = ["12.990", "0.10", "4900", "0.000123", "0.123456789012345678", "99.00"];

/// Currencies.
pub(super) const CURRENCIES: [&str; 3] = ["KRW", "USD", "JPY"];

/// Devices on Android.
pub(super) const ANDROID_DEVICES: [&str; 3] = ["SM-S928N", "Pixel 9", "Redmi Note 13"];

/// Devices on iOS.
pub(super) const IOS_DEVICES: [&str; 2] = ["iPhone17,1", "iPad14,3"];
