//! The floor for many answers at once: llama.cpp's batch interface and nothing around it.
//!
//!     bare_loop MODEL THREADS CONTEXT shared|apart
//!
//! Each line on stdin is `{"prompts": ["…"], "max_tokens": 64}`; the answer on stdout says how many seconds
//! it took. All prompts are read in one batch, then every step feeds one token of each sequence and takes
//! the likeliest next one. There is no stop, no text, no stream. `shared` lets the sequences share the
//! cells of one cache, `apart` gives each its part of them.
#![expect(clippy::print_stdout, reason = "a command")]

use std::error::Error;
use std::io::BufRead;
use std::num::NonZeroU32;
use std::time::Instant;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::token::LlamaToken;
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error>>;

const SEQUENCES: u32 = 8;
const BATCH: usize = 512;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, threads, context, cache] = &arguments[..] else {
        return Err("usage: bare_loop MODEL THREADS CONTEXT shared|apart".into());
    };
    let mut backend = LlamaBackend::init()?;
    backend.void_logs();
    let model = LlamaModel::load_from_file(&backend, model, &LlamaModelParams::default())?;
    let threads = threads.parse()?;
    let params = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(context.parse()?))
        .with_n_batch(BATCH as u32)
        .with_n_ubatch(BATCH as u32)
        .with_n_seq_max(SEQUENCES)
        .with_kv_unified(cache == "shared")
        .with_n_threads(threads)
        .with_n_threads_batch(threads)
        .with_no_perf(true);
    let mut context = model.new_context(&backend, params)?;
    for line in std::io::stdin().lock().lines() {
        println!("{}", answer(&model, &mut context, &serde_json::from_str(&line?)?)?);
    }
    Ok(())
}

fn answer(model: &LlamaModel, context: &mut LlamaContext<'_>, question: &Value) -> Outcome<Value> {
    let steps = question["max_tokens"].as_u64().ok_or("max_tokens is missing")? as usize;
    let texts = question["prompts"].as_array().ok_or("prompts is missing")?;
    let begin = Instant::now();
    let tokenize = |text: &str| model.vocab().tokenize(text.as_bytes(), true, false);
    let prompts: Vec<Vec<LlamaToken>> = texts.iter().filter_map(Value::as_str).map(tokenize).collect();
    context.clear_kv_cache();
    let mut next = read(context, &prompts)?;
    let all_read = Instant::now();
    let mut batch = LlamaBatch::new(prompts.len(), 1);
    for step in 1..steps {
        batch.clear();
        for (sequence, (token, prompt)) in next.iter().zip(&prompts).enumerate() {
            batch.add(*token, (prompt.len() + step - 1) as i32, &[sequence as i32], true)?;
        }
        context.decode(&mut batch)?;
        next = (0..prompts.len()).map(|place| likeliest(context.get_logits_ith(place as i32))).collect();
    }
    Ok(json!({
        "seconds": begin.elapsed().as_secs_f64(),
        "tokens": steps * prompts.len(),
        "generating": all_read.elapsed().as_secs_f64(),
        "generated": (steps - 1) * prompts.len(),
        "prompt_tokens": prompts.iter().map(Vec::len).sum::<usize>(),
    }))
}

/// Reads all prompts in one batch; the first token of each answer comes back.
fn read(context: &mut LlamaContext<'_>, prompts: &[Vec<LlamaToken>]) -> Outcome<Vec<LlamaToken>> {
    let mut batch = LlamaBatch::new(BATCH, 1);
    let mut places = Vec::new();
    for (sequence, prompt) in prompts.iter().enumerate() {
        for (position, token) in prompt.iter().enumerate() {
            batch.add(*token, position as i32, &[sequence as i32], position + 1 == prompt.len())?;
        }
        places.push(batch.n_tokens() - 1);
    }
    context.decode(&mut batch)?;
    Ok(places.into_iter().map(|place| likeliest(context.get_logits_ith(place))).collect())
}

/// Eight running maxima, so that the compiler can use vectors; then the first place of the greatest.
fn likeliest(logits: &[f32]) -> LlamaToken {
    let mut lanes = [f32::NEG_INFINITY; 8];
    let chunks = logits.chunks_exact(8);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, logit) in lanes.iter_mut().zip(chunk) {
            *lane = if *logit > *lane { *logit } else { *lane };
        }
    }
    let greatest = lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max);
    LlamaToken(logits.iter().position(|logit| *logit == greatest).unwrap_or(0) as i32)
}
