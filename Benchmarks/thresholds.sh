#!/usr/bin/env bash
# thresholds.sh check [--target T]    counts and compares with Thresholds/; exit status 1 where something differs
# thresholds.sh update [--target T]   counts, and takes the counts as the new thresholds
# thresholds.sh show TARGET           prints the instructions of a target's thresholds, those of one operation a line
set -euo pipefail
cd "$(dirname "$0")"
stored=Thresholds
fresh=.build/thresholds

benchmark() {
  HINTBENCH_COUNTS=only swift package --allow-writing-to-package-directory benchmark "$@" --no-progress
}

compiler() { swift --version 2>/dev/null | head -1; }

# Files of the targets that were asked for, in the folder of that name: of all, also one that isn't there any more, unless
# some were named.
files() {
  (
    cd "$1"
    for target in ${named:+$targets}; do ls | grep "^$target\." || true; done
    [ -n "$named" ] || ls | grep '\.json$' || true
  )
}

# What is checked: each file with its metrics, without their values.
metrics() { (cd "$1" && files . | xargs -r grep -H '" *:' | sed 's/ *: *[0-9]*,\{0,1\}$//'); }

# Once, so that what is checked and what is stored are of the same run.
count() {
  rm -rf "$fresh"
  benchmark baseline update thresholds "$@"
  benchmark thresholds update thresholds --path "$fresh" "$@" >/dev/null
  targets=$(ls "$fresh" | cut -d. -f1 | sort -u)
  named=$*
}

check() {
  count "$@"
  local good=0
  if ! diff <(metrics "$stored") <(metrics "$fresh") >&2; then
    echo "thresholds: what was counted (>) isn't what there are thresholds for (<)" >&2
    good=1
  fi
  benchmark thresholds check thresholds "$@" || good=1
  if [ "$good" -ne 0 ]; then
    echo "thresholds: counts differ; where that is meant: make benchmark-thresholds-update, and commit it" >&2
    if [ "$(compiler)" != "$(cat "$stored/compiler")" ]; then
      echo "thresholds: they are of $(cat "$stored/compiler"), this is $(compiler), which alone changes instructions" >&2
    fi
  fi
  return "$good"
}

update() {
  if [ $# -gt 0 ] && [ "$(compiler)" != "$(cat "$stored/compiler")" ]; then
    echo "thresholds: they are of $(cat "$stored/compiler"), this is $(compiler): update those of all targets" >&2
    return 1
  fi
  count "$@"
  mkdir -p "$stored"
  (cd "$stored" && files . | xargs -r rm)
  cp "$fresh"/*.json "$stored"
  compiler >"$stored/compiler"
}

show() {
  ls "$stored/$1."*.json >/dev/null
  local file
  for file in "$stored/$1."*.json; do
    sed -n 's|.*"instructions\\/1000 \(.*\)s" : \([0-9]*\).*|\2 \1|p' "$file" |
      awk -v name="$(basename "$file" .p90.json | cut -d. -f2)" '{ printf "%-32s %12.1f a %s\n", name, $1 / 1000, $2 }'
  done
}

case "${1-}" in
check | update) "$@" ;;
show) show "${2:?a target}" ;;
*)
  sed -n 's/^# \(thresholds\)/\1/p' "$0" >&2
  exit 64
  ;;
esac
