//! The handle of a loaded model.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};

use antiphon_core::{
    Backend, Error, Event, EventStream, Input, Kind, Path, Request, Result, Task, TextAnswer,
};
use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_core::Stream;
use llama_cpp_2::context::params::LlamaPoolingType;
use llama_cpp_2::model::LlamaModel;
use serde::{Deserialize, Serialize};

use crate::adapter::{self, Adapter};
use crate::draft::Draft;
use crate::embed::{self, EmbedJob, Embedder};
use crate::encoder_decoder::EncoderDecoder;
use crate::gguf::{self, Outline};
use crate::guidance::{self, Guidance};
use crate::prepare::{self, Job};
use crate::raw::{self, Raw};
use crate::rerank::Form;
use crate::shape::{self, Shape};
use crate::stats::{Counters, Stats};
use crate::template::Template;
use crate::vocabulary::Vocabulary;
use crate::waiting_line::{Client, Rank};
use crate::worker::{Worker, without_panic};
use crate::{builtin, check, clock, draft, load, random};

/// How a model is loaded. `None` leaves it to the engine.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct EngineOptions {
    /// How many layers go to the graphics processor; all of them where there is one.
    pub gpu_layers: Option<u32>,
    /// Threads for single tokens; never more than the usable cores.
    pub threads: Option<usize>,
    /// Threads for prompts; as many as `threads`.
    pub batch_threads: Option<usize>,
    /// Tokens of context for one request; what the model was trained for, at most 8,192.
    pub context: Option<u32>,
    /// How many answers are written at once; 32, of a recurrent model 8. Further ones wait.
    pub sequences: Option<u32>,
    /// Tokens that the cache has room for, of all requests together; `context`, and more where that takes little
    /// memory beside the weights.
    pub cache_tokens: Option<u32>,
    /// Whether a request finds the start of its prompt where an earlier one left it; `true`. Whoever measures how
    /// fast an answer comes can tell by it whether somebody asked with the same start before: where
    /// clients must not learn that of each other, it is to be `false`.
    pub prefix_cache: Option<bool>,
    /// How many requests may wait; further ones are refused, with a time after which to come again. Where it is
    /// not said, all may.
    pub max_waiting: Option<u32>,
    /// A LoRA adapter that the model is put under.
    pub adapter: Option<Adapter>,
    /// A small model of the same vocabulary, that guesses how an answer goes on: where it is right, the answer comes
    /// sooner, and it is the same in any case.
    pub draft: Option<PathBuf>,
}

/// What is known of a loaded model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// What responses call it.
    pub name: String,
    /// Its architecture, in llama.cpp's word.
    pub architecture: String,
    /// Its own name and size, as its file says.
    pub description: String,
    /// How many numbers it has learnt.
    pub parameters: u64,
    /// Size of the file in bytes.
    pub file_size: u64,
    /// At most this many tokens of prompt and answer for one request.
    pub context_length: u32,
    /// How many tokens it knows.
    pub vocabulary: u32,
    /// How many numbers its vectors have; `None` of a model that gives none.
    pub embedding_length: Option<u32>,
    /// Whether it ranks documents, and does nothing else.
    pub is_reranker: bool,
    /// Whether its file has a chat template.
    pub has_chat_template: bool,
    /// How many threads it runs on.
    pub threads: usize,
}

/// What a stream of an answer carries.
pub(crate) type Batch = Result<Vec<Event>>;

/// A loaded model. Clones are the same model; when the last clone and the last stream are gone, its thread
/// ends and its memory is freed.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

/// What clones of an engine and their streams share.
pub(crate) struct Shared {
    pub(crate) info: ModelInfo,
    pub(crate) vocabulary: Arc<Vocabulary>,
    pub(crate) template: Template,
    pub(crate) guidance: Guidance,
    pub(crate) rerank_form: Form,
    counters: Arc<Counters>,
    jobs: Option<Jobs>,
    thread: Option<JoinHandle<()>>,
}

/// What the model's thread waits for.
enum Jobs {
    Answers(Sender<Job>),
    Texts(Sender<EmbedJob>),
}

impl Engine {
    /// Loads a GGUF file. Blocks until it is ready; `name` is what responses call the model.
    pub fn load(path: &std::path::Path, name: &str, options: &EngineOptions) -> Result<Engine> {
        Self::start(path.to_owned(), gguf::check(path)?, name, options)
    }

