//===- Generator.cpp - Sequences in flight --------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Runtime/Generator.h"
#include "../Artifact/ReplaceFile.h"
#include "SessionImpl.h"
#include "Snapshot.h"
#include "flowhn/Support/Guard.h"
#include "flowhn/Support/Hash.h"
#include "flowhn/Support/MappedFile.h"

#include <algorithm>
#include <limits>
#include <optional>

using namespace flowhn;

struct Generator::Impl {
  Impl(Session::Impl &session, StateLayout layout, std::unique_ptr<StateMemory> memory,
       int64_t sequences)
      : session(session), layout(std::move(layout)), memory(std::move(memory)),
        positions(size_t(sequences)) {}

  Status check(int64_t sequence) const;
  Status check(std::span<const SequenceTokens> rows) const;
  Expected<int64_t> add();
  Status clear(int64_t sequence);
  Expected<CallResult> step(std::span<const SequenceTokens> rows, const StepOptions &options);
  Expected<int64_t> fork(int64_t sequence);
  Expected<std::vector<std::byte>> snapshot(int64_t sequence) const;
  Expected<int64_t> restore(std::span<const std::byte> bytes);
  Status restore(int64_t sequence, const Snapshot &snapshot);
  SnapshotHeader headerAt(int64_t position) const;
  int64_t positionOf(int64_t sequence) const { return *positions[size_t(sequence)]; }

  Session::Impl &session;
  StateLayout layout;
  std::unique_ptr<StateMemory> memory;
  std::vector<std::optional<int64_t>> positions; ///< by slot; none: free
};

// Sizes

/// The options with their defaults filled in.
static Expected<GeneratorOptions> resolve(GeneratorOptions options, const Manifest &manifest) {
  int64_t model = manifest.model.contextLength;
  if (options.sequences < 1 || options.context < 0 || options.maxStateBytes < 0)
    return invalidArgument(std::to_string(options.sequences) + " sequences of " +
                           std::to_string(options.context) + " positions in " +
                           std::to_string(options.maxStateBytes) + " bytes");
  if (options.context == 0)
    options.context = model ? model : manifest.limits.maxTokens;
  if (options.context > (model ? model : int64_t(std::numeric_limits<int32_t>::max())))
    return invalidArgument("a context of " + std::to_string(options.context) +
                           " exceeds the model's of " + std::to_string(model));
  return options;
}

Expected<StateSize> Generator::stateSize(const Session &session, const GeneratorOptions &options) {
  if (std::string reason = session.noStepReason(); !reason.empty())
    return unsupported(reason);
  Expected<GeneratorOptions> resolved = resolve(options, session.impl->manifest());
  FLOWHN_RETURN_IF_ERROR(resolved.status());
  const fb::Plan &plan = session.impl->plan;
  Expected<StateLayout> layout = StateLayout::create(plan, resolved->sequences, resolved->context);
  FLOWHN_RETURN_IF_ERROR(layout.status());
  return StateSize{layout->bytes(), bytesPerSequence(plan, resolved->context, /*split=*/true),
                   bytesPerSequence(plan, resolved->context, /*split=*/false)};
}

Expected<Generator> Generator::create(Session &session, const GeneratorOptions &options) {
  auto make = [&]() -> Expected<Generator> {
    Expected<StateSize> size = stateSize(session, options);
    FLOWHN_RETURN_IF_ERROR(size.status());
    Executor &executor = *session.impl->executor;
    int64_t limit = options.maxStateBytes ? options.maxStateBytes : executor.freeBytes();
    if (size->bytes > limit)
      return resourceExhausted("the state of " + std::to_string(options.sequences) +
                               " sequences takes " + std::to_string(size->bytes) + " bytes, " +
                               std::to_string(size->bytesPerSequence) +
                               " each; there is room for " + std::to_string(limit));
    Expected<GeneratorOptions> resolved = resolve(options, session.impl->manifest());
    Expected<StateLayout> layout =
        StateLayout::create(session.impl->plan, resolved->sequences, resolved->context);
    Expected<std::unique_ptr<StateMemory>> memory = executor.allocateStates(size->bytes);
    FLOWHN_RETURN_IF_ERROR(memory.status());
    return Generator(std::make_unique<Impl>(*session.impl, std::move(*layout), std::move(*memory),
                                            resolved->sequences));
  };
  return guarded("a generator", make);
}

