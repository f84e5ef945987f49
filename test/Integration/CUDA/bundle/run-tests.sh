#!/usr/bin/env bash
# The integration tests of the nvptx target, on a machine with a GPU and without a compiler.
#
#   run-tests.sh [PREFIX]...    the checks whose names begin with a PREFIX; default: all
#
# Prints a line for each check (unit/…, fixtures/…, real/…, identical/…, sanitizer/…, errors/…, load)
# and, last, how many passed, failed and were skipped. Logs are in results/tests. Needs
# bash, coreutils, and python3 with NumPy.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/scripts/common.sh"

wanted=("$@")
logs=$results/tests
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
    [ -x "$program" ] && check "unit/$(basename "$program")" "$program"
  done
}

fixtures() {
  local folder name
  for folder in "$bundle"/inputs/*/; do
    name=$(basename "$folder")
    check "fixtures/$name" flowhn-run "$(gpu "$name")" --weights "$(input "$name")" \
      --check "$(input "$name")/expected.safetensors" --check-hidden
  done
}

# The logits of the last tokens with weights of seed 1: the GPU's against the CPU's in float32.
compare_with_cpu() {
  local name=$1 batch=$2 tokens=$3 ids=$logs/$1.ids.npy a=$logs/$1.gpu.npy b=$logs/$1.cpu.npy
  local flags=(--random-weights=1 --input "$ids" --logits=last)
  script token_ids "$ids" "$batch" "$tokens" 65536 &&
    flowhn-run "$(gpu "$name")" "${flags[@]}" --output "$a" &&
    flowhn-run "$(cpu "$name")" "${flags[@]}" --output "$b" &&
    script compare_logits "$a" "$b" --whole 2e-2 --row 6e-2
}

real_sizes() {
  local name batch tokens
  while read -r name batch tokens; do
    check "real/$name" compare_with_cpu "$name" "$batch" "$tokens"
  done < <(published_models)
}

# identical IDS [FLAG...] -- ARTIFACT [FLAG...] -- ARTIFACT [FLAG...]: both runs, repeated, give
# the same bytes.
identical() {
  local ids=$1 a=$1.a.npy b=$1.b.npy shared=() first=()
  shift
  while [ "$1" != -- ]; do shared+=("$1"); shift; done
  shift
  while [ "$1" != -- ]; do first+=("$1"); shift; done
  shift
  shared+=(--input "$ids")
  flowhn-run "${first[@]}" "${shared[@]}" --output "$a" &&
    flowhn-run "$@" "${shared[@]}" --output "$b" && cmp "$a" "$b"
}

# The fixture with the norms' weights in the products behind them.
folded_norms() {
  local folder
  folder=$(input kjv-fac-rotate)
  check fixtures/kjv-norm-prologue flowhn-run "$(gpu kjv-fac-rotate-prologue)" \
    --weights "$folder" --check "$folder/expected.safetensors"
}

identical_results() {
  local kjv=(--weights "$(input kjv-fac-rotate)") real=(--random-weights=1 --logits=last)
  local small=$logs/small.npy large=$logs/large.npy
  check identical/kjv-schedules identical "$small" "${kjv[@]}" -- \
    "$(gpu kjv-fac-rotate-streams)" --repeat 3 -- "$(gpu kjv-fac-rotate-serial)" --repeat 3
  check identical/kjv-graphs identical "$small" "${kjv[@]}" -- \
    "$(gpu kjv-fac-rotate)" --repeat 3 -- "$(gpu kjv-fac-rotate)" --repeat 3 --no-graphs
  # A thousand replays of a graph with both branches, and the branches one after the other.
  check identical/135M-replays identical "$large" "${real[@]}" -- \
    "$(gpu 135M-fac-rotate-streams)" --repeat 1000 -- "$(gpu 135M-fac-rotate-serial)" --repeat 3
  check identical/135M-graphs identical "$large" "${real[@]}" -- \
    "$(gpu 135M-fac-rotate-1024)" --repeat 3 -- "$(gpu 135M-fac-rotate-1024)" --repeat 3 --no-graphs
}

# sanitize TOOL ARTIFACT: compute-sanitizer's report on a fixture's checks.
sanitize() {
  local folder
  folder=$(input flowhn-own-fac-auto)
  "$sanitizer" --tool "$1" --error-exitcode 9 "$bundle/bin/flowhn-run" "$2" --weights "$folder" \
    --check "$folder/expected.safetensors"
}

# A kernel without its barriers must be found: else a clean report says nothing.
finds_planted_race() {
  local artifact=$logs/race.fhn
  script edit_artifact "$(gpu flowhn-own-fac-auto)" "$artifact" race || return
  sanitize racecheck "$artifact" | tee "$logs/race.txt"
  grep -Eq 'RACECHECK SUMMARY: [1-9][0-9]* hazard' "$logs/race.txt"
}

sanitizer_reports() {
  local tool
  sanitizer=$(command -v compute-sanitizer || command -v /usr/local/cuda/bin/compute-sanitizer)
  skip sanitizer/initcheck "it takes what the copy engine stores for uninitialised"
  for tool in memcheck racecheck; do
    if [ -n "$sanitizer" ]; then
      check "sanitizer/$tool" sanitize "$tool" "$(gpu flowhn-own-fac-auto)"
    else
      skip "sanitizer/$tool" "no compute-sanitizer here"
    fi
  done
  if [ -n "$sanitizer" ]; then
    check sanitizer/planted-race finds_planted_race
  else
    skip sanitizer/planted-race "no compute-sanitizer here"
  fi
}

# A checkpoint of the 1B model is loaded at 60 % of the host-to-device rate, and the device
# holds no more than its weights, its buffers and 300 MB.
loads_fast() {
  local folder=$logs/checkpoint report=$logs/load.json status
  local model=("$(gpu 1B-fac-rotate-1024)" --weights "$folder")
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
folded_norms
identical_results
error_cases
sanitizer_reports
check load loads_fast
real_sizes
rm -f "$logs"/*.npy
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
