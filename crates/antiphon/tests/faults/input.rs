//! What callers give: rows 46, 48, 49, 51-53.

use std::time::{Duration, Instant};

use antiphon::{Call, Kind, Map};
use antiphon_testkit::faultd::{Faultd, refused_port};
use serde_json::{Value, json};

use crate::rig::{CANARY, CELLS, Cell, OPENAI, TEXT, Tongue, client, run, settled};

/// The text of the last message that an upstream received.
fn last_text(cell: Cell, body: &Value) -> String {
    let content = &body["messages"].as_array().unwrap().last().unwrap()["content"];
    match cell.tongue {
        Tongue::OpenAi => content.as_str().unwrap().to_owned(),
        Tongue::Anthropic => content.as_str().or(content[0]["text"].as_str()).unwrap().to_owned(),
    }
}

#[tokio::test]
async fn row_46_ten_megabytes_arrive() {
    for cell in CELLS {
        let upstream = Faultd::start(cell.answer());
        let prompt = "0123456789 \"quoted\" é\n".repeat(450_000);
        let outcome = run(&client(), cell.call(&upstream.url(), json!({"messages": prompt}))).await;
        assert_eq!(outcome.summary(), (TEXT, None), "{:?}", outcome.result);
        assert!(outcome.took < Duration::from_secs(10), "{:?}", outcome.took);
        assert_eq!(last_text(cell, &settled(&upstream).await.requests[0].json()), prompt);
    }
}

#[tokio::test]
async fn row_46_a_hundred_thousand_messages_arrive() {
    for cell in [CELLS[0], CELLS[2]] {
        let upstream = Faultd::start(cell.answer());
        let mut took = Vec::new();
        for count in [10_000, 100_000] {
            let message = |at: usize| json!({"role": if at.is_multiple_of(2) { "user" } else { "assistant" }, "content": format!("{at}")});
            let messages: Vec<Value> = (0..=count).map(message).collect();
            let start = Instant::now();
            let outcome = run(&client(), cell.call(&upstream.url(), json!({"messages": messages}))).await;
            took.push(start.elapsed());
            assert_eq!(outcome.summary(), (TEXT, None), "{:?}", outcome.result);
        }
        let requests = settled(&upstream).await.requests;
        assert_eq!(requests[1].json()["messages"].as_array().unwrap().len(), 100_001);
        assert!(took[1] < 100 * took[0].max(Duration::from_millis(20)), "{took:?}");
    }
}

#[tokio::test]
async fn row_46_more_than_a_hundred_mebibytes_is_not_sent() {
    let upstream = Faultd::start(OPENAI.answer());
    for cell in [CELLS[0], CELLS[3]] {
        let messages = "x".repeat(100 << 20);
        let error = run(&client(), cell.call(&upstream.url(), json!({"messages": messages}))).await.error();
        assert_eq!((error.kind(), error.tried().len()), (Kind::PayloadTooLarge, 0), "{error}");
    }
    assert_eq!(upstream.record().accepted, 0);
}

#[tokio::test]
async fn row_48_numbers_that_json_does_not_know() {
    let nowhere = refused_port();
    type Set = fn(&mut Call, f64);
    let fields: [(&str, Set); 4] = [
        ("temperature", |call, value| call.request.params.temperature = Some(value)),
        ("top_p", |call, value| call.request.params.top_p = Some(value)),
        ("presence_penalty", |call, value| call.request.params.presence_penalty = Some(value)),
        ("frequency_penalty", |call, value| call.request.params.frequency_penalty = Some(value)),
    ];
    for cell in CELLS {
        for (name, set) in fields {
            for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                let mut call = cell.call(&nowhere.url(), json!({}));
                set(&mut call, value);
                let error = run(&client(), call).await.error();
                assert_eq!((error.kind(), error.field()), (Kind::InvalidRequest, Some(name)), "{error}");
            }
        }
        for wrong in [
            json!({"max_tokens": -1}),
            json!({"max_tokens": 1.5}),
            json!({"temperature": "hot"}),
            json!({"timeout": -1}),
        ] {
            let mut map = Map::from_iter([("messages".to_owned(), "hi".into())]);
            map.extend(wrong.as_object().unwrap().clone());
            let error = Call::from_json(map).unwrap_err();
            assert_eq!(error.kind(), Kind::InvalidRequest, "{error}");
            assert_eq!(error.field(), wrong.as_object().unwrap().keys().next().map(String::as_str));
        }
    }
}

#[tokio::test]
async fn row_49_any_text_arrives_as_it_is() {
    let text = "\0\u{1}\u{7f}\u{85}\u{2028}\u{feff}\u{fffe}\u{10ffff} \u{1f600} \\u0000 \"'`</script> \r\n\t";
    for cell in CELLS {
        let upstream = Faultd::start(cell.answer());
        let outcome = run(&client(), cell.call(&upstream.url(), json!({"messages": text}))).await;
        assert_eq!(outcome.summary(), (TEXT, None), "{:?}", outcome.result);
        assert_eq!(last_text(cell, &upstream.requests()[0].json()), text);
    }
}

