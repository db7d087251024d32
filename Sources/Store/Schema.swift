import GRDB

/// The tables, in numbered steps: plain SQL, the same for SQLite and (with its own types, and without `WITHOUT ROWID`)
/// PostgreSQL.
///
/// The truth is `sources`, `incarnations`, `events`, `holes`, `conflicts`, `endings`, `silences`, `absences` and `backups`, with
/// `arrivals` and `contents`, which say in what order events came and what is where. All other tables
/// are projections: made from the truth in the same transaction, and made again from it by `rebuild`.
enum Schema {
  /// What this program writes; a store of a later number is refused.
  static let version = 6
  /// What the first of `steps` makes.
  private static let oldest = 2
  private static let steps = [truth + projected, backedUp, clocked, ended, sought]
  /// From this one on clocks are known: what an older store has is put right by them.
  static let withClocks = 4

  /// The tables that `rebuild` empties and fills again.
  static let projections = [
    "horizons", "stations", "devices", "places", "nodes", "cycles", "cycle_units", "links",
    "changes", "marks", "gaps", "clocks", "corrected",
  ]

  /// Brings an empty or older store to `version`; gives the one that it had, 0 where it was empty.
  static func migrate(_ db: Database) throws -> Int {
    try db.execute(sql: "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL)")
    let found = try check(db)
    for step in steps[max(0, found - oldest + 1)...] { try db.execute(sql: step) }
    try db.execute(
      sql: """
        INSERT INTO meta(key, value) VALUES ('schema', ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value
        """, arguments: ["\(version)"])
    return found
  }

  /// The schema of a store that this program can use, 0 where it is empty; throws where it cannot.
  @discardableResult
  static func check(_ db: Database) throws -> Int {
    let found = try Int.fetchOne(db, sql: "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'schema'") ?? 0
    guard found <= version else {
      throw StoreError(
        "the store has schema \(found), this program knows up to \(version): it was written by a newer Lotline; "
          + "run that one, or restore the backup made before the upgrade")
    }
    guard found == 0 || found >= oldest else {
      throw StoreError(
        "the store has schema \(found), which was never in a release: move the file away; the line PCs send again what "
          + "they still have")
    }
    return found
  }

  private static let truth = """
    CREATE TABLE sources(
      id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, heard BIGINT);
    CREATE TABLE incarnations(
      id INTEGER PRIMARY KEY, source BIGINT NOT NULL, name TEXT NOT NULL,
      through BIGINT NOT NULL, head BLOB NOT NULL, UNIQUE(source, name));
    CREATE TABLE events(
      key INTEGER PRIMARY KEY, type TEXT NOT NULL, subject TEXT NOT NULL, time BIGINT, late BIGINT,
      previous BLOB NOT NULL, line BLOB NOT NULL);
    CREATE INDEX events_held ON events(key) WHERE type = '';
    CREATE TABLE arrivals(
      arrival INTEGER PRIMARY KEY, first BIGINT NOT NULL, last BIGINT NOT NULL, stored BIGINT NOT NULL);
    CREATE TABLE contents(
      arrival BIGINT NOT NULL, type TEXT NOT NULL, subject TEXT NOT NULL, since BIGINT NOT NULL,
      until BIGINT NOT NULL, PRIMARY KEY(arrival, type, subject)) WITHOUT ROWID;
    CREATE INDEX contents_type ON contents(type, arrival);
    CREATE INDEX contents_subject ON contents(subject, arrival);
    CREATE TABLE holes(
      incarnation BIGINT NOT NULL, first BIGINT NOT NULL, last BIGINT NOT NULL, before BLOB NOT NULL,
      PRIMARY KEY(incarnation, first));
    CREATE TABLE conflicts(
      incarnation BIGINT NOT NULL, sequence BIGINT NOT NULL, hash BLOB NOT NULL, line BLOB NOT NULL,
      received BIGINT NOT NULL, PRIMARY KEY(incarnation, sequence, hash));
    CREATE TABLE silences(
      source BIGINT NOT NULL, began BIGINT NOT NULL, ended BIGINT NOT NULL, PRIMARY KEY(source, began));
    CREATE TABLE absences(began BIGINT PRIMARY KEY, ended BIGINT NOT NULL);

    """

  /// How far each incarnation is in a verified backup, and which backups there were; they are of the truth as well.
  private static let backedUp = """
    ALTER TABLE incarnations ADD COLUMN safe BIGINT NOT NULL DEFAULT 0;
    CREATE TABLE backups(
      id INTEGER PRIMARY KEY, taken BIGINT NOT NULL, file TEXT NOT NULL, bytes BIGINT NOT NULL, sha256 TEXT NOT NULL,
      events BIGINT NOT NULL);

    """

  /// What was said of the line PCs' clocks, which events were in truth at another time than they say, and what gaps
  /// said before they were put right.
  private static let clocked = """
    CREATE TABLE clocks(
      incarnation BIGINT NOT NULL, sequence BIGINT NOT NULL, source BIGINT NOT NULL, boot TEXT, time BIGINT NOT NULL,
      boottime BIGINT NOT NULL, synchronised BIGINT NOT NULL, PRIMARY KEY(incarnation, sequence)) WITHOUT ROWID;
    CREATE INDEX clocks_boot ON clocks(source, boot) WHERE boot IS NOT NULL;
    CREATE INDEX clocks_start ON clocks(incarnation, sequence) WHERE boot IS NOT NULL;
    CREATE TABLE corrected(
      incarnation BIGINT NOT NULL, sequence BIGINT NOT NULL, time BIGINT NOT NULL,
      PRIMARY KEY(incarnation, sequence)) WITHOUT ROWID;
    ALTER TABLE gaps ADD COLUMN began_stamped BIGINT;
    ALTER TABLE gaps ADD COLUMN ended_stamped BIGINT;

    """

