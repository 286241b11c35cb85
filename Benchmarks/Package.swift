// swift-tools-version: 6.1
import PackageDescription

// A package of its own, so that the root's build and tests stay small. See README.md beside this file.
let core: [Target.Dependency] = [.product(name: "HintbenchCore", package: "hintbench")]

func benchmarks(_ name: String) -> Target {
  .executableTarget(
    name: name,
    dependencies: core + ["Harness"],
    path: "Benchmarks/\(name)",
    plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")])
}

let package = Package(
  name: "hintbench-benchmarks",
  dependencies: [
    // The name, because the folder may be called anything.
    .package(name: "hintbench", path: "../"),
    .package(url: "https://github.com/ordo-one/benchmark.git", from: "1.38.1", traits: []),
  ],
  targets: [
    benchmarks("ListWalk"),
    benchmarks("PageAllocator"),
    benchmarks("AllocatorRules"),
    benchmarks("ZoneLock"),
    benchmarks("Strategies"),
    benchmarks("Virtqueue"),

    .executableTarget(name: "CParity", dependencies: core),
    .executableTarget(name: "HookCost", dependencies: core),
    .executableTarget(name: "PlantedHolds", dependencies: core),

    .target(
      name: "Harness",
      dependencies: core + ["CSigsuspend", .product(name: "Benchmark", package: "benchmark")]),
    .target(name: "CSigsuspend"),
  ],
  swiftLanguageModes: [.v6]
)
