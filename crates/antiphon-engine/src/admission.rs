//! Who is let in, and who has to wait again.
//!
//! Requests are let in by turns ([`WaitingLine`](crate::waiting_line::WaitingLine)), where there is a slot and the
//! cells that others do not hold are enough. One that fits only later holds up those behind it, so that a large
//! one gets its turn. Where a client has nothing running and there is no room, another one that has several
//! answers running gives one back: nobody's first request waits for all of somebody else's.

use std::time::Instant;

use antiphon_core::{Error, Kind};
use llama_cpp_2::context::session::SeqState;

use crate::gather::Rows;
use crate::prefix_cache::{MIN_PREFIX, Prefix, Taken, common};
use crate::sequence::Sequence;
use crate::shelf::{Entry, Shelved};
use crate::waiting_line::{Client, Tier, Waiter, overloaded};
use crate::worker::{Running, Worker};

/// Cells that are held free for the next tokens of a sequence when another is to be let in.
const MARGIN: usize = 64;
/// To read a token takes as long as to copy so many of them, or longer.
const READ_AS_LONG: usize = 64;
/// So many waiting requests are looked at, at most, for one whose prefix is there.
const LOOK_AHEAD: usize = 64;

/// What is to be done with a request that waits.
enum Admission {
    Now(Option<Found>),
    /// There is no room for it, nor for those behind it.
    Full,
    /// Its prefix is just being read for another.
    Later,
}

/// Where the start of a prompt is.
#[derive(Clone, Copy)]
enum Found {
    Cells(Prefix),
    Shelf(Shelved),
}

