//===- Driver.h - The CUDA driver, opened at run time -----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_CUDA_DRIVER_H
#define FLOWHN_LIB_RUNTIME_CUDA_DRIVER_H

#include "flowhn/Support/Status.h"

#include <cstddef>
#include <cstdint>

namespace flowhn::cuda {

// The parts of the driver's interface that are used, as its documentation gives them.

using Result = int;
using Device = int;
using DeviceAddress = unsigned long long;
using ContextHandle = struct ContextState *;
using ModuleHandle = struct ModuleState *;
using FunctionHandle = struct FunctionState *;
using StreamHandle = struct StreamState *;
using EventHandle = struct EventState *;
using GraphHandle = struct GraphState *;
using GraphExecHandle = struct GraphExecState *;

/// A CUtensorMap; drivers since CUDA 13 align it to 128.
struct alignas(128) EncodedTensorMap {
  uint64_t words[16];
};

/// A CUDA_MEMCPY2D.
struct Copy2D {
  size_t fromX = 0, fromY = 0;
  uint32_t fromKind = 0;
  const void *fromHost = nullptr;
  DeviceAddress fromDevice = 0;
  void *fromArray = nullptr;
  size_t fromPitch = 0;
  size_t toX = 0, toY = 0;
  uint32_t toKind = 0;
  void *toHost = nullptr;
  DeviceAddress toDevice = 0;
  void *toArray = nullptr;
  size_t toPitch = 0;
  size_t width = 0, height = 0;
};

/// A CUlaunchAttribute.
struct LaunchAttribute {
  int id = 0;
  int padding = 0;
  union {
    unsigned clusterBlocks[3];
    int isProgrammatic; ///< the launch behind the one in front of it in its stream
    struct {
      EventHandle event;
      int flags, triggersAtStart;
    } programmaticEvent; ///< recorded when all blocks of the launch let others start
    char bytes[64] = {};
  };
};

/// A CUlaunchConfig.
struct LaunchConfig {
  unsigned gridX = 0, gridY = 1, gridZ = 1;
  unsigned blockX = 0, blockY = 1, blockZ = 1;
  unsigned sharedBytes = 0;
  StreamHandle stream = nullptr;
  LaunchAttribute *attributes = nullptr;
  unsigned numAttributes = 0;
};

namespace constants {
inline constexpr Result success = 0, invalidValue = 1, outOfMemory = 2, stubLibrary = 34,
                        deviceUnavailable = 46, noDevice = 100, invalidDevice = 101,
                        noBinaryForGPU = 209, invalidPTX = 218, unsupportedPTXVersion = 222,
                        launchOutOfResources = 701, systemDriverMismatch = 803,
                        notSupportedOnDevice = 804;
inline constexpr int attributeMultiprocessors = 16, attributeComputeMajor = 75,
                     attributeComputeMinor = 76, attributeSharedBytes = 81;
inline constexpr int functionMaxDynamicShared = 8, functionClusterWidth = 11;
inline constexpr int launchClusterBlocks = 4, launchProgrammaticSerialization = 6,
                     launchProgrammaticEvent = 7;
inline constexpr int jitErrorLog = 5, jitErrorLogBytes = 6;
inline constexpr unsigned streamNonBlocking = 1, eventDisableTiming = 2, eventRecordExternal = 1;
inline constexpr int captureThreadLocal = 1;
inline constexpr uint32_t memoryHost = 1, memoryDevice = 2;
inline constexpr int tensorMapFloat16 = 6, tensorMapFloat32 = 7, tensorMapBFloat16 = 9;
inline constexpr int interleaveNone = 0, swizzleNone = 0, swizzle128 = 3, promotionL2128 = 2,
                     fillZeros = 0;
} // namespace constants

/// Every function that is called: FUNCTION(name, the driver's symbol, parameters).
#define FLOWHN_CUDA_FUNCTIONS(FUNCTION)                                                            \
  FUNCTION(init, "cuInit", (unsigned flags))                                                       \
  FUNCTION(driverGetVersion, "cuDriverGetVersion", (int *version))                                 \
  FUNCTION(getErrorName, "cuGetErrorName", (Result error, const char **name))                      \
  FUNCTION(deviceGetCount, "cuDeviceGetCount", (int *count))                                       \
  FUNCTION(deviceGet, "cuDeviceGet", (Device * device, int number))                                \
  FUNCTION(deviceGetName, "cuDeviceGetName", (char *name, int bytes, Device device))               \
  FUNCTION(deviceGetAttribute, "cuDeviceGetAttribute", (int *value, int attribute, Device device)) \
  FUNCTION(deviceTotalMem, "cuDeviceTotalMem_v2", (size_t *bytes, Device device))                  \
  FUNCTION(primaryContextRetain, "cuDevicePrimaryCtxRetain",                                       \
           (ContextHandle * context, Device device))                                               \
  FUNCTION(primaryContextRelease, "cuDevicePrimaryCtxRelease_v2", (Device device))                 \
  FUNCTION(contextPush, "cuCtxPushCurrent_v2", (ContextHandle context))                            \
  FUNCTION(contextPop, "cuCtxPopCurrent_v2", (ContextHandle * context))                            \
  FUNCTION(moduleLoad, "cuModuleLoadDataEx",                                                       \
           (ModuleHandle * module, const void *image, unsigned numOptions, int *options,           \
            void **values))                                                                        \
  FUNCTION(moduleUnload, "cuModuleUnload", (ModuleHandle module))                                  \
  FUNCTION(moduleGetFunction, "cuModuleGetFunction",                                               \
           (FunctionHandle * function, ModuleHandle module, const char *name))                     \
  FUNCTION(functionSetAttribute, "cuFuncSetAttribute",                                             \
           (FunctionHandle function, int attribute, int value))                                    \
  FUNCTION(functionGetAttribute, "cuFuncGetAttribute",                                             \
           (int *value, int attribute, FunctionHandle function))                                   \
  FUNCTION(blocksOfMultiprocessor, "cuOccupancyMaxActiveBlocksPerMultiprocessor",                  \
           (int *blocks, FunctionHandle function, int threads, size_t sharedBytes))                \
  FUNCTION(launchKernel, "cuLaunchKernelEx",                                                       \
           (const LaunchConfig *config, FunctionHandle function, void **parameters, void **extra)) \
  FUNCTION(tensorMapEncodeTiled, "cuTensorMapEncodeTiled",                                         \
           (EncodedTensorMap * map, int dataType, uint32_t rank, void *address,                    \
            const uint64_t *extents, const uint64_t *strides, const uint32_t *box,                 \
            const uint32_t *elementStrides, int interleave, int swizzle, int promotion, int fill)) \
  FUNCTION(memAlloc, "cuMemAlloc_v2", (DeviceAddress * address, size_t bytes))                     \
  FUNCTION(memFree, "cuMemFree_v2", (DeviceAddress address))                                       \
  FUNCTION(memGetInfo, "cuMemGetInfo_v2", (size_t *free, size_t *total))                           \
  FUNCTION(memHostRegister, "cuMemHostRegister_v2", (void *address, size_t bytes, unsigned flags)) \
  FUNCTION(memHostUnregister, "cuMemHostUnregister", (void *address))                              \
  FUNCTION(copyToDevice, "cuMemcpyHtoDAsync_v2",                                                   \
           (DeviceAddress to, const void *from, size_t bytes, StreamHandle stream))                \
  FUNCTION(copyToHost, "cuMemcpyDtoHAsync_v2",                                                     \
           (void *to, DeviceAddress from, size_t bytes, StreamHandle stream))                      \
  FUNCTION(setBytes, "cuMemsetD8Async",                                                            \
           (DeviceAddress to, unsigned char value, size_t bytes, StreamHandle stream))             \
  FUNCTION(copyOnDevice, "cuMemcpyDtoDAsync_v2",                                                   \
           (DeviceAddress to, DeviceAddress from, size_t bytes, StreamHandle stream))              \
  FUNCTION(copy2D, "cuMemcpy2DAsync_v2", (const Copy2D *copy, StreamHandle stream))                \
  FUNCTION(streamCreate, "cuStreamCreate", (StreamHandle * stream, unsigned flags))                \
  FUNCTION(streamDestroy, "cuStreamDestroy_v2", (StreamHandle stream))                             \
  FUNCTION(streamSynchronize, "cuStreamSynchronize", (StreamHandle stream))                        \
  FUNCTION(streamWaitEvent, "cuStreamWaitEvent",                                                   \
           (StreamHandle stream, EventHandle event, unsigned flags))                               \
  FUNCTION(streamBeginCapture, "cuStreamBeginCapture_v2", (StreamHandle stream, int mode))         \
  FUNCTION(streamEndCapture, "cuStreamEndCapture", (StreamHandle stream, GraphHandle * graph))     \
  FUNCTION(eventCreate, "cuEventCreate", (EventHandle * event, unsigned flags))                    \
  FUNCTION(eventDestroy, "cuEventDestroy_v2", (EventHandle event))                                 \
  FUNCTION(eventRecord, "cuEventRecord", (EventHandle event, StreamHandle stream))                 \
  FUNCTION(eventRecordWithFlags, "cuEventRecordWithFlags",                                         \
           (EventHandle event, StreamHandle stream, unsigned flags))                               \
  FUNCTION(eventSynchronize, "cuEventSynchronize", (EventHandle event))                            \
  FUNCTION(eventElapsedTime, "cuEventElapsedTime",                                                 \
           (float *milliseconds, EventHandle start, EventHandle end))                              \
  FUNCTION(graphInstantiate, "cuGraphInstantiateWithFlags",                                        \
           (GraphExecHandle * exec, GraphHandle graph, unsigned long long flags))                  \
  FUNCTION(graphLaunch, "cuGraphLaunch", (GraphExecHandle exec, StreamHandle stream))              \
  FUNCTION(graphExecDestroy, "cuGraphExecDestroy", (GraphExecHandle exec))                         \
  FUNCTION(graphDestroy, "cuGraphDestroy", (GraphHandle graph))

/// The driver of this process, initialised.
struct Driver {
#define FLOWHN_CUDA_MEMBER(name, symbol, parameters) Result(*name) parameters = nullptr;
  FLOWHN_CUDA_FUNCTIONS(FLOWHN_CUDA_MEMBER)
#undef FLOWHN_CUDA_MEMBER
  int version = 0; ///< 1000 · major + 10 · minor

  /// Whether graphs keep what a launch says of its start.
  bool hasDependentLaunches() const { return version >= 12030; }

  /// Opened by the first call. NotFound when there is no driver or no device,
  /// Unsupported when it is older than CUDA 12.0.
  static Expected<const Driver *> get();

  /// Success, or what was asked and the name of the driver's error: ResourceExhausted
  /// without memory or where others hold the device, NotFound without it, Unsupported for
  /// a driver that does not fit the machine, Incompatible for code of another chip or
  /// version, else Internal.
  Status check(Result result, const std::string &asked) const;
};

} // namespace flowhn::cuda

#endif // FLOWHN_LIB_RUNTIME_CUDA_DRIVER_H
