//===- Session.cpp - A model, loaded and ready to run ---------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Runtime/Session.h"
#include "CodeObject.h"
#include "PlanProgram.h"
#include "ThreadPool.h"
#include "flowhn/Support/Guard.h"
#include "flowhn/Support/Json.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <numeric>
#include <sched.h>
#include <set>
#include <tuple>

using namespace flowhn;

namespace {

constexpr int maxThreads = 4096;

/// Processors that this process may use.
int usableProcessors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    return CPU_COUNT(&set);
  return std::max(1, int(std::thread::hardware_concurrency()));
}

Expected<int> resolveThreads(int threads) {
  if (threads < 0 || threads > maxThreads)
    return invalidArgument(std::to_string(threads) + " threads, it must be 0 to " +
                           std::to_string(maxThreads));
  return threads ? threads : usableProcessors();
}

Expected<std::vector<KernelFunction>> findKernels(const fb::Plan &plan, const CodeObject &code) {
  std::vector<KernelFunction> functions;
  for (const fb::Kernel *kernel : *plan.kernels()) {
    Expected<KernelFunction> function = code.find(kernel->symbol()->str());
    FLOWHN_RETURN_IF_ERROR(function.status());
    functions.push_back(*function);
  }
  return functions;
}

int64_t largestScratch(const fb::Plan &plan) {
  int64_t bytes = 0;
  for (const fb::Kernel *kernel : *plan.kernels())
    bytes = std::max(bytes, kernel->scratch_bytes());
  return bytes;
}

std::set<std::string> collectTaps(const fb::Plan &plan) {
  std::set<std::string> names;
  for (const fb::Procedure *procedure : *plan.procedures())
    for (uint32_t i = 0; i < procedure->commands()->size(); ++i)
      if (procedure->commands_type()->GetEnum<fb::Command>(i) == fb::Command::Tap)
        names.insert(procedure->commands()->GetAs<fb::Tap>(i)->name()->str());
  return names;
}

std::string row(size_t number) { return " of row " + std::to_string(number); }

Status checkLengths(const Call &call, const Manifest &manifest) {
  int64_t context = manifest.model.contextLength, sum = 0;
  if (call.lengths.empty())
    return invalidArgument("a call of 0 rows");
  if (int64_t(call.lengths.size()) > manifest.limits.maxBatch)
    return resourceExhausted("a batch of " + std::to_string(call.lengths.size()) +
                             " exceeds the artifact's limit of " +
                             std::to_string(manifest.limits.maxBatch));
  for (size_t b = 0; b < call.lengths.size(); ++b) {
    int64_t length = call.lengths[b];
    if (length < 1)
      return invalidArgument("length " + std::to_string(length) + row(b) +
                             ", it must be at least 1");
    if (context && length > context)
      return invalidArgument("length " + std::to_string(length) + row(b) +
                             " exceeds the context of " + std::to_string(context));
    if (length > manifest.limits.maxTokens)
      return resourceExhausted("length " + std::to_string(length) + row(b) +
                               " exceeds the artifact's limit of " +
                               std::to_string(manifest.limits.maxTokens));
    sum += length;
  }
  if (sum != int64_t(call.ids.size()))
    return invalidArgument("the lengths add up to " + std::to_string(sum) + ", there are " +
                           std::to_string(call.ids.size()) + " token ids");
  if (sum > std::numeric_limits<int32_t>::max())
    return resourceExhausted("a call of " + std::to_string(sum) + " tokens exceeds the limit of " +
                             std::to_string(std::numeric_limits<int32_t>::max()));
  return {};
}

Status checkIds(const Call &call, int64_t vocabSize) {
  const int32_t *id = call.ids.data();
  for (size_t b = 0; b < call.lengths.size(); ++b)
    for (int32_t position = 0; position < call.lengths[b]; ++position, ++id)
      if (*id < 0 || *id >= vocabSize)
        return invalidArgument("token " + std::to_string(*id) + " at position " +
                               std::to_string(position) + row(b) +
                               " is outside of the vocabulary of " + std::to_string(vocabSize));
  return {};
}

/// The tables that the entry of a plan takes beside the call itself.
struct CallTables {
  int64_t maxLength = 0;
  std::vector<int32_t> begin, offsets, select;

