//! The command and a hosted model, which is a scripted upstream on loopback.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::io::Read;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use antiphon_testkit::faultd::{Faultd, Reply, Script, anthropic, openai};
use tempfile::TempDir;

const SOON: Duration = Duration::from_secs(10);

/// A user whose keys and addresses stand in the environment.
struct User {
    home: TempDir,
    upstream: Faultd,
}

impl User {
    fn of(script: Script) -> Self {
        Self { home: tempfile::tempdir().unwrap(), upstream: Faultd::start(script) }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_antiphon"));
        command.env_clear().args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.home.path()).env("ANTIPHON_CONFIG_DIR", self.home.path());
        command.env("OPENAI_API_KEY", "canary-openai-0000").env("ANTHROPIC_API_KEY", "canary-anthropic-0");
        command.env("OPENAI_BASE_URL", format!("{}/v1", self.upstream.url()));
        command.env("ANTHROPIC_BASE_URL", self.upstream.url());
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        let output = self.command(words).output().unwrap();
        assert!(!out(&output).contains("canary") && !err(&output).contains("canary"), "{output:?}");
        output
    }
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_models_name_is_all_that_changes() {
    let user = User::of(
        Script::new()
            .reply(openai::stream(&["Hel", "lo"]))
            .reply(anthropic::stream(&["Hel", "lo"]))
            .reply(openai::text("Hello"))
            .forever(anthropic::text("Hello")),
    );
    let (openai, anthropic) = ("openai/gpt-4o-mini", "anthropic/claude-haiku-4-5");
    let streamed = [openai, anthropic].map(|model| vec!["hi", "-m", model]);
    let whole = [openai, anthropic].map(|model| vec!["hi", "--no-stream", "-m", model]);
    for words in streamed.into_iter().chain(whole) {
        let output = user.run(&words);
        assert_eq!(
            (out(&output).as_str(), output.status.code()),
            ("Hello\n", Some(0)),
            "{words:?} {output:?}"
        );
    }
    let asked = user.upstream.requests();
    assert_eq!(asked[0].header("authorization"), Some("Bearer canary-openai-0000"));
    assert_eq!(asked[1].header("x-api-key"), Some("canary-anthropic-0"));
    assert_eq!(
        [asked[0].target.as_str(), asked[1].target.as_str()],
        ["/v1/chat/completions", "/v1/messages"]
    );
}

#[test]
fn each_failure_has_a_clear_word_and_an_exit_code() {
    let html =
        Reply::status(502).header("content-type", "text/html").body("<html><h1>Bad gateway</h1></html>");
    let cases = [
        (
            openai::error(401, "invalid_request_error", "invalid_api_key", "Incorrect API key"),
            3,
            "Incorrect API key",
        ),
        (openai::error(404, "invalid_request_error", "model_not_found", "no such model"), 4, "no such model"),
        (html, 5, "Bad gateway"),
        (Reply::json(200, "{\"error\": {\"message\": \"upside down\"}}"), 5, "upside down"),
        (Reply::json(200, "<html>"), 7, "no chat completion"),
        (Reply::json(200, ""), 7, "empty"),
        (Reply::hang(), 6, "timeout"),
    ];
    for (reply, code, words) in cases {
        let user = User::of(Script::new().forever(reply));
        let options = ["-o", "max_retries", "0", "-o", "timeout", "0.5"];
        let output = user.run(&[&["hi", "-m", "openai/gpt-4o-mini", "--no-stream"][..], &options].concat());
        assert_eq!((out(&output).as_str(), output.status.code()), ("", Some(code)), "{output:?}");
        assert!(err(&output).contains(words), "{words}: {}", err(&output));
    }
}

#[test]
fn a_stream_that_is_cut_shows_what_came_and_fails() {
    let pieces = openai::events(&["Hel", "lo"]);
    let cut = Reply::event_stream(pieces.into_iter().take(2)).close();
    let user = User::of(Script::new().forever(cut));
    let output = user.run(&["hi", "-m", "openai/gpt-4o-mini"]);
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    assert!(out(&output).starts_with("Hel") && err(&output).contains("ended"), "{output:?}");
    assert_eq!(user.upstream.requests().len(), 1, "what was shown is not asked for again");
}

#[test]
fn ctrl_c_closes_the_upstream() {
    for stream in [true, false] {
        let slow = Reply::event_stream(openai::events(&["a"; 1000])).every(50);
        let user = User::of(Script::new().forever(if stream { slow } else { Reply::hang() }));
        let mut child = user.command(&["hi", "-m", "openai/gpt-4o-mini"]).spawn().unwrap();
        if stream {
            child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        }
        assert!(user.upstream.wait_for(|record| record.in_flight == 1, SOON));
        let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(status.success());
        assert!(user.upstream.wait_for(|record| record.in_flight == 0, SOON));
        let start = Instant::now();
        while child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < SOON, "it hangs");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(child.wait().unwrap().code(), Some(130));
    }
}

