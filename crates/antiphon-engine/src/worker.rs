//! The loop that answers every request of one model.
//!
//! Each turn feeds one batch: the next tokens of every answer, and beside them pieces of the prompts that
//! are still being read, small enough not to hold up the others. Sequences share the cells of one
//! cache; when they run out, the youngest sequence is put out and reads its tokens again later. With
//! nothing to do the thread sleeps. Where one answer alone is written, a draft may hasten it
//! ([`speculation`](crate::speculation)).
//!
//! Who is let in, and when, is decided in [`admission`](crate::admission). What ran stays in its cells as long
//! as nobody needs them ([`PrefixCache`]), and a prompt that begins alike takes that over; while such a
//! beginning is just being read for another, the request waits for it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use antiphon_core::{Error, Kind, Result};
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::session::{LlamaStateSeqFlags, SeqState};
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::token::LlamaToken;

use crate::draft::Draft;
use crate::gather::Rows;
use crate::prefix_cache::{Evicted, Prefix, PrefixCache, Taken};
use crate::prepare::Job;
use crate::reading_line::{ReadingLine, Ticket};
use crate::sequence::Sequence;
use crate::shelf::Shelf;
use crate::stats::Counters;
use crate::vocabulary::Vocabulary;
use crate::waiting_line::{WaitingLine, mean_with};

/// At most this many tokens are fed at once.
pub(crate) const BATCH: usize = 512;
/// How much of the prompts is read in a turn in which others are answered.
const PROMPTS_BESIDE_ANSWERS: usize = 64;
/// A sequence that has so many tokens to feed or fewer is being answered, not read.
const FORCED: usize = 16;

/// What the loop may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Tokens of one sequence.
    pub(crate) length: usize,
    /// Tokens of all sequences.
    pub(crate) cells: usize,
    /// Sequences that run at once.
    pub(crate) sequences: usize,
    /// Sequences that the context knows, those whose cells are kept included.
    pub(crate) slots: usize,
    /// A further one, that no sequence has, where cells can be moved.
    pub(crate) spare: Option<usize>,
    /// Whether cells are kept for later prompts.
    pub(crate) keeps_prefixes: bool,
    /// Whether what nobody runs is set aside before anybody needs its cells.
    pub(crate) sets_aside: bool,
    /// Tokens that are set aside, of what nobody runs.
    pub(crate) shelf: usize,
    /// Requests that wait; further ones are refused.
    pub(crate) max_waiting: Option<usize>,
}

/// The loop's state.
pub(crate) struct Worker<'model> {
    pub(crate) context: LlamaContext<'model>,
    pub(crate) batch: LlamaBatch<'static>,
    /// Guesses how an answer goes on.
    pub(crate) draft: Option<Draft<'model>>,
    pub(crate) vocabulary: Arc<Vocabulary>,
    pub(crate) limits: Limits,
    pub(crate) cache: PrefixCache,
    pub(crate) shelf: Shelf<SeqState>,
    pub(crate) line: ReadingLine,
    pub(crate) waiting: WaitingLine<Sequence>,
    /// In the order in which they were let in.
    pub(crate) running: Vec<Running>,
    pub(crate) counters: Arc<Counters>,
    /// How long an answer takes once it was let in.
    pub(crate) mean_answer: Duration,
    requests: u64,
}

pub(crate) struct Running {
    pub(crate) slot: usize,
    pub(crate) sequence: Sequence,
    /// Its place among the prompts that are to be read.
    pub(crate) ticket: Ticket,
    /// When it was let in.
    pub(crate) since: Instant,
    /// How many of its tokens are in the batch.
    pub(crate) fed: usize,
    pub(crate) rows: Rows,
    /// The place in the batch that its logits come from.
    pub(crate) logits: Option<i32>,
}

impl Running {
    /// So many more of its tokens are in the model's cache; `alone` says that nobody else's were in the batch.
    pub(crate) fn note_read(&mut self, count: usize, alone: bool) {
        let from = self.sequence.cached;
        self.sequence.cached += count;
        self.rows.note(from..self.sequence.cached, alone);
    }
}

/// A choice that goes on from the prompt that was read for another.
struct Fork {
    prefix: Prefix,
    logits: i32,
    sibling: Sequence,
}

impl<'model> Worker<'model> {
    pub(crate) fn new(
        context: LlamaContext<'model>,
        draft: Option<Draft<'model>>,
        vocabulary: Arc<Vocabulary>,
        limits: Limits,
        counters: Arc<Counters>,
    ) -> Self {
        counters.cells.set(limits.cells);
        Self {
            context,
            batch: LlamaBatch::new(BATCH, 1),
            draft,
            vocabulary,
            limits,
            cache: PrefixCache::new(limits.cells, limits.slots, limits.keeps_prefixes),
            shelf: Shelf::new(limits.shelf),
            line: ReadingLine::default(),
            waiting: WaitingLine::default(),
            running: Vec::new(),
            counters,
            mean_answer: Duration::ZERO,
            requests: 0,
        }
    }

