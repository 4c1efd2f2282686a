//! Raw prompts and embeddings over sockets: which endpoint is asked, with what, and that all that stands around
//! a call stands around these, too.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::path::Path;

use antiphon::config::Config;
use antiphon::core::embeddings::to_base64;
use antiphon::keys::KeyStore;
use antiphon::{Call, Client, Error, Kind, Map, Operation, Response, Result};
use antiphon_testkit::faultd::{Faultd, Received, Reply, Script, anthropic, openai};
use futures_util::StreamExt;
use serde_json::{Value, json};

const INSTRUCT: &str = "openai/gpt-3.5-turbo-instruct";
const CHAT: &str = "openai/gpt-4o-mini";
const VECTORS: &str = "openai/text-embedding-3-small";

fn client() -> Client {
    Client::with_config(Config::default(), KeyStore::new(Path::new("/nonexistent"))).unwrap()
}

fn call(upstream: &Faultd, operation: Operation, model: &str, fields: Value) -> Call {
    // Anthropic's dialect has the version in its own path.
    let version = if model.starts_with("anthropic") { "" } else { "/v1" };
    let mut map = Map::new();
    map.insert("model".into(), model.into());
    map.insert("api_key".into(), "canary-key-000000".into());
    map.insert("base_url".into(), format!("{}{version}", upstream.url()).into());
    map.insert("retry_delay".into(), 0.001.into());
    map.extend(fields.as_object().unwrap().clone());
    Call::read(operation, map).unwrap()
}

async fn complete(upstream: &Faultd, model: &str, fields: Value) -> Result<Response> {
    client().complete(call(upstream, Operation::TextCompletion, model, fields)).await
}

async fn embed(upstream: &Faultd, model: &str, fields: Value) -> Result<Response> {
    client().complete(call(upstream, Operation::Embeddings, model, fields)).await
}

