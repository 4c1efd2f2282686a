//! Loading: from a file to a model, its context and what is known of it.

use std::num::NonZeroU32;
use std::path::Path;

use antiphon_core::{Error, Kind, Result};
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::{LlamaContextParams, LlamaPoolingType};
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;

use crate::embed;
use crate::engine::{EngineOptions, ModelInfo};
use crate::gguf::{self, Outline};
use crate::system::{self, backend, usable_cores};
use crate::template::{Fallback, Template};
use crate::vocabulary::Vocabulary;
use crate::worker::{BATCH, Limits};

/// Context for one request where nobody says: more costs memory that few requests use.
const DEFAULT_LENGTH: u32 = 8192;
/// More tokens than any model was trained for.
const MAX_LENGTH: u32 = 1 << 24;
/// Tokens of one text where nobody says: a whole text is read at once, and that takes memory.
const DEFAULT_TEXT: u32 = 2048;
const DEFAULT_SEQUENCES: u32 = 32;
/// Each sequence of a recurrent model has a state of its own, of megabytes.
const RECURRENT_SEQUENCES: u32 = 8;
/// Prefixes that are kept beside the sequences that run.
const KEPT: u32 = 32;
/// llama.cpp's limit.
const MAX_SEQUENCES: u32 = 256;
/// Sequences get cells of their own as far as all of them take no more than this, else they share.
const CACHE_BYTES: u64 = 16 << 20;
/// So many states of each token of a batch are held at once, about, while it is calculated.
const WORKING_STATES: u64 = 16;
/// Below this many parameters a second thread costs more than it gives.
const SMALL: u64 = 5_000_000;

/// The sizes that a context is made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Tokens of one sequence.
    pub(crate) length: u32,
    /// Tokens of all sequences.
    pub(crate) cells: u32,
    /// Sequences that run at once.
    pub(crate) sequences: u32,
    /// Sequences that the context knows: those that run, and those whose cells are kept.
    pub(crate) slots: u32,
    keeps_prefixes: bool,
    max_waiting: Option<usize>,
    threads: usize,
    batch_threads: usize,
}

impl Shape {
    /// What the worker may use.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            length: self.length as usize,
            cells: self.cells as usize,
            sequences: self.sequences as usize,
            slots: self.slots as usize,
            keeps_prefixes: self.keeps_prefixes,
            max_waiting: self.max_waiting,
        }
    }
}

pub(crate) fn model(path: &Path, options: &EngineOptions) -> Result<LlamaModel> {
    let backend = backend()?;
    let mut params = LlamaModelParams::default();
    if let Some(layers) = options.gpu_layers {
        params = params.with_n_gpu_layers(layers);
    }
    system::take_first_error();
    LlamaModel::load_from_file(backend, path, &params).map_err(|error| {
        let reason = system::take_first_error().map_or_else(|| error.to_string(), |line| last_part(&line));
        Error::new(Kind::LocalModel, format!("{}: {reason}", path.display()))
    })
}

/// llama.cpp says `function: what failed: why`; the last part is what a reader can use.
fn last_part(line: &str) -> String {
    let line = line.strip_prefix("llama_model_load: ").unwrap_or(line);
    line.strip_prefix("error loading model: ").unwrap_or(line).to_owned()
}

pub(crate) fn shape(model: &LlamaModel, options: &EngineOptions) -> Result<Shape> {
    let trained = model.n_ctx_train().max(1);
    let length = options.context.unwrap_or_else(|| trained.min(DEFAULT_LENGTH));
    let keeps = options.prefix_cache.unwrap_or(true) && can_share_prefixes(model);
    let is_recurrent = model.is_recurrent() || model.is_hybrid();
    let default = if is_recurrent { RECURRENT_SEQUENCES } else { DEFAULT_SEQUENCES };
    let sequences = options.sequences.unwrap_or(default);
    if !(16..=MAX_LENGTH).contains(&length) {
        return Err(Error::invalid("context", format_args!("must be 16 to {MAX_LENGTH}, got {length}")));
    }
    if !(1..=MAX_SEQUENCES).contains(&sequences) {
        return Err(Error::invalid(
            "sequences",
            format_args!("must be 1 to {MAX_SEQUENCES}, got {sequences}"),
        ));
    }
    let default = if model.n_params() < SMALL { 1 } else { usable_cores() };
    let threads = threads("threads", options.threads)?.unwrap_or(default);
    let batch_threads = self::threads("batch_threads", options.batch_threads)?.unwrap_or(threads);
    let cells = match options.cache_tokens {
        None => default_cells(cell_bytes(model), length, sequences),
        Some(cells) if (length..=MAX_LENGTH).contains(&cells) => cells,
        Some(cells) => {
            let message =
                format_args!("must be {length} (one request's context) to {MAX_LENGTH}, got {cells}");
            return Err(Error::invalid("cache_tokens", message));
        }
    };
    let slots = if keeps { (sequences + KEPT).min(MAX_SEQUENCES) } else { sequences };
    let max_waiting = options.max_waiting.map(|most| most as usize);
    Ok(Shape { length, cells, sequences, slots, keeps_prefixes: keeps, max_waiting, threads, batch_threads })
}

