//===- run_kernel.cpp - One emitted kernel on a GPU -----------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs the jobs that make_jobs.py writes: loads a kernel's cubin or PTX, fills its
// buffers, launches it, compares sampled rows with a float64 reference and times it.
// Needs a driver, found at run time, and nothing else of CUDA, LLVM or this project.
//
//   run_kernel JOB.json...
//
//===----------------------------------------------------------------------===//

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <iterator>
#include <list>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

using nlohmann::json;

namespace {

/// The driver's functions, by the names that its library exports.
struct Driver {
  using Handle = void *;
  using Address = unsigned long long;

  int (*init)(unsigned);
  int (*deviceGet)(int *, int);
  int (*contextRetain)(Handle *, int);
  int (*contextSet)(Handle);
  int (*moduleLoad)(Handle *, const void *);
  int (*getFunction)(Handle *, Handle, const char *);
  int (*setFunctionAttribute)(Handle, int, int);
  int (*allocate)(Address *, size_t);
  int (*release)(Address);
  int (*copyToDevice)(Address, const void *, size_t);
  int (*copyToHost)(void *, Address, size_t);
  int (*launch)(Handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                Handle, void **, void **);
  int (*synchronize)();
  int (*eventCreate)(Handle *, unsigned);
  int (*eventRecord)(Handle, Handle);
  int (*eventSynchronize)(Handle);
  int (*eventElapsed)(float *, Handle, Handle);
  int (*errorName)(int, const char **);
  int (*encodeTensorMap)(void *, int, unsigned, void *, const uint64_t *, const uint64_t *,
                         const uint32_t *, const uint32_t *, int, int, int, int);

