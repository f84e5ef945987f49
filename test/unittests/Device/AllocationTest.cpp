//===- AllocationTest.cpp - A GPU's memory, returned and run out of -------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../TestFiles.h"
#include "BundleModels.h"

#include <dlfcn.h>

using namespace flowhn;
using namespace flowhn::test;

namespace {

constexpr size_t mebibyte = size_t(1) << 20;

/// The memory of the first device, through its primary context, which sessions use too.
class DriverMemory {
public:
  DriverMemory() {
    void *library = dlopen("libcuda.so.1", RTLD_NOW);
    find(library, "cuInit", initialize);
    find(library, "cuDevicePrimaryCtxRetain", retain);
    find(library, "cuDevicePrimaryCtxRelease_v2", release);
    find(library, "cuCtxPushCurrent_v2", push);
    find(library, "cuCtxPopCurrent_v2", pop);
    find(library, "cuMemGetInfo_v2", getInfo);
    find(library, "cuMemAlloc_v2", allocate);
    find(library, "cuMemFree_v2", deallocate);
    expectSuccess(initialize(0));
    expectSuccess(retain(&context, 0));
  }
  ~DriverMemory() {
    giveBack();
    expectSuccess(release(0));
  }
  DriverMemory(const DriverMemory &) = delete;
  DriverMemory &operator=(const DriverMemory &) = delete;

  size_t freeBytes() {
    size_t free = 0, total = 0;
    inContext([&] { expectSuccess(getInfo(&free, &total)); });
    return free;
  }

  /// Takes everything but about `rest` bytes.
  void take(size_t rest) {
    for (size_t bytes = 1024 * mebibyte; bytes >= mebibyte; bytes /= 2)
      while (freeBytes() >= rest + bytes && takeBlock(bytes))
        ;
  }

  void giveBack() {
    inContext([&] {
      for (Address address : blocks)
        expectSuccess(deallocate(address));
    });
    blocks.clear();
  }

private:
  using Address = unsigned long long;

  template <typename Function>
  static void find(void *library, const char *name, Function &function) {
    void *symbol = library ? dlsym(library, name) : nullptr;
    ASSERT_TRUE(symbol) << name;
    std::memcpy(&function, &symbol, sizeof(symbol));
  }

  static void expectSuccess(int result) { EXPECT_EQ(result, 0); }

  template <typename Action> void inContext(const Action &action) {
    void *popped = nullptr;
    expectSuccess(push(context));
    action();
    expectSuccess(pop(&popped));
  }

  bool takeBlock(size_t bytes) {
    Address address = 0;
    inContext([&] {
      if (allocate(&address, bytes) == 0)
        blocks.push_back(address);
    });
    return address != 0;
  }

  int (*initialize)(unsigned) = nullptr;
  int (*retain)(void **, int) = nullptr;
  int (*release)(int) = nullptr;
  int (*push)(void *) = nullptr;
  int (*pop)(void **) = nullptr;
  int (*getInfo)(size_t *, size_t *) = nullptr;
  int (*allocate)(Address *, size_t) = nullptr;
  int (*deallocate)(Address) = nullptr;
  void *context = nullptr;
  std::vector<Address> blocks;
};

using AllocationTest = BundleTest;

constexpr const char *kjv = "kjv-fac-rotate";

TEST_F(AllocationTest, SessionsGiveTheirMemoryBack) {
  DriverMemory memory;
  auto runOnce = [] {
    Session session = openSession(kjv);
    Rows rows(session, {37, 200});
    for (int i = 0; i < 3; ++i) // the last one replays a graph
      EXPECT_FALSE(logitsOf(session, rows.call()).empty());
  };
  runOnce(); // what the driver keeps for later
  size_t before = memory.freeBytes();
  for (int i = 0; i < 200; ++i)
    runOnce();
  // The driver hands out pages of 2 MiB; a session of this model holds several.
  EXPECT_LE(before, memory.freeBytes() + 4 * mebibyte);
}

/// What is refused for want of memory says what was asked, and works when there is some again.
TEST_F(AllocationTest, WorksAgainWhenThereIsMemoryAgain) {
  DriverMemory memory;
  Session session = openSession(kjv);
  Rows small(session, {37, 200}), large(session, std::vector<int32_t>(64, 512));
  std::vector<float> expected = logitsOf(session, small.call());

  memory.take(/*rest=*/32 * mebibyte);
  expectError(createSession("135M-fac-rotate-streams").status(), StatusCode::ResourceExhausted,
              "bytes of parameters");
  expectError(session.run(large.call()).status(), StatusCode::ResourceExhausted,
              "bytes of buffers");
  EXPECT_TRUE(sameBits(logitsOf(session, small.call()), expected));

  memory.giveBack();
  EXPECT_TRUE(createSession("135M-fac-rotate-streams").ok());
  EXPECT_FALSE(logitsOf(session, large.call()).empty());
  EXPECT_TRUE(sameBits(logitsOf(session, small.call()), expected));
}

} // namespace
