//! Prints `docs/providers.md`, which is made of the providers' rows:
//! `cargo run -p antiphon --no-default-features --example providers_table > docs/providers.md`

use antiphon::core::{Provider, Quirks, Role, Support};
use antiphon::providers::PROVIDERS;

const HEAD: &str = "\
# Providers

A model is written `provider/model`: `groq/openai/gpt-oss-120b`, `mistral/mistral-small-latest`. Any other server
that follows OpenAI is `custom_openai/MODEL` with `base_url`. The key is looked for in the variables given here, in
their order, then among the stored keys (`antiphon keys set ID`), then in `config.toml`.

A *native schema* is a `response_format` of type `json_schema` that the provider itself enforces; for other models a
forced tool stands in, where one can be forced. *Raw prompts* (`text_completion`) go to an endpoint of their own, or,
where there is none, are asked by a chat; *embeddings* and *reranking* have no such stand-in. What a provider refuses
is an error before anything is sent, which `drop_params` turns into a warning. Each row is a file under
`crates/antiphon/src/providers/`, which says where its facts come from.

<!-- Printed by: cargo run -p antiphon --no-default-features --example providers_table -->

| Id | Provider | Address | Keys | Native schema | Raw prompts | Embeddings | Reranking | Notes |
|---|---|---|---|---|---|---|---|---|
";

#[expect(clippy::print_stdout, reason = "printing is what this command is for")]
fn main() {
    print!("{}", page());
}

/// The whole page.
pub(crate) fn page() -> String {
    HEAD.to_owned() + &PROVIDERS.iter().map(row).collect::<String>()
}

fn row(provider: &Provider) -> String {
    let Provider { id, name, quirks, .. } = provider;
    let address = if provider.base_url.is_empty() { "`base_url=`" } else { provider.base_url };
    let keys = [provider.key_variables, provider.token_variables].concat();
    let keys = if keys.is_empty() { "none".to_owned() } else { codes(&keys) };
    let schema = support(quirks.json_schema);
    let raw = match provider.completions {
        Some(_) => support(quirks.raw_prompts),
        None => "by chat".into(),
    };
    let vectors = if provider.embeddings.is_some() { "yes" } else { "none" };
    let rerank = if provider.rerank.is_some() { "yes" } else { "none" };
    let notes = notes(provider).join("; ");
    format!("| `{id}` | {name} | {address} | {keys} | {schema} | {raw} | {vectors} | {rerank} | {notes} |\n")
}

fn notes(provider: &Provider) -> Vec<String> {
    let Quirks { named_roles, forced_tool, json_schema, .. } = provider.quirks;
    let mut notes = Vec::new();
    let mut note = |wanted: bool, text: String| notes.extend(wanted.then_some(text));
    note(provider.dialect != Provider::DEFAULT.dialect, format!("speaks `{}`", provider.dialect));
    note(provider.key_optional, "needs no key".into());
    note(forced_tool == Support::None, "no tool can be forced".into());
    let some = !matches!(forced_tool, Support::All | Support::None);
    note(some, format!("a tool can be forced on {}", support(forced_tool)));
    let instead = if json_schema == Support::All { "as a schema" } else { "as a schema or a tool" };
    note(!provider.quirks.json_object, format!("`json_object` is sent {instead}"));
    let names = named_roles.iter().map(|role| role.as_str()).collect::<Vec<_>>();
    note(names.is_empty(), "messages go without `name`".into());
    let some = !names.is_empty() && names.len() < Role::ALL.len();
    note(some, format!("`name` only of: {}", names.join(", ")));
    let one = provider.completions.is_some() && !provider.quirks.prompt_lists;
    note(one, "each raw prompt is a request of its own".into());
    note(provider.quirks.reasoning_field.is_none(), "reasoning is not sent back".into());
    note(!provider.quirks.unsupported.is_empty(), format!("refuses {}", codes(provider.quirks.unsupported)));
    notes
}

fn support(support: Support) -> String {
    match support {
        Support::All => "all".into(),
        Support::None => "none".into(),
        Support::Models(beginnings) => models(beginnings),
        Support::Except(beginnings) => format!("all but {}", models(beginnings)),
    }
}

fn models(beginnings: &[&str]) -> String {
    beginnings.iter().map(|name| format!("`{name}…`")).collect::<Vec<_>>().join(", ")
}

fn codes(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
