//===- ArtifactTest.cpp - What the compiler hands to the runtime ----------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../TestFiles.h"
#include "../TestPlan.h"

#include <zip.h>

using namespace flowhn;
using namespace flowhn::test;

namespace {

std::vector<std::byte> someCode() {
  std::span<const std::byte> text = asBytes("not really code");
  return {text.begin(), text.end()};
}

std::vector<std::byte> written(const ArtifactContents &contents) {
  Expected<std::vector<std::byte>> bytes = serialize(contents);
  EXPECT_TRUE(bytes.ok()) << bytes.status().message();
  return bytes.ok() ? *bytes : std::vector<std::byte>();
}

std::vector<std::byte> testFile() { return written(testContents(testPlan(), someCode())); }

bool isTestArtifact(const Artifact &artifact) {
  ArtifactContents expected = testContents(testPlan(), someCode());
  for (const ArtifactSection &section : expected.sections) {
    auto bytes = artifact.section(section.name);
    if (!bytes ||
        !std::equal(bytes->begin(), bytes->end(), section.bytes.begin(), section.bytes.end()))
      return false;
  }
  Manifest manifest = artifact.manifest();
  manifest.sections.clear();
  return toJson(manifest) == toJson(testManifest());
}

TEST(ArtifactTest, RoundTripsThroughAFile) {
  TempDir dir;
  std::string path = dir.file("model.fhn");
  ASSERT_TRUE(writeArtifact(path, testContents(testPlan(), someCode())).ok());
  Expected<Artifact> artifact = Artifact::open(path);
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  EXPECT_TRUE(isTestArtifact(*artifact));
  EXPECT_EQ(artifact->source(), path);
  EXPECT_EQ(uintptr_t(artifact->plan().data()) % 16, 0u);
  EXPECT_EQ(artifact->code()->size(), someCode().size());
  EXPECT_FALSE(artifact->section("cubin"));
}

TEST(ArtifactTest, ReplacesFilesAndLeavesNothingBeside) {
  TempDir dir;
  std::string path = dir.write("model.fhn", "old");
  ASSERT_TRUE(writeArtifact(path, testContents(testPlan(), someCode())).ok());
  EXPECT_TRUE(Artifact::open(path).ok());
  expectError(writeArtifact(dir.file("none/model.fhn"), testContents(testPlan(), {})),
              StatusCode::ResourceExhausted, "none/model.fhn': No such file or directory");
  // A folder cannot be replaced by a file: the half-made file goes away again.
  std::filesystem::create_directory(dir.path / "folder");
  EXPECT_FALSE(writeArtifact(dir.file("folder"), testContents(testPlan(), {})).ok());
  auto entries = std::filesystem::directory_iterator(dir.path);
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 2);
}

TEST(ArtifactTest, WritesThroughLinksAndDevices) {
  TempDir dir;
  ArtifactContents contents = testContents(testPlan(), someCode());
  std::string file = dir.write("file.fhn", "old"), link = dir.file("link.fhn");
  std::filesystem::create_symlink(file, link);
  ASSERT_TRUE(writeArtifact(link, contents).ok());
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_TRUE(Artifact::open(file).ok());
  EXPECT_TRUE(writeArtifact("/dev/null", contents).ok());
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  expectError(writeArtifact("/dev/full", contents), StatusCode::ResourceExhausted, "No space left");
}

TEST(ArtifactTest, CreatesNothingThatAReaderWouldRefuse) {
  ArtifactContents contents = testContents(testPlan(), someCode());
  contents.manifest.limits.maxBatch = 0;
  expectError(Artifact::create(contents).status(), StatusCode::InvalidInput,
              "'max_batch' must be in [1, 2147483647], got number 0");
  contents = testContents(testPlan(), someCode());
  contents.sections.erase(contents.sections.begin());
  expectError(Artifact::create(contents).status(), StatusCode::InvalidInput,
              "no section 'plan.fb'");
  contents = testContents(testPlan(), someCode());
  for (int i = 0; i < 1024; ++i)
    contents.sections.push_back({"code/" + std::to_string(i), {}});
  expectError(serialize(contents).status(), StatusCode::InvalidInput,
              "entries, at most 1024 are allowed");
}

TEST(ArtifactTest, SameContentsGiveSameBytes) { EXPECT_EQ(testFile(), testFile()); }

TEST(ArtifactTest, HoldsFurtherSections) {
  ArtifactContents contents = testContents(testPlan(), someCode());
  contents.sections.push_back({"code/sm_90a.cubin", {}});
  Expected<Artifact> artifact = Artifact::parse(written(contents), "a");
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  EXPECT_TRUE(artifact->section("code/sm_90a.cubin"));
}

TEST(ArtifactTest, HoldsAPlanForEachChip) {
  ArtifactContents contents = testContents(gpuTestPlan(), {});
  contents.manifest.target = {.kind = "nvptx", .chips = {"sm_90a", "sm_80"}};
  contents.sections[0].name = chipPlanSection("sm_90a");
  expectError(Artifact::create(contents).status(), StatusCode::InvalidInput,
              "no section 'plan/sm_80.fb'");
  fb::PlanT other = gpuTestPlan();
  other.kernels[0]->config = "another one";
  contents.sections.push_back({chipPlanSection("sm_80"), planBytes(other)});
  Expected<Artifact> artifact = Artifact::parse(written(contents), "a");
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  EXPECT_EQ(artifact->plan().data(), artifact->plan("sm_90a").data());
  EXPECT_EQ(fb::GetPlan(artifact->plan("sm_80").data())->kernels()->Get(0)->config()->str(),
            "another one");
  contents.sections.back().bytes[4] = std::byte('X'); // of the FlatBuffer's identifier
  EXPECT_FALSE(Artifact::parse(written(contents), "a").ok());
}

