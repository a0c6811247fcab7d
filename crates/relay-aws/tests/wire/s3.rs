//! The quarantine bucket and the export bucket; buckets stand in the path because the endpoint is an address.

use std::time::Duration;

use bytes::Bytes;
use relay::fault::{Fault, FaultKind};
use relay::port::{ExportFiles, Quarantine, StoredPart, Tails, Upload, UploadState};
use relay_aws::s3::{AwsFiles, AwsQuarantine};

use crate::server::{Answer, Request, Service};

const NO_SUCH_UPLOAD: Answer = Answer::Xml(404, "<Error><Code>NoSuchUpload</Code><Message>gone</Message></Error>");

const MINUTE: Duration = Duration::from_mins(1);

fn stored(bytes: u64, tag: &str, checksum: Option<&str>) -> StoredPart {
    StoredPart { bytes, tag: tag.into(), checksum: checksum.map(str::to_owned) }
}

fn upload() -> Upload {
    Upload { key: "exports/demo/x/a b.csv".into(), upload_id: "u1".into() }
}

/// Parts 1 and 2 on the first page, 3 on the second, and after a gap 5.
fn parts() -> [Answer; 2] {
    [
        Answer::Xml(
            200,
            "<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>2</NextPartNumberMarker>\
             <Part><PartNumber>1</PartNumber><ETag>\"e1\"</ETag><Size>5242880</Size><ChecksumCRC32>AAAAAQ==</ChecksumCRC32></Part>\
             <Part><PartNumber>2</PartNumber><ETag>\"e2\"</ETag><Size>5242881</Size><ChecksumCRC32>AAAAAg==</ChecksumCRC32></Part></ListPartsResult>",
        ),
        Answer::Xml(
            200,
            "<ListPartsResult><IsTruncated>false</IsTruncated><Part><PartNumber>3</PartNumber><ETag>\"e3\"</ETag><Size>7</Size></Part>\
             <Part><PartNumber>5</PartNumber><ETag>\"e5\"</ETag><Size>9</Size></Part></ListPartsResult>",
        ),
    ]
}

fn lines(service: &Service) -> Vec<String> {
    service.requests().iter().map(|request: &Request| request.line.clone()).collect()
}

#[tokio::test]
async fn a_quarantine_object_is_put_whole() {
    let service = Service::new([Answer::Head(200, "content-length: 0\r\n")]).await;
    let bucket = AwsQuarantine::new(&service.aws, "quarantine");
    bucket.put("quarantine/demo/2026-01-01/x.zst", Bytes::from_static(b"body")).await.unwrap();
    let request = service.request();
    assert_eq!(request.line, "PUT /quarantine/quarantine/demo/2026-01-01/x.zst?x-id=PutObject");
    assert_eq!(request.body, "body");
}

