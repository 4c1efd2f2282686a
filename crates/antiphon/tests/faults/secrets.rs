//! What is told of a call, and what is not; and a panic inside of one: rows 62, 65.

use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use antiphon::core::Result;
use antiphon::transport::{
    Found, Http, HttpOptions, HttpRequest, HttpResponse, Lookup, SystemLookup, Transport,
};
use antiphon::{Client, Kind};
use antiphon_testkit::faultd::{Faultd, Reply, Script, anthropic, openai};
use futures_util::future::BoxFuture;
use futures_util::stream::StreamExt;
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::rig::{
    CANARY, CELLS, Cell, Expect, OPENAI, STREAMS, TEXT, Tongue, check, client, run, settled, sweep,
    with_transport,
};

/// Keeps whatever anybody tells.
#[derive(Clone, Default)]
struct Listener {
    heard: Arc<Mutex<String>>,
    spans: Arc<AtomicU64>,
}

struct Words<'a>(&'a mut String);

impl Visit for Words<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        writeln!(self.0, "{field}={value:?}").unwrap();
    }
}

impl Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        attributes.record(&mut Words(&mut self.heard.lock().unwrap()));
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Words(&mut self.heard.lock().unwrap()));
    }

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Words(&mut self.heard.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Providers that repeat the key that they were sent, in every place that ends up in an error.
fn parrots(cell: Cell) -> Vec<(Reply, Expect)> {
    let words = format!("no such key: {CANARY}; Bearer {CANARY}");
    let told = |status, kind| {
        let reply = match cell.tongue {
            Tongue::OpenAi => openai::error(status, &words, &words, &words),
            Tongue::Anthropic => anthropic::error(status, &words, &words),
        };
        (reply.header("x-request-id", CANARY).header("request-id", CANARY).times(9), Expect::Error(kind))
    };
    let page = format!("<html><body>{} x-api-key: {CANARY}</body></html>", "a ".repeat(248));
    let page = Reply::status(401).header("content-type", "text/html").body(page);
    let wrong = Reply::json(200, json!({"choices": words, "content": words}));
    let mut parrots = vec![
        told(401, Kind::Authentication),
        told(500, Kind::InternalServer),
        (page, Expect::Error(Kind::Authentication)),
        (wrong, Expect::Error(Kind::ResponseValidation)),
    ];
    if cell.stream {
        let event =
            format!("event: error\ndata: {}\n\n", json!({"error": {"message": words, "code": words}}));
        let late = cell.events()[..cell.events_before_text() + 2].concat() + &event;
        parrots.push((Reply::event_stream([late]), Expect::After("Hello from ", Kind::InternalServer)));
    }
    parrots
}

#[tokio::test]
async fn row_62_a_key_that_is_repeated_is_not_passed_on() {
    let listener = Listener::default();
    let _listening = tracing::subscriber::set_default(listener.clone());
    for cell in CELLS {
        for (reply, expect) in parrots(cell) {
            let requests = if expect == Expect::Error(Kind::InternalServer) { 3 } else { 1 };
            check(cell, "parrot", reply, json!({}), requests, expect).await;
        }
        // A fallback's warning repeats the error.
        let upstream =
            Faultd::start(Script::new().reply(parrots(cell)[0].0.clone().times(1)).forever(cell.answer()));
        let fallback =
            json!({"model": cell.model(), "api_key": CANARY, "base_url": cell.base_url(&upstream.url())});
        let outcome = run(&client(), cell.call(&upstream.url(), json!({"fallbacks": [fallback]}))).await;
        assert_eq!(outcome.summary(), (TEXT, None));
    }
    let heard = listener.heard.lock().unwrap().clone();
    assert!(heard.contains("retrying"), "{heard}");
    sweep(&heard);
}

#[tokio::test]
async fn row_62_nothing_else_shows_a_key() {
    for cell in CELLS {
        let headers =
            json!({"authorization": format!("Bearer {CANARY}"), "x-mine": CANARY, "x-api-key": CANARY});
        let url = format!("http://user:{CANARY}@127.0.0.1:1/v1");
        let client = client();
        let call = cell.call("http://127.0.0.1:1", json!({"extra_headers": headers, "dry_run": true}));
        sweep(&format!("{call:?} {client:?}"));
        let explanation = client.explain(call).unwrap();
        sweep(&format!("{explanation:?} {}", explanation.to_json()));
        assert!(explanation.to_json().to_string().contains("****"));
        let error = client.complete(cell.call("", json!({"base_url": url}))).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (Kind::InvalidRequest, Some("base_url")));
        sweep(&format!("{error} {error:?}"));
        let nowhere = format!("{}?key={CANARY}", cell.base_url("http://127.0.0.1:1"));
        let error =
            client.complete(cell.call("", json!({"base_url": nowhere, "max_retries": 0}))).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Connection, "{error}");
        sweep(&format!("{error} {error:?} {:?}", error.tried()));
    }
}