fn completion(texts: &[&str]) -> Reply {
    let choices = texts.iter().enumerate();
    let choices: Vec<Value> = choices
        .map(|(index, text)| json!({"text": text, "index": index, "logprobs": null, "finish_reason": "stop"}))
        .collect();
    Reply::json(
        200,
        json!({
            "id": "cmpl-1", "object": "text_completion", "created": 1_760_000_000, "model": "m", "choices": choices,
            "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        }),
    )
}

fn vectors(vectors: &[&[f32]]) -> Reply {
    let data: Vec<Value> = (0..)
        .zip(vectors)
        .map(|(index, vector)| json!({"object": "embedding", "index": index, "embedding": to_base64(vector)}))
        .collect();
    let usage = json!({"prompt_tokens": 4, "total_tokens": 4});
    Reply::json(
        200,
        json!({"object": "list", "data": data, "model": "text-embedding-3-small", "usage": usage}),
    )
}

fn busy() -> Reply {
    openai::error(429, "requests", "rate_limit_exceeded", "slow down")
}

fn body(request: &Received) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

fn paths(upstream: &Faultd) -> Vec<String> {
    upstream.requests().iter().map(|request| request.target.clone()).collect()
}

#[tokio::test]
async fn a_raw_prompt_has_its_own_endpoint_and_is_tried_again() {
    let upstream = Faultd::start(Script::new().reply(busy()).reply(completion(&["Paris.", "Lyon."])));
    let fields = json!({"prompt": "The capital of France is", "n": 2, "max_tokens": 5, "logprobs": 0});
    let response = complete(&upstream, INSTRUCT, fields).await.unwrap();
    assert_eq!(response.operation, Operation::TextCompletion);
    assert_eq!((response.text(), response.choices.len()), ("Paris.", 2));
    assert_eq!(response.meta.model.as_deref(), Some("gpt-3.5-turbo-instruct"));
    assert_eq!(paths(&upstream), ["/v1/completions"; 2]);
    let prompt = "The capital of France is";
    let expected =
        json!({"model": "gpt-3.5-turbo-instruct", "prompt": prompt, "logprobs": 0, "n": 2, "max_tokens": 5});
    assert_eq!(body(&upstream.requests()[1]), expected);
}

#[tokio::test]
async fn a_model_that_only_answers_chats_is_asked_by_one() {
    let upstream = Faultd::start(Script::new().reply(openai::text("Paris.")));
    let fields = json!({"prompt": "The capital of France is", "logprobs": 2});
    let response = complete(&upstream, CHAT, fields).await.unwrap();
    assert_eq!((response.operation, response.text()), (Operation::TextCompletion, "Paris."));
    assert!(response.id.starts_with("cmpl-"), "{}", response.id);
    assert_eq!(response.to_json()["choices"][0]["text"], "Paris.");
    assert_eq!(paths(&upstream), ["/v1/chat/completions"]);
    let sent = body(&upstream.requests()[0]);
    assert_eq!(sent["messages"], json!([{"role": "user", "content": "The capital of France is"}]));
    assert_eq!((&sent["logprobs"], &sent["top_logprobs"]), (&json!(true), &json!(2)));

    let upstream = Faultd::start(Script::new().reply(anthropic::text("Paris.")));
    let fields = json!({"prompt": "The capital of France is", "max_tokens": 5});
    let response = complete(&upstream, "anthropic/claude-sonnet-4-5", fields).await.unwrap();
    assert_eq!((response.operation, response.text()), (Operation::TextCompletion, "Paris."));
}

#[tokio::test]
async fn streams_have_the_form_of_text_completions() {
    let chunk = |text: &str, reason: Value| {
        json!({"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m",
            "choices": [{"text": text, "index": 0, "logprobs": null, "finish_reason": reason}]})
        .to_string()
    };
    let own = Reply::sse([chunk("Pa", Value::Null), chunk("ris.", json!("stop")), "[DONE]".into()]);
    for (model, reply) in [(INSTRUCT, own), (CHAT, openai::stream(&["Pa", "ris."]))] {
        let upstream = Faultd::start(Script::new().reply(reply));
        let mut call = call(&upstream, Operation::TextCompletion, model, json!({"prompt": "x"}));
        call.request.stream = true;
        let mut stream = client().stream(call);
        let mut told = Vec::new();
        while let Some(chunk) = stream.next().await {
            told.push(chunk.unwrap().to_json());
        }
        assert!(told.iter().all(|chunk| chunk["object"] == "text_completion"), "{told:?}");
        let texts: Vec<&str> =
            told.iter().map(|chunk| chunk["choices"][0]["text"].as_str().unwrap()).collect();
        assert_eq!(texts, ["Pa", "ris.", ""], "{model}");
        assert_eq!(told[2]["choices"][0]["finish_reason"], "stop");
        assert!(told[0]["id"].as_str().unwrap().starts_with("cmpl-"));
        assert_eq!(stream.response().text(), "Paris.");
    }
}

#[tokio::test]
async fn several_prompts_of_chats_are_several_calls_and_one_answer() {
    for stream in [false, true] {
        let upstream = Faultd::start(Script::new().forever(Reply::auto(Default::default())));
        let fields = json!({"prompt": ["one", "two", "three"], "stream": stream});
        let call = call(&upstream, Operation::TextCompletion, CHAT, fields);
        let response = if stream {
            let mut stream = client().stream(call);
            while let Some(chunk) = stream.next().await {
                chunk.unwrap();
            }
            stream.response()
        } else {
            client().complete(call).await.unwrap()
        };
        let indexes: Vec<u32> = response.choices.iter().map(|choice| choice.index).collect();
        assert_eq!(indexes, [0, 1, 2]);
        assert!(
            response
                .choices
                .iter()
                .all(|choice| choice.finish_reason.is_some() && !choice.message.content.text().is_empty())
        );
        assert_eq!(upstream.requests().len(), 3);
        let mut sent: Vec<String> = upstream
            .requests()
            .iter()
            .map(|request| body(request)["messages"][0]["content"].to_string())
            .collect();
        sent.sort();
        assert_eq!(sent, ["\"one\"", "\"three\"", "\"two\""]);
        let usage = response.usage.unwrap();
        assert_eq!(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
        assert!(usage.prompt_tokens % 3 == 0 && usage.prompt_tokens > 0, "{usage:?}");
    }
}

#[tokio::test]
async fn what_a_chat_cannot_be_asked_is_an_error_or_dropped() {
    let upstream = Faultd::start(Script::new().forever(openai::text("hi")));
    for (field, value) in [("suffix", json!("x")), ("echo", json!(true)), ("best_of", json!(2))] {
        let error =
            complete(&upstream, CHAT, json!({"prompt": "a", field: value.clone()})).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (Kind::UnsupportedParams, Some(field)));
        let fields = json!({"prompt": "a", field: value, "drop_params": true});
        let response = complete(&upstream, CHAT, fields).await.unwrap();
        assert_eq!(response.warnings, [format!("{field} was dropped: the provider cannot take it")]);
    }
    let error = complete(&upstream, CHAT, json!({"prompt": [1, 2]})).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (Kind::UnsupportedParams, Some("prompt")));
}

#[tokio::test]
async fn vectors_are_asked_for_as_base64_and_tried_again() {
    let upstream = Faultd::start(Script::new().reply(busy()).reply(vectors(&[&[0.5, 0.25], &[1.0, 0.0]])));
    let response = embed(&upstream, VECTORS, json!({"input": ["a", "b"], "dimensions": 2})).await.unwrap();
    assert_eq!(response.operation, Operation::Embeddings);
    assert_eq!(response.embeddings.as_deref().unwrap(), [vec![0.5, 0.25], vec![1.0, 0.0]]);
    assert_eq!(response.usage.unwrap().prompt_tokens, 4);
    assert_eq!(paths(&upstream), ["/v1/embeddings"; 2]);
    let expected = json!({
        "model": "text-embedding-3-small", "input": ["a", "b"], "dimensions": 2, "encoding_format": "base64",
    });
    assert_eq!(body(&upstream.requests()[1]), expected);
}

#[tokio::test]
async fn answers_are_kept_and_replayed_without_loss() {
    let folder = tempfile::tempdir().unwrap();
    for place in [json!({"cache_enabled": true}), json!({"cache_path": folder.path()})] {
        for (operation, model, asked, reply) in [
            (Operation::TextCompletion, INSTRUCT, json!({"prompt": "x"}), completion(&["Paris."])),
            (Operation::Embeddings, VECTORS, json!({"input": "x"}), vectors(&[&[0.1, -0.3]])),
            (
                Operation::Rerank,
                "hosted_vllm/bge",
                json!({"query": "q", "documents": ["x", "y"], "return_documents": true}),
                scores(&[0.1, 0.3]),
            ),
        ] {
            let upstream = Faultd::start(Script::new().forever(reply));
            let client = client();
            let ask = |extra: Value| {
                let mut fields = asked.as_object().unwrap().clone();
                fields.extend(place.as_object().unwrap().clone());
                fields.extend(extra.as_object().unwrap().clone());
                client.complete(call(&upstream, operation, model, fields.into()))
            };
            let first = ask(json!({})).await.unwrap();
            // How vectors are written, and who asks, does not make another answer.
            let same = match operation {
                Operation::Embeddings => json!({"encoding_format": "base64"}),
                Operation::Rerank => json!({}),
                _ => json!({"user": "u"}),
            };
            let mut again = ask(same).await.unwrap();
            assert!(again.meta.cache_hit.take().is_some());
            assert_eq!(again, first);
            assert_eq!(upstream.requests().len(), 1);
        }
    }
}

#[tokio::test]
async fn identical_calls_in_flight_are_one_request() {
    let upstream = Faultd::start(Script::new().forever(vectors(&[&[1.0]]).after(50)));
    let client = client();
    let ask = || {
        client.complete(call(
            &upstream,
            Operation::Embeddings,
            VECTORS,
            json!({"input": "x", "cache_enabled": true}),
        ))
    };
    let (one, other) = tokio::join!(ask(), ask());
    assert_eq!(one.unwrap().embeddings, other.unwrap().embeddings);
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn a_provider_without_embeddings_says_so_and_a_fallback_answers() {
    let upstream = Faultd::start(Script::new().forever(vectors(&[&[1.0]])));
    let told = |error: Error| (error.kind(), error.message().to_owned());
    let error = embed(&upstream, "anthropic/claude-sonnet-4-5", json!({"input": "x"})).await.unwrap_err();
    assert_eq!(error.provider(), Some("anthropic"));
    assert_eq!(told(error), (Kind::BadRequest, "Anthropic has no embeddings".to_owned()));
    let fallback = json!({"model": VECTORS, "api_key": "k", "base_url": format!("{}/v1", upstream.url())});
    let fields = json!({"input": "x", "fallbacks": [fallback]});
    let response = embed(&upstream, "anthropic/claude-sonnet-4-5", fields).await.unwrap();
    assert_eq!(response.meta.fallback_for.as_deref(), Some("anthropic/claude-sonnet-4-5"));
    assert_eq!(response.embeddings.as_deref().unwrap(), [vec![1.0]]);
}

#[tokio::test]
async fn a_vector_too_few_and_bad_input_are_errors() {
    let upstream = Faultd::start(Script::new().forever(vectors(&[&[1.0]])));
    let error = embed(&upstream, VECTORS, json!({"input": ["a", "b"]})).await.unwrap_err();
    assert_eq!(error.message(), "the provider answered 2 texts with 1 vectors");
    assert_eq!(error.kind(), Kind::ResponseValidation);
    let error = embed(&upstream, VECTORS, json!({"input": "a", "temperature": 1})).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (Kind::UnsupportedParams, Some("temperature")));
    let nothing = json!({"input": []}).as_object().unwrap().clone();
    assert_eq!(Call::read(Operation::Embeddings, nothing).unwrap_err().message(), "input: is empty");
    assert_eq!(upstream.requests().len(), 1);
}

async fn rerank(upstream: &Faultd, model: &str, fields: Value) -> Result<Response> {
    client().complete(call(upstream, Operation::Rerank, model, fields)).await
}

/// An answer of these scores, in the order of the documents.
fn scores(scores: &[f64]) -> Reply {
    let results: Vec<Value> =
        (0..).zip(scores).map(|(index, score)| json!({"index": index, "relevance_score": score})).collect();
    let tokens = json!({"tokens": {"input_tokens": 9.0, "output_tokens": 0.0}});
    Reply::json(200, json!({"id": "r", "results": results, "meta": tokens}))
}

#[tokio::test]
async fn documents_are_ranked_and_tried_again() {
    let upstream = Faultd::start(Script::new().reply(busy()).reply(scores(&[0.25, 0.75, 0.5])));
    let fields =
        json!({"query": "q", "documents": ["a", {"text": "b"}, "c"], "top_n": 2, "return_documents": true});
    let response = rerank(&upstream, "hosted_vllm/bge", fields).await.unwrap();
    assert_eq!(paths(&upstream), ["/v1/rerank"; 2]);
    let sent = body(&upstream.requests()[1]);
    assert_eq!(sent, json!({"model": "bge", "query": "q", "documents": ["a", "b", "c"], "top_n": 2}));
    assert_eq!(
        response.to_json()["results"],
        json!([
            {"index": 1, "relevance_score": 0.75, "document": {"text": "b"}},
            {"index": 2, "relevance_score": 0.5, "document": {"text": "c"}},
        ])
    );
    assert_eq!(response.usage.unwrap().prompt_tokens, 9);
    let upstream = Faultd::start(Script::new().reply(scores(&[0.5])));
    let fields = json!({"query": "q", "documents": ["a"], "base_url": upstream.url()});
    let cohere = call(&upstream, Operation::Rerank, "cohere/rerank-v3.5", fields);
    client().complete(cohere).await.unwrap();
    assert_eq!(paths(&upstream), ["/v2/rerank"]);
}

#[tokio::test]
async fn a_ranking_of_other_documents_and_bad_input_are_errors() {
    let upstream = Faultd::start(Script::new().forever(scores(&[0.5, 0.25])));
    let asked = || json!({"query": "q", "documents": ["a"]});
    let error = rerank(&upstream, "hosted_vllm/bge", asked()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::ResponseValidation);
    assert_eq!(error.message(), "the answer ranks document 1, which is past the last one");
    let error = rerank(&upstream, "anthropic/claude-sonnet-4-5", asked()).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (Kind::BadRequest, "Anthropic has no reranking"));
    let map = asked().as_object().unwrap().clone();
    let error = client().complete(Call::read(Operation::Rerank, map).unwrap()).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (Kind::InvalidRequest, Some("model")));
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn a_mocked_ranking_has_the_scores_that_are_given() {
    let client = client();
    let ask = |mock: Value| {
        let call = client.rerank("q", ["a", "b"]).model("m/x");
        call.mock_response(antiphon::Mock::from_json(mock).unwrap())
    };
    let ranking = ask(json!([0.25, 0.5])).await.unwrap().ranking.unwrap();
    assert_eq!(ranking.iter().map(|ranked| ranked.index).collect::<Vec<_>>(), [1, 0]);
    let error = ask(json!([0.25])).await.unwrap_err();
    assert_eq!(error.message(), "mock_response: has 1 scores, and there are 2 documents");
    let given = json!({"id": "x", "results": [{"index": 0, "relevance_score": 1}]});
    assert_eq!(ask(given).await.unwrap().ranking.unwrap()[0].relevance_score, 1.0);
}

