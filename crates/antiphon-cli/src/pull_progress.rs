//! How far a pull is, on stderr: a bar on a terminal, else a line now and then.

use std::time::{Duration, Instant};

use antiphon::zoo::{Progress, State, gigabytes};
use indicatif::{ProgressBar, ProgressStyle};

use crate::printer::Printer;

/// Between two lines.
const LINES: Duration = Duration::from_secs(10);

pub(crate) struct Shown {
    is_quiet: bool,
    bar: Option<ProgressBar>,
    has_begun: bool,
    last: Instant,
    state: Option<State>,
}

impl Shown {
    pub(crate) fn new(is_quiet: bool, printer: &Printer) -> Self {
        let bar = (printer.has_reader() && !is_quiet).then(bar);
        Self { is_quiet, bar, has_begun: false, last: Instant::now(), state: None }
    }

    pub(crate) fn show(&mut self, progress: &Progress, printer: &mut Printer) {
        if self.is_quiet {
            return;
        }
        if let Some(bar) = &self.bar {
            bar.set_length(progress.total);
        }
        let is_news = self.state.as_ref() != Some(&progress.state);
        if is_news {
            self.state = Some(progress.state.clone());
            if let Some(note) = note(progress) {
                match &self.bar {
                    Some(bar) => bar.suspend(|| printer.note(note)),
                    None => printer.note(note),
                }
            }
        }
        match &self.bar {
            Some(bar) => {
                if !self.has_begun {
                    // What was here before is no speed of this pull.
                    bar.set_position(progress.found);
                    bar.reset_eta();
                }
                bar.set_message(file(progress));
                bar.set_position(progress.done);
            }
            None if progress.state == State::Fetching
                && (!self.has_begun || self.last.elapsed() >= LINES) =>
            {
                self.last = Instant::now();
                let (done, total) = (words(progress.done), words(progress.total));
                printer.note(format_args!("{}: {done} of {total}", file(progress)));
            }
            None => {}
        }
        self.has_begun |= progress.state == State::Fetching;
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let template =
        "{msg} {wide_bar} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// What is said once, when it begins.
fn note(progress: &Progress) -> Option<String> {
    match &progress.state {
        State::Fetching => None,
        State::Waiting => Some(format!("another process fetches {}: waiting for it", progress.file)),
        State::Again(why) => Some(format!("{why}; going on at {}", words(progress.done))),
        State::Checking => Some(format!("going on with {}, of which some is here", progress.file)),
    }
}

fn file(progress: &Progress) -> String {
    let name = progress.file.rsplit('/').next().unwrap_or_default();
    match progress.parts {
        1 => name.to_owned(),
        parts => format!("{name} ({} of {parts})", progress.part),
    }
}

fn words(bytes: u64) -> String {
    gigabytes(bytes as f64 / 1e9)
}
