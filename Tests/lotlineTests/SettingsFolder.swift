import TestParts

/// A folder with settings and maps that are right.
enum SettingsFolder {
  static let edge = """
    source: plant1.line3.pc1
    stations:
      ST10:
        title: Press
        product: P9
        cycle-needs: [operator, lot, unit, materials.coil]
        unit-ends: cycle
        cycle: { from: device }
        places: { coil: { grey: { cycles: 1, time: 0s } } }
        devices:
          press-1: { map: press, address: "127.0.0.1:502", unit: 1 }
          gun-1: { map: gun, port: /dev/ttyACM0 }
      ST20:
        devices:
          gun-2: { map: gun, port: /dev/ttyACM1 }
    queue: { path: /tmp/queue.db, limit: 10GB, keep: 30d }
    central: { url: "https://trace.plant1:8480", token-file: /t, ca-file: /ca }
    web: { listen: "127.0.0.1:8470" }
    control: { socket: /run/lotline/edge.sock }
    """

  static let press = """
    kind: modbus
    about: Press
    addresses: modicon
    word-order: ABCD
    requests: { timeout: 1s, max-registers: 125, max-gap: 8, pause: 0ms }
    groups:
      process:
        every: 500ms
        report: change
        heartbeat: 60s
        tags:
          force: { at: 40001, type: float32, unit: kN, deadband: 0.2, limits: [80, 120] }
          door: { at: 40020.3, type: bool }
      cycle:
        every: 100ms
        trigger: { tag: count, at: 40100, type: uint16 }
        acknowledge: { at: 40110 }
        tags:
          peak: { at: 40102, type: float32 }
          verdict: { at: 40104, type: uint16, role: result, values: { 1: pass, 2: fail } }
    """

  static let gun = """
    kind: serial
    about: Hand scanner
    line: 9600 8N1
    frame: { end: "\\r" }
    acknowledge: { accepted: "\\x06", refused: "\\x15" }
    aim: true
    codes:
      - { match: "^OP-(?<operator>[0-9]{4})$" }
      - { match: "^C-(?<material>[0-9]+)$", as: coil }
    """

  static let central = """
    store: { sqlite: /tmp/central.db }
    web: { listen: "127.0.0.1:8480" }
    time-zone: Asia/Shanghai
    since: 2026-12-01
    sources:
      pc1: { token-file: /t1 }
      pc2: { pull: "https://pc2.plant1:8470", token-file: /t2, ca-file: /ca }
    routes:
      P9: [ST10, { station: ST20, needs: [peak, result] }]
      P10: [{ any: [ST30, ST31], optional: true }, { station: ST40, within: 8h }]
    readers:
      quality: { token-file: /r }
    backup: { folder: /srv/backup, every: 12h, keep: 3 }
    control: { socket: /run/central.sock }
    """

  /// All files, one of them perhaps in another wording.
  static func make(edge: String = edge, press: String = press, gun: String = gun, central: String = central) throws
    -> ScratchFolder
  {
    let folder = try ScratchFolder()
    try folder.write("edge.yaml", edge)
    try folder.write("central.yaml", central)
    try folder.write("devices/press.yaml", press)
    try folder.write("devices/gun.yaml", gun)
    return folder
  }
}
