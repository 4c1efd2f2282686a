//! The Python face of antiphon: extract, release the GIL and call, wrap.
//!
//! Everything that decides stands in `antiphon`; here Python's values become a call, and its answer becomes
//! Python's objects. The classes of those objects and of the exceptions are written in Python
//! (`python/antiphon/`), as are event loops (`_aio.py`).

mod arguments;
mod call;
mod callbacks;
mod chunks;
mod endpoints;
#[cfg(feature = "local")]
mod engine_process;
mod errors;
mod exchange;
mod extract;
mod hub;
mod mailbox;
mod models;
mod providers;
mod runtime;
mod settings;
mod stream;
mod tokens;
mod wrap;
mod zoo;

use pyo3::prelude::*;

/// The native half of the package `antiphon`.
#[pymodule(name = "_antiphon")]
mod module {
    #[pymodule_export]
    use super::call::{Pending, begin, completion, panic_for_tests, set_default_cache_path};
    #[pymodule_export]
    use super::callbacks::{Reporter, mute};
    #[pymodule_export]
    use super::chunks::fold_chunks;
    #[pymodule_export]
    use super::endpoints::{embedding, rerank, text_completion};
    #[cfg(feature = "local")]
    #[pymodule_export]
    use super::engine_process::run_engine_process;
    #[pymodule_export]
    use super::errors::error_rows;
    #[pymodule_export]
    use super::exchange::exchange;
    #[pymodule_export]
    use super::hub::Hub;
    #[pymodule_export]
    use super::models::{
        alias_names, call_cost, model_info, model_map, model_names, register_models, search_models,
    };
    #[pymodule_export]
    use super::providers::{provider_ids, provider_of};
    #[pymodule_export]
    use super::runtime::shutdown;
    #[pymodule_export]
    use super::settings::{
        set_call_log_path, set_default_request_rate_limit, set_request_rate_limit, take_tracked, track,
        written_call_log,
    };
    #[pymodule_export]
    use super::stream::CompletionStream;
    #[pymodule_export]
    use super::tokens::{count_chat, count_text, decode, encode};
    #[pymodule_export]
    use super::zoo::{Pull, zoo_info, zoo_list, zoo_path, zoo_remove};

    use super::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        #[cfg(feature = "local")]
        super::engine_process::set_command(module.py())?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("LOCAL_MODELS", antiphon::local::ENABLED)?;
        module.add("option_names", antiphon::option_names().collect::<Vec<_>>())?;
        let around = antiphon::option_names().filter(|name| antiphon::is_call_option(name));
        module.add("call_option_names", around.collect::<Vec<_>>())
    }
}
