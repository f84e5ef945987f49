//===- PreparedParameters.cpp - The parameters of a session ---------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PreparedParameters.h"
#include "../PackParameter.h"
#include "flowhn/Support/Json.h"
#include "flowhn/Support/Parallel.h"

#include <algorithm>
#include <mutex>
#include <numeric>

using namespace flowhn;

namespace {

constexpr int64_t alignment = 64;

/// Whether kernels can read `stored` as it is.
bool canAlias(const fb::Parameter &parameter, const ParameterSpec &stored) {
  return parameter.sources()->size() == 1 && !parameter.column_scale() &&
         parameter.layout() == fb::Layout::RowMajor &&
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
      : plan(plan), options(options), result(result), source(*result.source), uses(source) {}

  Status run() {
    FLOWHN_RETURN_IF_ERROR(checkParameters(source, sourcesOf(plan)));
    FLOWHN_RETURN_IF_ERROR(decide());
    FLOWHN_RETURN_IF_ERROR(allocate());
    return packAll();
  }

private:
  /// Decides what is copied and counts who uses which tensor.
  Status decide() {
    for (const fb::Parameter *parameter : *plan.parameters()) {
      bool alias = false;
      for (const fb::Source *part : tensorsOf(*parameter)) {
        Expected<ParameterSpec> stored = source.describe(part->name()->str());
        FLOWHN_RETURN_IF_ERROR(stored.status());
        FLOWHN_RETURN_IF_ERROR(checkStoredType(*parameter, *stored));
        uses.add(stored->name);
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

  /// Files need not align their tensors.
  Expected<bool> keepIfAligned(const std::string &name) {
    Expected<TensorView> view = source.find(name);
    FLOWHN_RETURN_IF_ERROR(view.status());
    bool aligned = isAligned(*view);
    if (aligned)
      uses.keep(name);
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
    Expected<TensorView> view = uses.find(parameter.sources()->Get(0)->name()->str());
    FLOWHN_RETURN_IF_ERROR(view.status());
    result.parameters[index] = {view->data, view->bytes};
    uses.release(parameter.sources()->Get(0)->name()->str());
    return {};
  }

  Status pack(const fb::Parameter &parameter, uint32_t index) {
    std::byte *target = result.memory.data() + offsets[index];
    Expected<std::optional<TensorView>> scale = uses.findScale(parameter);
    FLOWHN_RETURN_IF_ERROR(scale.status());
    int64_t row = 0;
    for (const fb::Source *part : *parameter.sources()) {
      Expected<TensorView> view = uses.find(part->name()->str());
      FLOWHN_RETURN_IF_ERROR(view.status());
      packRows(parameter, row, *view, target, *scale);
      row += view->shape[0];
      uses.release(part->name()->str());
    }
    if (*scale)
      uses.release(parameter.column_scale()->name()->str());
    result.parameters[index] = {target, size_t(preparedBytes(parameter))};
    return {};
  }

  const fb::Plan &plan;
  const PreparedParameters::Options &options;
  PreparedParameters &result;
  ParameterSource &source;
  TensorUses uses;
  std::vector<bool> aliased;
  std::vector<int64_t> offsets; ///< in the memory, of those that are packed

  std::mutex mutex; ///< for what follows
  int64_t done = 0; ///< bytes
};

} // namespace flowhn

Expected<PreparedParameters> PreparedParameters::prepare(const fb::Plan &plan,
                                                         std::unique_ptr<ParameterSource> source,
                                                         const Options &options) {
  PreparedParameters result;
  result.source = std::move(source);
  FLOWHN_RETURN_IF_ERROR(Preparation(plan, options, result).run());
  return result;
}
