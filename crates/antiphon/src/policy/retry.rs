//! Whether and when to ask again.

use std::time::Duration;

use antiphon_core::{Error, Kind};

/// Retries of a call that does not say how many.
pub(crate) const MAX_RETRIES: u32 = 2;

/// The first back-off; the next is twice as long.
const FIRST: Duration = Duration::from_millis(500);

/// The longest back-off.
const LONGEST: Duration = Duration::from_secs(8);

/// A provider that asks for a longer wait than this has its answer passed on at once.
const LONGEST_ASKED: Duration = Duration::from_secs(60);

/// What a call says about retries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) max_retries: u32,
    pub(crate) delay: Option<Duration>,
    /// What is tried again, in place of what may heal.
    pub(crate) on: Option<&'a [Kind]>,
}

/// What to do after an error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Verdict {
    /// Ask again after this; `asked_for` says that the provider named the wait.
    Retry { after: Duration, asked_for: bool },
    /// The error stands.
    Stop,
    /// The provider asks for a wait that is too long.
    TooLong,
}

impl Rules<'_> {
    /// What to do after `error`, which ended the attempt after `retries` retries. Nothing has been delivered.
    pub(crate) fn judge(self, error: &Error, retries: u32) -> Verdict {
        // An answer that broke off before anything of it was delivered is one that did not come.
        let may_heal = match self.on {
            Some(kinds) => kinds.contains(&error.kind()),
            None => error.is_retryable() || error.kind() == Kind::StreamInterrupted,
        };
        if !may_heal || retries >= self.max_retries {
            return Verdict::Stop;
        }
        match (error.wait(), self.delay) {
            (Some(wait), _) if wait > LONGEST_ASKED => Verdict::TooLong,
            (Some(wait), delay) => {
                Verdict::Retry { after: wait.max(delay.unwrap_or_default()), asked_for: true }
            }
            (None, Some(delay)) => Verdict::Retry { after: delay, asked_for: false },
            (None, None) => {
                Verdict::Retry { after: back_off(retries).mul_f64(fastrand::f64()), asked_for: false }
            }
        }
    }
}

fn back_off(retries: u32) -> Duration {
    FIRST.saturating_mul(1 << retries.min(10)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules<'_> = Rules { max_retries: 2, delay: None, on: None };

    #[test]
    fn what_may_heal_is_tried_again() {
        for row in antiphon_core::error::ROWS {
            let again = matches!(RULES.judge(&Error::new(row.kind, "x"), 0), Verdict::Retry { .. });
            assert_eq!(again, row.retryable || row.kind == Kind::StreamInterrupted, "{:?}", row.kind);
        }
        assert_eq!(RULES.judge(&Error::new(Kind::RateLimit, "x"), 2), Verdict::Stop);
        assert_eq!(RULES.judge(&Error::new(Kind::RateLimit, "x").retryable(false), 0), Verdict::Stop);
        let only = Rules { on: Some(&[Kind::BadRequest]), ..RULES };
        assert!(matches!(only.judge(&Error::new(Kind::BadRequest, "x"), 0), Verdict::Retry { .. }));
        assert_eq!(only.judge(&Error::new(Kind::RateLimit, "x"), 0), Verdict::Stop);
    }

    #[test]
    fn waits_are_within_their_bounds() {
        let error = Error::new(Kind::ServiceUnavailable, "x");
        let rules = Rules { max_retries: 99, ..RULES };
        for (retries, bound) in [(0, 500), (1, 1000), (2, 2000), (4, 8000), (50, 8000)] {
            for _ in 0..100 {
                let Verdict::Retry { after, asked_for: false } = rules.judge(&error, retries) else {
                    panic!()
                };
                assert!(after <= Duration::from_millis(bound), "{retries}: {after:?}");
            }
        }
        let asked = |seconds| Error::new(Kind::RateLimit, "x").retry_after(Duration::from_secs(seconds));
        let minute = Duration::from_secs(60);
        assert_eq!(rules.judge(&asked(60), 0), Verdict::Retry { after: minute, asked_for: true });
        assert_eq!(rules.judge(&asked(61), 0), Verdict::TooLong);
        let fixed = Rules { delay: Some(minute), ..rules };
        assert_eq!(fixed.judge(&error, 3), Verdict::Retry { after: minute, asked_for: false });
        assert_eq!(fixed.judge(&asked(1), 3), Verdict::Retry { after: minute, asked_for: true });
    }
}
