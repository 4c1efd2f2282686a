//! Guidance on the vocabulary of the built-in model.
