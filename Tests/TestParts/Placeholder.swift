enum PlaceholderParts {}