    /// Answers jobs until their sender is gone and nothing is left to do.
    pub(crate) fn run(&mut self, jobs: &Receiver<Job>) {
        loop {
            if self.running.is_empty() && self.waiting.is_empty() {
                let Ok(job) = jobs.recv() else { return };
                self.take(job);
            }
            while let Ok(job) = jobs.try_recv() {
                self.take(job);
            }
            self.turn();
            self.count();
        }
    }

    /// Tells everyone who waits that it is over.
    pub(crate) fn fail_all(&mut self, error: &Error) {
        for sequence in self.running.iter().map(|running| &running.sequence).chain(self.waiting.iter()) {
            sequence.call.fail(error.clone());
        }
    }

    fn take(&mut self, job: Job) {
        self.counters.sent.subtract(1);
        self.requests += 1;
        self.wait(Sequence::of(job, self.requests, self.limits.length));
    }

    /// Lets everybody know how much is going on.
    fn count(&self) {
        self.counters.waiting.set(self.waiting.len());
        self.counters.running.set(self.running.len());
        self.counters.cells_used.set(self.cache.pinned());
    }

    fn turn(&mut self) {
        self.drop_finished();
        self.waiting.retain(|sequence| !sequence.call.is_over());
        self.admit();
        self.shed();
        self.make_room();
        self.set_aside();
        self.gather();
        self.fill_batch();
        if self.batch.n_tokens() == 0 {
            return;
        }
        let guesses = self.guess();
        match self.context.decode(&mut self.batch) {
            Ok(()) => {
                self.note_read();
                if guesses.is_empty() {
                    self.sample();
                } else {
                    self.verify(&guesses);
                }
            }
            Err(llama_cpp_2::DecodeError::NoKvCacheSlot) if !guesses.is_empty() => self.give_up_guessing(),
            Err(llama_cpp_2::DecodeError::NoKvCacheSlot)
                if self.running.len() > 1 || self.holds_unneeded() =>
            {
                self.retreat();
            }
            Err(error) => {
                self.fail_batch(&Error::new(Kind::Internal, format!("llama.cpp could not decode: {error}")))
            }
        }
        self.drop_finished();
    }

    /// Ends sequences that are done or that nobody waits for; what they read is kept.
    fn drop_finished(&mut self) {
        let is_over = |running: &Running| running.sequence.is_finished || running.sequence.call.is_over();
        if !self.running.iter().any(is_over) {
            return;
        }
        let (over, running) = std::mem::take(&mut self.running).into_iter().partition(is_over);
        self.running = running;
        let over: Vec<Running> = over;
        for Running { slot, mut sequence, since, .. } in over {
            self.release(slot);
            if sequence.is_finished {
                self.mean_answer = mean_with(self.mean_answer, since.elapsed());
            }
            std::mem::take(&mut sequence.siblings).into_iter().for_each(|sibling| self.wait(sibling));
        }
    }

    pub(crate) fn release(&mut self, slot: usize) {
        let cleared = self.cache.release(slot);
        self.clear(&cleared);
    }

    /// Does to llama.cpp's cache what the book says.
    pub(crate) fn clear(&mut self, slots: &[usize]) {
        for slot in slots {
            if let Err(error) = self.context.clear_kv_cache_seq(Some(*slot as u32), None, None) {
                tracing::error!("cannot clear the cache of sequence {slot}: {error}");
            }
        }
    }

    /// While something runs, what nobody runs is not to fill cells, except those of a graphics processor: it passes
    /// over them in no time, and to copy from there takes long.
    fn set_aside(&mut self) {
        if self.limits.sets_aside && !self.running.is_empty() {
            let evicted = self.cache.keep_pinned();
            self.evict(evicted);
        }
    }

    /// Clears slots whose prompts may come back, and sets aside what they hold.
    pub(crate) fn evict(&mut self, evicted: impl IntoIterator<Item = Evicted>) {
        for Evicted { slot, tokens } in evicted {
            if self.shelf.takes(&tokens) {
                match self.context.state_seq_get(slot as i32, LlamaStateSeqFlags::empty()) {
                    Ok(state) => self.shelf.put(tokens, state),
                    Err(error) => tracing::warn!("cannot set aside what sequence {slot} holds: {error}"),
                }
            }
            self.clear(&[slot]);
        }
    }

    fn holds_unneeded(&self) -> bool {
        self.cache.used() > self.cache.pinned()
    }

    /// After llama.cpp found no cells for a batch, which it then left alone: what nobody runs goes first.
    fn retreat(&mut self) {
        if self.holds_unneeded() {
            let evicted = self.cache.make_free(usize::MAX);
            self.evict(evicted);
        } else {
            self.put_out_youngest();
        }
    }

