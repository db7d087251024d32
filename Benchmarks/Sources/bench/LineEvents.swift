import Events

/// Events as a line makes them, five for each unit: its scan, the context that follows, its cycle with four tags and
/// the operator, lot, unit, order and material in effect, and two readings.
struct LineEvents {
  let station: String
  private let start = Moment.now()

  init(station: String) { self.station = station }

  /// The event with this number, counted from 1.
  func event(_ number: Int) -> Event {
    let unit = "\(station)-U\(number / 5)"
    let moment = Moment(
      time: start.time.adding(.milliseconds(10 * number)),
      boottimeNanoseconds: start.boottimeNanoseconds + UInt64(number) * 10_000_000)
    func event(_ data: some EventData) -> Event { Event(data, at: moment, subject: station) }
    switch number % 5 {
    case 0:
      return event(
        ScanData(device: "gun-1", raw: Array("U:\(unit)\r".utf8), text: "U:\(unit)", roles: [.init("unit", unit)]))
    case 1:
      return event(
        ContextData(
          station: station, field: "unit", from: nil, to: unit, how: .scanned, by: .sequence(UInt64(max(1, number - 1)))
        ))
    case 2:
      let force = 100 + Double(number % 997) / 10
      let fields = [
        ("operator", "OP-17"), ("lot", "L-\(number / 5000)"), ("unit", unit), ("order", "O-4711"), ("product", "P9"),
        ("materials.coil", "COIL-\(number / 2000)"),
      ]
      return event(
        CycleData(
          device: "press-1", trigger: UInt64(number / 5 % 65536), after: moment.time.adding(.milliseconds(-100)),
          tags: [
            Tag("peak-force", .double(force)), Tag("stroke", .double(12.25)), Tag("oil-temp", .double(43.5)),
            Tag("program", .int(7)),
          ], result: "pass",
          stamp: Stamp(
            station: station,
            fields: fields.map { Stamp.Field(name: $0.0, value: $0.1, by: .sequence(UInt64(max(1, number - 2)))) })))
    default:
      return event(
        ReadingData(
          device: "press-1", group: "process",
          tags: [Tag("oil-temp", .double(43.5)), Tag("pressure", .double(Double(number % 613) / 4))], stamp: nil))
    }
  }
}
