//! A model's tokens: text to tokens, tokens to bytes.
//!
//! Special tokens (`<|im_end|>`) are read as such only where the template writes them. Where the caller's
//! own text contains the text of one, a mark is put into it before rendering ([`Guard`]); the marked places
//! are tokenised as plain text afterwards. A token of the kind "user-defined" is plain text to llama.cpp and
//! always matched.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::vocab::LlamaVocab;
use serde_json::Value;

use crate::gguf;

/// The tokens of a model.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    model: Arc<LlamaModel>,
    size: u32,
    bos: Option<i32>,
    /// The token that ends a prompt, of a model whose encoder reads it.
    close: Option<i32>,
    byte_pairs: bool,
    special: OnceLock<Vec<String>>,
}

/// Characters that no text has a use for, and that so mark places in one.
const MARKS: std::ops::RangeInclusive<char> = '\u{fdd0}'..='\u{fdef}';

impl Vocabulary {
    pub(crate) fn new(model: Arc<LlamaModel>) -> Self {
        let vocab = model.vocab();
        let size = vocab.n_tokens().unsigned_abs();
        let bos = vocab.should_add_bos().then(|| vocab.bos().0).filter(|bos| *bos >= 0);
        let meta = |key: &str| model.meta_val_str(key).unwrap_or_default();
        let kind = meta("tokenizer.ggml.model");
        let closes = gguf::is_encoder_decoder(&meta("general.architecture")) && vocab.should_add_eos();
        let close = closes.then(|| vocab.eos().0).filter(|eos| *eos >= 0);
        Self { size, bos, close, byte_pairs: kind == "gpt2", special: OnceLock::new(), model }
    }

    pub(crate) fn model(&self) -> &LlamaModel {
        &self.model
    }

    fn vocab(&self) -> LlamaVocab<'_> {
        self.model.vocab()
    }

    pub(crate) fn size(&self) -> u32 {
        self.size
    }

    /// Whether text tokenised piece by piece gives the tokens that the whole gives, as far as the pieces
    /// end at token borders: true of byte pairs, not of vocabularies that put a space before each text.
    pub(crate) fn is_canonical(&self) -> bool {
        self.byte_pairs
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        matches!(self.tokenize(text, true)[..], [token] if self.vocab().is_control(LlamaToken(token)))
    }

    /// The tokens of `text`; `special` says whether the text of special tokens is read as those.
    pub(crate) fn tokenize(&self, text: &str, special: bool) -> Vec<i32> {
        if text.is_empty() {
            return Vec::new();
        }
        let tokens = self.vocab().tokenize(text.as_bytes(), false, special);
        tokens.into_iter().map(|token| token.0).collect()
    }

    /// The tokens of a whole text, with those that the model wants around one (`[CLS]`, `[SEP]`); the texts of
    /// special tokens in it are plain text.
    pub(crate) fn tokenize_whole(&self, text: &str) -> Vec<i32> {
        let tokens = self.vocab().tokenize(text.as_bytes(), true, false);
        tokens.into_iter().map(|token| token.0).collect()
    }

    /// The token that starts a text, where the model wants one.
    pub(crate) fn start(&self) -> Vec<i32> {
        self.bos.into_iter().collect()
    }

    /// Two texts after each other, with the tokens around and between them that the model wants: BERT's is `[CLS]`
    /// one `[SEP]` other `[SEP]`, RoBERTa's `<s>` one `</s></s>` other `</s>`.
    pub(crate) fn pair(&self, one: &[i32], other: &[i32]) -> Vec<i32> {
        let vocab = self.vocab();
        let eos = vocab.should_add_eos().then(|| vocab.eos().0);
        let sep = (vocab.should_add_sep() || self.leaves_sep_unsaid()).then(|| vocab.sep().0);
        let end = eos.or(sep);
        let mut tokens = self.start();
        tokens.extend(one);
        tokens.extend(eos.into_iter().chain(sep));
        tokens.extend(other);
        tokens.extend(end);
        tokens.retain(|token| *token >= 0);
        tokens
    }

    /// Whether it is the vocabulary of XLM-RoBERTa in an older file, which does not say yet that something separates
    /// two texts.
    fn leaves_sep_unsaid(&self) -> bool {
        let said = |key: &str| self.model.meta_val_str(key);
        said("tokenizer.ggml.model").is_ok_and(|model| model == "t5")
            && said("tokenizer.ggml.add_sep_token").is_err()
    }

    /// The tokens of a prompt: marked places are plain text, and the tokens that start and end a text are around
    /// it where the model wants them.
    pub(crate) fn tokenize_prompt(&self, text: &str, guard: &Guard) -> Vec<i32> {
        let mut tokens = Vec::new();
        for (piece, special) in guard.split(text, self.special()) {
            tokens.extend(self.tokenize(&piece, special));
        }
        if let Some(bos) = self.bos
            && tokens.first() != Some(&bos)
        {
            tokens.insert(0, bos);
        }
        if let Some(close) = self.close
            && tokens.last() != Some(&close)
        {
            tokens.push(close);
        }
        tokens
    }

    /// Appends the bytes of a token; those of special ones only where `special` says so.
    pub(crate) fn piece(&self, token: i32, special: bool, bytes: &mut Vec<u8>) {
        // llama.cpp needs room to write into before it says how much it needed.
        bytes.reserve(32);
        self.vocab().token_to_piece_into(LlamaToken(token), bytes, special, None);
    }

    pub(crate) fn bytes(&self, token: i32, special: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.piece(token, special, &mut bytes);
        bytes
    }

    /// The text of the tokens, special ones included.
    pub(crate) fn detokenize(&self, tokens: impl IntoIterator<Item = i32>) -> String {
        let mut bytes = Vec::new();
        for token in tokens {
            self.piece(token, true, &mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub(crate) fn is_end(&self, token: i32) -> bool {
        self.vocab().is_eog(LlamaToken(token))
    }

    /// Every token that ends a text.
    pub(crate) fn ends(&self) -> Vec<u32> {
        (0..self.size).filter(|token| self.is_end(token.cast_signed())).collect()
    }

    /// The token that ends a turn, else a text.
    pub(crate) fn end(&self) -> Option<u32> {
        let vocab = self.vocab();
        [vocab.eot().0, vocab.eos().0].into_iter().find_map(|token| u32::try_from(token).ok())
    }

    /// The token that starts a text, below 0 where there is none.
    pub(crate) fn bos_token(&self) -> i32 {
        self.vocab().bos().0
    }

    pub(crate) fn bos_text(&self) -> String {
        self.special_text(self.bos_token())
    }

    pub(crate) fn eos_text(&self) -> String {
        self.special_text(self.vocab().eos().0)
    }

    fn special_text(&self, token: i32) -> String {
        if token < 0 { String::new() } else { self.detokenize([token]) }
    }

    /// The texts of the tokens that are control tokens.
    fn special(&self) -> &[String] {
        self.special.get_or_init(|| {
            let vocab = self.vocab();
            let control = |token: &i32| vocab.is_control(LlamaToken(*token));
            let mut texts: Vec<String> = (0..self.size.cast_signed())
                .filter(control)
                .map(|token| self.detokenize([token]))
                .filter(|text| text.chars().count() > 1)
                .collect();
            texts.sort_unstable_by_key(|text| std::cmp::Reverse(text.len()));
            texts
        })
    }

    /// Marks the texts of special tokens in every string of `values`.
    pub(crate) fn guard<'a>(&self, values: impl IntoIterator<Item = &'a mut Value>) -> Guard {
        let mut values: Vec<&mut Value> = values.into_iter().collect();
        let special = self.special();
        if !values.iter().any(|value| any_string(value, &|text| find_special(text, special).is_some())) {
            return Guard { mark: None };
        }
        let mark = MARKS
            .into_iter()
            .find(|mark| !values.iter().any(|value| any_string(value, &|text| text.contains(*mark))));
        let mark = mark.unwrap_or(*MARKS.end());
        for value in &mut values {
            each_string(value, &|text| *text = put_marks(text, special, mark));
        }
        Guard { mark: Some(mark) }
    }
}

/// Knows the mark that was put before the second character of special texts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guard {
    mark: Option<char>,
}

