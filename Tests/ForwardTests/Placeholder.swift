import Testing

@Test func placeholderForward() {}
