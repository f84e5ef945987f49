//===- FakeCUDA.cpp - A CUDA driver without a device ----------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeCUDA.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <new>
#include <set>

using namespace flowhn::cuda;
using namespace flowhn::test;

namespace flowhn::cuda {

struct ContextState {};
struct GraphState {
  std::vector<std::function<void()>> work;
};
struct GraphExecState {
  std::vector<std::function<void()>> work;
};
struct ModuleState {
  ContextHandle context = nullptr;
};
struct FunctionState {
  std::string name;
  ContextHandle context = nullptr;
  FakeKernel kernel;
};
struct StreamState {
  ContextHandle context = nullptr;
  int number = 0;
  GraphState *capturing = nullptr;
};
struct EventState {
  int stream = -1; ///< that recorded it last
  GraphState *capturing = nullptr;
  bool isTime = true; ///< not where a graph recorded it for itself
  std::chrono::steady_clock::time_point time;
};

} // namespace flowhn::cuda

namespace {

FakeCUDA fake;
std::map<Device, ContextState> contexts;         ///< primary ones
thread_local std::vector<ContextHandle> current; ///< of this thread, the last one counts
std::map<void *, size_t> allocations;            ///< of the device
std::set<StreamState *> streams;
std::map<std::pair<ContextHandle, std::string>, FunctionState> functions;

/// One call of the driver: who runs it holds the lock. The result is that of a failure.
struct Call {
  Call() : lock(fake.mutex) {
    if (++fake.numCalls == fake.failingCall)
      result = constants::outOfMemory;
  }
  std::unique_lock<std::recursive_mutex> lock;
  Result result = constants::success;
};

#define FAKE_CALL                                                                                  \
  Call call;                                                                                       \
  if (call.result != constants::success)                                                           \
  return call.result

/// Measurements move more than a test has time for.
constexpr size_t maxRealBytes = size_t(64) << 20;

std::string number(int64_t value) { return std::to_string(value); }

template <typename T> Result create(T **object) {
  *object = new T;
  ++fake.liveObjects;
  return constants::success;
}

/// Never fails: what is given back is gone.
template <typename T> Result destroy(T *object) {
  std::lock_guard lock(fake.mutex);
  delete object;
  --fake.liveObjects;
  return constants::success;
}

void submit(StreamState *stream, std::function<void()> work) {
  if (stream->capturing)
    stream->capturing->work.push_back(std::move(work));
  else
    work();
}

Result copy(StreamState *stream, void *to, const void *from, size_t bytes, const char *name) {
  FAKE_CALL;
  if (stream->number == 0 && name)
    fake.log.push_back(std::string(name) + " " + number(int64_t(bytes)));
  if (bytes <= maxRealBytes)
    std::memcpy(to, from, bytes);
  return constants::success;
}

} // namespace

FakeCUDA &FakeCUDA::get() { return fake; }

void FakeCUDA::reset() {
  std::lock_guard lock(mutex);
  devices.assign(2, {});
  failingCall = numCalls = sharedBytes = 0;
  earlyBytes = 0;
  images.clear();
  kernels.clear();
  functions.clear();
  log.clear();
}

