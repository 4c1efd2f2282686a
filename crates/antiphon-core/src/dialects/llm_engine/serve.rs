//! The mirror: a caller's body becomes a request, a response the body that every release of the client reads.

use serde_json::{Value, json};

use super::{MAX_NEW_TOKENS, TEMPERATURE};
use crate::dialects::body;
use crate::json::wrong_type;
use crate::params::Param;
use crate::{Choice, Error, Input, Kind, Map, Params, Request, Response, Result, Task, TextTask, Usage};

/// The forms of which an answer has one at most.
const GUIDED: &[&str] = &["guided_json", "guided_regex", "guided_choice", "guided_grammar"];

/// Reads and checks a caller's request, in the form of any release. What is not known is passed over, and a
/// null is as good as nothing: the newest client sends every field.
pub(super) fn decode_request(body: &[u8]) -> Result<Request> {
    let mut map = body::object(body)?;
    map.retain(|_, value| !value.is_null());
    let prompts = prompts(&mut map)?;
    let mut params = Params {
        max_tokens: Some(at_least_one(take(&mut map, "max_new_tokens")?.unwrap_or(MAX_NEW_TOKENS))?),
        temperature: Some(temperature(take(&mut map, "temperature")?.unwrap_or(TEMPERATURE))?),
        stop: take(&mut map, "stop_sequences")?,
        presence_penalty: penalty(&mut map, "presence_penalty")?,
        frequency_penalty: penalty(&mut map, "frequency_penalty")?,
        top_p: top_p(take(&mut map, "top_p")?)?,
        top_k: take(&mut map, "top_k")?,
        // What holds anyway is not asked for: not every model knows the words.
        include_stop_str_in_output: take(&mut map, "include_stop_str_in_output")?.filter(|yes: &bool| *yes),
        skip_special_tokens: take(&mut map, "skip_special_tokens")?.filter(|yes: &bool| !*yes),
        ..Params::default()
    };
    greedy(&params)?;
    params.top_k = top_k(params.top_k)?;
    guided(&mut params, &mut map)?;
    let wanted = take(&mut map, "return_token_log_probs")?.unwrap_or(false);
    let task = TextTask { prompts, logprobs: wanted.then_some(1), ..TextTask::default() };
    Ok(Request { task: Task::Complete(Box::new(task)), params, ..Request::default() })
}

fn take<T: Param>(map: &mut Map, name: &str) -> Result<Option<T>> {
    map.shift_remove(name).map(|value| T::from_json(name, value)).transpose()
}

/// `prompts` by the first releases, `prompt` by the later ones and by every stream.
fn prompts(map: &mut Map) -> Result<Vec<Input>> {
    let texts: Vec<String> = match (map.shift_remove("prompt"), map.shift_remove("prompts")) {
        (Some(Value::String(text)), _) => vec![text],
        (Some(other), _) => return Err(wrong_type("prompt", "a string", &other)),
        (None, Some(list @ Value::Array(_))) => Param::from_json("prompts", list)?,
        (None, Some(other)) => return Err(wrong_type("prompts", "a list of strings", &other)),
        (None, None) => return Err(Error::invalid("prompt", "is required")),
    };
    if texts.is_empty() {
        return Err(Error::invalid("prompts", "is empty"));
    }
    if texts.iter().any(String::is_empty) {
        return Err(Error::invalid("prompt", "is empty"));
    }
    Ok(texts.into_iter().map(Input::Text).collect())
}

fn at_least_one(limit: u64) -> Result<u64> {
    if limit == 0 { Err(Error::invalid("max_new_tokens", "must be at least 1, got 0")) } else { Ok(limit) }
}

fn temperature(number: f64) -> Result<f64> {
    if number < 0.0 {
        return Err(Error::invalid("temperature", format_args!("must be at least 0, got {number}")));
    }
    Ok(number)
}

fn penalty(map: &mut Map, name: &str) -> Result<Option<f64>> {
    match take(map, name)? {
        Some(number) if !(0.0..=2.0).contains(&number) => {
            Err(Error::invalid(name, format_args!("must be 0 to 2, got {number}")))
        }
        number => Ok(number),
    }
}

