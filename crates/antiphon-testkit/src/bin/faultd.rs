//! `faultd`: a scripted upstream for tests in any language. See [`antiphon_testkit::faultd`].
//!
//! It prints one line of JSON, `{"url", "port", "ca_pem"?}`, and then answers each line of JSON on its stdin
//! with one on its stdout, until stdin is closed:
//!
//! | command | does | answers |
//! |---|---|---|
//! | `{"script": {…}, "clear": true}` | replaces the script, and clears the record if so | `{"ok": true}` |
//! | `{"clear": true}` | clears the record | `{"ok": true}` |
//! | `{"listen": false}` | gives the port up, or takes it again | `{"ok": true}` |
//! | `{"record": true}` | | the record, with `now_ms` |
//! | `{"wait": {"requests": 3, "within_ms": 1000}}` | waits for so many | `{"ok": whether they came}` |

use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::time::Duration;

use antiphon_testkit::faultd::{Auto, Faultd, Options, Record, Reply, Script};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const USAGE: &str = "\
usage: faultd [options]

  --script FILE|-     a script as JSON; `-`: the first line of stdin
  --auto TONGUE       answer everything: openai, anthropic, or auto (by the path; the default)
  --text TEXT         its text
  --chunks N          in how many pieces a stream has it
  --delay-ms N        before each answer
  --chunk-delay-ms N  between two events of a stream
  --tls CERTIFICATE   valid, expired, wrong-host, self-signed
  --alpn LIST         what ALPN offers, by default h2,http/1.1
  --max-streams N     how many streams an HTTP/2 connection allows at once, by default 100
  --no-record         count requests, but do not keep them";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            // Nobody is left to tell where stderr is closed.
            let _ = writeln!(io::stderr(), "faultd: {problem}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), String> {
    let (options, script) = arguments(std::env::args().skip(1))?;
    let upstream = options.start(script);
    let mut hello = json!({"url": upstream.url(), "port": upstream.port()});
    if let Some(pem) = upstream.ca_pem() {
        hello["ca_pem"] = pem.into();
    }
    let mut stdout = io::stdout();
    let mut say = |line: Value| writeln!(stdout, "{line}").and_then(|()| stdout.flush());
    say(hello).map_err(|error| error.to_string())?;
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        let answer = obey(&upstream, &line).unwrap_or_else(|problem| json!({"error": problem}));
        if say(answer).is_err() {
            break;
        }
    }
    Ok(())
}

fn arguments(mut arguments: impl Iterator<Item = String>) -> Result<(Options, Script), String> {
    let (mut options, mut script, mut auto) = (Options::new(), None, Auto::default());
    while let Some(name) = arguments.next() {
        if name == "--no-record" {
            options = options.unrecorded();
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{name} lacks a value"))?;
        match name.as_str() {
            "--script" => script = Some(read_script(&value)?),
            "--auto" => auto.tongue = word(&value)?,
            "--text" => auto.text = value,
            "--chunks" => auto.chunks = number(&value)?,
            "--delay-ms" => auto.delay_ms = number(&value)?,
            "--chunk-delay-ms" => auto.chunk_delay_ms = number(&value)?,
            "--tls" => options = options.tls(word(&value)?),
            "--alpn" => options = options.alpn(value.split(',').filter(|name| !name.is_empty())),
            "--max-streams" => options = options.max_concurrent_streams(number(&value)?),
            _ => return Err(format!("{name} is no option")),
        }
    }
    Ok((options, script.unwrap_or_else(|| Reply::auto(auto).into())))
}

fn read_script(file: &str) -> Result<Script, String> {
    let text = match file {
        "-" => io::stdin().lock().lines().next().unwrap_or_else(|| Ok(String::new())),
        file => std::fs::read_to_string(file),
    };
    let text = text.map_err(|error| format!("{file}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{file}: {error}"))
}

fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is no number for this"))
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct Command {
    script: Option<Script>,
    clear: bool,
    listen: Option<bool>,
    record: bool,
    wait: Option<Wait>,
}

/// What is waited for: at least so many, of what is given; of `open` and `in_flight` at most so many.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wait {
    requests: u64,
    closed: usize,
    connections: u64,
    open: u64,
    in_flight: u64,
    within_ms: u64,
}

impl Default for Wait {
    fn default() -> Self {
        Self { requests: 0, closed: 0, connections: 0, open: u64::MAX, in_flight: u64::MAX, within_ms: 1000 }
    }
}

impl Wait {
    fn is_over(&self, record: &Record) -> bool {
        record.requests.len() as u64 >= self.requests
            && record.closed() >= self.closed
            && record.accepted >= self.connections
            && record.open <= self.open
            && record.in_flight <= self.in_flight
    }
}

fn obey(upstream: &Faultd, line: &str) -> Result<Value, String> {
    let command: Command = serde_json::from_str(line).map_err(|error| error.to_string())?;
    if let Some(script) = command.script {
        upstream.script(script);
    }
    if command.clear {
        upstream.clear();
    }
    if let Some(listens) = command.listen {
        upstream.listen(listens);
    }
    let ok = command.wait.is_none_or(|wait| {
        upstream.wait_for(|record| wait.is_over(record), Duration::from_millis(wait.within_ms))
    });
    if !command.record {
        return Ok(json!({"ok": ok}));
    }
    let mut record = serde_json::to_value(upstream.record()).map_err(|error| error.to_string())?;
    record["now_ms"] = upstream.now_ms().into();
    Ok(record)
}
