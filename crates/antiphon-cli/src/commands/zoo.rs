//! `antiphon zoo`: open models, and their weights from a hub.

use antiphon::config::Config;
use antiphon::zoo::{self, Here, Model, Purpose};
use antiphon::{Client, Error, Kind};
use serde_json::Value;

use crate::args::{ZooArgs, ZooCommand, ZooListArgs};
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use crate::pull_progress::Shown;
use crate::runtime;

/// How wide a line of the list may be.
const WIDTH: usize = 100;

pub(crate) fn run(args: &ZooArgs, printer: &mut Printer) -> Outcome {
    match &args.command {
        None => list(&ZooListArgs::default(), printer),
        Some(ZooCommand::List(args)) => list(args, printer),
        Some(ZooCommand::Info { name, json }) => info(name, *json, printer),
        Some(ZooCommand::Pull { name, quiet }) => pull(name, *quiet, printer),
        Some(ZooCommand::Rm { name }) => remove(name, printer),
        Some(ZooCommand::Path { name }) => {
            Ok(printer.line(zoo::path(name, Client::new()?.config())?.display())?)
        }
    }
}

fn list(args: &ZooListArgs, printer: &mut Printer) -> Outcome {
    let here = zoo::all_here();
    let is_here = |model: &Model| here.iter().any(|here| here.name == model.name);
    let mut models = zoo::models().iter().filter(|model| is_asked(args, model)).collect::<Vec<_>>();
    models.retain(|model| !args.here || is_here(model));
    // A filter of what only the catalogue knows leaves out what is not of it.
    let knows_all = args.kind.is_none() && args.memory.is_none() && !args.llm_engine;
    let others =
        here.iter().filter(|here| here.model.is_none() && knows_all && has_words(args, &here.name, ""));
    let others = others.filter(|_| args.here || !args.words.is_empty()).collect::<Vec<_>>();
    if args.json {
        let models =
            models.iter().map(|model| model.to_json()).chain(others.iter().map(|here| here.to_json()));
        return Ok(printer.line(models.map(Value::Object).collect::<Value>())?);
    }
    if models.is_empty() && others.is_empty() {
        printer.note(if args.here {
            "no weights are here: `antiphon zoo pull NAME` gets some"
        } else {
            "no model is like that"
        });
        return Ok(());
    }
    let names = models.iter().map(|model| model.name).chain(others.iter().map(|here| here.name.as_str()));
    let width = names.map(str::len).max().unwrap_or_default();
    let some_here = !others.is_empty() || models.iter().any(|model| is_here(model));
    printer.heading(&row(width, false, ["NAME", "SIZE", "MEMORY", "CONTEXT", "GOOD FOR"]))?;
    for model in models {
        let (size, memory) = if runs_here(model) {
            let sure = if model.gigabytes.is_some() { "" } else { "~" };
            (format!("{sure}{}", zoo::gigabytes(model.size())), zoo::gigabytes(model.memory()))
        } else {
            ("-".to_owned(), "-".to_owned())
        };
        let cells = [model.name, &size, &memory, &context(model.context), &good_for(model)];
        printer.line(row(width, is_here(model), cells))?;
    }
    for here in others {
        printer.line(row(width, true, [&here.name, &size_of(here), "", "", ""]))?;
    }
    if some_here {
        printer.line("* its weights are here")?;
    }
    Ok(())
}

/// Whether weights are known that the engine loads.
fn runs_here(model: &Model) -> bool {
    !model.repository.is_empty()
}

fn is_asked(args: &ZooListArgs, model: &Model) -> bool {
    args.kind.is_none_or(|kind| kind == model.purpose)
        && args.memory.is_none_or(|memory| runs_here(model) && model.memory() <= memory)
        && (!args.llm_engine || model.zoo == zoo::Zoo::LlmEngine)
        && has_words(
            args,
            model.name,
            &format!("{} {} {}", model.good_for, model.source, model.purpose.as_str()),
        )
}

fn has_words(args: &ZooListArgs, name: &str, about: &str) -> bool {
    let text = format!("{name} {about}").to_lowercase();
    args.words.iter().all(|word| text.contains(&word.to_lowercase()))
}

/// What it is good for; of what only goes on with a text, that is said first.
fn good_for(model: &Model) -> String {
    match model.purpose {
        Purpose::Base => format!("base: {}", model.good_for),
        _ => model.good_for.to_owned(),
    }
}

