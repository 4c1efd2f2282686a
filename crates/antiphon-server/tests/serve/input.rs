//! Bad input: answered or cut within limits, in OpenAI's words, the others unharmed.

use std::time::Duration;

use antiphon_testkit::faultd::{Auto, Faultd, Reply};
use tokio::io::AsyncWriteExt;

use crate::rig::{Answer, Running, chat, config, read_to_end, request, serve};

async fn server() -> (Faultd, Running) {
    let upstream = Faultd::start(Reply::auto(Auto::text("hello")));
    let server = serve(&config(&upstream, "[serve]\nmax_body_mib = 1\n")).await;
    (upstream, server)
}

/// Nothing went upstream, and the server answers as before.
async fn unharmed(upstream: &Faultd, server: &Running) {
    assert!(upstream.requests().is_empty(), "{:?}", upstream.requests());
    assert_eq!(server.ask(&chat("up/m", "")).await.status, 200);
    upstream.clear();
}

#[tokio::test]
async fn bodies_that_are_no_request() {
    let (upstream, server) = server().await;
    let deep = chat("up/m", &format!(", \"x\": {}", "[".repeat(100_000)));
    let balanced = chat("up/m", &format!(", \"x\": {}{}", "[".repeat(100_000), "]".repeat(100_000)));
    for (body, words) in [
        ("", "EOF"),
        ("[]", "a JSON object"),
        ("{\"model\": \"up/m\"}", "messages: is required"),
        ("{\"messages\": \"hi\"}", "model: is required"),
        ("{\"model\": 5, \"messages\": \"hi\"}", "model"),
        ("{\"model\": \"a\", \"messages\": \"hi\", \"model\": \"up/m\"}", "\"model\" is given twice"),
        (deep.as_str(), "recursion limit"),
        (balanced.as_str(), "recursion limit"),
        (&chat("up/m", ", \"temperature\": 1e999"), "out of range"),
        (&chat("up/m", ", \"temperature\": \"hot\""), "temperature"),
    ] {
        server.ask(body).await.check(400, words);
    }
    let bytes = [b"{\"model\": \"up/m\", \"messages\": \"".as_slice(), b"\xff\xfe", b"\"}"].concat();
    server.send(&request("POST", "/v1/chat/completions", &[], &bytes)).await.check(400, "the body");
    unharmed(&upstream, &server).await;
}

#[tokio::test]
async fn what_is_the_servers_to_set_is_refused() {
    let (upstream, server) = server().await;
    for name in [
        "api_key",
        "base_url",
        "api_base",
        "timeout",
        "max_retries",
        "fallbacks",
        "extra_headers",
        "headers",
        "cache_path",
        "cache_enabled",
        "mock_response",
        "gpu_layers",
        "threads",
        "context",
        "draft",
        "dry_run",
        "extra_body",
        "drop_params",
    ] {
        let answer = server.ask(&chat("up/m", &format!(", \"{name}\": \"x\""))).await;
        answer.check(400, name);
        assert_eq!(answer.json()["error"]["param"], name);
    }
    unharmed(&upstream, &server).await;
}

#[tokio::test]
async fn models_that_are_not_there() {
    let (upstream, server) = server().await;
    for model in [
        "nobody",
        "nobody/m",
        "local/nobody",
        "local/../chorister",
        "local//etc/passwd",
        "local/a.gguf",
        "local/~/a.gguf",
        "local/..",
        "up/",
        "/",
        "../x",
    ] {
        let answer = server.ask(&chat(model, "")).await;
        assert!(matches!(answer.status, 400 | 404), "{model}: {}", answer.text());
        let message = answer.message();
        assert!(message.contains("model"), "{model}: {message}");
        assert!(!message.contains(".gguf into"), "{message}");
    }
    unharmed(&upstream, &server).await;
}

