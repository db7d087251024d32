/// Runs a program over a text, all ways at once, so that no pattern and no text makes it slow.
///
/// Each scalar of the text visits each step at most once: the work is bounded by length × steps. Where
/// several ways match, the one that a backtracking matcher would find first wins.
struct PatternMachine {
  private let program: PatternProgram
  private let text: [Unicode.Scalar]
  private let width: Int
  private var places: [Int]
  private var pending: [Job] = []
  /// Steps visited so far, for the proof that they are bounded.
  private(set) var visits = 0

  private enum Job {
    case visit(Int)
    case restore(slot: Int, place: Int)
  }

  /// The ways that are open at one place of the text, the preferred first.
  private struct Ways {
    var order: [Int] = []
    var isOpen: [Bool]
    var places: [Int]

    mutating func clear() {
      for step in order { isOpen[step] = false }
      order.removeAll(keepingCapacity: true)
    }
  }

  init(_ program: PatternProgram, text: [Unicode.Scalar]) {
    self.program = program
    self.text = text
    width = 2 * program.groupCount
    places = [Int](repeating: -1, count: width)
  }

  /// The places of the groups of the first match, -1 for a group that took no part; nil without a match.
  mutating func run() -> [Int]? {
    let count = program.steps.count
    let none = Ways(isOpen: .init(repeating: false, count: count), places: .init(repeating: -1, count: count * width))
    var current = none
    var coming = none
    var matched: [Int]?
    for position in 0...text.count {
      if matched == nil {
        for slot in 0..<width { places[slot] = -1 }
        open(0, at: position, in: &current)
      }
      if current.order.isEmpty { break }
      coming.clear()
      follow: for step in current.order {
        switch program.steps[step] {
        case .set(let set) where position < text.count && set.contains(text[position]):
          for slot in 0..<width { places[slot] = current.places[step * width + slot] }
          open(step + 1, at: position + 1, in: &coming)
        case .match:
          matched = Array(current.places[(step * width)..<((step + 1) * width)])
          break follow  // what follows is less preferred
        default: continue
        }
      }
      swap(&current, &coming)
    }
    return matched
  }

  /// Opens the way at `step` and all that can be reached from it without a scalar.
  ///
  /// A stack of its own instead of recursion: a device's thread has a small one.
  private mutating func open(_ step: Int, at position: Int, in ways: inout Ways) {
    pending.append(.visit(step))
    while let job = pending.popLast() {
      switch job {
      case .restore(let slot, let place): places[slot] = place
      case .visit(let step):
        if ways.isOpen[step] { continue }
        ways.isOpen[step] = true
        ways.order.append(step)
        visits += 1
        visit(step, at: position, in: &ways)
      }
    }
  }

  private mutating func visit(_ step: Int, at position: Int, in ways: inout Ways) {
    switch program.steps[step] {
    case .jump(let target): pending.append(.visit(target))
    case .split(let first, let second):
      pending.append(.visit(second))
      pending.append(.visit(first))
    case .save(let slot):
      pending.append(.restore(slot: slot, place: places[slot]))
      places[slot] = position
      pending.append(.visit(step + 1))
    case .start: if position == 0 { pending.append(.visit(step + 1)) }
    case .end: if position == text.count { pending.append(.visit(step + 1)) }
    case .set, .match:
      for slot in 0..<width { ways.places[step * width + slot] = places[slot] }
    }
  }
}
