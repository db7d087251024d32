/// A pattern as steps of a machine that follows all ways at once.
struct PatternProgram: Sendable {
  enum Step: Sendable {
    /// Goes on if the next scalar is in the set.
    case set(ScalarSet)
    /// Goes both ways; the first is preferred.
    case split(Int, Int)
    case jump(Int)
    /// Notes the place: 2n is the begin of group n, 2n+1 its end.
    case save(Int)
    case start
    case end
    case match
  }

  private(set) var steps: [Step] = []
  let groupCount: Int

  /// The largest program: it bounds the memory, and with the text's length the time of a match.
  static let largest = 2000

  /// Lays the steps of `node`; counts are laid out, so a pattern can be too large.
  init(_ node: PatternNode, groupCount: Int) throws(PatternFault) {
    self.groupCount = groupCount
    try lay(node)
    try add(.match)
  }

  @discardableResult
  private mutating func add(_ step: Step) throws(PatternFault) -> Int {
    guard steps.count < Self.largest else {
      throw PatternFault(
        at: 1, found: "a pattern that takes more than \(Self.largest) steps", allowed: "smaller counts {n,m}")
    }
    steps.append(step)
    return steps.count - 1
  }

  private mutating func lay(_ node: PatternNode) throws(PatternFault) {
    switch node {
    case .set(let set): try add(.set(set))
    case .start: try add(.start)
    case .end: try add(.end)
    case .sequence(let parts): for part in parts { try lay(part) }
    case .alternation(let branches): try lay(alternation: branches)
    case .group(let number, let inner):
      try add(.save(2 * number))
      try lay(inner)
      try add(.save(2 * number + 1))
    case .repetition(let inner, let least, let most, let greedy):
      try lay(inner, least: least, most: most, greedy: greedy)
    }
  }

  private mutating func lay(alternation branches: [PatternNode]) throws(PatternFault) {
    var jumps: [Int] = []
    for branch in branches.dropLast() {
      let split = try add(.split(0, 0))
      try lay(branch)
      jumps.append(try add(.jump(0)))
      steps[split] = .split(split + 1, steps.count)
    }
    if let last = branches.last { try lay(last) }
    for jump in jumps { steps[jump] = .jump(steps.count) }
  }

  private mutating func lay(_ inner: PatternNode, least: Int, most: Int?, greedy: Bool) throws(PatternFault) {
    for _ in 0..<least {
      let begin = steps.count
      try lay(inner)
      if steps.count == begin { return }  // it takes no step, however often: nothing to lay out
    }
    func split(_ into: Int, _ past: Int) -> Step { greedy ? .split(into, past) : .split(past, into) }
    guard let most else {
      let begin = try add(.split(0, 0))
      try lay(inner)
      try add(.jump(begin))
      steps[begin] = split(begin + 1, steps.count)
      return
    }
    var splits: [Int] = []
    for _ in least..<most {
      splits.append(try add(.split(0, 0)))
      try lay(inner)
    }
    for begin in splits { steps[begin] = split(begin + 1, steps.count) }
  }
}
