//! `antiphon batch`: every row of a file, many at once.

use std::path::Path;

use antiphon::Client;
use antiphon::batch::{Batch, End, Stop, Summary};

use crate::args::BatchArgs;
use crate::batch_progress::{Shown, dollars};
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use crate::{call, default_model, runtime};

pub(crate) fn run(args: &BatchArgs, printer: &mut Printer) -> Outcome {
    let client = Client::new()?;
    let (template, params) = call::parameters(&args.options)?;
    let stop = Stop::default();
    let mut batch = Batch::new(&args.input, &args.output)
        .client(client.clone())
        .params(params)
        .concurrency(args.concurrency)
        .retry_errors(args.retry_errors)
        .stop(&stop);
    if args.input == Path::new("-") {
        batch = batch.reader(std::io::stdin());
    }
    if let Some(model) = &args.model {
        let options = &template.options;
        // A model that nobody has, or without a key, is the command's error and not that of every row.
        if options.mock.is_none() {
            client.resolve(model, options)?;
        }
        batch = batch.model(model);
    } else {
        batch = batch.default_model(default_model::choose(&client, None, &template.options, printer)?);
    }
    if let Some(system) = &args.system {
        batch = batch.system(system);
    }
    if let Some(dollars) = args.max_cost {
        batch = batch.max_cost(dollars);
    }
    if let Some(rate) = args.rate {
        client.set_default_rate_limit(Some(rate));
    }
    let mut shown = Shown::new(args.quiet, printer);
    let summary = runtime::start()?.block_on(async {
        let running = batch.run(|progress| shown.show(progress, printer));
        tokio::pin!(running);
        tokio::select! {
            biased;
            summary = &mut running => return summary.map_err(Failure::Error),
            () = runtime::interrupt() => stop.ask(),
        }
        runtime::or_interrupt(async { running.await.map_err(Failure::Error) }).await
    });
    shown.end();
    let summary = summary?;
    report(&summary, printer);
    if args.json {
        printer.line(summary.to_json())?;
    }
    match summary.end {
        End::Failed(error) => Err(error.into()),
        End::Stopped => Err(Failure::Interrupted),
        End::MaxCost => Err(Failure::Rows),
        End::Done if summary.progress.failed > 0 => Err(Failure::Rows),
        End::Done => Ok(()),
    }
}

/// What is left to say at the end.
fn report(summary: &Summary, printer: &mut Printer) {
    let progress = &summary.progress;
    let mut line = format!("{} of {} rows are done", progress.done, progress.rows);
    if progress.failed > 0 {
        line += &format!(", {} of them failed", progress.failed);
    }
    printer.note(format_args!("{line}; {}", dollars(progress)));
    let more = match &summary.end {
        End::Done => return,
        End::Stopped => "stopped",
        End::MaxCost => "--max-cost is reached",
        End::Failed(_) => "it cannot go on",
    };
    printer.note(format_args!("{more}: the same command goes on from here"));
}
