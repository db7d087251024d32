// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "lotline-benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "lotline", path: ".."),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    // What the same work costs in C: run in the same round as ours.
    .target(
      name: "CReference",
      linkerSettings: [.linkedLibrary("sqlite3"), .linkedLibrary("modbus"), .linkedLibrary("pthread")]),
    .executableTarget(
      name: "bench",
      dependencies: [
        "CReference", .product(name: "LotlineRooms", package: "lotline"),
        .product(name: "Logging", package: "swift-log"),
        // The daemons are measured as they run: processes of this executable.
        .product(name: "lotline", package: "lotline"),
      ],
      swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]),
  ]
)
