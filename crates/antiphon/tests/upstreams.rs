//! Several servers behind one name, on real sockets.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use antiphon::config::Config;
use antiphon::keys::KeyStore;
use antiphon::{Call, Client, Error, Kind, Map, Response, ServerStatus};
use antiphon_testkit::faultd::{Auto, Cut, Faultd, Reply, Script, Step, openai, refused_port};
use futures_util::StreamExt;
use futures_util::future::join_all;
use serde_json::{Value, json};

/// The bound on anything that does not wait by design.
const SOON: Duration = Duration::from_secs(20);

fn client(config: &str) -> Client {
    let config = Config::parse(Path::new("config.toml"), config).unwrap();
    Client::with_config(config, KeyStore::new(Path::new("/nonexistent"))).unwrap()
}

/// The table of an upstream `m`: its own lines, then a server for each, with an address and further lines.
fn table<'a>(own: &str, servers: impl IntoIterator<Item = (&'a str, u16, &'a str)>) -> String {
    let mut text = format!("[upstreams.m]\n{own}\n");
    for (name, port, more) in servers {
        text += &format!(
            "[[upstreams.m.servers]]\nmodel = \"vllm/llama\"\nname = \"{name}\"\n\
             base_url = \"http://127.0.0.1:{port}/v1\"\n{more}\n"
        );
    }
    text
}

fn call(more: Value) -> Call {
    let mut map = Map::new();
    map.insert("model".into(), "m".into());
    map.insert("messages".into(), "hi".into());
    map.insert("timeout".into(), 20.into());
    map.insert("retry_delay".into(), 0.001.into());
    let Value::Object(more) = more else { panic!("fields of a call are an object") };
    map.extend(more);
    Call::from_json(map).unwrap()
}

async fn ask(client: &Client, more: Value) -> Result<Response, Error> {
    tokio::time::timeout(SOON, client.complete(call(more))).await.expect("a call ends in time")
}

fn hello() -> Reply {
    Reply::auto(Auto::text("hello"))
}

/// An upstream whose answers say its name.
fn saying(name: &str) -> Faultd {
    Faultd::start(Reply::auto(Auto::text(name)))
}

fn chats(upstream: &Faultd) -> usize {
    upstream.requests().iter().filter(|request| request.method == "POST").count()
}

fn status(client: &Client) -> (u32, Vec<ServerStatus>) {
    let status = client.upstream_status().remove(0);
    (status.waiting, status.servers)
}

/// Waits until something holds.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(SOON, wait).await.is_ok(), "{what}");
}

#[tokio::test]
async fn shares_follow_the_weights() {
    let (one, two, three) = (saying("one"), saying("two"), saying("three"));
    let servers =
        [("one", one.port(), "weight = 3"), ("two", two.port(), "weight = 2"), ("three", three.port(), "")];
    let client = client(&table("", servers));
    for _ in 0..60 {
        ask(&client, json!({})).await.unwrap();
    }
    assert_eq!([chats(&one), chats(&two), chats(&three)], [30, 20, 10]);
    let (_, servers) = status(&client);
    assert!(servers.iter().all(|server| server.in_flight == 0 && server.failures == 0 && server.up));
    assert_eq!(servers.iter().map(|server| server.requests).collect::<Vec<_>>(), [30, 20, 10]);
}

#[tokio::test]
async fn whoever_has_the_least_under_way_is_asked() {
    let begun = || {
        let events = openai::events(&["a", "b"]);
        Reply::event_stream(events[..2].to_vec()).step(Step::Hang)
    };
    let (one, two) = (Faultd::start(begun()), Faultd::start(begun()));
    let client = client(&table("", [("one", one.port(), "weight = 2"), ("two", two.port(), "")]));
    let mut streams = Vec::new();
    for _ in 0..9 {
        let mut stream = client.stream(call(json!({"stream": true})));
        stream.next().await.unwrap().unwrap();
        streams.push(stream);
    }
    assert_eq!([chats(&one), chats(&two)], [6, 3]);
    assert_eq!(status(&client).1.iter().map(|server| server.in_flight).collect::<Vec<_>>(), [6, 3]);
    drop(streams);
    assert!(status(&client).1.iter().all(|server| server.in_flight == 0));
}

