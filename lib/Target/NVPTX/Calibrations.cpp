//===- Calibrations.cpp - The tables that ship ----------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Target/NVPTX/Calibrations.h"

#include "llvm/ADT/STLExtras.h"

#include "CalibrationTables.inc"

using namespace mlir::flowhn;
using ::flowhn::Calibration;

/// The table that ships with the library.
static Calibration readTable(std::string_view name, std::string_view text) {
  // A test reads the tables: they parse.
  return *::flowhn::parseCalibration(text, name);
}

/// The H200's table, with its rates in the proportion of the chips' best ones.
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
  table.configs.clear();
  return table;
}

Calibration mlir::flowhn::getCalibration(const GPUTargetInfo &chip) {
  auto [name, text] = tables[0];
  Calibration table = readTable(name, text);
  return chip.chip == table.chip ? table : scaleTo(chip, std::move(table));
}

bool mlir::flowhn::isShippedCalibration(std::string_view name) {
  return llvm::is_contained(llvm::make_first_range(tables), name);
}

::flowhn::Expected<Calibration> mlir::flowhn::readCalibration(const std::string &source) {
  for (auto [name, text] : tables)
    if (name == source)
      return readTable(name, text);
  return ::flowhn::readCalibration(source);
}

::flowhn::Expected<Calibration> mlir::flowhn::loadCalibration(const GPUTargetInfo &chip,
                                                              const std::string &source) {
  if (source.empty())
    return getCalibration(chip);
  ::flowhn::Expected<Calibration> table = readCalibration(source);
  if (table.ok() && table->chip != chip.chip)
    return ::flowhn::invalidArgument(source + ": the table is of '" + table->chip + "', not of '" +
                                     chip.chip + "'");
  return table;
}
