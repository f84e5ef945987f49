//===- Calibrations.cpp - The tables that ship ----------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Target/NVPTX/Calibrations.h"

#include "CalibrationTables.inc"

using namespace mlir::flowhn;
using ::flowhn::Calibration;

/// The H100's table, with its rates in the proportion of the chips' best ones.
static Calibration scaleTo(const GPUTargetInfo &chip, Calibration table) {
  GPUTargetInfo measured = *GPUTargetInfo::get(table.chip);
  table.device = "";
  table.chip = chip.chip;
  table.byteRate *= chip.byteRate / measured.byteRate;
  table.matmulRate *= chip.matmulRate / measured.matmulRate;
  for (auto &[headSize, rate] : table.attentionRates)
    rate *= chip.matmulRate / measured.matmulRate;
  double perBlock = measured.exponentialRate / measured.multiprocessors /
                    (chip.exponentialRate / chip.multiprocessors);
  table.scanStepSeconds *= perBlock;
  table.scanStepSecondsPerBlock *= perBlock;
  table.points.clear();
  return table;
}

Calibration mlir::flowhn::getCalibration(const GPUTargetInfo &chip) {
  // A test reads the table: it parses.
  Calibration table = *::flowhn::parseCalibration(h100Table, "H100.json");
  return chip.chip == table.chip ? table : scaleTo(chip, std::move(table));
}

::flowhn::Expected<Calibration> mlir::flowhn::loadCalibration(const GPUTargetInfo &chip,
                                                              const std::string &path) {
  if (path.empty())
    return getCalibration(chip);
  ::flowhn::Expected<Calibration> table = ::flowhn::readCalibration(path);
  if (table.ok() && table->chip != chip.chip)
    return ::flowhn::invalidArgument(path + ": the table is of '" + table->chip + "', not of '" +
                                     chip.chip + "'");
  return table;
}
