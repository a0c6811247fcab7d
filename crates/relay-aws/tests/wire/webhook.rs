//! Calls to webhooks: what goes over the wire, and where none goes.

use bytes::Bytes;
use relay::port::{Hooks, NoAnswer};
use relay_aws::webhook::HttpHooks;

use crate::server::{Answer, Service};

async fn post(hooks: &HttpHooks, url: &str) -> Result<u16, NoAnswer> {
    hooks.post(url, &[("webhook-id", "x.done".to_owned())], Bytes::from_static(b"{\"type\":\"export.done\"}")).await
}

#[tokio::test]
async fn a_call_is_a_post_of_json_with_its_headers_and_answers_the_status() {
    let service = Service::new([Answer::Head(204, "")]).await;
    let url = format!("{}/hook/a?b=c", service.endpoint);
    assert_eq!(post(&HttpHooks::new(true), &url).await, Ok(204));
    let request = service.request();
    assert_eq!((request.line.as_str(), request.body.as_str()), ("POST /hook/a?b=c", "{\"type\":\"export.done\"}"));
    assert_eq!((request.header("content-type"), request.header("webhook-id")), ("application/json", "x.done"));
    assert!(request.header("user-agent").starts_with("Relay/") && !request.header("host").is_empty());
    assert_eq!(request.header("content-length"), "22");
}

#[tokio::test]
async fn a_redirection_is_an_answer_and_not_followed() {
    let elsewhere = Service::new([Answer::Head(200, "")]).await;
    let location: &'static str = format!("location: {}/\r\n", elsewhere.endpoint).leak();
    let service = Service::new([Answer::Head(307, location)]).await;
    assert_eq!(post(&HttpHooks::new(true), &service.endpoint).await, Ok(307));
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn nothing_inside_is_called_by_address_or_by_name() {
    let service = Service::new([Answer::Head(200, "")]).await;
    let port = service.endpoint.rsplit(':').next().unwrap();
    let hooks = HttpHooks::new(false);
    for (host, why) in [
        ("127.0.0.1", "127.0.0.1 is not"),
        ("[::1]", "::1 is not"),
        ("[::ffff:127.0.0.1]", "is not"),
        // Names: the look-up answers an address of this machine.
        ("localhost", "is not public"),
        ("2130706433", ""),
    ] {
        let answer = post(&hooks, &format!("https://{host}:{port}/")).await.unwrap_err();
        assert!(answer.0.contains(why), "{host}: {answer}");
    }
    let plain = post(&hooks, &service.endpoint).await.unwrap_err();
    assert!(plain.0.contains("https://"), "{plain}");
    assert!(service.requests().is_empty(), "{:?}", service.requests());
}

#[tokio::test]
async fn who_does_not_answer_is_told_in_words() {
    let hooks = HttpHooks::new(true);
    let cut = Service::new([Answer::Cut]).await;
    assert!(!post(&hooks, &cut.endpoint).await.unwrap_err().0.is_empty());
    let refused = post(&hooks, "http://127.0.0.1:1/").await.unwrap_err();
    assert!(refused.0.to_ascii_lowercase().contains("refused"), "{refused}");
    // The server speaks no TLS.
    let plain = Service::new([Answer::Head(200, "")]).await;
    let answer = post(&hooks, &plain.endpoint.replace("http://", "https://")).await;
    assert!(answer.is_err() && plain.requests().is_empty(), "{answer:?}");
}

#[tokio::test]
async fn an_answer_that_never_comes_is_given_up() {
    let service = Service::new([Answer::Silence]).await;
    let answer = post(&HttpHooks::new(true), &service.endpoint).await;
    assert_eq!(answer, Err(NoAnswer("no answer within 5 s".to_owned())));
}
