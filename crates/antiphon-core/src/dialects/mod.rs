//! One folder a wire dialect.
