//! A link: the signed, expiring address of a finished export.

use serde::{Deserialize, Serialize};

/// A signed address and when it really ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The address; whoever holds it can download until it ends.
    pub url: String,
    /// Milliseconds since the epoch, UTC: the earlier of the signature's and its credentials' end.
    pub expires_at: i64,
}
