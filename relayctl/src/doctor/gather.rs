//! Asks every part of the stack what it is like: all at once, each within its time.

mod exports;
mod mail;
mod stored;

use std::time::Duration;

use futures::future::join_all;
use futures::join;
use relay::backlog;
use relay::fault::{Fault, FaultKind};
use relay::port::{Look, Sights};
use relay_aws::cloudformation::AwsStacks;
use relay_aws::cloudwatch::{AwsWatch, Metric};
use relay_aws::config::Aws;
use relay_aws::dynamodb::AwsControl;
use relay_aws::kinesis::{AwsBacklog, AwsStreamState};
use relay_aws::lambda::AwsFunctions;
use relay_aws::sqs::AwsSpillBacklog;
use relay_lambda::process;

use super::facts::{Driver, Facts, Flow, Looked, Queue};
use crate::logs::FUNCTIONS;
use crate::target::{PlaceError, Stack, Target};

/// How long one look may take in all. They run side by side, so doctor takes little more.
const WITHIN: Duration = Duration::from_secs(30);

/// How long the stream is looked through: within a look, and long enough for a few idle hours of a shard.
const STREAM_WITHIN: Duration = Duration::from_secs(10);

/// For how far back throttling is told.
pub(super) const THROTTLED_WITHIN: Duration = Duration::from_mins(15);

/// For how far back a queue's age is asked: SQS tells CloudWatch each five minutes of a queue that nobody uses (SQS developer guide, "Available
/// CloudWatch metrics").
const AGE_WITHIN: Duration = Duration::from_mins(15);

/// What every look needs.
struct Looker<'a> {
    aws: &'a Aws,
    stack: &'a Stack,
    control: AwsControl,
    watch: AwsWatch,
    now: i64,
}

/// Looks at everything.
pub(super) async fn gather(target: &Target, now: i64) -> Result<Facts, PlaceError> {
    let (stack, control) = (target.stack()?, target.control()?);
    let looker = Looker { aws: &target.aws, stack, control, watch: AwsWatch::new(&target.aws), now };
    let stacks = AwsStacks::new(&target.aws);
    let prefix = format!("{}-", stack.name);
    // On the heap: a hundred calls' futures side by side.
    let (deployed, clock_ahead, alarms) = join!(
        Box::pin(within("cloudformation:DescribeStacks", stacks.describe(&stack.name))),
        Box::pin(within("cloudwatch:DescribeAlarms", looker.clock_ahead())),
        Box::pin(within("cloudwatch:DescribeAlarms", looker.watch.alarms(&prefix, now))),
    );
    let parameter = |name: &str| deployed.as_ref().ok()?.as_ref()?.parameters.get(name).cloned();
    let from = parameter("MailFrom").or_else(|| stack.mail_from.clone());
    let (flow, stored, exports, agenda, erasures, mail) = join!(
        Box::pin(looker.flow()),
        Box::pin(looker.stored(target)),
        Box::pin(within("states:DescribeExecution", looker.line())),
        Box::pin(within("dynamodb:Query", looker.due(relay::agenda::first(exports::MOST_DUE)))),
        Box::pin(within("dynamodb:Query", looker.due(relay::agenda::first_to_erase(exports::MOST_DUE)))),
        Box::pin(looker.mail(from)),
    );
    let (flow, stored) = (flow?, stored?);
    let (name, is_local) = (stack.name.clone(), stack.logs.is_some());
    Ok(Facts {
        now,
        name,
        is_local,
        stack: deployed,
        clock_ahead,
        alarms,
        flow,
        stored,
        exports,
        agenda,
        erasures,
        mail,
    })
}

/// A look that ends in time.
async fn within<T>(name: &'static str, look: impl Future<Output = Looked<T>>) -> Looked<T> {
    let late = || Fault::new(FaultKind::TimedOut, name, format!("not answered within {} s", WITHIN.as_secs()));
    tokio::time::timeout(WITHIN, look).await.unwrap_or_else(|_| Err(late()))
}

