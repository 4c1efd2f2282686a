//! Servers that cannot prove who they are: row 11.

use std::time::Duration;

use antiphon::transport::{Http, HttpOptions};
use antiphon::{Client, Kind};
use antiphon_testkit::faultd::{Certificate, End, Faultd, OnConnect, Options, Script};
use serde_json::json;

use crate::rig::{CELLS, OPENAI, TEXT, client, run, settled, with_transport};

fn trusting(upstream: &Faultd) -> Client {
    let ca_pem = upstream.ca_pem().map(|pem| pem.as_bytes().to_vec());
    with_transport(Http::new(HttpOptions { ca_pem, ..HttpOptions::default() }))
}

#[tokio::test]
async fn row_11_the_authority_that_is_given_is_trusted() {
    for cell in CELLS {
        let upstream = Options::new().tls(Certificate::Valid).start(cell.answer());
        let client = trusting(&upstream);
        for _ in 0..2 {
            let outcome = run(&client, cell.call(&upstream.url(), json!({}))).await;
            assert_eq!(outcome.summary(), (TEXT, None), "{:?}", outcome.result);
        }
        let record = settled(&upstream).await;
        assert!(record.requests.iter().all(|request| request.version == "HTTP/1.1"));
    }
}

#[tokio::test]
async fn row_11_what_is_not_trusted_gets_nothing() {
    for certificate in
        [Certificate::Valid, Certificate::Expired, Certificate::WrongHost, Certificate::SelfSigned]
    {
        for cell in CELLS {
            let upstream = Options::new().tls(certificate).start(cell.answer());
            let client = if certificate == Certificate::Valid { client() } else { trusting(&upstream) };
            let error = run(&client, cell.call(&upstream.url(), json!({}))).await.error();
            assert_eq!((error.kind(), error.tried().len()), (Kind::Connection, 1), "{error}");
            assert!(error.message().contains("no secure connection"), "{error}");
            assert!(error.advice().is_some_and(|advice| advice.contains("SSL_CERT_FILE")));
            assert!(upstream.requests().is_empty());
        }
    }
}

#[tokio::test]
async fn row_11_half_a_handshake() {
    for end in [End::Fin, End::Rst, End::Hang] {
        let script = Script::from(OPENAI.answer()).on_connect(OnConnect::HalfHandshake(end));
        let upstream = Options::new().tls(Certificate::Valid).start(script);
        let extra = json!({"connect_timeout": 0.2, "max_retries": 1});
        let outcome = run(&trusting(&upstream), OPENAI.call(&upstream.url(), extra)).await;
        assert!(outcome.took < Duration::from_secs(4));
        let error = outcome.error();
        match end {
            End::Hang => assert_eq!((error.kind(), error.tried().len()), (Kind::Timeout, 2), "{error}"),
            End::Fin => assert_eq!((error.kind(), error.tried().len()), (Kind::Connection, 1), "{error}"),
            _ => assert_eq!(error.kind(), Kind::Connection, "{error}"),
        }
        assert!(upstream.requests().is_empty());
    }
}

/// A server without TLS behind `https://`, and one with it behind `http://`.
#[tokio::test]
async fn row_11_the_other_scheme() {
    for cell in CELLS {
        let plain = Faultd::start(cell.answer());
        let url = plain.url().replace("http://", "https://");
        let error = run(&client(), cell.call(&url, json!({}))).await.error();
        assert_eq!(error.kind(), Kind::Connection, "{error}");
        assert!(plain.requests().is_empty());
        let secure = Options::new().tls(Certificate::Valid).start(cell.answer());
        let url = secure.url().replace("https://", "http://");
        let error = run(&client(), cell.call(&url, json!({}))).await.error();
        assert_eq!(error.kind(), Kind::Connection, "{error}");
        assert!(secure.requests().is_empty());
    }
}