    /// Loads the built-in model, chorister. Its file is kept in `cache_dir`, where that is given and writable.
    pub fn builtin(cache_dir: Option<&std::path::Path>, options: &EngineOptions) -> Result<Engine> {
        Self::builtin_as("chorister", cache_dir, options)
    }

    /// [`Engine::builtin`] by another name, as with an adapter it has one.
    pub fn builtin_as(
        name: &str,
        cache_dir: Option<&std::path::Path>,
        options: &EngineOptions,
    ) -> Result<Engine> {
        let path = builtin::builtin_path(cache_dir)?;
        Self::start(path, Outline::of_size(builtin::size()), name, options)
    }

    /// About how many bytes of memory the model of that file takes, loaded in that way.
    pub fn memory(path: &std::path::Path, options: &EngineOptions) -> Result<u64> {
        let outline = gguf::check(path)?;
        let model = shape::memory(&outline, options);
        let Some(path) = &options.draft else { return Ok(model) };
        let options = draft::options(options, shape::length_of(&outline, options));
        Ok(model + shape::memory(&gguf::check(path)?, &options))
    }

    fn start(path: PathBuf, outline: Outline, name: &str, options: &EngineOptions) -> Result<Engine> {
        let file_size = outline.size;
        let (answers, queue) = mpsc::channel();
        let (texts, text_queue) = mpsc::channel();
        let (ready, loaded) = mpsc::sync_channel(1);
        let counters = Arc::new(Counters::default());
        let (options, counted) = (options.clone(), counters.clone());
        let (name, shown) = (name.to_owned(), path.clone());
        let thread = thread::Builder::new()
            .name("antiphon-engine".into())
            .spawn(move || {
                let outcome = without_panic("the model's thread", || {
                    run(&path, &outline, &options, &ready, &queue, &text_queue, &counted)
                });
                if let Err(error) = outcome.flatten() {
                    // Whoever loads the model waits for this; later nobody does.
                    let _ = ready.try_send(Err(error));
                }
            })
            .map_err(|error| Error::new(Kind::Internal, format!("no thread for the model: {error}")))?;
        let loaded = loaded.recv().unwrap_or_else(|_| {
            Err(Error::new(Kind::LocalModel, format!("{}: loading ended without a reason", shown.display())))
        })?;
        let info = ModelInfo { name, file_size, ..loaded.info };
        let reads = info.embedding_length.is_some() || info.is_reranker;
        let jobs = if reads { Jobs::Texts(texts) } else { Jobs::Answers(answers) };
        Ok(Engine(Arc::new(Shared {
            info,
            guidance: Guidance::new(loaded.vocabulary.clone()),
            vocabulary: loaded.vocabulary,
            template: loaded.template,
            rerank_form: loaded.rerank_form,
            counters,
            jobs: Some(jobs),
            thread: Some(thread),
        })))
    }

    /// What is known of the model.
    pub fn info(&self) -> &ModelInfo {
        &self.0.info
    }

    /// What it does now, and what it has done.
    pub fn stats(&self) -> Stats {
        self.0.counters.read()
    }

