import Settings
import Testing

@Suite struct ValueTests {
  @Test(
    arguments: [
      ("500ms", .milliseconds(500)), ("1s", .seconds(1)), ("1.5s", .milliseconds(1500)), ("5m", .seconds(300)),
      ("12h", .seconds(43200)), ("30d", .seconds(2_592_000)), ("0s", .zero), ("0.25ms", .zero),
      ("100000d", .seconds(8_640_000_000)),
    ] as [(String, Duration)])
  func `a time is read in its unit`(text: String, duration: Duration) {
    #expect(parseDuration(text) == duration)
  }

  @Test(arguments: ["", "5", "s", "-1s", "+1s", "1 s", "1e3s", "1S", "five", "1.2.3s", "٣s", "999999999d", "nans"])
  func `what is no time is refused`(text: String) {
    #expect(parseDuration(text) == nil)
  }

  @Test(arguments: [
    ("500kB", 500_000), ("10MB", 10_000_000), ("10GB", 10_000_000_000), ("2GiB", 2_147_483_648), ("1KiB", 1024),
    ("1.5MB", 1_500_000), ("4096", 4096), ("12B", 12), ("1TB", 1_000_000_000_000), ("1MiB", 1_048_576),
    ("1TiB", 1_099_511_627_776), ("1KB", 1000),
  ])
  func `a size is read in its unit`(text: String, bytes: Int) {
    #expect(parseByteCount(text) == bytes)
  }

  @Test(arguments: ["", "GB", "-1GB", "10 GB", "10gb", "ten", "9999999TB", "1e9", "0x10"])
  func `what is no size is refused`(text: String) {
    #expect(parseByteCount(text) == nil)
  }

  @Test(
    arguments: [
      (.zero, "0s"), (.milliseconds(500), "500ms"), (.seconds(1), "1s"), (.milliseconds(1500), "1500ms"),
      (.seconds(90), "90s"), (.seconds(300), "5m"), (.seconds(43200), "12h"), (.seconds(2_592_000), "30d"),
    ] as [(Duration, String)])
  func `a time is written in the largest unit that fits`(duration: Duration, text: String) {
    #expect(format(duration) == text)
    #expect(parseDuration(text) == duration)
  }

