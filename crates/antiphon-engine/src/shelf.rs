//! What prompts left in the cells of a model's cache, set aside where it slows nobody down.
//!
//! A step looks at every cell up to the last one that holds something, be it only to pass it over, for each token, for
//! each head of each layer. Beside the weights of a small model that is a good part of a step. So while others are answered, what is kept is
//! copied out of the cells, and copied back for a prompt that begins so; both take far less than to read the
//! tokens again.

use crate::prefix_cache::{MIN_PREFIX, common};

/// The shelf; `T` is what the cells of a prompt held.
#[derive(Debug)]
pub(crate) struct Shelf<T> {
    entries: Vec<Entry<T>>,
    /// Tokens of all entries together, at most.
    most: usize,
    clock: u64,
}

#[derive(Debug)]
pub(crate) struct Entry<T> {
    pub(crate) tokens: Vec<i32>,
    pub(crate) state: T,
    last_used: u64,
}

/// The start of a prompt, on the shelf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shelved {
    place: usize,
    pub(crate) length: usize,
}

impl<T> Shelf<T> {
    /// An empty one, for so many tokens.
    pub(crate) fn new(most: usize) -> Self {
        Self { entries: Vec::new(), most, clock: 0 }
    }

    /// Whether it has room for such tokens, and not the same already.
    pub(crate) fn takes(&self, tokens: &[i32]) -> bool {
        let range = MIN_PREFIX..=self.most;
        range.contains(&tokens.len()) && !self.entries.iter().any(|entry| entry.tokens.starts_with(tokens))
    }

    /// Sets something aside. What is the start of it goes, and the least recently used as far as there is no room.
    pub(crate) fn put(&mut self, tokens: Vec<i32>, state: T) {
        self.entries.retain(|entry| !tokens.starts_with(&entry.tokens));
        let mut held: usize = self.entries.iter().map(|entry| entry.tokens.len()).sum();
        while held + tokens.len() > self.most
            && let Some((oldest, _)) =
                self.entries.iter().enumerate().min_by_key(|(_, entry)| entry.last_used)
        {
            held -= self.entries.swap_remove(oldest).tokens.len();
        }
        self.clock += 1;
        self.entries.push(Entry { tokens, state, last_used: self.clock });
    }

    /// The longest start of `tokens`; never all of them, for the logits of the last one are wanted.
    pub(crate) fn find(&self, tokens: &[i32]) -> Option<Shelved> {
        let wanted = &tokens[..tokens.len().saturating_sub(1)];
        let found = self.entries.iter().enumerate();
        let found = found.map(|(place, entry)| Shelved { place, length: common(&entry.tokens, wanted) });
        found.filter(|shelved| shelved.length >= MIN_PREFIX).max_by_key(|shelved| shelved.length)
    }

    /// Takes down what was just found.
    pub(crate) fn take(&mut self, found: Shelved) -> Entry<T> {
        self.entries.swap_remove(found.place)
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fifty tokens that begin alike, and go on as `tail` says.
    fn text(tail: i32) -> Vec<i32> {
        (0..40).chain((0..10).map(|at| 1000 * tail + at)).collect()
    }

    fn shelf(tails: &[i32]) -> Shelf<i32> {
        let mut shelf = Shelf::new(150);
        tails.iter().for_each(|tail| shelf.put(text(*tail), *tail));
        shelf
    }

    fn states(shelf: &Shelf<i32>) -> Vec<i32> {
        let mut states: Vec<i32> = shelf.entries.iter().map(|entry| entry.state).collect();
        states.sort_unstable();
        states
    }

    #[test]
    fn the_longest_start_is_found() {
        let mut shelf = shelf(&[1, 2]);
        let longer: Vec<i32> = text(2).into_iter().chain([7, 8]).collect();
        let found = shelf.find(&longer).unwrap();
        assert_eq!(found.length, 50);
        assert_eq!(shelf.find(&text(2)).unwrap().length, 49, "the last token is always read");
        assert_eq!(shelf.find(&text(9)).unwrap().length, 40);
        assert_eq!(shelf.find(&text(1)[..MIN_PREFIX]), None);
        assert_eq!(shelf.find(&[]), None);
        let entry = shelf.take(found);
        assert_eq!((entry.tokens, entry.state), (text(2), 2));
        assert_eq!(shelf.find(&longer).unwrap().length, 40, "it was taken down");
    }

    #[test]
    fn the_least_recently_used_makes_room() {
        let mut shelf = shelf(&[1, 2, 3]);
        let first = shelf.find(&text(1)).unwrap();
        let Entry { tokens, state, .. } = shelf.take(first);
        shelf.put(tokens, state);
        shelf.put(text(4), 4);
        assert_eq!(states(&shelf), [1, 3, 4]);
    }

    #[test]
    fn nothing_is_held_twice() {
        let mut shelf = shelf(&[1, 2]);
        assert!(!shelf.takes(&text(1)));
        assert!(!shelf.takes(&text(1)[..45]));
        assert!(shelf.takes(&text(3)));
        let longer: Vec<i32> = text(1).into_iter().chain([7, 8]).collect();
        shelf.put(longer, 11);
        assert_eq!(states(&shelf), [2, 11]);
    }

    #[test]
    fn what_is_too_long_or_too_short_is_not_taken() {
        let shelf = shelf(&[]);
        assert!(!shelf.takes(&[5; MIN_PREFIX - 1]));
        assert!(shelf.takes(&[5; 150]));
        assert!(!shelf.takes(&[5; 151]));
        assert!(!Shelf::<()>::new(0).takes(&[]));
    }
}
