//===- flowhn-compile.cpp - From a model to an artifact -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SplitFlags.h"
#include "common/Progress.h"
#include "common/Tool.h"
#include "flowhn/Artifact/SplitTable.h"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <unistd.h>

using namespace flowhn;
using namespace flowhn::tools;

namespace {

struct Options {
  InputOptions model;
  SplitFlags split;
  std::string output;
  std::string compileTo;
  bool printSplit = false;
  bool printRemarks = false;
  bool timePhases = false;
  bool printPipeline = false;
};

void addOptions(CLI::App &app, Options &options) {
  addInputOptions(app, options.model);
  addSplitSearchFlags(app, options.split);
  app.add_option("-o,--output", options.output,
                 "The file to write; with --compile-to, - or none is standard output");
  app.add_option(
      "--compile-to", options.compileTo,
      "Stop at flowhn, split, scheduled, kern, plan, llvm or obj and write what is there");
  app.add_option("--dump-compilation-phases-to", options.model.compile.dumpPhasesTo,
                 "A folder for the IR after each phase, in numbered files");
  app.add_flag("--print-split", options.printSplit,
               "Print, for each block, the tokens and positions of each branch");
  app.add_flag("--print-remarks", options.printRemarks,
               "Print what the passes found and decided, besides warnings");
  app.add_flag("--time-phases", options.timePhases, "Print how long each phase took");
  app.add_flag("--print-pipeline", options.printPipeline,
               "Print the passes, as flowhn-opt --pass-pipeline= takes them");
}

/// Whether something is asked for that takes a compile.
bool compiles(const Options &options) {
  return !options.output.empty() || !options.compileTo.empty() || options.printSplit ||
         options.timePhases || !options.model.compile.dumpPhasesTo.empty();
}

std::string problemOf(Options &options) {
  if (options.printPipeline && !options.split.areGiven() && options.model.input.empty() &&
      options.model.config.empty())
    return chooseTarget(options.model);
  if (std::string problem = inputProblem(options.model); !problem.empty())
    return problem;
  if (!options.model.input.empty() && isArtifact(options.model.input))
    return "'" + options.model.input + "' is an artifact: it is compiled already";
  if (std::string problem = splitFlagsProblem(options.model, options.split); !problem.empty())
    return problem;
  if (!options.compileTo.empty() && options.printSplit)
    return "--print-split needs the whole compilation, not --compile-to";
  if (options.compileTo.empty() && options.output == "-")
    return "an artifact goes into a file, not to standard output";
  bool asked = compiles(options) || options.split.areGiven() || options.printPipeline;
  return asked ? std::string() : "nothing to do: give -o FILE, --compile-to or --print-split";
}

Status writeText(const std::string &path, const std::string &text) {
  if (path.empty() || path == "-") {
    std::cout.write(text.data(), static_cast<std::streamsize>(text.size()));
    return std::cout.flush() ? Status() : notFound("cannot write to standard output");
  }
  std::ofstream file(path, std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  return file ? Status() : notFound("cannot write '" + path + "'");
}

Status compilePartly(const Options &options, const Model &model, CompileReport &report) {
  Expected<CompilePhase> phase = parseCompilePhase(options.compileTo);
  if (!phase.ok())
    return phase.status();
  if (*phase == CompilePhase::Object && options.output.empty() && isatty(STDOUT_FILENO))
    return invalidArgument("an object is no text for a terminal: give -o FILE, or -o -");
  Expected<std::string> text = compileTo(*phase, model, options.model.compile, &report);
  return text.ok() ? writeText(options.output, *text) : text.status();
}

Status printSplit(const ManifestModel &model) {
  Expected<std::vector<std::string>> lines = describeSplit(model);
  if (!lines.ok())
    return lines.status();
  for (const std::string &line : *lines)
    std::cout << line << '\n';
  return Status();
}

Status compileWhole(const Options &options, const Model &model, CompileReport &report) {
  Expected<Artifact> artifact = [&] {
    Progress progress("compiling " + model.name());
    return compile(model, options.model.compile, &report);
  }();
  if (!artifact.ok())
    return artifact.status();
  if (options.printSplit)
    FLOWHN_RETURN_IF_ERROR(printSplit(artifact->manifest().model));
  return options.output.empty() ? Status() : writeArtifact(options.output, artifact->parts());
}

Status compileAsked(const Options &options, const Model &model, CompileReport &report) {
  return options.compileTo.empty() ? compileWhole(options, model, report)
                                   : compilePartly(options, model, report);
}

/// Searches the split; what else is asked for is of the model with it.
Status searchFirst(Options &options, const Model &model, CompileReport &report) {
  CompileReport searchReport;
  Expected<Model> found = searchAndPrintSplit(model, options.model, options.split, searchReport);
  if (found.ok() && compiles(options))
    return compileAsked(options, *found, report);
  report = std::move(searchReport);
  return found.status();
}

void printPhases(const CompileReport &report) {
  double total = 0;
  for (const CompileReport::Phase &phase : report.phases) {
    std::fprintf(stderr, "%-16s %8.3f s\n", phase.name.c_str(), phase.seconds);
    total += phase.seconds;
  }
  std::fprintf(stderr, "%-16s %8.3f s\n", "total", total);
}

Expected<int> execute(const Tool &tool, Options &options) {
  if (options.printPipeline) {
    Expected<std::string> pipeline = passPipeline(options.model.compile);
    if (!pipeline.ok())
      return pipeline.status();
    std::cout << *pipeline << '\n';
    if (options.output.empty() && options.compileTo.empty() && !options.printSplit &&
        !options.split.areGiven())
      return exitSuccess;
  }
  Expected<Model> model = loadModel(*flowhnCompilerInterface(), options.model);
  if (!model.ok())
    return model.status();
  CompileReport report;
  Status status = options.split.areGiven() ? searchFirst(options, *model, report)
                                           : compileAsked(options, *model, report);
  tool.printDiagnostics(report.diagnostics, options.printRemarks);
  if (options.timePhases)
    printPhases(report);
  FLOWHN_RETURN_IF_ERROR(status);
  return exitSuccess;
}

} // namespace

int main(int argc, char **argv) {
  Tool tool("flowhn-compile", "Compiles a FlowHN model to an artifact");
  Options options;
  addOptions(tool.app(), options);
  if (std::optional<int> code = tool.parse(argc, argv))
    return *code;
  if (std::string problem = problemOf(options); !problem.empty())
    return tool.usageError(problem);
  return tool.run([&] { return execute(tool, options); });
}
