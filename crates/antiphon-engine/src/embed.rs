//! Vectors of texts: a model that was trained to give them, by the pooling that its file names. Documents are ranked
//! in the same way, of pooling a score ([`rerank`]).
//!
//! Texts are read together, each as a sequence of its own, as many as a batch has room for. A vector has the
//! length 1, as such models are compared by angle.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use antiphon_core::{
    EmbeddingTask, Embeddings, Error, Event, Input, Kind, Operation, Request, RerankTask, Result, Task, Usage,
};
use futures_channel::mpsc::UnboundedSender;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaPoolingType;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;

use crate::engine::{Batch, Shared};
use crate::stats::Counters;
use crate::waiting_line::{Client, Place, Rank, Waiter, WaitingLine, mean_with, overloaded};
use crate::worker::Limits;
use crate::{gguf, raw, rerank};

/// At most this many texts are read at once.
pub(crate) const SEQUENCES: u32 = 64;

/// Texts to be read.
pub(crate) struct EmbedJob {
    pub(crate) sender: UnboundedSender<Batch>,
    client: Client,
    rank: Rank,
    texts: Vec<Vec<i32>>,
    /// What is to be ranked; of vectors nothing.
    rerank: Option<Box<RerankTask>>,
    model: String,
}

impl EmbedJob {
    fn tell(&self, answer: Batch) {
        // Whoever dropped the stream wants no answer either.
        let _ = self.sender.unbounded_send(answer.map_err(|error| error.target("local", &self.model)));
    }
}

/// How the vectors of a text's tokens become one, or a score; `None` of a model that generates text.
///
/// Of rerankers that are encoders, the files name no pooling, and have a classifier.
pub(crate) fn pooling(model: &LlamaModel, has_classifier: bool) -> Result<Option<LlamaPoolingType>> {
    let architecture = model.meta_val_str("general.architecture").unwrap_or_default();
    let named = model.meta_val_str(&format!("{architecture}.pooling_type")).unwrap_or_default();
    Ok(match named.as_str() {
        "1" => Some(LlamaPoolingType::Mean),
        "2" => Some(LlamaPoolingType::Cls),
        "3" => Some(LlamaPoolingType::Last),
        "4" if has_classifier => Some(LlamaPoolingType::Rank),
        "4" => {
            let message = "a reranker without the layer that ranks (cls.output.weight); another conversion of the \
                 model may have it";
            return Err(Error::new(Kind::LocalModel, message));
        }
        _ if !gguf::is_encoder(&architecture) => None,
        _ if has_classifier => Some(LlamaPoolingType::Rank),
        _ => Some(LlamaPoolingType::Mean),
    })
}

/// The job that a request becomes: checked and tokenised.
pub(crate) fn job(
    shared: &Shared,
    client: Client,
    request: &Request,
    sender: UnboundedSender<Batch>,
) -> Result<EmbedJob> {
    let (rank, model) = (Rank::of(request), shared.info.name.clone());
    let (texts, rerank) = match &request.task {
        Task::Embed(task) => (inputs(shared, task)?, None),
        Task::Rerank(task) => (rerank::texts(shared, &shared.rerank_form, task)?, Some(task.clone())),
        _ => return Err(Error::new(Kind::Internal, "the request has no texts")),
    };
    Ok(EmbedJob { sender, client, rank, texts, rerank, model })
}

fn inputs(shared: &Shared, task: &EmbeddingTask) -> Result<Vec<Vec<i32>>> {
    let size = shared.info.embedding_length.unwrap_or_default();
    if let Some(dimensions) = task.dimensions.filter(|dimensions| *dimensions != size) {
        let message = format!("dimensions: the model gives vectors of {size} numbers, not of {dimensions}");
        return Err(Error::new(Kind::UnsupportedParams, message).param("dimensions"));
    }
    let several = task.inputs.len() > 1;
    let texts = task.inputs.iter().enumerate().map(|(at, input)| {
        let field = if several { format!("input[{at}]") } else { "input".to_owned() };
        let tokens = match input {
            Input::Text(text) => shared.vocabulary.tokenize_whole(text),
            Input::Tokens(tokens) => raw::known(tokens, &shared.vocabulary, &field)?,
        };
        check_length(shared, &field, tokens.len())?;
        Ok(tokens)
    });
    texts.collect()
}

fn check_length(shared: &Shared, field: &str, tokens: usize) -> Result<()> {
    let context = shared.info.context_length as usize;
    match tokens {
        0 => Err(Error::invalid(field, "has no tokens")),
        tokens if tokens <= context => Ok(()),
        tokens => {
            let message =
                format!("{field}: the text has {tokens} tokens, and the model reads {context} at once");
            let error = Error::new(Kind::ContextWindowExceeded, message).param(field);
            Err(error
                .hint("split the text; where the model was trained for more, a larger context= reads it"))
        }
    }
}

/// Reads texts, one job after the other; clients take turns.
pub(crate) struct Embedder<'model> {
    context: LlamaContext<'model>,
    batch: LlamaBatch<'static>,
    /// Tokens that fit into one batch.
    room: usize,
    waiting: WaitingLine<EmbedJob>,
    max_waiting: Option<usize>,
    /// How long a job takes.
    mean: Duration,
    jobs: u64,
    counters: Arc<Counters>,
}

