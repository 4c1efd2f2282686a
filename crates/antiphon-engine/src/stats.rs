//! What a model does and has done, in numbers that anybody may read at any time.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// What a model does now, and what it has done since it was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stats {
    /// Requests that wait to be let in, and answers that wait to go on.
    pub waiting: u64,
    /// Answers that are being written; those that one request asks for count each.
    pub running: u64,
    /// Tokens that the model's cache has room for; 0 of a model for embeddings.
    pub cells: u64,
    /// Tokens in it that belong to those answers.
    pub cells_used: u64,
    /// Tokens of the prompts that were let in, those of [`Stats::cached_tokens`] included.
    pub prompt_tokens: u64,
    /// Tokens of prompts that an earlier request had left in the cache.
    pub cached_tokens: u64,
    /// Tokens of answers.
    pub generated_tokens: u64,
    /// How often an answer that was being written had to wait for others again.
    pub preemptions: u64,
    /// Tokens that the model's draft guessed.
    pub draft_tokens: u64,
    /// Those of them that the answers went on with.
    pub accepted_tokens: u64,
}

impl std::ops::Add for Stats {
    type Output = Stats;

    fn add(self, other: Stats) -> Stats {
        Stats {
            waiting: self.waiting + other.waiting,
            running: self.running + other.running,
            cells: self.cells + other.cells,
            cells_used: self.cells_used + other.cells_used,
            prompt_tokens: self.prompt_tokens + other.prompt_tokens,
            cached_tokens: self.cached_tokens + other.cached_tokens,
            generated_tokens: self.generated_tokens + other.generated_tokens,
            preemptions: self.preemptions + other.preemptions,
            draft_tokens: self.draft_tokens + other.draft_tokens,
            accepted_tokens: self.accepted_tokens + other.accepted_tokens,
        }
    }
}

/// The numbers of [`Stats`] as they are kept.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Requests that the model's thread has not seen yet.
    pub(crate) sent: Number,
    pub(crate) waiting: Number,
    pub(crate) running: Number,
    pub(crate) cells: Number,
    pub(crate) cells_used: Number,
    pub(crate) prompt_tokens: Number,
    pub(crate) cached_tokens: Number,
    pub(crate) generated_tokens: Number,
    pub(crate) preemptions: Number,
    pub(crate) draft_tokens: Number,
    pub(crate) accepted_tokens: Number,
}

/// A number that threads share. None of them waits for it, and none decides anything by it.
#[derive(Debug, Default)]
pub(crate) struct Number(AtomicU64);

impl Number {
    pub(crate) fn set(&self, number: usize) {
        self.0.store(number as u64, Ordering::Relaxed);
    }

    pub(crate) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    pub(crate) fn subtract(&self, number: u64) {
        self.0.fetch_sub(number, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(crate) fn read(&self) -> Stats {
        Stats {
            waiting: self.sent.get() + self.waiting.get(),
            running: self.running.get(),
            cells: self.cells.get(),
            cells_used: self.cells_used.get(),
            prompt_tokens: self.prompt_tokens.get(),
            cached_tokens: self.cached_tokens.get(),
            generated_tokens: self.generated_tokens.get(),
            preemptions: self.preemptions.get(),
            draft_tokens: self.draft_tokens.get(),
            accepted_tokens: self.accepted_tokens.get(),
        }
    }
}
