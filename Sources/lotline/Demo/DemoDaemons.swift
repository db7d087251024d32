import Foundation

/// The central and the edge of the demo: started, stopped, killed and started again.
actor DemoDaemons {
  private let folder: DemoFolder
  private let answers: DemoAnswers
  private var central: DaemonProcess?
  private var edge: DaemonProcess?
  /// What a daemon did that it should not have done.
  private(set) var complaints: [String] = []

  init(folder: DemoFolder) {
    self.folder = folder
    answers = DemoAnswers(folder)
  }

  func start() async throws {
    try await startCentral()
    try await startEdge()
  }

  func startCentral() async throws {
    let process = try DaemonProcess(
      ["central", "run", "--config", folder.centralSettings], log: folder.file("central.log"))
    central = process
    try await ready(process, "the central", answers.central)
  }

  func startEdge() async throws {
    let process = try DaemonProcess(["edge", "run", "--config", folder.edgeSettings], log: folder.file("edge.log"))
    edge = process
    try await ready(process, "the edge", answers.edge)
  }

  /// Stops the central in order, as for an update.
  func stopCentral() async {
    await stop(central, "the central")
    central = nil
  }

  /// Kills the edge, as a power cut would.
  func killEdge() async {
    edge?.kill()
    _ = await edge?.ended(within: .seconds(10))
    edge = nil
  }

  /// Stops both in order.
  func stop() async {
    await stop(edge, "the edge")
    await stop(central, "the central")
    edge = nil
    central = nil
  }

  /// At once, without waiting.
  func kill() {
    edge?.kill()
    central?.kill()
  }

  private func stop(_ process: DaemonProcess?, _ name: String) async {
    guard let process else { return }
    if !process.isRunning { complaints.append("\(name) ended by itself; its last words: \(process.lastWords)") }
    process.terminate()
    switch await process.ended(within: .seconds(10)) {
    case 0?: break
    case let status?: complaints.append("\(name) ended with status \(status); its last words: \(process.lastWords)")
    case nil:
      complaints.append("\(name) did not stop within 10 s of SIGTERM")
      process.kill()
    }
  }

  private func ready(_ process: DaemonProcess, _ name: String, _ asking: Asking) async throws {
    let end = ContinuousClock.now + .seconds(30)
    while await !DemoAnswers.isReady(asking) {
      guard process.isRunning, ContinuousClock.now < end else {
        throw DemoFolder.Failure(
          description: "\(name) did not begin to answer; its last words (\(process.log)):\n\(process.lastWords)")
      }
      try? await Task.sleep(for: .milliseconds(50))
    }
  }
}
