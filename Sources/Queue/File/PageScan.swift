internal import Events
internal import Glibc
internal import Machine

/// Finds rows of events in the raw pages of a queue file and its journal, without SQLite's help.
///
/// SQLite reads nothing from a file whose header or inner pages are damaged. Rows prove themselves, so
/// every leaf page can be searched for them, wherever the tree above it leads, and the evidence is only read.
struct PageScan: ~Copyable {
  private let file: Descriptor?
  private let journal: Descriptor?
  private let filePages: Int
  private let journalFrames: Int
  /// The latest frame of each page in the journal.
  private var frames: [UInt32: Int] = [:]

  private static let pageSize = QueueFile.pageSize
  private static let frameSize = QueueFile.journalFrameSize
  private static let journalHeader = 32

  init(path: String) {
    func open(_ path: String) -> Descriptor? {
      let number = Glibc.open(path, O_RDONLY | O_CLOEXEC)
      return number >= 0 ? Descriptor(owning: number) : nil
    }
    file = open(path)
    journal = open(path + "-wal")
    filePages = (size(of: path) ?? 0) / Self.pageSize
    let wholeFrames = max(0, (size(of: path + "-wal") ?? 0) - Self.journalHeader) / Self.frameSize
    let salt = Self.read(journal, at: 16, count: 8)
    let isHeaderSound = Self.read(journal, at: 0, count: 3) == [0x37, 0x7F, 0x06]
    // Frames behind the last commit, or of an earlier round of the journal, were never promised to anybody.
    var committed = 0
    var numbers: [UInt32] = []
    for frame in 0..<wholeFrames {
      let at = Self.journalHeader + frame * Self.frameSize
      guard let header = Self.read(journal, at: at, count: 24) else { break }
      if isHeaderSound, Array(header[8..<16]) != salt { break }
      numbers.append(header[0..<4].reduce(0) { $0 << 8 | UInt32($1) })
      if !isHeaderSound || header[4..<8].contains(where: { $0 != 0 }) { committed = frame + 1 }
    }
    journalFrames = committed
    for frame in 0..<committed { frames[numbers[frame]] = frame }
  }

  /// Pages of the file and of the journal, which are visited by index, the file's first.
  var count: Int { filePages + journalFrames }

  /// The rows on one page that prove themselves.
  func rows(at index: Int) -> [Row] {
    guard let page = index < filePages ? filePage(index) : framePage(index - filePages) else { return [] }
    // the first page has the file's header before the tree's
    let start = index == 0 ? 100 : 0
    guard page[start] == 0x0D else { return [] }
    let cells = Int(page[start + 3]) << 8 | Int(page[start + 4])
    guard start + 8 + cells * 2 <= page.count else { return [] }
    return (0..<cells).compactMap { cell in
      let at = start + 8 + cell * 2
      return row(page, at: Int(page[at]) << 8 | Int(page[at + 1]))
    }
  }

  private func row(_ page: [UInt8], at start: Int) -> Row? {
    var cell = ByteWalk(page, at: start)
    guard let length = cell.varint(), let key = cell.varint(), length > 0, length < Int64(Limit.line + 1024), key > 0
    else { return nil }
    let total = Int(length)
    let local = Self.localSize(total)
    guard let inside = cell.take(local) else { return nil }
    if local == total { return Self.row(Array(inside), key: key) }
    guard let pointer = cell.take(4) else { return nil }
    let next = pointer.reduce(0) { $0 << 8 | UInt32($1) }
    // the newest version of an overflow page is the journal's; if that leads to nothing, the file's may
    for journalFirst in [true, false] {
      var payload = Array(inside)
      if gather(from: next, total: total, into: &payload, journalFirst: journalFirst),
        let row = Self.row(payload, key: key)
      {
        return row
      }
    }
    return nil
  }

