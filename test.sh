#!/usr/bin/env bash
# Everything that must hold: builds, checks the format, runs every test and every example.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
    cat <<'TEXT'
Usage: ./test.sh [--quick] [--help]

Restores, builds, checks the format, runs every test project, simulates clusters, and runs every example.
The last line is "N passed, N failed"; the exit code is 0 only when nothing failed.

  --quick   no format check and no examples
  --help    this text

With CI=true in the environment a skipped test counts as failed.

As root on a system with apt-get it installs strace and librocksdb7.8 when they are missing. Elsewhere the tests that
need them are skipped and say why.
TEXT
}

quick=false
for argument in "$@"; do
    case "$argument" in
        --quick) quick=true ;;
        --help | -h) usage; exit 0 ;;
        *) echo "test.sh: unknown argument $argument" >&2; usage >&2; exit 2 ;;
    esac
done

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en
# Build nodes that outlive the build would keep the output open for whoever reads it.
export MSBUILDDISABLENODEREUSE=1

configuration=Release
solution=Mosaik.Hybrid.sln
example_limit=300 # seconds
seeds=2000        # of simulated clusters
hang_limit=3m     # without a test that ends
results="$(mktemp -d)"
trap 'rm -rf "$results"' EXIT

passed=0
failed=0
skipped=0
broken=() # names of what failed besides single tests

fail() {
    failed=$((failed + 1))
    broken+=("$1")
}

# step NAME COMMAND...: runs the command, says what it does and how long it took.
step() {
    local name="$1" started=$SECONDS
    shift
    echo "== $name"
    if "$@"; then
        echo "== $name: done in $((SECONDS - started)) s"
    else
        echo "== $name: FAILED after $((SECONDS - started)) s"
        return 1
    fi
}

finish() {
    local name
    for name in ${broken[@]+"${broken[@]}"}; do
        echo "failed: $name"
    done
    if [[ $skipped -gt 0 && ${CI:-} == true ]]; then
        echo "failed: $skipped skipped tests; in CI nothing may be skipped"
        failed=$((failed + skipped))
    fi
    local summary="$passed passed, $failed failed"
    if [[ $skipped -gt 0 ]]; then
        summary+=", $skipped skipped"
    fi
    echo "$summary"
    exit $((failed > 0))
}

# must NAME COMMAND...: a step without which the rest makes no sense.
must() {
    step "$@" || {
        fail "$1"
        finish
    }
}

check_sdk() {
    if ! command -v dotnet > /dev/null; then
        echo "The .NET SDK is not installed. Install version 10: https://dotnet.microsoft.com/download/dotnet/10.0"
        return 1
    fi
    if ! dotnet --version; then
        echo "The installed .NET SDK is too old. Install version 10: https://dotnet.microsoft.com/download/dotnet/10.0"
        return 1
    fi
}

# What some tests need from the system. Where it can't be installed, they are skipped and say why.
install_native() {
    if [[ $(uname) != Linux || $(id -u) -ne 0 ]] || ! command -v apt-get > /dev/null; then
        return
    fi
    local missing=()
    command -v strace > /dev/null || missing+=(strace)
    ldconfig -p | grep -q 'librocksdb\.so\.' || missing+=(librocksdb7.8)
    if [[ ${#missing[@]} -gt 0 ]]; then
        apt-get update -qq || true
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" ||
            echo "${missing[*]} could not be installed; the tests that need them are skipped."
    fi
}

# with_limit SECONDS COMMAND...: ends the command when it takes too long, where the platform can.
with_limit() {
    local limit="$1"
    shift
    if command -v timeout > /dev/null; then
        timeout "$limit" "$@"
    else
        "$@"
    fi
}

# failures: names of the failed tests in the test results on standard input, each with the first line of its message.
failures() {
    awk '
        /<UnitTestResult / { name = ""; if (/outcome="Failed"/ && match($0, /testName="[^"]*"/))
            name = substr($0, RSTART + 10, RLENGTH - 11) }
        name != "" && /<Message>/ { sub(/.*<Message>/, ""); sub(/<\/Message>.*/, ""); print name ": " $0; name = "" }
    '
}

# counter NAME: a number of the summary in the test results on standard input; 0 when it has none.
counter() {
    sed -n "s/.*<Counters[^>]* $1=\"\([0-9]*\)\".*/\1/p" | head -n 1 | grep . || echo 0
}

run_tests() {
    local project="$1" code=0
    local name report total run good bad
    name="$(basename "${project%.*}")"
    report="$results/$name.trx"
    step "test $name" dotnet test "$project" --no-build --nologo -c "$configuration" \
        --results-directory "$results" --logger "trx;LogFileName=$name.trx" --logger "console;verbosity=minimal" \
        --blame-hang-timeout "$hang_limit" --blame-hang-dump-type none || code=$?
    if [[ ! -s $report ]]; then
        fail "$name: no test results"
        return
    fi
    total="$(counter total < "$report")"
    run="$(counter executed < "$report")"
    good="$(counter passed < "$report")"
    bad=$((run - good))
    echo "== $name: $good passed, $bad failed, $((total - run)) skipped"
    passed=$((passed + good))
    failed=$((failed + bad))
    skipped=$((skipped + total - run))
    if [[ $total -eq 0 ]]; then
        fail "$name: ran no tests"
    elif [[ $bad -gt 0 ]]; then
        # Again at the very end: whoever sees only that must know what to run.
        while IFS= read -r line; do
            broken+=("$name: $line")
        done < <(failures < "$report")
        broken+=("$name: $bad tests")
    elif [[ $code -ne 0 ]]; then
        fail "$name: the test run ended with exit code $code"
    fi
}

must "look for the .NET SDK" check_sdk
step "look for strace and RocksDB" install_native
must "restore tools" dotnet tool restore
must "restore packages" dotnet restore "$solution" --locked-mode -v quiet
must "build" dotnet build "$solution" -c "$configuration" --no-restore -m --nologo -v quiet -clp:NoSummary

if ! $quick; then
    step "check the format of F#" dotnet fantomas --check core-fs tests-fs examples || fail "format of F#"
    step "check the format of C#" dotnet csharpier check . || fail "format of C#"
fi

# One project after the other: tests that watch time must not compete with each other for processors.
projects=()
for project in tests-fs/*/*.fsproj tests-cs/*/*.csproj examples/*/*.csproj; do
    if grep -q 'Include="Microsoft.NET.Test.Sdk"' "$project"; then
        projects+=("$project")
    fi
done
if [[ ${#projects[@]} -eq 0 ]]; then
    fail "no test projects were found"
fi
for project in ${projects[@]+"${projects[@]}"}; do
    run_tests "$project"
done

# Whole clusters from fixed seeds, and what they must have met on the way. More of them: see the README.
step "simulate clusters" dotnet run --no-build -c "$configuration" --project tests-fs/Mosaik.Hybrid.Simulator -- \
    --seeds "$seeds" --minutes 10 --demand || fail "simulator"

if ! $quick; then
    for example in examples/*.fsx; do
        step "run $example" with_limit "$example_limit" dotnet fsi "$example" < /dev/null || fail "$example"
    done
    # Projects among the examples are programs; those that are tests have run with the others above.
    for example in examples/*/*.csproj; do
        if grep -q '<OutputType>Exe</OutputType>' "$example"; then
            step "run $example" with_limit "$example_limit" \
                dotnet run --no-build -c "$configuration" --project "$example" < /dev/null || fail "$example"
        fi
    done
fi

finish
