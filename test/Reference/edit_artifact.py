"""Rewrites an artifact with a change that a reader must refuse, or with a fault.

usage: edit_artifact.py IN OUT version|target|cpu|flip|truncate|missing
       edit_artifact.py IN OUT race    GPU kernels without the barriers of their blocks: no
                                       reader sees that, compute-sanitizer must
"""
import json
import re
import sys
import zipfile

from xxh3 import xxh3_128

BARRIER = re.compile(rb"^[ \t]*(@!?%p\d+[ \t]+)?(bar|barrier)(\.cta)?\.sync[^;\n]*;[^\n]*\n", re.M)
ENTRY = re.compile(rb"(?=^\.visible \.entry )", re.M)


def plant_race(manifest, entries):
    """Drops the barriers of the kernels in PTX, the machine code made from it, and the chips that
    have that alone. Kernels with asynchronous copies (mbarrier) stay: they would hang."""
    raced = 0
    chip_of = lambda name: re.match(r"\w+/(\w*)", name)[1]
    chips = {chip_of(name) for name in entries if name.endswith(".ptx")}
    manifest["target"]["chips"] = [chip for chip in manifest["target"]["chips"] if chip in chips]
    for section in list(manifest["sections"]):
        name = section["name"]
        if name.endswith(".cubin") or chip_of(name) not in chips:
            del entries[name]
            manifest["sections"].remove(section)
        elif name.endswith(".ptx"):
            kernels = re.split(ENTRY, entries[name])
            changed = [k if b"mbarrier" in k else BARRIER.sub(b"", k) for k in kernels]
            entries[name] = b"".join(changed)
            section["bytes"], section["xxh3_128"] = len(entries[name]), xxh3_128(entries[name])
            raced += changed != kernels
    if raced == 0:
        sys.exit("no kernel has a barrier to remove")


def edit(entries, change):
    manifest = json.loads(entries["manifest.json"])
    if change == "version":
        manifest["format_version"] += 1
    elif change == "target":
        manifest["target"]["kind"] = "tpu"
    elif change == "cpu":
        manifest["target"]["cpu"] = "x86-64-v9"
        code = next(section for section in manifest["sections"] if section["name"].startswith("code/"))
        entries["code/x86-64-v9.so"] = entries.pop(code["name"])
        code["name"] = "code/x86-64-v9.so"
    elif change == "flip":
        name = manifest["sections"][-1]["name"]
        data = bytearray(entries[name])
        data[len(data) // 2] ^= 1
        entries[name] = bytes(data)
    elif change == "missing":
        del entries[manifest["sections"][-1]["name"]]
    elif change == "race":
        plant_race(manifest, entries)
    entries["manifest.json"] = json.dumps(manifest, indent=2).encode()


def main(source, target, change):
    if change == "truncate":
        with open(source, "rb") as file:
            data = file.read()
        with open(target, "wb") as file:
            file.write(data[: len(data) // 2])
        return
    with zipfile.ZipFile(source) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    edit(entries, change)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
