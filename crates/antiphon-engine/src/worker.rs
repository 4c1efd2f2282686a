//! The loop that answers every request of one model.
//!
//! Each turn feeds one batch: the next tokens of every answer, and beside them pieces of the prompts that
//! are still being read, small enough not to hold up the others. Sequences share the cells of one
//! cache; when they run out, the youngest sequence is put out and reads its tokens again later. With
//! nothing to do the thread sleeps.
//!
//! Requests are let in as they come, where the cells that others do not hold are enough. One that fits only
//! later holds up those behind it, so that a large one gets its turn. What ran stays in its cells as long as
//! nobody needs them ([`PrefixCache`]), and a prompt that begins alike takes that over; while such a beginning
//! is just being read for another, the request waits for it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use antiphon_core::{Error, Kind, Result};
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::token::LlamaToken;

use crate::prefix_cache::{MIN_PREFIX, Prefix, PrefixCache, Taken, common};
use crate::prepare::Job;
use crate::reading_line::{ReadingLine, Ticket};
use crate::sequence::Sequence;
use crate::vocabulary::Vocabulary;

/// At most this many tokens are fed at once.
pub(crate) const BATCH: usize = 512;
/// How much of the prompts is read in a turn in which others are answered.
const PROMPTS_BESIDE_ANSWERS: usize = 64;
/// A sequence that has so many tokens to feed or fewer is being answered, not read.
const FORCED: usize = 16;
/// Cells that are held free for the next tokens of a sequence when another is to be let in.
const MARGIN: usize = 64;
/// So many waiting requests are looked at, at most, for one whose prefix is there.
const LOOK_AHEAD: usize = 64;

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
    /// Whether cells are kept for later prompts.
    pub(crate) keeps_prefixes: bool,
}

/// The loop's state.
pub(crate) struct Worker<'model> {
    context: LlamaContext<'model>,
    batch: LlamaBatch<'static>,
    vocabulary: Arc<Vocabulary>,
    limits: Limits,
    cache: PrefixCache,
    line: ReadingLine,
    waiting: VecDeque<Sequence>,
    /// In the order in which they were let in.
    running: Vec<Running>,
}

struct Running {
    slot: usize,
    sequence: Sequence,
    /// Its place among the prompts that are to be read.
    ticket: Ticket,
    /// How many of its tokens are in the batch.
    fed: usize,
    /// The place in the batch that its logits come from.
    logits: Option<i32>,
}

/// What is to be done with a request that waits.
enum Admission {
    Now(Option<Prefix>),
    /// There is no room for it, nor for those behind it.
    Full,
    /// Its prefix is just being read for another.
    Later,
}

/// A choice that goes on from the prompt that was read for another.
struct Fork {
    prefix: Prefix,
    logits: i32,
    sibling: Sequence,
}