extern "C" {

Result cuInit(unsigned) { return constants::success; }

Result cuDriverGetVersion(int *version) {
  *version = fake.version;
  return constants::success;
}

Result cuGetErrorName(Result error, const char **name) {
  *name = error == constants::outOfMemory    ? "CUDA_ERROR_OUT_OF_MEMORY"
          : error == constants::invalidPTX   ? "CUDA_ERROR_INVALID_PTX"
          : error == constants::invalidValue ? "CUDA_ERROR_INVALID_VALUE"
                                             : "CUDA_ERROR_NOT_FOUND";
  return constants::success;
}

Result cuDeviceGetCount(int *count) {
  FAKE_CALL;
  *count = int(fake.devices.size());
  return constants::success;
}

Result cuDeviceGet(Device *device, int number) {
  FAKE_CALL;
  *device = number;
  return constants::success;
}

Result cuDeviceGetName(char *name, int bytes, Device device) {
  FAKE_CALL;
  std::strncpy(name, fake.devices.at(size_t(device)).name.c_str(), size_t(bytes));
  return constants::success;
}

Result cuDeviceGetAttribute(int *value, int attribute, Device number) {
  FAKE_CALL;
  const FakeDevice &device = fake.devices.at(size_t(number));
  *value = attribute == constants::attributeComputeMajor   ? device.computeMajor
           : attribute == constants::attributeComputeMinor ? device.computeMinor
           : attribute == constants::attributeSharedBytes  ? 233472
                                                           : 132;
  return constants::success;
}

Result cuDeviceTotalMem_v2(size_t *bytes, Device) {
  FAKE_CALL;
  *bytes = size_t(1) << 37;
  return constants::success;
}

Result cuMemGetInfo_v2(size_t *free, size_t *total) {
  FAKE_CALL;
  *total = size_t(1) << 37;
  *free = (size_t(1) << 30) - size_t(fake.liveBytes);
  return constants::success;
}

Result cuDevicePrimaryCtxRetain(ContextHandle *handle, Device device) {
  FAKE_CALL;
  *handle = &contexts[device];
  ++fake.liveObjects;
  return constants::success;
}

Result cuDevicePrimaryCtxRelease_v2(Device) {
  std::lock_guard lock(fake.mutex);
  --fake.liveObjects;
  return constants::success;
}

Result cuCtxPushCurrent_v2(ContextHandle context) {
  FAKE_CALL;
  current.push_back(context);
  ++fake.contexts;
  return constants::success;
}

Result cuCtxPopCurrent_v2(ContextHandle *) {
  std::lock_guard lock(fake.mutex);
  current.pop_back();
  --fake.contexts;
  return constants::success;
}

Result cuModuleLoadDataEx(ModuleHandle *module, const void *image, unsigned, int *, void **values) {
  FAKE_CALL;
  if (std::strncmp(static_cast<const char *>(image), "bad", 3) == 0) {
    std::strcpy(static_cast<char *>(values[0]), "ptxas error: line 3\n");
    return constants::invalidPTX;
  }
  fake.images.insert(static_cast<const char *>(image));
  create(module);
  (*module)->context = current.back();
  return constants::success;
}

Result cuModuleUnload(ModuleHandle module) { return destroy(module); }

Result cuModuleGetFunction(FunctionHandle *function, ModuleHandle module, const char *name) {
  FAKE_CALL;
  auto found = fake.kernels.find(name);
  if (found == fake.kernels.end())
    return 500;
  *function = &functions[{module->context, name}];
  **function = {name, module->context, found->second};
  return constants::success;
}

Result cuFuncSetAttribute(FunctionHandle, int attribute, int value) {
  FAKE_CALL;
  if (attribute != constants::functionMaxDynamicShared)
    return constants::invalidValue;
  fake.sharedBytes = std::max(fake.sharedBytes, value);
  return constants::success;
}

Result cuFuncGetAttribute(int *value, int attribute, FunctionHandle) {
  FAKE_CALL;
  if (attribute != constants::functionClusterWidth)
    return constants::invalidValue;
  *value = fake.clusterWidth;
  return constants::success;
}

Result cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, FunctionHandle function, int,
                                                   size_t) {
  FAKE_CALL;
  if (function->context != current.back())
    return constants::invalidValue;
  *blocks = fake.blocksPerMultiprocessor;
  return constants::success;
}

