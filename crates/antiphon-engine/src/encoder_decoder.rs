//! The loop of a model whose encoder reads a prompt and whose decoder writes the answer (T5 and its like).
//!
//! The context holds what the encoder made of one prompt, so that requests are answered one after the other;
//! clients take turns. The prompt is read in one go, and takes no room of the answer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use antiphon_core::{Error, Kind, Result};
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;

use crate::prepare::Job;
use crate::sequence::Sequence;
use crate::stats::Counters;
use crate::vocabulary::Vocabulary;
use crate::waiting_line::{WaitingLine, mean_with, overloaded};
use crate::worker::Limits;

/// The loop's state.
pub(crate) struct EncoderDecoder<'model> {
    context: LlamaContext<'model>,
    batch: LlamaBatch<'static>,
    vocabulary: Arc<Vocabulary>,
    limits: Limits,
    /// The token that an answer begins after.
    start: i32,
    waiting: WaitingLine<Sequence>,
    counters: Arc<Counters>,
    /// How long a request takes.
    mean: Duration,
    requests: u64,
}

impl<'model> EncoderDecoder<'model> {
    pub(crate) fn new(
        model: &'model LlamaModel,
        context: LlamaContext<'model>,
        vocabulary: Arc<Vocabulary>,
        limits: Limits,
        counters: Arc<Counters>,
    ) -> Self {
        counters.cells.set(limits.length);
        let start = [model.decode_start_token().0, vocabulary.bos_token()];
        Self {
            context,
            batch: LlamaBatch::new(limits.length, 1),
            vocabulary,
            limits,
            start: start.into_iter().find(|token| *token >= 0).unwrap_or_default(),
            waiting: WaitingLine::default(),
            counters,
            mean: Duration::ZERO,
            requests: 0,
        }
    }

    /// Answers jobs until their sender is gone and nothing is left to do.
    pub(crate) fn run(&mut self, jobs: &Receiver<Job>) {
        loop {
            if self.waiting.is_empty() {
                let Ok(job) = jobs.recv() else { return };
                self.take(job);
            }
            jobs.try_iter().for_each(|job| self.take(job));
            self.waiting.retain(|sequence| !sequence.call.is_over());
            let next = self.waiting.next(1, |_| 0).pop();
            let sequence = next.and_then(|next| self.waiting.take(&next));
            self.shed();
            if let Some(sequence) = sequence {
                self.count(1);
                let begin = Instant::now();
                self.answer(sequence);
                self.mean = mean_with(self.mean, begin.elapsed());
            }
            self.count(0);
        }
    }

    /// Tells everyone who waits that it is over.
    pub(crate) fn fail_all(&mut self, error: &Error) {
        self.waiting.drain().for_each(|sequence| sequence.call.fail(error.clone()));
    }

    fn take(&mut self, job: Job) {
        self.counters.sent.subtract(1);
        self.requests += 1;
        // The decoder has room for a start token and an answer, whatever the length of the prompt.
        let room = self.limits.length - 1 + job.prompt.len();
        let sequence = Sequence::of(job, self.requests, room);
        self.waiting.enter(sequence.waiter(), sequence);
    }

    /// Refuses those for whom there is no place in the line.
    fn shed(&mut self) {
        let Some(most) = self.limits.max_waiting else { return };
        for refused in self.waiting.shed(most, |_| true) {
            refused.call.fail(overloaded(most, self.mean, most));
        }
    }

    fn count(&self, running: usize) {
        self.counters.waiting.set(self.waiting.len());
        self.counters.running.set(running);
    }

    /// The choices of one request, one after the other.
    fn answer(&mut self, mut first: Sequence) {
        let call = first.call.clone();
        let siblings = std::mem::take(&mut first.siblings);
        let mut choices = VecDeque::from(siblings);
        let prompt = std::mem::take(&mut first.tokens);
        choices.push_front(first);
        call.begin(0);
        self.counters.prompt_tokens.add(prompt.len() as u64);
        let outcome = self.encode(&prompt).and_then(|()| {
            choices.into_iter().try_for_each(|mut choice| {
                choice.tokens = vec![self.start];
                let outcome = self.write(&mut choice);
                self.counters.generated_tokens.add(choice.generated());
                outcome
            })
        });
        if let Err(error) = outcome {
            call.fail(error);
        }
    }

    fn encode(&mut self, prompt: &[i32]) -> Result<()> {
        self.feed(prompt, 0)?;
        // It is refused where the decoder is further on than the prompt begins.
        self.context.clear_kv_cache();
        self.context.encode(&mut self.batch).map_err(|error| failed("read the prompt", &error))
    }

    fn write(&mut self, choice: &mut Sequence) -> Result<()> {
        self.context.clear_kv_cache();
        choice.start(&self.vocabulary)?;
        while !choice.is_finished && !choice.call.is_over() {
            self.feed(&choice.tokens, choice.cached)?;
            self.context.decode(&mut self.batch).map_err(|error| failed("decode", &error))?;
            choice.cached = choice.tokens.len();
            let logits = self.context.get_logits_ith(self.batch.n_tokens() - 1);
            choice.next(logits, &self.vocabulary)?;
        }
        Ok(())
    }

    /// Puts the tokens from `from` on into the batch.
    fn feed(&mut self, tokens: &[i32], from: usize) -> Result<()> {
        self.batch.clear();
        for (position, token) in tokens.iter().enumerate().skip(from) {
            let is_last = position + 1 == tokens.len();
            let added = self.batch.add(LlamaToken(*token), position as i32, &[0], is_last);
            added.map_err(|error| failed("take the tokens", &error))?;
        }
        Ok(())
    }
}

fn failed(what: &str, why: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Internal, format!("llama.cpp could not {what}: {why}"))
}
