#!/usr/bin/env bash
# Free page reporting costs Linux 6.12 some ten times the instructions that it costs 6.1, for the same blocks. Taking a
# free block of order 10 off its list for a report (__isolate_free_page()) only retags its pageblocks in 6.1. In 6.12 it
# calls move_freepages_block() for each of them, movable ones too, which looks at every struct page of the pageblock:
# 1,024 a block, 64 KiB of the memory map, with zone->lock held and interrupts off. A batch of 32 blocks is 2 MiB in one
# hold. Neither changelogs nor documentation of page reporting tell of it.
#
# Debian's two kernels boot in QEMU with a clock that counts instructions. A module registers a reporting device that does
# nothing, and runs the kernel's own passes until all is reported. Needs apt with Debian 12's archives, dpkg, make, gcc,
# cpio and qemu-system-x86_64; unpacks packages into a temporary folder and installs nothing. Seen with
# linux-image-6.1.0-57-cloud-amd64 (746 instructions a block) and 6.12.117+deb12-cloud-amd64 (9,122), QEMU 7.2. Exit
# status: 0 if it is so, 1 if that changed, 2 if it can't be tried here.
set -euo pipefail
for program in apt-get dpkg-deb make gcc cpio gzip qemu-system-x86_64; do
  command -v "$program" >/dev/null || { echo "no $program in PATH" >&2; exit 2; }
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
qemu-system-x86_64 --version | head -1

mkdir source
cat >source/null_device.c <<'C'
#include <linux/module.h>
#include <linux/page_reporting.h>
#include <linux/workqueue.h>
#include <asm/msr.h>

static unsigned long blocks;

static int report(struct page_reporting_dev_info *device, struct scatterlist *list, unsigned int count)
{
	blocks += count;
	return 0;
}

static struct page_reporting_dev_info device = { .report = report, .order = 10 };

static int __init start(void)
{
	int error = page_reporting_register(&device);
	u64 ticks;

	if (error)
		return error;
	/* What the first registration does once isn't to be counted. */
	page_reporting_unregister(&device);
	error = page_reporting_register(&device);
	if (error)
		return error;
	ticks = rdtsc_ordered();
	/* A pass; it asks for the next while there is something left. */
	do
		flush_delayed_work(&device.work);
	while (atomic_read(&device.state));
	ticks = rdtsc_ordered() - ticks;
	page_reporting_unregister(&device);
	/* Two ticks an instruction, by -icount shift=1. */
	pr_alert("reported %lu blocks, %llu instructions each\n", blocks, blocks ? ticks / 2 / blocks : 0);
	return 0;
}
module_init(start);
MODULE_LICENSE("GPL");
C
echo 'obj-m := null_device.o' >source/Makefile

fetch() {
  mkdir -p "$1"
  (cd "$1" && apt-get download -qq -o APT::Sandbox::User=root "${@:2}" >/dev/null 2>&1) ||
    { echo "apt has no ${*:2}: apt-get update, or they are gone" >&2; exit 2; }
  for package in "$1"/*.deb; do dpkg-deb --extract "$package" "$1"; done
}

fetch busybox busybox-static
busybox=$(echo busybox/{usr/,}bin/busybox | tr ' ' '\n' | while read -r path; do [ -f "$path" ] && echo "$path"; done | head -1)

# Prints the instructions a block of a release; the rest: its packages.
measure() {
  local release=$1 place="$folder/$1"
  fetch "$place" "${@:2}"
  local headers="$place/usr/src/linux-headers-$release"
  sed -i "s| /usr/src/| $place/usr/src/|" "$headers/Makefile"
  cp -r source "$place/module"
  make -C "$headers" M="$place/module" CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$place/log" 2>&1 ||
    { tail -3 "$place/log" >&2; exit 2; }
  mkdir -p "$place/root/bin"
  cp "$busybox" "$place/root/bin/busybox"
  cp "$place/module/null_device.ko" "$place/root/"
  cat >"$place/root/init" <<'SH'
#!/bin/busybox sh
# What the boot left to do would be counted.
/bin/busybox sleep 3
/bin/busybox insmod /null_device.ko
/bin/busybox poweroff -f
SH
  chmod +x "$place/root/init"
  (cd "$place/root" && find . | cpio --create --format=newc --quiet | gzip) >"$place/initramfs"
  timeout 120 qemu-system-x86_64 -nodefaults -display none -no-reboot -machine pc -cpu max -m 2048 \
    -accel tcg,thread=single -icount shift=1 -kernel "$place/boot/vmlinuz-$release" -initrd "$place/initramfs" \
    -append "console=ttyS0 panic=-1 nokaslr init_on_alloc=0" -serial file:"$place/console" </dev/null || true
  sed -n 's/.*reported \([0-9]*\) blocks, \([0-9]*\) instructions each.*/\1 \2/p' "$place/console" | tail -1
}

read -r old_blocks old < <(measure 6.1.0-57-cloud-amd64 linux-image-6.1.0-57-cloud-amd64 \
  linux-headers-6.1.0-57-{cloud-amd64,common} linux-kbuild-6.1) || { echo "the older kernel gave no result" >&2; exit 2; }
read -r new_blocks new < <(measure 6.12.117+deb12-cloud-amd64 linux-image-6.12.117+deb12-cloud-amd64-unsigned \
  linux-headers-6.12.117+deb12-{cloud-amd64,common} linux-kbuild-6.12.117+deb12) ||
  { echo "the newer kernel gave no result" >&2; exit 2; }
echo "6.1.0-57: $old_blocks blocks of order 10 reported, $old instructions each"
echo "6.12.117: $new_blocks blocks of order 10 reported, $new instructions each"
if [ "$new" -gt $((5 * old)) ]; then
  echo "as found: reporting a block costs 6.12 $((new / old)) times what it costs 6.1"
else
  echo "changed: it is $((100 * new / old)) % of 6.1's"
  exit 1
fi
