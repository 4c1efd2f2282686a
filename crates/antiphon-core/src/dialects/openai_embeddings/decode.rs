//! A body becomes events.

use crate::dialects::answer::{is_nothing, malformed, text};
use crate::dialects::openai_chat::errors;
use crate::dialects::whole::parsed;
use crate::embeddings::{Embeddings, from_base64};
use crate::event::{Event, Path};
use crate::{Operation, Result};

use super::wire::{Item, List, Vector};

pub(super) fn body(json: &str, out: &mut Vec<Event>) -> Result<()> {
    let mut repaired = String::new();
    let answer = parsed::<List<'_>>(json, &mut repaired, "list of embeddings", out)?;
    events(answer, out)
}

fn events(list: List<'_>, out: &mut Vec<Event>) -> Result<()> {
    if let Some(error) = list.error.filter(|error| !is_nothing(error)) {
        return Err(errors::in_body(error));
    }
    if list.object.as_str() == Some("error") {
        return Err(errors::in_body(list.extra.into_iter().collect()));
    }
    let outcome = list.extra.iter().find(|(name, _)| name == "base_resp");
    if let Some(error) = outcome.and_then(|(_, outcome)| errors::in_base_resp(outcome)) {
        return Err(error);
    }
    let data = list.data.ok_or_else(|| malformed("the body has no data".into()))?;
    out.push(Event::set("antiphon.operation", Operation::Embeddings.as_str()));
    if let Some(id) = text(list.id, || "id".into())? {
        out.push(Event::set("id", id.into_owned()));
    }
    out.extend(list.created.map(|created| Event::set("created", created)));
    if let Some(model) = text(list.model, || "model".into())? {
        out.push(Event::set("model", model.into_owned()));
    }
    for (name, value) in list.extra {
        out.push(Event::Set { path: Path::Response(name.into()), value });
    }
    out.push(Event::Embeddings(vectors(data)?));
    out.extend(list.usage.map(|usage| Event::set("usage", usage)));
    Ok(())
}

/// The vectors in the order of their indexes, which is that of the texts.
fn vectors(data: Vec<Item<'_>>) -> Result<Embeddings> {
    let mut vectors = vec![None; data.len()];
    for (at, item) in data.into_iter().enumerate() {
        let index = item.index.map_or(at, |index| index as usize);
        let vector = vector(item.embedding, at)?;
        match vectors.get_mut(index) {
            Some(place @ None) => *place = Some(vector),
            Some(Some(_)) => return Err(malformed(format!("data[{at}].index is {index}, as another's is"))),
            None => return Err(malformed(format!("data[{at}].index is {index}, which is past the last"))),
        }
    }
    Ok(Embeddings::new(vectors.into_iter().flatten().collect()))
}

fn vector(vector: Vector<'_>, at: usize) -> Result<Vec<f32>> {
    let wrong = |what: &str| malformed(format!("data[{at}].embedding {what}"));
    match vector {
        Vector::Numbers(numbers) if !numbers.is_empty() => Ok(numbers),
        Vector::Base64(text) => match from_base64(&text) {
            Some(numbers) if !numbers.is_empty() => Ok(numbers),
            Some(_) => Err(wrong("is empty")),
            None => Err(wrong("is no base64 of 32-bit floats")),
        },
        Vector::Numbers(_) => Err(wrong("is empty")),
        Vector::None => Err(wrong("is missing")),
        Vector::Several => Err(wrong("is an object; only one vector of floats is understood")),
    }
}