#[tokio::test]
async fn another_server_answers_where_one_fails_before_its_first_content() {
    let events = openai::events(&["hello"]);
    let faults = [
        ("refuses", Script::new().then_refuse()),
        ("503", openai::error(503, "", "", "loading").into()),
        ("429", openai::error(429, "", "", "slow down").header("retry-after", "60").into()),
        ("500", openai::error(500, "", "", "no").into()),
        ("401", openai::error(401, "", "", "no").into()),
        ("404", openai::error(404, "", "", "the model `llama` does not exist").into()),
        ("no JSON", Reply::status(200).header("content-type", "text/html").body("<html>").into()),
        ("reset", Reply::cut(Cut::Rst).into()),
        ("cut before content", Reply::event_stream(events[..1].to_vec()).step(Step::Cut(Cut::Fin)).into()),
    ];
    for (name, script) in faults {
        for stream in [false, true] {
            let (bad, good) = (Faultd::start(script.clone()), Faultd::start(hello()));
            bad.listen(name != "refuses");
            let client = client(&table("", [("bad", bad.port(), "weight = 9"), ("good", good.port(), "")]));
            let response = if stream {
                let mut stream = client.stream(call(json!({"stream": true, "max_retries": 0})));
                while let Some(chunk) = stream.next().await {
                    chunk.unwrap_or_else(|error| panic!("{name}: {error}"));
                }
                stream.response()
            } else {
                ask(&client, json!({"max_retries": 0}))
                    .await
                    .unwrap_or_else(|error| panic!("{name}: {error}"))
            };
            assert_eq!(response.text(), "hello", "{name}");
            assert!(response.warnings.is_empty(), "{name}: {:?}", response.warnings);
            assert_eq!((chats(&bad) <= 1, chats(&good)), (true, 1), "{name}");
            assert_eq!(status(&client).1[0].failures, 1, "{name}");
        }
    }
}

#[tokio::test]
async fn what_is_the_requests_fault_is_not_asked_twice() {
    let bad = Faultd::start(openai::error(400, "invalid_request_error", "", "no such role"));
    let good = Faultd::start(hello());
    let client = client(&table("", [("bad", bad.port(), "weight = 9"), ("good", good.port(), "")]));
    let error = ask(&client, json!({})).await.unwrap_err();
    assert_eq!((error.kind(), chats(&bad), chats(&good)), (Kind::BadRequest, 1, 0));
    let server = &status(&client).1[0];
    assert!(server.up && server.failures == 0);
}

#[tokio::test]
async fn nothing_is_repeated_once_content_was_seen() {
    let events = openai::events(&["hel", "lo"]);
    let cut = Reply::event_stream(events[..2].to_vec()).step(Step::Sleep(20)).step(Step::Cut(Cut::Fin));
    let (bad, good) = (Faultd::start(cut), Faultd::start(hello()));
    let client = client(&table("", [("bad", bad.port(), "weight = 9"), ("good", good.port(), "")]));
    let mut stream = client.stream(call(json!({"stream": true})));
    let mut text = String::new();
    let error = loop {
        match stream.next().await.unwrap() {
            Ok(chunk) => text.push_str(chunk.text()),
            Err(error) => break error,
        }
    };
    assert_eq!((text.as_str(), error.kind()), ("hel", Kind::StreamInterrupted));
    assert!(error.tried()[0].message.starts_with("bad: "), "{:?}", error.tried());
    assert_eq!((chats(&bad), chats(&good)), (1, 0));
    drop(stream);
    let server = &status(&client).1[0];
    assert_eq!((server.in_flight, server.failures), (0, 1));
}

#[tokio::test]
async fn a_server_is_not_asked_while_it_says_so() {
    let busy = openai::error(429, "", "", "slow down").header("retry-after", "60");
    let (one, two) = (Faultd::start(busy), Faultd::start(hello()));
    let client = client(&table("", [("one", one.port(), "weight = 9"), ("two", two.port(), "")]));
    for _ in 0..20 {
        ask(&client, json!({})).await.unwrap();
    }
    assert_eq!((chats(&one), chats(&two)), (1, 20));
    assert!(!status(&client).1[0].up);
}

