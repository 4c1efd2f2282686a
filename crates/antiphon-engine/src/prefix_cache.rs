//! What the cells of a model's cache hold, and for whom: a book, without a model.
//!
//! llama.cpp keeps a cell for each token that it has read, and several sequences may share one. A *slot* here is
//! the id of a sequence there: free, running, or kept. The cells of a kept slot belong to nobody who runs; they
//! stay for a prompt that begins with the same tokens, and go, the least recently used first, when cells or
//! slots are needed. Whoever calls this does the same to llama.cpp's cache: where slots come back, it
//! clears them there, and may set aside before what they hold ([`Shelf`](crate::shelf::Shelf)).

use std::ops::Range;

/// Shorter prefixes are read anew: that takes no longer than the rest of a step, and what every chat begins with
/// would count as found.
pub(crate) const MIN_PREFIX: usize = 32;

/// The book of one cache.
#[derive(Debug)]
pub(crate) struct PrefixCache {
    slots: Vec<Slot>,
    cells: Vec<Cell>,
    free_cells: Vec<u32>,
    /// Cells that a running slot holds.
    pinned: usize,
    clock: u64,
    keeps: bool,
}

#[derive(Debug, Default)]
struct Slot {
    state: State,
    tokens: Vec<i32>,
    cells: Vec<u32>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Free,
    Running,
    Kept {
        last_used: u64,
    },
}

/// How many slots hold a cell, and how many of those run.
#[derive(Debug, Default, Clone, Copy)]
struct Cell {
    holders: u32,
    running: u32,
}

/// The start of a prompt, in the cells of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prefix {
    pub(crate) slot: usize,
    pub(crate) length: usize,
}

impl PrefixCache {
    /// The book of an empty cache; with `keeps` false, nothing outlives its sequence.
    pub(crate) fn new(cells: usize, slots: usize, keeps: bool) -> Self {
        let mut book = Self {
            slots: (0..slots).map(|_| Slot::default()).collect(),
            cells: vec![Cell::default(); cells],
            free_cells: Vec::new(),
            pinned: 0,
            clock: 0,
            keeps,
        };
        book.reset();
        book
    }

    /// Whether prefixes are found again.
    pub(crate) fn keeps(&self) -> bool {
        self.keeps
    }

    /// From now on nothing is kept or found; what is kept goes.
    #[must_use]
    pub(crate) fn stop_keeping(&mut self) -> Vec<usize> {
        self.keeps = false;
        let kept = self.kept_slots();
        kept.iter().for_each(|slot| self.clear(*slot));
        kept
    }

    /// Cells that hold a token.
    pub(crate) fn used(&self) -> usize {
        self.cells.len() - self.free_cells.len()
    }

    /// Cells that a running sequence holds; the others can be had.
    pub(crate) fn pinned(&self) -> usize {
        self.pinned
    }

    /// The longest start of `tokens` that some slot holds. The last token is never part of it, for its
    /// logits are wanted.
    pub(crate) fn find(&self, tokens: &[i32]) -> Option<Prefix> {
        if !self.keeps {
            return None;
        }
        let wanted = &tokens[..tokens.len().saturating_sub(1)];
        let found = self.slots.iter().enumerate();
        let found = found.map(|(slot, held)| Prefix { slot, length: common(&held.tokens, wanted) });
        found.filter(|prefix| prefix.length >= MIN_PREFIX).max_by_key(|prefix| prefix.length)
    }

    /// How many cells of a prefix a running sequence holds already.
    pub(crate) fn pinned_of(&self, prefix: Prefix) -> usize {
        let cells = &self.slots[prefix.slot].cells[..prefix.length];
        cells.iter().filter(|cell| self.cells[**cell as usize].running > 0).count()
    }

    /// A slot for a sequence to run in. Where none is free, the least recently used one that is kept is cleared,
    /// but not `spared`.
    pub(crate) fn take(&mut self, spared: Option<Prefix>) -> Option<Taken> {
        let is_free = |slot: &Slot| slot.state == State::Free;
        let (slot, evicted) = match self.slots.iter().position(is_free) {
            Some(slot) => (slot, None),
            None => {
                let evicted = self.evict(self.oldest(spared.map(|prefix| prefix.slot))?);
                (evicted.slot, Some(evicted))
            }
        };
        self.slots[slot].state = State::Running;
        Some(Taken { slot, evicted })
    }

