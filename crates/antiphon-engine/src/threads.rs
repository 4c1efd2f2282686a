//! The threads that calculate a model's steps, which stay from one step to the next.
//!
//! A context that is given none starts them anew for each step, and a new thread has to wait for its turn where the
//! processors are busy, as they are with the clients of a server: with one answer of a model of 500 M parameters
//! the steps take a good tenth longer.

use std::ops::{Deref, DerefMut};
use std::ptr::{NonNull, with_exposed_provenance_mut};

use llama_cpp_2::context::LlamaContext;
use llama_cpp_sys_2 as sys;

/// A context, and the threads that it calculates with.
pub(crate) struct Context<'model> {
    // The first to be dropped: it uses the others.
    context: LlamaContext<'model>,
    _threads: Option<Threads>,
}

impl<'model> Context<'model> {
    /// With so many threads for its steps; the one that asks for a step is one of them.
    pub(crate) fn new(context: LlamaContext<'model>, count: usize) -> Self {
        let threads = (count > 1).then(|| Threads::attach(&context, count)).flatten();
        Self { context, _threads: threads }
    }
}

impl<'model> Deref for Context<'model> {
    type Target = LlamaContext<'model>;

    fn deref(&self) -> &LlamaContext<'model> {
        &self.context
    }
}

impl DerefMut for Context<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.context
    }
}

/// Threads of llama.cpp. They sleep while there is nothing to calculate.
struct Threads(NonNull<sys::ggml_threadpool>);

#[expect(unsafe_code, reason = "what moves is a handle of threads, which are the same to all who ask them")]
// SAFETY: llama.cpp uses it under its own lock, and only from the thread that decodes.
unsafe impl Send for Threads {}

impl Threads {
    /// Starts them, for that context alone. None where they do not start: then it does without.
    #[expect(unsafe_code, reason = "llama-cpp-2 has nothing for the threads of a context")]
    fn attach(context: &LlamaContext<'_>, count: usize) -> Option<Threads> {
        let context = pointer(context)?;
        // SAFETY: the function has no preconditions.
        let mut params = unsafe { sys::ggml_threadpool_params_default(i32::try_from(count).ok()?) };
        // They would wait for the next step with the processor in their hands.
        params.poll = 0;
        // SAFETY: the parameters live for the call, which copies them.
        let threads = NonNull::new(unsafe { sys::ggml_threadpool_new(&raw mut params) })?;
        // SAFETY: the context is alive, nobody else uses it now, and it is dropped before its threads.
        unsafe { sys::llama_attach_threadpool(context.as_ptr(), threads.as_ptr(), threads.as_ptr()) };
        Some(Threads(threads))
    }
}

impl Drop for Threads {
    #[expect(unsafe_code, reason = "the same")]
    fn drop(&mut self) {
        // SAFETY: the context that used them is gone.
        unsafe { sys::ggml_threadpool_free(self.0.as_ptr()) }
    }
}

/// llama.cpp's own name for a context. llama-cpp-2 0.1.160 has it only in what it prints, and exactly that version
/// is what the workspace asks for; whoever changes it is told by the test below whether this still holds.
fn pointer(context: &LlamaContext<'_>) -> Option<NonNull<sys::llama_context>> {
    let printed = format!("{context:?}");
    let address = printed.strip_prefix("LlamaContext { context: 0x")?.strip_suffix(" }")?;
    NonNull::new(with_exposed_provenance_mut(usize::from_str_radix(address, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EngineOptions, builtin, load, shape::Shape};

    #[test]
    #[expect(unsafe_code, reason = "asks llama.cpp itself")]
    fn what_is_printed_is_the_context() {
        let model = load::model(&builtin::builtin_path(None).unwrap(), &EngineOptions::default()).unwrap();
        for cells in [1024, 2048] {
            let options =
                EngineOptions { cache_tokens: Some(cells), context: Some(512), ..Default::default() };
            let context = load::context(&model, &Shape::of(&model, &options).unwrap()).unwrap();
            let pointer = pointer(&context).expect("the form of what llama-cpp-2 prints is known");
            // SAFETY: the context is alive. A wrong address would at best be another number.
            assert_eq!(unsafe { sys::llama_n_ctx(pointer.as_ptr()) }, context.n_ctx());
            assert_eq!(context.n_ctx(), cells);
        }
    }

    #[test]
    fn several_threads_calculate_what_one_does() {
        let model = load::model(&builtin::builtin_path(None).unwrap(), &EngineOptions::default()).unwrap();
        let logits = |threads| {
            let options = EngineOptions { threads: Some(threads), ..EngineOptions::default() };
            let shape = Shape::of(&model, &options).unwrap();
            let mut context = load::context(&model, &shape).unwrap();
            let mut batch = llama_cpp_2::llama_batch::LlamaBatch::new(4, 1);
            for position in 0..4 {
                let token = llama_cpp_2::token::LlamaToken(20 + position);
                batch.add(token, position, &[0], position == 3).unwrap();
            }
            context.decode(&mut batch).unwrap();
            assert_eq!(context._threads.is_some(), shape.threads > 1);
            context.get_logits_ith(3).to_vec()
        };
        assert_eq!(logits(1), logits(2));
    }
}
