//===- CalibrationTest.cpp - Tables that times are predicted from ---------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Support/Calibration.h"

#include <gtest/gtest.h>

using namespace flowhn;

static const std::string good = R"({
 "device": "D", "chip": "sm_90a", "launch_us": 2, "bytes_per_second": 3e12,
 "matmul_flops_per_second": 7e14, "attention_flops_per_second": [[24, 2e14], [64, 4e14]],
 "scan_step_us": 0.1, "scan_step_us_per_block": 0.05, "overlap": 0.5,
 "kernels": {"matmul": [[8192, 2048, 1024, 4096, 126.5]], "rowwise": [[4096, 3.25]]},
 "configs": {"matmul 8x4 bf16 -> f32": [[[100], "stages=4", 3.5], [[100, 0], "stages=5", 2]],
             "attention 4x2x64 bf16": [[[2, 512], "keys=96", 4.25]]}
})";

static std::string replaced(const std::string &from, const std::string &to) {
  std::string text = good;
  text.replace(text.find(from), from.size(), to);
  return text;
}

static std::string errorOf(const std::string &text) {
  Expected<Calibration> table = parseCalibration(text, "t.json");
  return table.ok() ? "" : table.status().message();
}

TEST(Calibration, ReadsWhatItWrites) {
  Expected<Calibration> table = parseCalibration(good, "t.json");
  ASSERT_TRUE(table.ok()) << table.status().message();
  Expected<Calibration> again = parseCalibration(toJson(*table), "again");
  ASSERT_TRUE(again.ok()) << again.status().message();
  for (const Calibration &c : {*table, *again}) {
    EXPECT_EQ(c.device, "D");
    EXPECT_EQ(c.chip, "sm_90a");
    EXPECT_DOUBLE_EQ(c.launchSeconds, 2e-6);
    EXPECT_EQ(c.byteRate, 3e12);
    EXPECT_EQ(c.matmulRate, 7e14);
    EXPECT_EQ(c.attentionRates, (std::map<int64_t, double>{{24, 2e14}, {64, 4e14}}));
    EXPECT_DOUBLE_EQ(c.scanStepSeconds, 1e-7);
    EXPECT_DOUBLE_EQ(c.scanStepSecondsPerBlock, 5e-8);
    EXPECT_EQ(c.overlap, 0.5);
    const KernelPoint &product = c.points.at(KernelClass::Matmul).at(0);
    EXPECT_EQ(product.sizes, (KernelSizes{8192, 2048, 1024, 4096}));
    EXPECT_DOUBLE_EQ(product.seconds, 126.5e-6);
    EXPECT_EQ(c.points.at(KernelClass::Rowwise).at(0).sizes, (KernelSizes{4096}));
    ASSERT_EQ(c.configs.size(), 2u);
    const ConfigPoint &second = c.configs.at("matmul 8x4 bf16 -> f32").at(1);
    EXPECT_EQ(second.extents, (std::vector<int64_t>{100, 0}));
    EXPECT_EQ(second.config, "stages=5");
    EXPECT_DOUBLE_EQ(second.seconds, 2e-6);
  }
}

TEST(Calibration, NamesWhatIsWrong) {
  EXPECT_EQ(errorOf("[]"), "t.json: must be an object, got an array of 0");
  EXPECT_EQ(errorOf(replaced("\"overlap\": 0.5,", "")), "t.json: 'overlap' is missing");
  EXPECT_EQ(errorOf(replaced("0.5", "1.5")),
            "t.json: 'overlap' must be from 0 to 1, got number 1.5");
  for (const char *rate : {"0", "1e-300", "1e300", "Infinity", "true"})
    EXPECT_EQ(errorOf(replaced("3e12", rate))
                  .find("t.json: 'bytes_per_second' must be from 1 to "
                        "1e+18, got "),
              0u);
  EXPECT_EQ(errorOf(replaced("\"launch_us\": 2", "\"launch_us\": 1e300")),
            "t.json: 'launch_us' must be from 0 to 1e+09, got number 1e+300");
  EXPECT_EQ(errorOf(replaced("[64, 4e14]", "[64, 1e-9]")),
            "t.json: 'attention_flops_per_second' must be an array of [head size, FLOP/s], from 1 "
            "to 1e+18, got an array of 2");
  EXPECT_EQ(
      errorOf(replaced("\"rowwise\"", "\"rowwize\"")),
      "t.json: 'kernels' must be of matmul, attention, scan and rowwise, got string \"rowwize\"");
  EXPECT_NE(errorOf(replaced("[64, 4e14]", "[64]")).find("'attention_flops_per_second'"),
            std::string::npos);
  EXPECT_NE(errorOf(replaced("[4096, 3.25]", "[4096, 0]")).find("'rowwise' must be 1 sizes"),
            std::string::npos);
  EXPECT_NE(errorOf(replaced("8192, 2048", "8192.5, 2048")).find("'matmul'"), std::string::npos);
  EXPECT_EQ(errorOf(replaced("\"keys=96\", 4.25", "\"keys=96\", 0")),
            "t.json: 'attention 4x2x64 bf16' must be an array of [[extent, ...], configuration, "
            "microseconds], got an array of 3");
  EXPECT_NE(errorOf(replaced("[2, 512]", "[]")).find("'attention 4x2x64 bf16'"), std::string::npos);
}

TEST(Calibration, MissingFileIsNotFound) {
  EXPECT_EQ(readCalibration("/no/such/table.json").status().code(), StatusCode::NotFound);
}
