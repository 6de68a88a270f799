//! All proofs, in the order of the table.

use super::{
    Proof,
    When::{Ci, Long, Usual},
    api, checks, coverage, miri, mutants, purity, source,
};

#[expect(clippy::too_many_lines, reason = "it is a list")]
pub(super) fn proofs() -> Vec<Proof> {
    vec![
        Proof {
            name: "cells",
            shows: "each of the 252 cells does what the specification's table says",
            run: |_| checks::cells(),
            outside: "nothing".into(),
            when: Usual,
        },
        Proof {
            name: "decisions",
            shows: "every decision is that of a second implementation that shares no code",
            run: |_| checks::decisions(),
            outside: "what both read wrongly in `docs/protocol.md`".into(),
            when: Usual,
        },
        Proof {
            name: "wire",
            shows: "the wire samples, byte for byte",
            run: |_| checks::wire(),
            outside: "samples of a live system: there are none but those on the API's page".into(),
            when: Usual,
        },
        Proof {
            name: "texts",
            shows: "error texts are these and no others",
            run: |_| checks::texts(),
            outside: "the page names only some of them".into(),
            when: Usual,
        },
        Proof {
            name: "recorder",
            shows: "with a recorder in the loop the invariant holds in every state, and each guard is needed",
            run: |_| checks::recorder(),
            outside: "what the model leaves out: `docs/recorder.md`, section 9".into(),
            when: Usual,
        },
        Proof {
            name: "recorder-all",
            shows: "the same with more sendings under way and all disturbances at once",
            run: |_| checks::recorder_large(),
            outside: "the same".into(),
            when: Long,
        },
        Proof {
            name: "corpora",
            shows: "what fuzzing kept still holds, and reaches every cell",
            run: |_| checks::corpora(),
            outside: "inputs that no run has found yet".into(),
            when: Usual,
        },
        Proof {
            name: "conformance",
            shows: "our server conforms, and each planted fault is found",
            run: |_| checks::conformance(),
            outside: "faults of kinds that were not planted".into(),
            when: Usual,
        },
        Proof {
            name: "no-panic",
            shows: "nothing can panic and nothing allocates: else the image would not link",
            run: |_| checks::linking(),
            outside: "`Display`, `Debug`, serde, provisioning (by serde-json-core) and `Arbitrary`: they go through code of others".into(),
            when: Usual,
        },
        Proof {
            name: "stack",
            shows: "no recursion, and a bounded stack",
            run: |_| checks::stack(),
            outside: "the caller's buffers; what is outside of `no-panic`; the readers for clients".into(),
            when: Ci,
        },
        Proof {
            name: "no-unsafe",
            shows: "no unsafe code, no allocator, no standard library in the core",
            run: |_| source::no_unsafe_no_alloc(),
            outside: "heapless, serde and serde-json-core".into(),
            when: Ci,
        },
        Proof {
            name: "purity",
            shows: "as a WebAssembly module the core imports nothing, and still answers",
            run: |_| purity::run(),
            outside: "what is outside of `no-panic`".into(),
            when: Ci,
        },
        Proof {
            name: "coverage",
            shows: "the tests run every region of the core",
            run: |_| coverage::run(),
            outside: "the exceptions in `proofs/coverage/exceptions.toml`, each with its reason".into(),
            when: Ci,
        },
        Proof {
            name: "api",
            shows: "the public API is the one that was reviewed",
            run: |options| api::fresh(options.accept),
            outside: "what functions do".into(),
            when: Ci,
        },
        Proof {
            name: "features",
            shows: "it builds for bare metal with every combination of features",
            run: |_| checks::features(),
            outside: "`arbitrary`, which is for hosts".into(),
            when: Usual,
        },
        Proof {
            name: "bits32",
            shows: "all tests hold on 32 bits",
            run: |_| checks::bits32(),
            outside: "big-endian machines".into(),
            when: Usual,
        },
        Proof {
            name: "budgets",
            shows: "what a call costs is within its budget",
            run: |_| checks::budgets(),
            outside: "time: instructions are counted, on this architecture".into(),
            when: Usual,
        },
        Proof {
            name: "dependencies",
            shows: "licences and sources of all dependencies, none of them unused",
            run: |_| source::dependencies(),
            outside: "advisories; unused ones of `fuzz/properties`, which cargo-machete cannot read".into(),
            when: Ci,
        },
        Proof {
            name: "asan",
            shows: "the tests of hosts under AddressSanitizer",
            run: |_| checks::sanitized(),
            outside: "doc tests, and code of others that is compiled beforehand".into(),
            when: Usual,
        },
        Proof {
            name: "miri",
            shows: "no undefined behaviour under Miri, a share",
            run: |_| miri::quick(),
            outside: format!("all but every {}th file of the corpora, and the enumerations among the unit tests", miri::SHARE),
            when: Usual,
        },
        Proof {
            name: "miri-all",
            shows: "no undefined behaviour under Miri",
            run: |_| miri::everything(),
            outside: format!(
                "all but every {}th file of the corpora; what `src/testing.rs` leaves out of the unit tests' enumerations; the integration tests",
                miri::LONG_SHARE
            ),
            when: Long,
        },
        Proof {
            name: "mutants",
            shows: "no change that cargo-mutants can make to the core goes unnoticed",
            run: |options| mutants::run(&options.file, options.fresh),
            outside: "code that macros write; the exceptions in `proofs/mutants/exceptions.toml`, each with its reason".into(),
            when: Long,
        },
        Proof {
            name: "semver",
            shows: "the version says what changed",
            run: |options| api::semver(options.baseline.as_deref()),
            outside: "what functions do; there is no release to compare with yet".into(),
            when: Long,
        },
        Proof {
            name: "fuzzing",
            shows: "seven fuzz targets, for a while each",
            run: |options| checks::fuzzing(options.seconds),
            outside: "inputs that were not tried".into(),
            when: Long,
        },
    ]
}
