//! A token bucket per provider and key, so that retries never become a storm.
//!
//! A retry takes tokens, an answer gives some back. When a provider fails for everybody, the bucket is soon
//! empty, and every call then makes its one attempt only, until answers come again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Tokens of a full bucket: a hundred retries without any answer.
const CAPACITY: u32 = 500;

/// What one retry takes.
const RETRY: u32 = 5;

/// What an answer without a retry gives back. One after a retry gives back what the retry took.
const ANSWER: u32 = 1;

/// Whose tokens they are: the provider, and a fingerprint of the key.
pub(crate) type Owner = (&'static str, u64);

/// The buckets of a client.
#[derive(Debug, Default)]
pub(crate) struct Budgets {
    /// Whether any bucket is not full, so that answers need look.
    used: AtomicBool,
    /// Tokens that are left, of those buckets that are not full.
    left: Mutex<HashMap<Owner, u32>>,
}

impl Budgets {
    /// Takes the tokens of a retry; `false` where there are not enough.
    pub(crate) fn take(&self, owner: Owner) -> bool {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let tokens = left.entry(owner).or_insert(CAPACITY);
        let Some(rest) = tokens.checked_sub(RETRY) else { return false };
        *tokens = rest;
        self.used.store(true, Ordering::Relaxed);
        true
    }

    /// Gives tokens back for an answer that came after so many retries.
    pub(crate) fn answered(&self, owner: Owner, retries: u32) {
        if !self.used.load(Ordering::Relaxed) {
            return;
        }
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tokens) = left.get_mut(&owner) {
            *tokens = tokens.saturating_add((retries * RETRY).max(ANSWER));
            if *tokens >= CAPACITY {
                left.remove(&owner);
            }
        }
        self.used.store(!left.is_empty(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills() {
        let budgets = Budgets::default();
        let (one, other) = (("a", 1), ("a", 2));
        let retries = std::iter::repeat_with(|| budgets.take(one)).take_while(|taken| *taken).count();
        assert_eq!(retries, 100);
        assert!(budgets.take(other), "another key has its own");
        (0..5).for_each(|_| budgets.answered(one, 0));
        assert!(budgets.take(one), "five answers are worth a retry");
        assert!(!budgets.take(one));
        budgets.answered(one, 2);
        assert!(budgets.take(one) && budgets.take(one) && !budgets.take(one));
    }
}
