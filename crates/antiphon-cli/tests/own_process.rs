//! Models in processes of their own: one that crashes takes nothing with it but its own answers.
#![cfg(all(target_os = "linux", feature = "local", feature = "serve"))]
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use antiphon_testkit::random_gguf::Recipe;
use serde_json::{Value, json};
use tempfile::TempDir;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/chorister/chorister.gguf");
const SOON: Duration = Duration::from_secs(20);

/// A server with two models in processes of their own.
struct Served {
    child: Child,
    address: String,
    home: TempDir,
}

impl Served {
    fn start() -> Self {
        Self::start_with("")
    }

    /// With this at the end of its configuration.
    fn start_with(more: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let models = home.path().join("models");
        fs::create_dir(&models).unwrap();
        for name in ["soprano", "alto"] {
            fs::copy(MODEL, models.join(format!("{name}.gguf"))).unwrap();
        }
        Recipe::ranker("bge-reranker").write(&models.join("ranker.gguf"));
        let config = home.path().join("config.toml");
        let text = format!(
            "[local]\nmodels_dir = {models:?}\nown_process = [\"soprano\", \"local/alto\", \"ranker\"]\n{more}"
        );
        fs::write(&config, text).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_antiphon"))
            .args(["serve", "--port", "0", "--config"])
            .arg(&config)
            .arg("--data")
            .arg(home.path().join("data"))
            .env("ANTIPHON_CONFIG_DIR", home.path())
            .env("XDG_CACHE_HOME", home.path())
            .env_remove("ANTIPHON_MODELS_DIR")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit('/').next().unwrap().to_owned();
        Self { child, address, home }
    }

    fn post(&self, body: &str) -> TcpStream {
        self.post_to("/v1/chat/completions", body)
    }

