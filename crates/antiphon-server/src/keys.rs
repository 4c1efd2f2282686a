//! Who may call. Keys are kept as their SHA-256 only, and compared in constant time.

use std::sync::Arc;
use std::time::Duration;

use antiphon::Result;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::settings::{KeySettings, wrong};

/// The keys that are accepted.
#[derive(Default)]
pub(crate) struct Keys(Vec<Arc<Key>>);

/// One of them.
pub(crate) struct Key {
    pub(crate) name: String,
    digest: [u8; 32],
    models: Option<Vec<String>>,
    limit: Option<Limit>,
}

#[derive(Clone)]
struct Limit {
    a_minute: u32,
    limiter: Arc<DefaultDirectRateLimiter>,
}

impl Keys {
    /// The keys of these settings. What one had used up of its limit under the `old` ones stays used up.
    pub(crate) fn new(settings: &[KeySettings], old: Option<&Keys>) -> Result<Self> {
        let mut keys: Vec<Arc<Key>> = Vec::with_capacity(settings.len());
        for key in settings {
            if keys.iter().any(|other| other.name == key.name) {
                return Err(wrong("keys", format_args!("the name {:?} is given twice", key.name)));
            }
            keys.push(Arc::new(Key::new(key, old)?));
        }
        Ok(Self(keys))
    }

    /// Whether everybody may call.
    pub(crate) fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    /// The key that was presented. All are looked at, so that time does not tell which one was nearly it.
    pub(crate) fn find(&self, presented: &[u8]) -> Option<&Arc<Key>> {
        let digest: [u8; 32] = Sha256::digest(presented).into();
        let same = |key: &&Arc<Key>| bool::from(key.digest.ct_eq(&digest));
        self.0.iter().rfind(same)
    }
}

impl Key {
    fn new(settings: &KeySettings, old: Option<&Keys>) -> Result<Self> {
        let name = &settings.name;
        let digest = match (&settings.key, &settings.key_sha256) {
            (Some(key), None) if !key.expose_secret().is_empty() => {
                Sha256::digest(key.expose_secret().as_bytes()).into()
            }
            (None, Some(text)) => from_hex(text).ok_or_else(|| {
                wrong("keys", format_args!("{name}: key_sha256 must be 64 hexadecimal digits"))
            })?,
            _ => return Err(wrong("keys", format_args!("{name}: needs either key or key_sha256"))),
        };
        let limit = settings.requests_per_minute.map(|limit| {
            let kept = old.and_then(|old| old.0.iter().find(|key| key.name == *name)?.limit.clone());
            kept.filter(|kept| kept.a_minute == limit.get()).unwrap_or_else(|| Limit {
                a_minute: limit.get(),
                limiter: Arc::new(DefaultDirectRateLimiter::direct(Quota::per_minute(limit))),
            })
        });
        Ok(Self { name: name.clone(), digest, models: settings.models.clone(), limit })
    }

    /// Whether it may ask every model.
    pub(crate) fn allows_all(&self) -> bool {
        self.models.is_none()
    }

    /// Whether the key may ask that model.
    pub(crate) fn allows(&self, model: &str) -> bool {
        let Some(models) = &self.models else { return true };
        models.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(beginning) => model.starts_with(beginning),
            None => pattern == model,
        })
    }

    /// Counts a request. How long to wait, where there have been too many.
    pub(crate) fn take(&self) -> std::result::Result<(), (u32, Duration)> {
        let Some(Limit { a_minute, limiter }) = &self.limit else { return Ok(()) };
        limiter.check().map_err(|until| (*a_minute, until.wait_time_from(DefaultClock::default().now())))
    }
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    (digits.len() == 64).then_some(bytes)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    fn settings(name: &str, key: &str) -> KeySettings {
        KeySettings {
            name: name.into(),
            key: Some(key.to_owned().into()),
            key_sha256: None,
            models: None,
            requests_per_minute: None,
        }
    }

    #[test]
    fn a_key_is_found_by_itself_or_by_its_digest() {
        let digest = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
        let by_digest = KeySettings { key: None, key_sha256: Some(digest.into()), ..settings("b", "") };
        let keys = Keys::new(&[settings("a", "canary"), by_digest], None).unwrap();
        assert_eq!(keys.find(b"canary").unwrap().name, "a");
        assert_eq!(keys.find(b"a").unwrap().name, "b");
        for wrong in ["", "canar", "canary ", digest] {
            assert!(keys.find(wrong.as_bytes()).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn wrong_keys_are_named_and_not_shown() {
        let both = KeySettings { key_sha256: Some("00".into()), ..settings("a", "canary") };
        let short = KeySettings { key: None, key_sha256: Some("canary".into()), ..settings("a", "") };
        for keys in [vec![settings("a", "")], vec![both], vec![short]] {
            let Err(error) = Keys::new(&keys, None) else { panic!("{keys:?}") };
            assert!(error.message().contains("a: ") && !error.to_string().contains("canary"), "{error}");
        }
        assert!(Keys::new(&[settings("a", "x"), settings("a", "y")], None).is_err());
    }

    #[test]
    fn models_are_names_or_beginnings() {
        let models = Some(vec!["fast".to_owned(), "local/*".to_owned()]);
        let keys = Keys::new(&[KeySettings { models, ..settings("a", "k") }], None).unwrap();
        let key = keys.find(b"k").unwrap();
        assert!(key.allows("fast") && key.allows("local/chorister"));
        assert!(!key.allows("faster") && !key.allows("openai/gpt-4o") && !key.allows("local"));
    }

    #[test]
    fn a_limit_outlives_a_reload() {
        let limited =
            [KeySettings { requests_per_minute: Some(NonZeroU32::new(2).unwrap()), ..settings("a", "k") }];
        let old = Keys::new(&limited, None).unwrap();
        let key = old.find(b"k").unwrap();
        assert!(key.take().is_ok() && key.take().is_ok());
        let (limit, wait) = key.take().unwrap_err();
        assert!(limit == 2 && wait > Duration::from_secs(20) && wait <= Duration::from_secs(30), "{wait:?}");
        let new = Keys::new(&limited, Some(&old)).unwrap();
        assert!(new.find(b"k").unwrap().take().is_err());
    }
}
