//! A provider's table of models: tab-separated, a column a fact, an empty field for what is not known.
//!
//! `above` holds prices of longer prompts, as `272000:INPUT,OUTPUT,…;…` in the order of `input` to `reasoning`,
//! with `-` for none; `abilities` the names of [`super::ABILITIES`].

use std::str::FromStr;
use std::sync::Arc;

use super::{Abilities, Mode, Model, OffPeak, Price, Source};

/// The models of a table that is part of this build; a row that is broken is left out, and a test sees that
/// there is none.
pub(super) fn read(provider: &str, source: Source, text: &str) -> Vec<Arc<Model>> {
    let rows = text.lines().skip(1).filter(|line| !line.is_empty());
    rows.filter_map(|line| row(provider, source, line).map(Arc::new)).collect()
}

fn row(provider: &str, source: Source, line: &str) -> Option<Model> {
    let mut cells = line.split('\t');
    let mut next = || cells.next().unwrap_or_default();
    let (name, mode) = (next().to_owned(), Mode::parse(next())?);
    let (max_input, max_output) = (optional(next())?, optional(next())?);
    let prices: [Option<f64>; 8] = std::array::from_fn(|_| optional(next()).flatten());
    let [audio_input, audio_output] = [prices[6], prices[7]];
    let price =
        |prices: &[Option<f64>]| price(prices).map(|price| Price { audio_input, audio_output, ..price });
    let batch = optional(next())?;
    let above = next().split(';').filter(|tier| !tier.is_empty()).map(|tier| {
        let (above, prices) = tier.split_once(':')?;
        let prices = prices.split(',').map(|price| price.parse().ok()).collect::<Vec<_>>();
        Some((above.parse().ok()?, price(&prices)?))
    });
    let above = above.collect::<Option<_>>()?;
    let off_peak = match next() {
        "" => None,
        text => Some(OffPeak::parse(text)?),
    };
    let (dimensions, retires) = (optional(next())?, optional(next())?);
    let mut abilities = Abilities::default();
    let known = next().split(' ').filter(|name| !name.is_empty()).all(|name| abilities.add(name));
    (known && cells.next().is_none()).then(|| Model {
        provider: provider.to_owned(),
        name,
        mode,
        max_input,
        max_output,
        price: price(&prices[..6]),
        above,
        batch,
        off_peak,
        dimensions,
        retires,
        abilities,
        source: Some(source),
    })
}

/// The first six prices; those that are not there are none.
fn price(prices: &[Option<f64>]) -> Option<Price> {
    let at = |at: usize| prices.get(at).copied().flatten();
    Some(Price {
        input: at(0)?,
        output: at(1),
        cache_read: at(2),
        cache_write: at(3),
        cache_write_1h: at(4),
        reasoning: at(5),
        ..Price::default()
    })
}

/// `None` where the cell is broken.
fn optional<T: FromStr>(cell: &str) -> Option<Option<T>> {
    if cell.is_empty() { Some(None) } else { cell.parse().ok().map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[&str] = &[
        "name",
        "mode",
        "max_input",
        "max_output",
        "input",
        "output",
        "cache_read",
        "cache_write",
        "cache_write_1h",
        "reasoning",
        "audio_input",
        "audio_output",
        "batch",
        "above",
        "off_peak",
        "dimensions",
        "retires",
        "abilities",
    ];

    #[test]
    fn every_row_is_read_and_every_table_has_the_columns() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/catalog/models");
        let mut tables = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let (heading, rows) = text.split_once('\n').unwrap();
            assert_eq!(heading, COLUMNS.join("\t"), "{}", path.display());
            let source = Source { url: "", as_of: "" };
            for line in rows.lines() {
                let model = row("p", source, line).unwrap_or_else(|| panic!("{}: {line}", path.display()));
                let prices = line.split('\t').skip(4).take(8).filter(|cell| !cell.is_empty());
                assert!(
                    prices.clone().all(|cell| cell.parse::<f64>().is_ok_and(|price| price >= 0.0)),
                    "{line}"
                );
                assert_eq!(model.price.is_some(), prices.count() > 0, "{line}");
            }
            tables += 1;
        }
        assert_eq!(tables, super::super::SHELVES.len());
    }

    #[test]
    fn a_broken_row_is_none() {
        let source = Source { url: "", as_of: "" };
        for line in [
            "m\tchatty",
            "m\tchat\tmany",
            "m\tchat\t1\t1\t1\t1\t\t\t\t\t\t\t\tsoon:1",
            "m\tchat\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\tflying",
        ] {
            assert_eq!(row("p", source, line), None, "{line}");
        }
        assert!(row("p", source, "m\tchat").is_some());
    }
}
