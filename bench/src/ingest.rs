//! What a callback costs at the door: to understand and to pack, by provider; and whole, in the deployed binary, beside its peers.

mod cost;
mod host;

use crate::Findings;
use crate::core_time::Effort;

/// Measures the code alone, then the functions under the Lambda host.
pub(crate) fn run(effort: Effort) -> Findings {
    Ok(vec![cost::run(effort)?, host::run(effort)?])
}