#[tokio::test]
async fn a_server_that_failed_comes_back() {
    let script = |reply: Reply| Script::new().reply(reply.times(3)).forever(hello());
    for reply in [openai::error(503, "", "", "loading"), openai::error(500, "", "", "no")] {
        let (one, two) = (Faultd::start(script(reply)), Faultd::start(hello()));
        let client = client(&table("", [("one", one.port(), "weight = 9"), ("two", two.port(), "")]));
        let back = async {
            while chats(&one) < 5 {
                assert_eq!(ask(&client, json!({})).await.unwrap().text(), "hello");
            }
        };
        tokio::time::timeout(SOON, back).await.expect("it is asked again");
        let (server, others) = (status(&client).1.remove(0), chats(&two));
        assert!(server.up && server.failures == 3, "{server:?}");
        assert!(others > 3, "while it was out the other one answered, {others}");
    }
}

#[tokio::test]
async fn a_session_stays_on_its_server_and_moves_when_that_is_gone() {
    let names = ["one", "two", "three"];
    let servers: Vec<Faultd> = names.iter().map(|name| saying(name)).collect();
    for affinity in ["prefix", "user"] {
        let own = format!("affinity = \"{affinity}\"");
        let rows = names.iter().zip(&servers).map(|(name, server)| (*name, server.port(), ""));
        let client = client(&table(&own, rows));
        let turn = |session: usize, turn: usize| {
            let begun = json!({"role": "user", "content": format!("conversation {session}")});
            let mut messages = vec![begun; 1];
            messages.extend((0..turn).map(|turn| json!({"role": "user", "content": format!("turn {turn}")})));
            if affinity == "user" {
                messages.remove(0);
                messages.push(json!({"role": "user", "content": "anything"}));
            }
            json!({"messages": messages, "user": format!("user {session}")})
        };
        let mut homes: BTreeMap<usize, String> = BTreeMap::new();
        for session in 0..24 {
            for at in 0..3 {
                let home = ask(&client, turn(session, at)).await.unwrap().text().to_owned();
                assert_eq!(
                    *homes.entry(session).or_insert_with(|| home.clone()),
                    home,
                    "{affinity} {session}"
                );
            }
        }
        let counts: Vec<usize> =
            names.iter().map(|name| homes.values().filter(|home| home == name).count()).collect();
        assert!(counts.iter().all(|count| *count > 0), "{affinity}: {counts:?}");
        servers[0].script(Script::from(openai::error(503, "", "", "gone").header("retry-after", "60")));
        for (session, home) in &homes {
            let now = ask(&client, turn(*session, 3)).await.unwrap().text().to_owned();
            assert_ne!(now, "one");
            assert!(home == "one" || now == *home, "{affinity}: only those of the lost server move");
            assert_eq!(ask(&client, turn(*session, 4)).await.unwrap().text(), now);
        }
        servers[0].script(Reply::auto(Auto::text("one")));
    }
}

#[tokio::test]
async fn a_session_leaves_a_server_that_has_too_much_to_do() {
    let events = openai::events(&["a", "b"]);
    let begun = || Reply::event_stream(events[..2].to_vec()).step(Step::Hang);
    let (one, two) = (Faultd::start(begun()), Faultd::start(begun()));
    let client = client(&table("affinity = \"prefix\"", [("one", one.port(), ""), ("two", two.port(), "")]));
    let mut streams = Vec::new();
    for _ in 0..30 {
        let mut stream = client.stream(call(json!({"stream": true})));
        stream.next().await.unwrap().unwrap();
        streams.push(stream);
    }
    let (most, least) = (chats(&one).max(chats(&two)), chats(&one).min(chats(&two)));
    assert!(most > 15 && least >= 5, "its home has more of them, and not all: {most}, {least}");
}

