//===- Session.cpp - A model, loaded and ready to run ---------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Runtime/Session.h"
#include "Draw.h"
#include "PlanParameters.h"
#include "ProfileReport.h"
#include "SessionImpl.h"
#include "TracedLaunches.h"
#include "flowhn/Support/Guard.h"
#include "flowhn/Support/Json.h"

#include <algorithm>
#include <chrono>
#include <sched.h>
#include <thread>
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

} // namespace

Status Session::Impl::checkTaps(const Call &call) const {
  for (const std::string &tap : call.taps)
    if (!taps.count(tap))
      return notFound(
          "no tap " + quote(tap) + ", the artifact has " + std::to_string(taps.size()) +
          (taps.empty() ? "" : " from " + quote(*taps.begin()) + " to " + quote(*taps.rbegin())));
  return {};
}

Status Session::Impl::checkDraws(const Call &call) const {
  size_t rows = call.logits == LogitsMode::All    ? call.ids.size()
                : call.logits == LogitsMode::Last ? call.lengths.size()
                                                  : 0;
  if (!call.draws.empty() && (!call.tokens || call.draws.size() != rows))
    return invalidArgument(std::to_string(call.draws.size()) + " draws, the call gives " +
                           std::to_string(call.tokens ? rows : 0) + " tokens");
  for (const TokenDraw &draw : call.draws)
    FLOWHN_RETURN_IF_ERROR(checkSampling(draw.options));
  return {};
}

Status Session::Impl::check(const Call &call) const {
  FLOWHN_RETURN_IF_ERROR(checkLengths(call, manifest()));
  FLOWHN_RETURN_IF_ERROR(checkIds(call, manifest().model.vocabSize));
  FLOWHN_RETURN_IF_ERROR(checkDraws(call));
  return checkTaps(call);
}

/// Copies taps into `result`, those that the call wants and that are new.
static TapTarget tapTargetOf(const Call &call, CallResult &result) {
  if (call.taps.empty())
    return {};
  return [&call, &result](std::string_view name, DType type, int64_t rows,
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
}

EntryArguments Session::Impl::argumentsOf(const Call &call, const CallTables &tables) const {
  return {tables.maxLength, manifest().model.vocabSize,
          call.ids,         tables.begin,
          call.lengths,     tables.offsets,
          tables.select};
}

Expected<CallResult> Session::Impl::run(const Call &call) {
  FLOWHN_RETURN_IF_ERROR(check(call));
  return execute(call, CallTables(call), nullptr);
}

/// Chooses a token of each row of logits.
static void chooseTokens(const Call &call, std::span<const float> logits,
                         std::span<int32_t> tokens) {
  size_t vocabulary = tokens.empty() ? 0 : logits.size() / tokens.size();
  for (size_t row = 0; row < tokens.size(); ++row) {
    std::span<const float> ofRow = logits.subspan(row * vocabulary, vocabulary);
    tokens[row] = call.draws.empty()
                      ? argmax(ofRow)
                      : sampleToken(call.draws[row].options, ofRow, call.draws[row].sequence);
  }
}

Expected<CallResult> Session::Impl::execute(const Call &call, const CallTables &tables,
                                            StepArguments *step) {
  CallResult result;
  result.rows = int64_t(tables.select.size());
  EntryArguments arguments = argumentsOf(call, tables);
  arguments.step = step;
  size_t numLogits = size_t(arguments.numLogits());
  if (!call.logitsBuffer.empty() && (!call.returnLogits || call.logitsBuffer.size() != numLogits))
    return invalidArgument("a buffer for " + std::to_string(call.logitsBuffer.size()) +
                           " logits, the call gives " +
                           std::to_string(call.returnLogits ? numLogits : 0));
  // A plan that draws changes logits.
  bool planDraws = step && planDrawsTokens && !call.returnLogits;
  bool planChooses = call.draws.empty() ? planComputesTokens : planDraws;
  bool findsTokens = call.tokens && !planChooses;
  if (call.logitsBuffer.empty() && (call.returnLogits || findsTokens))
    result.logits.resize(numLogits);
  arguments.logits = call.logitsBuffer.empty() ? result.logits : call.logitsBuffer;
  result.tokens.resize(call.tokens ? tables.select.size() : 0);
  DrawTables draws;
  if (planChooses) {
    arguments.tokens = result.tokens;
    for (const TokenDraw &draw : call.draws)
      draws.add(draw, arguments.vocabulary);
    if (step) {
      step->draws = draws.draws;
      step->history = draws.history;
    }
  }

  Expected<double> seconds = executor->run(arguments, tapTargetOf(call, result), counts);
  FLOWHN_RETURN_IF_ERROR(seconds.status());
  result.deviceSeconds = *seconds;
  if (findsTokens)
    chooseTokens(call, arguments.logits, result.tokens);
  if (!call.returnLogits)
    result.logits.clear();
  return result;
}

Expected<std::vector<TracedLaunch>> Session::Impl::trace(const Call &call) {
  FLOWHN_RETURN_IF_ERROR(check(call));
  if (!call.taps.empty())
    return invalidArgument("a trace has no taps, " + std::to_string(call.taps.size()) +
                           " are asked for");
  CallTables tables(call);
  EntryArguments arguments = argumentsOf(call, tables);
  Expected<std::vector<TracedLaunch>> launches = describeLaunches(plan, arguments);
  FLOWHN_RETURN_IF_ERROR(launches.status());
  Expected<std::vector<LaunchTime>> times = executor->trace(arguments);
  FLOWHN_RETURN_IF_ERROR(times.status());
  for (size_t i = 0; i < times->size(); ++i) {
    launches->at(i).start = times->at(i).start;
    launches->at(i).end = times->at(i).end;
  }
  return launches;
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
    Expected<int> threads = resolveThreads(options.threads);
    FLOWHN_RETURN_IF_ERROR(threads.status());
    options.threads = *threads;
    bool isCPU = artifact->manifest().target.kind == "cpu";
    if (isCPU && !options.chip.empty())
      return invalidArgument("code for the chip '" + options.chip +
                             "' is asked for, of an artifact for the cpu");
    auto create = isCPU ? createCPUExecutor : createCUDAExecutor;
    Expected<std::unique_ptr<Executor>> executor = create(*artifact, std::move(source), options);
    FLOWHN_RETURN_IF_ERROR(executor.status());
    auto impl = std::make_unique<Impl>(std::move(artifact), std::move(*executor));
    std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    impl->loadSeconds = time.count();
    return Session(std::move(impl));
  };
  return guarded("a session", load);
}

