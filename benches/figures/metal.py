"""Size and stack on bare metal, read from linked images."""

import re
import tempfile
from pathlib import Path

from . import common
from .common import ROOT, TARGET, Failed, say

IMAGE = ROOT / "proofs/size"
# Target, level of optimisation.
BUILDS = [
    ("thumbv7em-none-eabihf", "z"),
    ("thumbv7em-none-eabihf", "s"),
    ("thumbv7em-none-eabihf", "3"),
    ("thumbv6m-none-eabi", "z"),
    ("riscv32imc-unknown-none-elf", "z"),
]
STACKS = BUILDS[:2]
GOAL_SIZE, GOAL_STACK = 9 * 1024, 600
ENTRY = "request_to_reply"
SCAFFOLD = "_start"
# What every image with a memcpy in it has, whether we are in it or not.
MEMORY = re.compile(r"^(compiler_builtins::.*|__aeabi_mem\w+|mem(cpy|set|cmp|move)|bcmp)$")


class Image:
    """One linked image."""

    def __init__(self, target, level, path):
        self.target, self.level, self.path = target, level, path
        sections = dict(re.findall(r"^(\.\w+)\s+(\d+)", self._tool("llvm-size", "-A"), re.M))
        # A linker script of a device places other sections too: what counts is what stands in flash anyway.
        self.text, self.rodata = int(sections[".text"]), int(sections.get(".rodata", 0))
        # Name, size and whether it is code, by address. Of several names at one address the last one stays.
        self.symbols = {}
        for line in self._tool("llvm-nm", "--demangle", "--print-size", "--defined-only").splitlines():
            if found := re.match(r"([0-9a-f]+) ([0-9a-f]+) (\w) (.*)", line):
                address, size, kind, name = found.groups()
                name = re.sub(r"::h[0-9a-f]{16}$", "", name).replace("recording_core::", "")
                # What stands in RAM is the caller's.
                if kind not in "bBdD":
                    self.symbols[int(address, 16) & ~1] = (name, int(size, 16), kind in "tT")
        # Addresses by the names that the linker knows.
        named = re.findall(r"^([0-9a-f]+) \w (\S+)$", self._tool("llvm-nm", "--defined-only"), re.M)
        self.addresses = {name: int(address, 16) & ~1 for address, name in named}
        self.scaffold = sum(size for name, size, _ in self.symbols.values() if name == SCAFFOLD)
        self.memory = sum(size for name, size, _ in self.symbols.values() if MEMORY.match(name))

    def _tool(self, name, *arguments):
        return common.run(common.llvm_tool(name), *arguments, self.path)

    def total(self):
        return self.text - self.scaffold + self.rodata

    def largest(self, count):
        ours = (symbol for symbol in self.symbols.values() if symbol[0] != SCAFFOLD)
        return sorted(ours, key=lambda symbol: -symbol[1])[:count]

    def frames(self):
        """Bytes of stack of each function, by address, as the compiler noted them."""
        with tempfile.TemporaryDirectory() as place:
            dumped = Path(place) / "stack_sizes"
            self._tool("llvm-objcopy", f"--dump-section=.stack_sizes={dumped}")
            data = dumped.read_bytes()
        frames, at = {}, 0
        while at < len(data):
            address = int.from_bytes(data[at : at + 4], "little") & ~1
            at, size, shift = at + 4, 0, 0
            while True:
                byte = data[at]
                size, shift, at = size | (byte & 0x7F) << shift, shift + 7, at + 1
                if byte < 0x80:
                    break
            frames[address] = size
        return frames

    def calls(self):
        """Which functions each function refers to: calls, jumps, and addresses that it takes to call them."""
        functions = sorted((address, size) for address, (_, size, code) in self.symbols.items() if code and size)
        calls = {address: set() for address, _ in functions}
        section = ""
        for line in self._tool("llvm-objdump", "-r").splitlines():
            if found := re.match(r"RELOCATION RECORDS FOR \[(.*)\]", line):
                section = found[1]
            if not (found := re.match(r"([0-9a-f]+) R_ARM_\w+\s+(\S+)", line)):
                continue
            place, to = int(found[1], 16), found[2]
            goal = self.addresses.get(to)
            if section not in (".text", ".stack_sizes") and (to == ".text" or goal in calls):
                raise Failed(f"{section} holds a pointer to a function: who calls it is not known")
            if section == ".text" and goal in calls:
                calls[max(address for address, _ in functions if address <= place)].add(goal)
            elif section == ".text" and to == ".text":
                raise Failed(f"at {place:#x} stands a pointer to a function without a name")
        return calls

    def pushed(self):
        """Bytes of stack that the instructions of each function tell of, for those without a note."""
        pushed, here = {}, None
        for line in self._tool("llvm-objdump", "-d", "--no-show-raw-insn").splitlines():
            found = re.match(r"\s*([0-9a-f]+):\s+(\S+)\s*(.*)", line)
            if not found:
                continue
            address, name, operands = int(found[1], 16), found[2], found[3]
            here = address if address in self.symbols else here
            size = 0
            if name.startswith(("push", "stmdb\tsp!")):
                size = 4 * sum(self._registers(part) for part in operands.strip("{}").split(","))
            elif name.startswith("sub") and (by := re.match(r"sp,(?: sp,)? #(0x[0-9a-f]+|\d+)", operands)):
                size = int(by[1], 0)
            pushed[here] = pushed.get(here, 0) + size
        return pushed

    @staticmethod
    def _registers(part):
        """How many registers `r4` or `r4-r7` is, of a list of those that are pushed."""
        bounds = [int(bound) for bound in re.findall(r"[rd](\d+)", part)]
        many = bounds[-1] - bounds[0] + 1 if len(bounds) == 2 else 1
        return many * (2 if "d" in part else 1)

    def deepest(self, entry=ENTRY):
        """The worst path from `entry`, as frames. A jump out of a function counts as a call: an upper bound."""
        frames, pushed, calls = self.frames(), self.pushed(), self.calls()
        names = {address: name for address, (name, _, _) in self.symbols.items()}
        # What was compiled beforehand, like memcpy, has no notes: its pushes are read.
        size = {address: frames.get(address, pushed.get(address, 0)) for address in calls}
        done, open_now = {}, []

        def worst(function):
            if function in open_now:
                cycle = " -> ".join(names[at] for at in [*open_now[open_now.index(function) :], function])
                raise Failed(f"recursion: {cycle}")
            if function not in done:
                open_now.append(function)
                below = max((worst(called) for called in calls[function]), key=lambda path: path[0], default=(0, []))
                open_now.pop()
                done[function] = (below[0] + size[function], [(names[function], size[function]), *below[1]])
            return done[function]

        return worst(next(address for address, name in names.items() if name == entry))


