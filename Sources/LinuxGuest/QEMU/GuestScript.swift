/// The guest's first program, and the commands that it runs.
///
/// What it writes to the second serial port is what ``GuestReport`` reads. Every output is preceded by its length, so
/// that nothing a command prints can be taken for the report's own lines, and no command has the port open.
struct GuestScript {
  var commands: [String]
  var paths: [String]

  /// The text of each file, by path.
  var files: [String: String] {
    var files = ["init": Self.initScript, "guest/paths": paths.map { $0 + "\n" }.joined()]
    for (index, command) in commands.enumerated() { files["guest/command\(index)"] = command + "\n" }
    return files
  }

  private static let initScript = """
    #!/bin/busybox sh
    /bin/busybox mkdir -p /proc /sys /dev /tmp
    # Swift programs find themselves through /proc before they begin.
    /bin/busybox mount -t proc proc /proc
    /bin/busybox mount -t sysfs sysfs /sys
    /bin/busybox mount -t devtmpfs devtmpfs /dev
    exec </dev/null >/dev/console 2>&1
    /bin/busybox --install -s /bin
    export PATH=/bin HOME=/tmp
    cd /tmp
    # Bytes go out as they are, and none comes back as an echo.
    stty -F /dev/ttyS1 raw -echo
    exec 3>/dev/ttyS1
    size() { stat -c %s "$1"; }
    echo begin >&3
    index=0
    while [ -e /guest/command$index ]; do
      sh /guest/command$index >/guest/out 2>/guest/err 3>&-
      status=$?
      # What a command left running may still be writing: the lengths count.
      out=$(size /guest/out)
      err=$(size /guest/err)
      echo "result $status $out $err" >&3
      head -c $out /guest/out >&3
      head -c $err /guest/err >&3
      rm /guest/out /guest/err
      index=$((index + 1))
    done
    while read -r path; do find "$path" -type f; done </guest/paths >/guest/found 2>/dev/null
    while read -r file; do
      length=$(size "$file")
      echo "file $length $file" >&3
      head -c $length "$file" >&3
    done </guest/found
    echo end >&3
    # Waits until all of it is out.
    exec 3>&-
    poweroff -f
    """ + "\n"
}
