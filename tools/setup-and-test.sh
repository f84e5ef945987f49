#!/usr/bin/env bash
# From a fresh machine to every test passed: installs what is missing, builds
# everything, runs the unit tests and the lit tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/setup.sh

install_packages
configure_build
step "Building everything"
ninja -C build
step "Building and running the tests"
ninja -C build check-flowhn
step "Done"
