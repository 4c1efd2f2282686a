//! `antiphon completions SHELL`: a script that completes verbs and options.

use clap::CommandFactory;

use crate::args::{Cli, CompletionsArgs};
use crate::failure::Outcome;
use crate::printer::Printer;

pub(crate) fn run(args: &CompletionsArgs, printer: &mut Printer) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "antiphon", &mut script);
    Ok(printer.text(&String::from_utf8_lossy(&script))?)
}