#[tokio::test]
async fn row_51_line_breaks_make_no_headers() {
    for cell in CELLS {
        let upstream = Faultd::start(cell.answer());
        for key in [
            format!("{CANARY}\r\nx-evil: 1"),
            format!("{CANARY}\nx-evil: 1"),
            format!("{CANARY}\0"),
            format!("a\r{CANARY}"),
        ] {
            let error = run(&client(), cell.call(&upstream.url(), json!({"api_key": key}))).await.error();
            assert_eq!((error.kind(), error.field()), (Kind::InvalidRequest, Some("api_key")), "{error}");
        }
        for headers in [
            json!({"x-a": "b\r\nx-evil: 1"}),
            json!({"x-a\r\nx-evil": "1"}),
            json!({"x-a": "b\nx"}),
            json!({"": "b"}),
        ] {
            let mut map = Map::from_iter([("messages".to_owned(), "hi".into())]);
            map.insert("extra_headers".into(), headers);
            assert_eq!(Call::from_json(map).unwrap_err().kind(), Kind::InvalidRequest);
        }
        assert_eq!(upstream.record().accepted, 0);
        // A URL cannot hold a line break; what stands behind it is part of the path at most.
        let url = format!("{}\r\nx-evil: 1", cell.base_url(&upstream.url()));
        let outcome = run(&client(), cell.call("", json!({"base_url": url}))).await;
        assert!(upstream.requests().iter().all(|request| request.header("x-evil").is_none()), "{outcome:?}");
    }
}

#[tokio::test]
async fn row_52_a_models_name_stays_in_the_body() {
    let names = [
        "../../admin",
        "%2e%2e/x",
        "m?key=1",
        "m#fragment",
        "a b",
        "m/../..",
        "http://evil.example/",
        "ключ",
        "\"}",
    ];
    for cell in CELLS {
        let upstream = Faultd::start(cell.answer());
        let provider = cell.model().split('/').next().unwrap();
        for name in names {
            let model = format!("{provider}/{name}");
            let outcome = run(&client(), cell.call(&upstream.url(), json!({"model": model}))).await;
            assert_eq!(outcome.summary(), (TEXT, None), "{name}: {:?}", outcome.result);
        }
        let requests = settled(&upstream).await.requests;
        assert_eq!(requests.len(), names.len());
        for (request, name) in requests.iter().zip(names) {
            assert_eq!((request.target.as_str(), &request.json()["model"]), (cell.path(), &json!(name)));
        }
        for odd in ["m\nx", "m\r\nx: y", "m\u{202e}x", "m\0", "\u{1b}[2J", "m\u{200b}"] {
            let model = format!("{provider}/{odd}");
            let error = run(&client(), cell.call(&upstream.url(), json!({"model": model}))).await.error();
            assert_eq!((error.kind(), error.field()), (Kind::InvalidRequest, Some("model")), "{error}");
            assert!(
                !error.to_string().replace('\n', "").contains(|c: char| c.is_control() || c == '\u{202e}')
            );
        }
        assert_eq!(upstream.requests().len(), names.len());
    }
}

#[tokio::test]
async fn row_53_parameters_that_are_not_known() {
    for cell in CELLS {
        let upstream = Faultd::start(cell.answer());
        let extra = json!({"vendor_flag": {"a": [1]}, "extra_body": {"vendor_other": true}});
        let response = run(&client(), cell.call(&upstream.url(), extra)).await.result.unwrap();
        assert_eq!(response.warnings, ["vendor_flag is not known and goes to the provider as it is"]);
        let body = upstream.requests()[0].json();
        assert_eq!((&body["vendor_flag"], &body["vendor_other"]), (&json!({"a": [1]}), &json!(true)));
        let near =
            Map::from_iter([("messages".to_owned(), "hi".into()), ("temprature".to_owned(), 1.into())]);
        assert!(Call::from_json(near).unwrap_err().message().contains("did you mean \"temperature\"?"));

        // One that is known, and that neither of the two providers takes.
        let error = run(&client(), cell.call(&upstream.url(), json!({"min_p": 0.1}))).await.error();
        assert_eq!((error.kind(), error.field()), (Kind::UnsupportedParams, Some("min_p")), "{error}");
        assert!(error.advice().is_some_and(|advice| advice.contains("drop_params=True")));
        let dropping = json!({"min_p": 0.1, "drop_params": true});
        let response = run(&client(), cell.call(&upstream.url(), dropping)).await.result.unwrap();
        assert_eq!(response.warnings, ["min_p was dropped: the provider cannot take it"]);
        let requests = settled(&upstream).await.requests;
        assert_eq!((requests.len(), requests[1].json().get("min_p")), (2, None));
    }
}
