//! Fetches weights: whole or not at all where a program looks, and never twice what has come already.
//!
//! Bytes go into `blobs/CHECKSUM.incomplete`, behind those that an earlier pull, or another client of the hub,
//! left there. Once all have come and their SHA-256 is the hub's, the file takes its name, and a link to it stands
//! in the snapshot. The lock of a file is the one that `huggingface_hub` takes, so that two never write into one.
//!
//! A connection that breaks is made again. Without any byte in between that happens [`TRIES`] times.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use antiphon_core::{Error, Kind, Result};
use bytes::Bytes;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::hub::{Hub, Remote};
use super::store::{self, failed};
use super::{Wanted, choose, gigabytes, missing};
use crate::cache::hex;
use crate::client::Client;
use crate::transport::BodyStream;

/// How often nothing may come of a file before a pull gives up.
const TRIES: u32 = 5;

/// How often the hub is asked what there is.
const QUESTIONS: u32 = 3;

/// The first pause before another try; each is twice the one before.
const PAUSE: Duration = Duration::from_millis(500);

/// A hub that wants a longer pause is told of, not waited for.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// How long no byte may come.
const IDLE: Duration = Duration::from_secs(60);

/// Between two looks at a lock that somebody has.
const LOCK_CHECK: Duration = Duration::from_millis(200);

/// Between two reports while bytes come.
const REPORTS: Duration = Duration::from_millis(100);

/// Pieces between the connection and the disk.
const PIECES: usize = 32;

/// How far a pull is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The file at hand.
    pub file: String,
    /// Its number among those of the model, from 1.
    pub part: usize,
    /// How many files the model has.
    pub parts: usize,
    /// Bytes of all of them that are here.
    pub done: u64,
    /// Bytes of all of them.
    pub total: u64,
    /// Bytes that were here before.
    pub found: u64,
    /// What is being done.
    pub state: State,
}

/// What a pull is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Bytes come.
    Fetching,
    /// Another process fetches the same file, and is waited for.
    Waiting,
    /// The connection failed, for this reason, and is made again.
    Again(String),
    /// What had come before is read again, for its checksum.
    Checking,
}

/// What was pulled.
#[derive(Debug, Clone, PartialEq)]
pub struct Pulled {
    /// The name that was asked for.
    pub name: String,
    /// The file to load: of a model in parts, the first.
    pub path: PathBuf,
    /// All its files.
    pub files: Vec<PathBuf>,
    /// Their bytes.
    pub bytes: u64,
    /// Those of them that this pull fetched.
    pub fetched: u64,
}

impl Client {
    /// Gets the weights of a model of the zoo, or of any repository of the hub that has a GGUF, and says how far
    /// it is while it does. What is here already is not fetched again; dropping the future leaves what came, and
    /// the next pull goes on from there.
    ///
    /// ```no_run
    /// # async fn example() -> antiphon::Result<()> {
    /// let client = antiphon::Client::new()?;
    /// let pulled = client.pull("qwen3-4b", |progress| println!("{} of {}", progress.done, progress.total)).await?;
    /// println!("{}", pulled.path.display());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn pull(&self, name: &str, mut report: impl FnMut(&Progress)) -> Result<Pulled> {
        let wanted = super::wanted(name, self.config())?;
        if wanted.repository().is_empty() {
            return Err(missing(&wanted));
        }
        let hub = Hub::of_environment(self.transport())?;
        let mut pull = Pull::find(&hub, &wanted, &mut report).await?;
        pull.check_room()?;
        let mut files = Vec::new();
        for number in 0..pull.files.len() {
            files.push(pull.file(number).await?);
        }
        // Only now: until all is here, programs find what they found before.
        store::point_to(&pull.folder, &pull.commit)?;
        let path = files.first().cloned().unwrap_or_default();
        Ok(Pulled {
            name: wanted.name().to_owned(),
            path,
            files,
            bytes: pull.progress.total,
            fetched: pull.fetched,
        })
    }
}

/// A pull under way.
struct Pull<'a, R> {
    hub: &'a Hub<'a>,
    wanted: &'a Wanted,
    folder: PathBuf,
    commit: String,
    files: Vec<Remote>,
    progress: Progress,
    fetched: u64,
    /// When the last report was made.
    told: Option<Instant>,
    report: &'a mut R,
}

