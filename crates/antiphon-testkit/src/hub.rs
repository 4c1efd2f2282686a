//! A hub of models on loopback, with the routes, headers and error codes that clients of the Hugging Face hub use.
//!
//! Their shape is that of `huggingface_hub` 2.4.0: `hf_api.py` (`model_info`), `file_download.py`
//! (`get_hf_file_metadata`, `http_get`) and `utils/_http.py` (`hf_raise_for_status`). As there, the bytes are on
//! another origin than the hub, which has to be reached without the token. Faults are set by its methods.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};

/// The commit of every repository, until another is set.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// How much is written at once.
const PIECE: usize = 16 * 1024;

/// A running hub, and the store that it sends its clients to.
pub struct Hub {
    state: Arc<State>,
    port: u16,
}

/// One request, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Whether the store was asked, not the hub.
    pub store: bool,
    /// `GET` or `HEAD`.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// `Authorization`.
    pub authorization: Option<String>,
    /// `Range`.
    pub range: Option<String>,
}

#[derive(Default)]
struct State {
    repositories: Mutex<BTreeMap<String, Repository>>,
    asked: Mutex<Vec<Asked>>,
    faults: Mutex<Faults>,
    store: Mutex<u16>,
}

#[derive(Default, Clone)]
struct Repository {
    files: BTreeMap<String, Stored>,
    /// Who may read it: nobody else than who has this token.
    token: Option<String>,
}

#[derive(Clone)]
struct Stored {
    bytes: Arc<[u8]>,
    sha256: String,
    size: u64,
}

#[derive(Default, Clone)]
struct Faults {
    cuts: Vec<usize>,
    statuses: Vec<u16>,
    ignores_ranges: bool,
    pause: Duration,
}

impl Hub {
    /// Listens on two free ports of 127.0.0.1.
    pub fn start() -> Self {
        let state = Arc::new(State::default());
        *lock(&state.store) = listen(&state, true);
        let port = listen(&state, false);
        Self { state, port }
    }

    /// What `HF_ENDPOINT` is to be.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Adds a file, and says its SHA-256.
    pub fn put(&self, repository: &str, path: &str, bytes: impl Into<Vec<u8>>) -> String {
        let bytes: Vec<u8> = bytes.into();
        let sha256 = Sha256::digest(&bytes).iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        let stored = Stored { size: bytes.len() as u64, bytes: bytes.into(), sha256: sha256.clone() };
        let mut repositories = lock(&self.state.repositories);
        repositories.entry(repository.to_owned()).or_default().files.insert(path.to_owned(), stored);
        sha256
    }

    /// Only who has this token may read the repository's files.
    pub fn gate(&self, repository: &str, token: &str) {
        let mut repositories = lock(&self.state.repositories);
        repositories.entry(repository.to_owned()).or_default().token = Some(token.to_owned());
    }

    /// The hub says that the file has so many bytes, and this checksum.
    pub fn pretend(&self, repository: &str, path: &str, size: Option<u64>, sha256: Option<&str>) {
        let mut repositories = lock(&self.state.repositories);
        let file = repositories.get_mut(repository).and_then(|repository| repository.files.get_mut(path));
        let file = file.expect("the file was put there");
        file.size = size.unwrap_or(file.size);
        if let Some(sha256) = sha256 {
            file.sha256 = sha256.to_owned();
        }
    }

    /// Each of the next answers of the store breaks off after so many bytes.
    pub fn cut_after(&self, bytes: impl IntoIterator<Item = usize>) {
        lock(&self.state.faults).cuts = bytes.into_iter().collect();
    }

    /// Each of the next answers of the hub is a failure of this status.
    pub fn fail_with(&self, statuses: impl IntoIterator<Item = u16>) {
        lock(&self.state.faults).statuses = statuses.into_iter().collect();
    }

    /// The store sends whole files, whatever is asked.
    pub fn ignore_ranges(&self) {
        lock(&self.state.faults).ignores_ranges = true;
    }

    /// The store waits before each 16 KiB.
    pub fn slow_down(&self, pause: Duration) {
        lock(&self.state.faults).pause = pause;
    }

    /// The requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.state.asked).clone()
    }

    /// The requests of bytes so far, by their ranges.
    pub fn ranges(&self) -> Vec<Option<String>> {
        self.asked().into_iter().filter(|asked| asked.store).map(|asked| asked.range).collect()
    }

    /// Forgets the requests so far.
    pub fn clear(&self) {
        lock(&self.state.asked).clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers until the process ends: a thread for each connection, a connection for each request.
fn listen(state: &Arc<State>, store: bool) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port of 127.0.0.1");
    let port = listener.local_addr().expect("it is bound").port();
    let state = state.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let state = state.clone();
            std::thread::spawn(move || {
                // A client that leaves is what some tests are about.
                let _ = exchange(&state, store, stream);
            });
        }
    });
    port
}

