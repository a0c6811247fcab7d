//! A bucket as an operator reads it.

use bytes::Bytes;
use relay::fault::FaultKind;
use relay::port::{ObjectHead, Objects};
use relay_aws::s3::AwsObjects;

use crate::server::{Answer, Service};

async fn bucket(answers: impl IntoIterator<Item = Answer>) -> (Service, AwsObjects) {
    let service = Service::new(answers).await;
    let bucket = AwsObjects::new(&service.aws, "quarantine");
    (service, bucket)
}

#[tokio::test]
async fn a_listing_goes_on_behind_its_last_key() {
    let page = Answer::Xml(
        200,
        "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>\
         <Contents><Key>q/a b</Key><Size>7</Size></Contents><Contents><Key>q/c</Key><Size>0</Size></Contents></ListBucketResult>",
    );
    let end = Answer::Xml(200, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>");
    let (service, bucket) = bucket([page, end]).await;
    let listing = bucket.list("q/", None).await.unwrap();
    let head = |key: &str, bytes| ObjectHead { key: key.to_owned(), bytes };
    assert_eq!((listing.objects, listing.next.as_deref()), (vec![head("q/a b", 7), head("q/c", 0)], Some("q/c")));
    let end = bucket.list("q/", Some("q/c")).await.unwrap();
    assert_eq!((end.objects, end.next), (vec![], None));
    let lines: Vec<String> = service.requests().into_iter().map(|request| request.line).collect();
    assert_eq!(
        lines,
        ["GET /quarantine/?list-type=2&prefix=q%2F", "GET /quarantine/?list-type=2&prefix=q%2F&start-after=q%2Fc"]
    );
}

#[tokio::test]
async fn folders_are_the_common_prefixes_of_all_pages() {
    let page = Answer::Xml(
        200,
        "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>more</NextContinuationToken>\
         <CommonPrefixes><Prefix>q/acme/</Prefix></CommonPrefixes></ListBucketResult>",
    );
    let end = Answer::Xml(
        200,
        "<ListBucketResult><IsTruncated>false</IsTruncated><CommonPrefixes><Prefix>q/demo/</Prefix></CommonPrefixes></ListBucketResult>",
    );
    let (service, bucket) = bucket([page, end]).await;
    assert_eq!(bucket.folders("q/").await.unwrap(), ["acme", "demo"]);
    let second = &service.requests()[1].line;
    assert!(second.contains("continuation-token=more") && second.contains("delimiter=%2F"), "{second}");
}

#[tokio::test]
async fn an_object_is_read_whole_or_is_none() {
    let missing = Answer::Xml(404, "<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>");
    let (service, bucket) = bucket([Answer::Xml(200, "body"), missing]).await;
    assert_eq!(bucket.get("q/a b").await.unwrap().unwrap(), "body");
    assert_eq!(bucket.get("q/none").await, Ok(None));
    assert_eq!(service.requests()[0].line, "GET /quarantine/q/a%20b?x-id=GetObject");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_fault_not_a_short_object() {
    let (_service, bucket) = bucket([Answer::Head(200, "content-length: 10\r\n")]).await;
    assert_eq!(bucket.get("q/a").await.unwrap_err().kind, FaultKind::Unavailable);
}

#[tokio::test]
async fn a_refusal_is_a_denial_not_an_empty_bucket() {
    let denied = Answer::Xml(403, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>");
    let (_service, bucket) = bucket(vec![denied; 3]).await;
    assert_eq!(bucket.list("q/", None).await.unwrap_err().kind, FaultKind::Denied);
    assert_eq!(bucket.folders("q/").await.unwrap_err().kind, FaultKind::Denied);
    assert_eq!(bucket.get("q/a").await.unwrap_err().kind, FaultKind::Denied);
}

#[tokio::test]
async fn a_marker_is_put_whole() {
    let (service, bucket) = bucket([Answer::Head(200, "content-length: 0\r\n")]).await;
    bucket.put("replayed/q/a", Bytes::from_static(b"{}")).await.unwrap();
    let request = service.request();
    assert_eq!((request.line.as_str(), request.body.as_str()), ("PUT /quarantine/replayed/q/a?x-id=PutObject", "{}"));
}
