//===- Check.cpp - Against reference results ------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Check.h"

#include "ReferenceFile.h"
#include "flowhn/Support/HalfPrecision.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>

using namespace flowhn;
using namespace flowhn::tools;

namespace {

/// ‖out−ref‖/‖ref‖ of a tensor and of its worst row.
struct RelativeErrors {
  double whole = 0;
  double worstRow = 0;
};

/// Of two sums of squares.
double relativeError(double difference, double reference) {
  if (difference == 0)
    return 0;
  return reference == 0 ? std::numeric_limits<double>::infinity()
                        : std::sqrt(difference / reference);
}

RelativeErrors compare(std::span<const float> out, std::span<const float> reference,
                       int64_t width) {
  RelativeErrors errors;
  double difference = 0, norm = 0;
  for (size_t row = 0; row < reference.size(); row += width) {
    double rowDifference = 0, rowNorm = 0;
    for (size_t i = row; i < row + width; ++i) {
      double delta = static_cast<double>(out[i]) - reference[i];
      rowDifference += delta * delta;
      rowNorm += static_cast<double>(reference[i]) * reference[i];
    }
    double rowError = relativeError(rowDifference, rowNorm);
    // A NaN, once met, stays the worst.
    if (!std::isnan(errors.worstRow) && !(rowError <= errors.worstRow))
      errors.worstRow = rowError;
    difference += rowDifference;
    norm += rowNorm;
  }
  errors.whole = relativeError(difference, norm);
  return errors;
}

/// The first elements of a tap as floats; none when it has fewer, or is of another type.
std::optional<std::vector<float>> firstElements(const Tensor &tap, size_t count) {
  const size_t bytes = byteSize(tap.type);
  bool isReal = tap.type == DType::F32 || tap.type == DType::BF16 || tap.type == DType::F16;
  if (!isReal || tap.data.size() < count * bytes)
    return std::nullopt;
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    if (tap.type == DType::F32) {
      std::memcpy(&values[i], &tap.data[i * bytes], bytes);
      continue;
    }
    uint16_t half;
    std::memcpy(&half, &tap.data[i * bytes], bytes);
    values[i] = tap.type == DType::F16 ? widenF16(half) : widenBF16(half);
  }
  return values;
}

/// One file of reference results against one session.
class Checker {
public:
  Checker(Session &session, const CheckOptions &options, const ReferenceFile &file)
      : session(session), model(session.artifact().manifest().model), options(options), file(file),
        isExact(model.dtype == "float32"),
        tolerance(options.tolerance.value_or(isExact ? 1e-4 : 2e-2)),
        rowTolerance(options.rowTolerance.value_or(isExact ? tolerance : 3 * tolerance)) {}

  Expected<bool> run();

private:
  struct Prompt {
    size_t length = 0;
    bool known = false;
  };

  Status checkLength(int64_t length);
  Expected<CallResult> compute(std::span<const int32_t> ids, int64_t length, LogitsMode mode,
                               std::span<const std::string> taps = {});
  Status checkHidden(int64_t length, const std::map<std::string, Tensor> &taps);
  Status checkGreedy();
  Expected<std::vector<int32_t>> predictions(std::span<const int32_t> ids);
  Expected<Prompt> findPrompt(std::span<const int32_t> greedy,
                              std::span<const int32_t> predicted) const;
  std::string tapOf(int64_t index) const;

  void reportTokens(std::span<const int32_t> greedy, std::span<const int32_t> predicted,
                    const Prompt &prompt);
  void reportAgreement(std::span<const int32_t> greedy, std::span<const int32_t> predicted,
                       const Prompt &prompt);
  void report(const std::string &name, const std::string &result, bool passed);
  void reportErrors(const std::string &name, const RelativeErrors &errors);

  Session &session;
  const ManifestModel &model;
  const CheckOptions &options;
  const ReferenceFile &file;
  const bool isExact; ///< float32 throughout
  const double tolerance;
  const double rowTolerance;
  bool allPassed = true;
};

