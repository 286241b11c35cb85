import Machine

/// Where a program is that a guest needs on this machine.
enum ProgramSearch {
  /// Its path; looked up in PATH where `program` is a name only.
  ///
  /// - Parameter package: Debian's package that has it, for who hasn't.
  static func find(_ program: String, package: String) throws(LinuxGuestError) -> String {
    guard let found = ProgramPath().find(program) else { throw .missingProgram(program, package: package) }
    return found
  }
}
