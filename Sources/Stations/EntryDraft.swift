internal import Events

/// An entry while it is written, at a place that is known: knows the id of each event before it is there.
struct EntryDraft {
  let place: Place
  let station: String
  let moment: Moment
  private(set) var events: [Event] = []

  init(at place: Place, station: String, moment: Moment) {
    self.place = place
    self.station = station
    self.moment = moment
  }

  /// The id that the next event gets, or one `ahead` of it.
  func next(ahead: Int = 0) -> EventID { place.id(events.count + ahead) }

  /// Adds a fact about the station.
  mutating func add(_ data: some EventData) { add(data, subject: station) }

  /// Adds a fact about something else.
  mutating func add(_ data: some EventData, subject: String) {
    events.append(Event(data, at: moment, subject: subject))
  }

  /// How events of this entry name an event: shorter within one life of the queue.
  func origin(_ id: EventID) -> Stamp.Origin {
    id.incarnation == place.incarnation ? .sequence(id.sequence) : .event(id)
  }

  /// A change of the context, as an event; nothing where nothing changed.
  mutating func addChange(of field: String, from: String?, to: String?, how: ContextData.How, by: EventID) {
    guard from != to else { return }
    add(ContextData(station: station, field: field, from: from, to: to, how: how, by: origin(by)))
  }
}