  explicit CallTables(const Call &call) : begin(call.lengths.size(), 0), offsets{0} {
    for (int32_t length : call.lengths) {
      maxLength = std::max<int64_t>(maxLength, length);
      offsets.push_back(offsets.back() + length);
      if (call.logits == LogitsMode::Last)
        select.push_back(offsets.back() - 1);
    }
    if (call.logits == LogitsMode::All) {
      select.resize(call.ids.size());
      std::iota(select.begin(), select.end(), 0);
    }
  }
};

} // namespace

struct Session::Impl {
  Impl(std::shared_ptr<const Artifact> artifact, CodeObject code,
       std::vector<KernelFunction> kernels, PreparedParameters prepared,
       std::unique_ptr<ThreadPool> pool)
      : artifact(std::move(artifact)), code(std::move(code)), parameters(std::move(prepared)),
        pool(std::move(pool)), plan(*fb::GetPlan(this->artifact->plan().data())),
        program(plan, std::move(kernels), parameters), taps(collectTaps(plan)) {}

  const Manifest &manifest() const { return artifact->manifest(); }
  Expected<CallResult> run(const Call &call);
  Status check(const Call &call) const;
  Status checkTaps(const Call &call) const;

  std::shared_ptr<const Artifact> artifact;
  CodeObject code;
  PreparedParameters parameters;
  std::unique_ptr<ThreadPool> pool;
  const fb::Plan &plan;
  PlanProgram program;
  std::set<std::string> taps;
  std::vector<LaunchCounts> counts; ///< one per kernel; empty without profiling
  double loadSeconds = 0;
};

Status Session::Impl::checkTaps(const Call &call) const {
  for (const std::string &tap : call.taps)
    if (!taps.count(tap))
      return notFound(
          "no tap " + quote(tap) + ", the artifact has " + std::to_string(taps.size()) +
          (taps.empty() ? "" : " from " + quote(*taps.begin()) + " to " + quote(*taps.rbegin())));
  return {};
}

Status Session::Impl::check(const Call &call) const {
  FLOWHN_RETURN_IF_ERROR(checkLengths(call, manifest()));
  FLOWHN_RETURN_IF_ERROR(checkIds(call, manifest().model.vocabSize));
  return checkTaps(call);
}

Expected<CallResult> Session::Impl::run(const Call &call) {
  FLOWHN_RETURN_IF_ERROR(check(call));
  CallTables tables(call);
  CallResult result;
  result.rows = int64_t(tables.select.size());
  size_t numLogits = tables.select.size() * size_t(manifest().model.vocabSize);
  if (call.logitsBuffer.empty())
    result.logits.resize(numLogits);
  else if (call.logitsBuffer.size() != numLogits)
    return invalidArgument("a buffer for " + std::to_string(call.logitsBuffer.size()) +
                           " logits, the call gives " + std::to_string(numLogits));
  std::span<float> logits = call.logitsBuffer.empty() ? result.logits : call.logitsBuffer;

  TapTarget target = [&](std::string_view name, DType type, int64_t rows,
                         int64_t elements) -> Expected<std::byte *> {
    bool isWanted = std::find(call.taps.begin(), call.taps.end(), name) != call.taps.end();
    auto [tap, isNew] =
        isWanted ? result.taps.try_emplace(std::string(name)) : std::pair(result.taps.end(), false);
    if (!isNew)
      return nullptr;
    tap->second = {
        type, {rows, elements}, std::vector<std::byte>(rows * elements * byteSize(type))};
    return tap->second.data.data();
  };
  EntryArguments arguments{tables.maxLength, call.ids,      tables.begin, call.lengths,
                           tables.offsets,   tables.select, logits};
  Expected<const LaunchProgram *> launches = program.instantiate(arguments, target, counts);
  FLOWHN_RETURN_IF_ERROR(launches.status());
  pool->run(**launches);
  return result;
}