std::string Checker::tapOf(int64_t index) const {
  return index == model.numLayers ? "final" : "hidden." + std::to_string(index);
}

/// Rows of `length` tokens, whole or in pieces.
Expected<CallResult> Checker::compute(std::span<const int32_t> ids, int64_t length, LogitsMode mode,
                                      std::span<const std::string> taps) {
  if (options.chunks)
    return runInChunks(session, ids, length, *options.chunks, taps);
  std::vector<int32_t> lengths(ids.size() / size_t(length), static_cast<int32_t>(length));
  return session.run({ids, lengths, mode, taps});
}

Status Checker::checkLength(int64_t length) {
  std::string suffix = "." + std::to_string(length);
  Expected<IdMatrix> input = file.ids("input_ids" + suffix);
  if (!input.ok())
    return input.status();
  if (input->columns != length)
    return invalidInput("'input_ids" + suffix + "' in '" + options.file + "' has rows of " +
                        std::to_string(input->columns) + " tokens");
  std::array shape = {input->rows, length, session.vocabSize()};
  Expected<std::vector<float>> reference = file.floats("logits" + suffix, shape);
  if (!reference.ok())
    return reference.status();

  std::vector<std::string> taps;
  if (options.hidden && file.hasHidden(length))
    for (int64_t i = 0; i <= model.numLayers; ++i)
      taps.push_back(tapOf(i));
  Expected<CallResult> result = compute(input->values, length, LogitsMode::All, taps);
  if (!result.ok())
    return result.status().withContext("input_ids" + suffix);
  reportErrors("logits" + suffix, compare(result->logits, *reference, session.vocabSize()));
  return taps.empty() ? Status() : checkHidden(length, result->taps);
}

Status Checker::checkHidden(int64_t length, const std::map<std::string, Tensor> &taps) {
  std::array<int64_t, 3> shape = {1, length, model.hiddenSize};
  for (int64_t i = 0; i <= model.numLayers; ++i) {
    std::string name = "hidden." + std::to_string(length) + "." + std::to_string(i);
    Expected<std::vector<float>> reference = file.floats(name, shape);
    if (!reference.ok())
      return reference.status();
    // The first sequence is the first rows of the tap.
    const Tensor &tap = taps.at(tapOf(i));
    std::optional<std::vector<float>> values = firstElements(tap, reference->size());
    if (!values)
      return internalError("tap '" + tapOf(i) + "' is smaller than '" + name + "'");
    reportErrors(name, compare(*values, *reference, model.hiddenSize));
  }
  return Status();
}

/// The most likely token after each prefix of `ids`. In a model whose split follows
/// the length of the call, every prefix is a call of its own.
Expected<std::vector<int32_t>> Checker::predictions(std::span<const int32_t> ids) {
  const bool prefixes = model.splitByCall;
  const LogitsMode mode = prefixes ? LogitsMode::Last : LogitsMode::All;
  std::vector<int32_t> tokens;
  for (size_t length = prefixes ? 1 : ids.size(); length <= ids.size(); ++length) {
    Expected<CallResult> result = compute(ids.first(length), int64_t(length), mode);
    if (!result.ok())
      return result.status().withContext("greedy");
    std::span<const float> logits = result->logits;
    for (int64_t row = 0; row < result->rows; ++row)
      tokens.push_back(argmax(logits.subspan(row * session.vocabSize(), session.vocabSize())));
  }
  return tokens;
}

/// The prompt is the first sequence of an input where the text starts with one;
/// else it is taken to end where the agreement with the rest begins.
Expected<Checker::Prompt> Checker::findPrompt(std::span<const int32_t> greedy,
                                              std::span<const int32_t> predicted) const {
  for (int64_t length : file.lengths()) {
    Expected<IdMatrix> input = file.ids("input_ids." + std::to_string(length));
    if (!input.ok())
      return input.status();
    std::span<const int32_t> first(input->values.data(), input->columns);
    if (first.size() < greedy.size() && std::ranges::equal(first, greedy.first(first.size())))
      return Prompt{first.size(), true};
  }
  size_t begin = greedy.size();
  while (begin > 1 && predicted[begin - 2] == greedy[begin - 1])
    --begin;
  return Prompt{begin, false};
}

