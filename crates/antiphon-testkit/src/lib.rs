//! What antiphon's tests share.
//!
//! [`fixtures`] finds the cases under `fixtures/<dialect>/<case>/`; [`laws`] runs each through everything
//! that must hold for every dialect. A new case is a folder, a new law a function: neither touches the other.
//! [`faultd`] is an upstream that answers by script and can misbehave in every way that a socket allows.
//! [`hub`] is a hub of models' weights; [`random_gguf`] writes small models of random ones.

pub mod faultd;
pub mod fixtures;
pub mod hub;
pub mod laws;
pub mod portable;
pub mod random_gguf;
