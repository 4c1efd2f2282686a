//! NVIDIA NIM. Address: docs.api.nvidia.com/nim; variables: LiteLLM 1.109, NVIDIA's own clients. Each model
//! has a list of fields of its own, and answers another one with 400 or 422, so that none can be named here.
//!
//! Embeddings: docs.nvidia.com/nim/nemo-retriever; models that tell questions from passages want
//! `input_type` beside. Raw prompts: of a few models alone; here a chat answers.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "nvidia_nim",
    name: "NVIDIA NIM",
    base_url: "https://integrate.api.nvidia.com/v1",
    key_variables: &["NVIDIA_NIM_API_KEY", "NVIDIA_API_KEY"],
    url_variables: &["NVIDIA_NIM_API_BASE"],
    embeddings: Some("openai-embeddings"),
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
