//! A provider's address, which may hold a password or a key of its own.

use std::fmt;
use std::ops::Deref;

use serde::Deserialize;

/// An address as it was given. Its `Debug` shows scheme, host and path; what stands before the host, and
/// after the path, may be a secret.
#[derive(Clone, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(transparent)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// The address, to be read by people.
    pub fn shown(&self) -> String {
        let url = self.0.split(['?', '#']).next().unwrap_or_default();
        let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
        let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        match host.rsplit_once('@') {
            Some((_, host)) => format!("{scheme}://****@{host}{path}"),
            None => url.to_owned(),
        }
    }
}

impl Deref for BaseUrl {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<String> for BaseUrl {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl From<&str> for BaseUrl {
    fn from(url: &str) -> Self {
        Self(url.to_owned())
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.shown())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_shown() {
        for (url, shown) in [
            ("https://a.example/v1", "https://a.example/v1"),
            ("https://me:canary@host:1/v1?key=canary#canary", "https://****@host:1/v1"),
            ("https://host?key=canary", "https://host"),
            ("host/v1?canary", "host/v1"),
        ] {
            assert_eq!(format!("{:?}", BaseUrl::from(url)), format!("{shown:?}"));
        }
    }
}
