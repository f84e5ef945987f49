//===- DeviceParameters.cpp - The parameters of a session on a device -----===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceParameters.h"
#include "../PackParameter.h"
#include "../PlanParameters.h"
#include "flowhn/Support/Json.h"
#include "flowhn/Support/Parallel.h"

#include <algorithm>
#include <array>

using namespace flowhn;
using namespace flowhn::cuda;

namespace {

/// Of a parameter, as allocations of the driver's are aligned.
constexpr int64_t alignment = 256;
/// Large enough that copies one after the other run at full speed, small enough that the
/// time to pin the slots stays small.
constexpr int64_t pieceBytes = int64_t(2) << 20;
/// More threads than this do not fill slots faster than the bus empties them.
constexpr int maxLanes = 12;

/// Rows [first, first + count) of a prepared parameter.
struct Piece {
  uint32_t parameter = 0;
  int64_t first = 0;
  int64_t count = 0;
};

/// What one thread uploads with: while the device copies one slot, the other is filled.
class Lane {
public:
  static constexpr int64_t numSlots = 2;

  /// `memory` is pinned, `numSlots` times `bytes`; it and the stream outlive the lane.
  static Expected<std::unique_ptr<Lane>> create(const Driver &driver, StreamHandle stream,
                                                std::byte *memory, int64_t bytes) {
    std::unique_ptr<Lane> lane(new Lane(driver, stream, memory, bytes));
    for (Event &event : lane->copied) {
      Expected<Event> created = createEvent(driver, /*hasTime=*/false);
      FLOWHN_RETURN_IF_ERROR(created.status());
      event = std::move(*created);
    }
    return lane;
  }

  /// `fill` writes `bytes` bytes to what it is given; they go to `to`.
  template <typename Fill> Status upload(DeviceAddress to, int64_t bytes, const Fill &fill) {
    int64_t slot = next++ % numSlots;
    std::byte *from = memory + slot * slotBytes;
    EventHandle event = copied[size_t(slot)].get();
    FLOWHN_RETURN_IF_ERROR(check(driver.eventSynchronize(event)));
    FLOWHN_RETURN_IF_ERROR(fill(from));
    FLOWHN_RETURN_IF_ERROR(check(driver.copyToDevice(to, from, size_t(bytes), stream)));
    return check(driver.eventRecord(event, stream));
  }

private:
  Lane(const Driver &driver, StreamHandle stream, std::byte *memory, int64_t bytes)
      : driver(driver), stream(stream), memory(memory), slotBytes(bytes) {}
  Status check(Result result) const { return driver.check(result, "cannot upload parameters"); }

  const Driver &driver;
  StreamHandle stream;
  std::byte *memory; ///< the slots
  int64_t slotBytes;
  std::array<Event, numSlots> copied; ///< when the device is done with each
  int64_t next = 0;
};

/// The lanes of an upload, on one stream: copies that run side by side only share the bus.
class Lanes {
public:
  explicit Lanes(const Driver &driver) : driver(driver) {}

  /// Makes `count` lanes with slots of `bytes`.
  Status create(int64_t count, int64_t bytes) {
    int64_t laneBytes = Lane::numSlots * bytes;
    Expected<PinnedMemory> block =
        PinnedMemory::allocate(driver, count * laneBytes, "parameters on their way");
    FLOWHN_RETURN_IF_ERROR(block.status());
    memory = std::move(*block);
    Expected<Stream> created = createStream(driver);
    FLOWHN_RETURN_IF_ERROR(created.status());
    stream = std::move(*created);
    for (int64_t i = 0; i < count; ++i) {
      auto lane = Lane::create(driver, stream.get(), memory.data() + i * laneBytes, bytes);
      FLOWHN_RETURN_IF_ERROR(lane.status());
      idle.push_back(std::move(*lane));
    }
    return {};
  }

  /// Pinned memory may not go while it is read.
  ~Lanes() {
    if (stream)
      driver.streamSynchronize(stream.get());
  }

  /// At most as many threads as there are lanes call it at a time.
  template <typename Work> Status with(const Work &work) {
    std::unique_ptr<Lane> lane = take();
    Status status = work(*lane);
    std::lock_guard lock(mutex);
    idle.push_back(std::move(lane));
    return status;
  }

  Status finish() {
    return driver.check(driver.streamSynchronize(stream.get()), "cannot upload parameters");
  }

private:
  std::unique_ptr<Lane> take() {
    std::lock_guard lock(mutex);
    std::unique_ptr<Lane> lane = std::move(idle.back());
    idle.pop_back();
    return lane;
  }

  const Driver &driver;
  PinnedMemory memory; ///< of all lanes
  Stream stream;
  std::mutex mutex;
  std::vector<std::unique_ptr<Lane>> idle;
};

/// One run of `DeviceParameters::upload`.
class Upload {
public:
  Upload(const Driver &driver, const Context &context, const fb::Plan &plan,
         ParameterSource &source, const DeviceParameters::Options &options)
      : driver(driver), context(context), parameters(*plan.parameters()), options(options),
        source(source), uses(source) {}

