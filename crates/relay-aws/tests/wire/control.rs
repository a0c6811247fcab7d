//! Table `control`.

use relay::control::{CommitError, Expect, Item, Key, Listing, Query, Write};
use relay::fault::FaultKind;
use relay::port::ControlTable;
use relay_aws::dynamodb::AwsControl;
use serde_json::{Value, json};

use crate::server::{Answer, Service};

fn put(pk: &str, expect: Expect) -> Write {
    Write::Put {
        key: Key::new(pk, "s"),
        doc: json!({"a": 1, "b": [null, "x"]}),
        expires_at: Some(1_800_000_000),
        expect,
    }
}

fn item(pk: &str, version: u64) -> Value {
    json!({
        "pk": {"S": pk}, "sk": {"S": "s"}, "version": {"N": version.to_string()}, "expires_at": {"N": "1800000000"},
        "doc": {"M": {"a": {"N": "1"}, "b": {"L": [{"NULL": true}, {"S": "x"}]}}},
    })
}

fn cancelled(codes: &[&str]) -> Answer {
    let reasons: Vec<Value> = codes.iter().map(|code| json!({"Code": code, "Message": "why"})).collect();
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled", "CancellationReasons": reasons,
    });
    Answer::Json(400, body)
}

async fn commit(answers: Vec<Answer>) -> Result<(), CommitError> {
    let service = Service::new(answers).await;
    let writes = [put("a", Expect::Absent), put("b", Expect::Version(4))];
    AwsControl::new(&service.aws, "control").commit(&writes).await
}

