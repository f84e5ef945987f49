#!/usr/bin/env bash
# The performance table of the nvptx target, on a machine with a GPU and without a compiler.
#
#   run-bench.sh [PREFIX]...            the models whose names begin with a PREFIX; default: all
#   run-bench.sh pruned [PREFIX]...     beside those, which it measures where they have no report,
#                                       the same without the dead positions of their last blocks
#   run-bench.sh schedules [PREFIX]...  models of each size and strategy with their branches in each
#                                       schedule, beside the one that the compiler decided on, their
#                                       calls in turn; results/bench/schedules/MODEL.json
#   run-bench.sh decode [PREFIX]...     how fast one sequence, and 64, take 1024 positions: prompts,
#                                       then token after token; results/bench/decode/MODEL.json
#   run-bench.sh kernels [PREFIX]...    their kernels; measures only models that have no report
#   run-bench.sh peers [PREFIX]...      the same beside PyTorch's, which has to be there
#   run-bench.sh alone                  products and attention by themselves, and PyTorch's in turn;
#                                       norms, convolutions and scans beside copies
#   run-bench.sh bandwidth              the latter alone
#   run-bench.sh few                    the products of steps by themselves, and PyTorch's
#   run-bench.sh autotune [PREFIX]...   adds what their kernels take with each of the configurations
#                                       that they can have to results/calibration.json
#   run-bench.sh calibrate [PREFIX]...  adds their kernels, and how far branches overlap, to
#                                       results/calibration.json, what times are predicted from
#
# Writes results/bench/MODEL.json and .txt (with a table of kernels) and prints the table of
# everything that is there. With CHIP=sm_80 in the environment the code for that chip runs; the
# schedules are there for sm_90a alone.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/scripts/common.sh"

reports=$results/bench
status=0
chip=(${CHIP:+--chip="$CHIP"})
table=bench_table
models=published_models
suffix=
measured=$reports
calibrate=()

# The models of 1024 positions whose names begin with an argument, as sequences in flight.
measure_decode() {
  local name
  mkdir -p "$reports/decode"
  for name in {135M,350M,1B}-{none,fac-rotate}-1024; do
    is_selected "$name" "$@" || continue
    echo "$name"
    flowhn-bench "$bundle/models/nvptx/$name.fhn" "${chip[@]}" --random-weights=1 \
      --decode 1x1024,64x1024 --json "$reports/decode/$name.json" || status=1
  done
}

# How often the schedules of a model take turns, which are seconds of a model at most.
readonly rounds=40

# The models in all schedules whose names begin with an argument, each in a process of its own.
measure_schedules() {
  local name batch tokens schedule others
  mkdir -p "$reports/schedules"
  while read -r name batch tokens; do
    is_selected "$name" "$@" || continue
    echo "$name, $batch x $tokens" >&2
    others=()
    for schedule in $(schedules); do
      [ "$schedule" = auto ] || others+=(--compare "$bundle/models/nvptx/$name-$schedule.fhn")
    done
    flowhn-bench "$bundle/models/nvptx/$name-auto.fhn" "${others[@]}" "${chip[@]}" \
      --random-weights=1 --batch "$batch" --tokens "$tokens" --repetitions $rounds \
      --json "$reports/schedules/$name.json" >"$reports/schedules/$name.txt" || status=1
  done < <(scheduled_models)
  "$python" "$bundle/scripts/schedule_table.py" "$reports/schedules"/*.json || status=1
}

# The table that is added to begins as the one that ships.
begin_calibration() {
  mkdir -p "$results"
  [ -f "$results/calibration.json" ] || cp "$bundle/scripts/H200.json" "$results/calibration.json"
}

# The models that are there in all configurations of their kernels, NAME-0, NAME-1 and so on.
autotune() {
  local name batch tokens artifact
  begin_calibration
  while read -r name batch tokens; do
    is_selected "$name" "$@" || continue
    for artifact in "$bundle/models/candidates/$name"-[0-9]*.fhn; do
      basename "$artifact"
      flowhn-bench "$artifact" --random-weights=1 --batch "$batch" --tokens "$tokens" \
        --autotune "$results/calibration.json" || status=1
    done
  done < <(tuned_models)
}

case "${1:-}" in
  kernels | peers) table=${1%s}_table ;;
  alone)
    "$python" "$bundle/scripts/kernel_peers.py" run "$bundle/peers" || status=1
    "$python" "$bundle/scripts/bandwidth_peers.py" run "$bundle/bandwidth" || status=1
    exit $status
    ;;
  bandwidth)
    exec "$python" "$bundle/scripts/bandwidth_peers.py" run "$bundle/bandwidth"
    ;;
  few)
    exec "$python" "$bundle/scripts/few_rows_peers.py" run "$bundle/few-rows"
    ;;
  decode)
    measure_decode "${@:2}"
    exit $status
    ;;
  autotune)
    autotune "${@:2}"
    exit $status
    ;;
  pruned)
    suffix=-pruned
    measured=$reports/pruned
    ;;
  schedules)
    measure_schedules "${@:2}"
    exit $status
    ;;
  calibrate)
    table=
    models=calibrated_models
    measured=$results/calibrate
    calibrate=(--calibrate "$results/calibration.json" --repetitions 20)
    begin_calibration
    ;;
  *) set -- all "$@" ;;
esac
shift
mkdir -p "$measured"
# measure ARTIFACT REPORT BATCH TOKENS
measure() {
  echo "$1, $3 x $4" >&2
  flowhn-bench "$bundle/models/nvptx/$1.fhn" "${chip[@]}" --random-weights=1 --batch "$3" \
    --tokens "$4" "${calibrate[@]}" --kernels --json "$2.json" >"$2.txt"
}

while read -r name batch tokens; do
  is_selected "$name" "$@" || continue
  [[ $table == kernel_table || $table == peer_table ]] && [ -f "$reports/$name.json" ] && continue
  if [ -n "$suffix" ] && [ ! -f "$reports/$name.json" ]; then
    measure "$name" "$reports/$name" "$batch" "$tokens" || status=1
  fi
  measure "$name$suffix" "$measured/$name" "$batch" "$tokens" || status=1
done < <($models)
if [ -z "$table" ]; then
  grep -H -e 'calibrated' -e 'largest' "$measured"/*.txt
  exit $status
fi
"$python" "$bundle/scripts/$table.py" "$reports"/*.json || status=1
exit $status
