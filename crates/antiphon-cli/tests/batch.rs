//! `antiphon batch` and an upstream that counts: what is sent, what is written, and what a kill leaves.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use antiphon_testkit::faultd::{Auto, Faultd, Reply, Script, openai};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder with an input, an output, and an upstream.
struct Desk {
    folder: TempDir,
    upstream: Faultd,
}

impl Desk {
    fn new(script: impl Into<Script>, input: &str) -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap(), upstream: Faultd::start(script) };
        desk.write("in.jsonl", input);
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn environment(&self, command: &mut Command) {
        command.env_clear().current_dir(self.folder.path()).env("PATH", std::env::var_os("PATH").unwrap());
        command.env("HOME", self.folder.path()).env("ANTIPHON_CONFIG_DIR", self.path("config"));
        command.env("OPENAI_API_KEY", "canary-openai-0000");
        command.env("OPENAI_BASE_URL", format!("{}/v1", self.upstream.url()));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_antiphon"));
        self.environment(&mut command);
        command.args(["batch", "in.jsonl", "-o", "out.jsonl"]).args(words);
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        let output = self.command(words).output().unwrap();
        assert!(!err(&output).contains("canary"), "{output:?}");
        output
    }

    /// Under a shell's limit of the size of files, whose signal is ignored.
    fn run_in(&self, kibibytes: u32, words: &str) -> Output {
        let mut command = Command::new("bash");
        self.environment(&mut command);
        let run = format!("exec {} batch in.jsonl -o out.jsonl {words}", env!("CARGO_BIN_EXE_antiphon"));
        command.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {kibibytes}; {run}")).output().unwrap()
    }

    fn rows(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("out.jsonl")).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// How often each prompt was asked.
    fn asked(&self) -> BTreeMap<String, usize> {
        let mut asked = BTreeMap::new();
        for request in self.upstream.requests() {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let prompt = body["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap();
            *asked.entry(prompt.to_owned()).or_default() += 1;
        }
        asked
    }
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

const MODEL: &[&str] = &["-m", "openai/gpt-4o-mini"];

fn prompts(count: usize) -> String {
    (0..count).map(|row| format!("\"row {row}\"\n")).collect()
}

fn auto(delay_ms: u64) -> Reply {
    Reply::auto(Auto { delay_ms, ..Auto::text("Hello") })
}

fn indexes(rows: &[Value]) -> Vec<u64> {
    rows.iter().map(|row| row["index"].as_u64().unwrap()).collect()
}

#[test]
fn every_form_of_a_row_has_its_line() {
    let batch = json!({"custom_id": "a", "method": "POST", "url": "/v1/chat/completions",
        "body": {"model": "openai/gpt-4o", "messages": [{"role": "user", "content": "one"}]}});
    let input = format!(
        "{batch}\n{}\n\n\"three\"\n{{\"prompt\": \"four\", \"temperature\": \"hot\"}}\n{{\"prompt\"\n",
        r#"{"prompt": "two", "max_tokens": 5}"#
    );
    let desk = Desk::new(openai::text("Hello"), &input);
    let output = desk.run(&["-s", "Be brief.", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&summary["end"], &summary["rows"], &summary["failed"]),
        (&json!("done"), &json!(5), &json!(2))
    );
    assert!(err(&output).contains("5 of 5 rows are done, 2 of them failed"), "{output:?}");

    let rows = desk.rows();
    assert_eq!(indexes(&rows), [0, 1, 2, 3, 4]);
    assert_eq!((&rows[0]["custom_id"], &rows[1]["custom_id"]), (&json!("a"), &Value::Null));
    for row in &rows[..3] {
        assert_eq!(row["response"]["status_code"], 200);
        assert_eq!(row["response"]["body"]["choices"][0]["message"]["content"], "Hello");
        assert!(row["error"].is_null() && row["id"].as_str().unwrap().starts_with("batch_req_"));
    }
    assert_eq!(rows[3]["error"]["message"], "line 5: temperature: must be a number, got a string");
    assert_eq!(rows[3]["error"]["param"], "temperature");
    assert!(rows[4]["error"]["message"].as_str().unwrap().starts_with("line 6: row: is no JSON"));
    let models: BTreeSet<String> = desk
        .upstream
        .requests()
        .iter()
        .map(|request| serde_json::from_slice::<Value>(&request.body).unwrap()["model"].to_string())
        .collect();
    assert_eq!(models, BTreeSet::from(["\"gpt-4o\"".to_owned(), "\"gpt-4o-mini\"".to_owned()]));
}

#[test]
fn what_is_done_is_not_done_again() {
    let desk = Desk::new(auto(0), &prompts(40));
    assert_eq!(desk.run(MODEL).status.code(), Some(0));
    assert_eq!(indexes(&desk.rows()), (0..40).collect::<Vec<_>>());
    let output = desk.run(MODEL);
    assert_eq!(output.status.code(), Some(0));
    assert!(err(&output).contains("going on: 40 of 40 rows were done"), "{output:?}");
    assert_eq!(desk.upstream.requests().len(), 40);

    // Half of it is gone, and the last line is torn: only what is missing is sent.
    let text = fs::read_to_string(desk.path("out.jsonl")).unwrap();
    let half: Vec<&str> = text.lines().take(20).collect();
    desk.write("out.jsonl", &(half.join("\n") + "\n{\"index\":20,\"id\":\"bat"));
    assert_eq!(desk.run(MODEL).status.code(), Some(0));
    assert_eq!(indexes(&desk.rows()), (0..40).collect::<Vec<_>>());
    assert_eq!(desk.upstream.requests().len(), 60);
}

#[test]
fn an_output_of_something_else_is_left_as_it_is() {
    let desk = Desk::new(auto(0), &prompts(2));
    desk.write("out.jsonl", "my notes\n");
    let refused = |words: &[&str], why: &str| {
        let before = fs::read_to_string(desk.path("out.jsonl")).unwrap();
        let output = desk.run(words);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(err(&output).contains(why), "{why}: {output:?}");
        assert_eq!(fs::read_to_string(desk.path("out.jsonl")).unwrap(), before);
    };
    refused(MODEL, "is not the output of a batch");
    assert!(!desk.path("out.jsonl.state").exists());
    fs::remove_file(desk.path("out.jsonl")).unwrap();
    assert_eq!(desk.run(MODEL).status.code(), Some(0));

    refused(&["-m", "openai/gpt-4o"], "is of another model, openai/gpt-4o-mini");
    refused(&[MODEL, &["-s", "Be brief."]].concat(), "is of other options");
    refused(&[MODEL, &["--option", "temperature", "1"]].concat(), "is of other options");
    // What does not shape the answers may change.
    let other = ["--option", "timeout", "5", "-c", "3", "--option", "max_retries", "0"];
    assert_eq!(desk.run(&[MODEL, &other].concat()).status.code(), Some(0));
    desk.write("in.jsonl", "\"another\"\n");
    refused(MODEL, "is of another input");
    assert_eq!(desk.upstream.requests().len(), 2);
}

#[test]
fn what_cannot_be_a_batch_is_refused() {
    let same = "{\"custom_id\": \"a\", \"prompt\": \"x\"}\n";
    let desk = Desk::new(auto(0), &format!("{same}\"y\"\n{same}"));
    let refused = |words: &[&str], why: &str| {
        let output = desk.run(words);
        assert!(matches!(output.status.code(), Some(2..=4)), "{output:?}");
        assert!(err(&output).contains(why), "{why}: {output:?}");
    };
    refused(MODEL, "custom_id: is the same in line 1 and line 3");
    desk.write("in.jsonl", "\"x\"\n");
    refused(&["-m", "nobody/x"], "there is no provider \"nobody\"");
    refused(&["-m", "anthropic/claude-haiku-4-5"], "no key for Anthropic is set");
    refused(&["-c", "0"], "concurrency: must be at least 1");
    refused(&["--rate", "fast"], "must be such as 60/min");
    refused(&["--max-cost", "0"], "max_cost: must be dollars");
    fs::create_dir(desk.path("out.jsonl")).unwrap();
    refused(MODEL, "is no file");
    assert_eq!(desk.upstream.requests().len(), 0);
}

#[test]
fn prompts_come_from_a_text_file_or_a_pipe() {
    let desk = Desk::new(auto(0), "");
    desk.write("in.txt", "one \"quoted\"\n\ntwo\n");
    let mut command = Command::new(env!("CARGO_BIN_EXE_antiphon"));
    desk.environment(&mut command);
    let output = command.args(["batch", "in.txt", "-o", "out.jsonl"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(desk.asked().into_keys().collect::<Vec<_>>(), ["one \"quoted\"", "two"]);

    let mut command = Command::new(env!("CARGO_BIN_EXE_antiphon"));
    desk.environment(&mut command);
    let piped = fs::File::open(desk.path("in.txt")).unwrap();
    desk.write("in.jsonl", "\"three\"\n");
    drop(piped);
    let piped = fs::File::open(desk.path("in.jsonl")).unwrap();
    let output = command.args(["batch", "-", "-o", "piped.jsonl"]).stdin(piped).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(desk.asked().contains_key("three"));
}

#[test]
fn a_model_of_this_process_does_it_too() {
    let desk = Desk::new(auto(0), "\"What is the capital of France?\"\n\"What is the capital of Italy?\"\n");
    let output = desk.run(&["-m", "local/chorister"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let answers: Vec<String> = desk
        .rows()
        .iter()
        .map(|row| row["response"]["body"]["choices"][0]["message"]["content"].to_string())
        .collect();
    assert!(answers[0].contains("Paris") && answers[1].contains("Rome"), "{answers:?}");
    assert_eq!(desk.rows()[0]["cost"], 0.0);
}

#[test]
fn too_many_at_once_are_sent_again_later() {
    let busy =
        Reply::json(429, r#"{"error": {"message": "slow down"}}"#).header("retry-after-ms", "1").times(25);
    let desk = Desk::new(Script::new().reply(busy).forever(auto(0)), &prompts(20));
    let output = desk.run(&[MODEL, &["-c", "10", "--option", "retry_delay", "0"]].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(desk.rows().len(), 20);
    assert_eq!(desk.upstream.requests().len(), 45);
}

#[test]
fn what_every_row_would_meet_ends_the_run() {
    let wrong = Reply::json(401, r#"{"error": {"message": "no such key: canary-openai-0000"}}"#);
    let desk = Desk::new(Script::new().forever(wrong), &prompts(200));
    let output = desk.run(&[MODEL, &["-c", "4"]].concat());
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(err(&output).contains("the same command goes on from here"), "{output:?}");
    assert!(desk.upstream.requests().len() <= 8);
    assert!(!fs::read_to_string(desk.path("out.jsonl")).unwrap().contains("canary"));
    // With the right key, those that failed are sent again, too.
    desk.upstream.script(auto(0));
    desk.upstream.clear();
    assert_eq!(desk.run(MODEL).status.code(), Some(0));
    assert_eq!(indexes(&desk.rows()), (0..200).collect::<Vec<_>>());
    assert!(desk.rows().iter().all(|row| row["error"].is_null()));
    assert_eq!(desk.upstream.requests().len(), 200);
}

#[test]
fn errors_that_may_heal_are_sent_again_and_others_when_asked() {
    let script = Script::new()
        .reply(Reply::json(400, r#"{"error": {"message": "bad"}}"#))
        .reply(Reply::json(500, r#"{"error": {"message": "down"}}"#))
        .forever(auto(0));
    let desk = Desk::new(script, &prompts(5));
    let words = [MODEL, &["-c", "1", "--option", "max_retries", "0"]].concat();
    assert_eq!(desk.run(&words).status.code(), Some(1));
    let codes: Vec<_> = desk.rows()[..2].iter().map(|row| row["error"]["code"].clone()).collect();
    assert_eq!(codes, ["BadRequestError", "InternalServerError"]);
    assert_eq!(desk.rows()[0]["response"]["status_code"], 400);

    let output = desk.run(&words);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(err(&output).contains("1 had failed and are sent again"), "{output:?}");
    assert_eq!(desk.upstream.requests().len(), 6);
    assert_eq!(desk.run(&[&words[..], &["--retry-errors"]].concat()).status.code(), Some(0));
    assert_eq!(desk.upstream.requests().len(), 7);
    assert_eq!(indexes(&desk.rows()), [0, 1, 2, 3, 4]);
    assert!(desk.rows().iter().all(|row| row["error"].is_null()));
}

#[test]
fn money_ends_the_run() {
    let desk = Desk::new(auto(0), &prompts(100));
    let output = desk.run(&[MODEL, &["-c", "2", "--max-cost", "0.00005", "--json"]].concat());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["end"], "max_cost");
    let (done, cost) = (summary["done"].as_u64().unwrap(), summary["cost"].as_f64().unwrap());
    assert!((1..100).contains(&done) && (0.00004..0.00006).contains(&cost), "{summary}");
    let desk = Desk::new(auto(0), &prompts(1));
    let output = desk.run(&["-m", "openai/nobody-knows", "--max-cost", "1"]);
    assert!(err(&output).contains("max_cost: the price of"), "{output:?}");
    assert_eq!(desk.upstream.requests().len(), 0);
}

#[test]
fn a_rate_spaces_what_is_sent() {
    let desk = Desk::new(auto(0), &prompts(6));
    let output = desk.run(&[MODEL, &["--rate", "10/s"]].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let at: Vec<f64> = desk.upstream.requests().iter().map(|request| request.at_ms).collect();
    assert!(at[5] - at[0] >= 450.0, "{at:?}");
}

#[test]
fn a_full_disk_loses_nothing() {
    let desk = Desk::new(auto(0), &prompts(100));
    let output = desk.run_in(16, "-m openai/gpt-4o-mini -c 4");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(err(&output).contains("cannot write out.jsonl"), "{output:?}");
    let kept = desk.rows().len();
    assert!((10..100).contains(&kept), "{kept}");
    let output = desk.run(MODEL);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(err(&output).contains(&format!("going on: {kept} of 100")), "{output:?}");
    assert_eq!(indexes(&desk.rows()), (0..100).collect::<Vec<_>>());
    // At most those four were in vain that were in flight.
    assert!(desk.upstream.requests().len() <= 104);
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn ctrl_c_waits_for_what_is_in_flight() {
    let desk = Desk::new(auto(300), &prompts(100));
    let child = desk.command(&[MODEL, &["-c", "5"]].concat()).spawn().unwrap();
    assert!(desk.upstream.wait_for(|record| record.in_flight == 5, Duration::from_secs(10)));
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let (done, asked) = (desk.rows().len(), desk.upstream.requests().len());
    assert_eq!(done, asked);
    assert!(err(&output).contains("stopped: the same command goes on"), "{output:?}");

    // A second one does not.
    let child = desk.command(&[MODEL, &["-c", "5"]].concat()).spawn().unwrap();
    assert!(desk.upstream.wait_for(|record| record.requests.len() == asked + 5, Duration::from_secs(10)));
    signal(&child, "-INT");
    std::thread::sleep(Duration::from_millis(50));
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    desk.upstream.script(auto(0));
    let output = desk.run(MODEL);
    assert_eq!(output.status.code(), Some(0));
    assert!(err(&output).contains("5 were in flight and are sent again"), "{output:?}");
    assert_eq!(indexes(&desk.rows()), (0..100).collect::<Vec<_>>());
}

#[test]
fn only_one_writes_an_output() {
    let desk = Desk::new(auto(2000), &prompts(2));
    let mut child = desk.command(MODEL).spawn().unwrap();
    assert!(desk.upstream.wait_for(|record| record.in_flight > 0, Duration::from_secs(10)));
    let output = desk.run(MODEL);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("is being written by another batch"), "{output:?}");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The rows that were sent and have no line.
fn in_flight(state: &Path, rows: &[Value]) -> BTreeSet<usize> {
    let Ok(bytes) = fs::read(state) else { return BTreeSet::new() };
    let Some(head) = bytes.iter().position(|byte| *byte == b'\n') else { return BTreeSet::new() };
    let sent = bytes[head + 1..].iter().enumerate().filter(|(_, mark)| **mark != 0).map(|(row, _)| row);
    let done: BTreeSet<u64> = indexes(rows).into_iter().collect();
    sent.filter(|row| !done.contains(&(*row as u64))).collect()
}

/// The whole lines of an output that may be torn.
fn whole_rows(path: &Path) -> Vec<Value> {
    let bytes = fs::read(path).unwrap_or_default();
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let text = std::str::from_utf8(&bytes[..end]).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A generator of its own, so that a failure can be seen again.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

#[test]
fn a_kill_costs_only_what_was_in_flight() {
    const ROWS: usize = 1500;
    let kills = if std::env::var_os("ANTIPHON_SOAK").is_some() { 200 } else { 20 };
    let mut random = Random(u64::from(std::process::id()));
    let (mut killed, mut were_in_flight) = (0, 0);
    while killed < kills {
        let desk = Desk::new(auto(4), &prompts(ROWS));
        let (state, output) = (desk.path("out.jsonl.state"), desk.path("out.jsonl"));
        let mut allowed = vec![1; ROWS];
        loop {
            let rows = whole_rows(&output);
            let sent: BTreeSet<usize> = in_flight(&state, &rows);
            sent.iter().for_each(|row| allowed[*row] += 1);
            were_in_flight += sent.len();
            let mut child = desk.command(&[MODEL, &["-c", "8"]].concat()).spawn().unwrap();
            let last = Instant::now() + Duration::from_millis(20 + random.below(150));
            let done = loop {
                match child.try_wait().unwrap() {
                    Some(status) => break Some(status),
                    None if killed < kills && Instant::now() >= last => break None,
                    None => std::thread::sleep(Duration::from_millis(1)),
                }
            };
            if done.is_none() {
                child.kill().unwrap();
                killed += 1;
            }
            let ended = child.wait_with_output().unwrap();
            if !sent.is_empty() && !ended.stderr.is_empty() {
                let told = format!("{} were in flight and are sent again", sent.len());
                assert!(err(&ended).contains(&told), "{told}: {ended:?}");
            }
            if let Some(status) = done {
                assert_eq!(status.code(), Some(0), "{ended:?}");
                break;
            }
        }
        assert_eq!(indexes(&desk.rows()), (0..ROWS as u64).collect::<Vec<_>>());
        let asked = desk.asked();
        for (row, allowed) in allowed.iter().enumerate() {
            let asked = asked[&format!("row {row}")];
            assert!((1..=*allowed).contains(&asked), "row {row} was sent {asked} times, not {allowed}");
        }
    }
    assert!(were_in_flight > 0, "no kill met anything");
}
