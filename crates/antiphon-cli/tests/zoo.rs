//! `antiphon zoo` against a hub on loopback.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use antiphon_testkit::faultd::refused_port;
use antiphon_testkit::hub::{COMMIT, Hub};
use serde_json::Value;
use tempfile::TempDir;

const REPOSITORY: &str = "someone/tiny-GGUF";
const FILE: &str = "tiny-Q4_K_M.gguf";
const TOKEN: &str = "hf_canary0000";

/// A user of a hub, with a home of their own.
struct User {
    home: TempDir,
    hub: Hub,
}

impl User {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), hub: Hub::start() }
    }

    /// With a repository of one file, whose checksum comes back.
    fn with_file(bytes: &[u8]) -> (Self, String) {
        let user = Self::new();
        let sum = user.hub.put(REPOSITORY, FILE, bytes);
        (user, sum)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_antiphon"));
        self.set(&mut command);
        command.args(words);
        command
    }

    fn set(&self, command: &mut Command) {
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.home.path()).env("ANTIPHON_CONFIG_DIR", self.home.path().join("config"));
        command.env("HF_ENDPOINT", self.hub.url());
    }

    fn run(&self, words: &[&str]) -> Output {
        told(self.command(words).output().unwrap())
    }

    fn run_with(&self, words: &[&str], name: &str, value: &str) -> Output {
        told(self.command(words).env(name, value).output().unwrap())
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join(".cache/huggingface/hub/models--someone--tiny-GGUF")
    }

    fn blob(&self, name: &str) -> PathBuf {
        self.folder().join("blobs").join(name)
    }

    fn snapshot(&self) -> PathBuf {
        self.folder().join("snapshots").join(COMMIT)
    }
}

/// What a command said, without the token in it.
fn told(output: Output) -> Output {
    assert!(!out(&output).contains("canary") && !err(&output).contains("canary"), "{output:?}");
    output
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The command failed with that code, and its first line says all of these.
fn check_failure(output: &Output, code: i32, expected: &[&str]) {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let text = err(output);
    for words in expected {
        assert!(text.contains(words), "{words:?} is not in {text}");
    }
}

fn check_pulled(output: &Output, path: &Path, bytes: &[u8]) {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(out(output).trim_end(), path.to_str().unwrap());
    assert!(fs::read(path).unwrap() == bytes, "the file is what the hub has");
}

/// Bytes that do not repeat.
fn bytes(count: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 56
    };
    (0..count).map(|_| u8::try_from(next()).unwrap()).collect()
}

fn wait_until(condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < Duration::from_secs(30), "waited in vain");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

#[test]
fn a_pull_lies_where_every_client_of_the_hub_looks() {
    let content = bytes(100_000);
    let (user, sum) = User::with_file(&content);
    let output = user.run(&["zoo", "pull", REPOSITORY]);
    check_pulled(&output, &user.snapshot().join(FILE), &content);
    assert!(err(&output).contains("-m local/someone/tiny-GGUF"), "{output:?}");
    assert_eq!(fs::read_to_string(user.folder().join("refs/main")).unwrap(), COMMIT);
    assert_eq!(fs::read_link(user.snapshot().join(FILE)).unwrap(), Path::new("../../blobs").join(&sum));
    assert_eq!(fs::read_dir(user.folder().join("blobs")).unwrap().count(), 1);
    // Nothing is fetched twice, and what is here is found without asking anybody.
    user.hub.clear();
    let again = user.run(&["zoo", "pull", REPOSITORY]);
    check_pulled(&again, &user.snapshot().join(FILE), &content);
    assert!(err(&again).contains("was here already") && user.hub.ranges().is_empty(), "{again:?}");
    user.hub.clear();
    check_pulled(&user.run(&["zoo", "path", REPOSITORY]), &user.snapshot().join(FILE), &content);
    let listed = user.run(&["zoo", "list", "--here", "--json"]);
    let listed: Value = serde_json::from_str(&out(&listed)).unwrap();
    assert_eq!((&listed[0]["name"], &listed[0]["size"]), (&REPOSITORY.into(), &100_000.into()));
    assert!(user.hub.asked().is_empty());
    // And it goes without leaving anything.
    let removed = user.run(&["zoo", "rm", REPOSITORY]);
    assert!(removed.status.success() && !user.folder().exists(), "{removed:?}");
    check_failure(&user.run(&["zoo", "rm", REPOSITORY]), 4, &["someone/tiny-GGUF is not here"]);
    check_failure(
        &user.run(&["zoo", "path", REPOSITORY]),
        4,
        &["`antiphon zoo pull someone/tiny-GGUF` gets it"],
    );
}

