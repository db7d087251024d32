public import Events

/// What is in effect at a station: for pages and the status.
public struct StationContext: Sendable, Hashable {
  public let station: String
  /// What people call it.
  public let title: String
  /// In the order in which they are always named.
  public let fields: [Field]
  /// Scanned for the next cycle.
  public let components: [String]
  /// What a command said of the next cycle (`scrap`, `rework`).
  public let mode: String?

  /// A field that has a value.
  public struct Field: Sendable, Hashable {
    /// As in a stamp.
    public let name: String
    public let value: String
    /// Nil where the settings say it.
    public let how: ContextData.How?
    /// The event that set it; nil where the settings say it.
    public let by: EventID?
    /// When it was set; nil where the settings say it.
    public let since: Timestamp?
  }

  init(_ settings: StationSettings, _ memory: StationMemory) {
    station = settings.name
    title = settings.title ?? settings.name
    var fields = memory.context.fields.compactMap { name in
      memory.context[name].map {
        Field(name: name, value: $0.text, how: $0.how, by: $0.by, since: $0.since.time)
      }
    }
    if let product = settings.product, memory.context["product"] == nil {
      fields.append(Field(name: "product", value: product, how: nil, by: nil, since: nil))
    }
    self.fields = fields
    components = memory.components.map(\.id)
    mode = memory.mode
  }
}
