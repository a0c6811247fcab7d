//! AWS behind the ports of `relay`; the only crate that names an AWS SDK.
