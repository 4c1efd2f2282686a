//! `antiphon serve`: every model over HTTP, until Ctrl-C or SIGTERM.

use antiphon::{Error, Kind};
use antiphon_server::{Check, Handle, Options, Server};
use tokio::runtime::Builder;

use crate::args::ServeArgs;
use crate::failure::Outcome;
use crate::log;
use crate::printer::Printer;

pub(crate) fn run(args: &ServeArgs, printer: &mut Printer) -> Outcome {
    let options = Options {
        config: args.config.clone(),
        host: args.host.clone(),
        port: args.port,
        data: args.data.clone(),
        aliases: args.aliases.iter().map(|text| alias(text)).collect::<Result<_, _>>()?,
    };
    if args.check {
        for line in Check::of(&options)?.lines {
            printer.line(line)?;
        }
        return Ok(());
    }
    log::start_serving();
    let failed = |error| Error::new(Kind::Internal, format!("cannot start the runtime: {error}"));
    let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let outcome = runtime.block_on(serve(options, printer));
    // A model that is still loading is not waited for.
    runtime.shutdown_background();
    outcome
}

async fn serve(options: Options, printer: &mut Printer) -> Outcome {
    let server = Server::bind(options).await?;
    printer.line(format_args!("antiphon listens on {}", server.url()))?;
    tokio::spawn(obey_signals(server.handle()));
    supervisor::ready(&server.url());
    Ok(server.run().await?)
}

fn alias(text: &str) -> Result<(String, String), Error> {
    match text.split_once('=') {
        Some((name, target)) if !name.is_empty() && !target.is_empty() => Ok((name.into(), target.into())),
        _ => Err(Error::invalid("--alias", format_args!("must be NAME=TARGET, got {text:?}"))),
    }
}

/// SIGTERM and Ctrl-C drain; SIGHUP reads the configuration again.
#[cfg(unix)]
async fn obey_signals(handle: Handle) {
    use tokio::signal::unix::{SignalKind, signal};

    let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hang_up)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::hangup()))
    else {
        // Where no handler can be set, the system's own ends the process.
        return;
    };
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hang_up.recv() => supervisor::reloads(|| handle.reload_and_tell()),
        }
    }
    supervisor::stops();
    handle.shutdown();
}

/// What systemd is told of the server, in a unit of `Type=notify`. Elsewhere nobody listens, and nothing
/// is said.
#[cfg(unix)]
mod supervisor {
    use sd_notify::NotifyState::{self, MonotonicUsec, Ready, Reloading, Status, Stopping, Watchdog};

    /// Connections are taken from now on. Where a sign of life is wished, there is one twice in the time given.
    pub(super) fn ready(url: &str) {
        say(&[Ready, Status(&format!("listens on {url}"))]);
        if let Some(within) = sd_notify::watchdog_enabled() {
            tokio::spawn(async move {
                let mut interval = tokio::time::interval(within / 2);
                loop {
                    interval.tick().await;
                    say(&[Watchdog]);
                }
            });
        }
    }

    pub(super) fn reloads(reload: impl FnOnce()) {
        if let Ok(now @ MonotonicUsec(_)) = NotifyState::monotonic_usec_now() {
            say(&[Reloading, now]);
        }
        reload();
        say(&[Ready]);
    }

    pub(super) fn stops() {
        say(&[Stopping, Status("answers what is under way")]);
    }

    fn say(states: &[NotifyState<'_>]) {
        if let Err(error) = sd_notify::notify(states) {
            tracing::debug!(target: "antiphon::serve", %error, "the supervisor cannot be told");
        }
    }
}

#[cfg(not(unix))]
mod supervisor {
    pub(super) fn ready(_: &str) {}
}

/// Ctrl-C drains.
#[cfg(not(unix))]
async fn obey_signals(handle: Handle) {
    if tokio::signal::ctrl_c().await.is_ok() {
        handle.shutdown();
    }
}
