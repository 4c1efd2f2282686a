//! What a request may not ask for, found before anything is sent.

use serde_json::Value;

use crate::params::PARAMS;
use crate::{Error, Kind, Map, Quirks, Request, ResponseFormat, Result, ToolChoice};

/// A number that JSON cannot write would arrive as null, which asks for something else.
pub(super) fn check_numbers(params: &Map) -> Result<()> {
    for (name, value) in params {
        let lost = match value {
            Value::Object(map) if name == "logit_bias" => map.values().any(Value::is_null),
            value => value.is_null(),
        };
        if lost {
            return Err(Error::invalid(name, "must be finite"));
        }
    }
    Ok(())
}

/// Refuses what the provider's quirks say it cannot take.
pub(super) fn check_supported(request: &Request, quirks: &Quirks) -> Result<()> {
    match quirks.unsupported.iter().find(|name| request.params.has(name)) {
        Some(name) => Err(unsupported(name, "is not taken by this provider")),
        None => Ok(()),
    }
}

/// Refuses parameters that an endpoint does not have, by the names of those that it has.
pub(super) fn check_known(request: &Request, known: &[&str]) -> Result<()> {
    let mut given = PARAMS.iter().map(|(name, _)| *name).filter(|name| request.params.has(name));
    match given.find(|name| !known.contains(name)) {
        Some(name) => Err(unsupported(name, "is not taken by this endpoint")),
        None => Ok(()),
    }
}

/// Refuses a form that the model has no native word for.
pub(super) fn check_format(request: &Request, quirks: &Quirks) -> Result<()> {
    if quirks.json_schema.has(&request.model) {
        return Ok(());
    }
    match &request.response_format {
        Some(ResponseFormat::JsonSchema { .. }) => {
            Err(unsupported("response_format", "json_schema is not taken by this model"))
        }
        Some(ResponseFormat::JsonObject) if !quirks.json_object => {
            Err(unsupported("response_format", "json_object is not taken by this model"))
        }
        _ => Ok(()),
    }
}

/// Refuses to force a call where that is an error, but for a caller who has a thinking model not think.
pub(super) fn check_tool_choice(request: &Request, quirks: &Quirks) -> Result<()> {
    let forced = matches!(request.tool_choice, Some(ToolChoice::Required | ToolChoice::Function(_)));
    let thinking = request.params.thinking.as_ref().and_then(|thinking| thinking.get("type"));
    if !forced || quirks.forced_tool.has(&request.model) || thinking.is_some_and(|kind| kind == "disabled") {
        return Ok(());
    }
    Err(unsupported("tool_choice", "this model cannot be made to call a tool"))
}

/// A known parameter that cannot be taken. It names one, so that this one can be dropped.
pub(super) fn unsupported(name: &str, why: &str) -> Error {
    Error::new(Kind::UnsupportedParams, format!("{name}: {why}")).param(name)
}
