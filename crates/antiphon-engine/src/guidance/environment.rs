//! The vocabulary as llguidance sees it.

use std::sync::Arc;

use antiphon_core::{Error, Kind, Result};
use llguidance::toktrie::{TokRxInfo, TokTrie, TokenId, TokenizerEnv};

use crate::vocabulary::Vocabulary;

/// Tokens by their bytes, and texts as tokens.
pub(super) struct Environment {
    trie: TokTrie,
    vocabulary: Arc<Vocabulary>,
}

impl Environment {
    pub(super) fn new(vocabulary: &Arc<Vocabulary>) -> Result<Self> {
        let end = vocabulary.end().ok_or_else(|| {
            Error::new(Kind::LocalModel, "the model has no token that ends a text, which guidance needs")
        })?;
        let words: Vec<Vec<u8>> =
            (0..vocabulary.size()).map(|token| word(vocabulary, token.cast_signed())).collect();
        let mut ends = vocabulary.ends();
        ends.retain(|token| *token != end);
        ends.insert(0, end);
        let info = TokRxInfo::new(vocabulary.size(), end);
        let trie = TokTrie::from(&info, &words).with_eos_tokens(&ends);
        Ok(Self { trie, vocabulary: vocabulary.clone() })
    }
}

/// A token's bytes; those of a special one are marked, so that no text matches them.
fn word(vocabulary: &Vocabulary, token: i32) -> Vec<u8> {
    let bytes = vocabulary.bytes(token, false);
    if !bytes.is_empty() {
        return bytes;
    }
    let special = vocabulary.bytes(token, true);
    match special.is_empty() {
        true => special,
        false => [&[TokTrie::SPECIAL_TOKEN_MARKER], special.as_slice()].concat(),
    }
}

impl TokenizerEnv for Environment {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<TokenId> {
        match std::str::from_utf8(bytes) {
            Ok(text) if self.vocabulary.is_canonical() => {
                self.vocabulary.tokenize(text, false).into_iter().map(i32::cast_unsigned).collect()
            }
            _ => self.trie.greedy_tokenize(bytes),
        }
    }

    fn tokenize_is_canonical(&self) -> bool {
        self.vocabulary.is_canonical()
    }
}
