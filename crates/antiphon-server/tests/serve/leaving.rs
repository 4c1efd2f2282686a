//! The client leaves: the upstream is let go at once, and the place is free.

use std::time::{Duration, Instant};

use antiphon_testkit::faultd::{Faultd, Reply, Step, openai};
use tokio::io::AsyncWriteExt;

use crate::rig::{Running, chat, config, read_until, request, serve};

/// The bound on what shall take 100 ms.
const AT_ONCE: Duration = Duration::from_secs(1);

async fn server(upstream: &Faultd) -> Running {
    serve(&config(upstream, "[serve]\nmax_in_flight = 1\n")).await
}

async fn gone(upstream: &Faultd, server: &Running, phase: &str) {
    let start = Instant::now();
    let gone = upstream.wait_for_async(|record| record.in_flight == 0 && record.open == 0, AT_ONCE).await;
    assert!(gone, "{phase}: {:?}", upstream.record());
    assert!(start.elapsed() < AT_ONCE);
    assert!(upstream.requests().iter().all(|request| request.closed.is_some()), "{phase}");
    // The only place is free again: this is refused for its model, not for want of room.
    let answer = server.ask(&chat("nobody", "")).await;
    assert_eq!(answer.status, 404, "{phase}: {}", answer.text());
}

async fn under_way(upstream: &Faultd) {
    assert!(upstream.wait_for_async(|record| record.in_flight == 1, Duration::from_secs(5)).await);
}

#[tokio::test]
async fn before_the_first_byte() {
    for stream in ["", ", \"stream\": true"] {
        let upstream = Faultd::start(Reply::hang());
        let server = server(&upstream).await;
        let mut client = server.connect().await;
        let body = chat("up/m", stream);
        client.write_all(&request("POST", "/v1/chat/completions", &[], body.as_bytes())).await.unwrap();
        under_way(&upstream).await;
        // All places are taken meanwhile.
        let busy = server.ask(&body).await;
        busy.check(429, "under way");
        assert_eq!(busy.header("retry-after"), Some("1"));
        assert_eq!(server.get("/health/live", &[]).await.status, 200);
        drop(client);
        gone(&upstream, &server, "before the first byte").await;
    }
}

#[tokio::test]
async fn in_the_middle_of_a_stream() {
    let events = openai::events(&["Hello ", "world"])[..2].concat();
    let upstream = Faultd::start(Reply::event_stream([events]).step(Step::Hang));
    let server = server(&upstream).await;
    let mut client = server.connect().await;
    let body = chat("up/m", ", \"stream\": true");
    client.write_all(&request("POST", "/v1/chat/completions", &[], body.as_bytes())).await.unwrap();
    read_until(&mut client, "Hello ").await;
    drop(client);
    gone(&upstream, &server, "mid-stream").await;
    let metrics = server.get("/metrics", &[]).await.text();
    assert!(metrics.contains("route=\"/v1/chat/completions\",status=\"499\"} 1"), "{metrics}");
}

#[tokio::test]
async fn a_body_that_hangs_is_let_go_too() {
    let whole = openai::text("hello");
    let half = Reply { steps: vec![Step::Send("{\"id\": ".into()), Step::Hang], ..whole }
        .framing(antiphon_testkit::faultd::Framing::Chunked);
    let upstream = Faultd::start(half);
    let server = server(&upstream).await;
    let mut client = server.connect().await;
    let body = chat("up/m", "");
    client.write_all(&request("POST", "/v1/chat/completions", &[], body.as_bytes())).await.unwrap();
    under_way(&upstream).await;
    drop(client);
    gone(&upstream, &server, "half a body").await;
}
