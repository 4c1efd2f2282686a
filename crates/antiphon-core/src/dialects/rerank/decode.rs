//! A body becomes events.

use serde_json::{Map, Value, json};

use crate::dialects::answer::{is_nothing, malformed, text};
use crate::dialects::openai_chat::errors;
use crate::dialects::whole::parsed;
use crate::event::{Event, Path};
use crate::{Operation, Ranked, Result};

use super::wire::{Item, Results};

pub(super) fn body(json: &str, out: &mut Vec<Event>) -> Result<()> {
    let mut repaired = String::new();
    let answer = parsed::<Results<'_>>(json, &mut repaired, "ranking", out)?;
    events(answer, out)
}

fn events(answer: Results<'_>, out: &mut Vec<Event>) -> Result<()> {
    if let Some(error) = answer.error.filter(|error| !is_nothing(error)) {
        return Err(errors::in_body(error));
    }
    if answer.object.as_str() == Some("error") {
        return Err(errors::in_body(answer.extra.into_iter().collect()));
    }
    let results = answer.results.ok_or_else(|| malformed("the body has no results".into()))?;
    out.push(Event::set("antiphon.operation", Operation::Rerank.as_str()));
    if let Some(id) = text(answer.id, || "id".into())? {
        out.push(Event::set("id", id.into_owned()));
    }
    if let Some(model) = text(answer.model, || "model".into())? {
        out.push(Event::set("model", model.into_owned()));
    }
    let usage = answer.usage.and_then(counts).or_else(|| {
        let meta = answer.extra.iter().find(|(name, _)| name == "meta");
        meta.and_then(|(_, meta)| in_meta(meta))
    });
    for (name, value) in answer.extra {
        out.push(Event::Set { path: Path::Response(name.into()), value });
    }
    out.push(Event::Ranking(results.into_iter().enumerate().map(ranked).collect::<Result<_>>()?));
    out.extend(usage.map(|usage| Event::set("usage", usage)));
    Ok(())
}

fn ranked((at, item): (usize, Item)) -> Result<Ranked> {
    let missing = |field: &str| malformed(format!("results[{at}].{field} is missing"));
    let index = item.index.ok_or_else(|| missing("index"))?;
    let relevance_score = item.relevance_score.ok_or_else(|| missing("relevance_score"))?;
    let document = item.document.and_then(|document| match document {
        Value::String(text) => Some(text),
        document => document.get("text")?.as_str().map(str::to_owned),
    });
    Ok(Ranked {
        index,
        relevance_score,
        document,
        extra: item.extra.into_iter().filter(|(_, value)| !value.is_null()).collect(),
    })
}

/// Jina counts the sum alone, which is all of the prompt.
fn counts(usage: Value) -> Option<Value> {
    let Value::Object(mut usage) = usage else { return None };
    let total = usage.get("total_tokens").cloned().filter(|total| !total.is_null());
    if let Some(total) = total.filter(|_| !usage.contains_key("prompt_tokens")) {
        usage.insert("prompt_tokens".into(), total);
    }
    Some(Value::Object(usage))
}

/// Cohere's counts.
fn in_meta(meta: &Value) -> Option<Value> {
    let tokens: &Map<String, Value> = meta.get("tokens")?.as_object()?;
    let count = |name: &str| tokens.get(name).and_then(Value::as_f64).map(|count| count as u64);
    let (input, output) = (count("input_tokens")?, count("output_tokens").unwrap_or(0));
    Some(json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output}))
}
