//! Every provider's row, and the promise that a provider is one file and one line.

use std::collections::BTreeMap;
use std::path::Path;

use antiphon::core::params::PARAMS;
use antiphon::core::{Auth, Operation, Provider, Request, dialects};
use antiphon::providers::{LOCAL, PROVIDERS};

#[path = "../examples/providers_table.rs"]
#[expect(dead_code, reason = "its main is for the command line")]
mod table;

#[test]
fn every_row_is_well_formed() {
    let wrong: Vec<String> =
        PROVIDERS.iter().flat_map(|row| faults(row).map(|fault| format!("{}: {fault}", row.id))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn faults(row: &Provider) -> impl Iterator<Item = &'static str> {
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let variables = [row.key_variables, row.token_variables, row.url_variables].concat();
    let known = |name: &&str| PARAMS.iter().any(|(param, _)| param == name);
    // Embeddings have a field that is no parameter of chats.
    let known_anywhere = |name: &&str| *name == "dimensions" || known(name);
    let renamed = row.quirks.renamed.iter().map(|(ours, _)| ours);
    let rules = [
        ("the id has other letters than a-z, 0-9 and _", !row.id.is_empty() && row.id.chars().all(lower)),
        ("the id is that of local models", row.id != LOCAL),
        ("it has no name", !row.name.is_empty()),
        ("the address is not https, nor on this machine", address_is_safe(row)),
        ("the address ends in a slash", !row.base_url.ends_with('/')),
        ("there is no such dialect", speaks(Some(row.dialect), Operation::Chat)),
        ("there is no such dialect of raw prompts", speaks(row.completions, Operation::TextCompletion)),
        ("there is no such dialect of embeddings", speaks(row.embeddings, Operation::Embeddings)),
        ("there is no such dialect of reranking", speaks(row.rerank, Operation::Rerank)),
        ("a variable is not in upper case", variables.iter().all(|name| name.chars().all(upper))),
        ("a parameter that it refuses is none", row.quirks.unsupported.iter().all(known)),
        ("a parameter that it renames is none", renamed.into_iter().all(known_anywhere)),
        (
            "no variable holds its key",
            row.key_optional || row.auth == Auth::None || !row.key_variables.is_empty(),
        ),
        ("a header is not in lower case", row.headers.iter().all(|(name, _)| *name == name.to_lowercase())),
        ("a plain chat cannot be encoded", encodes(row)),
    ];
    rules.into_iter().filter(|(_, holds)| !holds).map(|(fault, _)| fault)
}

/// Whether there is a dialect of that id for it, where the row has one.
fn speaks(id: Option<&str>, operation: Operation) -> bool {
    let is_it = |id: &str| dialects::DIALECTS.iter().any(|row| row.id == id && row.operation == operation);
    id.is_none_or(is_it)
}

/// Only a server of one's own goes without encryption, or without an address of its own.
fn address_is_safe(row: &Provider) -> bool {
    let own = ["http://localhost:", "http://127.0.0.1:"].iter().any(|start| row.base_url.starts_with(start));
    row.base_url.starts_with("https://") || (row.key_optional && (own || row.base_url.is_empty()))
}

fn encodes(row: &Provider) -> bool {
    let mut request = Request::new("some-model", "hi");
    request.params.max_tokens = Some(16);
    let whole = dialects::by_id(row.dialect).map(|dialect| dialect.encode(&request, row));
    request.stream = true;
    let stream = dialects::by_id(row.dialect).map(|dialect| dialect.encode(&request, row));
    [whole, stream].into_iter().flatten().all(|wire| wire.is_ok_and(|wire| wire.path.starts_with('/')))
}

#[test]
fn rows_are_in_order_and_share_nothing() {
    let ids: Vec<&str> = PROVIDERS.iter().map(|row| row.id).collect();
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(ids, sorted, "the list in providers/mod.rs is sorted, and names each provider once");

    let mut owners = BTreeMap::new();
    for row in PROVIDERS {
        for variable in [row.key_variables, row.token_variables, row.url_variables].concat() {
            let other = owners.insert(variable, row.id);
            assert_eq!(other, None, "{variable} is a variable of {} too", row.id);
        }
    }
}

#[test]
fn a_provider_is_one_file_and_one_line() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/providers");
    let list = std::fs::read_to_string(folder.join("mod.rs")).unwrap();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert_eq!(path.extension().unwrap(), "rs", "{}", path.display());
        if name == "mod" {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches("const PROVIDER: Provider =").count(), 1, "{name}.rs");
        assert!(text.contains(&format!("id: \"{name}\",")), "{name}.rs has another id than its name");
        assert!(text.starts_with("//! "), "{name}.rs does not say where its facts come from");
        let lines = list.lines().filter(|line| line.trim() == format!("{name},")).count();
        assert_eq!(lines, 1, "{name} stands once in the list of mod.rs");
        files.push(name);
    }
    files.sort_unstable();
    assert_eq!(files, PROVIDERS.iter().map(|row| row.id).collect::<Vec<_>>());
}

#[test]
fn the_page_is_what_the_rows_say() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/providers.md");
    let page = std::fs::read_to_string(page).unwrap_or_default();
    let hint = "cargo run -p antiphon --no-default-features --example providers_table > docs/providers.md";
    assert!(page == table::page(), "docs/providers.md is not of these rows; print it anew:\n{hint}");
}
