//! A model in a process of its own: where it crashes, its requests fail with a word that says so, all others go
//! on, and the next request starts it again.
//!
//! The process is this program once more ([`set_engine_command`]), told by pipes what to do. It ends when this one
//! does, however that ends, for its input ends then.

mod child;
mod wire;

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::pin::Pin;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use antiphon_core::{Error, Event, EventStream, Kind, Request, Result};
use antiphon_engine::{EngineOptions, ModelInfo, Stats};
use futures_core::Stream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub use self::child::run_engine_process;
use self::wire::{Answer, Asked, Order, Report};
use super::LocalModel;

static COMMAND: OnceLock<(PathBuf, Vec<OsString>)> = OnceLock::new();

/// Says how the process of a model is started: a program, and words that make it call [`run_engine_process`].
/// The first one counts. Where nobody says it, `antiphon` is looked for on the path.
pub fn set_engine_command(program: PathBuf, words: Vec<OsString>) {
    // A second one in the same process would be the same program.
    let _ = COMMAND.set((program, words));
}

fn command() -> Command {
    let (program, words) = COMMAND.get_or_init(|| ("antiphon".into(), vec![OsString::from(ENGINE_PROCESS)]));
    let mut command = Command::new(program);
    command.args(words);
    command
}

/// How long a process that is ending may take for it: the system may be writing down what it was.
const LAST_MOMENTS: Duration = Duration::from_secs(2);

/// The verb of the command that is a model's process.
pub const ENGINE_PROCESS: &str = "engine-process";

/// A model that runs in a process of its own. Clones are the same one; with the last of them, and the last
/// stream, the process ends.
#[derive(Clone)]
pub(crate) struct Apart(Arc<Shared>);

struct Shared {
    info: ModelInfo,
    child: Arc<Mutex<Child>>,
    orders: mpsc::Sender<Order>,
    next: AtomicU64,
    heard: Arc<Heard>,
}

/// What came from the process, and for whom.
struct Heard {
    model: String,
    askers: Mutex<Askers>,
    stats: Mutex<Stats>,
}

/// Who waits for what; once the process is gone, why it is.
enum Askers {
    Waiting(HashMap<u64, Asker>),
    Gone(String),
}

enum Asker {
    Stream(UnboundedSender<Batch>),
    Answer(mpsc::SyncSender<Answer>),
}

/// What a stream is told; `None` is its end.
type Batch = Option<Result<Vec<Event>>>;

impl Apart {
    /// Starts the process, and loads the model in it. Blocks until it is ready.
    pub(crate) fn load(model: &LocalModel, options: EngineOptions) -> Result<Self> {
        let mut child = start()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (stdin, stdout) = pipes.ok_or_else(|| Error::new(Kind::Internal, "a process without pipes"))?;
        let child = Arc::new(Mutex::new(child));
        let (orders, to_write) = mpsc::channel();
        thread::spawn(move || write_orders(stdin, &to_write));
        // Its own failure to hear this is told by its end.
        let _ = orders.send(Order::Load { path: model.path.clone(), name: model.name.clone(), options });
        let mut reports = BufReader::new(stdout);
        let heard = Arc::new(Heard {
            model: model.name.clone(),
            askers: Mutex::new(Askers::Waiting(HashMap::new())),
            stats: Mutex::default(),
        });
        let info = match read(&mut reports) {
            Some(Report::Loaded { info }) => *info,
            Some(Report::Unfit { error }) => {
                end(&child);
                return Err(error.error());
            }
            _ => {
                let message =
                    format!("{} while the model was loaded", ending(&model.name, end_by_itself(&child)));
                return Err(Error::new(Kind::LocalModel, message));
            }
        };
        let (theirs, process) = (heard.clone(), child.clone());
        thread::spawn(move || theirs.listen(reports, &process));
        Ok(Self(Arc::new(Shared { info, child, orders, next: AtomicU64::new(0), heard })))
    }

    pub(crate) fn info(&self) -> &ModelInfo {
        &self.0.info
    }

    /// What the model did when it was last heard of, which is half a second ago at most.
    pub(crate) fn stats(&self) -> Stats {
        *lock(&self.0.heard.stats)
    }