#[tokio::test]
async fn a_commit_is_one_transaction_under_its_conditions() {
    let service = Service::new([Answer::Json(200, json!({}))]).await;
    let delete = |pk: &str, expect| Write::Delete { key: Key::new(pk, "s"), expect };
    let writes = [
        put("a", Expect::Absent),
        put("b", Expect::Version(4)),
        put("c", Expect::Any),
        delete("d", Expect::Any),
        delete("e", Expect::Version(2)),
    ];
    AwsControl::new(&service.aws, "control").commit(&writes).await.unwrap();

    let request = service.request();
    assert_eq!(request.call(), "TransactWriteItems");
    let mut body = request.json();
    // So that the SDK's second attempt is not taken for somebody else's write.
    let token = body.as_object_mut().unwrap().remove("ClientRequestToken");
    assert!(token.is_some_and(|token| token.is_string()));
    let address = |pk: &str| json!({"pk": {"S": pk}, "sk": {"S": "s"}});
    let expected = json!({"TransactItems": [
        {"Put": {"TableName": "control", "Item": item("a", 1), "ConditionExpression": "attribute_not_exists(pk)"}},
        {"Put": {"TableName": "control", "Item": item("b", 5), "ConditionExpression": "version = :version",
            "ExpressionAttributeValues": {":version": {"N": "4"}}}},
        {"Put": {"TableName": "control", "Item": item("c", 0)}},
        {"Delete": {"TableName": "control", "Key": address("d")}},
        {"Delete": {"TableName": "control", "Key": address("e"), "ConditionExpression": "version = :version",
            "ExpressionAttributeValues": {":version": {"N": "2"}}}},
    ]});
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_single_write_that_expects_nothing_needs_no_transaction() {
    let service = Service::new([Answer::Json(200, json!({})), Answer::Json(200, json!({}))]).await;
    let table = AwsControl::new(&service.aws, "control");
    table.commit(&[put("a", Expect::Any)]).await.unwrap();
    table.commit(&[Write::Delete { key: Key::new("a", "s"), expect: Expect::Any }]).await.unwrap();

    let requests = service.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(
        (requests[0].call(), requests[0].json()),
        ("PutItem", json!({"TableName": "control", "Item": item("a", 0)}))
    );
    let key = json!({"pk": {"S": "a"}, "sk": {"S": "s"}});
    assert_eq!((requests[1].call(), requests[1].json()), ("DeleteItem", json!({"TableName": "control", "Key": key})));
}

#[tokio::test]
async fn a_cancelled_transaction_names_the_write_that_met_another_state() {
    assert_eq!(commit(vec![cancelled(&["None", "ConditionalCheckFailed"])]).await, Err(CommitError::Conflict(1)));
    let both = cancelled(&["TransactionConflict", "ConditionalCheckFailed"]);
    assert_eq!(commit(vec![both]).await, Err(CommitError::Conflict(1)));
}

#[tokio::test]
async fn a_write_that_met_another_on_its_way_is_a_conflict() {
    assert_eq!(commit(vec![cancelled(&["None", "TransactionConflict"])]).await, Err(CommitError::Conflict(1)));
}

#[tokio::test]
async fn a_transaction_cancelled_by_a_busy_table_is_throttled_by_an_invalid_item_denied() {
    for (code, kind) in [
        ("ThrottlingError", FaultKind::Throttled),
        ("ProvisionedThroughputExceeded", FaultKind::Throttled),
        ("ValidationError", FaultKind::Denied),
        ("None", FaultKind::Unavailable),
    ] {
        let error = commit(vec![cancelled(&["None", code]); 2]).await.unwrap_err();
        let CommitError::Fault(fault) = error else { panic!("{code}: {error}") };
        assert_eq!(fault.kind, kind, "{code}");
    }
    let in_progress = Answer::Json(400, json!({"__type": "TransactionInProgressException", "Message": "wait"}));
    let error = commit(vec![in_progress; 2]).await.unwrap_err();
    assert!(matches!(error, CommitError::Fault(fault) if fault.kind == FaultKind::Throttled));
}

#[tokio::test]
async fn items_are_read_consistently_one_result_each_in_order() {
    let found = Answer::Json(200, json!({"Item": item("a", 3)}));
    let service = Service::new([found]).await;
    let results = AwsControl::new(&service.aws, "control").get(&[Key::new("a", "s")]).await;
    let expected = Item { key: Key::new("a", "s"), version: 3, doc: json!({"a": 1, "b": [null, "x"]}) };
    assert_eq!(results, [Ok(Some(expected))]);
    let key = json!({"pk": {"S": "a"}, "sk": {"S": "s"}});
    assert_eq!(service.request().json(), json!({"TableName": "control", "Key": key, "ConsistentRead": true}));

    let service = Service::new([Answer::Json(200, json!({}))]).await;
    assert_eq!(AwsControl::new(&service.aws, "control").get(&[Key::new("a", "s")]).await, [Ok(None)]);
}

#[tokio::test]
async fn a_query_goes_its_way_behind_a_key() {
    let last = json!({"pk": {"S": "a"}, "sk": {"S": "s"}});
    let answer = Answer::Json(200, json!({"Items": [item("a", 3)], "Count": 1, "LastEvaluatedKey": last}));
    let service = Service::new([answer]).await;
    let query = Query { pk: "a".into(), prefix: "s".into(), after: Some("sz".into()), descending: true, limit: 1 };
    let listing = AwsControl::new(&service.aws, "control").query(&query).await.unwrap();

    let found = Item { key: Key::new("a", "s"), version: 3, doc: json!({"a": 1, "b": [null, "x"]}) };
    assert_eq!(listing, Listing { items: vec![found], next: Some("s".into()) });
    let expected = json!({
        "TableName": "control",
        "ConsistentRead": true,
        "ScanIndexForward": false,
        "Limit": 1,
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)",
        "ExpressionAttributeValues": {":pk": {"S": "a"}, ":prefix": {"S": "s"}},
        "ExclusiveStartKey": {"pk": {"S": "a"}, "sk": {"S": "sz"}},
    });
    assert_eq!(service.request().json(), expected);
}

#[tokio::test]
async fn an_item_without_document_is_a_fault_not_an_absence() {
    let answer = Answer::Json(200, json!({"Item": {"pk": {"S": "a"}, "sk": {"S": "s"}}}));
    let service = Service::new([answer]).await;
    let results = AwsControl::new(&service.aws, "control").get(&[Key::new("a", "s")]).await;
    assert_eq!(results[0].as_ref().unwrap_err().kind, FaultKind::Denied);
}
