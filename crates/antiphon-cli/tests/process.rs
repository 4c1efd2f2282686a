//! What a snapshot cannot show: input, signals, closed pipes, files, and which stream is written to.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use antiphon::providers::PROVIDERS;
use tempfile::TempDir;

/// A user with a home of their own, and nothing set.
struct User {
    home: TempDir,
}

impl User {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_antiphon"));
        let variables = PROVIDERS
            .iter()
            .flat_map(|it| it.key_variables.iter().chain(it.url_variables).chain(it.token_variables));
        let ours =
            ["ANTIPHON_MODEL", "ANTIPHON_MODELS_DIR", "ANTIPHON_LOG", "XDG_CONFIG_HOME", "XDG_DATA_HOME"];
        for name in variables.chain(&ours) {
            command.env_remove(name);
        }
        command.env("HOME", self.home.path()).env("XDG_CACHE_HOME", self.home.path().join("cache"));
        command.env("ANTIPHON_CONFIG_DIR", self.home.path().join("config"));
        command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    fn pipe(&self, input: &[u8], words: &[&str]) -> Output {
        let mut child = self.command(words).stdin(Stdio::piped()).spawn().unwrap();
        // A command that fails at once does not read its input.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    }

    fn start(&self, words: &[&str]) -> Child {
        self.command(words).spawn().unwrap()
    }
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The lines of the output, each with its words one space apart.
fn lines(output: &Output) -> Vec<String> {
    out(output).lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

fn interrupt(child: &Child) {
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// Long enough for a slow machine, short enough that a hang is seen.
const SOON: Duration = Duration::from_secs(4);

fn exit_code_soon(child: &mut Child) -> Option<i32> {
    let start = Instant::now();
    while start.elapsed() < SOON {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    panic!("still running after {SOON:?}");
}

/// How long the prompt was, as a mock counts it.
fn tokens_of_prompt(output: &Output) -> u64 {
    let response: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    response["usage"]["prompt_tokens"].as_u64().unwrap()
}

#[test]
fn what_is_piped_in_goes_before_the_prompt() {
    let user = User::new();
    let mocked = ["-o", "mock_response", "ok", "--json"];
    // A mock counts four bytes as a token.
    let run =
        |input: &[u8], more: &[&str]| tokens_of_prompt(&user.pipe(input, &[&mocked[..], more].concat()));
    assert_eq!(run(b"12345678\n", &[]), 2);
    assert_eq!(run(b"12345678\n", &["123456"]), 4);
    assert_eq!(run(b"12345678", &["-f", "-", "123456"]), 4);
}

#[test]
fn input_that_is_no_text_is_refused() {
    let output = User::new().pipe(b"\xff\xfe\x00", &["-o", "mock_response", "ok"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        err(&output).starts_with("antiphon: the standard input is not text in UTF-8\nhint: "),
        "{output:?}"
    );
}

#[test]
fn answers_go_to_stdout_and_remarks_to_stderr() {
    let output = User::new().run(&["hi", "-o", "mock_response", "hello", "-u"]);
    assert_eq!(
        (out(&output).as_str(), err(&output).as_str()),
        ("hello\n", "antiphon: tokens: 1 of prompt, 2 of answer\n")
    );
    let output = User::new().run(&["hi", "-o", "mock_response", "two\nlines\n"]);
    assert_eq!(out(&output), "two\nlines\n");
}

#[test]
fn a_pipe_gets_the_answer_as_it_is() {
    let output = User::new().run(&["hi", "-o", "mock_response", "\u{1b}[31mred \u{202e}"]);
    assert_eq!(out(&output), "\u{1b}[31mred \u{202e}\n");
    let output = User::new().run(&["hi", "-m", "nobody/\u{1b}[31m\u{202e}"]);
    assert!(!err(&output).contains(['\u{1b}', '\u{202e}']), "{output:?}");
}

#[test]
fn a_closed_pipe_is_quiet() {
    let user = User::new();
    let long = "word ".repeat(100_000);
    let mut child = user.start(&["hi", "-o", "mock_response", &long[..100_000]]);
    let mut first = [0; 4];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(141), ""));

    let mut child = user.start(&["completions", "bash"]);
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 141)), "{output:?}");
    assert_eq!(err(&output), "");
}

#[test]
fn ctrl_c_ends_a_call() {
    let user = User::new();
    for stream in [&[][..], &["--no-stream"]] {
        let words = [&["hi", "-o", "mock_response", "x", "-o", "mock_delay", "60"][..], stream].concat();
        let mut child = user.start(&words);
        std::thread::sleep(Duration::from_millis(300));
        interrupt(&child);
        assert_eq!(exit_code_soon(&mut child), Some(130));
        let output = child.wait_with_output().unwrap();
        assert_eq!((out(&output).as_str(), err(&output).as_str()), ("", ""));
    }
}

#[test]
fn ctrl_c_ends_a_local_answer() {
    let user = User::new();
    let words = ["-m", "local/chorister", "hi", "-o", "ignore_eos", "true", "-o", "max_tokens", "100000"];
    let mut child = user.start(&words);
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 1]).unwrap();
    interrupt(&child);
    assert_eq!(exit_code_soon(&mut child), Some(130));
}

#[test]
fn ctrl_c_ends_a_chat_that_waits_for_input() {
    let user = User::new();
    let words = ["chat", "-o", "mock_response", "yes"];
    let mut child = user.command(&words).stdin(Stdio::piped()).spawn().unwrap();
    let stdin = child.stdin.as_mut().unwrap();
    stdin.write_all(b"are you there?\n").unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "yes\n");
    interrupt(&child);
    assert_eq!(exit_code_soon(&mut child), Some(130));
}

