//! Reranking: by a server behind this one, and by a model of this machine.

use antiphon_testkit::faultd::{Faultd, Reply, Script};
use serde_json::json;

use crate::rig::{config, serve};

const PATHS: [&str; 3] = ["/v1/rerank", "/v2/rerank", "/rerank"];

fn upstream() -> Faultd {
    let ranking = json!({
        "id": "r", "model": "m", "usage": {"prompt_tokens": 3, "total_tokens": 3},
        "results": [{"index": 0, "relevance_score": 0.25}, {"index": 1, "relevance_score": 0.75}],
    });
    Faultd::start(Script::new().forever(Reply::json(200, ranking.to_string())))
}

fn asked(model: &str) -> String {
    json!({"model": model, "query": "q", "documents": ["a", "b"], "top_n": 1, "return_documents": true})
        .to_string()
}

#[tokio::test]
async fn documents_are_ranked() {
    let upstream = upstream();
    let server = serve(&config(&upstream, "")).await;
    for path in PATHS {
        let answer = server.post(path, &[], &asked("up/m")).await;
        let expected = json!([{"index": 1, "relevance_score": 0.75, "document": {"text": "b"}}]);
        assert_eq!(answer.json()["results"], expected, "{}", answer.text());
        assert_eq!(answer.json()["usage"]["total_tokens"], 3);
    }
    for (body, field) in [
        (json!({"model": "up/m", "query": "q"}), "documents"),
        (json!({"model": "up/m", "query": "q", "documents": []}), "documents"),
        (json!({"model": "up/m", "query": "", "documents": ["a"]}), "query"),
        (json!({"model": "up/m", "query": "q", "documents": ["a"], "top_n": 0}), "top_n"),
        (json!({"model": "up/m", "query": "q", "documents": ["a"], "stream": true}), "stream"),
        (json!({"model": "up/m", "query": "q", "documents": ["a"], "base_url": "http://x"}), "base_url"),
        (json!({"query": "q", "documents": ["a"]}), "model"),
    ] {
        let answer = server.post("/v1/rerank", &[], &body.to_string()).await;
        assert_eq!((answer.status, &answer.json()["error"]["param"]), (400, &json!(field)), "{body}");
    }
    assert_eq!(upstream.requests().len(), PATHS.len());
}

#[tokio::test]
async fn keys_and_their_limits_hold_and_calls_are_counted() {
    let upstream = upstream();
    let keys = "[[serve.keys]]\nname = \"some\"\nkey = \"k\"\nrequests_per_minute = 2\nmodels = [\"up/m\"]\n\
                [[serve.keys]]\nname = \"all\"\nkey = \"k-all\"\n";
    let server = serve(&config(&upstream, keys)).await;
    server.post("/v1/rerank", &[], &asked("up/m")).await.check(401, "Authorization: Bearer KEY");
    let ask = async |path, model| server.post(path, &[("authorization", "Bearer k")], &asked(model)).await;
    ask("/v1/rerank", "up/other").await.check(403, "may not ask \"up/other\"");
    assert_eq!(ask("/rerank", "up/m").await.status, 200);
    ask("/v2/rerank", "up/m").await.check(429, "2 requests a minute");
    let all = [("x-api-key", "k-all")];
    let metrics = server.get("/metrics", &all).await.text();
    for line in [
        "antiphon_requests_total{method=\"POST\",route=\"/rerank\",status=\"200\"} 1",
        "antiphon_requests_total{method=\"POST\",route=\"/v2/rerank\",status=\"429\"} 1",
        "gen_ai_client_token_usage_sum{gen_ai_provider_name=\"up\",gen_ai_request_model=\"up/m\",gen_ai_token_type=\"input\"} 3.0",
    ] {
        assert!(metrics.lines().any(|there| there == line), "{line}\n{metrics}");
    }
    let status = server.get("/v1/antiphon/status", &all).await.text();
    assert!(status.contains("\"/rerank\""), "{status}");
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn routes_are_described() {
    let server = serve("").await;
    let description = server.get("/openapi.json", &[]).await.json();
    for path in PATHS {
        let body =
            &description["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(body["required"], json!(["model", "query", "documents"]), "{path}");
    }
}

#[cfg(feature = "local")]
#[tokio::test(flavor = "multi_thread")]
async fn a_model_of_this_machine_ranks() {
    use antiphon_testkit::random_gguf::Recipe;

    let models = tempfile::tempdir().unwrap();
    let recipe = Recipe::ranker("bge-reranker");
    recipe.write(&models.path().join("ranker.gguf"));
    let server = serve(&format!("[local]\nmodels_dir = {:?}\n", models.path())).await;
    let body = json!({"model": "local/ranker", "query": recipe.json["query"],
        "documents": recipe.json["documents"]});
    let answer = server.post("/v1/rerank", &[], &body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let json = answer.json();
    assert_eq!(json["model"], "ranker");
    let expected: Vec<f64> = serde_json::from_value(recipe.json["scores"].clone()).unwrap();
    let results = json["results"].as_array().unwrap();
    assert_eq!(results.len(), expected.len());
    for result in results {
        let score = expected[result["index"].as_u64().unwrap() as usize];
        assert!((result["relevance_score"].as_f64().unwrap() - score).abs() < 3e-3, "{result}");
        assert!(result.get("document").is_none(), "{result}");
    }
    let long = json!({"model": "local/ranker", "query": "1", "documents": ["2", "3 ".repeat(300)]});
    let answer = server.post("/v1/rerank", &[], &long.to_string()).await;
    answer.check(400, "the model reads ");
    assert_eq!(answer.json()["error"]["param"], "documents[1]");
    let chat = crate::rig::chat("local/ranker", "");
    server.ask(&chat).await.check(400, "ranker is a model for reranking, and generates no text");
    let body = json!({"model": "local/chorister", "query": "q", "documents": ["a"]}).to_string();
    server.post("/rerank", &[], &body).await.check(400, "chorister generates text, and ranks no documents");
    let body = json!({"model": "local/ranker", "input": "a"}).to_string();
    server
        .post("/v1/embeddings", &[], &body)
        .await
        .check(400, "ranker ranks documents, and gives no embeddings");
}