#[tokio::test]
async fn row_62_what_a_call_tells_has_the_conventions_names_and_no_content() {
    for cell in CELLS {
        let listener = Listener::default();
        let listening = tracing::subscriber::set_default(listener.clone());
        let upstream = Faultd::start(Script::new().reply(cell.answer()).forever(cell.error(401)));
        let extra =
            json!({"messages": "a prompt of mine", "temperature": 0.5, "max_tokens": 7, "top_p": 0.9});
        assert_eq!(run(&client(), cell.call(&upstream.url(), extra.clone())).await.summary(), (TEXT, None));
        run(&client(), cell.call(&upstream.url(), extra)).await.error();
        drop(listening);
        let heard = listener.heard.lock().unwrap().clone();
        sweep(&heard);
        assert!(!heard.contains("prompt of mine") && !heard.contains("upstream."), "{heard}");
        let model = cell.model();
        let provider = model.split('/').next().unwrap();
        let tokens = if cell.stream { 4 } else { 2 };
        for line in [
            format!("otel.name=\"chat {model}\""),
            "otel.kind=\"client\"".into(),
            "gen_ai.operation.name=\"chat\"".into(),
            format!("gen_ai.request.model=\"{model}\""),
            format!("gen_ai.request.stream={}", cell.stream),
            "gen_ai.request.max_tokens=7".into(),
            "gen_ai.request.temperature=0.5".into(),
            "gen_ai.request.top_p=0.9".into(),
            format!("gen_ai.provider.name=\"{provider}\""),
            "gen_ai.response.model=\"faultd\"".into(),
            "gen_ai.response.id=".into(),
            "gen_ai.response.finish_reasons=\"stop\"".into(),
            "gen_ai.usage.input_tokens=9".into(),
            format!("gen_ai.usage.output_tokens={tokens}"),
            "error.type=\"AuthenticationError\"".into(),
            "otel.status_code=\"ERROR\"".into(),
        ] {
            assert!(heard.contains(&line), "{line} is not in\n{heard}");
        }
    }
}

/// A transport that panics the first times: when it is asked, when it is polled, in the body.
struct Panicking {
    calls: AtomicUsize,
    http: Http,
}

impl Transport for Panicking {
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
        let sent = self.http.send(request);
        match self.calls.fetch_add(1, Ordering::Relaxed) {
            0 => panic!("asked"),
            1 => Box::pin(async { panic!("polled") }),
            2 => Box::pin(async {
                let response = sent.await?;
                Ok(HttpResponse {
                    body: futures_util::stream::poll_fn(|_| panic!("read")).boxed(),
                    ..response
                })
            }),
            _ => sent,
        }
    }
}

async fn panics(client: &Client, cell: Cell, url: &str) {
    let (client, call) = (client.clone(), cell.call(url, json!({})));
    let panicked = tokio::spawn(async move { client.complete(call).await.map(drop) }).await;
    assert!(panicked.unwrap_err().is_panic());
}

#[tokio::test]
async fn row_65_a_panic_in_the_transport_is_that_calls_alone() {
    for cell in CELLS {
        let upstream = Faultd::start(cell.answer());
        let http = Http::new(HttpOptions::default());
        let client = with_transport(Panicking { calls: AtomicUsize::new(0), http });
        for _ in 0..3 {
            panics(&client, cell, &upstream.url()).await;
        }
        for _ in 0..2 {
            assert_eq!(run(&client, cell.call(&upstream.url(), json!({}))).await.summary(), (TEXT, None));
        }
        settled(&upstream).await;
    }
}

/// Panics the first time.
struct PanickingLookup(AtomicUsize);

impl Lookup for PanickingLookup {
    fn lookup(&self, host: &str) -> Found {
        match self.0.fetch_add(1, Ordering::Relaxed) {
            0 => panic!("asked"),
            1 => Box::pin(async { panic!("polled") }),
            _ => SystemLookup.lookup(host),
        }
    }
}

#[tokio::test]
async fn row_65_a_panic_in_the_look_up_is_that_calls_alone() {
    for cell in CELLS {
        let upstream = Faultd::start(cell.answer());
        let url = upstream.url().replace("127.0.0.1", "localhost");
        let http = Http::with_lookup(HttpOptions::default(), Arc::new(PanickingLookup(AtomicUsize::new(0))));
        let client = with_transport(http);
        for _ in 0..2 {
            panics(&client, cell, &url).await;
        }
        assert_eq!(run(&client, cell.call(&url, json!({}))).await.summary(), (TEXT, None));
    }
}

#[tokio::test]
async fn row_65_a_panic_is_not_shared() {
    let upstream = Faultd::start(OPENAI.answer().after(20));
    for at in 0..3 {
        let http = Http::new(HttpOptions::default());
        let client = with_transport(Panicking { calls: AtomicUsize::new(at), http });
        let ask = || {
            let (client, call) =
                (client.clone(), OPENAI.call(&upstream.url(), json!({"cache_enabled": true})));
            tokio::spawn(async move { client.complete(call).await })
        };
        let all = futures_util::future::join_all((0..4).map(|_| ask())).await;
        let all: Vec<_> =
            all.into_iter().map(|joined| joined.expect("a shared call does not unwind")).collect();
        let failed = all.iter().filter_map(|result| result.as_ref().err());
        assert!(failed.clone().all(|error| error.kind() == Kind::Internal));
        assert_eq!(failed.count(), 3 - at, "each panic is one caller's");
        let answered = tokio::time::timeout(Duration::from_secs(5), ask()).await.unwrap().unwrap();
        assert_eq!(answered.unwrap().text(), TEXT);
    }
}

/// Row 62 for answers: the text of a stream is its own, and nobody's key is in what surrounds it.
#[tokio::test]
async fn row_62_a_partial_answer_shows_no_key() {
    for cell in STREAMS {
        let events = cell.events()[..cell.events_before_text() + 2].concat();
        let reply = Reply::event_stream([events])
            .cut_after_bytes(1 << 20)
            .close()
            .framing(antiphon_testkit::faultd::Framing::None);
        let upstream = Faultd::start(reply.header("x-echo", CANARY).header("x-request-id", "req"));
        let outcome = run(&client(), cell.call(&upstream.url(), json!({}))).await;
        assert_eq!(outcome.summary(), ("Hello from ", Some(Kind::StreamInterrupted)));
        let error = outcome.error();
        assert_eq!(error.upstream_request_id(), Some("req"));
        sweep(&format!("{:?}", error.partial_response()));
    }
}