  /// How much of a payload stands on its leaf page (SQLite's file format, section 1.6).
  private static func localSize(_ total: Int) -> Int {
    let most = pageSize - 35
    guard total > most else { return total }
    let least = (pageSize - 12) * 32 / 255 - 23
    let wanted = least + (total - least) % (pageSize - 4)
    return wanted <= most ? wanted : least
  }

  private func gather(from first: UInt32, total: Int, into payload: inout [UInt8], journalFirst: Bool) -> Bool {
    var next = first
    while payload.count < total {
      guard next > 0, let page = page(next, journalFirst: journalFirst) else { return false }
      payload.append(contentsOf: page[4..<min(Self.pageSize, 4 + total - payload.count)])
      next = page[0..<4].reduce(0) { $0 << 8 | UInt32($1) }
    }
    return true
  }

  /// Reads a record of the events table: NULL (the key), the hash before, the proof, the line.
  private static func row(_ payload: [UInt8], key: Int64) -> Row? {
    var walk = ByteWalk(payload, at: 0)
    guard let header = walk.varint(), walk.varint() == 0, walk.varint() == 76, let proofType = walk.varint(),
      let lineType = walk.varint(), lineType >= 12, lineType % 2 == 0, walk.at == Int(header),
      let previous = walk.take(32), let hash = ChainHash(Array(previous)), let proof = integer(proofType, &walk),
      let line = walk.take(Int(lineType - 12) / 2), walk.at == payload.count
    else { return nil }
    let row = Row(key: RowKey(packed: key), previous: hash, line: Array(line), proof: proof)
    return row.hash == nil ? nil : row
  }

  private static func integer(_ type: Int64, _ walk: inout ByteWalk) -> Int64? {
    switch type {
    case 1, 2, 3, 4, 5, 6:
      let width = type < 5 ? Int(type) : type == 5 ? 6 : 8
      guard let bytes = walk.take(width), let first = bytes.first else { return nil }
      return bytes.dropFirst().reduce(Int64(Int8(bitPattern: first))) { $0 << 8 | Int64($1) }
    case 8: return 0
    case 9: return 1
    default: return nil
    }
  }

  // MARK: Pages

  private func page(_ number: UInt32, journalFirst: Bool) -> [UInt8]? {
    if journalFirst, let frame = frames[number] { return framePage(frame) }
    return filePage(Int(number) - 1)
  }

  private func filePage(_ index: Int) -> [UInt8]? {
    guard index >= 0, index < filePages, file != nil else { return nil }
    return Self.read(file, at: index * Self.pageSize, count: Self.pageSize)
  }

  private func framePage(_ frame: Int) -> [UInt8]? {
    Self.read(journal, at: Self.journalHeader + frame * Self.frameSize + 24, count: Self.pageSize)
  }

  private static func read(_ file: borrowing Descriptor?, at offset: Int, count: Int) -> [UInt8]? {
    guard let number = descriptorNumber(file) else { return nil }
    var bytes = [UInt8](repeating: 0, count: count)
    return retrying({ pread(number, &bytes, count, off_t(offset)) }) == count ? bytes : nil
  }

  private static func descriptorNumber(_ file: borrowing Descriptor?) -> Int32? {
    switch file {
    case .some(let file): file.number
    case .none: nil
    }
  }
}

/// Reads through bytes that may say anything.
private struct ByteWalk {
  private let bytes: [UInt8]
  private(set) var at: Int

  init(_ bytes: [UInt8], at start: Int) {
    self.bytes = bytes
    at = start
  }

  mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
    guard count >= 0, at + count <= bytes.count else { return nil }
    defer { at += count }
    return bytes[at..<(at + count)]
  }

  /// SQLite's variable-length integer: seven bits a byte, the ninth byte whole.
  mutating func varint() -> Int64? {
    var value: Int64 = 0
    for index in 0..<9 {
      guard let byte = take(1)?.first else { return nil }
      if index == 8 { return value << 8 | Int64(byte) }
      value = value << 7 | Int64(byte & 0x7F)
      if byte & 0x80 == 0 { return value }
    }
    return nil
  }
}
