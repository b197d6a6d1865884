"""tiny_families.py - what make_tiny.py writes for each family beside the four that it began with: configurations of
transformers, and the keys and the changes of tensors that llama.cpp's converter (conversion/*.py) has for them.

A family's tensors get their GGUF names from the gguf package's own map, as there."""
import torch
from gguf import ExpertGatingFuncType, GGMLQuantizationType as Type, RopeScalingType
from transformers import (ArceeConfig, BloomConfig, Cohere2Config, CohereConfig, DeepseekV2Config, DeepseekV3Config,
                          Ernie4_5_MoeConfig, Exaone4Config, FalconConfig, Gemma2Config, GemmaConfig, Glm4MoeConfig,
                          GPT2Config, GPTBigCodeConfig, GPTNeoXConfig, GptOssConfig, GraniteConfig,
                          GraniteMoeSharedConfig, HunYuanMoEV1Config, Llama4TextConfig, LlamaConfig, MistralConfig,
                          MixtralConfig, MptConfig, NemotronConfig, Olmo2Config, Olmo3Config, OlmoConfig, OlmoeConfig,
                          Phi3Config, PhiConfig, Qwen2MoeConfig, Qwen3Config, Qwen3MoeConfig, SmolLM3Config,
                          StableLmConfig, Starcoder2Config)

PLAIN = dict(rope_type="default", rope_theta=10000.0)
YARN = dict(rope_type="yarn", rope_theta=10000.0, factor=8.0, original_max_position_embeddings=32)
YARN_LATENT = dict(**YARN, mscale=0.7, mscale_all_dim=0.7)
QUARTER = {**PLAIN, "partial_rotary_factor": 0.25}
HALF = {**PLAIN, "partial_rotary_factor": 0.5}


def long_rope(original):
    """Factors of the four pairs of a head of 8."""
    return dict(rope_type="longrope", rope_theta=10000.0, short_factor=[1.0, 1.1, 1.2, 1.5], long_factor=[1.0, 2.0, 5.0, 8.0],
                original_max_position_embeddings=original)


TOKENS = dict(bos_token_id=257, eos_token_id=256, pad_token_id=258)
COMMON = dict(vocab_size=288, max_position_embeddings=256, **TOKENS)
SMALL = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4)
GROUPED = dict(**SMALL, num_key_value_heads=2)
FOUR = {**GROUPED, "num_hidden_layers": 4}
NARROW = {**GROUPED, "intermediate_size": 32}
WINDOWS = ["sliding_attention"] * 3 + ["full_attention"]
WIDE = dict(head_dim=16)
LATENT = dict(**SMALL, num_key_value_heads=4, kv_lora_rank=32, qk_nope_head_dim=24, qk_rope_head_dim=16, v_head_dim=20,
              first_k_dense_replace=1, n_routed_experts=6, num_experts_per_tok=2, n_shared_experts=1,
              moe_intermediate_size=32, tie_word_embeddings=False)
GEMMA = dict(**GROUPED, **WIDE, rope_parameters=PLAIN)

