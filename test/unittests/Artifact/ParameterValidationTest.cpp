//===- ParameterValidationTest.cpp - Checks of the parameters of a plan ---===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlanMutations.h"

using namespace flowhn;
using namespace flowhn::test;

namespace {

TEST(ParameterValidationTest, RefusesWrongParameters) {
  expectRefused({
      {[](auto &p) { table(p).shape = {6, 5}; },
       "parameter 'table': shape [6, 5], its sources give [6, 4]"},
      {[](auto &p) { table(p).sources.clear(); }, "no sources"},
      {[](auto &p) { table(p).sources[0]->shape = {}; }, "extents must be positive"},
      {[](auto &p) { table(p).sources[0]->shape = {0, 4}; }, "extents must be positive"},
      {[](auto &p) { table(p).sources[0]->shape = {int64_t(1) << 40, int64_t(1) << 40}; },
       "is too large"},
      {[](auto &p) { table(p).sources[0]->dtype = fb::DType::I32; }, "must be F32, BF16 or F16"},
      {[](auto &p) { table(p).dtype = fb::DType(77); }, "element type 77"},
      {[](auto &p) { table(p).dtype = fb::DType::BF16; },
       "source 'table' is F32, which does not fit the parameter's BF16"},
      {[](auto &p) { table(p).layout = fb::Layout::Transposed; }, "its sources give [4, 6]"},
      {[](auto &p) { table(p).layout = fb::Layout(4); }, "unknown layout or transform"},
      {[](auto &p) { table(p).transform = fb::Transform(2); }, "unknown layout or transform"},
      {[](auto &p) { table(p).panel = 2; },
       "only the layouts panels and padded take panel and groups"},
      {[](auto &p) {
         table(p).sources[0]->dtype = table(p).dtype = fb::DType::BF16;
         table(p).transform = fb::Transform::NegExp;
       },
       "a transformed parameter must be F32, got BF16"},
      {[](auto &p) { head(p).panel = 0; }, "panels of 0 columns"},
      {[](auto &p) { head(p).groups = 4; }, "in 4 groups of 6 rows"},
      {[](auto &p) { head(p).groups = 0; }, "in 0 groups"},
      {[](auto &p) { head(p).groups = 2; }, "its sources give [1, 4, 8]"},
      {[](auto &p) { head(p).sources[0]->shape = {6}; }, "a vector has no panels"},
      {[](auto &p) {
         head(p).sources[0]->name = "table";
         head(p).sources[0]->shape = {5, 4};
       },
       "source 'table' has two shapes or types"},
      {[](auto &p) {
         head(p).sources.emplace_back(new fb::SourceT(*head(p).sources[0]));
         head(p).sources[1]->shape = {6, 3};
       },
       "has shape [6, 3], the first source has [6, 4]"},
  });
}

TEST(ParameterValidationTest, TakesPaddedAndRoundedParameters) {
  fb::PlanT plan = testPlan();
  head(plan).layout = fb::Layout::Padded;
  head(plan).panel = 3;
  head(plan).shape = {6, 6};
  head(plan).dtype = fb::DType::BF16;
  head(plan).rounds = true;
  EXPECT_TRUE(validatePlan(planBytes(plan), limits).ok());
  auto refused = [&](auto change, const char *message) {
    fb::PlanT changed = plan;
    change(head(changed));
    expectError(validatePlan(planBytes(changed), limits), StatusCode::InvalidInput, message);
  };
  refused([](auto &p) { p.shape = {6, 4}; }, "shape [6, 4], its sources give [6, 6]");
  refused([](auto &p) { p.panel = 0; }, "rows padded to 0 columns in 1 groups");
  refused([](auto &p) { p.groups = 2; }, "rows padded to 3 columns in 2 groups");
  refused([](auto &p) { p.sources[0]->shape = {6}; }, "a vector is not padded");
  refused([](auto &p) { p.rounds = false; }, "does not fit the parameter's BF16");
  refused([](auto &p) { p.dtype = fb::DType::F32; },
          "a rounded parameter must be BF16 or F16, got F32");
}

TEST(ParameterValidationTest, TakesColumnScales) {
  fb::PlanT plan = testPlan();
  head(plan).column_scale = std::make_unique<fb::SourceT>();
  head(plan).column_scale->name = "norm";
  head(plan).column_scale->shape = {4};
  EXPECT_TRUE(validatePlan(planBytes(plan), limits).ok());
  auto refused = [&](auto change, const char *message) {
    fb::PlanT changed = plan;
    change(head(changed));
    expectError(validatePlan(planBytes(changed), limits), StatusCode::InvalidInput, message);
  };
  refused([](auto &p) { p.column_scale->shape = {6}; },
          "column scale 'norm' has shape [6], the matrix has 4 columns");
  refused([](auto &p) { p.column_scale->shape = {1, 4}; }, "has shape [1, 4]");
  refused([](auto &p) { p.column_scale->shape = {0}; }, "extents must be positive");
  refused([](auto &p) { p.column_scale->dtype = fb::DType::I8; }, "must be F32, BF16 or F16");
  refused([](auto &p) { p.column_scale->name = "table"; }, "has two shapes or types");
  refused([](auto &p) { p.dtype = p.sources[0]->dtype = fb::DType::BF16; },
          "column scale 'norm' makes F32, which does not fit the parameter's BF16");
  refused([](auto &p) { p.sources[0]->shape = {6}; }, "on a vector, or on a transposed");
  refused([](auto &p) { p.layout = fb::Layout::Transposed; }, "on a vector, or on a transposed");
  refused([](auto &p) { p.transform = fb::Transform::NegExp; }, "or transformed matrix");
}

} // namespace
