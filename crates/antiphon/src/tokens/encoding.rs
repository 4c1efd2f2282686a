//! OpenAI's encodings: text to tokens and back, exactly as its models do it.

use std::sync::LazyLock;

use antiphon_core::{Error, Result};

use super::merge::Merger;
use super::split::{self, Split};
use super::vocabulary::Vocabulary;

/// One of OpenAI's encodings. The text of a special token (`<|endoftext|>`) is plain text.
pub struct Encoding {
    name: &'static str,
    split: Split,
    vocabulary: LazyLock<Vocabulary>,
    /// Special tokens, which only [`Encoding::decode`] knows.
    special: &'static [(u32, &'static str)],
}

/// The encoding of OpenAI's models since GPT-4o.
pub static O200K_BASE: Encoding = Encoding {
    name: "o200k_base",
    split: split::o200k,
    vocabulary: LazyLock::new(|| {
        Vocabulary::unpack(include_bytes!("vocabularies/o200k_base.zst"), 199_998, 1_397_670)
    }),
    special: &[(199_999, "<|endoftext|>"), (200_018, "<|endofprompt|>")],
};

/// The encoding of GPT-3.5 and GPT-4, and of OpenAI's embedding models.
pub static CL100K_BASE: Encoding = Encoding {
    name: "cl100k_base",
    split: split::cl100k,
    vocabulary: LazyLock::new(|| {
        Vocabulary::unpack(include_bytes!("vocabularies/cl100k_base.zst"), 100_256, 643_830)
    }),
    special: &[
        (100_257, "<|endoftext|>"),
        (100_258, "<|fim_prefix|>"),
        (100_259, "<|fim_middle|>"),
        (100_260, "<|fim_suffix|>"),
        (100_276, "<|endofprompt|>"),
    ],
};

impl Encoding {
    /// Its name, in OpenAI's word.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How many tokens a text has.
    ///
    /// ```
    /// assert_eq!(antiphon::tokens::O200K_BASE.count("Prompt in, completion out."), 6);
    /// ```
    pub fn count(&self, text: &str) -> u64 {
        let mut count = 0;
        self.each(text, |_| count += 1);
        count
    }

    /// The tokens of a text.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut tokens = Vec::with_capacity(text.len() / 3);
        self.each(text, |token| tokens.push(token));
        tokens
    }

    /// The text of tokens. Where tokens are cut within a character, U+FFFD stands for it.
    pub fn decode(&self, tokens: &[u32]) -> Result<String> {
        let mut bytes = Vec::with_capacity(tokens.len() * 4);
        for (at, token) in tokens.iter().enumerate() {
            let known = self.vocabulary.token(*token).or_else(|| self.special(*token));
            bytes.extend_from_slice(known.ok_or_else(|| {
                Error::invalid(
                    format_args!("tokens[{at}]"),
                    format_args!("{token} is no token of {}", self.name),
                )
            })?);
        }
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    fn special(&self, token: u32) -> Option<&'static [u8]> {
        self.special.iter().find(|(known, _)| *known == token).map(|(_, text)| text.as_bytes())
    }

    fn each(&self, mut text: &str, mut each: impl FnMut(u32)) {
        let vocabulary = &*self.vocabulary;
        let mut merger = Merger::default();
        while !text.is_empty() {
            let (piece, rest) = text.split_at((self.split)(text));
            match vocabulary.rank(piece.as_bytes()) {
                Some(rank) => each(rank),
                None => merger.merge(piece.as_bytes(), vocabulary, &mut each),
            }
            text = rest;
        }
    }
}

impl std::fmt::Debug for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Encoding").field(&self.name).finish()
    }
}