Expected<CallResult> Session::run(const Call &call) {
  return guarded("the results of a call", [&] { return impl->run(call); });
}

Expected<std::vector<TracedLaunch>> Session::trace(const Call &call) {
  return guarded("the trace of a call", [&] { return impl->trace(call); });
}

const Artifact &Session::artifact() const { return *impl->artifact; }
int64_t Session::vocabSize() const { return impl->manifest().model.vocabSize; }
int64_t Session::contextLength() const { return impl->manifest().model.contextLength; }
int64_t Session::longestRow() const {
  return contextLength() ? std::min(contextLength(), maxTokens()) : maxTokens();
}
int64_t Session::maxBatch() const { return impl->manifest().limits.maxBatch; }
int64_t Session::maxTokens() const { return impl->manifest().limits.maxTokens; }
int Session::threads() const { return impl->executor->info().threads; }
std::string Session::target() const { return impl->executor->info().target; }
std::string Session::chip() const { return impl->executor->info().chip; }
double Session::loadSeconds() const { return impl->loadSeconds; }
int64_t Session::parameterBytes() const { return impl->executor->info().parameterBytes; }
int64_t Session::sharedParameterBytes() const {
  return impl->executor->info().sharedParameterBytes;
}
int64_t Session::workspaceBytes() const { return impl->executor->info().workspaceBytes; }
int64_t Session::deviceBytes() const { return impl->executor->info().deviceBytes; }
double Session::uploadSeconds() const { return impl->executor->info().uploadSeconds; }

std::string Session::noStepReason() const {
  const ManifestModel &model = impl->manifest().model;
  if (impl->plan.step() >= 0)
    return {};
  if (model.splitByCall)
    return "the split of model " + quote(model.name) +
           " follows the length of each call, so every new token would send old ones to other "
           "branches; compile it for a context length (--context)";
  return "model " + quote(model.name) + " was compiled for whole sequences only";
}

std::vector<std::string> Session::tapNames() const {
  return {impl->taps.begin(), impl->taps.end()};
}

void Session::enableProfile(bool enable) {
  size_t numKernels = enable ? impl->plan.kernels()->size() : 0;
  impl->counts.assign(numKernels, {});
  impl->executor->setProfile(numKernels);
}

std::vector<KernelProfile> Session::profile() const {
  std::vector<KernelProfile> result;
  for (uint32_t i = 0; i < impl->counts.size(); ++i) {
    const fb::Kernel &kernel = *impl->plan.kernels()->Get(i);
    const LaunchCounts &counts = impl->counts[i];
    if (counts.calls > 0)
      result.push_back({kernel.name()->str(), kernel.op()->str(), counts.calls,
                        impl->executor->seconds(i), counts.flops, counts.bytes, counts.floorSeconds,
                        kernel.config() ? kernel.config()->str() : ""});
  }
  std::sort(result.begin(), result.end(), [](const auto &a, const auto &b) {
    return std::tie(b.seconds, a.kernel) < std::tie(a.seconds, b.kernel);
  });
  return result;
}

std::vector<LaunchProfile> Session::launches() const {
  return describeLaunches(impl->plan, impl->executor->launchTimes());
}

std::vector<BlockProfile> Session::blocks() const {
  return describeBlocks(impl->plan, impl->executor->launchTimes(), impl->executor->blockTimes());
}

std::vector<ParameterSpec> flowhn::parametersOf(const Artifact &artifact) {
  return sourcesOf(*fb::GetPlan(artifact.plan().data()));
}
