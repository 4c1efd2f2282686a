//! A server in a folder that is there before and after it, and an upstream that goes on from prompts.

use std::path::Path;
use std::time::Duration;

use antiphon_server::{Handle, Options, Server};
use antiphon_testkit::faultd::Reply;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::rig::{Answer, read_to_end, request};

/// The bound on a job that has nothing to wait for.
const JOB: Duration = Duration::from_secs(30);

/// A server whose data outlives it.
pub(crate) struct Place {
    pub(crate) address: std::net::SocketAddr,
    handle: Handle,
    task: JoinHandle<()>,
}

/// A server with this configuration, whose data is in that folder.
pub(crate) async fn serve_in(folder: &Path, config: &str) -> Place {
    std::fs::write(folder.join("serve.toml"), config).unwrap();
    let options = Options {
        config: Some(folder.join("serve.toml")),
        port: Some(0),
        data: Some(folder.join("data")),
        ..Options::default()
    };
    let server = Server::bind(options).await.unwrap();
    let (address, handle) = (server.address(), server.handle());
    Place { address, handle, task: tokio::spawn(async { server.run().await.unwrap() }) }
}

impl Place {
    pub(crate) async fn send(&self, bytes: &[u8]) -> Answer {
        send(self.address, bytes).await
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(&request(method, path, &[], body.as_bytes())).await
    }

    /// Ends it as a signal does, and waits until it has let go of its data.
    pub(crate) async fn stop(self) {
        self.handle.shutdown();
        self.task.await.unwrap();
    }
}

/// Sends bytes and reads until the server closes.
pub(crate) async fn send(address: std::net::SocketAddr, bytes: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, bytes).await;
    Answer::parse(&read_to_end(&mut stream).await)
}

/// The job, once it is over.
pub(crate) async fn job(address: std::net::SocketAddr, id: &str) -> Value {
    let look = async {
        loop {
            let bytes = request("GET", &format!("/v2/batch-completions/{id}"), &[], b"");
            let job = send(address, &bytes).await.json()["job"].take();
            if !matches!(job["status"].as_str(), Some("queued" | "running")) {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(JOB, look).await.expect("the job ends")
}

/// What OpenAI's older endpoint answers.
pub(crate) fn text(text: &str) -> Reply {
    Reply::json(
        200,
        json!({
            "id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "text": text, "finish_reason": "stop", "logprobs": null}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        })
        .to_string(),
    )
}

/// The same, streamed: an event for each piece, the reason with the last one.
pub(crate) fn events(pieces: &[&str]) -> Vec<String> {
    let chunk = |text: &str, reason: Option<&str>| {
        json!({
            "id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "text": text, "finish_reason": reason, "logprobs": null}],
        })
    };
    let count = pieces.len();
    let mut events: Vec<Value> =
        (1..).zip(pieces).map(|(at, piece)| chunk(piece, (at == count).then_some("length"))).collect();
    let usage = json!({"prompt_tokens": 3, "completion_tokens": count, "total_tokens": 3 + count});
    events.push(json!({"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m",
        "choices": [], "usage": usage}));
    let mut lines: Vec<String> = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    lines.push("data: [DONE]\n\n".into());
    lines
}

#[track_caller]
pub(crate) fn check(answer: &Answer, status: u16, words: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let body = answer.json();
    let detail = body["detail"].as_str().unwrap_or_else(|| panic!("no detail: {body}"));
    assert!(detail.contains(words), "{detail:?} has no {words:?}");
}