# name: (architecture, what it is there for, config)
FAMILIES = {
    "arcee": ("arcee", "squared ReLU without a gate; YaRN",
              ArceeConfig(**COMMON, **GROUPED, head_dim=8, tie_word_embeddings=False, rope_parameters=YARN)),
    "bloom": ("bloom", "linear biases of three heads, no power of 2; normalised embeddings; biases everywhere, no gate",
              BloomConfig(vocab_size=288, hidden_size=24, n_layer=2, n_head=3, **TOKENS)),
    "cohere2": ("cohere2", "windows in three of four layers, which alone rotate; parallel blocks, scaled logits",
                Cohere2Config(**COMMON, **FOUR, logit_scale=0.75, sliding_window=8, layer_types=WINDOWS,
                              rope_parameters=PLAIN)),
    "command-r": ("command-r", "LayerNorm without bias, one for both blocks; scaled logits",
                  CohereConfig(**COMMON, **GROUPED, logit_scale=0.75, rope_parameters=PLAIN)),
    "command-r-plus": ("command-r", "a LayerNorm of its own for each head of Q and K",
                       CohereConfig(**COMMON, **GROUPED, logit_scale=0.75, use_qk_norm=True, rope_parameters=PLAIN)),
    "deepseek2-lite": ("deepseek2", "latents; attn_k_b and attn_v_b; YaRN with its scale of attention; a dense layer, experts",
                       DeepseekV2Config(**COMMON, **LATENT, q_lora_rank=None, rope_parameters=YARN_LATENT)),
    "deepseek2": ("deepseek2", "latents of 24, whose queries are compressed, too; attn_kv_b; experts in groups, scaled",
                  DeepseekV2Config(**COMMON, **{**LATENT, "kv_lora_rank": 24, "qk_rope_head_dim": 8}, q_lora_rank=24,
                                   topk_method="group_limited_greedy", n_group=3, topk_group=2, routed_scaling_factor=1.5,
                                   rope_parameters=PLAIN)),
    "deepseek3": ("deepseek2", "sigmoid scores with a bias of the choice, in groups, normalised and scaled; Q8_0 latents",
                  DeepseekV3Config(**COMMON, **LATENT, q_lora_rank=32, n_group=3, topk_group=2, norm_topk_prob=True,
                                   routed_scaling_factor=2.5, num_mtp_layers=0, rope_parameters=PLAIN)),
    "ernie4_5-moe": ("ernie4_5-moe", "a dense layer; softmax scores with a bias of the choice, a shared expert",
                     Ernie4_5_MoeConfig(**COMMON, **GROUPED, moe_num_experts=4, moe_k=2, moe_intermediate_size=32,
                                        moe_num_shared_experts=1, moe_layer_start_index=1, tie_word_embeddings=True,
                                        rope_parameters=PLAIN)),
    "exaone": ("exaone", "Llama's blocks with rotations of halves; llama-3 scaling",
               LlamaConfig(**COMMON, **GROUPED, tie_word_embeddings=False,
                           rope_parameters=dict(rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0,
                                                high_freq_factor=4.0, original_max_position_embeddings=32))),
    "exaone4": ("exaone4", "norms behind the blocks only; layers without window do not rotate",
                Exaone4Config(**COMMON, **FOUR, sliding_window=8, sliding_window_pattern=4, layer_types=WINDOWS,
                              tie_word_embeddings=False, rope_parameters=PLAIN)),
    "exaone4-all": ("exaone4", "no windows: all layers rotate",
                    Exaone4Config(**COMMON, **GROUPED, sliding_window=None, sliding_window_pattern=None,
                                  layer_types=["full_attention"] * 2, tie_word_embeddings=True, rope_parameters=PLAIN)),
    "falcon": ("falcon", "one KV head; parallel blocks behind one norm; exact GELU",
               FalconConfig(**COMMON, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, multi_query=True,
                            parallel_attn=True, bias=False, new_decoder_architecture=False, rope_parameters=PLAIN)),
    "falcon-40b": ("falcon", "parallel blocks with two norms; fused Q, K and V in groups",
                   FalconConfig(**COMMON, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_kv_heads=2,
                                bias=False, new_decoder_architecture=True, rope_parameters=PLAIN)),
    "gemma": ("gemma", "scaled embeddings, GeGLU, wide heads", GemmaConfig(**COMMON, **GEMMA)),
    "gemma2": ("gemma2", "norms on both sides, soft-caps of attention and logits, windows in every other layer",
               Gemma2Config(**COMMON, **GEMMA, query_pre_attn_scalar=16, sliding_window=8, attn_logit_softcapping=2.0,
                            final_logit_softcapping=4.0)),
    "glm4moe": ("glm4moe", "a dense layer; sigmoid scores with a bias of the choice, scaled; a shared expert; half of each head "
                "rotates; a layer that only drafts",
                Glm4MoeConfig(**COMMON, **GROUPED, use_qk_norm=True, attention_bias=True, n_routed_experts=4,
                              num_experts_per_tok=2, moe_intermediate_size=32, n_shared_experts=1,
                              first_k_dense_replace=1, norm_topk_prob=True, routed_scaling_factor=1.5,
                              num_nextn_predict_layers=1, tie_word_embeddings=False, rope_parameters=HALF)),
    "gpt2": ("gpt2", "learned positions, LayerNorm, biases everywhere, no gate",
             GPT2Config(vocab_size=288, n_positions=256, n_embd=32, n_layer=2, n_head=4, bos_token_id=257,
                        eos_token_id=256)),
    "gpt-oss": ("gpt-oss", "biases of experts and of the router, clamped activation, MXFP4; sinks, windows, exact YaRN",
                GptOssConfig(**COMMON, **{**FOUR, "num_hidden_layers": 2}, head_dim=16, num_local_experts=4,
                             num_experts_per_tok=2, sliding_window=8,
                             layer_types=["sliding_attention", "full_attention"], tie_word_embeddings=False,
                             rope_parameters={**YARN, "truncate": False})),
    "gptneox": ("gptneox", "parallel blocks with two norms; a quarter of each head rotates; exact GELU",
                GPTNeoXConfig(**COMMON, **SMALL, use_parallel_residual=True, rope_parameters=QUARTER)),
    "gptneox-serial": ("gptneox", "the same one after the other",
                       GPTNeoXConfig(**COMMON, **SMALL, use_parallel_residual=False, rope_parameters=QUARTER)),
    "granite": ("granite", "scales of embeddings, attention, residual stream and logits",
                GraniteConfig(**COMMON, **GROUPED, embedding_multiplier=3.0, attention_multiplier=0.2,
                              residual_multiplier=0.6, logits_scaling=2.0, tie_word_embeddings=True,
                              rope_parameters=PLAIN)),
    "granitemoe": ("granitemoe", "the scales of Granite; two of four experts beside a shared one",
                   GraniteMoeSharedConfig(**COMMON, **NARROW, embedding_multiplier=3.0, attention_multiplier=0.2,
                                          residual_multiplier=0.6, logits_scaling=2.0, num_local_experts=4,
                                          num_experts_per_tok=2, shared_intermediate_size=48,
                                          tie_word_embeddings=True, rope_parameters=PLAIN)),
    "hunyuan-moe": ("hunyuan-moe", "norms of Q and K behind the rotation; two of four experts beside a shared one",
                    HunYuanMoEV1Config(**COMMON, **NARROW, **WIDE, num_experts=4, moe_topk=2, num_shared_expert=1,
                                       tie_word_embeddings=True, rope_parameters=PLAIN)),
    "internlm2": ("internlm2", "Llama under another name",
                  LlamaConfig(**COMMON, **GROUPED, tie_word_embeddings=False, rope_parameters=PLAIN)),
    "llama-bias": ("llama", "biases of every product",
                   LlamaConfig(**COMMON, **GROUPED, attention_bias=True, mlp_bias=True, tie_word_embeddings=False,
                               rope_parameters=PLAIN)),
    "llama-yarn": ("llama", "YaRN on half-width heads",
                   LlamaConfig(**COMMON, **GROUPED, **WIDE, tie_word_embeddings=True, rope_parameters=YARN)),
    "llama4": ("llama4", "chunks of eight tokens, queries that grow, unit norms behind the rotation; every second layer has "
               "experts, one of four for a token, weighed at their input beside a shared one",
               Llama4TextConfig(**COMMON, **{**FOUR, **WIDE, "intermediate_size": 32}, intermediate_size_mlp=64,
                                num_local_experts=4, num_experts_per_tok=1, interleave_moe_layer_step=2,
                                attention_chunk_size=8, floor_scale=8, attn_scale=0.5, tie_word_embeddings=False,
                                rope_parameters=PLAIN)),
    "minicpm": ("minicpm", "the scales that its files need not have",
                GraniteConfig(**COMMON, **GROUPED, embedding_multiplier=12.0, attention_multiplier=8**-0.5,
                              residual_multiplier=1.4 / 2**0.5, logits_scaling=32 / 256, tie_word_embeddings=True,
                              rope_parameters=PLAIN)),
    "mistral": ("llama", "a window in every layer",
                MistralConfig(**COMMON, **GROUPED, sliding_window=8, tie_word_embeddings=False, rope_parameters=PLAIN)),
    "mixtral": ("llama", "two of four experts",
                MixtralConfig(**COMMON, **GROUPED, num_local_experts=4, num_experts_per_tok=2, sliding_window=None,
                              tie_word_embeddings=False, rope_parameters=PLAIN)),
    "mpt": ("mpt", "linear biases of four heads; clamped Q, K and V; LayerNorm without bias, exact GELU",
            MptConfig(vocab_size=288, d_model=32, n_layers=2, n_heads=4, expansion_ratio=4, max_seq_len=256,
                      attn_config=dict(clip_qkv=1.5), tie_word_embeddings=True, **TOKENS)),
    "nemotron": ("nemotron", "squared ReLU behind LayerNorm; half of each head rotates",
                 NemotronConfig(**COMMON, **GROUPED, tie_word_embeddings=False, rope_parameters=HALF)),
    "olmo": ("olmo", "LayerNorm without weights",
             OlmoConfig(**COMMON, **GROUPED, tie_word_embeddings=False, rope_parameters=PLAIN)),
    "olmo-clamp": ("olmo", "the same with Q, K and V clamped before the rotation",
                   OlmoConfig(**COMMON, **GROUPED, clip_qkv=1.0, tie_word_embeddings=False, rope_parameters=PLAIN)),
    "olmo2": ("olmo2", "norms behind the blocks only; one RMSNorm over all heads of Q and of K",
              Olmo2Config(**COMMON, **GROUPED, tie_word_embeddings=False, rope_parameters=PLAIN)),
    "olmo3": ("olmo2", "windows in three of four layers; YaRN in the others only",
              Olmo3Config(**COMMON, **FOUR, sliding_window=8, layer_types=WINDOWS, tie_word_embeddings=False,
                          rope_parameters=dict(full_attention=YARN, sliding_attention=PLAIN))),
    "olmoe": ("olmoe", "one RMSNorm over all heads of Q and of K; two of six experts by scores as they are",
              OlmoeConfig(**COMMON, **NARROW, num_experts=6, num_experts_per_tok=2, norm_topk_prob=False,
                          tie_word_embeddings=False, rope_parameters=PLAIN)),
    "phi2": ("phi2", "parallel blocks behind one norm; a bias of the logits; half of each head rotates",
             PhiConfig(**COMMON, **{**SMALL, "intermediate_size": 128}, rope_parameters=HALF)),
    "phi3": ("phi3", "fused Q, K and V; fused gate and up; a window in every layer",
             Phi3Config(**COMMON, **GROUPED, original_max_position_embeddings=256, sliding_window=8,
                        rope_parameters=PLAIN)),
    "phi3-long": ("phi3", "long factors of LongRoPE",
                  Phi3Config(**COMMON, **GROUPED, original_max_position_embeddings=32, rope_parameters=long_rope(32))),
    "phi3-short": ("phi3", "short factors of LongRoPE",
                   Phi3Config(**{**COMMON, "max_position_embeddings": 1024}, **GROUPED,
                              original_max_position_embeddings=256, rope_parameters=long_rope(256))),
    "qwen2moe": ("qwen2moe", "three of six experts beside a gated shared one, by scores as they are",
                 Qwen2MoeConfig(**COMMON, **GROUPED, num_experts=6, num_experts_per_tok=3, moe_intermediate_size=32,
                                shared_expert_intermediate_size=96, norm_topk_prob=False, tie_word_embeddings=False,
                                rope_parameters=PLAIN)),
    "qwen3": ("qwen3", "an RMSNorm of each head of Q and K",
              Qwen3Config(**COMMON, **GROUPED, **WIDE, tie_word_embeddings=True, rope_parameters=PLAIN)),
    "qwen3moe": ("qwen3moe", "three of eight experts, whose weights sum to 1",
                 Qwen3MoeConfig(**COMMON, **GROUPED, **WIDE, num_experts=8, num_experts_per_tok=3,
                                moe_intermediate_size=32, norm_topk_prob=True, tie_word_embeddings=True, rope_parameters=PLAIN)),
    "smollm3": ("smollm3", "every fourth layer does not rotate",
                SmolLM3Config(**COMMON, **FOUR, no_rope_layers=[1, 1, 1, 0], tie_word_embeddings=True,
                              rope_parameters=PLAIN)),
    "stablelm": ("stablelm", "LayerNorm with SwiGLU; a quarter of each head rotates; biases of Q, K and V",
                 StableLmConfig(**COMMON, **GROUPED, use_qkv_bias=True, rope_parameters=QUARTER)),
    "stablelm-12b": ("stablelm", "parallel blocks behind one norm; a LayerNorm of its own for each head",
                     StableLmConfig(**COMMON, **GROUPED, use_parallel_residual=True, qk_layernorm=True,
                                    rope_parameters=QUARTER)),
    "starcoder": ("starcoder", "learned positions; one KV head",
                  GPTBigCodeConfig(vocab_size=288, n_positions=256, n_embd=32, n_layer=2, n_head=4, bos_token_id=257,
                                   eos_token_id=256, pad_token_id=258)),
    "starcoder2": ("starcoder2", "LayerNorm and biases with rotations",
                   Starcoder2Config(**COMMON, **GROUPED, use_bias=True, rope_parameters=PLAIN)),
}


