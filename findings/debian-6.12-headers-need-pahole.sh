#!/usr/bin/env bash
# A module that compiles against Debian's headers of Linux 6.1 fails against those of 6.12 in the same environment: the
# link step wants pahole, which no package that it depends on brings, and make deletes the finished module. Both kernels
# are configured with CONFIG_DEBUG_INFO_BTF_MODULES. The headers of 6.1 have no vmlinux, so that kbuild skips the types
# for BPF with a line and goes on; those of 6.12 have one (5 MB, types alone), so that it doesn't. linux-headers-* doesn't
# depend on pahole in either. `make CONFIG_DEBUG_INFO_BTF_MODULES= ...` builds the same module.
#
# Needs apt with Debian 12's archives, dpkg, make and gcc; unpacks packages into a temporary folder and installs nothing.
# Seen with linux-headers-6.1.0-57-cloud-amd64 and linux-headers-6.12.117+deb12-cloud-amd64. Exit status: 0 if it is so,
# 1 if that changed, 2 if it can't be tried here.
set -euo pipefail
for program in apt-get dpkg-deb make gcc; do
  command -v "$program" >/dev/null || { echo "no $program in PATH" >&2; exit 2; }
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# Programs that a build needs, without pahole wherever it is.
mkdir bin
IFS=: read -ra places <<<"$PATH"
for place in "${places[@]}"; do
  [ -d "$place" ] || continue
  for program in "$place"/*; do
    name=${program##*/}
    [ "$name" = pahole ] || [ -e "bin/$name" ] || ln -s "$program" "bin/$name"
  done
done

mkdir empty
cat >empty/empty.c <<'C'
#include <linux/module.h>
MODULE_LICENSE("GPL");
C
echo 'obj-m := empty.o' >empty/Makefile

# Prints how the build ended; $1: release, the rest: packages.
build() {
  local release=$1 place="$folder/$1"
  shift
  mkdir "$place"
  (cd "$place" && apt-get download -qq -o APT::Sandbox::User=root "$@" >/dev/null 2>&1) ||
    { echo "apt has no $*: apt-get update, or they are gone" >&2; exit 2; }
  for package in "$place"/*.deb; do dpkg-deb --extract "$package" "$place"; done
  local headers="$place/usr/src/linux-headers-$release"
  # It includes the common part by where it would be installed.
  sed -i "s| /usr/src/| $place/usr/src/|" "$headers/Makefile"
  rm -rf try && cp -r empty try
  local status=built
  PATH="$folder/bin" make -C "$headers" M="$folder/try" modules >log 2>&1 || status=failed
  echo "$release: $status, vmlinux $([ -e "$headers/vmlinux" ] && echo there || echo absent): $(grep -E 'pahole|Skipping BTF' log | head -1 | sed "s|$folder/||g")"
  if [ "$status" = failed ]; then
    PATH="$folder/bin" make -C "$headers" M="$folder/try" CONFIG_DEBUG_INFO_BTF_MODULES= modules >log 2>&1 &&
      echo "$release: built without the types for BPF"
  fi
}

old=$(build 6.1.0-57-cloud-amd64 linux-headers-6.1.0-57-{cloud-amd64,common} linux-kbuild-6.1) || exit $?
new=$(build 6.12.117+deb12-cloud-amd64 linux-headers-6.12.117+deb12-{cloud-amd64,common} linux-kbuild-6.12.117+deb12) || exit $?
printf '%s\n' "$old" "$new"
case "$old" in *"built, vmlinux absent"*) ;; *) echo "changed: the old one doesn't build"; exit 1 ;; esac
case "$new" in
*"failed, vmlinux there"*pahole*"built without"*) echo "as found: the headers of 6.12 need pahole, those of 6.1 don't" ;;
*) echo "changed: the new one builds without pahole"; exit 1 ;;
esac