#[test]
fn a_chat_can_be_piped_in() {
    let user = User::new();
    let chat = ["chat", "-m", "local/x", "-o", "mock_response", "yes"];
    let output = user.pipe(b"one\n\n!multi\ntwo\nthree\n!end\nexit\nfour\n", &chat);
    assert_eq!((out(&output).as_str(), err(&output).as_str()), ("yes\nyes\n", ""));
    assert_eq!(output.status.code(), Some(0));

    let output = user.pipe(b"one\ntwo\n", &["chat", "-o", "mock_response", "antiphon.RateLimitError"]);
    assert_eq!(output.status.code(), Some(5));
    assert_eq!(err(&output), "antiphon: this is a mocked RateLimitError\n");

    let output = user.pipe(b"hi\n", &["chat", "-m", "local/choristr"]);
    assert_eq!(output.status.code(), Some(4));
}

#[test]
fn a_key_is_stored_and_never_shown() {
    let user = User::new();
    let set = user.pipe(b"canary-1\n", &["keys", "set", "openai"]);
    assert_eq!((set.status.code(), out(&set).as_str()), (Some(0), ""));
    let set = user.run(&["keys", "set", "anthropic", "--value", "canary-2"]);
    let shown = [
        set,
        user.run(&["keys", "list"]),
        user.run(&["models"]),
        user.run(&["doctor"]),
        user.run(&["doctor", "--json"]),
        user.run(&["hi", "-m", "openai/gpt-4o", "-o", "temperature", "hot"]),
    ];
    for output in &shown {
        assert!(!out(output).contains("canary") && !err(output).contains("canary"), "{output:?}");
    }
    assert_eq!(out(&shown[1]), "anthropic\nopenai\n");
    assert!(lines(&shown[3]).contains(&"openai set (stored)".to_owned()), "{}", out(&shown[3]));
    assert_eq!(out(&user.run(&["keys", "get", "openai"])), "canary-1\n");
}

#[test]
fn the_environment_says_what_is_used() {
    let user = User::new();
    let with = |words: &[&str]| {
        let mut command = user.command(words);
        command
            .env("OPENAI_API_KEY", "canary")
            .env("OPENAI_BASE_URL", "http://me:canary@127.0.0.1:1/v1?key=canary");
        command.env("ANTIPHON_MODEL", "openai/gpt-5").output().unwrap()
    };
    assert_eq!(out(&with(&["models", "default"])), "openai/gpt-5 (ANTIPHON_MODEL)\n");
    let doctor = with(&["doctor"]);
    let shown = lines(&doctor);
    assert!(shown.contains(&"openai set (OPENAI_API_KEY)".to_owned()), "{shown:?}");
    assert!(shown.contains(&"openai http://****@127.0.0.1:1/v1".to_owned()), "{shown:?}");
    assert!(!out(&doctor).contains("canary"), "{shown:?}");
    let set = with(&["models", "default", "local/chorister"]);
    assert_eq!(err(&set), "antiphon: ANTIPHON_MODEL is set, and wins: openai/gpt-5\n");
}

#[test]
fn code_is_taken_out_of_an_answer() {
    let user = User::new();
    let answer = "Here:\n```sh\necho one\n```\nor\n```sh\necho two\n```\n";
    let run = |option| out(&user.run(&["hi", "-o", "mock_response", answer, option]));
    assert_eq!(run("-x"), "echo one\n");
    assert_eq!(run("--xl"), "echo two\n");
    assert_eq!(out(&user.run(&["hi", "-o", "mock_response", "no code", "-x"])), "no code\n");
}

#[test]
fn a_default_model_is_kept() {
    let user = User::new();
    let set = user.run(&["models", "default", "openai/gpt-4o"]);
    assert_eq!(set.status.code(), Some(0), "{set:?}");
    assert_eq!(out(&user.run(&["models", "default"])), "openai/gpt-4o (config.toml)\n");
    // A model that was chosen is never replaced.
    let output = user.run(&["hi"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(err(&output).starts_with("antiphon: no key for OpenAI is set\nhint: "), "{output:?}");
}

#[test]
fn a_wrong_configuration_is_told_and_the_rest_shown() {
    let user = User::new();
    let folder = user.home.path().join("config");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), "modle = 1\n").unwrap();
    let output = user.run(&["doctor"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(out(&output).contains("keys\n") && err(&output).contains("unknown field `modle`"), "{output:?}");
    let output = user.run(&["hi", "-m", "local/chorister"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn every_shell_is_completed_and_every_verb_has_a_page() {
    let user = User::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = out(&user.run(&["completions", shell]));
        assert!(script.contains("doctor") && script.contains("no-stream"), "{shell}");
    }
    assert!(out(&user.run(&["man"])).contains(".TH antiphon 1"));
    for verb in ["prompt", "chat", "models", "keys", "doctor", "completions", "man"] {
        let page = out(&user.run(&["man", verb]));
        assert!(page.contains(&format!(".TH antiphon-{verb} 1")), "{verb}: {page}");
    }
}

#[test]
fn a_schema_holds_a_local_answer() {
    let words = ["-m", "local/chorister", "Ada is 36 years old.", "--schema", "name, age int"];
    let output = User::new().run(&words);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(answer["name"].is_string() && answer["age"].is_i64(), "{answer}");
}
