#!/usr/bin/env bash
# Runs every test of the repository, those that use sockets on both transports, and ends with one line: N passed, N failed, N skipped.
#
#   tests/run.sh [arguments for dotnet test, such as --filter Name~Nginx]
#
# Programs the tests drive (the web servers, chromium, curl) are installed as Debian packages when this is a Debian machine and
# the user is root or may use sudo without a password; otherwise it says what to install and those tests are skipped.
# With CI=true or UWSGI_REQUIRE_SERVERS=1 a test that lacks its server fails instead of being skipped.
# TEST_TIMEOUT (default 50m) bounds each of the three runs, TEST_HANG_TIMEOUT (default 10m) each single test.

set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1

solution=Uwsgi.AspNetCore.sln
results=$PWD/TestResults
log=$results/console.log

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

finish() { # passed, failed, skipped
  printf '%d passed, %d failed, %d skipped\n' "$1" "$2" "$3"
  [ "$2" -eq 0 ] && [ "$1" -gt 0 ]
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
count() {
  find "$results" -name '*.trx' -exec cat {} + 2>/dev/null | tr '\n>' ' \n' | awk '
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
  finish 0 1 0
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
  finish 0 1 0
fi

# Every failed test again, with its message and stack: thousands of lines of passed ones lie behind it.
failures() {
  awk '
    /^ +(Passed|Skipped) |^Results File: |^Test Run |^Data collector |^\[xUnit/ { inside = 0 }
    /^ +Failed / { inside = 1 }
    inside' "$log"
}

# One project after the other: their servers and measurements would disturb each other.
run() { # arguments for dotnet test...
  timeout --kill-after=60s "${TEST_TIMEOUT:-50m}" dotnet test "$@" -c Release --no-build -m:1 --nologo \
    --results-directory "$results" --logger trx --logger "console;verbosity=normal" \
    --blame-hang-timeout "${TEST_HANG_TIMEOUT:-10m}" --blame-hang-dump-type none </dev/null 2>&1 | tee -a "$log"
}

say "testing"
rm -rf "$results"
mkdir -p "$results"
run "$solution" "$@"
status=$?

# What goes through sockets, again on Kestrel's transport; without the tests that name their transport themselves, or the default.
again=(--filter "FullyQualifiedName!~FunctionalTests.Transport&FullyQualifiedName!~Hosting.OptionsTests&FullyQualifiedName!~SoakTests")
[[ " $* " == *" --filter"* ]] && again=()
for project in Uwsgi.AspNetCore.FunctionalTests Uwsgi.AspNetCore.InteropTests; do
  say "testing $project on Kestrel's sockets"
  Uwsgi__Transport=Sockets run "tests/$project" "${again[@]}" "$@" || status=$?
done

read -r passed failed skipped < <(count)
if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
  # A crash or a hang leaves no failed test in the result files, but it is one.
  say "dotnet test ended with exit code $status"
  failed=1
fi

if [ "$failed" -gt 0 ]; then
  say "what failed"
  failures
fi

finish "$passed" "$failed" "$skipped"
