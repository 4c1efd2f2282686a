//! Gathering: the cells of an answer are brought side by side.
//!
//! A step puts the new token of each sequence into the next free cells, so those of one answer lie as far apart as
//! there are answers, and attention goes through them one by one. Far apart they come from memory much later than
//! in a row. So every few tokens a sequence's scattered ones are copied out and back, which llama.cpp does into
//! cells in a row; and when several such rows have come together, they are made one.
//!
//! Prompts are read in long pieces and lie together from the start.

use std::ops::Range;

use llama_cpp_2::context::session::LlamaStateSeqFlags;

use crate::system;
use crate::worker::Worker;

/// So many scattered tokens are gathered at once.
const SCATTERED: usize = 8;
/// Rows are made one that has so many times the tokens of the longest of them: so a token is copied once for each
/// power of it.
const GROWTH: usize = 8;
/// A longer row gains nothing more, and to copy it would hold up the others.
const LONGEST: usize = 512;
/// A piece of a prompt that is so long is a row of its own.
const PIECE: usize = 16;

/// Which of a sequence's tokens have cells that lie together.
#[derive(Debug)]
pub(crate) struct Rows {
    /// Where the rows begin that were gathered; what is before them is left where it is.
    starts: Vec<usize>,
    /// Where the last one ends, and the scattered tokens begin.
    end: usize,
}

impl Rows {
    /// Of a sequence that begins with so many tokens that were read before.
    pub(crate) fn new(found: usize) -> Rows {
        Rows { starts: Vec::new(), end: found }
    }

    /// Further tokens were read; `alone` says that nobody else's were in the batch.
    pub(crate) fn note(&mut self, read: Range<usize>, alone: bool) {
        if self.end == read.start && (alone || read.len() >= PIECE) {
            self.end = read.end;
        }
    }

    /// What is to be gathered of so many tokens, if it is time. It counts as one row from then on.
    fn next(&mut self, length: usize) -> Option<Range<usize>> {
        if length - self.end < SCATTERED {
            return None;
        }
        let (mut longest, mut end) = (0, length);
        self.starts.push(self.end);
        self.end = length;
        let mut first = self.starts.len() - 1;
        for (at, start) in self.starts.iter().enumerate().rev() {
            longest = longest.max(end - start);
            end = *start;
            let total = length - start;
            if total > LONGEST {
                break;
            }
            if total >= GROWTH * longest {
                first = at;
            }
        }
        self.starts.truncate(first + 1);
        Some(self.starts[first]..length)
    }
}

