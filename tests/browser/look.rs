//! How the page is looked at: on which screen, in which theme, language and zone, over which network.

use serde_json::{Value, json};

use crate::webdriver::Browser;

/// A screen and what its user prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// CSS pixels, wide and high.
    pub(crate) screen: (u32, u32),
    /// Dark instead of light.
    pub(crate) dark: bool,
    /// A BCP 47 tag, as the browser sends and tells it.
    pub(crate) language: &'static str,
}

/// A laptop's window.
pub(crate) const DESKTOP: (u32, u32) = (1280, 900);
/// A phone.
pub(crate) const PHONE: (u32, u32) = (390, 844);
/// What a page must fit without scrolling sideways: a desktop at 400 % (WCAG 2.2, 1.4.10).
pub(crate) const NARROWEST: (u32, u32) = (320, 640);

/// Everything in a page that reads the clock by itself reads `now()`.
const CLOCK: &str = "
    const Real = Date, { prototype } = Intl.DateTimeFormat, { formatToParts } = prototype;
    const { get } = Object.getOwnPropertyDescriptor(prototype, 'format');
    globalThis.Date = class extends Real {
        constructor(...given) { super(...(given.length > 0 ? given : [now()])); }
        static now() { return now(); }
    };
    Object.defineProperty(prototype, 'format', { get() { return (date = now()) => get.call(this)(date); } });
    prototype.formatToParts = function (date = now()) { return formatToParts.call(this, date); };";

/// What most cases look at.
pub(crate) const PLAIN: Look = Look { screen: DESKTOP, dark: false, language: "en-US" };

impl Look {
    /// `desktop`, `phone` or the width, `light` or `dark`, the language: for messages and the names of pictures.
    pub(crate) fn name(self) -> String {
        let screen = match self.screen {
            DESKTOP => "desktop".to_owned(),
            PHONE => "phone".to_owned(),
            (width, _) => format!("{width}px"),
        };
        let theme = if self.dark { "dark" } else { "light" };
        let language = self.language.split('-').next().unwrap_or_default();
        format!("{screen}-{theme}-{language}")
    }
}

impl Browser {
    /// Looks so from now on. The language counts from the next page on.
    pub(crate) fn look(&self, look: Look) {
        let (width, height) = look.screen;
        let screen =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": look.screen == PHONE });
        self.devtools("Emulation.setDeviceMetricsOverride", &screen);
        self.prefer(&[
            ("prefers-color-scheme", if look.dark { "dark" } else { "light" }),
            ("prefers-reduced-motion", "reduce"),
        ]);
        self.speak(look.language);
    }

    /// Sets media features.
    pub(crate) fn prefer(&self, features: &[(&str, &str)]) {
        let features: Vec<Value> =
            features.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }

    /// The browser's language, for pages opened from now on.
    fn speak(&self, language: &str) {
        let agent = self.script("return navigator.userAgent", &json!([]));
        self.devtools("Network.setUserAgentOverride", &json!({ "userAgent": agent, "acceptLanguage": language }));
        // Taking back a locale that is set is the only way to another.
        self.devtools("Emulation.setLocaleOverride", &json!({}));
        self.devtools("Emulation.setLocaleOverride", &json!({ "locale": language }));
    }

    /// The browser's zone, for pages opened from now on.
    pub(crate) fn stand_in(&self, zone: &str) {
        self.devtools("Emulation.setTimezoneOverride", &json!({ "timezoneId": zone }));
    }

    /// Lets the clock of pages opened from now on begin at a moment, and go on or stand still.
    pub(crate) fn begin_at(&self, moment: &str, ticking: bool) {
        let now = if ticking { "begin + Math.floor(performance.now())" } else { "begin" };
        let set = format!("{{ const begin = Date.parse('{moment}'); const now = () => {now}; {CLOCK} }}");
        self.before_scripts(&set);
    }

    /// Cuts the browser off the network, or joins it again.
    pub(crate) fn offline(&self, offline: bool) {
        self.conditions(offline, 0, -1);
    }

    /// A network of so much latency (ms) and so many bytes a second each way; -1 is no limit.
    pub(crate) fn conditions(&self, offline: bool, latency_ms: u32, bytes_a_second: i32) {
        let conditions = json!({ "offline": offline, "latency": latency_ms, "downloadThroughput": bytes_a_second, "uploadThroughput": bytes_a_second });
        self.devtools("Network.enable", &json!({}));
        self.devtools("Network.emulateNetworkConditions", &conditions);
    }
}
