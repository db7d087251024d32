/// The way of units from one station to the next: a few have room on it, then the station before waits.
actor Conveyor {
  private let room: Int
  private var units: [String] = []
  private var isClosed = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(room: Int = 3) { self.room = room }

  func put(_ unit: String) async {
    while units.count >= room { await change() }
    units.append(unit)
    wake()
  }

  /// The next unit; nil after the last one.
  func take() async -> String? {
    while units.isEmpty {
      if isClosed { return nil }
      await change()
    }
    defer { wake() }
    return units.removeFirst()
  }

  /// Nothing more comes.
  func close() {
    isClosed = true
    wake()
  }

  private func change() async { await withCheckedContinuation { waiting.append($0) } }

  private func wake() {
    let woken = waiting
    waiting = []
    for continuation in woken { continuation.resume() }
  }
}