impl<'model> Worker<'model> {
    pub(crate) fn new(context: LlamaContext<'model>, vocabulary: Arc<Vocabulary>, limits: Limits) -> Self {
        Self {
            context,
            batch: LlamaBatch::new(BATCH, 1),
            vocabulary,
            limits,
            cache: PrefixCache::new(limits.cells, limits.slots, limits.keeps_prefixes),
            line: ReadingLine::default(),
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
        self.waiting.push_back(Sequence::of(job, self.limits.length));
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
            Ok(()) => {
                self.note_read();
                self.sample();
            }
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
        for Running { slot, sequence, .. } in over {
            self.release(slot);
            self.queue_first(sequence.siblings);
        }
    }

    fn release(&mut self, slot: usize) {
        let cleared = self.cache.release(slot);
        self.clear(&cleared);
    }

    /// Does to llama.cpp's cache what the book says.
    fn clear(&mut self, slots: &[usize]) {
        for slot in slots {
            if let Err(error) = self.context.clear_kv_cache_seq(Some(*slot as u32), None, None) {
                tracing::error!("cannot clear the cache of sequence {slot}: {error}");
            }
        }
    }

    /// Cells that what runs holds, needs in this turn and will need soon.
    fn reserved(&self) -> usize {
        let running = self.running.iter().map(|running| &running.sequence);
        self.cache.pinned() + running.map(|sequence| sequence.left() + growth(sequence)).sum::<usize>()
    }

    /// Whether there are cells for a sequence, of which a running one holds so many already.
    fn fits(&self, sequence: &Sequence, shared: usize) -> bool {
        let needed = sequence.tokens.len() - shared + growth(sequence);
        self.running.is_empty() || self.reserved() + needed <= self.limits.cells
    }

    fn admit(&mut self) {
        let mut at = 0;
        while self.running.len() < self.limits.sequences && at < LOOK_AHEAD {
            let Some(sequence) = self.waiting.get(at) else { return };
            match self.admission(sequence) {
                Admission::Full => return,
                Admission::Later => at += 1,
                Admission::Now(prefix) => {
                    if let Some(sequence) = self.waiting.remove(at) {
                        self.let_in(sequence, prefix);
                    }
                }
            }
        }
    }

    fn admission(&self, sequence: &Sequence) -> Admission {
        let prefix = self.cache.find(&sequence.tokens);
        let found = prefix.map_or(0, |prefix| prefix.length);
        if self.is_being_read(sequence, found + MIN_PREFIX) {
            return Admission::Later;
        }
        let shared = prefix.map_or(0, |prefix| self.cache.pinned_of(prefix));
        if self.fits(sequence, shared) { Admission::Now(prefix) } else { Admission::Full }
    }

    /// Whether a start of at least so many of its tokens is just being read for another.
    fn is_being_read(&self, sequence: &Sequence, least: usize) -> bool {
        let mut reading =
            self.running.iter().map(|running| &running.sequence).filter(|other| other.left() >= MIN_PREFIX);
        self.cache.keeps() && reading.any(|other| common(&other.tokens, &sequence.tokens) >= least)
    }

    fn let_in(&mut self, mut sequence: Sequence, prefix: Option<Prefix>) {
        if let Err(error) = sequence.start(&self.vocabulary) {
            sequence.call.fail(error);
            return;
        }
        if sequence.is_finished {
            return self.queue_first(sequence.siblings);
        }
        let Some((slot, found)) = self.place(prefix) else {
            let error = Error::new(Kind::Internal, "the cache has no slot for a sequence that was let in");
            return sequence.call.fail(error);
        };
        sequence.cached = found;
        sequence.call.found(found);
        self.push_running(slot, sequence);
    }

    /// A slot to run in, and how many tokens of the prefix it has.
    fn place(&mut self, prefix: Option<Prefix>) -> Option<(usize, usize)> {
        let taken = self.cache.take(prefix);
        // With every other slot running, what was found has to make room itself.
        let (taken, prefix) = match taken {
            Some(taken) => (taken, prefix),
            None => (self.cache.take(None)?, None),
        };
        let Taken { slot, cleared } = taken;
        if cleared {
            self.clear(&[slot]);
        }
        Some((slot, prefix.map_or(0, |prefix| self.share(prefix, slot))))
    }

    /// Lets a slot share the cells of a prefix. Where the model's cache has lost some of them, as those that
    /// look back only so far do, nothing is shared, then or later.
    fn share(&mut self, prefix: Prefix, slot: usize) -> usize {
        let (from, to, length) = (prefix.slot as i32, slot as i32, prefix.length as u32);
        let copied = self.context.kv_cache_seq_cp(from, to, Some(0), Some(length));
        let held = (self.context.kv_cache_seq_pos_min(to), self.context.kv_cache_seq_pos_max(to));
        if copied.is_ok() && held == (0, length as i32 - 1) {
            self.cache.share(prefix, slot);
            return prefix.length;
        }
        tracing::debug!("the model's cache cannot share a prefix of {length} tokens: it has {held:?}");
        let kept = self.cache.stop_keeping();
        self.clear(&kept);
        self.clear(&[slot]);
        0
    }

    fn push_running(&mut self, slot: usize, sequence: Sequence) {
        let ticket = self.line.enter();
        self.running.push(Running { slot, sequence, ticket, fed: 0, logits: None });
    }

    /// Puts sequences out, youngest first, until the next tokens of the others fit.
    fn make_room(&mut self) {
        let left = |running: &Running| running.sequence.left();
        while self.running.len() > 1
            && self.cache.pinned() + self.running.iter().map(left).sum::<usize>() > self.limits.cells
        {
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

    fn holds_unneeded(&self) -> bool {
        self.cache.used() > self.cache.pinned()
    }

    /// After llama.cpp found no cells for a batch, which it then left alone: what nobody runs goes first.
    fn retreat(&mut self) {
        if self.holds_unneeded() {
            let cleared = self.cache.make_free(usize::MAX);
            self.clear(&cleared);
        } else {
            self.put_out_youngest();
        }
    }

    fn fill_batch(&mut self) {
        self.batch.clear();
        let is_answered = |running: &Running| running.sequence.left() <= FORCED;
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
        let mut read: Vec<&mut Running> =
            self.running.iter_mut().filter(|running| !is_answered(running)).collect();
        read.sort_unstable_by_key(|running| running.ticket);
        for running in read {
            feed(&mut self.batch, running, room);
            room -= running.fed;
            running.ticket = self.line.served(running.ticket, running.fed);
        }
        let cleared = self.cache.make_free(self.batch.n_tokens().unsigned_abs() as usize);
        self.clear(&cleared);
    }

    /// The batch was decoded: its tokens are in the cache.
    fn note_read(&mut self) {
        for running in &mut self.running {
            let sequence = &mut running.sequence;
            let from = sequence.cached;
            sequence.cached += std::mem::take(&mut running.fed);
            self.cache.extend(running.slot, &sequence.tokens[from..sequence.cached]);
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
            if let Err(error) = sequence.next(logits, &self.vocabulary) {
                sequence.call.fail(error);
            }
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
            let Some(Taken { slot, cleared }) = slot else {
                left.push(sibling);
                continue;
            };
            if cleared {
                self.clear(&[slot]);
            }
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
            self.push_running(slot, sibling);
        }
        self.queue_first(left);
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

/// Cells that a sequence is going to need soon.
fn growth(sequence: &Sequence) -> usize {
    sequence.remaining().min(MARGIN)
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
