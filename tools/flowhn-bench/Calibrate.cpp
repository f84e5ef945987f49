//===- Calibrate.cpp - Writes what times are predicted from ---------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Calibrate.h"

#include "CalibrationPoints.h"
#include "common/CompilerLibrary.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

using namespace flowhn;
using namespace flowhn::tools;

Expected<Calibration> flowhn::tools::openTable(const std::string &path, const std::string &chip,
                                               const std::string &target) {
  std::error_code error;
  if (std::filesystem::exists(path, error)) {
    Expected<Calibration> table = readCalibration(path);
    if (table.ok() && table->chip != chip)
      return invalidArgument(path + ": the table is of '" + table->chip + "', '" + chip +
                             "' was measured");
    return table;
  }
  Expected<const CompilerInterface *> compiler = loadCompiler();
  if (!compiler.ok())
    return compiler.status().withContext(
        path +
        " does not exist, and the compiler, whose table it would begin as, cannot be loaded");
  Expected<Calibration> table = (*compiler)->calibration(chip);
  if (table.ok()) {
    table->device = target.substr(0, target.find(" (device"));
    table->points.clear();
    table->configs.clear();
  }
  return table;
}

Status flowhn::tools::writeTable(const std::string &path, const Calibration &table) {
  std::ofstream file(path);
  file << toJson(table);
  file.close();
  return file ? Status() : notFound("cannot write '" + path + "'");
}

static Status checkMeasurements(const Measurements &measured) {
  if (!measured.onGPU())
    return invalidArgument("--calibrate measures a GPU, the model ran on " + measured.target);
  if (measured.manifest.model.dtype == "float32")
    return invalidArgument("--calibrate takes a model in bfloat16 or float16, got float32");
  if (measured.blocks.empty())
    return invalidArgument("--calibrate takes a model of blocks, '" + measured.manifest.model.name +
                           "' has none");
  return {};
}

static size_t countPoints(const Calibration &table) {
  size_t count = 0;
  for (const auto &[kernelClass, points] : table.points)
    count += points.size();
  return count;
}

Status flowhn::tools::calibrate(const std::string &path, const Measurements &measured) {
  FLOWHN_RETURN_IF_ERROR(checkMeasurements(measured));
  Expected<Calibration> table = openTable(path, measured.chip, measured.target);
  FLOWHN_RETURN_IF_ERROR(table.status());
  addPoints(measured.launches, measured.blocks, *table);
  bool hasOverlap = measured.arePredicted() && fitOverlap(measured.blocks, *table);
  std::printf("calibrated   %zu kernels in the table, overlap %.2f %s\n", countPoints(*table),
              table->overlap, hasOverlap ? "measured" : "as before");
  return writeTable(path, *table);
}