impl<'model> Embedder<'model> {
    pub(crate) fn new(context: LlamaContext<'model>, limits: Limits, counters: Arc<Counters>) -> Self {
        Self {
            context,
            batch: LlamaBatch::new(limits.cells, 1),
            room: limits.cells,
            waiting: WaitingLine::default(),
            max_waiting: limits.max_waiting,
            mean: Duration::ZERO,
            jobs: 0,
            counters,
        }
    }

    /// Answers jobs until their sender is gone.
    pub(crate) fn run(&mut self, jobs: &Receiver<EmbedJob>) {
        loop {
            if self.waiting.is_empty() {
                let Ok(job) = jobs.recv() else { return };
                self.queue(job);
            }
            jobs.try_iter().for_each(|job| self.queue(job));
            self.waiting.retain(|job| !job.sender.is_closed());
            let next = self.waiting.next(1, |_| 0).pop();
            let job = next.and_then(|next| self.waiting.take(&next));
            self.shed();
            if let Some(job) = job {
                self.count(1);
                let begin = Instant::now();
                let answer = self.answer(&job);
                self.mean = mean_with(self.mean, begin.elapsed());
                job.tell(answer);
            }
            self.count(0);
        }
    }

    /// Tells everyone who waits that it is over.
    pub(crate) fn fail_all(&mut self, error: &Error) {
        self.waiting.drain().for_each(|job| job.tell(Err(error.clone())));
    }

    fn queue(&mut self, job: EmbedJob) {
        self.counters.sent.subtract(1);
        self.jobs += 1;
        let place = Place { rank: job.rank, number: self.jobs, choice: 0 };
        let waiter = Waiter { client: job.client.clone(), place };
        self.waiting.enter(waiter, job);
    }

    /// Refuses those for whom there is no place in the line.
    fn shed(&mut self) {
        let Some(most) = self.max_waiting else { return };
        for refused in self.waiting.shed(most, |_| true) {
            refused.tell(Err(overloaded(most, self.mean, most)));
        }
    }

    fn count(&self, running: usize) {
        self.counters.waiting.set(self.waiting.len());
        self.counters.running.set(running);
    }

    fn answer(&mut self, job: &EmbedJob) -> Batch {
        let mut vectors: Vec<Vec<f32>> = Vec::with_capacity(job.texts.len());
        while vectors.len() < job.texts.len() {
            if job.sender.is_closed() {
                return Err(Error::new(Kind::Cancelled, "the call was cancelled"));
            }
            let texts = &job.texts[vectors.len()..];
            let count = self.fitting(texts);
            self.read(&texts[..count], &mut vectors)?;
        }
        let tokens = job.texts.iter().map(Vec::len).sum::<usize>() as u64;
        self.counters.prompt_tokens.add(tokens);
        if let Some(task) = &job.rerank {
            let scores = vectors.iter().map(|said| rerank::score(said)).collect::<Result<_>>()?;
            return rerank::events(task, &job.model, scores, tokens);
        }
        let vectors = vectors.iter().map(|vector| normalized(vector)).collect();
        Ok(vec![
            Event::set("antiphon.operation", Operation::Embeddings.as_str()),
            Event::set("model", job.model.as_str()),
            Event::Embeddings(Embeddings::new(vectors)),
            Event::set("usage", serde_json::json!(Usage::new(tokens, 0))),
        ])
    }

    /// How many of the texts fit into one batch; at least one does.
    fn fitting(&self, texts: &[Vec<i32>]) -> usize {
        let mut tokens = 0;
        let fits = |text: &&Vec<i32>| {
            tokens += text.len();
            tokens <= self.room
        };
        texts.iter().take(SEQUENCES as usize).take_while(fits).count().max(1)
    }

    fn read(&mut self, texts: &[Vec<i32>], vectors: &mut Vec<Vec<f32>>) -> Result<()> {
        let failed = |what: &dyn std::fmt::Display| {
            Error::new(Kind::Internal, format!("llama.cpp could not read the texts: {what}"))
        };
        self.batch.clear();
        for (sequence, text) in (0..).zip(texts) {
            let tokens: Vec<LlamaToken> = text.iter().map(|token| LlamaToken(*token)).collect();
            self.batch.add_sequence(&tokens, sequence, true).map_err(|error| failed(&error))?;
        }
        self.context.clear_kv_cache();
        self.context.decode(&mut self.batch).map_err(|error| failed(&error))?;
        for (sequence, _) in (0..).zip(texts) {
            let vector = self.context.embeddings_seq_ith(sequence).map_err(|error| failed(&error))?;
            vectors.push(vector.to_vec());
        }
        Ok(())
    }
}

/// The vector of length 1 in its direction.
fn normalized(vector: &[f32]) -> Vec<f32> {
    let length = vector.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>().sqrt();
    let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
    vector.iter().map(|number| (f64::from(*number) * scale) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_has_length_one() {
        assert_eq!(normalized(&[3.0, 4.0]), [0.6, 0.8]);
        assert_eq!(normalized(&[0.0, 0.0]), [0.0, 0.0]);
    }
}
