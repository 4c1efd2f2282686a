//! What an answer's headers say about asking again.

use std::time::{Duration, SystemTime};

use antiphon_core::{Error, Kind};

/// Looks up a header by its name in lower case.
type Headers<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Puts the provider's advice on its error: `x-should-retry` decides whether, and of the waits
/// `retry-after-ms` goes before `Retry-After` in seconds, that before a date, that before the reset of a rate
/// limit that is used up.
pub(crate) fn apply(error: Error, headers: Headers<'_>) -> Error {
    let error = match headers("x-should-retry").as_deref() {
        Some("true") => error.retryable(true),
        Some("false") => error.retryable(false),
        _ => error,
    };
    match wait(error.kind(), headers) {
        Some(wait) => error.retry_after(wait),
        None => error,
    }
}

fn wait(kind: Kind, headers: Headers<'_>) -> Option<Duration> {
    let number = |text: String| text.trim().parse::<f64>().ok().filter(|number| (0.0..1e9).contains(number));
    if let Some(milliseconds) = headers("retry-after-ms").and_then(number) {
        return Some(Duration::from_secs_f64(milliseconds / 1000.0));
    }
    if let Some(text) = headers("retry-after") {
        if let Some(seconds) = number(text.clone()) {
            return Some(Duration::from_secs_f64(seconds));
        }
        // A date in the past, or none that can be read, says nothing.
        return until(&text, headers("date").as_deref());
    }
    if kind != Kind::RateLimit {
        return None;
    }
    let used_up =
        |what: &str| headers(&format!("x-ratelimit-remaining-{what}")).as_deref().map(str::trim) == Some("0");
    let reset = |what: &str| headers(&format!("x-ratelimit-reset-{what}")).and_then(|text| duration(&text));
    ["requests", "tokens"].into_iter().filter(|what| used_up(what)).filter_map(reset).max()
}

/// The time until a date, by the clock of the server that wrote it: ours may be wrong.
fn until(date: &str, server: Option<&str>) -> Option<Duration> {
    let then = httpdate::parse_http_date(date.trim()).ok()?;
    let now =
        server.and_then(|date| httpdate::parse_http_date(date.trim()).ok()).unwrap_or_else(SystemTime::now);
    then.duration_since(now).ok().filter(|wait| !wait.is_zero())
}

/// `6m0s`, `1h2m`, `250ms`, `1.5s`, or bare seconds.
fn duration(text: &str) -> Option<Duration> {
    let mut seconds = 0.0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        seconds += number
            * match &rest[..end] {
                "ms" => 0.001,
                "s" | "" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = &rest[end..];
    }
    (0.0..1e9).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, headers: &[(&str, &str)], wait: Option<u64>, retryable: bool) {
        let find =
            |name: &str| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let error = apply(Error::new(kind, "x"), &find);
        assert_eq!(error.wait(), wait.map(Duration::from_millis), "{headers:?}");
        assert_eq!(error.is_retryable(), retryable, "{headers:?}");
    }

    #[test]
    fn the_order_of_advice() {
        let date = ("date", "Wed, 21 Oct 2015 07:28:00 GMT");
        let later = ("retry-after", "Wed, 21 Oct 2015 07:28:05 GMT");
        let past = ("retry-after", "Wed, 21 Oct 2015 07:27:00 GMT");
        let used_up = ("x-ratelimit-remaining-tokens", "0");
        let reset = ("x-ratelimit-reset-tokens", "6m0s");
        type Sent<'a> = &'a [(&'a str, &'a str)];
        let cases: &[(Sent<'_>, Option<u64>, bool)] = &[
            (&[], None, true),
            (&[("retry-after", "2")], Some(2000), true),
            (&[("retry-after", "0.5")], Some(500), true),
            (&[("retry-after-ms", "250"), ("retry-after", "2")], Some(250), true),
            (&[later, date], Some(5000), true),
            (&[past, date], None, true),
            (&[("retry-after", "soon")], None, true),
            (&[("retry-after", "-1")], None, true),
            (&[("x-should-retry", "false"), ("retry-after", "2")], Some(2000), false),
            (&[used_up, reset], Some(360_000), true),
            (&[reset], None, true),
            (&[used_up, ("x-ratelimit-reset-tokens", "1.5s")], Some(1500), true),
            (&[used_up, ("x-ratelimit-reset-tokens", "250ms")], Some(250), true),
            (&[used_up, ("x-ratelimit-reset-tokens", "soon")], None, true),
            (&[used_up, reset, ("retry-after", "1")], Some(1000), true),
        ];
        for (headers, wait, retryable) in cases {
            check(Kind::RateLimit, headers, *wait, *retryable);
        }
        check(Kind::BadRequest, &[("x-should-retry", "true")], None, true);
        check(Kind::ServiceUnavailable, &[used_up, reset], None, true);
    }
}