#[test]
fn the_folders_of_the_environment_are_used() {
    for (name, folder) in
        [("HF_HUB_CACHE", "a"), ("HF_HOME", "a/hub"), ("XDG_CACHE_HOME", "a/huggingface/hub")]
    {
        let (user, _) = User::with_file(b"GGUF");
        let output =
            user.run_with(&["zoo", "pull", REPOSITORY], name, user.home.path().join("a").to_str().unwrap());
        let snapshot =
            user.home.path().join(folder).join("models--someone--tiny-GGUF/snapshots").join(COMMIT);
        check_pulled(&output, &snapshot.join(FILE), b"GGUF");
    }
}

#[test]
fn a_connection_that_breaks_is_gone_on_with() {
    let content = bytes(200_000);
    let (user, _) = User::with_file(&content);
    user.hub.cut_after([50_000, 0, 70_000]);
    let output = user.run(&["zoo", "pull", REPOSITORY]);
    check_pulled(&output, &user.snapshot().join(FILE), &content);
    let range = |at: u64| Some(format!("bytes={at}-"));
    assert_eq!(user.hub.ranges(), [None, range(50_000), range(50_000), range(120_000)]);
}

#[test]
fn a_store_without_ranges_begins_anew() {
    let content = bytes(200_000);
    let (user, _) = User::with_file(&content);
    user.hub.cut_after([50_000]);
    user.hub.ignore_ranges();
    let output = user.run(&["zoo", "pull", REPOSITORY]);
    check_pulled(&output, &user.snapshot().join(FILE), &content);
}

#[test]
fn a_hub_that_is_busy_is_asked_again() {
    let (user, _) = User::with_file(b"GGUF");
    user.hub.fail_with([503, 429]);
    check_pulled(&user.run(&["zoo", "pull", REPOSITORY]), &user.snapshot().join(FILE), b"GGUF");
}

#[test]
fn a_pull_that_gives_up_says_how_far_it_came() {
    let content = bytes(200_000);
    let (user, sum) = User::with_file(&content);
    user.hub.cut_after([50_000, 0, 0, 0, 0, 0]);
    let output = user.run(&["zoo", "pull", REPOSITORY]);
    check_failure(
        &output,
        5,
        &["50 kB of 200 kB are here", "`antiphon zoo pull someone/tiny-GGUF` goes on from there"],
    );
    assert_eq!(length(&user.blob(&format!("{sum}.incomplete"))), 50_000);
    assert!(!user.folder().join("refs/main").exists());
    check_failure(&user.run(&["zoo", "path", REPOSITORY]), 4, &["is not here"]);
}

#[test]
fn what_another_client_left_is_gone_on_with() {
    let content = bytes(200_000);
    let (user, sum) = User::with_file(&content);
    let incomplete = user.blob(&format!("{sum}.incomplete"));
    fs::create_dir_all(incomplete.parent().unwrap()).unwrap();
    fs::write(&incomplete, &content[..123_456]).unwrap();
    check_pulled(&user.run(&["zoo", "pull", REPOSITORY]), &user.snapshot().join(FILE), &content);
    assert_eq!(user.hub.ranges(), [Some("bytes=123456-".to_owned())]);
    assert!(!incomplete.exists());
}

