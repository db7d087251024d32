enum PlaceholderForward {}
