//! vLLM by its own name; `hosted_vllm` is LiteLLM's.

use antiphon_core::Provider;

pub(super) const PROVIDER: Provider = Provider { id: "vllm", ..super::hosted_vllm::PROVIDER };
