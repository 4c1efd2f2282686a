//! Batch jobs: taken, run, cancelled, and gone on with.

use std::time::Duration;

use antiphon_testkit::faultd::{Faultd, Reply, Script, openai};
use serde_json::{Value, json};

use crate::files::form;
use crate::rig::{config, request};
use crate::scene::{Place, check, job, serve_in, text};

const FIRST: &str = "/v1/llm/batch-completions";
const SECOND: &str = "/v2/batch-completions";

fn prompts(prompts: &[&str]) -> Value {
    json!({
        "model_config": {"model": "up/m", "checkpoint_path": null, "num_shards": 1, "labels": {}},
        "content": {"prompts": prompts, "max_new_tokens": 5, "temperature": 0.0, "top_k": null},
        "output_data_path": "s3://bucket/out.json", "input_data_path": null, "data_parallelism": 1,
        "max_runtime_sec": 86400, "tool_config": null,
    })
}

/// The content of the file of that name.
async fn output(server: &Place, filename: &str) -> Value {
    let files = server.call("GET", "/v1/files", &Value::Null).await.json();
    let files = files["files"].as_array().unwrap();
    let id = files.iter().find(|file| file["filename"] == filename).expect("it is there")["id"].clone();
    let path = format!("/v1/files/{}/content", id.as_str().unwrap());
    let content = server.call("GET", &path, &Value::Null).await.json();
    serde_json::from_str(content["content"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn prompts_become_a_list_of_outputs() {
    let upstream = Faultd::start(text(" there"));
    let folder = tempfile::tempdir().unwrap();
    let server = serve_in(folder.path(), &config(&upstream, "")).await;
    let answer = server.call("POST", FIRST, &prompts(&["a", "b"])).await.json();
    assert_eq!(answer.as_object().unwrap().len(), 1);
    let job = job(server.address, answer["job_id"].as_str().unwrap()).await;
    assert_eq!(job["status"], "completed", "{job}");
    assert_eq!(job["output_data_path"], "s3://bucket/out.json");
    assert_eq!(job["model_config"]["model"], "up/m");
    assert_eq!((&job["metadata"]["rows"], &job["metadata"]["rows_failed"]), (&json!("2"), &json!("0")));
    let one = json!({"text": " there", "num_prompt_tokens": 3, "num_completion_tokens": 2, "tokens": null});
    assert_eq!(output(&server, "s3://bucket/out.json").await, json!([one, one]));
    let sent = upstream.requests()[0].json();
    assert_eq!((&sent["max_tokens"], &sent["temperature"]), (&json!(5), &json!(0.0)));
}

#[tokio::test]
async fn chats_become_a_list_of_their_answers() {
    let script = Script::new().reply(openai::error(400, "", "", "no")).forever(openai::text("Hello."));
    let upstream = Faultd::start(script);
    let folder = tempfile::tempdir().unwrap();
    let server = serve_in(folder.path(), &config(&upstream, "")).await;
    let row = json!({"messages": [{"role": "user", "content": "hi", "name": null}], "n": 1, "echo": false});
    let body = json!({
        "model_config": {"model": "up/m"}, "content": [row, row], "output_data_path": "out",
        "labels": {"team": "a"}, "priority": "low",
    });
    let created = server.call("POST", SECOND, &body).await.json();
    assert_eq!(created["metadata"]["team"], "a");
    assert!(matches!(created["status"].as_str(), Some("queued" | "running")), "{created}");
    for date in ["created_at", "expires_at"] {
        assert!(created[date].as_str().is_some_and(|date| date.ends_with('Z')), "{created}");
    }
    let id = created["job_id"].as_str().unwrap();
    let ended = job(server.address, id).await;
    assert_eq!((&ended["status"], &ended["metadata"]["rows_failed"]), (&json!("completed"), &json!("1")));
    assert!(ended["metadata"].as_object().unwrap().values().all(Value::is_string), "{ended}");
    let answers = output(&server, "out").await;
    let texts = |answer: &Value| answer["choices"][0]["message"]["content"].as_str().map(str::to_owned);
    let (good, bad): (Vec<&Value>, Vec<&Value>) =
        answers.as_array().unwrap().iter().partition(|answer| texts(answer).is_some());
    assert_eq!((good.len(), bad.len()), (1, 1), "{answers}");
    assert_eq!(bad[0]["error"]["message"], "no");
    let updated = server.call("POST", &format!("{SECOND}/{id}"), &json!({"priority": "high"})).await.json();
    assert_eq!((&updated["success"], &updated["priority"]), (&json!(true), &json!("high")));
}

#[tokio::test]
async fn a_cancelled_job_lets_the_upstream_go() {
    let upstream = Faultd::start(Reply::hang());
    let folder = tempfile::tempdir().unwrap();
    let server = serve_in(folder.path(), &config(&upstream, "")).await;
    let answer = server.call("POST", FIRST, &prompts(&["a"])).await.json();
    let id = answer["job_id"].as_str().unwrap();
    assert!(upstream.wait_for_async(|record| record.in_flight == 1, Duration::from_secs(10)).await);
    let cancel = format!("{SECOND}/{id}/actions/cancel");
    assert_eq!(server.call("POST", &cancel, &json!({})).await.json(), json!({"success": true}));
    assert!(upstream.wait_for_async(|record| record.in_flight == 0, Duration::from_secs(1)).await);
    assert_eq!(job(server.address, id).await["status"], "cancelled");
    assert_eq!(server.call("POST", &cancel, &json!({})).await.json(), json!({"success": false}));
}

#[tokio::test]
async fn rows_come_from_an_uploaded_file_and_from_nowhere_else() {
    let upstream = Faultd::start(text("x"));
    let folder = tempfile::tempdir().unwrap();
    let server = serve_in(folder.path(), &config(&upstream, "")).await;
    let body = form("file", "rows.json", r#"{"prompts": ["a"], "max_new_tokens": 1, "temperature": 0}"#);
    let headers = [("content-type", "multipart/form-data; boundary=x1")];
    let id = server.send(&request("POST", "/v1/files", &headers, body.as_bytes())).await.json()["id"].clone();
    let mut create = prompts(&[]);
    create["content"] = Value::Null;
    for path in [json!("rows.json"), id] {
        create["input_data_path"] = path;
        let answer = server.call("POST", FIRST, &create).await.json();
        assert_eq!(job(server.address, answer["job_id"].as_str().unwrap()).await["status"], "completed");
    }
    std::fs::write(folder.path().join("data/mine.json"), r#"{"prompts": ["a"]}"#).unwrap();
    let outside = folder.path().join("serve.toml").to_str().unwrap().to_owned();
    for path in ["mine.json", "/etc/passwd", "../serve.toml", "serve.sqlite", "file:///etc/passwd", &outside]
    {
        create["input_data_path"] = json!(path);
        check(&server.call("POST", FIRST, &create).await, 400, "no uploaded file");
    }
}

#[tokio::test]
async fn a_wrong_job_is_not_taken() {
    let upstream = Faultd::start(text("x"));
    let folder = tempfile::tempdir().unwrap();
    let server = serve_in(folder.path(), &config(&upstream, "")).await;
    for (pointer, value, status, words) in [
        ("/model_config/model", json!("nobody"), 404, "nobody"),
        ("/model_config", Value::Null, 400, "model_config: is required"),
        ("/model_config/checkpoint_path", json!("/x"), 400, "checkpoint_path"),
        ("/content/prompts", json!(["a", ""]), 400, "content[1]"),
        ("/content/temperature", json!(-1), 400, "content[0]: temperature"),
        ("/content", Value::Null, 400, "content: is required"),
        ("/output_data_path", json!(""), 400, "output_data_path: is empty"),
        ("/data_parallelism", json!(65), 400, "data_parallelism"),
        ("/max_runtime_sec", json!(0), 400, "max_runtime_sec"),
        ("/tool_config", json!({"name": "code_evaluator"}), 400, "no tools are run here"),
        ("/input_data_path", json!("rows.json"), 400, "only one of the two"),
    ] {
        let mut body = prompts(&["a"]);
        *body.pointer_mut(pointer).unwrap() = value;
        check(&server.call("POST", FIRST, &body).await, status, words);
    }
    assert!(upstream.requests().is_empty());
}
