//! How large things are made: the context of a model, the cells of its cache, and the memory that all of it takes.

use antiphon_core::{Error, Result};
use llama_cpp_2::model::LlamaModel;

use crate::embed;
use crate::engine::EngineOptions;
use crate::gguf::{self, Outline};
use crate::system::{has_gpu, usable_cores};
use crate::worker::{BATCH, Limits};

/// Context for one request where nobody says: more costs memory that few requests use.
const DEFAULT_LENGTH: u32 = 8192;
/// The shortest context.
const MIN_LENGTH: u32 = 16;
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
/// Nor, of a large model, more than one part in so many of its weights: each step reads those, and what of the
/// cache is in use.
const CACHE_SHARE: u64 = 4;
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
    pub(crate) threads: usize,
    pub(crate) batch_threads: usize,
    keeps_prefixes: bool,
    /// Whether the cells are in memory that the processor reads by itself, where it matters what lies beside what.
    in_memory: bool,
    /// Whether answers are gathered in cells that lie together.
    gathers: bool,
    max_waiting: Option<usize>,
}

impl Shape {
    /// The sizes for a model that generates text.
    pub(crate) fn of(model: &LlamaModel, options: &EngineOptions) -> Result<Shape> {
        let length = length(model.n_ctx_train(), options)?;
        let sequences = sequences(model, options)?;
        let (threads, batch_threads) = threads(model, options)?;
        let can_go_back = can_go_back(model);
        let in_memory = options.gpu_layers == Some(0) || !has_gpu();
        let keeps_prefixes = options.prefix_cache.unwrap_or(true) && can_go_back;
        // One is left for what is moved, where there are so many.
        let kept_too = (sequences + KEPT).min(MAX_SEQUENCES - 1).max(sequences);
        let slots = if keeps_prefixes { kept_too } else { sequences };
        Ok(Shape {
            length,
            cells: cells(model, length, sequences, options)?,
            sequences,
            slots,
            in_memory,
            gathers: in_memory && can_go_back && (2..MAX_SEQUENCES).contains(&sequences),
            threads,
            batch_threads,
            keeps_prefixes,
            max_waiting: options.max_waiting.map(|most| most as usize),
        })
    }

    /// The sizes for a model that gives vectors: a text is read in one go, and short ones together.
    pub(crate) fn of_texts(model: &LlamaModel, options: &EngineOptions) -> Result<Shape> {
        let trained = model.n_ctx_train().max(1);
        let length = options.context.map_or(trained.min(DEFAULT_TEXT), |context| context.min(trained));
        let options = EngineOptions {
            context: Some(length),
            sequences: Some(embed::SEQUENCES),
            prefix_cache: Some(false),
            cache_tokens: None,
            ..options.clone()
        };
        Ok(Shape { cells: length.max(BATCH as u32), gathers: false, ..Shape::of(model, &options)? })
    }

    /// The sizes for a model with an encoder: it reads one prompt at a time, in one go.
    pub(crate) fn of_encoder(model: &LlamaModel, options: &EngineOptions) -> Result<Shape> {
        let options = EngineOptions {
            sequences: Some(1),
            prefix_cache: Some(false),
            cache_tokens: None,
            ..options.clone()
        };
        Shape::of(model, &options)
    }

    /// Sequences that llama.cpp has to know.
    pub(crate) fn known(&self) -> u32 {
        self.slots + u32::from(self.gathers)
    }

    /// What the worker may use.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            length: self.length as usize,
            cells: self.cells as usize,
            sequences: self.sequences as usize,
            slots: self.slots as usize,
            spare: self.gathers.then_some(self.slots as usize),
            sets_aside: self.in_memory,
            keeps_prefixes: self.keeps_prefixes,
            shelf: if self.keeps_prefixes { self.cells as usize } else { 0 },
            max_waiting: self.max_waiting,
        }
    }
}

