//===- PreparedParametersTest.cpp - The parameters of a session -----------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../../../lib/Runtime/CPU/PreparedParameters.h"
#include "../TestFiles.h"
#include "../TestPlan.h"

#include <atomic>
#include <map>
#include <set>

using namespace flowhn;
using namespace flowhn::test;

namespace {

/// Tensors whose element i is `i` (F32 or bfloat16 bits); watches what is released.
class CountingSource : public ParameterSource {
public:
  /// Each tensor `offset` bytes behind an address aligned to 16.
  explicit CountingSource(std::vector<ParameterSpec> specs, size_t offset = 0) : offset(offset) {
    for (const ParameterSpec &spec : specs) {
      int64_t bytes = *denseBytes(spec.type, spec.shape);
      tensors[spec.name] = {spec, std::vector<std::byte>(offset + size_t(bytes))};
      for (int64_t i = 0; i < bytes / byteSize(spec.type); ++i) {
        float number = float(i);
        std::byte *to = tensors[spec.name].data.data() + offset + i * byteSize(spec.type);
        // The upper half of a float32 is a bfloat16.
        size_t size = size_t(byteSize(spec.type));
        std::memcpy(to, reinterpret_cast<const char *>(&number) + 4 - size, size);
      }
    }
  }

  std::string origin() const override { return "numbers"; }
  std::vector<std::string> names() const override {
    std::vector<std::string> result;
    for (const auto &[name, tensor] : tensors)
      result.push_back(name);
    return result;
  }
  Expected<ParameterSpec> describe(const std::string &name) const override {
    if (auto found = tensors.find(name); found != tensors.end())
      return found->second.spec;
    return notFound(name);
  }
  Expected<TensorView> find(const std::string &name) override {
    if (name == broken)
      return resourceExhausted("no memory for it");
    Tensor &tensor = tensors.at(name);
    EXPECT_FALSE(tensor.released) << name;
    return TensorView{tensor.spec.type, tensor.spec.shape, tensor.data.data() + offset,
                      tensor.data.size() - offset};
  }
  void release(const std::string &name) override {
    EXPECT_FALSE(tensors.at(name).released);
    tensors.at(name).released = true;
  }
  bool isReleased(const std::string &name) const { return tensors.at(name).released; }

  std::string broken;

private:
  struct Tensor {
    ParameterSpec spec;
    std::vector<std::byte> data;
    std::atomic<bool> released = false;
    Tensor() = default;
    Tensor &operator=(Tensor &&other) {
      spec = std::move(other.spec);
      data = std::move(other.data);
      return *this;
    }
    Tensor(ParameterSpec spec, std::vector<std::byte> data)
        : spec(std::move(spec)), data(std::move(data)) {}
  };
  std::map<std::string, Tensor> tensors;
  size_t offset;
};

/// Keeps the source in sight that `prepare` takes over.
struct Prepared {
  Expected<PreparedParameters> result = notFound("nothing yet");
  std::vector<std::byte> plan;
  CountingSource *source;