def build(target, level, relocations=False):
    flags = {
        "CARGO_PROFILE_RELEASE_OPT_LEVEL": level,
        "CARGO_TARGET_DIR": str(TARGET / "figures-size"),
    }
    if relocations:
        # The notes on stacks are for nightly compilers, but change nothing in the code: this one knows them as well.
        flags |= {"RUSTC_BOOTSTRAP": "1", "RUSTFLAGS": "-Zemit-stack-sizes -Clink-arg=--emit-relocs"}
    common.run("cargo", "build", "--quiet", "--locked", "--release", "--target", target, cwd=IMAGE, env=flags)
    linked = TARGET / "figures-size" / target / "release/size"
    kept = linked.with_name(f"size-{level}{'-stack' if relocations else ''}")
    kept.write_bytes(linked.read_bytes())
    return Image(target, level, kept)


def measure():
    """Images for the sizes, and images for the stacks."""
    say("linking images for bare metal")
    common.need_toolchain(targets=dict(BUILDS), components=["llvm-tools"])
    return [build(*one) for one in BUILDS], [build(*one, relocations=True) for one in STACKS]


def size_table(images):
    yield "| target | optimised for | code | constants | together | of it memcpy and the like | |"
    yield "|---|---|--:|--:|--:|--:|---|"
    for image in images:
        total, goal = image.total(), ""
        if (image.target, image.level) == BUILDS[0]:
            over = total / GOAL_SIZE - 1
            goal = f"goal {GOAL_SIZE:,}: " + ("reached" if over <= 0 else f"**{over:.0%} over**")
        code = image.text - image.scaffold
        yield (
            f"| {image.target} | `{image.level}` | {code:,} | {image.rodata:,} | {total:,} | {image.memory:,} | {goal} |"
        )


