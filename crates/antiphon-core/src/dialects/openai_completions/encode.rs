//! A request becomes a body.

use crate::dialects::WireRequest;
use crate::dialects::openai_chat::encode::{post, rename, stream_options, whole_biases};
use crate::dialects::refuse::{check_known, check_numbers, check_supported};
use crate::{Error, Kind, Quirks, Request, Result, Task};

/// What the endpoint takes: OpenAI's own, and what servers of open models add.
const PARAMS: &[&str] = &[
    "temperature",
    "top_p",
    "n",
    "stop",
    "max_tokens",
    "max_completion_tokens",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "user",
    "seed",
    "top_k",
    "min_p",
    "repetition_penalty",
    "guided_json",
    "guided_regex",
    "guided_choice",
    "guided_grammar",
    "skip_special_tokens",
    "include_stop_str_in_output",
    "ignore_eos",
    "priority",
];

pub(super) fn encode(request: &Request, quirks: &Quirks) -> Result<WireRequest> {
    if !matches!(request.task, Task::Complete(_)) {
        return Err(Error::new(Kind::Internal, "this dialect is for raw prompts"));
    }
    check_numbers(&request.params.to_json())?;
    check_known(request, PARAMS)?;
    check_supported(request, quirks)?;
    let mut body = request.to_json();
    // The endpoint is older than the newer name of the limit.
    if let Some(limit) = request.params.output_limit() {
        body.shift_remove("max_completion_tokens");
        body.insert("max_tokens".into(), limit.into());
    }
    whole_biases(&mut body);
    rename(&mut body, quirks);
    stream_options(&mut body, request, quirks);
    Ok(post("/completions", request.stream, body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Operation, Provider};
    use serde_json::{Value, json};

    fn body(fields: Value) -> Result<Value> {
        let Value::Object(map) = fields else { unreachable!("a test request is an object") };
        let request = Request::read(Operation::TextCompletion, map)?;
        let wire = encode(&request, &Provider::DEFAULT.quirks)?;
        assert_eq!(wire.path, "/completions");
        Ok(serde_json::from_slice(&wire.body).unwrap())
    }

    #[test]
    fn the_limit_has_its_older_name() {
        let body = body(json!({"model": "m", "prompt": "hi", "max_completion_tokens": 5})).unwrap();
        assert_eq!(body, json!({"model": "m", "prompt": "hi", "max_tokens": 5}));
    }

    #[test]
    fn what_servers_of_open_models_add_is_sent() {
        let fields = json!({"model": "m", "prompt": "hi", "top_k": 5, "ignore_eos": true, "priority": -3});
        assert_eq!(body(fields.clone()).unwrap(), fields);
    }

    #[test]
    fn what_belongs_to_chats_is_refused() {
        for (field, value, kind) in [
            ("reasoning_effort", json!("low"), Kind::UnsupportedParams),
            ("top_logprobs", json!(2), Kind::UnsupportedParams),
            ("response_format", json!({"type": "json_object"}), Kind::InvalidRequest),
            ("tools", json!([{"type": "web"}]), Kind::InvalidRequest),
        ] {
            let request = json!({"model": "m", "prompt": "hi", field: value});
            let error = body(request).unwrap_err();
            assert_eq!((error.kind(), error.field()), (kind, Some(field)));
        }
    }
}
