//! Names become addresses. Behind a trait, so that a test can have a name with one dead address.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Addresses on their way.
pub type Found = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Looks a host's name up.
pub trait Lookup: Send + Sync {
    /// Its addresses, in the order in which they are tried.
    fn lookup(&self, host: &str) -> Found;
}

/// As the system does it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, host: &str) -> Found {
        let host = host.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) })
    }
}

/// A name that was not found. It passes through the client's errors, and is told apart there.
#[derive(Debug)]
pub(super) struct NotFound {
    /// Whether asking again may help.
    pub(super) temporary: bool,
}

impl std::fmt::Display for NotFound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.temporary { "the name server does not answer" } else { "there is no such host" })
    }
}

impl std::error::Error for NotFound {}

/// The standard library has no kind for it, only the text of the system (EAI_AGAIN).
fn is_temporary(error: &io::Error) -> bool {
    let text = error.to_string().to_ascii_lowercase();
    error.kind() == io::ErrorKind::TimedOut || text.contains("temporary") || text.contains("try again")
}

pub(super) struct Resolver(pub(super) Arc<dyn Lookup>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.0.lookup(name.as_str());
        Box::pin(async move {
            match found.await {
                Ok(addresses) if addresses.is_empty() => Err(NotFound { temporary: false }.into()),
                Ok(addresses) => Ok(Box::new(addresses.into_iter()) as Addrs),
                Err(error) => Err(NotFound { temporary: is_temporary(&error) }.into()),
            }
        })
    }
}
