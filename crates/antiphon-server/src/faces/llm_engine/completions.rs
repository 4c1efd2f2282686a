//! Completions: the model stands in the query, and the path says whether the answer is streamed.

use std::time::Duration;

use antiphon::core::dialects::ServeDialect;
use antiphon::core::dialects::llm_engine::{LlmEngine, MODEL_FIELD};
use antiphon::core::{Task, TextTask, Usage};
use antiphon::{Error, Request as Asked, Response as Answer, Result};
use axum::extract::{Query, Request};
use axum::response::Response;
use futures_util::{StreamExt, TryStreamExt, stream as streams};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::answer::{self, Manner};
use crate::body;
use crate::face::json;
use crate::ticket::Caller;

/// How many prompts of one request are under way at once.
const AT_ONCE: usize = 16;

/// Clients up to 0.0.0b12 give up after 10 seconds without a byte, and some before the first one sooner.
const MANNER: Manner = Manner {
    keep_alive: Duration::from_secs(4),
    head_within: Some(Duration::from_secs(4)),
    id: |_| uuid::Uuid::new_v4().to_string(),
};

#[derive(Deserialize)]
struct Address {
    #[serde(default)]
    model_endpoint_name: String,
}

pub(super) async fn sync(caller: Caller, request: Request) -> Response {
    let outcome = whole(&caller, request).await;
    caller.reply(outcome)
}

pub(super) async fn stream(caller: Caller, request: Request) -> Response {
    let outcome = streamed(&caller, request).await;
    caller.reply(outcome)
}

/// Each prompt is a call of its own, so that its output has its own counts.
async fn whole(caller: &Caller, request: Request) -> Result<Response> {
    let asked = asked(caller, request).await?;
    let parts = one_prompt_each(asked).into_iter();
    let calls = parts.map(|part| answer::call(caller, part)).collect::<Result<Vec<_>>>()?;
    let client = &caller.live.client;
    let answers = streams::iter(calls).map(|call| client.complete(call)).buffered(AT_ONCE);
    let answer = together(answers.try_collect().await?);
    caller.ticket.observe_whole(&answer);
    Ok(json(StatusCode::OK, LlmEngine.encode_response(&answer, &Asked::default())))
}

async fn streamed(caller: &Caller, request: Request) -> Result<Response> {
    let mut asked = asked(caller, request).await?;
    if asked.task.inputs().len() > 1 {
        return Err(Error::invalid("prompts", "only one prompt can be streamed"));
    }
    asked.stream = true;
    asked.include_usage = true;
    let call = answer::call(caller, asked)?;
    answer::streamed(caller, &LlmEngine, call, MANNER).await
}

async fn asked(caller: &Caller, request: Request) -> Result<Asked> {
    let address = Query::<Address>::try_from_uri(request.uri());
    let Ok(Query(Address { model_endpoint_name: model })) = address else {
        return Err(Error::invalid(MODEL_FIELD, "must be in the query once"));
    };
    let body = body::read(caller, request).await?;
    if model.is_empty() {
        return Err(Error::invalid(MODEL_FIELD, "is required in the query"));
    }
    Ok(Asked { model, ..LlmEngine.decode_request(&body)? })
}

fn one_prompt_each(asked: Asked) -> Vec<Asked> {
    let Task::Complete(task) = &asked.task else { return vec![asked] };
    let part = |prompt: &antiphon::core::Input| {
        let task = TextTask { prompts: vec![prompt.clone()], ..(**task).clone() };
        Asked { task: Task::Complete(Box::new(task)), ..asked.clone() }
    };
    task.prompts.iter().map(part).collect()
}

/// The answers to each prompt as one: a choice each, with its own counts.
fn together(answers: Vec<Answer>) -> Answer {
    let several = answers.len() > 1;
    let mut whole = Answer { id: uuid::Uuid::new_v4().to_string(), ..Answer::default() };
    let mut total = Some(Usage::default());
    for (index, answer) in (0..).zip(answers) {
        let usage = answer.usage;
        total = total.zip(usage.as_ref()).map(|(mut total, usage)| {
            total.add(usage);
            total
        });
        if let Some(mut choice) = answer.choices.into_iter().next() {
            choice.index = index;
            if let Some(usage) = usage.filter(|_| several) {
                choice.extra.insert("num_prompt_tokens".into(), Value::from(usage.prompt_tokens));
                choice.extra.insert("num_completion_tokens".into(), Value::from(usage.completion_tokens));
            }
            whole.choices.push(choice);
        }
        whole.operation = answer.operation;
        whole.meta = answer.meta;
    }
    Answer { usage: total, ..whole }
}