impl<'a, R: FnMut(&Progress)> Pull<'a, R> {
    /// Asks the hub what is to be fetched.
    async fn find(hub: &'a Hub<'a>, wanted: &'a Wanted, report: &'a mut R) -> Result<Self> {
        let repository = wanted.repository();
        let listed = again(hub, || hub.list(repository)).await?;
        let paths = listed.paths.iter().map(String::as_str).collect::<Vec<_>>();
        let first =
            wanted.choose(&paths).ok_or_else(|| choose::nothing(repository, &paths, wanted.which()))?;
        let mut files = Vec::new();
        for path in choose::parts(first, &paths)? {
            files.push(again(hub, || hub.describe(repository, &listed.commit, path)).await?);
        }
        let progress = Progress {
            file: first.to_owned(),
            part: 1,
            parts: files.len(),
            done: 0,
            total: files.iter().map(|file| file.size).sum(),
            found: 0,
            state: State::Fetching,
        };
        let folder = store::of_repository(repository);
        let commit = listed.commit;
        Ok(Self { hub, wanted, folder, commit, files, progress, fetched: 0, told: None, report })
    }

    /// Refuses what the disk has no room for, before the first byte.
    fn check_room(&self) -> Result<()> {
        let needed: u64 = self.files.iter().map(|file| Place::new(&self.folder, file).missing(file)).sum();
        let there = self.folder.ancestors().find(|folder| folder.exists()).unwrap_or(&self.folder);
        match fs4::available_space(there) {
            Ok(free) if needed > free => {
                let (name, needed, free) = (self.wanted.name(), in_words(needed), in_words(free));
                let message = format!(
                    "model: {name} needs {needed} more on the disk, and {} has {free} free",
                    there.display()
                );
                Err(Error::new(Kind::LocalModel, message).param("model").hint(
                    "`antiphon zoo list --here` shows what could go; HF_HUB_CACHE names another folder",
                ))
            }
            // A disk that does not tell says so when it is full.
            _ => Ok(()),
        }
    }

    /// Gets one file, and returns where programs find it.
    async fn file(&mut self, number: usize) -> Result<PathBuf> {
        let file = self.files[number].clone();
        let place = Place::new(&self.folder, &file);
        self.progress.file.clone_from(&file.path);
        self.progress.part = number + 1;
        if place.is_whole(&file) {
            self.found(file.size);
        } else {
            let lock = self.lock(&place, &file).await?;
            // Who had the lock may have fetched it.
            if place.is_whole(&file) {
                self.found(file.size);
            } else {
                self.fetch(&file, &place, lock).await?;
            }
        }
        self.tell(State::Fetching);
        store::link(&self.folder, &self.commit, &file.path, &place.blob)
    }

    fn found(&mut self, bytes: u64) {
        self.progress.found += bytes;
        self.progress.done += bytes;
    }

    fn tell(&mut self, state: State) {
        self.told = Some(Instant::now());
        self.progress.state = state;
        (self.report)(&self.progress);
    }

    fn tell_now_and_then(&mut self) {
        if self.told.is_none_or(|told| told.elapsed() >= REPORTS) {
            self.tell(State::Fetching);
        }
    }

    /// Takes the file's lock; waits while another process has it.
    async fn lock(&mut self, place: &Place, file: &Remote) -> Result<File> {
        let opened = store::make_folder(&place.lock)
            .and_then(|()| OpenOptions::new().create(true).truncate(false).write(true).open(&place.lock));
        let lock = opened.map_err(|error| failed("cannot write", &place.lock, &error))?;
        loop {
            match lock.try_lock() {
                Err(TryLockError::WouldBlock) if !place.is_whole(file) => {
                    self.tell(State::Waiting);
                    sleep(LOCK_CHECK).await;
                }
                // Some file systems know no locks; what was fetched is checked in any case.
                _ => return Ok(lock),
            }
        }
    }

    async fn fetch(&mut self, file: &Remote, place: &Place, lock: File) -> Result<()> {
        let found = place.incomplete_bytes(file);
        self.tell(if found > 0 { State::Checking } else { State::Fetching });
        self.found(found);
        let before = self.progress.done - found;
        let mut writer = Writer::start(place.clone(), file.clone(), found, lock);
        let mut at = found;
        let mut failures = 0;
        while at < file.size {
            let from = at;
            let outcome = self.pass(file, &mut at, before, &mut writer).await;
            if at >= file.size {
                break;
            }
            let error = match outcome {
                Ok(()) => broken("the hub ended the file too early"),
                Err(Failed::Disk) => break,
                Err(Failed::Network(error)) => error,
            };
            // What came since then shows that it is worth while.
            failures = if at > from { 1 } else { failures + 1 };
            let wait = if at > from { Duration::ZERO } else { pause(failures, &error) };
            if failures >= TRIES || !error.is_retryable() || wait > MAX_PAUSE {
                writer.stop().await?;
                return Err(self.gave_up(error, file));
            }
            self.tell(State::Again(error.message().to_owned()));
            sleep(wait).await;
        }
        writer.end().await
    }

