//! Random numbers: a small generator that gives the same numbers for the same seed everywhere, and ids.

use std::hash::{BuildHasher, Hasher, RandomState};

/// SplitMix64: one addition and three multiplications a number, and every seed is a good one.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    #[cfg(test)]
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// For the choice `index` of a request: distinct for each, the same for the same seed.
    pub(crate) fn for_choice(seed: u64, index: u32) -> Self {
        let mut random = Self(seed);
        let start = random.next() ^ u64::from(index).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Self(start)
    }

    /// A seed from the operating system's randomness (which the standard library's hash maps use).
    pub(crate) fn from_system() -> Self {
        Self(RandomState::new().build_hasher().finish())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in 0..1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// `length` letters and digits.
    pub(crate) fn alphanumeric(&mut self, length: usize) -> String {
        const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        (0..length).map(|_| char::from(ALPHABET[(self.next() % 62) as usize])).collect()
    }
}

/// The id of a ranking.
pub(crate) fn rerank_id() -> String {
    format!("rerank-{}", uuid::Uuid::new_v4())
}

/// The id of an answer.
pub(crate) fn completion_id() -> String {
    format!("chatcmpl-{}", uuid::Uuid::new_v4())
}

/// The id of a tool call.
pub(crate) fn call_id() -> String {
    format!("call_{}", Random::from_system().alphanumeric(24))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides_the_numbers_and_choices_differ() {
        let draw = |mut random: Random| [random.next(), random.next()];
        assert_eq!(draw(Random::for_choice(7, 0)), draw(Random::for_choice(7, 0)));
        assert_ne!(draw(Random::for_choice(7, 0)), draw(Random::for_choice(7, 1)));
        assert_ne!(draw(Random::for_choice(7, 0)), draw(Random::for_choice(8, 0)));
    }

    #[test]
    fn ids_are_long_and_differ() {
        assert_eq!(call_id().len(), 29);
        assert_ne!(call_id(), call_id());
        assert_ne!(completion_id(), completion_id());
    }
}
