internal import GRDBSQLite

/// The tables of a queue file, and what tells it from any other SQLite file.
enum Schema {
  static let version = "1"
  /// "Lotq" in the file's header.
  static let applicationID = "1282372721"

  /// Made in one transaction: a file has all of it or none.
  static let statements = [
    "PRAGMA application_id=\(applicationID)",
    """
    CREATE TABLE incarnations(
      ordinal INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, why TEXT NOT NULL,
      through INTEGER, head BLOB, removed INTEGER NOT NULL DEFAULT 0)
    """,
    // key = ordinal << 44 | sequence; proof = the first 8 bytes of the hash after the line
    "CREATE TABLE events(key INTEGER PRIMARY KEY, previous BLOB NOT NULL, proof INTEGER NOT NULL, line BLOB NOT NULL)",
    "CREATE TABLE state(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    """
    CREATE TABLE consumers(
      name TEXT NOT NULL, ordinal INTEGER NOT NULL, received INTEGER NOT NULL, safe INTEGER NOT NULL,
      frees INTEGER NOT NULL, PRIMARY KEY(name, ordinal)) WITHOUT ROWID
    """,
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID",
    // for whoever looks into the file with a tool of SQLite
    """
    CREATE VIEW lines AS SELECT incarnations.id AS incarnation, key & 17592186044415 AS sequence,
      CAST(line AS TEXT) AS line FROM events JOIN incarnations ON incarnations.ordinal = key >> 44
    """,
    "PRAGMA user_version=\(version)",
  ]
}
