/// Broken settings of an edge, each with all that is said of it.
let brokenEdge = #"""
  - source: plant1.line3.pc1
  ! edge.yaml:1: found no "source"; allowed: source: the line PC's name, such as plant1.line3.pc1

  - source: plant1.line3.pc1
  + source: plant1 line3
  ! edge.yaml:1: source: found "plant1 line3"; allowed: 1 to 64 of A-Z a-z 0-9 . _ -

  - source: plant1.line3.pc1
  + source:
  ! edge.yaml:1: source: found nothing; allowed: 1 to 64 of A-Z a-z 0-9 . _ -

  - source: plant1.line3.pc1
  + sorce: plant1.line3.pc1
  ! edge.yaml:1: found no "source"; allowed: source: the line PC's name, such as plant1.line3.pc1
  ! edge.yaml:1: sorce: found unknown key "sorce"; allowed: alarm, central, control, queue, source, stations, web;
      did you mean "source"?

  - queue: { path: /tmp/queue.db, limit: 10GB, keep: 30d }
  + queue: { path: /tmp/queue.db, limt: 10GB }
  ! edge.yaml:16: queue.limt: found unknown key "limt"; allowed: keep, limit, path; did you mean "limit"?

  - queue: { path: /tmp/queue.db, limit: 10GB, keep: 30d }
  + queue: { limit: 10 gigabytes }
  ! edge.yaml:16: queue.limit: found "10 gigabytes"; allowed: a size such as 500MB, 10GB or 2GiB

  - queue: { path: /tmp/queue.db, limit: 10GB, keep: 30d }
  + queue: { limit: 10kB }
  ! edge.yaml:16: queue.limit: found "10kB"; allowed: at least 1MB

  - queue: { path: /tmp/queue.db, limit: 10GB, keep: 30d }
  + queue: { keep: 30 }
  ! edge.yaml:16: queue.keep: found "30"; allowed: a time such as 500ms, 1s, 5m, 12h or 30d

  - queue: { path: /tmp/queue.db, limit: 10GB, keep: 30d }
  + queue: { path: [a, b] }
  ! edge.yaml:16: queue.path: found a list; allowed: the path of a file

  - queue: { path: /tmp/queue.db, limit: 10GB, keep: 30d }
  + queue: /tmp/queue.db
  ! edge.yaml:16: queue: found "/tmp/queue.db"; allowed: { path: /var/lib/lotline/queue.db, limit: 10GB, keep: 30d
      }

  - queue: { path: /tmp/queue.db, limit: 10GB, keep: 30d }
  + queues: { path: /tmp/queue.db }
  ! edge.yaml:16: queues: found unknown key "queues"; allowed: alarm, central, control, queue, source, stations, web;
      did you mean "queue"?

  - control: { socket: /run/lotline/edge.sock }
  + alarm: { coil: { device: press-2, at: 00017 } }
  ! edge.yaml:19: alarm.coil.device: found "press-2"; allowed: a Modbus device: press-1; did you mean "press-1"?

  - control: { socket: /run/lotline/edge.sock }
  + alarm: { coil: { device: gun-1, at: 00017 } }
  ! edge.yaml:19: alarm.coil.device: found "gun-1", a scanner; allowed: a Modbus device: press-1

  - control: { socket: /run/lotline/edge.sock }
  + alarm: { coil: { device: press-1, at: 40017 } }
  ! edge.yaml:19: alarm.coil.at: found "40017", a holding register; allowed: a coil, as the map of press-1 writes
      addresses: 00017

  - control: { socket: /run/lotline/edge.sock }
  + alarm: { coil: { device: press-1, at: 00017, when: capturing } }
  ! edge.yaml:19: alarm.coil.when: found "capturing"; allowed: not-capturing, central-away; did you mean
      "not-capturing"?

  - control: { socket: /run/lotline/edge.sock }
  + alarm: { coil: { device: press-1 } }
  ! edge.yaml:19: alarm.coil: found no "at"; allowed: at: the coil's address

  - control: { socket: /run/lotline/edge.sock }
  + alarm: { command: lamp }
  ! edge.yaml:19: alarm.command: found "lamp"; allowed: a list: the path of a program, and what it is told:
      [/usr/local/bin/lamp, --line, "3"]

  - control: { socket: /run/lotline/edge.sock }
  + alarm: { command: [lamp] }
  ! edge.yaml:19: alarm.command[0]: found "lamp"; allowed: a path that begins with /: no shell looks for the program

  - control: { socket: /run/lotline/edge.sock }
  + alarm: { command: [] }
  ! edge.yaml:19: alarm.command: found an empty list; allowed: the path of a program

  - control: { socket: /run/lotline/edge.sock }
  + alarm: {}
  ! edge.yaml:19: alarm: found neither coil nor command; allowed: at least one of them, or no alarm

  - control: { socket: /run/lotline/edge.sock }
  + alarm: { lamp: 00017 }
  ! edge.yaml:19: alarm: found neither coil nor command; allowed: at least one of them, or no alarm
  ! edge.yaml:19: alarm.lamp: found unknown key "lamp"; allowed: coil, command

  - title: Press
  + title: [Press]
  ! edge.yaml:4: stations.ST10.title: found a list; allowed: a text

  - title: Press
  + titel: Press
  ! edge.yaml:4: stations.ST10.titel: found unknown key "titel"; allowed: cycle, cycle-needs, devices, places,
      product, title, unit-ends; did you mean "title"?

  - product: P9
  + product: ""
  ! edge.yaml:5: stations.ST10.product: found ""; allowed: a text

  - cycle-needs: [operator, lot, unit, materials.coil]
  + cycle-needs: operator
  ! edge.yaml:6: stations.ST10.cycle-needs: found "operator"; allowed: a list: [operator, lot, unit,
      materials.coil]

  - cycle-needs: [operator, lot, unit, materials.coil]
  + cycle-needs: [operater]
  ! edge.yaml:6: stations.ST10.cycle-needs[0]: found "operater"; allowed: operator, lot, unit, order, product,
      carrier, materials.PLACE; did you mean "operator"?

  - cycle-needs: [operator, lot, unit, materials.coil]
  + cycle-needs: [material.coil]
  ! edge.yaml:6: stations.ST10.cycle-needs[0]: found "material.coil"; allowed: operator, lot, unit, order,
      product, carrier, materials.PLACE; did you mean "materials.coil"?

  - cycle-needs: [operator, lot, unit, materials.coil]
  + cycle-needs: [materials.]
  ! edge.yaml:6: stations.ST10.cycle-needs[0]: found "materials."; allowed: operator, lot, unit, order, product,
      carrier, materials.PLACE

  - cycle-needs: [operator, lot, unit, materials.coil]
  + cycle-needs: [lot, unit, lot]
  ! edge.yaml:6: stations.ST10.cycle-needs[2]: found "lot" twice; allowed: each name once

  - unit-ends: cycle
  + unit-ends: never
  ! edge.yaml:7: stations.ST10.unit-ends: found "never"; allowed: cycle, scan

  - unit-ends: cycle
  + unit-end: cycle
  ! edge.yaml:7: stations.ST10.unit-end: found unknown key "unit-end"; allowed: cycle, cycle-needs, devices,
      places, product, title, unit-ends; did you mean "unit-ends"?

  - cycle: { from: device }
  + cycle: device
  ! edge.yaml:8: stations.ST10.cycle: found "device"; allowed: { from: device } or { from: scans, ends: unit }

  - cycle: { from: device }
  + cycle: { from: devices }
  ! edge.yaml:8: stations.ST10.cycle.from: found "devices"; allowed: device, scans; did you mean "device"?

  - cycle: { from: device }
  + cycle: { from: scans }
  ! edge.yaml:8: stations.ST10.cycle: found no "ends"; allowed: ends: unit

  - cycle: { from: device }
  + cycle: { from: scans, ends: command }
  ! edge.yaml:8: stations.ST10.cycle.ends: found "command"; allowed: unit: command is not supported yet

  - cycle: { from: device }
  + cycle: { from: device, ends: unit }
  ! edge.yaml:8: stations.ST10.cycle.ends: found "ends" with from: device; allowed: ends with from: scans alone

  - cycle: { from: device }
  + cycle: { ends: unit }
  ! edge.yaml:8: stations.ST10.cycle: found no "from"; allowed: from: device or scans

  - places: { coil: { grey: { cycles: 1, time: 0s } } }
  + places: { operator: { grey: { cycles: 1 } } }
  ! edge.yaml:9: stations.ST10.places.operator: found a place called "operator"; allowed: a name that is not a
      role

  - places: { coil: { grey: { cycles: 1, time: 0s } } }
  + places: { coil: { gray: { cycles: 1 } } }
  ! edge.yaml:9: stations.ST10.places.coil.gray: found unknown key "gray"; allowed: grey; did you mean "grey"?

  - places: { coil: { grey: { cycles: 1, time: 0s } } }
  + places: { coil: { grey: { cycles: -1 } } }
  ! edge.yaml:9: stations.ST10.places.coil.grey.cycles: found "-1"; allowed: a whole number from 0 to 1000000

  - places: { coil: { grey: { cycles: 1, time: 0s } } }
  + places: { coil: { grey: { time: 5 } } }
  ! edge.yaml:9: stations.ST10.places.coil.grey.time: found "5"; allowed: a time such as 500ms, 1s, 5m, 12h or 30d

  - places: { coil: { grey: { cycles: 1, time: 0s } } }
  + places: { coil: { grey: 1 } }
  ! edge.yaml:9: stations.ST10.places.coil.grey: found "1"; allowed: { cycles: 1, time: 0s }

  - places: { coil: { grey: { cycles: 1, time: 0s } } }
  + places: [coil]
  ! edge.yaml:9: stations.ST10.places: found a list; allowed: a mapping of places: { coil: { grey: { cycles: 1,
      time: 0s } } }

  - press-1: { map: press, address: "127.0.0.1:502", unit: 1 }
  + press-1: { map: pres, address: "127.0.0.1:502" }
  ! edge.yaml:11: stations.ST10.devices.press-1.map: found "pres"; allowed: a map in devices: gun, press; did you
      mean "press"?

  - press-1: { map: press, address: "127.0.0.1:502", unit: 1 }
  + press-1: { map: devices/press.yaml, address: "127.0.0.1:502" }
  ! edge.yaml:11: stations.ST10.devices.press-1.map: found "devices/press.yaml"; allowed: a map in devices: gun,
      press; did you mean "press"?

  - press-1: { map: press, address: "127.0.0.1:502", unit: 1 }
  + press-1: { address: "127.0.0.1:502" }
  ! edge.yaml:11: stations.ST10.devices.press-1: found no "map"; allowed: map: the name of a map in devices

  - press-1: { map: press, address: "127.0.0.1:502", unit: 1 }
  + press-1: { map: press }
  ! edge.yaml:11: stations.ST10.devices.press-1: found no "address"; allowed: address: HOST or HOST:PORT of the
      Modbus device

  - press-1: { map: press, address: "127.0.0.1:502", unit: 1 }
  + press-1: { map: press, address: "127.0.0.1:70000" }
  ! edge.yaml:11: stations.ST10.devices.press-1.address: found "127.0.0.1:70000"; allowed: HOST or HOST:PORT, an
      IPv6 address in brackets: "[fd00::21]:502"

  - press-1: { map: press, address: "127.0.0.1:502", unit: 1 }
  + press-1: { map: press, address: "127.0.0.1:502", unit: 256 }
  ! edge.yaml:11: stations.ST10.devices.press-1.unit: found "256"; allowed: a whole number from 0 to 255

  - press-1: { map: press, address: "127.0.0.1:502", unit: 1 }
  + press-1: { map: press, port: /dev/ttyACM0 }
  ! edge.yaml:12: stations.ST10.devices.gun-1: found port /dev/ttyACM0; allowed: another port: a scanner and Modbus
      devices share none (see "press-1" in line 11)

  - press-1: { map: press, address: "127.0.0.1:502", unit: 1 }
  + press-1: { map: press, port: /dev/ttyS0, unit: 1 }
  + press-3: { map: press, port: /dev/ttyS0, line: 9600 8N1, unit: 2 }
  ! edge.yaml:12: stations.ST10.devices.press-3: found line: 9600 8N1; allowed: line: 19200 8E1 on the same bus (see
      "press-1" in line 11)

  - press-1: { map: press, address: "127.0.0.1:502", unit: 1 }
  + press-1: { map: press, address: "127.0.0.1:502", unit: 1 }
  + press-3: { map: press, address: "127.0.0.1:502", framing: rtu, unit: 2 }
  ! edge.yaml:12: stations.ST10.devices.press-3: found framing: rtu; allowed: framing: tcp on the same bus (see
      "press-1" in line 11)

  - press-1: { map: press, address: "127.0.0.1:502", unit: 1 }
  + press 1: { map: press, address: "127.0.0.1:502" }
  ! edge.yaml:11: stations.ST10.devices.press 1: found the device name "press 1"; allowed: 1 to 64 of A-Z a-z 0-9
      . _ -, beginning with a letter or digit

  - press-1: { map: press, address: "127.0.0.1:502", unit: 1 }
  + press-1: { map: press, address: "127.0.0.1:502", stations: { cycel: ST20 } }
  ! edge.yaml:11: stations.ST10.devices.press-1.stations.cycel: found the group "cycel"; allowed: a group of the
      map: process, cycle; did you mean "cycle"?

  - press-1: { map: press, address: "127.0.0.1:502", unit: 1 }
  + press-1: { map: press, address: "127.0.0.1:502", stations: { cycle: ST2 } }
  ! edge.yaml:11: stations.ST10.devices.press-1.stations.cycle: found "ST2", a station that is not here; allowed:
      ST10, ST20; did you mean "ST20"?

  - gun-1: { map: gun, port: /dev/ttyACM0 }
  + gun-1: { map: gun, port: ttyACM0 }
  ! edge.yaml:12: stations.ST10.devices.gun-1.port: found "ttyACM0"; allowed: a path that begins with /, such as
      /dev/serial/by-id/...

  - gun-1: { map: gun, port: /dev/ttyACM0 }
  + gun-1: { map: gun, port: /dev/ttyACM0, baud: 9600 }
  ! edge.yaml:12: stations.ST10.devices.gun-1.baud: found unknown key "baud"; allowed: address, map, port,
      stations, unit, usb

  - gun-2: { map: gun, port: /dev/ttyACM1 }
  + gun-1: { map: gun, port: /dev/ttyACM1 }
  ! edge.yaml:15: stations.ST20.devices.gun-1: found "gun-1" again, which station ST10 has already; allowed: a
      name that no other device has

  - ST20:
  + ST 20:
  ! edge.yaml:14: stations.ST 20: found the station name "ST 20"; allowed: 1 to 64 of A-Z a-z 0-9 . _ -, beginning
      with a letter or digit

  - ST20:
  + ST10:
  ! edge.yaml:13: ST10: found the same key twice, as in line 3; allowed: each key once

  - central: { url: "https://trace.plant1:8480", token-file: /t, ca-file: /ca }
  + central: { url: "http://trace.plant1:8480" }
  ! edge.yaml:17: central.url: found http to another PC, "http://trace.plant1:8480"; allowed: https; http reaches
      loopback alone

  - central: { url: "https://trace.plant1:8480", token-file: /t, ca-file: /ca }
  + central: { url: trace.plant1 }
  ! edge.yaml:17: central.url: found "trace.plant1"; allowed: https, a host and a port, such as
      "https://trace.plant1:8480"

  - central: { url: "https://trace.plant1:8480", token-file: /t, ca-file: /ca }
  + central: { url: "https://trace.plant1:8480/v1" }
  ! edge.yaml:17: central.url: found "https://trace.plant1:8480/v1"; allowed: https, a host and a port, such as
      "https://trace.plant1:8480"

  - central: { url: "https://trace.plant1:8480", token-file: /t, ca-file: /ca }
  + central: { url: "http://127.0.0.1:8480", ca-file: /ca }
  ! edge.yaml:17: central.url: found http with a ca-file; allowed: https, or no ca-file

  - central: { url: "https://trace.plant1:8480", token-file: /t, ca-file: /ca }
  + central: { token-file: /t }
  ! edge.yaml:17: central: found no "url"; allowed: url: "https://trace.plant1:8480"

  - central: { url: "https://trace.plant1:8480", token-file: /t, ca-file: /ca }
  + central: { url: "https://trace.plant1:8480", token: secret }
  ! edge.yaml:17: central.token: found unknown key "token"; allowed: ca-file, compress, token-file, url; did you
      mean "token-file"?

  - web: { listen: "127.0.0.1:8470" }
  + web: { listen: 8470 }
  ! edge.yaml:18: web.listen: found "8470"; allowed: an address and a port, such as "127.0.0.1:8470" or
      "[::1]:8470"

  - web: { listen: "127.0.0.1:8470" }
  + web: { listen: "127.0.0.1:84700" }
  ! edge.yaml:18: web.listen: found "127.0.0.1:84700"; allowed: an address and a port, such as "127.0.0.1:8470" or
      "[::1]:8470"

  - web: { listen: "127.0.0.1:8470" }
  + web: { listen: "0.0.0.0:8470" }
  ! edge.yaml:18: web.listen: found "0.0.0.0:8470", beyond this PC, without certificate-file, key-file,
      token-file; allowed: an address of loopback (127.0.0.1, ::1), or certificate-file, key-file, token-file as
      well

  - web: { listen: "127.0.0.1:8470" }
  + web: { listen: "0.0.0.0:8470", certificate-file: /c, key-file: /k }
  ! edge.yaml:18: web.listen: found "0.0.0.0:8470", beyond this PC, without token-file; allowed: an address of
      loopback (127.0.0.1, ::1), or certificate-file, key-file, token-file as well

  - web: { listen: "127.0.0.1:8470" }
  + web: { listen: "127.0.0.1:8470", key-file: /k }
  ! edge.yaml:18: web: found key-file without certificate-file; allowed: both, or neither

  - control: { socket: /run/lotline/edge.sock }
  + control: { socket: }
  ! edge.yaml:19: control.socket: found nothing; allowed: the path of a socket

  - control: { socket: /run/lotline/edge.sock }
  + control: { sockets: /run/lotline/edge.sock }
  ! edge.yaml:19: control.sockets: found unknown key "sockets"; allowed: socket; did you mean "socket"?

  - control: { socket: /run/lotline/edge.sock }
  + readers: { a: { token-file: /r } }
  ! edge.yaml:19: readers: found unknown key "readers"; allowed: alarm, central, control, queue, source, stations, web
  """#

/// Broken maps of a Modbus device.
let brokenPress = #"""
  - kind: modbus
  + kind: modbos
  ! devices/press.yaml:1: kind: found "modbos"; allowed: modbus, serial; did you mean "modbus"?

  - kind: modbus
  ! devices/press.yaml:1: found no "kind"; allowed: kind: modbus or serial

  - addresses: modicon
  + addresses: iec
  ! devices/press.yaml:3: addresses: found "iec"; allowed: modicon, zero-based

  - addresses: modicon
  + addresses: zero-based
  ! devices/press.yaml:12: groups.process.tags.force.at: found "40001", which counted from 1 is holding:0, and
      counted from 0 is holding:40001; allowed: holding:0, input:0, coil:0 or discrete:0 and up to 65535, and .3
      or .4..7 behind it for bits of a register
  ! devices/press.yaml:13: groups.process.tags.door.at: found "40020.3", which counted from 1 is holding:19, and
      counted from 0 is holding:40020; allowed: holding:0, input:0, coil:0 or discrete:0 and up to 65535, and .3
      or .4..7 behind it for bits of a register
  ! devices/press.yaml:16: groups.cycle.trigger.at: found "40100", which counted from 1 is holding:99, and
      counted from 0 is holding:40100; allowed: holding:0, input:0, coil:0 or discrete:0 and up to 65535, and .3
      or .4..7 behind it for bits of a register
  ! devices/press.yaml:19: groups.cycle.tags.peak.at: found "40102", which counted from 1 is holding:101, and
      counted from 0 is holding:40102; allowed: holding:0, input:0, coil:0 or discrete:0 and up to 65535, and .3
      or .4..7 behind it for bits of a register
  ! devices/press.yaml:20: groups.cycle.tags.verdict.at: found "40104", which counted from 1 is holding:103, and
      counted from 0 is holding:40104; allowed: holding:0, input:0, coil:0 or discrete:0 and up to 65535, and .3
      or .4..7 behind it for bits of a register

  - word-order: ABCD
  + word-order: ACBD
  ! devices/press.yaml:4: word-order: found "ACBD"; allowed: ABCD, CDAB, BADC, DCBA, ABCDEFGH, BADCFEHG,
      GHEFCDAB, HGFEDCBA, CDABGHEF, DCBAHGFE, EFGHABCD, FEHGBADC; did you mean "ABCD"?

  - word-order: ABCD
  + word-order: GHEFCDBA
  ! devices/press.yaml:4: word-order: found "GHEFCDBA"; allowed: ABCD, CDAB, BADC, DCBA, ABCDEFGH, BADCFEHG,
      GHEFCDAB, HGFEDCBA, CDABGHEF, DCBAHGFE, EFGHABCD, FEHGBADC; did you mean "GHEFCDAB"?

  - requests: { timeout: 1s, max-registers: 125, max-gap: 8, pause: 0ms }
  + requests: { max-registers: 126 }
  ! devices/press.yaml:5: requests.max-registers: found "126"; allowed: a whole number from 1 to 125

  - requests: { timeout: 1s, max-registers: 125, max-gap: 8, pause: 0ms }
  + requests: { timeout: 1ms }
  ! devices/press.yaml:5: requests.timeout: found "1ms"; allowed: a time such as 500ms, 1s, 5m, 12h or 30d, at
      least 10ms

  - every: 500ms
  + every: 5ms
  ! devices/press.yaml:8: groups.process.every: found "5ms"; allowed: a time such as 500ms, 1s, 5m, 12h or 30d, at
      least 10ms

  - every: 500ms
  + evry: 500ms
  ! devices/press.yaml:8: groups.process.evry: found unknown key "evry"; allowed: acknowledge, every, guard,
      heartbeat, report, tags, trigger; did you mean "every"?

  - report: change
  + report: never
  ! devices/press.yaml:9: groups.process.report: found "never"; allowed: change, always

  - report: change
  + report: always
  ! devices/press.yaml:10: groups.process.heartbeat: found "heartbeat" with report: always; allowed: leave it out:
      each poll is an event with all tags

  - force: { at: 40001, type: float32, unit: kN, deadband: 0.2, limits: [80, 120] }
  + force: { at: 40001, type: string }
  ! devices/press.yaml:12: groups.process.tags.force: found no "length"; allowed: length: its characters of one
      byte, two a register

  - force: { at: 40001, type: float32, unit: kN, deadband: 0.2, limits: [80, 120] }
  + force: { at: 40001, type: flaot32 }
  ! devices/press.yaml:12: groups.process.tags.force.type: found "flaot32"; allowed: bool, bits, int16, uint16,
      int32, uint32, int64, uint64, float32, float64, bcd16, bcd32, string; did you mean "float32"?

  - force: { at: 40001, type: float32, unit: kN, deadband: 0.2, limits: [80, 120] }
  + force: { at: 50001, type: float32 }
  ! devices/press.yaml:12: groups.process.tags.force.at: found "50001", which may be 450001 (counted from 1) or
      holding:50001 (counted from 0); allowed: 40001, 400001, 4x1 or HR1 (counted from 1; 0 or CO: coil, 1 or
      DI: discrete input, 3 or IR: input register, 4 or HR: holding register), holding:0 (counted from 0), and
      .3 or .4..7 behind it for bits of a register

  - force: { at: 40001, type: float32, unit: kN, deadband: 0.2, limits: [80, 120] }
  + force: { at: 40001, type: float32, limits: [120, 80] }
  ! devices/press.yaml:12: groups.process.tags.force.limits: found [120, 80]; allowed: two numbers, the lower
      first, such as [80, 120]

  - force: { at: 40001, type: float32, unit: kN, deadband: 0.2, limits: [80, 120] }
  + force: { at: 40001, type: float32, scale: 0 }
  ! devices/press.yaml:12: groups.process.tags.force.scale: found "0"; allowed: a number other than 0

  - force: { at: 40001, type: float32, unit: kN, deadband: 0.2, limits: [80, 120] }
  + Force: { at: 40001, type: float32 }
  ! devices/press.yaml:12: groups.process.tags.Force: found the name "Force"; allowed: 1 to 64 of a-z, 0-9 and -,
      beginning with a letter or a digit; did you mean "force"?

  - door: { at: 40020.3, type: bool }
  + door: { at: 40020.16, type: bool }
  ! devices/press.yaml:13: groups.process.tags.door.at: found "40020.16", whose bits are not 0 to 15; allowed:
      40001, 400001, 4x1 or HR1 (counted from 1; 0 or CO: coil, 1 or DI: discrete input, 3 or IR: input
      register, 4 or HR: holding register), holding:0 (counted from 0), and .3 or .4..7 behind it for bits of a
      register

  - door: { at: 40020.3, type: bool }
  + door: { at: 40020, type: bool }
  ! devices/press.yaml:13: groups.process.tags.door.at: found "40020"; allowed: for a bool one bit: 40020.0 to
      40020.15, a coil or a discrete input

  - trigger: { tag: count, at: 40100, type: uint16 }
  + trigger: { tag: count, at: 40100, type: float32 }
  ! devices/press.yaml:16: groups.cycle.trigger.type: found "float32"; allowed: a counter (uint16, uint32) or a
      bit (bool)

  - trigger: { tag: count, at: 40100, type: uint16 }
  ! devices/press.yaml:16: groups.cycle.acknowledge: found "acknowledge" without "trigger"; allowed: a trigger
      beside it: nothing else is ever acknowledged
  ! devices/press.yaml:19: groups.cycle.tags.verdict.role: found "role" in a group without a trigger; allowed:
      leave it out: only a cycle's tags have roles; others are not supported yet

  - acknowledge: { at: 40110 }
  + acknowledge: { at: 30110 }
  ! devices/press.yaml:17: groups.cycle.acknowledge.at: found "30110"; allowed: a holding register: this cannot be
      written

  - acknowledge: { at: 40110 }
  + acknowledge: { at: 40100 }
  ! devices/press.yaml:17: groups.cycle.acknowledge.at: found 40100, which is the trigger itself (line 16); allowed:
      another register than the trigger

  - verdict: { at: 40104, type: uint16, role: result, values: { 1: pass, 2: fail } }
  + verdict: { at: 40104, type: uint16, role: result }
  ! devices/press.yaml:20: groups.cycle.tags.verdict.role: found role: result without values that say pass or
      fail; allowed: values such as { 1: pass, 2: fail } beside it, or a bool (true: pass)

  - verdict: { at: 40104, type: uint16, role: result, values: { 1: pass, 2: fail } }
  + verdict: { at: 40104, type: uint16, role: verdict }
  ! devices/press.yaml:20: groups.cycle.tags.verdict.role: found "verdict"; allowed: result, operator, lot, unit,
      product, material, component, order, carrier

  - verdict: { at: 40104, type: uint16, role: result, values: { 1: pass, 2: fail } }
  + verdict: { at: 40400, type: uint16 }
  ! devices/press.yaml:19: groups.cycle.tags: found 299 registers from the first to the last holding tag; allowed:
      at most 125, so that one request reads the whole block of a cycle; or name the tag that guards a larger
      block: guard: TAG beside the trigger
  """#

/// Broken maps of a scanner.
let brokenGun = #"""
  - line: 9600 8N1
  + line: 9601 8N1
  ! devices/gun.yaml:3: line: found "9601" baud; allowed: a usual speed such as 1200, 9600, 115200, or any other
      from 50 to 4000000; did you mean "9600"?

  - frame: { end: "\r" }
  + frame: { length: 12.5 }
  ! devices/gun.yaml:4: frame.length: found "12.5"; allowed: a whole number from 1 to 4096

  - frame: { end: "\r" }
  ! devices/gun.yaml:1: found no "frame"; allowed: frame: what ends a frame, such as { end: "\r" }

  - acknowledge: { accepted: "\x06", refused: "\x15" }
  + acknowledge: { accepted: "\x06", refused: "\x06" }
  ! devices/gun.yaml:5: acknowledge: found "\x06" for both accepted and refused; allowed: different bytes, so that
      the operator can tell them apart

  - aim: true
  + aim: yes
  ! devices/gun.yaml:6: aim: found "yes"; allowed: true or false; did you mean "true"?

  - - { match: "^OP-(?<operator>[0-9]{4})$" }
  + - { match: "^OP-(?<operater>[0-9]{4})$" }
  ! devices/gun.yaml:8: codes[0].match: found unknown role "operater"; allowed: operator, lot, unit, product,
      material, component, order, carrier, command, no-read; did you mean "operator"?

  - - { match: "^OP-(?<operator>[0-9]{4})$" }
  + - { match: "^OP-(?<operator>[0-9]{4}$" }
  ! devices/gun.yaml:8: codes[0].match: found "(" without its ")" at character 5 of the pattern; allowed: a
      closing )

  - - { match: "^OP-(?<operator>[0-9]{4})$" }
  + - { gs1: { unit: "17" } }
  ! devices/gun.yaml:8: codes[0].gs1.unit: found (17), USE BY or EXPIRY, which names no unit; allowed: 00 (SSCC), 21
      (SERIAL), 235 (TPX), 250 (SECONDARY SERIAL), 7023 (GIAI - ASSEMBLY), 8002 (CMT No.), 8003 (GRAI), 8004 (GIAI),
      8011 (CPID SERIAL), 8040 (IMEI), 8041 (IMEI2), 8042 (ESIM), …, 90 to 99 (INTERNAL)

  - - { match: "^C-(?<material>[0-9]+)$", as: coil }
  + - { match: "^C-(?<material>[0-9]+)$", as: lot }
  ! devices/gun.yaml:9: codes[1].as: found the role "lot" as a place; allowed: a name that is not a role's, such
      as coil

  - - { match: "^C-(?<material>[0-9]+)$", as: coil }
  + - { mh10: { material: "16D" }, as: coil }
  ! devices/gun.yaml:9: codes[1].mh10.material: found 16D, production date, which names no material; allowed: 1B
      (returnable container), 2B (gas cylinder), 7B (container serial number (ISO 6346)), I (vehicle identification
      number), 2I (abbreviated vehicle identification number), 5I (production vehicle), J (license plate), 1J (license
      plate, unbreakable unit), 2J (license plate, several packages), 3J (license plate, unbreakable unit, with EDI), 4J
      (license plate, several packages, with EDI), 5J (license plate, mixed transport unit), …
  """#
