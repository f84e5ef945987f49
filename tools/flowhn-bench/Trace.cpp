//===- Trace.cpp - One prefill on a time line -----------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Trace.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

using namespace flowhn;
using namespace flowhn::tools;
using nlohmann::ordered_json;

constexpr int process = 1;

/// "block 3 attention"; empty outside of blocks.
static std::string placeOf(const TracedLaunch &launch) {
  std::string place = launch.block < 0 ? "" : "block " + std::to_string(launch.block);
  if (!launch.branch.empty())
    place += (place.empty() ? "" : " ") + launch.branch;
  return place;
}

static ordered_json argumentsOf(const TracedLaunch &launch) {
  ordered_json arguments = {{"op", launch.op}};
  if (launch.block >= 0)
    arguments["block"] = launch.block;
  if (!launch.branch.empty())
    arguments["branch"] = launch.branch;
  arguments["extents"] = launch.extents;
  arguments["grid"] = launch.grid;
  arguments["flops"] = launch.flops;
  arguments["bytes"] = launch.bytes;
  if (launch.floorSeconds > 0)
    arguments["floor_us"] = launch.floorSeconds * 1e6;
  if (!launch.config.empty())
    arguments["config"] = launch.config;
  return arguments;
}

static ordered_json eventOf(const TracedLaunch &launch) {
  return {{"name", launch.kernel},
          {"cat", placeOf(launch)},
          {"ph", "X"},
          {"pid", process},
          {"tid", launch.stream},
          {"ts", launch.start * 1e6},
          {"dur", (launch.end - launch.start) * 1e6},
          {"args", argumentsOf(launch)}};
}

/// What a process or a track is called.
static ordered_json nameEvent(const char *what, unsigned track, const std::string &name) {
  return {
      {"name", what}, {"ph", "M"}, {"pid", process}, {"tid", track}, {"args", {{"name", name}}}};
}

static std::string titleOf(const Measurements &r) {
  return r.manifest.model.name + ", " + std::to_string(r.batch) + " x " + std::to_string(r.tokens) +
         " tokens, logits " + r.logits + ", " + r.target;
}

Status flowhn::tools::writeTrace(const std::string &path, const Measurements &result) {
  ordered_json events = ordered_json::array();
  events.push_back(nameEvent("process_name", 0, titleOf(result)));
  std::set<unsigned> streams;
  for (const TracedLaunch &launch : result.trace)
    streams.insert(launch.stream);
  for (unsigned stream : streams)
    events.push_back(nameEvent("thread_name", stream, "stream " + std::to_string(stream)));
  for (const TracedLaunch &launch : result.trace)
    events.push_back(eventOf(launch));
  std::ofstream file(path);
  file << ordered_json{{"displayTimeUnit", "ns"}, {"traceEvents", std::move(events)}}.dump(1)
       << '\n';
  file.close();
  return file ? Status() : notFound("cannot write '" + path + "'");
}
