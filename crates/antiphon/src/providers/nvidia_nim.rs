//! NVIDIA NIM. Keys and address: its API reference.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "nvidia_nim",
    name: "NVIDIA NIM",
    base_url: "https://integrate.api.nvidia.com/v1",
    key_variables: &["NVIDIA_NIM_API_KEY", "NVIDIA_API_KEY"],
    url_variables: &["NVIDIA_NIM_API_BASE"],
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
