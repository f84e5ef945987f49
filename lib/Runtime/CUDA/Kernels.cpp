//===- Kernels.cpp - The kernels of an artifact, loaded -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "flowhn/Support/Json.h"
#include "flowhn/Support/Parallel.h"

#include <algorithm>
#include <array>
#include <map>

using namespace flowhn;
using namespace flowhn::cuda;

namespace {

/// The driver's message, without what is empty behind it.
std::string trimmed(std::string_view log) {
  log = log.substr(0, log.find('\0'));
  size_t end = log.find_last_not_of(" \n\r\t");
  return std::string(log.substr(0, end == log.npos ? 0 : end + 1));
}

Expected<Module> loadModule(const Driver &driver, const void *image) {
  std::array<char, 4096> log = {};
  std::array<int, 2> options = {constants::jitErrorLog, constants::jitErrorLogBytes};
  std::array<void *, 2> values = {log.data(), reinterpret_cast<void *>(log.size())};
  ModuleHandle module = nullptr;
  Status status = driver.check(
      driver.moduleLoad(&module, image, unsigned(options.size()), options.data(), values.data()),
      "cannot load the code");
  if (status.ok())
    return Module(driver, module);
  std::string text = trimmed({log.data(), log.size()});
  return text.empty() ? status : Status(status.code(), status.message() + "\n" + text);
}

/// What the sections with a kernel's code are named by.
std::string codeOf(const fb::Kernel &kernel) {
  return (kernel.code() ? kernel.code() : kernel.symbol())->str();
}

Expected<Module> loadCode(const Driver &driver, const Artifact &artifact, const std::string &chip,
                          const DeviceInfo &device, const std::string &name) {
  std::string binary = kernelSection(chip, name, "cubin"), text = kernelSection(chip, name, "ptx");
  if (auto code = artifact.section(binary); code && canRunMachineCode(device, chip))
    return loadModule(driver, code->data());
  if (auto code = artifact.section(text)) // which the driver reads up to a zero
    return loadModule(
        driver, std::string(reinterpret_cast<const char *>(code->data()), code->size()).c_str());
  return notFound("no section " + quote(binary) + " or " + quote(text));
}

Status allowSharedBytes(const Driver &driver, FunctionHandle function, uint32_t bytes) {
  return driver.check(
      driver.functionSetAttribute(function, constants::functionMaxDynamicShared, int(bytes)),
      "cannot have " + std::to_string(bytes) + " bytes of shared memory");
}

/// `sharedBytes` is the most that a launch of it needs.
Expected<FunctionHandle> findFunction(const Driver &driver, const Module &module,
                                      const fb::Kernel &kernel, uint32_t sharedBytes) {
  FunctionHandle function = nullptr;
  FLOWHN_RETURN_IF_ERROR(
      driver.check(driver.moduleGetFunction(&function, module.get(), kernel.symbol()->c_str()),
                   "the code has no usable symbol " + quote(kernel.symbol()->string_view())));
  if (sharedBytes > 0)
    FLOWHN_RETURN_IF_ERROR(allowSharedBytes(driver, function, sharedBytes));
  return function;
}

/// Shared memory that every block takes beside its own, and what is given out at a time.
constexpr int64_t reservedBytes = 1024, granuleBytes = 128;

/// The least dynamic shared memory with which a multiprocessor of `total` bytes has room for so
/// many blocks and not one more.
uint32_t bytesToHold(int64_t total, int64_t blocks) {
  return uint32_t((total / (blocks + 1) / granuleBytes + 1) * granuleBytes - reservedBytes);
}

Expected<bool> hasClusters(const Driver &driver, FunctionHandle function) {
  int width = 0;
  FLOWHN_RETURN_IF_ERROR(
      driver.check(driver.functionGetAttribute(&width, constants::functionClusterWidth, function),
                   "cannot say whether its blocks form clusters"));
  return width > 1;
}

Expected<int> countBlocks(const Driver &driver, FunctionHandle function, const fb::Kernel &kernel) {
  const fb::GPULaunch &gpu = *kernel.gpu();
  int blocks = 0;
  FLOWHN_RETURN_IF_ERROR(driver.check(
      driver.blocksOfMultiprocessor(&blocks, function, int(gpu.threads()), gpu.shared_bytes()),
      "cannot say how many blocks a multiprocessor has room for"));
  return blocks;
}

std::string label(const fb::Kernel &kernel) {
  return "kernel " + quote(kernel.name()->string_view());
}

} // namespace

Expected<Kernels> Kernels::load(const Driver &driver, const Context &context,
                                const Artifact &artifact, const std::string &chip,
                                const DeviceInfo &device, int threads) {
  const auto &kernels = *fb::GetPlan(artifact.plan(chip).data())->kernels();
  std::map<std::string, size_t> moduleOf;
  std::vector<const fb::Kernel *> first;              // of each module
  std::map<std::string_view, uint32_t> sharedBytesOf; // a symbol's launches at most
  for (const fb::Kernel *kernel : kernels) {
    if (moduleOf.try_emplace(codeOf(*kernel), first.size()).second)
      first.push_back(kernel);
    uint32_t &most = sharedBytesOf[kernel->symbol()->string_view()];
    most = std::max(most, kernel->gpu()->shared_bytes());
  }
  Kernels result;
  result.multiprocessors = device.multiprocessors;
  result.multiprocessorBytes = device.sharedBytes;
  result.modules.resize(first.size());
  auto loadOne = [&](size_t i) {
    return context
        .with([&]() -> Status {
          auto module = loadCode(driver, artifact, chip, device, codeOf(*first[i]));
          FLOWHN_RETURN_IF_ERROR(module.status());
          result.modules[i] = std::move(*module);
          return {};
        })
        .withContext(label(*first[i]));
  };
  FLOWHN_RETURN_IF_ERROR(forEachInParallel(first.size(), size_t(threads), "kernels", loadOne));
  for (const fb::Kernel *kernel : kernels) {
    const Module &module = result.modules[moduleOf.at(codeOf(*kernel))];
    uint32_t sharedBytes = sharedBytesOf.at(kernel->symbol()->string_view());
    Expected<FunctionHandle> function = findFunction(driver, module, *kernel, sharedBytes);
    FLOWHN_RETURN_IF_ERROR(function.status().withContext(label(*kernel)));
    Expected<int> blocks = countBlocks(driver, *function, *kernel);
    FLOWHN_RETURN_IF_ERROR(blocks.status().withContext(label(*kernel)));
    Expected<bool> clusters = hasClusters(driver, *function);
    FLOWHN_RETURN_IF_ERROR(clusters.status().withContext(label(*kernel)));
    if (*blocks > 1 && !*clusters) {
      uint32_t most = std::max(sharedBytes, bytesToHold(device.sharedBytes, 1));
      FLOWHN_RETURN_IF_ERROR(allowSharedBytes(driver, *function, most).withContext(label(*kernel)));
    }
    result.entries.push_back({*function, kernel->gpu()->shared_bytes(), *blocks, *clusters});
  }
  return result;
}

uint32_t Kernels::sharedBytesToSpread(uint32_t number, int64_t blocks) const {
  const Entry &kernel = entries[number];
  int64_t share = (blocks + multiprocessors - 1) / multiprocessors;
  if (kernel.hasClusters || share >= kernel.blocksPerMultiprocessor)
    return kernel.sharedBytes;
  return std::max(kernel.sharedBytes, bytesToHold(multiprocessorBytes, share));
}
