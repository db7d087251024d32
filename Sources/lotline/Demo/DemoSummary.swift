import Events

/// How the demo ended: for people a table, for programs one object.
struct DemoSummary: Sendable {
  let seed: UInt64
  let seconds: Double
  let misfortunes: [(seconds: Double, text: String)]
  let comparison: Comparison
  /// What a daemon did that it should not have done, or that could not be asked.
  let complaints: [String]
  let folder: String

  var agrees: Bool { comparison.agrees && complaints.isEmpty }

  var lines: [String] {
    var table = Table("WHAT", "EXPECTED", "FOUND", "UNEXPECTED")
    for row in comparison.rows { table.add(row.what, "\(row.expected)", "\(row.found)", "\(row.unexpected)") }
    var lines = ["", "What the line did, and what the central knows of it:"] + table.lines
    let wrong = comparison.differences + complaints
    lines += wrong.prefix(40).map { "  \($0)" }
    if wrong.count > 40 { lines.append("  and \(wrong.count - 40) more") }
    lines.append(
      agrees
        ? "All agrees: nothing is missing that is not in the ledger of gaps (seed \(seed))."
        : "\(wrong.count) differences (seed \(seed)); settings, logs, queue and store are kept in \(folder)")
    return lines
  }

  var json: [UInt8] {
    var writer = JSONWriter(capacity: 4096)
    writer.object { json in
      json.field("agrees", agrees)
      json.field("seed", seed)
      json.key("seconds")
      json.value(seconds)
      json.key("misfortunes")
      json.array { list in
        for misfortune in misfortunes {
          list.object { inner in
            inner.key("seconds")
            inner.value(misfortune.seconds)
            inner.field("text", misfortune.text)
          }
        }
      }
      json.key("rows")
      json.array { list in
        for row in comparison.rows {
          list.object { inner in
            inner.field("what", row.what)
            inner.field("expected", row.expected)
            inner.field("found", row.found)
            inner.field("unexpected", row.unexpected)
          }
        }
      }
      json.key("differences")
      json.array { list in for line in comparison.differences + complaints { list.value(line) } }
      if !agrees { json.field("folder", folder) }
    }
    return writer.bytes
  }
}
