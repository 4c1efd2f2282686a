//! `antiphon man`: the manual page, or that of one verb, in roff.

use antiphon::{Error, Kind};
use clap::CommandFactory;

use crate::args::{Cli, ManArgs};
use crate::failure::Outcome;
use crate::printer::Printer;

pub(crate) fn run(args: &ManArgs, printer: &mut Printer) -> Outcome {
    let mut cli = Cli::command();
    cli.build();
    let page = match &args.verb {
        None => cli,
        Some(verb) => find(&cli, verb)?,
    };
    let mut roff = Vec::new();
    clap_mangen::Man::new(page).render(&mut roff)?;
    Ok(printer.text(&String::from_utf8_lossy(&roff))?)
}

fn find(cli: &clap::Command, verb: &str) -> Result<clap::Command, Error> {
    cli.find_subcommand(verb).cloned().ok_or_else(|| {
        let shown = cli.get_subcommands().filter(|verb| !verb.is_hide_set());
        let verbs = shown.map(clap::Command::get_name).filter(|verb| *verb != "help");
        let error = Error::new(Kind::NotFound, format!("there is no verb {verb:?}"));
        error.hint(format!("verbs: {}", verbs.collect::<Vec<_>>().join(", ")))
    })
}
