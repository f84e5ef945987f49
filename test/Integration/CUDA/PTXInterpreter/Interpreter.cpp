//===- Interpreter.cpp - Runs PTX without a GPU: the functions for Python -===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

#include <cstdio>
#include <memory>

using namespace flowhn::ptx;

namespace {
/// What a call of the interface is given; ptx_interpreter.py has it once more.
struct Request {
  uint8_t *memory;
  const Buffer *buffers;
  const uint64_t *arguments;
  const TensorMap *maps;
  int32_t bufferCount, argumentCount, mapCount;
  int32_t grid[3];
  int32_t threads, sharedBytes, clusterBlocks;
};

struct Report {
  int32_t races;
  char text[512];
};

void setText(Report &report, const std::string &text) {
  std::snprintf(report.text, sizeof report.text, "%s", text.c_str());
}

/// Clusters run one after the other.
void interpret(const Program &program, const Request &request, Report &report) {
  Launch launch{{request.grid[0], request.grid[1], request.grid[2]},
                request.threads,
                request.sharedBytes,
                request.clusterBlocks,
                {request.arguments, size_t(request.argumentCount)},
                {request.maps, size_t(request.mapCount)}};
  GlobalMemory global(request.memory, {request.buffers, size_t(request.bufferCount)});
  std::vector<std::array<int, 3>> blocks;
  for (int z = 0; z < launch.grid[2]; ++z)
    for (int y = 0; y < launch.grid[1]; ++y)
      for (int x = 0; x < launch.grid[0]; ++x)
        blocks.push_back({x, y, z});
  std::mt19937 random(0); // the same draws in every launch
  std::span<const std::array<int, 3>> left = blocks;
  for (; !left.empty(); left = left.subspan(launch.clusterBlocks)) {
    Cluster cluster(program, launch, global, random, left.first(launch.clusterBlocks));
    cluster.run();
    for (Block &block : cluster.blocks) {
      if (!report.races && block.shared.races)
        setText(report, block.shared.firstRace);
      report.races += block.shared.races;
    }
  }
}
} // namespace

extern "C" {
/// The kernel of a file of PTX, or nothing and why.
void *flowhnPTXParse(const char *text, Report *report) {
  try {
    return new Program(text);
  } catch (const std::exception &error) {
    setText(*report, error.what());
    return nullptr;
  }
}

void flowhnPTXRelease(void *program) { delete static_cast<Program *>(program); }

/// Runs a launch: 0, or 1 and the fault that has ended it, or 2 and what the interpreter lacks.
int flowhnPTXRun(void *program, const Request *request, Report *report) {
  try {
    interpret(*static_cast<Program *>(program), *request, *report);
    return 0;
  } catch (const Fault &fault) {
    setText(*report, fault.what());
    return 1;
  } catch (const std::exception &error) {
    setText(*report, error.what());
    return 2;
  }
}
}
