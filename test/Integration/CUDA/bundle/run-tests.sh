#!/usr/bin/env bash
# The integration tests of the nvptx target, on a machine with a GPU and without a compiler.
#
#   run-tests.sh [PREFIX]...    the checks whose names begin with a PREFIX; default: all
#
# With CHIP=sm_80 in the environment the code for that chip runs instead of the best that the
# GPU runs; the driver compiles it.
#
# Prints a line for each check (unit/…, fixtures/…, float32/…, state/…, lengths/…, kernels/…, real/…,
# identical/…, sanitizers/…, errors/…, load) and, last, how many passed, failed and were skipped. Logs are in results/tests.
# Needs bash, coreutils, and python3 with NumPy.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/scripts/common.sh"
source "$bundle/scripts/sanitizers.sh"

wanted=("$@")
logs=$results/tests
chip=(${CHIP:+--chip="$CHIP"})
passed=0 failed=0 skipped=0
mkdir -p "$logs"

# check NAME COMMAND...: passes when the command does.
check() {
  local name=$1 log=$logs/${1//\//-}.log start=$SECONDS
  shift
  is_selected "$name" "${wanted[@]}" || return 0
  if "$@" >"$log" 2>&1; then
    passed=$((passed + 1))
    printf 'passed   %-44s %4d s\n' "$name" $((SECONDS - start))
  else
    failed=$((failed + 1))
    printf 'FAILED   %-44s %4d s  %s\n' "$name" $((SECONDS - start)) "$log"
    tail -n 3 "$log" | sed 's/^/         /'
  fi
}

# skip NAME REASON
skip() {
  is_selected "$1" "${wanted[@]}" || return 0
  skipped=$((skipped + 1))
  printf 'skipped  %-44s %s\n' "$1" "$2"
}

gpu() { echo "$bundle/models/nvptx/$1.fhn"; }
cpu() { echo "$bundle/models/cpu/$1.fhn"; }
input() { echo "$bundle/inputs/$1"; }
script() { "$python" "$bundle/scripts/$1.py" "${@:2}"; }

unit_tests() {
  local program
  for program in "$bundle"/bin/*Tests; do
    [ -x "$program" ] && check "unit/$(basename "$program")" skips_nothing "$program"
  done
}

# skips_nothing COMMAND...: here is a GPU and a bundle; a test that skips shows nothing.
skips_nothing() {
  local output=$logs/unit.txt status
  "$@" | tee "$output"
  status=${PIPESTATUS[0]}
  [ "$status" = 0 ] && ! grep -F '[  SKIPPED ]' "$output"
}

fixtures() {
  local folder name
  for folder in "$bundle"/inputs/*/; do
    name=$(basename "$folder")
    check "fixtures/$name" check_fixture "$name" "$name" "$folder" --check-hidden
    check "float32/$name" check_fixture "$name" "$name-float32" "$folder" --check-hidden
  done
  check fixtures/kjv-norm-prologue check_fixture kjv-fac-rotate kjv-fac-rotate-prologue \
    "$(input kjv-fac-rotate)"
  check fixtures/kjv-float16 check_float16
}

# check_fixture NAME MODEL WEIGHTS FLAG...: what a model says against what NAME expects.
check_fixture() {
  flowhn-run "$(gpu "$2")" "${chip[@]}" --weights "$3" \
    --check "$(input "$1")/expected.safetensors" "${@:4}"
}

# The same weights in float16 are computed in float16.
check_float16() {
  local folder=$logs/float16 status
  script to_float16 "$(input kjv-fac-rotate)" "$folder" &&
    check_fixture kjv-fac-rotate kjv-fac-rotate-float16 "$folder"
  status=$?
  rm -rf "$folder"
  return $status
}

# Sequences fed in pieces give the logits of whole ones, and the fixtures' continuations.
state() {
  local folder name context model flags chunks
  for folder in "$bundle"/inputs/*/; do
    name=$(basename "$folder") model=$(basename "$folder") flags=()
    context=$(fixed_contexts | sed -n "s/^$name //p")
    [ -z "$context" ] || model=$name-$context flags=(--check-lengths "$context")
    for chunks in 1 7,64,3 random:1; do
      check "state/$name-$chunks" check_fixture "$name" "$model" "$folder" "${flags[@]}" \
        --chunks "$chunks"
      check "state/$name-float32-$chunks" check_fixture "$name" "$model-float32" "$folder" \
        "${flags[@]}" --chunks "$chunks"
    done
  done
}

# compare_with_cpu NAME BATCH TOKENS VOCABULARY FLAG...: the logits of made-up tokens, the GPU's
# against the CPU's in float32.
compare_with_cpu() {
  local name=$1 stem=$logs/$1-$3
  local ids=$stem.ids.npy a=$stem.gpu.npy b=$stem.cpu.npy flags=("${@:5}" --input "$stem.ids.npy")
  script token_ids "$ids" "$2" "$3" "$4" &&
    flowhn-run "$(gpu "$name")" "${chip[@]}" "${flags[@]}" --output "$a" &&
    flowhn-run "$(cpu "$name")" "${flags[@]}" --output "$b" &&
    script compare_logits "$a" "$b" --whole 2e-2 --row 6e-2
}

real_sizes() {
  local name batch tokens
  while read -r name batch tokens; do
    check "real/$name" compare_with_cpu "$name" "$batch" "$tokens" 65536 --random-weights=1 \
      --logits=last
  done < <(published_models)
}

# At and around tiles, and where the branches' windows of the four blocks begin, end and wrap.
lengths() {
  local length
  for length in 1 2 7 63 64 65 127 128 129 {165..167} {225..227} {391..393} {451..453} 511 512; do
    check "lengths/kjv-$length" compare_with_cpu kjv-fac-rotate 3 "$length" 256 \
      --weights "$(input kjv-fac-rotate)"
  done
}

# identical IDS [FLAG...] -- ARTIFACT [FLAG...] -- ARTIFACT [FLAG...]: both runs, repeated, give
# the same bytes.
identical() { compare_runs cmp "$@"; }

# agree …: the same of each run, and both within tolerances: a launch's rows decide which of its
# last tiles are sums of two parts of k.
agree() { compare_runs logits_agree "$@"; }
logits_agree() { script compare_logits "$1" "$2" --whole 2e-2 --row 6e-2; }

# compare_runs COMMAND IDS …: what the command says of both runs' logits.
compare_runs() {
  local compare=$1 ids=$2 a=$2.a.npy b=$2.b.npy shared=() first=()
  shift 2
  while [ "$1" != -- ]; do shared+=("$1"); shift; done
  shift
  while [ "$1" != -- ]; do first+=("$1"); shift; done
  shift
  shared+=("${chip[@]}" --input "$ids")
  flowhn-run "${first[@]}" "${shared[@]}" --output "$a" &&
    flowhn-run "$@" "${shared[@]}" --output "$b" && "$compare" "$a" "$b"
}

identical_results() {
  local kjv=(--weights "$(input kjv-fac-rotate)") real=(--random-weights=1 --logits=last)
  local small=$logs/small.npy large=$logs/large.npy
  check identical/kjv-schedules identical "$small" "${kjv[@]}" -- \
    "$(gpu kjv-fac-rotate-streams)" --repeat 3 -- "$(gpu kjv-fac-rotate-serial)" --repeat 3
  if [ "${CHIP:-sm_90a}" = sm_90a ]; then
    check identical/kjv-grouped identical "$small" "${kjv[@]}" -- \
      "$(gpu kjv-fac-rotate-grouped)" --repeat 3 -- "$(gpu kjv-fac-rotate-serial)" --repeat 3
    check identical/1B-grouped agree "$large" "${real[@]}" -- \
      "$(gpu 1B-fac-rotate-1024-grouped)" --repeat 3 -- "$(gpu 1B-fac-rotate-1024-serial)" --repeat 3
  fi
  check identical/kjv-graphs identical "$small" "${kjv[@]}" -- \
    "$(gpu kjv-fac-rotate)" --repeat 3 -- "$(gpu kjv-fac-rotate)" --repeat 3 --no-graphs
  # A thousand replays of a graph with both branches, and the branches one after the other.
  check identical/135M-replays identical "$large" "${real[@]}" -- \
    "$(gpu 135M-fac-rotate-streams)" --repeat 1000 -- "$(gpu 135M-fac-rotate-serial)" --repeat 3
  check identical/135M-graphs identical "$large" "${real[@]}" -- \
    "$(gpu 135M-fac-rotate-1024)" --repeat 3 -- "$(gpu 135M-fac-rotate-1024)" --repeat 3 --no-graphs
}

# check_kernels FAMILY ARGUMENT...: kernels by themselves against float64.
check_kernels() { script check_kernels gpu "$bundle/kernels" "${chip[@]}" "$@"; }

kernels() {
  local family families=(rows sample sequence scan state)
  [ "${CHIP:-sm_90a}" = sm_90a ] && families+=(few grouped attention inputs) # of warpgroups, which others lack
  for family in "${families[@]}"; do
    check "kernels/$family" check_kernels "$family" --set small
    check "kernels/$family-sweep" check_kernels "$family" --set sweep
  done
}

# A checkpoint of the 1B model is loaded at 60 % of the host-to-device rate, and the device
# holds no more than its weights, its buffers and 300 MB.
loads_fast() {
  local folder=$logs/checkpoint report=$logs/load.json status
  local model=("$(gpu 1B-fac-rotate-1024)" "${chip[@]}" --weights "$folder")
  script make_checkpoint 1B fac "$folder" &&
    flowhn-bench "${model[@]}" --batch 8 --json "$report" &&
    used_memory flowhn-run "${model[@]}" --input "$logs/large.npy" --logits=none --repeat 100 &&
    script check_load "$report" "$used"
  status=$?
  rm -rf "$folder"
  return $status
}

# used_memory COMMAND...: sets `used` to the MiB of the device that the command uses at most.
used_memory() {
  local before now pid
  before=$(device_memory)
  used=0
  "$@" &
  pid=$!
  while kill -0 $pid 2>/dev/null; do
    now=$(device_memory)
    used=$((now - before > used ? now - before : used))
  done
  wait $pid
}

device_memory() { nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits --id=0; }

# refuses PATTERN COMMAND...: the command ends with status 1 and a message like the pattern.
refuses() {
  local pattern=$1 output status
  shift
  output=$("$@" 2>&1)
  status=$?
  printf '%s\nstatus %d\n' "$output" "$status"
  [ "$status" = 1 ] && grep -Eq "error: .*($pattern)" <<<"$output"
}

error_cases() {
  local kjv=("$(gpu kjv-fac-rotate)" --weights "$(input kjv-fac-rotate)")
  check errors/device refuses '99' flowhn-run "${kjv[@]}" --device=99 --token-ids 1
  check errors/weights refuses 'lm_head.weight' \
    flowhn-run "$(gpu kjv-fac-rotate)" --weights "$(input flowhn-own-fa)" --token-ids 1
  check errors/batch refuses '65 .*64' flowhn-run "${kjv[@]}" --input "$logs/rows.npy" --logits=none
  check errors/context refuses '513 .*512' flowhn-run "${kjv[@]}" --input "$logs/long.npy" --logits=none
  check errors/token refuses '256' flowhn-run "${kjv[@]}" --token-ids 256 --max-new-tokens 1
}

# Token ids: two calls, and two that are too large.
make_inputs() {
  script token_ids "$logs/small.npy" 3 200 256 && script token_ids "$logs/large.npy" 8 1024 65536 &&
    script token_ids "$logs/rows.npy" 65 2 256 && script token_ids "$logs/long.npy" 1 513 256
}

if ! make_inputs; then
  echo "error: python3 with NumPy is needed" >&2
  exit 1
fi
unit_tests
fixtures
state
lengths
identical_results
error_cases
kernels
sanitizers
check load loads_fast
real_sizes
rm -f "$logs"/*.npy
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