def add_rope_scaling(w, rope):
    if rope["rope_type"] == "yarn":
        w.add_rope_scaling_type(RopeScalingType.YARN)
        w.add_rope_scaling_factor(rope["factor"])
        w.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])


# Of experts; the file's other matrices are F16.
EXPERT_TYPES = {"gpt-oss": Type.MXFP4, "mixtral": Type.Q8_0, "qwen3moe": Type.Q4_0}
ROUTERS = (".mlp.gate.", "shared_expert_gate", ".router.")


def type_of(name, key, x):
    if x.ndim == 1 or key.endswith("bias") or any(part in key for part in ROUTERS):
        return Type.F32
    if name == "deepseek3" and "kv_b_proj" in key:
        return Type.Q8_0
    return EXPERT_TYPES.get(name, Type.F16) if ".experts." in key else Type.F16


def one_of(c, *names):
    return next((getattr(c, name) for name in names if getattr(c, name, None) is not None), None)


def add_experts(w, arch, c):
    n = one_of(c, "num_local_experts", "num_experts", "moe_num_experts")
    if not n:
        return
    w.add_expert_count(n)
    w.add_expert_used_count(one_of(c, "num_experts_per_tok", "moe_topk", "moe_k"))
    if hasattr(c, "moe_intermediate_size"):
        w.add_expert_feed_forward_length(c.moe_intermediate_size)
    elif arch in ("gpt-oss", "hunyuan-moe", "llama4"):
        w.add_expert_feed_forward_length(c.intermediate_size)
    if arch == "glm4moe":
        w.add_expert_shared_count(c.n_shared_experts)
        w.add_leading_dense_block_count(c.first_k_dense_replace)
        w.add_expert_gating_func(ExpertGatingFuncType.SIGMOID)
        w.add_expert_weights_scale(c.routed_scaling_factor)
        w.add_expert_weights_norm(c.norm_topk_prob)
        w.add_nextn_predict_layers(c.num_nextn_predict_layers)
    if arch == "llama4":
        w.add_interleave_moe_layer_step(c.interleave_moe_layer_step)
        w.add_uint32("llama4.attention.chunk_size", c.attention_chunk_size)
        w.add_uint32("llama4.attention.temperature_length", c.floor_scale)
        w.add_float32("llama4.attention.temperature_scale", c.attn_scale)
    shared = getattr(c, "shared_expert_intermediate_size", None) or getattr(c, "shared_intermediate_size", None)
    if shared:
        w.add_expert_shared_feed_forward_length(shared)


