//===- ConfigKeys.h - The keys of config.json -------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_IMPORT_CONFIGKEYS_H
#define FLOWHN_LIB_IMPORT_CONFIGKEYS_H

#include <algorithm>
#include <array>
#include <string_view>

namespace flowhn {

/// Keys of `model_type: "flowhn"` that set the split; an error in the authors' layout.
inline constexpr std::array splitKeys = {"split_strategy", "circulation", "context_length",
                                         "attention_tokens"};

/// Keys that both layouts read.
inline constexpr std::array commonKeys = {"model_type",
                                          "vocab_size",
                                          "hidden_size",
                                          "intermediate_size",
                                          "num_hidden_layers",
                                          "num_attention_heads",
                                          "num_key_value_heads",
                                          "mamba_d_state",
                                          "mamba_d_conv",
                                          "mamba_expand",
                                          "mamba_dt_rank",
                                          "mamba_conv_bias",
                                          "mamba_proj_bias",
                                          "rms_norm_eps",
                                          "tie_word_embeddings",
                                          "hidden_act",
                                          "num_experts",
                                          "attention_bias",
                                          "mlp_bias",
                                          "head_dim",
                                          "max_position_embeddings",
                                          "dtype",
                                          "torch_dtype",
                                          "tokenizer"};

/// Keys that would change what the model computes and that FlowHN has no place
/// for: anything but null is refused.
inline constexpr std::array<std::array<const char *, 2>, 16> foreignKeys = {{
    {"sliding_window", "attention has no window"},
    {"attention_window", "attention has no window"},
    {"rope_theta", "attention has no positional encoding"},
    {"rope_scaling", "attention has no positional encoding"},
    {"rope_parameters", "attention has no positional encoding"},
    {"partial_rotary_factor", "attention has no positional encoding"},
    {"rotary_emb_base", "attention has no positional encoding"},
    {"position_embedding_type", "attention has no positional encoding"},
    {"attn_logit_softcapping", "attention scores are not capped"},
    {"final_logit_softcapping", "logits are not capped"},
    {"quantization_config", "quantised checkpoints are not read"},
    {"time_step_limit", "the step size is not clamped"},
    {"embedding_multiplier", "embeddings are not scaled"},
    {"lm_head_multiplier", "logits are not scaled"},
    {"logit_scale", "logits are not scaled"},
    {"pruned_heads", "heads are not pruned"},
}};

/// Keys without any effect on what the model computes: training, generation,
/// bookkeeping and kernel choices of other programs, and the layer and expert
/// pattern of a sequential Jamba.
inline constexpr std::array inertKeys = {"add_cross_attention",
                                         "architectures",
                                         "attention_dropout",
                                         "attn_layer_offset",
                                         "attn_layer_period",
                                         "auto_map",
                                         "begin_suppress_tokens",
                                         "bos_token_id",
                                         "chunk_size_feed_forward",
                                         "decoder_start_token_id",
                                         "do_sample",
                                         "dropout",
                                         "eos_token_id",
                                         "expert_layer_offset",
                                         "expert_layer_period",
                                         "finetuning_task",
                                         "hidden_dropout",
                                         "id2label",
                                         "initializer_range",
                                         "is_decoder",
                                         "is_encoder_decoder",
                                         "keys_to_ignore_at_inference",
                                         "label2id",
                                         "max_length",
                                         "max_new_tokens",
                                         "min_length",
                                         "name",
                                         "num_experts_per_tok",
                                         "num_logits_to_keep",
                                         "output_attentions",
                                         "output_hidden_states",
                                         "output_router_logits",
                                         "output_scores",
                                         "pad_token_id",
                                         "prefix",
                                         "pretraining_tp",
                                         "problem_type",
                                         "repetition_penalty",
                                         "return_dict",
                                         "return_dict_in_generate",
                                         "router_aux_loss_coef",
                                         "sep_token_id",
                                         "suppress_tokens",
                                         "task_specific_params",
                                         "temperature",
                                         "tokenizer_class",
                                         "top_k",
                                         "top_p",
                                         "torchscript",
                                         "transformers_version",
                                         "unk_token_id",
                                         "use_associative_scan",
                                         "use_bfloat16",
                                         "use_cache",
                                         "use_mamba_kernels",
                                         "use_mambapy"};

template <typename List> bool contains(const List &list, std::string_view key) {
  return std::find(list.begin(), list.end(), key) != list.end();
}

} // namespace flowhn

#endif // FLOWHN_LIB_IMPORT_CONFIGKEYS_H
