//! What ended exports left in the export bucket: found, aborted, removed.

use relay::fault::FaultKind;
use relay::port::{Leavings, Upload};
use relay_aws::s3::AwsFiles;

use crate::server::{Answer, Service};

const NO_SUCH_UPLOAD: Answer = Answer::Xml(404, "<Error><Code>NoSuchUpload</Code><Message>gone</Message></Error>");

fn upload(name: &str, upload_id: &str) -> Upload {
    Upload { key: format!("exports/demo/x/{name}"), upload_id: upload_id.to_owned() }
}

fn lines(service: &Service) -> Vec<String> {
    service.requests().into_iter().map(|request| request.line).collect()
}

#[tokio::test]
async fn open_uploads_are_found_page_by_page() {
    let first = "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>exports/demo/x/a b.csv</NextKeyMarker>\
                 <NextUploadIdMarker>u1</NextUploadIdMarker>\
                 <Upload><Key>exports/demo/x/a b.csv</Key><UploadId>u1</UploadId></Upload></ListMultipartUploadsResult>";
    let second = "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>\
                  <Upload><Key>exports/demo/x/b.csv</Key><UploadId>u2</UploadId></Upload></ListMultipartUploadsResult>";
    let service = Service::new([Answer::Xml(200, first), Answer::Xml(200, second)]).await;
    let found = AwsFiles::new(&service.aws, "exports").uploads("exports/demo/x/").await;
    assert_eq!(found, Ok(vec![upload("a b.csv", "u1"), upload("b.csv", "u2")]));
    let lines = lines(&service);
    assert!(
        lines[0].starts_with("GET /exports/?uploads") && lines[0].contains("prefix=exports%2Fdemo%2Fx%2F"),
        "{lines:?}"
    );
    assert!(lines[1].contains("key-marker=exports%2Fdemo%2Fx%2Fa%20b.csv"), "{lines:?}");
    assert!(lines[1].contains("upload-id-marker=u1"), "{lines:?}");
}

#[tokio::test]
async fn an_upload_is_aborted_and_one_that_is_gone_is_fine() {
    let service = Service::new([Answer::Head(204, ""), NO_SUCH_UPLOAD]).await;
    let files = AwsFiles::new(&service.aws, "exports");
    files.abort(&upload("a b.csv", "u1")).await.unwrap();
    files.abort(&upload("a b.csv", "u1")).await.unwrap();
    let lines = lines(&service);
    assert!(lines[0].starts_with("DELETE /exports/exports/demo/x/a%20b.csv?"), "{lines:?}");
    assert!(lines[0].contains("uploadId=u1"), "{lines:?}");

    let denied = Answer::Xml(403, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>");
    let service = Service::new([denied]).await;
    let refused = AwsFiles::new(&service.aws, "exports").abort(&upload("a", "u1")).await.unwrap_err();
    assert_eq!(refused.kind, FaultKind::Denied);
}

#[tokio::test]
async fn objects_are_removed_until_none_is_listed() {
    let first = "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>tails/demo/x/1</Key></Contents>\
                 <Contents><Key>tails/demo/x/2</Key></Contents></ListBucketResult>";
    let second = "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>tails/demo/x/3</Key></Contents></ListBucketResult>";
    let gone = Answer::Head(204, "");
    let answers = [Answer::Xml(200, first), gone.clone(), gone.clone(), Answer::Xml(200, second), gone];
    let service = Service::new(answers).await;
    assert_eq!(AwsFiles::new(&service.aws, "exports").clear("tails/demo/x/").await, Ok(3));
    let lines = lines(&service);
    for (line, key) in [(1, "1"), (2, "2"), (4, "3")] {
        assert!(lines[line].starts_with(&format!("DELETE /exports/tails/demo/x/{key}")), "{lines:?}");
    }

    let empty = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    let service = Service::new([Answer::Xml(200, empty)]).await;
    assert_eq!(AwsFiles::new(&service.aws, "exports").clear("tails/demo/x/").await, Ok(0));
}
