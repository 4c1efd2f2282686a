//! A server of a test's own, and a client that writes bytes.

use std::net::SocketAddr;
use std::time::Duration;

use antiphon_server::{Handle, Options, Server};
use antiphon_testkit::faultd::Faultd;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// The key that the server has for its upstream; no client may ever see it.
pub(crate) const UPSTREAM_KEY: &str = "canary+4b7f/19c2=e8";

/// The bound on anything that does not wait by design.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// A running server.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) handle: Handle,
    pub(crate) task: JoinHandle<()>,
    folder: TempDir,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// A configuration whose provider `up` is that upstream.
pub(crate) fn config(upstream: &Faultd, more: &str) -> String {
    format!("{more}\n[providers.up]\nbase_url = \"{}/v1\"\napi_key = \"{UPSTREAM_KEY}\"\n", upstream.url())
}

/// A server with this configuration, on a free port.
pub(crate) async fn serve(config: &str) -> Running {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("serve.toml"), config).unwrap();
    let options = Options {
        config: Some(folder.path().join("serve.toml")),
        port: Some(0),
        data: Some(folder.path().join("data")),
        ..Options::default()
    };
    let server = Server::bind(options).await.unwrap();
    let (address, handle) = (server.address(), server.handle());
    Running { address, handle, task: tokio::spawn(async { server.run().await.unwrap() }), folder }
}

/// A chat of one message, with further fields.
pub(crate) fn chat(model: &str, more: &str) -> String {
    format!("{{\"model\": \"{model}\", \"messages\": [{{\"role\": \"user\", \"content\": \"hi\"}}]{more}}}")
}

/// A request as bytes, that asks to close the connection.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() {
        head += &format!("content-length: {}\r\n", body.len());
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

impl Running {
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes and reads until the server closes.
    pub(crate) async fn send(&self, bytes: &[u8]) -> Answer {
        let mut stream = self.connect().await;
        // The server may have answered and closed before it has read everything.
        let _ = stream.write_all(bytes).await;
        Answer::parse(&read_to_end(&mut stream).await)
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(&request("GET", path, headers, b"")).await
    }

    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.send(&request("POST", path, headers, body.as_bytes())).await
    }

    pub(crate) async fn ask(&self, body: &str) -> Answer {
        self.post("/v1/chat/completions", &[], body).await
    }

    pub(crate) fn reconfigure(&self, config: &str) {
        std::fs::write(self.folder.path().join("serve.toml"), config).unwrap();
    }
}

pub(crate) async fn read_to_end(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset after the answer is an end, too.
    let _ = tokio::time::timeout(SOON, stream.read_to_end(&mut bytes)).await.expect("an answer in time");
    bytes
}

/// Reads until `text` has come.
pub(crate) async fn read_until(stream: &mut (impl AsyncRead + Unpin), text: &str) -> String {
    let mut bytes = Vec::new();
    let read = async {
        while !String::from_utf8_lossy(&bytes).contains(text) {
            let mut piece = [0; 4096];
            let count = stream.read(&mut piece).await.unwrap();
            assert!(count > 0, "no {text:?} in {:?}", String::from_utf8_lossy(&bytes));
            bytes.extend_from_slice(&piece[..count]);
        }
    };
    tokio::time::timeout(SOON, read).await.expect("it comes in time");
    String::from_utf8(bytes).unwrap()
}

impl Answer {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        assert!(!text.contains("canary"), "a secret is shown: {text}");
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            return Self { status: 0, headers: Vec::new(), body: bytes.to_vec() };
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or_default();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut answer = Self { status, headers, body: bytes[end + 4..].to_vec() };
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = unchunked(&answer.body);
        }
        answer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The message of an error in OpenAI's words.
    pub(crate) fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap_or_else(|| panic!("no message: {self:?}")).to_owned()
    }

    #[track_caller]
    pub(crate) fn check(&self, status: u16, words: &str) {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/json"));
        let message = self.message();
        assert!(message.contains(words), "{message:?} has no {words:?}");
    }
}

fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(end) = bytes.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&bytes[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        let rest = &bytes[end + 2..];
        if size == 0 || rest.len() < size + 2 {
            break;
        }
        out.extend_from_slice(&rest[..size]);
        bytes = &rest[size + 2..];
    }
    out
}