/// Whether the cells of a sequence's start can be used without those after them: not the state of a recurrent
/// model, nor a cache that forgets what is out of a window.
fn can_share_prefixes(model: &LlamaModel) -> bool {
    let architecture = model.meta_val_str("general.architecture").unwrap_or_default();
    let window = model.meta_val_str(&format!("{architecture}.attention.sliding_window"));
    let has_window = window.is_ok_and(|window| window != "0");
    !model.is_recurrent() && !model.is_hybrid() && !has_window
}

fn threads(name: &str, given: Option<usize>) -> Result<Option<usize>> {
    match given {
        Some(0) => Err(Error::invalid(name, "must be at least 1, got 0")),
        given => Ok(given.map(|threads| threads.min(usable_cores()))),
    }
}

/// Sequences have cells of their own as far as that takes little memory.
fn default_cells(cell: u64, length: u32, sequences: u32) -> u32 {
    let fitting = CACHE_BYTES / (cell * u64::from(length)).max(1);
    length.saturating_mul(fitting.clamp(1, sequences.into()) as u32)
}

/// About how many bytes of memory a model takes when it is loaded in that way: its weights, its cache, and what
/// it calculates with.
pub(crate) fn memory(outline: &Outline, options: &EngineOptions) -> u64 {
    let number = |name: &str| outline.number(name);
    let width = number("embedding_length").unwrap_or(0);
    let heads = number("attention.head_count").unwrap_or(1).max(1);
    let cached_heads = number("attention.head_count_kv").unwrap_or(heads);
    let [key, value] = ["key", "value"]
        .map(|what| number(&format!("attention.{what}_length")).unwrap_or(width / heads) * cached_heads);
    let cell = number("block_count").unwrap_or(0) * (key + value) * 2;
    let trained = number("context_length").and_then(|length| u32::try_from(length).ok());
    let length = options.context.unwrap_or_else(|| trained.unwrap_or(DEFAULT_LENGTH).min(DEFAULT_LENGTH));
    let sequences = options.sequences.unwrap_or(DEFAULT_SEQUENCES);
    let cells = options.cache_tokens.unwrap_or_else(|| default_cells(cell, length, sequences));
    // A batch's logits, and some of its states in 32 bits.
    let working = BATCH as u64 * (outline.vocabulary + WORKING_STATES * width) * 4;
    outline.size + u64::from(cells) * cell + working
}

/// Bytes of cache that one token takes, keys and values in 16 bits each.
fn cell_bytes(model: &LlamaModel) -> u64 {
    let heads = u64::from(model.n_head().max(1));
    let width = u64::from(model.n_embd().unsigned_abs()) / heads * u64::from(model.n_head_kv().max(1));
    u64::from(model.n_layer()) * width * 4
}

pub(crate) fn context<'model>(model: &'model LlamaModel, shape: &Shape) -> Result<LlamaContext<'model>> {
    new_context(model, shape, params(shape, BATCH as u32))
}

fn params(shape: &Shape, batch: u32) -> LlamaContextParams {
    LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(shape.cells))
        .with_n_batch(batch)
        .with_n_ubatch(batch)
        .with_n_seq_max(shape.slots)
        .with_kv_unified(true)
        .with_n_threads(shape.threads as i32)
        .with_n_threads_batch(shape.batch_threads as i32)
        .with_no_perf(true)
}

