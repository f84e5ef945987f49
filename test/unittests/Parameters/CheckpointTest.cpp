//===- CheckpointTest.cpp - Checkpoints and their checks ------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../TestFiles.h"
#include "flowhn/Runtime/ParameterSource.h"

using namespace flowhn;
using namespace flowhn::test;

namespace {

/// A file with one-element F32 tensors of these one-letter names, each holding its
/// name four times.
std::string shardOf(std::string_view names) {
  std::string header, buffer;
  for (char name : names) {
    header += std::string(header.empty() ? "{" : ",") + "\"" + name +
              R"(":{"dtype":"F32","shape":[1],"data_offsets":[)" + std::to_string(buffer.size()) +
              "," + std::to_string(buffer.size() + 4) + "]}";
    buffer += std::string(4, name);
  }
  return safeTensorsFile(header + "}", buffer);
}

std::string indexOf(std::string_view map) {
  return R"({"metadata":{"total_size":12},"weight_map":{)" + std::string(map) + "}}";
}

constexpr const char *indexName = "model.safetensors.index.json";

/// What opening a folder with shards s1 = {a, b}, s2 = {c} and this index says.
Status openedWith(const std::string &index) {
  TempDir dir;
  dir.write("s1", shardOf("ab"));
  dir.write("s2", shardOf("c"));
  dir.write("broken", "xyz");
  dir.write(indexName, index);
  return openCheckpoint(dir.path.string()).status();
}

TEST(Checkpoint, refusesFoldersWithoutOne) {
  TempDir dir;
  expectError(openCheckpoint(dir.path.string()).status(), StatusCode::NotFound,
              "holds neither model.safetensors nor model.safetensors.index.json");
  expectError(openCheckpoint(dir.file("no")).status(), StatusCode::NotFound, "no folder");
  expectError(openCheckpoint(dir.write("f", "x")).status(), StatusCode::InvalidInput,
              "is not a folder");
  dir.write("model.safetensors", "x");
  expectError(openCheckpoint(dir.path.string()).status(), StatusCode::InvalidInput,
              "model.safetensors: truncated: 1 bytes");
}

TEST(Checkpoint, refusesIndexesThatTheShardsContradict) {
  const struct {
    std::string index;
    const char *message;
  } cases[] = {
      {"", "is empty"},
      {"{", "line 1, column 2"},
      {"[]", "'weight_map' must be an object"},
      {R"({"weight_map": []})", "'weight_map' must be an object"},
      {indexOf(""), "'weight_map' is empty"},
      {indexOf(R"("a": 1)"), "'a' must name a file, got number 1"},
      {indexOf(R"("a": "../s1")"), "shard '../s1' must be a plain file name"},
      {indexOf(R"("a": "/etc/passwd")"), "must be a plain file name"},
      {indexOf(R"("a": "..")"), "must be a plain file name"},
      {indexOf(R"("a": "")"), "must be a plain file name"},
      {indexOf(R"("a": "s1\u0000")"), "must be a plain file name"},
      {indexOf(R"("a": "s1", "a": "s2")"), "duplicate key 'a'"},
      {indexOf(R"("a": "s1", "b": "s1", "c": "s3")"), "shard 's3': cannot open"},
      {indexOf(R"("a": "s1", "b": "s1", "c": "broken")"), "shard 'broken': "},
      {indexOf(R"("a": "s1", "b": "s1", "c": "s2", "d": "s2")"),
       "the index places 'd' in 's2', which lacks it"},
      {indexOf(R"("a": "s1", "c": "s2")"), "'s1' holds 'b', which the index does not place there"},
      {indexOf(R"("a": "s1", "b": "s2", "c": "s2")"), "the index places 'b' in 's2'"},
      {indexOf(R"("a": "s1", "b": "s2", "c": "s2")"), "'s1' holds 'b'"},
  };
  for (const auto &c : cases) {
    SCOPED_TRACE(c.index);
    expectError(openedWith(c.index), StatusCode::InvalidInput, c.message);
  }
}

TEST(Checkpoint, readsShards) {
  TempDir dir;
  dir.write("s1", shardOf("ab"));
  dir.write("s2", shardOf("c"));
  dir.write(indexName, indexOf(R"("a": "s1", "b": "s1", "c": "s2")"));
  auto source = openCheckpoint(dir.path.string());
  ASSERT_TRUE(source.ok()) << source.status().message();
  EXPECT_EQ((*source)->names(), (std::vector<std::string>{"a", "b", "c"}));
  for (const std::string &name : (*source)->names()) {
    Expected<TensorView> view = (*source)->find(name);
    ASSERT_TRUE(view.ok());
    EXPECT_EQ(std::memcmp(view->data, std::string(4, name[0]).data(), 4), 0);
    (*source)->release(name);
    EXPECT_EQ(std::memcmp(view->data, std::string(4, name[0]).data(), 4), 0);
  }
  expectError((*source)->find("d").status(), StatusCode::NotFound, "no tensor 'd'");
  expectError((*source)->describe("d").status(), StatusCode::NotFound, "no tensor 'd'");
  (*source)->release("d");
}

TEST(Checkpoint, listsEveryMismatch) {
  TempDir dir;
  dir.write("model.safetensors",
            safeTensorsFile(R"({"ids":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},
                "extra":{"dtype":"F16","shape":[2],"data_offsets":[8,12]},
                "w":{"dtype":"BF16","shape":[2,3],"data_offsets":[12,24]}})",
                            std::string(24, 'x')));
  auto source = openCheckpoint(dir.path.string());
  ASSERT_TRUE(source.ok()) << source.status().message();
  std::vector<ParameterSpec> specs = {
      {"ids", DType::F32, {1}}, {"w", DType::F32, {3, 2}}, {"gone", DType::F32, {7}}};
  Status status = checkParameters(**source, specs);
  for (const char *line :
       {"\n  type: 'ids' is I64, expected F32, BF16 or F16", "\n  surplus: 'extra' F16 [2]",
        "\n  shape: 'w' is [2, 3], expected [3, 2]", "\n  missing: 'gone' [7]",
        "does not hold the parameters of the model"})
    expectError(status, StatusCode::InvalidInput, line);
  expectError(checkParameters(**source, std::vector<ParameterSpec>{{"w", DType::F32, {2, 3}},
                                                                   {"extra", DType::F32, {2}}}),
              StatusCode::InvalidInput, "of the model: surplus: 'ids' I64 [1]");
}

TEST(Checkpoint, fitsTheFixtures) {
  auto source = openCheckpoint(FLOWHN_TEST_INPUTS "/kjv-fac-rotate");
  ASSERT_TRUE(source.ok()) << source.status().message();
  std::vector<ParameterSpec> specs;
  for (const std::string &name : (*source)->names())
    specs.push_back(*(*source)->describe(name));
  EXPECT_EQ(specs.size(), 119u);
  EXPECT_TRUE(checkParameters(**source, specs).ok());
}

} // namespace