Result cuLaunchKernelEx(const LaunchConfig *config, FunctionHandle function, void **parameters,
                        void **) {
  FAKE_CALL;
  StreamHandle stream = config->stream;
  if (function->context != current.back() || stream->context != current.back())
    return constants::invalidValue;
  bool isEarly = false;
  EventHandle signal = nullptr;
  unsigned clusterBlocks = 0;
  for (unsigned i = 0; i < config->numAttributes; ++i) {
    const LaunchAttribute &attribute = config->attributes[i];
    if (attribute.id == constants::launchProgrammaticSerialization)
      isEarly = attribute.isProgrammatic == 1;
    else if (attribute.id == constants::launchProgrammaticEvent)
      signal = attribute.programmaticEvent.event;
    else if (attribute.id == constants::launchClusterBlocks)
      clusterBlocks = attribute.clusterBlocks[0];
    else
      return constants::invalidValue;
  }
  if (signal) {
    signal->stream = stream->number;
    signal->capturing = stream->capturing;
  }
  if (int(config->sharedBytes) > fake.sharedBytes)
    return constants::invalidValue;
  if (isEarly)
    fake.earlyBytes = std::max(fake.earlyBytes, config->sharedBytes);
  FakeLaunch launch{{config->gridX, config->gridY, config->gridZ}, {}, {}};
  const FakeKernel &kernel = function->kernel;
  for (size_t i = 0; i < kernel.numArguments; ++i)
    launch.arguments.push_back(*static_cast<int64_t *>(parameters[i]));
  for (size_t i = 0; i < kernel.numMaps; ++i)
    launch.maps.push_back(*static_cast<EncodedTensorMap *>(parameters[kernel.numArguments + i]));
  std::string line = function->name + " s" + number(stream->number) + " " + number(config->gridX) +
                     "x" + number(config->gridY) + "x" + number(config->gridZ) +
                     (clusterBlocks ? " by " + number(clusterBlocks) : "") +
                     (isEarly ? " early" : "") + (signal ? " signals" : "");
  submit(stream, [=, run = kernel.run] {
    fake.log.push_back(line);
    run(launch);
  });
  return constants::success;
}

Result cuTensorMapEncodeTiled(EncodedTensorMap *map, int, uint32_t rank, void *address,
                              const uint64_t *extents, const uint64_t *strides, const uint32_t *box,
                              const uint32_t *, int, int swizzle, int, int) {
  FAKE_CALL;
  if (rank != 2 || extents[0] == 0 || extents[1] == 0 || uintptr_t(address) % 16 != 0 ||
      uintptr_t(map) % 64 != 0)
    return constants::invalidValue;
  *map = {
      {uint64_t(address), extents[0], extents[1], strides[0], box[0], box[1], uint64_t(swizzle)}};
  return constants::success;
}

Result cuMemAlloc_v2(DeviceAddress *address, size_t bytes) {
  FAKE_CALL;
  void *memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  std::memset(memory, 0xa5, std::min(bytes, maxRealBytes));
  allocations[memory] = bytes;
  *address = DeviceAddress(memory);
  ++fake.liveObjects;
  fake.liveBytes += int64_t(bytes);
  return constants::success;
}

Result cuMemFree_v2(DeviceAddress address) {
  std::lock_guard lock(fake.mutex);
  void *memory = reinterpret_cast<void *>(address);
  fake.liveBytes -= int64_t(allocations.at(memory));
  allocations.erase(memory);
  std::free(memory);
  --fake.liveObjects;
  return constants::success;
}

Result cuMemHostRegister_v2(void *, size_t, unsigned) {
  FAKE_CALL;
  ++fake.liveObjects;
  return constants::success;
}

Result cuMemHostUnregister(void *) {
  std::lock_guard lock(fake.mutex);
  --fake.liveObjects;
  return constants::success;
}

Result cuMemcpyHtoDAsync_v2(DeviceAddress to, const void *from, size_t bytes, StreamHandle stream) {
  return copy(stream, reinterpret_cast<void *>(to), from, bytes, "upload");
}

Result cuMemcpyDtoHAsync_v2(void *to, DeviceAddress from, size_t bytes, StreamHandle stream) {
  return copy(stream, to, reinterpret_cast<void *>(from), bytes, "download");
}

Result cuMemcpyDtoDAsync_v2(DeviceAddress to, DeviceAddress from, size_t bytes,
                            StreamHandle stream) {
  return copy(stream, reinterpret_cast<void *>(to), reinterpret_cast<void *>(from), bytes, nullptr);
}

Result cuMemsetD8Async(DeviceAddress to, unsigned char value, size_t bytes, StreamHandle) {
  FAKE_CALL;
  std::memset(reinterpret_cast<void *>(to), value, std::min(bytes, maxRealBytes));
  return constants::success;
}

