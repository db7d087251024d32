import Events
import Testing

@testable import Devices

/// Which requests bring the values of a map.
struct ModbusPlanTests {
  private static func tag(_ table: ModbusAddress.Table, _ range: Range<Int>, _ name: String) -> ModbusTag {
    let type: ValueType = table.isBits ? .bool : range.count == 1 ? .uint16 : .uint32
    return ModbusTag(name: name, address: ModbusAddress(table: table, number: range.lowerBound, text: name), type: type)
  }

  /// Tags of all tables, near to each other, some over each other.
  private static func tags(_ numbers: inout Seeded, count: Int, within: Int) -> [ModbusTag] {
    (0..<count).map { place in
      let table = ModbusAddress.Table.allCases.randomElement(using: &numbers) ?? .holding
      let width = table.isBits ? 1 : Int.random(in: 1...2, using: &numbers)
      let first = Int.random(in: 0...(within - width), using: &numbers)
      return tag(table, first..<(first + width), "t\(place)")
    }
  }

  private static func limits(_ numbers: inout Seeded, within: Int) -> RequestLimits {
    var limits = RequestLimits()
    limits.maxRegisters = Int.random(in: 2...20, using: &numbers)
    limits.maxGap = Int.random(in: 0...8, using: &numbers)
    guard Bool.random(using: &numbers) else { return limits }
    for table in ModbusAddress.Table.allCases {
      var first = 0
      while first < within {
        let end = min(within, first + Int.random(in: 2...30, using: &numbers))
        limits.readable.append(AddressRange(table: table, range: first..<end))
        first = end + Int.random(in: 0...2, using: &numbers)
      }
    }
    return limits
  }

  /// The least number of requests, found without the plan's rule: by trying, for each set of tags that remains, every
  /// request that could read its first tag.
  private static func least(_ tags: [ModbusTag], _ limits: RequestLimits) -> Int {
    ModbusAddress.Table.allCases.reduce(0) { sum, table in
      let own = tags.filter { $0.address.table == table }
      var known: [Set<Int>: Int] = [:]
      func fewest(_ open: Set<Int>) -> Int {
        guard let first = open.min(by: { (own[$0].range.lowerBound, $0) < (own[$1].range.lowerBound, $1) }) else {
          return 0
        }
        if let found = known[open] { return found }
        var best = Int.max
        let begin = own[first].range.lowerBound
        for end in Set(open.map { own[$0].range.upperBound }) where end > begin {
          let served = open.filter { own[$0].range.lowerBound >= begin && own[$0].range.upperBound <= end }
          guard served.contains(first), isLegal(served.map { own[$0] }, limits) else { continue }
          best = min(best, 1 + fewest(open.subtracting(served)))
        }
        known[open] = best
        return best
      }
      return sum + fewest(Set(own.indices))
    }
  }

  private static func isLegal(_ tags: [ModbusTag], _ limits: RequestLimits) -> Bool {
    let table = tags[0].address.table
    let touched = Set(tags.flatMap { Array($0.range) })
    let all = (touched.min() ?? 0)...(touched.max() ?? 0)
    var gap = 0
    for address in all {
      gap = touched.contains(address) ? 0 : gap + 1
      if gap > limits.maxGap * (table.isBits ? 16 : 1) { return false }
    }
    let isListed =
      limits.readable.isEmpty
      || limits.readable.contains { part in part.table == table && all.allSatisfy(part.range.contains) }
    return isListed && all.count <= limits.maxRegisters * (table.isBits ? 16 : 1)
  }

