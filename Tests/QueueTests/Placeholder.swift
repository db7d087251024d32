import Testing

@Test func placeholderQueue() {}
