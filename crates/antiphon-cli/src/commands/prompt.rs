//! `antiphon "prompt"`: one prompt, one answer.

use antiphon::{Call, Client, Error, Kind, Map, Response};
use clap::CommandFactory;

use super::explain;
use crate::args::{Cli, PromptArgs};
use crate::failure::Outcome;
use crate::printer::Printer;
use crate::{answer, call, default_model, extract, input, runtime, schema_dsl};

pub(crate) fn run(args: &PromptArgs, printer: &mut Printer) -> Outcome {
    printer.set_raw(args.call.raw);
    let Some(call) = read(args)? else { return no_prompt(args, printer) };
    let client = Client::new()?;
    let model = default_model::choose(&client, args.call.model.as_deref(), &call.options, printer)?;
    let mut call = call;
    call.request.model = model;
    if call.options.dry_run {
        return explain::print(args, &client, call, printer);
    }
    let limit_was_given =
        call.request.params.max_tokens.or(call.request.params.max_completion_tokens).is_some();

    let response = runtime::run(print_answer(args, &client, call, printer))?;
    answer::print_remarks(&response, limit_was_given, printer);
    if args.usage {
        answer::print_usage(&response, printer);
    }
    Ok(())
}

/// The call that was written, but for its model; `None` where there is no prompt.
pub(super) fn read(args: &PromptArgs) -> Outcome<Option<Call>> {
    let Some(content) = input::content(args)? else { return Ok(None) };
    let mut messages = call::opening(&args.call);
    messages.push(call::message("user", content));
    let mut fields = Map::from_iter([("messages".to_owned(), messages.into())]);
    if let Some(schema) = args.schema.as_deref().or(args.schema_multi.as_deref()) {
        let format = schema_dsl::response_format(schema, args.schema_multi.is_some())?;
        fields.insert("response_format".to_owned(), format);
    }
    Ok(Some(call::build(&args.call, &fields)?))
}

/// Bare `antiphon` shows what it can do; options without a prompt are a slip.
pub(super) fn no_prompt(args: &PromptArgs, printer: &mut Printer) -> Outcome {
    if std::env::args_os().len() == 1 {
        printer.styled(&Cli::command().render_help())?;
        return Ok(());
    }
    let error = Error::new(Kind::InvalidRequest, "there is no prompt");
    let model = args.call.model.as_deref().map(|model| format!(" -m {model}")).unwrap_or_default();
    Err(error.hint(format!("such as antiphon{model} \"What is the capital of France?\"")).into())
}

async fn print_answer(
    args: &PromptArgs,
    client: &Client,
    call: Call,
    printer: &mut Printer,
) -> Outcome<Response> {
    let has_many = call.request.params.n.is_some_and(|n| n > 1);
    if !(args.call.no_stream || args.json || args.extract || args.extract_last || has_many) {
        let mut stream = answer::start(client, call);
        return answer::print(&mut stream, printer).await;
    }
    let response = client.complete(call).await?;
    if args.json {
        printer.line(response.to_json())?;
    } else {
        answer::print_whole(&response, |text| shaped(args, text), printer)?;
    }
    Ok(response)
}

fn shaped(args: &PromptArgs, text: &str) -> String {
    let block = (args.extract || args.extract_last).then(|| extract::code_block(text, args.extract_last));
    block.flatten().unwrap_or_else(|| text.to_owned())
}
