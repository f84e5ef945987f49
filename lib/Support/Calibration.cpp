//===- Calibration.cpp - What kernels take on a GPU -----------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Support/Calibration.h"

#include "flowhn/Support/Json.h"
#include "flowhn/Support/MappedFile.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

using namespace flowhn;
using nlohmann::json;

namespace {

constexpr double micro = 1e-6;
/// Beyond what any kernel takes and any device does: what is predicted from a table stays finite.
constexpr double mostMicroseconds = 1e9, mostPerSecond = 1e18;
constexpr double mostExtent = 1e15;

struct ClassInfo {
  KernelClass kernelClass;
  const char *name;
  size_t numSizes;
};
constexpr ClassInfo classes[] = {{KernelClass::Matmul, "matmul", 4},
                                 {KernelClass::Attention, "attention", 4},
                                 {KernelClass::Scan, "scan", 4},
                                 {KernelClass::Rowwise, "rowwise", 1}};

/// Reads the members of a table; remembers the first problem.
class TableReader {
public:
  TableReader(const json &table, std::string_view source) : table(table), source(source) {}

  Status problem;

  void read(const char *key, std::string &to) {
    if (const json *value = member(table, key))
      value->is_string() ? void(to = value->get<std::string>()) : fail(key, "a string", *value);
  }

  void readTime(const char *key, double &seconds) {
    read(key, seconds, micro, 0, mostMicroseconds);
  }
  void readRate(const char *key, double &rate) { read(key, rate, 1, 1, mostPerSecond); }
  void readShare(const char *key, double &share) { read(key, share, 1, 0, 1); }

  void readRates(const char *key, std::map<int64_t, double> &to) {
    const json *rows = member(table, key);
    if (rows && (!rows->is_array() || rows->empty()))
      return fail(key, "an array of [head size, FLOP/s]", *rows);
    for (const json &row : rows ? *rows : json::array()) {
      bool isGood =
          row.is_array() && row.size() == 2 && isCount(row[0]) && isIn(row[1], 1, mostPerSecond);
      if (!isGood)
        return fail(key, "an array of [head size, FLOP/s], " + range(1, mostPerSecond), row);
      to[row[0].get<int64_t>()] = row[1].get<double>();
    }
  }

  void readPoints(std::map<KernelClass, std::vector<KernelPoint>> &to) {
    const json *kernels = member(table, "kernels");
    if (!kernels)
      return;
    if (!kernels->is_object())
      return fail("kernels", "an object", *kernels);
    for (const auto &[name, rows] : kernels->items())
      readPoints(name, rows, to);
  }

  /// A table without configurations has no such member.
  void readConfigs(std::map<std::string, std::vector<ConfigPoint>> &to) {
    if (!problem.ok() || !table.contains("configs"))
      return;
    const json &kernels = table["configs"];
    if (!kernels.is_object())
      return fail("configs", "an object", kernels);
    for (const auto &[key, rows] : kernels.items())
      for (const json &row : rows)
        readConfig(key, row, to[key]);
  }

private:
  void readConfig(const std::string &key, const json &row, std::vector<ConfigPoint> &to) {
    bool isGood = row.is_array() && row.size() == 3 && row[0].is_array() && row[1].is_string() &&
                  isTime(row[2]) && !row[0].empty() && std::ranges::all_of(row[0], isExtent);
    if (!isGood)
      return fail(key.c_str(), "an array of [[extent, ...], configuration, microseconds]", row);
    to.push_back({row[0].get<std::vector<int64_t>>(), row[1].get<std::string>(),
                  row[2].get<double>() * micro});
  }

  void read(const char *key, double &to, double unit, double least, double most) {
    const json *value = member(table, key);
    if (value && !isIn(*value, least, most))
      return fail(key, range(least, most), *value);
    if (value)
      to = value->get<double>() * unit;
  }

  void readPoints(const std::string &name, const json &rows,
                  std::map<KernelClass, std::vector<KernelPoint>> &to) {
    auto info = std::ranges::find(classes, name, &ClassInfo::name);
    if (info == std::end(classes))
      return fail("kernels", "of matmul, attention, scan and rowwise", json(name));
    readPoints(rows, *info, to[info->kernelClass]);
  }

  void readPoints(const json &rows, const ClassInfo &info, std::vector<KernelPoint> &to) {
    for (const json &row : rows) {
      if (!isRow(row, info.numSizes))
        return fail(
            info.name,
            std::to_string(info.numSizes) + " sizes and microseconds in a row, each above 0", row);
      KernelPoint &point = to.emplace_back();
      for (size_t i = 0; i < info.numSizes; ++i)
        point.sizes[i] = row[i].get<int64_t>();
      point.seconds = row[info.numSizes].get<double>() * micro;
    }
  }

  /// Whether `row` holds so many positive integers and a positive number.
  static bool isRow(const json &row, size_t numIntegers) {
    if (!row.is_array() || row.size() != numIntegers + 1)
      return false;
    return std::all_of(row.begin(), row.end() - 1, isCount) && isTime(row.back());
  }

