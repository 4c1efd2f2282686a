//! From a name to who answers, and what is said when nobody does.

use std::path::Path;

use antiphon::config::Config;
use antiphon::keys::KeyStore;
use antiphon::{Client, Options, Target};

fn client() -> Client {
    Client::with_config(Config::default(), KeyStore::new(Path::new("/nonexistent")))
        .expect("an empty configuration")
}

fn check(model: &str, expected: &str) {
    let options = Options { api_key: Some("canary".to_owned().into()), ..Options::default() };
    let found = match client().resolve(model, &options) {
        Ok(Target::Local(model)) => format!("local {model:?}"),
        Ok(Target::Hosted(found)) => format!("{} {} {}", found.provider.id, found.model, &*found.base_url),
        Err(error) => error.to_string(),
    };
    assert!(found.contains(expected), "{model}: {found}");
    assert!(!found.contains("canary"));
}

#[test]
fn names_find_their_provider() {
    check("openai/gpt-4o-mini", "openai gpt-4o-mini https://api.openai.com/v1");
    check("gpt-4o-mini", "openai gpt-4o-mini");
    check("claude-3-5-sonnet-latest", "anthropic claude-3-5-sonnet-latest");
}

#[test]
fn what_is_not_known_suggests_the_nearest() {
    check("opnai/gpt-4o", "there is no provider \"opnai\"\nhint: did you mean model=\"openai/gpt-4o\"?");
    check("nobody/x", "known providers: local, ");
    check("openai/", "names no model after the slash");
    check("frobnicate", "write provider/model");
}

#[cfg(feature = "local")]
#[test]
fn local_models_are_names_and_paths() {
    check("local/chorister", "name: \"chorister\", path: None");
    check("local/models/a.b.gguf", "name: \"a.b\", path: Some(\"models/a.b.gguf\")");
    check("local//srv/x.gguf", "path: Some(\"/srv/x.gguf\")");
    check("local/choirster", "did you mean model=\"local/chorister\"?");
    check("chorister", "did you mean model=\"local/chorister\"?");
    check("local/nothing-like-it", "put nothing-like-it.gguf into ");
}
