//! Table `pages`.

use bytes::Bytes;
use relay::activity::Kind;
use relay::fault::{Fault, FaultKind};
use relay::page::{Page, PageDay, StoredPage};
use relay::port::{PageEdit, PageEdits, PageListing, PageStore, PutPageError, SortRange};
use relay_aws::dynamodb::AwsPages;
use serde_json::{Value, json};

use crate::server::{Answer, Service};

fn day() -> PageDay {
    PageDay { app_token: "abc".into(), kind: Kind::Install, day: 20_454, shard: 0 }
}

fn page(sk: &str) -> Page {
    Page { day: day(), sk: sk.to_owned(), body: Bytes::from_static(b"page"), n: 3, expires_at: 1_800_000_000 }
}

fn item(sk: &str) -> Value {
    json!({"pk": {"S": "abc#install#2026-01-01#0"}, "sk": {"S": sk}, "page": {"B": "cGFnZQ=="}, "n": {"N": "3"}, "expires_at": {"N": "1800000000"}})
}

fn put(sk: &str) -> Value {
    json!({"PutRequest": {"Item": item(sk)}})
}

fn written() -> Answer {
    Answer::Json(200, json!({"UnprocessedItems": {}}))
}

fn invalid(message: &str) -> Answer {
    Answer::Json(400, json!({"__type": "com.amazon.coral.validate#ValidationException", "message": message}))
}

fn kind(result: &Result<(), PutPageError>) -> Option<FaultKind> {
    match result {
        Err(PutPageError::Fault(fault)) => Some(fault.kind),
        Ok(()) | Err(PutPageError::Invalid(_)) => None,
    }
}

#[tokio::test]
async fn an_unprocessed_item_is_throttled_and_the_others_are_stored() {
    let answer = json!({"UnprocessedItems": {"pages": [put("0002#b")]}});
    let service = Service::new([Answer::Json(200, answer)]).await;
    let results = AwsPages::new(&service.aws, "pages").put(&[page("0001#a"), page("0002#b"), page("0003#c")]).await;

    let unprocessed = Fault::new(FaultKind::Throttled, "dynamodb:BatchWriteItem", "the item came back unprocessed");
    assert_eq!(results, [Ok(()), Err(PutPageError::Fault(unprocessed)), Ok(())]);
    let request = service.request();
    assert_eq!(request.header("x-amz-target"), "DynamoDB_20120810.BatchWriteItem");
    assert_eq!(request.json(), json!({"RequestItems": {"pages": [put("0001#a"), put("0002#b"), put("0003#c")]}}));
}

#[tokio::test]
async fn an_unprocessed_item_that_names_no_page_leaves_all_of_the_call_unprocessed() {
    for entry in [
        json!({"DeleteRequest": {"Key": {"pk": {"S": "abc"}}}}),
        json!({"PutRequest": {"Item": {"sk": {"S": "0002#b"}}}}),
    ] {
        let service = Service::new([Answer::Json(200, json!({"UnprocessedItems": {"pages": [entry]}}))]).await;
        let results = AwsPages::new(&service.aws, "pages").put(&[page("0001#a"), page("0002#b")]).await;
        assert_eq!(results.iter().map(kind).collect::<Vec<_>>(), [Some(FaultKind::Throttled); 2]);
    }
}

#[tokio::test]
async fn a_table_with_other_keys_is_a_fault_of_the_table() {
    for message in [
        "The provided key element does not match the schema",
        "One or more parameter values were invalid: Missing the key id in the item",
        "One or more parameter values were invalid: Type mismatch for key pk expected: N actual: S",
    ] {
        let service = Service::new([invalid(message)]).await;
        let results = AwsPages::new(&service.aws, "pages").put(&[page("0001#a"), page("0002#b")]).await;
        assert_eq!(results.iter().map(kind).collect::<Vec<_>>(), [Some(FaultKind::Denied); 2], "{message}");
    }
}

#[tokio::test]
async fn a_refused_call_is_repeated_page_by_page_to_find_the_invalid_one() {
    let service = Service::new([invalid("too large"), written(), invalid("too large"), written()]).await;
    let results = AwsPages::new(&service.aws, "pages").put(&[page("0001#a"), page("0002#b"), page("0003#c")]).await;
    assert_eq!(results, [Ok(()), Err(PutPageError::Invalid("too large".into())), Ok(())]);
    let third = &service.requests()[2];
    assert_eq!(third.json(), json!({"RequestItems": {"pages": [put("0002#b")]}}));
}

#[tokio::test]
async fn a_call_holds_at_most_25_pages() {
    let service = Service::new([written(), written()]).await;
    let pages: Vec<Page> = (0..26).map(|number| page(&format!("0001#{number}"))).collect();
    let results = AwsPages::new(&service.aws, "pages").put(&pages).await;
    assert_eq!(results, vec![Ok(()); 26]);
    let count = |request: &crate::server::Request| request.json()["RequestItems"]["pages"].as_array().unwrap().len();
    let mut sizes: Vec<usize> = service.requests().iter().map(count).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 25]);
}