#[tokio::test]
async fn a_request_waits_for_a_server_that_wakes_up() {
    for health in ["", "health = \"/health\"\n"] {
        let script = Script::new().forever(Reply::status(200).on_path("/health")).forever(hello());
        let sleeping = Faultd::start(script);
        sleeping.listen(false);
        let client = client(&table(&format!("{health}wait_seconds = 15"), [("s", sleeping.port(), "")]));
        let calls = join_all((0..20).map(|_| ask(&client, json!({}))));
        let wake = async {
            until("all wait", || status(&client).0 == 20).await;
            // Long enough for it to be tried in vain.
            tokio::time::sleep(Duration::from_millis(700)).await;
            sleeping.listen(true);
        };
        let (answers, ()) = tokio::join!(calls, wake);
        assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|answer| answer.text() == "hello")));
        assert_eq!((status(&client).0, chats(&sleeping)), (0, 20), "each is asked once");
    }
}

/// All that are out are looked at, and not the first alone.
#[tokio::test]
async fn whichever_server_wakes_up_answers() {
    let script = Script::new().forever(Reply::status(200).on_path("/health")).forever(hello());
    let (one, two) = (Faultd::start(script.clone()), Faultd::start(script));
    one.listen(false);
    two.listen(false);
    let own = "health = \"/health\"\nwait_seconds = 15";
    let client = client(&table(own, [("one", one.port(), ""), ("two", two.port(), "")]));
    let wake = async {
        until("it waits", || status(&client).0 == 1).await;
        two.listen(true);
    };
    let (answer, ()) = tokio::join!(ask(&client, json!({})), wake);
    assert_eq!(answer.unwrap().text(), "hello");
    let targets: Vec<String> = two.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(targets, ["/health", "/v1/chat/completions"]);
}

#[tokio::test]
async fn a_request_waits_while_a_server_loads_its_model() {
    let script = Script::new().reply(openai::error(503, "", "", "loading").times(2)).forever(hello());
    let server = Faultd::start(script);
    let client = client(&table("wait_seconds = 15", [("s", server.port(), "")]));
    assert_eq!(ask(&client, json!({"max_retries": 0})).await.unwrap().text(), "hello");
    assert_eq!(chats(&server), 3);
}

#[tokio::test]
async fn no_more_wait_than_the_queue_holds() {
    let sleeping = Faultd::start(hello());
    sleeping.listen(false);
    let client = client(&table("wait_seconds = 15\nqueue = 2", [("s", sleeping.port(), "")]));
    let waiting = join_all((0..2).map(|_| ask(&client, json!({}))));
    let refused = async {
        until("two wait", || status(&client).0 == 2).await;
        let error = ask(&client, json!({})).await.unwrap_err();
        assert_eq!(error.kind(), Kind::RateLimit);
        assert!(error.wait().is_some_and(|wait| !wait.is_zero()));
        assert!(error.message().contains("2 requests wait for one already"), "{error}");
        sleeping.listen(true);
    };
    let (answers, ()) = tokio::join!(waiting, refused);
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

#[tokio::test]
async fn the_end_of_waiting_names_every_server() {
    let (gone, loading) = (refused_port(), Faultd::start(openai::error(503, "", "", "loading")));
    let servers = [("gone", gone.port(), ""), ("loading", loading.port(), "")];
    for (own, expected) in [
        (
            "wait_seconds = 1",
            "no server of \"m\" was ready within 1 s: gone (no connection), loading (status 503)",
        ),
        ("", "no server of \"m\" answered: gone (no connection), loading (status 503)"),
    ] {
        let client = client(&table(own, servers));
        let error = ask(&client, json!({"max_retries": 1})).await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (Kind::ServiceUnavailable, expected));
        assert!(error.wait().is_some());
        assert_eq!(status(&client).0, 0);
        let tried: Vec<&str> = error.tried().iter().map(|attempt| attempt.message.as_str()).collect();
        assert!(tried.iter().any(|tried| tried.starts_with("gone: cannot connect")), "{tried:?}");
        assert!(tried.iter().any(|tried| tried.starts_with("loading: ")), "{tried:?}");
    }
}

#[tokio::test]
async fn a_call_without_a_wait_finds_out_whether_all_are_still_gone() {
    let server =
        Faultd::start(Script::new().reply(openai::error(503, "", "", "no").times(1)).forever(hello()));
    let client = client(&table("", [("s", server.port(), "")]));
    let error = ask(&client, json!({"max_retries": 0})).await.unwrap_err();
    assert_eq!(error.kind(), Kind::ServiceUnavailable);
    assert_eq!(ask(&client, json!({"max_retries": 0})).await.unwrap().text(), "hello");
}

