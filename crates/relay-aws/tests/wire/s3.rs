//! The quarantine bucket and the export bucket; buckets stand in the path because the endpoint is an address.

use bytes::Bytes;
use relay::fault::FaultKind;
use relay::port::{ExportFiles, Quarantine, Upload, UploadState};
use relay_aws::s3::{AwsFiles, AwsQuarantine};

use crate::server::{Answer, Request, Service};

const NO_SUCH_UPLOAD: Answer = Answer::Xml(404, "<Error><Code>NoSuchUpload</Code><Message>gone</Message></Error>");

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
async fn a_part_goes_under_its_number_with_a_checksum() {
    let service = Service::new([Answer::Head(200, "etag: \"e7\"\r\ncontent-length: 0\r\n")]).await;
    AwsFiles::new(&service.aws, "exports").put_part(&upload(), 7, Bytes::from_static(b"part")).await.unwrap();
    let request = service.request();
    assert_eq!(request.line, "PUT /exports/exports/demo/x/a%20b.csv?x-id=UploadPart&partNumber=7&uploadId=u1");
    assert_eq!(request.body, "part");
    assert!(!request.header("x-amz-checksum-crc32").is_empty());
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
    assert_eq!(state, Ok(UploadState::Open(vec![5_242_880, 5_242_881, 7])));
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

#[tokio::test]
async fn a_file_is_made_of_the_parts_asked_for() {
    let completed =
        Answer::Xml(200, "<CompleteMultipartUploadResult><ETag>\"x\"</ETag></CompleteMultipartUploadResult>");
    let service = Service::new(parts().into_iter().chain([completed])).await;
    AwsFiles::new(&service.aws, "exports").complete(&upload(), 2).await.unwrap();
    let request = &service.requests()[2];
    assert_eq!(request.line, "POST /exports/exports/demo/x/a%20b.csv?uploadId=u1");
    let part = |number: u8, sum: &str| {
        format!(
            "<Part><ETag>&quot;e{number}&quot;</ETag><ChecksumCRC32>{sum}</ChecksumCRC32><PartNumber>{number}</PartNumber></Part>"
        )
    };
    let list = part(1, "AAAAAQ==") + &part(2, "AAAAAg==");
    assert_eq!(
        request.body,
        format!(
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{list}</CompleteMultipartUpload>"
        )
    );
}

#[tokio::test]
async fn a_file_is_not_made_over_a_missing_part() {
    let service = Service::new(parts()).await;
    let fault = AwsFiles::new(&service.aws, "exports").complete(&upload(), 4).await.unwrap_err();
    assert_eq!((fault.kind, fault.detail.as_str()), (FaultKind::Denied, "the upload has parts 1 to 3, not to 4"));
    assert_eq!(service.requests().len(), 2);
}

#[tokio::test]
async fn an_error_inside_a_good_answer_is_an_error() {
    let failed = Answer::Xml(200, "<Error><Code>InternalError</Code><Message>try again</Message></Error>");
    let service = Service::new(parts().into_iter().chain([failed.clone(), failed])).await;
    let fault = AwsFiles::new(&service.aws, "exports").complete(&upload(), 1).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unavailable);
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