Session::Session(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Session::Session(Session &&) noexcept = default;
Session &Session::operator=(Session &&) noexcept = default;
Session::~Session() = default;

Expected<Session> Session::create(std::shared_ptr<const Artifact> artifact,
                                  std::unique_ptr<ParameterSource> source, SessionOptions options) {
  if (!artifact || !source)
    return invalidArgument("a session needs an artifact and a source of parameters");
  auto start = std::chrono::steady_clock::now();
  auto load = [&]() -> Expected<Session> {
    FLOWHN_RETURN_IF_ERROR(
        checkHostRuns(artifact->manifest().target.cpu).withContext(artifact->source()));
    Expected<int> threads = resolveThreads(options.threads);
    FLOWHN_RETURN_IF_ERROR(threads.status());
    Expected<std::span<const std::byte>> bytes = artifact->code();
    FLOWHN_RETURN_IF_ERROR(bytes.status());
    Expected<CodeObject> code = CodeObject::load(*bytes);
    FLOWHN_RETURN_IF_ERROR(code.status().withContext(artifact->source()));
    const fb::Plan &plan = *fb::GetPlan(artifact->plan().data());
    Expected<std::vector<KernelFunction>> kernels = findKernels(plan, *code);
    FLOWHN_RETURN_IF_ERROR(kernels.status().withContext(artifact->source()));
    Expected<PreparedParameters> parameters =
        PreparedParameters::prepare(plan, std::move(source), {*threads, options.progress});
    FLOWHN_RETURN_IF_ERROR(parameters.status());
    Expected<std::unique_ptr<ThreadPool>> pool = ThreadPool::create(*threads, largestScratch(plan));
    FLOWHN_RETURN_IF_ERROR(pool.status());
    auto impl = std::make_unique<Impl>(std::move(artifact), std::move(*code), std::move(*kernels),
                                       std::move(*parameters), std::move(*pool));
    std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    impl->loadSeconds = time.count();
    return Session(std::move(impl));
  };
  return guarded("a session", load);
}

Expected<CallResult> Session::run(const Call &call) {
  return guarded("the results of a call", [&] { return impl->run(call); });
}

const Artifact &Session::artifact() const { return *impl->artifact; }
int64_t Session::vocabSize() const { return impl->manifest().model.vocabSize; }
int64_t Session::contextLength() const { return impl->manifest().model.contextLength; }
int64_t Session::maxBatch() const { return impl->manifest().limits.maxBatch; }
int64_t Session::maxTokens() const { return impl->manifest().limits.maxTokens; }
int Session::threads() const { return impl->pool->size(); }
double Session::loadSeconds() const { return impl->loadSeconds; }
int64_t Session::parameterBytes() const { return impl->parameters.bytes(); }
int64_t Session::sharedParameterBytes() const { return impl->parameters.sharedBytes(); }
int64_t Session::workspaceBytes() const { return impl->program.workspaceBytes(); }
int64_t Session::deviceBytes() const { return 0; }
double Session::uploadSeconds() const { return 0; }
std::string Session::target() const {
  return "cpu " + impl->manifest().target.cpu + ", " + std::to_string(threads()) +
         (threads() == 1 ? " thread" : " threads");
}

std::vector<std::string> Session::tapNames() const {
  return {impl->taps.begin(), impl->taps.end()};
}

void Session::enableProfile(bool enable) {
  size_t numKernels = enable ? impl->plan.kernels()->size() : 0;
  impl->counts.assign(numKernels, {});
  impl->pool->setProfile(numKernels);
}

std::vector<KernelProfile> Session::profile() const {
  std::vector<KernelProfile> result;
  for (uint32_t i = 0; i < impl->counts.size(); ++i) {
    const fb::Kernel &kernel = *impl->plan.kernels()->Get(i);
    const LaunchCounts &counts = impl->counts[i];
    if (counts.calls > 0)
      result.push_back({kernel.name()->str(), kernel.op()->str(), counts.calls,
                        double(impl->pool->nanoseconds(i)) * 1e-9, counts.flops, counts.bytes});
  }
  std::sort(result.begin(), result.end(), [](const auto &a, const auto &b) {
    return std::tie(b.seconds, a.kernel) < std::tie(a.seconds, b.kernel);
  });
  return result;
}

std::vector<ParameterSpec> flowhn::parametersOf(const Artifact &artifact) {
  return sourcesOf(*fb::GetPlan(artifact.plan().data()));
}
