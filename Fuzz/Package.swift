// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "lotline-fuzz",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "lotline", path: "..")],
  targets: [
    .executableTarget(
      name: "fuzz",
      dependencies: [.product(name: "LotlineDecoders", package: "lotline")],
      swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)],
      // gold, the linker that is used otherwise, breaks on libFuzzer's own main beside ours.
      linkerSettings: [.unsafeFlags(["-use-ld=lld"])])
  ]
)