    /// How many requests and streams use the model, this handle and its clones among them.
    pub fn users(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    /// [`Backend::call`] for one of several clients, who take turns. All calls without a client are one's.
    pub fn call_for(&self, client: Option<&str>, request: Request) -> EventStream {
        let client: Client = client.map(Arc::from);
        match request.task {
            Task::Chat => self.answer(client, request, None, None),
            Task::Complete(_) => self.text(client, request),
            Task::Embed(_) | Task::Rerank(_) => self.embed(client, &request),
        }
    }

    /// How many tokens the prompt of `request` has.
    pub fn count_tokens(&self, request: &Request) -> Result<u64> {
        prepare::prompt(&self.0, request).map(|tokens| tokens.len() as u64)
    }

    /// The tokens of plain text; the text of a special token is plain text too.
    pub fn tokenize(&self, text: &str) -> Vec<u32> {
        self.0.vocabulary.tokenize(text, false).into_iter().map(i32::cast_unsigned).collect()
    }

    /// The text of tokens, special ones included; ids that the model does not have are left out.
    pub fn detokenize(&self, ids: &[u32]) -> String {
        let known = ids.iter().filter(|id| **id < self.0.vocabulary.size());
        self.0.vocabulary.detokenize(known.map(|id| id.cast_signed()))
    }

    /// Goes on with `prompt` as it is: no chat template; the texts of special tokens in it are those
    /// tokens. Messages and tools of `request` are not used.
    pub fn complete(&self, prompt: &str, request: Request) -> EventStream {
        let raw = Raw { prompt: Input::from(prompt), echo: false };
        self.answer(
            None,
            Request { messages: Vec::new(), tools: Vec::new(), tool_choice: None, ..request },
            Some(raw),
            None,
        )
    }

    fn text(&self, client: Client, request: Request) -> EventStream {
        match raw::take(request) {
            Ok((request, raw)) => self.answer(client, request, Some(raw), Some(TextAnswer::default())),
            Err(error) => self.failed(error),
        }
    }

    fn embed(&self, client: Client, request: &Request) -> EventStream {
        let (sender, receiver) = unbounded();
        match self.0.accept_texts(client, request, sender) {
            Ok(()) => Box::pin(Answer { receiver, text: None, is_over: false, _shared: self.0.clone() }),
            Err(error) => self.failed(error),
        }
    }

    fn failed(&self, error: Error) -> EventStream {
        let (sender, receiver) = unbounded();
        // The receiver is right here, so there is someone to send to.
        let _ = sender.unbounded_send(Err(error.target("local", &self.0.info.name)));
        Box::pin(Answer { receiver, text: None, is_over: false, _shared: self.0.clone() })
    }

    fn answer(
        &self,
        client: Client,
        request: Request,
        raw: Option<Raw>,
        text: Option<TextAnswer>,
    ) -> EventStream {
        let (sender, receiver) = unbounded();
        let late = sender.clone();
        let shared = self.0.clone();
        let is_guided = !request.tools.is_empty() || guidance::is_asked(&request);
        let work = move || shared.accept(client, &request, raw.as_ref(), &sender);
        // To compile a grammar takes milliseconds, which the caller's executor may not have.
        let started = if is_guided {
            thread::Builder::new().spawn(work).map(drop)
        } else {
            work();
            Ok(())
        };
        if let Err(error) = started {
            let error = Error::new(Kind::Internal, format!("no thread for the request: {error}"));
            // The receiver is right here, so there is someone to send to.
            let _ = late.unbounded_send(Err(error));
        }
        Box::pin(Answer { receiver, text, is_over: false, _shared: self.0.clone() })
    }
}

impl Backend for Engine {
    fn call(&self, request: Request) -> EventStream {
        self.call_for(None, request)
    }
}

impl Shared {
    /// Prepares a request and hands it to the worker; what goes wrong is the stream's item.
    fn accept(&self, client: Client, request: &Request, raw: Option<&Raw>, sender: &UnboundedSender<Batch>) {
        let outcome =
            without_panic("preparing the request", || self.try_accept(client, request, raw, sender))
                .flatten();
        if let Err(error) = outcome {
            // Whoever dropped the stream wants no error either.
            let _ = sender.unbounded_send(Err(error.target("local", &self.info.name)));
        }
    }

    fn try_accept(
        &self,
        client: Client,
        request: &Request,
        raw: Option<&Raw>,
        sender: &UnboundedSender<Batch>,
    ) -> Result<()> {
        let Some(Jobs::Answers(jobs)) = &self.jobs else {
            let (kind, hint) = match self.info.is_reranker {
                true => ("reranking", "ask it to rerank documents"),
                false => ("embeddings", "ask it for embeddings"),
            };
            let message = format!("{} is a model for {kind}, and generates no text", self.info.name);
            return Err(Error::new(Kind::BadRequest, message).param("model").hint(hint));
        };
        let (plan, prompt) = prepare::plan(self, request, raw)?;
        let mut head = self.head(&plan.checked);
        if let Some(raw) = raw.filter(|raw| raw.echo) {
            let text = self.text_of(&raw.prompt);
            head.extend((0..plan.checked.choices).map(|choice| Event::Text { choice, text: text.clone() }));
        }
        let _ = sender.unbounded_send(Ok(head));
        let job = Job { sender: sender.clone(), client, rank: Rank::of(request), prompt, plan };
        self.counters.sent.add(1);
        jobs.send(job).map_err(|_| ended())
    }

    fn accept_texts(&self, client: Client, request: &Request, sender: UnboundedSender<Batch>) -> Result<()> {
        let wants_ranks = matches!(request.task, Task::Rerank(_));
        let Some(Jobs::Texts(jobs)) = self.jobs.as_ref().filter(|_| self.info.is_reranker == wants_ranks)
        else {
            return Err(self.cannot(wants_ranks));
        };
        let job = embed::job(self, client, request, sender)?;
        self.counters.sent.add(1);
        jobs.send(job).map_err(|_| ended())
    }

