"""LiteLLM's settings, with their values before anybody assigns another.

They are globals of ``antiphon.litellm``, read at each call. Those that stand here for no other reason than
that programs assign them are told apart below.
"""

# What a call does.
drop_params = False
num_retries = None
request_timeout = None
model_alias_map: dict[str, str] = {}
model_fallbacks = None
headers = None
organization = None
project = None
api_base = None
cache = None
max_budget = 0.0
_current_cost = 0.0

# Keys. Beside these, `NAME_key` and `NAME_api_key` of every provider that antiphon has are looked at.
api_key = None
openai_key = None
anthropic_key = None
cerebras_key = None
deepseek_key = None
fireworks_ai_key = None
groq_key = None
huggingface_key = None
mistral_key = None
nebius_key = None
openrouter_key = None
perplexity_key = None
togetherai_api_key = None
xai_key = None

# Who hears of calls.
callbacks: list[object] = []
input_callback: list[object] = []
success_callback: list[object] = []
failure_callback: list[object] = []
turn_off_message_logging = False

# What antiphon does not have: set to anything else, calls are refused.
ssl_verify = True
client_session = None
aclient_session = None
pre_call_rules: list[object] = []
post_call_rules: list[object] = []

# Assigned by many programs, and of no consequence here: antiphon prints nothing, sends no telemetry, changes
# no parameters on its own, checks the form of every answer, and has its own connections.
add_function_to_prompt = False
allowed_fails = 3
api_version = None
context_window_fallbacks = None
default_fallbacks = None
default_in_memory_ttl = None
disable_aiohttp_transport = False
disable_streaming_logging = False
enable_json_schema_validation = False
fallbacks = None
force_ipv4 = False
include_cost_in_streaming_usage = False
in_memory_llm_clients_cache = None
log_raw_request_response = False
max_tokens = 256
modify_params = False
return_response_headers = False
retry = True
set_verbose = False
suppress_debug_info = False
telemetry = True
use_aiohttp_transport = True
use_client = False