#[tokio::test]
async fn a_failed_call_is_a_fault_of_each_of_its_pages() {
    let throttled =
        Answer::Json(400, json!({"__type": "ProvisionedThroughputExceededException", "message": "slow down"}));
    let service = Service::new([throttled.clone(), throttled]).await;
    let results = AwsPages::new(&service.aws, "pages").put(&[page("0001#a"), page("0002#b")]).await;
    assert_eq!(results.iter().map(kind).collect::<Vec<_>>(), [Some(FaultKind::Throttled); 2]);

    let missing =
        Answer::Json(400, json!({"__type": "ResourceNotFoundException", "message": "Requested resource not found"}));
    let service = Service::new([missing]).await;
    let results = AwsPages::new(&service.aws, "pages").put(&[page("0001#a")]).await;
    assert_eq!(results.iter().map(kind).collect::<Vec<_>>(), [Some(FaultKind::Denied)]);
}

#[tokio::test]
async fn a_listing_asks_consistently_for_its_range_behind_a_key() {
    let last = json!({"pk": {"S": "abc#install#2026-01-01#0"}, "sk": {"S": "0105#b"}});
    let answer = json!({"Items": [item("0104#a"), item("0105#b")], "Count": 2, "LastEvaluatedKey": last});
    let service = Service::new([Answer::Json(200, answer)]).await;
    let range = SortRange { from: "0100", to: "0200", after: Some("0103#z") };
    let listing = AwsPages::new(&service.aws, "pages").list(&day(), range, Some(2)).await.unwrap();

    let stored = |sk: &str| StoredPage { sk: sk.into(), body: Bytes::from_static(b"page"), n: 3 };
    let expected = PageListing { pages: vec![stored("0104#a"), stored("0105#b")], next: Some("0105#b".into()) };
    assert_eq!(listing, expected);
    let expected = json!({
        "TableName": "pages",
        "ConsistentRead": true,
        "Limit": 2,
        "KeyConditionExpression": "pk = :pk AND sk BETWEEN :from AND :to",
        "ExpressionAttributeValues": {":pk": {"S": "abc#install#2026-01-01#0"}, ":from": {"S": "0100"}, ":to": {"S": "0200"}},
        "ExclusiveStartKey": {"pk": {"S": "abc#install#2026-01-01#0"}, "sk": {"S": "0103#z"}},
    });
    assert_eq!(service.request().json(), expected);
}

#[tokio::test]
async fn an_item_that_is_no_page_is_a_fault_not_a_gap() {
    let service = Service::new([Answer::Json(200, json!({"Items": [{"sk": {"S": "0104#a"}}], "Count": 1}))]).await;
    let range = SortRange { from: "0000", to: "2400", after: None };
    let listing = AwsPages::new(&service.aws, "pages").list(&day(), range, None).await;
    assert_eq!(listing.unwrap_err().kind, FaultKind::Denied);
}

fn edit(sk: &str, becomes: Option<&'static [u8]>) -> PageEdit {
    let was = StoredPage { sk: sk.to_owned(), body: Bytes::from_static(b"page"), n: 3 };
    PageEdit { day: day(), was, becomes: becomes.map(|body| (Bytes::from_static(body), 2)) }
}

#[tokio::test]
async fn a_page_is_changed_in_place_under_the_condition_that_it_is_as_it_was_read() {
    let service = Service::new([Answer::Json(200, json!({}))]).await;
    assert_eq!(AwsPages::new(&service.aws, "pages").edit(&[edit("0104#a", Some(b"less"))]).await, [Ok(true)]);
    let request = service.request();
    assert_eq!(request.header("x-amz-target"), "DynamoDB_20120810.UpdateItem");
    let expected = json!({
        "TableName": "pages",
        "Key": {"pk": {"S": "abc#install#2026-01-01#0"}, "sk": {"S": "0104#a"}},
        "ConditionExpression": "#page = :was",
        "UpdateExpression": "SET #page = :page, #n = :n",
        "ExpressionAttributeNames": {"#page": "page", "#n": "n"},
        "ExpressionAttributeValues": {":was": {"B": "cGFnZQ=="}, ":page": {"B": "bGVzcw=="}, ":n": {"N": "2"}},
    });
    assert_eq!(request.json(), expected);

    let service = Service::new([Answer::Json(200, json!({}))]).await;
    assert_eq!(AwsPages::new(&service.aws, "pages").edit(&[edit("0104#a", None)]).await, [Ok(true)]);
    let request = service.request();
    assert_eq!(request.header("x-amz-target"), "DynamoDB_20120810.DeleteItem");
    let expected = json!({
        "TableName": "pages",
        "Key": {"pk": {"S": "abc#install#2026-01-01#0"}, "sk": {"S": "0104#a"}},
        "ConditionExpression": "#page = :was",
        "ExpressionAttributeNames": {"#page": "page"},
        "ExpressionAttributeValues": {":was": {"B": "cGFnZQ=="}},
    });
    assert_eq!(request.json(), expected);
}

#[tokio::test]
async fn a_page_that_is_another_by_now_is_no_fault_and_a_fault_is_one() {
    let other = json!({"__type": "ConditionalCheckFailedException", "message": "The conditional request failed"});
    let denied = json!({"__type": "AccessDeniedException", "message": "not authorized"});
    for becomes in [None, Some(b"less".as_slice())] {
        let service = Service::new([Answer::Json(400, other.clone())]).await;
        assert_eq!(AwsPages::new(&service.aws, "pages").edit(&[edit("0104#a", becomes)]).await, [Ok(false)]);
        let service = Service::new([Answer::Json(400, denied.clone())]).await;
        let results = AwsPages::new(&service.aws, "pages").edit(&[edit("0104#a", becomes)]).await;
        assert_eq!(results[0].as_ref().unwrap_err().kind, FaultKind::Denied);
    }
}
