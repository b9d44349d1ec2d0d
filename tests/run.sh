#!/usr/bin/env bash
# Runs every test of the repository, those that use sockets on both transports, and ends with one line: N passed, N failed, N skipped.
#
#   tests/run.sh [arguments for dotnet test, such as --filter Name~Nginx]
#
# Programs the tests drive (the web servers, chromium, curl) are installed as Debian packages when this is a Debian machine and
# the user is root or may use sudo without a password; otherwise it says what to install and those tests are skipped.
# With CI=true or UWSGI_REQUIRE_SERVERS=1 a test that lacks its server fails instead of being skipped.
# TEST_TIMEOUT (default 50m) bounds each of the three runs, TEST_HANG_TIMEOUT (default 10m) each single test.
#
# Tests on real servers and real time meet stalls of a shared machine. Up to five failed ones of a run are therefore repeated, once and alone: those
# that pass then count as passed and are listed as unstable, with their first message. RETRY=0 leaves that out, for whoever looks for them. The soak is
# never repeated: what it finds is rare by nature.

set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1

solution=Uwsgi.AspNetCore.sln
results=$PWD/TestResults

# program, or file of one:Debian package
needs=(
  apache2:apache2 caddy:caddy cgi-fcgi:libfcgi-bin chromium:chromium curl:curl haproxy:haproxy lighttpd:lighttpd nginx:nginx
  spawn-fcgi:spawn-fcgi systemd-analyze:systemd systemd-socket-activate:systemd uwsgi:uwsgi-core
  /usr/lib/apache2/modules/mod_xsendfile.so:libapache2-mod-xsendfile
)

# Debian keeps servers where a normal user's PATH does not lead.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 MSBUILDDISABLENODEREUSE=1
if [ "${UWSGI_REQUIRE_SERVERS:-}" = 1 ]; then
  export CI=true
fi

say() { printf '== %s\n' "$*"; }

passed=0 failed=0 skipped=0

finish() {
  printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
  exit
}

missing_packages() {
  local need
  for need in "${needs[@]}"; do
    command -v "${need%%:*}" >/dev/null || [ -e "${need%%:*}" ] || printf '%s\n' "${need#*:}"
  done
}

install() { # package...
  local run=()
  if [ "$(id -u)" -ne 0 ]; then
    run=(sudo -n)
    sudo -n true 2>/dev/null || return 1
  fi
  command -v apt-get >/dev/null || return 1
  say "installing $*"
  "${run[@]}" apt-get update -q
  local package
  for package; do
    # One by one: a package this Debian does not have must not cost the others.
    "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$package"
  done
}

# Counts come from each project's result file. xUnit's skipped tests are those that were not executed.
count() { # directory
  find "$1" -name '*.trx' -exec cat {} + 2>/dev/null | tr '\n>' ' \n' | awk '
    function value(name,   text) {
      if (!match($0, "[ \t]" name "=\"[0-9]+\"")) return 0
      text = substr($0, RSTART, RLENGTH)
      gsub(/[^0-9]/, "", text)
      return text + 0
    }
    /<Counters[ \t]/ {
      passed += value("passed")
      failed += value("failed") + value("error") + value("timeout") + value("aborted")
      skipped += value("total") - value("executed")
    }
    END { print passed + 0, failed + 0, skipped + 0 }'
}

if ! command -v dotnet >/dev/null; then
  say "dotnet is missing: install the .NET SDK that global.json names ($(tr -d ' \n' <global.json))"
  failed=1
  finish
fi

mapfile -t missing < <(missing_packages)
if [ "${#missing[@]}" -gt 0 ]; then
  install "${missing[@]}" </dev/null || say "could not install by itself"
  mapfile -t missing < <(missing_packages)
  [ "${#missing[@]}" -eq 0 ] || say "missing, please install (Debian: apt-get install ${missing[*]}); their tests cannot run"
fi

say "building"
if ! dotnet build "$solution" -c Release -m:1 --nologo -v:minimal </dev/null; then
  say "the build failed"
  failed=1
  finish
fi

# Every failed test again, with its message and stack: thousands of lines of passed ones lie behind it.
failures() { # log
  awk '
    /^ +(Passed|Skipped) |^Results File: |^Test Run |^Data collector |^\[xUnit/ { inside = 0 }
    /^ +Failed / { inside = 1 }
    inside' "$1"
}

execute() { # directory of the results, arguments for dotnet test...
  local into=$1
  shift
  mkdir -p "$into"
  timeout --kill-after=60s "${TEST_TIMEOUT:-50m}" dotnet test "$@" -c Release --no-build -m:1 --nologo \
    --results-directory "$into" --logger trx --logger "console;verbosity=normal" \
    --blame-hang-timeout "${TEST_HANG_TIMEOUT:-10m}" --blame-hang-dump-type none </dev/null 2>&1 | tee -a "$into/console.log"
}

# One project after the other: their servers and measurements would disturb each other.
run() { # name, solution or project, arguments for dotnet test...
  local into=$results/$1 target=$2 status ran methods
  shift 2
  execute "$into" "$target" "$@"
  status=$?
  read -ra ran < <(count "$into")
  if [ "$status" -ne 0 ]; then
    mapfile -t methods < <(failures "$into/console.log" | sed -n 's/^ *Failed \([^ (]*\).*/\1/p' | sort -u)
    # A crash or a hang can leave no failed test, and tests that were not run.
    if [ "$status" -ne 1 ] || [ "${ran[1]}" -eq 0 ] || grep -q '^Test Run Aborted' "$into/console.log"; then
      say "dotnet test ended with exit code $status"
      ran[1]=$((ran[1] + 1))
    elif [ "${RETRY:-1}" != 0 ] && [ "${ran[1]}" -le 5 ] && [[ "${methods[*]}" != *SoakTests* ]]; then
      say "once more: ${methods[*]}"
      if execute "$into-again" "$target" --filter "$(printf '|FullyQualifiedName=%s' "${methods[@]}" | tail -c +2)" &&
        [ "$(count "$into-again" | cut -d' ' -f1)" -ge "${ran[1]}" ]; then
        failures "$into/console.log" >>"$results/unstable.log"
        ran=($((ran[0] + ran[1])) 0 "${ran[2]}")
      fi
    fi
  fi

  [ "${ran[1]}" -eq 0 ] || failures "$into/console.log" >>"$results/failed.log"
  passed=$((passed + ran[0])) failed=$((failed + ran[1])) skipped=$((skipped + ran[2]))
}

say "testing"
rm -rf "$results"
run all "$solution" "$@"

# What goes through sockets, again on Kestrel's transport; without the tests that name their transport themselves, or the default.
again=(--filter "FullyQualifiedName!~FunctionalTests.Transport&FullyQualifiedName!~Hosting.OptionsTests&FullyQualifiedName!~SoakTests")
[[ " $* " == *" --filter"* ]] && again=()
for project in FunctionalTests InteropTests; do
  say "testing $project on Kestrel's sockets"
  Uwsgi__Transport=Sockets run "$project-sockets" "tests/Uwsgi.AspNetCore.$project" "${again[@]}" "$@"
done

for list in unstable failed; do
  if [ -s "$results/$list.log" ]; then
    [ "$list" = failed ] && say "what failed" || say "unstable: failed at first, passed alone"
    cat "$results/$list.log"
  fi
done

finish
