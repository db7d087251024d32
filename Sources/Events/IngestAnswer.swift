/// What the central says to a batch: the one answer of push and pull.
///
/// The receipt in each case is how the central stands now, whatever became of this batch.
public enum IngestAnswer: Sendable, Hashable {
  /// All of the batch is committed there, by this batch or before it.
  case receipt(Receipt)
  /// Other bytes are stored there under the number `position`: both are kept, and the branch is closed.
  case conflict(position: UInt64, Receipt)
  /// The batch begins after the number `position`, the next that is missing there; nothing of it was stored.
  case hole(position: UInt64, Receipt)

  /// How the central stands.
  public var receipt: Receipt {
    switch self {
    case .receipt(let receipt), .conflict(_, let receipt), .hole(_, let receipt): receipt
    }
  }
}
