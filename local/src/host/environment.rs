//! What a function finds in its environment: the template's variables, Lambda's own, and a way to the emulator.

use super::{Function, Surroundings};

/// All variables of an instance whose Runtime API listens at `runtime_api` (host:port).
pub(super) fn variables(function: &Function, around: &Surroundings, runtime_api: &str) -> Vec<(String, String)> {
    let memory = function.memory_mib.to_string();
    let key = access_key_id(&function.logical_id);
    let log_group = format!("/aws/lambda/{}", function.name);
    let lambda = [
        ("AWS_LAMBDA_RUNTIME_API", runtime_api),
        ("AWS_LAMBDA_FUNCTION_NAME", &function.name),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &log_group),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
        ("AWS_REGION", &around.region),
        ("AWS_DEFAULT_REGION", &around.region),
        ("AWS_ENDPOINT_URL", &around.endpoint_url),
        ("AWS_ACCESS_KEY_ID", &key),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("LANG", "en_US.UTF-8"),
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("TZ", ":UTC"),
        ("_HANDLER", "bootstrap"),
    ];
    let own = function.environment.clone().into_iter();
    let lambda = lambda.map(|(name, value)| (name.to_owned(), value.to_owned()));
    own.chain(lambda).collect()
}

/// A key of its own for each function, so that a proxy in between sees who calls. Letters first: the emulator takes a
/// key of twelve digits for an account's number.
pub(crate) fn access_key_id(logical_id: &str) -> String {
    let name = logical_id.strip_suffix("Function").unwrap_or(logical_id);
    let name = name.to_ascii_uppercase();
    format!("AKIA{name:0<16.16}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_keys_tell_functions_apart_and_look_like_awss() {
        let ingest = access_key_id("IngestFunction");
        assert_eq!(ingest, "AKIAINGEST0000000000");
        let worker = access_key_id("ExportWorkerFunction");
        let dispatcher = access_key_id("ExportDispatcherFunction");
        assert_eq!((worker.len(), dispatcher.len()), (20, 20));
        assert_ne!(worker, dispatcher);
    }
}
