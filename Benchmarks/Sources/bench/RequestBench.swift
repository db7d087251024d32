import CReference
import Devices

/// Simulated devices of this process: a thread in C that serves ours and the reference alike.
///
/// - Parameter silent: so many of them, the first, never answer.
func serve(_ count: Int, silent: Int = 0) throws -> [Int32] {
  var ports = [Int32](repeating: 0, count: count)
  guard reference_serve(Int32(count), Int32(silent), &ports) == 0 else {
    throw BenchFailure("no ports for the simulated devices")
  }
  return ports
}

/// Requests a second on one connection, each for 100 registers, against a bare loop of libmodbus.
///
/// All on one core: where the two threads of such a ping-pong sit on two, waking a core that idles is most of the time,
/// and which of both programs meets that is chance.
func requestBench(rounds: Int, turns: Int = 20, each: Int = 1000, registers: Int = 100) async throws -> [Measurement] {
  let port = try serve(1)[0]
  var result = Measurement(
    name: "Modbus requests on one connection", unit: "requests/s", ours: [], goal: .ratioAtLeast(0.9))
  let probe = ModbusProbe(host: "127.0.0.1", port: Int(port))
  _ = try await probe.read(.holding, address: 0, count: UInt16(registers), times: 1000)
  guard reference_one_core(1) == 0 else { throw BenchFailure("the threads cannot be kept on one core") }
  defer { _ = reference_one_core(0) }
  for _ in 0..<rounds {
    // in turns, so that both meet the same moods of the machine
    var (ours, reference) = (0.0, 0.0)
    for _ in 0..<turns {
      let start = ContinuousClock.now
      let bytes = try await probe.read(.holding, address: 0, count: UInt16(registers), times: each)
      ours += (ContinuousClock.now - start).inSeconds
      guard bytes.count == 2 * registers else { throw BenchFailure("an answer of \(bytes.count) bytes") }
      let took = reference_requests(port, Int32(registers), Int32(each))
      guard took > 0 else { throw BenchFailure("libmodbus could not read port \(port)") }
      reference += took
    }
    result.ours.append(Double(turns * each) / ours)
    result.reference.append(Double(turns * each) / reference)
  }
  return [result]
}
