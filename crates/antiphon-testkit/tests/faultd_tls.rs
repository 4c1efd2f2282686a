//! faultd under TLS and in HTTP/2.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::io::{Read as _, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use antiphon_testkit::faultd::{
    Certificate, Cut, End, Faultd, How, OnConnect, Options, Reply, Script, Step, openai,
};
use bytes::Bytes;
use h2::Reason;
use h2::client::SendRequest;
use http::Request;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

const SECOND: Duration = Duration::from_secs(1);

fn config(upstream: &Faultd, alpn: &[&str]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(upstream.ca_pem().unwrap().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

fn connect(upstream: &Faultd, host: &str, alpn: &[&str]) -> StreamOwned<ClientConnection, TcpStream> {
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let connection = ClientConnection::new(Arc::new(config(upstream, alpn)), name).unwrap();
    let socket = TcpStream::connect(("127.0.0.1", upstream.port())).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    StreamOwned::new(connection, socket)
}

/// The answer to a request, and the error that ended it.
fn ask(upstream: &Faultd, host: &str) -> (String, Option<std::io::Error>) {
    let mut stream = connect(upstream, host, &["http/1.1"]);
    let request = b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n";
    if let Err(error) = stream.write_all(request) {
        return (String::new(), Some(error));
    }
    let mut bytes = Vec::new();
    let error = stream.read_to_end(&mut bytes).err();
    (String::from_utf8(bytes).unwrap(), error)
}

#[test]
fn a_valid_certificate_is_taken() {
    let upstream = Options::new().tls(Certificate::Valid).start(openai::text("hi"));
    assert_eq!(upstream.url(), format!("https://localhost:{}", upstream.port()));
    for host in ["localhost", "127.0.0.1"] {
        let (answer, error) = ask(&upstream, host);
        assert!(answer.contains("hi"), "{answer}");
        assert!(error.is_none(), "{error:?}");
    }
}

#[test]
fn others_are_refused() {
    for (certificate, says) in [
        (Certificate::Expired, "Expired"),
        (Certificate::WrongHost, "NotValidForName"),
        (Certificate::SelfSigned, "UnknownIssuer"),
    ] {
        let upstream = Options::new().tls(certificate).start(openai::text("hi"));
        let (answer, error) = ask(&upstream, "localhost");
        assert_eq!(answer, "");
        let error = format!("{:?}", error.unwrap());
        assert!(error.contains(says), "{certificate:?}: {error}");
        assert!(upstream.wait_for(|record| record.open == 0, SECOND));
        assert!(upstream.record().connections[0].error.is_some());
        assert!(upstream.requests().is_empty());
    }
}

#[test]
fn a_handshake_stops_half_way() {
    for end in [End::Fin, End::Rst, End::Hang] {
        let script = Script::new().on_connect(OnConnect::HalfHandshake(end));
        let upstream = Options::new().tls(Certificate::Valid).start(script);
        let error = ask(&upstream, "localhost").1.unwrap().kind();
        let expected = match end {
            End::Rst => std::io::ErrorKind::ConnectionReset,
            End::Hang => std::io::ErrorKind::WouldBlock,
            _ => std::io::ErrorKind::UnexpectedEof,
        };
        assert_eq!(error, expected);
    }
    let upstream = Options::new().tls(Certificate::Valid).start(openai::text("hi"));
    let mut plain = TcpStream::connect(("127.0.0.1", upstream.port())).unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(upstream.wait_for(|record| record.accepted == 1 && record.open == 0, SECOND));
}

#[test]
fn cuts_under_tls_say_no_goodbye() {
    for (cut, kind) in
        [(Cut::Fin, std::io::ErrorKind::UnexpectedEof), (Cut::Rst, std::io::ErrorKind::ConnectionReset)]
    {
        let reply = Reply::sse(["1"]).step(Step::Cut(cut));
        let upstream = Options::new().tls(Certificate::Valid).start(reply);
        let (answer, error) = ask(&upstream, "localhost");
        assert!(answer.ends_with("data: 1\n\n\r\n"), "{answer}");
        assert_eq!(error.unwrap().kind(), kind);
    }
}

#[test]
fn a_peer_that_leaves_is_noticed_under_tls() {
    let upstream = Options::new().tls(Certificate::Valid).start(Reply::hang());
    let mut stream = connect(&upstream, "localhost", &[]);
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(upstream.wait_for(|record| record.in_flight == 1, SECOND));
    stream.conn.send_close_notify();
    stream.flush().unwrap();
    drop(stream);
    assert!(upstream.wait_for(|record| record.closed() == 1, SECOND));
}

#[test]
fn alpn_offers_what_it_is_told_to() {
    for (offered, expected) in
        [(vec!["h2", "http/1.1"], Some("h2")), (vec!["http/1.1"], Some("http/1.1")), (vec![], None)]
    {
        let upstream = Options::new().tls(Certificate::Valid).alpn(offered).start(openai::text("hi"));
        let mut stream = connect(&upstream, "localhost", &["h2", "http/1.1"]);
        stream.flush().unwrap();
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).unwrap();
        }
        assert_eq!(stream.conn.alpn_protocol(), expected.map(str::as_bytes));
        assert!(upstream.wait_for(|record| record.connections[0].alpn.as_deref() == expected, SECOND));
    }
}

