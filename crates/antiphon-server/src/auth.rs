//! Which key a request presents: as `x-api-key`, as a bearer token, or as the name of basic authentication.
//!
//! LLM Engine's clients send two of them, and a caller's own header may have replaced one; so every one that
//! is there is tried.

use antiphon::{Error, Kind, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::{HeaderMap, Uri};
use std::sync::Arc;

use crate::keys::{Key, Keys};
use crate::settings::is_loopback;

/// Who asks; `None` where everybody may.
pub(crate) fn authenticate(keys: &Keys, headers: &HeaderMap) -> Result<Option<Arc<Key>>> {
    if keys.is_open() {
        return from_this_machine(headers).map(|()| None);
    }
    let presented = presented(headers);
    if let Some(key) = presented.iter().find_map(|key| keys.find(key)) {
        return Ok(Some(key.clone()));
    }
    Err(Error::new(
        Kind::Authentication,
        if presented.is_empty() {
            "no key was sent; send it as \"Authorization: Bearer KEY\" or as \"x-api-key: KEY\""
        } else {
            "the key is none of this server's; ask who runs it for one"
        },
    ))
}

fn presented(headers: &HeaderMap) -> Vec<Vec<u8>> {
    let bare = headers.get_all("x-api-key").iter().map(|value| value.as_bytes().to_vec());
    let others = headers.get_all(AUTHORIZATION).iter().filter_map(|value| authorization(value.as_bytes()));
    bare.chain(others).filter(|key| !key.is_empty()).collect()
}

fn authorization(value: &[u8]) -> Option<Vec<u8>> {
    let space = value.iter().position(|byte| *byte == b' ')?;
    let (scheme, rest) = (&value[..space], value[space..].trim_ascii());
    if scheme.eq_ignore_ascii_case(b"bearer") {
        return Some(rest.to_vec());
    }
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return None;
    }
    // The password is empty, and the key may hold a colon itself: only the last one divides the two.
    let decoded = STANDARD.decode(rest).ok()?;
    let colon = decoded.iter().rposition(|byte| *byte == b':').unwrap_or(decoded.len());
    Some(decoded[..colon].to_vec())
}

/// A server without keys answers this machine alone, and not to pages of the web that a browser here shows:
/// those can send requests to any address, and make any name of theirs mean it.
fn from_this_machine(headers: &HeaderMap) -> Result<()> {
    let named = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?").to_owned());
    let refused = |what: &str, value: &str| {
        let message = format!("a server without keys answers this machine only, and {what} is {value:?}");
        Err(Error::new(Kind::PermissionDenied, format!("{message}; set up [[serve.keys]] to be called so")))
    };
    if let Some(host) = named(HOST)
        && !is_local_authority(&host)
    {
        return refused("the Host header", &host);
    }
    if let Some(origin) = named(ORIGIN)
        && !origin.split_once("://").is_some_and(|(_, authority)| is_local_authority(authority))
    {
        return refused("the Origin header", &origin);
    }
    Ok(())
}

fn is_local_authority(authority: &str) -> bool {
    Uri::try_from(authority).ok().and_then(|uri| uri.host().map(is_loopback)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            (HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    #[track_caller]
    fn check(pairs: &[(&str, &str)], expected: &[&str]) {
        let found = presented(&headers(pairs));
        let found: Vec<_> = found.iter().map(|key| String::from_utf8_lossy(key)).collect();
        assert_eq!(found, expected, "{pairs:?}");
    }

    #[test]
    fn every_way_to_present_a_key() {
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        check(&[], &[]);
        check(&[("x-api-key", "k")], &["k"]);
        check(&[("authorization", "Bearer k")], &["k"]);
        check(&[("authorization", "bearer  k")], &["k"]);
        check(&[("authorization", &basic("k:"))], &["k"]);
        check(&[("authorization", &basic("a:b:"))], &["a:b"]);
        check(&[("authorization", &basic("k"))], &["k"]);
        check(&[("authorization", &basic("k:password"))], &["k"]);
        check(&[("authorization", "Basic !!")], &[]);
        check(&[("authorization", "Digest k")], &[]);
        check(&[("authorization", "k")], &[]);
        check(&[("x-api-key", ""), ("authorization", "Bearer ")], &[]);
        check(&[("x-api-key", "a"), ("authorization", &basic("b:"))], &["a", "b"]);
    }

    #[test]
    fn without_keys_only_this_machine_is_answered() {
        let keys = Keys::default();
        for (pairs, ok) in [
            (&[][..], true),
            (&[("host", "127.0.0.1:4000")], true),
            (&[("host", "localhost")], true),
            (&[("host", "[::1]:4000"), ("origin", "http://[::1]:4000")], true),
            (&[("host", "evil.example")], false),
            (&[("host", "localhost.evil.example:4000")], false),
            (&[("host", "127.0.0.1:4000"), ("origin", "https://evil.example")], false),
            (&[("host", "127.0.0.1:4000"), ("origin", "null")], false),
        ] {
            assert_eq!(authenticate(&keys, &headers(pairs)).is_ok(), ok, "{pairs:?}");
        }
    }
}
