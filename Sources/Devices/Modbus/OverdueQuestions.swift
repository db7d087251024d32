/// Questions on a serial line whose answer did not come in time, one a unit: it may still come.
struct OverdueQuestions: Sendable {
  private var questions: [Exchange] = []

  var isEmpty: Bool { questions.isEmpty }

  mutating func note(_ exchange: Exchange) {
    questions.removeAll { $0.unit == exchange.unit }
    questions.append(exchange)
  }

  /// Whether what came is the late answer of another unit, whole or so far: it costs the one that is asked nothing.
  ///
  /// That of the same unit cannot be told from a right one, which is why such a unit is left alone for a while
  /// (`Breaker.failed`).
  mutating func isLate(_ received: inout [UInt8], beside unit: UInt8) -> Bool {
    guard let first = received.first, first != unit,
      let index = questions.firstIndex(where: { $0.unit == first })
    else { return false }
    do throws(LineFault) {
      if try questions[index].answer(in: received) != nil {
        questions.remove(at: index)
        received = []
      }
      return true
    } catch {
      return false
    }
  }
}
