"""All proofs, in the order of the table."""

from . import api, coverage, miri, mutants, purity, source, tests
from .table import Proof


def proofs(arguments):
    """The options of the command line reach those that have some."""
    return [
        Proof("cells", "each of the 252 cells does what the specification's table says", tests.cells, "nothing"),
        Proof(
            "decisions",
            "every decision is that of a second implementation that shares no code",
            tests.decisions,
            "what both read wrongly in `docs/protocol.md`",
        ),
        Proof(
            "wire",
            "the wire samples, byte for byte",
            tests.wire,
            "samples of a live system: there are none but those on the API's page",
        ),
        Proof("texts", "error texts are these and no others", tests.texts, "the page names only some of them"),
        Proof(
            "corpora",
            "what fuzzing kept still holds, and reaches every cell",
            tests.corpora,
            "inputs that no run has found yet",
        ),
        Proof(
            "conformance",
            "our server conforms, and each planted fault is found",
            tests.conformance,
            "faults of kinds that nobody planted",
        ),
        Proof(
            "no-panic",
            "nothing can panic and nothing allocates: else the image would not link",
            tests.linking,
            "`Display`, `Debug`, serde, provisioning (by serde-json-core) and `Arbitrary`: they go through code of others",
        ),
        Proof(
            "stack",
            "no recursion, and a bounded stack",
            tests.stack,
            "the caller's buffers; what is outside of `no-panic`; the readers for clients",
            ci=True,
        ),
        Proof(
            "no-unsafe",
            "no unsafe code, no allocator, no standard library in the core",
            source.no_unsafe_no_alloc,
            "heapless, serde and serde-json-core",
            ci=True,
        ),
        Proof(
            "purity",
            "as a WebAssembly module the core imports nothing, and still answers",
            purity.run,
            "what is outside of `no-panic`",
            ci=True,
        ),
        Proof(
            "coverage",
            "the tests run every region of the core",
            coverage.run,
            "the exceptions in `proofs/coverage/exceptions.toml`, each with its reason",
            ci=True,
        ),
        Proof(
            "api",
            "the public API is the one that was reviewed",
            lambda: api.fresh(arguments.accept),
            "what functions do",
            ci=True,
        ),
        Proof(
            "features",
            "it builds for bare metal with every combination of features",
            tests.features,
            "`arbitrary`, which is for hosts",
        ),
        Proof("bits32", "all tests hold on 32 bits", tests.bits32, "machines whose bytes stand in the other order"),
        Proof(
            "budgets",
            "what a call costs is within its budget",
            tests.budgets,
            "time: instructions are counted, on this architecture",
        ),
        Proof(
            "dependencies",
            "licences and sources of all dependencies, none of them unused",
            source.dependencies,
            "advisories; unused ones of `fuzz/properties`, which cargo-machete cannot read",
            ci=True,
        ),
        Proof(
            "asan",
            "the tests of hosts under AddressSanitizer",
            tests.sanitized,
            "doc tests, and code of others that is compiled beforehand",
        ),
        Proof(
            "miri",
            "no undefined behaviour under Miri, a share",
            miri.quick,
            f"all but every {miri.SHARE}th file of the corpora, and the enumerations among the unit tests",
        ),
        Proof(
            "miri-all",
            "no undefined behaviour under Miri",
            miri.everything,
            f"all but every {miri.LONG_SHARE}th file of the corpora; what `src/testing.rs` leaves out of the unit tests' enumerations; "
            "the integration tests",
            long=True,
        ),
        Proof(
            "mutants",
            "no change that cargo-mutants can make to the core goes unnoticed",
            lambda: mutants.run(arguments.file, arguments.fresh),
            "code that macros write; the exceptions in `proofs/mutants/exceptions.toml`, each with its reason",
            long=True,
        ),
        Proof(
            "semver",
            "the version says what changed",
            lambda: api.semver(arguments.baseline),
            "what functions do; there is no release to compare with yet",
            long=True,
        ),
        Proof(
            "fuzzing",
            "six fuzz targets, for a while each",
            lambda: tests.fuzzing(arguments.seconds),
            "inputs that were not tried",
            long=True,
        ),
    ]