#[tokio::test]
async fn a_body_that_is_too_large() {
    let (upstream, server) = server().await;
    let large = vec![b' '; (1 << 20) + 1];
    server.send(&request("POST", "/v1/chat/completions", &[], &large)).await.check(413, "1 MiB");
    // Chunked, so that nothing says beforehand how large it is.
    let head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = format!("{:x}\r\n{}\r\n", 1 << 16, " ".repeat(1 << 16)).repeat(17) + "0\r\n\r\n";
    server.send(&[head.as_slice(), chunk.as_bytes()].concat()).await.check(413, "1 MiB");
    // Who asks first gets the answer without sending anything.
    let expect = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 99999999\r\n\r\n";
    let mut stream = server.connect().await;
    stream.write_all(expect).await.unwrap();
    Answer::parse(&read_to_end(&mut stream).await).check(413, "1 MiB");
    unharmed(&upstream, &server).await;
}

#[tokio::test]
async fn half_a_request_harms_nobody() {
    let (upstream, server) = server().await;
    let whole = request("POST", "/v1/chat/completions", &[], chat("up/m", "").as_bytes());
    for cut in [1, 20, whole.len() - 30, whole.len() - 1] {
        let mut stream = server.connect().await;
        stream.write_all(&whole[..cut]).await.unwrap();
        stream.shutdown().await.unwrap();
        // Closed, or told so; never an answer of a model.
        let answer = Answer::parse(&read_to_end(&mut stream).await);
        assert!(matches!(answer.status, 0 | 400 | 408), "{cut}: {answer:?}");
    }
    unharmed(&upstream, &server).await;
}

#[tokio::test]
async fn a_slow_client_is_waited_for() {
    let (upstream, server) = server().await;
    let whole = request("POST", "/v1/chat/completions", &[], chat("up/m", "").as_bytes());
    let mut stream = server.connect().await;
    for piece in whole.chunks(40) {
        stream.write_all(piece).await.unwrap();
        stream.flush().await.unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(Answer::parse(&read_to_end(&mut stream).await).status, 200);
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn smuggled_requests() {
    let (upstream, server) = server().await;
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n";
    let inner = "GET /smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for bad in [
        format!("{head}content-length: 5\r\ncontent-length: 6\r\n\r\nhello{inner}"),
        format!("{head}content-length: 5\r\ncontent-length: 7\r\n\r\nhello{inner}"),
        format!("{head}content-length: +5\r\n\r\nhello{inner}"),
        format!("{head}content-length: 5, 5\r\n\r\nhello{inner}"),
        format!("{head}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n{inner}"),
        format!("{head}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n{inner}"),
        format!("{head}transfer-encoding : chunked\r\n\r\n0\r\n\r\n{inner}"),
        format!("{head}x: a\r\n folded\r\ncontent-length: 0\r\n\r\n"),
        format!("{head}x\0y: 1\r\ncontent-length: 0\r\n\r\n"),
        "GET / HTTP/1.1\r\nhost: a\r\nhost: b@c\r\nx: \x01\r\n\r\n".to_owned(),
        "GET /v1/models HTTP/9.9\r\n\r\n".to_owned(),
        "\x16\x03\x01\x02\x00\x01\x00\x01\x7c\x03\x03".to_owned(),
    ] {
        let text = String::from_utf8_lossy(&server.send(bad.as_bytes()).await.body).into_owned();
        assert!(!text.contains("/smuggled"), "{bad:?}: {text}");
        let answer = server.send(bad.as_bytes()).await;
        assert!(matches!(answer.status, 0 | 400 | 501), "{bad:?}: {answer:?}");
    }
    // With both lengths, the chunks count, and nothing after them on this connection does.
    let both = format!("{head}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{inner}");
    let answer = server.send(both.as_bytes()).await;
    assert!(answer.status == 400 && !answer.text().contains("smuggled"), "{answer:?}");
    unharmed(&upstream, &server).await;
}

#[tokio::test]
async fn a_head_that_is_too_large() {
    let (upstream, server) = server().await;
    let long = "a".repeat(128 << 10);
    assert_eq!(server.get("/v1/models", &[("x-long", &long)]).await.status, 431);
    let many: Vec<(String, String)> = (0..200).map(|n| (format!("x-{n}"), "a".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(server.get("/v1/models", &many).await.status, 431);
    unharmed(&upstream, &server).await;
}
