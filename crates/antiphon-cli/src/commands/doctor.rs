//! `antiphon doctor`: what is configured, from where, and what local models run on. Never a secret.

use std::path::Path;

use antiphon::config::{self, Config};
use antiphon::core::Provider;
use antiphon::keys::KeyStore;
use antiphon::providers::PROVIDERS;
#[cfg(feature = "local")]
use antiphon::zoo;
use antiphon::{Client, Error, Options, local};
use serde_json::Value;

use crate::args::DoctorArgs;
use crate::default_model::{described, described_source};
use crate::failure::Outcome;
use crate::printer::Printer;

pub(crate) fn run(args: &DoctorArgs, printer: &mut Printer) -> Outcome {
    let folder = config::config_dir();
    // A wrong file is reported with the rest, and is the exit code.
    let (config, error) = match Config::read(&folder) {
        Ok(config) => (config, None),
        Err(error) => (Config::default(), Some(error)),
    };
    let client = Client::with_config(config, KeyStore::new(&folder))?;
    let sections = sections(&client, &folder);
    if args.json {
        printer.line(as_json(&sections))?;
    } else {
        sections.iter().try_for_each(|section| print(section, printer))?;
    }
    error.map_or(Ok(()), |error| Err(error.into()))
}

struct Section {
    name: &'static str,
    rows: Vec<(&'static str, Value)>,
}

fn sections(client: &Client, folder: &Path) -> Vec<Section> {
    // A table of config.toml that is no provider was told of when the file was read.
    let providers = client.providers().unwrap_or_else(|_| PROVIDERS.iter().collect());
    vec![
        Section { name: "antiphon", rows: general(client, folder) },
        Section { name: "keys", rows: keys(client, &providers) },
        Section { name: "addresses", rows: addresses(client, &providers) },
        Section { name: "local", rows: local_rows(client) },
    ]
}

/// Where each key that there is was found, and in one line whose are missing.
fn keys(client: &Client, providers: &[&'static Provider]) -> Vec<(&'static str, Value)> {
    let found = providers.iter().map(|provider| (*provider, key(client, provider)));
    let (missing, mut rows): (Vec<_>, Vec<_>) = found.partition(|(_, key)| key.is_null());
    let missing: Vec<Value> = missing.into_iter().map(|(provider, _)| provider.id.into()).collect();
    rows.sort_by_key(|(provider, _)| provider.id);
    let rows = rows.into_iter().map(|(provider, key)| (provider.id, key));
    rows.chain([("not set", Value::Array(missing))]).collect()
}

/// The addresses that are not the provider's own.
fn addresses(client: &Client, providers: &[&'static Provider]) -> Vec<(&'static str, Value)> {
    let given =
        |it: &&&Provider| *client.base_url(it, &Options::default()) != *it.base_url || is_configured(it);
    let rows: Vec<_> = providers.iter().filter(given).map(|it| (it.id, address(client, it))).collect();
    if rows.is_empty() { vec![("all", "the providers' own".into())] } else { rows }
}

fn is_configured(provider: &Provider) -> bool {
    PROVIDERS.iter().all(|known| known.id != provider.id)
}

fn general(client: &Client, folder: &Path) -> Vec<(&'static str, Value)> {
    vec![
        ("version", env!("CARGO_PKG_VERSION").into()),
        ("config", folder.display().to_string().into()),
        ("model", described(client).unwrap_or_else(|error| problem(&error)).into()),
    ]
}

fn problem(error: &Error) -> String {
    format!("cannot tell: {}", error.message())
}

fn key(client: &Client, provider: &Provider) -> Value {
    match client.key_source(provider, &Options::default()) {
        Ok(Some((_, source))) => format!("set ({})", described_source(source)).into(),
        Ok(None) => Value::Null,
        Err(error) => problem(&error).into(),
    }
}

/// An address may hold a password or a key of its own; only host and path are shown.
fn address(client: &Client, provider: &Provider) -> Value {
    client.base_url(provider, &Options::default()).shown().into()
}

#[cfg(not(feature = "local"))]
fn local_rows(_: &Client) -> Vec<(&'static str, Value)> {
    vec![("enabled", local::ENABLED.into())]
}

#[cfg(feature = "local")]
fn local_rows(client: &Client) -> Vec<(&'static str, Value)> {
    let system = local::system_info();
    let models = config::models_dir(client.config());
    let cache = config::cache_dir();
    vec![
        ("enabled", local::ENABLED.into()),
        ("cores", system.usable_cores.into()),
        ("instruction sets", system.instruction_sets.into()),
        ("devices", system.devices.into()),
        ("models", models.display().to_string().into()),
        ("zoo", zoo_folder().into()),
        ("cache", cache.as_deref().map_or_else(|| "no home folder".to_owned(), writable).into()),
    ]
}

/// The folder of the zoo's weights, and how many are there.
#[cfg(feature = "local")]
fn zoo_folder() -> String {
    let models = match zoo::all_here().len() {
        1 => "1 model".to_owned(),
        count => format!("{count} models"),
    };
    format!("{} ({models})", zoo::folder().display())
}

/// The folder, and whether files can be made in it, or above it where it is not there yet.
#[cfg(feature = "local")]
fn writable(folder: &Path) -> String {
    let probe = format!(".antiphon-{}", std::process::id());
    let existing = folder.ancestors().find(|folder| folder.exists()).unwrap_or(folder).join(probe);
    let made = std::fs::File::create_new(&existing);
    // Nothing is left behind; that it could be made is what was asked.
    let _ = std::fs::remove_file(&existing);
    match made {
        Ok(_) => format!("{} (writable)", folder.display()),
        Err(error) => format!("{} (not writable: {error})", folder.display()),
    }
}

fn print(section: &Section, printer: &mut Printer) -> Outcome {
    printer.heading(section.name)?;
    let width = section.rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (name, value) in &section.rows {
        printer.line(format_args!("  {name:width$}  {}", words(value)))?;
    }
    Ok(())
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn as_json(sections: &[Section]) -> Value {
    let rows = |section: &Section| {
        section.rows.iter().map(|(name, value)| (name.replace(' ', "_"), value.clone())).collect::<Value>()
    };
    sections.iter().map(|section| (section.name.to_owned(), rows(section))).collect::<Value>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_address_shows_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let provider =
            Provider { id: "x", base_url: "https://me:canary@host:1/v1?key=canary", ..Provider::DEFAULT };
        let client = Client::with_config(Config::default(), KeyStore::new(folder.path())).unwrap();
        assert_eq!(address(&client, &provider), json!("https://****@host:1/v1"));
    }
}
