import GRDB

/// The tables, in numbered steps: plain SQL, the same for SQLite and (with its own types) PostgreSQL.
///
/// The truth is `sources`, `incarnations`, `events`, `holes`, `conflicts`, `silences` and `absences`. All other tables
/// are projections: made from the truth in the same transaction, and made again from it by `rebuild`.
enum Schema {
  /// What this program writes; a store of a later number is refused.
  static let version = 2

  /// The tables that `rebuild` empties and fills again.
  static let projections = [
    "horizons", "stations", "devices", "places", "nodes", "cycles", "cycle_units", "links", "measurements",
    "changes", "marks", "gaps",
  ]

  /// Brings an empty or older store to `version`.
  static func migrate(_ db: Database) throws {
    try db.execute(sql: "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL)")
    let found = try Int.fetchOne(db, sql: "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'schema'") ?? 0
    guard found <= version else {
      throw StoreError(
        "the store has schema \(found), this program knows up to \(version): it was written by a newer Lotline; "
          + "run that one, or restore the backup made before the upgrade")
    }
    for step in steps[found...] { try db.execute(sql: step) }
    try db.execute(
      sql: """
        INSERT INTO meta(key, value) VALUES ('schema', ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value
        """, arguments: ["\(version)"])
  }

  private static let steps = [truth + projected, second]

  /// The horizon of each incarnation by its newest event, and when the central was down.
  private static let second = """
    CREATE TABLE absences(began BIGINT PRIMARY KEY, ended BIGINT NOT NULL);
    DROP TABLE horizons;
    CREATE TABLE horizons(
      source BIGINT NOT NULL, incarnation BIGINT NOT NULL, sequence BIGINT NOT NULL, latest BIGINT NOT NULL,
      PRIMARY KEY(source, incarnation));
    INSERT INTO horizons(source, incarnation, sequence, latest)
      SELECT i.source, i.id, e.sequence, e.time FROM incarnations i JOIN events e ON e.incarnation = i.id
      AND e.sequence = (SELECT MAX(x.sequence) FROM events x WHERE x.incarnation = i.id AND x.time IS NOT NULL);

    """

  private static let truth = """
    CREATE TABLE sources(
      id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, heard BIGINT);
    CREATE TABLE incarnations(
      id INTEGER PRIMARY KEY, source BIGINT NOT NULL, name TEXT NOT NULL,
      through BIGINT NOT NULL, head BLOB NOT NULL, UNIQUE(source, name));
    CREATE TABLE events(
      arrival INTEGER PRIMARY KEY, incarnation BIGINT NOT NULL, sequence BIGINT NOT NULL,
      type TEXT NOT NULL, subject TEXT NOT NULL, time BIGINT, previous BLOB NOT NULL, line BLOB NOT NULL);
    CREATE UNIQUE INDEX events_key ON events(incarnation, sequence);
    CREATE INDEX events_time ON events(time);
    CREATE INDEX events_type ON events(type);
    CREATE INDEX events_subject ON events(subject);
    CREATE TABLE holes(
      incarnation BIGINT NOT NULL, first BIGINT NOT NULL, last BIGINT NOT NULL, before BLOB NOT NULL,
      PRIMARY KEY(incarnation, first));
    CREATE TABLE conflicts(
      incarnation BIGINT NOT NULL, sequence BIGINT NOT NULL, hash BLOB NOT NULL, line BLOB NOT NULL,
      received BIGINT NOT NULL, PRIMARY KEY(incarnation, sequence, hash));
    CREATE TABLE silences(
      source BIGINT NOT NULL, began BIGINT NOT NULL, ended BIGINT NOT NULL, PRIMARY KEY(source, began));

    """