/// Whether a sequence's start can be used without what was read after it: not the state of a recurrent model, nor
/// a cache that forgets what is out of a window.
pub(crate) fn can_go_back(model: &LlamaModel) -> bool {
    let architecture = model.meta_val_str("general.architecture").unwrap_or_default();
    let window = model.meta_val_str(&format!("{architecture}.attention.sliding_window"));
    let has_window = window.is_ok_and(|window| window != "0");
    !model.is_recurrent() && !model.is_hybrid() && !has_window
}

fn default_length(trained: u32, options: &EngineOptions) -> u32 {
    options.context.unwrap_or_else(|| trained.clamp(1, DEFAULT_LENGTH))
}

fn length(trained: u32, options: &EngineOptions) -> Result<u32> {
    match default_length(trained, options) {
        length if (MIN_LENGTH..=MAX_LENGTH).contains(&length) => Ok(length),
        length => {
            let message = format_args!("must be {MIN_LENGTH} to {MAX_LENGTH}, got {length}");
            Err(Error::invalid("context", message))
        }
    }
}

fn sequences(model: &LlamaModel, options: &EngineOptions) -> Result<u32> {
    let is_recurrent = model.is_recurrent() || model.is_hybrid();
    let default = if is_recurrent { RECURRENT_SEQUENCES } else { DEFAULT_SEQUENCES };
    match options.sequences.unwrap_or(default) {
        sequences if (1..=MAX_SEQUENCES).contains(&sequences) => Ok(sequences),
        sequences => {
            let message = format_args!("must be 1 to {MAX_SEQUENCES}, got {sequences}");
            Err(Error::invalid("sequences", message))
        }
    }
}

/// Threads for single tokens, and for prompts.
fn threads(model: &LlamaModel, options: &EngineOptions) -> Result<(usize, usize)> {
    let given = |name: &str, threads: Option<usize>| match threads {
        Some(0) => Err(Error::invalid(name, "must be at least 1, got 0")),
        given => Ok(given.map(|threads| threads.min(usable_cores()))),
    };
    let default = if model.n_params() < SMALL { 1 } else { usable_cores() };
    let threads = given("threads", options.threads)?.unwrap_or(default);
    Ok((threads, given("batch_threads", options.batch_threads)?.unwrap_or(threads)))
}

fn cells(model: &LlamaModel, length: u32, sequences: u32, options: &EngineOptions) -> Result<u32> {
    match options.cache_tokens {
        None => Ok(default_cells(cell_bytes(model), length, sequences, model.size())),
        Some(cells) if (length..=MAX_LENGTH).contains(&cells) => Ok(cells),
        Some(cells) => {
            let message =
                format_args!("must be {length} (one request's context) to {MAX_LENGTH}, got {cells}");
            Err(Error::invalid("cache_tokens", message))
        }
    }
}

/// Sequences have cells of their own as far as that takes little memory, or little beside the weights.
fn default_cells(cell: u64, length: u32, sequences: u32, weights: u64) -> u32 {
    let fitting = CACHE_BYTES.max(weights / CACHE_SHARE) / cell.max(1);
    let most = length.saturating_mul(sequences).min(MAX_LENGTH);
    u32::try_from(fitting).unwrap_or(most).min(most).max(length)
}

/// Bytes of cache that one token takes, keys and values in 16 bits each.
fn cell_bytes(model: &LlamaModel) -> u64 {
    let heads = u64::from(model.n_head().max(1));
    let width = u64::from(model.n_embd().unsigned_abs()) / heads * u64::from(model.n_head_kv().max(1));
    u64::from(model.n_layer()) * width * 4
}