  Driver();
  void check(int error, const char *what) const {
    if (error == 0)
      return;
    const char *name = "unknown error";
    errorName(error, &name);
    throw std::runtime_error(std::string(what) + ": " + name);
  }
};

Driver::Driver() {
  void *library = dlopen("libcuda.so.1", RTLD_NOW);
  if (!library)
    throw std::runtime_error("no CUDA driver: libcuda.so.1 cannot be loaded");
  auto find = [&](auto &function, const char *name) {
    void *symbol = dlsym(library, name);
    if (!symbol)
      throw std::runtime_error(std::string("the CUDA driver is too old: it has no ") + name);
    std::memcpy(&function, &symbol, sizeof symbol);
  };
  find(init, "cuInit");
  find(deviceGet, "cuDeviceGet");
  find(contextRetain, "cuDevicePrimaryCtxRetain");
  find(contextSet, "cuCtxSetCurrent");
  find(moduleLoad, "cuModuleLoadData");
  find(getFunction, "cuModuleGetFunction");
  find(setFunctionAttribute, "cuFuncSetAttribute");
  find(allocate, "cuMemAlloc_v2");
  find(release, "cuMemFree_v2");
  find(copyToDevice, "cuMemcpyHtoD_v2");
  find(copyToHost, "cuMemcpyDtoH_v2");
  find(launch, "cuLaunchKernel");
  find(synchronize, "cuCtxSynchronize");
  find(eventCreate, "cuEventCreate");
  find(eventRecord, "cuEventRecord");
  find(eventSynchronize, "cuEventSynchronize");
  find(eventElapsed, "cuEventElapsedTime");
  find(errorName, "cuGetErrorName");
  find(encodeTensorMap, "cuTensorMapEncodeTiled");
  check(init(0), "cuInit");
  int device;
  Handle context;
  check(deviceGet(&device, 0), "cuDeviceGet");
  check(contextRetain(&context, device), "cuDevicePrimaryCtxRetain");
  check(contextSet(context), "cuCtxSetCurrent");
}

std::vector<char> readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw std::runtime_error("cannot read '" + path + "'");
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A number in [-1, 1) that bfloat16 holds exactly; make_jobs.py has the same function.
float randomValue(uint32_t index, uint32_t seed) {
  uint32_t x = index ^ (seed * 0x9e3779b9u);
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = (x ^ (x >> 15)) * 0x846ca68bu;
  x ^= x >> 16;
  return static_cast<float>(static_cast<int>(x >> 24) - 128) / 128.0f;
}

float fromBFloat(uint16_t bits) {
  uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

std::vector<char> fillBuffer(const json &buffer, const std::string &folder) {
  if (buffer.contains("file"))
    return readFile(folder + buffer["file"].get<std::string>());
  size_t count = buffer["elements"];
  bool isHalf = buffer["type"] == "bf16";
  std::vector<char> bytes(count * (isHalf ? 2 : 4));
  if (!buffer.contains("seed"))
    return bytes;
  for (size_t i = 0; i < count; ++i) {
    float value = randomValue(static_cast<uint32_t>(i), buffer["seed"]);
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    if (isHalf) {
      uint16_t half = static_cast<uint16_t>(bits >> 16);
      std::memcpy(&bytes[i * 2], &half, 2);
    } else {
      std::memcpy(&bytes[i * 4], &bits, 4);
    }
  }
  return bytes;
}

/// A kernel with everything that a launch of it takes.
class Job {
public:
  Job(const Driver &driver, const std::string &path);
  ~Job() {
    for (Driver::Address address : buffers)
      if (address)
        driver.release(address);
  }
  Job(const Job &) = delete;
  Job &operator=(const Job &) = delete;

  void launch() const;
  double relativeError() const;
  double medianSeconds(int repetitions) const;
  const json &description() const { return job; }

private:
  struct alignas(64) TensorMap {
    char bytes[128];
  };

  const Driver &driver;
  std::string folder;
  json job;
  Driver::Handle function;
  std::vector<Driver::Address> buffers; ///< by argument; 0 for an index
  std::list<int64_t> values;            ///< what parameters point at
  std::list<TensorMap> maps;
  mutable std::vector<void *> parameters;

  void addArguments();
  void addTensorMap(const json &map);
};

Job::Job(const Driver &driver, const std::string &path) : driver(driver) {
  folder = path.substr(0, path.find_last_of('/') + 1);
  std::vector<char> text = readFile(path);
  job = json::parse(text.begin(), text.end());
  std::vector<char> code = readFile(folder + job["code"].get<std::string>());
  code.push_back('\0');
  Driver::Handle module;
  driver.check(driver.moduleLoad(&module, code.data()), "cuModuleLoadData");
  driver.check(driver.getFunction(&function, module, job["kernel"].get<std::string>().c_str()),
               "cuModuleGetFunction");
  constexpr int maxDynamicSharedBytes = 8;
  driver.check(driver.setFunctionAttribute(function, maxDynamicSharedBytes, job["shared_bytes"]),
               "cuFuncSetAttribute");
  addArguments();
  for (const json &map : job["tensor_maps"])
    addTensorMap(map);
}

void Job::addArguments() {
  for (const json &argument : job["arguments"]) {
    Driver::Address address = 0;
    int64_t value;
    if (argument.contains("index")) {
      value = argument["index"];
    } else {
      std::vector<char> bytes = fillBuffer(argument, folder);
      driver.check(driver.allocate(&address, bytes.size()), "cuMemAlloc");
      driver.check(driver.copyToDevice(address, bytes.data(), bytes.size()), "cuMemcpyHtoD");
      value = static_cast<int64_t>(address);
    }
    buffers.push_back(address);
    parameters.push_back(&values.emplace_back(value));
  }
}

void Job::addTensorMap(const json &map) {
  constexpr int bfloat16 = 9, swizzle128 = 3, promote256 = 3;
  uint64_t extents[] = {map["columns"], map["rows"]};
  uint64_t rowBytes[] = {map["row_bytes"]};
  uint32_t box[] = {map["box"][0], map["box"][1]};
  uint32_t strides[] = {1, 1};
  auto *base = reinterpret_cast<void *>(buffers[map["argument"].get<size_t>()]);
  TensorMap &encoded = maps.emplace_back();
  driver.check(driver.encodeTensorMap(&encoded, bfloat16, 2, base, extents, rowBytes, box, strides,
                                      0, map["swizzle"] == 128 ? swizzle128 : 0, promote256, 0),
               "cuTensorMapEncodeTiled");
  parameters.push_back(&encoded);
}

void Job::launch() const {
  const json &grid = job["grid"];
  driver.check(driver.launch(function, grid[0], grid[1], grid[2], job["threads"], 1, 1,
                             job["shared_bytes"], nullptr, parameters.data(), nullptr),
               "cuLaunchKernel");
}

double Job::relativeError() const {
  const json &expected = job["expected"];
  size_t width = expected["width"], column = expected["column"], columns = expected["columns"];
  std::vector<size_t> rows = expected["rows"];
  std::vector<char> reference = readFile(folder + expected["file"].get<std::string>());
  if (reference.size() != rows.size() * columns * sizeof(double))
    throw std::runtime_error("the reference is not rows times columns of float64");
  size_t elementBytes = expected["type"] == "bf16" ? 2 : 4;
  std::vector<char> row(columns * elementBytes);
  double difference = 0, norm = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    Driver::Address address =
        buffers[expected["argument"].get<size_t>()] + (rows[i] * width + column) * elementBytes;
    driver.check(driver.copyToHost(row.data(), address, row.size()), "cuMemcpyDtoH");
    for (size_t j = 0; j < columns; ++j) {
      double wanted;
      std::memcpy(&wanted, &reference[(i * columns + j) * sizeof wanted], sizeof wanted);
      uint16_t half = 0;
      float got = 0;
      std::memcpy(&half, &row[j * elementBytes], 2);
      if (elementBytes == 2)
        got = fromBFloat(half);
      else
        std::memcpy(&got, &row[j * 4], 4);
      difference += (got - wanted) * (got - wanted);
      norm += wanted * wanted;
    }
  }
  return std::sqrt(difference / norm);
}

double Job::medianSeconds(int repetitions) const {
  Driver::Handle begin, end;
  driver.check(driver.eventCreate(&begin, 0), "cuEventCreate");
  driver.check(driver.eventCreate(&end, 0), "cuEventCreate");
  for (int i = 0; i < 5; ++i)
    launch();
  std::vector<float> times;
  for (int i = 0; i < repetitions; ++i) {
    driver.check(driver.eventRecord(begin, nullptr), "cuEventRecord");
    launch();
    driver.check(driver.eventRecord(end, nullptr), "cuEventRecord");
    driver.check(driver.eventSynchronize(end), "cuEventSynchronize");
    driver.check(driver.eventElapsed(&times.emplace_back(), begin, end), "cuEventElapsedTime");
  }
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  return times[times.size() / 2] * 1e-3;
}

bool run(const Driver &driver, const std::string &path) {
  Job job(driver, path);
  job.launch();
  driver.check(driver.synchronize(), "the kernel");
  double error = job.relativeError();
  double seconds = job.medianSeconds(50);
  const json &description = job.description();
  bool passed = error <= 4e-3;
  std::printf("%s: relative error %.2e%s, %.4f ms, %.1f TFLOP/s, %.0f GB/s\n", path.c_str(), error,
              passed ? "" : " FAILED", seconds * 1e3,
              description["flops"].get<double>() / seconds * 1e-12,
              description["bytes"].get<double>() / seconds * 1e-9);
  return passed;
}

} // namespace

int main(int argc, char **argv) {
  bool passed = true;
  try {
    Driver driver;
    for (int i = 1; i < argc; ++i)
      passed &= run(driver, argv[i]);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "run_kernel: %s\n", error.what());
    return 1;
  }
  return passed ? 0 : 1;
}