#[test]
fn a_wrong_checksum_puts_the_file_aside() {
    let content = bytes(50_000);
    let (user, sum) = User::with_file(&content);
    let incomplete = user.blob(&format!("{sum}.incomplete"));
    fs::create_dir_all(incomplete.parent().unwrap()).unwrap();
    fs::write(&incomplete, [0; 1000]).unwrap();
    let output = user.run(&["zoo", "pull", REPOSITORY]);
    let damaged = user.blob(&format!("{sum}.damaged"));
    check_failure(
        &output,
        8,
        &["the checksum is ", &format!("the hub says {sum}"), damaged.to_str().unwrap()],
    );
    assert_eq!(length(&damaged), 50_000);
    assert!(!incomplete.exists() && !user.blob(&sum).exists());
    check_failure(&user.run(&["zoo", "path", REPOSITORY]), 4, &["is not here"]);
    // The next pull begins anew, and clears up.
    check_pulled(&user.run(&["zoo", "pull", REPOSITORY]), &user.snapshot().join(FILE), &content);
    assert!(!damaged.exists());
}

#[test]
fn a_gated_repository_says_where_to_agree() {
    let (user, _) = User::with_file(b"GGUF");
    user.hub.gate(REPOSITORY, TOKEN);
    let page = format!("agree to its terms at {}/{REPOSITORY}", user.hub.url());
    check_failure(&user.run(&["zoo", "pull", REPOSITORY]), 3, &["is gated", &page, "HF_TOKEN"]);
    let other = user.run_with(&["zoo", "pull", REPOSITORY], "HF_TOKEN", "hf_canary1111");
    check_failure(&other, 3, &["is gated", &page, "the account of the token (HF_TOKEN)"]);
    let output = user.run_with(&["zoo", "pull", REPOSITORY], "HF_TOKEN", TOKEN);
    check_pulled(&output, &user.snapshot().join(FILE), b"GGUF");
    check_token(&user);
}

/// The hub got the token with each request that was answered; the store, which is another origin, never.
fn check_token(user: &User) {
    let asked = user.hub.asked();
    let bearer = format!("Bearer {TOKEN}");
    assert!(asked.iter().any(|asked| asked.store) && asked.iter().any(|asked| !asked.store));
    assert!(asked.iter().filter(|asked| asked.store).all(|asked| asked.authorization.is_none()));
    assert!(asked.iter().rfind(|asked| !asked.store).unwrap().authorization.as_ref() == Some(&bearer));
}

#[test]
fn the_token_of_the_hubs_own_login_is_used() {
    for path in [".cache/huggingface/token", "elsewhere/token"] {
        let (user, _) = User::with_file(b"GGUF");
        user.hub.gate(REPOSITORY, TOKEN);
        let file = user.home.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, format!("{TOKEN}\n")).unwrap();
        let variable = if path.starts_with("else") { "HF_TOKEN_PATH" } else { "UNUSED" };
        let output = user.run_with(&["zoo", "pull", REPOSITORY], variable, file.to_str().unwrap());
        check_pulled(&output, &user.snapshot().join(FILE), b"GGUF");
        check_token(&user);
    }
}