impl Worker<'_> {
    /// Gathers what is scattered enough to be worth it.
    pub(crate) fn gather(&mut self) {
        let Some(spare) = self.limits.spare else { return };
        for at in 0..self.running.len() {
            let running = &mut self.running[at];
            let slot = running.slot;
            let Some(range) = running.rows.next(running.sequence.cached) else { continue };
            // What others use of it would then be held twice.
            if self.cache.free() >= range.len() && self.cache.is_alone(slot, range.clone()) {
                self.move_together(slot, spare, range);
            }
        }
    }

    /// Copies tokens of a slot to new cells in a row, by way of a sequence that nobody has. Until the copy stands, the
    /// slot keeps what it has; so it does where there is no such row.
    fn move_together(&mut self, slot: usize, spare: usize, range: Range<usize>) -> bool {
        let (from, to) = (slot as i32, spare as i32);
        let [start, end] = [range.start, range.end].map(|position| Some(position as u32));
        let copied = system::quietly(|| {
            self.context.kv_cache_seq_cp(from, to, start, end).is_ok()
                && self.context.state_seq_get(to, LlamaStateSeqFlags::empty()).is_ok_and(|state| {
                    self.clear(&[spare]);
                    self.context.state_seq_set(&state, to).is_ok()
                })
        });
        let held = (self.context.kv_cache_seq_pos_min(to), self.context.kv_cache_seq_pos_max(to));
        let is_whole = held == (range.start as i32, range.end as i32 - 1);
        let moves =
            copied && is_whole && self.context.clear_kv_cache_seq(Some(slot as u32), start, end).is_ok();
        if moves && let Err(error) = self.context.kv_cache_seq_cp(to, from, start, end) {
            tracing::error!("cannot put back what was gathered of sequence {slot}: {error}");
        }
        self.clear(&[spare]);
        moves
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use llama_cpp_2::token::LlamaToken;

    use super::*;
    use crate::shape::Shape;
    use crate::stats::Counters;
    use crate::vocabulary::Vocabulary;
    use crate::{EngineOptions, builtin, load};

    const CELLS: usize = 256;

    /// The logits that come after so many tokens of two sequences that were read in turns, the last twenty of the
    /// first one moved or not; and whether they were.
    fn logits_after(length: usize, moves: bool) -> (Vec<f32>, bool) {
        let cells = Some(CELLS as u32);
        let options = EngineOptions { context: cells, cache_tokens: cells, ..EngineOptions::default() };
        let model = Arc::new(load::model(&builtin::builtin_path(None).unwrap(), &options).unwrap());
        let shape = Shape::of(&model, &options).unwrap();
        let vocabulary = Arc::new(Vocabulary::new(model.clone()));
        let context = load::context(&model, &shape).unwrap();
        let mut worker =
            Worker::new(context, None, vocabulary, shape.limits(), Arc::new(Counters::default()));
        let read = |worker: &mut Worker<'_>, position: usize, slots: &[i32]| {
            worker.batch.clear();
            for slot in slots {
                let token = LlamaToken(40 + (7 * position as i32 + 90 * slot) % 200);
                worker.batch.add(token, position as i32, &[*slot], true).unwrap();
            }
            worker.context.decode(&mut worker.batch).unwrap();
        };
        (0..length).for_each(|position| read(&mut worker, position, &[0, 1]));
        let spare = worker.limits.spare.unwrap();
        let moved = moves && worker.move_together(0, spare, length - 20..length);
        assert_eq!(worker.context.kv_cache_seq_pos_max(0), length as i32 - 1);
        assert_eq!(worker.context.kv_cache_seq_pos_max(spare as i32), -1, "the spare one is empty again");
        read(&mut worker, length, &[0]);
        (worker.context.get_logits_ith(0).to_vec(), moved)
    }

    #[test]
    fn what_was_moved_says_the_same() {
        let (stayed, _) = logits_after(60, false);
        let (after, moved) = logits_after(60, true);
        assert!(moved);
        // llama.cpp sums values in 16 bits, and in the order of their cells.
        let furthest = stayed.iter().zip(&after).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(furthest < 0.3, "{furthest}");
        let (other, _) = logits_after(59, false);
        let apart = stayed.iter().zip(&other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart > 1.0, "the logits of something else are far from these: {apart}");
    }

    #[test]
    fn without_room_everything_stays() {
        let (stayed, _) = logits_after(122, false);
        let (after, moved) = logits_after(122, true);
        assert!(!moved);
        assert_eq!(stayed, after);
    }

    /// What is gathered while tokens come one at a time, beside others'.
    fn gathered(rows: &mut Rows, lengths: Range<usize>) -> Vec<Range<usize>> {
        let each = lengths.map(|length| {
            rows.note(length..length + 1, false);
            rows.next(length + 1)
        });
        each.flatten().collect()
    }

    #[test]
    fn every_few_tokens_and_then_all_of_those() {
        let mut rows = Rows::new(100);
        let found = gathered(&mut rows, 100..164);
        let small: Vec<Range<usize>> = (0..7).map(|at| 100 + 8 * at..108 + 8 * at).collect();
        assert_eq!(found[..7], small);
        assert_eq!(found[7..], vec![100..164; 1]);
        assert_eq!(rows.starts, [100], "one row");
    }

    #[test]
    fn a_token_is_copied_a_few_times_only() {
        let mut rows = Rows::new(0);
        let found = gathered(&mut rows, 0..4096);
        let copied: usize = found.iter().map(Range::len).sum();
        assert!(copied < 3 * 4096, "{copied}: in rows of 8, 64 and 512");
        assert_eq!(rows.starts.len(), 4096 / LONGEST);
        assert!(found.iter().all(|range| range.len() <= LONGEST));
    }

    #[test]
    fn what_is_read_in_pieces_or_alone_lies_together() {
        let mut rows = Rows::new(0);
        rows.note(0..64, false);
        rows.note(64..80, false);
        for position in 80..200 {
            rows.note(position..position + 1, true);
            assert_eq!(rows.next(position + 1), None);
        }
        assert_eq!(gathered(&mut rows, 200..208), vec![200..208; 1]);
    }
}
