//! What outlives a server that stops, and one that is killed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use antiphon_testkit::faultd::{Faultd, Reply, Script};
use serde_json::{Value, json};

use crate::rig::{config, request};
use crate::scene::{job, send, serve_in, text};

/// Where the child serves; it does nothing without.
const FOLDER: &str = "ANTIPHON_TEST_FOLDER";

const LONG: Duration = Duration::from_secs(30);

fn body() -> Value {
    json!({
        "model_config": {"model": "mine"}, "content": {"prompts": ["a", "b"]}, "output_data_path": "out",
    })
}

/// Answers one row and leaves the other hanging.
fn half() -> Script {
    Script::new().reply(text("x")).forever(Reply::hang())
}

#[tokio::test]
async fn a_job_goes_on_after_a_stop() {
    let upstream = Faultd::start(half());
    let folder = tempfile::tempdir().unwrap();
    let configuration = config(&upstream, "[serve]\ndrain_seconds = 1\n[aliases]\nmine = \"up/m\"\n");
    let server = serve_in(folder.path(), &configuration).await;
    let id = server.call("POST", "/v1/llm/batch-completions", &body()).await.json()["job_id"].clone();
    let id = id.as_str().unwrap();
    answered(&upstream, server.address, id).await;
    server.stop().await;
    finished_by_the_next(&upstream, folder.path(), &configuration, id).await;
}

#[tokio::test]
async fn everything_is_there_after_a_kill() {
    let upstream = Faultd::start(half());
    let folder = tempfile::tempdir().unwrap();
    let configuration = config(&upstream, "");
    std::fs::write(folder.path().join("serve.toml"), &configuration).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "life::serves_until_it_is_killed"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let address = address(folder.path().join("address")).await;
    let post = |path: &'static str, body: Value| async move {
        send(address, &request("POST", path, &[], body.to_string().as_bytes())).await.json()
    };
    let made = post("/v1/llm/model-endpoints", json!({"name": "mine", "model_name": "up/m"})).await;
    assert!(made["endpoint_creation_task_id"].is_string(), "{made}");
    let id = post("/v1/llm/batch-completions", body()).await["job_id"].clone();
    let id = id.as_str().unwrap();
    answered(&upstream, address, id).await;
    // SIGKILL: nothing is closed, nothing is written any more.
    child.kill().unwrap();
    child.wait().unwrap();
    finished_by_the_next(&upstream, folder.path(), &configuration, id).await;
}

/// Waits until one row is answered, and the other is asked.
async fn answered(upstream: &Faultd, address: std::net::SocketAddr, id: &str) {
    let path = format!("/v2/batch-completions/{id}");
    let look = async {
        loop {
            let job = send(address, &request("GET", &path, &[], b"")).await.json();
            if job["job"]["metadata"]["rows_done"] == "1" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONG, look).await.expect("a row is answered");
    assert!(upstream.wait_for_async(|record| record.in_flight == 1, LONG).await);
}

/// The next server asks the open row alone, and ends the job.
async fn finished_by_the_next(upstream: &Faultd, folder: &Path, configuration: &str, id: &str) {
    upstream.script(text("y"));
    upstream.clear();
    let server = serve_in(folder, configuration).await;
    let job = job(server.address, id).await;
    assert_eq!((&job["status"], &job["metadata"]["rows_done"]), (&json!("completed"), &json!("2")), "{job}");
    assert_eq!(upstream.requests().len(), 1);
    let file = job["metadata"]["output_file_id"].as_str().unwrap();
    let content = server.call("GET", &format!("/v1/files/{file}/content"), &Value::Null).await.json();
    let outputs: Value = serde_json::from_str(content["content"].as_str().unwrap()).unwrap();
    let mut texts: Vec<&str> =
        outputs.as_array().unwrap().iter().map(|output| output["text"].as_str().unwrap()).collect();
    texts.sort_unstable();
    assert_eq!(texts, ["x", "y"]);
}

async fn address(file: PathBuf) -> std::net::SocketAddr {
    let look = async {
        loop {
            if let Some(address) = std::fs::read_to_string(&file).ok().and_then(|text| text.parse().ok()) {
                return address;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONG, look).await.expect("the child serves")
}

/// The child of the test above.
#[tokio::test]
#[ignore = "it serves for another test, and does not end by itself"]
async fn serves_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let configuration = std::fs::read_to_string(folder.join("serve.toml")).unwrap();
    let server = serve_in(&folder, &configuration).await;
    let unfinished = folder.join("address.new");
    std::fs::write(&unfinished, server.address.to_string()).unwrap();
    std::fs::rename(unfinished, folder.join("address")).unwrap();
    // Whoever started it may be gone.
    tokio::time::sleep(Duration::from_secs(120)).await;
}
