/// How this program was built, as far as it can know.
public struct BuildFacts: Equatable, Codable, Sendable {
  /// `debug` or `release`. Times of a debug build are meaningless.
  public var mode: String
  /// The Swift compiler, as the newest version it is known to be at least, such as `>= 6.3.1`.
  public var compiler: String

  /// The facts of this build.
  public static let current = BuildFacts(mode: currentMode, compiler: currentCompiler)

  private static var currentMode: String {
    #if DEBUG
      "debug"
    #else
      "release"
    #endif
  }

  private static var currentCompiler: String {
    #if compiler(>=6.5)
      ">= 6.5"
    #elseif compiler(>=6.4)
      ">= 6.4"
    #elseif compiler(>=6.3.1)
      ">= 6.3.1"
    #elseif compiler(>=6.3)
      ">= 6.3"
    #elseif compiler(>=6.2)
      ">= 6.2"
    #else
      ">= 6.1"
    #endif
  }
}
