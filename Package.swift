// swift-tools-version: 6.2
import PackageDescription

/// Takes one of the safeguards away, to show that the tests notice (`make teeth`); not set otherwise.
let weakened: [SwiftSetting] = Context.environment["LOTLINE_WEAKENED"].map { [.define("WEAKENED_\($0)")] } ?? []

/// The same strictness for every target of ours: Swift 6, nothing implicit, no warning left.
let strict: [SwiftSetting] =
  weakened + [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
  ]

func room(
  _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []
) -> Target {
  .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

func tests(of name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.init(stringLiteral: name), "TestParts"] + dependencies,
    swiftSettings: strict)
}

let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let lifecycle = Target.Dependency.product(
  name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let client = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")

let package = Package(
  name: "lotline",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "lotline", targets: ["lotline"]),
    // For Benchmarks, which is a package of its own.
    .library(name: "LotlineRooms", targets: ["Events", "Machine", "Settings", "Devices", "Queue", "Forward"]),
    // For Fuzz, another package: what takes bytes that others made, and no more than that takes to build.
    .library(name: "LotlineDecoders", targets: ["Compression", "Events", "Devices", "Settings"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    // Linux is maintained by contributors there: pinned, and kept behind Queue and Store.
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
  ],
  targets: [
    // The ground: what the machine and the settings files give. Imports none of our rooms.
    .target(name: "CMachine", linkerSettings: [.linkedLibrary("sqlite3")]),
    room("Machine", ["CMachine"]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    room("Compression", ["CZlib"]),
    room("Settings", [.product(name: "Yams", package: "Yams")]),

    // The rooms, in the way of the data (ARCHITECTURE.md).
    .systemLibrary(name: "CModbus", pkgConfig: "libmodbus", providers: [.apt(["libmodbus-dev"])]),
    room("Events", [crypto]),
    room(
      "Devices",
      [
        "Events", "Machine", "Settings", "CModbus", log,
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
      ],
      // In the program itself: an installed binary needs no file beside it.
      resources: [
        .embedInCode("Codes/Tables/application-identifiers.txt"),
        .embedInCode("Codes/Tables/data-identifiers.txt"), .embedInCode("Codes/Tables/iso-codes.txt"),
      ]),
    room(
      "Stations",
      [
        "Events", "Devices", "Settings", log,
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
      ]),
    room(
      "Queue",
      [
        "Events", "Machine", log, .product(name: "GRDBSQLite", package: "GRDB.swift"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
      ]),
    room(
      "Forward",
      [
        "Compression", "Events", "Machine", "Queue", client, log, .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOFoundationCompat", package: "swift-nio"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
      ]),
    room(
      "Store",
      [
        "Events", "Machine", "Settings", crypto, log, .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
      ]),
    room(
      "Web",
      [
        "Compression", "Events", "Machine", "Devices", "Stations", "Queue", "Forward", "Store", hummingbird, log,
        lifecycle, .product(name: "HummingbirdTLS", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ]),
    .executableTarget(
      name: "lotline",
      dependencies: [
        "Events", "Machine", "Settings", "Devices", "Stations", "Queue", "Forward", "Store", "Web",
        log, lifecycle, signals, client,
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),

    // What tests share: scratch folders, real parts, patience without sleeping.
    .target(
      name: "TestParts", dependencies: ["Machine", "Events", "CFaultDisk"], path: "Tests/TestParts",
      swiftSettings: strict),
    // System calls with faults; their definitions come before the C library's in every test program, and in no other.
    .target(name: "CFaultDisk", path: "Tests/CFaultDisk"),
    tests(of: "Compression"),
    tests(of: "Machine"),
    tests(of: "Settings"),
    tests(of: "Events", ["Machine"]),
    tests(
      of: "Devices",
      ["Events", "Machine", "Settings", log, .product(name: "NIOConcurrencyHelpers", package: "swift-nio")]),
    tests(of: "Stations", ["Events", "Devices", "Settings"]),
    tests(
      of: "Queue",
      [
        "Events", "Machine", crypto, log, .product(name: "GRDBSQLite", package: "GRDB.swift"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
      ]),
    tests(
      of: "Forward",
      ["Compression", "Events", "Queue", client, hummingbird, log, .product(name: "NIOCore", package: "swift-nio")]),
    tests(
      of: "Store",
      [
        "Events", log, .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
      ]),
    tests(
      of: "Web",
      [
        "Compression", "Events", "Devices", "Store", "Queue", "Forward", hummingbird, client, lifecycle, log,
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        .product(name: "HummingbirdTesting", package: "hummingbird"),
      ]),
    tests(
      of: "lotline",
      [
        "Events", "Machine", "Settings", "Devices", "Stations", "Queue", "Forward", "Store", client,
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
      ]),
    // Queue, delivery and store on simulated disks and a simulated network, from one seed.
    .testTarget(
      name: "SimulationTests",
      dependencies: [
        "Events", "Queue", "Forward", "Store", "TestParts", crypto, log,
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
      ], swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
