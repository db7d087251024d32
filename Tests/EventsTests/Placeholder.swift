import Testing

@Test func placeholderEvents() {}