    fn post_to(&self, path: &str, body: &str) -> TcpStream {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        socket.set_read_timeout(Some(SOON)).unwrap();
        let head = "HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-type: application/json";
        write!(socket, "POST {path} {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
        socket
    }

    fn metrics(&self) -> String {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        socket.set_read_timeout(Some(SOON)).unwrap();
        write!(socket, "GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    }

    fn ask(&self, model: &str) -> String {
        let body = format!(
            r#"{{"model": "local/{model}", "messages": [{{"role": "user", "content": "What is the capital of France?"}}]}}"#
        );
        let mut answer = String::new();
        self.post(&body).read_to_string(&mut answer).unwrap();
        answer
    }

    /// A stream that goes on for as long as the model's context lasts, read up to its first piece.
    fn long(&self, model: &str) -> BufReader<TcpStream> {
        let body = format!(
            r#"{{"model": "local/{model}", "stream": true, "max_tokens": 400, "temperature": 1,
                "ignore_eos": true, "messages": [{{"role": "user", "content": "Tell me a story"}}]}}"#
        );
        let mut stream = BufReader::new(self.post(&body));
        let (mut line, mut seen) = (String::new(), String::new());
        while !line.contains("\"content\"") {
            line.clear();
            let read = stream.read_line(&mut line).unwrap();
            seen.push_str(&line);
            assert_ne!(read, 0, "the stream ended before it began: {seen}");
        }
        stream
    }

    /// The processes that it started and that run.
    fn processes(&self) -> BTreeSet<u32> {
        let folders = fs::read_dir("/proc").unwrap().flatten();
        let ids = folders.filter_map(|folder| folder.file_name().to_str()?.parse::<u32>().ok());
        ids.filter(|id| parent(*id) == Some(self.child.id())).collect()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The parent of a process that is no zombie.
fn parent(id: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let mut words = stat.rsplit_once(')')?.1.split_whitespace();
    (words.next()? != "Z").then(|| words.next()?.parse().ok())?
}

fn signal(name: &str, id: u32) {
    assert!(Command::new("kill").args([name, &id.to_string()]).status().unwrap().success());
}

fn wait_until(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < SOON, "that took too long");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn rest(mut stream: BufReader<TcpStream>) -> String {
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    rest
}

#[test]
fn a_model_that_crashes_fails_its_own_requests_and_is_started_again() {
    let served = Served::start();
    assert!(served.ask("soprano").contains("Paris"));
    let soprano = *served.processes().first().unwrap();
    assert!(served.ask("alto").contains("Paris"));
    assert_eq!(served.processes().len(), 2);

    signal("-STOP", soprano);
    let waiting = served.post(
        r#"{"model": "local/soprano", "max_tokens": 5, "messages": [{"role": "user", "content": "Who are you?"}]}"#,
    );
    let alto = served.long("alto");
    std::thread::sleep(Duration::from_millis(50));
    signal("-ABRT", soprano);
    signal("-CONT", soprano);

    let answer = rest(BufReader::new(waiting));
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("the process of local/soprano ended: signal: 6"), "{answer}");
    assert!(rest(alto).contains("[DONE]"), "the other model goes on");
    assert!(served.ask("soprano").contains("Paris"), "it is there again");
    assert_eq!(served.processes().len(), 2);
    assert!(!served.processes().contains(&soprano));
}

#[test]
fn a_stream_whose_model_crashes_ends_in_an_error() {
    let served = Served::start();
    let stream = served.long("soprano");
    signal("-KILL", *served.processes().first().unwrap());
    let rest = rest(stream);
    assert!(rest.contains("the process of local/soprano ended: signal: 9"), "{rest}");
    assert!(!rest.contains("[DONE]") && !rest.contains("\"finish_reason\":\"stop\""), "{rest}");
}

#[test]
fn the_processes_end_with_the_one_that_asks() {
    let served = Served::start();
    let _stream = served.long("soprano");
    let _other = served.long("alto");
    let processes = served.processes();
    assert_eq!(processes.len(), 2);
    // It has no time to say goodbye.
    signal("-KILL", served.child.id());
    wait_until(|| processes.iter().all(|id| parent(*id).is_none()));
}

#[test]
fn a_client_that_leaves_ends_its_answer_in_the_other_process() {
    let served = Served::start();
    drop(served.long("soprano"));
    assert!(served.ask("soprano").contains("Paris"));
    wait_until(|| {
        let mut socket = TcpStream::connect(&served.address).unwrap();
        write!(socket, "GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        socket.read_to_string(&mut text).unwrap();
        text.lines().any(|line| line.contains("running") && line.contains("soprano") && line.ends_with(" 0"))
    });
}

#[test]
fn a_draft_is_in_the_process_of_its_model() {
    let served = Served::start_with("[local.drafts]\nsoprano = \"alto\"\n");
    assert!(served.ask("soprano").contains("Paris"));
    let accepted = "antiphon_spec_decode_num_accepted_tokens_total{gen_ai_response_model=\"soprano\"} ";
    // What goes on in the other process is told now and then.
    wait_until(|| {
        let metrics = served.metrics();
        let line = metrics.lines().find_map(|line| line.strip_prefix(accepted));
        line.is_some_and(|count| count.parse::<u64>().unwrap() > 0)
    });
    assert_eq!(served.processes().len(), 1);
}

#[test]
fn a_file_that_is_no_model_is_refused_as_in_the_same_process() {
    let served = Served::start();
    fs::write(served.home.path().join("models/alto.gguf"), b"rubbish").unwrap();
    let answer = served.ask("alto");
    assert!(answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 5"), "{answer}");
    assert!(answer.contains("local_model"), "{answer}");
    wait_until(|| served.processes().is_empty());
}

#[test]
fn documents_are_ranked_in_the_other_process_as_in_this_one() {
    let served = Served::start();
    let ask = |path: &str, body: Value| {
        let mut answer = String::new();
        served.post_to(path, &body.to_string()).read_to_string(&mut answer).unwrap();
        answer
    };
    let recipe = Recipe::ranker("bge-reranker");
    let (query, documents) = (&recipe.json["query"], &recipe.json["documents"]);
    let asked =
        json!({"model": "local/ranker", "query": query, "documents": documents, "return_documents": true});
    let answer = ask("/v1/rerank", asked);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(served.processes().len(), 1);
    let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    let results = body["results"].as_array().unwrap();
    assert_eq!(results.len(), documents.as_array().unwrap().len());
    for result in results {
        let place = result["index"].as_u64().unwrap() as usize;
        let expected = recipe.json["scores"][place].as_f64().unwrap();
        assert!((result["relevance_score"].as_f64().unwrap() - expected).abs() < 3e-3, "{result}");
        assert_eq!(result["document"]["text"], documents[place]);
    }
    let long = json!({"model": "local/ranker", "query": "1", "documents": ["2", "3 ".repeat(300)]});
    let answer = ask("/v1/rerank", long);
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("documents[1]"), "{answer}");
    let answer = ask("/v1/embeddings", json!({"model": "local/ranker", "input": "a"}));
    assert!(answer.contains("ranker ranks documents, and gives no embeddings"), "{answer}");
    let answer = ask("/v1/rerank", json!({"model": "local/soprano", "query": "q", "documents": ["a"]}));
    assert!(answer.contains("soprano generates text, and ranks no documents"), "{answer}");
}