  @Test(arguments: 0..<8)
  func `the requests of any map are legal, hold each tag whole once, and are as few as can be`(seed: UInt64) {
    var numbers = Seeded(seed: seed)
    for _ in 0..<100 {
      let within = Int.random(in: 12...120, using: &numbers)
      let limits = Self.limits(&numbers, within: within)
      let tags = Self.tags(&numbers, count: Int.random(in: 1...24, using: &numbers), within: within)
        .filter { limits.isReadable($0.range, of: $0.address.table) }
      let requests = RequestPlan.joined(tags, limits: limits)
      #expect(requests.flatMap { $0.tags.map(\.name) }.sorted() == tags.map(\.name).sorted())
      for request in requests {
        #expect(Self.isLegal(request.tags, limits), "\(request), \(limits)")
        #expect(
          request.tags.allSatisfy {
            $0.address.table == request.table && $0.range.clamped(to: request.range) == $0.range
          })
        #expect(request.range == RequestPlan.span(of: request.tags))
      }
      #expect(requests.count == Self.least(tags, limits))
    }
  }

  @Test(arguments: 0..<8)
  func `a device's holes are found, and everything around them is read`(seed: UInt64) {
    var numbers = Seeded(seed: seed &+ 100)
    for _ in 0..<100 {
      var limits = RequestLimits()
      limits.maxGap = Int.random(in: 0...20, using: &numbers)
      let count = Int.random(in: 1...40, using: &numbers)
      let tags = (0..<count).map { place in
        let first = Int.random(in: 0...119, using: &numbers)
        return Self.tag(.holding, first..<(first + Int.random(in: 1...2, using: &numbers)), "t\(place)")
      }
      let absent = Set(
        (0..<Int.random(in: 0...4, using: &numbers)).map { _ in Int.random(in: 0...121, using: &numbers) })
      func isGiven(_ request: PlannedRequest) -> Bool { !request.range.contains(where: absent.contains) }
      var requests = RequestPlan.joined(tags, limits: limits)
      var holes: [AddressRange] = []
      var missing: [ModbusTag] = []
      var searches = 0
      while let place = requests.firstIndex(where: { !isGiven($0) }), searches < 100 {
        searches += 1
        var search = HoleSearch(requests[place], holes: holes)
        var asked = 0
        while let next = search.next {
          search.answered(isGiven: isGiven(next))
          asked += 1
        }
        #expect(asked <= 2 * requests[place].tags.count)
        #expect(search.holes.count > holes.count || !search.missing.isEmpty)
        holes = search.holes
        missing += search.missing
        requests.replaceSubrange(place...place, with: search.requests(limits: limits))
      }
      #expect(searches < 100)
      #expect(requests.allSatisfy(isGiven))
      #expect(missing.allSatisfy { $0.range.contains(where: absent.contains) })
      #expect((requests.flatMap(\.tags) + missing).map(\.name).sorted() == tags.map(\.name).sorted())
    }
  }

  @Test func `a refused request is cut at what nobody asked for`() {
    let tags = [0..<2, 2..<3, 9..<10, 10..<12].enumerated().map { Self.tag(.holding, $0.element, "t\($0.offset)") }
    let whole = PlannedRequest(table: .holding, range: 0..<12, tags: tags)
    #expect(RequestPlan.split(whole).map(\.range) == [0..<3, 9..<12])
    #expect(RequestPlan.split(RequestPlan.split(whole)[0]).map(\.range) == [0..<2, 2..<3])
    #expect(RequestPlan.split(RequestPlan.single(tags[0])) == [])
    // Sixteen bits of one register have nothing between them.
    let bits = (0..<16).map { (bit: Int) in
      ModbusTag(
        name: "b\(bit)", address: ModbusAddress(table: .holding, number: 5, bit: bit, text: ""), type: .bool)
    }
    #expect(RequestPlan.split(PlannedRequest(table: .holding, range: 5..<6, tags: bits)) == [])
  }

  @Test func `a block that one request cannot hold is read around its guard`() throws {
    let yaml = """
      kind: modbus
      readable: ["40001..40200", "40300..40310", "30001"]
      groups:
        cycle:
          trigger: { tag: count, at: 40001, type: uint16 }
          guard: stamp
          tags:
            early: { at: 40002, type: float32 }
            stamp: { at: 40190, type: uint16 }
            last: { at: 40199, type: uint32 }
            far: { at: 40300, type: uint16 }
            level: { at: 30001, type: uint16 }
      """
    guard case .modbus(let map) = try loadedMap(yaml).map else {
      Issue.record("another kind of map")
      return
    }
    #expect(map.groups[0].trigger?.guardTag?.name == "stamp")
    let requests = map.plan.parts.flatMap { part in part.requests.map { "\(part.purpose.rawValue): \($0)" } }
    #expect(
      requests == [
        "trigger: function 3, 1 registers from holding:0",
        "block: function 3, 11 registers from holding:189",
        "block: function 4, 1 registers from input:0",
        "block: function 3, 2 registers from holding:1",
        "block: function 3, 1 registers from holding:299",
        "guard: function 3, 1 registers from holding:189",
      ])
  }
}
