//! Prices and limits of OpenAI's models, dollars for a million tokens.
//!
//! Source: <https://developers.openai.com/api/docs/pricing>, as of 2026-11-20.

use super::{Model, row};

/// Name; input, read from the cache, written to it, output; most tokens in and out.
pub(super) static MODELS: &[Model] = &[
    row("gpt-3.5-turbo", 0.5, None, None, 1.5, 16_385, 4_096),
    row("gpt-4.1", 2.0, Some(0.5), None, 8.0, 1_047_576, 32_768),
    row("gpt-4.1-mini", 0.4, Some(0.1), None, 1.6, 1_047_576, 32_768),
    row("gpt-4.1-nano", 0.1, Some(0.025), None, 0.4, 1_047_576, 32_768),
    row("gpt-4o", 2.5, Some(1.25), None, 10.0, 128_000, 16_384),
    row("gpt-4o-mini", 0.15, Some(0.075), None, 0.6, 128_000, 16_384),
    row("gpt-5", 1.25, Some(0.125), None, 10.0, 272_000, 128_000),
    row("gpt-5-chat-latest", 1.25, Some(0.125), None, 10.0, 128_000, 16_384),
    row("gpt-5-mini", 0.25, Some(0.025), None, 2.0, 272_000, 128_000),
    row("gpt-5-nano", 0.05, Some(0.005), None, 0.4, 272_000, 128_000),
    row("gpt-5.1", 1.25, Some(0.125), None, 10.0, 272_000, 128_000),
    row("gpt-5.1-chat-latest", 1.25, Some(0.125), None, 10.0, 128_000, 16_384),
    row("gpt-5.2", 1.75, Some(0.175), None, 14.0, 272_000, 128_000),
    row("gpt-5.2-chat-latest", 1.75, Some(0.175), None, 14.0, 128_000, 16_384),
    row("gpt-5.3-chat-latest", 1.75, Some(0.175), None, 14.0, 128_000, 16_384),
    row("gpt-5.4", 2.5, Some(0.25), None, 15.0, 1_050_000, 128_000).flat_up_to(272_000),
    row("gpt-5.4-mini", 0.75, Some(0.075), None, 4.5, 272_000, 128_000),
    row("gpt-5.4-nano", 0.2, Some(0.02), None, 1.25, 272_000, 128_000),
    row("gpt-5.5", 5.0, Some(0.5), None, 30.0, 1_050_000, 128_000).flat_up_to(272_000),
    row("gpt-5.6-luna", 0.2, Some(0.02), Some(0.25), 1.2, 922_000, 128_000).flat_up_to(272_000),
    row("gpt-5.6-sol", 4.0, Some(0.4), Some(5.0), 20.0, 922_000, 128_000).flat_up_to(272_000),
    row("gpt-5.6-terra", 2.0, Some(0.2), Some(2.5), 12.0, 922_000, 128_000).flat_up_to(272_000),
    row("gpt-6-astra", 10.0, Some(1.0), Some(12.5), 50.0, 922_000, 128_000).flat_up_to(272_000),
    row("gpt-6-luna", 0.1, Some(0.01), Some(0.125), 0.5, 922_000, 128_000).flat_up_to(272_000),
    row("gpt-6-sol", 2.0, Some(0.2), Some(2.5), 10.0, 922_000, 128_000).flat_up_to(272_000),
    row("gpt-6.1-sol", 2.0, Some(0.1), Some(2.5), 10.0, 922_000, 128_000).flat_up_to(272_000),
    row("gpt-6.1-terra", 1.0, Some(0.05), Some(1.25), 5.0, 922_000, 128_000).flat_up_to(272_000),
    row("o1", 15.0, Some(7.5), None, 60.0, 200_000, 100_000),
    row("o3", 2.0, Some(0.5), None, 8.0, 200_000, 100_000),
    row("o3-mini", 1.1, Some(0.55), None, 4.4, 200_000, 100_000),
    row("o4-mini", 1.1, Some(0.275), None, 4.4, 200_000, 100_000),
];
