//===- SharedMemory.cpp - The shared memory of an interpreted block -------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SharedMemory.h"

#include <algorithm>

using namespace flowhn::ptx;

void flowhn::ptx::merge(Clock &into, const Clock &from) {
  for (size_t i = 0; i < into.size(); ++i)
    into[i] = std::max(into[i], from[i]);
}

SharedMemory::SharedMemory(int warps, size_t limit)
    : warps(warps), readers((1 + proxyAgents) * warps), limit(limit),
      granuleCount(limit / granuleBytes + 1), bytes(new uint8_t[limit]),
      writer(zeros<int16_t>(granuleCount)), written(zeros<int32_t>(granuleCount)),
      added(zeros<bool>(granuleCount)), reads(readers), known(warps, Clock(readers + maxBarriers)),
      fenced(warps) {
  std::fill_n(bytes.get(), limit, 0xFF); // not a number, until it is written
  for (int warp = 0; warp < warps; ++warp)
    known[warp][warp] = 1;
}

int SharedMemory::newBarrier() {
  if (barriers == maxBarriers)
    throw Fault("more than " + std::to_string(maxBarriers) + " barriers in shared memory");
  return readers + barriers++;
}

Clock SharedMemory::tick(int warp) {
  Clock clock = known[warp];
  ++known[warp][warp];
  return clock;
}

void SharedMemory::wait(int warp, int agent, int32_t time) {
  known[warp][agent] = std::max(known[warp][agent], time);
}

/// What the warp has written, and what it knows that others have, the other proxy sees.
void SharedMemory::fence(int warp) {
  for (int writer = 0; writer < warps; ++writer)
    fenced[writer] = std::max(fenced[writer], known[warp][writer]);
  ++known[warp][warp];
}

SharedMemory::Range SharedMemory::granules(uint64_t address, size_t size) const {
  return {address / granuleBytes,
          address / granuleBytes + std::max(size / granuleBytes, size_t(1))};
}

void SharedMemory::checkBounds(Addresses addresses, size_t size) const {
  for (uint64_t address : addresses)
    if (address > limit || address + size > limit)
      throw Fault("shared memory: " + std::to_string(size) + " bytes at " +
                  std::to_string(int64_t(address)) + " of " + std::to_string(limit));
}

void SharedMemory::findUnknownReaders(int warp) {
  unknownReaders.clear();
  for (int agent = 0; agent < readers; ++agent)
    if (reads[agent].last > known[warp][agent])
      unknownReaders.push_back(agent);
}

bool SharedMemory::isReadUnknown(int warp, Range range) const {
  for (int agent : unknownReaders) {
    int32_t seen = known[warp][agent];
    const int32_t *times = reads[agent].times.get();
    if (std::any_of(times + range.begin, times + range.end, [&](int32_t t) { return t > seen; }))
      return true;
  }
  return false;
}

void SharedMemory::noteRead(int agent, int32_t time, Range range) {
  Reader &reader = reads[agent];
  if (!reader.times)
    reader.times = zeros<int32_t>(granuleCount);
  reader.last = std::max(reader.last, time);
  std::fill(reader.times.get() + range.begin, reader.times.get() + range.end, time);
}

void SharedMemory::read(int warp, Addresses addresses, size_t size) {
  checkBounds(addresses, size);
  for (uint64_t address : addresses) {
    Range range = granules(address, size);
    for (size_t granule = range.begin; granule < range.end; ++granule)
      if (isWriteUnknown(warp, granule))
        report(granule, "read before it is known to be written");
    noteRead(warp, now(warp), range);
  }
}

void SharedMemory::readFor(int warp, int agent, int32_t time, Addresses addresses, size_t size) {
  checkBounds(addresses, size);
  for (uint64_t address : addresses) {
    Range range = granules(address, size);
    for (size_t granule = range.begin; granule < range.end; ++granule) {
      if (isWriteUnknown(warp, granule))
        report(granule, "read before it is known to be written");
      bool generic = writer[granule] < warps;
      if (generic && written[granule] > fenced[writer[granule]])
        report(granule, "read by the other proxy without a fence");
    }
    noteRead(agent, time, range);
  }
}

void SharedMemory::writeBy(int warp, int agent, int32_t time, Addresses addresses, size_t size) {
  checkBounds(addresses, size);
  for (uint64_t address : addresses)
    for (Range range = granules(address, size); range.begin < range.end; ++range.begin)
      if (isWriteUnknown(warp, range.begin))
        report(range.begin, "written by two at a time");
  findUnknownReaders(warp);
  for (uint64_t address : addresses) {
    Range range = granules(address, size);
    if (isReadUnknown(warp, range))
      report(range.begin, "overwritten while it may still be read");
    std::fill(added.get() + range.begin, added.get() + range.end, false);
    std::fill(writer.get() + range.begin, writer.get() + range.end, agent);
    std::fill(written.get() + range.begin, written.get() + range.end, time);
  }
}

void SharedMemory::add(int warp, Addresses addresses, size_t size) {
  checkBounds(addresses, size);
  findUnknownReaders(warp);
  for (uint64_t address : addresses) {
    Range range = granules(address, size);
    for (size_t granule = range.begin; granule < range.end; ++granule)
      if (isWriteUnknown(warp, granule) && !added[granule])
        report(granule, "added to before it is known to be written");
    if (isReadUnknown(warp, range))
      report(range.begin, "added to while it may still be read");
    std::fill(added.get() + range.begin, added.get() + range.end, true);
    std::fill(writer.get() + range.begin, writer.get() + range.end, warp);
    std::fill(written.get() + range.begin, written.get() + range.end, now(warp));
  }
}

void SharedMemory::report(size_t granule, const char *what) {
  if (!races++)
    firstRace = "shared memory at " + std::to_string(granule * granuleBytes) + ": " + what;
}
