# Shared by setup-and-run.sh and setup-and-test.sh: installs what is missing,
# configures build/. Sourced, with the current directory at the top of the tree.

# Nothing of CUDA is needed to build: kernels for NVIDIA GPUs are PTX, which the driver takes,
# and become machine code at compile time where the toolkit's ptxas is found.
readonly packages="
  cmake ninja-build g++ ccache git unzip ca-certificates
  clang-22 clang-format-22 clang-tidy-22 libclang-rt-22-dev lld-22 liblld-22-dev
  llvm-22-dev llvm-22-tools libmlir-22-dev mlir-22-tools libpolly-22-dev
  libzstd-dev zlib1g-dev libgtest-dev nlohmann-json3-dev
  flatbuffers-compiler libflatbuffers-dev libzip-dev libxxhash-dev libcli11-dev
  python3 python3-numpy libopenblas0-pthread"

step() {
  printf '\n==> [%3d s] %s\n' "$SECONDS" "$*"
}

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "error: '$*' needs root: run it yourself, or install sudo" >&2
    exit 1
  fi
}

install_packages() {
  local missing=()
  for package in $packages; do
    is_installed "$package" || missing+=("$package")
  done
  if [ ${#missing[@]} = 0 ]; then
    step "Every package is installed"
    return
  fi
  step "Installing ${missing[*]}"
  command -v apt-get >/dev/null || {
    echo "error: no apt-get here; install the packages above (LLVM and MLIR 22) by hand" >&2
    exit 1
  }
  as_root apt-get update -q
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
}

configure_build() {
  step "Configuring build/"
  cmake --preset release
}
