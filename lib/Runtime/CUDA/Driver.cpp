//===- Driver.cpp - The CUDA driver, opened at run time -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "flowhn/Support/Json.h"

#include <dlfcn.h>

using namespace flowhn;
using namespace flowhn::cuda;

namespace {

constexpr const char *library = "libcuda.so.1";
/// The first with cuTensorMapEncodeTiled.
constexpr int minVersion = 12000;

std::string versionText(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

Status tooOld(int version) {
  return unsupported("the NVIDIA driver supports CUDA " + versionText(version) +
                     ", it must support " + versionText(minVersion) + " or newer");
}

Status findFunctions(void *handle, Driver &driver) {
#define FLOWHN_CUDA_FIND(name, symbol, parameters)                                                 \
  driver.name = reinterpret_cast<Result(*) parameters>(dlsym(handle, symbol));                     \
  if (!driver.name)                                                                                \
    return unsupported(std::string(library) + " has no function " + quote(symbol));
  FLOWHN_CUDA_FUNCTIONS(FLOWHN_CUDA_FIND)
#undef FLOWHN_CUDA_FIND
  return {};
}

/// The library stays open: its threads may outlive any session.
Expected<Driver> open() {
  void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    return notFound(std::string("no NVIDIA driver: ") + dlerror());
  Driver driver;
  // An old driver is told by its version, not by the first function that it lacks.
  auto getVersion = reinterpret_cast<Result (*)(int *)>(dlsym(handle, "cuDriverGetVersion"));
  if (getVersion && getVersion(&driver.version) == constants::success &&
      driver.version < minVersion)
    return tooOld(driver.version);
  FLOWHN_RETURN_IF_ERROR(findFunctions(handle, driver));
  FLOWHN_RETURN_IF_ERROR(driver.check(driver.init(0), "the NVIDIA driver cannot start"));
  return driver;
}

StatusCode codeOf(Result result) {
  switch (result) {
  case constants::outOfMemory:
  case constants::launchOutOfResources:
  case constants::deviceUnavailable:
    return StatusCode::ResourceExhausted;
  case constants::stubLibrary:
  case constants::noDevice:
  case constants::invalidDevice:
    return StatusCode::NotFound;
  case constants::systemDriverMismatch:
  case constants::notSupportedOnDevice:
    return StatusCode::Unsupported;
  case constants::noBinaryForGPU:
  case constants::invalidPTX:
  case constants::unsupportedPTXVersion:
    return StatusCode::Incompatible;
  default:
    return StatusCode::Internal;
  }
}

} // namespace

Expected<const Driver *> Driver::get() {
  static const Expected<Driver> driver = open();
  FLOWHN_RETURN_IF_ERROR(driver.status());
  return &*driver;
}

Status Driver::check(Result result, const std::string &asked) const {
  if (result == constants::success)
    return {};
  const char *name = nullptr;
  std::string text = getErrorName(result, &name) == constants::success && name
                         ? std::string(name)
                         : "error " + std::to_string(result);
  return {codeOf(result), asked + ": " + text};
}