#[tokio::test]
async fn the_request_is_explained() {
    let upstream = Faultd::start(Script::new());
    let client = client();
    let explain =
        |operation, model, fields| client.explain(call(&upstream, operation, model, fields)).unwrap();
    let told = explain(Operation::Embeddings, VECTORS, json!({"input": "x"}));
    assert!(told.request.unwrap().url.ends_with("/v1/embeddings"));
    let told = explain(Operation::TextCompletion, CHAT, json!({"prompt": ["x", "y"]}));
    assert_eq!(told.warnings, ["each prompt is a request of its own: this is the first of 2"]);
    assert_eq!(told.request.unwrap().body["messages"][0]["content"], "x");
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn mocks_answer_in_the_form_that_is_asked_for() {
    let client = client();
    let text =
        antiphon::text_completion(["a", "b"]).client(&client).model("m/x").mock_response("hi").await.unwrap();
    assert_eq!((text.operation, text.choices.len()), (Operation::TextCompletion, 2));
    let ask = |mock: Value| {
        let map = json!({"input": ["a", "b"], "mock_response": mock});
        client.complete(Call::read(Operation::Embeddings, map.as_object().unwrap().clone()).unwrap())
    };
    let response = ask(json!([0.5, 1])).await.unwrap();
    assert_eq!(response.model, "text-embedding-3-small");
    assert_eq!(response.embeddings.as_deref().unwrap(), [vec![0.5, 1.0], vec![0.5, 1.0]]);
    let error = ask(json!("hi")).await.unwrap_err();
    assert_eq!(error.message(), "mock_response: must be a list of numbers or a list object, for embeddings");
    assert_eq!(ask(json!("litellm.RateLimitError")).await.unwrap_err().kind(), Kind::RateLimit);
    let error = client.completion("hi").mock_response(response).await.unwrap_err();
    assert!(error.message().contains("is an answer of the kind embeddings"), "{error}");
}