    /// Reads what one connection brings. `at` is where the next byte belongs.
    async fn pass(
        &mut self,
        file: &Remote,
        at: &mut u64,
        before: u64,
        writer: &mut Writer,
    ) -> Result<(), Failed> {
        let opened = self.hub.open(self.wanted.repository(), &self.commit, file, *at).await;
        let (response, begins) = match opened {
            Err(error) if error.received_status() == Some(416) => {
                self.start_over(at, before, writer).await?;
                return Err(Failed::Network(error));
            }
            opened => opened?,
        };
        if begins != *at {
            self.start_over(at, before, writer).await?;
        }
        let mut body: BodyStream = response.body;
        while *at < file.size {
            let piece = timeout(IDLE, body.next()).await;
            let Some(piece) = piece.map_err(|_| broken(&format!("no byte came for {IDLE:?}")))? else {
                return Ok(());
            };
            let mut piece = piece.map_err(|error| broken(error.message()))?;
            let room = usize::try_from(file.size - *at).unwrap_or(usize::MAX);
            piece.truncate(room);
            let length = piece.len() as u64;
            writer.give(Piece::Bytes(piece)).await?;
            *at += length;
            self.fetched += length;
            self.progress.done += length;
            self.tell_now_and_then();
        }
        Ok(())
    }

    async fn start_over(&mut self, at: &mut u64, before: u64, writer: &mut Writer) -> Result<(), Failed> {
        writer.give(Piece::StartOver).await?;
        *at = 0;
        self.progress.done = before;
        self.progress.found = self.progress.found.min(before);
        Ok(())
    }

    fn gave_up(&self, error: Error, file: &Remote) -> Error {
        let (done, total) = (in_words(self.progress.done), in_words(self.progress.total));
        let message = format!("{}: {done} of {total} are here: {}", file.path, error.message());
        let again = format!("`antiphon zoo pull {}` goes on from there", self.wanted.name());
        let status = error.received_status();
        let told = Error::new(error.kind(), message).hint(again);
        status.map_or(told.clone(), |status| told.status(status))
    }
}

/// Why a pass ended before the file did.
enum Failed {
    Network(Error),
    /// The writer is gone, and says why.
    Disk,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Network(error)
    }
}

fn broken(message: &str) -> Error {
    Error::new(Kind::Connection, message)
}

fn in_words(bytes: u64) -> String {
    gigabytes(bytes as f64 / 1e9)
}

fn pause(failures: u32, error: &Error) -> Duration {
    error.wait().unwrap_or_else(|| PAUSE * 2_u32.pow(failures.saturating_sub(1).min(5)))
}

/// Asks the hub, and again where that may help.
async fn again<T, F: Future<Output = Result<T>>>(hub: &Hub<'_>, ask: impl Fn() -> F) -> Result<T> {
    let mut tries = 1;
    loop {
        let error = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let wait = pause(tries, &error);
        if error.is_retryable() && tries < QUESTIONS && wait <= MAX_PAUSE {
            sleep(wait).await;
            tries += 1;
            continue;
        }
        return Err(unreachable(hub, error, tries));
    }
}

/// Of a hub that cannot be reached it is said what was tried, and what works without one.
fn unreachable(hub: &Hub<'_>, error: Error, tries: u32) -> Error {
    if !matches!(error.kind(), Kind::Connection | Kind::Timeout) {
        return error;
    }
    let times = if tries == 1 { "once".to_owned() } else { format!("{tries} times") };
    let message = format!("{}; asked {} {times}", error.message(), hub.shown());
    Error::new(error.kind(), message).hint(
        "HF_ENDPOINT names another hub; without a network, put a GGUF file into the folder that `antiphon doctor` \
         calls models",
    )
}

/// Where a file lies, on its way and then.
#[derive(Debug, Clone)]
struct Place {
    blob: PathBuf,
    incomplete: PathBuf,
    damaged: PathBuf,
    lock: PathBuf,
}

impl Place {
    fn new(repository: &Path, file: &Remote) -> Self {
        let blobs = repository.join("blobs");
        let with = |suffix: &str| blobs.join(format!("{}.{suffix}", file.etag));
        Self {
            blob: blobs.join(&file.etag),
            incomplete: with("incomplete"),
            damaged: with("damaged"),
            lock: store::lock_of(repository, &file.etag),
        }
    }

    fn is_whole(&self, file: &Remote) -> bool {
        fs::metadata(&self.blob).is_ok_and(|blob| blob.is_file() && blob.len() == file.size)
    }

    /// What came before. More than there is, is none of it.
    fn incomplete_bytes(&self, file: &Remote) -> u64 {
        fs::metadata(&self.incomplete)
            .map(|meta| meta.len())
            .ok()
            .filter(|len| *len <= file.size)
            .unwrap_or(0)
    }

