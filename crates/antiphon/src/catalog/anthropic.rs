//! Prices and limits of Anthropic's models, dollars for a million tokens.
//!
//! Source: <https://platform.claude.com/docs/en/about-claude/pricing>, as of 2026-11-20.

use super::{Model, row};

/// Name; input, read from the cache, written to it, output; most tokens in and out.
pub(super) static MODELS: &[Model] = &[
    row("claude-3-5-sonnet", 3.0, Some(0.3), Some(3.75), 15.0, 200_000, 8_192),
    row("claude-fable-5", 10.0, Some(1.0), Some(12.5), 50.0, 1_000_000, 128_000),
    row("claude-fable-5-1", 10.0, Some(0.25), Some(12.5), 50.0, 1_000_000, 128_000),
    row("claude-haiku-4-5", 1.0, Some(0.1), Some(1.25), 5.0, 200_000, 64_000),
    row("claude-haiku-5-5", 0.1, Some(0.01), Some(0.125), 0.5, 1_000_000, 128_000).flat_up_to(100_000),
    row("claude-mythos-5", 10.0, Some(1.0), Some(12.5), 50.0, 1_000_000, 128_000),
    row("claude-mythos-5-1", 10.0, Some(0.25), Some(12.5), 50.0, 1_000_000, 128_000),
    row("claude-opus-4-5", 5.0, Some(0.5), Some(6.25), 25.0, 200_000, 64_000),
    row("claude-opus-4-6", 5.0, Some(0.5), Some(6.25), 25.0, 1_000_000, 128_000),
    row("claude-opus-4-7", 5.0, Some(0.5), Some(6.25), 25.0, 1_000_000, 128_000),
    row("claude-opus-4-8", 5.0, Some(0.5), Some(6.25), 25.0, 1_000_000, 128_000),
    row("claude-opus-5", 5.0, Some(0.5), Some(6.25), 25.0, 1_000_000, 128_000),
    row("claude-opus-5-5", 4.0, Some(0.2), Some(5.0), 20.0, 1_000_000, 128_000),
    row("claude-sonnet-4-5", 3.0, Some(0.3), Some(3.75), 15.0, 200_000, 64_000),
    row("claude-sonnet-4-6", 3.0, Some(0.3), Some(3.75), 15.0, 1_000_000, 128_000),
    row("claude-sonnet-5", 2.0, Some(0.2), Some(2.5), 10.0, 1_000_000, 128_000),
    row("claude-sonnet-5-5", 2.0, Some(0.1), Some(2.5), 10.0, 1_000_000, 128_000),
];