impl Guard {
    /// The pieces of a rendered text without its marks, each with whether special tokens are read in it.
    fn split<'a>(&self, text: &'a str, special: &[String]) -> Vec<(Cow<'a, str>, bool)> {
        let Some(mark) = self.mark else { return vec![(text.into(), true)] };
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(mark) {
            // The mark stands after the first character of a special text.
            let start = rest[..at].char_indices().next_back().map_or(at, |(start, _)| start);
            let after = &rest[at + mark.len_utf8()..];
            let first = &rest[start..at];
            let tail = special.iter().find_map(|text| {
                let tail = text.strip_prefix(first)?;
                after.starts_with(tail).then_some(tail.len())
            });
            let (tail, after) = after.split_at(tail.unwrap_or(0));
            pieces.push((Cow::from(&rest[..start]), true));
            pieces.push((Cow::from(format!("{first}{tail}")), false));
            rest = after;
        }
        pieces.push((rest.into(), true));
        pieces.retain(|(piece, _)| !piece.is_empty());
        pieces
    }
}

fn find_special(text: &str, special: &[String]) -> Option<(usize, usize)> {
    special.iter().filter_map(|token| Some((text.find(token.as_str())?, token.len()))).min()
}

fn put_marks(text: &str, special: &[String], mark: char) -> String {
    let mut marked = String::new();
    let mut rest = text;
    while let Some((at, _)) = find_special(rest, special) {
        let first = rest[at..].chars().next().map_or(0, char::len_utf8);
        marked.push_str(&rest[..at + first]);
        marked.push(mark);
        rest = &rest[at + first..];
    }
    marked + rest
}

fn any_string(value: &Value, test: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => test(text),
        Value::Array(items) => items.iter().any(|item| any_string(item, test)),
        Value::Object(map) => map.values().any(|item| any_string(item, test)),
        _ => false,
    }
}

fn each_string(value: &mut Value, change: &impl Fn(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| each_string(item, change)),
        Value::Object(map) => map.values_mut().for_each(|item| each_string(item, change)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_places_are_plain_text() {
        let special = vec!["<|im_start|>".to_owned(), "<|im_end|>".to_owned()];
        let marked = put_marks("a<|im_end|>b<|im_start|>", &special, '\u{fdd0}');
        let guard = Guard { mark: Some('\u{fdd0}') };
        let rendered = format!("<|im_start|>user\n{marked}<|im_end|>");
        assert_eq!(
            guard.split(&rendered, &special),
            [
                ("<|im_start|>user\na".into(), true),
                ("<|im_end|>".into(), false),
                ("b".into(), true),
                ("<|im_start|>".into(), false),
                ("<|im_end|>".into(), true),
            ]
        );
    }
}