    /// How many handles and streams there are.
    pub(crate) fn users(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    /// Whether the process has ended.
    pub(crate) fn is_gone(&self) -> bool {
        self.0.heard.is_gone()
    }

    pub(crate) fn call_for(&self, client: Option<&str>, request: &Request) -> EventStream {
        let (sender, receiver) = unbounded_channel();
        let asked = Asked::of(request);
        let id = self.0.enter(Asker::Stream(sender));
        self.0.order(Order::Call { id, client: client.map(str::to_owned), asked });
        Box::pin(Events { id, receiver, is_over: false, shared: self.0.clone() })
    }

    /// How many tokens a request's prompt has. Blocks.
    pub(crate) fn count_tokens(&self, request: &Request) -> Result<u64> {
        let asked = Asked::of(request);
        match self.ask(|id| Order::Count { id, asked })? {
            Answer::Count(count) => Ok(count),
            other => Err(unexpected(other)),
        }
    }

    /// The tokens of a text. Blocks.
    pub(crate) fn tokenize(&self, text: &str) -> Result<Vec<u32>> {
        match self.ask(|id| Order::Tokenize { id, text: text.to_owned() })? {
            Answer::Tokens(tokens) => Ok(tokens),
            other => Err(unexpected(other)),
        }
    }

    /// The text of tokens. Blocks.
    pub(crate) fn detokenize(&self, tokens: &[u32]) -> Result<String> {
        match self.ask(|id| Order::Detokenize { id, tokens: tokens.to_vec() })? {
            Answer::Text(text) => Ok(text),
            other => Err(unexpected(other)),
        }
    }

    fn ask(&self, order: impl FnOnce(u64) -> Order) -> Result<Answer> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let id = self.0.enter(Asker::Answer(sender));
        self.0.order(order(id));
        receiver.recv().map_err(|_| self.0.heard.gone())
    }
}

impl Shared {
    /// A place among those who wait; where the process is gone, nothing is ever sent to it.
    fn enter(&self, asker: Asker) -> u64 {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        if let Askers::Waiting(askers) = &mut *lock(&self.heard.askers) {
            askers.insert(id, asker);
        }
        id
    }

    fn leave(&self, id: u64) {
        if let Askers::Waiting(askers) = &mut *lock(&self.heard.askers) {
            askers.remove(&id);
        }
    }

    fn order(&self, order: Order) {
        // Where nobody writes it any more, the process is gone, which those who wait are told.
        let _ = self.orders.send(order);
    }
}

impl Drop for Shared {
    /// Nobody waits for an answer any more, and whoever makes room for another model needs the memory now.
    fn drop(&mut self) {
        end(&self.child);
    }
}

impl Heard {
    /// Hands out what comes, until the process ends.
    fn listen(&self, mut reports: BufReader<ChildStdout>, child: &Mutex<Child>) {
        while let Some(report) = read(&mut reports) {
            match report {
                Report::Events { id, events } => self.tell(id, Some(Ok(events))),
                Report::End { id, error } => {
                    if let Some(error) = error {
                        let error = error.error().target(crate::providers::LOCAL, &self.model);
                        self.tell(id, Some(Err(error)));
                    }
                    self.tell(id, None);
                    self.take(id);
                }
                Report::Answer { id, answer } => {
                    if let Some(Asker::Answer(asker)) = self.take(id) {
                        // Whoever left does not want it.
                        let _ = asker.send(answer);
                    }
                }
                Report::Stats { stats } => *lock(&self.stats) = stats,
                Report::Loaded { .. } | Report::Unfit { .. } => {}
            }
        }
        let why = ending(&self.model, end_by_itself(child));
        let left = std::mem::replace(&mut *lock(&self.askers), Askers::Gone(why.clone()));
        *lock(&self.stats) = Stats::default();
        let Askers::Waiting(askers) = left else { return };
        if !askers.is_empty() {
            tracing::error!(model = self.model, requests = askers.len(), "{why}");
        }
        for asker in askers.into_values() {
            if let Asker::Stream(stream) = asker {
                // Whoever left wants no error either.
                let _ = stream.send(Some(Err(self.gone())));
            }
        }
    }

