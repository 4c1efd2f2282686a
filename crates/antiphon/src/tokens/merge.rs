//! Byte pair encoding of one piece: of all pairs of neighbours that are a token, the one of the lowest rank is
//! joined first, the leftmost of equals, until none is left.
//!
//! A heap of the pairs and links between the parts make it `n log n` in the length of the piece.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::vocabulary::Vocabulary;

/// No pair of that start is a token.
const NONE: u32 = u32::MAX;

/// Room to work in, kept from piece to piece.
#[derive(Default)]
pub(super) struct Merger {
    parts: Vec<Part>,
    /// Rank of a pair and where it starts. A pair that has changed since is left in here, and passed over.
    pairs: BinaryHeap<Reverse<(u32, u32)>>,
}

/// What starts at a byte of the piece.
#[derive(Clone, Copy)]
struct Part {
    token: u32,
    /// Rank of what it would become with the next part.
    pair: u32,
    /// Where the part before starts.
    before: u32,
    end: u32,
}

impl Merger {
    /// Tells `each` the tokens of a piece. Pieces of four gigabytes and more are cut, which no text has.
    pub(super) fn merge(&mut self, piece: &[u8], vocabulary: &Vocabulary, each: &mut impl FnMut(u32)) {
        for piece in piece.chunks(NONE as usize) {
            self.start(piece, vocabulary);
            while let Some(Reverse((rank, at))) = self.pairs.pop() {
                if self.parts[at as usize].pair == rank {
                    self.join(at, piece, vocabulary);
                }
            }
            let mut at = 0;
            while let Some(part) = self.parts.get(at as usize) {
                each(part.token);
                at = part.end;
            }
        }
    }

    fn start(&mut self, piece: &[u8], vocabulary: &Vocabulary) {
        self.pairs.clear();
        self.parts.clear();
        self.parts.extend(piece.iter().zip(0..).map(|(byte, at)| Part {
            token: vocabulary.byte(*byte),
            pair: NONE,
            before: if at == 0 { NONE } else { at - 1 },
            end: at + 1,
        }));
        for at in 1..self.parts.len() {
            self.pair_up(at - 1, piece, vocabulary);
        }
    }

    /// Joins the part at `at` and the next one.
    fn join(&mut self, at: u32, piece: &[u8], vocabulary: &Vocabulary) {
        let right = self.parts[at as usize].end as usize;
        let right = &mut self.parts[right];
        let end = right.end;
        right.pair = NONE;
        let part = &mut self.parts[at as usize];
        (part.token, part.end) = (part.pair, end);
        let before = part.before;
        if let Some(after) = self.parts.get_mut(end as usize) {
            after.before = at;
        }
        self.pair_up(at as usize, piece, vocabulary);
        if before != NONE {
            self.pair_up(before as usize, piece, vocabulary);
        }
    }

    /// Finds what the part at `at` would become with the next one.
    fn pair_up(&mut self, at: usize, piece: &[u8], vocabulary: &Vocabulary) {
        let next = self.parts.get(self.parts[at].end as usize);
        let pair = next.and_then(|next| vocabulary.rank(&piece[at..next.end as usize]));
        self.parts[at].pair = pair.unwrap_or(NONE);
        if let Some(rank) = pair {
            self.pairs.push(Reverse((rank, at as u32)));
        }
    }
}
