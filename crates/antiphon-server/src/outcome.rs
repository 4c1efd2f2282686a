//! What of an error the caller is told.
//!
//! An error of the library speaks to who runs this process: of its keys, its files, its options. A caller
//! over HTTP gets what is theirs to know, in one text, for no face but our own has a place for advice.

use antiphon::{Error, Kind};

/// The error as a caller is told it.
pub(crate) fn told(error: &Error) -> Error {
    let provider = error.provider().unwrap_or("the provider");
    let (kind, message) = match error.kind() {
        // The key is the server's, so 401 would send the caller to look at the wrong one.
        Kind::Authentication if error.received_status().is_some() => {
            (Kind::BadGateway, format!("{provider} refuses this server's key"))
        }
        Kind::Authentication if error.provider().is_some() => {
            let model = error.model().unwrap_or_default();
            let message = format!(
                "model: this server has no key for {provider}, so it does not serve {provider}/{model}; \
                 GET /v1/models lists what it serves"
            );
            (Kind::NotFound, message)
        }
        // Whose address it is, inside a network, is nobody's business outside.
        Kind::Connection => (Kind::Connection, format!("the connection to {provider} failed; try again")),
        Kind::UnknownProvider => (Kind::NotFound, advised(error)),
        Kind::LocalModel if error.provider_code() == Some(antiphon::local::TOO_LARGE) => {
            (Kind::LocalModel, error.message().to_owned())
        }
        Kind::LocalModel => {
            (Kind::LocalModel, "the model could not be loaded or run; see the server's log".to_owned())
        }
        Kind::Config => (Kind::Config, "the server's configuration is wrong; see its log".to_owned()),
        kind => (kind, advised(error)),
    };
    let mut told = Error::new(kind, message);
    for (value, set) in [
        (error.field(), Error::param as fn(Error, String) -> Error),
        (error.upstream_request_id(), Error::request_id),
    ] {
        if let Some(value) = value {
            told = set(told, value.to_owned());
        }
    }
    // A code belongs to the kind that was received with it. Clients know a local model's error by that of its kind.
    let code =
        error.provider_code().filter(|code| kind == error.kind() && *code != antiphon::local::TOO_LARGE);
    if let Some(code) = code {
        told = told.code(code);
    }
    match error.wait() {
        Some(wait) => told.retry_after(wait),
        None => told,
    }
}

/// The message with its own advice; what holds for every error of the kind speaks of options that a caller
/// over HTTP does not have.
fn advised(error: &Error) -> String {
    match error.advice() {
        Some(advice) if error.kind().row().hint != Some(advice) => {
            format!("{}; {}", error.message(), advice.replace('\n', "; "))
        }
        _ => error.message().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_servers_stays_the_servers() {
        let missing =
            Error::new(Kind::Authentication, "no key").target("openai", "m").hint("set OPENAI_API_KEY");
        let refused = Error::new(Kind::Authentication, "bad key sk-1").target("openai", "m").status(401);
        let own = Error::new(Kind::Authentication, "no key was sent");
        let lost = Error::new(Kind::Connection, "cannot connect to http://10.0.0.7:9").target("up", "m");
        let file = Error::new(Kind::LocalModel, "cannot read /srv/secret.gguf");
        let large = Error::new(Kind::LocalModel, "it needs about 9 GB, and models may take 6 GB")
            .code(antiphon::local::TOO_LARGE)
            .hint("change memory in /srv/config.toml");
        let cases = [
            (&missing, Kind::NotFound, "no key for openai"),
            (&refused, Kind::BadGateway, "refuses this server's key"),
            (&own, Kind::Authentication, "no key was sent"),
            (&lost, Kind::Connection, "the connection to up failed"),
            (&file, Kind::LocalModel, "log"),
            (&large, Kind::LocalModel, "needs about 9 GB, and models may take 6 GB"),
        ];
        for (error, kind, words) in cases {
            let told = told(error);
            assert_eq!(told.kind(), kind);
            assert!(told.message().contains(words), "{told}");
            for secret in ["OPENAI_API_KEY", "sk-1", "10.0.0.7", "/srv"] {
                assert!(!told.message().contains(secret), "{told}");
            }
        }
    }

    #[test]
    fn advice_is_part_of_the_text() {
        let error = Error::invalid("messages", "is empty").hint("give a prompt");
        let told = told(&error);
        assert_eq!((told.message(), told.field()), ("messages: is empty; give a prompt", Some("messages")));
        let error = Error::new(Kind::UnsupportedParams, "top_k: no");
        assert_eq!(super::told(&error).message(), "top_k: no");
    }
}
