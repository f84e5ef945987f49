//===- ParameterSource.h - Where parameters come from -----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_RUNTIME_PARAMETERSOURCE_H
#define FLOWHN_RUNTIME_PARAMETERSOURCE_H

#include "flowhn/Support/DType.h"
#include "flowhn/Support/SafeTensors.h"
#include "flowhn/Support/Status.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace flowhn {

/// What is known of a parameter without its numbers.
struct ParameterSpec {
  std::string name;
  DType type = DType::F32;
  std::vector<int64_t> shape;
};

/// Named tensors, on disk or made up. Calls may come from several threads; one
/// thread at a time deals with one name.
class ParameterSource {
public:
  virtual ~ParameterSource();

  /// A folder or a description, for messages.
  virtual std::string origin() const = 0;

  /// Every name, sorted.
  virtual std::vector<std::string> names() const = 0;

  /// Type and shape as stored, without touching the numbers; NotFound when there
  /// is none of that name.
  virtual Expected<ParameterSpec> describe(const std::string &name) const = 0;

  /// The numbers. `data` is valid until `release(name)` or the end of the source;
  /// it may be unaligned. NotFound when there is none of that name.
  virtual Expected<TensorView> find(const std::string &name) = 0;

  /// The caller is done with the numbers for now: their memory may go. A later
  /// `find` brings the same numbers back.
  virtual void release(const std::string &name) = 0;
};

/// Opens `model.safetensors` in a folder, or the shards that
/// `model.safetensors.index.json` names. Every file is mapped, nothing is read
/// ahead. Index and shards must agree: a tensor that its shard lacks, a tensor
/// that the index does not place in that shard, and a shard that is not a plain
/// file name in the folder are errors, all listed in one.
Expected<std::unique_ptr<ParameterSource>> openCheckpoint(const std::string &folder);

/// Made-up numbers of useful magnitude for `specs` (F32, BF16 or F16), the same on
/// every platform and for every thread count; made in `find`, freed in `release`.
///
/// Element i (row-major) of a parameter takes the i-th output of SplitMix64:
///   start = mix(seed) ^ fnv1a64(name);  z = mix(start + (i + 1) * 0x9e3779b97f4a7c15)
/// with SplitMix64's finalizer `mix`. Then, with k = the last extent:
///
/// | name ends with       | value                                              |
/// |----------------------|----------------------------------------------------|
/// | `layernorm.weight`   | 1 + 0.1 u                                          |
/// | `D` (whole segment)  | 1 + 0.1 u                                          |
/// | `A_log`              | 1.385 + 1.385 u, uniform in [0, 2.77), log 16 = 2.77 |
/// | `dt_proj.bias`       | -3.3 + 1.3 u; softplus gives 0.01 to 0.13          |
/// | `bias`               | 0.1 u                                              |
/// | `embed_tokens.weight`| g, standard deviation 1                            |
/// | anything else        | g / sqrt(k), linear and convolution weights        |
///
/// u = ((z >> 40) - 2^23) * 2^-23 is uniform in [-1, 1) and
/// g = (sum of the four 16-bit parts of z - 131070) * (sqrt(3) / 65536) is close to
/// normal. offset + integer * scale is computed in float64 with the scale first
/// rounded to float32 (so the product is exact and fused multiply-adds change
/// nothing), then rounded to float32, and once more to 16 bits where asked, all
/// to nearest even. test/Reference/random_parameters.py is the same in NumPy.
std::unique_ptr<ParameterSource> randomParameters(std::vector<ParameterSpec> specs, uint64_t seed);

/// Whether `source` holds exactly the `expected` names in these shapes, stored as
/// F32, BF16 or F16 (the expected type is not compared: the runtime converts).
/// Every missing, surplus, misshapen and mistyped tensor is listed in the one error.
Status checkParameters(const ParameterSource &source, std::span<const ParameterSpec> expected);

} // namespace flowhn

#endif // FLOWHN_RUNTIME_PARAMETERSOURCE_H