  Prepared(const fb::PlanT &table, std::unique_ptr<CountingSource> from, int threads = 1,
           std::function<void(int64_t, int64_t)> progress = {})
      : plan(planBytes(table)), source(from.get()) {
    result = PreparedParameters::prepare(*fb::GetPlan(plan.data()), std::move(from),
                                         {threads, std::move(progress)});
  }
};

std::vector<ParameterSpec> testSpecs(DType type = DType::F32) {
  return {{"head", type, {testVocab, testWidth}}, {"table", type, {testVocab, testWidth}}};
}

std::vector<float> floats(std::span<const std::byte> bytes) {
  std::vector<float> result(bytes.size() / 4);
  std::memcpy(result.data(), bytes.data(), bytes.size());
  return result;
}

TEST(PreparedParametersTest, ReadsRowMajorWhereItLies) {
  Prepared p(testPlan(), std::make_unique<CountingSource>(testSpecs()));
  ASSERT_TRUE(p.result.ok()) << p.result.status().message();
  EXPECT_EQ((*p.result)[0].data(), p.source->find("table")->data);
  EXPECT_FALSE(p.source->isReleased("table"));
  EXPECT_TRUE(p.source->isReleased("head"));
  EXPECT_EQ(p.result->bytes(), 4 * (24 + 32));
  EXPECT_EQ(p.result->sharedBytes(), 4 * 24);
  // Panels of four columns: head rows 0 to 3, then 4, 5 and padding.
  EXPECT_EQ(floats((*p.result)[1].first(32)), (std::vector<float>{0, 4, 8, 12, 1, 5, 9, 13}));
  EXPECT_EQ(floats((*p.result)[1].last(16)), (std::vector<float>{19, 23, 0, 0}));
}

TEST(PreparedParametersTest, CopiesWhatIsNotAligned) {
  Prepared p(testPlan(), std::make_unique<CountingSource>(testSpecs(), /*offset=*/1));
  ASSERT_TRUE(p.result.ok()) << p.result.status().message();
  EXPECT_EQ(p.result->sharedBytes(), 0);
  EXPECT_EQ(uintptr_t((*p.result)[0].data()) % 64, 0u);
  EXPECT_EQ(floats((*p.result)[0])[23], 23);
  EXPECT_TRUE(p.source->isReleased("table"));
}

TEST(PreparedParametersTest, Widens) {
  Prepared p(testPlan(), std::make_unique<CountingSource>(testSpecs(DType::BF16)));
  ASSERT_TRUE(p.result.ok()) << p.result.status().message();
  EXPECT_EQ(p.result->sharedBytes(), 0);
  EXPECT_EQ(floats((*p.result)[0])[23], 23);
  EXPECT_EQ(floats((*p.result)[1])[1], 4);
}

TEST(PreparedParametersTest, DoesNotNarrow) {
  fb::PlanT plan = testPlan();
  plan.parameters[1]->dtype = plan.parameters[1]->sources[0]->dtype = fb::DType::BF16;
  Prepared p(plan, std::make_unique<CountingSource>(testSpecs()));
  expectError(p.result.status(), StatusCode::Incompatible,
              "parameter 'head' is stored as F32, the artifact was compiled for BF16");
}

TEST(PreparedParametersTest, RefusesAnotherModelsParameters) {
  std::vector<ParameterSpec> specs = testSpecs();
  specs[0].shape = {4, 6};
  specs.push_back({"extra", DType::F32, {1}});
  Prepared p(testPlan(), std::make_unique<CountingSource>(specs));
  expectError(p.result.status(), StatusCode::InvalidInput, "'head' is [4, 6], expected [6, 4]");
  expectError(p.result.status(), StatusCode::InvalidInput, "surplus: 'extra'");
}

TEST(PreparedParametersTest, PassesTheSourcesErrorsOn) {
  auto source = std::make_unique<CountingSource>(testSpecs());
  source->broken = "head";
  Prepared p(testPlan(), std::move(source), 2);
  expectError(p.result.status(), StatusCode::ResourceExhausted,
              "parameter 'head': no memory for it");
}

/// Many parameters, of which some share a source: once in place and once packed.
fb::PlanT largePlan(std::vector<ParameterSpec> &specs) {
  fb::PlanT plan = testPlan();
  plan.parameters.clear();
  for (int64_t i = 0; i < 60; ++i) {
    std::string name = "p" + std::to_string(i / 2);
    int64_t rows = 20 + i / 2, columns = 40;
    if (i % 2 == 0)
      specs.push_back({name, DType::F32, {rows, columns}});
    plan.parameters.push_back(
        i % 4 == 0 ? parameter(name, {rows, columns}, fb::Layout::RowMajor, {rows, columns})
                   : parameter(name, {rows, columns}, fb::Layout::Transposed, {columns, rows}));
  }
  return plan;
}

TEST(PreparedParametersTest, ThreadsGiveTheSame) {
  std::vector<ParameterSpec> specs;
  fb::PlanT plan = largePlan(specs);
  Prepared one(plan, std::make_unique<CountingSource>(specs), 1);
  Prepared many(plan, std::make_unique<CountingSource>(specs), 6);
  ASSERT_TRUE(one.result.ok() && many.result.ok());
  for (size_t i = 0; i < plan.parameters.size(); ++i)
    EXPECT_EQ(floats((*one.result)[i]), floats((*many.result)[i])) << i;
  for (size_t i = 0; i < specs.size(); ++i) // every other one is also read in place
    EXPECT_EQ(many.source->isReleased(specs[i].name), i % 2 == 1) << specs[i].name;
}

TEST(PreparedParametersTest, ReportsProgress) {
  std::vector<ParameterSpec> specs;
  fb::PlanT plan = largePlan(specs);
  std::vector<int64_t> seen;
  int64_t total = 0;
  Prepared p(plan, std::make_unique<CountingSource>(specs), 4, [&](int64_t done, int64_t all) {
    seen.push_back(done);
    total = all;
  });
  ASSERT_TRUE(p.result.ok());
  EXPECT_EQ(seen.size(), plan.parameters.size());
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(seen.back(), total);
  EXPECT_EQ(total, p.result->bytes());
}

TEST(PreparedParametersTest, SaysHowMuchMemoryIsMissing) {
  fb::PlanT plan = testPlan();
  int64_t rows = int64_t(1) << 44;
  plan.parameters[1] = parameter("head", {rows, 1}, fb::Layout::Transposed, {1, rows});
  std::vector<std::byte> bytes = planBytes(plan);
  std::vector<ParameterSpec> specs = sourcesOf(*fb::GetPlan(bytes.data()));
  auto result =
      PreparedParameters::prepare(*fb::GetPlan(bytes.data()), randomParameters(specs, 1), {});
  expectError(result.status(), StatusCode::ResourceExhausted, "70368744177664 bytes of parameters");
}

} // namespace
