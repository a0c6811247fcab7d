//! The page in a real browser: an advertiser's way from the key to the rows, and what the page says when something is wrong.
//!
//! Needs a running stack, named by `RELAY_STACK` (the path of its `.relay/stack.json`), and Debian's `chromium` and `chromium-driver`.

#[cfg(test)]
#[path = "browser/cases.rs"]
mod cases;
#[cfg(test)]
#[path = "browser/page.rs"]
mod page;
#[cfg(test)]
#[path = "browser/webdriver.rs"]
mod webdriver;
