//! A request becomes a job for the worker: checked, rendered, tokenised, its grammars compiled.
//!
//! All of it happens before the job enters the loop, so that the loop only decodes and samples.

use antiphon_core::{Error, Input, Kind, Request, Result, Tool};
use futures_channel::mpsc::UnboundedSender;
use llguidance::Matcher;
use serde_json::{Map, Value};

use crate::check::{self, Checked};
use crate::engine::{Batch, Shared};
use crate::guidance::{Compiled, Guide};
use crate::raw::{self, Raw};
use crate::template;
use crate::tools::{self, Format};
use crate::waiting_line::{Client, Rank};

/// What the worker needs to answer a request.
pub(crate) struct Job {
    pub(crate) sender: UnboundedSender<Batch>,
    pub(crate) client: Client,
    pub(crate) rank: Rank,
    pub(crate) prompt: Vec<i32>,
    pub(crate) plan: Plan,
}

/// How each choice of a request is to be made.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) checked: Checked,
    pub(crate) matcher: Option<Matcher>,
    pub(crate) tools: Option<ToolPlan>,
}

/// How tools are called.
#[derive(Clone)]
pub(crate) struct ToolPlan {
    pub(crate) format: &'static Format,
    pub(crate) guide: Compiled,
    pub(crate) forced: bool,
    pub(crate) parallel: bool,
    /// The token that opens a call, where one token does.
    pub(crate) opener: Option<i32>,
}

const NO_TEMPLATE: &str = "messages: the model's file has no chat template; they are written as lines of \"User:\" and \
                           \"Assistant:\" (a raw prompt is taken as it is)";

/// The tokens of the prompt that `request` becomes.
pub(crate) fn prompt(shared: &Shared, request: &Request) -> Result<Vec<i32>> {
    prompt_with(shared, request, Guide::of(request)?.as_ref())
}

fn prompt_with(shared: &Shared, request: &Request, guide: Option<&Guide>) -> Result<Vec<i32>> {
    request.check()?;
    let mut messages = template::messages(request)?;
    let mut tools: Vec<Value> = match tools::callable(request).is_empty() {
        true => Vec::new(),
        false => request.tools.iter().map(Tool::to_json).collect(),
    };
    let guard = shared.vocabulary.guard(messages.iter_mut().chain(&mut tools));
    if let Some(sentence) = guide.and_then(Guide::instruction) {
        template::instruct(&mut messages, &sentence);
    }
    let mut extra = Map::new();
    if let Some(effort) = &request.params.reasoning_effort {
        extra.insert("reasoning_effort".into(), effort.as_str().into());
    }
    let text = shared.template.render(&messages, &tools, &extra)?;
    Ok(shared.vocabulary.tokenize_prompt(&text, &guard))
}

/// The plan of a request, and its prompt: `raw` as it is, else the messages rendered.
pub(crate) fn plan(shared: &Shared, request: &Request, raw: Option<&Raw>) -> Result<(Plan, Vec<i32>)> {
    let callable = tools::callable(request);
    let template = shared.template.source(!callable.is_empty());
    let mut checked = check::check(request, shared.vocabulary.size(), template)?;
    let guide = Guide::of(request)?;
    let forced = tools::is_forced(request);
    if forced && let Some(guide) = &guide {
        let message =
            format_args!("cannot be combined with {}: the answer has to be a tool call", guide.field);
        return Err(Error::invalid("tool_choice", message));
    }
    let prompt = match raw {
        Some(Raw { prompt: Input::Text(text), .. }) => {
            shared.vocabulary.tokenize_prompt(text, &Default::default())
        }
        Some(Raw { prompt: Input::Tokens(tokens), .. }) => raw::known(tokens, &shared.vocabulary, "prompt")?,
        None => prompt_with(shared, request, guide.as_ref())?,
    };
    if raw.is_none() && shared.template.is_guessed() {
        checked.stops.push(template::NEXT_QUESTION.to_owned());
        checked.warnings.push(NO_TEMPLATE.to_owned());
    }
    checked.logprob_of_end = raw.is_some();
    check_length(shared, &prompt, if raw.is_some() { "prompt" } else { "messages" })?;
    if checked.ignore_end {
        let ends = shared.vocabulary.ends().into_iter();
        checked.sampling.bias.extend(ends.map(|token| (token, f32::NEG_INFINITY)));
    }
    let matcher = guide.map(|guide| shared.guidance.compiled(&guide)).transpose()?.map(|guide| guide.matcher);
    let tools = match callable.is_empty() {
        true => None,
        false => Some(tool_plan(shared, request, &callable, forced)?),
    };
    Ok((Plan { checked, matcher, tools }, prompt))
}

fn tool_plan(shared: &Shared, request: &Request, callable: &[&Tool], forced: bool) -> Result<ToolPlan> {
    let format = Format::of(shared.template.source(true));
    let opener = match shared.vocabulary.tokenize(format.opener(), true)[..] {
        [token] => Some(token),
        _ => None,
    };
    Ok(ToolPlan {
        format,
        guide: shared.guidance.compiled(&format.guide(callable))?,
        forced,
        parallel: request.params.parallel_tool_calls.unwrap_or(true),
        opener,
    })
}

fn check_length(shared: &Shared, prompt: &[i32], field: &str) -> Result<()> {
    let context = shared.info.context_length as usize;
    match prompt.len() {
        0 => Err(Error::invalid(field, "is empty")),
        tokens if tokens < context => Ok(()),
        tokens => {
            let message = format!("the prompt has {tokens} tokens, and the model's context has {context}");
            Err(Error::new(Kind::ContextWindowExceeded, message).param(field))
        }
    }
}
