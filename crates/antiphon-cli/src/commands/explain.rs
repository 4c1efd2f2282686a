//! `antiphon explain "prompt"`: the HTTP request that would be sent.

use antiphon::{Call, Client, ExplainedRequest, Explanation};

use super::prompt;
use crate::args::PromptArgs;
use crate::default_model;
use crate::failure::Outcome;
use crate::printer::Printer;

pub(crate) fn run(args: &PromptArgs, printer: &mut Printer) -> Outcome {
    printer.set_raw(args.call.raw);
    let Some(mut call) = prompt::read(args)? else { return prompt::no_prompt(args, printer) };
    let client = Client::new()?;
    call.request.model = default_model::choose(&client, args.call.model.as_deref(), &call.options, printer)?;
    print(args, &client, call, printer)
}

/// Prints what `call` would send.
pub(super) fn print(args: &PromptArgs, client: &Client, mut call: Call, printer: &mut Printer) -> Outcome {
    // The prompt's own answer is streamed under the same conditions.
    call.request.stream = !(args.call.no_stream || args.json || args.extract || args.extract_last);
    let explanation = client.explain(call)?;
    if args.json {
        return Ok(printer.line(explanation.to_json())?);
    }
    if let Some(request) = &explanation.request {
        print_request(request, printer)?;
    }
    print_remarks(&explanation, printer)
}

fn print_request(request: &ExplainedRequest, printer: &mut Printer) -> Outcome {
    printer.line(format_args!("{} {}", request.method, request.url))?;
    for (name, value) in &request.headers {
        printer.line(format_args!("{name}: {value}"))?;
    }
    printer.line("")?;
    printer.line(format_args!("{:#}", request.body))?;
    Ok(printer.line("")?)
}

fn print_remarks(explanation: &Explanation, printer: &mut Printer) -> Outcome {
    let mut line = |what: &str, words: String| printer.line(format_args!("{what}: {words}"));
    line("answers", format!("{}/{}", explanation.provider, explanation.model))?;
    if !explanation.fallbacks.is_empty() {
        line("fallbacks", explanation.fallbacks.join(", "))?;
    }
    if !explanation.dropped.is_empty() {
        line("dropped", explanation.dropped.join(", "))?;
    }
    for warning in &explanation.warnings {
        line("warning", warning.clone())?;
    }
    line(
        "price",
        match explanation.price {
            Some((_, 0.0)) => "nothing".to_owned(),
            Some((at_least, at_most)) => format!("${at_least:.6} to ${at_most:.6}"),
            None => "unknown".to_owned(),
        },
    )?;
    Ok(())
}
