import Devices
import Events
import Settings

/// What a scan asks, and in which order.
struct ScanPlan: Sendable {
  let host: String
  let survey: ModbusSurvey
  let units: [UInt8]
  let tables: [ModbusAddress.Table]
  let addresses: Range<Int>
  let pause: Duration
  let timeout: Duration
  let notation: ModbusAddress.Notation

  /// What one request asks for at most: less than the protocol allows, which some devices do not do.
  static func most(of table: ModbusAddress.Table) -> Int { table.isBits ? 800 : 100 }

  /// What will be sent, said before it is.
  var announcement: [String] {
    let first = units.first ?? 1
    let last = units.last ?? first
    let most = tables.reduce(0) { $0 + RangeSearch.mostRequests(addresses, most: Self.most(of: $1)) }
    let functions = tables.map { "\($0.rawValue) (function \($0.readFunction))" }.joined(separator: ", ")
    return [
      "scanning \(host), reading only, one request at a time with \(format(pause)) between them:",
      "  \(counted(units.count, "unit id")), \(first) to \(last), with one register of the holding table each;",
      "  then of each unit that answers the addresses \(addresses.lowerBound) to \(addresses.upperBound - 1) of "
        + "\(functions): at most \(counted(most, "request")). Ctrl-C ends it.",
    ]
  }

  func run(_ tell: (String) -> Void) async throws -> ScanResult {
    var found: [ScanResult.Unit] = []
    var answering: [UInt8] = []
    for unit in units {
      do throws(Unreachable) {
        if try await answers(unit, tell) { answering.append(unit) }
      } catch {
        // Whom nobody reaches no other unit answers from; what was found before is looked at as far as it goes.
        guard !answering.isEmpty else {
          throw Asking.Failure(description: "scanning \(survey.place): \(error.reason)")
        }
        tell("unit \(unit) and those after it were not asked: \(error.reason)")
        break
      }
      try await Task.sleep(for: pause)
    }
    // A PLC that ignores the unit id is one device, however many ids it answers to.
    let ignoresUnits = answering.count > 3 && answering.count == units.count
    if ignoresUnits, let first = answering.first {
      tell("every unit id answers: this device ignores them, so that only unit \(first) is looked at further")
    }
    for unit in ignoresUnits ? Array(answering.prefix(1)) : answering {
      var tables: [ScanResult.Part] = []
      for table in self.tables {
        let part = try await search(table, of: unit)
        tables.append(part)
        tell("unit \(unit), \(table.rawValue): \(counted(part.requests, "request"))")
      }
      found.append(.init(unit: unit, parts: tables))
    }
    return ScanResult(host: host, answering: answering, units: found, notation: notation)
  }

  /// There is no way to the device now.
  private struct Unreachable: Error {
    let reason: String
  }

  private func answers(_ unit: UInt8, _ tell: (String) -> Void) async throws(Unreachable) -> Bool {
    switch await survey.look(.holding, address: addresses.lowerBound, count: 1, unit: unit) {
    case .data: return true
    // A gateway says of a unit that it does not reach it; every other refusal is the unit's own.
    case .refused(let code, _): return code != 10 && code != 11
    case .silent: return false
    case .broken(let reason):
      tell("unit \(unit): \(reason)")
      return false
    case .unreachable(let reason): throw Unreachable(reason: reason)
    }
  }

  private func search(_ table: ModbusAddress.Table, of unit: UInt8) async throws -> ScanResult.Part {
    var search = RangeSearch(addresses, most: Self.most(of: table))
    var part = ScanResult.Part(table: table)
    var attempts = 0
    while let range = search.next {
      part.requests += 1
      let sight = await survey.look(table, address: range.lowerBound, count: range.count, unit: unit)
      try await Task.sleep(for: pause)
      switch sight {
      case .data: search.found(readable: true)
      case .refused(1, let words):
        part.stopped = words
        return part
      case .refused(let code, let words) where [5, 6, 10, 11].contains(code):
        attempts += 1
        part.stopped = attempts > 3 ? words : nil
      case .refused: search.found(readable: false)
      case .silent(let words), .broken(let words), .unreachable(let words):
        attempts += 1
        part.stopped = attempts > 3 ? words : nil
      }
      if case .data = sight { attempts = 0 }
      part.readable = search.readable
      if part.stopped != nil { return part }
    }
    return part
  }
}

/// What a scan found.
struct ScanResult: Sendable {
  struct Unit: Sendable {
    let unit: UInt8
    let parts: [Part]
  }

  /// One table of a unit.
  struct Part: Sendable {
    let table: ModbusAddress.Table
    var readable: [Range<Int>] = []
    var requests = 0
    /// Why it was not looked at to its end.
    var stopped: String?
  }

  let host: String
  let answering: [UInt8]
  let units: [Unit]
  let notation: ModbusAddress.Notation

  func show() {
    guard !units.isEmpty else {
      print("no unit answers at \(host)")
      return
    }
    print("answering: unit \(answering.map(String.init).joined(separator: ", "))")
    var table = Table("UNIT", "TABLE", "REQUESTS", "READABLE")
    for unit in units {
      for part in unit.parts {
        let ranges = part.readable.map { "\($0.lowerBound)..\($0.upperBound - 1)" }
        let words = ranges.isEmpty && part.stopped == nil ? ["nothing"] : ranges
        table.add(
          "\(unit.unit)", part.table.rawValue, "\(part.requests)",
          (words + (part.stopped.map { ["stopped: \($0)"] } ?? [])).joined(separator: ", "))
      }
    }
    table.show()
    for unit in units {
      print("for a map\(units.count > 1 ? " of unit \(unit.unit)" : ""):")
      print("  \(line(unit))")
    }
  }

  /// `readable: [40001..40100]`.
  private func line(_ unit: Unit) -> String {
    let ranges = unit.parts.flatMap { part in part.readable.map { Self.text($0, of: part.table, notation) } }
    return "readable: [\(ranges.joined(separator: ", "))]"
  }

  /// One range as a map writes it.
  static func text(_ range: Range<Int>, of table: ModbusAddress.Table, _ notation: ModbusAddress.Notation) -> String {
    guard notation == .modicon else { return "\"\(table.rawValue):\(range.lowerBound)..\(range.upperBound - 1)\"" }
    let digit =
      switch table {
      case .coil: "0"
      case .discrete: "1"
      case .input: "3"
      case .holding: "4"
      }
    let width = range.upperBound > 9999 ? 5 : 4
    func modicon(_ number: Int) -> String {
      let digits = String(number + 1)
      return digit + String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    return "\"\(modicon(range.lowerBound))..\(modicon(range.upperBound - 1))\""
  }

  var json: [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.field("host", host)
      writer.key("answering")
      writer.array { list in for unit in answering { list.value(Int(unit)) } }
      writer.key("units")
      writer.array { list in for unit in units { write(unit, to: &list) } }
    }
    return writer.bytes
  }

  private func write(_ unit: Unit, to list: inout JSONWriter) {
    list.object { item in
      item.field("unit", unit.unit)
      item.key("tables")
      item.array { parts in
        for part in unit.parts {
          parts.object { inner in
            inner.field("table", part.table.rawValue)
            inner.field("requests", part.requests)
            inner.field("stopped", part.stopped)
            inner.key("readable")
            inner.array { ranges in
              for range in part.readable {
                ranges.array { ends in
                  ends.value(range.lowerBound)
                  ends.value(range.upperBound - 1)
                }
              }
            }
          }
        }
      }
      item.field("map", line(unit))
    }
  }
}