    fn tell(&self, id: u64, batch: Batch) {
        if let Askers::Waiting(askers) = &*lock(&self.askers)
            && let Some(Asker::Stream(stream)) = askers.get(&id)
        {
            // Whoever left is about to say so.
            let _ = stream.send(batch);
        }
    }

    fn take(&self, id: u64) -> Option<Asker> {
        match &mut *lock(&self.askers) {
            Askers::Waiting(askers) => askers.remove(&id),
            Askers::Gone(_) => None,
        }
    }

    fn is_gone(&self) -> bool {
        matches!(*lock(&self.askers), Askers::Gone(_))
    }

    /// What those are told who wait for a process that is gone. It is not asked again at once: what crashed a
    /// model once is likely to do so again, and takes down all that it answers.
    fn gone(&self) -> Error {
        let why = match &*lock(&self.askers) {
            Askers::Gone(why) => why.clone(),
            Askers::Waiting(_) => ending(&self.model, None),
        };
        let error = Error::new(Kind::ServiceUnavailable, why).retryable(false);
        error.hint("the next request starts it again").target(crate::providers::LOCAL, &self.model)
    }
}

/// The stream of one answer; dropping it cancels the answer.
struct Events {
    id: u64,
    receiver: UnboundedReceiver<Batch>,
    is_over: bool,
    shared: Arc<Shared>,
}

impl Stream for Events {
    type Item = Result<Vec<Event>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let Poll::Ready(batch) = self.receiver.poll_recv(context) else { return Poll::Pending };
        // A channel that closes without a last word is that of a process that was gone before.
        let batch = batch.unwrap_or_else(|| Some(Err(self.shared.heard.gone())));
        self.is_over = !matches!(batch, Some(Ok(_)));
        Poll::Ready(batch)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        if !self.is_over {
            self.shared.leave(self.id);
            self.shared.order(Order::Cancel { id: self.id });
        }
    }
}

fn start() -> Result<Child> {
    let mut command = command();
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    // Ctrl-C at a terminal is for this process, which may have answers to finish.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().map_err(|error| {
        let program = command.get_program().to_string_lossy().into_owned();
        Error::new(Kind::LocalModel, format!("own_process: cannot start {program}: {error}"))
            .hint("leave own_process out of [local] in config.toml, or put antiphon on the path")
    })
}

fn write_orders(mut stdin: ChildStdin, orders: &mpsc::Receiver<Order>) {
    while let Ok(order) = orders.recv() {
        if wire::write(&mut stdin, &order).is_err() {
            break;
        }
    }
}

/// The next thing that the process says; `None` once it says nothing more that has a meaning.
fn read(reports: &mut BufReader<ChildStdout>) -> Option<Report> {
    let mut line = Vec::new();
    reports.read_until(b'\n', &mut line).ok()?;
    serde_json::from_slice(&line).ok()
}

/// Ends the process, if it has not ended by itself.
fn end(child: &Mutex<Child>) -> Option<ExitStatus> {
    let mut child = lock(child);
    if let Ok(Some(status)) = child.try_wait() {
        return Some(status);
    }
    // Whether it can be killed or is gone already: it is waited for, so that nothing of it stays.
    let _ = child.kill();
    child.wait().ok()
}

/// Waits for a process that says nothing more; one that stays is ended.
fn end_by_itself(child: &Mutex<Child>) -> Option<ExitStatus> {
    let latest = Instant::now() + LAST_MOMENTS;
    while Instant::now() < latest {
        if let Ok(Some(status)) = lock(child).try_wait() {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(5));
    }
    end(child)
}

/// How a process ended, in words.
fn ending(model: &str, status: Option<ExitStatus>) -> String {
    match status {
        Some(status) => format!("the process of local/{model} ended: {status}"),
        None => format!("the process of local/{model} ended"),
    }
}

fn unexpected(answer: Answer) -> Error {
    match answer {
        Answer::Failure(failure) => failure.error(),
        _ => Error::new(Kind::Internal, "a model's process answered what was not asked"),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
