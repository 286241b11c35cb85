// swift-tools-version: 6.1
import PackageDescription

let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")

// What plans runs, and what shows and keeps results, is compiled as it stands: optimised, it takes 40 % of the build's CPU
// time, and nobody measures it. What is measured, and what works on millions of pages between measurements, is optimised.
let asItStands: [SwiftSetting] = [.unsafeFlags(["-Onone"], .when(configuration: .release))]

// One target per module (see docs/layout.md). Dependencies point downward only.
let package = Package(
  name: "hintbench",
  products: [
    .executable(name: "hintbench", targets: ["hintbench"]),
    // For the benchmark targets under Benchmarks/, which are a package of their own so that the root's
    // build stays small.
    .library(
      name: "HintbenchCore",
      targets: [
        "Instruments", "Machine", "GuestMemory", "Delivery", "Hinting", "Records", "CHost", "Fixtures", "CBaseline",
        "CAllocationCounter",
      ]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    .package(url: "https://github.com/ordo-one/TextTable", from: "0.0.2"),
    .package(url: "https://github.com/swiftcsv/SwiftCSV", from: "0.10.0"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
  ],
  targets: [
    .executableTarget(
      name: "hintbench",
      dependencies: [
        "Tracking", "Diagnosis", "Reporting", "Experiments", "LinuxGuest", "Bench", "Migration", "Hinting",
        "GuestMemory", "Instruments", "Machine", "Records",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: asItStands),
    .target(
      name: "Tracking",
      dependencies: [
        "Reporting", "Machine", "Records", "CSQLite",
        system,
        .product(name: "Mustache", package: "swift-mustache"),
      ],
      swiftSettings: asItStands),
    .target(
      name: "Reporting",
      dependencies: [
        "Machine", "Records",
        system,
        .product(name: "TextTable", package: "TextTable"),
        .product(name: "SwiftCSV", package: "SwiftCSV"),
        .product(name: "Mustache", package: "swift-mustache"),
      ],
      swiftSettings: asItStands),
    .target(
      name: "Diagnosis",
      dependencies: [
        "Bench", "Reporting", "Migration", "Hinting", "Delivery", "GuestMemory", "Instruments", "Machine", "Records",
        "CHost",
      ]),
    .target(
      name: "Experiments",
      dependencies: [
        "Bench", "Ballooning", "PageStates", "Migration", "Hinting", "Delivery", "GuestMemory", "Instruments",
        "Machine", "Records", "CHost",
      ]),
    .target(
      name: "Bench",
      dependencies: ["Hinting", "Delivery", "GuestMemory", "Instruments", "Machine", "Records", "CHost"],
      swiftSettings: asItStands),
    .target(
      name: "LinuxGuest", dependencies: ["GuestMemory", "Instruments", "Machine", "Records", system],
      swiftSettings: asItStands),
    .target(name: "PageStates", dependencies: ["GuestMemory", "Instruments", "CHost"]),
    .target(name: "Ballooning", dependencies: ["Delivery", "GuestMemory", "Instruments", "CHost"]),
    .target(
      name: "Migration", dependencies: ["Delivery", "GuestMemory", "Instruments", "Machine", "Records", "CHost"]),
    .target(name: "Hinting", dependencies: ["Delivery", "GuestMemory", "Instruments", "Records"]),
    .target(name: "Delivery", dependencies: ["GuestMemory", "Instruments", "Machine", "CHost"]),
    .target(name: "GuestMemory", dependencies: ["Instruments", "Machine", "Records", "CHost", system]),
    .target(
      name: "Instruments",
      dependencies: [
        "Machine", "Records", "CHost", "CPAPI",
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ]),
    .target(name: "Machine", dependencies: ["Records", "CHost", "CNuma", system]),
    .target(name: "Records", swiftSettings: asItStands),
    .target(name: "CHost"),
    .systemLibrary(name: "CNuma", pkgConfig: "numa", providers: [.apt(["libnuma-dev"])]),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CPAPI", pkgConfig: "papi", providers: [.apt(["libpapi-dev"])]),
    // In this package because `make test` runs it: built like what test-guest runs, it needs no modules of its own.
    .executableTarget(
      name: "NoAllocations",
      dependencies: ["Fixtures", "CAllocationCounter", "Hinting", "Delivery", "GuestMemory", "Instruments"],
      path: "Benchmarks/Sources/NoAllocations"),
    .target(
      name: "Fixtures",
      dependencies: ["CBaseline", "Hinting", "Delivery", "GuestMemory", "Instruments", "Machine", "CHost"],
      path: "Benchmarks/Sources/Fixtures"),
    .target(name: "CBaseline", dependencies: ["CHost"], path: "Benchmarks/Sources/CBaseline"),
    .target(name: "CAllocationCounter", path: "Benchmarks/Sources/CAllocationCounter"),
    // What several test targets share.
    .target(
      name: "TestSupport", dependencies: ["Instruments", "Machine", "Records"], path: "Tests/Support"),
    .testTarget(name: "RecordsTests", dependencies: ["TestSupport", "Records"]),
    .testTarget(name: "MachineTests", dependencies: ["TestSupport", "Machine", "CHost"]),
    .testTarget(name: "InstrumentsTests", dependencies: ["TestSupport", "Instruments", "Machine", "Records", "CHost"]),
    .testTarget(
      name: "GuestMemoryTests",
      dependencies: ["TestSupport", "GuestMemory", "Instruments", "Machine", "Records", "CHost"],
      exclude: ["Capture/Published"]),
    .testTarget(
      name: "DeliveryTests",
      dependencies: ["TestSupport", "Delivery", "GuestMemory", "Instruments", "Machine", "CHost"]),
    .testTarget(
      name: "HintingTests",
      dependencies: ["TestSupport", "Hinting", "Delivery", "GuestMemory", "Instruments", "Records"]),
    .testTarget(
      name: "MigrationTests",
      dependencies: ["hintbench", "Migration", "Delivery", "GuestMemory", "Instruments", "Machine", "CHost"]),
    .testTarget(
      name: "BallooningTests",
      dependencies: ["TestSupport", "Ballooning", "Delivery", "GuestMemory", "Instruments", "CHost"]),
    .testTarget(name: "PageStatesTests", dependencies: ["PageStates", "GuestMemory"]),
    .testTarget(
      name: "BenchTests",
      dependencies: [
        "TestSupport", "Bench", "Hinting", "Delivery", "GuestMemory", "Instruments", "Machine", "Records", "CHost",
      ]),
    .testTarget(
      name: "ExperimentsTests",
      dependencies: [
        "TestSupport", "Experiments", "Bench", "Migration", "Hinting", "Delivery", "GuestMemory", "Instruments",
        "Machine", "Records",
      ]),
    .testTarget(
      name: "ReportingTests",
      dependencies: ["TestSupport", "Reporting", "Experiments", "Hinting", "GuestMemory", "Machine", "Records"]),
    .testTarget(
      name: "TrackingTests",
      dependencies: [
        "TestSupport", "Tracking", "Reporting", "Experiments", "Bench", "Machine", "Records",
      ]),
    .testTarget(
      name: "DiagnosisTests",
      dependencies: [
        "TestSupport", "Diagnosis", "Reporting", "Experiments", "Bench", "Migration", "GuestMemory", "Instruments",
        "Machine", "Records",
      ]),
    .testTarget(
      name: "LinuxGuestTests",
      dependencies: [
        "TestSupport", "LinuxGuest", "Bench", "GuestMemory", "Reporting", "Experiments", "Machine", "Records",
      ],
      exclude: ["Recorded"]),
    .testTarget(
      name: "CommandLineTests",
      dependencies: [
        "TestSupport", "hintbench", "Tracking", "Reporting", "Experiments", "Migration", "Machine", "Records",
      ]),
  ],
  swiftLanguageModes: [.v6]
)

// What takes long in tests, guests and statistics, is optimised there too; it keeps its assertions.
let alsoInTests = [
  "Experiments", "PageStates", "Ballooning", "Migration", "Hinting", "Delivery", "GuestMemory", "Instruments",
  "Machine", "Records", "Tracking", "TestSupport",
]
for target in package.targets where alsoInTests.contains(target.name) {
  let optimised: SwiftSetting = .unsafeFlags(
    ["-O", "-wmo", "-disable-batch-mode", "-num-threads", "2", "-assert-config", "Debug"], .when(configuration: .debug))
  target.swiftSettings = (target.swiftSettings ?? []) + [optimised]
}