    /// Lets a running slot, that holds nothing yet, share the cells of a prefix.
    pub(crate) fn share(&mut self, prefix: Prefix, to: usize) {
        self.touch(prefix.slot);
        let from = &self.slots[prefix.slot];
        let (tokens, cells) = (from.tokens[..prefix.length].to_vec(), from.cells[..prefix.length].to_vec());
        for cell in &cells {
            self.hold(*cell);
        }
        self.slots[to].tokens = tokens;
        self.slots[to].cells = cells;
    }

    /// Clears kept slots, the least recently used first, until so many cells are free or nothing is kept.
    #[must_use]
    pub(crate) fn make_free(&mut self, cells: usize) -> Vec<Evicted> {
        self.evict_while(|book| book.free() < cells)
    }

    /// Clears kept slots likewise until no cell is left that nobody who runs holds.
    #[must_use]
    pub(crate) fn keep_pinned(&mut self) -> Vec<Evicted> {
        self.evict_while(|book| book.used() > book.pinned)
    }

    fn evict_while(&mut self, goes_on: impl Fn(&Self) -> bool) -> Vec<Evicted> {
        let mut evicted = Vec::new();
        while goes_on(self)
            && let Some(slot) = self.oldest(None)
        {
            evicted.push(self.evict(slot));
        }
        evicted
    }

    fn evict(&mut self, slot: usize) -> Evicted {
        let tokens = std::mem::take(&mut self.slots[slot].tokens);
        self.clear(slot);
        Evicted { slot, tokens }
    }

    /// Cells that hold nothing.
    pub(crate) fn free(&self) -> usize {
        self.free_cells.len()
    }

    /// A running slot has read further tokens.
    pub(crate) fn extend(&mut self, slot: usize, tokens: &[i32]) {
        for token in tokens {
            let cell = self.free_cells.pop().unwrap_or_else(|| {
                // llama.cpp has a few cells more than it was asked for, and is the judge of that.
                self.cells.push(Cell::default());
                (self.cells.len() - 1) as u32
            });
            self.hold(cell);
            self.slots[slot].cells.push(cell);
            self.slots[slot].tokens.push(*token);
        }
    }

    /// A running slot is done: what it holds is kept where it is of use. The slots to clear come back.
    #[must_use]
    pub(crate) fn release(&mut self, slot: usize) -> Vec<usize> {
        let tokens = &self.slots[slot].tokens;
        let others = || self.slots.iter().enumerate().filter(|(other, _)| *other != slot);
        let is_of_use = self.keeps
            && tokens.len() >= MIN_PREFIX
            && !others().any(|(_, held)| held.tokens.starts_with(tokens));
        if !is_of_use {
            self.clear(slot);
            return vec![slot];
        }
        let is_part =
            |held: &Slot| matches!(held.state, State::Kept { .. }) && tokens.starts_with(&held.tokens);
        let parts: Vec<usize> = others().filter(|(_, held)| is_part(held)).map(|(other, _)| other).collect();
        parts.iter().for_each(|part| self.clear(*part));
        for cell in std::mem::take(&mut self.slots[slot].cells) {
            self.unpin(cell);
            self.slots[slot].cells.push(cell);
        }
        self.slots[slot].state = State::Kept { last_used: 0 };
        self.touch(slot);
        parts
    }

    /// Whether nobody else holds any of those tokens' cells.
    pub(crate) fn is_alone(&self, slot: usize, range: Range<usize>) -> bool {
        let cells = self.slots[slot].cells.get(range).unwrap_or_default();
        cells.iter().all(|cell| self.cells[*cell as usize].holders == 1)
    }

    /// The cache is empty.
    pub(crate) fn reset(&mut self) {
        self.slots.iter_mut().for_each(|slot| *slot = Slot::default());
        self.cells.fill(Cell::default());
        self.free_cells = (0..self.cells.len() as u32).rev().collect();
        self.pinned = 0;
    }

