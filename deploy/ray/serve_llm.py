"""vLLM on a Ray cluster, scaled down to nothing while nobody asks.

    pip install "ray[llm]"
    serve run serve_llm:app

Ray answers OpenAI's requests on port 8000; config.toml beside this file puts antiphon before it.
"""

from ray.serve.llm import LLMConfig, build_openai_app

llama = LLMConfig(
    model_loading_config={
        # The name that requests have, and where the weights are.
        "model_id": "llama-3-8b",
        "model_source": "meta-llama/Meta-Llama-3-8B-Instruct",
    },
    accelerator_type="A10G",
    deployment_config={
        "autoscaling_config": {
            # No GPU is held while nobody asks; the first request wakes one up, and waits.
            "min_replicas": 0,
            "max_replicas": 4,
            "target_ongoing_requests": 64,
            "downscale_delay_s": 600,
        },
    },
    engine_kwargs={"max_model_len": 8192, "enable_prefix_caching": True},
)

app = build_openai_app({"llm_configs": [llama]})