#[test]
fn a_fallback_may_be_the_model_in_this_process() {
    let user = User::of(Script::new().forever(Reply::status(503)));
    let options = ["-o", "fallbacks", "local/chorister", "-o", "max_retries", "1", "-o", "retry_delay", "0"];
    let words = [&["What is the capital of France?", "-m", "openai/gpt-4o-mini"][..], &options].concat();
    let output = user.run(&words);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(out(&output).contains("Paris"), "{output:?}");
    assert!(err(&output).contains("openai/gpt-4o-mini failed"), "{output:?}");
    assert_eq!(user.upstream.requests().len(), 2);
}

#[test]
fn kept_answers_are_answered_with_listed_and_removed() {
    let user = User::of(Script::new().forever(openai::text("Hello from afar")));
    let folder = user.home.path().join("answers");
    let run = |words: &[&str]| user.command(words).env("ANTIPHON_CACHE_PATH", &folder).output().unwrap();
    for _ in 0..2 {
        let output = run(&["hi", "-m", "openai/gpt-4o-mini", "--no-stream"]);
        assert_eq!(out(&output), "Hello from afar\n", "{output:?}");
    }
    assert_eq!(user.upstream.requests().len(), 1);
    assert!(out(&run(&["cache"])).starts_with("answers  1\n"));
    assert!(out(&run(&["cache", "ls"])).contains("Hello from afar"));
    assert_eq!(out(&run(&["cache", "path"])), format!("{}\n", folder.display()));
    assert!(err(&run(&["cache", "clear"])).contains("1 answers were removed"));
    let named = user.run(&["cache", "stats", "--folder", folder.to_str().unwrap()]);
    assert!(out(&named).starts_with("answers  0\n"), "{named:?}");
    let none = user.run(&["cache"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(err(&none).contains("ANTIPHON_CACHE_PATH"), "{none:?}");
}

#[test]
fn explain_shows_the_request_and_sends_nothing() {
    let user = User::of(Script::new().forever(openai::text("no")));
    let options = ["-o", "top_k", "5", "-o", "drop_params", "true", "-o", "max_tokens", "100"];
    let output = user.run(&[&["explain", "hi", "-m", "openai/gpt-4o-mini"][..], &options].concat());
    let shown = out(&output);
    let url = format!("POST {}/v1/chat/completions\n", user.upstream.url());
    assert!(shown.starts_with(&url), "{shown}");
    for line in
        ["authorization: Bearer ****", "  \"max_completion_tokens\": 100,", "dropped: top_k", "price: $"]
    {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let json = user.run(&["explain", "hi", "-m", "claude-haiku-4-5", "--json"]);
    assert!(out(&json).contains("\"x-api-key\":\"****\""), "{json:?}");
    let local = user.run(&["explain", "hi", "-m", "local/chorister"]);
    assert!(out(&local).contains("price: nothing"), "{local:?}");
    let dry = user.run(&["hi", "-m", "openai/gpt-4o-mini", "-o", "dry_run", "true"]);
    assert!(out(&dry).starts_with(&url), "{dry:?}");
    assert_eq!(user.upstream.requests().len(), 0);
}

#[test]
fn a_name_may_stand_for_several_servers() {
    let user = User::of(Script::new().forever(openai::stream(&["Hel", "lo"])));
    let bad = Faultd::start(openai::error(503, "", "", "loading"));
    let config = format!(
        "[[upstreams.llama.servers]]\nmodel = \"vllm/llama\"\nname = \"bad\"\nweight = 9\nbase_url = \"{}/v1\"\n\
         [[upstreams.llama.servers]]\nmodel = \"vllm/llama\"\nname = \"good\"\nbase_url = \"{}/v1\"\n",
        bad.url(),
        user.upstream.url()
    );
    std::fs::write(user.home.path().join("config.toml"), config).unwrap();
    let output = user.run(&["hi", "-m", "llama"]);
    assert_eq!((out(&output).as_str(), output.status.code()), ("Hello\n", Some(0)), "{output:?}");
    let doctor = out(&user.run(&["doctor"]));
    assert!(
        doctor.contains("upstreams") && doctor.contains("bad (vllm/llama, http://127.0.0.1:"),
        "{doctor}"
    );
    let explained = out(&user.run(&["explain", "hi", "-m", "llama"]));
    assert!(explained.contains("one of bad, good"), "{explained}");
    user.upstream.script(openai::error(503, "", "", "loading"));
    let output = user.run(&["hi", "-m", "llama"]);
    assert!(err(&output).contains("bad (status 503), good (status 503)"), "{output:?}");
    assert_eq!(output.status.code(), Some(5));
}