fn exchange(state: &State, store: bool, mut stream: TcpStream) -> std::io::Result<()> {
    let asked = read(&mut stream, store)?;
    lock(&state.asked).push(asked.clone());
    let answer = if store { state.store(&asked) } else { state.hub(&asked) };
    let reason = if answer.status < 400 { "Fine" } else { "Not so" };
    let mut head = format!("HTTP/1.1 {} {reason}\r\nconnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let length = answer.body.len();
    if !answer.headers.iter().any(|(name, _)| *name == "content-length") {
        let _ = write!(head, "content-length: {length}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    if asked.method == "HEAD" {
        return Ok(());
    }
    for piece in answer.body[..length.min(answer.cut)].chunks(PIECE) {
        if !answer.pause.is_zero() {
            std::thread::sleep(answer.pause);
        }
        stream.write_all(piece)?;
    }
    stream.flush()
}

fn read(stream: &mut TcpStream, store: bool) -> std::io::Result<Asked> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
        let count = stream.read(&mut piece)?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&piece[..count]);
    }
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    request.parse(&bytes).map_err(std::io::Error::other)?;
    let header = |name: &str| {
        let found = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        Some(String::from_utf8_lossy(found.value).into_owned())
    };
    Ok(Asked {
        store,
        method: request.method.unwrap_or_default().to_owned(),
        target: request.path.unwrap_or_default().to_owned(),
        authorization: header("authorization"),
        range: header("range"),
    })
}

struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    cut: usize,
    pause: Duration,
}

impl Answer {
    fn new(status: u16, headers: Vec<(&'static str, String)>, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers, body: body.into(), cut: usize::MAX, pause: Duration::ZERO }
    }

    fn error(status: u16, code: &str, message: &str) -> Self {
        let mut headers = vec![("x-error-message", message.to_owned())];
        if !code.is_empty() {
            headers.push(("x-error-code", code.to_owned()));
        }
        Self::new(status, headers, format!("{{\"error\":\"{message}\"}}"))
    }
}

impl State {
    fn hub(&self, asked: &Asked) -> Answer {
        {
            let mut faults = lock(&self.faults);
            if !faults.statuses.is_empty() {
                let status = faults.statuses.remove(0);
                return Answer::error(status, "", "try again");
            }
        }
        let path = asked.target.split('?').next().unwrap_or_default();
        match path.strip_prefix("/api/models/") {
            Some(name) => self.list(name, asked),
            None => self.file(path.trim_start_matches('/'), asked),
        }
    }

    fn repository(&self, name: &str, asked: &Asked) -> Result<Repository, Answer> {
        // Who does not say who they are learns nothing of what is private.
        let missing = || match asked.authorization {
            None => Answer::error(401, "", "Invalid username or password."),
            Some(_) => Answer::error(404, "RepoNotFound", "Repository not found"),
        };
        lock(&self.repositories).get(name).cloned().ok_or_else(missing)
    }

    fn list(&self, name: &str, asked: &Asked) -> Answer {
        let repository = match self.repository(name, asked) {
            Ok(repository) => repository,
            Err(answer) => return answer,
        };
        let siblings = repository.files.keys().map(|path| serde_json::json!({"rfilename": path}));
        let body = serde_json::json!({
            "id": name, "sha": COMMIT, "private": false, "siblings": siblings.collect::<Vec<_>>(),
            "gated": if repository.token.is_some() { "manual".into() } else { serde_json::Value::Bool(false) },
        });
        Answer::new(200, vec![("content-type", "application/json".to_owned())], body.to_string())
    }

    fn file(&self, path: &str, asked: &Asked) -> Answer {
        let missing = || Answer::error(404, "EntryNotFound", "Entry not found");
        let Some((name, rest)) = path.split_once("/resolve/") else { return missing() };
        let Some((_, file)) = rest.split_once('/') else { return missing() };
        let repository = match self.repository(name, asked) {
            Ok(repository) => repository,
            Err(answer) => return answer,
        };
        let bearer = repository.token.as_ref().map(|token| format!("Bearer {token}"));
        if bearer.is_some() && bearer != asked.authorization {
            let status = if asked.authorization.is_none() { 401 } else { 403 };
            return Answer::error(status, "GatedRepo", "Access to this model is restricted");
        }
        let Some(stored) = repository.files.get(file) else { return missing() };
        let location = format!("http://127.0.0.1:{}/{path}", *lock(&self.store));
        let headers = vec![
            ("location", location),
            ("x-repo-commit", COMMIT.to_owned()),
            ("x-linked-size", stored.size.to_string()),
            ("x-linked-etag", format!("\"{}\"", stored.sha256)),
        ];
        Answer::new(302, headers, "")
    }

    /// As the storage behind the hub, which takes no token of the hub's.
    fn store(&self, asked: &Asked) -> Answer {
        if asked.authorization.is_some() {
            return Answer::error(400, "", "only one way to authenticate is allowed");
        }
        let found = asked.target.trim_start_matches('/').split_once("/resolve/").and_then(|(name, rest)| {
            let (_, file) = rest.split_once('/')?;
            lock(&self.repositories).get(name)?.files.get(file).cloned()
        });
        let Some(stored) = found else { return Answer::error(403, "", "the address is too old") };
        let mut faults = lock(&self.faults);
        let size = stored.bytes.len();
        let begin = asked
            .range
            .as_deref()
            .and_then(|range| range.strip_prefix("bytes=")?.trim_end_matches('-').parse::<usize>().ok());
        let mut answer = match begin.filter(|_| !faults.ignores_ranges) {
            Some(begin) if begin >= size => Answer::error(416, "", "no such range"),
            Some(begin) => {
                let range = format!("bytes {begin}-{}/{size}", size - 1);
                Answer::new(206, vec![("content-range", range)], &stored.bytes[begin..])
            }
            None => Answer::new(200, Vec::new(), &stored.bytes[..]),
        };
        if !faults.cuts.is_empty() {
            answer.cut = faults.cuts.remove(0);
        }
        answer.pause = faults.pause;
        answer
    }
}
