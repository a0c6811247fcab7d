//! axe-core: the machine's part of WCAG 2.2 AA, and its best practices.

use std::path::Path;

use serde_json::{Value, json};

use crate::webdriver::Browser;

/// What is looked for: every level up to AA of every version up to 2.2, and what axe advises beyond.
const TAGS: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/// The library's source.
pub(crate) struct Axe(String);

impl Axe {
    /// Reads the library at this path.
    pub(crate) fn read(path: &Path) -> Self {
        Self(std::fs::read_to_string(path).unwrap_or_else(|error| panic!("axe-core at {}: {error}", path.display())))
    }

    /// What breaks a rule on the page as it is now: rule, help, selector and why. Something must have been looked at.
    pub(crate) fn violations(&self, browser: &Browser) -> Vec<String> {
        if browser.script("return typeof axe", &json!([])) == "undefined" {
            browser.script(&self.0, &json!([]));
        }
        let run = "return axe.run(document, { resultTypes: ['violations'], runOnly: { type: 'tag', values: arguments[0] } })
            .then(({ violations, passes }) => [violations.flatMap(({ id, help, nodes }) =>
                nodes.map(({ target, failureSummary }) => `${id} (${help}) at ${target.join(' ')}: ${failureSummary}`)), passes.length])";
        let found = browser.script(run, &json!([TAGS]));
        assert!(found[1].as_u64().is_some_and(|passes| passes > 0), "axe has looked at something: {found}");
        let violations: Vec<Value> = found[0].as_array().cloned().unwrap_or_default();
        violations.iter().map(|one| one.as_str().unwrap_or_default().replace('\n', " ")).collect()
    }
}
