//! HTTP/2 where it is asked for, and HTTP/1.1 where it is not: row 12.

use std::time::Duration;

use antiphon::config::{Config, ProviderConfig};
use antiphon::{Call, Client, Kind};
use antiphon_testkit::faultd::{Certificate, Faultd, OnConnect, Options, Reply, Script, Step};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::rig::{CELLS, Cell, OPENAI, OPENAI_STREAM, TEXT, configured, run, settled};

fn secure(script: impl Into<Script>) -> Faultd {
    Options::new().tls(Certificate::Valid).start(script)
}

/// A client that trusts the upstream; the provider has HTTP/2 by `config.toml`, if at all.
fn trusting(upstream: &Faultd, h2: bool) -> Client {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, upstream.ca_pem().unwrap().as_bytes()).unwrap();
    let mut config = Config::default();
    config.http.ca_file = Some(file.path().to_owned());
    for id in ["openai", "anthropic"] {
        config.providers.insert(id.into(), ProviderConfig { h2: Some(h2), ..ProviderConfig::default() });
    }
    configured(config)
}

fn call(cell: Cell, upstream: &Faultd, extra: Value) -> Call {
    cell.call(&upstream.url(), extra)
}

#[tokio::test]
async fn row_12_five_hundred_at_once() {
    for (h2, cell) in [(true, OPENAI), (true, OPENAI_STREAM), (false, OPENAI)] {
        let upstream = secure(cell.answer().after(300));
        let client = trusting(&upstream, h2);
        let calls = (0..500).map(|_| run(&client, call(cell, &upstream, json!({}))));
        for outcome in join_all(calls).await {
            assert_eq!(outcome.summary(), (TEXT, None), "{:?}", outcome.result);
        }
        let record = settled(&upstream).await;
        let version = if h2 { "HTTP/2" } else { "HTTP/1.1" };
        assert!(record.requests.iter().all(|request| request.version == version));
        assert_eq!(record.requests.len(), 500);
        // None waited for another: those of a hundred streams and more would have.
        let most = record.connections.iter().map(|connection| connection.max_in_flight).max().unwrap();
        assert!(if h2 { (2..=100).contains(&most) } else { most == 1 }, "{most}");
    }
}

#[tokio::test]
async fn row_12_a_provider_of_ones_own_may_have_it() {
    let upstream = secure(OPENAI.answer());
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, upstream.ca_pem().unwrap().as_bytes()).unwrap();
    let text = format!(
        "[http]\nca_file = {:?}\n[providers.mine]\nbase_url = \"{}/v1\"\nh2 = true\napi_key = \"k\"\n",
        file.path(),
        upstream.url()
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.toml"), text).unwrap();
    let client = configured(Config::read(folder.path()).unwrap());
    assert_eq!(client.completion("hi").model("mine/m").await.unwrap().text(), TEXT);
    assert_eq!(upstream.requests()[0].version, "HTTP/2");
}

#[tokio::test]
async fn row_12_what_was_not_processed_is_tried_again() {
    let refused =
        |cell: Cell| Script::new().reply(Reply::steps([Step::ResetStream(7)])).forever(cell.answer());
    let internal =
        |cell: Cell| Script::new().reply(Reply::steps([Step::ResetStream(2)])).forever(cell.answer());
    let going_away = |cell: Cell| {
        Script::from(cell.answer()).on_connect(OnConnect::GoAway(0)).on_connect(OnConnect::Serve)
    };
    let calm = |cell: Cell| {
        Script::from(cell.answer()).on_connect(OnConnect::GoAway(11)).on_connect(OnConnect::Serve)
    };
    for cell in CELLS {
        for script in [refused(cell), internal(cell), going_away(cell), calm(cell)] {
            let upstream = secure(script.clone());
            let outcome = run(&trusting(&upstream, true), call(cell, &upstream, json!({}))).await;
            assert_eq!(outcome.summary(), (TEXT, None), "{script:?}: {:?}", outcome.result);
        }
        // A GOAWAY while an answer is under way lets it end; the next call gets a connection of its own.
        let mut steps = cell.answer().steps;
        steps.insert(0, Step::GoAway(0));
        let upstream = secure(Script::new().reply(Reply { steps, ..cell.answer() }).forever(cell.answer()));
        let client = trusting(&upstream, true);
        for _ in 0..2 {
            let outcome = run(&client, call(cell, &upstream, json!({}))).await;
            assert_eq!(outcome.summary(), (TEXT, None), "{:?}", outcome.result);
        }
    }
    let upstream = secure(Reply::steps([Step::ResetStream(7)]).times(9));
    let error = run(&trusting(&upstream, true), call(OPENAI, &upstream, json!({}))).await.error();
    assert_eq!((error.kind(), error.tried().len()), (Kind::Connection, 3), "{error}");
}

#[tokio::test]
async fn row_12_a_stream_that_is_reset_is_interrupted() {
    for cell in [OPENAI_STREAM, crate::rig::ANTHROPIC_STREAM] {
        let events = cell.events()[..cell.events_before_text() + 2].concat();
        let reply = Reply::event_stream([events]).step(Step::Sleep(20)).step(Step::ResetStream(2));
        let upstream = secure(reply);
        let outcome = run(&trusting(&upstream, true), call(cell, &upstream, json!({}))).await;
        assert_eq!(outcome.summary(), ("Hello from ", Some(Kind::StreamInterrupted)));
    }
}

#[tokio::test]
async fn row_12_two_thousand_cancels() {
    let upstream = secure(Reply::hang());
    let client = trusting(&upstream, true);
    for round in 0..40 {
        let before = upstream.record().requested;
        let calls = (0..50).map(|_| client.complete(call(OPENAI, &upstream, json!({}))));
        tokio::select! {
            _ = join_all(calls) => panic!("nobody answers"),
            there = upstream.wait_for_async(move |record| record.requested >= before + 50, Duration::from_secs(9)) => {
                assert!(there, "round {round}");
            }
        }
        let gone = upstream.wait_for_async(|record| record.in_flight == 0, Duration::from_secs(1)).await;
        assert!(gone, "round {round}");
        upstream.clear();
    }
    upstream.script(OPENAI.answer());
    let outcome = run(&client, call(OPENAI, &upstream, json!({}))).await;
    assert_eq!(outcome.summary(), (TEXT, None), "{:?}", outcome.result);
    let record = upstream.record();
    // The first ones may each have begun a connection before the first of those was there.
    assert_eq!(record.open, 1, "{:?}", record.connections);
    assert!(record.accepted < 150, "{}", record.accepted);
    assert!(record.connections.iter().all(|connection| connection.error.is_none()));
}
