//! The loop that answers every request of one model.
//!
//! Each turn feeds one batch: the next tokens of every answer, and beside them a piece of the oldest prompt
//! that is still being read, small enough not to hold up the others. Sequences share the cells of one
//! cache; when they run out, the youngest sequence is put out and reads its tokens again later. With
//! nothing to do the thread sleeps.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use antiphon_core::{Error, Kind, Result};
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::token::LlamaToken;

use crate::prepare::Job;
use crate::sequence::Sequence;
use crate::vocabulary::Vocabulary;

/// At most this many tokens are fed at once.
pub(crate) const BATCH: usize = 512;
/// How much of a prompt is read in a turn in which others are answered.
const PROMPT_BESIDE_ANSWERS: usize = 64;
/// A sequence that has so many tokens to feed or fewer is being answered, not read.
const FORCED: usize = 16;
/// Cells that must be free beside a prompt for it to be let in.
const MARGIN: usize = 64;

/// The loop's state.
pub(crate) struct Worker<'model> {
    context: LlamaContext<'model>,
    batch: LlamaBatch<'static>,
    vocabulary: Arc<Vocabulary>,
    /// At most this many tokens for one sequence.
    length: usize,
    /// At most this many for all.
    cells: usize,
    free: Vec<i32>,
    waiting: VecDeque<Sequence>,
    /// In the order in which they were let in.
    running: Vec<Running>,
}

struct Running {
    slot: i32,
    sequence: Sequence,
    /// The place in the batch that its logits come from.
    logits: Option<i32>,
}

impl<'model> Worker<'model> {
    pub(crate) fn new(
        context: LlamaContext<'model>,
        vocabulary: Arc<Vocabulary>,
        length: usize,
        cells: usize,
        slots: u32,
    ) -> Self {
        Self {
            context,
            batch: LlamaBatch::new(BATCH, 1),
            vocabulary,
            length,
            cells,
            free: (0..slots.cast_signed()).rev().collect(),
            waiting: VecDeque::new(),
            running: Vec::new(),
        }
    }

    /// Answers jobs until their sender is gone and nothing is left to do.
    pub(crate) fn run(&mut self, jobs: &Receiver<Job>) {
        loop {
            if self.running.is_empty() && self.waiting.is_empty() {
                let Ok(job) = jobs.recv() else { return };
                self.queue(job);
            }
            while let Ok(job) = jobs.try_recv() {
                self.queue(job);
            }
            self.turn();
        }
    }

    /// Tells everyone who waits that it is over.
    pub(crate) fn fail_all(&mut self, error: &Error) {
        for sequence in self.running.iter().map(|running| &running.sequence).chain(&self.waiting) {
            sequence.call.fail(error.clone());
        }
    }

    fn queue(&mut self, job: Job) {
        self.waiting.push_back(Sequence::of(job, self.length));
    }

    /// Choices that could not share a prompt wait for a slot of their own, before other requests.
    fn queue_first(&mut self, sequences: Vec<Sequence>) {
        for sequence in sequences.into_iter().rev() {
            self.waiting.push_front(sequence);
        }
    }

    fn turn(&mut self) {
        self.drop_finished();
        self.waiting.retain(|sequence| !sequence.call.is_over());
        self.admit();
        self.make_room();
        self.fill_batch();
        if self.batch.n_tokens() == 0 {
            return;
        }
        match self.context.decode(&mut self.batch) {
            Ok(()) => self.sample(),
            Err(llama_cpp_2::DecodeError::NoKvCacheSlot) if self.running.len() > 1 => self.put_out_youngest(),
            Err(error) => {
                self.fail_batch(&Error::new(Kind::Internal, format!("llama.cpp could not decode: {error}")))
            }
        }
        self.drop_finished();
    }

    /// Frees the slots of sequences that are done or that nobody waits for.
    fn drop_finished(&mut self) {
        let is_over = |running: &Running| running.sequence.is_finished || running.sequence.call.is_over();
        if !self.running.iter().any(is_over) {
            return;
        }
        let (over, running) = std::mem::take(&mut self.running).into_iter().partition(is_over);
        self.running = running;
        let over: Vec<Running> = over;
        for Running { slot, sequence, .. } in over {
            self.release(slot);
            self.queue_first(sequence.siblings);
        }
    }

    fn release(&mut self, slot: i32) {
        if let Err(error) = self.context.clear_kv_cache_seq(Some(slot.cast_unsigned()), None, None) {
            tracing::error!("cannot clear the cache of sequence {slot}: {error}");
        }
        self.free.push(slot);
    }

    fn used(&self) -> usize {
        self.running.iter().map(|running| running.sequence.tokens.len()).sum()
    }

    fn fits(&self, sequence: &Sequence) -> bool {
        self.running.is_empty() || self.used() + sequence.tokens.len() + MARGIN <= self.cells
    }

