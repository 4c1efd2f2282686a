//! Names for models that are made at run time.

use antiphon_testkit::faultd::Faultd;
use serde_json::{Value, json};

use crate::rig::{config, request, serve};
use crate::scene::{check, serve_in, text};

const ENDPOINTS: &str = "/v1/llm/model-endpoints";
const LLAMA: &str = "/v1/llm/model-endpoints/meta-llama/Llama-2-7b";

/// As 0.0.0b45 creates one, but for its many nulls.
fn new(name: &str, model: &str) -> Value {
    json!({
        "name": name, "model_name": model, "source": "hugging_face", "inference_framework": "vllm",
        "inference_framework_image_tag": "latest", "num_shards": 1, "quantize": null,
        "checkpoint_path": null, "metadata": {}, "endpoint_type": "streaming", "min_workers": 0,
        "max_workers": 1, "per_worker": 1, "labels": {"team": "a"}, "public_inference": true,
    })
}

#[tokio::test]
async fn a_name_is_made_asked_changed_and_forgotten() {
    let upstream = Faultd::start(text("x"));
    let folder = tempfile::tempdir().unwrap();
    let configuration = config(&upstream, "[aliases]\nfast = \"up/one\"\n");
    let server = serve_in(folder.path(), &configuration).await;
    let created = server.call("POST", ENDPOINTS, &new("meta-llama/Llama-2-7b", "fast")).await;
    assert_eq!(created.status, 200, "{}", created.text());
    assert!(created.json()["endpoint_creation_task_id"].is_string());
    check(&server.call("POST", ENDPOINTS, &new("meta-llama/Llama-2-7b", "fast")).await, 400, "already");

    let endpoint = server.call("GET", LLAMA, &Value::Null).await.json();
    assert_eq!(endpoint["name"], "meta-llama/Llama-2-7b");
    assert_eq!(endpoint["status"], "READY");
    let list = server.call("GET", ENDPOINTS, &Value::Null).await.json();
    let list = list["model_endpoints"].as_array().unwrap();
    let names: Vec<&str> = list.iter().map(|endpoint| endpoint["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"fast") && names.contains(&"meta-llama/Llama-2-7b"), "{names:?}");
    // The words that the newest client has in its enumerations.
    for endpoint in list {
        assert_eq!(endpoint["source"], "hugging_face");
        assert_eq!(endpoint["inference_framework"], "vllm");
        assert_eq!((&endpoint["status"], &endpoint["spec"]), (&json!("READY"), &Value::Null));
    }
    let one =
        server.call("GET", &format!("{ENDPOINTS}?name=fast&order_by=newest"), &Value::Null).await.json();
    assert_eq!(one["model_endpoints"].as_array().unwrap().len(), 1);

    let ask = "/v1/llm/completions-sync?model_endpoint_name=meta-llama/Llama-2-7b";
    let asked = |model: &'static str| {
        let (upstream, server) = (&upstream, &server);
        async move {
            upstream.clear();
            assert_eq!(server.call("POST", ask, &json!({"prompt": "hi"})).await.status, 200);
            assert_eq!(upstream.requests()[0].json()["model"], model);
        }
    };
    asked("one").await;
    let updated = server.call("PUT", LLAMA, &json!({"model_name": "up/two", "labels": null})).await;
    assert!(updated.json()["endpoint_creation_task_id"].is_string(), "{}", updated.text());
    asked("two").await;

    server.stop().await;
    let server = serve_in(folder.path(), &configuration).await;
    assert_eq!(server.call("POST", ask, &json!({"prompt": "hi"})).await.status, 200);
    assert_eq!(server.call("DELETE", LLAMA, &Value::Null).await.json(), json!({"deleted": true}));
    check(&server.call("DELETE", LLAMA, &Value::Null).await, 404, "was not found");
    check(&server.call("GET", LLAMA, &Value::Null).await, 404, "was not found");
    check(&server.call("DELETE", &format!("{ENDPOINTS}/fast"), &Value::Null).await, 403, "configuration");
}

#[tokio::test]
async fn what_a_name_may_not_be_or_stand_for() {
    let upstream = Faultd::start(text("x"));
    let server = serve(&config(&upstream, "[aliases]\nfast = \"up/one\"\n")).await;
    for (name, model, status, words) in [
        ("fast", "up/x", 400, "already"),
        ("gpt-4o-mini", "up/x", 400, "already"),
        ("openai/x", "up/x", 400, "already"),
        ("up/x", "up/y", 400, "already"),
        ("local/x", "up/x", 400, "already"),
        ("a b", "up/x", 400, "' '"),
        ("a&b", "up/x", 400, "'&'"),
        ("", "up/x", 400, "name: is empty"),
        ("new", "nobody", 404, "nobody"),
        ("new", "local/../../etc/passwd", 404, "no"),
        ("new", "new", 404, "no"),
    ] {
        let answer = server.post(ENDPOINTS, &[], &new(name, model).to_string()).await;
        check(&answer, status, words);
    }
    let mut body = new("new", "up/x");
    body["checkpoint_path"] = json!("/etc/passwd");
    check(&server.post(ENDPOINTS, &[], &body.to_string()).await, 400, "checkpoint_path");
    body = new("new", "up/x");
    body["inference_framework"] = json!("sglang");
    check(&server.post(ENDPOINTS, &[], &body.to_string()).await, 400, "inference_framework");
}

#[tokio::test]
async fn keys_keep_to_their_models_and_their_own() {
    let upstream = Faultd::start(text("x"));
    let keys = "[[serve.keys]]\nname = \"a\"\nkey = \"ka\"\nmodels = [\"up/one\", \"mine-*\"]\n\
                [[serve.keys]]\nname = \"b\"\nkey = \"kb\"\n";
    let server = serve(&config(&upstream, keys)).await;
    let call = |key: &'static str, method: &'static str, path: String, body: Value| {
        let server = &server;
        async move {
            let body = if body.is_null() { String::new() } else { body.to_string() };
            server.send(&request(method, &path, &[("x-api-key", key)], body.as_bytes())).await
        }
    };
    // A key cannot reach by a name of its own what it may not ask.
    check(&call("ka", "POST", ENDPOINTS.into(), new("mine-1", "up/two")).await, 403, "may not ask");
    check(&call("ka", "POST", ENDPOINTS.into(), new("other", "up/one")).await, 403, "may not ask");
    assert_eq!(call("ka", "POST", ENDPOINTS.into(), new("mine-1", "up/one")).await.status, 200);
    check(&call("kb", "DELETE", format!("{ENDPOINTS}/mine-1"), Value::Null).await, 403, "another key");
    check(&call("kb", "PUT", format!("{ENDPOINTS}/mine-1"), json!({})).await, 403, "another key");
    assert_eq!(call("ka", "DELETE", format!("{ENDPOINTS}/mine-1"), Value::Null).await.status, 200);
}
