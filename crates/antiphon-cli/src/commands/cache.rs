//! `antiphon cache`: the answers that are kept.

use std::path::PathBuf;

use antiphon::cache::{Listed, hex};
use antiphon::{Client, Error, Kind};

use crate::args::{CacheArgs, CacheCommand};
use crate::failure::Outcome;
use crate::printer::Printer;

/// How much of a key tells it from others.
const SHORT: usize = 12;

/// How much of an answer is shown.
const EXCERPT: usize = 60;

pub(crate) fn run(args: &CacheArgs, printer: &mut Printer) -> Outcome {
    let client = Client::new()?;
    let folder = folder(args, &client)?;
    let disk = client.cache_folder(&folder);
    match &args.command {
        Some(CacheCommand::Path) => printer.line(folder.display())?,
        None | Some(CacheCommand::Stats) => {
            let stats = disk.stats()?;
            printer.line(format_args!("answers  {}", stats.entries))?;
            printer.line(format_args!("expired  {}", stats.expired))?;
            printer.line(format_args!("bytes    {}", stats.bytes))?;
        }
        Some(CacheCommand::Ls { limit }) => {
            disk.list(*limit)?.iter().try_for_each(|listed| printer.line(described(listed)))?;
        }
        Some(CacheCommand::Clear { expired }) => {
            let removed = disk.clear(*expired)?;
            printer.note(format_args!("{removed} answers were removed"));
        }
    }
    Ok(())
}

fn folder(args: &CacheArgs, client: &Client) -> Result<PathBuf, Error> {
    let folder = args.folder.clone().or_else(|| client.default_cache_path());
    folder.ok_or_else(|| {
        Error::new(Kind::InvalidRequest, "no folder of answers is named")
            .hint("name it with --folder, or set ANTIPHON_CACHE_PATH, which every call then uses")
    })
}

fn described(listed: &Listed) -> String {
    let key = &hex(&listed.key)[..SHORT];
    let Some(response) = &listed.response else { return format!("{key}  (damaged)") };
    let text: String = response.text().split_whitespace().collect::<Vec<_>>().join(" ");
    let excerpt: String = text.chars().take(EXCERPT).collect();
    let more = if text.chars().count() > EXCERPT { "…" } else { "" };
    format!("{key}  {}  {excerpt}{more}", response.model)
}