    fn admit(&mut self) {
        while let (Some(first), Some(slot)) = (self.waiting.front(), self.free.last().copied()) {
            if !self.fits(first) {
                return;
            }
            let Some(mut sequence) = self.waiting.pop_front() else { return };
            if let Err(error) = sequence.start(&self.vocabulary) {
                sequence.call.fail(error);
                continue;
            }
            if sequence.is_finished {
                self.queue_first(sequence.siblings);
                continue;
            }
            self.free.pop();
            self.running.push(Running { slot, sequence, logits: None });
        }
    }

    /// Puts sequences out, youngest first, until the next tokens of the others fit.
    fn make_room(&mut self) {
        while self.running.len() > 1 && self.used() > self.cells {
            self.put_out_youngest();
        }
    }

    fn put_out_youngest(&mut self) {
        if let Some(Running { slot, mut sequence, .. }) = self.running.pop() {
            tracing::debug!("the cache is full: a sequence of {} tokens waits", sequence.tokens.len());
            self.release(slot);
            sequence.cached = 0;
            self.waiting.push_front(sequence);
        }
    }

    fn fill_batch(&mut self) {
        self.batch.clear();
        let is_answered = |running: &Running| left(&running.sequence) <= FORCED;
        let answers = self.running.iter().filter(|running| is_answered(running)).count();
        let mut prompt_room = if answers > 0 { PROMPT_BESIDE_ANSWERS } else { BATCH };
        for running in &mut self.running {
            running.logits = None;
            if is_answered(running) {
                feed(&mut self.batch, running, FORCED);
            }
        }
        for running in &mut self.running {
            if !is_answered(running) {
                let room = prompt_room.min(BATCH - self.batch.n_tokens().unsigned_abs() as usize);
                prompt_room -= feed(&mut self.batch, running, room);
            }
        }
    }

    fn sample(&mut self) {
        let mut forked = Vec::new();
        for running in &mut self.running {
            let Some(place) = running.logits.take() else { continue };
            let logits = self.context.get_logits_ith(place);
            let sequence = &mut running.sequence;
            for sibling in std::mem::take(&mut sequence.siblings) {
                forked.push((running.slot, sequence.cached, place, sibling));
            }
            if let Err(error) = sequence.next(logits, &self.vocabulary) {
                sequence.call.fail(error);
            }
        }
        self.fork(forked);
    }

    /// Siblings take over the prompt that was read for them, where there is a slot for them now.
    fn fork(&mut self, forked: Vec<(i32, usize, i32, Sequence)>) {
        let mut left = Vec::new();
        for (from, length, place, mut sibling) in forked {
            if sibling.tokens.len() == length
                && self.fits(&sibling)
                && let Some(slot) = self.free.pop()
            {
                let copied = self.context.kv_cache_seq_cp(from, slot, None, None);
                if let Err(error) = copied {
                    sibling
                        .call
                        .fail(Error::new(Kind::Internal, format!("llama.cpp could not copy: {error}")));
                }
                sibling.cached = length;
                if let Err(error) = sibling.next(self.context.get_logits_ith(place), &self.vocabulary) {
                    sibling.call.fail(error);
                }
                self.running.push(Running { slot, sequence: sibling, logits: None });
            } else {
                left.push(sibling);
            }
        }
        self.queue_first(left);
    }

    /// After a failed decode nothing is known of the cache, so every sequence in it is lost.
    fn fail_batch(&mut self, error: &Error) {
        for running in std::mem::take(&mut self.running) {
            running.sequence.call.fail(error.clone());
            self.release(running.slot);
        }
        self.context.clear_kv_cache();
    }
}

fn left(sequence: &Sequence) -> usize {
    sequence.tokens.len() - sequence.cached
}

/// Puts at most `room` tokens of a sequence into the batch; how many it were comes back.
fn feed(batch: &mut LlamaBatch<'_>, running: &mut Running, room: usize) -> usize {
    let sequence = &mut running.sequence;
    let from = sequence.cached;
    let to = sequence.tokens.len().min(from + room);
    for (place, token) in sequence.tokens[from..to].iter().enumerate() {
        let position = from + place;
        let is_last = position + 1 == sequence.tokens.len();
        let index = batch.n_tokens();
        if batch.add(LlamaToken(*token), position as i32, &[running.slot], is_last).is_err() {
            sequence.cached = position;
            return place;
        }
        if is_last {
            running.logits = Some(index);
        }
    }
    sequence.cached = to;
    to - from
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no reason given".into())
}

/// Runs `work`; a panic in it is an error of the kind that says so.
pub(crate) fn without_panic<T>(what: &str, work: impl FnOnce() -> T) -> Result<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
        .map_err(|panic| Error::new(Kind::Internal, format!("{what} panicked: {}", panic_text(&*panic))))
}
