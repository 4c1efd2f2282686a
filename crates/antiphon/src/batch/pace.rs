//! How many calls may be in flight: fewer when the provider says it is too many, more again while it answers.
//!
//! The retries of a call handle what one call meets. When many are refused at once, it is their number that is
//! wrong: the half of them is enough then, after a pause, and each answer lets a little more through.

use std::time::Duration;

use tokio::time::Instant;

/// The first pause; the next is twice as long, until an answer comes.
const FIRST: Duration = Duration::from_secs(1);

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(60);

pub(super) struct Pace {
    most: f64,
    allowed: f64,
    pause: Duration,
    /// Nothing begins before it.
    opens: Option<Instant>,
}

impl Pace {
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1) as f64;
        Self { most, allowed: most, pause: FIRST, opens: None }
    }

    /// How many may be in flight.
    pub(super) fn allowed(&self) -> usize {
        self.allowed as usize
    }

    /// When the next may begin, where that is not now.
    pub(super) fn opens(&mut self) -> Option<Instant> {
        self.opens = self.opens.filter(|opens| *opens > Instant::now());
        self.opens
    }

    pub(super) fn answered(&mut self) {
        self.pause = FIRST;
        self.allowed = (self.allowed + 1.0 / self.allowed).min(self.most);
    }

    /// The provider refused a call for its rate. Those that were in flight with it say nothing new.
    pub(super) fn refused(&mut self, wait: Option<Duration>) {
        if self.opens().is_some() {
            return;
        }
        self.allowed = (self.allowed / 2.0).max(1.0);
        let pause = wait.unwrap_or_default().max(self.pause).min(LONGEST);
        self.opens = Some(Instant::now() + pause);
        self.pause = (self.pause * 2).min(LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_halved_once_and_grows_again() {
        let mut pace = Pace::new(8);
        for _ in 0..5 {
            pace.refused(Some(Duration::from_secs(3)));
        }
        assert_eq!(pace.allowed(), 4);
        assert_eq!(pace.opens(), Some(Instant::now() + Duration::from_secs(3)));
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(pace.opens(), None);
        pace.refused(None);
        assert_eq!((pace.allowed(), pace.opens()), (2, Some(Instant::now() + Duration::from_secs(2))));
        (0..100).for_each(|_| pace.answered());
        assert_eq!(pace.allowed(), 8);
    }
}
