//! Guided answers of servers of one's own: asked for in each one's words, and held against what comes.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::path::Path;

use antiphon::config::Config;
use antiphon::keys::KeyStore;
use antiphon::{Call, Client, Error, Kind, Response};
use antiphon_testkit::faultd::{Faultd, Reply, Script, openai, refused_port};
use futures_util::StreamExt;
use serde_json::{Value, json};

fn client() -> Client {
    Client::with_config(Config::default(), KeyStore::new(Path::new("/nonexistent"))).unwrap()
}

/// A server that says its version, or not, and always gives this answer.
fn server(version: Option<&str>, answer: &str) -> Faultd {
    let said = match version {
        Some(version) => Reply::json(200, json!({"version": version})),
        None => Reply::json(404, json!({"detail": "Not Found"})),
    };
    Faultd::start(Script::new().forever(said.on_path("/version")).forever(openai::text(answer)))
}

async fn ask(client: &Client, model: &str, server: &Faultd, extra: Value) -> Result<Response, Error> {
    let mut map = json!({
        "model": model, "messages": "Which?", "base_url": format!("{}/v1", server.url()), "api_key": "canary-key",
        "max_retries": 0, "timeout": 10,
    });
    map.as_object_mut().unwrap().extend(extra.as_object().cloned().unwrap());
    client.complete(Call::from_json(map.as_object().cloned().unwrap()).unwrap()).await
}

/// The bodies of the calls so far, without those of other requests.
fn bodies(server: &Faultd) -> Vec<Value> {
    let calls = server.requests().into_iter().filter(|request| request.method == "POST");
    calls.map(|request| request.json()).collect()
}

#[tokio::test]
async fn vllm_is_asked_by_its_version() {
    let choice = json!(["yes", "no"]);
    for (version, old, new) in [
        (Some("0.11.2"), true, false),
        (Some("0.12.0"), false, true),
        (Some("0.24.0"), false, true),
        (Some("0.1.dev1+gabcdef"), true, true),
        (None, true, true),
    ] {
        for model in ["vllm/m", "hosted_vllm/m"] {
            let (client, server) = (client(), server(version, "yes"));
            for _ in 0..2 {
                let response = ask(&client, model, &server, json!({"guided_choice": choice})).await.unwrap();
                assert_eq!(response.text(), "yes");
            }
            for body in bodies(&server) {
                assert_eq!(body.get("guided_choice").is_some(), old, "{version:?} {body}");
                assert_eq!(
                    body["structured_outputs"].get("choice"),
                    new.then_some(&choice),
                    "{version:?} {body}"
                );
            }
            let looks: Vec<_> =
                server.requests().into_iter().filter(|request| request.target == "/version").collect();
            assert_eq!(looks.len(), 1, "it is asked once");
            assert_eq!(looks[0].header("authorization"), None);
        }
    }
}

#[tokio::test]
async fn nothing_is_asked_of_a_server_that_need_not_be_known() {
    let (client, server) = (client(), server(Some("0.12.0"), "yes"));
    ask(&client, "vllm/m", &server, json!({})).await.unwrap();
    ask(&client, "sglang/m", &server, json!({"guided_choice": ["yes"]})).await.unwrap();
    let requests = server.requests();
    assert!(requests.iter().all(|request| request.method == "POST"));
    assert_eq!(requests[1].json()["regex"], "(yes)");
}

#[tokio::test]
async fn a_server_that_failed_is_asked_anew_which_version_it_is() {
    let server = server(Some("0.11.0"), "yes");
    let client = client();
    let guided = json!({"guided_choice": ["yes"]});
    ask(&client, "vllm/m", &server, guided.clone()).await.unwrap();
    server.script(openai::error(503, "", "", "restarting"));
    ask(&client, "vllm/m", &server, guided.clone()).await.unwrap_err();
    let said = Reply::json(200, json!({"version": "0.12.0"}));
    server.script(Script::new().forever(said.on_path("/version")).forever(openai::text("yes")));
    ask(&client, "vllm/m", &server, guided).await.unwrap();
    let last = bodies(&server).pop().unwrap();
    assert!(last.get("guided_choice").is_none() && last.get("structured_outputs").is_some(), "{last}");
}