    fn kept_slots(&self) -> Vec<usize> {
        let kept = |(_, slot): &(usize, &Slot)| matches!(slot.state, State::Kept { .. });
        self.slots.iter().enumerate().filter(kept).map(|(slot, _)| slot).collect()
    }

    fn oldest(&self, spared: Option<usize>) -> Option<usize> {
        let age = |(slot, held): (usize, &Slot)| match held.state {
            State::Kept { last_used } if Some(slot) != spared => Some((last_used, slot)),
            _ => None,
        };
        self.slots.iter().enumerate().filter_map(age).min().map(|(_, slot)| slot)
    }

    fn touch(&mut self, slot: usize) {
        self.clock += 1;
        if let State::Kept { last_used } = &mut self.slots[slot].state {
            *last_used = self.clock;
        }
    }

    /// Counts a running holder of a cell.
    fn hold(&mut self, cell: u32) {
        let cell = &mut self.cells[cell as usize];
        cell.holders += 1;
        cell.running += 1;
        self.pinned += usize::from(cell.running == 1);
    }

    fn unpin(&mut self, cell: u32) {
        let cell = &mut self.cells[cell as usize];
        cell.running -= 1;
        self.pinned -= usize::from(cell.running == 0);
    }

    fn clear(&mut self, slot: usize) {
        let Slot { state, cells, .. } = std::mem::take(&mut self.slots[slot]);
        for cell in cells {
            if state == State::Running {
                self.unpin(cell);
            }
            self.cells[cell as usize].holders -= 1;
            if self.cells[cell as usize].holders == 0 {
                self.free_cells.push(cell);
            }
        }
    }
}

/// A slot to run in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) slot: usize,
    /// What was kept in it, which llama.cpp still has.
    pub(crate) evicted: Option<Evicted>,
}

/// A slot that is no longer kept, and what it holds as long as llama.cpp has not cleared it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evicted {
    pub(crate) slot: usize,
    pub(crate) tokens: Vec<i32>,
}

