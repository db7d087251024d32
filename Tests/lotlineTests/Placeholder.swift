import Testing

@Test func placeholderLotline() {}
