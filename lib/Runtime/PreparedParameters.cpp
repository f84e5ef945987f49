//===- PreparedParameters.cpp - The parameters of a session ---------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PreparedParameters.h"
#include "PackParameter.h"
#include "flowhn/Support/Json.h"
#include "flowhn/Support/Parallel.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <numeric>

using namespace flowhn;

namespace {

constexpr int64_t alignment = 64;

std::vector<int64_t> dims(const flatbuffers::Vector<int64_t> &shape) {
  return {shape.begin(), shape.end()};
}

int64_t preparedBytes(const fb::Parameter &parameter) {
  return *denseBytes(DType(parameter.dtype()), dims(*parameter.shape()));
}

/// Whether kernels can read `stored` as it is.
bool canAlias(const fb::Parameter &parameter, const ParameterSpec &stored) {
  return parameter.sources()->size() == 1 && parameter.layout() == fb::Layout::RowMajor &&
         parameter.transform() == fb::Transform::None && stored.type == DType(parameter.dtype());
}

bool isAligned(const TensorView &view) {
  return uintptr_t(view.data) % uintptr_t(byteSize(view.type)) == 0;
}

} // namespace

namespace flowhn {

/// One run of `PreparedParameters::prepare`.
class Preparation {
public:
  Preparation(const fb::Plan &plan, const PreparedParameters::Options &options,
              PreparedParameters &result)
      : plan(plan), options(options), result(result), source(*result.source) {}

  Status run() {
    FLOWHN_RETURN_IF_ERROR(checkParameters(source, sourcesOf(plan)));
    FLOWHN_RETURN_IF_ERROR(decide());
    FLOWHN_RETURN_IF_ERROR(allocate());
    return packAll();
  }

private:
  /// A tensor of the source and the parameters that still need it.
  struct Use {
    std::mutex mutex; ///< one thread at a time deals with one name
    int left = 0;
    bool isKept = false; ///< kernels read it
  };

  /// Decides what is copied and counts who uses which tensor.
  Status decide() {
    for (const fb::Parameter *parameter : *plan.parameters()) {
      bool alias = false;
      for (const fb::Source *part : *parameter->sources()) {
        Expected<ParameterSpec> stored = source.describe(part->name()->str());
        FLOWHN_RETURN_IF_ERROR(stored.status());
        FLOWHN_RETURN_IF_ERROR(checkType(*parameter, *stored));
        ++uses[stored->name].left;
        if (canAlias(*parameter, *stored)) {
          Expected<bool> aligned = keepIfAligned(stored->name);
          FLOWHN_RETURN_IF_ERROR(aligned.status());
          alias = *aligned;
        }
      }
      aliased.push_back(alias);
      result.totalBytes += preparedBytes(*parameter);
      result.aliasedBytes += alias ? preparedBytes(*parameter) : 0;
    }
    return {};
  }

  static Status checkType(const fb::Parameter &parameter, const ParameterSpec &stored) {
    DType wanted = DType(parameter.dtype());
    if (widens(stored.type, wanted))
      return {};
    return incompatible("parameter " + quote(stored.name) + " is stored as " +
                        std::string(name(stored.type)) + ", the artifact was compiled for " +
                        std::string(name(wanted)) + " and does not narrow");
  }

  /// Files need not align their tensors.
  Expected<bool> keepIfAligned(const std::string &name) {
    Expected<TensorView> view = source.find(name);
    FLOWHN_RETURN_IF_ERROR(view.status());
    bool aligned = isAligned(*view);
    uses[name].isKept |= aligned;
    return aligned;
  }

  Status allocate() {
    int64_t bytes = 0;
    for (uint32_t i = 0; i < aliased.size(); ++i) {
      offsets.push_back(bytes);
      if (!aliased[i])
        bytes +=
            (preparedBytes(*plan.parameters()->Get(i)) + alignment - 1) / alignment * alignment;
    }
    Expected<Memory> memory = Memory::allocate(bytes, "parameters");
    FLOWHN_RETURN_IF_ERROR(memory.status());
    result.memory = std::move(*memory);
    result.parameters.resize(aliased.size());
    return {};
  }

  Status packAll() {
    std::vector<uint32_t> order(aliased.size());
    std::iota(order.begin(), order.end(), 0);
    auto key = [&](uint32_t i) { return std::pair(-preparedBytes(*plan.parameters()->Get(i)), i); };
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return key(a) < key(b); });
    return forEachInParallel(order.size(), size_t(options.threads), "parameters",
                             [&](size_t i) { return packOne(order[i]); });
  }

  Status packOne(uint32_t index) {
    const fb::Parameter &parameter = *plan.parameters()->Get(index);
    Status status = aliased[index] ? alias(parameter, index) : pack(parameter, index);
    if (!status.ok())
      return status.withContext("parameter " + quote(parameter.name()->string_view()));
    std::lock_guard lock(mutex);
    done += preparedBytes(parameter);
    if (options.progress)
      options.progress(done, result.totalBytes);
    return {};
  }

  Status alias(const fb::Parameter &parameter, uint32_t index) {
    Expected<TensorView> view = find(parameter.sources()->Get(0)->name()->str());
    FLOWHN_RETURN_IF_ERROR(view.status());
    result.parameters[index] = {view->data, view->bytes};
    release(parameter.sources()->Get(0)->name()->str());
    return {};
  }

  Status pack(const fb::Parameter &parameter, uint32_t index) {
    std::byte *target = result.memory.data() + offsets[index];
    int64_t row = 0;
    for (const fb::Source *part : *parameter.sources()) {
      Expected<TensorView> view = find(part->name()->str());
      FLOWHN_RETURN_IF_ERROR(view.status());
      packRows(parameter, row, *view, target);
      row += view->shape[0];
      release(part->name()->str());
    }
    result.parameters[index] = {target, size_t(preparedBytes(parameter))};
    return {};
  }

  Expected<TensorView> find(const std::string &name) {
    std::lock_guard lock(uses.at(name).mutex);
    return source.find(name);
  }

  void release(const std::string &name) {
    Use &use = uses.at(name);
    std::lock_guard lock(use.mutex);
    if (--use.left == 0 && !use.isKept)
      source.release(name);
  }

  const fb::Plan &plan;
  const PreparedParameters::Options &options;
  PreparedParameters &result;
  ParameterSource &source;
  std::map<std::string, Use> uses; ///< its keys do not change while packing
  std::vector<bool> aliased;
  std::vector<int64_t> offsets; ///< in the memory, of those that are packed

  std::mutex mutex; ///< for what follows
  int64_t done = 0; ///< bytes
};

} // namespace flowhn

std::vector<ParameterSpec> flowhn::sourcesOf(const fb::Plan &plan) {
  std::map<std::string, ParameterSpec> specs;
  for (const fb::Parameter *parameter : *plan.parameters())
    for (const fb::Source *part : *parameter->sources()) {
      std::string name = part->name()->str();
      specs[name] = {name, DType(part->dtype()), dims(*part->shape())};
    }
  std::vector<ParameterSpec> sorted;
  for (auto &[name, spec] : specs)
    sorted.push_back(std::move(spec));
  return sorted;
}

Expected<PreparedParameters> PreparedParameters::prepare(const fb::Plan &plan,
                                                         std::unique_ptr<ParameterSource> source,
                                                         const Options &options) {
  PreparedParameters result;
  result.source = std::move(source);
  FLOWHN_RETURN_IF_ERROR(Preparation(plan, options, result).run());
  return result;
}
