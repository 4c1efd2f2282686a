//! One file a family of routes.

pub(crate) mod health;
pub(crate) mod openai;