// Sequences

Status Generator::Impl::check(int64_t sequence) const {
  bool isThere = sequence >= 0 && sequence < int64_t(positions.size());
  if (isThere && positions[size_t(sequence)])
    return {};
  return notFound("no sequence " + std::to_string(sequence) + " is in flight");
}

Expected<int64_t> Generator::Impl::add() {
  auto free = std::find(positions.begin(), positions.end(), std::nullopt);
  if (free == positions.end())
    return resourceExhausted("all of " + std::to_string(positions.size()) +
                             " sequences are in flight");
  int64_t sequence = free - positions.begin();
  FLOWHN_RETURN_IF_ERROR(clear(sequence));
  return sequence;
}

Status Generator::Impl::clear(int64_t sequence) {
  for (StateRange range : layout.startOf(sequence))
    FLOWHN_RETURN_IF_ERROR(memory->clear(range));
  positions[size_t(sequence)] = 0;
  return {};
}

Expected<int64_t> Generator::Impl::fork(int64_t sequence) {
  FLOWHN_RETURN_IF_ERROR(check(sequence));
  Expected<int64_t> copy = add();
  FLOWHN_RETURN_IF_ERROR(copy.status());
  int64_t position = positionOf(sequence);
  std::vector<StateRange> from = layout.rangesOf(sequence, position);
  std::vector<StateRange> to = layout.rangesOf(*copy, position);
  for (size_t i = 0; i < from.size(); ++i)
    FLOWHN_RETURN_IF_ERROR(memory->copy(to[i].offset, from[i]));
  positions[size_t(*copy)] = position;
  return copy;
}

// Steps

Status Generator::Impl::check(std::span<const SequenceTokens> rows) const {
  std::vector<bool> seen(positions.size());
  for (const SequenceTokens &row : rows) {
    FLOWHN_RETURN_IF_ERROR(check(row.sequence));
    if (seen[size_t(row.sequence)])
      return invalidArgument("sequence " + std::to_string(row.sequence) +
                             " takes part in the step twice");
    seen[size_t(row.sequence)] = true;
    int64_t position = positionOf(row.sequence);
    if (int64_t(row.ids.size()) > layout.context() - position)
      return invalidArgument("sequence " + std::to_string(row.sequence) + " at position " +
                             std::to_string(position) + " cannot take " +
                             std::to_string(row.ids.size()) + " tokens: its context is " +
                             std::to_string(layout.context()));
  }
  return {};
}

Expected<CallResult> Generator::Impl::step(std::span<const SequenceTokens> rows,
                                           const StepOptions &options) {
  FLOWHN_RETURN_IF_ERROR(check(rows));
  std::vector<int32_t> ids, lengths, begin, slots;
  for (const SequenceTokens &row : rows) {
    ids.insert(ids.end(), row.ids.begin(), row.ids.end());
    lengths.push_back(int32_t(row.ids.size()));
    begin.push_back(int32_t(positionOf(row.sequence)));
    slots.push_back(int32_t(row.sequence));
  }
  Call call = {.ids = ids,
               .lengths = lengths,
               .logits = options.logits,
               .taps = options.taps,
               .logitsBuffer = options.logitsBuffer,
               .tokens = options.tokens,
               .draws = options.draws,
               .returnLogits = options.returnLogits};
  FLOWHN_RETURN_IF_ERROR(session.check(call));
  CallTables tables(call);
  tables.begin = std::move(begin);
  StepArguments step;
  step.slots = slots;
  step.layout = &layout;
  step.memory = memory.get();
  Expected<CallResult> result = session.execute(call, tables, &step);
  FLOWHN_RETURN_IF_ERROR(result.status());
  for (const SequenceTokens &row : rows)
    *positions[size_t(row.sequence)] += int64_t(row.ids.size());
  return result;
}

// Snapshots

SnapshotHeader Generator::Impl::headerAt(int64_t position) const {
  const ManifestModel &model = session.manifest().model;
  std::span<const std::byte> plan = session.artifact->plan(session.executor->info().chip);
  return {model.name, model.dtype, hashOf(plan) + session.executor->fingerprint(), layout.context(),
          position};
}

