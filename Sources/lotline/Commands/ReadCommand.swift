import ArgumentParser
import Devices
import Events

struct ReadCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "read", abstract: "Reads a Modbus device once and shows each tag's address, raw words and value.",
    discussion: "It opens a connection of its own: a PLC that allows only one has to be freed by stopping the "
      + "daemon first. Exit status 1 where a value is bad.")

  @Argument(help: "The device's name in the settings.")
  var device: String

  @Flag(help: "Read again every second until Ctrl-C.")
  var watch = false

  @OptionGroup var edge: EdgeOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await reporting {
      let settings = try EdgeSettings.read(edge.config)
      guard let found = settings.devices.first(where: { $0.name == device }) else {
        let names = settings.devices.map(\.name).joined(separator: ", ")
        throw Asking.Failure(description: "\(edge.config) has no device \"\(device)\"; it has: \(names)")
      }
      let reader = try DeviceReadout(found)
      repeat {
        let readouts = try await reader.read()
        show(readouts)
        if !watch, readouts.contains(where: { !$0.value.isGood }) { throw ExitCode(1) }
        if watch { try await Task.sleep(for: .seconds(1)) }
      } while watch
    }
  }

  private func show(_ readouts: [TagReadout]) {
    if output.json {
      var writer = JSONWriter()
      writer.object { writer in
        writer.field("device", device)
        writer.field("time", Moment.now().time)
        writer.key("tags")
        writer.array { writer in for readout in readouts { write(readout, to: &writer) } }
      }
      output.printRaw(writer.bytes)
      return
    }
    var table = Table("GROUP", "TAG", "ADDRESS", "RAW", "VALUE", "UNIT")
    for readout in readouts {
      table.add(
        readout.group, readout.tag, readout.address, words(readout), words(readout.value), readout.unit ?? "")
    }
    table.show()
  }

  private func write(_ readout: TagReadout, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.field("group", readout.group)
      writer.field("tag", readout.tag)
      writer.field("address", readout.address)
      writer.field("raw", words(readout))
      writer.key("value")
      writer.value(readout.value)
      writer.field("unit", readout.unit)
    }
  }

  private func words(_ readout: TagReadout) -> String {
    readout.words.isEmpty
      ? hex(readout.raw)
      : readout.words.map { hex([UInt8($0 >> 8), UInt8($0 & 0xFF)]) }
        .joined(separator: " ")
  }

  private func words(_ value: TagValue) -> String {
    switch value {
    case .bool(let flag): "\(flag)"
    case .int(let number): "\(number)"
    case .double(let number): "\(number)"
    case .decimal(let number): number.text
    case .string(let text): text
    case .bad(let reason, _): "bad: \(reason)"
    }
  }
}
