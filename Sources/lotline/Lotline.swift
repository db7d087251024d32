import ArgumentParser

@main
struct Lotline: AsyncParsableCommand {
  func run() async throws {}
}
