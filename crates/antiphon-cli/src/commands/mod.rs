//! The verbs, one file each (`models` has two): a function of its arguments and a printer.

pub(crate) mod batch;
pub(crate) mod cache;
pub(crate) mod chat;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod keys;
pub(crate) mod man;
pub(crate) mod model_card;
pub(crate) mod models;
pub(crate) mod prompt;
#[cfg(feature = "serve")]
pub(crate) mod serve;
pub(crate) mod tokens;
pub(crate) mod zoo;