impl Looker<'_> {
    async fn clock_ahead(&self) -> Looked<i64> {
        let before = process::now_ms();
        let theirs = self.watch.clock(before).await?;
        // The answer was on its way for a while, and its date has no milliseconds: half a second on average.
        let ours = before.midpoint(process::now_ms());
        Ok(theirs.saturating_add(500).saturating_sub(ours))
    }

    async fn flow(&self) -> Result<Flow, PlaceError> {
        let stream = self.stack.output("StreamName")?;
        // On one machine relay-local reads the stream itself, and the emulator's mapping does nothing.
        let drivers = [(Driver::Stream, "BatchWriterMapping"), (Driver::Spill, "BatchWriterSpillMapping")];
        let drivers = drivers.into_iter().filter(|(driver, _)| self.stack.logs.is_none() || *driver == Driver::Spill);
        let drivers = drivers.map(|(driver, output)| Ok((driver, self.stack.output(output)?)));
        let drivers: Vec<(Driver, &str)> = drivers.collect::<Result<_, PlaceError>>()?;
        let functions = &AwsFunctions::new(self.aws);
        let states = FUNCTIONS.iter().map(|(name, output)| Ok((*name, self.stack.output(output)?)));
        let states: Vec<(&str, &str)> = states.collect::<Result<_, PlaceError>>()?;
        let spill = self.stack.output("SpillQueue")?;
        let stream_state = AwsStreamState::new(self.aws, stream);
        let (stream, undrained, mappings, functions, concurrency, throttled, spill) = join!(
            within("kinesis:DescribeStreamSummary", stream_state.state()),
            within("kinesis:GetRecords", self.undrained(stream)),
            join_all(drivers.iter().map(|(driver, id)| async move {
                (*driver, within("lambda:GetEventSourceMapping", functions.mapping(id)).await)
            })),
            join_all(states.iter().map(|(name, id)| async {
                (*name, within("lambda:GetFunctionConfiguration", functions.state(id)).await)
            })),
            within("lambda:GetAccountSettings", functions.concurrency()),
            self.throttled(),
            self.queue(spill),
        );
        Ok(Flow { stream, undrained, mappings, functions, concurrency, throttled: throttled?, spill })
    }

    async fn undrained(&self, stream: &str) -> Looked<Sights> {
        let backlog = AwsBacklog::new(self.aws, stream);
        // Nobody needs to know of the last seconds.
        let look = Look { now: self.now, enough: self.now, within: STREAM_WITHIN };
        backlog::undrained(&self.control, &backlog, look).await
    }

    async fn throttled(&self) -> Result<Vec<(&'static str, Looked<Option<f64>>)>, PlaceError> {
        let output = |name| self.stack.output(name);
        let metrics = [
            ("stream", "AWS/Kinesis", "WriteProvisionedThroughputExceeded", "StreamName", output("StreamName")?),
            ("ingest", "AWS/Lambda", "Throttles", "FunctionName", output("IngestFunction")?),
            ("batch-writer", "AWS/Lambda", "Throttles", "FunctionName", output("BatchWriterFunction")?),
            ("table pages", "AWS/DynamoDB", "WriteThrottleEvents", "TableName", output("PagesTable")?),
            ("table control", "AWS/DynamoDB", "WriteThrottleEvents", "TableName", output("ControlTable")?),
        ];
        let looks = metrics.into_iter().map(|(part, namespace, name, dimension, value)| async move {
            let dimensions = [(dimension, value)];
            let metric = Metric { namespace, name, dimensions: &dimensions, statistic: "Sum" };
            let look = self.watch.lately(&metric, THROTTLED_WITHIN, self.now);
            (part, within("cloudwatch:GetMetricStatistics", look).await)
        });
        Ok(join_all(looks).await)
    }

    async fn queue(&self, url: &str) -> Queue {
        let queue = AwsSpillBacklog::new(self.aws, url);
        let dimensions = [("QueueName", url.rsplit('/').next().unwrap_or(url))];
        let name = "ApproximateAgeOfOldestMessage";
        let metric = Metric { namespace: "AWS/SQS", name, dimensions: &dimensions, statistic: "Maximum" };
        let (depth, oldest) = join!(
            within("sqs:GetQueueAttributes", queue.depth()),
            within("cloudwatch:GetMetricStatistics", self.watch.lately(&metric, AGE_WITHIN, self.now)),
        );
        Queue { depth, oldest }
    }
}
