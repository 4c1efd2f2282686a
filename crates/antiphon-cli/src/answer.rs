//! Printing an answer as it comes.

use antiphon::{Call, Chunk, Client, CompletionStream, FinishReason, Response};

use crate::failure::Outcome;
use crate::printer::Printer;

/// Runs the call and prints its text piece by piece; [`CompletionStream::response`] then has the whole.
pub(crate) fn start(client: &Client, mut call: Call) -> CompletionStream {
    call.request.stream = true;
    client.stream(call)
}

/// Prints the stream to its end.
pub(crate) async fn print(stream: &mut CompletionStream, printer: &mut Printer) -> Outcome<Response> {
    while let Some(chunks) = stream.next_batch().await {
        let text = chunks?.iter().map(words).collect::<String>();
        printer.text(&text)?;
    }
    let response = stream.response();
    print_tool_calls(&response, printer)?;
    printer.end_line()?;
    Ok(response)
}

/// What a reader sees of a chunk. With `n` answers only the first is streamed.
fn words(chunk: &Chunk) -> &str {
    let first = chunk.choice.as_ref().filter(|choice| choice.index == 0);
    first
        .and_then(|choice| choice.delta.content.as_deref().or(choice.delta.refusal.as_deref()))
        .unwrap_or_default()
}

/// Prints the answers of a response that is whole, each as `shape` makes it.
pub(crate) fn print_whole(
    response: &Response,
    shape: impl Fn(&str) -> String,
    printer: &mut Printer,
) -> Outcome {
    for (i, choice) in response.choices.iter().enumerate() {
        if i > 0 {
            printer.line("")?;
        }
        let text = choice.message.content.text();
        let refusal = choice.message.refusal.as_deref().unwrap_or_default();
        printer.text(&shape(if text.is_empty() { refusal } else { &text }))?;
        printer.end_line()?;
    }
    print_tool_calls(response, printer)
}

/// A call that the model wants made is a line of JSON: nothing here runs it.
fn print_tool_calls(response: &Response, printer: &mut Printer) -> Outcome {
    for call in response.tool_calls() {
        printer.end_line()?;
        printer.line(call.function.to_json())?;
    }
    Ok(())
}

/// Tells on stderr what the answer itself does not show.
pub(crate) fn print_remarks(response: &Response, limit_was_given: bool, printer: &mut Printer) {
    for warning in &response.warnings {
        printer.note(warning);
    }
    let is_cut = response.choices.iter().any(|it| it.finish_reason == Some(FinishReason::Length));
    if is_cut && !limit_was_given {
        printer.note("the answer was cut at the limit of its length (-o max_tokens N sets another)");
    }
}

/// Tells on stderr how many tokens the call took.
pub(crate) fn print_usage(response: &Response, printer: &mut Printer) {
    match &response.usage {
        Some(usage) => printer.note(format_args!(
            "tokens: {} of prompt, {} of answer",
            usage.prompt_tokens, usage.completion_tokens
        )),
        None => printer.note("the provider told no token counts"),
    }
}
