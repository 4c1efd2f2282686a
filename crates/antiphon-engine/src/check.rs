//! What a local model takes: ranges of parameters, and the parameters that it cannot take.

use antiphon_core::{Error, Kind, Params, Request, ResponseFormat, Result, Tool, ToolChoice};

use crate::guidance::STRUCTURED_OUTPUTS;
use crate::sampler::Settings;

/// At most this many answers to one request.
pub(crate) const MAX_CHOICES: u32 = 128;
/// OpenAI's limit.
const MAX_TOP_LOGPROBS: u32 = 20;

/// Parameters of a request, checked and with their defaults.
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    pub(crate) sampling: Settings,
    pub(crate) choices: u32,
    pub(crate) limit: Option<u64>,
    pub(crate) stops: Vec<String>,
    pub(crate) include_stop: bool,
    pub(crate) skip_special: bool,
    pub(crate) ignore_end: bool,
    /// How many of the likeliest tokens to show, where probabilities are asked for.
    pub(crate) logprobs: Option<usize>,
    /// Whether the token that ends the text has a probability, too: of what was asked as a raw prompt it is one
    /// of the tokens, of a chat's message it is not.
    pub(crate) logprob_of_end: bool,
    pub(crate) seed: Option<i64>,
    pub(crate) warnings: Vec<String>,
}

/// Checks the parameters of `request` for a model of `vocabulary` tokens, whose template is `template`.
pub(crate) fn check(request: &Request, vocabulary: u32, template: &str) -> Result<Checked> {
    let params = &request.params;
    unsupported(request, template)?;
    Ok(Checked {
        sampling: sampling(params, vocabulary)?,
        choices: whole("n", params.n.unwrap_or(1).into(), 1, MAX_CHOICES.into())? as u32,
        limit: limit(params)?,
        stops: stops(params)?,
        include_stop: params.include_stop_str_in_output.unwrap_or(false),
        skip_special: params.skip_special_tokens.unwrap_or(true),
        ignore_end: params.ignore_eos.unwrap_or(false),
        logprobs: logprobs(params)?,
        logprob_of_end: false,
        seed: params.seed,
        warnings: request
            .extra
            .keys()
            .filter(|name| *name != STRUCTURED_OUTPUTS)
            .map(|name| format!("{name}: local models do not know this parameter"))
            .collect(),
    })
}

fn sampling(params: &Params, vocabulary: u32) -> Result<Settings> {
    let says_nothing = params.top_p.is_none() && params.top_k.is_none() && params.min_p.is_none();
    let temperature = params.temperature.unwrap_or(if says_nothing { 0.0 } else { 1.0 });
    let top_p = params.top_p.unwrap_or(1.0);
    if !(top_p > 0.0 && top_p <= 1.0) {
        return Err(Error::invalid("top_p", format_args!("must be above 0 and at most 1, got {top_p}")));
    }
    let repetition = params.repetition_penalty.unwrap_or(1.0);
    if !(repetition > 0.0 && repetition.is_finite()) {
        return Err(Error::invalid("repetition_penalty", format_args!("must be above 0, got {repetition}")));
    }
    Ok(Settings {
        temperature: number("temperature", temperature, 0.0, f64::MAX)? as f32,
        top_k: usize::try_from(whole("top_k", params.top_k.unwrap_or(-1).into(), -1, i64::MAX.into())?)
            .unwrap_or(0),
        top_p: top_p as f32,
        min_p: number("min_p", params.min_p.unwrap_or(0.0), 0.0, 1.0)? as f32,
        repetition: repetition as f32,
        presence: number("presence_penalty", params.presence_penalty.unwrap_or(0.0), -2.0, 2.0)? as f32,
        frequency: number("frequency_penalty", params.frequency_penalty.unwrap_or(0.0), -2.0, 2.0)? as f32,
        bias: bias(params, vocabulary)?,
    })
}

fn bias(params: &Params, vocabulary: u32) -> Result<Vec<(u32, f32)>> {
    let entries = params.logit_bias.iter().flatten();
    entries
        .map(|(token, bias)| {
            if *token >= vocabulary {
                let message = format_args!("token {token} is not in the vocabulary of {vocabulary} tokens");
                return Err(Error::invalid("logit_bias", message));
            }
            Ok((*token, number(&format!("logit_bias[\"{token}\"]"), *bias, -100.0, 100.0)? as f32))
        })
        .collect()
}

fn limit(params: &Params) -> Result<Option<u64>> {
    let name = if params.max_completion_tokens.is_some() { "max_completion_tokens" } else { "max_tokens" };
    match params.output_limit() {
        Some(0) => Err(Error::invalid(name, "must be at least 1, got 0")),
        limit => Ok(limit),
    }
}

fn stops(params: &Params) -> Result<Vec<String>> {
    let stops = params.stop.clone().unwrap_or_default();
    match stops.iter().position(String::is_empty) {
        Some(at) => Err(Error::invalid(format!("stop[{at}]"), "is empty")),
        None => Ok(stops),
    }
}