impl Worker<'_> {
    /// Refuses those for whom there is no place in the line. Who was let in before has one.
    pub(crate) fn shed(&mut self) {
        let Some(most) = self.limits.max_waiting else { return };
        for refused in self.waiting.shed(most, |sequence| !sequence.call.has_begun()) {
            let rounds = most.div_ceil(self.limits.sequences);
            refused.call.fail(overloaded(most, self.mean_answer, rounds));
        }
    }

    /// Lets a sequence wait for its turn, or for another one.
    pub(crate) fn wait(&mut self, sequence: Sequence) {
        self.waiting.enter(sequence.waiter(), sequence);
    }

    pub(crate) fn admit(&mut self) {
        for waiter in self.waiting.next(LOOK_AHEAD, |client| self.running_of(client)) {
            loop {
                match self.admission(&waiter) {
                    Admission::Later => break,
                    Admission::Now(prefix) => {
                        if let Some(sequence) = self.waiting.take(&waiter) {
                            self.let_in(sequence, prefix);
                        }
                        break;
                    }
                    Admission::Full if self.make_way(&waiter) => {}
                    Admission::Full => return,
                }
            }
        }
    }

    fn running_of(&self, client: &Client) -> usize {
        self.running.iter().filter(|running| running.sequence.call.client() == client).count()
    }

    fn admission(&self, waiter: &Waiter) -> Admission {
        if self.running.len() >= self.limits.sequences {
            return Admission::Full;
        }
        let Some(sequence) = self.waiting.get(waiter) else { return Admission::Later };
        let found = self.find(&sequence.tokens);
        let (length, shared) = match found {
            None => (0, 0),
            Some(Found::Cells(prefix)) => (prefix.length, self.cache.pinned_of(prefix)),
            Some(Found::Shelf(shelved)) => (shelved.length, 0),
        };
        if self.is_being_read(sequence, length + MIN_PREFIX) {
            return Admission::Later;
        }
        if self.fits(sequence, shared) { Admission::Now(found) } else { Admission::Full }
    }

    /// The longest start of a prompt that was read before. What is in the cells costs nothing, so very little more on
    /// the shelf is not better.
    fn find(&self, tokens: &[i32]) -> Option<Found> {
        let prefix = self.cache.find(tokens);
        let least = prefix.map_or(0, |prefix| prefix.length + prefix.length / READ_AS_LONG);
        let shelved = self.shelf.find(tokens).filter(|shelved| shelved.length > least);
        shelved.map(Found::Shelf).or(prefix.map(Found::Cells))
    }

    /// Whether a start of at least so many of its tokens is just being read for another.
    fn is_being_read(&self, sequence: &Sequence, least: usize) -> bool {
        let mut reading =
            self.running.iter().map(|running| &running.sequence).filter(|other| other.left() >= MIN_PREFIX);
        self.cache.keeps() && reading.any(|other| common(&other.tokens, &sequence.tokens) >= least)
    }

    /// Cells that what runs holds, needs in this turn and will need soon.
    fn reserved(&self) -> usize {
        let running = self.running.iter().map(|running| &running.sequence);
        self.cache.pinned() + running.map(|sequence| sequence.left() + growth(sequence)).sum::<usize>()
    }

    /// Whether there are cells for a sequence, of which a running one holds so many already.
    pub(crate) fn fits(&self, sequence: &Sequence, shared: usize) -> bool {
        let needed = sequence.tokens.len() - shared + growth(sequence);
        self.running.is_empty() || self.reserved() + needed <= self.limits.cells
    }

    /// Puts one sequence out for somebody who has none running, or for whom it gives way by its tier. Whether
    /// there was one.
    fn make_way(&mut self, waiter: &Waiter) -> bool {
        if waiter.place.rank.tier == Tier::Flex {
            return false;
        }
        let has_none = self.running_of(&waiter.client) == 0;
        let places = self.running.iter().enumerate().filter_map(|(at, running)| {
            let call = &running.sequence.call;
            let count = self.running_of(call.client());
            (call.is_flex() || (has_none && count > 1)).then_some((call.is_flex(), count, at))
        });
        match places.max() {
            Some((_, _, at)) => {
                self.put_out(at);
                true
            }
            None => false,
        }
    }

    fn let_in(&mut self, mut sequence: Sequence, found: Option<Found>) {
        let before = sequence.generated();
        if let Err(error) = sequence.start(&self.vocabulary) {
            sequence.call.fail(error);
            return;
        }
        self.counters.generated_tokens.add(sequence.generated() - before);
        if sequence.is_finished {
            std::mem::take(&mut sequence.siblings).into_iter().for_each(|sibling| self.wait(sibling));
            return;
        }
        let Some((slot, found)) = self.place(found) else {
            let error = Error::new(Kind::Internal, "the cache has no slot for a sequence that was let in");
            return sequence.call.fail(error);
        };
        sequence.cached = found;
        if let Some((prompt, found)) = sequence.call.begin(found) {
            self.counters.prompt_tokens.add(prompt);
            self.counters.cached_tokens.add(found);
        }
        self.push_running(slot, sequence);
    }

    /// A slot to run in, and how many tokens of the prefix it has.
    fn place(&mut self, found: Option<Found>) -> Option<(usize, usize)> {
        // Taken down before anything is put up, which may change the places.
        let entry = match found {
            Some(Found::Shelf(shelved)) => Some((self.shelf.take(shelved), shelved.length)),
            _ => None,
        };
        let prefix = match found {
            Some(Found::Cells(prefix)) => Some(prefix),
            _ => None,
        };
        let taken = self.cache.take(prefix);
        // With every other slot running, what was found has to make room itself.
        let (Taken { slot, evicted }, prefix) = match taken {
            Some(taken) => (taken, prefix),
            None => (self.cache.take(None)?, None),
        };
        self.evict(evicted);
        let length = match (entry, prefix) {
            (Some((entry, length)), _) => self.restore(entry, length, slot),
            (None, Some(prefix)) => self.share(prefix, slot),
            (None, None) => 0,
        };
        Some((slot, length))
    }

    /// Copies the first `length` tokens of what was set aside into the cells of a slot.
    fn restore(&mut self, entry: Entry<SeqState>, length: usize, slot: usize) -> usize {
        let Entry { tokens, state, .. } = entry;
        let evicted = self.cache.make_free(tokens.len());
        self.evict(evicted);
        let has_room = self.cache.free() >= tokens.len();
        let restored = has_room && self.copy_back(&state, length, slot);
        if restored {
            self.cache.extend(slot, &tokens[..length]);
        }
        // What another one may want of it stays, unless it is as good as read.
        if !restored || tokens.len() - length >= MIN_PREFIX {
            self.shelf.put(tokens, state);
        }
        if restored { length } else { 0 }
    }

    fn copy_back(&mut self, state: &SeqState, length: usize, slot: usize) -> bool {
        if let Err(error) = self.context.state_seq_set(state, slot as i32) {
            tracing::warn!("cannot copy back what was set aside: {error}");
            self.clear(&[slot]);
            return false;
        }
        match self.context.clear_kv_cache_seq(Some(slot as u32), Some(length as u32), None) {
            Ok(_) => true,
            Err(error) => {
                tracing::error!("cannot cut what was set aside: {error}");
                self.clear(&[slot]);
                false
            }
        }
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
        self.shelf.clear();
        self.clear(&kept);
        self.clear(&[slot]);
        0
    }

    pub(crate) fn push_running(&mut self, slot: usize, sequence: Sequence) {
        let ticket = self.line.enter();
        let (since, rows) = (Instant::now(), Rows::new(sequence.cached));
        self.running.push(Running { slot, sequence, ticket, since, fed: 0, rows, logits: None });
    }

    /// Puts sequences out, youngest first, until the next tokens of the others fit.
    pub(crate) fn make_room(&mut self) {
        let left = |running: &Running| running.sequence.left();
        while self.running.len() > 1
            && self.cache.pinned() + self.running.iter().map(left).sum::<usize>() > self.limits.cells
        {
            self.put_out_youngest();
        }
    }

    pub(crate) fn put_out_youngest(&mut self) {
        if let Some(youngest) = self.running.len().checked_sub(1) {
            self.put_out(youngest);
        }
    }

    /// Lets a running sequence wait again. It loses nothing but time, and what it has read is kept while nobody
    /// needs the cells.
    fn put_out(&mut self, at: usize) {
        let Running { slot, mut sequence, .. } = self.running.remove(at);
        tracing::debug!("a sequence of {} tokens gives way to another", sequence.tokens.len());
        self.counters.preemptions.add(1);
        self.release(slot);
        sequence.cached = 0;
        self.wait(sequence);
    }
}

/// Cells that a sequence is going to need soon.
fn growth(sequence: &Sequence) -> usize {
    sequence.remaining().min(MARGIN)
}