def has_split_latents(c):
    """The converter splits kv_b_proj since 2025; before, files had it as it is."""
    return c.q_lora_rank is None


def add_latents(w, c):
    n_rot, key, split = c.qk_rope_head_dim, c.qk_nope_head_dim + c.qk_rope_head_dim, has_split_latents(c)
    w.add_head_count_kv(1 if split else c.num_key_value_heads)
    w.add_key_length(c.kv_lora_rank + n_rot if split else key)
    w.add_value_length(c.kv_lora_rank if split else c.v_head_dim)
    if split:
        w.add_key_length_mla(key)
        w.add_value_length_mla(c.v_head_dim)
    w.add_kv_lora_rank(c.kv_lora_rank)
    if c.q_lora_rank:
        w.add_q_lora_rank(c.q_lora_rank)
    w.add_rope_dimension_count(n_rot)
    if c.rope_parameters.get("mscale_all_dim"):
        w.add_rope_scaling_yarn_log_mul(0.1 * c.rope_parameters["mscale_all_dim"])
    w.add_leading_dense_block_count(c.first_k_dense_replace)
    w.add_expert_shared_count(c.n_shared_experts)
    w.add_expert_weights_scale(c.routed_scaling_factor)
    w.add_expert_weights_norm(c.norm_topk_prob)
    if c.n_group:
        w.add_expert_group_count(c.n_group)
        w.add_expert_group_used_count(c.topk_group)
    if c.model_type == "deepseek_v3":
        w.add_expert_gating_func(ExpertGatingFuncType.SIGMOID)


