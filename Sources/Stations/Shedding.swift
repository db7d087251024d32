internal import Devices
internal import Events

/// Readings that the queue did not take, by device, until a gap says so.
///
/// The count is all that is left of them (one that a device offers again, since it still differs from what is on
/// disk, counts again). It stands in the queue's state, renewed once a second while it grows: a kill loses what was counted since.
struct Shedding: Sendable, Hashable {
  /// One device's readings that were left out.
  struct Loss: Sendable, Hashable {
    let device: String
    var count: UInt64
    let from: Timestamp
    var to: Timestamp
    let reason: String
  }

  /// In the order in which they began.
  private(set) var losses: [Loss] = []

  var isEmpty: Bool { losses.isEmpty }

  /// A gap waits until nothing was refused for so long: a queue at its limit gives one gap, not one a second.
  static let calm: Duration = .seconds(3)
  /// Nor is it longer than this, where there is room for it.
  static let longest: Duration = .seconds(60)

  /// Counts a reading that was refused.
  mutating func refused(_ device: String, at time: Timestamp, reason: String) {
    if let place = losses.firstIndex(where: { $0.device == device }) {
      losses[place].count += 1
      losses[place].to = max(losses[place].to, time)
    } else {
      losses.append(Loss(device: device, count: 1, from: time, to: time, reason: reason))
    }
  }

  /// Those that are over, or that have lasted long enough to be told.
  func due(at now: Timestamp) -> [Loss] {
    losses.filter { loss in
      let calm = now.since(loss.to)
      // The wall clock may have been put back: then the end lies ahead, and waiting for it would be for ever.
      return calm >= Self.calm || calm < .zero || now.since(loss.from) >= Self.longest
    }
  }

  /// What was told is on disk; what was counted since stays.
  mutating func told(_ loss: Loss) {
    guard let place = losses.firstIndex(where: { $0.device == loss.device }) else { return }
    let more = losses[place].count - min(losses[place].count, loss.count)
    if more == 0 {
      losses.remove(at: place)
    } else {
      losses[place] = Loss(
        device: loss.device, count: more, from: loss.to, to: losses[place].to, reason: losses[place].reason)
    }
  }
}

// The form in which it stands in the queue's state.
extension Shedding {
  static let prefix = "shed/"

  /// Takes back what the queue kept for `station`.
  init(station: String, state: [String: [UInt8]]) {
    guard let json = state[Self.prefix + station].flatMap({ JSON($0) }) else { return }
    losses = (json.items ?? []).compactMap { item in
      guard let device = item["device"]?.text, let count = item["count"]?.whole.flatMap({ UInt64(exactly: $0) }),
        let from = item["from"]?.time, let to = item["to"]?.time
      else { return nil }
      return Loss(device: device, count: count, from: from, to: to, reason: item["reason"]?.text ?? "")
    }
  }

  /// Nothing left to tell removes it.
  func change(of station: String) -> StateChange {
    guard !losses.isEmpty else { return StateChange(key: Self.prefix + station, value: nil) }
    var json = JSONWriter()
    json.array { writer in
      for loss in losses {
        writer.object { item in
          item.field("device", loss.device)
          item.field("count", loss.count)
          item.field("from", loss.from)
          item.field("to", loss.to)
          item.field("reason", loss.reason)
        }
      }
    }
    return StateChange(key: Self.prefix + station, value: json.bytes)
  }
}