async fn http2(upstream: &Faultd) -> SendRequest<Bytes> {
    let socket = tokio::net::TcpStream::connect(("127.0.0.1", upstream.port())).await.unwrap();
    let (send, connection) = match upstream.ca_pem() {
        Some(_) => {
            let connector = tokio_rustls::TlsConnector::from(Arc::new(config(upstream, &["h2"])));
            let socket = connector.connect("localhost".try_into().unwrap(), socket).await.unwrap();
            let (send, connection) = h2::client::handshake(socket).await.unwrap();
            (send, tokio::spawn(async { drop(connection.await) }))
        }
        None => {
            let (send, connection) = h2::client::handshake(socket).await.unwrap();
            (send, tokio::spawn(async { drop(connection.await) }))
        }
    };
    drop(connection);
    send
}

fn request() -> Request<()> {
    Request::post("http://localhost/v1/chat/completions").header("x-one", "1").body(()).unwrap()
}

async fn body(mut body: h2::RecvStream) -> Result<Vec<u8>, h2::Error> {
    let mut bytes = Vec::new();
    while let Some(data) = body.data().await {
        bytes.extend_from_slice(&data?);
    }
    Ok(bytes)
}

/// The status and the body of an answer.
async fn exchange(send: &SendRequest<Bytes>) -> Result<(u16, Vec<u8>), h2::Error> {
    let mut send = send.clone().ready().await?;
    let (response, mut stream) = send.send_request(request(), false)?;
    stream.send_data(Bytes::from_static(b"{\"stream\":true}"), true)?;
    let response = response.await?;
    Ok((response.status().as_u16(), body(response.into_body()).await?))
}

#[tokio::test]
async fn replies_come_over_http2() {
    for options in [Options::new(), Options::new().tls(Certificate::Valid)] {
        let upstream = options.start(
            Script::new().reply(openai::error(429, "t", "c", "m")).forever(Reply::sse(["1", "2"]).every(10)),
        );
        let send = http2(&upstream).await;
        let (status, body) = exchange(&send).await.unwrap();
        assert_eq!(status, 429);
        assert!(body.starts_with(b"{\"error\""));
        let (status, body) = exchange(&send).await.unwrap();
        assert_eq!((status, body.as_slice()), (200, &b"data: 1\n\ndata: 2\n\n"[..]));
        let request = &upstream.requests()[1];
        assert_eq!((request.version, request.target.as_str()), ("HTTP/2", "/v1/chat/completions"));
        assert_eq!((request.text().as_str(), request.header("X-One")), ("{\"stream\":true}", Some("1")));
        assert_eq!(request.written, 18);
        assert_eq!(upstream.record().accepted, 1);
    }
}

