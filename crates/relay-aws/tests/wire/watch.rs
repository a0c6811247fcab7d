//! CloudWatch: alarms, metrics, the time.

use std::time::Duration;

use relay::fault::FaultKind;
use relay_aws::cloudwatch::{Alarm, AwsWatch, Metric};
use serde_json::json;

use crate::server::{Answer, Service};

/// 2026-11-29T09:00:00Z.
const NOW: i64 = 1_795_942_800_000;

#[tokio::test]
async fn alarms_are_asked_for_signed_and_page_by_page() {
    let ringing = json!({"AlarmName": "relay-A-1", "StateValue": "ALARM", "StateReason": "7 is over 1"});
    let quiet = json!({"AlarmName": "relay-B-1", "StateValue": "OK"});
    let first = json!({"MetricAlarms": [ringing], "NextToken": "more"});
    let service = Service::new([Answer::Json(200, first), Answer::Json(200, json!({"MetricAlarms": [quiet]}))]).await;
    let alarms = AwsWatch::new(&service.aws).alarms("relay-", NOW).await.unwrap();
    let alarm =
        |name: &str, state: &str, reason: &str| Alarm { name: name.into(), state: state.into(), reason: reason.into() };
    assert_eq!(alarms, [alarm("relay-A-1", "ALARM", "7 is over 1"), alarm("relay-B-1", "OK", "")]);
    let [one, two] = service.requests().try_into().unwrap();
    assert_eq!(one.header("x-amz-target"), "GraniteServiceVersion20100801.DescribeAlarms");
    assert_eq!(one.json(), json!({"AlarmNamePrefix": "relay-", "MaxRecords": 100}));
    assert_eq!(two.json()["NextToken"], "more");
    let signature = one.header("authorization");
    assert!(signature.contains("/20261129/eu-west-1/monitoring/aws4_request"), "{signature}");
    assert!(signature.contains("SignedHeaders=content-type;host;x-amz-date;x-amz-target"), "{signature}");
}

#[tokio::test]
async fn a_metric_is_its_greatest_or_its_sum_and_may_have_no_value() {
    let points = json!({"Datapoints": [{"Maximum": 3.0, "Sum": 3.0}, {"Maximum": 5.5, "Sum": 5.5}]});
    for (statistic, expected) in [("Maximum", 5.5), ("Sum", 8.5)] {
        let service = Service::new([Answer::Json(200, points.clone())]).await;
        let dimensions = [("QueueName", "spill")];
        let metric = Metric { namespace: "AWS/SQS", name: "Age", dimensions: &dimensions, statistic };
        let value = AwsWatch::new(&service.aws).lately(&metric, Duration::from_mins(5), NOW).await;
        assert_eq!(value, Ok(Some(expected)));
        let asked = service.request().json();
        assert_eq!((&asked["StartTime"], &asked["EndTime"]), (&json!(1_795_942_500), &json!(1_795_942_800)));
        assert_eq!(asked["Dimensions"], json!([{"Name": "QueueName", "Value": "spill"}]));
    }
    let service = Service::new([Answer::Json(200, json!({"Datapoints": []}))]).await;
    let metric = Metric { namespace: "AWS/SQS", name: "Age", dimensions: &[], statistic: "Sum" };
    assert_eq!(AwsWatch::new(&service.aws).lately(&metric, Duration::from_mins(5), NOW).await, Ok(None));
}

#[tokio::test]
async fn the_time_is_told_by_a_refusal_as_well() {
    let date = "date: Sun, 29 Nov 2026 09:07:00 GMT\r\n";
    for status in [200, 403] {
        let service = Service::new([Answer::Head(status, date)]).await;
        assert_eq!(AwsWatch::new(&service.aws).clock(NOW).await, Ok(NOW + 7 * 60_000), "{status}");
    }
    let service = Service::new([Answer::Head(200, "")]).await;
    assert_eq!(AwsWatch::new(&service.aws).clock(NOW).await.unwrap_err().kind, FaultKind::Unavailable);
}

#[tokio::test]
async fn what_is_refused_says_so_by_its_code() {
    let body =
        json!({"__type": "com.amazonaws.cloudwatch#AccessDenied", "message": "kim@example.com is not authorized"});
    let service = Service::new([Answer::Json(403, body)]).await;
    let fault = AwsWatch::new(&service.aws).alarms("relay-", NOW).await.unwrap_err();
    assert_eq!((fault.kind, fault.service), (FaultKind::Denied, "cloudwatch:DescribeAlarms"));
    assert_eq!(fault.detail, "AccessDenied: <address> is not authorized");
    let service = Service::new([Answer::Cut]).await;
    let fault = AwsWatch::new(&service.aws).alarms("relay-", NOW).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unavailable);
}