fn top_p(number: Option<f64>) -> Result<Option<f64>> {
    match number {
        Some(number) if number <= 0.0 || number > 1.0 => {
            Err(Error::invalid("top_p", format_args!("must be above 0 and at most 1, got {number}")))
        }
        number => Ok(number),
    }
}

/// -1 means all tokens, which is what holds where nothing is said.
fn top_k(number: Option<i64>) -> Result<Option<i64>> {
    match number {
        None | Some(-1) => Ok(None),
        Some(1..) => Ok(number),
        Some(number) => Err(Error::invalid(
            "top_k",
            format_args!("must be at least 1, or -1 for all tokens, got {number}"),
        )),
    }
}

fn greedy(params: &Params) -> Result<()> {
    let top_p = params.top_p.is_some_and(|top_p| top_p != 1.0);
    let top_k = params.top_k.is_some_and(|top_k| top_k != -1);
    match params.temperature {
        Some(0.0) if top_p => Err(Error::invalid("top_p", "means nothing where temperature is 0")),
        Some(0.0) if top_k => Err(Error::invalid("top_k", "means nothing where temperature is 0")),
        _ => Ok(()),
    }
}

fn guided(params: &mut Params, map: &mut Map) -> Result<()> {
    let given: Vec<&str> = GUIDED.iter().copied().filter(|name| map.contains_key(*name)).collect();
    if let [first, second, ..] = given.as_slice() {
        return Err(Error::invalid(
            second,
            format_args!("only one of {} can be given, and {first} is there", GUIDED.join(", ")),
        ));
    }
    if let Some(schema) = map.get("guided_json").filter(|schema| !schema.is_object()) {
        return Err(wrong_type("guided_json", "a JSON schema (an object)", schema));
    }
    for name in given {
        if let Some(value) = map.shift_remove(name) {
            params.set(name, value)?;
        }
    }
    Ok(())
}

/// The superset that the clients of every release read: `output` by the later ones, `status` and `outputs` by
/// the first.
pub(super) fn response(response: &Response) -> Value {
    let usage = response.usage.as_ref().filter(|_| response.choices.len() == 1);
    let outputs: Vec<Value> = response.choices.iter().map(|choice| output(choice, usage)).collect();
    json!({
        "request_id": response.id,
        "output": outputs.first(),
        "status": "SUCCESS",
        "outputs": outputs,
        "traceback": null,
    })
}

fn output(choice: &Choice, usage: Option<&Usage>) -> Value {
    let tokens = tokens(choice);
    let count = |name: &str| choice.extra.get(name).and_then(Value::as_u64);
    // No client reads a null here.
    let least = || tokens.as_ref().map_or(0, |tokens| tokens.len() as u64);
    let completion = count("num_completion_tokens").or(usage.map(|usage| usage.completion_tokens));
    json!({
        "text": choice.message.content.text(),
        "num_prompt_tokens": count("num_prompt_tokens").or(usage.map(|usage| usage.prompt_tokens)),
        "num_completion_tokens": completion.unwrap_or_else(least),
        "tokens": tokens,
    })
}

fn tokens(choice: &Choice) -> Option<Vec<Value>> {
    let logprobs = choice.logprobs.as_ref()?;
    if let Some(content) = &logprobs.content {
        return Some(content.iter().map(|token| pair(&token.token, Some(token.logprob))).collect());
    }
    let text = logprobs.text.as_ref()?;
    let numbers = text.token_logprobs.iter().flatten().copied();
    let tokens = text.tokens.iter().flatten().zip(numbers);
    Some(tokens.map(|(token, number)| pair(token, number)).collect())
}

/// A `TokenOutput`. Its number is required; that of a token that was not chosen is none.
pub(super) fn pair(token: &str, log_prob: Option<f64>) -> Value {
    json!({"token": token, "log_prob": log_prob.filter(|number| number.is_finite()).unwrap_or(0.0)})
}

/// What every release reads: an object with a string `detail`.
pub(super) fn error(error: &Error) -> (u16, Vec<u8>) {
    (status(error), json!({"detail": error.message()}).to_string().into_bytes())
}