  /// Where queues said that an incarnation ended, of which more is here or something else.
  private static let ended = """
    CREATE TABLE endings(
      incarnation BIGINT NOT NULL, through BIGINT NOT NULL, head BLOB NOT NULL,
      PRIMARY KEY(incarnation, through, head)) WITHOUT ROWID;

    """

  /// Other indexes for what most events leave: a lot's cycles are found by its links, a code stands in its index only where
  /// it is not the identifier itself, and the ledger's kinds only where a source tells of them; a cycle's units are found.
  private static let sought = """
    DROP INDEX cycles_lot;
    DROP INDEX nodes_code;
    CREATE INDEX nodes_code ON nodes(kind, code) WHERE code <> id;
    DROP INDEX gaps_kind;
    CREATE INDEX gaps_kind ON gaps(kind, source) WHERE source IS NOT NULL;
    CREATE INDEX gaps_chain ON gaps(incarnation) WHERE \(ofChain);
    CREATE INDEX cycle_units_cycle ON cycle_units(incarnation, sequence);

    """

  /// Which gaps the chain itself shows: the condition of their index, word for word.
  static let ofChain = "kind IN ('sequence-hole', 'held', 'conflict')"

  /// Which changes are of a station's materials: the condition of their two indexes, word for word.
  static let ofMaterials = "field >= 'materials.' AND field < 'materials/'"

  private static let projected = """
    CREATE TABLE horizons(
      source BIGINT NOT NULL, incarnation BIGINT NOT NULL, sequence BIGINT NOT NULL, latest BIGINT NOT NULL,
      PRIMARY KEY(source, incarnation));
    CREATE TABLE stations(station TEXT NOT NULL, source BIGINT NOT NULL, PRIMARY KEY(station, source));
    CREATE TABLE devices(
      source BIGINT NOT NULL, device TEXT NOT NULL, incarnation BIGINT NOT NULL, sequence BIGINT NOT NULL,
      station TEXT NOT NULL, scanner BIGINT NOT NULL, PRIMARY KEY(source, device, incarnation, sequence));
    CREATE TABLE places(
      station TEXT NOT NULL, place TEXT NOT NULL, incarnation BIGINT NOT NULL, sequence BIGINT NOT NULL,
      cycles BIGINT NOT NULL, span BIGINT NOT NULL, PRIMARY KEY(station, place, incarnation, sequence));
    CREATE TABLE nodes(
      kind TEXT NOT NULL, id TEXT NOT NULL, code TEXT NOT NULL, latest BIGINT NOT NULL,
      PRIMARY KEY(kind, id)) WITHOUT ROWID;
    CREATE INDEX nodes_code ON nodes(kind, code);
    CREATE INDEX nodes_latest ON nodes(latest) WHERE kind = 'unit';
    CREATE TABLE cycles(
      incarnation BIGINT NOT NULL, sequence BIGINT NOT NULL, station TEXT NOT NULL, time BIGINT NOT NULL,
      unit TEXT, lot TEXT, product TEXT, result TEXT, PRIMARY KEY(incarnation, sequence)) WITHOUT ROWID;
    CREATE INDEX cycles_station ON cycles(station, incarnation, sequence);
    CREATE INDEX cycles_lot ON cycles(lot);
    CREATE TABLE cycle_units(
      unit TEXT NOT NULL, incarnation BIGINT NOT NULL, sequence BIGINT NOT NULL, doubt BIGINT NOT NULL,
      PRIMARY KEY(unit, incarnation, sequence)) WITHOUT ROWID;
    CREATE TABLE links(
      incarnation BIGINT NOT NULL, sequence BIGINT NOT NULL, field TEXT NOT NULL, kind TEXT NOT NULL,
      id TEXT NOT NULL, role TEXT NOT NULL, doubt BIGINT NOT NULL,
      PRIMARY KEY(incarnation, sequence, field, kind, id)) WITHOUT ROWID;
    CREATE INDEX links_id ON links(kind, id);
    CREATE TABLE changes(
      incarnation BIGINT NOT NULL, sequence BIGINT NOT NULL, station TEXT NOT NULL, field TEXT NOT NULL,
      time BIGINT NOT NULL, former TEXT, latter TEXT, how TEXT NOT NULL, origin_incarnation TEXT, origin BIGINT,
      PRIMARY KEY(incarnation, sequence)) WITHOUT ROWID;
    CREATE INDEX changes_field ON changes(station, field, incarnation, sequence);
    CREATE INDEX changes_former ON changes(former) WHERE \(ofMaterials);
    CREATE INDEX changes_latter ON changes(latter) WHERE \(ofMaterials);
    CREATE TABLE marks(
      unit TEXT NOT NULL, incarnation BIGINT NOT NULL, sequence BIGINT NOT NULL, mark TEXT NOT NULL,
      time BIGINT NOT NULL, PRIMARY KEY(unit, incarnation, sequence)) WITHOUT ROWID;
    CREATE TABLE gaps(
      id TEXT PRIMARY KEY, kind TEXT NOT NULL, source BIGINT, incarnation BIGINT, sequence BIGINT,
      station TEXT, device TEXT, unit TEXT, began BIGINT, ended BIGINT, due BIGINT, count BIGINT, reason TEXT,
      sorted BIGINT NOT NULL) WITHOUT ROWID;
    CREATE INDEX gaps_sorted ON gaps(sorted, id);
    CREATE INDEX gaps_kind ON gaps(kind, source);
    CREATE INDEX gaps_station ON gaps(station);
    CREATE INDEX gaps_unit ON gaps(unit);

    """
}
