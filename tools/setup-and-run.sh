#!/usr/bin/env bash
# From a fresh machine to a trained model writing text: installs what is missing,
# builds the tools, compiles the model for the GPU where there is one, else for the
# processor, and prints its split, where it runs, and a continuation.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/setup.sh

install_packages
configure_build
step "Building the tools"
ninja -C build flowhn-compile flowhn-run

model=test/Inputs/kjv-fac-rotate
step "Compiling $model to build/kjv.fhn; the split of its 512 positions:"
build/bin/flowhn-compile $model --target=auto -o build/kjv.fhn --print-split
step "A continuation by the model:"
build/bin/flowhn-run build/kjv.fhn --weights $model --prompt "In the beginning " --max-new-tokens 160
step "Done"
