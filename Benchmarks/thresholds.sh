#!/usr/bin/env bash
# thresholds.sh check    counts every benchmark and compares with Thresholds/; exit status 1 where something differs
# thresholds.sh update   counts, and takes the counts as the new thresholds
set -euo pipefail
cd "$(dirname "$0")"
stored=Thresholds
fresh=.build/thresholds

benchmark() {
  HINTBENCH_COUNTS=only swift package --allow-writing-to-package-directory benchmark "$@" --no-progress
}

compiler() { swift --version 2>/dev/null | head -1; }

# What is checked: each file with its metrics, without their values.
names() { (cd "$1" && grep -H '" *:' -- *.json | sed 's/ *: *[0-9]*,\{0,1\}$//'); }

# Run once, so that the files of the run and the check are of the same counts.
run() {
  rm -rf "$fresh"
  benchmark baseline update thresholds
  benchmark thresholds update thresholds --path "$fresh" >/dev/null
}

check() {
  run
  local good=0
  if ! diff <(names "$stored") <(names "$fresh") >&2; then
    echo "thresholds: what is counted (>) isn't what there are thresholds for (<)" >&2
    good=1
  fi
  benchmark thresholds check thresholds || good=1
  if [ "$good" -ne 0 ]; then
    echo "thresholds: counts differ; where that is meant: make benchmark-thresholds-update, and commit it" >&2
    if [ "$(compiler)" != "$(cat "$stored/compiler")" ]; then
      echo "thresholds: they are of $(cat "$stored/compiler"), this is $(compiler), which alone changes instructions" >&2
    fi
  fi
  return "$good"
}

update() {
  run
  rm -rf "$stored"
  cp -r "$fresh" "$stored"
  compiler >"$stored/compiler"
}

case "${1-}" in
check | update) "$1" ;;
*)
  sed -n 's/^# \(thresholds\)/\1/p' "$0" >&2
  exit 64
  ;;
esac