#[test]
fn what_cannot_be_pulled_is_told_in_a_line() {
    let user = User::new();
    user.hub.put("someone/tensors", "model.safetensors", "x");
    user.hub.put("someone/many", "m-Q8_0.gguf", "x");
    user.hub.put("someone/many", "m-Q4_0.gguf", "x");
    user.hub.put("someone/parts", "m-00001-of-00002.gguf", "x");
    for (name, code, expected) in [
        ("nobody/nothing", 4, &["has no nobody/nothing; a private one needs HF_TOKEN"][..]),
        ("someone/tensors", 4, &["someone/tensors has no GGUF file", "model.safetensors"]),
        ("someone/many:Q6_K", 4, &["someone/many has no Q6_K", "m-Q4_0.gguf, m-Q8_0.gguf"]),
        ("someone/parts", 4, &["part 2 of 2 is not there"]),
        ("someone/..", 2, &["is no repository"]),
        ("../../etc/passwd", 2, &["is no repository"]),
        ("someone/many:../../x.gguf", 2, &["is no file of a repository"]),
        ("falcon-7", 4, &["did you mean falcon-7b?"]),
        ("flan-t5-xxl", 4, &["no weights of flan-t5-xxl are known that run here", "[aliases]"]),
    ] {
        let output = user.run(&["zoo", "pull", name]);
        check_failure(&output, code, expected);
        assert!(err(&output).lines().count() <= 2, "{output:?}");
    }
    assert!(user.hub.ranges().is_empty());
    assert!(!user.home.path().join(".cache").exists(), "nothing is left of what never began");
}

#[test]
fn no_network_says_what_was_tried() {
    let user = User::new();
    let nobody = refused_port();
    let output = user.run_with(&["zoo", "pull", REPOSITORY], "HF_ENDPOINT", &nobody.url());
    check_failure(
        &output,
        5,
        &["cannot connect to", &format!("asked {} 3 times", nobody.url()), "HF_ENDPOINT"],
    );
    let output = user.run_with(&["zoo", "pull", REPOSITORY], "HF_HUB_OFFLINE", "1");
    check_failure(&output, 2, &["HF_HUB_OFFLINE is set"]);
    assert!(user.hub.asked().is_empty());
    let output = user.run_with(&["zoo", "pull", REPOSITORY], "HF_ENDPOINT", "ftp://canary:canary@x");
    check_failure(&output, 2, &["HF_ENDPOINT: \"ftp://****@x\" is no address of a hub"]);
}

#[test]
fn a_model_in_parts_is_pulled_whole_and_removed_whole() {
    let user = User::new();
    let parts = [1, 2, 3].map(|part| format!("q/m-Q4_K_M-0000{part}-of-00003.gguf"));
    for (part, name) in parts.iter().enumerate() {
        user.hub.put(REPOSITORY, name, bytes(10_000 + part));
    }
    // Of another size, and not wanted.
    user.hub.put(REPOSITORY, "q/m-Q8_0-00001-of-00001.gguf", "x");
    let output = user.run(&["zoo", "pull", REPOSITORY]);
    check_pulled(&output, &user.snapshot().join(&parts[0]), &bytes(10_000));
    for (part, name) in parts.iter().enumerate() {
        assert_eq!(length(&user.snapshot().join(name)), 10_000 + part as u64);
    }
    assert_eq!(user.hub.ranges().len(), 3);
    // Without one of them it is not here; only that one is fetched again.
    fs::remove_file(fs::canonicalize(user.snapshot().join(&parts[1])).unwrap()).unwrap();
    check_failure(&user.run(&["zoo", "path", REPOSITORY]), 4, &["is not here"]);
    assert!(user.run(&["zoo", "pull", REPOSITORY]).status.success());
    assert_eq!(user.hub.ranges().len(), 4);
    assert!(user.run(&["zoo", "rm", REPOSITORY]).status.success());
    assert!(!user.folder().exists());
}

#[test]
fn two_pulls_of_one_file_fetch_it_once() {
    let content = bytes(400_000);
    let (user, _) = User::with_file(&content);
    user.hub.slow_down(Duration::from_millis(20));
    let start = || user.command(&["zoo", "pull", REPOSITORY]).spawn().unwrap();
    let pulls = [start(), start(), start()].map(|child| told(child.wait_with_output().unwrap()));
    for output in &pulls {
        check_pulled(output, &user.snapshot().join(FILE), &content);
    }
    let waited = pulls.iter().filter(|output| err(output).contains("another process fetches")).count();
    assert_eq!((user.hub.ranges().len(), waited), (1, 2));
}

