//! A request becomes a body.

use crate::dialects::WireRequest;
use crate::dialects::openai_chat::encode::{post, rename};
use crate::dialects::refuse::{check_known, check_supported};
use crate::{EncodingFormat, Error, Kind, Quirks, Request, Result, Task};

/// What the endpoint takes beside the task's own fields.
const PARAMS: &[&str] = &["user", "priority"];

/// How vectors are asked for is ours to choose: the caller gets them as he wants them either way.
pub(super) fn encode(request: &Request, quirks: &Quirks) -> Result<WireRequest> {
    if !matches!(request.task, Task::Embed(_)) {
        return Err(Error::new(Kind::Internal, "this dialect is for embeddings"));
    }
    check_known(request, PARAMS)?;
    check_supported(request, quirks)?;
    let mut body = request.to_json();
    body.shift_remove("encoding_format");
    if quirks.base64_embeddings {
        body.insert("encoding_format".into(), EncodingFormat::Base64.as_str().into());
    }
    rename(&mut body, quirks);
    Ok(post("/embeddings", false, body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Operation;
    use serde_json::{Value, json};

    fn body(fields: Value, quirks: &Quirks) -> Result<Value> {
        let Value::Object(map) = fields else { unreachable!("a test request is an object") };
        let wire = encode(&Request::read(Operation::Embeddings, map)?, quirks)?;
        assert_eq!(wire.path, "/embeddings");
        Ok(serde_json::from_slice(&wire.body).unwrap())
    }

    #[test]
    fn base64_is_asked_for_where_it_is_to_be_had() {
        let request = json!({"model": "m", "input": ["a", "b"], "dimensions": 8, "encoding_format": "float"});
        let plain = json!({"model": "m", "input": ["a", "b"], "dimensions": 8});
        assert_eq!(body(request.clone(), &Quirks::DEFAULT).unwrap(), plain);
        let quirks = Quirks { base64_embeddings: true, ..Quirks::DEFAULT };
        assert_eq!(body(request, &quirks).unwrap()["encoding_format"], "base64");
        let request = json!({"model": "m", "input": "a", "priority": 3});
        assert_eq!(body(request.clone(), &Quirks::DEFAULT).unwrap(), request);
        let quirks = Quirks { unsupported: crate::OPEN_MODEL_PARAMS, ..Quirks::DEFAULT };
        assert_eq!(body(request, &quirks).unwrap_err().field(), Some("priority"));
    }

    #[test]
    fn what_belongs_to_chats_is_refused() {
        let check = |request| body(request, &Quirks::DEFAULT).unwrap_err();
        let error = check(json!({"input": "a", "temperature": 0}));
        assert_eq!((error.kind(), error.field()), (Kind::UnsupportedParams, Some("temperature")));
        assert_eq!(
            check(json!({"input": "a", "stream": true})).message(),
            "stream: embeddings have no such parameter"
        );
    }
}