TEST(ArtifactTest, ChecksWhatComesFromMemoryToo) {
  EXPECT_TRUE(Artifact::create(testContents(testPlan(), someCode())).ok());
  ArtifactContents contents = testContents(testPlan(), someCode());
  contents.sections[0].bytes[4] = std::byte('X'); // of the FlatBuffer's identifier
  EXPECT_FALSE(Artifact::create(contents).ok());
}

TEST(ArtifactTest, SaysWhichCodeIsMissing) {
  ArtifactContents contents = testContents(testPlan(), someCode());
  contents.sections.pop_back();
  Expected<Artifact> artifact = Artifact::parse(written(contents), "a");
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  expectError(artifact->code().status(), StatusCode::NotFound, "a: no section 'code/x86-64.so'");
}

TEST(ArtifactTest, RefusesForeignFiles) {
  expectError(Artifact::open("/no/such/file.fhn").status(), StatusCode::NotFound, "/no/such");
  for (std::string_view text : {"", "x", "PK",
                                "\x7f"
                                "ELF and so on"})
    expectError(Artifact::parse(asBytes(text), "file").status(), StatusCode::InvalidInput,
                "file: not an artifact");
  ArtifactContents contents = testContents(testPlan(), someCode());
  contents.sections.erase(contents.sections.begin());
  expectError(Artifact::parse(written(contents), "a").status(), StatusCode::InvalidInput,
              "a: no section 'plan.fb'");
}

TEST(ArtifactTest, RefusesEveryTruncation) {
  std::vector<std::byte> file = testFile();
  for (size_t size = 0; size < file.size(); ++size)
    ASSERT_FALSE(Artifact::parse(std::span(file).first(size), "a").ok()) << size;
}

/// What a reader does not look at (times and attributes in the ZIP's directory) may
/// change; anything else must be found out.
TEST(ArtifactTest, RefusesEveryDamageOrReadsTheSame) {
  std::vector<std::byte> file = testFile();
  size_t refused = 0;
  for (size_t i = 0; i < file.size(); ++i)
    for (unsigned mask : {0x01, 0x10, 0x80, 0xff}) {
      file[i] ^= std::byte(mask);
      Expected<Artifact> artifact = Artifact::parse(file, "a");
      ASSERT_TRUE(!artifact.ok() || isTestArtifact(*artifact)) << "byte " << i;
      refused += !artifact.ok();
      file[i] ^= std::byte(mask);
    }
  EXPECT_GT(refused, file.size() * 3);
}

/// The entries of a ZIP, as another tool might write them.
std::vector<std::byte> zipOf(const std::vector<std::pair<std::string, std::string>> &entries,
                             zip_int32_t method) {
  TempDir dir;
  zip_t *archive = zip_open(dir.file("a.zip").c_str(), ZIP_CREATE, nullptr);
  for (const auto &[name, content] : entries) {
    zip_source_t *source = zip_source_buffer(archive, content.data(), content.size(), 0);
    zip_int64_t index = zip_file_add(archive, name.c_str(), source, 0);
    zip_set_file_compression(archive, zip_uint64_t(index), method, 0);
  }
  EXPECT_EQ(zip_close(archive), 0);
  std::string file = readFile(dir.file("a.zip"));
  std::span<const std::byte> bytes = asBytes(file);
  return {bytes.begin(), bytes.end()};
}

TEST(ArtifactTest, RefusesOtherZips) {
  expectError(Artifact::parse(zipOf({{"word/document.xml", "<a/>"}}, ZIP_CM_STORE), "a").status(),
              StatusCode::InvalidInput, "a: not an artifact: a ZIP whose first entry is not");
  std::string zeros(1000000, '\0'); // a thousand for each byte of the file
  expectError(Artifact::parse(zipOf({{"manifest.json", zeros}}, ZIP_CM_DEFLATE), "a").status(),
              StatusCode::InvalidInput,
              "'manifest.json' has 1000000 bytes, more than a file of this size may hold");
  expectError(Artifact::parse(zipOf({{"manifest.json", zeros}}, ZIP_CM_BZIP2), "a").status(),
              StatusCode::InvalidInput, "compressed by another method than deflate");
  std::string manifest = toJson(testManifest());
  expectError(
      Artifact::parse(zipOf({{"manifest.json", manifest}, {"x", "y"}}, ZIP_CM_STORE), "a").status(),
      StatusCode::InvalidInput, "the manifest lists 0 sections, the file holds 1");
}

TEST(ArtifactTest, RefusesSectionsThatAreNotTheManifests) {
  Manifest manifest = testManifest();
  manifest.sections = {{"plan.fb", 4, std::string(32, '0')}};
  auto parse = [&](const char *name, const char *content) {
    return Artifact::parse(
               zipOf({{"manifest.json", toJson(manifest)}, {name, content}}, ZIP_CM_STORE), "a")
        .status();
  };
  expectError(parse("plan.xx", "abcd"), StatusCode::InvalidInput, "'plan.fb' is missing");
  expectError(parse("plan.fb", "abcde"), StatusCode::InvalidInput,
              "has 5 bytes, the manifest says 4");
  expectError(parse("plan.fb", "abcd"), StatusCode::InvalidInput, "is damaged: its hash is");
}

} // namespace
