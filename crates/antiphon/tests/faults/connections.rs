//! Connections that are not made, break, or lead elsewhere: rows 7, 8, 10, 13, 18.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::time::Duration;

use antiphon::transport::{Found, Http, HttpOptions, Lookup};
use antiphon::{Client, Kind};
use antiphon_testkit::faultd::{Cut, Faultd, OnConnect, Reply, Script, full_backlog, refused_port};
use serde_json::json;
use tokio::net::{TcpSocket, TcpStream};

use crate::rig::{CELLS, Expect, OPENAI, OPENAI_STREAM, TEXT, check, client, run, settled, with_transport};

/// What a name is found to be, time after time; the last one repeats.
struct Names(Mutex<VecDeque<Answer>>);

#[derive(Clone)]
enum Answer {
    Found(Vec<SocketAddr>),
    Fails(&'static str),
    Never,
}

impl Lookup for Names {
    fn lookup(&self, _: &str) -> Found {
        let mut answers = self.0.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Box::pin(async move {
            match answer.unwrap() {
                Answer::Found(addresses) => Ok(addresses),
                Answer::Fails(words) => Err(io::Error::other(words)),
                Answer::Never => std::future::pending().await,
            }
        })
    }
}

fn looking_up(answers: impl IntoIterator<Item = Answer>) -> Client {
    let names = Names(Mutex::new(answers.into_iter().collect()));
    with_transport(Http::with_lookup(HttpOptions::default(), std::sync::Arc::new(names)))
}

fn address(last: u8, port: u16) -> SocketAddr {
    (Ipv4Addr::new(127, 0, 0, last), port).into()
}

#[tokio::test]
async fn row_7_a_refused_port() {
    let port = refused_port();
    for cell in CELLS {
        let error = run(&client(), cell.call(&port.url(), json!({}))).await.error();
        assert_eq!((error.kind(), error.tried().len()), (Kind::Connection, 3), "{error}");
        assert!(error.message().contains(&port.url()), "{error}");
    }
}

#[tokio::test]
async fn row_7_a_full_backlog_is_the_connect_deadline() {
    let port = full_backlog();
    for cell in CELLS {
        let extra = json!({"connect_timeout": 0.2, "max_retries": 1});
        let outcome = run(&client(), cell.call(&port.url(), extra)).await;
        assert!(outcome.took < Duration::from_secs(4), "{:?}", outcome.took);
        let error = outcome.error();
        assert_eq!((error.kind(), error.tried().len()), (Kind::Timeout, 2), "{error}");
        assert!(error.message().contains("the connect deadline of 200ms passed"), "{error}");
    }
}

#[tokio::test]
async fn row_7_one_dead_address_of_two() {
    let upstream = Faultd::start(OPENAI.answer());
    let port = upstream.port();
    // One that refuses; one that takes for ever.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(address(3, port)).unwrap();
    let _black_hole = socket.listen(0).unwrap();
    let mut queued = Vec::new();
    while let Ok(Ok(stream)) =
        tokio::time::timeout(Duration::from_millis(100), TcpStream::connect(address(3, port))).await
    {
        queued.push(stream);
    }
    for dead in [2, 3] {
        let client = looking_up([Answer::Found(vec![address(dead, port), address(1, port)])]);
        let url = format!("http://two.example:{port}");
        let extra = json!({"connect_timeout": 0.4, "max_retries": 0});
        let outcome = run(&client, OPENAI.call(&url, extra)).await;
        assert_eq!(outcome.summary(), (TEXT, None), "127.0.0.{dead}: {:?}", outcome.result);
    }
}

#[tokio::test]
async fn row_8_reset_after_the_request_is_tried_again_with_the_same_key() {
    for cell in CELLS {
        for cut in [Reply::cut(Cut::Rst), Reply::cut(Cut::Fin), Reply::raw("")] {
            let script = Script::new().reply(cut.clone()).forever(cell.answer());
            let upstream = Faultd::start(script);
            let outcome = run(&client(), cell.call(&upstream.url(), json!({}))).await;
            assert_eq!(outcome.summary(), (TEXT, None));
            let requests = settled(&upstream).await.requests;
            assert_eq!(requests.len(), 2);
            assert_eq!(requests[0].header("idempotency-key"), requests[1].header("idempotency-key"));
            assert!(requests[0].header("idempotency-key").is_some_and(|key| key.starts_with("antiphon-")));
            assert_eq!(requests[0].body, requests[1].body);
            check(cell, "always", cut.times(9), json!({}), 3, Expect::Error(Kind::Connection)).await;
        }
    }
}

#[tokio::test]
async fn row_8_reset_before_the_request() {
    for cell in CELLS {
        for what in [OnConnect::Reset, OnConnect::Close] {
            let script = Script::from(cell.answer()).on_connect(what).on_connect(OnConnect::Serve);
            let upstream = Faultd::start(script);
            let outcome = run(&client(), cell.call(&upstream.url(), json!({}))).await;
            assert_eq!(outcome.summary(), (TEXT, None), "{:?}", outcome.result);
            assert_eq!(settled(&upstream).await.accepted, 2);
        }
    }
}

#[tokio::test]
async fn row_10_names_that_are_not_found() {
    let port = Faultd::start(OPENAI.answer());
    let url = format!("http://name.example:{}", port.port());
    let nowhere = "failed to lookup address information: Name or service not known";
    let temporary = "failed to lookup address information: Temporary failure in name resolution";
    for cell in [OPENAI, OPENAI_STREAM] {
        port.script(cell.answer());
        let error = run(&looking_up([Answer::Fails(nowhere)]), cell.call(&url, json!({}))).await.error();
        assert_eq!((error.kind(), error.tried().len()), (Kind::Connection, 1));
        assert!(error.message().contains("there is no such host"), "{error}");
        let error = run(&looking_up([Answer::Found(vec![])]), cell.call(&url, json!({}))).await.error();
        assert_eq!((error.kind(), error.tried().len()), (Kind::Connection, 1));

        let error = run(&looking_up([Answer::Fails(temporary)]), cell.call(&url, json!({}))).await.error();
        assert_eq!((error.kind(), error.tried().len()), (Kind::Connection, 3));
        assert!(error.message().contains("name server does not answer"), "{error}");
        let found = Answer::Found(vec![address(1, 0)]);
        let client = looking_up([Answer::Fails(temporary), found]);
        assert_eq!(run(&client, cell.call(&url, json!({}))).await.summary(), (TEXT, None));

        let slow = json!({"connect_timeout": 0.2, "max_retries": 0});
        let error = run(&looking_up([Answer::Never]), cell.call(&url, slow)).await.error();
        assert_eq!(error.kind(), Kind::Timeout);
        assert!(error.message().contains("the connect deadline of 200ms passed"), "{error}");
    }
}

#[tokio::test]
async fn row_13_a_stale_connection_is_no_error() {
    for cell in CELLS {
        // Closed after the answer; and closed when the next request comes.
        let closed = Script::from(cell.answer().close());
        let on_use = |cut| Script::new().forever(Reply { times: None, ..Reply::cut(cut).on_reused() });
        let scripts = [
            (closed, 4),
            (on_use(Cut::Rst).forever(cell.answer()), 7),
            (on_use(Cut::Fin).forever(cell.answer()), 7),
        ];
        for (script, most) in scripts {
            let upstream = Faultd::start(script);
            let client = client();
            for _ in 0..4 {
                let outcome = run(&client, cell.call(&upstream.url(), json!({}))).await;
                assert_eq!(outcome.summary(), (TEXT, None), "{:?}", outcome.result);
                settled(&upstream).await;
            }
            let requests = upstream.requests().len();
            assert!((4..=most).contains(&requests), "{cell:?}: {requests}");
        }
    }
}

#[tokio::test]
async fn row_18_a_redirect_is_not_followed() {
    let elsewhere = Faultd::start(OPENAI.answer());
    for cell in CELLS {
        for status in [300, 301, 302, 303, 304, 305, 307, 308, 399] {
            let target = format!("{}/v1/messages?key=1", elsewhere.url().replace("127.0.0.1", "localhost"));
            let reply = Reply::status(status).header("location", target);
            let expect = Expect::Error(Kind::ResponseValidation);
            let error = check(cell, "redirect", reply, json!({}), 1, expect).await.error();
            assert_eq!(error.received_status(), Some(status));
            assert!(error.message().contains("redirect"), "{error}");
        }
    }
    assert_eq!(elsewhere.record().accepted, 0);
}
