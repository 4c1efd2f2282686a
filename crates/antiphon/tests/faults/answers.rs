//! Answers that say no, and answers that are none: rows 1-6, 14, 15, 20, 47, 50.

use std::io::Write;
use std::time::Duration;

use antiphon::Kind;
use antiphon_testkit::faultd::{Faultd, Reply, Script, anthropic, openai};
use serde_json::{Value, json};

use crate::rig::{
    ANTHROPIC, ANTHROPIC_STREAM, CELLS, Cell, Expect, OPENAI, OPENAI_STREAM, STREAMS, TEXT, Tongue, check,
    client, run, settled,
};

fn no_more() -> Value {
    json!({})
}

fn then_answer(first: Reply, cell: Cell) -> Script {
    Script::new().reply(first).reply(cell.answer())
}

#[tokio::test]
async fn rows_1_2_3_a_wait_that_is_asked_for_is_kept() {
    let later = ("retry-after", "Wed, 21 Oct 2015 07:28:01 GMT");
    let cases: &[(&[(&str, &str)], f64)] = &[
        (&[("retry-after-ms", "20"), ("retry-after", "30")], 20.0),
        (&[("retry-after", "0.02")], 20.0),
        (&[("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "20ms")], 20.0),
        // The server's clock is ten years late.
        (&[later, ("date", "Wed, 21 Oct 2015 07:28:00 GMT")], 1000.0),
        (&[("retry-after", "Wed, 21 Oct 2015 07:27:00 GMT"), ("date", "Wed, 21 Oct 2015 07:28:00 GMT")], 0.0),
    ];
    for cell in CELLS {
        for (headers, wait) in cases {
            if *wait > 100.0 && cell != OPENAI {
                continue;
            }
            let refusal =
                headers.iter().fold(cell.error(429), |reply, (name, value)| reply.header(*name, *value));
            let upstream = Faultd::start(then_answer(refusal, cell));
            let outcome = run(&client(), cell.call(&upstream.url(), no_more())).await;
            assert_eq!(outcome.summary(), (TEXT, None), "{headers:?}");
            let requests = settled(&upstream).await.requests;
            assert_eq!(requests.len(), 2);
            let waited = requests[1].at_ms - requests[0].at_ms;
            assert!((*wait..wait + 5000.0).contains(&waited), "{headers:?}: {waited}");
            assert_eq!(requests[0].header("idempotency-key"), requests[1].header("idempotency-key"));
        }
        let refusal = cell.error(429).header("retry-after", "61");
        let outcome = check(cell, "too long", refusal, no_more(), 1, Expect::Error(Kind::RateLimit)).await;
        assert!(outcome.took < Duration::from_secs(5));
        assert_eq!(outcome.error().wait(), Some(Duration::from_secs(61)));
    }
}

#[tokio::test]
async fn row_3_the_server_says_whether_to_try_again() {
    for cell in CELLS {
        let refusal = then_answer(cell.error(400).header("x-should-retry", "true"), cell);
        check(cell, "true", refusal, no_more(), 2, Expect::Answer).await;
        let refusal = then_answer(cell.error(503).header("x-should-retry", "false"), cell);
        check(cell, "false", refusal, no_more(), 1, Expect::Error(Kind::ServiceUnavailable)).await;
    }
}

#[tokio::test]
async fn row_4_what_waiting_does_not_heal_is_not_waited_for() {
    let spend = json!({"type": "error", "error": {
        "type": "rate_limit_error", "message": "spend limit",
        "details": {"error_code": "enforced_spend_limit_reached"},
    }});
    for cell in CELLS {
        let refusal = match cell.tongue {
            Tongue::OpenAi => openai::error(429, "insufficient_quota", "insufficient_quota", "You exceeded"),
            Tongue::Anthropic => Reply::json(429, spend.clone()),
        };
        let kind = Expect::Error(Kind::QuotaExceeded);
        check(cell, "quota", refusal.clone(), no_more(), 1, kind).await;
        let (first, second) = (Faultd::start(refusal), Faultd::start(cell.answer()));
        let fallback =
            json!({"model": cell.model(), "api_key": "k", "base_url": cell.base_url(&second.url())});
        let outcome = run(&client(), cell.call(&first.url(), json!({"fallbacks": [fallback]}))).await;
        assert_eq!(outcome.summary(), (TEXT, None));
        assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
    }
}

#[tokio::test]
async fn row_5_what_may_heal_is_tried_thrice() {
    let kinds = [
        (408, Kind::Timeout),
        (409, Kind::Conflict),
        (500, Kind::InternalServer),
        (502, Kind::BadGateway),
        (503, Kind::ServiceUnavailable),
        (504, Kind::InternalServer),
        (529, Kind::InternalServer),
    ];
    for cell in CELLS {
        for (status, kind) in kinds {
            let outcome = check(cell, "status", cell.error(status), no_more(), 3, Expect::Error(kind)).await;
            assert_eq!(outcome.error().status_code(), status);
            check(cell, "healed", then_answer(cell.error(status), cell), no_more(), 2, Expect::Answer).await;
        }
    }
    let overloaded = anthropic::error(529, "overloaded_error", "Overloaded");
    check(ANTHROPIC, "529", overloaded, no_more(), 3, Expect::Error(Kind::ServiceUnavailable)).await;
}

#[tokio::test]
async fn row_6_what_is_refused_is_not_asked_again() {
    let kinds = [
        (400, Kind::BadRequest),
        (401, Kind::Authentication),
        (402, Kind::PaymentRequired),
        (403, Kind::PermissionDenied),
        (404, Kind::NotFound),
        (413, Kind::PayloadTooLarge),
        (422, Kind::UnprocessableEntity),
    ];
    for cell in CELLS {
        for (status, kind) in kinds {
            let outcome = check(cell, "status", cell.error(status), no_more(), 1, Expect::Error(kind)).await;
            let error = outcome.error();
            assert_eq!((error.status_code(), error.upstream_request_id()), (status, Some("req_faultd")));
            assert_eq!(format!("{}/{}", error.provider().unwrap(), error.model().unwrap()), cell.model());
        }
    }
}

#[tokio::test]
async fn row_14_what_is_no_answer_is_never_taken_for_one() {
    let page = format!("<html><title>502</title><body>\u{1b}[31m{}</body></html>", "nginx ".repeat(500));
    let bodies =
        ["[]", "\"text\"", "42", "null", "{}", "{\"choices\": \"no\", \"content\": 1}", "{\"choices\": []}"];
    for cell in CELLS {
        let wrong = Expect::Error(Kind::ResponseValidation);
        for body in bodies {
            let outcome = check(cell, body, Reply::json(200, body), no_more(), 1, wrong).await;
            assert!(!outcome.error().message().is_empty());
        }
        check(cell, "empty", Reply::json(200, ""), no_more(), 1, wrong).await;
        let html = Reply::status(200).header("content-type", "text/html; charset=utf-8").body(page.as_str());
        let error = check(cell, "html", html, no_more(), 1, wrong).await.error();
        assert!(error.message().contains("502 [31mnginx"), "{error}");
        assert!(error.message().chars().count() <= 700, "{error}");
        let told = json!({"type": "error", "error": {"type": "api_error", "message": "boom"}});
        let told =
            check(cell, "error", Reply::json(200, told), no_more(), 3, Expect::Error(Kind::InternalServer));
        assert_eq!(told.await.error().message(), "boom");
        let whole = match cell.tongue {
            Tongue::OpenAi => openai::text(TEXT),
            Tongue::Anthropic => anthropic::text(TEXT),
        };
        check(cell, "whole", whole.clone(), no_more(), 1, Expect::Answer).await;
        check(cell, "tail", whole.body("garbage"), no_more(), 1, wrong).await;
    }
    for cell in STREAMS {
        let nothing = Reply::event_stream([""]);
        check(cell, "empty stream", nothing, no_more(), 3, Expect::Error(Kind::StreamInterrupted)).await;
    }
    // Whatever its server calls it, a stream is one, and a body none.
    for (whole, stream) in [(OPENAI, OPENAI_STREAM), (ANTHROPIC, ANTHROPIC_STREAM)] {
        for name in
            ["text/html", "text/plain; charset=utf-8", "text/event-stream", "application/octet-stream"]
        {
            let named = |reply: Reply| Reply { headers: vec![("content-type".into(), name.into())], ..reply };
            check(stream, name, named(whole.answer()), no_more(), 1, Expect::Answer).await;
            check(stream, name, named(stream.answer()), no_more(), 1, Expect::Answer).await;
            let told = named(Reply::json(200, json!({"error": {"message": "boom"}})));
            check(stream, name, told, no_more(), 3, Expect::Error(Kind::InternalServer)).await;
        }
    }
    // A server that streams though it was asked for the whole.
    for (whole, stream) in [(CELLS[0], CELLS[1]), (CELLS[2], CELLS[3])] {
        check(whole, "streamed", stream.answer(), no_more(), 1, Expect::Answer).await;
    }
}

type Encode = fn(&[u8]) -> Vec<u8>;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

/// One uncompressed meta-block, by RFC 7932: legal, and needs no encoder.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len() - 1).unwrap();
    assert!(length < 1 << 16);
    // WBITS 16 (0), ISLAST 0, MNIBBLES 4 (00), MLEN-1 in 16 bits, ISUNCOMPRESSED 1.
    let header = (length << 4) | (1 << 20);
    let mut out = header.to_le_bytes()[..3].to_vec();
    out.extend_from_slice(bytes);
    out.push(3);
    out
}

fn body_of(reply: &Reply) -> Vec<u8> {
    use antiphon_testkit::faultd::Step;
    let bytes = reply.steps.iter().map(|step| match step {
        Step::Send(data) => data.to_vec(),
        other => panic!("{other:?} has no bytes"),
    });
    bytes.collect::<Vec<_>>().concat()
}

fn encoded(cell: Cell, name: &str, bytes: Vec<u8>) -> Reply {
    let kind = if cell.stream { "text/event-stream" } else { "application/json" };
    Reply::status(200).header("content-type", kind).header("content-encoding", name).body(bytes)
}

#[tokio::test]
async fn row_15_compressed_answers() {
    let codes: [(&str, Encode); 3] = [("gzip", gzip), ("zstd", zstd), ("br", brotli)];
    for cell in CELLS {
        let body = body_of(&cell.answer());
        for (name, encode) in codes {
            let good = encode(&body);
            let reply = encoded(cell, name, good.clone());
            let outcome = check(cell, name, reply, no_more(), 1, Expect::Answer).await;
            drop(outcome);
            let wrong = Expect::Error(Kind::ResponseValidation);
            check(cell, name, encoded(cell, name, b"no code at all".to_vec()), no_more(), 1, wrong).await;
            let cut = encoded(cell, name, good[..good.len() / 3].to_vec());
            let upstream = Faultd::start(cut);
            let outcome = run(&client(), cell.call(&upstream.url(), no_more())).await;
            assert!(TEXT.starts_with(&outcome.text), "{name}: {}", outcome.text);
            assert_eq!(outcome.error().kind(), Kind::StreamInterrupted, "{name} {cell:?}");
        }
        let double = encoded(cell, "gzip", gzip(&gzip(&body)));
        let upstream = Faultd::start(double);
        let outcome = run(&client(), cell.call(&upstream.url(), no_more())).await;
        assert_eq!(outcome.text, "");
        assert!(matches!(outcome.error().kind(), Kind::ResponseValidation | Kind::StreamInterrupted));
    }
    let upstream = Faultd::start(OPENAI.answer());
    run(&client(), OPENAI.call(&upstream.url(), no_more())).await.result.unwrap();
    let asked = upstream.requests()[0].header("accept-encoding").unwrap().to_owned();
    assert!(["gzip", "br", "zstd"].into_iter().all(|name| asked.contains(name)), "{asked}");
}

#[tokio::test]
async fn row_15_a_bomb_is_stopped_at_the_cap() {
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
    let megabyte = vec![b' '; 1 << 20];
    for _ in 0..1024 {
        encoder.write_all(&megabyte).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 200 << 10, "{}", bomb.len());
    for cell in CELLS {
        let reply = encoded(cell, "zstd", bomb.clone());
        let wrong = Expect::Error(Kind::ResponseValidation);
        let error = check(cell, "bomb", reply, no_more(), 1, wrong).await.error();
        assert!(error.message().contains("is larger than"), "{error}");
    }
}

#[tokio::test]
async fn row_20_odd_heads() {
    for cell in CELLS {
        let hints = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
        let early = cell.answer().before(format!("HTTP/1.1 100 Continue\r\n\r\n{hints}{hints}"));
        check(cell, "1xx", early, no_more(), 1, Expect::Answer).await;
        let large = cell.answer().header("x-large", "a".repeat(64 << 10));
        check(cell, "64 KiB", large, no_more(), 1, Expect::Answer).await;
        let upstream = Faultd::start(Reply::status(204));
        let error = run(&client(), cell.call(&upstream.url(), no_more())).await.error();
        assert!(matches!(error.kind(), Kind::ResponseValidation | Kind::StreamInterrupted), "{error}");
        let many = (0..500).fold(cell.answer(), |reply, at| reply.header(format!("x-{at}"), "a"));
        let upstream = Faultd::start(many);
        let error = run(&client(), cell.call(&upstream.url(), no_more())).await.error();
        assert_eq!(error.kind(), Kind::Connection, "{error}");
        let upstream = Faultd::start(Reply::raw("SSH-2.0-OpenSSH_9.6\r\n"));
        let error = run(&client(), cell.call(&upstream.url(), no_more())).await.error();
        assert_eq!(error.kind(), Kind::Connection, "{error}");
        for status in [199, 600, 999] {
            let upstream =
                Faultd::start(Reply::raw(format!("HTTP/1.1 {status} Odd\r\ncontent-length: 0\r\n\r\n")));
            run(&client(), cell.call(&upstream.url(), no_more())).await.error();
        }
    }
}

#[tokio::test]
async fn row_47_depth_is_no_overflow() {
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
    for cell in CELLS {
        for body in [
            deep("[", "]"),
            deep("{\"choices\":", "}"),
            format!("{{\"x\":{},\"choices\":[]}}", deep("[", "]")),
        ] {
            let wrong = Expect::Error(Kind::ResponseValidation);
            check(cell, "deep", Reply::json(200, body.clone()), no_more(), 1, wrong).await;
            check(cell, "deep", Reply::json(400, body), no_more(), 1, Expect::Error(Kind::BadRequest)).await;
        }
    }
    for cell in STREAMS {
        let event = format!("data: {{\"x\":{}}}\n\n", deep("[", "]"));
        let reply = Reply::event_stream([event.clone()]);
        check(cell, "deep", reply, no_more(), 1, Expect::Error(Kind::ResponseValidation)).await;
        let error = format!("event: error\n{event}");
        let reply = Reply::event_stream([error]);
        check(cell, "deep error", reply, no_more(), 3, Expect::Error(Kind::InternalServer)).await;
    }
}

#[tokio::test]
async fn row_50_what_steers_a_terminal_is_in_no_error() {
    let odd = "\u{1b}[2J\u{1b}]0;title\u{7}\u{202e}evil\r\nnext\u{0}";
    for cell in CELLS {
        let told = json!({"error": {"message": odd, "type": odd, "code": odd, "param": odd}});
        let html = Reply::status(503).header("content-type", "text/html").body(odd);
        for reply in [Reply::json(400, told.clone()), Reply::json(200, told), html] {
            let upstream = Faultd::start(reply);
            let error = run(&client(), cell.call(&upstream.url(), no_more())).await.error();
            let shown = format!("{} {:?} {:?}", error.message(), error.provider_code(), error.field());
            assert!(!shown.contains(|c: char| c.is_control() || c == '\u{202e}'), "{shown:?}");
        }
    }
}
