//! `ANTIPHON_LOG=antiphon=debug`: what happens inside, on stderr. Nothing is set up without the variable.

use std::io::{self, Write};

use antiphon::{Error, Kind, env_vars};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::escape::escaped;

/// Starts the log, where the variable asks for one.
pub(crate) fn start() -> Result<(), Error> {
    let Some(filter) = env_vars::read(env_vars::ANTIPHON_LOG) else { return Ok(()) };
    write(filter.parse().map_err(|_| wrong(&filter))?);
    Ok(())
}

/// Starts the log of a server: a line a request, where the variable does not ask for something else.
#[cfg(feature = "serve")]
pub(crate) fn start_serving() {
    if env_vars::read(env_vars::ANTIPHON_LOG).is_none() {
        write(Targets::new().with_target("antiphon::serve", tracing_subscriber::filter::LevelFilter::INFO));
    }
}

fn write(filter: Targets) {
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(|| Escaping);
    tracing_subscriber::registry().with(filter).with(lines).init();
}

fn wrong(filter: &str) -> Error {
    let message = format!("{} is no log filter: {filter:?}", env_vars::ANTIPHON_LOG);
    Error::new(Kind::Config, message).hint("such as antiphon=debug, or llama.cpp=warn")
}

/// A log may quote a provider: none of its bytes reach the terminal as commands.
struct Escaping;

impl Write for Escaping {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        io::stderr().write_all(escaped(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
