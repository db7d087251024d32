import Devices
import Events
import Forward
import Machine
import Queue

/// All that a line PC knows of itself at one moment: what status, metrics and page are made of.
struct EdgeState: Sendable {
  let source: SourceName
  let version: String
  let now: Timestamp
  let queue: QueueStatus
  let devices: [DeviceStatus]
  let contexts: [Stamp]
  let forward: ForwardStatus?
  var listeners: [ListenerStatus] = []
  var settings: SettingsStatus?
  /// When the daemon was started.
  var started: Timestamp?
  var clock: ClockState?
  let primary: String

  /// Events of all incarnations that the central has not confirmed.
  var unsent: UInt64 {
    queue.incarnations.reduce(0) { sum, life in
      let received = life.received[primary] ?? 0
      let last = life.incarnation == queue.incarnation ? queue.last : life.last
      return sum + (last > received ? last - received : 0)
    }
  }

  /// The events whose digest is at the central in their place; one that is only tried yet is not among them.
  var held: [HeldEvent] {
    queue.held.filter { event in
      queue.incarnations.contains { life in
        life.incarnation == event.id.incarnation && life.received[primary] ?? 0 >= event.id.sequence
      }
    }
  }

  var capture: Capture { Capture(queue: queue, devices: devices, forward: forward) }

  var json: [UInt8] {
    var writer = JSONWriter(capacity: 4096)
    writer.object { writer in
      writer.field("source", source.description)
      writer.field("version", version)
      writer.field("started", started)
      writer.field("incarnation", queue.incarnation.description)
      writer.field("time", now)
      writer.field("capturing", capture.sentence())
      writer.key("capture")
      capture.write(to: &writer)
      writer.key("queue")
      write(queue, to: &writer)
      writer.key("incarnations")
      writer.array { writer in for life in queue.incarnations { write(life, to: &writer) } }
      writer.key("devices")
      writer.array { writer in for device in devices { write(device, to: &writer) } }
      writer.key("stations")
      writer.array { writer in for context in contexts { write(context, to: &writer) } }
      writer.key("central")
      writeCentral(to: &writer)
      writer.key("listeners")
      writer.array { writer in for listener in listeners { write(listener, to: &writer) } }
      if let settings {
        writer.key("settings")
        settings.write(to: &writer)
      }
    }
    return writer.bytes
  }

  private func write(_ queue: QueueStatus, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.field("accepting", queue.accepts)
      writer.field("reason", queue.refusing?.description)
      writer.field("last", queue.last)
      writer.field("head", queue.head.description)
      writer.field("unsent", unsent)
      writer.field("rows", queue.rows)
      writer.field("bytes", queue.bytes)
      writer.field("limit_bytes", queue.limitBytes)
      writer.field("shed", queue.shed)
      writer.field("reserve_held", queue.isReserveHeld)
      writer.field("events", queue.counts.events)
      writer.field("commits", queue.counts.commits)
      writer.field("failures", queue.counts.failures)
      writer.field("released", queue.counts.released)
      if let rewind = queue.rewind {
        writer.key("rewind")
        writer.object { writer in
          writer.field("count", queue.counts.rewinds)
          writer.field("at", rewind.at)
          writer.field("incarnation", rewind.incarnation.description)
          writer.field("from", rewind.from)
          writer.field("to", rewind.to)
          writer.field("words", rewind.description)
        }
      }
      writer.key("damaged")
      writer.array { writer in for id in queue.damaged { writer.value(id.description) } }
      writer.key("held")
      writer.array { writer in for event in held { write(event, to: &writer) } }
      writer.key("consumers")
      writer.object { writer in
        for (name, consumer) in queue.consumers.sorted(by: { $0.key < $1.key }) {
          writer.key(name)
          writer.object { writer in
            writer.field("incarnation", consumer.incarnation.description)
            writer.field("received_through", consumer.receivedThrough)
            writer.field("safe_through", consumer.safeThrough)
            writer.field("frees", consumer.frees)
          }
        }
      }
    }
  }

  private func write(_ event: HeldEvent, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.field("id", event.id.description)
      writer.field("since", event.since)
      writer.field("resent", event.resent)
      writer.field("why", event.why)
    }
  }

  private func write(_ life: IncarnationStatus, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.field("incarnation", life.incarnation.description)
      writer.field("first", life.first)
      let isCurrent = life.incarnation == queue.incarnation
      writer.field("last", isCurrent ? queue.last : life.last)
      writer.field("head", (isCurrent ? queue.head : life.head).description)
      writer.field("why", life.why)
      writer.key("received")
      writer.object { writer in
        for (name, through) in life.received.sorted(by: { $0.key < $1.key }) { writer.field(name, through) }
      }
      writer.key("safe")
      writer.object { writer in
        for (name, through) in life.safe.sorted(by: { $0.key < $1.key }) { writer.field(name, through) }
      }
    }
  }

  private func write(_ device: DeviceStatus, to writer: inout JSONWriter) {
    writer.object { writer in
      device.writeStanding(to: &writer)
      writer.field("last_good", device.lastGood)
      writer.field("good", device.good)
      writer.field("missed_polls", device.missedPolls)
      writer.field("repeated_cycles", device.repeatedCycles)
      writer.field("replacements", device.replacements)
      writer.key("faults")
      writer.object { writer in
        for (kind, count) in device.faults.sorted(by: { $0.key < $1.key }) { writer.field(kind, count) }
      }
    }
  }

  private func write(_ context: Stamp, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.field("station", context.station)
      writer.key("context")
      writer.object { writer in for field in context.fields { writer.field(field.name, field.value) } }
      writer.key("by")
      writer.object { writer in
        for field in context.fields {
          switch field.by {
          case .sequence(let number): writer.field(field.name, number)
          case .event(let id): writer.field(field.name, id.description)
          case nil: break
          }
        }
      }
    }
  }

  private func write(_ listener: ListenerStatus, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.field("name", listener.name)
      writer.field("place", listener.place)
      writer.field("listening", listener.isListening)
      writer.field("since", listener.since)
      writer.field("reason", listener.reason)
    }
  }

  private func writeCentral(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.field("unsent", unsent)
      guard let forward else {
        writer.field("state", "pulls")
        return
      }
      writer.field("state", forward.state.rawValue)
      writer.field("words", forward.words)
      writer.field("url", forward.url)
      writer.field("since", forward.since)
      writer.field("reason", forward.reason)
      writer.field("incarnation", forward.incarnation?.description)
      writer.field("received_through", forward.receivedThrough)
      writer.field("safe_through", forward.safeThrough)
      writer.field("last_contact", forward.lastContact)
      writer.field("conflict", forward.conflict)
    }
  }
}

extension DeviceStatus {
  /// Which device it is and where it stands: the same fields in the list of devices and in the status.
  func writeStanding(to writer: inout JSONWriter) {
    writer.field("name", name)
    writer.field("station", station)
    writer.field("kind", kind)
    writer.field("address", address)
    writer.field("state", state?.rawValue)
    writer.field("since", since)
    writer.field("reason", reason)
  }
}