#[tokio::test]
async fn the_last_resort_answers_when_no_other_does_and_says_so() {
    let (one, last) = (Faultd::start(hello()), saying("last"));
    let servers = [("one", one.port(), ""), ("last", last.port(), "weight = 0")];
    let client = client(&table("wait_seconds = 15", servers));
    assert_eq!(ask(&client, json!({})).await.unwrap().text(), "hello");
    one.listen(false);
    one.script(openai::error(503, "", "", "no"));
    let response = ask(&client, json!({})).await.unwrap();
    assert_eq!((response.text(), response.meta.fallback_for.as_deref()), ("last", Some("m")));
    assert_eq!(response.warnings, ["no other server of m is ready, and last was asked"]);
}

#[tokio::test]
async fn the_health_path_puts_a_server_out_and_brings_it_back() {
    let well = Script::new().forever(Reply::status(200).on_path("/health")).forever(hello());
    let ill = Script::new().forever(Reply::status(503).on_path("/health")).forever(hello());
    let (one, two) = (Faultd::start(well.clone()), Faultd::start(well.clone()));
    let client = client(&table("health = \"/health\"", [("one", one.port(), ""), ("two", two.port(), "")]));
    let up = || status(&client).1.iter().map(|server| server.up).collect::<Vec<_>>();
    client.check_upstreams().await;
    one.script(ill);
    client.check_upstreams().await;
    assert_eq!(up(), [true, true], "once is not enough");
    client.check_upstreams().await;
    assert_eq!(up(), [false, true]);
    for _ in 0..4 {
        ask(&client, json!({})).await.unwrap();
    }
    assert_eq!((chats(&one), chats(&two)), (0, 4));
    one.script(well);
    client.check_upstreams().await;
    assert_eq!(up(), [true, true]);
    let request = &two.requests()[0];
    assert_eq!((request.target.as_str(), request.header("authorization")), ("/health", None));
}

#[tokio::test]
async fn every_server_has_its_own_model_and_key() {
    let (one, two) = (Faultd::start(hello()), Faultd::start(hello()));
    let config = format!(
        "[aliases]\nfast = \"m\"\n{}[[upstreams.m.servers]]\nmodel = \"mistral-small\"\napi_key = \"key-of-two\"\n\
         base_url = \"{}/v1\"\n",
        table("", [("one", one.port(), "api_key = \"key-of-one\"")]),
        two.url()
    );
    let client = client(&config);
    for _ in 0..2 {
        ask(&client, json!({"model": "fast"})).await.unwrap();
    }
    for (server, model, key) in [(&one, "llama", "key-of-one"), (&two, "mistral-small", "key-of-two")] {
        let request = server.requests().remove(0);
        assert_eq!(request.json()["model"], model);
        assert_eq!(request.header("authorization"), Some(format!("Bearer {key}").as_str()));
    }
    for option in ["base_url", "api_key"] {
        let error = ask(&client, json!({option: "http://127.0.0.1:1"})).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (Kind::InvalidRequest, Some(option)));
    }
    let explained = client.explain(call(json!({}))).unwrap();
    assert_eq!(explained.request.unwrap().url, format!("{}/v1/chat/completions", one.url()));
    assert!(explained.warnings[0].contains("one of one, mistral-small"), "{:?}", explained.warnings);
}

#[tokio::test]
async fn fallbacks_come_after_all_servers() {
    let gone = refused_port();
    let other = saying("other");
    let config = format!(
        "{}[providers.up]\nbase_url = \"{}/v1\"\n",
        table("", [("gone", gone.port(), ""), ("gone too", gone.port(), "")]),
        other.url()
    );
    let client = client(&config);
    let response = ask(&client, json!({"fallbacks": ["up/x"], "max_retries": 0})).await.unwrap();
    assert_eq!((response.text(), response.meta.fallback_for.as_deref()), ("other", Some("m")));
    assert!(response.warnings[0].contains("gone (no connection), gone too (no connection)"));
}