  @Test func `values that do not fit say what would`() throws {
    let text = """
      flag: "true"
      count: 70000
      whole: 1.5
      force: NaN
      rate: 5
      limit: big
      mode: chnage
      later: bcd32
      name:
      list: [1]
      """
    let found = try problems(text) { root in
      var fields = root.fields(of: "settings")
      _ = fields.flag("flag")
      _ = fields.integer("count", in: 0...65535)
      _ = fields.integer("whole", in: 0...9)
      _ = fields.number("force")
      _ = fields.duration("rate", atLeast: .milliseconds(10))
      _ = fields.byteCount("limit")
      _ = fields.choice("mode", of: ["change", "always"])
      _ = fields.choice("later", of: ["bool", "int16"], notYet: ["bcd16", "bcd32"])
      _ = fields.text("name")
      _ = fields.text("list", "a name")
      fields.close()
    }
    #expect(
      found == [
        "edge.yaml:1: flag: found \"true\" in quotes; allowed: true or false, without quotes",
        "edge.yaml:2: count: found \"70000\"; allowed: a whole number from 0 to 65535",
        "edge.yaml:3: whole: found \"1.5\"; allowed: a whole number from 0 to 9",
        "edge.yaml:4: force: found \"NaN\"; allowed: a number",
        "edge.yaml:5: rate: found \"5\"; allowed: a time such as 500ms, 1s, 5m, 12h or 30d, at least 10ms",
        "edge.yaml:6: limit: found \"big\"; allowed: a size such as 500MB, 10GB or 2GiB",
        "edge.yaml:7: mode: found \"chnage\"; allowed: change, always; did you mean \"change\"?",
        "edge.yaml:8: later: found \"bcd32\"; allowed: bool, int16: bcd32 is not supported yet",
        "edge.yaml:9: name: found nothing; allowed: a text",
        "edge.yaml:10: list: found a list; allowed: a name",
      ])
  }

  @Test func `values that fit are read and leave no problem`() throws {
    let found = try problems(
      "flag: true\ncount: 65535\nforce: -1.5e3\nrate: 10ms\nlimit: 10GB\nmode: always\nname: \"~\"\n"
    ) {
      root in
      var fields = root.fields(of: "settings")
      let flagValue = fields.flag("flag")
      #expect(flagValue == true)
      let countValue = fields.integer("count", in: 0...65535)
      #expect(countValue == 65535)
      let forceValue = fields.number("force")
      #expect(forceValue == -1500)
      let rateValue = fields.duration("rate", atLeast: .milliseconds(10))
      #expect(rateValue == .milliseconds(10))
      let limitValue = fields.byteCount("limit")
      #expect(limitValue == 10_000_000_000)
      let modeValue = fields.choice("mode", of: ["change", "always"])
      #expect(modeValue == "always")
      let nameValue = fields.text("name")
      #expect(nameValue == "~")
      fields.close()
    }
    #expect(found == [])
  }

  @Test(
    arguments: [
      ("opertaor", "operator"), ("unti", "unit"), ("max_length", "max-length"), ("MaxLength", "max-length"),
      ("cordinate", nil), ("x", nil), ("", nil), ("unit", "unit"), ("units", "unit"), ("length", "max-length"),
    ] as [(String, String?)])
  func `the nearest name is one that looks like a slip`(name: String, nearest: String?) {
    #expect(nearestName(to: name, among: ["operator", "unit", "lot", "max-length"]) == nearest)
  }

  @Test(arguments: [
    ("flag: yes", "flag: found \"yes\"; allowed: true or false; did you mean \"true\"?"),
    ("flag: Off", "flag: found \"Off\"; allowed: true or false; did you mean \"false\"?"),
    ("flag: maybe", "flag: found \"maybe\"; allowed: true or false"),
    ("count: 010", "count: found \"010\", which may be 10 or, in octal, 8; allowed: no zero in front"),
    ("rate: 1 s", "rate: found \"1 s\"; allowed: a time such as 500ms, 1s, 5m, 12h or 30d; did you mean \"1s\"?"),
    (
      "rate: 0,5sec",
      "rate: found \"0,5sec\"; allowed: a time such as 500ms, 1s, 5m, 12h or 30d; did you mean \"500ms\"?"
    ),
    (
      "rate: 10 Hz", "rate: found \"10 Hz\"; allowed: a time such as 500ms, 1s, 5m, 12h or 30d; did you mean \"100ms\"?"
    ),
    ("rate: 2 min", "rate: found \"2 min\"; allowed: a time such as 500ms, 1s, 5m, 12h or 30d; did you mean \"2m\"?"),
    ("rate: soon", "rate: found \"soon\"; allowed: a time such as 500ms, 1s, 5m, 12h or 30d"),
    ("limit: 10 gb", "limit: found \"10 gb\"; allowed: a size such as 500MB, 10GB or 2GiB; did you mean \"10GB\"?"),
    ("limit: 5G", "limit: found \"5G\"; allowed: a size such as 500MB, 10GB or 2GiB; did you mean \"5GB\"?"),
    (
      "{ force: 2,5 }",
      "5: found \"5\" behind a comma; allowed: a decimal point where it belongs to the number before: 0.5"
    ),
  ])
  func `what other programs would take is answered with how it is written here`(text: String, said: String) throws {
    let found = try problems(text) { root in
      var fields = root.fields(of: "settings")
      _ = fields.flag("flag")
      _ = fields.integer("count", in: 0...100)
      _ = fields.number("force")
      _ = fields.duration("rate")
      _ = fields.byteCount("limit")
      fields.close()
    }
    #expect(found == ["edge.yaml:1: \(said)"])
  }

  @Test func `a problem without line or field still names its file`() {
    #expect(
      Problem(file: "a.yaml", line: 0, field: "", found: "no such file", allowed: "a file").description
        == "a.yaml: found no such file; allowed: a file")
  }
}
