//! What an owner asks beside the key: where requests come from, and that batches are signed.

use relay::access::{Access, is_source};
use relay::activity::Provider;
use relay::http::Request;
use relay::signature::{self, SIGNATURE_HEADER};

use crate::respond::Refusal;

/// Whether a request comes as its owner asks. Batches may have to be signed; providers cannot sign.
pub(crate) fn check(access: &Access, request: &Request, provider: Provider, now: i64) -> Result<(), Refusal> {
    let is_batch = provider == Provider::Sdk;
    let sources = if is_batch { &access.activity_sources } else { &access.callback_sources };
    if !is_source(sources, &request.source_ip) {
        return Err(Refusal::SourceNotAllowed(request.source_ip.clone()));
    }
    let header = request.header(SIGNATURE_HEADER);
    let secrets = &access.signing_secrets;
    // A signature that is sent must hold, so that senders can be tried out before they must sign; without a secret nobody can tell.
    let is_due = access.signature_required || (header.is_some() && !secrets.is_empty());
    if is_batch && is_due {
        signature::check(secrets, header, &request.body, now).map_err(Refusal::Signature)?;
    }
    Ok(())
}
