//! Streams that are cut, slow, endless or odd: rows 9, 16, 17, 21-33, 36, 37.

use std::time::{Duration, Instant};

use antiphon::{Call, Client, Kind};
use antiphon_testkit::faultd::{Faultd, Reply, Script, Step, anthropic, openai};
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::rig::{
    ANTHROPIC, ANTHROPIC_STREAM, CELLS, Cell, Expect, OPENAI, OPENAI_STREAM, PIECES, STREAMS, TEXT, Tongue,
    check, client, run, settled,
};

/// Cuts the answer after each of its bytes, by FIN and by RST. What is not the whole is never taken for it.
async fn cut_at_each_byte(cell: Cell) {
    let upstream = Faultd::start(cell.answer());
    run(&client(), cell.call(&upstream.url(), json!({}))).await.result.unwrap();
    let total = settled(&upstream).await.requests[0].written;
    // After the data of the last chunk come its line end and the empty chunk.
    let enough = if cell.stream { total - 7 } else { total };
    for reset in [false, true] {
        for bytes in 0..=total {
            let cut = cell.answer().cut_after_bytes(bytes);
            upstream.script(if reset { cut.reset() } else { cut }.times(9));
            upstream.clear();
            let outcome =
                run(&client(), cell.call(&upstream.url(), json!({"max_retries": 1, "retry_delay": 0}))).await;
            let place = format!("{cell:?} {bytes}/{total} {reset}: {:?}", outcome.result);
            assert!(TEXT.starts_with(&outcome.text), "{place}");
            match outcome.summary() {
                (TEXT, None) if bytes >= enough => {}
                ("", Some(Kind::Connection | Kind::StreamInterrupted)) if reset || bytes < enough => {
                    assert_eq!(upstream.requests().len(), 2, "{place}");
                }
                (_, Some(Kind::StreamInterrupted)) if cell.stream && (reset || bytes < enough) => {
                    assert_eq!(upstream.requests().len(), 1, "{place}");
                }
                other => panic!("{place}: {other:?}"),
            }
        }
    }
    settled(&upstream).await;
}

#[tokio::test]
async fn row_9_openai_cut_at_each_byte() {
    cut_at_each_byte(OPENAI).await;
}

#[tokio::test]
async fn row_9_openai_stream_cut_at_each_byte() {
    cut_at_each_byte(OPENAI_STREAM).await;
}

#[tokio::test]
async fn row_9_anthropic_cut_at_each_byte() {
    cut_at_each_byte(ANTHROPIC).await;
}

#[tokio::test]
async fn row_9_anthropic_stream_cut_at_each_byte() {
    cut_at_each_byte(ANTHROPIC_STREAM).await;
}

/// The chunks of a call, without when they were made.
async fn chunks(client: &Client, call: Call) -> Vec<Value> {
    let mut stream = client.stream(call);
    let mut chunks = Vec::new();
    while let Some(chunk) = stream.next().await {
        let mut chunk = chunk.unwrap().to_json();
        chunk.as_object_mut().unwrap().remove("created");
        chunks.push(chunk);
    }
    chunks
}

/// Rows 21 to 25: however the same events are written, the same chunks come out.
#[tokio::test]
async fn rows_21_to_25_the_same_events_in_other_bytes() {
    for cell in STREAMS {
        let plain = cell.events().concat();
        let lines = |end: &str| plain.replace('\n', end);
        let noisy = plain.replace("data: ", ": ping\nretry: 10\nid: 1\nunknown: x\nevent: \ndata:");
        // The value of `event` is put back behind what empties it.
        let noisy = match cell.tongue {
            Tongue::OpenAi => noisy,
            Tongue::Anthropic => plain.replace("data: ", ":\nid: 1\nretry\ndata:"),
        };
        let pings = plain.replace("\n\n", "\n\n: keepalive\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\n");
        let many_lines = plain.replace(", ", ",\ndata: ").replace("\",\"", "\",\ndata: \"");
        let split = |bytes: &str, n| {
            Reply::event_stream([""; 0]).step(Step::Drip { bytes: bytes.into(), n, every_ms: 0 })
        };
        let sliced = Reply::event_stream([""; 0]).step(Step::Drip {
            bytes: plain.as_str().into(),
            n: 13,
            every_ms: 1,
        });
        let no_blank_line = plain.trim_end().to_owned();
        let replies = [
            ("each byte a chunk", split(&plain, 1)),
            ("slices of TCP", sliced),
            ("CRLF", split(&lines("\r\n"), 1)),
            ("CR", split(&lines("\r"), 3)),
            ("BOM", split(&format!("\u{feff}{plain}"), 1)),
            ("fields", split(&noisy, 5)),
            ("pings", split(&pings, 7)),
            ("many lines", split(&many_lines, 11)),
            ("no blank line at the end", split(&no_blank_line, 1 << 20)),
        ];
        let upstream = Faultd::start(cell.answer());
        let call = || cell.call(&upstream.url(), json!({"stream_options": {"include_usage": true}}));
        let expected = chunks(&client(), call()).await;
        let texts: String =
            expected.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
        assert_eq!(texts, TEXT);
        for (name, reply) in replies {
            upstream.script(reply);
            assert_eq!(chunks(&client(), call()).await, expected, "{name} {cell:?}");
        }
        settled(&upstream).await;
    }
}

