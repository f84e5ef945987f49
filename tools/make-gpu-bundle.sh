#!/usr/bin/env bash
# Makes a folder that tests and measures the nvptx target on a machine with a GPU but without
# LLVM, a compiler or the CUDA toolkit: the tools and their libraries, compiled models, kernels
# by themselves, and run-tests.sh and run-bench.sh.
#
#   tools/make-gpu-bundle.sh [OUT]    default: build/gpu-bundle
#
# BUILD     the build folder, default build
# CPU       the level of the models that results are compared with, default x86-64-v4
# PARTS     of the bundle, default all: kernels by themselves, fixtures, models of published
#           sizes, those without their dead positions, those in each schedule of their branches,
#           candidates to tune them with; without these it takes 70 MB
# TARGET    what the models are compiled for, default nvptx; cpu tries the scripts out
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=$(realpath -m "${1:-$top/build/gpu-bundle}")
cd "$top"

build=${BUILD:-build}
readonly suite=test/Integration/CUDA/bundle all_parts="kernels fixtures published pruned schedules candidates"
source $suite/common.sh

target_flags=(--target="${TARGET:-nvptx}")
cpu_flags=(--target=cpu --cpu="${CPU:-x86-64-v4}")

# The libraries that the programs and libraries of the bundle load, but for those that every
# machine with a C++ program has.
copy_libraries() {
  local path
  ldd "$out"/bin/* "$out"/lib/*.so | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u |
    grep -Ev '/(libc|libm|libdl|libpthread|librt|libstdc\+\+|libgcc_s|libcuda|libFlowHNRuntime)\.so' |
    while read -r path; do
      cp -L "$path" "$out/lib/"
    done
}

copy_programs() {
  cmake --build "$build" --target flowhn-compile flowhn-opt flowhn-run flowhn-bench FlowHNDeviceTests
  cmake --install "$build" --component Runtime --prefix "$out" >"$out/install.log"
  rm "$out/install.log"
  cp "$build/test/unittests/FlowHNDeviceTests" "$out/bin/"
  copy_libraries
}

copy_scripts() {
  mkdir "$out/scripts"
  cp $suite/run-tests.sh $suite/run-bench.sh "$out/"
  cp $suite/{common,sanitizers}.sh $suite/*.py lib/Target/NVPTX/H200.json "$out/scripts/"
  for script in token_ids safetensors_file random_parameters compare_logits edit_artifact xxh3; do
    cp "test/Reference/$script.py" "$out/scripts/"
  done
}

# Kernels by themselves, at small shapes and at many extents, and what checks them.
emit_kernels() {
  for script in check_{kernels,rows,few,sample,grouped,inputs,scan,sequence,state,attention} kernel_harness cuda_device ptx_interpreter; do
    cp "test/Integration/CUDA/$script.py" "$out/scripts/"
  done
  "$python" test/Integration/CUDA/check_kernels.py emit "$build/bin/flowhn-opt" "$out/kernels" \
    --set small --set sweep
  "$python" test/Integration/CUDA/bundle/kernel_peers.py emit "$build/bin/flowhn-opt" "$out/peers"
  "$python" test/Integration/CUDA/bundle/few_rows_peers.py emit "$build/bin/flowhn-opt" "$out/few-rows"
  "$python" test/Integration/CUDA/bundle/bandwidth_peers.py emit "$build/bin/flowhn-opt" "$out/bandwidth"
  find "$out"/{kernels,peers} \( -name '*.ptx' -o -name '*.cubin' \) -exec gzip -9 {} +
}

# compile NAME ARGUMENT...: models/nvptx/NAME.fhn
compile() {
  "$build/bin/flowhn-compile" "${@:2}" "${target_flags[@]}" -o "$out/models/nvptx/$1.fhn"
}

compile_fixtures() {
  local folder name schedule size
  for folder in test/Inputs/flowhn-* test/Inputs/kjv-fac-rotate; do
    name=$(basename "$folder")
    mkdir "$out/inputs/$name"
    cp "$folder"/config.json "$folder"/model.safetensors "$folder"/expected.* "$out/inputs/$name/"
    compile "$name" "$folder"
    compile "$name-float32" "$folder" --dtype=float32
  done
  compile_fixed_contexts
  compile_float16
  "$build/bin/flowhn-compile" test/Inputs/kjv-fac-rotate "${cpu_flags[@]}" \
    -o "$out/models/cpu/kjv-fac-rotate.fhn"
  compile kjv-fac-rotate-prologue test/Inputs/kjv-fac-rotate --norm=prologue
  for schedule in streams serial; do
    compile kjv-fac-rotate-$schedule test/Inputs/kjv-fac-rotate --branch-schedule=$schedule
    compile 135M-fac-rotate-$schedule --config 135M --branch-schedule=$schedule
  done
}

# Models that go on with sequences, of fixtures whose split would follow the length of a call.
compile_fixed_contexts() {
  local name context
  while read -r name context; do
    compile "$name-$context" "test/Inputs/$name" --context="$context"
    compile "$name-$context-float32" "test/Inputs/$name" --context="$context" --dtype=float32
  done < <(fixed_contexts)
}

# A checkpoint that is made again where the tests run.
compile_float16() {
  "$python" $suite/to_float16.py test/Inputs/kjv-fac-rotate "$out/float16"
  compile kjv-fac-rotate-float16 "$out/float16"
  rm -r "$out/float16"
}

# The flags of "1B-fac-rotate-1024", a line each.
published_flags() {
  local size strategy circulation context
  IFS=- read -r size strategy circulation context <<<"$1"
  if [ "$strategy" != fac ]; then
    context=$circulation circulation=
  fi
  printf '%s\n' --config "$size" --strategy "$strategy" --context "$context"
  [ -z "$circulation" ] || printf '%s\n' --circulation "$circulation"
}

compile_published() {
  local name batch tokens flags
  while read -r name batch tokens; do
    mapfile -t flags < <(published_flags "$name")
    compile "$name" "${flags[@]}" --typical-batch="$batch"
    "$build/bin/flowhn-compile" "${flags[@]}" "${cpu_flags[@]}" -o "$out/models/cpu/$name.fhn"
  done < <(published_models)
}

# The same, computing no more than the last tokens' logits need.
compile_pruned() {
  local name batch tokens flags
  while read -r name batch tokens; do
    mapfile -t flags < <(published_flags "$name")
    compile "$name-pruned" "${flags[@]}" --typical-batch="$batch" --prune-dead-positions
  done < <(published_models)
}

# For the chip that has all schedules.
compile_schedules() {
  local name batch tokens flags schedule
  [ "${TARGET:-nvptx}" = nvptx ] || return 0
  compile kjv-fac-rotate-grouped test/Inputs/kjv-fac-rotate --branch-schedule=grouped --chip=sm_90a
  while read -r name batch tokens; do
    mapfile -t flags < <(published_flags "$name")
    for schedule in $(schedules); do
      compile "$name-$schedule" "${flags[@]}" --typical-batch="$batch" --branch-schedule="$schedule" \
        --chip=sm_90a
    done
  done < <(scheduled_models)
}

# models/candidates/NAME-0.fhn and so on: each kernel with one of the configurations that it can
# have after the other, until all are the first ones again.
compile_candidates() {
  local name batch tokens flags candidate artifact
  mkdir "$out/models/candidates"
  while read -r name batch tokens; do
    mapfile -t flags < <(published_flags "$name")
    for ((candidate = 0; ; ++candidate)); do
      artifact=$out/models/candidates/$name-$candidate.fhn
      "$build/bin/flowhn-compile" "${flags[@]}" --typical-batch="$batch" --target=nvptx \
        --chip=sm_90a --candidate=$candidate -o "$artifact"
      [ $candidate = 0 ] && continue
      cmp -s "$out/models/candidates/$name-0.fhn" "$artifact" && break
    done
    rm "$artifact"
  done < <(tuned_models)
}

make_part() {
  case $1 in
    kernels) emit_kernels ;;
    fixtures | published | pruned | schedules | candidates) "compile_$1" ;;
    *)
      echo "error: PARTS has '$1', it may have $all_parts" >&2
      exit 1
      ;;
  esac
}

rm -rf "$out"
mkdir -p "$out"/{inputs,models/nvptx,models/cpu}
copy_programs
copy_scripts
for part in ${PARTS:-$all_parts}; do
  make_part "$part"
done
du -sh "$out"/*
du -sh "$out"
