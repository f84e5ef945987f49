#!/bin/sh
# The tests of everything that reads untrusted files, and of the runtime, under
# sanitizers: no MLIR is compiled or linked, so it takes few minutes.
# usage: test/run-sanitized.sh [address,undefined] [thread]   (the first is the default)
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- address,undefined

tests="FlowHNSupportTests FlowHNImportTests FlowHNArtifactTests FlowHNSplitTableTests
  FlowHNParametersTests FlowHNRuntimeTests"
for sanitizers in "$@"; do
  build=build-$(echo "$sanitizers" | tr , -)
  cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE="-O1 -g1" \
    -DCMAKE_C_COMPILER=clang-22 -DCMAKE_CXX_COMPILER=clang++-22 -DFLOWHN_SANITIZERS="$sanitizers"
  ninja -C "$build" $tests
  for test in $tests; do
    "$build/test/unittests/$test" --gtest_brief=1
  done
done
