//! CloudWatch's part: what functions count and AWS measures is gathered, alarms are judged, and both are shown.
//!
//! The functions' lines come from their log files, AWS's own metrics from what host, driver and door see. All is kept here and told to the
//! emulator minute by minute, in one call a namespace: nothing of it stands in the way of traffic. Judging is done here because the
//! emulator's own looks at no dimensions, at no missing data, and only when something is put.

mod alarm;
mod chart;
mod cloudwatch;
mod emf;
mod gauges;
pub(crate) mod happened;
mod math;
pub(crate) mod meter;
mod page;
mod query;
mod tail;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use relay_lambda::process;
use tokio::sync::watch;

use crate::aws::{Aws, Refusal};
use crate::failure::Failure;
use crate::say::say;

use alarm::Alarm;
use gauges::Queues;
pub use meter::{Key, Meter, Stats};
use tail::Tail;

/// Pause between two looks.
const LOOK: Duration = Duration::from_secs(2);
/// Pause between two tellings and keepings.
const TELL_MS: i64 = 60 * 1000;

/// What is watched and where it is kept.
pub(crate) struct Watched {
    /// What host, driver and door measure.
    pub(crate) meter: Arc<Meter>,
    /// The functions' log files.
    pub(crate) logs: Vec<PathBuf>,
    /// The queues' addresses.
    pub(crate) queues: Vec<String>,
    /// The dashboard's name.
    pub(crate) dashboard: String,
    /// Where the metrics outlive the run.
    pub(crate) kept: PathBuf,
    /// Divides the alarms' periods.
    pub(crate) pace: u32,
}

/// Metrics, alarms and dashboard of the stack.
pub(crate) struct Watch {
    aws: Aws,
    watched: Watched,
    alarms: Mutex<Vec<Alarm>>,
}

/// What is gathered from.
struct Sources {
    tail: Tail,
    queues: Queues,
    /// Whether the last telling failed: that is said once.
    failing: bool,
}

impl Watch {
    /// Takes up the metrics of the last run and reads the alarms.
    pub(crate) async fn open(aws: Aws, watched: Watched) -> Result<Arc<Self>, Failure> {
        watched.meter.take_up(&watched.kept)?;
        let alarms =
            cloudwatch::alarms(&aws).await.map_err(|refusal| Failure(format!("cannot read the alarms: {refusal}")))?;
        Ok(Arc::new(Self { aws, watched, alarms: Mutex::new(alarms) }))
    }

    /// Gathers, judges and tells until told to stop; then once more, so that what was counted last is not lost.
    pub(crate) async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let tail = Tail::new(self.watched.logs.iter().cloned());
        let mut sources = Sources { tail, queues: Queues::new(self.watched.queues.iter().cloned()), failing: false };
        let mut told_at = process::now_ms();
        loop {
            let stopped = tokio::select! {
                _ = stop.wait_for(|stopped| *stopped) => true,
                () = tokio::time::sleep(LOOK) => false,
            };
            let now = process::now_ms();
            let due = now - told_at >= TELL_MS;
            let done = self.look(&mut sources, now, due || stopped, stopped).await;
            if due {
                told_at = now;
            }
            let failing = done.is_err();
            if let Err(refusal) = done
                && !sources.failing
            {
                say(&format!("alarms and metrics fall behind: {refusal}"));
            }
            sources.failing = failing;
            if stopped {
                return;
            }
        }
    }

    async fn look(&self, sources: &mut Sources, now: i64, tell: bool, all: bool) -> Result<(), Refusal> {
        let meter = &self.watched.meter;
        for line in sources.tail.lines() {
            for (key, value, at) in emf::values(&line) {
                meter.record(key, value, at);
            }
        }
        let measured = sources.queues.measure(&self.aws, meter, now).await;
        gauges::reputation(meter, now, self.watched.pace);
        let judged = self.judge(now).await;
        if tell {
            meter.tidy(now);
            let told = cloudwatch::put(&self.aws, meter.untold(now, all)).await;
            if let Err(failure) = meter.keep(&self.watched.kept) {
                tracing::warn!(%failure, "metrics are not kept");
            }
            told?;
        }
        measured.and(judged)
    }

    /// Sets the state of each alarm that has another now.
    async fn judge(&self, now: i64) -> Result<(), Refusal> {
        let alarms = self.alarms();
        for alarm in &alarms {
            let verdict = match alarm.judge(&self.watched.meter, now, self.watched.pace) {
                Ok(verdict) => verdict,
                Err(problem) => {
                    tracing::warn!(alarm = alarm.name, problem, "an alarm cannot be judged");
                    continue;
                }
            };
            if verdict.state != alarm.state {
                cloudwatch::set_state(&self.aws, &alarm.name, verdict.state, &verdict.reason).await?;
                self.note(&alarm.name, &verdict);
            }
        }
        Ok(())
    }

    /// The dashboard as a page.
    pub(crate) async fn page(&self) -> Result<String, Failure> {
        let dashboard = cloudwatch::dashboard(&self.aws, &self.watched.dashboard).await;
        let dashboard = dashboard.map_err(|refusal| Failure(format!("cannot read the dashboard: {refusal}")))?;
        Ok(page::page(&dashboard, &self.alarms(), &self.watched.meter, process::now_ms()))
    }

    fn alarms(&self) -> Vec<Alarm> {
        self.alarms.lock().map(|alarms| alarms.clone()).unwrap_or_default()
    }

    fn note(&self, name: &str, verdict: &alarm::Verdict) {
        tracing::info!(alarm = name, state = verdict.state, reason = verdict.reason, "an alarm changed");
        let Ok(mut alarms) = self.alarms.lock() else { return };
        if let Some(alarm) = alarms.iter_mut().find(|alarm| alarm.name == name) {
            verdict.state.clone_into(&mut alarm.state);
            alarm.reason.clone_from(&verdict.reason);
        }
    }
}
