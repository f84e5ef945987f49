//===- RunningStreams.h - Streams between fork and join ---------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_ARTIFACT_RUNNINGSTREAMS_H
#define FLOWHN_LIB_ARTIFACT_RUNNINGSTREAMS_H

#include "flowhn/Artifact/Validate.h"

namespace flowhn {

/// Follows which streams of a procedure run. Stream 0 always does; naming it says that it takes
/// part.
class RunningStreams {
public:
  using Streams = flatbuffers::Vector<uint32_t>;

  bool areJoined() const { return running == mainStream; }

  Status checkRunning(uint32_t stream) const { return checkIn(running, stream); }

  Status fork(const Streams &streams) {
    unsigned before = running & ~mainStream;
    for (uint32_t stream : streams) {
      if (stream >= maxStreams || (before >> stream & 1))
        return invalidInput("stream " + std::to_string(stream) + " cannot start");
      before |= 1u << stream;
    }
    running |= before;
    return {};
  }

  Status join(const Streams &streams) {
    unsigned left = running;
    for (uint32_t stream : streams) {
      FLOWHN_RETURN_IF_ERROR(checkIn(left, stream));
      left &= ~(1u << stream);
    }
    running = left | mainStream;
    return {};
  }

private:
  static constexpr unsigned mainStream = 1;

  static Status checkIn(unsigned set, uint32_t stream) {
    if (stream < maxStreams && (set >> stream & 1))
      return {};
    return invalidInput("stream " + std::to_string(stream) + " is not running");
  }

  unsigned running = mainStream; ///< a bit for each
};

} // namespace flowhn

#endif // FLOWHN_LIB_ARTIFACT_RUNNINGSTREAMS_H
