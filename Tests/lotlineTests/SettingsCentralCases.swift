/// Broken settings of a central, each with all that is said of it.
let brokenCentral = #"""
  - store: { sqlite: /tmp/central.db }
  + store: { postgres: "host=/run/postgresql dbname=lotline" }
  ! central.yaml:1: store.postgres: found "postgres"; allowed: leave it out: postgres is not supported yet

  - store: { sqlite: /tmp/central.db }
  + store: { sqlit: /tmp/central.db }
  ! central.yaml:1: store.sqlit: found unknown key "sqlit"; allowed: sqlite; did you mean "sqlite"?

  - store: { sqlite: /tmp/central.db }
  + store: /tmp/central.db
  ! central.yaml:1: store: found "/tmp/central.db"; allowed: { sqlite: /var/lib/lotline/central.db }

  - web: { listen: "127.0.0.1:8480" }
  + web: { listen: "0.0.0.0:8480" }
  ! central.yaml:2: web.listen: found "0.0.0.0:8480", beyond this PC, without certificate-file, key-file; allowed:
      an address of loopback (127.0.0.1, ::1), or certificate-file, key-file as well

  - web: { listen: "127.0.0.1:8480" }
  + web: { listen: "127.0.0.1" }
  ! central.yaml:2: web.listen: found "127.0.0.1"; allowed: an address and a port, such as "127.0.0.1:8470" or
      "[::1]:8470"

  - web: { listen: "127.0.0.1:8480" }
  + web: { listen: "127.0.0.1:8480", certificate-file: /c }
  ! central.yaml:2: web: found certificate-file without key-file; allowed: both, or neither

  - web: { listen: "127.0.0.1:8480" }
  + web: { token-file: /t }
  ! central.yaml:2: web.token-file: found unknown key "token-file"; allowed: certificate-file, key-file, listen;
      did you mean "key-file"?

  - time-zone: Asia/Shanghai
  + time-zone: Asia/Shangai
  ! central.yaml:3: time-zone: found "Asia/Shangai"; allowed: a time zone such as Asia/Shanghai, Europe/Berlin or
      UTC; did you mean "Asia/Shanghai"?

  - time-zone: Asia/Shanghai
  + time-zone: Beijing time
  ! central.yaml:3: time-zone: found "Beijing time"; allowed: a time zone such as Asia/Shanghai, Europe/Berlin or
      UTC

  - since: 2026-12-01
  + since: 1.12.2026
  ! central.yaml:4: since: found "1.12.2026"; allowed: a day such as 2026-12-01

  - since: 2026-12-01
  + since: 2026-02-30
  ! central.yaml:4: since: found "2026-02-30"; allowed: a day such as 2026-12-01

  - pc1: { token-file: /t1 }
  + pc 1: { token-file: /t1 }
  ! central.yaml:6: sources.pc 1: found "pc 1" as the name of a line PC; allowed: 1 to 64 of A-Z a-z 0-9 . _ -

  - pc1: { token-file: /t1 }
  + pc2: { token-file: /t1 }
  ! central.yaml:7: pc2: found the same key twice, as in line 6; allowed: each key once

  - pc1: { token-file: /t1 }
  + pc1: { token: secret }
  ! central.yaml:6: sources.pc1.token: found unknown key "token"; allowed: ca-file, pull, token-file; did
      you mean "token-file"?

  - pc1: { token-file: /t1 }
  + pc1: { token-file: /t1, ca-file: /ca }
  ! central.yaml:6: sources.pc1.ca-file: found ca-file without pull; allowed: ca-file where the central pulls

  - pc1: { token-file: /t1 }
  + pc1: /t1
  ! central.yaml:6: sources.pc1: found "/t1"; allowed: { token-file: … } of a line PC that pushes, { pull:
      "https://…" } of another

  - pc2: { pull: "https://pc2.plant1:8470", token-file: /t2, ca-file: /ca }
  + pc2: { pull: "http://pc2.plant1:8470" }
  ! central.yaml:7: sources.pc2.pull: found http to another PC, "http://pc2.plant1:8470"; allowed: https; http
      reaches loopback alone

  - pc2: { pull: "https://pc2.plant1:8470", token-file: /t2, ca-file: /ca }
  + pc2: { pull: "ftp://pc2.plant1" }
  ! central.yaml:7: sources.pc2.pull: found "ftp://pc2.plant1"; allowed: https, a host and a port, such as
      "https://trace.plant1:8480"

  - P9: [ST10, { station: ST20, needs: [peak, result] }]
  + P9: ST10
  ! central.yaml:9: routes.P9: found "ST10"; allowed: a list: [ST10, ST20, { station: ST30, needs: [result] }]

  - P9: [ST10, { station: ST20, needs: [peak, result] }]
  + P9: []
  ! central.yaml:9: routes.P9: found an empty list; allowed: at least one station

  - P9: [ST10, { station: ST20, needs: [peak, result] }]
  + P9: [ST10, ST20, ST10]
  ! central.yaml:9: routes.P9[2]: found station "ST10" twice; allowed: each station once: a unit that comes again
      makes another attempt

  - P9: [ST10, { station: ST20, needs: [peak, result] }]
  + P9: [ST10, "ST 20"]
  ! central.yaml:9: routes.P9[1]: found "ST 20"; allowed: a station's name, or { station: ST30, … } or { any:
      [ST30, ST31], … }

  - P9: [ST10, { station: ST20, needs: [peak, result] }]
  + P9: [ST10, { needs: [peak] }]
  ! central.yaml:9: routes.P9[1]: found neither "station" nor "any"; allowed: one of them

  - P9: [ST10, { station: ST20, needs: [peak, result] }]
  + P9: [ST10, { station: ST20, need: [peak] }]
  ! central.yaml:9: routes.P9[1].need: found unknown key "need"; allowed: any, needs, optional, station, within;
      did you mean "needs"?

  - P9: [ST10, { station: ST20, needs: [peak, result] }]
  + P9: [ST10, { station: ST20, any: [ST21, ST22] }]
  ! central.yaml:9: routes.P9[1]: found both "station" and "any"; allowed: one of them

  - P9: [ST10, { station: ST20, needs: [peak, result] }]
  + P9: [ST10, { any: [ST21] }]
  ! central.yaml:9: routes.P9[1]: found "any" of one station; allowed: two or more, or "station"

  - P9: [ST10, { station: ST20, needs: [peak, result] }]
  + P9: [ST10, { any: ST21 }]
  ! central.yaml:9: routes.P9[1].any: found "ST21"; allowed: a list: [ST30, ST31]

  - P9: [ST10, { station: ST20, needs: [peak, result] }]
  + P9: [ST10, { station: ST20, optional: maybe }]
  ! central.yaml:9: routes.P9[1].optional: found "maybe"; allowed: true or false

  - P9: [ST10, { station: ST20, needs: [peak, result] }]
  + P9: [ST10, { station: ST20, within: soon }]
  ! central.yaml:9: routes.P9[1].within: found "soon"; allowed: a time such as 500ms, 1s, 5m, 12h or 30d, at least
      1s

  - P9: [ST10, { station: ST20, needs: [peak, result] }]
  + P9: [ST10, [ST20]]
  ! central.yaml:9: routes.P9[1]: found a list; allowed: a station's name, or { station: ST30, … } or { any:
      [ST30, ST31], … }

  - quality: { token-file: /r }
  + quality: {}
  ! central.yaml:12: readers.quality: found no "token-file"; allowed: token-file: the path of a file

  - quality: { token-file: /r }
  + quality office: { token-file: /r }
  ! central.yaml:12: readers.quality office: found the reader name "quality office"; allowed: 1 to 64 of A-Z a-z
      0-9 . _ -, beginning with a letter or digit

  - readers:
  + reader:
  ! central.yaml:11: reader: found unknown key "reader"; allowed: backup, control, readers, routes, since,
      sources, store, time-zone, web; did you mean "readers"?

  - backup: { folder: /srv/backup, every: 12h, keep: 3 }
  + backup: { every: 12h }
  ! central.yaml:13: backup: found no "folder"; allowed: folder: the path of a folder

  - backup: { folder: /srv/backup, every: 12h, keep: 3 }
  + backup: { folder: backup, every: 10s, keep: 0 }
  ! central.yaml:13: backup.every: found "10s"; allowed: a time such as 500ms, 1s, 5m, 12h or 30d, at least 1m
  ! central.yaml:13: backup.keep: found "0"; allowed: a whole number from 1 to 1000
  ! central.yaml:13: backup.folder: found "backup"; allowed: a path that begins with /

  - backup: { folder: /srv/backup, every: 12h, keep: 3 }
  + backup: { folder: /srv/backup, keeep: 3 }
  ! central.yaml:13: backup.keeep: found unknown key "keeep"; allowed: every, folder, keep; did you mean "keep"?
  """#