fn small_event(text: &str) -> String {
    format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": {"content": text}}]}))
}

#[tokio::test]
async fn row_26_a_line_above_the_cap_is_an_error_and_ends_the_reading() {
    for cell in STREAMS {
        let line = Step::Repeat { bytes: "a".repeat(64 << 10).into(), every_ms: 0, times: Some(1024) };
        let reply = Reply::event_stream(["data: "]).step(line);
        let upstream = Faultd::start(reply);
        let outcome = run(&client(), cell.call(&upstream.url(), json!({}))).await;
        assert!(outcome.took < Duration::from_secs(10), "{:?}", outcome.took);
        let error = outcome.error();
        assert_eq!(error.kind(), Kind::ResponseValidation);
        assert!(error.message().contains("is larger than"), "{error}");
        let record = settled(&upstream).await;
        assert_eq!(record.requests.len(), 1);
        assert!(record.requests[0].closed.is_some(), "the rest was not read");
    }
}

#[tokio::test]
async fn row_26_a_million_small_events() {
    let events = small_event("a").repeat(1000);
    let reply = Reply::event_stream([""; 0])
        .step(Step::Repeat { bytes: events.into(), every_ms: 0, times: Some(1000) })
        .body(openai::chunk(json!({}), Some("stop")))
        .body(openai::done_event());
    let upstream = Faultd::start(reply);
    let mut stream = client().stream(OPENAI_STREAM.call(&upstream.url(), json!({})));
    let start = Instant::now();
    let mut count = 0;
    while let Some(batch) = stream.next_batch().await {
        count += batch.unwrap().iter().map(|chunk| chunk.text().len()).sum::<usize>();
    }
    assert_eq!((count, stream.response().text().len()), (1_000_000, 1_000_000));
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[tokio::test]
async fn row_27_a_stream_without_its_end_mark() {
    for cell in STREAMS {
        let mut events = cell.events();
        events.pop();
        let complete = Reply::event_stream(events.clone());
        check(cell, "no mark", complete, json!({}), 1, Expect::Answer).await;
        let unfinished = Reply::event_stream(events[..cell.events_before_text() + PIECES.len()].to_vec());
        check(cell, "no reason", unfinished, json!({}), 1, Expect::After(TEXT, Kind::StreamInterrupted))
            .await;
        let nothing = Reply::event_stream(events[..cell.events_before_text()].to_vec());
        check(cell, "no text", nothing, json!({}), 3, Expect::Error(Kind::StreamInterrupted)).await;
    }
    let only_mark = Reply::event_stream([openai::done_event()]);
    check(OPENAI_STREAM, "mark alone", only_mark, json!({}), 1, Expect::Error(Kind::ResponseValidation))
        .await;
}

#[tokio::test]
async fn row_28_what_comes_after_the_end_mark_is_nothing() {
    for cell in STREAMS {
        let mut events = cell.events();
        let more = events[cell.events_before_text()].clone();
        events.extend([more, cell.error_event(), "data: {garbage\n\n".into()]);
        let upstream = Faultd::start(Reply::event_stream(events));
        let client = client();
        for _ in 0..3 {
            let outcome = run(&client, cell.call(&upstream.url(), json!({}))).await;
            assert_eq!(outcome.summary(), (TEXT, None));
            let record = settled(&upstream).await;
            assert!(record.requests.iter().all(|request| request.closed.is_none()));
        }
        // What follows late, or never ends, does not hold the call up.
        let endless = Reply::event_stream(cell.events()).step(Step::Hang);
        upstream.script(endless);
        let outcome = run(&client, cell.call(&upstream.url(), json!({}))).await;
        assert_eq!(outcome.summary(), (TEXT, None));
        assert!(outcome.took < Duration::from_secs(1));
        let gone = upstream.wait_for_async(|record| record.in_flight == 0, Duration::from_secs(10)).await;
        assert!(gone, "the connection is let go");
    }
}

#[tokio::test]
async fn row_29_an_error_in_a_stream() {
    for cell in STREAMS {
        let events = cell.events();
        let early = events[..cell.events_before_text()].iter().cloned().chain([cell.error_event()]);
        let early = Reply::event_stream(early.collect::<Vec<_>>());
        let script = Script::new().reply(early.clone()).forever(cell.answer());
        check(cell, "before text", script, json!({}), 2, Expect::Answer).await;
        check(cell, "always", early, json!({}), 3, Expect::Error(Kind::ServiceUnavailable)).await;
        let late = events[..cell.events_before_text() + 2].iter().cloned().chain([cell.error_event()]);
        let late = Reply::event_stream(late.collect::<Vec<_>>());
        let expect = Expect::After("Hello from ", Kind::ServiceUnavailable);
        let error = check(cell, "after text", late, json!({}), 1, expect).await.error();
        assert_eq!((error.provider(), error.message()), (cell.model().split('/').next(), "Overloaded"));
    }
}

#[tokio::test]
async fn rows_29_37_a_fallback_answers_before_anything_is_delivered() {
    let firsts = |cell: Cell| {
        let opening = cell.events()[..cell.events_before_text()].concat();
        let stream_error = if cell.stream {
            Reply::event_stream([opening, cell.error_event()])
        } else {
            Reply::json(200, json!({"error": {"message": "boom"}}))
        };
        [
            cell.error(401),
            cell.error(404),
            cell.error(503),
            Reply::status(429),
            stream_error,
            Reply::raw(""),
            Reply::event_stream([cell.error_event()]),
        ]
    };
    for cell in CELLS {
        for other in CELLS.into_iter().filter(|other| other.stream == cell.stream) {
            for first in firsts(cell) {
                let (first, second) = (Faultd::start(first), Faultd::start(other.answer()));
                let fallback = json!({"model": other.model(), "api_key": "k", "base_url": other.base_url(&second.url())});
                let extra = json!({"fallbacks": [fallback], "max_retries": 0});
                let outcome = run(&client(), cell.call(&first.url(), extra)).await;
                assert_eq!(outcome.summary(), (TEXT, None), "{:?}", outcome.result);
                let response = outcome.result.unwrap();
                assert!(response.warnings[0].starts_with(cell.model()), "{:?}", response.warnings);
                assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
                assert!(
                    !format!("{:?}", second.requests()).contains("canary"),
                    "a key is its provider's alone"
                );
            }
        }
    }
}

#[tokio::test]
async fn rows_30_to_33_odd_events_are_told_or_read() {
    let wrong = Kind::ResponseValidation;
    for cell in STREAMS {
        let at = cell.events_before_text();
        let with = |event: &str| {
            let mut events = cell.events();
            events.insert(at + 1, event.to_owned());
            Reply::event_stream(events)
        };
        let bad = with("data: {\"choices\": [\n\n");
        let error = check(cell, "31", bad, json!({}), 1, Expect::After("Hello ", wrong)).await.error();
        assert!(error.message().contains("event "), "{error}");
        check(cell, "32", with("data: {\"choices\": [], \"usage\": null}\n\n"), json!({}), 1, Expect::Answer)
            .await;
        // Row 30: bytes that are no UTF-8 are replaced, with a warning.
        let mut bytes = cell.events().concat().into_bytes();
        let place = bytes.windows(6).position(|window| window == b"Hello ").unwrap();
        bytes[place + 1] = 0xff;
        let upstream = Faultd::start(Reply::event_stream([bytes]));
        let response = run(&client(), cell.call(&upstream.url(), json!({}))).await.result.unwrap();
        assert_eq!(response.text(), TEXT.replacen('e', "\u{fffd}", 1));
        assert!(response.warnings.iter().any(|warning| warning.contains("UTF-8")), "{:?}", response.warnings);
        // Row 33.
        let odd = cell.events().concat().replace("\"stop\"", "\"odd\"").replace("\"end_turn\"", "\"odd\"");
        let upstream = Faultd::start(Reply::event_stream([odd]));
        let response = run(&client(), cell.call(&upstream.url(), json!({}))).await.result.unwrap();
        assert_eq!(response.choices[0].finish_reason.as_ref().unwrap().as_str(), "odd");
    }
}

/// Rows 16 and 17 over sockets; what each deadline is worth is tried under a paused clock.
#[tokio::test]
async fn rows_16_17_each_deadline_is_named() {
    let hang = || Script::from(Reply::hang());
    for cell in CELLS {
        let body = cell.answer();
        let drip = |bytes: &str| Step::Drip { bytes: bytes.into(), n: 1, every_ms: 20 };
        let slow = Reply { steps: vec![drip(&cell.events().concat())], ..body.clone() };
        let comments = Step::Repeat { bytes: ": still here\n\n".into(), every_ms: 5, times: None };
        let mut cases = vec![
            ("total", hang(), json!({"timeout": 0.1})),
            ("total", slow.into(), json!({"timeout": 0.1})),
            ("total", Reply::event_stream([""; 0]).step(comments).into(), json!({"timeout": 0.1})),
        ];
        if cell.stream {
            let head_alone = Reply::event_stream([""; 0]).step(Step::Hang);
            cases.push(("first-byte", hang(), json!({"first_byte_timeout": 0.1})));
            cases.push(("first-byte", head_alone.into(), json!({"first_byte_timeout": 0.1})));
            let opening = Reply::event_stream([cell.events()[0].clone()]).step(Step::Hang);
            cases.push(("idle", opening.into(), json!({"idle_timeout": 0.1})));
        }
        for (name, script, extra) in cases {
            let outcome = check(cell, name, script, extra, 1, Expect::Error(Kind::Timeout));
            let outcome = checked_trail(outcome, name).await;
            assert!((Duration::from_millis(100)..Duration::from_secs(1)).contains(&outcome), "{outcome:?}");
        }
    }
    for cell in STREAMS {
        let events = cell.events()[..cell.events_before_text() + 2].concat();
        let stalled = Reply::event_stream([events]).step(Step::Hang);
        let expect = Expect::After("Hello from ", Kind::Timeout);
        let error = check(cell, "idle", stalled, json!({"idle_timeout": 0.1}), 1, expect).await.error();
        assert!(error.message().contains("the idle deadline of 100ms"), "{error}");
    }
}

async fn checked_trail(outcome: impl Future<Output = crate::rig::Outcome>, name: &str) -> Duration {
    let outcome = outcome.await;
    let took = outcome.took;
    let error = outcome.error();
    assert!(error.message().contains(&format!("the {name} deadline of 100ms")), "{error}");
    took
}

/// Row 36: who reads slowly slows the provider down, and nothing piles up in between.
#[tokio::test]
async fn row_36_a_slow_reader_holds_the_provider_back() {
    let events = small_event("0123456789abcdef").repeat(200);
    let endless =
        Reply::event_stream([""; 0]).step(Step::Repeat { bytes: events.into(), every_ms: 0, times: None });
    let upstream = Faultd::start(endless);
    let mut stream = client().stream(OPENAI_STREAM.call(&upstream.url(), json!({})));
    stream.next_batch().await.unwrap().unwrap();
    let mut before = 0;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let written = upstream.requests()[0].written;
        if written == before {
            break;
        }
        before = written;
        assert!(written < 256 << 20, "{written} bytes were taken in and not asked for");
    }
    assert_eq!(upstream.requests()[0].written, before, "the provider still writes");
    // It goes on where it stopped.
    for _ in 0..100 {
        stream.next_batch().await.unwrap().unwrap();
    }
    drop(stream);
    let record = settled(&upstream).await;
    assert!(record.requests[0].closed.is_some());
}

/// Row 24: a stream that says nothing but comments before its text is not held up by them.
#[tokio::test]
async fn row_24_pings_between_the_pieces() {
    let mut events = anthropic::events(PIECES);
    let ping = anthropic::event(&json!({"type": "ping"}));
    for at in (0..events.len()).rev() {
        events.insert(at, ping.clone());
    }
    check(ANTHROPIC_STREAM, "ping", Reply::event_stream(events), json!({}), 1, Expect::Answer).await;
}
