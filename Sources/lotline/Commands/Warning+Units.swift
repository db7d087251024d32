import Devices

extension Warning {
  /// Units that are not in UCUM as they stand, or mean another one there, each with how UCUM writes it.
  ///
  /// Only what is met in manuals and lists; what is not here is taken as it is, since any text may be a unit. UCUM: the
  /// Unified Code for Units of Measure, case sensitive form.
  private static let writtenInUCUM: [String: String] = [
    "°C": "Cel", "℃": "Cel", "degC": "Cel", "C": "Cel", "°F": "[degF]", "degF": "[degF]", "°": "deg", "Nm": "N.m",
    "kNm": "kN.m", "cNm": "cN.m", "mNm": "mN.m", "rpm": "{rev}/min", "RPM": "{rev}/min", "U/min": "{rev}/min",
    "Wh": "W.h", "kWh": "kW.h", "MWh": "MW.h", "VA": "V.A", "kVA": "kV.A", "Ah": "A.h", "mAh": "mA.h", "sec": "s",
    "hr": "h", "hrs": "h", "pcs": "{pcs}", "Ω": "Ohm", "kΩ": "kOhm", "MΩ": "MOhm", "µm": "um", "μm": "um", "µs": "us",
    "μs": "us", "psi": "[psi]", "in": "[in_i]", "inch": "[in_i]", "ft": "[ft_i]", "lbf": "[lbf_av]", "ppm": "[ppm]",
    "Kg": "kg", "KG": "kg", "KN": "kN", "KW": "kW", "Volt": "V", "Amp": "A", "Bar": "bar", "BAR": "bar", "m³": "m3",
    "m³/h": "m3/h", "m²": "m2", "mm²": "mm2", "cm³": "cm3", "cc": "cm3", "N/mm²": "N/mm2", "m/s²": "m/s2",
  ]

  /// Tags whose unit other programs will not understand, since events give it as UCUM.
  static func units(of map: ModbusMap, in lines: MapLines) -> [Warning] {
    map.groups.flatMap { group in
      group.tags.compactMap { tag in
        guard let unit = tag.unit, let written = writtenInUCUM[unit] else { return nil }
        let other = unit == "C" ? " (C is the coulomb)" : ""
        return lines.warning(
          ["groups", group.name, "tags", tag.name, "unit"],
          "\"\(unit)\" is \"\(written)\" in UCUM\(other), as which units are read: write unit: \(quoted(written))")
      }
    }
  }

  private static func quoted(_ unit: String) -> String {
    unit.contains { "[]{}%".contains($0) } ? "\"\(unit)\"" : unit
  }
}
