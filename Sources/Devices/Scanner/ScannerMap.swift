internal import Settings

/// How a scanner frames what it reads, on a serial line or a connection, and what its codes mean.
public struct ScannerMap: Sendable {
  public let about: String?
  public let line: SerialLine
  public let frame: FrameRule
  public private(set) var acknowledge: Answers
  /// The same bytes again within this time are the scanner's own repetition of a code that it saw no answer to.
  ///
  /// Nil: they never are.
  public let repeatWithin: Duration?
  /// What the scanner sends in place of a code that it could not read.
  public let noRead: [UInt8]?
  /// Whether a code that no rule knows is refused, though it is kept.
  public let refusesUnknown: Bool
  /// A scanner that reads nothing valid for so long is worth a finding; nil: never.
  public let silentAfter: Duration?
  /// The scanner sends an AIM identifier (`]d2`) before each code; it becomes the scan's symbology.
  public let hasAIM: Bool
  /// The scanner is known to send GS1's separators (FNC1) as GS: the last field of a code is whole.
  public let sendsSeparators: Bool
  /// The first that matches wins.
  public let codes: [CodeRule]

  /// What is written to the scanner once it is known what became of a scan; empty: nothing.
  public struct Answers: Sendable, Hashable {
    /// The scan is on disk, and it is of use.
    public var accepted: [UInt8] = []
    /// It is not on disk, or it is of no use: the operator has to scan again.
    public var refused: [UInt8] = []

    public init(accepted: [UInt8] = [], refused: [UInt8] = []) {
      self.accepted = accepted
      self.refused = refused
    }
  }

  /// The time after which the commonest scanners send again what was not answered is 2 s.
  static let usualRepetition: Duration = .milliseconds(2500)

  /// A map without rules: for looking at what a port says.
  public init(
    about: String? = nil, line: SerialLine = SerialLine(), frame: FrameRule, acknowledge: Answers = Answers(),
    hasAIM: Bool = false
  ) {
    self.about = about
    self.line = line
    self.frame = frame
    self.acknowledge = acknowledge
    repeatWithin = nil
    noRead = nil
    refusesUnknown = false
    silentAfter = nil
    self.hasAIM = hasAIM
    sendsSeparators = false
    codes = []
  }

  /// Reads the fields after `kind`; problems go to the file.
  ///
  /// Nil if the map cannot be used.
  init?(_ fields: inout Fields) {
    about = fields.text("about")
    line = fields.optional("line").map { SerialLine($0) } ?? SerialLine()
    acknowledge = fields.optional("acknowledge").map { Answers($0) } ?? Answers()
    repeatWithin = Self.repetition(&fields, acknowledge)
    noRead = Self.noRead(&fields)
    refusesUnknown = fields.choice("unknown", of: ["keep", "refuse"]) == "refuse"
    silentAfter = fields.duration("silent-after", atLeast: .seconds(1))
    hasAIM = fields.flag("aim") ?? false
    sendsSeparators = fields.choice("separators", of: ["sent"]) != nil
    codes = fields.optional("codes").map { CodeRule.rules($0) } ?? []
    _ = fields.choice("encoding", of: ["utf-8"], notYet: Self.otherEncodings)
    let frame = fields.required("frame", "what ends a frame, such as { end: \"\\r\" }").flatMap { FrameRule($0) }
    guard let frame else { return nil }
    self.frame = frame
  }

  /// The same map with nothing to be written to the scanner.
  var unanswered: ScannerMap {
    var map = self
    map.acknowledge = Answers()
    return map
  }

  private static let otherEncodings = [
    "ascii", "latin-1", "iso-8859-1", "iso-8859-15", "windows-1252", "shift-jis", "gbk", "gb18030", "big5", "utf-16",
  ]
}
