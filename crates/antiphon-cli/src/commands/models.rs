//! `antiphon models`: what can be called, and what is called where nothing is said.

use std::path::Path;

use antiphon::{Client, Error, Kind, Options, Source, config, env_vars, local, zoo};
use toml_edit::DocumentMut;

use crate::args::{ModelsArgs, ModelsCommand};
use crate::commands::model_card;
use crate::default_model;
use crate::failure::Outcome;
use crate::printer::Printer;

pub(crate) fn run(args: &ModelsArgs, printer: &mut Printer) -> Outcome {
    let client = Client::new()?;
    match &args.command {
        None | Some(ModelsCommand::List) => list(&client, printer),
        Some(ModelsCommand::Search { words }) => model_card::search(&client, &words.join(" "), printer),
        Some(ModelsCommand::Show { model, json }) => model_card::show(&client, model, *json, printer),
        Some(ModelsCommand::Default { model: None }) => Ok(printer.line(default_model::described(&client)?)?),
        Some(ModelsCommand::Default { model: Some(model) }) => set_default(&client, model, printer),
    }
}

fn list(client: &Client, printer: &mut Printer) -> Outcome {
    let rows = local_models(client).into_iter().chain(providers(client)?).collect::<Vec<_>>();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    for (name, about) in rows {
        printer.line(format_args!("{name:width$}  {about}"))?;
    }
    printer.line(format_args!("default: {}", default_model::described(client)?))?;
    Ok(())
}

fn local_models(client: &Client) -> Vec<(String, String)> {
    let folder = config::models_dir(client.config());
    let about = |name: &str| match name {
        local::BUILTIN => "built in".to_owned(),
        _ => {
            let own = folder.join(format!("{name}.gguf"));
            let path = if own.is_file() { Some(own) } else { zoo::here(name) };
            path.map(|path| path.display().to_string()).unwrap_or_default()
        }
    };
    local::names(client.config()).iter().map(|name| (format!("local/{name}"), about(name))).collect()
}

fn providers(client: &Client) -> Result<Vec<(String, String)>, Error> {
    client
        .providers()?
        .into_iter()
        .map(|provider| {
            let about = match client.key_source(provider, &Options::default())? {
                Some((_, source)) => format!("key: {}", default_model::described_source(source)),
                None if provider.key_optional => "needs no key".to_owned(),
                None => format!("no key (antiphon keys set {})", provider.id),
            };
            Ok((format!("{}/…", provider.id), about))
        })
        .collect()
}

/// Writes `model` into `config.toml`, once it is sure that somebody answers to the name.
fn set_default(client: &Client, model: &str, printer: &mut Printer) -> Outcome {
    match client.resolve(model, &Options::default()) {
        Ok(_) => {}
        // The key may come later.
        Err(error) if error.kind() == Kind::Authentication => {}
        Err(error) => return Err(error.into()),
    }
    let path = config::config_dir().join("config.toml");
    write(&path, model)?;
    printer.line(format_args!("default: {model} ({})", path.display()))?;
    if let Source::Environment(name) = client.default_model_source().1 {
        let value = env_vars::read(name).unwrap_or_default();
        printer.note(format_args!("{name} is set, and wins: {value}"));
    }
    Ok(())
}

/// The file is replaced whole, so that a crash leaves the old one or the new one; comments stay.
fn write(path: &Path, model: &str) -> Result<(), Error> {
    let failed = |error: &dyn std::fmt::Display| {
        Error::new(Kind::Config, format!("cannot write {}: {error}", path.display()))
    };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed(&error)),
    };
    let mut document: DocumentMut = text.parse().map_err(|_| failed(&"it is no TOML"))?;
    document["model"] = toml_edit::value(model);
    replace(path, &document.to_string()).map_err(|error| failed(&error))
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let draft = path.with_extension(format!("toml.{}", std::process::id()));
    // The file may hold keys: a new one is its owner's alone, an old one keeps its rights.
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    if let Ok(old) = std::fs::metadata(path) {
        file.set_permissions(old.permissions())?;
    }
    file.sync_all()?;
    std::fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use antiphon::OFFLINE_MODEL;

    #[test]
    fn a_default_is_written_beside_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("config.toml");
        write(&path, OFFLINE_MODEL).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "model = \"local/chorister\"\n");

        std::fs::write(&path, "# mine\nmodel = \"a\" # why\n\n[local]\nthreads = 2\n").unwrap();
        write(&path, "b").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# mine\nmodel = \"b\""), "{text}");
        assert!(text.ends_with("\n\n[local]\nthreads = 2\n"), "{text}");
    }
}
