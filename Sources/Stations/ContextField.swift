internal import Events
private import Settings

/// The names of a context's fields, and what the roles of scans and tags have to do with them.
enum ContextField {
  static let plain = Stamp.plainFields
  /// The place of a material whose rule names none.
  static let defaultPlace = "material"
  /// What a scan can mean but a field of the context cannot be.
  static let component = "component"
  static let command = "command"
  static let noRead = "no-read"

  /// Roles are told from places by their names; `material` is the name of the place where a rule gives none.
  static let rolesNoPlaceMayBear = plain + [component, command, noRead]

  /// Whether a context can have a field of that name.
  static func isName(_ name: String) -> Bool {
    plain.contains(name) || (name.hasPrefix(Stamp.materialPrefix) && name.count > Stamp.materialPrefix.count)
  }

  /// The field's name that `name` is a slip of: `material.coil` means `materials.coil`.
  static func nearest(to name: String) -> String? {
    let parts = name.split(separator: ".", maxSplits: 1)
    if parts.count == 2, nearestName(to: String(parts[0]), among: ["materials"]) != nil {
      return Stamp.materialPrefix + parts[1]
    }
    return nearestName(to: name, among: plain)
  }

  /// The field that a role sets; nil where it sets none.
  static func set(by role: String) -> String? {
    role == defaultPlace ? Stamp.materialPrefix + defaultPlace : isName(role) ? role : nil
  }

  /// The order in which events and pages name the fields.
  static func ordered(_ names: some Sequence<String>) -> [String] {
    names.sorted { (rank($0), $0) < (rank($1), $1) }
  }

  private static func rank(_ name: String) -> Int { plain.firstIndex(of: name) ?? plain.count }
}