  static bool isIn(const json &value, double least, double most) {
    return value.is_number() && value.get<double>() >= least && value.get<double>() <= most;
  }

  /// "from 0 to 1".
  static std::string range(double least, double most) {
    char text[64];
    std::snprintf(text, sizeof(text), "from %g to %g", least, most);
    return text;
  }

  static bool isCount(const json &value) {
    return value.is_number_integer() && isIn(value, 1, mostExtent);
  }

  /// One of the products of a launch may have no rows.
  static bool isExtent(const json &value) { return isCount(value) || value == 0; }

  static bool isTime(const json &value) {
    return isIn(value, 0, mostMicroseconds) && value.get<double>() > 0;
  }

  const json *member(const json &object, const char *key) {
    if (!problem.ok())
      return nullptr;
    auto found = object.find(key);
    if (found == object.end())
      problem = invalidInput(std::string(source) + ": " + quote(key) + " is missing");
    return found == object.end() ? nullptr : &*found;
  }

  void fail(const char *key, const std::string &rule, const json &got) {
    if (problem.ok())
      problem = invalidInput(std::string(source) + ": " + quote(key) + " must be " + rule +
                             ", got " + describe(got));
  }

  const json &table;
  std::string_view source;
};

/// Microseconds, to the hundredth.
json timeOf(double seconds) { return std::round(seconds / micro * 100) / 100; }

/// "[8192, 2048, 2048, 126.1]".
std::string rowOf(const KernelPoint &point, size_t numSizes) {
  std::string text = "[";
  for (size_t i = 0; i < numSizes; ++i)
    text += std::to_string(point.sizes[i]) + ", ";
  return text + timeOf(point.seconds).dump() + "]";
}

/// A member for each kernel, a line for each of its points.
std::string textOf(const std::map<std::string, std::vector<ConfigPoint>> &configs) {
  std::string text;
  for (const auto &[key, points] : configs) {
    text += (text.empty() ? "\n  " : ",\n  ") + json(key).dump() + ": [";
    for (const ConfigPoint &point : points)
      text += (&point == &points.front() ? "\n   " : ",\n   ") +
              json{point.extents, point.config, timeOf(point.seconds)}.dump();
    text += "]";
  }
  return text;
}

} // namespace

std::string_view flowhn::name(KernelClass kernelClass) {
  return classes[static_cast<size_t>(kernelClass)].name;
}

Expected<Calibration> flowhn::parseCalibration(std::string_view text, std::string_view source) {
  Expected<json> table = parseJson(text, source);
  FLOWHN_RETURN_IF_ERROR(table.status());
  if (!table->is_object())
    return invalidInput(std::string(source) + ": must be an object, got " + describe(*table));
  Calibration read;
  TableReader reader(*table, source);
  reader.read("device", read.device);
  reader.read("chip", read.chip);
  reader.readTime("launch_us", read.launchSeconds);
  reader.readRate("bytes_per_second", read.byteRate);
  reader.readRate("matmul_flops_per_second", read.matmulRate);
  reader.readRates("attention_flops_per_second", read.attentionRates);
  reader.readTime("scan_step_us", read.scanStepSeconds);
  reader.readTime("scan_step_us_per_block", read.scanStepSecondsPerBlock);
  reader.readShare("overlap", read.overlap);
  reader.readPoints(read.points);
  reader.readConfigs(read.configs);
  FLOWHN_RETURN_IF_ERROR(reader.problem);
  return read;
}

Expected<Calibration> flowhn::readCalibration(const std::string &path) {
  Expected<MappedFile> file = MappedFile::open(path);
  FLOWHN_RETURN_IF_ERROR(file.status());
  return parseCalibration(file->text(), path);
}

std::string flowhn::toJson(const Calibration &c) {
  nlohmann::ordered_json rates = {{"device", c.device},
                                  {"chip", c.chip},
                                  {"launch_us", c.launchSeconds / micro},
                                  {"bytes_per_second", c.byteRate},
                                  {"matmul_flops_per_second", c.matmulRate},
                                  {"attention_flops_per_second", c.attentionRates},
                                  {"scan_step_us", c.scanStepSeconds / micro},
                                  {"scan_step_us_per_block", c.scanStepSecondsPerBlock / micro},
                                  {"overlap", c.overlap}};
  std::string text = "{\n";
  for (const auto &[key, value] : rates.items())
    text += " " + json(key).dump() + ": " + value.dump() + ",\n";
  text += " \"kernels\": {";
  for (const ClassInfo &info : classes) {
    auto points = c.points.find(info.kernelClass);
    text += std::string(info.kernelClass == KernelClass::Matmul ? "" : ",") + "\n  " +
            json(info.name).dump() + ": [";
    for (size_t i = 0; points != c.points.end() && i < points->second.size(); ++i)
      text += (i ? ",\n   " : "\n   ") + rowOf(points->second[i], info.numSizes);
    text += "]";
  }
  text += "\n }";
  if (!c.configs.empty())
    text += ",\n \"configs\": {" + textOf(c.configs) + "\n }";
  return text + "\n}\n";
}
