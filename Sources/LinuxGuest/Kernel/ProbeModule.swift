import Foundation
import Machine
import Records

/// The probe as a loadable module.
struct ProbeModule {
  /// The module's file.
  let path: String
  /// The release of the kernel it was built for.
  let version: String

  /// Compiles the probe against the headers of a kernel, or what changed in it since.
  ///
  /// - Throws: ``UserError``; ``Interrupted``.
  static func build(headers: String, in folder: String, _ step: Step) throws -> ProbeModule {
    let version = try release(of: headers)
    let sources = try KernelFolder.probe()
    let place = folder + "/module"
    _ = try FileAccess.makeFolders(place)
    // Objects lie beside the sources they are made of.
    for name in try FileAccess.names(in: sources) {
      let bytes = try FileAccess.read("\(sources)/\(name)")
      if (try? FileAccess.read("\(place)/\(name)")) != bytes {
        try FileAccess.writeAtomically(bytes, to: "\(place)/\(name)")
      }
    }
    // Without the types for BPF, which need pahole.
    try step.run(
      ["make", "-C", headers, "M=\(place)", "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules"], package: "make gcc")
    return ProbeModule(path: place + "/hintprobe.ko", version: version)
  }

  /// The release of the kernel that headers belong to.
  ///
  /// - Throws: ``UserError`` of kind usage if they aren't a kernel's.
  static func release(of headers: String) throws(UserError) -> String {
    let file = headers + "/include/config/kernel.release"
    guard let bytes = try? FileAccess.read(file) else {
      throw .usage(
        "invalid headers '\(headers)': no include/config/kernel.release in it; expected what modules are built against: "
          + "the folder of a configured and built kernel, or of a linux-headers package")
    }
    return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
