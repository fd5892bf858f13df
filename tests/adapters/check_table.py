"""Which description each adapter is checked against, and for what there is none. For check_specs.py and docs/conformance.md.

An adapter stands in DESCRIBED or in UNDESCRIBED. In DESCRIBED: (files, what URLs start with before the description's paths, as a regular expression), or a list of these.
Descriptions of trust "weak" were written by hand, not by the vendor: names that they do not have, and words that they do not know, are no mistakes there.
"""

OPENAI = ("openai_openai-openapi__openapi.yaml", r"https://api\.openai\.com/v1")
AZURE = (OPENAI[0], r"https://[a-z0-9-]+\.(?:openai|services\.ai|cognitiveservices)\.azure\.com/openai(?:/v1|/deployments/[^/]+)")
BEDROCK = ("aws/bedrock-runtime_2023-09-30_service-2.json", r"https://bedrock-runtime\.[a-z0-9-]+\.amazonaws\.com")
KLING = ("tryAGI_KlingAI__openapi.yaml", r"https://api[a-z-]*\.klingai\.com")
GOOGLE = "googleapis/"
VERTEX = (
    [GOOGLE + "google_cloud_aiplatform_v1_prediction_service.proto", GOOGLE + "google_longrunning_operations.proto"],
    r"https://(?:[a-z0-9-]+-)?aiplatform\.googleapis\.com",
)
STABILITY = [
    (f"api-evangelist_stability-ai__stable-{part}.yml", r"https://api\.stability\.ai")
    for part in ("image-generate", "image-edit", "image-upscale", "video-diffusion")
]

DESCRIBED = {
    "azure-openai-images": AZURE,
    "azure-openai-images-entra": AZURE,
    "bedrock-async": BEDROCK,
    "bedrock-nova-canvas": BEDROCK,
    "bedrock-nova-canvas-key": BEDROCK,
    "d-id": ("tryAGI_DId__openapi.json", r"https://api\.d-id\.com"),
    "elevenlabs": ("tryAGI_ElevenLabs__openapi.json", r"https://api\.elevenlabs\.io"),
    "gemini": ("tryAGI_Google_Generative_AI__openapi.json", r"https://generativelanguage\.googleapis\.com/v1beta"),
    "heygen": ("heygen-cli_v3-operations.extracted.json", r"https://api\.heygen\.com"),
    "kling": KLING,
    "kling-jwt": KLING,
    "leonardo": ("tryAGI_Leonardo__openapi.json", r"https://cloud\.leonardo\.ai/api/rest/v1"),
    "luma": ("tryAGI_Luma__openapi.yaml", r"https://api\.lumalabs\.ai/dream-machine/v1"),
    "minimax-speech": ("tryAGI_MiniMax__openapi.yaml", r"https://api\.minimax\.io"),
    "minimax-video": ("tryAGI_MiniMax__openapi.yaml", r"https://api\.minimax\.io"),
    "openai-chat": OPENAI,
    "openai-images": OPENAI,
    "openai-speech": OPENAI,
    "openai-videos": OPENAI,
    "replicate": ("tryAGI_Replicate__openapi.json", r"https://api\.replicate\.com/v1"),
    "stability": STABILITY,
    "together": [("togethercomputer_openapi__openapi.yaml", rf"https://api\.together\.(?:xyz|ai)/{version}") for version in ("v1", "v2")],
    "vertex-imagen": VERTEX,
    "vertex-veo": VERTEX,
    "xai": ("tryAGI_Xai__openapi.yaml", r"https://api\.x\.ai/v1"),
}

UNDESCRIBED = {
    "ark-seedance": "the vendor publishes pages, no machine-readable description",
    "ark-seedream": "the vendor publishes pages, no machine-readable description",
    "bfl": "its OpenAPI document is not at hand",
    "dashscope-image": "the vendor publishes pages, no machine-readable description",
    "dashscope-wan": "the vendor publishes pages, no machine-readable description",
    "fal": "the queue has no machine-readable description; models have one each, which are not at hand",
    "gemini-interactions": "the description that is at hand is older than this API",
    "hedra": "its OpenAPI document is not at hand",
    "ideogram": "its OpenAPI document is not at hand",
    "luma-agents": "the description that is at hand is that of the older API",
    "minimax-video-v2": "the description that is at hand is that of the older API",
    "recraft": "its OpenAPI document is not at hand",
    "runway": "its OpenAPI document is not at hand",
    "synthesia": "its OpenAPI document is not at hand",
    "tavus": "its OpenAPI document is not at hand",
}

WEAK = ("api-evangelist_", "tryAGI_KlingAI", "tryAGI_MiniMax", "tryAGI_Xai")

# What an error is where an operation does not say: what an adapter's name begins with -> schema.
ERRORS = {"openai-": "ErrorResponse", "together": "ErrorData"}

# (what the adapter's name begins with, request or answer, regular expression of a mistake): why the description is wrong and not the adapter.
EXCUSED = [
    ("azure-openai-images", "answer", r"_filter_results: the description knows no", "Azure adds what its filters found"),
    ("azure-openai-images", "request", r"query api-version", "Azure's older versions want it, OpenAI has none"),
    ("replicate", "answer", r"version: 'hidden' is valid under each", "the description's alternatives overlap"),
    ("stability", "request", r"'image' is a required property", "the vendor calls the picture of replace-background-and-relight subject_image"),
    ("luma", "answer", r"^detail: .* is not of type 'string'", "what a validation found is a list, as its framework has it"),
]


def sources(adapter):
    """[(files, prefix)] of an adapter; empty when it has none."""
    found = DESCRIBED.get(adapter, [])
    found = found if isinstance(found, list) else [found]
    return [([files] if isinstance(files, str) else files, prefix) for files, prefix in found]