#[tokio::test]
async fn no_more_streams_than_allowed_are_in_flight() {
    let upstream = Options::new()
        .tls(Certificate::Valid)
        .max_concurrent_streams(100)
        .start(openai::text("hi").after(20));
    let send = http2(&upstream).await;
    // Before the server's settings are there, a client may open as many as it likes.
    exchange(&send).await.unwrap();
    let done = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for _ in 0..500 {
        let (send, done) = (send.clone(), done.clone());
        tasks.push(tokio::spawn(async move {
            exchange(&send).await.unwrap();
            done.fetch_add(1, Ordering::Relaxed);
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(done.load(Ordering::Relaxed), 500);
    let record = upstream.record();
    assert_eq!((record.requests.len(), record.accepted, record.in_flight), (501, 1, 0));
    assert!((50..=100).contains(&record.connections[0].max_in_flight), "{}", record.max_in_flight);
}

#[tokio::test]
async fn a_stream_that_is_cancelled_is_noticed() {
    for (what, reply) in [
        ("hangs", Reply::hang()),
        ("sleeps", openai::text("hi").after(60_000)),
        ("hangs after an event", Reply::sse(["1"]).step(Step::Hang)),
        ("hangs at its end", Reply::status(200).body("x").end(End::Hang)),
        ("waits for its window", Reply::status(200).body(vec![0; 10_000_000])),
    ] {
        let upstream = Faultd::start(reply);
        let mut send = http2(&upstream).await.ready().await.unwrap();
        let (response, mut stream) = send.send_request(request(), true).unwrap();
        assert!(upstream.wait_for_async(|record| record.in_flight == 1, SECOND).await);
        stream.send_reset(Reason::CANCEL);
        drop(response);
        assert!(upstream.wait_for_async(|record| record.closed() == 1, SECOND).await, "{what}");
        assert_eq!(upstream.requests()[0].closed.unwrap().how, How::Stream, "{what}");
        assert_eq!(upstream.record().open, 1);
        drop(stream);
        drop(send);
        assert!(upstream.wait_for_async(|record| record.open == 0, SECOND).await);
    }
}

#[tokio::test]
async fn a_connection_that_is_dropped_is_noticed_by_its_streams() {
    let upstream = Faultd::start(Reply::hang());
    let socket = tokio::net::TcpStream::connect(("127.0.0.1", upstream.port())).await.unwrap();
    let (mut send, connection) = h2::client::handshake(socket).await.unwrap();
    let driver = tokio::spawn(async { drop(connection.await) });
    let answers: Vec<_> = (0..3).map(|_| send.send_request(request(), true).unwrap()).collect();
    assert!(upstream.wait_for_async(|record| record.in_flight == 3, SECOND).await);
    driver.abort();
    assert!(upstream.wait_for_async(|record| record.closed() == 3 && record.open == 0, SECOND).await);
    // By FIN, or by a reset where the client had not read all: but not stream by stream.
    assert!(upstream.requests().iter().all(|request| request.closed.unwrap().how != How::Stream));
    drop((send, answers));
}

#[tokio::test]
async fn streams_and_connections_are_refused() {
    let refused = Reply::steps([Step::ResetStream(7)]);
    let upstream = Faultd::start(
        Script::new()
            .reply(refused)
            .reply(openai::text("hi"))
            .reply(Reply::sse(["1"]).step(Step::Cut(Cut::Rst))),
    );
    let send = http2(&upstream).await;
    assert_eq!(exchange(&send).await.unwrap_err().reason(), Some(Reason::REFUSED_STREAM));
    assert_eq!(exchange(&send).await.unwrap().0, 200);
    let error = exchange(&send).await.unwrap_err();
    assert!(error.is_io(), "{error:?}");

    for code in [0, 11] {
        let go_away = Reply::sse(["1"]).step(Step::GoAway(code));
        let go_away = if code == 0 { go_away } else { go_away.step(Step::Hang) };
        let upstream = Faultd::start(Script::new().reply(go_away).forever(openai::text("hi")));
        let send = http2(&upstream).await;
        let first = exchange(&send).await;
        assert_eq!(first.is_ok(), code == 0, "{first:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(exchange(&send).await.is_err());
    }
}

#[tokio::test]
async fn a_goaway_says_that_nothing_was_processed() {
    for options in [Options::new(), Options::new().tls(Certificate::Valid)] {
        let upstream =
            options.start(Script::new().on_connect(OnConnect::GoAway(0)).on_connect(OnConnect::Serve));
        let error = exchange(&http2(&upstream).await).await.unwrap_err();
        assert!(error.is_go_away() && error.is_remote(), "{error:?}");
        assert!(upstream.requests().is_empty());
        assert_eq!(exchange(&http2(&upstream).await).await.unwrap().0, 404);
    }
}