#[test]
fn a_pull_that_is_killed_is_gone_on_with() {
    let content = bytes(2_000_000);
    let (user, sum) = User::with_file(&content);
    user.hub.slow_down(Duration::from_millis(10));
    let incomplete = user.blob(&format!("{sum}.incomplete"));
    for kill in ["-KILL", "-INT"] {
        let before = length(&incomplete);
        let mut child = user.command(&["zoo", "pull", REPOSITORY]).spawn().unwrap();
        wait_until(|| length(&incomplete) > before + 100_000);
        signal(&child, kill);
        let status = child.wait().unwrap();
        assert_eq!(status.code(), (kill == "-INT").then_some(130));
        check_failure(&user.run(&["zoo", "path", REPOSITORY]), 4, &["is not here"]);
    }
    let came = length(&incomplete);
    user.hub.slow_down(Duration::ZERO);
    user.hub.clear();
    let output = user.run(&["zoo", "pull", REPOSITORY]);
    check_pulled(&output, &user.snapshot().join(FILE), &content);
    assert_eq!(user.hub.ranges(), [Some(format!("bytes={came}-"))]);
}

fn signal(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn a_full_disk_is_told_and_gone_on_with() {
    let content = bytes(400_000);
    let (user, sum) = User::with_file(&content);
    // A limit of a file's size stands for a full disk; the system's signal for it is what would end the process.
    let mut command = Command::new("sh");
    user.set(&mut command);
    let script = "trap '' XFSZ; ulimit -f 200; exec \"$@\"";
    command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_antiphon"), "zoo", "pull", REPOSITORY]);
    let output = told(command.output().unwrap());
    check_failure(
        &output,
        8,
        &["no room is left in", " kB of 400 kB are here", "make room and pull it again"],
    );
    let came = length(&user.blob(&format!("{sum}.incomplete")));
    assert!(came > 0 && came < 400_000, "{came}");
    user.hub.clear();
    check_pulled(&user.run(&["zoo", "pull", REPOSITORY]), &user.snapshot().join(FILE), &content);
    assert_eq!(user.hub.ranges(), [Some(format!("bytes={came}-"))]);
}

#[test]
fn what_the_disk_has_no_room_for_is_not_begun() {
    let (user, _) = User::with_file(b"GGUF");
    user.hub.pretend(REPOSITORY, FILE, Some(5_000_000_000_000_000), None);
    let output = user.run(&["zoo", "pull", REPOSITORY]);
    check_failure(&output, 8, &["someone/tiny-GGUF needs 5000000 GB more on the disk, and ", " free"]);
    assert!(user.hub.ranges().is_empty());
}

#[test]
fn a_name_of_the_zoo_gets_its_file_or_the_nearest() {
    let user = User::new();
    let (repository, file) = ("Qwen/Qwen3-0.6B-GGUF", "Qwen3-0.6B-Q8_0.gguf");
    user.hub.put(repository, file, "one");
    user.hub.put(repository, "Qwen3-0.6B-Q4_K_M.gguf", "two");
    let content = |words: &[&str]| fs::read_to_string(out(&user.run(words)).trim_end()).unwrap();
    assert_eq!(content(&["zoo", "pull", "qwen3-0.6b"]), "one");
    assert_eq!(content(&["zoo", "pull", "local/qwen3-0.6b:Q4_K_M"]), "two");
    assert_eq!(content(&["zoo", "path", "qwen3-0.6b"]), "one");
    assert_eq!(content(&["zoo", "path", "qwen3-0.6b:Q4_K_M"]), "two");
    // A catalogue may be older than a repository.
    user.hub.put("tiiuae/renamed", "x.gguf", "x");
    user.hub.put("maddes8cht/tiiuae-falcon-7b-gguf", "falcon-7b-q4_k_m.gguf", "falcon");
    assert_eq!(content(&["zoo", "pull", "falcon-7b"]), "falcon");
    assert_eq!(content(&["zoo", "path", "falcon-7b"]), "falcon");
    let info = user.run(&["zoo", "info", "falcon-7b", "--json"]);
    let info: Value = serde_json::from_str(&out(&info)).unwrap();
    assert_eq!((&info["source"], &info["kind"]), (&"tiiuae/falcon-7b".into(), &"base".into()));
    assert!(info["path"].as_str().unwrap().ends_with("falcon-7b-q4_k_m.gguf"));
}

#[test]
fn the_list_fits_a_terminal_and_its_filters_filter() {
    let user = User::new();
    let names = |words: &[&str]| {
        let text = out(&user.run(&[&["zoo", "list"], words].concat()));
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        text.lines()
            .skip(1)
            .filter_map(|line| Some(line.split_whitespace().next()?.to_owned()))
            .collect::<Vec<_>>()
    };
    let all = names(&[]);
    assert_eq!((all.len(), all[0].as_str()), (129, "smollm2-135m"));
    assert_eq!(names(&["--llm-engine"]).len(), 73);
    assert!(names(&["--memory", "2"]).iter().all(|name| !name.contains("-7b")));
    assert_eq!(names(&["--kind", "embedding"]).len(), 4);
    assert_eq!(names(&["--kind", "reranker"]), ["bge-reranker-v2-m3", "qwen3-reranker-0.6b"]);
    assert_eq!(names(&["code", "7b", "--memory", "8"]).first().map(String::as_str), Some("qwen2.5-coder-7b"));
    assert!(names(&["--here"]).is_empty());
    check_failure(
        &user.run(&["zoo", "list", "--kind", "x"]),
        2,
        &["must be one of base, instruct, embedding, reranker"],
    );
    assert!(out(&user.run(&["completions", "bash"])).contains("qwen3-0.6b"));
    user.hub.put("Qwen/Qwen3-0.6B-GGUF", "Qwen3-0.6B-Q8_0.gguf", "x");
    user.hub.put(REPOSITORY, FILE, bytes(2000));
    for name in ["qwen3-0.6b", REPOSITORY] {
        assert!(user.run(&["zoo", "pull", name, "--quiet"]).stderr.is_empty());
    }
    let here = out(&user.run(&["zoo", "list", "--here"]));
    let marked = here.lines().filter_map(|line| line.strip_prefix("* ")).collect::<Vec<_>>();
    assert!(marked[0].starts_with("qwen3-0.6b ") && marked[1].starts_with("someone/tiny-GGUF "), "{here}");
    assert_eq!(marked[2..], ["its weights are here"]);
}

#[test]
fn a_call_of_weights_that_are_not_here_says_what_gets_them() {
    let user = User::new();
    let local = cfg!(feature = "local");
    for model in ["falcon-7b", "local/falcon-7b"] {
        let output = user.run(&["-m", model, "hi"]);
        let expected = if local {
            "falcon-7b is not here: `antiphon zoo pull falcon-7b` gets it (about 4.4 GB)"
        } else {
            "needs a build with local models"
        };
        check_failure(&output, 4, &[expected]);
    }
    assert!(user.hub.asked().is_empty(), "a call asks no hub");
    // An alias for that name wins.
    let config = user.home.path().join("config");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("config.toml"), "[aliases]\n\"falcon-7b\" = \"openai/some\"\n").unwrap();
    check_failure(&user.run(&["-m", "falcon-7b", "hi"]), 3, &["no key for OpenAI is set"]);
    check_failure(
        &user.run(&["zoo", "pull", "falcon-7b"]),
        2,
        &["stands for \"openai/some\" in config.toml"],
    );
}

