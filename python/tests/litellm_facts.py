"""What LiteLLM 1.109.1 was seen to have and to do. Recorded by running it; nothing here is its text."""

#: Parameters in order, as `inspect.signature` names them.
SIGNATURES = {
    "completion": """
        model messages timeout temperature top_p n stream stream_options stop
        max_completion_tokens max_tokens modalities prediction audio presence_penalty
        frequency_penalty logit_bias user reasoning_effort verbosity response_format seed tools
        tool_choice logprobs top_logprobs parallel_tool_calls web_search_options
        include_server_side_tool_invocations deployment_id extra_headers safety_identifier
        service_tier store prompt_cache_key prompt_cache_retention functions function_call
        base_url api_version api_key model_list thinking shared_session
        enable_json_schema_validation kwargs
    """,
    "acompletion": """
        model messages functions function_call timeout temperature top_p n stream stream_options
        stop max_tokens max_completion_tokens modalities prediction audio presence_penalty
        frequency_penalty logit_bias user response_format seed tools tool_choice
        parallel_tool_calls logprobs top_logprobs deployment_id reasoning_effort verbosity
        safety_identifier service_tier store prompt_cache_key prompt_cache_retention base_url
        api_version api_key model_list extra_headers thinking web_search_options
        include_server_side_tool_invocations shared_session enable_json_schema_validation kwargs
    """,
    "text_completion": """
        prompt model best_of echo frequency_penalty logit_bias logprobs max_tokens n
        presence_penalty stop stream stream_options suffix temperature top_p user api_base
        api_version api_key model_list custom_llm_provider args kwargs
    """,
    "embedding": """
        model input dimensions encoding_format timeout api_base api_version api_key api_type
        caching user custom_llm_provider litellm_call_id logger_fn kwargs
    """,
    "rerank": """
        model query documents custom_llm_provider top_n rank_fields return_documents
        max_chunks_per_doc max_tokens_per_doc kwargs
    """,
    "arerank": """
        model query documents custom_llm_provider top_n rank_fields return_documents
        max_chunks_per_doc kwargs
    """,
    "token_counter": """
        model custom_tokenizer text messages count_response_tokens tools tool_choice
        use_default_image_token_count default_token_count
    """,
    "encode": "model text custom_tokenizer",
    "decode": "model tokens custom_tokenizer skip_special_tokens",
    "completion_cost": """
        completion_response model prompt messages completion total_time call_type
        custom_llm_provider region_name size quality n custom_cost_per_token
        custom_cost_per_second optional_params custom_pricing base_model
        standard_built_in_tools_params litellm_model_name router_model_id litellm_logging_obj
        pricing_provider service_tier data_residency vertex_location
    """,
    "cost_per_token": """
        model prompt_tokens completion_tokens response_time_ms custom_llm_provider region_name
        prompt_characters completion_characters cache_creation_input_tokens
        cache_read_input_tokens custom_cost_per_token custom_cost_per_second number_of_queries
        usage_object rerank_billed_units call_type audio_transcription_file_duration
        service_tier data_residency vertex_location response request_model custom_model_info
        bedrock_model_info
    """,
    "get_model_info": "model custom_llm_provider api_base api_key",
    "get_llm_provider": "model custom_llm_provider api_base api_key litellm_params",
    "get_supported_openai_params": "model custom_llm_provider request_type base_model",
    "get_max_tokens": "model",
    "validate_environment": "model api_key api_base api_version",
    "check_valid_key": "model api_key",
    "batch_completion": """
        model messages functions function_call temperature top_p n stream stop max_tokens
        presence_penalty frequency_penalty logit_bias user deployment_id request_timeout timeout
        max_workers kwargs
    """,
    "stream_chunk_builder": "chunks messages start_time end_time logging_obj count_prompt_tokens",
    "register_model": """
        model_cost persist_across_reloads warning_display_name custom_llm_provider
        add_to_provider_model_sets
    """,
    "get_valid_models": "check_provider_endpoint custom_llm_provider litellm_params api_key api_base",
    "trim_messages": "messages model trim_ratio return_response_tokens max_tokens",
    **{
        f"supports_{ability}": "model custom_llm_provider"
        for ability in """
            assistant_prefill audio_input audio_output computer_use embedding_image_input
            function_calling native_streaming parallel_function_calling pdf_input prompt_caching
            reasoning response_schema system_messages tool_choice url_context video_input vision
            web_search
        """.split()
    },
}

