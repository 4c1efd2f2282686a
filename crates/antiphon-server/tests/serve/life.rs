//! Reloading, stopping, TLS.

use std::sync::Arc;
use std::time::Duration;

use antiphon_server::{Check, Options, Server};
use antiphon_testkit::faultd::{Auto, Faultd, Reply, openai};
use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsConnector;

use crate::rig::{Answer, SOON, chat, config, read_to_end, read_until, request, serve};

#[tokio::test]
async fn a_reload_changes_keys_and_aliases_and_no_request_notices() {
    let events = openai::events(&["a", "b", "c"]);
    let slow = Reply::event_stream(events).every(100);
    let upstream = Faultd::start(slow);
    let server = serve(&config(&upstream, "")).await;
    let mut client = server.connect().await;
    let body = chat("up/m", ", \"stream\": true");
    client.write_all(&request("POST", "/v1/chat/completions", &[], body.as_bytes())).await.unwrap();
    read_until(&mut client, "\"a\"").await;

    let keyed = "[aliases]\nnew = \"up/m\"\n[[serve.keys]]\nname = \"a\"\nkey = \"k\"\n";
    server.reconfigure(&config(&upstream, keyed));
    server.handle.reload().unwrap();
    assert_eq!(server.ask(&chat("new", "")).await.status, 401);
    let models = server.get("/v1/models/new", &[("x-api-key", "k")]).await;
    assert_eq!(models.json()["id"], "new");

    for bad in ["[serve]\nprot = 1\n", "no toml", "[aliases]\na = \"a\"\n", "[serve]\nhost = \"0.0.0.0\"\n"] {
        server.reconfigure(bad);
        assert!(server.handle.reload().is_err(), "{bad}");
        assert_eq!(server.get("/v1/models/new", &[("x-api-key", "k")]).await.status, 200);
    }
    // The stream that began before all this has gone on.
    assert!(read_until(&mut client, "[DONE]").await.contains("\"c\""));
}

#[tokio::test]
async fn stopping_waits_for_what_is_under_way() {
    let upstream = Faultd::start(Reply::event_stream(openai::events(&["a", "b"])).every(100));
    let server = serve(&config(&upstream, "")).await;
    let mut client = server.connect().await;
    let body = chat("up/m", ", \"stream\": true");
    client.write_all(&request("POST", "/v1/chat/completions", &[], body.as_bytes())).await.unwrap();
    read_until(&mut client, "\"a\"").await;
    let mut idle = server.connect().await;
    server.handle.shutdown();
    assert!(read_until(&mut client, "[DONE]").await.contains("\"b\""));
    tokio::time::timeout(SOON, server.task).await.expect("it stops").unwrap();
    assert!(read_to_end(&mut idle).await.is_empty());
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn what_takes_longer_than_the_drain_is_cut() {
    let upstream = Faultd::start(Reply::hang());
    let server = serve(&config(&upstream, "[serve]\ndrain_seconds = 0\n")).await;
    let mut client = server.connect().await;
    client
        .write_all(&request("POST", "/v1/chat/completions", &[], chat("up/m", "").as_bytes()))
        .await
        .unwrap();
    assert!(upstream.wait_for_async(|record| record.in_flight == 1, Duration::from_secs(5)).await);
    server.handle.shutdown();
    tokio::time::timeout(SOON, server.task).await.expect("it stops").unwrap();
    assert!(upstream.wait_for_async(|record| record.open == 0, Duration::from_secs(1)).await);
}

#[tokio::test]
async fn tls_from_files_and_a_new_certificate_on_reload() {
    let upstream = Faultd::start(Reply::auto(Auto::text("hello")));
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let write = || {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&cert, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        made.cert.der().clone()
    };
    let first = write();
    let tls = format!("[serve]\ntls_cert = {:?}\ntls_key = {:?}\n", cert, key);
    let server = serve(&config(&upstream, &tls)).await;
    let ask = async |certificate: rustls::pki_types::CertificateDer<'static>| {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let mut stream = connector.connect(name, server.connect().await).await.ok()?;
        let body = chat("up/m", "");
        stream.write_all(&request("POST", "/v1/chat/completions", &[], body.as_bytes())).await.unwrap();
        Some(Answer::parse(&read_to_end(&mut stream).await).status)
    };
    assert_eq!(ask(first.clone()).await, Some(200));
    let second = write();
    server.handle.reload().unwrap();
    assert_eq!(ask(second).await, Some(200));
    assert_eq!(ask(first).await, None);
    // Plain HTTP on the port of TLS is closed.
    assert_eq!(server.ask(&chat("up/m", "")).await.status, 0);
}

#[tokio::test]
async fn health_says_when_the_server_stops() {
    let upstream = Faultd::start(Reply::hang());
    let server = serve(&config(&upstream, "")).await;
    let mut kept = server.connect().await;
    let get = b"GET /health/ready HTTP/1.1\r\nhost: localhost\r\n\r\n";
    kept.write_all(get).await.unwrap();
    assert!(read_until(&mut kept, "ok").await.starts_with("HTTP/1.1 200"));
    server.handle.shutdown();
    tokio::time::timeout(SOON, server.task).await.expect("it stops").unwrap();
}

#[tokio::test]
async fn elsewhere_only_with_keys() {
    let options = Options { host: Some("0.0.0.0".into()), port: Some(0), ..no_config() };
    let error = Server::bind(options.clone()).await.err().unwrap();
    assert!(error.advice().unwrap().contains("[[serve.keys]]"), "{error}");
    assert!(Check::of(&options).is_err());
    let check = Check::of(&Options { aliases: vec![("a".into(), "b/c".into())], ..no_config() }).unwrap();
    assert!(check.lines.iter().any(|line| line == "alias a = b/c"), "{check:?}");
    assert!(check.lines[0].contains("http://127.0.0.1:4000"), "{check:?}");
}

fn no_config() -> Options {
    let path = std::env::temp_dir().join(format!("antiphon-serve-empty-{}.toml", std::process::id()));
    std::fs::write(&path, "").unwrap();
    Options { config: Some(path), ..Options::default() }
}
