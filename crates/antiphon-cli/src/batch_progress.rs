//! How far a batch is, on stderr: a bar on a terminal, else a line now and then.

use std::time::{Duration, Instant};

use antiphon::batch::Progress;
use indicatif::{ProgressBar, ProgressStyle};

use crate::printer::Printer;

/// Between two lines.
const LINES: Duration = Duration::from_secs(10);

/// Between two states of the bar.
const FRAMES: Duration = Duration::from_millis(100);

pub(crate) struct Shown {
    is_quiet: bool,
    bar: Option<ProgressBar>,
    has_begun: bool,
    last: Instant,
}

impl Shown {
    pub(crate) fn new(is_quiet: bool, printer: &Printer) -> Self {
        let bar = (printer.has_reader() && !is_quiet).then(bar);
        Self { is_quiet, bar, has_begun: false, last: Instant::now() }
    }

    pub(crate) fn show(&mut self, progress: &Progress, printer: &mut Printer) {
        if !self.has_begun {
            self.has_begun = true;
            self.begin(progress, printer);
        }
        if self.is_quiet {
            return;
        }
        let wait = if self.bar.is_some() { FRAMES } else { LINES };
        if self.last.elapsed() < wait {
            return;
        }
        self.last = Instant::now();
        match &self.bar {
            Some(bar) => {
                bar.set_length(progress.rows);
                bar.set_message(described(progress));
                bar.set_position(progress.done);
            }
            None => {
                let (done, rows) = (progress.done, progress.rows);
                printer.note(format_args!("{done} of {rows} rows{}", described(progress)));
            }
        }
    }

    /// What earlier runs left.
    fn begin(&self, progress: &Progress, printer: &mut Printer) {
        if progress.found > 0 {
            printer.note(format_args!("going on: {} of {} rows were done", progress.found, progress.rows));
        }
        if progress.resent > 0 {
            printer.note(format_args!("{} were in flight and are sent again", progress.resent));
        }
        if progress.retried > 0 {
            printer.note(format_args!("{} had failed and are sent again", progress.retried));
        }
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
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len}{msg}") {
        bar.set_style(style);
    }
    bar
}

/// What follows the count of rows.
fn described(progress: &Progress) -> String {
    let mut text = String::new();
    if progress.failed > 0 {
        text += &format!(", {} failed", progress.failed);
    }
    text += &format!(", {:.1} rows/s, {}", progress.rows_per_second(), dollars(progress));
    if let Some(rest) = progress.remaining() {
        text += &format!(", {} left", clock(rest));
    }
    text
}

/// Tokens and money so far.
pub(crate) fn dollars(progress: &Progress) -> String {
    let Progress { input_tokens, output_tokens, cost, unknown_costs, .. } = progress;
    let tokens = format!("{input_tokens} tokens in, {output_tokens} out");
    match unknown_costs {
        0 => format!("{tokens}, ${cost:.4}"),
        unknown => format!("{tokens}, ${cost:.4} and {unknown} answers of unknown cost"),
    }
}

fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        _ => format!("{}:{:02} h", seconds / 3600, seconds / 60 % 60),
    }
}
