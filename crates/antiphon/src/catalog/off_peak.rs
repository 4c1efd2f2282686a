//! Prices by the hour: what a provider charges less for when few ask.

/// When a call costs less, and how much.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffPeak {
    /// The part of the price that it costs then (0.5 is half of it).
    pub part: f64,
    /// The hours of the week, by UTC.
    pub hours: Vec<Hours>,
}

/// The same hours of some days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// Bit 0 is Monday, bit 6 Sunday.
    days: u8,
    /// Minutes of the day, from and up to.
    from: u64,
    to: u64,
}

const DAY: u64 = 24 * 60;

impl OffPeak {
    /// Reads `0.5 12345/00:00-01:00 67/00:00-24:00`: the part, then days (1 is Monday) and their hours.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let part = words.next()?.parse().ok()?;
        Some(Self { part, hours: words.map(hours).collect::<Option<_>>()? })
    }

    /// Whether a time, in seconds since 1970, is one of these hours.
    pub fn is_at(&self, seconds: u64) -> bool {
        let (day, minute) = (seconds / 60 / DAY, seconds / 60 % DAY);
        // The first of January 1970 was a Thursday.
        let bit = 1 << ((day + 3) % 7);
        self.hours.iter().any(|hours| hours.days & bit != 0 && (hours.from..hours.to).contains(&minute))
    }
}

fn hours(text: &str) -> Option<Hours> {
    let (days, span) = text.split_once('/')?;
    let day = |digit: u32| (1..=7).contains(&digit).then(|| 1u8 << (digit - 1));
    let days = days.chars().try_fold(0, |days, digit| Some(days | day(digit.to_digit(10)?)?))?;
    let (from, to) = span.split_once('-')?;
    let minutes = |time: &str| {
        let (hour, minute) = time.split_once(':')?;
        let minutes = hour.parse::<u64>().ok()? * 60 + minute.parse::<u64>().ok()?;
        (minutes <= DAY).then_some(minutes)
    };
    Some(Hours { days, from: minutes(from)?, to: minutes(to)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_those_of_the_week() {
        let off_peak = OffPeak::parse("0.5 12345/00:00-01:00 12345/10:00-24:00 67/00:00-24:00").unwrap();
        for (date, seconds, expected) in [
            ("Friday 2026-11-20 00:59", 1_795_136_340, true),
            ("Friday 2026-11-20 01:00", 1_795_136_400, false),
            ("Friday 2026-11-20 10:00", 1_795_168_800, true),
            ("Saturday 2026-11-21 05:00", 1_795_237_200, true),
            ("Monday 2026-11-23 05:00", 1_795_410_000, false),
        ] {
            assert_eq!(off_peak.is_at(seconds), expected, "{date}");
        }
        for wrong in ["", "half", "0.5 8/00:00-01:00", "0.5 1/00:00", "0.5 1/00:00-25:00"] {
            assert_eq!(OffPeak::parse(wrong), None, "{wrong}");
        }
    }
}
