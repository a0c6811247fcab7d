//! DynamoDB: tables `pages` and `control`.

mod control;
mod pages;
mod value;

pub use control::AwsControl;
pub use pages::AwsPages;

/// How many calls go out side by side: enough to hide a call's latency, too few to count as a burst.
const CALLS_AT_ONCE: usize = 8;
