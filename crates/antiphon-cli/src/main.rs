//! The `antiphon` command: one prompt, a chat, and what is configured.
//!
//! `args` is what was written; a command under `commands/` is a function of its arguments and a
//! [`Printer`]; this file maps failures to exit codes. Nothing is read or started that the command at
//! hand does not need: a first answer begins within milliseconds.
#![forbid(unsafe_code)]

mod answer;
mod args;
mod attachment;
mod batch_progress;
mod call;
mod commands;
mod default_model;
mod escape;
mod extract;
mod failure;
mod input;
mod log;
mod printer;
mod pull_progress;
mod runtime;
mod schema_dsl;
mod typo;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;

fn main() -> ExitCode {
    #[cfg(feature = "local")]
    if let Ok(program) = std::env::current_exe() {
        antiphon::local::set_engine_command(program, vec![antiphon::local::ENGINE_PROCESS.into()]);
    }
    let mut printer = Printer::of_process();
    match run(std::env::args_os().collect(), &mut printer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            printer.failure(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(words: Vec<OsString>, printer: &mut Printer) -> Outcome {
    log::start()?;
    typo::check(&words)?;
    let cli = Cli::try_parse_from(words).map_err(Failure::Usage)?;
    match cli.command {
        None => commands::prompt::run(&cli.prompt, printer),
        Some(Command::Prompt(args)) => commands::prompt::run(&args, printer),
        Some(Command::Batch(args)) => commands::batch::run(&args, printer),
        Some(Command::Explain(args)) => commands::explain::run(&args, printer),
        Some(Command::Chat(args)) => commands::chat::run(&args, printer),
        Some(Command::Models(args)) => commands::models::run(&args, printer),
        Some(Command::Zoo(args)) => commands::zoo::run(&args, printer),
        Some(Command::Tokens(args)) => commands::tokens::run(&args, printer),
        Some(Command::Keys(args)) => commands::keys::run(&args, printer),
        Some(Command::Cache(args)) => commands::cache::run(&args, printer),
        #[cfg(feature = "serve")]
        Some(Command::Serve(args)) => commands::serve::run(&args, printer),
        Some(Command::Doctor(args)) => commands::doctor::run(&args, printer),
        #[cfg(feature = "local")]
        Some(Command::EngineProcess) => Ok(antiphon::local::run_engine_process()?),
        Some(Command::Completions(args)) => commands::completions::run(&args, printer),
        Some(Command::Man(args)) => commands::man::run(&args, printer),
    }
}