Result cuMemcpy2DAsync_v2(const Copy2D *copy, StreamHandle) {
  FAKE_CALL;
  for (size_t row = 0; row < copy->height; ++row)
    std::memcpy(static_cast<char *>(copy->toHost) + row * copy->toPitch,
                reinterpret_cast<const char *>(copy->fromDevice) + row * copy->fromPitch,
                copy->width);
  fake.log.push_back("tap " + number(int64_t(copy->height)) + "x" + number(int64_t(copy->width)));
  return constants::success;
}

/// Numbers are given anew from 0 when no stream is left.
Result cuStreamCreate(StreamHandle *stream, unsigned) {
  FAKE_CALL;
  create(stream);
  (*stream)->context = current.back();
  std::set<int> taken;
  for (StreamState *other : streams)
    taken.insert(other->number);
  while (taken.count((*stream)->number))
    ++(*stream)->number;
  streams.insert(*stream);
  return constants::success;
}

Result cuStreamDestroy_v2(StreamHandle stream) {
  std::lock_guard lock(fake.mutex);
  streams.erase(stream);
  return destroy(stream);
}

Result cuStreamSynchronize(StreamHandle stream) {
  FAKE_CALL;
  return stream->capturing ? constants::invalidValue : constants::success;
}

Result cuStreamWaitEvent(StreamHandle stream, EventHandle event, unsigned) {
  FAKE_CALL;
  if (event->capturing)
    stream->capturing = event->capturing;
  std::string line = "s" + number(stream->number) + " after s" + number(event->stream);
  submit(stream, [=] { fake.log.push_back(line); });
  return constants::success;
}

Result cuStreamBeginCapture_v2(StreamHandle stream, int) {
  FAKE_CALL;
  fake.log.push_back("capture");
  return create(&stream->capturing);
}

Result cuStreamEndCapture(StreamHandle stream, GraphHandle *graph) {
  std::lock_guard lock(fake.mutex);
  *graph = stream->capturing;
  for (StreamState *other : streams)
    if (other->capturing == *graph)
      other->capturing = nullptr;
  return constants::success;
}

Result cuEventCreate(EventHandle *event, unsigned) {
  FAKE_CALL;
  return create(event);
}

Result cuEventDestroy_v2(EventHandle event) { return destroy(event); }

Result cuEventRecord(EventHandle event, StreamHandle stream) {
  FAKE_CALL;
  event->stream = stream->number;
  event->capturing = stream->capturing;
  event->isTime = !stream->capturing;
  event->time = std::chrono::steady_clock::now();
  return constants::success;
}

Result cuEventRecordWithFlags(EventHandle event, StreamHandle stream, unsigned flags) {
  if (flags == 0)
    return cuEventRecord(event, stream);
  FAKE_CALL;
  if (flags != constants::eventRecordExternal || !stream->capturing)
    return constants::invalidValue;
  event->isTime = false;
  submit(stream, [event] {
    event->isTime = true;
    event->time = std::chrono::steady_clock::now();
  });
  return constants::success;
}

Result cuEventSynchronize(EventHandle) {
  FAKE_CALL;
  return constants::success;
}

Result cuEventElapsedTime(float *milliseconds, EventHandle start, EventHandle end) {
  FAKE_CALL;
  if (!start->isTime || !end->isTime)
    return constants::invalidValue;
  *milliseconds = std::chrono::duration<float, std::milli>(end->time - start->time).count();
  return constants::success;
}

Result cuGraphInstantiateWithFlags(GraphExecHandle *exec, GraphHandle graph, unsigned long long) {
  FAKE_CALL;
  create(exec);
  (*exec)->work = graph->work;
  return constants::success;
}

Result cuGraphLaunch(GraphExecHandle exec, StreamHandle) {
  FAKE_CALL;
  fake.log.push_back("graph");
  for (const std::function<void()> &work : exec->work)
    work();
  return constants::success;
}

Result cuGraphExecDestroy(GraphExecHandle exec) { return destroy(exec); }
Result cuGraphDestroy(GraphHandle graph) { return destroy(graph); }

} // extern "C"