    /// Says what the model does, where vectors or ranks are asked of one that gives others or none.
    fn cannot(&self, wants_ranks: bool) -> Error {
        let does = match (self.info.is_reranker, self.info.embedding_length) {
            (true, _) => "ranks documents",
            (_, Some(_)) => "gives embeddings",
            _ => "generates text",
        };
        let (lacks, hint) = match wants_ranks {
            true => (
                "ranks no documents",
                "load a model that was trained for it: the GGUF file of a reranker, such as bge-reranker-v2-m3 or \
                 Qwen3-Reranker",
            ),
            false => (
                "gives no embeddings",
                "load a model that was trained for them: a GGUF file that names a pooling, such as \
                 nomic-embed-text or Qwen3-Embedding",
            ),
        };
        let message = format!("{} {does}, and {lacks}", self.info.name);
        Error::new(Kind::BadRequest, message).param("model").hint(hint)
    }

    fn text_of(&self, prompt: &Input) -> String {
        match prompt {
            Input::Text(text) => text.clone(),
            Input::Tokens(tokens) => {
                self.vocabulary.detokenize(tokens.iter().map(|token| token.cast_signed()))
            }
        }
    }

    fn head(&self, checked: &check::Checked) -> Vec<Event> {
        let mut events = vec![
            Event::set("id", random::completion_id()),
            Event::set("created", clock::now()),
            Event::set("model", self.info.name.as_str()),
        ];
        events.extend((0..checked.choices).map(|choice| Event::set_message(choice, "role", "assistant")));
        events.extend(checked.warnings.iter().map(|warning| Event::set("warning", warning.as_str())));
        events
    }
}

impl Drop for Shared {
    /// Waits for the thread: it must not be in llama.cpp when the process ends. It does at most one more
    /// step, for every stream is gone.
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // What a panic in it said was told to those who waited then.
            let _ = thread.join();
        }
    }
}

/// The stream of one answer. It keeps the model alive; dropping it cancels the answer.
struct Answer {
    receiver: UnboundedReceiver<Batch>,
    /// Tells it as a text completion's.
    text: Option<TextAnswer>,
    /// Whether its last batch, or an error, has come by.
    is_over: bool,
    _shared: Arc<Shared>,
}

impl Stream for Answer {
    type Item = Batch;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Batch>> {
        let Poll::Ready(batch) = Pin::new(&mut self.receiver).poll_next(context) else {
            return Poll::Pending;
        };
        let batch = match batch {
            None if !self.is_over => {
                Some(Err(Error::new(Kind::Internal, "the model's thread ended before the answer did")))
            }
            batch => batch,
        };
        self.is_over |= match &batch {
            Some(Ok(events)) => events.last().is_some_and(is_last),
            _ => true,
        };
        Poll::Ready(match (batch, &mut self.text) {
            (Some(Ok(events)), Some(text)) => Some(Ok(text.translate(events))),
            (batch, _) => batch,
        })
    }
}

fn ended() -> Error {
    Error::new(Kind::Internal, "the model's thread has ended")
}

/// The usage of a call is its last event.
fn is_last(event: &Event) -> bool {
    matches!(event, Event::Set { path: Path::Response(name), .. } if name == "usage")
}

/// What the thread says once it is ready.
pub(crate) struct Loaded {
    info: ModelInfo,
    vocabulary: Arc<Vocabulary>,
    template: Template,
    rerank_form: Form,
}

