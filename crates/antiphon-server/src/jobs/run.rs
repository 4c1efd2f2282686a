//! One job, from its first open row to its file.

use std::sync::Arc;
use std::time::Duration;

use antiphon::core::dialects::ServeDialect;
use antiphon::core::dialects::llm_engine::LlmEngine;
use antiphon::core::dialects::openai_chat::OpenAiChat;
use antiphon::core::dialects::openai_completions::OpenAiCompletions;
use antiphon::{Call, Error, Map, Request, Result, is_call_option};
use futures_util::{TryStreamExt, stream};
use serde_json::{Value, json};

use crate::app::App;
use crate::outcome;
use crate::store::{Form, Job, Store, now};

/// What holds of a value.
type Test = fn(&Value) -> bool;

/// What the newest client writes into every row though nobody asked for it: what holds anyway is not sent on,
/// for not every model knows the words (`FilteredChatCompletionV2Request` of 0.0.0b45, its defaults).
static ANYWAY: &[(&str, Test)] = &[
    ("add_generation_prompt", is_true),
    ("add_special_tokens", is_false),
    ("best_of", is_one),
    ("continue_final_message", is_false),
    ("echo", is_false),
    ("frequency_penalty", is_zero),
    ("logprobs", is_false),
    ("n", is_one),
    ("presence_penalty", is_zero),
    ("priority", is_zero),
    ("skip_special_tokens", is_true),
    ("spaces_between_special_tokens", is_true),
    ("stop_token_ids", is_empty),
    ("stream", is_false),
    ("top_p", is_one),
];

fn is_true(value: &Value) -> bool {
    *value == true
}

fn is_false(value: &Value) -> bool {
    *value == false
}

fn is_zero(value: &Value) -> bool {
    value.as_f64() == Some(0.0)
}

fn is_one(value: &Value) -> bool {
    value.as_f64() == Some(1.0)
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}

/// The request of a row. It names no model: that is the job's.
pub(crate) fn request(form: Form, mut row: Map) -> Result<Request> {
    row.shift_remove("model");
    let decode = |row: Map, dialect: &dyn ServeDialect| {
        dialect.decode_request(Value::Object(row).to_string().as_bytes())
    };
    let request = match form {
        Form::Prompts => decode(row, &LlmEngine)?,
        Form::OpenAi => {
            row.retain(|name, value| {
                let default = ANYWAY.iter().find(|(known, _)| known == name);
                !value.is_null() && !default.is_some_and(|(_, holds)| holds(value))
            });
            if row.contains_key("messages") {
                decode(row, &OpenAiChat)?
            } else {
                decode(row, &OpenAiCompletions)?
            }
        }
    };
    if request.stream {
        return Err(Error::invalid("stream", "means nothing in a batch"));
    }
    if let Some(name) = request.extra.keys().find(|name| is_call_option(name)) {
        return Err(Error::invalid(name, "is no parameter of a request: this server sets it itself"));
    }
    request.check()?;
    Ok(request)
}

/// Asks every row that has no answer, and writes the file.
pub(super) async fn run(app: &Arc<App>, id: &str) -> Result<()> {
    let store = app.kept.store()?;
    if !store.begin_job(id.to_owned()).await? {
        return Ok(());
    }
    let Some(job) = store.job(id.to_owned()).await? else { return Ok(()) };
    let left = Duration::from_secs(job.expires.saturating_sub(now()));
    let problem = match tokio::time::timeout(left, rows(app, &store, &job)).await {
        Ok(outcome) => {
            outcome?;
            None
        }
        Err(_) => Some("max_runtime_sec passed before every row was answered".to_owned()),
    };
    let filename = job.settings.get("output_data_path").and_then(Value::as_str).unwrap_or("output.json");
    store.end_job(id.to_owned(), filename.to_owned(), problem).await
}

async fn rows(app: &Arc<App>, store: &Store, job: &Job) -> Result<()> {
    let places = store.open_rows(job.id.clone()).await?;
    stream::iter(places.into_iter().map(Ok))
        .try_for_each_concurrent(job.parallelism, |place| async move {
            let row = store.row(job.id.clone(), place).await?;
            let (answer, failed) = match ask(app, job, row.request).await {
                Ok(answer) => (answer, false),
                Err(error) => (refused(job.form, &error), true),
            };
            store.put_answer(job.id.clone(), row.place, answer, failed).await
        })
        .await
}

async fn ask(app: &Arc<App>, job: &Job, row: Map) -> Result<Value> {
    let mut request = request(job.form, row)?;
    request.model = app.kept.target(&job.model).unwrap_or_else(|| job.model.clone());
    let mut call = Call::new(request);
    // A job takes turns with its owner's other requests, too.
    call.options.client = Some(format!("jobs of {}", job.owner));
    call.options.cache.key_prefix = (!job.owner.is_empty()).then(|| format!("key:{}", job.owner));
    let answer = app.live().client.complete(call).await?;
    Ok(match job.form {
        Form::OpenAi => answer.to_json(),
        Form::Prompts => {
            let written = LlmEngine.encode_response(&answer, &Request::default());
            let mut written: Value = serde_json::from_slice(&written).unwrap_or_default();
            written["output"].take()
        }
    })
}

/// A row that was not answered, in the form that its neighbours have.
fn refused(form: Form, error: &Error) -> Value {
    let error = outcome::told(error);
    match form {
        // Clients read a text and a count of each.
        Form::Prompts => json!({"text": "", "num_completion_tokens": 0, "error": error.message()}),
        Form::OpenAi => {
            let (status, body) = OpenAiChat.encode_error(&error);
            let mut body: Value = serde_json::from_slice(&body).unwrap_or_default();
            body["status_code"] = status.into();
            body
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: Value) -> Map {
        let Value::Object(map) = value else { unreachable!("a test row is an object") };
        map
    }

    #[test]
    fn what_the_client_writes_anyway_is_not_asked_for() {
        // As 0.0.0b45 sends it, without its nulls.
        let row = json!({
            "stop_token_ids": [], "skip_special_tokens": true, "spaces_between_special_tokens": true,
            "echo": false, "add_generation_prompt": true, "continue_final_message": false,
            "add_special_tokens": false, "priority": 0, "frequency_penalty": 0, "logprobs": false, "n": 1,
            "messages": [{"content": "hi", "role": "user", "name": null}], "presence_penalty": 0,
            "stream": false, "temperature": 1, "top_p": 1, "model": null, "user": null,
        });
        let mut expected = Request::new("", "hi");
        expected.params.temperature = Some(1.0);
        assert_eq!(request(Form::OpenAi, map(row)).unwrap(), expected);
    }

    #[test]
    fn a_row_names_no_key_and_no_address() {
        for name in ["api_key", "base_url", "cache_path"] {
            let row = json!({"messages": [{"role": "user", "content": "hi"}], name: "x"});
            assert_eq!(request(Form::OpenAi, map(row)).unwrap_err().field(), Some(name));
        }
        let row = json!({"prompt": "hi", "stream": true});
        assert_eq!(request(Form::OpenAi, map(row)).unwrap_err().field(), Some("stream"));
    }
}
