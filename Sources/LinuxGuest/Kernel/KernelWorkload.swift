/// Work that a guest does before its free lists are read.
public struct KernelWorkload: Sendable {
  public let name: String
  /// What it does, for people.
  public let meaning: String
  /// For sh(1) as root, with busybox, a disk at /dev/nvme0n1, `memory` (MiB that the kernel manages) and `touch MIB`, a
  /// process that writes so much memory and exits.
  let script: String

  static let prelude = """
    memory=$(awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
    touch() { dd if=/dev/zero of=/dev/null bs=${1}M count=1 iflag=fullblock 2>/dev/null; }
    disk() {
      test -d /disk && return
      mkdir /disk && mke2fs -F /dev/nvme0n1 >/dev/null 2>&1 && mount -t ext4 /dev/nvme0n1 /disk || exit 1
    }
    # file NAME MIB: written through the page cache.
    file() { dd if=/dev/zero of=/disk/$1 bs=1M count=$2 2>/dev/null; }
    # Sizes of 1 to 16 MiB, the same in every run.
    size() { echo $(($1 * 7919 % 16 + 1)); }
    small() {
      for number in $(seq $1); do
        head -c 400000 /bin/busybox | gzip -1 >/tmp/work-$2-$((number % 20))
        ls -l /bin /proc >/dev/null
      done
      rm -f /tmp/work-$2-*
    }

    """

  /// All of them. Sizes are shares of the memory.
  public static let all = [
    KernelWorkload(name: "boot", meaning: "nothing", script: ":"),
    KernelWorkload(
      name: "process", meaning: "one process writes 60 % of memory and exits", script: "touch $((memory * 6 / 10))"),
    KernelWorkload(
      name: "processes",
      meaning: "four times three processes at once, which write 70 % of memory together, then three in turn",
      script: """
        for round in 1 2 3 4; do
          touch $((memory * 30 / 100)) & touch $((memory * 25 / 100)) & touch $((memory * 15 / 100)) &
          wait
        done
        for share in 50 20 60; do touch $((memory * share / 100)); done
        """),
    KernelWorkload(
      name: "files",
      meaning:
        "files of 1 to 16 MiB, three times as much as memory, written and read again; nearly all of them removed, half soon after",
      script: """
        disk
        written=0 number=0
        while [ $written -lt $((memory * 3)) ]; do
          number=$((number + 1))
          file $number $(size $number)
          written=$((written + $(size $number)))
          # The one before the last is read again, and every other one goes soon.
          test $number -gt 2 && cat /disk/$((number - 1)) >/dev/null
          test $((number % 2)) -eq 0 && test $number -gt 8 && rm -f /disk/$((number - 8))
        done
        sync
        rm -f /disk/*[13579]
        """),
    KernelWorkload(
      name: "build", meaning: "two loops that start 600 small processes each, which write small files",
      script: "small 300 a & small 300 b & wait"),
    KernelWorkload(
      name: "full", meaning: "files in memory (tmpfs) of 1 to 16 MiB up to 85 % of it, then every other one removed",
      script: """
        mkdir /full && mount -t tmpfs -o size=95% tmpfs /full
        written=0 number=0
        while [ $written -lt $((memory * 85 / 100)) ]; do
          number=$((number + 1))
          dd if=/dev/zero of=/full/$number bs=1M count=$(size $number) 2>/dev/null
          written=$((written + $(size $number)))
        done
        rm -f /full/*[02468]
        """),
    KernelWorkload(
      name: "server",
      meaning: "files twice as much as memory, with small processes and processes of 20 % of memory beside them",
      script: """
        disk
        small 200 a &
        ( for round in 1 2 3 4 5 6; do touch $((memory * 20 / 100)); sleep 1; done ) &
        written=0 number=0
        while [ $written -lt $((memory * 2)) ]; do
          number=$((number + 1))
          file $number $(size $number)
          written=$((written + $(size $number)))
          test $((number % 2)) -eq 0 && test $number -gt 8 && rm -f /disk/$((number - 8))
        done
        wait
        rm -f /disk/*[13579]
        """),
  ]
}
