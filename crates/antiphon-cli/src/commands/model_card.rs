//! `antiphon models search` and `show`: what is known of models.

use antiphon::Client;
use antiphon::catalog::{Model, Price};
use serde_json::Value;

use crate::failure::Outcome;
use crate::printer::Printer;

/// What is not known.
const UNKNOWN: &str = "?";

pub(crate) fn search(client: &Client, query: &str, printer: &mut Printer) -> Outcome {
    let models = client.catalog().search(query);
    if models.is_empty() {
        printer.note(format_args!("nothing is known of a model with {query:?} in its name"));
        return Ok(());
    }
    let rows = models.iter().map(|model| [full_name(model), window(model), price(model)]).collect::<Vec<_>>();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let (names, windows) = (width(0), width(1));
    for [name, window, price] in &rows {
        printer.line(format_args!("{name:names$}  {window:>windows$}  {price}"))?;
    }
    Ok(())
}

pub(crate) fn show(client: &Client, model: &str, json: bool, printer: &mut Printer) -> Outcome {
    let model = client.catalog().find(model, None)?;
    if json {
        return Ok(printer.line(Value::Object(model.info()))?);
    }
    let mut line = |name: &str, value: &str| printer.line(format_args!("{name:9}  {value}"));
    line("model", &full_name(&model))?;
    line("mode", model.mode.as_str())?;
    line("prompt", &format!("{} tokens", window(&model)))?;
    if let Some(most) = model.max_output {
        line("answer", &format!("{most} tokens"))?;
    }
    if let Some(dimensions) = model.dimensions {
        line("embedding", &format!("{dimensions} numbers"))?;
    }
    line("price", &price(&model))?;
    for (name, value) in model.price.iter().flat_map(special_prices) {
        line("", &format!("{name}: ${value}"))?;
    }
    for (above, price) in &model.above {
        line("", &format!("above {above} tokens of prompt: {}", both(price)))?;
    }
    if let Some(off_peak) = &model.off_peak {
        line("", &format!("off-peak: {}% of it", off_peak.part * 100.0))?;
    }
    if let Some(part) = model.batch {
        line("", &format!("in a batch: {}% of it", part * 100.0))?;
    }
    let abilities = model.abilities.iter().map(|ability| ability.about).collect::<Vec<_>>();
    if !abilities.is_empty() {
        line("abilities", &abilities.join(", "))?;
    }
    if let Some(day) = &model.retires {
        line("retires", day)?;
    }
    if let Some(source) = model.source {
        line("source", &format!("{}, {}", source.url, source.as_of))?;
    }
    Ok(())
}

fn full_name(model: &Model) -> String {
    if model.provider.is_empty() { model.name.clone() } else { format!("{}/{}", model.provider, model.name) }
}

fn window(model: &Model) -> String {
    model.max_input.map_or(UNKNOWN.to_owned(), |tokens| tokens.to_string())
}

fn price(model: &Model) -> String {
    model.price.as_ref().map_or("no known price".to_owned(), both)
}

fn both(price: &Price) -> String {
    match price.output {
        Some(output) => format!("${} in, ${output} out, for a million tokens", price.input),
        None => format!("${} for a million tokens", price.input),
    }
}

fn special_prices(price: &Price) -> impl Iterator<Item = (&'static str, f64)> {
    let prices = [
        ("read from the cache", price.cache_read),
        ("written to the cache", price.cache_write),
        ("written to it for an hour", price.cache_write_1h),
        ("reasoning", price.reasoning),
        ("sound in", price.audio_input),
        ("sound out", price.audio_output),
    ];
    prices.into_iter().filter_map(|(name, price)| Some((name, price?)))
}
