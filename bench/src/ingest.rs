//! What a callback costs at the door: to understand and to pack, by provider; and whole, in the deployed binary.

mod cost;
mod host;

use crate::Outcome;
use crate::core_time::Effort;

/// Measures the code alone, then the function under the Lambda host.
pub(crate) fn run(effort: Effort) -> Outcome {
    cost::run(effort)?;
    host::run(effort)
}
