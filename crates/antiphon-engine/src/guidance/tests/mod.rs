//! Guidance on the vocabulary of the built-in model.

mod limits;
mod suite;
mod texts;
mod walks;

use std::sync::{Arc, OnceLock};

use llguidance::api::{GrammarWithLexer, TopLevelGrammar};
use llguidance::{Matcher, ParserFactory};
use serde_json::Value;

use super::compile::{Compiled, factory};
use super::{Grammar, Guidance, Guide};
use crate::engine::EngineOptions;
use crate::random::Random;
use crate::vocabulary::Vocabulary;

fn guidance() -> &'static Guidance {
    static GUIDANCE: OnceLock<Guidance> = OnceLock::new();
    GUIDANCE.get_or_init(|| {
        let path = crate::builtin::builtin_path(None).unwrap();
        let model = crate::load::model(&path, &EngineOptions::default()).unwrap();
        Guidance::new(Arc::new(Vocabulary::new(Arc::new(model))))
    })
}

fn compiled(grammar: Grammar) -> antiphon_core::Result<Compiled> {
    guidance().compiled(&Guide { field: "form", grammar })
}

/// Without what the engine adds to a schema.
fn plain(schema: Value) -> Matcher {
    static FACTORY: OnceLock<Arc<ParserFactory>> = OnceLock::new();
    let factory = FACTORY.get_or_init(|| factory(&guidance().vocabulary).unwrap());
    let grammar = GrammarWithLexer::from_json_schema(schema);
    Matcher::new(factory.create_parser(TopLevelGrammar::from_grammar(grammar)))
}

/// Whether the whole of `text` can be written.
fn accepts(matcher: &Matcher, text: &str) -> bool {
    let mut matcher = matcher.clone();
    let tokens: Vec<u32> =
        guidance().vocabulary.tokenize(text, false).into_iter().map(i32::cast_unsigned).collect();
    matcher.try_consume_tokens(&tokens).unwrap() == tokens.len() && matcher.is_accepting().unwrap()
}

/// A text that is written by chance, each token any that the mask allows; `None` where it does not end soon.
fn walk(matcher: &Matcher, random: &mut Random, limit: usize) -> Result<Option<String>, String> {
    let mut matcher = matcher.clone();
    let vocabulary = &guidance().vocabulary;
    let mut bytes = Vec::new();
    for _ in 0..limit {
        let mask = matcher.compute_mask_or_eos().map_err(|error| error.to_string())?;
        let mut allowed = Vec::new();
        mask.iter_set_entries(|token| allowed.push(u32::try_from(token).unwrap()));
        let token = allowed[(random.next() % allowed.len() as u64) as usize];
        if vocabulary.is_end(token.cast_signed()) {
            return Ok(Some(String::from_utf8(bytes).unwrap()));
        }
        vocabulary.piece(token.cast_signed(), false, &mut bytes);
        matcher.consume_token(token).map_err(|error| error.to_string())?;
        if matcher.is_stopped() {
            return Ok(Some(String::from_utf8(bytes).unwrap()));
        }
    }
    Ok(None)
}
