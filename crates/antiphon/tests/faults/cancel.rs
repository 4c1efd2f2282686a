//! The caller leaves: row 35.

use std::time::{Duration, Instant};

use antiphon::Kind;
use antiphon_testkit::faultd::{Faultd, Record, Reply, Script, Step};
use futures_util::future::join_all;
use serde_json::json;

use crate::rig::{CELLS, Cell, STREAMS, TEXT, client, run, settled};

/// The bound on what shall take 100 ms.
const SOON: Duration = Duration::from_secs(1);

async fn there(upstream: &Faultd, condition: impl Fn(&Record) -> bool + Send + 'static) {
    assert!(upstream.wait_for_async(condition, Duration::from_secs(5)).await, "{:?}", upstream.record());
}

/// Nothing is under way any more, and the connection is gone, not put aside.
async fn closed(upstream: &Faultd, cell: Cell, phase: &str) {
    let start = Instant::now();
    let closed = upstream.wait_for_async(|record| record.open == 0 && record.in_flight == 0, SOON).await;
    assert!(closed, "{cell:?} {phase}: {:?}", upstream.record());
    assert!(start.elapsed() < SOON);
    let record = upstream.record();
    assert!(record.requests.iter().all(|request| request.closed.is_some()), "{cell:?} {phase}: {record:?}");
}

#[tokio::test]
async fn row_35_before_the_first_byte() {
    for cell in CELLS {
        let upstream = Faultd::start(Reply::hang());
        let client = client();
        let call = tokio::spawn({
            let call = cell.call(&upstream.url(), json!({}));
            async move {
                if cell.stream {
                    client.stream(call).next_batch().await.map(drop)
                } else {
                    client.complete(call).await.map(drop).ok()
                }
            }
        });
        there(&upstream, |record| record.in_flight == 1).await;
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        closed(&upstream, cell, "before the first byte").await;
    }
}

#[tokio::test]
async fn row_35_while_the_body_comes() {
    for cell in CELLS {
        let reply = cell.answer();
        let half = Reply { steps: vec![reply.steps[0].clone(), Step::Hang], ..reply }
            .framing(antiphon_testkit::faultd::Framing::Chunked);
        let upstream = Faultd::start(half);
        let client = client();
        let call = cell.call(&upstream.url(), json!({}));
        let waiting = tokio::time::timeout(Duration::from_millis(50), client.complete(call));
        assert!(waiting.await.is_err());
        closed(&upstream, cell, "while the body comes").await;
    }
}

#[tokio::test]
async fn row_35_in_the_middle_of_a_stream() {
    for cell in STREAMS {
        let events = cell.events()[..cell.events_before_text() + 2].concat();
        let upstream = Faultd::start(Reply::event_stream([events]).step(Step::Hang));
        let mut stream = client().stream(cell.call(&upstream.url(), json!({})));
        stream.next_batch().await.unwrap().unwrap();
        assert_eq!(stream.response().text(), "Hello from ");
        drop(stream);
        closed(&upstream, cell, "mid-stream").await;
    }
}

#[tokio::test]
async fn row_35_during_the_wait_before_a_retry() {
    for cell in CELLS {
        let refusal = cell.error(429).header("retry-after", "30");
        let upstream = Faultd::start(Script::new().reply(refusal).forever(cell.answer()));
        let client = client();
        let call = cell.call(&upstream.url(), json!({"timeout": 60}));
        assert!(tokio::time::timeout(Duration::from_millis(100), client.complete(call)).await.is_err());
        let record = settled(&upstream).await;
        assert_eq!(record.requests.len(), 1);
        // The client is as good as before.
        assert_eq!(run(&client, cell.call(&upstream.url(), json!({}))).await.summary(), (TEXT, None));
    }
}

#[tokio::test]
async fn row_35_a_deadline_closes_too() {
    for cell in CELLS {
        let upstream = Faultd::start(Reply::hang());
        let error = run(&client(), cell.call(&upstream.url(), json!({"timeout": 0.05}))).await.error();
        assert_eq!(error.kind(), Kind::Timeout);
        closed(&upstream, cell, "deadline").await;
    }
}

#[tokio::test]
async fn row_35_many_leave_at_once() {
    for cell in STREAMS {
        let events = cell.events()[..cell.events_before_text() + 1].concat();
        let upstream = Faultd::start(Reply::event_stream([events]).step(Step::Hang));
        let client = client();
        let open = join_all((0..100).map(|_| async {
            let mut stream = client.stream(cell.call(&upstream.url(), json!({})));
            stream.next_batch().await.unwrap().unwrap();
            stream
        }));
        let open = open.await;
        assert_eq!(upstream.record().in_flight, 100);
        drop(open);
        closed(&upstream, cell, "many").await;
    }
}