fn new_context<'model>(
    model: &'model LlamaModel,
    shape: &Shape,
    params: LlamaContextParams,
) -> Result<LlamaContext<'model>> {
    model.new_context(backend()?, params).map_err(|error| {
        let reason = system::take_first_error().unwrap_or_else(|| error.to_string());
        let message = format!("no context of {} tokens: {reason}", shape.cells);
        Error::new(Kind::LocalModel, message).hint("a smaller context= takes less memory")
    })
}

/// The sizes that the context of vectors is made with: a text is read in one go, and short ones together.
pub(crate) fn text_shape(model: &LlamaModel, options: &EngineOptions) -> Result<Shape> {
    let trained = model.n_ctx_train().max(1);
    let length = options.context.map_or(trained.min(DEFAULT_TEXT), |context| context.min(trained));
    let options = EngineOptions {
        context: Some(length),
        sequences: Some(embed::SEQUENCES),
        prefix_cache: Some(false),
        cache_tokens: None,
        ..options.clone()
    };
    Ok(Shape { cells: length.max(BATCH as u32), ..shape(model, &options)? })
}

/// The sizes that the context of a model with an encoder is made with: it reads one prompt at a time, in one go.
pub(crate) fn encoder_shape(model: &LlamaModel, options: &EngineOptions) -> Result<Shape> {
    let options = EngineOptions {
        sequences: Some(1),
        prefix_cache: Some(false),
        cache_tokens: None,
        ..options.clone()
    };
    shape(model, &options)
}

pub(crate) fn encoder_context<'model>(
    model: &'model LlamaModel,
    shape: &Shape,
) -> Result<LlamaContext<'model>> {
    new_context(model, shape, params(shape, shape.length))
}

pub(crate) fn text_context<'model>(
    model: &'model LlamaModel,
    shape: &Shape,
    pooling: LlamaPoolingType,
) -> Result<LlamaContext<'model>> {
    let params = params(shape, shape.cells).with_embeddings(true).with_pooling_type(pooling);
    new_context(model, shape, params)
}

pub(crate) fn template(model: &LlamaModel, vocabulary: &Vocabulary) -> Template {
    let named = |key: &str| model.meta_val_str(key).ok().filter(|template| !template.is_empty());
    let own = named("tokenizer.chat_template");
    let with_tools = named("tokenizer.chat_template.tool_use");
    let fallback = match model.meta_val_str("general.architecture") {
        Ok(architecture) if gguf::is_encoder_decoder(&architecture) => Fallback::Text,
        _ if vocabulary.has("<|im_start|>") => Fallback::ChatMl,
        _ => Fallback::Lines,
    };
    Template::new(own, with_tools, fallback).tokens(vocabulary.bos_text(), vocabulary.eos_text())
}

/// Name and file size are the caller's to fill in.
pub(crate) fn info(
    model: &LlamaModel,
    shape: &Shape,
    vocabulary: &Vocabulary,
    template: &Template,
) -> ModelInfo {
    let meta = |key: &str| model.meta_val_str(key).unwrap_or_default();
    let description = [meta("general.name"), meta("general.size_label")].join(" ").trim().to_owned();
    ModelInfo {
        name: String::new(),
        architecture: meta("general.architecture"),
        description,
        parameters: model.n_params(),
        file_size: 0,
        context_length: shape.length,
        vocabulary: vocabulary.size(),
        embedding_length: None,
        is_reranker: false,
        has_chat_template: template.is_own(),
        threads: shape.threads,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{builtin, gguf};

    #[test]
    fn memory_is_known_from_the_header() {
        let outline = gguf::check(&builtin::builtin_path(None).unwrap()).unwrap();
        let memory = |options: EngineOptions| memory(&outline, &options);
        let plain = memory(EngineOptions::default());
        assert!(plain > outline.size + CACHE_BYTES / 4, "{plain}");
        let more = |cells| EngineOptions { cache_tokens: Some(cells), ..EngineOptions::default() };
        let model = model(&builtin::builtin_path(None).unwrap(), &EngineOptions::default()).unwrap();
        assert_eq!(memory(more(2000)) - memory(more(1000)), 1000 * cell_bytes(&model));
        assert_eq!(outline.vocabulary, u64::from(model.n_vocab().unsigned_abs()));
    }
}
