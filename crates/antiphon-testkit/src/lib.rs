//! What antiphon's tests share.
//!
//! [`fixtures`] finds the cases under `fixtures/<dialect>/<case>/`; [`laws`] runs each through everything
//! that must hold for every dialect. A new case is a folder, a new law a function: neither touches the other.

pub mod fixtures;
pub mod laws;