def stack_table(images):
    yield "| target | optimised for | bytes of stack | the worst path | |"
    yield "|---|---|--:|---|---|"
    for image in images:
        depth, path = image.deepest()
        goal = f"goal {GOAL_STACK}: " + ("reached" if depth <= GOAL_STACK else f"**{depth / GOAL_STACK - 1:.0%} over**")
        steps = ", ".join(f"`{name}` {size}" for name, size in path)
        yield f"| {image.target} | `{image.level}` | {depth:,} | {steps} | {goal} |"


# What a line of code belongs to, by its file; the first that fits counts.
PARTS = [
    (r"src/json/(cursor|value|text)\.rs", "JSON, read strictly"),
    (r"src/(members|error)\.rs|src/request/body\.rs", "the members of a body, field by field"),
    (r"src/request/|src/bytes\.rs", "method, content type and target; searching and comparing bytes"),
    (r"src/field/", "ids, names and URIs"),
    (r"src/(json/writer|sink|json/error|refusal|rejection|codes)\.rs", "texts of errors, and writing as such"),
    (r"src/desk/|heapless", "the desk"),
    (r"src/", "states, decisions, replies and events"),
    (r"proofs/", "what calls all this"),
]
LIBRARY = "Rust's own library, as far as it is called and not inlined: UTF-8, ASCII, memory"


def parts(target, level):
    """Where the bytes are: the sums of `PARTS`, of an image that tells of which line each instruction is."""
    flags = {
        "CARGO_PROFILE_RELEASE_OPT_LEVEL": level,
        "CARGO_PROFILE_RELEASE_DEBUG": "line-tables-only",
        "CARGO_TARGET_DIR": str(TARGET / "figures-size"),
    }
    common.run("cargo", "build", "--quiet", "--locked", "--release", "--target", target, cwd=IMAGE, env=flags)
    image = Image(target, level, TARGET / "figures-size" / target / "release/size")
    sums, function, part, last = {}, None, LIBRARY, None
    for line in image._tool("llvm-objdump", "-d", "-l", "--no-show-raw-insn").splitlines():
        if found := re.match(r"[0-9a-f]+ <(.*)>:$", line):
            function, part = found[1], LIBRARY
        elif found := re.match(r"; (/\S+):\d+$", line):
            # What is inlined from Rust's library counts where it was called.
            file = found[1].removeprefix(f"{ROOT}/")
            part = next((one for begins, one in PARTS if re.match(begins, file)), part)
        elif found := re.match(r"\s*([0-9a-f]+):\s", line):
            address = int(found[1], 16)
            if last and last[1]:
                sums[last[1]] = sums.get(last[1], 0) + address - last[0]
            last = (address, part if function != SCAFFOLD else None)
    sums["constants: texts, tables, names"] = image.rodata
    # The last instruction, and what the linker puts between functions.
    sums[LIBRARY] = sums.get(LIBRARY, 0) + image.total() - sum(sums.values())
    return sums


def parts_table(sums):
    yield "| part | bytes |"
    yield "|---|--:|"
    for part, size in sorted(sums.items(), key=lambda item: -item[1]):
        yield f"| {part} | {size:,} |"


def print_largest(images, count=25):
    for image in images:
        print(f"\n{image.target} at {image.level}: the {count} largest of {image.total():,} bytes")
        for name, size, code in image.largest(count):
            print(f"{size:>8,}  {'code' if code else 'data'}  {name}")