    fn missing(&self, file: &Remote) -> u64 {
        if self.is_whole(file) { 0 } else { file.size - self.incomplete_bytes(file) }
    }
}

enum Piece {
    Bytes(Bytes),
    StartOver,
}

/// Writes and sums up on a thread of its own: a disk blocks. It has the lock as long as it has the file.
struct Writer {
    pieces: mpsc::Sender<Piece>,
    thread: JoinHandle<Result<()>>,
}

impl Writer {
    fn start(place: Place, file: Remote, found: u64, lock: File) -> Self {
        let (pieces, received) = mpsc::channel(PIECES);
        let thread = tokio::task::spawn_blocking(move || {
            let outcome = write(&place, &file, found, received);
            drop(lock);
            outcome
        });
        Self { pieces, thread }
    }

    async fn give(&mut self, piece: Piece) -> Result<(), Failed> {
        self.pieces.send(piece).await.map_err(|_| Failed::Disk)
    }

    /// Nothing more comes: the file is checked, and put where it belongs.
    async fn end(self) -> Result<()> {
        drop(self.pieces);
        let panicked = |panic| Err(Error::new(Kind::Internal, format!("writing panicked: {panic}")));
        self.thread.await.unwrap_or_else(panicked)
    }

    /// What came is to stay as it is; an error of the disk goes before one of the network.
    async fn stop(self) -> Result<()> {
        self.end().await
    }
}

fn write(place: &Place, file: &Remote, found: u64, mut pieces: mpsc::Receiver<Piece>) -> Result<()> {
    let cannot = |error: std::io::Error| no_room(place, file, &error);
    store::make_folder(&place.incomplete).map_err(cannot)?;
    let mut sum = Sha256::new();
    let mut out = open(&place.incomplete, found, &mut sum).map_err(cannot)?;
    let mut at = found;
    while let Some(piece) = pieces.blocking_recv() {
        match piece {
            Piece::Bytes(bytes) => {
                out.write_all(&bytes).map_err(cannot)?;
                sum.update(&bytes);
                at += bytes.len() as u64;
            }
            Piece::StartOver => {
                out = open(&place.incomplete, 0, &mut sum).map_err(cannot)?;
                at = 0;
            }
        }
    }
    if at < file.size {
        return Ok(());
    }
    out.sync_all().map_err(cannot)?;
    drop(out);
    let sum = hex(&sum.finalize().into());
    match file.sha256() {
        Some(expected) if !expected.eq_ignore_ascii_case(&sum) => Err(put_aside(place, file, expected, &sum)),
        _ => {
            fs::rename(&place.incomplete, &place.blob).map_err(cannot)?;
            // An earlier one that was wrong is of no use any more; that it is not there is usual.
            let _ = fs::remove_file(&place.damaged);
            Ok(())
        }
    }
}

/// The file, to be written behind its first `found` bytes, which are summed up.
fn open(path: &Path, found: u64, sum: &mut Sha256) -> std::io::Result<File> {
    *sum = Sha256::new();
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    file.set_len(found)?;
    let mut buffer = vec![0; 1 << 20];
    let mut left = found;
    while left > 0 {
        let room = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let read = file.read(&mut buffer[..room])?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        sum.update(&buffer[..read]);
        left -= read as u64;
    }
    Ok(file)
}

fn put_aside(place: &Place, file: &Remote, expected: &str, sum: &str) -> Error {
    let aside = match fs::rename(&place.incomplete, &place.damaged) {
        Ok(()) => format!("put aside as {}", place.damaged.display()),
        Err(error) => format!("left as {} ({error})", place.incomplete.display()),
    };
    let message =
        format!("{}: the checksum is {sum}, and the hub says {expected}; what came is {aside}", file.path);
    Error::new(Kind::LocalModel, message).param("model").hint("pull it again: that begins anew")
}

fn no_room(place: &Place, file: &Remote, error: &std::io::Error) -> Error {
    let full =
        matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge);
    if !full {
        return failed("cannot write", &place.incomplete, error);
    }
    let (done, size) = (place.incomplete_bytes(file), file.size);
    let message = format!(
        "{}: no room is left in {} ({error}): {} of {} are here",
        file.path,
        place.incomplete.parent().unwrap_or(&place.incomplete).display(),
        in_words(done),
        in_words(size),
    );
    Error::new(Kind::LocalModel, message)
        .param("model")
        .hint("make room and pull it again: that goes on from there")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_the_hubs_own_goes_first() {
        let error = broken("x");
        assert_eq!(
            [1, 2, 3].map(|failures| pause(failures, &error)),
            [500, 1000, 2000].map(Duration::from_millis)
        );
        assert_eq!(pause(1, &error.retry_after(Duration::from_secs(7))), Duration::from_secs(7));
    }
}
