//===- RandomParameters.cpp - Made-up parameters --------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Runtime/ParameterSource.h"
#include "flowhn/Support/HalfPrecision.h"
#include "flowhn/Support/Json.h"
#include "flowhn/Support/Parallel.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <thread>

using namespace flowhn;

namespace {

constexpr uint64_t golden = 0x9e3779b97f4a7c15;
/// Elements below which a second thread costs more than it saves.
constexpr int64_t elementsPerThread = 1 << 18;
constexpr unsigned maxThreads = 8;

/// SplitMix64's finalizer.
constexpr uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

uint64_t fnv1a64(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (unsigned char c : text)
    hash = (hash ^ c) * 0x100000001b3;
  return hash;
}

/// value = offset + integer · scale, the integer uniform or close to normal.
struct Distribution {
  bool normal;
  double offset;
  float scale;
};

Distribution uniform(double offset, double halfWidth) {
  return {false, offset, float(halfWidth / 8388608.0)};
}

Distribution normal(double deviation) {
  return {true, 0, float(deviation * std::sqrt(3.0) / 65536.0)};
}

/// The table in ParameterSource.h.
Distribution distributionFor(std::string_view name, std::span<const int64_t> shape) {
  if (name.ends_with("layernorm.weight") || name == "D" || name.ends_with(".D"))
    return uniform(1, 0.1);
  if (name.ends_with("A_log"))
    return uniform(1.385, 1.385);
  if (name.ends_with("dt_proj.bias"))
    return uniform(-3.3, 1.3);
  if (name.ends_with("bias"))
    return uniform(0, 0.1);
  if (name.ends_with("embed_tokens.weight"))
    return normal(1);
  double fanIn = shape.empty() ? 1 : double(std::max<int64_t>(1, shape.back()));
  return normal(1 / std::sqrt(fanIn));
}

int64_t uniformInteger(uint64_t z) { return int64_t(z >> 40) - 8388608; }

int64_t normalInteger(uint64_t z) {
  return int64_t((z & 0xffff) + (z >> 16 & 0xffff) + (z >> 32 & 0xffff) + (z >> 48)) - 131070;
}

struct Float32 {
  using Stored = float;
  static float round(float value) { return value; }
};
struct BFloat16 {
  using Stored = uint16_t;
  static uint16_t round(float value) { return roundToBF16(value); }
};
struct Float16 {
  using Stored = uint16_t;
  static uint16_t round(float value) { return roundToF16(value); }
};

template <bool isNormal, typename Type>
void fill(const Distribution &d, uint64_t start, int64_t begin, int64_t end, std::byte *to) {
  for (int64_t i = begin; i < end; ++i) {
    uint64_t z = mix(start + uint64_t(i + 1) * golden);
    int64_t integer = isNormal ? normalInteger(z) : uniformInteger(z);
    typename Type::Stored value = Type::round(float(d.offset + double(integer) * double(d.scale)));
    std::memcpy(to + i * sizeof(value), &value, sizeof(value));
  }
}

void fillRange(const Distribution &d, DType type, uint64_t start, int64_t begin, int64_t end,
               std::byte *to) {
  auto fillAs = [&]<typename Type>(Type) {
    d.normal ? fill<true, Type>(d, start, begin, end, to)
             : fill<false, Type>(d, start, begin, end, to);
  };
  if (type == DType::F32)
    fillAs(Float32());
  else if (type == DType::F16)
    fillAs(Float16());
  else
    fillAs(BFloat16());
}

/// Fills [0, count) on several threads when there is enough to do.
Status fillAll(const Distribution &d, DType type, uint64_t start, int64_t count, std::byte *to) {
  int64_t threads = std::clamp<int64_t>(std::thread::hardware_concurrency(), 1, maxThreads);
  threads = std::clamp<int64_t>(count / elementsPerThread, 1, threads);
  int64_t share = (count + threads - 1) / threads;
  return forEachInParallel(size_t(threads), size_t(threads), "random numbers", [&](size_t i) {
    int64_t begin = int64_t(i) * share;
    fillRange(d, type, start, begin, std::min(begin + share, count), to);
    return Status();
  });
}

class RandomSource : public ParameterSource {
public:
  RandomSource(std::vector<ParameterSpec> specs, uint64_t seed) : seed(seed) {
    for (ParameterSpec &spec : specs) {
      std::string name = spec.name;
      tensors[std::move(name)].spec = std::move(spec);
    }
  }

  std::string origin() const override {
    return "random parameters of seed " + std::to_string(seed);
  }

  std::vector<std::string> names() const override {
    std::vector<std::string> result;
    for (const auto &[name, tensor] : tensors)
      result.push_back(name);
    return result;
  }

  Expected<ParameterSpec> describe(const std::string &name) const override {
    auto found = tensors.find(name);
    if (found == tensors.end())
      return notFound(origin() + ": no tensor " + quote(name));
    return found->second.spec;
  }

  Expected<TensorView> find(const std::string &name) override {
    std::lock_guard lock(mutex);
    auto found = tensors.find(name);
    if (found == tensors.end())
      return notFound(origin() + ": no tensor " + quote(name));
    if (Status status = materialise(found->second); !status.ok())
      return status.withContext(origin() + ": tensor " + quote(name));
    const Tensor &tensor = found->second;
    return TensorView{tensor.spec.type, tensor.spec.shape, tensor.data.get(), tensor.bytes};
  }

  void release(const std::string &name) override {
    std::lock_guard lock(mutex);
    if (auto found = tensors.find(name); found != tensors.end())
      found->second.data.reset();
  }

private:
  struct Tensor {
    ParameterSpec spec;
    std::unique_ptr<std::byte[]> data;
    size_t bytes = 0;
  };

  Status materialise(Tensor &tensor) const {
    if (tensor.data)
      return {};
    const ParameterSpec &spec = tensor.spec;
    if (spec.type != DType::F32 && spec.type != DType::BF16 && spec.type != DType::F16)
      return unsupported("random numbers come as F32, BF16 or F16, not " +
                         std::string(flowhn::name(spec.type)));
    std::optional<int64_t> bytes = denseBytes(spec.type, spec.shape);
    if (!bytes)
      return invalidArgument("size of shape " + shapeString(spec.shape) + " overflows");
    tensor.bytes = size_t(*bytes);
    tensor.data.reset(new (std::nothrow) std::byte[tensor.bytes]);
    if (!tensor.data)
      return resourceExhausted("no memory for " + std::to_string(tensor.bytes) + " bytes");
    Status status =
        fillAll(distributionFor(spec.name, spec.shape), spec.type, mix(seed) ^ fnv1a64(spec.name),
                *bytes / byteSize(spec.type), tensor.data.get());
    if (!status.ok())
      tensor.data.reset();
    return status;
  }

  uint64_t seed;
  std::map<std::string, Tensor> tensors;
  std::mutex mutex;
};

} // namespace

std::unique_ptr<ParameterSource> flowhn::randomParameters(std::vector<ParameterSpec> specs,
                                                          uint64_t seed) {
  return std::make_unique<RandomSource>(std::move(specs), seed);
}