def add_windows(w, arch, c):
    window, types = getattr(c, "sliding_window", None), getattr(c, "layer_types", None)
    if arch == "phi3":
        w.add_sliding_window(window or 0)
    elif window and arch not in ("qwen3", "starcoder2"):
        w.add_sliding_window(window)
        if arch in ("exaone4", "olmo2"):
            w.add_sliding_window_pattern([t == "sliding_attention" for t in types])


def add_scales(w, arch, c):
    if arch in ("granite", "granitemoe"):
        w.add_attention_scale(c.attention_multiplier)
        w.add_embedding_scale(c.embedding_multiplier)
        w.add_residual_scale(c.residual_multiplier)
        w.add_logit_scale(c.logits_scaling)
    if arch in ("command-r", "cohere2"):
        w.add_logit_scale(c.logit_scale)
        w.add_rope_scaling_type(RopeScalingType.NONE)
    if arch == "mpt":
        w.add_max_alibi_bias(c.attn_config.alibi_bias_max)
    clamp = c.attn_config.clip_qkv if arch == "mpt" else getattr(c, "clip_qkv", None)
    if clamp:
        w.add_clamp_kqv(clamp)
    if arch == "gemma2":
        w.add_attn_logit_softcapping(c.attn_logit_softcapping)
        w.add_final_logit_softcapping(c.final_logit_softcapping)