    fn fill_batch(&mut self) {
        self.batch.clear();
        let answers = self.running.iter().filter(|running| is_answered(running)).count();
        for running in &mut self.running {
            (running.fed, running.logits) = (0, None);
            if is_answered(running) {
                feed(&mut self.batch, running, FORCED);
            }
        }
        let mut room = BATCH - self.batch.n_tokens().unsigned_abs() as usize;
        if answers > 0 {
            room = room.min(PROMPTS_BESIDE_ANSWERS);
        }
        for running in reading_order(&mut self.running) {
            feed(&mut self.batch, running, room);
            room -= running.fed;
            running.ticket = self.line.served(running.ticket, running.fed);
        }
        let evicted = self.cache.make_free(self.batch.n_tokens().unsigned_abs() as usize);
        self.evict(evicted);
    }

    /// The batch was decoded: its tokens are in the cache.
    fn note_read(&mut self) {
        let alone = self.running.iter().filter(|running| running.fed > 0).count() == 1;
        for running in &mut self.running {
            let fed = std::mem::take(&mut running.fed);
            running.note_read(fed, alone);
            let read = running.sequence.cached - fed..running.sequence.cached;
            self.cache.extend(running.slot, &running.sequence.tokens[read]);
        }
    }

    fn sample(&mut self) {
        let mut forks = Vec::new();
        for running in &mut self.running {
            let Some(place) = running.logits.take() else { continue };
            let logits = self.context.get_logits_ith(place);
            let sequence = &mut running.sequence;
            let prefix = Prefix { slot: running.slot, length: sequence.cached };
            let siblings = std::mem::take(&mut sequence.siblings).into_iter();
            forks.extend(siblings.map(|sibling| Fork { prefix, logits: place, sibling }));
            let before = sequence.generated();
            if let Err(error) = sequence.next(logits, &self.vocabulary) {
                sequence.call.fail(error);
            }
            self.counters.generated_tokens.add(sequence.generated() - before);
        }
        self.fork(forks);
    }

    /// Siblings take over the prompt that was read for them, where there is room for them now.
    fn fork(&mut self, forks: Vec<Fork>) {
        let mut left = Vec::new();
        for Fork { prefix, logits, mut sibling } in forks {
            let is_same = sibling.tokens.len() == prefix.length;
            let has_room = self.running.len() < self.limits.sequences && self.fits(&sibling, prefix.length);
            let slot = if is_same && has_room { self.cache.take(None) } else { None };
            let Some(Taken { slot, evicted }) = slot else {
                left.push(sibling);
                continue;
            };
            self.evict(evicted);
            // The whole of it, for that is what a recurrent model's state can be copied as.
            let copied = self.context.kv_cache_seq_cp(prefix.slot as i32, slot as i32, None, None);
            self.cache.share(prefix, slot);
            sibling.cached = prefix.length;
            let outcome = match copied {
                Ok(()) => sibling.next(self.context.get_logits_ith(logits), &self.vocabulary),
                Err(error) => Err(Error::new(Kind::Internal, format!("llama.cpp could not copy: {error}"))),
            };
            if let Err(error) = outcome {
                sibling.call.fail(error);
            }
            self.counters.generated_tokens.add(sibling.generated());
            self.push_running(slot, sibling);
        }
        left.into_iter().for_each(|sibling| self.wait(sibling));
    }

    /// After a failed decode nothing is known of the cache, so every sequence in it is lost.
    fn fail_batch(&mut self, error: &Error) {
        for running in std::mem::take(&mut self.running) {
            running.sequence.call.fail(error.clone());
        }
        self.context.clear_kv_cache();
        self.cache.reset();
    }
}

/// Whether a sequence has no more to feed than its answer's next tokens.
pub(crate) fn is_answered(running: &Running) -> bool {
    running.sequence.left() <= FORCED
}

/// Those whose prompts are to be read, in order: one prompt of each client, then a second one of each.
fn reading_order(running: &mut [Running]) -> impl Iterator<Item = &mut Running> {
    let mut reading: Vec<&mut Running> = running.iter_mut().filter(|running| !is_answered(running)).collect();
    reading.sort_unstable_by_key(|running| running.ticket);
    let mut seen = HashMap::new();
    let mut ranked: Vec<(usize, &mut Running)> = Vec::with_capacity(reading.len());
    for running in reading {
        let rank: &mut usize = seen.entry(running.sequence.call.client().clone()).or_default();
        *rank += 1;
        ranked.push((*rank, running));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, running)| running)
}

/// Puts at most `room` tokens of a sequence into the batch.
fn feed(batch: &mut LlamaBatch<'_>, running: &mut Running, room: usize) {
    let sequence = &running.sequence;
    let from = sequence.cached;
    let to = sequence.tokens.len().min(from + room);
    for (position, token) in sequence.tokens.iter().enumerate().take(to).skip(from) {
        let is_last = position + 1 == sequence.tokens.len();
        let index = batch.n_tokens();
        if batch.add(LlamaToken(*token), position as i32, &[running.slot as i32], is_last).is_err() {
            return;
        }
        running.fed += 1;
        if is_last {
            running.logits = Some(index);
        }
    }
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
