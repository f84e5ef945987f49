#!/usr/bin/env bash
# The performance table of the nvptx target, on a machine with a GPU and without a compiler.
#
#   run-bench.sh [PREFIX]...            the models whose names begin with a PREFIX; default: all
#   run-bench.sh pruned [PREFIX]...     beside those, the same without the dead positions of their
#                                       last blocks
#   run-bench.sh kernels [PREFIX]...    their kernels; measures only models that have no report
#
# Writes results/bench/MODEL.json and .txt (with a table of kernels) and prints the table of
# everything that is there. With CHIP=sm_80 in the environment the code for that chip runs.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/scripts/common.sh"

reports=$results/bench
status=0
chip=(${CHIP:+--chip="$CHIP"})
table=bench_table
suffix=
measured=$reports
if [ "${1:-}" = kernels ]; then
  table=kernel_table
  shift
elif [ "${1:-}" = pruned ]; then
  suffix=-pruned
  measured=$reports/pruned
  shift
fi
mkdir -p "$measured"
while read -r name batch tokens; do
  is_selected "$name" "$@" || continue
  [ $table = kernel_table ] && [ -f "$reports/$name.json" ] && continue
  echo "$name$suffix, $batch x $tokens" >&2
  flowhn-bench "$bundle/models/nvptx/$name$suffix.fhn" "${chip[@]}" --random-weights=1 --batch "$batch" \
    --tokens "$tokens" --kernels --json "$measured/$name.json" >"$measured/$name.txt" || status=1
done < <(published_models)
"$python" "$bundle/scripts/$table.py" "$reports"/*.json || status=1
exit $status
