//! The design to beat: the stream's frames in, one item per activity out, 25 of them a call, through the same table's port as the batch-writer. An item is
//! the activity's datum as it came, not compressed: the cheapest that an item each can be.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use relay::avro;
use relay::frame::{self, Frame};
use relay::page::{Page, PageDay};
use relay::port::PageStore;
use relay_aws::config::Aws;
use relay_aws::dynamodb::AwsPages;
use serde::Deserialize;
use serde_json::{Value, json};

const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;

/// A batch of the stream.
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "Records")]
    records: Vec<Delivery>,
}

#[derive(Deserialize)]
struct Delivery {
    kinesis: Record,
}

#[derive(Deserialize)]
struct Record {
    data: String,
}

/// The items of a frame.
fn items(record: &Record, into: &mut Vec<Page>) -> Result<(), Error> {
    let Frame::Activities(activities) = frame::decode(&STANDARD.decode(&record.data)?)? else {
        return Err("a frame without activities".into());
    };
    for datum in activities.datums() {
        let head = avro::head(datum)?;
        let minute = head.created_at.rem_euclid(DAY_MS) / MINUTE_MS;
        into.push(Page {
            day: PageDay {
                app_token: head.app_token.to_owned(),
                kind: head.kind,
                day: head.created_at.div_euclid(DAY_MS),
                shard: 0,
            },
            sk: format!("{:02}{:02}#{}", minute / 60, minute % 60, hex::encode(head.activity_id.0)),
            body: Bytes::copy_from_slice(datum),
            n: 1,
            expires_at: (head.created_at + i64::from(activities.retention_days) * DAY_MS) / 1000,
        });
    }
    Ok(())
}

async fn drain(table: &AwsPages, event: Event) -> Result<Value, Error> {
    let mut made = Vec::new();
    event.records.iter().try_for_each(|delivery| items(&delivery.kinesis, &mut made))?;
    for stored in table.put(&made).await {
        stored.map_err(|fault| fault.to_string())?;
    }
    Ok(json!({"batchItemFailures": []}))
}

fn env(name: &str) -> Result<String, Error> {
    relay_lambda::process::env(name).ok_or_else(|| format!("{name} is not set").into())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let table = AwsPages::new(&Aws::deployed(relay_lambda::process::env), &env("ITEMS_TABLE")?);
    run(service_fn(async |event: LambdaEvent<Event>| drain(&table, event.payload).await)).await
}
