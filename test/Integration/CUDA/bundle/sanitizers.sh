# The checks of run-tests.sh with compute-sanitizer. Sourced.

# sanitize TOOL COMMAND...: compute-sanitizer's report on a program of the bundle.
sanitize() { "$sanitizer" --tool "$1" --error-exitcode 9 "${@:2}"; }

# sanitize_model TOOL ARTIFACT: the same on a fixture's checks.
sanitize_model() {
  local folder
  folder=$(input flowhn-own-fac-auto)
  sanitize "$1" "$bundle/bin/flowhn-run" "$2" "${chip[@]}" --weights "$folder" \
    --check "$folder/expected.safetensors"
}

# sanitize_kernels TOOL ARGUMENT...: the same on kernels by themselves.
sanitize_kernels() {
  sanitize "$1" "$python" "$bundle/scripts/check_kernels.py" gpu "$bundle/kernels" "${chip[@]}" "${@:2}"
}

# A kernel without its barriers must be found: else a clean report says nothing.
finds_planted_race() {
  local artifact=$logs/race.fhn
  script edit_artifact "$(gpu flowhn-own-fac-auto)" "$artifact" race || return
  sanitize_model racecheck "$artifact" | tee "$logs/race.txt"
  grep -Eq 'RACECHECK SUMMARY: [1-9][0-9]* hazard' "$logs/race.txt"
}

# The same of a kernel that reads what nobody wrote.
finds_planted_read() {
  sanitize_kernels initcheck rows/rowwise_norm --unwritten | tee "$logs/read.txt"
  grep -q 'Uninitialized __global__ memory read' "$logs/read.txt"
}

# initcheck takes what the copy engine stores for uninitialised, so it is of no use on models,
# where kernels read what others stored: kernels by themselves read what the host wrote.
sanitizers() {
  local tool
  sanitizer=$(command -v compute-sanitizer || command -v /usr/local/cuda/bin/compute-sanitizer)
  if [ -z "$sanitizer" ]; then
    skip sanitizers "no compute-sanitizer here"
    return
  fi
  for tool in memcheck racecheck; do
    check "sanitizers/$tool" sanitize_model "$tool" "$(gpu flowhn-own-fac-auto)"
  done
  for tool in memcheck racecheck initcheck; do
    check "sanitizers/$tool-kernels" sanitize_kernels "$tool"
  done
  check sanitizers/planted-race finds_planted_race
  check sanitizers/planted-read finds_planted_read
}
