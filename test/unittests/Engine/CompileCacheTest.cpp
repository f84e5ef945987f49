//===- CompileCacheTest.cpp - Artifacts of earlier compiles ---------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../TestFiles.h"
#include "flowhn/Engine/Compiler.h"

#include <algorithm>
#include <chrono>
#include <thread>

using namespace flowhn;
using namespace flowhn::test;
namespace fs = std::filesystem;

namespace {

constexpr const char *inputs = FLOWHN_TEST_INPUTS "/flowhn-own-fa";

/// A compile and what it reported.
struct Compiled {
  Status status;
  std::vector<std::byte> bytes;
  CompileReport report;

  bool isHit() const { return report.phases.size() == 1 && report.phases[0].name == "cache hit"; }
  bool isMiss() const { return !report.phases.empty() && report.phases[0].name == "cache miss"; }
  /// Without what is said of the cache itself.
  std::vector<std::string> diagnostics() const {
    std::vector<std::string> result = report.diagnostics;
    std::erase_if(result, [](const auto &line) { return line.starts_with("remark: cache "); });
    return result;
  }
};

class CompileCacheTest : public testing::Test {
protected:
  void SetUp() override {
    ::setenv("FLOWHN_CACHE_DIR", folder.file("cache").c_str(), 1);
    ::unsetenv("FLOWHN_CACHE_SIZE");
  }

  static Compiled run(const Model &model, CompileOptions options) {
    options.cpu = "x86-64-v2";
    Compiled result;
    Expected<Artifact> artifact = compile(model, options, &result.report);
    result.status = artifact.status();
    if (artifact.ok())
      result.bytes = *serialize(artifact->parts());
    return result;
  }
  static Compiled run(CompileOptions options = {.cache = true}, const std::string &path = inputs) {
    Expected<Model> model = Model::load(path);
    EXPECT_TRUE(model.ok()) << model.status().message();
    return run(*model, std::move(options));
  }

  std::vector<std::string> entries() const {
    std::vector<std::string> names;
    for (const auto &entry : fs::directory_iterator(folder.file("cache")))
      names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  }

