//===- Chunks.cpp - Sequences fed in pieces -------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Chunks.h"

#include "flowhn/Runtime/Generator.h"

#include <algorithm>
#include <charconv>

using namespace flowhn;
using namespace flowhn::tools;

template <typename T> static bool parseNumber(std::string_view text, T &number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

Expected<Chunks> Chunks::parse(const std::string &text) {
  auto refuse = [&] {
    return invalidArgument("--chunks is '" + text +
                           "', it must be sizes of at least 1 (7,64,3) or random:SEED");
  };
  Chunks chunks;
  constexpr std::string_view prefix = "random:";
  if (text.starts_with(prefix)) {
    uint64_t seed = 0;
    if (!parseNumber(std::string_view(text).substr(prefix.size()), seed))
      return refuse();
    chunks.random.seed(seed);
    return chunks;
  }
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find(',', begin), text.size());
    if (!parseNumber(std::string_view(text).substr(begin, end - begin),
                     chunks.sizes.emplace_back()) ||
        chunks.sizes.back() < 1)
      return refuse();
    begin = end + 1;
  }
  return chunks;
}

/// Short pieces, among them single tokens, and long ones.
int64_t Chunks::drawSize(int64_t rest) {
  int64_t most = random() % 2 ? rest : std::min<int64_t>(rest, 4);
  return 1 + int64_t(random() % uint64_t(most));
}

std::vector<int64_t> Chunks::next(const std::vector<int64_t> &rest) {
  std::vector<int64_t> sizesOfRows(rest.size());
  bool isEmpty = true;
  while (isEmpty)
    for (size_t row = 0; row < rest.size(); ++row) {
      if (rest[row] == 0 || (sizes.empty() && random() % 4 == 0))
        continue;
      sizesOfRows[row] =
          sizes.empty() ? drawSize(rest[row]) : std::min(rest[row], sizes[step % sizes.size()]);
      isEmpty = false;
    }
  ++step;
  return sizesOfRows;
}

namespace {

/// Sequences on their way through a generator.
class ChunkedRun {
public:
  ChunkedRun(Generator &generator, std::span<const int32_t> ids, int64_t columns,
             int64_t vocabulary)
      : generator(generator), ids(ids), columns(columns), vocabulary(vocabulary),
        seen(ids.size() / size_t(columns)) {
    result.rows = int64_t(ids.size());
    result.logits.resize(ids.size() * size_t(vocabulary));
  }

  std::vector<int64_t> rest() const {
    std::vector<int64_t> rest;
    for (int64_t count : seen)
      rest.push_back(columns - count);
    return rest;
  }

  Status step(const std::vector<int64_t> &sizes, std::span<const std::string> taps) {
    std::vector<SequenceTokens> rows;
    for (size_t row = 0; row < sizes.size(); ++row)
      if (sizes[row] > 0)
        rows.push_back({int64_t(row), tokensOf(row, sizes[row])});
    Expected<CallResult> step = generator.step(rows, {.logits = LogitsMode::All, .taps = taps});
    FLOWHN_RETURN_IF_ERROR(step.status());
    const float *logits = step->logits.data();
    for (const SequenceTokens &row : rows) {
      size_t count = row.ids.size() * size_t(vocabulary);
      std::copy_n(logits, count, result.logits.data() + (row.ids.data() - ids.data()) * vocabulary);
      logits += count;
      seen[size_t(row.sequence)] += int64_t(row.ids.size());
    }
    if (sizes[0] > 0)
      appendTaps(step->taps, sizes[0]);
    return {};
  }

  CallResult result;

private:
  std::span<const int32_t> tokensOf(size_t row, int64_t count) const {
    return ids.subspan(row * size_t(columns) + size_t(seen[row]), size_t(count));
  }

  /// Adds the first `rows` rows of each.
  void appendTaps(const std::map<std::string, Tensor> &taps, int64_t rows) {
    for (const auto &[name, tap] : taps) {
      auto [all, isNew] = result.taps.try_emplace(name, Tensor{tap.type, {0, tap.shape[1]}, {}});
      Tensor &tensor = all->second;
      auto end = tap.data.begin() + rows * tap.shape[1] * int64_t(byteSize(tap.type));
      tensor.data.insert(tensor.data.end(), tap.data.begin(), end);
      tensor.shape[0] += rows;
    }
  }

  Generator &generator;
  std::span<const int32_t> ids;
  int64_t columns, vocabulary;
  std::vector<int64_t> seen;
};

} // namespace

Expected<CallResult> flowhn::tools::runInChunks(Session &session, std::span<const int32_t> ids,
                                                int64_t columns, Chunks chunks,
                                                std::span<const std::string> taps) {
  int64_t numRows = int64_t(ids.size()) / columns;
  Expected<Generator> generator = Generator::create(
      session, {.sequences = numRows, .context = session.contextLength() ? 0 : columns});
  FLOWHN_RETURN_IF_ERROR(generator.status());
  for (int64_t row = 0; row < numRows; ++row)
    FLOWHN_RETURN_IF_ERROR(generator->add().status());
  ChunkedRun run(*generator, ids, columns, session.vocabSize());
  for (std::vector<int64_t> rest = run.rest();
       std::ranges::any_of(rest, [](int64_t count) { return count > 0; }); rest = run.rest())
    FLOWHN_RETURN_IF_ERROR(run.step(chunks.next(rest), taps));
  return std::move(run.result);
}
