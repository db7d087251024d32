import Settings

extension FuzzTarget {
  /// Settings files: whatever is typed is read, or refused with a line for each problem.
  static let settings = FuzzTarget(name: "settings", longest: 600) { input in
    let text = String(decoding: input, as: UTF8.self)
    // YAML 1.1 ends lines with U+0085, U+2028 and U+2029 too.
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).count
    do {
      let file = try SettingsFile(name: "edge.yaml", text: text)
      var fields = file.root.fields(of: "settings")
      _ = fields.required("source", "a name")?.text
      if let node = fields.optional("queue") {
        var queue = node.fields(of: "{ limit: 10GB }")
        _ = queue.text("path")
        _ = queue.byteCount("limit")
        _ = queue.duration("keep")
        _ = queue.integer("count", in: 1...9)
        _ = queue.number("scale")
        _ = queue.flag("on")
        _ = queue.choice("compress", of: ["gzip", "none"])
        queue.close()
      }
      fields.close()
      try file.check()
    } catch let error as SettingsError {
      claim(!error.problems.isEmpty, "it is refused without a reason")
      for problem in error.problems {
        // 0: the problem is the file's as a whole, which holds nothing.
        claim((0...lines + 1).contains(problem.line), "\(problem) has no line of \(lines)")
        claim(!problem.description.contains("\n"), "\(problem) is more than one line")
        claim(!problem.found.isEmpty && !problem.allowed.isEmpty, "\(problem) does not say enough")
      }
    } catch {
      claim(false, "\(error) is no problem of settings")
    }
  }
}
