internal import Devices
internal import Events

// The form in which a station's memory stands in the queue: one value for the context, one for each group's cycle.
extension StationMemory {
  static let contextPrefix = "context/"
  static let cyclePrefix = "cycle/"

  /// Takes back what the queue kept; nil if the context is there and cannot be read.
  init?(station: String, state: [String: [UInt8]], isMine: (CycleKey) -> Bool) {
    if let bytes = state[Self.contextPrefix + station] {
      guard let json = JSON(bytes) else { return nil }
      incarnation = json["incarnation"]?.text.flatMap { Incarnation($0) }
      for member in json["fields"]?.members ?? [] { context.slots[member.name] = Context.Slot(member.value) }
      components = (json["components"]?.items ?? []).compactMap { Component($0) }
      mode = json["mode"]?.text
      for member in json["scans"]?.members ?? [] { scans[member.name] = LastScan(member.value) }
    }
    cycles = Self.lastCycles(in: state).filter { isMine($0.key) }
  }

  /// The last cycles of all groups of all devices.
  static func lastCycles(in state: [String: [UInt8]]) -> [CycleKey: LastCycle] {
    var cycles: [CycleKey: LastCycle] = [:]
    for (name, bytes) in state where name.hasPrefix(cyclePrefix) {
      let parts = name.dropFirst(cyclePrefix.count).split(separator: "/", maxSplits: 1)
      guard parts.count == 2, let json = JSON(bytes), let trigger = json["trigger"]?.text.flatMap({ UInt64($0) }),
        let time = json["time"]?.time
      else { continue }
      cycles[CycleKey(device: String(parts[0]), group: String(parts[1]))] = LastCycle(trigger: trigger, time: time)
    }
    return cycles
  }

  /// What has to be kept anew because it is not as it was in `old`; all of it in a new life of the queue.
  func changes(since old: StationMemory, station: String) -> [StateChange] {
    let isNewLife = incarnation != old.incarnation
    var changes: [StateChange] = []
    if isNewLife || context != old.context || components != old.components || mode != old.mode || scans != old.scans {
      changes.append(StateChange(key: Self.contextPrefix + station, value: contextBytes))
    }
    for (key, cycle) in cycles.sorted(by: { ($0.key.device, $0.key.group) < ($1.key.device, $1.key.group) })
    where isNewLife || old.cycles[key] != cycle {
      changes.append(StateChange(key: "\(Self.cyclePrefix)\(key.device)/\(key.group)", value: cycle.bytes))
    }
    return changes
  }

  private var contextBytes: [UInt8] {
    var json = JSONWriter()
    json.object { writer in
      writer.field("incarnation", incarnation?.description)
      writer.key("fields")
      writer.object { inner in
        for name in ContextField.ordered(context.slots.keys) {
          inner.key(name)
          context.slots[name]?.write(to: &inner)
        }
      }
      writer.key("components")
      writer.array { inner in
        for component in components {
          inner.object { item in
            item.field("id", component.id)
            item.field("place", component.place)
            item.field("by", component.by.description)
          }
        }
      }
      writer.field("mode", mode)
      guard !scans.isEmpty else { return }
      writer.key("scans")
      writer.object { inner in
        for (device, scan) in scans.sorted(by: { $0.key < $1.key }) {
          inner.key(device)
          inner.object { scan.write(to: &$0) }
        }
      }
    }
    return json.bytes
  }
}

extension StationMemory.LastScan {
  fileprivate init?(_ json: JSON) {
    guard let hash = json["hash"]?.text.flatMap({ UInt64($0, radix: 16) }), let time = json["time"]?.time,
      let boottime = json["boottime"]?.text.flatMap({ UInt64($0) }), let tries = json["tries"]?.whole
    else { return nil }
    self.init(hash: hash, moment: Moment(time: time, boottimeNanoseconds: boottime), tries: Int(clamping: tries))
  }

  /// Numbers that may exceed what readers of JSON take for whole ones are texts.
  fileprivate func write(to json: inout JSONWriter) {
    json.field("hash", String(hash, radix: 16))
    json.field("time", moment.time)
    json.field("boottime", String(moment.boottimeNanoseconds))
    json.field("tries", tries)
  }
}

extension StationMemory.LastCycle {
  /// The trigger is a text, since a counter of 64 bits may exceed what readers of JSON take for a whole number.
  fileprivate var bytes: [UInt8] {
    var json = JSONWriter(capacity: 80)
    json.object { writer in
      writer.field("trigger", String(trigger))
      writer.field("time", time)
    }
    return json.bytes
  }
}

extension StationMemory.Component {
  fileprivate init?(_ json: JSON) {
    guard let id = json["id"]?.text, let by = json["by"]?.text.flatMap({ EventID($0) }) else { return nil }
    self.init(id: id, place: json["place"]?.text, by: by)
  }
}

extension Context.Slot {
  fileprivate init(_ json: JSON) {
    now = json["now"].flatMap { Context.Value($0) }
    formers = (json["formers"]?.items ?? []).compactMap { item in
      guard let value = Context.Value(item), let until = item["until"]?.time else { return nil }
      return Context.Former(value: value, until: Moment(time: until, boottimeNanoseconds: 0))
    }
  }

  fileprivate func write(to json: inout JSONWriter) {
    json.object { writer in
      if let now {
        writer.key("now")
        writer.object { now.write(to: &$0) }
      }
      writer.key("formers")
      writer.array { inner in
        for former in formers {
          inner.object { item in
            former.value.write(to: &item)
            item.field("until", former.until.time)
          }
        }
      }
    }
  }
}

extension Context.Value {
  fileprivate init?(_ json: JSON) {
    guard let text = json["value"]?.text, let how = json["how"]?.text.flatMap(ContextData.How.init(rawValue:)),
      let by = json["by"]?.text.flatMap({ EventID($0) }), let since = json["since"]?.time
    else { return nil }
    self.init(text: text, how: how, by: by, since: Moment(time: since, boottimeNanoseconds: 0))
  }

  fileprivate func write(to json: inout JSONWriter) {
    json.field("value", text)
    json.field("how", how.rawValue)
    json.field("by", by.description)
    json.field("since", since.time)
  }
}
