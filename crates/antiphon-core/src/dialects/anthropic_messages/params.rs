//! Which parameters this API has, under this or another name, and what the others mean here.

use serde_json::{Value, json};

use crate::dialects::refuse::unsupported;
use crate::{Map, Params, Quirks, Request, Result};

/// Parameters that are sent, some under another name. Any other is refused, so that a parameter which is
/// new to antiphon is not lost in silence.
const TAKEN: &[&str] = &[
    "temperature",
    "top_p",
    "top_k",
    "stop",
    "max_tokens",
    "max_completion_tokens",
    "user",
    "metadata",
    "service_tier",
    "reasoning_effort",
    "thinking",
    "parallel_tool_calls",
    "web_search_options",
];

/// Whether a value asks for what is done anyway.
type IsNeutral = fn(&Value) -> bool;

/// Parameters that this API does not have, with the values that need not be sent.
const NEUTRAL: &[(&str, IsNeutral)] = &[
    ("n", |value| *value == 1.0),
    ("presence_penalty", |value| *value == 0.0),
    ("frequency_penalty", |value| *value == 0.0),
    ("repetition_penalty", |value| *value == 1.0),
    ("min_p", |value| *value == 0.0),
    ("logit_bias", |value| value.as_object().is_some_and(Map::is_empty)),
    ("logprobs", |value| *value == false),
    ("top_logprobs", |value| *value == 0.0),
    ("modalities", |value| *value == json!(["text"])),
    ("verbosity", |value| *value == "medium"),
    ("store", |value| *value == false),
    ("skip_special_tokens", |value| *value == true),
    ("include_stop_str_in_output", |value| *value == false),
    ("ignore_eos", |value| *value == false),
    ("priority", |value| *value == 0),
];

/// The output limit where none is given, for this API wants one. Every model from Claude 3.5 on takes it
/// (the smallest limit of those offered today is 64,000: "Models overview"), it leaves a model that thinks
/// room for an answer, and it ends well within the default deadline.
const DEFAULT_MAX_TOKENS: u64 = 8192;

/// The least budget that the API takes ("Extended thinking").
const MIN_BUDGET: u64 = 1024;

/// What an effort means for models that take a budget of tokens. With the default output limit the sum is
/// below the 32,000 of the smallest model that thinks.
const BUDGETS: &[(&str, u64)] = &[
    ("minimal", MIN_BUDGET),
    ("low", MIN_BUDGET),
    ("medium", 4096),
    ("high", 16_384),
    ("xhigh", 16_384),
    ("max", 16_384),
];

/// How the model is to think, and the output limit, which includes it.
pub(super) struct Thinking {
    pub(super) max_tokens: u64,
    pub(super) thinking: Option<Map>,
    pub(super) effort: Option<String>,
}

/// Refuses what this API cannot take.
pub(super) fn check(params: &Map) -> Result<()> {
    for (name, value) in params {
        let is_neutral = NEUTRAL.iter().any(|(row, is_neutral)| row == name && is_neutral(value));
        if !is_neutral && !TAKEN.contains(&name.as_str()) {
            return Err(unsupported(name, "is not taken by Anthropic's API"));
        }
    }
    Ok(())
}

/// Adds the parameters that are sent on their own.
pub(super) fn put_params(body: &mut Map, params: &Params) -> Result<()> {
    for (name, value) in [("temperature", params.temperature), ("top_p", params.top_p)] {
        crate::json::put(body, name, value);
    }
    // -1 and 0 mean all.
    crate::json::put(body, "top_k", params.top_k.filter(|k| *k > 0));
    crate::json::put(body, "stop_sequences", stop(params)?);
    crate::json::put(body, "metadata", metadata(params)?);
    crate::json::put(body, "service_tier", service_tier(params)?);
    Ok(())
}

fn stop(params: &Params) -> Result<Option<Vec<String>>> {
    let Some(stop) = params.stop.as_ref().filter(|stop| !stop.is_empty()) else { return Ok(None) };
    // The API's own words: each stop sequence must contain non-whitespace.
    if stop.iter().any(|text| text.trim().is_empty()) {
        return Err(unsupported(
            "stop",
            "a sequence of nothing but white space is not taken by Anthropic's API",
        ));
    }
    Ok(Some(stop.clone()))
}

/// The only label that this API has is the id of the end user.
fn metadata(params: &Params) -> Result<Option<Map>> {
    let mut metadata = params.metadata.clone().unwrap_or_default();
    if metadata.keys().any(|name| name != "user_id") {
        return Err(unsupported("metadata", "only user_id is taken by Anthropic's API"));
    }
    if let Some(user) = &params.user {
        metadata.entry("user_id").or_insert_with(|| user.as_str().into());
    }
    Ok((!metadata.is_empty()).then_some(metadata))
}

/// OpenAI's `default` is no priority; Anthropic's `auto` is priority where there is some.
fn service_tier(params: &Params) -> Result<Option<&str>> {
    match params.service_tier.as_deref() {
        Some("default") => Ok(Some("standard_only")),
        Some("priority") => Ok(Some("auto")),
        Some("flex" | "scale") => Err(unsupported("service_tier", "must be auto, default or priority")),
        tier => Ok(tier),
    }
}

/// A given `thinking` is sent as it is; an effort says the same thing in fewer words.
pub(super) fn thinking(request: &Request, quirks: &Quirks) -> Result<Thinking> {
    let params = &request.params;
    let limit = params.output_limit();
    let adaptive = quirks.adaptive_thinking.has(&request.model);
    let effort = params.reasoning_effort.as_deref();
    let thinking = match (&params.thinking, effort) {
        (Some(thinking), _) => Some(thinking.clone()),
        (None, None) => None,
        (None, Some("none")) => Some(object(json!({"type": "disabled"}))),
        (None, Some(_)) if adaptive => Some(object(json!({"type": "adaptive"}))),
        (None, Some(effort)) => {
            let budget = budget(effort, limit)?;
            Some(object(json!({"type": "enabled", "budget_tokens": budget})))
        }
    };
    let budget = thinking.as_ref().and_then(|thinking| thinking.get("budget_tokens")?.as_u64());
    let max_tokens = limit.unwrap_or_else(|| DEFAULT_MAX_TOKENS.saturating_add(budget.unwrap_or_default()));
    let effort = effort.filter(|effort| adaptive && *effort != "none").map(|effort| match effort {
        "minimal" => "low".to_owned(),
        effort => effort.to_owned(),
    });
    Ok(Thinking { max_tokens, thinking, effort })
}

/// A budget must be below the output limit, which includes it.
fn budget(effort: &str, limit: Option<u64>) -> Result<u64> {
    let row = BUDGETS.iter().find(|(name, _)| *name == effort);
    let (_, budget) = row.ok_or_else(|| {
        let known = BUDGETS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        unsupported("reasoning_effort", &format!("must be one of none, {known}, got {effort:?}"))
    })?;
    match limit {
        Some(limit) if limit <= MIN_BUDGET => {
            let why = format!("this model needs an output limit above {MIN_BUDGET} tokens to think");
            Err(unsupported("reasoning_effort", &why))
        }
        Some(limit) => Ok((*budget).min(limit - 1)),
        None => Ok(*budget),
    }
}

fn object(value: Value) -> Map {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
