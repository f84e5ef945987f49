//===- SharedMemory.h - The shared memory of an interpreted block -*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_SHAREDMEMORY_H
#define FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_SHAREDMEMORY_H

#include "Program.h"

#include <cstdlib>
#include <memory>
#include <span>

namespace flowhn::ptx {

/// Up to which time of its own each agent is known to have come.
using Clock = std::vector<int32_t>;

void merge(Clock &into, const Clock &from);

/// Finds accesses to shared memory that are out of bounds or not ordered before one another.
///
/// Who accesses is an agent: a warp, what a warp started and has not waited for (copies to
/// shared memory, products, stores from shared memory), or the bulk copies that complete on a
/// barrier. Every agent counts its own time, and a warp knows of each agent up to which time it
/// has happened before the warp's next access: vector clocks, passed on by barriers and waits.
/// Lanes of a warp are in order.
class SharedMemory {
public:
  /// Of a block, which the `warps` of all blocks of its cluster may access.
  SharedMemory(int warps, size_t limit);

  uint8_t *data() { return bytes.get(); }

  // Agents, beside warps.
  int copies(int warp) const { return warps + warp; }
  int products(int warp) const { return 2 * warps + warp; }
  int stores(int warp) const { return 3 * warps + warp; }
  int newBarrier();

  // What orders accesses.
  Clock noClock() const { return Clock(known[0].size()); }
  /// What the warp knows; what it does from here on is not what it has published so far.
  Clock tick(int warp);
  void learn(int warp, const Clock &clock) { merge(known[warp], clock); }
  void wait(int warp, int agent, int32_t time);
  void fence(int warp);

  // Accesses: `size` bytes at each address.
  using Addresses = std::span<const uint64_t>;
  void read(int warp, Addresses addresses, size_t size);
  void write(int warp, Addresses addresses, size_t size) {
    writeBy(warp, warp, now(warp), addresses, size);
  }
  /// Additions that are atomic are not ordered among themselves.
  void add(int warp, Addresses addresses, size_t size);
  /// An agent other than the warp accesses up to its `time` on the warp's behalf.
  void readFor(int warp, int agent, int32_t time, Addresses addresses, size_t size);
  void writeFor(int warp, int agent, int32_t time, Addresses addresses, size_t size) {
    writeBy(warp, agent, time, addresses, size);
  }

  int races = 0;
  std::string firstRace;

private:
  static constexpr size_t granuleBytes = 2; // bytes: the smallest access
  static constexpr int maxBarriers = 64, proxyAgents = 3;

  template <typename T> struct Free {
    void operator()(T *pointer) const { std::free(pointer); }
  };
  /// Zeros, of which pages come as they are touched.
  template <typename T> using Zeros = std::unique_ptr<T[], Free<T>>;
  template <typename T> static Zeros<T> zeros(size_t count) {
    return Zeros<T>(static_cast<T *>(std::calloc(count, sizeof(T))));
  }
  struct Reader {
    Zeros<int32_t> times; // by granule
    int32_t last = 0;
  };
  struct Range {
    size_t begin, end;
  };

  int32_t now(int warp) const { return known[warp][warp]; }
  Range granules(uint64_t address, size_t size) const;
  void checkBounds(Addresses addresses, size_t size) const;
  void writeBy(int warp, int agent, int32_t time, Addresses addresses, size_t size);
  bool isWriteUnknown(int warp, size_t granule) const {
    return written[granule] > known[warp][writer[granule]];
  }
  /// Those whose latest reads the warp does not know.
  void findUnknownReaders(int warp);
  bool isReadUnknown(int warp, Range range) const;
  void noteRead(int agent, int32_t time, Range range);
  void report(size_t granule, const char *what);

  int warps, readers, barriers = 0;
  size_t limit, granuleCount;
  std::unique_ptr<uint8_t[]> bytes;
  Zeros<int16_t> writer;
  Zeros<int32_t> written;
  Zeros<bool> added; // written last by an atomic addition
  std::vector<Reader> reads;
  std::vector<int> unknownReaders;
  std::vector<Clock> known;    // by warp
  std::vector<int32_t> fenced; // by warp: generic writes that the other proxy sees
};

} // namespace flowhn::ptx

#endif // FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_SHAREDMEMORY_H