def add_metadata(w, arch, c):
    """The keys that tell how to compute. Those that a family's converter leaves out are left out here, too."""
    n_head, rope = c.num_attention_heads, getattr(c, "rope_parameters", None) or {}
    head_dim = getattr(c, "head_dim", None) or c.hidden_size // n_head
    rope = rope.get("full_attention", rope)
    w.add_context_length(getattr(c, "max_position_embeddings", 256))
    w.add_embedding_length(c.hidden_size)
    w.add_block_count(c.num_hidden_layers + (c.num_nextn_predict_layers if arch == "glm4moe" else 0))
    w.add_feed_forward_length(getattr(c, "intermediate_size_mlp", None) or getattr(c, "intermediate_size", None) or 4 * c.hidden_size)
    w.add_head_count(n_head)
    n_kv = 1 if arch == "starcoder" else getattr(c, "num_kv_heads" if arch == "falcon" else "num_key_value_heads", None)
    if arch == "falcon" and not c.new_decoder_architecture:
        n_kv = 1
    if arch == "deepseek2":
        add_latents(w, c)
    elif n_kv:
        w.add_head_count_kv(n_kv)
    eps = [getattr(c, k) for k in ("layer_norm_eps", "layer_norm_epsilon", "norm_epsilon", "norm_eps") if hasattr(c, k)]
    if hasattr(c, "rms_norm_eps"):
        w.add_layer_norm_rms_eps(c.rms_norm_eps)
    else:
        w.add_layer_norm_eps(eps[0] if eps else 1e-5)
    if head_dim * n_head != c.hidden_size and arch != "deepseek2":
        w.add_key_length(head_dim)
        w.add_value_length(head_dim)
    if arch not in ("gpt2", "starcoder", "falcon", "gptneox", "phi2", "stablelm", "gemma", "gemma2", "bloom", "mpt"):
        w.add_rope_freq_base(rope["rope_theta"])
    if "partial_rotary_factor" in rope and arch != "deepseek2":
        w.add_rope_dimension_count(int(rope["partial_rotary_factor"] * head_dim))
    if arch in ("gptneox", "stablelm"):
        w.add_parallel_residual(c.use_parallel_residual)
    if rope.get("rope_type") == "longrope":
        w.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
        scale = c.max_position_embeddings / rope["original_max_position_embeddings"]
        original = torch.tensor(float(rope["original_max_position_embeddings"]))
        w.add_rope_scaling_attn_factors(float((1 + torch.tensor(scale).log() / original.log()).sqrt()))
    if rope:
        add_rope_scaling(w, rope)
    add_windows(w, arch, c)
    add_experts(w, arch, c)
    add_scales(w, arch, c)


