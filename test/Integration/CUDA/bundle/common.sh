# Shared by run-tests.sh and run-bench.sh of a GPU bundle. Sourced; sets
#   bundle     the bundle's folder
#   results    where logs and results go: $RESULTS, else results/ in the bundle
#   FLOWHN_MODELS   the same folder, for the test programs
#   python     $PYTHON, else the first interpreter that has NumPy
# and lists the models of published size.

bundle=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
results=${RESULTS:-$bundle/results}
python=${PYTHON:-}
for candidate in python3 /usr/bin/python3; do
  [ -n "$python" ] && break
  "$candidate" -c "import numpy" 2>/dev/null && python=$candidate
done
export FLOWHN_MODELS=$bundle
export PATH=$bundle/bin:$PATH
export LD_LIBRARY_PATH=$bundle/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

# A model of published size in each line: name, batch, tokens.
published_models() {
  local size split
  for size in 135M 350M 1B; do
    for split in none fac-rotate fac-alternate; do
      echo "$size-$split-1024 8 1024"
    done
  done
  for split in none fac-rotate fac-alternate; do
    echo "1B-$split-32768 1 32768"
  done
}

# What the branches' schedule can be: what the compiler decides on, and each of its choices.
schedules() { printf '%s\n' auto serial streams grouped; }

# The models that are there as NAME-SCHEDULE too, in the same form: one of each size and
# strategy. How tokens circulate does not matter to the time.
scheduled_models() {
  local size split
  for size in 135M 350M 1B; do
    for split in none ae fa fac-rotate; do
      echo "$size-$split-1024 8 1024"
    done
  done
}

# The models whose kernels are tuned, which the other strategies share, in the same form.
tuned_models() { published_models | grep -E '(none|rotate)-1024 '; }

# All, and those whose branches run side by side whatever is predicted, in the same form.
calibrated_models() {
  published_models
  published_models | sed -n 's/\(-fac-rotate-1024\) /\1-streams /p'
}

# A fixture in each line whose split follows the length of a call, and the length that stands for
# it where sequences go on from step to step.
fixed_contexts() {
  printf '%s\n' "flowhn-ae 48" "flowhn-fa 48" "flowhn-fac 37"
}

# Whether NAME begins with one of the arguments behind it, or there are none.
is_selected() {
  local name=$1 prefix
  shift
  [ $# = 0 ] && return 0
  for prefix; do
    [[ $name == "$prefix"* ]] && return 0
  done
  return 1
}
