//! What a call tells of itself: one `tracing` span, with the names of OpenTelemetry's conventions for
//! generative AI. Those are still in development, so they all stand in this file
//! (<https://github.com/open-telemetry/semantic-conventions-genai>, spans of inference).
//!
//! Content is never recorded. Where nobody listens, a call costs one load of an atomic.

use std::pin::Pin;
use std::task::{Context, Poll};

use antiphon_core::event::Path;
use antiphon_core::{Error, Event, EventStream, Request, Result};
use futures_core::Stream;
use serde_json::Value;
use tracing::field::Empty;
use tracing::{Level, Span};

/// The events of a call, in its span.
pub(crate) fn observed(span: Span, events: EventStream) -> EventStream {
    if span.is_disabled() { events } else { Box::pin(Observed { span, events }) }
}

/// The span of a call; a disabled one where nobody listens.
pub(crate) fn span(request: &Request) -> Span {
    if !tracing::enabled!(Level::INFO) {
        return Span::none();
    }
    let operation = request.task.operation().as_str();
    let span = tracing::info_span!(
        "gen_ai",
        otel.name = format!("{operation} {}", request.model),
        otel.kind = "client",
        gen_ai.operation.name = operation,
        gen_ai.request.model = request.model,
        gen_ai.request.stream = request.stream,
        gen_ai.provider.name = Empty,
        gen_ai.request.max_tokens = Empty,
        gen_ai.request.temperature = Empty,
        gen_ai.request.top_p = Empty,
        gen_ai.response.id = Empty,
        gen_ai.response.model = Empty,
        gen_ai.response.finish_reasons = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        error.r#type = Empty,
        otel.status_code = Empty,
    );
    span.record("gen_ai.request.max_tokens", request.params.output_limit());
    span.record("gen_ai.request.temperature", request.params.temperature);
    span.record("gen_ai.request.top_p", request.params.top_p);
    span
}

struct Observed {
    span: Span,
    events: EventStream,
}

impl Stream for Observed {
    type Item = Result<Vec<Event>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let _inside = this.span.enter();
        let polled = this.events.as_mut().poll_next(context);
        match &polled {
            Poll::Ready(Some(Ok(events))) => events.iter().for_each(|event| note(&this.span, event)),
            Poll::Ready(Some(Err(error))) => note_error(&this.span, error),
            _ => {}
        }
        polled
    }
}

fn note(span: &Span, event: &Event) {
    let Event::Set { path, value } = event else { return };
    let text = value.as_str();
    match path {
        Path::Response(name) => match &**name {
            "id" => {
                span.record("gen_ai.response.id", text);
            }
            "model" => {
                span.record("gen_ai.response.model", text);
            }
            "antiphon.provider" => {
                span.record("gen_ai.provider.name", text);
            }
            "usage" => note_usage(span, value),
            _ => {}
        },
        Path::Choice(_, name) if name == "finish_reason" => {
            span.record("gen_ai.response.finish_reasons", text);
        }
        _ => {}
    }
}

fn note_usage(span: &Span, usage: &Value) {
    span.record("gen_ai.usage.input_tokens", usage["prompt_tokens"].as_u64());
    span.record("gen_ai.usage.output_tokens", usage["completion_tokens"].as_u64());
}

fn note_error(span: &Span, error: &Error) {
    span.record("error.type", error.kind().row().python);
    span.record("otel.status_code", "ERROR");
}