/// The model's thread, from loading to the end.
fn run(
    path: &std::path::Path,
    outline: &Outline,
    options: &EngineOptions,
    ready: &mpsc::SyncSender<Result<Loaded>>,
    jobs: &Receiver<Job>,
    texts: &Receiver<EmbedJob>,
    counters: &Arc<Counters>,
) -> Result<()> {
    let mut model = load::model(path, options)?;
    let adapter = options.adapter.as_ref();
    let mut loaded = adapter.map(|it| adapter::load(&mut model, it)).transpose()?;
    let model: Arc<LlamaModel> = Arc::new(model);
    let named = |error: Error| Error::new(error.kind(), format!("{}: {}", path.display(), error.message()));
    if let Some(draft) = &options.draft {
        draft::check_kind(&model, outline.has_classifier).map_err(|what| {
            let message = format!("{what}; {} cannot be its draft", draft.display());
            named(Error::new(Kind::LocalModel, message))
        })?;
    }
    if let Some(pooling) = embed::pooling(&model, outline.has_classifier).map_err(named)? {
        if adapter.is_some() {
            return Err(named(Error::new(
                Kind::LocalModel,
                "a model for embeddings or reranking, which takes no adapter here",
            )));
        }
        return run_texts(&model, pooling, options, ready, texts, counters);
    }
    if gguf::is_encoder_decoder(&model.meta_val_str("general.architecture").unwrap_or_default()) {
        return run_encoder_decoder(&model, options, ready, jobs, counters);
    }
    let shape = Shape::of(&model, options)?;
    let mut context = load::context(&model, &shape)?;
    if let Some((adapter, loaded)) = adapter.zip(loaded.as_mut()) {
        adapter::set(&mut context, loaded, adapter)?;
    }
    let vocabulary = Arc::new(Vocabulary::new(model.clone()));
    let template = load::template(&model, &vocabulary);
    let info = load::info(&model, &shape, &vocabulary, &template);
    let draft_model = options.draft.as_deref().map(|path| draft::load(path, &vocabulary, options));
    let draft_model = draft_model.transpose().map_err(named)?;
    let draft = draft_model.as_ref().map(|model| Draft::new(model.model(), &shape, options)).transpose()?;
    let mut worker = Worker::new(context, draft, vocabulary.clone(), shape.limits(), counters.clone());
    if ready.send(Ok(Loaded { info, vocabulary, template, rerank_form: Form::of(&model) })).is_err() {
        return Ok(());
    }
    if let Err(error) = without_panic("the model's thread", || worker.run(jobs)) {
        worker.fail_all(&error);
        for job in jobs.try_iter() {
            // Whoever dropped the stream wants no error either.
            let _ = job.sender.unbounded_send(Err(error.clone()));
        }
    }
    Ok(())
}

/// The thread of a model whose encoder reads a prompt first.
fn run_encoder_decoder(
    model: &Arc<LlamaModel>,
    options: &EngineOptions,
    ready: &mpsc::SyncSender<Result<Loaded>>,
    jobs: &Receiver<Job>,
    counters: &Arc<Counters>,
) -> Result<()> {
    let shape = Shape::of_encoder(model, options)?;
    let context = load::encoder_context(model, &shape)?;
    let vocabulary = Arc::new(Vocabulary::new(model.clone()));
    let template = load::template(model, &vocabulary);
    let info = load::info(model, &shape, &vocabulary, &template);
    let (limits, counters) = (shape.limits(), counters.clone());
    let mut worker = EncoderDecoder::new(model, context, vocabulary.clone(), limits, counters);
    if ready.send(Ok(Loaded { info, vocabulary, template, rerank_form: Form::of(model) })).is_err() {
        return Ok(());
    }
    if let Err(error) = without_panic("the model's thread", || worker.run(jobs)) {
        worker.fail_all(&error);
        for job in jobs.try_iter() {
            // Whoever dropped the stream wants no error either.
            let _ = job.sender.unbounded_send(Err(error.clone()));
        }
    }
    Ok(())
}

/// The thread of a model that gives vectors.
fn run_texts(
    model: &Arc<LlamaModel>,
    pooling: LlamaPoolingType,
    options: &EngineOptions,
    ready: &mpsc::SyncSender<Result<Loaded>>,
    texts: &Receiver<EmbedJob>,
    counters: &Arc<Counters>,
) -> Result<()> {
    let shape = Shape::of_texts(model, options)?;
    let context = load::text_context(model, &shape, pooling)?;
    let vocabulary = Arc::new(Vocabulary::new(model.clone()));
    let template = load::template(model, &vocabulary);
    let is_reranker = pooling == LlamaPoolingType::Rank;
    let info = ModelInfo {
        embedding_length: (!is_reranker).then(|| model.n_embd().unsigned_abs()),
        is_reranker,
        ..load::info(model, &shape, &vocabulary, &template)
    };
    let mut embedder = Embedder::new(context, shape.limits(), counters.clone());
    if ready.send(Ok(Loaded { info, vocabulary, template, rerank_form: Form::of(model) })).is_err() {
        return Ok(());
    }
    if let Err(error) = without_panic("the model's thread", || embedder.run(texts)) {
        embedder.fail_all(&error);
        for job in texts.try_iter() {
            // Whoever dropped the stream wants no error either.
            let _ = job.sender.unbounded_send(Err(error.clone()));
        }
    }
    Ok(())
}
