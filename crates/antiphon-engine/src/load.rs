//! Loading: from a file to a model, its context and what is known of it.

use std::num::NonZeroU32;
use std::path::Path;

use antiphon_core::{Error, Kind, Result};
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::{LlamaContextParams, LlamaPoolingType};
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;

use crate::engine::{EngineOptions, ModelInfo};
use crate::gguf;
use crate::shape::Shape;
use crate::system::{self, backend};
use crate::template::{Fallback, Template};
use crate::vocabulary::Vocabulary;
use crate::worker::BATCH;

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

pub(crate) fn context<'model>(model: &'model LlamaModel, shape: &Shape) -> Result<LlamaContext<'model>> {
    new_context(model, shape, params(shape, BATCH as u32))
}

fn params(shape: &Shape, batch: u32) -> LlamaContextParams {
    LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(shape.cells))
        .with_n_batch(batch)
        .with_n_ubatch(batch)
        .with_n_seq_max(shape.known())
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
