//! `antiphon keys`: stored keys of providers. A key is shown by `get` alone, which asks for just that.

use std::io::{IsTerminal, Read};

use antiphon::keys::KeyStore;
use antiphon::providers::LOCAL;
use antiphon::{Client, Error, Kind, SecretString, config};
use secrecy::ExposeSecret;

use crate::args::{KeysArgs, KeysCommand};
use crate::failure::Outcome;
use crate::printer::Printer;

pub(crate) fn run(args: &KeysArgs, printer: &mut Printer) -> Outcome {
    let keys = KeyStore::new(&config::config_dir());
    match &args.command {
        None | Some(KeysCommand::List) => list(&keys, printer),
        Some(KeysCommand::Path) => Ok(printer.line(keys.path().display())?),
        Some(KeysCommand::Set { name, value }) => set(&keys, name, value.as_deref(), printer),
        Some(KeysCommand::Get { name }) => get(&keys, name, printer),
    }
}

fn list(keys: &KeyStore, printer: &mut Printer) -> Outcome {
    let names = keys.names()?;
    if names.is_empty() {
        printer.note("no keys are stored");
    }
    for name in names {
        printer.line(name)?;
    }
    Ok(())
}

fn set(keys: &KeyStore, name: &str, value: Option<&str>, printer: &mut Printer) -> Outcome {
    check_name(name)?;
    let key = match value {
        Some(value) => SecretString::from(value),
        None => ask(name)?,
    };
    keys.write(name, &key)?;
    printer.note(format_args!("the key for {name} is stored in {}", keys.path().display()));
    Ok(())
}

/// A key under a name that no provider has would never be read.
fn check_name(name: &str) -> Result<(), Error> {
    let client = Client::new()?;
    if client.provider(name)?.is_some() {
        return Ok(());
    }
    if name == LOCAL {
        return Err(Error::new(Kind::InvalidRequest, "local models need no key"));
    }
    let ids: Vec<&str> = client.providers()?.iter().map(|provider| provider.id).collect();
    let error = Error::new(Kind::UnknownProvider, format!("there is no provider {name:?}"));
    Err(match antiphon::nearest(name, ids.iter().copied()) {
        Some(near) => error.hint(format!("did you mean `antiphon keys set {near}`?")),
        None => error.hint(format!("known providers: {}", ids.join(", "))),
    })
}

fn ask(name: &str) -> Result<SecretString, Error> {
    let unreadable = |error| crate::input::unreadable("the key", &error);
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password(format!("key for {name}: ")).map(Into::into).map_err(unreadable);
    }
    let mut key = String::new();
    std::io::stdin().read_to_string(&mut key).map_err(unreadable)?;
    Ok(key.into())
}

fn get(keys: &KeyStore, name: &str, printer: &mut Printer) -> Outcome {
    match keys.read(name)? {
        Some(key) => Ok(printer.line(key.expose_secret())?),
        None => {
            let error = Error::new(Kind::NotFound, format!("no key for {name} is stored"));
            Err(error.hint("`antiphon keys list` shows which are").into())
        }
    }
}