fn logprobs(params: &Params) -> Result<Option<usize>> {
    let wanted = params.logprobs.unwrap_or(false);
    let Some(top) = params.top_logprobs else { return Ok(wanted.then_some(0)) };
    whole("top_logprobs", top.into(), 0, MAX_TOP_LOGPROBS.into())?;
    if top > 0 && !wanted {
        return Err(Error::invalid("top_logprobs", "needs logprobs=true"));
    }
    Ok(wanted.then_some(top as usize))
}

/// What would change the answer and cannot be had is refused; what only labels a request is ignored.
fn unsupported(request: &Request, template: &str) -> Result<()> {
    let params = &request.params;
    let sound = params.modalities.iter().flatten().any(|kind| kind != "text");
    let in_template = |name: &str| template.contains(name);
    let refused = [
        ("audio", params.audio.is_some()),
        ("modalities", sound),
        ("prediction", params.prediction.is_some()),
        ("web_search_options", params.web_search_options.is_some()),
        ("reasoning_effort", params.reasoning_effort.is_some() && !in_template("reasoning_effort")),
        ("verbosity", params.verbosity.is_some()),
        ("thinking", params.thinking.is_some()),
        ("functions", request.functions.is_some()),
        ("function_call", request.function_call.is_some()),
        ("tool_choice", matches!(request.tool_choice, Some(ToolChoice::Other(_)))),
        ("response_format", matches!(request.response_format, Some(ResponseFormat::Other(_)))),
    ];
    if let Some((name, _)) = refused.iter().find(|(_, given)| *given) {
        return Err(cannot(name, "local models cannot take this parameter"));
    }
    let other = request.tools.iter().position(|tool| matches!(tool, Tool::Other(_)));
    match other {
        Some(at) => Err(cannot(&format!("tools[{at}]"), "local models know tools of type \"function\" only")),
        None => Ok(()),
    }
}

fn cannot(name: &str, message: &str) -> Error {
    Error::new(Kind::UnsupportedParams, format!("{name}: {message}")).param(name)
}

fn number(name: &str, value: f64, low: f64, high: f64) -> Result<f64> {
    if value.is_finite() && value >= low && value <= high {
        return Ok(value);
    }
    let range = if high == f64::MAX { format!("at least {low}") } else { format!("{low} to {high}") };
    Err(Error::invalid(name, format_args!("must be {range}, got {value}")))
}

fn whole(name: &str, value: i128, low: i128, high: i128) -> Result<i128> {
    if (low..=high).contains(&value) {
        return Ok(value);
    }
    let range = if high == i64::MAX.into() { format!("at least {low}") } else { format!("{low} to {high}") };
    Err(Error::invalid(name, format_args!("must be {range}, got {value}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn outcome(params: Value) -> String {
        let mut map = json!({"messages": "hi"});
        map.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
        let request = Request::from_json(map.as_object().unwrap().clone()).unwrap();
        check(&request, 1000, "").err().map_or("ok".into(), |error| error.message().to_owned())
    }

    #[test]
    fn ranges_are_checked_and_named() {
        let cases = [
            (json!({}), "ok"),
            (json!({"presence_penalty": -1, "top_k": -1, "temperature": 0}), "ok"),
            (json!({"temperature": -0.1}), "temperature: must be at least 0, got -0.1"),
            (json!({"top_p": 0}), "top_p: must be above 0 and at most 1, got 0"),
            (json!({"top_p": 1.5}), "top_p: must be above 0 and at most 1, got 1.5"),
            (json!({"top_k": -2}), "top_k: must be at least -1, got -2"),
            (json!({"min_p": 2}), "min_p: must be 0 to 1, got 2"),
            (json!({"n": 0}), "n: must be 1 to 128, got 0"),
            (json!({"max_tokens": 0}), "max_tokens: must be at least 1, got 0"),
            (json!({"presence_penalty": 2.5}), "presence_penalty: must be -2 to 2, got 2.5"),
            (json!({"repetition_penalty": 0}), "repetition_penalty: must be above 0, got 0"),
            (json!({"logprobs": true, "top_logprobs": 21}), "top_logprobs: must be 0 to 20, got 21"),
            (json!({"top_logprobs": 2}), "top_logprobs: needs logprobs=true"),
            (json!({"stop": ["a", ""]}), "stop[1]: is empty"),
            (json!({"logit_bias": {"5": 101}}), "logit_bias[\"5\"]: must be -100 to 100, got 101"),
            (
                json!({"logit_bias": {"1000": 1}}),
                "logit_bias: token 1000 is not in the vocabulary of 1000 tokens",
            ),
            (json!({"audio": {"voice": "x"}}), "audio: local models cannot take this parameter"),
            (json!({"modalities": ["text"], "user": "me", "store": true}), "ok"),
            (json!({"modalities": ["text", "audio"]}), "modalities: local models cannot take this parameter"),
        ];
        for (params, expected) in cases {
            assert_eq!(outcome(params.clone()), expected, "{params}");
        }
    }
}
