//! The tokens of an encoding, unpacked when they are first asked for.

use std::collections::HashMap;

use foldhash::fast::FixedState;

/// Ranks by bytes, and bytes by rank.
pub(super) struct Vocabulary {
    ranks: HashMap<&'static [u8], u32, FixedState>,
    tokens: Vec<&'static [u8]>,
    /// Ranks of single bytes.
    bytes: [u32; 256],
}

impl Vocabulary {
    /// Unpacks `count` tokens of together `size` bytes: a length each, then their bytes, compressed with zstd.
    pub(super) fn unpack(packed: &[u8], count: usize, size: usize) -> Self {
        let plain = zstd::bulk::decompress(packed, count + size).expect("a constant of this build");
        // Kept for the life of the process, as the constants are that it comes from.
        let (lengths, mut rest) = Box::leak(plain.into_boxed_slice()).split_at(count);
        let token = |length: &u8| {
            let (token, tail) = rest.split_at(usize::from(*length));
            rest = tail;
            token
        };
        let tokens: Vec<&'static [u8]> = lengths.iter().map(token).collect();
        let ranks: HashMap<_, _, _> = tokens.iter().copied().zip(0..).collect();
        let bytes = std::array::from_fn(|byte| ranks.get(&[byte as u8][..]).copied().unwrap_or_default());
        Self { ranks, tokens, bytes }
    }

    pub(super) fn rank(&self, bytes: &[u8]) -> Option<u32> {
        self.ranks.get(bytes).copied()
    }

    pub(super) fn byte(&self, byte: u8) -> u32 {
        self.bytes[usize::from(byte)]
    }

    pub(super) fn token(&self, rank: u32) -> Option<&'static [u8]> {
        self.tokens.get(rank as usize).copied()
    }
}
