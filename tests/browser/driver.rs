//! chromedriver: its process, and the `WebDriver` protocol as plain HTTP.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// How often chromedriver is started before that is a failure.
const STARTS: u32 = 5;

/// How to get the browser, in one line.
pub(crate) const HOW_TO_GET: &str =
    "the browser tests need Chromium and its driver: apt-get install chromium chromium-driver";

/// The chromedriver process; it ends when this is dropped.
pub(crate) struct Driver {
    process: Child,
    url: String,
    agent: ureq::Agent,
}

impl Driver {
    /// Starts chromedriver on a port that the system chooses. It takes that of IPv4 for IPv6, too, and ends where another program has it there.
    pub(crate) fn start() -> Self {
        let (process, port) = (0..STARTS).find_map(|_| started()).expect("chromedriver names its port");
        let config =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_mins(1)));
        Self { process, url: format!("http://127.0.0.1:{port}"), agent: config.build().new_agent() }
    }

    /// The value that a command answers.
    pub(crate) fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let url = format!("{}{path}", self.url);
        let sent = match method {
            "GET" => self.agent.get(url).call(),
            "DELETE" => self.agent.delete(url).call(),
            _ => self.agent.post(url).content_type("application/json").send(body.to_string()),
        };
        let mut answer = sent.map_err(|error| error.to_string())?;
        let text = answer.body_mut().with_config().limit(u64::MAX).read_to_string();
        let text = text.map_err(|error| error.to_string())?;
        let value: Value = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
        match value["value"]["error"].as_str() {
            Some(error) => Err(format!("{error}: {}", value["value"]["message"].as_str().unwrap_or_default())),
            None => Ok(value["value"].clone()),
        }
    }

    /// Ends the process now.
    pub(crate) fn end(&mut self) {
        let _killed = self.process.kill();
        let _waited = self.process.wait();
    }
}

impl Drop for Driver {
    // Also reached when no session could be made.
    fn drop(&mut self) {
        self.end();
    }
}

fn started() -> Option<(Child, u16)> {
    let spawned = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).spawn();
    let mut process = spawned.unwrap_or_else(|error| panic!("{HOW_TO_GET} (chromedriver: {error})"));
    let stdout = BufReader::new(process.stdout.take().expect("stdout is piped"));
    let port = stdout.lines().map_while(Result::ok).find_map(|line| port_in(&line));
    if port.is_none() {
        process.wait().expect("chromedriver has ended");
    }
    port.map(|port| (process, port))
}

/// The port in `ChromeDriver was started successfully on port 41235.`
fn port_in(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once("started successfully on port ")?;
    rest.trim_end_matches('.').parse().ok()
}