/// The clients know 400, 401, 404, 429 and the fives; others are nothing that a program can act on.
pub(super) fn status(error: &Error) -> u16 {
    match error.kind() {
        Kind::UnprocessableEntity => 400,
        Kind::Timeout => 504,
        kind => kind.row().status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: Value, expected: &str) {
        let outcome = decode_request(body.to_string().as_bytes());
        let problem = outcome.map_err(|error| {
            assert_eq!(error.kind().row().status, 400, "{error}");
            error.message().to_owned()
        });
        assert_eq!(problem.err().as_deref().unwrap_or("ok"), expected);
    }

    #[test]
    fn ranges_are_the_callers_to_keep() {
        let with = |name: &str, value: Value| json!({"prompt": "hi", name: value});
        check(json!({}), "prompt: is required");
        check(json!({"prompt": ""}), "prompt: is empty");
        check(json!({"prompts": []}), "prompts: is empty");
        check(json!({"prompts": ["a", ""]}), "prompt: is empty");
        check(json!({"prompts": "a"}), "prompts: must be a list of strings, got a string");
        check(json!({"prompt": ["a"]}), "prompt: must be a string, got a list");
        check(with("max_new_tokens", json!(0)), "max_new_tokens: must be at least 1, got 0");
        check(
            with("max_new_tokens", json!(-1)),
            "max_new_tokens: must be a whole number of at least 0, got -1",
        );
        check(with("temperature", json!(-0.1)), "temperature: must be at least 0, got -0.1");
        check(with("temperature", json!(100)), "ok");
        check(with("top_p", json!(0)), "top_p: must be above 0 and at most 1, got 0");
        check(with("top_k", json!(0)), "top_k: must be at least 1, or -1 for all tokens, got 0");
        check(with("top_k", json!(-2)), "top_k: must be at least 1, or -1 for all tokens, got -2");
        check(with("presence_penalty", json!(2.5)), "presence_penalty: must be 0 to 2, got 2.5");
        check(
            with("guided_json", json!("x")),
            "guided_json: must be a JSON schema (an object), got a string",
        );
        check(with("colour", json!("red")), "ok");
        let greedy = |name: &str, value: Value| json!({"prompt": "hi", "temperature": 0, name: value});
        check(greedy("top_k", json!(5)), "top_k: means nothing where temperature is 0");
        check(greedy("top_p", json!(0.5)), "top_p: means nothing where temperature is 0");
        check(greedy("top_k", json!(-1)), "ok");
        check(greedy("top_p", json!(1.0)), "ok");
        check(
            json!({"prompt": "hi", "guided_regex": "a", "guided_choice": ["a"]}),
            "guided_choice: only one of guided_json, guided_regex, guided_choice, guided_grammar can be given, \
             and guided_regex is there",
        );
    }

    #[test]
    fn every_release_asks_for_the_same() {
        let first =
            decode_request(br#"{"prompts": ["hi"], "max_new_tokens": 20, "temperature": 0.2}"#).unwrap();
        // As 0.0.0b45 sends it: every field.
        let newest = json!({
            "prompt": "hi", "max_new_tokens": 20, "temperature": 0.2, "stop_sequences": null,
            "return_token_log_probs": false, "presence_penalty": null, "frequency_penalty": null,
            "top_k": null, "top_p": null, "include_stop_str_in_output": null, "guided_json": null,
            "guided_regex": null, "guided_choice": null, "guided_grammar": null, "skip_special_tokens": true,
        });
        assert_eq!(decode_request(newest.to_string().as_bytes()).unwrap(), first);
        assert_eq!(decode_request(br#"{"prompt": "hi"}"#).unwrap(), first);
    }

    #[test]
    fn an_error_is_an_object_with_words() {
        for (kind, expected) in [
            (Kind::InvalidRequest, 400),
            (Kind::UnprocessableEntity, 400),
            (Kind::Authentication, 401),
            (Kind::NotFound, 404),
            (Kind::RateLimit, 429),
            (Kind::Timeout, 504),
            (Kind::Connection, 500),
        ] {
            let (status, body) = error(&Error::new(kind, "what it was"));
            assert_eq!((status, &body[..]), (expected, &br#"{"detail":"what it was"}"#[..]));
        }
    }
}
