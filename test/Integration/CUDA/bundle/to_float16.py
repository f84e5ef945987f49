"""Writes a checkpoint again with all of its parameters in float16.

usage: to_float16.py FROM TO
"""
import json
import os
import pathlib
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [here, os.path.join(here, "..", "..", "..", "Reference")]
import safetensors_file


def main(source, target):
    source, target = pathlib.Path(source), pathlib.Path(target)
    target.mkdir(parents=True, exist_ok=True)
    config = json.loads((source / "config.json").read_text())
    config["dtype"] = "float16"
    (target / "config.json").write_text(json.dumps(config))
    tensors = safetensors_file.read(source / "model.safetensors")
    safetensors_file.write(target / "model.safetensors",
                           {name: ("F16", values) for name, values in tensors.items()})


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
