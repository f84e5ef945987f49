//===- CodeObjectTest.cpp - Machine code of an artifact -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../../../lib/Runtime/CPU/CodeObject.h"
#include "../TestFiles.h"

using namespace flowhn;
using namespace flowhn::test;

namespace {

TEST(CodeObjectTest, RunsCodeFromMemory) {
  std::string file = readFile(FLOWHN_TEST_KERNELS);
  Expected<CodeObject> code = CodeObject::load(asBytes(file));
  ASSERT_TRUE(code.ok()) << code.status().message();
  file.clear(); // the object keeps nothing of it
  Expected<KernelFunction> function = code->find("add_twice");
  ASSERT_TRUE(function.ok()) << function.status().message();
  float y[8] = {0, 0, 0, 0, 1, 2, 3, 4}, x[8] = {};
  const int64_t args[] = {2, int64_t(y), int64_t(x)};
  (*function)(args, 1, nullptr);
  EXPECT_EQ(x[7], 8);
  EXPECT_EQ(x[3], 0);
}

TEST(CodeObjectTest, SaysWhatIsWrong) {
  std::string file = readFile(FLOWHN_TEST_KERNELS);
  Expected<CodeObject> code = CodeObject::load(asBytes(file));
  ASSERT_TRUE(code.ok());
  expectError(code->find("nothing").status(), StatusCode::NotFound, "no symbol 'nothing'");
  // While `code` is loaded: it must not be taken for these.
  expectError(CodeObject::load(asBytes("not a shared object")).status(), StatusCode::InvalidInput,
              "cannot load the code");
  expectError(CodeObject::load({}).status(), StatusCode::InvalidInput, "cannot load the code");
}

TEST(CodeObjectTest, RunsItsOwnLevelAndLowerOnes) {
  EXPECT_TRUE(checkHostRuns(hostCPU()).ok());
  EXPECT_TRUE(checkHostRuns("x86-64").ok());
  Status status = checkHostRuns("x86-64-v9");
  expectError(status, StatusCode::Incompatible, "the code is for 'x86-64-v9', this machine is");
  expectError(status, StatusCode::Incompatible, hostCPU());
}

} // namespace
