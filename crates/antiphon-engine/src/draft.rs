//! A small model that guesses how a large one is going to go on, so that the large one reads several tokens in one
//! step and not in one step each. Each token of the answer is still the large model's: what it would not have
//! written is dropped.

use std::path::Path;

use antiphon_core::{Error, Kind, Result};
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;

use crate::embed;
use crate::engine::EngineOptions;
use crate::gguf;
use crate::load;
use crate::pace::Pace;
use crate::prefix_cache::common;
use crate::sampler;
use crate::shape::{self, Shape};
use crate::vocabulary::Vocabulary;
use crate::worker::BATCH;

/// A guess is made while it is at least so likely that all guesses so far are right. Each one costs a step of the
/// small model, and makes that of the large one longer.
const CONFIDENCE: f64 = 0.4;
/// Vocabularies are filled up to a round size: so many tokens more may one have that the other has not.
const PADDING: u32 = 128;

/// A small model with a context of its own.
pub(crate) struct Draft<'model> {
    context: LlamaContext<'model>,
    batch: LlamaBatch<'static>,
    /// The tokens that its context has seen.
    seen: Vec<i32>,
    /// Tokens that its context has room for.
    length: usize,
    /// Tokens that both models know.
    known: i32,
    pub(crate) pace: Pace,
}

/// Loads the model of that file, which is to guess for `model`.
pub(crate) fn load(path: &Path, model: &Vocabulary, options: &EngineOptions) -> Result<Vocabulary> {
    let outline = gguf::check(path)?;
    let draft = load::model(path, options)?;
    check_kind(&draft, outline.has_classifier)
        .map_err(|what| Error::new(Kind::LocalModel, format!("{}: {what}", path.display())))?;
    let draft = Vocabulary::new(draft.into());
    match difference(&draft, model) {
        None => Ok(draft),
        Some(difference) => {
            let message = format!("{}: {difference}, and a draft needs the same", path.display());
            Err(Error::new(Kind::LocalModel, message))
        }
    }
}

/// What keeps a model from being a draft, or from having one.
pub(crate) fn check_kind(model: &LlamaModel, has_classifier: bool) -> std::result::Result<(), &'static str> {
    let architecture = model.meta_val_str("general.architecture").unwrap_or_default();
    if gguf::is_encoder_decoder(&architecture) {
        return Err("a model with an encoder goes without drafts");
    }
    match embed::pooling(model, has_classifier) {
        Ok(None) if shape::can_go_back(model) => Ok(()),
        Ok(None) => {
            Err("a recurrent model, or one with a sliding window, cannot take back what it has read, \
                         and so goes without drafts")
        }
        _ => Err("a model for embeddings or reranking goes without drafts"),
    }
}

/// How the tokens of two models differ.
fn difference(draft: &Vocabulary, model: &Vocabulary) -> Option<String> {
    let (ours, theirs) = (draft.size(), model.size());
    if ours.abs_diff(theirs) > PADDING {
        return Some(format!("it has {ours} tokens, and the model {theirs}"));
    }
    let known = 0..ours.min(theirs).cast_signed();
    let other = known.into_iter().find(|token| draft.bytes(*token, true) != model.bytes(*token, true))?;
    let [ours, theirs] = [draft, model].map(|vocabulary| vocabulary.detokenize([other]));
    Some(format!("its token {other} is {ours:?}, and the model's is {theirs:?}"))
}

/// How a draft is loaded, for a model of so much context: for one sequence, with nothing kept.
pub(crate) fn options(options: &EngineOptions, length: u32) -> EngineOptions {
    EngineOptions {
        context: Some(length),
        cache_tokens: Some(length),
        sequences: Some(1),
        prefix_cache: Some(false),
        adapter: None,
        draft: None,
        ..options.clone()
    }
}

impl<'model> Draft<'model> {
    pub(crate) fn new(draft: &'model LlamaModel, model: &Shape, given: &EngineOptions) -> Result<Self> {
        let shape = Shape::of(draft, &options(given, model.length))?;
        Ok(Self {
            context: load::context(draft, &shape)?,
            batch: LlamaBatch::new(BATCH, 1),
            seen: Vec::new(),
            length: shape.length as usize,
            known: draft.n_vocab(),
            pace: Pace::default(),
        })
    }

    /// Guesses what follows `tokens`, at most so many; `None` where it cannot, or has to read on first. A long text is
    /// read in pieces, so that whoever comes meanwhile does not wait for it.
    pub(crate) fn guess(
        &mut self,
        tokens: &[i32],
        most: usize,
        vocabulary: &Vocabulary,
    ) -> Result<Option<Vec<i32>>> {
        let most = most.min(self.length.saturating_sub(tokens.len()));
        if most == 0 {
            return Ok(None);
        }
        let same = common(&self.seen, tokens).min(tokens.len() - 1);
        let left = &tokens[same..];
        if left.iter().any(|token| *token >= self.known) {
            return Ok(None);
        }
        self.go_back(same)?;
        let piece = &left[..left.len().min(BATCH)];
        self.read(piece)?;
        if piece.len() < left.len() {
            return Ok(None);
        }
        let mut guesses = Vec::with_capacity(most);
        let mut likelihood = 1.0;
        while let Some((token, probability)) = self.likeliest() {
            likelihood *= probability;
            let is_of_use = token < vocabulary.size().cast_signed() && !vocabulary.is_end(token);
            if likelihood < CONFIDENCE || !is_of_use {
                break;
            }
            guesses.push(token);
            if guesses.len() == most {
                break;
            }
            self.read(&[token])?;
        }
        Ok(Some(guesses))
    }

    fn go_back(&mut self, to: usize) -> Result<()> {
        if to == self.seen.len() {
            return Ok(());
        }
        match self.context.clear_kv_cache_seq(Some(0), Some(to as u32), None) {
            Ok(true) => {
                self.seen.truncate(to);
                Ok(())
            }
            _ => Err(Error::new(Kind::Internal, "its cache cannot go back")),
        }
    }

    /// The logits of the last of these tokens can be had then.
    fn read(&mut self, tokens: &[i32]) -> Result<()> {
        let failed = |what: &dyn std::fmt::Display| Error::new(Kind::Internal, what.to_string());
        self.batch.clear();
        for (at, token) in tokens.iter().enumerate() {
            let position = (self.seen.len() + at) as i32;
            let is_last = at + 1 == tokens.len();
            self.batch.add(LlamaToken(*token), position, &[0], is_last).map_err(|error| failed(&error))?;
        }
        self.context.decode(&mut self.batch).map_err(|error| failed(&error))?;
        self.seen.extend_from_slice(tokens);
        Ok(())
    }

    /// The likeliest next token, with its probability.
    fn likeliest(&self) -> Option<(i32, f64)> {
        let logits = self.context.get_logits_ith(self.batch.n_tokens() - 1);
        let token = sampler::likeliest(logits)?;
        let logit = f64::from(logits[token as usize]);
        Some((token.cast_signed(), (logit - sampler::log_sum_exp(logits)).exp()))
    }
}