Status Checker::checkGreedy() {
  if (!file.has("greedy"))
    return Status();
  Expected<IdMatrix> sequence = file.ids("greedy");
  if (!sequence.ok())
    return sequence.status();
  std::span<const int32_t> greedy = sequence->values;
  if (sequence->rows != 1 || greedy.size() < 2)
    return invalidInput("'greedy' in '" + options.file +
                        "' is not one sequence of at least 2 tokens");
  Expected<std::vector<int32_t>> predicted = predictions(greedy.first(greedy.size() - 1));
  if (!predicted.ok())
    return predicted.status();
  Expected<Prompt> prompt = findPrompt(greedy, *predicted);
  if (!prompt.ok())
    return prompt.status();
  if (isExact)
    reportTokens(greedy, *predicted, *prompt);
  else
    reportAgreement(greedy, *predicted, *prompt);
  return Status();
}

void Checker::reportTokens(std::span<const int32_t> greedy, std::span<const int32_t> predicted,
                           const Prompt &prompt) {
  std::span<const int32_t> expected = greedy.subspan(prompt.length);
  auto [wrong, right] =
      std::mismatch(predicted.begin() + (prompt.length - 1), predicted.end(), expected.begin());
  std::string count = std::to_string(expected.size());
  std::string text = prompt.known
                         ? count + " tokens after a prompt of " + std::to_string(prompt.length)
                         : "the last " + count + " of " + std::to_string(greedy.size()) + " tokens";
  if (wrong != predicted.end())
    text += "; token " + std::to_string(wrong - predicted.begin() + 1) + " is " +
            std::to_string(*wrong) + ", expected " + std::to_string(*right);
  // Where the prompt was guessed, a short agreement may be chance.
  report("greedy", text,
         wrong == predicted.end() && (prompt.known || expected.size() >= prompt.length));
}

void Checker::reportAgreement(std::span<const int32_t> greedy, std::span<const int32_t> predicted,
                              const Prompt &prompt) {
  const size_t begin = prompt.known ? prompt.length : 1;
  std::span<const int32_t> expected = greedy.subspan(begin), found = predicted.subspan(begin - 1);
  const int64_t equal = std::transform_reduce(expected.begin(), expected.end(), found.begin(),
                                              int64_t(0), std::plus(), std::equal_to());
  std::string text =
      std::to_string(equal) + " of " + std::to_string(expected.size()) + " tokens equal";
  if (prompt.known)
    text += " after a prompt of " + std::to_string(prompt.length);
  report("greedy", text,
         prompt.known ? expected[0] == found[0] : 2 * equal >= std::ssize(expected));
}

void Checker::report(const std::string &name, const std::string &result, bool passed) {
  std::printf("%-13s %s  %s\n", name.c_str(), result.c_str(), passed ? "ok" : "FAILED");
  std::fflush(stdout);
  allPassed &= passed;
}

void Checker::reportErrors(const std::string &name, const RelativeErrors &errors) {
  char text[80];
  std::snprintf(text, sizeof(text), "whole %.1e  worst row %.1e", errors.whole, errors.worstRow);
  report(name, text, errors.whole <= tolerance && errors.worstRow <= rowTolerance);
}

Expected<bool> Checker::run() {
  for (int64_t length : options.lengths.empty() ? file.lengths() : options.lengths)
    FLOWHN_RETURN_IF_ERROR(checkLength(length));
  FLOWHN_RETURN_IF_ERROR(checkGreedy());
  return allPassed;
}

} // namespace

Expected<bool> flowhn::tools::checkResults(Session &session, const CheckOptions &options) {
  Expected<ReferenceFile> file = ReferenceFile::open(options.file);
  if (!file.ok())
    return file.status();
  return Checker(session, options, *file).run();
}