/// About how many bytes of memory a model takes when it is loaded in that way: its weights, its cache, and what
/// it calculates with.
pub(crate) fn memory(outline: &Outline, options: &EngineOptions) -> u64 {
    let width = outline.number("embedding_length").unwrap_or(0);
    // A batch's logits, and some of its states in 32 bits.
    let working = BATCH as u64 * (outline.vocabulary + WORKING_STATES * width) * 4;
    let cells = estimated_cells(outline, options);
    let tokens = cells + estimated_shelf(outline, options, cells);
    outline.size + tokens * estimated_cell(outline, width) + working
}

/// Tokens of one sequence of the model that has that header.
pub(crate) fn length_of(outline: &Outline, options: &EngineOptions) -> u32 {
    let trained = outline.number("context_length").and_then(|length| u32::try_from(length).ok());
    default_length(trained.unwrap_or(DEFAULT_LENGTH), options)
}

fn estimated_cell(outline: &Outline, width: u64) -> u64 {
    let number = |name: &str| outline.number(name);
    let heads = number("attention.head_count").unwrap_or(1).max(1);
    let cached_heads = number("attention.head_count_kv").unwrap_or(heads);
    let [key, value] = ["key", "value"]
        .map(|what| number(&format!("attention.{what}_length")).unwrap_or(width / heads) * cached_heads);
    number("block_count").unwrap_or(0) * (key + value) * 2
}

fn estimated_cells(outline: &Outline, options: &EngineOptions) -> u64 {
    let length = length_of(outline, options);
    let cells = match options.cache_tokens {
        _ if is_of_texts(outline) => options.context.unwrap_or(DEFAULT_TEXT).max(BATCH as u32),
        Some(cells) => cells,
        None => {
            let width = outline.number("embedding_length").unwrap_or(0);
            let sequences = options.sequences.unwrap_or(DEFAULT_SEQUENCES);
            default_cells(estimated_cell(outline, width), length, sequences, outline.size)
        }
    };
    cells.into()
}

/// Tokens that are set aside.
fn estimated_shelf(outline: &Outline, options: &EngineOptions, cells: u64) -> u64 {
    let keeps = !is_of_texts(outline) && options.prefix_cache.unwrap_or(true);
    if keeps { cells } else { 0 }
}

fn is_of_texts(outline: &Outline) -> bool {
    gguf::is_encoder(&outline.architecture)
        || outline.number("pooling_type").is_some_and(|pooling| pooling > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{builtin, load};

    #[test]
    fn memory_is_known_from_the_header() {
        let outline = gguf::check(&builtin::builtin_path(None).unwrap()).unwrap();
        let memory = |options: EngineOptions| memory(&outline, &options);
        let plain = memory(EngineOptions::default());
        assert!(plain > outline.size + CACHE_BYTES / 4, "{plain}");
        let more = |cells| EngineOptions { cache_tokens: Some(cells), ..EngineOptions::default() };
        let model = load::model(&builtin::builtin_path(None).unwrap(), &EngineOptions::default()).unwrap();
        assert_eq!(
            memory(more(2000)) - memory(more(1000)),
            2 * 1000 * cell_bytes(&model),
            "in cells and aside"
        );
        assert_eq!(outline.vocabulary, u64::from(model.n_vocab().unsigned_abs()));
        let loaded = Shape::of(&model, &EngineOptions::default()).unwrap();
        assert_eq!(estimated_cells(&outline, &EngineOptions::default()), u64::from(loaded.cells));
    }

    #[test]
    fn the_cache_grows_with_the_model() {
        const LENGTH: u32 = 2048;
        let cells = |cell, weights| default_cells(cell, LENGTH, 32, weights);
        assert_eq!(cells(1 << 20, 0), LENGTH, "one request always fits");
        assert_eq!(cells(1 << 12, 0), 4096, "16 MiB, however small the model");
        assert_eq!(cells(1 << 15, 1 << 30), 8192, "a quarter of the weights");
        assert_eq!(cells(1 << 10, 1 << 40), 32 * LENGTH, "never more than all requests could use");
        assert_eq!(default_cells(0, MAX_LENGTH, 32, 0), MAX_LENGTH);
    }
}