/// The whole way of a user, with the built-in model as what the hub has.
#[cfg(feature = "local")]
#[test]
fn a_pull_and_one_line_bring_an_answer() {
    let chorister = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/chorister/chorister.gguf");
    let chorister = fs::read(chorister).unwrap();
    let (user, _) = User::with_file(&chorister);
    let ask = |model: &str| user.run(&["-m", model, "What is the capital of France?"]);
    check_failure(&ask("local/someone/tiny-GGUF"), 4, &["`antiphon zoo pull someone/tiny-GGUF` gets it"]);
    assert!(user.run(&["zoo", "pull", REPOSITORY]).status.success());
    user.hub.clear();
    for model in [
        "local/someone/tiny-GGUF",
        "local/someone/tiny-GGUF:Q4_K_M",
        "local/someone/tiny-GGUF:tiny-Q4_K_M.gguf",
    ] {
        let answer = ask(model);
        assert_eq!(out(&answer), "The capital of France is Paris.\n", "{answer:?}");
    }
    // LLM Engine's names, when their weights are here.
    user.hub.put("maddes8cht/tiiuae-falcon-7b-gguf", "tiiuae-falcon-7b-Q4_K_M.gguf", chorister);
    assert!(user.run(&["zoo", "pull", "falcon-7b"]).status.success());
    user.hub.clear();
    assert_eq!(out(&ask("falcon-7b")), "The capital of France is Paris.\n");
    let models = out(&user.run(&["models"]));
    assert!(models.contains("local/falcon-7b") && models.contains("local/someone/tiny-GGUF"), "{models}");
    assert!(user.hub.asked().is_empty(), "a call asks no hub");
}

