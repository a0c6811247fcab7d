//! The log lines of all functions, merged by time: of a deployed stack from CloudWatch Logs, of the one on this machine from its files.

mod cloud;
mod files;
mod line;

use std::collections::HashSet;

use futures::future::try_join_all;
use relay::fault::Fault;
use relay_aws::config::Aws;
use relay_aws::logs::AwsLogs;

use crate::target::Stack;
pub(crate) use line::{Level, Line};

/// The functions, as their log groups and the docs name them, with the outputs that name them; and their files on this machine.
pub(crate) const FUNCTIONS: [(&str, &str); 6] = [
    ("ingest", "IngestFunction"),
    ("batch-writer", "BatchWriterFunction"),
    ("export-api", "ExportApiFunction"),
    ("export-worker", "ExportWorkerFunction"),
    ("export-dispatcher", "ExportDispatcherFunction"),
    ("notify", "NotifyFunction"),
];

/// A line that is written late still has its time: of the last seconds everything is asked for again, and told once.
const AGAIN_MS: i64 = 30_000;

/// Which lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// From this moment on: milliseconds since the epoch.
    pub(crate) since: i64,
    /// Before this one.
    pub(crate) until: i64,
    /// Of these functions; empty for all.
    pub(crate) functions: Vec<String>,
    /// Of this level or a worse one.
    pub(crate) level: Option<Level>,
    /// That hold any of these words, ids as a rule; empty for all.
    pub(crate) words: Vec<String>,
    /// With the lines that are counts for CloudWatch, too.
    pub(crate) with_counts: bool,
}

impl Wanted {
    fn takes(&self, line: &Line) -> bool {
        let in_time = (self.since..self.until).contains(&line.at);
        let is_bad = self.level.is_none_or(|level| line.level() >= level);
        let has_word = self.words.is_empty() || self.words.iter().any(|word| line.text.contains(word));
        in_time && has_word && is_bad && (self.with_counts || !line.is_count())
    }
}

/// Lines that were found, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) lines: Vec<Line>,
    /// Functions of which there is more than was read.
    pub(crate) cut: Vec<&'static str>,
}

/// Where the lines are.
#[derive(Debug)]
enum Source {
    Cloud { logs: AwsLogs, stack: String },
    Files(files::Files),
}

/// The log of a stack.
#[derive(Debug)]
pub(crate) struct Log {
    source: Source,
    told: HashSet<(&'static str, String)>,
}

impl Log {
    pub(crate) fn of(aws: &Aws, stack: &Stack) -> Self {
        let source = match &stack.logs {
            Some(folder) => Source::Files(files::Files::new(folder.clone())),
            None => Source::Cloud { logs: AwsLogs::new(aws), stack: stack.name.clone() },
        };
        Self { source, told: HashSet::new() }
    }

    /// The lines that are there now.
    pub(crate) async fn read(&self, wanted: &Wanted) -> Result<Found, Fault> {
        let is_asked = |name: &str| wanted.functions.is_empty() || wanted.functions.iter().any(|asked| asked == name);
        let functions: Vec<_> = FUNCTIONS.into_iter().filter(|(name, _)| is_asked(name)).collect();
        let found: Vec<Found> = match &self.source {
            Source::Files(files) => functions.iter().map(|(name, file)| files.read(name, file, wanted)).collect(),
            Source::Cloud { logs, stack } => {
                let looks = functions.iter().map(|(name, _)| cloud::read(logs, stack, name, wanted));
                try_join_all(looks).await?
            }
        };
        let mut all = Found::default();
        for one in found {
            all.lines.extend(one.lines);
            all.cut.extend(one.cut);
        }
        all.lines.sort_by_key(|line| line.at);
        Ok(all)
    }

    /// The lines that came since the last time: `wanted` goes on behind them.
    pub(crate) async fn follow(&mut self, wanted: &mut Wanted, now: i64) -> Result<Found, Fault> {
        wanted.until = now.saturating_add(AGAIN_MS);
        let mut found = self.read(wanted).await?;
        let next = now.saturating_sub(AGAIN_MS).max(wanted.since);
        // Only what may be read again must be known again.
        let known: HashSet<_> =
            found.lines.iter().filter(|line| line.at >= next).map(|line| (line.function, line.id.clone())).collect();
        found.lines.retain(|line| !self.told.contains(&(line.function, line.id.clone())));
        self.told = known;
        wanted.since = next;
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