#: Classes of errors that stand both in `litellm` and in `litellm.exceptions`, with their status.
EXCEPTIONS = {
    "APIConnectionError": 500,
    "APIResponseValidationError": None,
    "AuthenticationError": 401,
    "BadGatewayError": 502,
    "BadRequestError": 400,
    "ContentPolicyViolationError": 400,
    "ContextWindowExceededError": 400,
    "ImageFetchError": 400,
    "InternalServerError": 500,
    "InvalidRequestError": 400,
    "JSONSchemaValidationError": None,
    "NotFoundError": 404,
    "PaymentRequiredError": 402,
    "PermissionDeniedError": 403,
    "RateLimitError": 429,
    "ServiceUnavailableError": 503,
    "Timeout": 408,
    "UnprocessableEntityError": 422,
    "UnsupportedEndpointError": 400,
    "UnsupportedParamsError": 400,
}

#: Model, then what `get_llm_provider` says: the model in its provider's word, and the provider.
PROVIDERS = {
    "gpt-4o": ("gpt-4o", "openai"),
    "openai/gpt-4o": ("gpt-4o", "openai"),
    "claude-sonnet-4-5": ("claude-sonnet-4-5", "anthropic"),
    "anthropic/claude-3-haiku-20240307": ("claude-3-haiku-20240307", "anthropic"),
    "groq/llama3-8b": ("llama3-8b", "groq"),
    "together_ai/x/y": ("x/y", "together_ai"),
    "mistral/mistral-large": ("mistral-large", "mistral"),
    "deepseek/deepseek-chat": ("deepseek-chat", "deepseek"),
    "xai/grok-2": ("grok-2", "xai"),
    "openrouter/a/b": ("a/b", "openrouter"),
    "perplexity/sonar": ("sonar", "perplexity"),
    "huggingface/a/b": ("a/b", "huggingface"),
    "fireworks_ai/accounts/x": ("accounts/x", "fireworks_ai"),
    "cerebras/x": ("x", "cerebras"),
    "lm_studio/m": ("m", "lm_studio"),
    "hosted_vllm/x": ("x", "hosted_vllm"),
}

#: `api_base` of those whose address LiteLLM tells and we have as it does.
ADDRESSES = {
    "groq/x": "https://api.groq.com/openai/v1",
    "together_ai/x": "https://api.together.ai/v1",
    "mistral/x": "https://api.mistral.ai/v1",
    "xai/x": "https://api.x.ai/v1",
    "perplexity/x": "https://api.perplexity.ai",
    "fireworks_ai/x": "https://api.fireworks.ai/inference/v1",
    "cerebras/x": "https://api.cerebras.ai/v1",
}

#: Abilities of models, as `supports_…` tells them, by the models' names.
ABILITIES = {
    "function_calling": {
        "gpt-4o": True,
        "claude-sonnet-4-5": True,
        "gpt-3.5-turbo": True,
        "nonsense-x": False,
    },
    "vision": {"gpt-4o": True, "gpt-4o-mini": True, "claude-sonnet-4-5": True, "gpt-3.5-turbo": False},
    "response_schema": {"gpt-4o": True, "gpt-3.5-turbo": False, "nonsense-x": False},
    "parallel_function_calling": {"gpt-4o": True, "nonsense-x": False},
    "reasoning": {"gpt-4o": False, "claude-sonnet-4-5": True, "o3-mini": True},
    "prompt_caching": {"gpt-4o": True, "claude-sonnet-4-5": True},
    "pdf_input": {"gpt-4o": True, "claude-sonnet-4-5": True, "gpt-3.5-turbo": False},
    "tool_choice": {"gpt-4o": True, "claude-sonnet-4-5": True, "text-embedding-3-small": False},
}

#: Keys of `model_cost["sample_spec"]` that tell of tokens and abilities. The others are prices of services
#: that are not here (search of files, code interpreters, …).
SAMPLE_SPEC = """
    deprecation_date input_cost_per_audio_token input_cost_per_token litellm_provider max_input_tokens
    max_output_tokens mode output_cost_per_reasoning_token output_cost_per_token supports_audio_input
    supports_audio_output supports_function_calling supports_parallel_function_calling
    supports_prompt_caching supports_reasoning supports_response_schema supports_system_messages
    supports_vision supports_web_search
""".split()
