import Testing

@Test func placeholderStations() {}