Expected<std::vector<std::byte>> Generator::Impl::snapshot(int64_t sequence) const {
  FLOWHN_RETURN_IF_ERROR(check(sequence));
  std::vector<std::byte> states;
  for (StateRange range : layout.rangesOf(sequence, positionOf(sequence))) {
    states.resize(states.size() + size_t(range.bytes));
    FLOWHN_RETURN_IF_ERROR(memory->read(range, states.data() + states.size() - range.bytes));
  }
  return packSnapshot(headerAt(positionOf(sequence)), states);
}

Expected<int64_t> Generator::Impl::restore(std::span<const std::byte> bytes) {
  Expected<Snapshot> snapshot = unpackSnapshot(bytes);
  FLOWHN_RETURN_IF_ERROR(snapshot.status());
  FLOWHN_RETURN_IF_ERROR(checkSnapshot(snapshot->header, headerAt(0)));
  Expected<int64_t> sequence = add();
  FLOWHN_RETURN_IF_ERROR(sequence.status());
  Status status = restore(*sequence, *snapshot);
  if (!status.ok())
    positions[size_t(*sequence)].reset();
  return status.ok() ? sequence : Expected<int64_t>(status);
}

Status Generator::Impl::restore(int64_t sequence, const Snapshot &snapshot) {
  int64_t position = snapshot.header.position, offset = 0;
  std::vector<StateRange> ranges = layout.rangesOf(sequence, position);
  int64_t bytes = 0;
  for (StateRange range : ranges)
    bytes += range.bytes;
  if (bytes != int64_t(snapshot.states.size()))
    return invalidInput("a snapshot at position " + std::to_string(position) + " with " +
                        std::to_string(snapshot.states.size()) + " bytes of state, not " +
                        std::to_string(bytes));
  for (StateRange range : ranges) {
    FLOWHN_RETURN_IF_ERROR(memory->write(range, snapshot.states.data() + offset));
    offset += range.bytes;
  }
  positions[size_t(sequence)] = position;
  return {};
}

// The interface

Generator::Generator(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Generator::Generator(Generator &&) noexcept = default;
Generator &Generator::operator=(Generator &&) noexcept = default;
Generator::~Generator() = default;

int64_t Generator::stateBytes() const { return impl->layout.bytes(); }
int64_t Generator::contextLength() const { return impl->layout.context(); }
Expected<int64_t> Generator::add() { return impl->add(); }

Status Generator::remove(int64_t sequence) {
  FLOWHN_RETURN_IF_ERROR(impl->check(sequence));
  impl->positions[size_t(sequence)].reset();
  return {};
}

Status Generator::reset(int64_t sequence) {
  FLOWHN_RETURN_IF_ERROR(impl->check(sequence));
  return impl->clear(sequence);
}

Expected<int64_t> Generator::position(int64_t sequence) const {
  FLOWHN_RETURN_IF_ERROR(impl->check(sequence));
  return impl->positionOf(sequence);
}

Expected<CallResult> Generator::step(std::span<const SequenceTokens> rows,
                                     const StepOptions &options) {
  return guarded("the results of a step", [&] { return impl->step(rows, options); });
}

Expected<int64_t> Generator::fork(int64_t sequence) {
  return guarded("a sequence", [&] { return impl->fork(sequence); });
}

Expected<std::vector<std::byte>> Generator::snapshot(int64_t sequence) const {
  return guarded("a snapshot", [&] { return impl->snapshot(sequence); });
}

Expected<int64_t> Generator::restore(std::span<const std::byte> snapshot) {
  return guarded("a snapshot", [&] { return impl->restore(snapshot); });
}

Status Generator::save(int64_t sequence, const std::string &path) const {
  Expected<std::vector<std::byte>> bytes = snapshot(sequence);
  FLOWHN_RETURN_IF_ERROR(bytes.status());
  return guarded("a snapshot", [&] { return replaceFile(path, *bytes); });
}

Expected<int64_t> Generator::load(const std::string &path) {
  return guarded("a snapshot", [&]() -> Expected<int64_t> {
    Expected<MappedFile> file = MappedFile::open(path);
    FLOWHN_RETURN_IF_ERROR(file.status());
    Expected<int64_t> sequence = impl->restore(file->bytes());
    return sequence.ok() ? sequence : Expected<int64_t>(sequence.status().withContext(path));
  });
}