/// How many tokens both begin with.
pub(crate) fn common(a: &[i32], b: &[i32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELLS: usize = 400;

    fn book() -> PrefixCache {
        PrefixCache::new(CELLS, 4, true)
    }

    /// A hundred tokens that all have the same start, and go on as `tail` says.
    fn text(tail: i32) -> Vec<i32> {
        (0..60).chain((0..40).map(|at| 1000 * tail + at)).collect()
    }

    /// Runs `tokens` as the worker does: the length of the prefix that was found and the slot come back.
    fn run(book: &mut PrefixCache, tokens: &[i32]) -> (usize, usize) {
        let found = book.find(tokens);
        let Taken { slot, .. } = book.take(found).unwrap();
        if let Some(prefix) = found {
            book.share(prefix, slot);
        }
        let length = found.map_or(0, |prefix| prefix.length);
        let _ = book.make_free(tokens.len() - length);
        book.extend(slot, &tokens[length..]);
        check(book);
        (length, slot)
    }

    fn done(book: &mut PrefixCache, slot: usize) -> Vec<usize> {
        let cleared = book.release(slot);
        check(book);
        cleared
    }

    /// The counts are those of the slots.
    fn check(book: &PrefixCache) {
        let holders = |cell: usize, only_running: bool| {
            let holds = |slot: &&Slot| {
                slot.cells.contains(&(cell as u32)) && (!only_running || slot.state == State::Running)
            };
            book.slots.iter().filter(holds).count() as u32
        };
        for (at, cell) in book.cells.iter().enumerate() {
            assert_eq!((cell.holders, cell.running), (holders(at, false), holders(at, true)), "cell {at}");
            assert_eq!(cell.holders == 0, book.free_cells.contains(&(at as u32)), "cell {at}");
        }
        assert_eq!(book.pinned, book.cells.iter().filter(|cell| cell.running > 0).count());
        assert!(book.slots.iter().all(|slot| slot.tokens.len() == slot.cells.len()));
    }

    #[test]
    fn a_prompt_finds_what_was_read_before_it() {
        let mut book = book();
        let (found, first) = run(&mut book, &text(1));
        assert_eq!(found, 0);
        assert_eq!(run(&mut book, &text(2)).0, 60, "of one that runs");
        assert_eq!((book.used(), book.pinned()), (140, 140));
        assert!(done(&mut book, first).is_empty());
        assert_eq!((book.used(), book.pinned()), (140, 100));
        assert_eq!(run(&mut book, &text(1)).0, 99, "the last token is always read");
    }

    #[test]
    fn short_and_strange_starts_are_not_found() {
        let mut book = book();
        run(&mut book, &text(1));
        assert_eq!(book.find(&text(1)[..MIN_PREFIX]), None);
        assert_eq!(book.find(&text(1)[..=MIN_PREFIX]).unwrap().length, MIN_PREFIX);
        assert_eq!(book.find(&text(1)[1..]), None);
        assert_eq!(book.find(&[]), None);
    }

    #[test]
    fn a_conversation_is_kept_once() {
        let mut book = book();
        let (_, first) = run(&mut book, &text(1)[..80]);
        done(&mut book, first);
        let (found, second) = run(&mut book, &text(1));
        assert_eq!(found, 80);
        assert_eq!(done(&mut book, second), [first], "the longer one holds the shorter one");
        let (_, third) = run(&mut book, &text(1)[..70]);
        assert_eq!(done(&mut book, third), [third], "the longer one is there");
        assert_eq!(book.used(), 100);
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut book = book();
        let slots: Vec<usize> = (1..=3).map(|tail| run(&mut book, &text(tail)).1).collect();
        for slot in &slots {
            done(&mut book, *slot);
        }
        let (found, user) = run(&mut book, &text(1)[..70]);
        assert_eq!(found, 69);
        let evicted = |slot: usize, tail| Evicted { slot: slots[slot], tokens: text(tail) };
        assert_eq!(book.make_free(CELLS - 141), [evicted(1, 2)], "the first was used since");
        assert_eq!(book.keep_pinned(), [evicted(2, 3), evicted(0, 1)]);
        assert_eq!((book.used(), book.pinned()), (70, 70), "what runs stays, shared or not");
        assert_eq!(book.keep_pinned(), []);
        check(&book);
        done(&mut book, user);
    }

    #[test]
    fn a_slot_is_had_from_what_is_kept_but_not_from_what_is_wanted() {
        let mut book = book();
        let other: Vec<i32> = (5000..5050).collect();
        let (_, old) = run(&mut book, &text(1));
        done(&mut book, old);
        let (_, running) = run(&mut book, &other);
        let rest: Vec<usize> = (0..2).map(|_| book.take(None).unwrap().slot).collect();
        let wanted = book.find(&text(1));
        assert_eq!(book.take(wanted), None, "only the wanted one is left");
        let evicted = Some(Evicted { slot: old, tokens: text(1) });
        assert_eq!(book.take(None), Some(Taken { slot: old, evicted }));
        assert_eq!(book.take(None), None, "all run");
        for slot in rest.into_iter().chain([running, old]) {
            book.clear(slot);
        }
        assert_eq!((book.used(), book.pinned()), (0, 0));
        check(&book);
    }

    #[test]
    fn with_keeping_off_nothing_stays() {
        let mut book = PrefixCache::new(CELLS, 4, false);
        let (_, slot) = run(&mut book, &text(1));
        assert_eq!(book.find(&text(1)), None);
        assert_eq!(done(&mut book, slot), [slot]);
        assert_eq!(book.used(), 0);
        let mut book = self::book();
        let (_, slot) = run(&mut book, &text(1));
        done(&mut book, slot);
        assert_eq!(book.stop_keeping(), [slot]);
        assert_eq!((book.find(&text(1)), book.used()), (None, 0));
    }

    #[test]
    fn more_cells_than_were_asked_for_are_llama_cpps_to_give() {
        let mut book = PrefixCache::new(10, 2, true);
        let (_, slot) = run(&mut book, &text(1));
        assert_eq!(book.used(), 100);
        book.clear(slot);
        assert_eq!(book.used(), 0);
    }
}