fn row(width: usize, is_here: bool, [name, size, memory, context, good_for]: [&str; 5]) -> String {
    let mark = if is_here { "*" } else { " " };
    let line = format!("{mark} {name:width$}  {size:>8}  {memory:>7}  {context:>7}  {good_for}");
    let mut line = line.trim_end().to_owned();
    if line.chars().count() > WIDTH {
        line = line.chars().take(WIDTH - 1).collect();
        line.push('…');
    }
    line
}

fn context(tokens: u32) -> String {
    if tokens < 1024 { tokens.to_string() } else { format!("{}k", tokens / 1024) }
}

fn size_of(here: &Here) -> String {
    zoo::gigabytes(here.bytes() as f64 / 1e9)
}

fn info(name: &str, json: bool, printer: &mut Printer) -> Outcome {
    let client = Client::new()?;
    if json {
        return Ok(printer.line(Value::Object(zoo::info(name, client.config())?))?);
    }
    let wanted = zoo::wanted(name, client.config())?;
    let path = zoo::path(name, client.config());
    let Some(model) = wanted.model() else {
        let here = Here { name: wanted.name().to_owned(), model: None, path: path? };
        let (size, path) = (size_of(&here), here.path.display());
        return Ok(printer
            .line(format_args!("name        {}\nsize        {size}\npath        {path}", here.name))?);
    };
    let weights = match (model.repository, model.file) {
        ("", _) => "none are known that run here".to_owned(),
        (repository, "") => repository.to_owned(),
        (repository, file) => format!("{repository}:{file}"),
    };
    let path = match path {
        Ok(path) => path.display().to_string(),
        Err(_) if model.repository.is_empty() => String::new(),
        Err(_) => format!("not here: antiphon zoo pull {}", wanted.name()),
    };
    for (what, value) in [
        ("name", model.name.to_owned()),
        ("good for", model.good_for.to_owned()),
        ("kind", model.purpose.as_str().to_owned()),
        ("parameters", format!("{} billion", model.parameters)),
        ("context", format!("{} tokens", model.context)),
        ("size", if runs_here(model) { model.size_in_words() } else { String::new() }),
        (
            "memory",
            if runs_here(model) {
                format!("about {}", zoo::gigabytes(model.memory()))
            } else {
                String::new()
            },
        ),
        ("licence", model.licence.to_owned()),
        ("template", model.template.to_owned()),
        ("source", model.source.to_owned()),
        ("weights", weights),
        ("path", path),
    ] {
        if !value.is_empty() {
            printer.line(format_args!("{what:10}  {value}"))?;
        }
    }
    Ok(())
}

fn pull(name: &str, quiet: bool, printer: &mut Printer) -> Outcome {
    let client = Client::new()?;
    let mut shown = Shown::new(quiet, printer);
    let pulled = runtime::run(async {
        client.pull(name, |progress| shown.show(progress, printer)).await.map_err(Failure::from)
    });
    shown.end();
    if let Err(Failure::Interrupted) = &pulled {
        printer.note("stopped; the same command goes on from here");
    }
    let pulled = pulled?;
    if !quiet {
        let bytes = zoo::gigabytes(pulled.bytes as f64 / 1e9);
        let said = if pulled.fetched == 0 { "was here already" } else { "is here" };
        printer.note(format_args!(
            "{name} {said} ({bytes}); ask it with -m {}",
            model_name(name, client.config())
        ));
    }
    Ok(printer.line(pulled.path.display())?)
}

/// What a call has to name.
fn model_name(name: &str, config: &Config) -> String {
    let is_name = name.starts_with("local/") || config.aliases.contains_key(name);
    if is_name { name.to_owned() } else { format!("local/{name}") }
}

fn remove(name: &str, printer: &mut Printer) -> Outcome {
    let freed = zoo::remove(name, Client::new()?.config())?;
    printer.note(format_args!("{name} is removed: {} are free again", zoo::gigabytes(freed as f64 / 1e9)));
    Ok(())
}

/// The kind of that word.
pub(crate) fn kind(word: &str) -> Result<Purpose, Error> {
    let kinds = [Purpose::Base, Purpose::Instruct, Purpose::Embedding, Purpose::Reranker];
    kinds.into_iter().find(|kind| kind.as_str() == word).ok_or_else(|| {
        let known = kinds.map(Purpose::as_str).join(", ");
        Error::new(Kind::InvalidRequest, format!("must be one of {known}"))
    })
}