#[tokio::test]
async fn an_upload_is_begun_with_its_metadata_and_type() {
    let begun = "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>";
    let service = Service::new([Answer::Xml(200, begun)]).await;
    let files = AwsFiles::new(&service.aws, "exports");
    let begun = files.begin("exports/demo/x/a b.csv", &[("export-id", "x".to_owned())]).await;
    assert_eq!(begun, Ok(upload()));
    let request = service.request();
    assert_eq!(request.line, "POST /exports/exports/demo/x/a%20b.csv?uploads");
    assert_eq!(request.header("x-amz-meta-export-id"), "x");
    assert_eq!(request.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(request.header("x-amz-checksum-algorithm"), "CRC32");
}

#[tokio::test]
async fn a_part_goes_under_its_number_with_a_checksum_and_is_known_by_its_tag() {
    let head = "etag: \"e7\"\r\nx-amz-checksum-crc32: AAAABw==\r\ncontent-length: 0\r\n";
    let service = Service::new([Answer::Head(200, head)]).await;
    let part = AwsFiles::new(&service.aws, "exports").put_part(&upload(), 7, Bytes::from_static(b"part")).await;
    assert_eq!(part, Ok(stored(4, "\"e7\"", Some("AAAABw=="))));
    let request = service.request();
    assert_eq!(request.line, "PUT /exports/exports/demo/x/a%20b.csv?x-id=UploadPart&partNumber=7&uploadId=u1");
    assert_eq!(request.body, "part");
    assert!(!request.header("x-amz-checksum-crc32").is_empty());
    assert_eq!(
        request.header("x-amz-content-sha256"),
        "UNSIGNED-PAYLOAD",
        "a SHA-256 is an eighth of an export's work"
    );
}

#[tokio::test]
async fn a_part_of_an_upload_that_is_gone_is_for_the_next_step() {
    let service = Service::new([NO_SUCH_UPLOAD]).await;
    let result = AwsFiles::new(&service.aws, "exports").put_part(&upload(), 7, Bytes::from_static(b"part")).await;
    assert_eq!(result.unwrap_err().kind, FaultKind::Unavailable);
}

#[tokio::test]
async fn an_open_upload_counts_its_parts_to_the_first_gap() {
    let service = Service::new(parts()).await;
    let state = AwsFiles::new(&service.aws, "exports").state(&upload()).await;
    let parts = vec![
        stored(5_242_880, "\"e1\"", Some("AAAAAQ==")),
        stored(5_242_881, "\"e2\"", Some("AAAAAg==")),
        stored(7, "\"e3\"", None),
    ];
    assert_eq!(state, Ok(UploadState::Open(parts)));
    assert!(lines(&service)[1].contains("part-number-marker=2"), "{:?}", lines(&service));
}

#[tokio::test]
async fn an_upload_that_is_gone_left_an_object_or_did_not() {
    let service = Service::new([NO_SUCH_UPLOAD, Answer::Head(200, "content-length: 123\r\n")]).await;
    let state = AwsFiles::new(&service.aws, "exports").state(&upload()).await;
    assert_eq!(state, Ok(UploadState::Complete(123)));
    assert_eq!(lines(&service)[1], "HEAD /exports/exports/demo/x/a%20b.csv");

    let service = Service::new([NO_SUCH_UPLOAD, Answer::Head(404, "")]).await;
    let state = AwsFiles::new(&service.aws, "exports").state(&upload()).await;
    assert_eq!(state, Ok(UploadState::Gone));
}

const COMPLETED: &str = "<CompleteMultipartUploadResult><ETag>\"x\"</ETag></CompleteMultipartUploadResult>";

async fn complete(service: &Service, within: Duration) -> Result<(), Fault> {
    let parts = [stored(5_242_880, "\"e1\"", Some("AAAAAQ==")), stored(5, "\"e2\"", None)];
    AwsFiles::new(&service.aws, "exports").complete(&upload(), &parts, within).await
}

#[tokio::test]
async fn a_file_is_made_of_the_very_parts_asked_for() {
    let service = Service::new([Answer::Xml(200, COMPLETED)]).await;
    complete(&service, MINUTE).await.unwrap();
    let request = service.request();
    assert_eq!(request.line, "POST /exports/exports/demo/x/a%20b.csv?uploadId=u1");
    let list = "<Part><ETag>&quot;e1&quot;</ETag><ChecksumCRC32>AAAAAQ==</ChecksumCRC32><PartNumber>1</PartNumber></Part>\
                <Part><ETag>&quot;e2&quot;</ETag><PartNumber>2</PartNumber></Part>";
    assert_eq!(
        request.body,
        format!(
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{list}</CompleteMultipartUpload>"
        )
    );
}

#[tokio::test]
async fn an_upload_that_is_gone_or_a_part_that_became_another_is_for_the_next_step() {
    let invalid = Answer::Xml(400, "<Error><Code>InvalidPart</Code><Message>may not match</Message></Error>");
    for answer in [NO_SUCH_UPLOAD, invalid] {
        let service = Service::new([answer]).await;
        assert_eq!(complete(&service, MINUTE).await.unwrap_err().kind, FaultKind::Unavailable);
    }
}

#[tokio::test]
async fn an_error_inside_a_good_answer_is_an_error() {
    let failed = Answer::Xml(200, "<Error><Code>InternalError</Code><Message>try again</Message></Error>");
    let service = Service::new([failed.clone(), failed]).await;
    assert_eq!(complete(&service, MINUTE).await.unwrap_err().kind, FaultKind::Unavailable);
}

#[tokio::test]
async fn making_a_file_has_a_time_of_its_own() {
    // Any other call of this client is given up after a tenth of a second.
    let tenth = Duration::from_millis(100);
    let mut service = Service::new([Answer::Late(tenth * 10, COMPLETED)]).await;
    service.aws = service.aws.with_timeouts(tenth, tenth);
    complete(&service, MINUTE).await.unwrap();

    let service = Service::new([Answer::Silence]).await;
    assert_eq!(complete(&service, tenth).await.unwrap_err().kind, FaultKind::TimedOut);
}

#[tokio::test]
async fn a_tail_is_kept_and_fetched_whole() {
    let service = Service::new([Answer::Head(200, "content-length: 0\r\n"), Answer::Xml(200, "a,b\n")]).await;
    let files = AwsFiles::new(&service.aws, "exports");
    files.keep("tails/demo/x/3", Bytes::from_static(b"a,b\n")).await.unwrap();
    assert_eq!(files.fetch("tails/demo/x/3").await, Ok(Some(Bytes::from_static(b"a,b\n"))));
    let asked = ["PUT /exports/tails/demo/x/3?x-id=PutObject", "GET /exports/tails/demo/x/3?x-id=GetObject"];
    assert_eq!(lines(&service), asked);
    assert_eq!(service.requests()[0].body, "a,b\n");
}

#[tokio::test]
async fn a_tail_that_the_bucket_has_forgotten_is_none_and_one_cut_off_is_a_fault() {
    let gone = Answer::Xml(404, "<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>");
    let cut = Answer::Head(200, "content-length: 99\r\n");
    let service = Service::new([gone, cut]).await;
    let files = AwsFiles::new(&service.aws, "exports");
    assert_eq!(files.fetch("tails/demo/x/3").await, Ok(None));
    assert_eq!(files.fetch("tails/demo/x/3").await.unwrap_err().kind, FaultKind::Unavailable);
}

#[tokio::test]
async fn a_busy_bucket_is_throttled_and_a_closed_one_denied() {
    let slow_down = Answer::Xml(503, "<Error><Code>SlowDown</Code><Message>Reduce your request rate</Message></Error>");
    let service = Service::new([slow_down.clone(), slow_down]).await;
    let fault = AwsQuarantine::new(&service.aws, "q").put("k", Bytes::new()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Throttled);
    assert_eq!(fault.to_string(), "s3:PutObject Throttled: SlowDown (503): Reduce your request rate");

    let denied = Answer::Xml(403, "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>");
    let service = Service::new([denied]).await;
    let fault = AwsQuarantine::new(&service.aws, "q").put("k", Bytes::new()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Denied);
}
