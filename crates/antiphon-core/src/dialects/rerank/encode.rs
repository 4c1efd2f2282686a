//! A request becomes a body.

use crate::dialects::WireRequest;
use crate::dialects::openai_chat::encode::{post, rename};
use crate::dialects::refuse::{check_known, check_supported};
use crate::{Error, Kind, Quirks, Request, Result, Task};

/// What the endpoint takes beside the task's own fields.
const PARAMS: &[&str] = &["priority"];

/// The texts of the documents are put beside the results here, where they are wanted.
pub(super) fn encode(request: &Request, quirks: &Quirks) -> Result<WireRequest> {
    if !matches!(request.task, Task::Rerank(_)) {
        return Err(Error::new(Kind::Internal, "this dialect is for reranking"));
    }
    check_known(request, PARAMS)?;
    check_supported(request, quirks)?;
    let mut body = request.to_json();
    body.shift_remove("return_documents");
    rename(&mut body, quirks);
    Ok(post(quirks.rerank_path, false, body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Operation;
    use serde_json::{Value, json};

    fn body(fields: Value) -> Result<Value> {
        let Value::Object(map) = fields else { unreachable!("a test request is an object") };
        let wire = encode(&Request::read(Operation::Rerank, map)?, &Quirks::DEFAULT)?;
        assert_eq!(wire.path, "/rerank");
        Ok(serde_json::from_slice(&wire.body).unwrap())
    }

    #[test]
    fn one_document_is_a_list_and_texts_are_not_asked_for() {
        let request = json!({"model": "m", "query": "q", "documents": [{"text": "a"}], "return_documents": true,
            "top_n": 1, "max_tokens_per_doc": 9, "priority": 3});
        let expected = json!({"model": "m", "query": "q", "documents": ["a"], "top_n": 1, "max_tokens_per_doc": 9,
            "priority": 3});
        assert_eq!(body(request).unwrap(), expected);
    }

    #[test]
    fn what_belongs_to_chats_is_refused() {
        let error = body(json!({"query": "q", "documents": ["a"], "temperature": 0})).unwrap_err();
        assert_eq!((error.kind(), error.field()), (Kind::UnsupportedParams, Some("temperature")));
        let error = body(json!({"query": "q", "documents": ["a"], "stream": true})).unwrap_err();
        assert_eq!(error.message(), "stream: reranking has no such parameter");
    }
}