  /// Bytes of the slots that `run` needs, and the number of pieces for each parameter.
  Status prepare() {
    for (uint32_t i = 0; i < parameters.size(); ++i) {
      const fb::Parameter &parameter = *parameters.Get(i);
      int64_t numPieces = cut(i);
      totalBytes += preparedBytes(parameter);
      for (const fb::Source *part : tensorsOf(parameter)) {
        Expected<ParameterSpec> stored = source.describe(part->name()->str());
        FLOWHN_RETURN_IF_ERROR(stored.status());
        FLOWHN_RETURN_IF_ERROR(checkStoredType(parameter, *stored));
        uses.add(stored->name, numPieces);
      }
    }
    // Large ones first, so that no thread is left alone with one at the end.
    auto bytesOf = [&](const Piece &piece) {
      return preparedBytes(*parameters.Get(piece.parameter));
    };
    std::stable_sort(pieces.begin(), pieces.end(),
                     [&](const Piece &a, const Piece &b) { return bytesOf(a) > bytesOf(b); });
    return {};
  }

  Status run(const std::function<DeviceAddress(uint32_t)> &addressOf) {
    int threads = std::min(options.threads, maxLanes);
    Lanes lanes(driver);
    FLOWHN_RETURN_IF_ERROR(lanes.create(threads, slotBytes));
    auto work = [&](size_t i) {
      return context.with([&] {
        return lanes.with([&](Lane &lane) {
          return uploadPiece(lane, pieces[i], addressOf(pieces[i].parameter))
              .withContext("parameter " +
                           quote(parameters.Get(pieces[i].parameter)->name()->string_view()));
        });
      });
    };
    FLOWHN_RETURN_IF_ERROR(forEachInParallel(pieces.size(), size_t(threads), "parameters", work));
    return lanes.finish();
  }

private:
  /// Gives the number of pieces of parameter `number`.
  int64_t cut(uint32_t number) {
    PreparedMatrix matrix = preparedMatrix(*parameters.Get(number));
    int64_t rows = std::clamp<int64_t>(pieceBytes / matrix.rowBytes, 1, matrix.rows);
    slotBytes = std::max(slotBytes, rows * matrix.rowBytes);
    for (int64_t first = 0; first < matrix.rows; first += rows)
      pieces.push_back({number, first, std::min(rows, matrix.rows - first)});
    return (matrix.rows + rows - 1) / rows;
  }

  Status uploadPiece(Lane &lane, const Piece &piece, DeviceAddress address) {
    const fb::Parameter &parameter = *parameters.Get(piece.parameter);
    int64_t rowBytes = preparedMatrix(parameter).rowBytes, bytes = piece.count * rowBytes;
    auto fill = [&](std::byte *to) -> Status {
      std::vector<TensorView> views;
      for (const fb::Source *part : *parameter.sources()) {
        Expected<TensorView> view = uses.find(part->name()->str());
        FLOWHN_RETURN_IF_ERROR(view.status());
        views.push_back(std::move(*view));
      }
      Expected<std::optional<TensorView>> scale = uses.findScale(parameter);
      FLOWHN_RETURN_IF_ERROR(scale.status());
      packPreparedRows(parameter, views, piece.first, piece.count, to, *scale);
      return {};
    };
    Status status = lane.upload(address + uint64_t(piece.first * rowBytes), bytes, fill);
    for (const fb::Source *part : tensorsOf(parameter))
      uses.release(part->name()->str());
    FLOWHN_RETURN_IF_ERROR(status);
    std::lock_guard lock(mutex);
    done += bytes;
    if (options.progress)
      options.progress(done, totalBytes);
    return {};
  }

  const Driver &driver;
  const Context &context;
  const flatbuffers::Vector<flatbuffers::Offset<fb::Parameter>> &parameters;
  const DeviceParameters::Options &options;
  ParameterSource &source;
  TensorUses uses;
  std::vector<Piece> pieces;
  int64_t slotBytes = 0;
  int64_t totalBytes = 0;

  std::mutex mutex; ///< for what follows
  int64_t done = 0; ///< bytes
};

} // namespace

Expected<DeviceParameters> DeviceParameters::upload(const Driver &driver, const Context &context,
                                                    const fb::Plan &plan, ParameterSource &source,
                                                    const Options &options) {
  FLOWHN_RETURN_IF_ERROR(checkParameters(source, sourcesOf(plan)));
  Upload upload(driver, context, plan, source, options);
  FLOWHN_RETURN_IF_ERROR(upload.prepare());
  DeviceParameters result;
  int64_t bytes = 0;
  for (const fb::Parameter *parameter : *plan.parameters()) {
    result.offsets.push_back(uint64_t(bytes));
    result.sizes.push_back(preparedBytes(*parameter));
    result.parameterBytes += result.sizes.back();
    bytes += (preparedBytes(*parameter) + alignment - 1) / alignment * alignment;
  }
  Expected<DeviceMemory> memory = DeviceMemory::allocate(driver, bytes, "parameters");
  FLOWHN_RETURN_IF_ERROR(memory.status());
  result.memory = std::move(*memory);
  FLOWHN_RETURN_IF_ERROR(upload.run([&](uint32_t number) { return result[number]; }));
  return result;
}
