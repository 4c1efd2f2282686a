//! Tokens: how many a text or a conversation is for a model, and text to tokens and back.
//!
//! OpenAI's encodings are built in and exact. A local model counts by its own vocabulary. Of every other model
//! the vocabulary is not here: o200k_base stands in, and the count is an estimate ([`Tokenizer::is_exact`]).
//! Nothing is fetched.

mod chat;
mod classes;
mod encoding;
mod images;
mod merge;
mod split;
mod tools;
mod vocabulary;

use antiphon_core::{Request, Result};
use serde_json::Value;

use crate::call::Options;
use crate::client::Client;
use crate::providers;

pub use chat::{Chat, Count};
pub use encoding::{CL100K_BASE, Encoding, O200K_BASE};

/// OpenAI's models by how their names begin, whoever serves them; the first that fits.
const OPENAI_MODELS: &[(&str, &Encoding)] = &[
    ("gpt-4o", &O200K_BASE),
    ("gpt-4.", &O200K_BASE),
    ("gpt-5", &O200K_BASE),
    ("gpt-oss", &O200K_BASE),
    ("chatgpt-4o", &O200K_BASE),
    ("codex-", &O200K_BASE),
    ("o1", &O200K_BASE),
    ("o3", &O200K_BASE),
    ("o4-", &O200K_BASE),
    ("gpt-4", &CL100K_BASE),
    ("gpt-3.5", &CL100K_BASE),
    ("gpt-35", &CL100K_BASE),
    ("davinci-002", &CL100K_BASE),
    ("babbage-002", &CL100K_BASE),
    ("text-embedding-3-", &CL100K_BASE),
    ("text-embedding-ada-002", &CL100K_BASE),
];

/// What turns texts into a model's tokens.
#[derive(Clone)]
pub struct Tokenizer {
    kind: Kind,
    /// The model's own name, without provider and what was fine-tuned.
    model: String,
    is_exact: bool,
}

#[derive(Clone)]
enum Kind {
    Encoding(&'static Encoding),
    #[cfg(feature = "local")]
    Local(crate::local::Loaded),
}

impl Client {
    /// The tokenizer of that model; an empty name means the default one. A local model is loaded for it.
    pub async fn tokenizer(&self, model: &str) -> Result<Tokenizer> {
        let model = if model.is_empty() { self.default_model().0 } else { model.to_owned() };
        match model.split_once('/') {
            Some((providers::LOCAL, name)) => self.local_tokenizer(name).await,
            None if crate::local::is_here(&model, self.config())
                && self.is_of_zoo(&model, &Options::default()) =>
            {
                self.local_tokenizer(&model).await
            }
            _ => Ok(Tokenizer::of_name(&model)),
        }
    }

    #[cfg(feature = "local")]
    async fn local_tokenizer(&self, name: &str) -> Result<Tokenizer> {
        let model = self.engine(&crate::local::find(name, self.config())?).await?;
        Ok(Tokenizer { kind: Kind::Local(model), model: name.to_owned(), is_exact: true })
    }

    #[cfg(not(feature = "local"))]
    async fn local_tokenizer(&self, name: &str) -> Result<Tokenizer> {
        match crate::local::find(name, self.config())? {}
    }
}

impl Tokenizer {
    /// That of a hosted model, by its name alone.
    pub fn of_name(model: &str) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model);
        let name = name.strip_prefix("ft:").and_then(|name| name.split(':').next()).unwrap_or(name);
        let known = OPENAI_MODELS.iter().find(|(start, _)| name.starts_with(start));
        let kind = Kind::Encoding(known.map_or(&O200K_BASE, |(_, encoding)| encoding));
        Self { kind, model: name.to_owned(), is_exact: known.is_some() }
    }

    /// Whether the model itself makes these tokens; else they are an estimate.
    pub fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// Its name: that of an encoding, or of a local model.
    pub fn name(&self) -> &str {
        match &self.kind {
            Kind::Encoding(encoding) => encoding.name(),
            #[cfg(feature = "local")]
            Kind::Local(_) => &self.model,
        }
    }

    /// How many tokens a text has, as such: no special tokens are read in it or put around it.
    pub fn count(&self, text: &str) -> Result<u64> {
        match &self.kind {
            Kind::Encoding(encoding) => Ok(encoding.count(text)),
            #[cfg(feature = "local")]
            Kind::Local(model) => Ok(model.tokenize(text)?.len() as u64),
        }
    }

    /// The tokens of a text, likewise.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        match &self.kind {
            Kind::Encoding(encoding) => Ok(encoding.encode(text)),
            #[cfg(feature = "local")]
            Kind::Local(model) => model.tokenize(text),
        }
    }

    /// The text of tokens.
    pub fn decode(&self, tokens: &[u32]) -> Result<String> {
        match &self.kind {
            Kind::Encoding(encoding) => encoding.decode(tokens),
            #[cfg(feature = "local")]
            Kind::Local(model) => model.detokenize(tokens),
        }
    }

    /// How many tokens a conversation is: for a hosted model with the overheads that OpenAI documents, for a
    /// local one exactly as its chat template writes it.
    pub fn count_chat(&self, chat: &Chat<'_>) -> Result<u64> {
        match &self.kind {
            #[cfg(feature = "local")]
            Kind::Local(model) if !chat.is_answer => model.count_tokens(&request(&self.model, chat)?),
            _ => chat.tokens(&self.model, &mut |text| self.count(text)),
        }
    }

    /// How many tokens the prompt of a request is.
    pub fn count_request(&self, request: &Request) -> Result<u64> {
        match &self.kind {
            #[cfg(feature = "local")]
            Kind::Local(model) => model.count_tokens(request),
            Kind::Encoding(_) => {
                let messages: Vec<Value> = request.messages.iter().map(|message| message.to_json()).collect();
                let tools: Vec<Value> = request.tools.iter().map(|tool| tool.to_json()).collect();
                let choice = request.tool_choice.as_ref().map(|choice| choice.to_json());
                let chat = Chat {
                    messages: &messages,
                    tools: &tools,
                    tool_choice: choice.as_ref(),
                    ..Chat::default()
                };
                self.count_chat(&chat)
            }
        }
    }
}

#[cfg(feature = "local")]
fn request(model: &str, chat: &Chat<'_>) -> Result<Request> {
    let mut map = antiphon_core::Map::new();
    map.insert("model".into(), model.into());
    map.insert("messages".into(), chat.messages.into());
    if !chat.tools.is_empty() {
        map.insert("tools".into(), chat.tools.into());
    }
    if let Some(choice) = chat.tool_choice {
        map.insert("tool_choice".into(), choice.clone());
    }
    let request = Request::from_json(map)?;
    request.check()?;
    Ok(request)
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokenizer").field("name", &self.name()).field("is_exact", &self.is_exact).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_name_says_its_encoding() {
        for (model, encoding, is_exact) in [
            ("gpt-4o-mini", "o200k_base", true),
            ("gpt-4.1", "o200k_base", true),
            ("gpt-4-turbo", "cl100k_base", true),
            ("gpt-3.5-turbo-instruct", "cl100k_base", true),
            ("openai/text-embedding-3-small", "cl100k_base", true),
            ("openrouter/openai/gpt-4", "cl100k_base", true),
            ("ft:gpt-3.5-turbo-0125:team::id", "cl100k_base", true),
            ("anthropic/claude-haiku-4-5", "o200k_base", false),
            ("gpt-6-sol", "o200k_base", false),
        ] {
            let tokenizer = Tokenizer::of_name(model);
            assert_eq!((tokenizer.name(), tokenizer.is_exact()), (encoding, is_exact), "{model}");
        }
    }
}