#[tokio::test]
async fn an_answer_that_was_not_held_to_its_form_is_an_error() {
    for (model, extra) in [
        ("vllm/m", json!({"guided_regex": "[0-9]+"})),
        ("sglang/m", json!({"guided_choice": ["yes", "no"]})),
        ("custom_openai/m", json!({"guided_json": {"type": "object"}})),
    ] {
        let server = server(None, "maybe");
        let field = extra.as_object().unwrap().keys().next().unwrap().clone();
        let error = ask(&client(), model, &server, extra.clone()).await.unwrap_err();
        assert_eq!((error.kind(), error.raw_text()), (Kind::JsonSchemaValidation, Some("maybe")));
        assert!(error.message().starts_with("the server did not hold its model to guided_"), "{error}");
        assert!(error.message().contains(&field) || field == "guided_json", "{error}");
        assert_eq!(bodies(&server).len(), 1, "asking again would not heal it");
        let mut unchecked = extra;
        unchecked["enable_json_schema_validation"] = false.into();
        ask(&client(), model, &server, unchecked).await.unwrap();
    }
}

#[tokio::test]
async fn a_stream_ends_with_the_error() {
    let server = Faultd::start(openai::stream(&["may", "be"]));
    let call = json!({
        "model": "sglang/m", "messages": "Which?", "base_url": format!("{}/v1", server.url()), "stream": true,
        "guided_choice": ["yes", "no"],
    });
    let mut stream = client().stream(Call::from_json(call.as_object().cloned().unwrap()).unwrap());
    let mut text = String::new();
    let error = loop {
        match stream.next().await.unwrap() {
            Ok(chunk) => text.push_str(chunk.text()),
            Err(error) => break error,
        }
    };
    assert_eq!((text.as_str(), error.kind()), ("maybe", Kind::JsonSchemaValidation));
}

#[tokio::test]
async fn what_a_server_cannot_do_is_refused_before_anything_is_sent() {
    let server = server(Some("0.12.0"), "yes");
    for (model, extra, field, kind) in [
        ("tgi/tgi", json!({"guided_grammar": "root ::= x"}), "guided_grammar", Kind::UnsupportedParams),
        ("tgi/tgi", json!({"top_k": 5}), "top_k", Kind::UnsupportedParams),
        ("sglang/m", json!({"guided_grammar": "start: /x/"}), "guided_grammar", Kind::UnsupportedParams),
        ("vllm/m", json!({"guided_json": {"type": "strin"}}), "guided_json", Kind::InvalidRequest),
        (
            "vllm/m",
            json!({"guided_regex": "a", "response_format": {"type": "json_object"}}),
            "guided_regex",
            Kind::InvalidRequest,
        ),
    ] {
        let error = ask(&client(), model, &server, extra.clone()).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (kind, Some(field)), "{model} {extra}");
    }
    assert!(bodies(&server).is_empty());
    let dropped = json!({"guided_grammar": "start: /x/", "drop_params": true});
    let response = ask(&client(), "sglang/m", &server, dropped).await.unwrap();
    assert!(response.warnings.iter().any(|warning| warning.contains("guided_grammar was dropped")));
}

/// A server that cannot do what is asked is passed over for one that can.
#[tokio::test]
async fn an_upstream_asks_the_server_that_can() {
    let (tgi, vllm, gone) = (server(None, "x"), server(Some("0.12.0"), "yes"), refused_port());
    let config = format!(
        "[[upstreams.m.servers]]\nmodel = \"tgi/tgi\"\nweight = 9\nbase_url = \"{}/v1\"\n\
         [[upstreams.m.servers]]\nmodel = \"vllm/gone\"\nbase_url = \"http://127.0.0.1:{}/v1\"\n\
         [[upstreams.m.servers]]\nmodel = \"vllm/m\"\nbase_url = \"{}/v1\"\n",
        tgi.url(),
        gone.port(),
        vllm.url()
    );
    let config = Config::parse(Path::new("config.toml"), &config).unwrap();
    let client = Client::with_config(config, KeyStore::new(Path::new("/nonexistent"))).unwrap();
    let asked =
        json!({"model": "m", "messages": "Which?", "guided_grammar": "start: \"yes\"", "timeout": 10});
    let call = Call::from_json(asked.as_object().cloned().unwrap()).unwrap();
    assert_eq!(client.complete(call).await.unwrap().text(), "yes");
    assert!(bodies(&tgi).is_empty());
    assert!(client.upstream_status()[0].servers[0].up, "it is no failure of the server's");
}

/// TGI has errors of its own form.
#[tokio::test]
async fn what_tgi_says_is_told() {
    let body =
        json!({"error": "Template error: conversation roles must alternate", "error_type": "template_error"});
    let server = Faultd::start(Reply::json(422, body));
    let error = ask(&client(), "tgi/tgi", &server, json!({})).await.unwrap_err();
    assert_eq!(error.kind(), Kind::UnprocessableEntity);
    assert!(error.message().contains("conversation roles must alternate"), "{error}");
    assert_eq!(bodies(&server)[0]["model"], "tgi");
}