def extra_tensors(arch, c):
    rope = getattr(c, "rope_parameters", None) or {}
    if rope.get("rope_type") == "longrope":
        yield "rope_factors_long.weight", torch.tensor(rope["long_factor"])
        yield "rope_factors_short.weight", torch.tensor(rope["short_factor"])
    if arch == "glm4moe":
        yield f"blk.{c.num_hidden_layers}.nextn.eh_proj.weight", torch.ones(32, 64)


def split_qkv_of_falcon(x, c):
    """From groups of query heads with their key and value head to all queries, all keys, all values."""
    n_head, n_kv = c.num_attention_heads, c.num_kv_heads if c.new_decoder_architecture else 1
    head_dim = c.hidden_size // n_head
    parts = x.reshape(n_kv, n_head // n_kv + 2, head_dim, -1)
    q, k, v = parts[:, :-2], parts[:, -2:-1], parts[:, -1:]
    return torch.cat([p.reshape(-1, c.hidden_size) for p in (q, k, v)])


def split_qkv_of_heads(x, c):
    n_head = c.num_attention_heads
    parts = x.reshape(n_head, 3, c.hidden_size // n_head, -1)
    return torch.cat([parts[:, i].reshape(c.hidden_size, -1) for i in range(3)]).reshape(x.shape)


def permute(x, n_heads):
    """Rows of a head from halves (x0 x1 ... y0 y1 ...) to adjacent pairs (x0 y0 x1 y1 ...)."""
    return x.reshape(n_heads, 2, x.shape[0] // n_heads // 2, -1).swapaxes(1, 2).reshape(x.shape)


PERMUTED = ("arcee", "granite", "granitemoe", "internlm2", "llama", "minicpm", "olmo", "smollm3")


def to_file(arch, key, x, c):
    """A tensor of transformers as the file has it."""
    if arch in PERMUTED and ".q_proj." in key:
        return permute(x, c.num_attention_heads)
    if arch in PERMUTED and ".k_proj." in key:
        return permute(x, c.num_key_value_heads)
    if arch == "gpt2" and key.endswith((".c_attn.weight", ".c_proj.weight", ".c_fc.weight")):
        return x.T.contiguous()
    if arch == "falcon" and "query_key_value" in key:
        return split_qkv_of_falcon(x, c)
    if arch in ("bloom", "gptneox") and "query_key_value" in key:
        return split_qkv_of_heads(x, c)
    if arch in ("gemma", "gemma2", "nemotron") and key.endswith("norm.weight"):
        return x + 1
    return x


def is_transposed(arch, key):
    """Experts whose matrices have their inputs in front."""
    return arch in ("gpt-oss", "llama4") and key.endswith((".experts.gate_up_proj", ".experts.down_proj"))


def experts_of(arch, key, x):
    """Experts' gate and up are one matrix in transformers, one behind the other or row by row."""
    x = x.transpose(1, 2) if is_transposed(arch, key) else x
    module, name = key.rsplit(".", 1)
    module = module.replace("block_sparse_moe", "mlp")
    kind = "bias" if name.endswith("_bias") else "weight"
    if name.startswith("down_proj"):
        return {f"{module}.down_proj.{kind}": x}
    gate, up = (x[:, ::2], x[:, 1::2]) if arch == "gpt-oss" else x.chunk(2, dim=1)
    return {f"{module}.gate_proj.{kind}": gate.contiguous(), f"{module}.up_proj.{kind}": up.contiguous()}


def split_latents(x, c):
    """Of each head the rows that make its key, transposed, and those that make its value."""
    heads = x.reshape(c.num_attention_heads, -1, c.kv_lora_rank)
    k, v = heads.split([c.qk_nope_head_dim, c.v_head_dim], dim=1)
    return k.transpose(1, 2).contiguous(), v.contiguous()


def merged(arch, state, c):
    """StableLM's norms of heads are modules of their own: stacks them under one name. The map has BLOOM's short names.
    Experts, and Granite's shared one, are split into their matrices."""
    stacks, rest = {}, {}
    for key, x in state.items():
        if ".experts." in key:
            rest.update(experts_of(arch, key, x))
            continue
        if key.endswith("shared_mlp.input_linear.weight"):
            for name, part in zip(("gate_proj", "up_proj"), x.chunk(2)):
                rest[key.replace("shared_mlp.input_linear", f"mlp.shared_expert.{name}")] = part
            continue
        if "kv_b_proj" in key and has_split_latents(c):
            rest[key.replace("kv_b", "k_b")], rest[key.replace("kv_b", "v_b")] = split_latents(x, c)
            continue
        if key.endswith("e_score_correction_bias"):
            key, x = key.replace("_bias", ".bias").replace("gate.moe_statics", "moe_statics"), x.reshape(-1)
        key = key.replace("shared_mlp.output_linear", "mlp.shared_expert.down_proj")
        key = key.replace("block_sparse_moe.router", "block_sparse_moe.router.layer")
        key = key + ".weight" if key.endswith("sinks") else key
        name, is_head, number = key.partition("_layernorm.norms.")
        if arch == "stablelm" and is_head:
            stacks.setdefault(f"{name}_layernorm.weight", {})[int(number.split(".")[0])] = x
        else:
            rest[key.removeprefix("transformer.") if arch == "bloom" else key] = x
    rest.update({key: torch.stack([x for _, x in sorted(heads.items())]) for key, heads in stacks.items()})
    return rest
