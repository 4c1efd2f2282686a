//! How many guesses of a draft are worth their while.
//!
//! Where guesses are right, more are made at a time; where they are wrong, fewer. Where most attempts come to
//! nothing there are none for a while, each time for longer, so that a draft that does not fit costs almost nothing.

/// At most so many guesses at a time.
const MOST: usize = 16;
/// With so many right guesses an attempt, on average, neither is gained nor lost.
const ENOUGH: f32 = 0.5;
/// From where the average begins again after a rest: two attempts in vain end it.
const PROBE: f32 = 0.6;
/// How much the last attempt counts in the average.
const SHARE: f32 = 0.125;
/// Tokens until it is tried again.
const SHORTEST_REST: usize = 32;
const LONGEST_REST: usize = 4096;

#[derive(Debug)]
pub(crate) struct Pace {
    most: usize,
    /// Right guesses of an attempt, on average.
    right: f32,
    /// Tokens until the next attempt.
    rest: usize,
    next_rest: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { most: 4, right: 1.0, rest: 0, next_rest: SHORTEST_REST }
    }
}

impl Pace {
    /// How many guesses may be made for the next token and those after it.
    pub(crate) fn next(&mut self) -> usize {
        if self.rest > 0 {
            self.rest -= 1;
            return 0;
        }
        self.most
    }

    /// Notes an attempt: how many guesses were made, and how many of them were right.
    pub(crate) fn note(&mut self, guesses: usize, right: usize) {
        self.most = if right < guesses { right + 1 } else { (self.most + 2).min(MOST) };
        self.right += (right as f32 - self.right) * SHARE;
        if self.right < ENOUGH {
            self.rest();
        } else if self.right >= 1.0 {
            self.next_rest = SHORTEST_REST;
        }
    }

    /// No guesses for a while.
    pub(crate) fn rest(&mut self) {
        self.rest = self.next_rest;
        self.next_rest = (self.next_rest * 2).min(LONGEST_REST);
        (self.right, self.most) = (PROBE, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of so many steps, those in which guesses were made, with how many; of each attempt so many are right at most.
    fn attempts(pace: &mut Pace, steps: usize, right: usize) -> Vec<usize> {
        let mut made = Vec::new();
        for _ in 0..steps {
            let most = pace.next();
            if most > 0 {
                pace.note(most, right.min(most));
                made.push(most);
            }
        }
        made
    }

    #[test]
    fn right_guesses_become_more_and_wrong_ones_fewer() {
        let mut pace = Pace::default();
        assert_eq!(attempts(&mut pace, 8, 99), [4, 6, 8, 10, 12, 14, 16, 16]);
        assert_eq!(attempts(&mut pace, 3, 2), [16, 3, 3]);
        assert_eq!(attempts(&mut pace, 2, 99), [3, 5]);
    }

    #[test]
    fn a_draft_that_is_always_wrong_is_seldom_asked() {
        let mut pace = Pace::default();
        let first = attempts(&mut pace, 6, 0);
        assert_eq!(first, [4, 1, 1, 1, 1, 1]);
        assert!(attempts(&mut pace, SHORTEST_REST, 0).is_empty(), "it rests");
        assert_eq!(attempts(&mut pace, 2, 0), [1, 1], "it is tried again");
        assert!(attempts(&mut pace, 2 * SHORTEST_REST, 0).is_empty(), "for longer");
        let later = attempts(&mut pace, 100_000, 0).len();
        assert!((20..80).contains(&later), "{later}");
    }

    #[test]
    fn who_is_right_again_is_asked_as_before() {
        let mut pace = Pace::default();
        attempts(&mut pace, 10_000, 0);
        pace.rest = 0;
        let made = attempts(&mut pace, 20, 99);
        assert_eq!((made.len(), made[0], made[19]), (20, 1, MOST));
        assert_eq!(pace.next_rest, SHORTEST_REST);
    }
}
