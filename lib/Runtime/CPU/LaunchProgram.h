//===- LaunchProgram.h - What the workers run in a call ---------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_CPU_LAUNCHPROGRAM_H
#define FLOWHN_LIB_RUNTIME_CPU_LAUNCHPROGRAM_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace flowhn {

/// One work item of a launch. args[i] is argument i of the kernel, an index or an
/// address.
using KernelFunction = void (*)(const int64_t *args, int64_t item, void *scratch);

/// A grid of independent work items.
struct Launch {
  KernelFunction function = nullptr;
  int64_t items = 0;   ///< at least 1
  size_t firstArg = 0; ///< in `LaunchProgram::args`
  uint32_t kernel = 0; ///< whom to charge the time to
  size_t number = 0;   ///< of the launches of the program
};

/// Streams that run at the same time; the launches of each run in order.
struct Segment {
  std::vector<std::vector<Launch>> streams; ///< none of them empty
};

/// Segments, one after the other, and the arguments of their launches. Built front
/// to back; buffers of the workspace are known by offset until `place`.
class LaunchProgram {
public:
  /// Ends the segment: what comes later waits for all that came before.
  void barrier() { open = false; }

  /// Starts a launch on `stream`, or, for a grid that is empty, nothing. False when
  /// it was nothing: then it takes no arguments.
  bool addLaunch(unsigned stream, KernelFunction function, int64_t items, uint32_t kernel);
  /// The next argument of the launch added last.
  void addValue(int64_t value) { args.push_back(value); }
  void addAddress(const void *address) { args.push_back(int64_t(address)); }
  void addWorkspaceOffset(int64_t offset);

  /// Turns offsets into addresses; once, after the last launch.
  void place(std::byte *workspace);

  const std::vector<Segment> &segments() const { return list; }
  size_t numLaunches() const { return launches; }
  const int64_t *arguments(const Launch &launch) const { return args.data() + launch.firstArg; }

private:
  std::vector<Segment> list;
  std::vector<int64_t> args;
  std::vector<size_t> workspaceArgs;   ///< positions in args
  std::vector<unsigned> streamNumbers; ///< of the last segment's streams
  size_t launches = 0;
  bool open = false;
};

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_CPU_LAUNCHPROGRAM_H