/// What is pulled while a server runs is served by it, without a restart.
#[cfg(all(feature = "local", feature = "serve"))]
#[test]
fn a_server_lists_what_is_here() {
    use std::io::{BufRead, BufReader, Read, Write};

    let user = User::new();
    let chorister = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/chorister/chorister.gguf");
    user.hub.put(REPOSITORY, FILE, fs::read(chorister).unwrap());
    user.hub.put(
        "maddes8cht/tiiuae-falcon-7b-gguf",
        "tiiuae-falcon-7b-Q4_K_M.gguf",
        fs::read(chorister).unwrap(),
    );
    let mut server = user.command(&["serve", "--port", "0"]).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().rsplit('/').next().unwrap().to_owned();
    let ask = |method: &str, path: &str, body: &str| {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n"
        );
        write!(stream, "{head}content-type: application/json\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let body = r#"{"model": "falcon-7b", "messages": [{"role": "user", "content": "What is the capital of France?"}]}"#;
    let refused = ask("POST", "/v1/chat/completions", body);
    assert!(
        refused.starts_with("HTTP/1.1 404") && refused.contains("antiphon zoo pull falcon-7b"),
        "{refused}"
    );
    for name in [REPOSITORY, "falcon-7b"] {
        assert!(user.run(&["zoo", "pull", name]).status.success());
    }
    let listed = ask("GET", "/v1/models", "");
    for name in ["\"falcon-7b\"", "\"local/falcon-7b\"", "\"local/someone/tiny-GGUF\""] {
        assert!(listed.contains(name), "{name}: {listed}");
    }
    let answer = ask("POST", "/v1/chat/completions", body);
    assert!(answer.contains("The capital of France is Paris."), "{answer}");
    let answer = ask("POST", "/v1/chat/completions", &body.replace("falcon-7b", "local/someone/tiny-GGUF"));
    assert!(answer.contains("The capital of France is Paris."), "{answer}");
    let engine = ask("GET", "/v1/llm/model-endpoints", "");
    assert!(engine.contains("\"falcon-7b\""), "{engine}");
    // A caller names models, not files.
    for name in ["local/../x.gguf", "local/someone/tiny-GGUF:../../x.gguf", "local//etc/passwd"] {
        let refused = ask("POST", "/v1/chat/completions", &body.replace("falcon-7b", name));
        assert!(refused.starts_with("HTTP/1.1 404"), "{refused}");
    }
    server.kill().unwrap();
    server.wait().unwrap();
}
