//! A request becomes an address and a body.

use serde_json::{Map, Value};

use super::{MAX_NEW_TOKENS, MODEL_FIELD, TEMPERATURE};
use crate::dialects::WireRequest;
use crate::dialects::openai_chat::encode::{post, rename};
use crate::dialects::refuse::{check_known, check_numbers, check_supported, unsupported};
use crate::json::put;
use crate::{Error, Input, Kind, Quirks, Request, Result, Task, TextTask};

/// What the endpoint takes, with its own names where they are others.
const PARAMS: &[(&str, &str)] = &[
    ("max_tokens", ""),
    ("max_completion_tokens", ""),
    ("temperature", ""),
    ("stop", "stop_sequences"),
    ("presence_penalty", "presence_penalty"),
    ("frequency_penalty", "frequency_penalty"),
    ("top_k", "top_k"),
    ("top_p", "top_p"),
    ("include_stop_str_in_output", "include_stop_str_in_output"),
    ("guided_json", "guided_json"),
    ("guided_regex", "guided_regex"),
    ("guided_choice", "guided_choice"),
    ("guided_grammar", "guided_grammar"),
    ("skip_special_tokens", "skip_special_tokens"),
];

pub(super) fn encode(request: &Request, quirks: &Quirks) -> Result<WireRequest> {
    let Task::Complete(task) = &request.task else {
        return Err(Error::new(Kind::Internal, "this dialect is for raw prompts"));
    };
    let mut params = request.params.to_json();
    check_numbers(&params)?;
    check_known(request, &PARAMS.iter().map(|(name, _)| *name).collect::<Vec<_>>())?;
    check_supported(request, quirks)?;
    check_task(task)?;
    let mut body = Map::new();
    prompts(&mut body, task, request.stream)?;
    // Servers require both.
    let limit = request.params.output_limit().unwrap_or(MAX_NEW_TOKENS);
    body.insert("max_new_tokens".into(), limit.into());
    body.insert("temperature".into(), request.params.temperature.unwrap_or(TEMPERATURE).into());
    if task.logprobs.is_some() {
        body.insert("return_token_log_probs".into(), true.into());
    }
    for (name, theirs) in PARAMS.iter().filter(|(_, theirs)| !theirs.is_empty()) {
        put(&mut body, theirs, params.shift_remove(*name));
    }
    // Their word for all tokens; 0 is an error there.
    if body.get("top_k").is_some_and(|top_k| *top_k == 0) {
        body.insert("top_k".into(), (-1).into());
    }
    body.extend(request.extra.clone());
    rename(&mut body, quirks);
    let path = if request.stream { "/v1/llm/completions-stream" } else { "/v1/llm/completions-sync" };
    let query = vec![(MODEL_FIELD.into(), request.model.clone())];
    Ok(WireRequest { query, ..post(path, request.stream, body) })
}

fn check_task(task: &TextTask) -> Result<()> {
    let none = "is not taken by this endpoint";
    if task.suffix.is_some() {
        return Err(unsupported("suffix", none));
    }
    if task.echo == Some(true) {
        return Err(unsupported("echo", none));
    }
    if task.best_of.is_some_and(|best_of| best_of != 1) {
        return Err(unsupported("best_of", none));
    }
    if task.logprobs.is_some_and(|top| top > 1) {
        return Err(unsupported("logprobs", "the endpoint gives that of the chosen token alone: at most 1"));
    }
    Ok(())
}

/// A list is the older form, which only whole answers have.
fn prompts(body: &mut Map<String, Value>, task: &TextTask, stream: bool) -> Result<()> {
    let texts = task.prompts.iter().map(|prompt| match prompt {
        Input::Text(text) => Ok(text.as_str()),
        Input::Tokens(_) => {
            Err(unsupported("prompt", "tokens are not taken by this endpoint: give the text"))
        }
    });
    let texts = texts.collect::<Result<Vec<_>>>()?;
    match texts.as_slice() {
        [text] => body.insert("prompt".into(), (*text).into()),
        _ if stream => return Err(Error::invalid("prompt", "only one prompt can be streamed")),
        texts => body.insert("prompts".into(), texts.into()),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Operation, Provider};
    use serde_json::json;

    fn wire(fields: Value) -> Result<WireRequest> {
        let Value::Object(map) = fields else { unreachable!("a test request is an object") };
        encode(&Request::read(Operation::TextCompletion, map)?, &Provider::DEFAULT.quirks)
    }

    fn check(fields: Value, expected: Value) {
        let wire = wire(fields).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&wire.body).unwrap(), expected);
    }

    #[test]
    fn the_address_says_the_model_and_how_it_is_answered() {
        for (stream, path) in [(false, "/v1/llm/completions-sync"), (true, "/v1/llm/completions-stream")] {
            let wire = wire(json!({"model": "meta-llama/x", "prompt": "hi", "stream": stream})).unwrap();
            assert_eq!(wire.path, path);
            assert_eq!(wire.query, [(MODEL_FIELD.into(), "meta-llama/x".to_owned())]);
        }
    }

    #[test]
    fn what_is_not_said_is_what_the_clients_say() {
        check(
            json!({"model": "m", "prompt": "hi", "top_k": 0, "stop": "x"}),
            json!({
                "prompt": "hi", "max_new_tokens": 20, "temperature": 0.2, "stop_sequences": ["x"], "top_k": -1,
            }),
        );
        check(
            json!({"model": "m", "prompt": ["a", "b"], "max_completion_tokens": 1, "temperature": 0}),
            json!({"prompts": ["a", "b"], "max_new_tokens": 1, "temperature": 0.0}),
        );
    }

    #[test]
    fn what_cannot_be_asked_is_refused_by_its_name() {
        for (field, value) in [
            ("n", json!(2)),
            ("seed", json!(1)),
            ("suffix", json!("x")),
            ("echo", json!(true)),
            ("best_of", json!(2)),
            ("logprobs", json!(2)),
        ] {
            let error = wire(json!({"model": "m", "prompt": "hi", field: value})).unwrap_err();
            assert_eq!((error.kind(), error.field()), (Kind::UnsupportedParams, Some(field)));
        }
        assert_eq!(wire(json!({"prompt": [1, 2]})).unwrap_err().field(), Some("prompt"));
        let error = wire(json!({"prompt": ["a", "b"], "stream": true})).unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidRequest);
    }
}
