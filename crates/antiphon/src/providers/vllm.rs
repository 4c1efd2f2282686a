//! vLLM by its own name; `hosted_vllm` is LiteLLM's. The variable is the one by which vLLM itself is given its key
//! (docs.vllm.ai, "Environment Variables").

use antiphon_core::Provider;

pub(super) const PROVIDER: Provider = Provider {
    id: "vllm",
    key_variables: &["VLLM_API_KEY"],
    url_variables: &[],
    ..super::hosted_vllm::PROVIDER
};
