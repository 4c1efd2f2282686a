//! Which model answers a call that names none, and who says so.

use antiphon::{Client, DEFAULT_MODEL, Error, Kind, OFFLINE_MODEL, Options, Source, local};

use crate::printer::Printer;

/// The model to call: the one that was written, or the default one.
///
/// Where nobody chose a model and antiphon's own default has no key, the built-in model answers, and a
/// line on stderr says so: somebody who has just installed it gets an answer. A model that was chosen is
/// never replaced.
pub(crate) fn choose(
    client: &Client,
    written: Option<&str>,
    options: &Options,
    printer: &mut Printer,
) -> Result<String, Error> {
    if let Some(model) = written {
        return Ok(model.to_owned());
    }
    let (model, _) = client.default_model_source();
    // A mocked answer calls nobody.
    if options.mock.is_some() || !is_replaced(client, options)? {
        return Ok(model);
    }
    printer.note(format_args!(
        "no model is configured and no key is set: answering with {OFFLINE_MODEL} (see `antiphon doctor`)"
    ));
    Ok(OFFLINE_MODEL.to_owned())
}

/// Whether the built-in model answers in place of antiphon's own default.
pub(crate) fn is_replaced(client: &Client, options: &Options) -> Result<bool, Error> {
    let (_, source) = client.default_model_source();
    if source != Source::BuiltIn || !local::ENABLED {
        return Ok(false);
    }
    match client.resolve(DEFAULT_MODEL, options) {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == Kind::Authentication => Ok(true),
        Err(error) => Err(error),
    }
}

/// A line about the default model.
pub(crate) fn described(client: &Client) -> Result<String, Error> {
    let (model, source) = client.default_model_source();
    let place = described_source(source);
    Ok(if is_replaced(client, &Options::default())? {
        format!("{model} ({place}); no key for it is set, so {OFFLINE_MODEL} answers")
    } else {
        format!("{model} ({place})")
    })
}

/// Where a setting comes from, in words.
pub(crate) fn described_source(source: Source) -> &'static str {
    match source {
        Source::Call => "the call",
        Source::Environment(name) => name,
        Source::Stored => "stored",
        Source::Config => "config.toml",
        Source::BuiltIn => "antiphon's own default",
    }
}