  TempDir folder;
};

TEST_F(CompileCacheTest, TheSameCompileGivesTheSame) {
  // An override that the compiler warns of.
  CompileOptions options = {.threads = 1, .cache = true};
  options.split.attentionTokens = {20};
  Compiled first = run(options);
  ASSERT_TRUE(first.status.ok()) << first.status.message();
  EXPECT_TRUE(first.isMiss());
  ASSERT_FALSE(first.diagnostics().empty());
  options.threads = 2;
  Compiled second = run(options);
  EXPECT_TRUE(second.isHit());
  EXPECT_EQ(second.bytes, first.bytes);
  EXPECT_EQ(second.diagnostics(), first.diagnostics());
  options.cache = false;
  Compiled third = run(options);
  EXPECT_FALSE(third.isHit() || third.isMiss());
  EXPECT_EQ(third.bytes, first.bytes);
  EXPECT_EQ(third.diagnostics(), first.diagnostics());
}

TEST_F(CompileCacheTest, WhatDecidesTheArtifactDecidesTheEntry) {
  ASSERT_TRUE(run().isMiss());
  EXPECT_TRUE(run({.maxBatch = 3, .cache = true}).isMiss());
  EXPECT_TRUE(run({.branchSchedule = "serial", .cache = true}).isMiss());
  CompileOptions gpu{.target = "nvptx", .chips = {"sm_80"}, .ptxas = "none", .cache = true};
  EXPECT_TRUE(run(gpu).isMiss());
  gpu.typicalBatch = 3; // what times are predicted for
  EXPECT_TRUE(run(gpu).isMiss());
  EXPECT_TRUE(run({.cache = true}, inputs + std::string("/config.json")).isMiss()); // no weights
  Expected<Model> model = Model::load(inputs);
  ASSERT_TRUE(model.ok());
  ModelConfig config = *model->config();
  EXPECT_TRUE(run(*Model::fromConfig(config, "other"), {.cache = true}).isMiss());
  config.rmsNormEps *= 2;
  EXPECT_TRUE(run(*Model::fromConfig(config, "other"), {.cache = true}).isMiss());
  EXPECT_EQ(entries().size(), 8u);
  EXPECT_TRUE(run().isHit());
}

TEST_F(CompileCacheTest, DamagedEntriesAreReplaced) {
  Compiled first = run();
  ASSERT_EQ(entries().size(), 1u);
  std::string path = folder.file("cache/" + entries()[0]), content = readFile(path);
  std::string flipped = content;
  flipped[content.size() / 2] ^= 1;
  for (std::string damaged : {std::string(), content.substr(0, 1000), flipped}) {
    folder.write("cache/" + entries()[0], damaged);
    Compiled again = run();
    EXPECT_TRUE(again.isMiss());
    EXPECT_EQ(again.bytes, first.bytes);
    EXPECT_EQ(readFile(path), content);
  }
}

TEST_F(CompileCacheTest, TheCheckpointIsStillLookedAt) {
  fs::copy(inputs, folder.file("model"));
  Compiled first = run({.cache = true}, folder.file("model"));
  ASSERT_TRUE(first.status.ok()) << first.status.message();
  std::string weights = readFile(folder.file("model/model.safetensors"));
  weights.replace(weights.find("[128,64]"), 8, "[64,128]");
  folder.write("model/model.safetensors", weights);
  expectError(run({.cache = true}, folder.file("model")).status, StatusCode::InvalidInput,
              "model.embed_tokens.weight");
}

TEST_F(CompileCacheTest, WhatWasNotUsedForLongestGoes) {
  ::setenv("FLOWHN_CACHE_SIZE", "1", 1);
  run();
  std::string used = entries().at(0);
  auto now = fs::file_time_type::clock::now();
  auto add = [&](const std::string &name, size_t bytes, int hoursAgo) {
    fs::last_write_time(folder.write("cache/" + name, std::string(bytes, 'x')),
                        now - std::chrono::hours(hoursAgo));
  };
  fs::last_write_time(folder.file("cache/" + used), now - std::chrono::hours(3));
  add("notes.txt", 2 << 20, 9);
  add(std::string(32, 'a') + ".fhn", 500 << 10, 2);
  add(std::string(32, 'b') + ".fhn.17.0", 500 << 10, 1);
  EXPECT_TRUE(run().isHit()); // and is the last one used
  ASSERT_TRUE(run({.maxBatch = 3, .cache = true}).isMiss());
  std::vector<std::string> left = entries();
  EXPECT_EQ(std::ranges::count(left, "notes.txt"), 1);
  EXPECT_EQ(std::ranges::count(left, used), 1);
  EXPECT_EQ(std::ranges::count(left, std::string(32, 'a') + ".fhn"), 0);
  EXPECT_TRUE(run({.maxBatch = 3, .cache = true}).isHit());
}

TEST_F(CompileCacheTest, CompilesAtOnceAgree) {
  std::vector<Compiled> results(4);
  std::vector<std::thread> threads;
  for (Compiled &result : results)
    threads.emplace_back([&] { result = run(); });
  for (std::thread &thread : threads)
    thread.join();
  for (const Compiled &result : results) {
    EXPECT_TRUE(result.status.ok()) << result.status.message();
    EXPECT_EQ(result.bytes, results[0].bytes);
  }
  EXPECT_EQ(entries().size(), 1u);
}

TEST_F(CompileCacheTest, WithoutAFolderThereIsNoCache) {
  ::setenv("FLOWHN_CACHE_DIR", (folder.write("file", "x") + "/cache").c_str(), 1);
  Compiled result = run();
  EXPECT_TRUE(result.status.ok()) << result.status.message();
  ASSERT_FALSE(result.report.diagnostics.empty());
  EXPECT_TRUE(result.report.diagnostics[0].starts_with("remark: no cache: cannot make the folder"))
      << result.report.diagnostics[0];
  SetUp();
  for (const char *size : {"0", "x", "1 GiB", "-1"}) {
    ::setenv("FLOWHN_CACHE_SIZE", size, 1);
    Compiled unsized = run();
    EXPECT_TRUE(unsized.status.ok());
    EXPECT_EQ(unsized.report.diagnostics.at(0),
              "warning: no cache: FLOWHN_CACHE_SIZE must be a number of MiB from 1 to 1073741824, "
              "got '" +
                  std::string(size) + "'");
  }
}

} // namespace
