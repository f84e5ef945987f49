//===- ManifestTest.cpp - What an artifact says of itself -----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../TestFiles.h"
#include "../TestPlan.h"

#include <nlohmann/json.hpp>

using namespace flowhn;
using namespace flowhn::test;
using nlohmann::json;

namespace {

Manifest withSection() {
  Manifest manifest = testManifest();
  manifest.sections = {{"plan.fb", 12, std::string(32, 'a')}};
  return manifest;
}

TEST(ManifestTest, RoundTrips) {
  std::string text = toJson(withSection());
  Expected<Manifest> read = parseManifest(text, "m");
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(toJson(*read), text);
  EXPECT_EQ(read->model.dtype, "float32");
  EXPECT_EQ(read->model.contextLength, testContext);
  EXPECT_EQ(read->model.attentionTokens, std::vector<int64_t>{6});
  EXPECT_EQ(read->limits.maxTokens, 16);
  EXPECT_EQ(read->sections.at(0).hash, std::string(32, 'a'));
}

TEST(ManifestTest, TakesTextThatIsNotUtf8) {
  Manifest manifest = testManifest();
  manifest.model.name = "\xff";
  EXPECT_TRUE(parseManifest(toJson(manifest), "m").ok());
}

TEST(ManifestTest, IgnoresKeysOfLaterVersionsOfTheFormat) {
  json changed = json::parse(toJson(withSection()));
  changed["model"]["novelty"] = 1;
  EXPECT_TRUE(parseManifest(changed.dump(), "m").ok());
}

TEST(ManifestTest, RefusesOtherVersionsAndTargets) {
  json changed = json::parse(toJson(withSection()));
  changed["target"]["kind"] = "tpu";
  expectError(parseManifest(changed.dump(), "m").status(), StatusCode::Incompatible,
              "target kind 'tpu', this build runs 'cpu' and 'nvptx'");
  changed["format_version"] = 2;
  expectError(parseManifest(changed.dump(), "m").status(), StatusCode::Incompatible,
              "m: format version 2, this build reads version 5");
}

struct Refusal {
  const char *path; ///< of the value that is replaced
  const char *value;
  const char *message;
};

TEST(ManifestTest, RefusesImpossibleValues) {
  const Refusal cases[] = {
      {"/format_version", "\"1\"", "m: 'format_version' must be an integer, got string"},
      {"/target", "3", "m: 'target' must be an object"},
      {"/model/vocab_size", "0", "m: model: 'vocab_size' must be in [1, 2147483647], got number 0"},
      {"/model/vocab_size", "18446744073709551615", "must be in [1, 2147483647]"},
      {"/model/context_length", "-1", "'context_length' must be in [0, "},
      {"/model/attention_tokens", "[1, \"x\"]", "'attention_tokens' must hold integers"},
      {"/model/windows", "[1]", "'windows' must hold strings"},
      {"/model/split_by_call", "0", "'split_by_call' must be true or false"},
      {"/limits/max_batch", "0", "m: limits: 'max_batch' must be in [1, "},
      {"/limits/max_tokens", "2147483648", "'max_tokens' must be in [1, "},
      {"/sections", "{}", "'sections' must be an array"},
      {"/sections/0", "1", "m: sections: must be an object"},
      {"/sections/0/bytes", "1.5", "'bytes' must be an integer"},
  };
  for (const Refusal &c : cases) {
    SCOPED_TRACE(c.path);
    json changed = json::parse(toJson(withSection()));
    changed[json::json_pointer(c.path)] = json::parse(c.value);
    expectError(parseManifest(changed.dump(), "m").status(), StatusCode::InvalidInput, c.message);
  }
}

TEST(ManifestTest, RefusesWhatLacksAnyKey) {
  const json whole = json::parse(toJson(withSection()));
  const json leaves = whole.flatten();
  for (const auto &[pointer, leaf] : leaves.items()) {
    if (pointer.find("/attention_tokens/") != pointer.npos ||
        pointer.find("/windows/") != pointer.npos)
      continue; // elements, not keys
    SCOPED_TRACE(pointer);
    json changed = whole;
    json::json_pointer place(pointer);
    changed[place.parent_pointer()].erase(place.back());
    expectError(parseManifest(changed.dump(), "m").status(), StatusCode::InvalidInput,
                "is missing");
  }
}

TEST(ManifestTest, SaysWhereDeadPositionsArePruned) {
  Manifest manifest = testManifest();
  EXPECT_EQ(toJson(manifest).find("prunes_dead_positions"), std::string::npos);
  manifest.model.prunesDeadPositions = true;
  std::string text = toJson(manifest);
  Expected<Manifest> read = parseManifest(text, "m");
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_TRUE(read->model.prunesDeadPositions);
  text.replace(text.find("positions\": true") + 12, 4, "1");
  expectError(parseManifest(text, "m").status(), StatusCode::InvalidInput,
              "'prunes_dead_positions' must be true or false");
}

TEST(ManifestTest, NamesTheChipsOfAGPU) {
  Manifest manifest = testManifest();
  manifest.target = {
      .kind = "nvptx", .chips = {"sm_90a", "sm_80"}, .triple = "nvptx64-nvidia-cuda"};
  std::string text = toJson(manifest);
  EXPECT_EQ(text.find("\"cpu\""), text.npos);
  Expected<Manifest> read = parseManifest(text, "m");
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->target.kind, "nvptx");
  EXPECT_EQ(read->target.chips, (std::vector<std::string>{"sm_90a", "sm_80"}));
  EXPECT_EQ(read->target.triple, "nvptx64-nvidia-cuda");
  expectError(parseManifest(text.replace(text.find("chips"), 5, "cpu"), "m").status(),
              StatusCode::InvalidInput, "m: target: 'chips' is missing");
  manifest.target.chips.clear();
  expectError(parseManifest(toJson(manifest), "m").status(), StatusCode::InvalidInput,
              "m: target: 'chips' must hold at least 1");
}

} // namespace