  private static let projected = """
    CREATE TABLE horizons(source BIGINT PRIMARY KEY, latest BIGINT NOT NULL);
    CREATE TABLE stations(station TEXT NOT NULL, source BIGINT NOT NULL, PRIMARY KEY(station, source));
    CREATE TABLE devices(
      source BIGINT NOT NULL, device TEXT NOT NULL, incarnation BIGINT NOT NULL, sequence BIGINT NOT NULL,
      station TEXT NOT NULL, scanner BIGINT NOT NULL, PRIMARY KEY(source, device, incarnation, sequence));
    CREATE TABLE places(
      station TEXT NOT NULL, place TEXT NOT NULL, incarnation BIGINT NOT NULL, sequence BIGINT NOT NULL,
      cycles BIGINT NOT NULL, span BIGINT NOT NULL, PRIMARY KEY(station, place, incarnation, sequence));
    CREATE TABLE nodes(
      kind TEXT NOT NULL, id TEXT NOT NULL, code TEXT NOT NULL, latest BIGINT NOT NULL, PRIMARY KEY(kind, id));
    CREATE INDEX nodes_code ON nodes(kind, code);
    CREATE INDEX nodes_latest ON nodes(kind, latest);
    CREATE TABLE cycles(
      incarnation BIGINT NOT NULL, sequence BIGINT NOT NULL, station TEXT NOT NULL, time BIGINT NOT NULL,
      unit TEXT, lot TEXT, product TEXT, result TEXT, PRIMARY KEY(incarnation, sequence));
    CREATE INDEX cycles_station ON cycles(station, incarnation, sequence);
    CREATE INDEX cycles_lot ON cycles(lot);
    CREATE TABLE cycle_units(
      unit TEXT NOT NULL, incarnation BIGINT NOT NULL, sequence BIGINT NOT NULL, doubt BIGINT NOT NULL,
      PRIMARY KEY(unit, incarnation, sequence));
    CREATE TABLE links(
      incarnation BIGINT NOT NULL, sequence BIGINT NOT NULL, field TEXT NOT NULL, kind TEXT NOT NULL,
      id TEXT NOT NULL, role TEXT NOT NULL, doubt BIGINT NOT NULL,
      PRIMARY KEY(incarnation, sequence, field, kind, id));
    CREATE INDEX links_id ON links(kind, id);
    CREATE TABLE measurements(
      incarnation BIGINT NOT NULL, sequence BIGINT NOT NULL, tag TEXT NOT NULL, station TEXT NOT NULL,
      time BIGINT NOT NULL, number DOUBLE PRECISION, text TEXT, PRIMARY KEY(incarnation, sequence, tag));
    CREATE INDEX measurements_tag ON measurements(station, tag, time);
    CREATE TABLE changes(
      incarnation BIGINT NOT NULL, sequence BIGINT NOT NULL, station TEXT NOT NULL, field TEXT NOT NULL,
      time BIGINT NOT NULL, former TEXT, latter TEXT, how TEXT NOT NULL, origin_incarnation TEXT, origin BIGINT,
      PRIMARY KEY(incarnation, sequence));
    CREATE INDEX changes_field ON changes(station, field, incarnation, sequence);
    CREATE INDEX changes_former ON changes(former);
    CREATE INDEX changes_latter ON changes(latter);
    CREATE TABLE marks(
      unit TEXT NOT NULL, incarnation BIGINT NOT NULL, sequence BIGINT NOT NULL, mark TEXT NOT NULL,
      time BIGINT NOT NULL, PRIMARY KEY(unit, incarnation, sequence));
    CREATE TABLE gaps(
      id TEXT PRIMARY KEY, kind TEXT NOT NULL, source BIGINT, incarnation BIGINT, sequence BIGINT,
      station TEXT, device TEXT, unit TEXT, began BIGINT, ended BIGINT, due BIGINT, count BIGINT, reason TEXT,
      sorted BIGINT NOT NULL);
    CREATE INDEX gaps_sorted ON gaps(sorted, id);
    CREATE INDEX gaps_kind ON gaps(kind, source);
    CREATE INDEX gaps_station ON gaps(station);
    CREATE INDEX gaps_unit ON gaps(unit);

    """
}
